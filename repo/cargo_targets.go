package repo

import (
	"fmt"
	"path"
	"slices"
)

// targetFolders are where Cargo looks for a target without a path.
//
// Source: https://doc.rust-lang.org/cargo/guide/project-layout.html
var targetFolders = []struct{ key, dir string }{{"bin", "src/bin"}, {"example", "examples"}, {"test", "tests"}, {"bench", "benches"}}

// targets works out which source files Cargo wants to see in a package before it
// reads on: one for each target that is named without a path, and one at all.
// A target with a path isn't looked at by cargo fetch (seen with Cargo 1.95).
func (c *Cargo) targets(dir string, t map[string]any) {
	pkg, declared, need := asTable(t["package"]), false, []string{}
	if lib, ok := t["lib"]; ok {
		declared = true
		if asTable(lib)["path"] == nil {
			need = append(need, "src/lib.rs")
		}
	}
	name, _ := pkg["name"].(string)
	if run, ok := pkg["default-run"].(string); ok && !c.named(t["bin"], run) {
		need = append(need, c.source(dir, "src/bin", run, name))
	}
	for _, f := range targetFolders {
		list, _ := t[f.key].([]any)
		for _, e := range list {
			target := asTable(e)
			id, _ := target["name"].(string)
			declared = declared || f.key == "bin"
			if target["path"] == nil {
				need = append(need, c.source(dir, f.dir, id, name))
			}
		}
	}
	if !declared && len(need) == 0 {
		need = append(need, c.first(dir))
	}
	for _, n := range need {
		if n == "" || !c.repo.isFile(path.Join(dir, n)) {
			c.Unknown = fmt.Sprintf("the source of a target of %s isn't where Cargo looks for it", path.Join(dir, "Cargo.toml"))
			return
		}
		if n = path.Join(dir, n); !slices.Contains(c.Sources, n) {
			c.Sources = append(c.Sources, n)
		}
	}
}

// named reports whether a list of targets has one of a name.
func (c *Cargo) named(list any, name string) bool {
	targets, _ := list.([]any)
	return slices.ContainsFunc(targets, func(e any) bool { return asTable(e)["name"] == name })
}

// source is where a named target of a package has its source, "" when nowhere.
func (c *Cargo) source(dir, folder, target, pkg string) string {
	for _, f := range []string{path.Join(folder, target+".rs"), path.Join(folder, target, "main.rs")} {
		if c.repo.isFile(path.Join(dir, f)) {
			return f
		}
	}
	if folder == "src/bin" && target == pkg {
		return "src/main.rs"
	}
	return ""
}

// first is a source that makes a package of a folder.
func (c *Cargo) first(dir string) string {
	for _, f := range []string{"src/lib.rs", "src/main.rs"} {
		if c.repo.isFile(path.Join(dir, f)) {
			return f
		}
	}
	for _, e := range c.repo.ReadDir(path.Join(dir, "src/bin")) {
		if path.Ext(e.Name()) == ".rs" {
			return "src/bin/" + e.Name()
		}
	}
	return ""
}
