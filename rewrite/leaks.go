package rewrite

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Joinable tells why a script can't be a link of an `a && b` chain as it
// stands: it is several statements (";" tolerates the failure of the first),
// runs in the background, or ends in a comment that would swallow what
// follows. "" when it can.
func (s *Script) Joinable() string {
	if len(s.File.Stmts) == 0 {
		return "runs nothing"
	}
	if len(s.File.Stmts) > 1 {
		return "is a list with ; where the failure of one command is tolerated"
	}
	if s.File.Stmts[0].Background || s.File.Stmts[0].Coprocess {
		return "runs in the background"
	}
	// The statement's end must be the script's end: a trailing ; or comment is not.
	if end := int(s.File.Stmts[0].End().Offset()); end < len(s.Text) && strings.TrimSpace(s.Text[end:]) != "" {
		return "ends in a comment or a semicolon"
	}
	if strings.HasSuffix(s.Text, ";") {
		return "ends in a semicolon"
	}
	why := ""
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Comment:
			why = "holds a comment"
		case *syntax.Redirect:
			if n.Hdoc != nil {
				why = "holds a here-document"
			}
		}
		return why == ""
	})
	return why
}

// NeedsGroup reports whether the script must stand in parentheses to keep its
// meaning in an `a && b` chain: its top level has a ||.
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
				if !strings.HasPrefix(s.Source(n.Args[0]), "/") {
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
		if strings.Contains(next, "$"+v) || strings.Contains(next, "${"+v) {
			return "sets $" + v
		}
	}
	return ""
}

func nonZero(s string) bool {
	n, ok := atoi(s)
	return ok && n > 0 && n < 256
}
