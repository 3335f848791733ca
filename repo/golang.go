package repo

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Go is what go.mod and the files beside it say about one module.
type Go struct {
	Dir, Module   string
	GoVersion     string   // the go directive: "1.22" or "1.22.3"
	Toolchain     string   // the toolchain directive: "go1.22.5"
	Sum           bool     // go.sum exists
	Vendor        bool     // vendor/modules.txt exists, so that go build uses vendor
	Work          bool     // go.work at Dir or above, within the context
	LocalReplaces []string // folders that replace directives point at, relative to the context ("../x" is outside)
	Requires      []string // module paths of all require directives
	Gopath        bool     // built in GOPATH mode: Module is the import path there, and Requires is empty
	Err           error    // go.mod cannot be read or understood; then most of the above is empty

	repo     *Repo
	replaced map[string]string // module path -> folder
	sums     memo[struct{}, map[string]bool]
	packages memo[string, *GoPackage]
	parsed   memo[string, *goFile]
	mains    memo[struct{}, []string]
	dirs     memo[string, []string]
}

// Go returns the facts about the module rooted at folder dir (a path as in
// Exists); nil when there is no go.mod.
func (r *Repo) Go(dir string) *Go {
	dir, ok := clean(dir)
	if !ok {
		return nil
	}
	return r.facts.golang.get(dir, func() *Go {
		file := path.Join(dir, "go.mod")
		if !r.isFile(file) {
			return nil
		}
		g := &Go{Dir: dir, repo: r, replaced: map[string]string{}}
		g.Sum = r.isFile(path.Join(dir, "go.sum"))
		g.Vendor = r.isFile(path.Join(dir, "vendor/modules.txt"))
		for _, up := range parents(dir) {
			g.Work = g.Work || r.isFile(path.Join(up, "go.work"))
		}
		src, err := r.ReadFile(file)
		if err == nil {
			err = guard(func() error { return g.parse(file, []byte(text(src))) })
		}
		if err != nil {
			g.Err = fmt.Errorf("%s: %w", file, err)
		}
		return g
	})
}

// GoFiles is Go for a folder (a path as in Exists) whose source belongs to no
// module: go build takes it file by file, and then it imports the standard library
// alone (https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies). Nil
// where a go.mod or go.work stands there or above, or the folder isn't in the context.
func (r *Repo) GoFiles(dir string) *Go {
	dir, ok := clean(dir)
	if !ok || !r.IsDir(dir) {
		return nil
	}
	for _, up := range parents(dir) {
		if r.isFile(path.Join(up, "go.mod")) || r.isFile(path.Join(up, "go.work")) {
			return nil
		}
	}
	return &Go{Dir: dir, repo: r, replaced: map[string]string{}}
}

// GoPath is Go for a folder whose source is built in GOPATH mode, as before modules
// (https://pkg.go.dev/cmd/go#hdr-GOPATH_environment_variable). imported is the import path
// that it has there, "" outside of GOPATH/src. Which packages of others it takes is known
// by their names alone. Nil as for GoFiles.
func (r *Repo) GoPath(dir, imported string) *Go {
	g := r.GoFiles(dir)
	if g != nil {
		g.Module, g.Gopath = imported, true
	}
	return g
}

func (g *Go) parse(file string, src []byte) error {
	f, err := modfile.Parse(file, src, nil)
	if err != nil {
		// A directive of a newer Go is no reason to lose the module's name.
		lax, laxErr := modfile.ParseLax(file, src, nil)
		if laxErr != nil {
			return err
		}
		f = lax
	}
	if f.Module != nil {
		g.Module = f.Module.Mod.Path
	}
	if f.Go != nil {
		g.GoVersion = f.Go.Version
	}
	if f.Toolchain != nil {
		g.Toolchain = f.Toolchain.Name
	}
	for _, q := range f.Require {
		g.Requires = append(g.Requires, q.Mod.Path)
	}
	for _, rep := range f.Replace {
		if rep.New.Version == "" {
			dir := rep.New.Path
			if !path.IsAbs(dir) {
				dir = join(g.Dir, dir)
			}
			g.LocalReplaces = append(g.LocalReplaces, dir)
			g.replaced[rep.Old.Path] = dir
		}
	}
	slices.Sort(g.LocalReplaces)
	g.LocalReplaces = slices.Compact(g.LocalReplaces)
	if err == nil && g.Module == "" {
		err = fmt.Errorf("no module directive")
	}
	return err
}

// Mains returns the sorted folders (relative to the context) of the module's
// commands: package main with a func main that a linux build would take.
// Tests, vendor, testdata, folders starting with "_" or ".", and nested modules
// are not the module's commands.
func (g *Go) Mains() []string {
	return g.mains.get(struct{}{}, func() []string {
		files, _ := g.repo.Files()
		byDir := map[string][]string{}
		for _, f := range files {
			if strings.HasSuffix(f, ".go") && !strings.HasSuffix(f, "_test.go") {
				byDir[path.Dir(f)] = append(byDir[path.Dir(f)], f)
			}
		}
		var out []string
		for dir, files := range byDir {
			if g.owns(dir) && slices.ContainsFunc(files, g.hasMain) {
				out = append(out, dir)
			}
		}
		slices.Sort(out)
		return out
	})
}

func (g *Go) hasMain(file string) bool {
	src, err := g.repo.ReadFile(file)
	if err != nil {
		return false
	}
	fset := token.NewFileSet()
	head, err := parser.ParseFile(fset, file, src, parser.PackageClauseOnly)
	if err != nil || head.Name.Name != "main" || !linuxFile(file, src) {
		return false
	}
	f := g.file(file)
	return f.ast != nil && slices.ContainsFunc(f.ast.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Recv == nil && fn.Name.Name == "main"
	})
}

// owns reports whether folder dir belongs to this module and go's "./..."
// pattern would reach it.
func (g *Go) owns(dir string) bool {
	rel := dir
	if g.Dir != "." {
		if dir == g.Dir {
			return true
		}
		var ok bool
		if rel, ok = strings.CutPrefix(dir, g.Dir+"/"); !ok {
			return false
		}
	}
	if rel == "." {
		return true
	}
	at := g.Dir
	for e := range strings.SplitSeq(rel, "/") {
		if e == "vendor" || e == "testdata" || e[0] == '_' || e[0] == '.' {
			return false
		}
		at = path.Join(at, e)
		if g.repo.isFile(path.Join(at, "go.mod")) {
			return false
		}
	}
	return true
}

// goFile is one parsed source file.
type goFile struct {
	name string
	fset *token.FileSet
	ast  *ast.File // nil when it cannot be parsed
	err  error
}

func (g *Go) file(name string) *goFile {
	return g.parsed.get(name, func() *goFile {
		f := &goFile{name: name, fset: token.NewFileSet()}
		src, err := g.repo.ReadFile(name)
		if err != nil {
			f.err = err
			return f
		}
		f.err = guard(func() error {
			var err error
			f.ast, err = parser.ParseFile(f.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				f.ast = nil
			}
			return err
		})
		return f
	})
}

func (f *goFile) at(pos token.Pos) string { return place(f.name, f.fset.Position(pos).Line) }
