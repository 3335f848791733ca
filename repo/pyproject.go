package repo

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Pyproject is what the pyproject.toml of one folder says to installers.
type Pyproject struct {
	Dir, File string
	Builds    bool     // it has a [build-system]: the project is a package
	Backend   string   // the build backend, "" for setuptools' old way
	Dynamic   []string // fields of [project] that only the build knows
	Scripts   []string // console scripts, sorted
	Err       error    // the file cannot be read

	repo *Repo
	doc  map[string]any
}

// Pyproject returns the facts about the pyproject.toml in folder dir (a path as
// in Exists); nil when there is none.
//
// Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/
func (r *Repo) Pyproject(dir string) *Pyproject {
	dir, ok := clean(dir)
	if !ok {
		return nil
	}
	return r.facts.pyproject.get(dir, func() *Pyproject {
		file := path.Join(dir, "pyproject.toml")
		if !r.isFile(file) {
			return nil
		}
		p := &Pyproject{Dir: dir, File: file, repo: r}
		if _, p.doc = r.toml(file); p.doc == nil {
			p.Err = fmt.Errorf("%s cannot be read", file)
			return p
		}
		p.Builds = dig(p.doc, "build-system") != nil
		p.Backend = str(dig(p.doc, "build-system", "build-backend"))
		for _, table := range [][]string{{"project", "scripts"}, {"tool", "poetry", "scripts"}} {
			if m, ok := dig(p.doc, table...).(map[string]any); ok {
				p.Scripts = append(p.Scripts, slices.Sorted(maps.Keys(m))...)
			}
		}
		p.Dynamic = stringList(dig(p.doc, "project", "dynamic"))
		return p
	})
}

// PythonBuild is what "pip install DIR" and the like read to build a project.
// That it reads the code is always so; Files are those it reads by name.
type PythonBuild struct {
	Files  []string // context-relative, missing ones included
	Code   string   // what else, in words: the packages, a version from git
	Git    bool     // its version comes from git
	Config string   // the file that declares the project, "" when there is none
}

// PythonBuild returns what a build of the project in folder dir reads.
//
// Sources: the pyproject.toml specification (readme, license, license-files);
// https://setuptools.pypa.io/en/latest/userguide/declarative_config.html
// (attr: and file:); https://python-poetry.org/docs/pyproject/ (readme, packages, include);
// https://hatch.pypa.io/latest/version/ (path).
func (r *Repo) PythonBuild(dir string) *PythonBuild {
	b := &PythonBuild{Code: "the project's packages"}
	add := func(names ...string) {
		for _, n := range names {
			if f := path.Join(dir, n); n != "" && !slices.Contains(b.Files, f) {
				b.Files = append(b.Files, f)
			}
		}
	}
	for _, f := range []string{"pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in"} {
		if r.isFile(path.Join(dir, f)) {
			add(f)
			if b.Config == "" {
				b.Config = path.Join(dir, f)
			}
		}
	}
	if p := r.Pyproject(dir); p != nil && p.Err == nil {
		for _, key := range [][]string{{"project", "readme"}, {"project", "license"}, {"tool", "poetry", "readme"}, {"tool", "setuptools", "dynamic", "version"}, {"tool", "setuptools", "dynamic", "readme"}, {"tool", "setuptools", "dynamic", "dependencies"}} {
			v := dig(p.doc, key...)
			if m, ok := v.(map[string]any); ok {
				if a := str(m["attr"]); a != "" {
					b.Code = "the code that sets " + a
				}
				v = m["file"]
			} else if key[1] == "license" {
				v = nil // an expression
			}
			add(stringList(v)...)
		}
		add(stringList(dig(p.doc, "project", "license-files"))...)
		add(str(dig(p.doc, "tool", "hatch", "version", "path")))
	}
	for _, f := range b.Files[:len(b.Files):len(b.Files)] {
		src, err := r.ReadFile(f)
		if err != nil {
			continue
		}
		if path.Base(f) == "setup.cfg" {
			cfgFiles(src, add)
		}
		for _, word := range gitVersions {
			b.Git = b.Git || bytes.Contains(src, []byte(word))
		}
	}
	return b
}

// gitVersions are tools that take a project's version from git.
var gitVersions = []string{"setuptools_scm", "setuptools-scm", "hatch-vcs", "versioneer", "versioningit", "poetry-dynamic-versioning", "dunamai", "flit_scm", "miniver", "pbr"}

// cfgFiles finds what setup.cfg names by "file: A, B" and "license_files = A".
func cfgFiles(src []byte, add func(...string)) {
	for _, l := range lines(src) {
		key, value, ok := strings.Cut(l, "=")
		if !ok {
			continue
		}
		list, isFile := strings.CutPrefix(strings.TrimSpace(value), "file:")
		if k := strings.TrimSpace(key); !isFile && k != "license_files" && k != "license_file" {
			continue
		}
		for f := range strings.SplitSeq(list, ",") {
			add(strings.TrimSpace(f))
		}
	}
}

// poetryTables lists the dependency tables that Poetry reads.
func (p *Pyproject) poetryTables() []any {
	out := []any{dig(p.doc, "tool", "poetry", "dependencies"), dig(p.doc, "tool", "poetry", "dev-dependencies")}
	groups, _ := dig(p.doc, "tool", "poetry", "group").(map[string]any)
	for _, g := range groups {
		if m, ok := g.(map[string]any); ok {
			out = append(out, m["dependencies"])
		}
	}
	return out
}

// localTable names the first entry of a dependency table (or of uv's sources)
// that is on disk; the value is a table or several of them.
func localTable(table any) string {
	m := asTable(table)
	for _, name := range sortedKeys(m) {
		list, ok := m[name].([]any)
		if !ok {
			list = []any{m[name]}
		}
		for _, e := range list {
			t, _ := e.(map[string]any)
			for _, key := range []string{"path", "file"} {
				if v := str(t[key]); v != "" {
					return name + ": " + short(v)
				}
			}
			if u := str(t["url"]); strings.HasPrefix(strings.ToLower(u), "file:") {
				return name + ": " + short(u)
			}
		}
	}
	return ""
}

// standardLocal names the first requirement of [project] and of
// [dependency-groups] that is on disk ("x @ file:///x").
func (p *Pyproject) standardLocal() string {
	lists := []any{dig(p.doc, "project", "dependencies")}
	for _, key := range [][]string{{"project", "optional-dependencies"}, {"dependency-groups"}} {
		m, _ := dig(p.doc, key...).(map[string]any)
		for _, l := range m {
			lists = append(lists, l)
		}
	}
	for _, l := range lists {
		for _, s := range stringList(l) {
			if strings.Contains(strings.ToLower(s), "file:") || strings.Contains(s, "@ .") {
				return short(s)
			}
		}
	}
	return ""
}

// has returns the file's path when it is in folder dir.
func (r *Repo) has(dir string, names ...string) (out []string) {
	for _, n := range names {
		if f := path.Join(dir, n); r.isFile(f) {
			out = append(out, f)
		}
	}
	return out
}
