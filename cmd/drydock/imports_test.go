package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages from the ground up (docs/design.md): a package may
// import those of lower layers only.
var layers = [][]string{
	{"leftover", "said"},
	{"page"},
	{"repo", "images", "docs", "history", "scan"},
	{"rewrite"},
	{"transforms", "checks", "replay"},
	{"verify", "config"},
	{"report"},
	{"bulk", "ship", "review"},
	{"cmd"},
}

func TestImportsPointOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	for dir, imports := range importsOf(t, root) {
		from := layer(dir)
		if from < 0 {
			continue // tools, e2e: not part of the program
		}
		for imp := range imports {
			name, ours := strings.CutPrefix(imp, "drydock/")
			if !ours || top(name) == top(dir) {
				continue
			}
			if to := layer(name); to < 0 || to >= from {
				t.Errorf("%s imports %s: imports point from cmd down to repo and images", dir, imp)
			}
		}
	}
}

// Below multi-stage's driver too: facts, then the split, then recipes, which
// don't know each other.
func TestRecipesStandAlone(t *testing.T) {
	const driver = "transforms/multistage"
	rank := map[string]int{"cmdline": 0, "distro": 1, "split": 2, "artefacts": 3} // recipes are 4
	level := func(dir string) int {
		if n, ok := rank[path.Base(dir)]; ok {
			return n
		}
		return 4
	}
	recipes := 0
	for dir, imports := range importsOf(t, filepath.Join("..", "..")) {
		if path.Dir(dir) != driver || path.Base(dir) == "splittest" {
			continue
		}
		if level(dir) == 4 {
			recipes++
		}
		for imp := range imports {
			name, ours := strings.CutPrefix(imp, "drydock/transforms")
			if below := path.Dir(name) == "/multistage"; ours && (!below || level(name) >= level(dir)) {
				t.Errorf("%s imports %s: recipes import artefacts, split, distro and cmdline, and those each other in this order", dir, imp)
			}
		}
	}
	if recipes < 9 {
		t.Errorf("only %d packages of recipes found below %s", recipes, driver)
	}
}

// The engine touches neither disk nor network, and no package but cmd knows
// the command line.
func TestImportsForbidden(t *testing.T) {
	for dir, imports := range importsOf(t, filepath.Join("..", "..")) {
		for imp := range imports {
			if top(dir) == "rewrite" && (imp == "os" || strings.HasPrefix(imp, "os/") || imp == "net" || strings.HasPrefix(imp, "net/")) {
				t.Errorf("%s imports %s: it touches neither disk nor network", dir, imp)
			}
			if top(dir) != "cmd" && strings.HasPrefix(imp, "github.com/urfave/cli") {
				t.Errorf("%s imports %s: only cmd knows the command line", dir, imp)
			}
		}
	}
}

func top(dir string) string { first, _, _ := strings.Cut(dir, "/"); return first }

func layer(dir string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, top(dir)) })
}

// importsOf lists what each package of the module imports, tests apart, by
// folder relative to root.
func importsOf(t *testing.T, root string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			_, mod := os.Stat(filepath.Join(name, "go.mod"))
			if name != root && (mod == nil || e.Name() == "testdata" || e.Name() == "fixtures" || strings.HasPrefix(e.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		dir := path.Clean(filepath.ToSlash(rel))
		if out[dir] == nil {
			out[dir] = map[string]bool{}
		}
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			out[dir][p] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if out["rewrite"] == nil || out["cmd/drydock"] == nil {
		t.Fatalf("packages not found below %s", root)
	}
	return out
}
