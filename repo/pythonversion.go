package repo

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// PythonVersion is PythonVersionIn at the context's root.
func (r *Repo) PythonVersion() Version { return r.PythonVersionIn(".") }

// PythonVersionIn returns the Python version that the project in dir asks for.
// The first of .python-version, runtime.txt, pyproject.toml (requires-python,
// then tool.poetry.dependencies.python), Pipfile and .tool-versions that names
// one version wins; failing that, the first range. A range that allows one
// minor version alone (">=3.11,<3.12", "~=3.11.2", "==3.11.*") gives it as
// Value, with the range kept in Constraint.
func (r *Repo) PythonVersionIn(dir string) Version {
	dir, ok := clean(dir)
	if !ok {
		return Version{}
	}
	return r.facts.python.get(dir, func() Version {
		return firstVersion(
			func() Version { return r.pythonVersionFile(path.Join(dir, ".python-version")) },
			func() Version { return r.pythonRuntime(path.Join(dir, "runtime.txt")) },
			func() Version { return r.pyproject(path.Join(dir, "pyproject.toml")) },
			func() Version { return r.pipfile(path.Join(dir, "Pipfile")) },
			func() Version { return r.toolVersions(dir, "python") },
		)
	})
}

// pythonVersionFile: pyenv's file; "cpython-3.12" and "cpython@3.12" are uv's
// spellings. Names of virtual environments and other interpreters say nothing.
func (r *Repo) pythonVersionFile(file string) Version {
	s, line := r.firstLine(file)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "cpython-"), "cpython@")
	if !plainVersion.MatchString(s) {
		return Version{}
	}
	return Version{Value: s, File: file, Line: line}
}

func (r *Repo) pythonRuntime(file string) Version {
	s, line := r.firstLine(file)
	s, ok := strings.CutPrefix(s, "python-")
	if !ok || !plainVersion.MatchString(s) {
		return Version{}
	}
	return Version{Value: s, File: file, Line: line}
}

func (r *Repo) pyproject(file string) Version {
	src, doc := r.toml(file)
	if s, ok := dig(doc, "project", "requires-python").(string); ok && s != "" {
		return pythonRange(s, file, keyLine(src, "project", "requires-python"), false)
	}
	if s, ok := dig(doc, "tool", "poetry", "dependencies", "python").(string); ok && s != "" {
		return pythonRange(s, file, keyLine(src, "tool.poetry.dependencies", "python"), true)
	}
	return Version{}
}

func (r *Repo) pipfile(file string) Version {
	src, doc := r.toml(file)
	for _, key := range []string{"python_full_version", "python_version"} {
		if s, ok := dig(doc, "requires", key).(string); ok && plainVersion.MatchString(s) {
			return Version{Value: s, File: file, Line: keyLine(src, "requires", key)}
		}
	}
	return Version{}
}

var (
	onePython  = lazy(`^(?:===?)?\s*(\d+\.\d+(?:\.\d+)?)(?:\.\*)?$`)
	tildeThree = lazy(`^~=\s*(\d+\.\d+)\.\d+$`)
	tildePoet  = lazy(`^~\s*(\d+\.\d+)(?:\.\d+)?$`)
	fromTo     = lazy(`^>=?\s*(\d+)\.(\d+)(?:\.\d+)?\s*,\s*<\s*(\d+)\.(\d+)(?:\.0)?$`)
)

// pythonRange reads a PEP 440 specifier, or a Poetry one when poetry is true.
func pythonRange(s, file string, line int, poetry bool) Version {
	v := Version{Constraint: strings.TrimSpace(s), File: file, Line: line}
	c := v.Constraint
	if m := onePython.FindStringSubmatch(c); m != nil && (poetry || strings.HasPrefix(c, "=")) {
		v.Value = m[1]
		if !strings.HasSuffix(c, "*") {
			v.Constraint = ""
		}
	} else if m := tildeThree.FindStringSubmatch(c); m != nil {
		v.Value = m[1]
	} else if m := tildePoet.FindStringSubmatch(c); m != nil && poetry {
		v.Value = m[1]
	} else if m := fromTo.FindStringSubmatch(c); m != nil && m[1] == m[3] {
		lo, err1 := strconv.Atoi(m[2])
		hi, err2 := strconv.Atoi(m[4])
		if err1 == nil && err2 == nil && hi == lo+1 {
			v.Value = m[1] + "." + m[2]
		}
	}
	return v
}

// toml reads a TOML file; the document is nil when it is missing or malformed.
func (r *Repo) toml(file string) (src []byte, doc map[string]any) {
	if !r.isFile(file) {
		return nil, nil
	}
	src, err := r.ReadFile(file)
	if err != nil {
		return nil, nil
	}
	if err := guard(func() error { return toml.Unmarshal([]byte(text(src)), &doc) }); err != nil {
		return src, nil
	}
	return src, doc
}

// asTable is a table of a TOML, YAML or JSON document, nil for anything else.
func asTable(v any) map[string]any {
	t, _ := v.(map[string]any)
	return t
}

// sortedKeys are the keys of a table in order.
func sortedKeys(t map[string]any) []string { return slices.Sorted(maps.Keys(t)) }

// dig follows keys through nested tables; nil when one is missing.
func dig(doc map[string]any, keys ...string) any {
	var v any = doc
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}
