package repo

import (
	"bytes"
	"path"
)

// Poetry is what "poetry install" reads in one folder.
type Poetry struct {
	Files   []string // all it reads to install the dependencies; exact unless Unknown
	Lock    string   // poetry.lock, "" when there is none
	Package bool     // without --no-root it installs the project too
	// InProject: virtualenvs.in-project as poetry.toml sets it, "" when it doesn't.
	InProject string
	Unknown   string // why more than Files may be read
}

// Poetry returns the facts about the Poetry project in folder dir; nil when
// there is no pyproject.toml.
//
// Sources: https://python-poetry.org/docs/cli/#install,
// https://python-poetry.org/docs/configuration/, and poetry's
// utils/env/env_manager.py; the license file is read by poetry-core's factory.py.
func (r *Repo) Poetry(dir string) *Poetry {
	p := r.Pyproject(dir)
	if p == nil {
		return nil
	}
	q := &Poetry{Files: append([]string{p.File}, r.has(dir, "poetry.lock", "poetry.toml")...), Package: true}
	if p.Err != nil {
		q.Unknown = p.Err.Error()
		return q
	}
	if l := r.has(dir, "poetry.lock"); l != nil {
		q.Lock = l[0]
	}
	if dig(p.doc, "tool", "poetry", "package-mode") == false {
		q.Package = false
	}
	if f := str(dig(p.doc, "project", "license", "file")); f != "" {
		q.Files = append(q.Files, r.has(dir, f)...)
	}
	q.Unknown = q.needsMore(r, p)
	return q
}

func (q *Poetry) needsMore(r *Repo, p *Pyproject) string {
	for _, t := range p.poetryTables() {
		if l := localTable(t); l != "" {
			return p.File + " depends on a local path, " + l
		}
	}
	if l := p.standardLocal(); l != "" {
		return p.File + " depends on a local path, " + l
	}
	if dig(p.doc, "tool", "poetry", "requires-plugins") != nil {
		return p.File + " asks for plugins of Poetry, which may read anything"
	}
	if dig(p.doc, "tool", "poetry-dynamic-versioning") != nil {
		return "poetry-dynamic-versioning takes the version from git"
	}
	if q.Lock != "" {
		src, err := r.ReadFile(q.Lock)
		if err != nil {
			return q.Lock + " cannot be read"
		}
		for _, s := range []string{`type = "directory"`, `type = "file"`} {
			if bytes.Contains(src, []byte(s)) {
				return q.Lock + " locks a local path"
			}
		}
	}
	return q.settings(r, path.Join(p.Dir, "poetry.toml"))
}

// settings reads poetry.toml: keys that move what is written are refused.
func (q *Poetry) settings(r *Repo, file string) string {
	if !r.isFile(file) {
		return ""
	}
	_, doc := r.toml(file)
	if doc == nil {
		return file + " cannot be read"
	}
	for key, v := range doc {
		m, _ := v.(map[string]any)
		switch key {
		case "installer", "repositories", "http-basic", "certificates", "solver":
		case "virtualenvs":
			for k, v := range m {
				switch k {
				case "create", "options", "prefer-active-python", "use-poetry-python", "prompt":
				case "in-project":
					q.InProject = "false"
					if v == true {
						q.InProject = "true"
					}
				default:
					return file + " sets virtualenvs." + k
				}
			}
		default:
			return file + " sets " + key
		}
	}
	return ""
}
