package rewrite

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Joined tells how the script can be a link of an `a && b` chain in which next
// is what follows in the same shell, "" for the last link: as it stands, or in
// a subshell that keeps its ";" lists, its || and what it would leave behind to
// itself. why says what speaks against both.
func (s *Script) Joined(next string) (subshell bool, why string) {
	if next == "" {
		return s.Tied(nil)
	}
	return s.Tied(func(variable string) bool { return readsVariable(next, variable) })
}

// Tied is Joined where what follows is too long to be put together: reads tells whether a
// variable is read there; nil for the last link.
func (s *Script) Tied(reads func(variable string) bool) (subshell bool, why string) {
	if why := s.openEnd(); why != "" {
		return false, why
	}
	syntax.Walk(s.File, func(n syntax.Node) bool {
		if w := s.untied(n); w != "" {
			why = w
		}
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Coprocess {
				why = "runs in the background" // it ends with its RUN
			}
		case *syntax.CoprocClause:
			why = "runs in the background"
		}
		return why == ""
	})
	if why != "" {
		return false, why
	}
	if reads != nil && s.errexit() && !s.plainChain() {
		return false, "relies on set -e, which doesn't act on the left of &&"
	}
	return len(s.File.Stmts) > 1 || s.NeedsGroup() || reads != nil && s.leaks(reads) != "", ""
}

// openEnd tells why nothing can be tied to the script's end, "" when it can.
func (s *Script) openEnd() string {
	n := len(s.File.Stmts)
	if n == 0 {
		return "runs nothing"
	}
	if end := int(s.File.Stmts[n-1].End().Offset()); end < len(s.Text) && strings.TrimSpace(s.Text[end:]) != "" {
		return "ends in a comment or a semicolon"
	}
	if !s.heredoc && strings.HasSuffix(s.Text, ";") {
		return "ends in a semicolon"
	}
	return ""
}

// untied tells of a node what keeps its script from being tied to another
// command with &&, "" for nothing. In a heredoc a comment ends with its line.
func (s *Script) untied(n syntax.Node) string {
	switch n := n.(type) {
	case *syntax.Comment:
		if !s.heredoc {
			return "holds a comment"
		}
	case *syntax.Redirect:
		if n.Hdoc != nil {
			return "holds a here-document"
		}
		if s.backgrounds(n) {
			return "redirects with &>, a background job for a plain sh"
		}
	}
	return ""
}

// backgrounds: dash and ash read `a &> f` as `a &` and `> f`; the tree is
// bash's, so this is asked wherever SHELL doesn't name a shell that agrees.
func (s *Script) backgrounds(r *syntax.Redirect) bool {
	if r.Op != syntax.RdrAll && r.Op != syntax.AppAll {
		return false
	}
	sh := s.in.State().Shell
	return len(sh) == 0 || path.Base(sh[0]) != "bash" && path.Base(sh[0]) != "zsh"
}

// errexit reports whether set -e is in force somewhere in the script: by SHELL
// or by a command of its own.
func (s *Script) errexit() bool {
	if s.shellErrexit() {
		return true
	}
	for _, c := range s.Commands() {
		if c.Name != "set" {
			continue
		}
		for _, w := range c.Args[1:] {
			if setsErrexit(w) {
				return true
			}
		}
	}
	return false
}

// shellErrexit: SHELL starts the shell with -e.
func (s *Script) shellErrexit() bool {
	sh := s.in.State().Shell
	return len(sh) > 1 && slices.ContainsFunc(sh[1:], setsErrexit)
}

// setsErrexit: the word is -e, alone or among other letters, or errexit.
func setsErrexit(w string) bool {
	return w == "errexit" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "e")
}

// plainChain reports whether the script is nothing but simple commands and
// pipes of them with && in between, where set -e makes no difference.
func (s *Script) plainChain() bool { return len(s.File.Stmts) == 1 && plainChain(s.File.Stmts[0]) }

func plainChain(st *syntax.Stmt) bool {
	if st.Negated {
		return false
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr, *syntax.DeclClause:
		return true
	case *syntax.BinaryCmd:
		return c.Op != syntax.OrStmt && plainChain(c.X) && plainChain(c.Y)
	}
	return false
}

// NeedsGroup reports whether the script, a single statement, must stand in
// parentheses to keep its meaning in an `a && b` chain: its top level has a ||.
func (s *Script) NeedsGroup() bool {
	st := s.File.Stmts[0]
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok {
			return false
		}
		switch b.Op {
		case syntax.OrStmt:
			return true
		case syntax.AndStmt:
			if hasOr(b.Y) {
				return true
			}
			st = b.X
		default:
			return false
		}
	}
}

func hasOr(st *syntax.Stmt) bool {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.OrStmt || b.Op == syntax.AndStmt && (hasOr(b.X) || hasOr(b.Y)))
}

// leaky are built-ins whose effect outlives the command.
var leaky = map[string]string{
	"cd": "changes the directory", "pushd": "changes the directory", "popd": "changes the directory",
	"export": "exports a variable", "set": "sets shell options", "unset": "unsets a variable", "shopt": "sets shell options",
	"umask": "changes the umask", "ulimit": "changes limits", "trap": "sets a trap", "alias": "defines an alias", "unalias": "changes aliases",
	"exec": "replaces the shell", "return": "leaves the script", "source": "sources a file", ".": "sources a file", "eval": "evaluates text",
	"read": "sets a variable", "wait": "waits for jobs", "hash": "changes the command table", "shift": "shifts the arguments", "getopts": "sets variables",
	"mapfile": "sets a variable", "readarray": "sets a variable", "enable": "changes built-ins", "builtin": "calls a built-in", "command": "", "let": "sets a variable",
	"local": "sets a variable", "declare": "sets a variable", "readonly": "sets a variable", "typeset": "sets a variable", "disown": "changes jobs",
}

// Leaks tells what the script would leave behind in a shell that goes on to
// run next: a directory, variables, options, functions, an early exit. Pipes,
// subshells and command substitutions keep their effects to themselves. "" for
// nothing.
func (s *Script) Leaks(next string) string {
	return s.leaks(func(variable string) bool { return readsVariable(next, variable) })
}

func readsVariable(text, name string) bool {
	return strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name)
}

func (s *Script) leaks(reads func(variable string) bool) string {
	why := ""
	set := func(w string) {
		if why == "" {
			why = w
		}
	}
	var vars []string
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst:
			return false
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				return false
			}
		case *syntax.FuncDecl:
			set("defines a function")
		case *syntax.DeclClause:
			set("sets a variable")
		case *syntax.LetClause, *syntax.ArithmCmd, *syntax.CoprocClause:
			set("sets a variable")
		case *syntax.WordIter:
			vars = append(vars, n.Name.Value)
		case *syntax.CStyleLoop:
			set("sets a variable")
		case *syntax.ParamExp:
			if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				set("sets a variable")
			}
		case *syntax.ArithmExp:
			set("may set a variable")
		case *syntax.Stmt:
			if n.Background {
				set("runs in the background")
			}
		case *syntax.CallExpr:
			if len(n.Args) == 0 {
				set("sets a variable")
				return true
			}
			name := literal(n.Args[0])
			if name == "" {
				if !strings.Contains(s.Source(n.Args[0]), "/") { // no built-in has a slash
					set("runs a computed command")
				}
				return true
			}
			if name == "exit" {
				if len(n.Args) != 2 || !nonZero(literal(n.Args[1])) {
					set("may exit early")
				}
				return true
			}
			if w := leaky[path.Base(name)]; w != "" && path.Base(name) == name {
				set(w)
			}
		}
		return true
	})
	if why != "" {
		return why
	}
	for _, v := range vars {
		if reads(v) {
			return "sets $" + v
		}
	}
	return ""
}

func nonZero(s string) bool {
	n, ok := atoi(s)
	return ok && n > 0 && n < 256
}
