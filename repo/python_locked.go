package repo

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// PythonLocked lists what the lock file of a Python project installs: those that
// the project needs when it runs or, with dev, all of them. ok is false where
// there is no lock file that can be read; the list then holds what the manifest
// names itself. Spec is "name==version" where a lock says the version.
//
// Sources: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile,
// poetry's packages/locker.py, https://pipenv.pypa.io/en/latest/pipfile.html.
func (r *Repo) PythonLocked(file string, dev bool) (out []Package, ok bool) {
	dir := path.Dir(file)
	src, err := r.ReadFile(file)
	if err != nil {
		return r.declaredPython(dir, dev), false
	}
	if path.Base(file) == "Pipfile.lock" {
		return pipfileLocked(file, src, dev)
	}
	var lock struct {
		Package []struct {
			Name         string
			Version      string
			Dependencies any
		}
	}
	if toml.Unmarshal(src, &lock) != nil {
		return r.declaredPython(dir, dev), false
	}
	needs, versions := map[string][]string{}, map[string]string{}
	var queue []string
	for _, p := range lock.Package {
		name := normalName(p.Name)
		versions[name] = p.Version
		switch d := p.Dependencies.(type) {
		case map[string]any: // poetry: a table by name
			for n := range d {
				needs[name] = append(needs[name], normalName(n))
			}
		case []any: // uv: tables with a name
			for _, e := range d {
				needs[name] = append(needs[name], normalName(str(asTable(e)["name"])))
			}
		}
		if dev {
			queue = append(queue, name)
		}
	}
	for _, p := range r.declaredPython(dir, dev) {
		queue = append(queue, p.Name)
	}
	seen := map[string]bool{}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if v, locked := versions[n]; locked && !seen[n] {
			seen[n] = true
			queue = append(queue, needs[n]...)
			out = append(out, Package{Name: n, Spec: n + "==" + v, File: file, Line: lockedLine(src, n)})
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return out, true
}

// lockedLine is the line of an entry's name.
func lockedLine(src []byte, name string) int {
	if at := bytes.Index(src, []byte("name = \""+name+"\"")); at >= 0 {
		return bytes.Count(src[:at], []byte("\n")) + 1
	}
	return 1
}

func pipfileLocked(file string, src []byte, dev bool) (out []Package, ok bool) {
	var lock map[string]map[string]struct {
		Version string
		Extras  []string
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(src, &raw) != nil {
		return nil, false
	}
	delete(raw, "_meta")
	rest, _ := json.Marshal(raw)
	if json.Unmarshal(rest, &lock) != nil {
		return nil, false
	}
	for section, table := range lock {
		if section == "develop" && !dev {
			continue
		}
		for n, p := range table {
			line := 1
			if at := bytes.Index(src, []byte("\""+n+"\"")); at >= 0 {
				line += bytes.Count(src[:at], []byte("\n"))
			}
			out = append(out, Package{Name: normalName(n), Extras: p.Extras, Spec: n + p.Version, File: file, Line: line})
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return out, true
}

var requirementName = lazy(`^\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?`)

// development are names that groups for the developers alone have.
var development = map[string]bool{"dev": true, "test": true, "tests": true, "lint": true, "docs": true, "doc": true, "typing": true}

// declaredPython lists what pyproject.toml and Pipfile of a folder ask for by
// name, without versions that a lock would say.
func (r *Repo) declaredPython(dir string, dev bool) (out []Package) {
	add := func(file, spec string) {
		m := requirementName.FindStringSubmatch(spec)
		if m == nil || strings.EqualFold(m[1], "python") {
			return
		}
		p := Package{Name: normalName(m[1]), Spec: spec, File: file, Line: 1}
		for _, e := range strings.Split(m[2], ",") {
			if e = strings.TrimSpace(e); e != "" {
				p.Extras = append(p.Extras, normalName(e))
			}
		}
		if src, err := r.ReadFile(file); err == nil {
			if at := bytes.Index(src, []byte(m[1])); at >= 0 {
				p.Line += bytes.Count(src[:at], []byte("\n"))
			}
		}
		out = append(out, p)
	}
	table := func(file string, v any) {
		m, _ := v.(map[string]any)
		for n, spec := range m {
			extras := strings.Join(stringList(asTable(spec)["extras"]), ",")
			if extras != "" {
				extras = "[" + extras + "]"
			}
			s := str(spec)
			if s == "" {
				s = str(asTable(spec)["version"])
			}
			if s = strings.TrimPrefix(s, "*"); s != "" && s[0] >= '0' && s[0] <= '9' {
				s = "==" + s // Poetry's exact version
			}
			add(file, n+extras+s)
		}
	}
	if p := r.Pyproject(dir); p != nil && p.Err == nil {
		lists := []any{dig(p.doc, "project", "dependencies")}
		if m, _ := dig(p.doc, "project", "optional-dependencies").(map[string]any); m != nil {
			for _, l := range m {
				lists = append(lists, l)
			}
		}
		if m, _ := dig(p.doc, "dependency-groups").(map[string]any); m != nil && dev {
			for _, l := range m {
				lists = append(lists, l)
			}
		}
		for _, l := range lists {
			for _, s := range stringList(l) {
				add(p.File, s)
			}
		}
		tables := []any{dig(p.doc, "tool", "poetry", "dependencies")}
		groups, _ := dig(p.doc, "tool", "poetry", "group").(map[string]any)
		for n, g := range groups {
			if !development[n] {
				tables = append(tables, asTable(g)["dependencies"])
			}
		}
		if dev {
			tables = p.poetryTables()
		}
		for _, t := range tables {
			table(p.File, t)
		}
	}
	if pipfile := path.Join(dir, "Pipfile"); r.isFile(pipfile) {
		if _, doc := r.toml(pipfile); doc != nil {
			table(pipfile, doc["packages"])
			if dev {
				table(pipfile, doc["dev-packages"])
			}
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return out
}
