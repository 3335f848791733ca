package imagefs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/verify/finding"
)

// maxScripts bounds how deep scripts that start scripts are followed.
const maxScripts = 8

// follow checks what a shell script of after starts.
func (c *comparison) follow(p string, depth int) {
	real, n := c.after.Tree.follow(p)
	if n == nil || c.started[real] || depth > maxScripts {
		return
	}
	c.started[real] = true
	if isShell(n.Script) || path.Ext(real) == ".sh" {
		if c.before.file(p) != nil {
			c.script("/"+real, string(n.Text), depth)
		}
	}
}

// script checks the commands of a shell script: those that before has on PATH and after hasn't. Only simple commands
// whose name is literal count; builtins, functions, and names that the script itself looks for (command -v NAME) don't.
func (c *comparison) script(what, text string, depth int) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return // another shell's: nothing can be said
	}
	commands := shellCommands(f)
	for _, name := range commands {
		at := c.before.command(c.was, name)
		if at == "" {
			continue
		}
		if is := c.after.command(c.is, name); is != "" {
			c.follow(is, depth+1)
			continue
		}
		message := fmt.Sprintf("%s runs %s, which isn't on the new image's PATH", what, name)
		if strings.Contains(name, "/") {
			message = fmt.Sprintf("%s runs %s, which the new image lacks", what, name)
		}
		if strings.HasSuffix(what, " start") || strings.HasSuffix(what, " starts") {
			message = strings.Replace(message, " runs ", " ", 1)
		}
		p := ""
		if strings.HasPrefix(what, "/") {
			p = what
		}
		c.add(true, finding.Command, p, message, path.Base(name))
	}
}

// builtins are POSIX's and bash's; a few exist as programs too, but no shell starts those.
var builtins = strings.Fields(`. : [ [[ alias bg bind break builtin caller case cd command compgen complete compopt continue declare
	dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile
	popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset
	ulimit umask unalias unset wait`)

// shellCommands are the names of a script's simple commands, in order, without repetitions.
func shellCommands(f *syntax.File) []string {
	skip := map[string]bool{}
	var out []string
	ownPath := false
	syntax.Walk(f, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.FuncDecl:
			skip[n.Name.Value] = true
		case *syntax.Assign:
			ownPath = ownPath || n.Name != nil && n.Name.Value == "PATH"
		case *syntax.DeclClause:
		case *syntax.CallExpr:
			argv := literals(n.Args)
			if len(argv) == 0 {
				return true
			}
			switch argv[0] {
			case "command", "type", "which", "hash":
				for _, w := range argv[1:] {
					if w != "" && !strings.HasPrefix(w, "-") {
						skip[w] = argv[0] != "command" || slices.ContainsFunc(argv, func(o string) bool { return o == "-v" || o == "-V" }) || skip[w]
					}
				}
				if argv[0] == "command" && len(argv) > 1 && argv[1] != "" && argv[1][0] != '-' {
					out = append(out, argv[1])
				}
			case "exec", "nohup", "env", "tini", "dumb-init", "gosu", "su-exec", "time", "nice", "setsid":
				out = append(out, argv[0])
				for rest := argv; len(rest) > 0; { // exec gosu app serve: each of them
					next := unwrapped(rest)
					if len(next) == len(rest) {
						break
					}
					if rest = next; len(rest) > 0 && rest[0] != "" {
						out = append(out, rest[0])
					}
				}
			default:
				out = append(out, argv[0])
			}
		}
		return true
	})
	var names []string
	for _, name := range out {
		relative := strings.Contains(name, "/") && !path.IsAbs(name)
		switch {
		case name == "" || skip[name] || slices.Contains(builtins, name) || slices.Contains(names, name):
		case relative, ownPath && !strings.Contains(name, "/"):
			// Where it is depends on what the script did before.
		default:
			names = append(names, name)
		}
	}
	return names
}

// literals are words without expansions; others are "".
func literals(args []*syntax.Word) []string {
	var out []string
	for _, w := range args {
		text := w.Lit()
		if len(w.Parts) == 1 {
			switch p := w.Parts[0].(type) {
			case *syntax.SglQuoted:
				text = p.Value
			case *syntax.DblQuoted:
				if len(p.Parts) == 1 {
					if l, ok := p.Parts[0].(*syntax.Lit); ok {
						text = l.Value
					}
				}
			}
		}
		out = append(out, text)
	}
	return out
}
