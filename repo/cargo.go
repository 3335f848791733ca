package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Cargo is what a Cargo.toml, its workspace and the packages that it takes by
// path say, as far as "cargo fetch" reads it.
type Cargo struct {
	Dir   string   // the workspace's root, or the package's folder where there is no workspace
	Files []string // manifests, Cargo.lock, rust-toolchain and .cargo/config: what cargo fetch reads
	// Sources are the source files that have to be there, whatever they hold: Cargo
	// refuses a package without a target.
	Sources []string
	Lock    bool
	// Vendored tells that a source is replaced by a folder or a registry of one's own.
	Vendored bool
	Unknown  string // a reason why cargo fetch may read more, or the above can't be known

	repo *Repo
	seen map[string]bool
}

// Cargo returns the facts about the package or workspace that Cargo finds in dir
// (a path as in Exists); nil when there is no Cargo.toml.
//
// Source: https://doc.rust-lang.org/cargo/reference/workspaces.html
func (r *Repo) Cargo(dir string) *Cargo {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "Cargo.toml")) {
		return nil
	}
	return r.facts.cargo.get(dir, func() *Cargo {
		c := &Cargo{Dir: dir, repo: r, seen: map[string]bool{}}
		c.findRoot()
		root := c.manifest(c.Dir)
		if dir != c.Dir {
			c.manifest(dir)
		}
		c.members(root)
		if lock := path.Join(c.Dir, "Cargo.lock"); r.isFile(lock) {
			c.Lock, c.Files = true, append(c.Files, lock)
		}
		c.config(dir)
		return c
	})
}

func (c *Cargo) toml(file string) map[string]any {
	_, t := c.repo.toml(file)
	if t == nil {
		c.Unknown = file + " can't be read"
	}
	return t
}

// findRoot goes to the workspace that the package belongs to.
func (c *Cargo) findRoot() {
	own := c.toml(path.Join(c.Dir, "Cargo.toml"))
	if own["workspace"] != nil {
		return
	}
	if up, ok := asTable(own["package"])["workspace"].(string); ok {
		c.Dir = join(c.Dir, up)
		return
	}
	for _, up := range parents(c.Dir)[1:] {
		file := path.Join(up, "Cargo.toml")
		if !c.repo.isFile(file) {
			continue
		}
		ws, ok := c.toml(file)["workspace"]
		if !ok {
			continue
		}
		if rel := strings.TrimPrefix(c.Dir, strings.TrimPrefix(up+"/", "./")); !slices.Contains(stringList(asTable(ws)["exclude"]), rel) {
			c.Dir = up
			return
		}
	}
}

// manifest takes in one package's Cargo.toml and the packages that it names by path.
func (c *Cargo) manifest(dir string) map[string]any {
	if c.seen[dir] || len(c.seen) > 500 {
		return nil
	}
	c.seen[dir] = true
	file := path.Join(dir, "Cargo.toml")
	if name, ok := clean(file); !ok || !c.repo.isFile(name) {
		c.Unknown = "the package in " + dir + " isn't in the build context"
		return nil
	}
	c.Files = append(c.Files, file)
	t := c.toml(file)
	if t["package"] != nil || t["project"] != nil {
		c.targets(dir, t)
	}
	for _, p := range localCrates(t, 0) {
		c.manifest(join(dir, p))
	}
	return t
}

// localCrates are the path keys of all dependency, patch and replace tables.
func localCrates(t map[string]any, depth int) (out []string) {
	for _, k := range sortedKeys(t) {
		deps := strings.HasSuffix(k, "dependencies") || k == "replace"
		switch {
		case deps:
			for _, name := range sortedKeys(asTable(t[k])) {
				if p, ok := asTable(asTable(t[k])[name])["path"].(string); ok {
					out = append(out, p)
				}
			}
		case k == "patch":
			for _, registry := range sortedKeys(asTable(t[k])) {
				out = append(out, localCrates(map[string]any{"replace": asTable(t[k])[registry]}, depth)...)
			}
		case k == "workspace" || k == "target" || depth > 0 && depth < 3:
			out = append(out, localCrates(asTable(t[k]), depth+1)...)
		}
	}
	return out
}

// members reads the packages that the workspace lists.
func (c *Cargo) members(root map[string]any) {
	ws := asTable(root["workspace"])
	exclude := stringList(ws["exclude"])
	for _, pattern := range stringList(ws["members"]) {
		found := c.repo.Glob(join(c.Dir, pattern))
		if len(found) == 0 {
			c.Unknown = fmt.Sprintf("the member %s isn't in the build context", pattern)
		}
		for _, dir := range found {
			rel := strings.TrimPrefix(dir, strings.TrimPrefix(c.Dir+"/", "./"))
			if slices.Contains(exclude, rel) || strings.ContainsAny(pattern, "*?[") && !c.repo.isFile(path.Join(dir, "Cargo.toml")) {
				continue
			}
			c.manifest(dir)
		}
	}
}

// config: the toolchain file and Cargo's configuration, looked for in dir and
// upwards (https://doc.rust-lang.org/cargo/reference/config.html,
// https://rust-lang.github.io/rustup/overrides.html).
func (c *Cargo) config(dir string) {
	for _, up := range parents(dir) {
		c.Files = append(c.Files, c.repo.has(up, "rust-toolchain", "rust-toolchain.toml")...)
		for _, f := range c.repo.has(up, ".cargo/config", ".cargo/config.toml") {
			c.Files = append(c.Files, f)
			t := c.toml(f)
			switch {
			case t["include"] != nil || t["paths"] != nil || t["patch"] != nil:
				c.Unknown = f + " names other files"
			case t["source"] != nil:
				for _, k := range sortedKeys(asTable(t["source"])) {
					s := asTable(asTable(t["source"])[k])
					c.Vendored = c.Vendored || s["directory"] != nil || s["local-registry"] != nil
				}
			}
		}
	}
}
