package judge

import (
	"maps"
	"path"
	"slices"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// scope is the state a shell carries from one command to the next.
type scope struct {
	cwd, prevDir string
	dirs         []string          // pushd
	exports      map[string]string // exported by the script
	vars         map[string]string // assigned, not exported
	opts         map[string]bool   // umask 022, set -u, . ./env …
	errexit      bool
	pipefail     bool
	exited       bool // an exit or exec that may succeed came before
}

func newScope(cwd string) *scope {
	if cwd == "" {
		cwd = "/"
	}
	return &scope{cwd: cwd, exports: map[string]string{}, vars: map[string]string{}, opts: map[string]bool{}}
}

func (s *scope) clone() *scope {
	c := *s
	c.dirs = slices.Clone(s.dirs)
	c.exports, c.vars, c.opts = maps.Clone(s.exports), maps.Clone(s.vars), maps.Clone(s.opts)
	return &c
}

func (s *scope) options() string {
	keys := slices.Collect(maps.Keys(s.opts))
	sort.Strings(keys)
	return strings.Join(keys, "; ")
}

func (s *scope) chdir(to string) {
	old := s.cwd
	switch {
	case to == "" || to == "~":
		s.cwd = "$HOME"
	case to == "-":
		s.cwd = s.prevDir
	case strings.HasPrefix(to, "/"):
		s.cwd = path.Clean(to)
	case strings.HasPrefix(to, "$") || strings.HasPrefix(to, `"$`) || strings.HasPrefix(to, "~"):
		s.cwd = strings.Trim(to, `"`)
	default:
		s.cwd = path.Join(s.cwd, to)
	}
	s.prevDir = old
}

// apply records what a simple command leaves behind.
func (s *scope) apply(p *printer, cmd syntax.Command, text string) {
	switch c := cmd.(type) {
	case *syntax.DeclClause:
		if c.Variant.Value == "export" || c.Variant.Value == "declare" || c.Variant.Value == "readonly" {
			s.declare(p, c)
		}
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			for _, a := range c.Assigns {
				s.assign(p, a)
			}
			return
		}
		s.builtin(p, c, text)
	}
}

func (s *scope) assign(p *printer, a *syntax.Assign) {
	if a.Name == nil {
		return
	}
	value := p.assign(a)
	if _, ok := s.exports[a.Name.Value]; ok || s.opts["set -a"] {
		s.exports[a.Name.Value] = value
		return
	}
	s.vars[a.Name.Value] = value
}

func (s *scope) declare(p *printer, c *syntax.DeclClause) {
	export := c.Variant.Value == "export"
	for _, a := range c.Args {
		if a.Name == nil {
			if a.Value != nil && strings.Contains(p.word(a.Value), "x") && c.Variant.Value == "declare" {
				export = true
			}
			continue
		}
		name := a.Name.Value
		switch {
		case a.Naked && export:
			value, ok := s.vars[name]
			if !ok {
				value = name + "=$" + name
			}
			s.exports[name] = value
			delete(s.vars, name)
		case a.Naked:
		case export:
			s.exports[name] = p.assign(a)
			delete(s.vars, name)
		default:
			s.assign(p, a)
		}
	}
}

func (s *scope) builtin(p *printer, c *syntax.CallExpr, text string) {
	args := make([]string, len(c.Args))
	for i, w := range c.Args {
		if lit, ok := literal(w); ok {
			args[i] = lit
		} else {
			args[i] = p.node(w)
		}
	}
	first := ""
	for _, a := range args[1:] {
		if a != "--" && a != "-P" && a != "-L" {
			first = a
			break
		}
	}
	switch args[0] {
	case "cd":
		s.chdir(first)
	case "pushd":
		s.dirs = append(s.dirs, s.cwd)
		s.chdir(first)
	case "popd":
		if n := len(s.dirs); n > 0 {
			s.chdir(s.dirs[n-1])
			s.dirs = s.dirs[:n-1]
		}
	case "export": // parsed as a call under POSIX
		for _, a := range args[1:] {
			name, _, _ := strings.Cut(a, "=")
			s.exports[name] = a
		}
	case "set":
		s.set(args[1:])
	case "unset":
		for _, a := range args[1:] {
			delete(s.exports, a)
			delete(s.vars, a)
			s.opts["unset "+a] = true
		}
	case "umask", "ulimit", "trap", "alias", "source", ".", "shopt", "eval", "hash":
		s.opts[text] = true
	case "exit", "exec", "return":
		if args[0] == "exec" && len(args) == 1 {
			s.opts[text] = true
			return
		}
		if args[0] == "exec" || len(args) == 1 || first == "0" || strings.Contains(first, "$") {
			s.exited = true
		}
	}
}

func (s *scope) set(args []string) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if len(a) < 2 || (a[0] != '-' && a[0] != '+') || a == "--" {
			s.opts["set "+strings.Join(args[i:], " ")] = true
			return
		}
		on := a[0] == '-'
		for _, f := range a[1:] {
			switch f {
			case 'e':
				s.errexit = on
			case 'x', 'v':
			case 'o':
				if i+1 < len(args) {
					i++
					s.long(args[i], on)
				}
			default:
				s.option("set -"+string(f), on)
			}
		}
	}
}

func (s *scope) long(name string, on bool) {
	switch name {
	case "errexit":
		s.errexit = on
	case "pipefail":
		s.pipefail = on
	case "xtrace", "verbose":
	case "nounset":
		s.option("set -u", on)
	default:
		s.option("set -o "+name, on)
	}
}

func (s *scope) option(name string, on bool) {
	if on {
		s.opts[name] = true
	} else {
		delete(s.opts, name)
	}
}
