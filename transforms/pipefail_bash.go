package transforms

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// bashVariables are set by bash and by no other shell.
var bashVariables = words(`RANDOM UID EUID HOSTNAME OSTYPE HOSTTYPE MACHTYPE SECONDS PIPESTATUS SHLVL GROUPS DIRSTACK SRANDOM EPOCHSECONDS EPOCHREALTIME FUNCNAME
	BASH BASHPID BASH_VERSION BASH_SOURCE BASH_VERSINFO BASH_SUBSHELL BASHOPTS SHELLOPTS REPLY`)

// dashOnly names what a script has that dash and bash read differently, though
// both take it; "" for nothing. Sources: dash(1), and the chapter "Major
// Differences From The Bourne Shell" of
// https://www.gnu.org/software/bash/manual/bash.html.
func dashOnly(sh *rewrite.Script) string {
	why := ""
	say := func(w string) bool { why = w; return false }
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		if why != "" {
			return false
		}
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Coprocess {
				return say("a background job")
			}
		case *syntax.TestClause, *syntax.LetClause, *syntax.ArithmCmd, *syntax.CoprocClause, *syntax.TimeClause, *syntax.ProcSubst, *syntax.ExtGlob, *syntax.CStyleLoop, *syntax.ArrayExpr, *syntax.TestDecl:
			return say("a word of bash")
		case *syntax.FuncDecl:
			if n.RsrvWord {
				return say("the word function")
			}
		case *syntax.DeclClause:
			for _, a := range n.Args {
				if a.Value != nil && (a.Naked || !quotedOrLiteral(a.Value)) || n.Variant.Value != "export" {
					return say(n.Variant.Value + " of a value without quotes")
				}
			}
		case *syntax.Redirect:
			switch n.Op {
			case syntax.RdrAll, syntax.AppAll, syntax.WordHdoc, syntax.DplIn:
				return say(n.Op.String())
			}
		case *syntax.SglQuoted:
			if n.Dollar {
				return say("$'…'")
			}
		case *syntax.DblQuoted:
			if n.Dollar {
				return say(`$"…"`)
			}
		case *syntax.Lit:
			for _, w := range []string{"{", "=~", ":~", "[^"} {
				if strings.Contains(n.Value, w) {
					return say(w)
				}
			}
		case *syntax.CmdSubst:
			if len(n.Stmts) > 1 && sh.FailsFast() {
				return say("set -e and a list in $(…)")
			}
			if len(n.Stmts) == 1 && n.Stmts[0].Cmd == nil {
				return say("$(<…)")
			}
		case *syntax.ParamExp:
			if n.Param != nil && bashVariables[n.Param.Value] || n.Slice != nil || n.Repl != nil || n.Index != nil || n.Excl || n.Names != 0 {
				return say("a variable of bash")
			}
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				if w := dashCall(sh, n); w != "" {
					return say(w)
				}
			}
		}
		return true
	})
	return why
}

// quotedOrLiteral reports whether a value is the same with and without word
// splitting.
func quotedOrLiteral(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p.(type) {
		case *syntax.Lit, *syntax.SglQuoted, *syntax.DblQuoted:
		default:
			return false
		}
	}
	return true
}

// dashCall names what is special about a command.
func dashCall(sh *rewrite.Script, call *syntax.CallExpr) string {
	name := call.Args[0].Lit()
	if name == "" {
		if strings.Contains(sh.Source(call.Args[0]), "/") {
			return ""
		}
		return "a computed command"
	}
	switch name {
	case "echo":
		for i, a := range call.Args[1:] {
			src := sh.Source(a)
			if strings.Contains(src, `\`) || i == 0 && strings.HasPrefix(src, "-") && src != "-n" {
				return "echo with a backslash or -e"
			}
		}
	case "printf":
		for _, a := range call.Args[1:] {
			src := sh.Source(a)
			for _, w := range []string{`\x`, `\u`, `\U`, `\e`, `\E`, `%q`, `%(`, `%b`, `\c`} {
				if strings.Contains(src, w) {
					return "printf with " + w
				}
			}
		}
	case "test", "[":
		for _, a := range call.Args[1:] {
			switch src := sh.Source(a); src {
			case "==", "-v", "-R", "=~":
				return "test with " + src
			}
		}
	case ".", "source", "trap", "alias", "type", "wait", "jobs", "kill", "read", "ulimit", "hash", "local", "shopt", "pushd", "popd", "declare", "typeset", "let", "enable", "builtin",
		"mapfile", "readarray", "eval", "getopts", "time", "exec", "history", "help", "logout", "disown", "compgen", "caller", "dirs":
		return "the built-in " + name
	}
	return ""
}
