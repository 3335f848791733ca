package repo

import (
	"bytes"
	"encoding/json"
	"path"
)

// Pipenv is what "pipenv install" and "pipenv sync" read in one folder.
type Pipenv struct {
	Files   []string // all they read; exact unless Unknown
	Lock    string   // Pipfile.lock, "" when there is none
	Unknown string   // why more than Files may be read
}

// Pipenv returns the facts about the Pipfile in folder dir (a path as in
// Exists); nil when there is none.
//
// Source: https://pipenv.pypa.io/en/latest/pipfile.html; the lock file's format
// is https://github.com/pypa/pipfile.
func (r *Repo) Pipenv(dir string) *Pipenv {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "Pipfile")) {
		return nil
	}
	return r.facts.pipenv.get(dir, func() *Pipenv {
		p := &Pipenv{Files: r.has(dir, "Pipfile", "Pipfile.lock")}
		if len(p.Files) > 1 {
			p.Lock = p.Files[1]
		}
		p.Unknown = p.needsMore(r)
		return p
	})
}

func (p *Pipenv) needsMore(r *Repo) string {
	_, doc := r.toml(p.Files[0])
	if doc == nil {
		return p.Files[0] + " cannot be read"
	}
	for section, table := range doc {
		if section == "requires" || section == "scripts" || section == "pipenv" || section == "source" {
			continue
		}
		if why := pipfileTable(table); why != "" {
			return p.Files[0] + " depends on " + why
		}
	}
	if p.Lock == "" {
		return ""
	}
	src, err := r.ReadFile(p.Lock)
	if err != nil {
		return p.Lock + " cannot be read"
	}
	if !bytes.Contains(src, []byte(`"path"`)) && !bytes.Contains(src, []byte(`"file"`)) && !bytes.Contains(src, []byte(`"editable"`)) {
		return ""
	}
	var lock map[string]any
	if json.Unmarshal(src, &lock) != nil {
		return p.Lock + " cannot be read"
	}
	for section, table := range lock {
		if section == "_meta" {
			continue
		}
		if why := pipfileTable(table); why != "" {
			return p.Lock + " locks " + why
		}
	}
	return ""
}

// pipfileTable: entries of a table of packages that are on disk, or are checked
// out beside the Pipfile.
func pipfileTable(table any) string {
	if l := localTable(table); l != "" {
		return "a local path, " + l
	}
	m, _ := table.(map[string]any)
	for name, v := range m {
		if t, ok := v.(map[string]any); ok && t["editable"] == true {
			return "an editable package, " + name
		}
	}
	return ""
}
