package repo

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// condaFile is an environment file, or a lock file of conda-lock.
type condaFile struct {
	Name         string      `yaml:"name"`
	Variables    yaml.Node   `yaml:"variables"`
	Dependencies []yaml.Node `yaml:"dependencies"`
	Package      []struct {
		Name    yaml.Node `yaml:"name"`
		Manager string    `yaml:"manager"`
	} `yaml:"package"`
}

// CondaAsks is what a file asks an environment to hold.
type CondaAsks struct {
	Name      string    // of the environment, "" where the file names none
	Variables bool      // it has variables, which activation sets
	Packages  []Package // conda's, Name as conda says it; those of pip are Pip's
	Pip       []Package
	Unknown   string // why more may be read, or what of it drydock doesn't understand
}

// CondaAsks reads a file (a path as in Exists) that conda create, conda env create,
// micromamba install or conda-lock install are given: an environment, a lock file of
// conda-lock, or a list of specifications or of URLs (@EXPLICIT).
//
// Sources: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html,
// https://conda.github.io/conda-lock/output/.
func (r *Repo) CondaAsks(file string) *CondaAsks {
	name, ok := clean(file)
	if !ok || !r.isFile(name) {
		return &CondaAsks{Unknown: file + " is not in the build context"}
	}
	a := &CondaAsks{}
	src, err := r.ReadFile(name)
	if err != nil {
		a.Unknown = name + " cannot be read"
		return a
	}
	body := text(src)
	if e := path.Ext(name); e != ".yml" && e != ".yaml" && !strings.Contains(body, "\ndependencies:") && !strings.HasPrefix(body, "dependencies:") {
		a.list(name, body)
		return a
	}
	var doc condaFile
	if err := guard(func() error { return yaml.Unmarshal([]byte(body), &doc) }); err != nil {
		a.Unknown = name + " cannot be read"
		return a
	}
	a.Name, a.Variables = doc.Name, !doc.Variables.IsZero()
	for _, p := range doc.Package {
		q := Package{Name: strings.ToLower(p.Name.Value), Spec: p.Name.Value, File: name, Line: p.Name.Line}
		if p.Manager == "pip" {
			q.Name = normalName(q.Name)
			a.Pip = append(a.Pip, q)
		} else {
			a.Packages = append(a.Packages, q)
		}
	}
	for _, d := range doc.Dependencies {
		switch {
		case d.Kind == yaml.ScalarNode:
			a.Packages = append(a.Packages, condaSpec(d.Value, name, d.Line))
		case d.Kind == yaml.MappingNode && len(d.Content) == 2 && d.Content[0].Value == "pip" && d.Content[1].Kind == yaml.SequenceNode:
			a.pip(r, name, d.Content[1])
		case d.Kind == yaml.MappingNode && len(d.Content) == 2 && d.Content[0].Value == "pip" && d.Content[1].Tag == "!!null":
		default:
			setOnce(&a.Unknown, name+" has a dependency that drydock doesn't understand")
		}
	}
	if len(doc.Dependencies) == 0 && len(doc.Package) == 0 {
		setOnce(&a.Unknown, name+" names no packages")
	}
	setOnce(&a.Unknown, r.CondaEnv(name).Unknown)
	return a
}

// pip reads the pip section.
func (a *CondaAsks) pip(r *Repo, file string, list *yaml.Node) {
	var lines []string
	for _, n := range list.Content {
		lines = append(lines, n.Value)
	}
	q := &reqReader{repo: r, out: &Requirements{}, done: map[string]bool{}, open: map[string]bool{}}
	for _, l := range joinRequirementLines(lines) {
		q.line(file, list.Content[l.n-1].Line, l.s, false)
	}
	a.Pip = append(a.Pip, q.out.Packages...)
	if len(q.out.VCS) > 0 {
		for _, v := range q.out.VCS {
			if strings.Contains(v, "ssh") || strings.Contains(v, "git@") {
				setOnce(&a.Unknown, file+" fetches over ssh")
			}
		}
	}
}

// list reads lines of specifications, or of URLs.
func (a *CondaAsks) list(file, body string) {
	for i, l := range strings.Split(body, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "@") {
			continue
		}
		if strings.Contains(l, "://") { // …/NAME-VERSION-BUILD.conda#md5
			l, _, _ = strings.Cut(l, "#")
			parts := strings.Split(path.Base(l), "-")
			if len(parts) < 3 {
				setOnce(&a.Unknown, file+" has a line that drydock doesn't understand")
				continue
			}
			n := strings.Join(parts[:len(parts)-2], "-")
			a.Packages = append(a.Packages, Package{Name: strings.ToLower(n), Spec: l, File: file, Line: i + 1})
			continue
		}
		a.Packages = append(a.Packages, condaSpec(l, file, i+1))
	}
	if len(a.Packages) == 0 {
		setOnce(&a.Unknown, file+" names no packages")
	}
}

// CondaName is the package that a specification of conda names: numpy for
// "conda-forge::numpy>=1.20".
func CondaName(spec string) string {
	if i := strings.LastIndex(spec, "::"); i >= 0 {
		spec = spec[i+2:]
	}
	spec = strings.TrimSpace(spec)
	if i := strings.IndexAny(spec, " =<>!~[;#"); i >= 0 {
		spec = spec[:i]
	}
	return strings.ToLower(spec)
}

func condaSpec(spec, file string, line int) Package {
	return Package{Name: CondaName(spec), Spec: spec, File: file, Line: line}
}
