package cmdline

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// Builtins are commands of the shell itself.
var Builtins = words(`. : [ alias bg break cd command continue echo eval exec exit export false fg getopts hash if jobs kill let local printf pwd read readonly return set shift source test times trap true type ulimit umask unalias unset wait [[ declare`)

// LastWord is the program that a #! line names, behind env too; "" for none.
func LastWord(line string) string {
	f := strings.FieldsFunc(strings.TrimPrefix(line, "#!"), func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
	for _, w := range f {
		if b := path.Base(w); b != "env" && !strings.HasPrefix(w, "-") {
			return b
		}
	}
	return ""
}

// Commented: the line begins with the sign of a comment.
func Commented(src string, at int) bool {
	line := strings.TrimSpace(src[strings.LastIndexByte(src[:at], '\n')+1 : at])
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "*")
}

// KeyWords are the parts that Command.Key is joined from.
func KeyWords(sh *rewrite.Script, c rewrite.Command) (assigns, args, redirs []string) {
	for _, a := range c.Call.Assigns {
		assigns = append(assigns, sh.Source(a))
	}
	for _, a := range c.Call.Args {
		args = append(args, sh.Source(a))
	}
	for _, r := range c.Stmt.Redirs {
		redirs = append(redirs, sh.Source(r))
	}
	return assigns, args, redirs
}

// JoinKey joins what KeyWords took apart.
func JoinKey(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return strings.Join(all, " ")
}

// ListCommands are the commands of an exec form: of sh -c those of its script.
func ListCommands(list []string) [][]string {
	if len(list) >= 3 && rewrite.PosixShell(list[0]) && strings.HasPrefix(list[1], "-") && strings.HasSuffix(list[1], "c") {
		if cmds, err := ScriptCommands(list[2]); err == nil {
			return append(cmds, list[:1])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return [][]string{list}
}

// ScriptCommands lists the simple commands of a shell script; words that are
// computed come as "$".
func ScriptCommands(text string) ([][]string, error) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	var out [][]string
	syntax.Walk(f, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		var args []string
		for _, w := range call.Args {
			args = append(args, PlainWord(w))
		}
		args = Unwrap(args)
		out = append(append(out, args), innerCommands(args)...)
		if rest := npxRuns(args); len(rest) > 0 {
			out = append(out, rest)
		}
		return true
	})
	return out, nil
}

// PlainWord is a word of a script without its quotes; what is computed stands there as "$".
func PlainWord(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				if l, ok := q.(*syntax.Lit); ok {
					b.WriteString(l.Value)
				} else {
					b.WriteString("$")
				}
			}
		default:
			b.WriteString("$")
		}
	}
	return b.String()
}

// Wrappers start the program that their arguments name.
var Wrappers = words(`exec command which env nohup time nice sudo gosu su-exec tini dumb-init docker-entrypoint.sh xvfb-run timeout wait-for-it wait-for-it.sh wait-for dockerize cross-env dotenv`)

// Unwrap drops exec, env, tini and the like from the front of a command.
func Unwrap(args []string) []string {
	for len(args) > 1 && Wrappers[path.Base(args[0])] {
		i := 1
		for i < len(args)-1 && (strings.HasPrefix(args[i], "-") || strings.Contains(args[i], "=") || strings.Trim(args[i], "0123456789.smh") == "" || strings.Contains(args[i], ":")) {
			i++
		}
		args = args[i:]
	}
	return args
}

// innerCommands are those of the script that a shell, or su, is given as an argument.
func innerCommands(args []string) (out [][]string) {
	if len(args) < 3 || !rewrite.PosixShell(args[0]) && path.Base(args[0]) != "su" {
		return nil
	}
	for i, a := range args[1 : len(args)-1] {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") {
			out, _ = ScriptCommands(args[i+2])
			return out
		}
	}
	return nil
}

// npxRuns is the command that npx is told to run, nil for none.
func npxRuns(args []string) []string {
	if name := path.Base(args[0]); name != "npx" && name != "bunx" {
		return nil
	}
	for i, a := range args[1:] {
		if !strings.HasPrefix(a, "-") {
			return args[i+1:]
		}
	}
	return nil
}

// LoopPatterns are the patterns that the loops of a script go over.
func LoopPatterns(text string) (out []string) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		if loop, ok := n.(*syntax.WordIter); ok {
			for _, w := range loop.Items {
				if p := PlainWord(w); strings.Contains(p, "*") && !strings.Contains(p, "$") {
					out = append(out, p)
				}
			}
		}
		return true
	})
	return out
}
