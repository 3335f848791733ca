package repo

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// GoPackage holds facts about a package and everything it imports from its own
// module, from locally replaced modules and from go.work's. What other modules
// do is known only from short tables (see go_tables.go).
type GoPackage struct {
	Dir      string
	Name     string   // "main" for a command
	Files    []string // sources a linux build may include, sorted, context-relative
	Cgo      bool     // cgo is, or may be, needed
	CgoWhy   string
	Embeds   []string // go:embed patterns, context-relative; all: kept off
	Reads    []string // files and folders of the context that string literals name
	Missing  []string // literal paths given to file-reading calls that the context does not hold
	Computed string   // "file:line" of a file-reading call with a path that is not literal, "" if none
	Execs    string   // "file:line" where other programs are started or plugins loaded, "" if none
	// Starts are the programs that os/exec is called with, each with those of its
	// arguments that are literal and "$" for the others; StartsAny is "file:line"
	// where what is started isn't known, "" if all of Execs is in Starts.
	Starts    [][]string
	StartsAny string
	TZ        bool     // time.LoadLocation is used and time/tzdata is not compiled in
	HTTP      bool     // CA certificates may be needed: net/http, crypto/tls or any other module is imported
	OSUser    bool     // os/user is imported: /etc/passwd is read
	Temp      bool     // a temporary file or folder is made: /tmp must exist
	Imports   []string // sorted import paths from outside the closure, standard library included
	Unknown   string   // why the closure is not complete, "" when it is
}

// Package returns the facts about the package in folder dir (a path as in
// Exists, so relative to the context, not to the module). Never nil; Unknown
// tells when sources are missing (generated code), cannot be parsed, or lie
// outside the context.
func (g *Go) Package(dir string) *GoPackage {
	name, ok := clean(dir)
	if !ok {
		return &GoPackage{Dir: dir, Unknown: dir + " is not in the build context", Cgo: true, CgoWhy: "the package is not known"}
	}
	return g.packages.get(name, func() *GoPackage {
		s := &goScan{g: g, p: &GoPackage{Dir: name}, reads: map[string]bool{}, missing: map[string]bool{}, imports: map[string]bool{}}
		s.closure(name)
		s.finish()
		return s.p
	})
}

type goScan struct {
	g       *Go
	p       *GoPackage
	reads   map[string]bool
	missing map[string]bool
	imports map[string]bool
	tzdata  bool
}

func (s *goScan) unknown(format string, args ...any) {
	setOnce(&s.p.Unknown, fmt.Sprintf(format, args...))
}

func (s *goScan) closure(dir string) {
	if s.g.Err != nil {
		s.unknown("%v", s.g.Err)
	}
	modules := s.g.localModules(s)
	seen := map[string]bool{dir: true}
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		files := s.sources(at)
		if len(files) == 0 {
			s.unknown("%s has no Go source in the build context: it may be generated", at)
			continue
		}
		pkg := newPackageNames(files)
		for _, f := range files {
			s.p.Files = append(s.p.Files, f.name)
			if at == dir && s.p.Name != "main" {
				s.p.Name = f.ast.Name.Name
			}
			for _, spec := range f.ast.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					continue
				}
				target, local := modules.dir(imported)
				if !local {
					s.external(f, spec, imported)
				} else if target, ok := clean(target); !ok {
					s.unknown("%s imports %s, which is outside the build context", f.at(spec.Pos()), imported)
				} else if !seen[target] {
					seen[target] = true
					queue = append(queue, target)
				}
			}
			s.scanFile(f, pkg, at)
		}
	}
}

// sources parses the files of a folder that a linux build may include.
func (s *goScan) sources(dir string) (out []*goFile) {
	for _, e := range s.g.repo.ReadDir(dir) {
		name := path.Join(dir, e.Name())
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || e.IsDir() ||
			strings.HasPrefix(e.Name(), "_") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		src, err := s.g.repo.ReadFile(name)
		if err != nil {
			s.unknown("%s cannot be read", name)
			continue
		}
		if !linuxFile(name, src) {
			continue
		}
		f := s.g.file(name)
		if f.ast == nil {
			s.unknown("%s cannot be parsed: %v", name, f.err)
			continue
		}
		out = append(out, f)
	}
	return out
}

// external takes down an import from outside the closure.
func (s *goScan) external(f *goFile, spec *ast.ImportSpec, imported string) {
	first, _, _ := strings.Cut(imported, "/")
	if imported == "C" {
		s.cgo(f.at(spec.Pos()) + ` imports "C"`)
		return
	}
	s.imports[imported] = true
	switch imported {
	case "os/exec":
		setOnce(&s.p.Execs, f.at(spec.Pos()))
		if spec.Name != nil && spec.Name.Name == "." {
			setOnce(&s.p.StartsAny, f.at(spec.Pos()))
		}
	case "plugin":
		setOnce(&s.p.Execs, f.at(spec.Pos()))
		setOnce(&s.p.StartsAny, f.at(spec.Pos()))
	case "net/http", "crypto/tls", "crypto/x509", "net/smtp":
		s.p.HTTP = true
	case "os/user":
		s.p.OSUser = true
	case "time/tzdata":
		s.tzdata = true
	}
	if !strings.Contains(first, ".") {
		return
	}
	s.p.HTTP = true
	if m, why := needsCgo(imported); m != "" {
		s.cgo(fmt.Sprintf("%s imports %s, which needs cgo: %s", f.at(spec.Pos()), imported, why))
	}
	if m := runsPrograms(imported); m != "" {
		setOnce(&s.p.Execs, f.at(spec.Pos()))
		setOnce(&s.p.StartsAny, f.at(spec.Pos()))
	}
}

func (s *goScan) cgo(why string) {
	s.p.Cgo = true
	setOnce(&s.p.CgoWhy, why)
}

func (s *goScan) finish() {
	p := s.p
	if !p.Cgo {
		for _, m := range s.g.Requires {
			if known, why := needsCgo(m); known != "" {
				s.cgo(fmt.Sprintf("go.mod requires %s, which needs cgo: %s", m, why))
				break
			}
		}
	}
	if !p.Cgo && !s.g.listsIndirect() {
		for _, m := range slices.Sorted(maps.Keys(s.g.built())) {
			if known, why := needsCgo(m); known != "" {
				s.cgo(fmt.Sprintf("go.sum holds the source of %s, which needs cgo: %s", m, why))
				break
			}
		}
	}
	p.TZ = p.TZ && !s.tzdata
	p.Imports = slices.Sorted(maps.Keys(s.imports))
	p.Missing = slices.Sorted(maps.Keys(s.missing))
	slices.Sort(p.Files)
	slices.Sort(p.Embeds)
	p.Embeds = slices.Compact(p.Embeds)
	for _, name := range slices.Sorted(maps.Keys(s.reads)) {
		inFolder := false
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			inFolder = inFolder || s.reads[up]
		}
		if !inFolder {
			p.Reads = append(p.Reads, name)
		}
	}
}

// listsIndirect: from go 1.17 on, go.mod lists every module that a package of
// the build comes from (https://go.dev/ref/mod#go-mod-file-go).
func (g *Go) listsIndirect() bool {
	major, minor, _ := strings.Cut(g.GoVersion, ".")
	minor, _, _ = strings.Cut(minor, ".")
	n, err := strconv.Atoi(minor)
	return err == nil && (major != "1" || n >= 17)
}

// built returns the modules whose source, not just go.mod, is in go.sum.
func (g *Go) built() map[string]bool {
	return g.sums.get(struct{}{}, func() map[string]bool {
		out := map[string]bool{}
		if !g.Sum {
			return out
		}
		src, err := g.repo.ReadFile(path.Join(g.Dir, "go.sum"))
		if err != nil {
			return out
		}
		for _, l := range lines(src) {
			if f := strings.Fields(l); len(f) == 3 && !strings.HasSuffix(f[1], "/go.mod") {
				out[f[0]] = true
			}
		}
		return out
	})
}

// goModules maps module paths to folders: the module itself, its local
// replacements and the other modules of go.work.
type goModules struct {
	g    *Go
	dirs map[string]string
}

func (g *Go) localModules(s *goScan) goModules {
	m := goModules{g: g, dirs: map[string]string{}}
	if g.Work {
		for _, up := range parents(g.Dir) {
			if g.repo.isFile(path.Join(up, "go.work")) {
				m.readWork(s, up)
				break
			}
		}
	}
	maps.Copy(m.dirs, g.replaced)
	if g.Module != "" {
		m.dirs[g.Module] = g.Dir
	}
	return m
}

func (m goModules) readWork(s *goScan, dir string) {
	file := path.Join(dir, "go.work")
	src, err := m.g.repo.ReadFile(file)
	var w *modfile.WorkFile
	if err == nil {
		err = guard(func() (err error) {
			w, err = modfile.ParseWork(file, []byte(text(src)), nil)
			return err
		})
	}
	if err != nil {
		s.unknown("%s cannot be understood: %v", file, err)
		return
	}
	for _, use := range w.Use {
		at := join(dir, use.Path)
		src, err := m.g.repo.ReadFile(path.Join(at, "go.mod"))
		if err != nil {
			s.unknown("%s uses %s, which is not in the build context", file, use.Path)
			continue
		}
		if name := modfile.ModulePath([]byte(text(src))); name != "" {
			m.dirs[name] = at
		}
	}
	for _, r := range w.Replace {
		if r.New.Version == "" && !path.IsAbs(r.New.Path) {
			m.dirs[r.Old.Path] = join(dir, r.New.Path)
		}
	}
}

// dir returns the folder of an import path whose module is on disk. A nested
// module is another module: the longest module path decides.
func (m goModules) dir(imported string) (dir string, local bool) {
	best := ""
	for name := range m.dirs {
		if (imported == name || strings.HasPrefix(imported, name+"/")) && len(name) > len(best) {
			best = name
		}
	}
	if best == "" {
		return "", false
	}
	root, rel := m.dirs[best], strings.TrimPrefix(imported, best)
	dir = path.Join(root, rel)
	if best == m.g.Module {
		at := root
		for e := range strings.SplitSeq(strings.Trim(rel, "/"), "/") {
			if at = path.Join(at, e); e != "" && m.g.repo.isFile(path.Join(at, "go.mod")) {
				return "", false
			}
		}
	}
	return dir, true
}
