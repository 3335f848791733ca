package repo

import (
	"path"
	"slices"
	"strings"
)

// CargoPackage is one package of a Cargo workspace: what it builds and what it
// depends on.
type CargoPackage struct {
	Dir, Name string
	Bins      []CargoBin
	Local     []string            // folders of the packages that it takes by path
	Deps      map[string][]string // crates that it depends on at run time or in the build -> the features that it asks for
	Default   []string            // features that are on by default
	Switches  []string            // what its own features may switch on: "openssl/vendored"
}

// CargoBin is a program that a package builds.
type CargoBin struct {
	Name     string
	Requires []string // required-features
}

// CargoLock are the packages that a Cargo.lock names, and what each needs.
type CargoLock map[string][]string

// Package gives the facts about the package in dir (as in Exists), nil where its
// Cargo.toml describes none.
//
// Source: https://doc.rust-lang.org/cargo/reference/cargo-targets.html
func (c *Cargo) Package(dir string) *CargoPackage {
	t := c.manifestOf(dir)
	pkg := asTable(t["package"])
	name, _ := pkg["name"].(string)
	if name == "" {
		return nil
	}
	p := &CargoPackage{Dir: dir, Name: name, Deps: map[string][]string{}}
	shared := asTable(asTable(c.manifestOf(c.Dir)["workspace"])["dependencies"])
	c.dependencies(p, t, shared)
	for _, k := range sortedKeys(asTable(t["target"])) {
		c.dependencies(p, asTable(asTable(t["target"])[k]), shared)
	}
	features := asTable(t["features"])
	for _, k := range sortedKeys(features) {
		p.Switches = append(p.Switches, stringList(features[k])...)
	}
	p.Default = stringList(features["default"])
	for i := 0; i < len(p.Default) && i < 1000; i++ {
		for _, f := range stringList(features[p.Default[i]]) {
			if !slices.Contains(p.Default, f) {
				p.Default = append(p.Default, f)
			}
		}
	}
	c.bins(p, t)
	return p
}

func (c *Cargo) manifestOf(dir string) map[string]any {
	_, t := c.repo.toml(path.Join(dir, "Cargo.toml"))
	return t
}

func (c *Cargo) dependencies(p *CargoPackage, t, shared map[string]any) {
	for _, k := range []string{"dependencies", "build-dependencies"} {
		deps := asTable(t[k])
		for _, name := range sortedKeys(deps) {
			crate, at, d := name, p.Dir, asTable(deps[name])
			features := stringList(d["features"])
			if inherited, _ := d["workspace"].(bool); inherited {
				at, d = c.Dir, asTable(shared[name])
				features = append(features, stringList(d["features"])...)
			}
			if real, ok := d["package"].(string); ok {
				crate = real
			}
			if local, ok := d["path"].(string); ok {
				p.Local = append(p.Local, join(at, local))
			}
			p.Deps[crate] = append(p.Deps[crate], features...)
		}
	}
}

// bins lists the programs of a package: those that it declares, and those that
// Cargo finds by itself.
func (c *Cargo) bins(p *CargoPackage, t map[string]any) {
	taken := map[string]bool{}
	add := func(name, source string, requires []string) {
		if name != "" && !taken[source] && !slices.ContainsFunc(p.Bins, func(b CargoBin) bool { return b.Name == name }) {
			taken[source] = true
			p.Bins = append(p.Bins, CargoBin{name, requires})
		}
	}
	list, _ := t["bin"].([]any)
	for _, e := range list {
		b := asTable(e)
		name, _ := b["name"].(string)
		source, _ := b["path"].(string)
		if source == "" {
			source = c.source(p.Dir, "src/bin", name, p.Name)
		}
		add(name, path.Clean(source), stringList(b["required-features"]))
	}
	if auto, ok := asTable(t["package"])["autobins"].(bool); ok && !auto {
		return
	}
	if c.repo.isFile(path.Join(p.Dir, "src/main.rs")) {
		add(p.Name, "src/main.rs", nil)
	}
	for _, e := range c.repo.ReadDir(path.Join(p.Dir, "src/bin")) {
		switch source := path.Join("src/bin", e.Name()); {
		case e.IsDir() && c.repo.isFile(path.Join(p.Dir, source, "main.rs")):
			add(e.Name(), path.Join(source, "main.rs"), nil)
		case !e.IsDir() && path.Ext(source) == ".rs":
			add(strings.TrimSuffix(e.Name(), ".rs"), source, nil)
		}
	}
}

// Members are the folders of the workspace's packages, sorted; of a package
// without a workspace its own.
func (c *Cargo) Members() (out []string) {
	root := c.manifestOf(c.Dir)
	if root["package"] != nil {
		out = append(out, c.Dir)
	}
	ws := asTable(root["workspace"])
	exclude := stringList(ws["exclude"])
	for _, pattern := range stringList(ws["members"]) {
		for _, dir := range c.repo.Glob(join(c.Dir, pattern)) {
			rel := strings.TrimPrefix(dir, strings.TrimPrefix(c.Dir+"/", "./"))
			if !slices.Contains(exclude, rel) && c.repo.isFile(path.Join(dir, "Cargo.toml")) {
				out = append(out, dir)
			}
		}
	}
	seen := map[string]bool{}
	for i := 0; i < len(out); i++ {
		dir := out[i]
		p := c.Package(dir)
		if seen[dir] || p == nil || root["workspace"] == nil {
			continue
		}
		seen[dir] = true
		for _, d := range p.Local { // packages by path inside of the root are members too
			if d, ok := clean(d); ok && (c.Dir == "." || strings.HasPrefix(d, c.Dir+"/")) {
				out = append(out, d)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Builds are the packages that cargo build takes in dir without -p and
// --workspace.
//
// Source: https://doc.rust-lang.org/cargo/reference/workspaces.html#the-default-members-field
func (c *Cargo) Builds(dir string) []string {
	t := c.manifestOf(dir)
	if dir != c.Dir {
		return []string{dir}
	}
	if list := stringList(asTable(t["workspace"])["default-members"]); len(list) > 0 {
		var out []string
		for _, pattern := range list {
			out = append(out, c.repo.Glob(join(c.Dir, pattern))...)
		}
		return out
	}
	if t["package"] != nil {
		return []string{dir}
	}
	return c.Members()
}

// LockFile reads the Cargo.lock of the workspace; nil without one.
func (c *Cargo) LockFile() CargoLock {
	if !c.Lock {
		return nil
	}
	_, t := c.repo.toml(path.Join(c.Dir, "Cargo.lock"))
	list, _ := t["package"].([]any)
	out := CargoLock{}
	for _, e := range list {
		p := asTable(e)
		name, _ := p["name"].(string)
		for _, d := range stringList(p["dependencies"]) {
			d, _, _ = strings.Cut(d, " ")
			out[name] = append(out[name], d)
		}
		if out[name] == nil {
			out[name] = []string{}
		}
	}
	return out
}

// Closure is a set of packages with all that they need.
func (l CargoLock) Closure(names ...string) map[string]bool {
	seen := map[string]bool{}
	for i := 0; i < len(names); i++ {
		if !seen[names[i]] {
			seen[names[i]] = true
			names = append(names, l[names[i]]...)
		}
	}
	return seen
}

// CargoSettings are those of .cargo/config.toml, in dir and above, that decide
// where programs are written and how they are linked.
type CargoSettings struct {
	Target    string // build.target: one triple
	TargetDir string // build.target-dir, as written
	Flags     string // all rustflags
	Unknown   string
}

// Settings reads Cargo's configuration as it is in force in dir; the nearest
// file wins (https://doc.rust-lang.org/cargo/reference/config.html).
func (c *Cargo) Settings(dir string) (s CargoSettings) {
	for _, up := range parents(dir) {
		for _, f := range c.repo.has(up, ".cargo/config", ".cargo/config.toml") {
			_, t := c.repo.toml(f)
			build := asTable(t["build"])
			switch target := build["target"].(type) {
			case string:
				setOnce(&s.Target, target)
			case []any:
				s.Unknown = f + " builds for several targets"
			}
			if d, ok := build["target-dir"].(string); ok {
				setOnce(&s.TargetDir, d)
			}
			flags := func(v any) {
				if text, ok := v.(string); ok {
					s.Flags += " " + text
				}
				s.Flags += " " + strings.Join(stringList(v), " ")
			}
			flags(build["rustflags"])
			for _, target := range asTable(t["target"]) {
				flags(asTable(target)["rustflags"])
			}
		}
	}
	return s
}

// DefaultRun is the program that cargo run starts in dir, "" when several might.
func (c *Cargo) DefaultRun(dir string) string {
	name, _ := asTable(c.manifestOf(dir)["package"])["default-run"].(string)
	return name
}
