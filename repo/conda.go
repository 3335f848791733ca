package repo

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// CondaEnv is what "conda env create -f FILE" and the like read.
type CondaEnv struct {
	Files   []string // FILE, and the requirements that its pip section includes
	Unknown string   // why more than Files may be read
}

// CondaEnv reads an environment file (a path as in Exists). Its pip section is
// a requirements file that conda writes beside it, so that includes are found
// from its folder.
//
// Sources: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html,
// conda's env/installers/pip.py.
func (r *Repo) CondaEnv(file string) *CondaEnv {
	name, ok := clean(file)
	if !ok || !r.isFile(name) {
		return &CondaEnv{Unknown: file + " is not in the build context"}
	}
	return r.facts.conda.get(name, func() *CondaEnv {
		c := &CondaEnv{Files: []string{name}}
		src, err := r.ReadFile(name)
		var doc struct {
			Dependencies []any `yaml:"dependencies"`
		}
		if err == nil {
			err = guard(func() error { return yaml.Unmarshal([]byte(text(src)), &doc) })
		}
		if err != nil {
			c.Unknown = name + " cannot be read"
			return c
		}
		for _, d := range doc.Dependencies {
			switch d := d.(type) {
			case string:
				if strings.Contains(d, "/") && !strings.Contains(d, "::") || strings.HasPrefix(d, ".") || strings.HasPrefix(d, "file:") {
					setOnce(&c.Unknown, name+" asks for "+short(d))
				}
			case map[string]any:
				for key, list := range d {
					if key == "pip" {
						c.pip(r, stringList(list))
					} else if !strings.HasPrefix(key, "sel(") {
						setOnce(&c.Unknown, name+" has a section "+short(key))
					}
				}
			default:
				setOnce(&c.Unknown, name+" isn't an environment that conda understands")
			}
		}
		return c
	})
}

// pip reads the lines of the pip section.
func (c *CondaEnv) pip(r *Repo, reqs []string) {
	file := c.Files[0]
	q := &reqReader{repo: r, out: &Requirements{}, done: map[string]bool{}, open: map[string]bool{}}
	for i, l := range joinRequirementLines(reqs) {
		q.line(file, i+1, l.s, false)
	}
	c.Files = append(c.Files, q.out.Files...)
	switch {
	case q.out.Unknown != "":
		setOnce(&c.Unknown, q.out.Unknown)
	case len(q.out.Local) > 0:
		setOnce(&c.Unknown, file+" names the local path "+q.out.Local[0])
	case q.out.EditableVCS() != "":
		setOnce(&c.Unknown, file+" checks out "+q.out.EditableVCS()+" beside it")
	}
}

// EditableVCS is the first editable requirement that pip checks out into a
// folder src, "" for none.
func (q *Requirements) EditableVCS() string {
	for _, p := range q.Packages {
		if url, ok := strings.CutPrefix(p.Spec, "-e "); ok {
			return url
		}
	}
	return ""
}
