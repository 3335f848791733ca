package repo

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
)

// Which paths of the context a Go program names.

// known reports whether the path that expression e gives to a file-reading
// call is known well enough: all of it, or the folder it lies in. What it
// names is taken into Reads or Missing. The working folder itself (".") counts
// as not known, since anything may be below it.
func (x *fileScan) known(e ast.Expr) bool {
	x.parts = nil
	s, whole := x.prefix(e, 0)
	if !x.takes(s, whole) {
		return false
	}
	for _, lit := range x.parts { // "web" of Join("web", "dist") is no path of its own
		x.skip[lit] = true
	}
	return true
}

func (x *fileScan) takes(s string, whole bool) bool {
	s = strings.TrimPrefix(s, "file://")
	if !whole {
		// up to the last slash, the rest is computed
		s = s[:strings.LastIndexByte(s, '/')+1]
		if s == "" {
			return false
		}
	}
	if systemPath(s) {
		return true
	}
	if c := path.Clean(s); s == "" || c == "." || c == "/" || c == ".." || strings.HasPrefix(c, "*") {
		return false
	}
	if x.read(s, x.dir) {
		return true
	}
	if path.IsAbs(s) && !whole {
		return false // it may be the working folder of the image
	}
	if len(x.missing) < 1000 {
		x.missing[path.Clean(s)] = true
	}
	return true
}

// systemPath: folders that no build step puts an application into.
func systemPath(s string) bool {
	for _, p := range []string{"/proc/", "/sys/", "/dev/", "/etc/", "/tmp/", "/run/", "/var/run/", "/var/log/"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// prefix returns what is known of the start of a string expression, and
// whether that is all of it.
func (x *fileScan) prefix(e ast.Expr, depth int) (s string, whole bool) {
	if depth > 50 {
		return "", false
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		x.parts = append(x.parts, e)
		return stringLit(e)
	case *ast.Ident:
		s, ok := x.pkg.consts[e.Name]
		return s, ok
	case *ast.ParenExpr:
		return x.prefix(e.X, depth+1)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, whole := x.prefix(e.X, depth+1)
		if !whole {
			return left, false
		}
		right, whole := x.prefix(e.Y, depth+1)
		return left + right, whole
	case *ast.CallExpr:
		return x.prefixCall(e, depth)
	}
	return "", false
}

func (x *fileScan) prefixCall(c *ast.CallExpr, depth int) (string, bool) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(c.Args) == 0 {
		return "", false
	}
	switch x.packageOf(sel) + "." + sel.Sel.Name {
	case "path/filepath.Join", "path.Join":
		var parts []string
		for _, a := range c.Args {
			s, whole := x.prefix(a, depth+1)
			if !whole {
				// The computed rest may climb with "..": the folder is all that
				// can be said, and a program that climbs is beyond this.
				joined := path.Join(parts...)
				if joined == "" || joined == "." {
					return s, false
				}
				return joined + "/" + s, false
			}
			parts = append(parts, s)
		}
		return path.Join(parts...), true
	case "path/filepath.Clean", "path.Clean", "path/filepath.FromSlash", "path/filepath.ToSlash":
		return x.prefix(c.Args[0], depth+1)
	case "fmt.Sprintf":
		s, whole := x.prefix(c.Args[0], depth+1)
		before, _, verbs := strings.Cut(s, "%")
		return before, whole && !verbs
	}
	return "", false
}

// read takes the literal s into Reads if it names something in the context:
// relative to the context's root, to the module, or to the package's folder;
// an absolute path by any of its ends, as the image's folder is not known here.
// Globs name the folder they start in. It reports whether anything was named,
// Go source included, which is not taken.
func (s *goScan) read(lit, dir string) bool {
	lit = strings.TrimPrefix(lit, "file://")
	if lit == "" || len(lit) > 255 || strings.ContainsAny(lit, "\n\x00:\"'<>{}|") {
		return false
	}
	if i := strings.IndexAny(lit, "*?["); i >= 0 {
		lit = lit[:strings.LastIndexByte(lit[:i], '/')+1]
	}
	abs := path.IsAbs(lit)
	lit = path.Clean(lit)
	if lit == "." || lit == "/" || lit == ".." {
		return false
	}
	if !abs {
		return s.readAt(lit, dir)
	}
	for rest := strings.Trim(lit, "/"); ; {
		if s.readAt(rest, dir) {
			return true
		}
		_, after, ok := strings.Cut(rest, "/")
		if !ok {
			return false
		}
		rest = after
	}
}

func (s *goScan) readAt(rel, dir string) bool {
	found := false
	first, _, _ := strings.Cut(rel, "/")
	tried := map[string]bool{}
	for _, base := range []string{".", s.g.Dir, dir} {
		if tried[base] || (first != ".." && !s.g.hasEntry(base, first)) {
			continue
		}
		tried[base] = true
		name, ok := clean(join(base, rel))
		if !ok || name == "." || name == s.g.Dir || first == ".git" {
			continue
		}
		fi := s.g.repo.stat(name)
		if fi == nil {
			continue
		}
		found = true
		if fi.IsDir() && !s.g.repo.hasData(name) || strings.HasSuffix(name, ".go") || name == path.Join(s.g.Dir, "go.mod") {
			continue
		}
		s.reads[name] = true
	}
	return found
}

// hasEntry saves a stat per literal: most words begin no path.
func (g *Go) hasEntry(dir, name string) bool {
	for _, e := range g.dirs.get(dir, func() (out []string) {
		for _, e := range g.repo.ReadDir(dir) {
			out = append(out, e.Name())
		}
		return out
	}) {
		if e == name {
			return true
		}
	}
	return false
}

// hasData reports whether a folder holds, at any depth, a file that is not Go
// source. A large folder is taken to.
func (r *Repo) hasData(dir string) bool {
	left := 2000
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		entries, complete := readDir(r.fsys, queue[0], left)
		if left -= len(entries); !complete || left <= 0 {
			return true
		}
		for _, e := range entries {
			switch name := e.Name(); {
			case e.IsDir():
				queue = append(queue, path.Join(queue[0], name))
			case !strings.HasSuffix(name, ".go"):
				return true
			}
		}
	}
	return false
}
