package repo

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// What one Go source file reads, starts and embeds.

// packageNames are the names of a package that path expressions may use.
type packageNames struct {
	consts map[string]string // constants with one literal value
	embeds map[string]bool   // variables of type embed.FS
}

func newPackageNames(files []*goFile) packageNames {
	p := packageNames{consts: map[string]string{}, embeds: map[string]bool{}}
	twice := map[string]bool{}
	for _, f := range files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				if sel, ok := v.Type.(*ast.SelectorExpr); ok && d.Tok == token.VAR && sel.Sel.Name == "FS" {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "embed" {
						for _, name := range v.Names {
							p.embeds[name.Name] = true
						}
					}
				}
				for i, name := range v.Names {
					s, literal := "", false
					if d.Tok == token.CONST && i < len(v.Values) {
						s, literal = stringLit(v.Values[i])
					}
					if _, ok := p.consts[name.Name]; ok || !literal {
						twice[name.Name] = true
					} else {
						p.consts[name.Name] = s
					}
				}
			}
			return true
		})
		// A parameter or variable of the same name hides the constant.
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				for _, name := range n.Names {
					twice[name.Name] = true
				}
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok {
						twice[id.Name] = true
					}
				}
			case *ast.RangeStmt:
				for _, l := range []ast.Expr{n.Key, n.Value} {
					if id, ok := l.(*ast.Ident); ok {
						twice[id.Name] = true
					}
				}
			}
			return true
		})
	}
	for name := range twice {
		delete(p.consts, name)
	}
	return p
}

func stringLit(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// fileScan is the scan of one file.
type fileScan struct {
	*goScan
	f       *goFile
	dir     string
	pkg     packageNames
	imports map[string]string // local name -> import path
	web     bool
	called  map[ast.Node]bool // selectors that are the function of a call
	skip    map[ast.Node]bool // literals that name no file on disk
	parts   []ast.Node        // literals that the path being read is made of
}

func (s *goScan) scanFile(f *goFile, pkg packageNames, dir string) {
	x := &fileScan{goScan: s, f: f, dir: dir, pkg: pkg, imports: map[string]string{}, called: map[ast.Node]bool{}, skip: map[ast.Node]bool{}}
	for _, spec := range f.ast.Imports {
		x.skip[spec.Path] = true
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := packageName(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." && fileFuncs[imported] != nil {
			setOnce(&s.p.Computed, f.at(spec.Pos()))
		}
		x.imports[name] = imported
		x.web = x.web || slices.ContainsFunc(webFrameworks, func(w string) bool { return strings.HasPrefix(imported, w) })
	}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if patterns, ok := strings.CutPrefix(c.Text, "//go:embed "); ok {
				x.embed(patterns)
			}
		}
	}
	ast.Inspect(f.ast, x.visit)
}

// packageName guesses the name of an imported package from its path.
func packageName(imported string) string {
	base := path.Base(imported)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(imported))
	}
	base, _, _ = strings.Cut(base, ".v")
	base = strings.TrimSuffix(strings.TrimPrefix(base, "go-"), "-go")
	return strings.TrimSuffix(strings.TrimSuffix(base, "-golang"), ".go")
}

// embed: patterns are separated by spaces and may be quoted
// (https://pkg.go.dev/embed#hdr-Directives).
func (x *fileScan) embed(patterns string) {
	words, ok := shellWords(strings.ReplaceAll(patterns, "`", `"`))
	if !ok {
		x.unknown("%s: a go:embed directive cannot be understood", x.f.name)
		return
	}
	for _, w := range words {
		x.p.Embeds = append(x.p.Embeds, path.Join(x.dir, strings.TrimPrefix(w, "all:")))
	}
}

func (x *fileScan) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Field:
		if n.Tag != nil {
			x.skip[n.Tag] = true
		}
	case *ast.CompositeLit:
		if sel, ok := n.Type.(*ast.SelectorExpr); ok && x.packageOf(sel) == "os/exec" && len(n.Elts) > 0 {
			setOnce(&x.p.StartsAny, x.f.at(n.Pos()))
		}
	case *ast.CallExpr:
		x.call(n)
	case *ast.SelectorExpr:
		x.selector(n)
	case *ast.BasicLit:
		if s, ok := stringLit(n); ok && !x.skip[n] {
			x.read(s, x.dir)
		}
	}
	return true
}

// selector: a file function that is passed on is called with who knows what.
func (x *fileScan) selector(sel *ast.SelectorExpr) {
	imported := x.packageOf(sel)
	switch imported + "." + sel.Sel.Name {
	case "time.LoadLocation":
		x.p.TZ = true
	case "os.CreateTemp", "os.MkdirTemp", "os.TempDir", "io/ioutil.TempFile", "io/ioutil.TempDir":
		x.p.Temp = true
	case "os.StartProcess", "syscall.Exec", "syscall.ForkExec", "syscall.StartProcess", "golang.org/x/sys/unix.Exec":
		setOnce(&x.p.Execs, x.f.at(sel.Pos()))
		setOnce(&x.p.StartsAny, x.f.at(sel.Pos()))
	case "os/exec.Command", "os/exec.CommandContext", "os/exec.LookPath":
		if !x.called[sel] {
			setOnce(&x.p.StartsAny, x.f.at(sel.Pos()))
		}
	}
	if _, ok := fileFuncs[imported][sel.Sel.Name]; ok && !x.called[sel] {
		setOnce(&x.p.Computed, x.f.at(sel.Pos()))
	}
}

// packageOf returns the import path behind the X of X.Name, "" for a value.
func (x *fileScan) packageOf(sel *ast.SelectorExpr) string {
	if id, ok := sel.X.(*ast.Ident); ok {
		return x.imports[id.Name]
	}
	return ""
}

func (x *fileScan) call(c *ast.CallExpr) {
	sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	x.called[sel] = true
	imported, name := x.packageOf(sel), sel.Sel.Name
	if imported == "os/exec" {
		x.starts(name, c)
		return
	}
	if id, ok := sel.X.(*ast.Ident); name == "ParseFS" || imported == "io/fs" || (ok && x.pkg.embeds[id.Name]) {
		for _, a := range c.Args { // paths inside a file system, not on disk
			x.skip[a] = true
		}
		return
	}
	args, ok := fileFuncs[imported][name]
	if !ok && imported == "" {
		args, ok = fileMethods[name]
		if !ok && x.web && webMethods[name] && len(c.Args) > 0 {
			args, ok = pathArgs{len(c.Args) - 1}, true
		}
	}
	if !ok {
		return
	}
	if args == nil {
		setOnce(&x.p.Computed, x.f.at(c.Pos()))
	}
	if imported == "github.com/joho/godotenv" && len(c.Args) == 0 {
		x.read(".env", x.dir)
	}
	for i, a := range c.Args {
		if !slices.Contains(args, i) && !slices.Contains(args, -1) {
			continue
		}
		known := x.known(a)
		if c.Ellipsis.IsValid() && i == len(c.Args)-1 {
			known = x.knownList(a)
		}
		if !known {
			setOnce(&x.p.Computed, x.f.at(a.Pos()))
		}
	}
}

func (x *fileScan) knownList(e ast.Expr) bool {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return false
	}
	for _, elt := range list.Elts {
		if !x.known(elt) {
			return false
		}
	}
	return true
}

// starts takes down the program that a call of os/exec names.
func (x *fileScan) starts(name string, c *ast.CallExpr) {
	args := c.Args
	switch name {
	case "CommandContext":
		if len(args) == 0 {
			return
		}
		args = args[1:]
	case "Command", "LookPath":
	default:
		return
	}
	if len(args) > 0 && x.itself(args[0]) {
		return // the program is there
	}
	var words []string
	for _, a := range args {
		s, whole := x.prefix(a, 0)
		if !whole || c.Ellipsis.IsValid() && a == args[len(args)-1] {
			s = "$"
		}
		words = append(words, s)
	}
	if len(words) == 0 || words[0] == "$" || words[0] == "" {
		setOnce(&x.p.StartsAny, x.f.at(c.Pos()))
		return
	}
	x.p.Starts = append(x.p.Starts, words)
}

// itself reports whether an expression is the program that runs: os.Args[0],
// /proc/self/exe, or a variable that os.Executable alone gives its value.
func (x *fileScan) itself(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.BasicLit:
		s, _ := stringLit(e)
		return s == "/proc/self/exe"
	case *ast.IndexExpr:
		sel, ok := e.X.(*ast.SelectorExpr)
		i, lit := e.Index.(*ast.BasicLit)
		return ok && lit && i.Value == "0" && x.packageOf(sel) == "os" && sel.Sel.Name == "Args"
	case *ast.Ident:
		return x.executable(e.Name)
	}
	return false
}

// executable: every assignment to a name in the file takes it from os.Executable,
// and it is nobody's parameter or constant.
func (x *fileScan) executable(name string) bool {
	found, other := false, false
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(x.f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if !is(l) {
					continue
				}
				var sel *ast.SelectorExpr
				if call, ok := n.Rhs[0].(*ast.CallExpr); ok && i == 0 && len(n.Rhs) == 1 {
					sel, _ = call.Fun.(*ast.SelectorExpr)
				}
				if sel != nil && x.packageOf(sel) == "os" && sel.Sel.Name == "Executable" {
					found = true
				} else {
					other = true
				}
			}
		case *ast.Field:
			other = other || slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Name == name })
		case *ast.ValueSpec:
			other = other || len(n.Values) > 0 && slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Name == name })
		case *ast.RangeStmt:
			other = other || n.Key != nil && is(n.Key) || n.Value != nil && is(n.Value)
		case *ast.UnaryExpr:
			other = other || n.Op == token.AND && is(n.X)
		}
		return true
	})
	return found && !other
}
