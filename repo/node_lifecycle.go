package repo

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What the scripts read that an install runs: package.json's own and those of
// packages that look at the project around them.

// quietTools are commands that read and write nothing of the project.
var quietTools = map[string]bool{
	"echo": true, "printf": true, "true": true, "false": true, ":": true, "exit": true,
	"is-ci":                      true, // https://github.com/watson/is-ci: environment variables
	"only-allow":                 true, // https://github.com/pnpm/only-allow: npm_config_user_agent
	"opencollective":             true, // prints package.json's "collective"
	"opencollective-postinstall": true,
}

// hookTools are packages that write git hooks when they find .git, at install
// or when they are called, and do nothing else.
var hookTools = map[string]bool{"husky": true, "simple-git-hooks": true, "pre-commit": true, "yorkie": true, "ghooks": true, "git-hooks": true, "lefthook": true}

// scripts judges the lifecycle scripts of one package of the install.
func (i *nodeInstall) scripts(n *Node) {
	for _, s := range n.Lifecycle() {
		switch {
		case s == "pnpm:devPreinstall" && i.call.Manager != "pnpm",
			strings.HasSuffix(s, "dependencies") && i.call.Manager != "npm",
			// Yarn 2 and later: preinstall, install and postinstall only
			// (https://yarnpkg.com/advanced/lifecycle-scripts).
			i.berry && (strings.HasSuffix(s, "prepare") || s == "prepublish"):
			continue
		}
		if !i.script(n, s, 0) {
			i.unknown(fmt.Sprintf("the %s script of %s runs at install: %s", s, path.Join(n.Dir, "package.json"), short(n.Scripts[s])))
		}
	}
	if n.Gyp {
		i.unknown(path.Join(n.Dir, "binding.gyp") + " makes the install compile the package")
	}
}

// script reports whether all is known that a script of package.json reads, and
// notes it.
func (i *nodeInstall) script(n *Node, name string, depth int) bool {
	text := n.Scripts[name]
	if depth > 5 {
		return false
	}
	for _, around := range []string{"pre" + name, "post" + name} {
		if n.Scripts[around] != "" && depth > 0 && !i.shell(n, n.Scripts[around], depth) {
			return false
		}
	}
	return i.shell(n, text, depth)
}

func (i *nodeInstall) shell(n *Node, text string, depth int) bool {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err != nil {
		return false
	}
	ok := true
	syntax.Walk(file, func(node syntax.Node) bool {
		switch x := node.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst, *syntax.DeclClause, *syntax.FuncDecl, *syntax.TestClause, *syntax.ArithmExp, *syntax.CoprocClause:
			ok = false
		case *syntax.Redirect:
			to := x.Word.Lit()
			ok = ok && (to == "/dev/null" || x.Op == syntax.DplOut)
		case *syntax.CallExpr:
			for _, a := range x.Assigns {
				ok = ok && plainVariable(a.Name.Value)
			}
			if len(x.Args) > 0 {
				ok = ok && i.command(n, scriptWords(x.Args), depth)
			}
		}
		return ok
	})
	return ok
}

// plainVariable: setting it for a command makes it read nothing else.
func plainVariable(name string) bool {
	switch name {
	case "CI", "NODE_ENV", "HUSKY", "HUSKY_SKIP_INSTALL":
		return true
	}
	return false
}

// scriptWords are the values of words; one that is computed is "$".
func scriptWords(args []*syntax.Word) []string {
	out := make([]string, len(args))
	for n, w := range args {
		out[n] = "$"
		if len(w.Parts) != 1 {
			continue
		}
		switch p := w.Parts[0].(type) {
		case *syntax.Lit:
			if !strings.ContainsAny(p.Value, `\*?[{~`) || p.Value == "[" {
				out[n] = p.Value
			}
		case *syntax.SglQuoted:
			out[n] = p.Value
		case *syntax.DblQuoted:
			if len(p.Parts) == 1 {
				if l, ok := p.Parts[0].(*syntax.Lit); ok && !strings.Contains(l.Value, `\`) {
					out[n] = l.Value
				}
			}
		}
	}
	return out
}

// command reports whether all is known that a command reads and writes, and
// notes it.
func (i *nodeInstall) command(n *Node, args []string, depth int) bool {
	name, rest := args[0], args[1:]
	switch {
	case quietTools[name]:
		return true
	case name == "test" || name == "[":
		for _, a := range rest {
			if len(a) == 2 && a[0] == '-' && a != "-n" && a != "-z" {
				return false // -f, -d: it looks for files
			}
		}
		return true
	case name == "cross-env":
		for len(rest) > 0 && strings.Contains(rest[0], "=") {
			k, _, _ := strings.Cut(rest[0], "=")
			if !plainVariable(k) {
				return false
			}
			rest = rest[1:]
		}
		return len(rest) > 0 && i.command(n, rest, depth)
	case name == "husky" && (len(rest) == 0 || rest[0] == "install"):
		i.gitHooks(n)
		return true
	case name == "simple-git-hooks" && len(rest) == 0 && !n.hasPrefix(".simple-git-hooks", "simple-git-hooks"):
		i.gitHooks(n)
		return true
	case name == "patch-package":
		return i.patchPackage(n, rest)
	case name == "prisma" && len(rest) > 0 && rest[0] == "generate":
		return i.prismaGenerate(n, rest[1:])
	case name == "node":
		return i.node(n, rest)
	case name == "npx" || name == "bunx" || name == "pnpx":
		for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
			switch rest[0] {
			case "-y", "--yes", "--no-install", "--no", "-q", "--quiet", "--":
				rest = rest[1:]
			default:
				return false
			}
		}
		return len(rest) > 0 && i.called(n, rest, depth)
	case name == "npm" || name == "yarn" || name == "pnpm" || name == "bun":
		return i.runs(n, name, rest, depth)
	}
	return false
}

// called is a command whose name may carry a version, as npx takes it.
func (i *nodeInstall) called(n *Node, args []string, depth int) bool {
	name := args[0]
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	return i.command(n, append([]string{name}, args[1:]...), depth+1)
}

// runs judges what npm, yarn, pnpm or bun run: a script or a command.
func (i *nodeInstall) runs(n *Node, manager string, args []string, depth int) bool {
	if len(args) == 0 || depth > 5 {
		return false
	}
	switch verb := args[0]; {
	case verb == "workspace" && manager == "yarn" && len(args) > 2:
		for _, m := range i.members {
			if m.Name == args[1] {
				return i.runs(m, manager, args[2:], depth+1)
			}
		}
		return false
	case verb == "run" || verb == "run-script":
		args = args[1:]
		return len(args) == 1 && n.Scripts[args[0]] != "" && i.script(n, args[0], depth+1)
	case verb == "exec" || verb == "x" || verb == "dlx":
		if args = args[1:]; len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		return len(args) > 0 && !strings.HasPrefix(args[0], "-") && i.called(n, args, depth)
	case manager == "npm" || strings.HasPrefix(verb, "-"):
		return false
	case n.Scripts[verb] != "":
		return len(args) == 1 && i.script(n, verb, depth+1)
	case verb == "husky" || verb == "patch-package" || verb == "prisma" || verb == "simple-git-hooks":
		return i.command(n, args, depth+1)
	}
	return false
}

// gitHooks: the install writes hooks where it finds .git, in the package's
// folder or above it.
func (i *nodeInstall) gitHooks(n *Node) {
	for _, dir := range parents(n.Dir) {
		i.look(path.Join(dir, ".git"))
	}
}

// patchPackage: https://github.com/ds300/patch-package#options
func (i *nodeInstall) patchPackage(n *Node, args []string) bool {
	dir := "patches"
	for k := 0; k < len(args); k++ {
		a := args[k]
		v, ok := strings.CutPrefix(a, "--patch-dir=")
		switch {
		case ok:
			dir = v
		case a == "--patch-dir" && k+1 < len(args):
			k++
			dir = args[k]
		case a == "--error-on-fail" || a == "--error-on-warn" || a == "--use-yarn":
		default:
			return false // it makes patches, or takes them back
		}
	}
	if strings.ContainsAny(dir, "$*") || dir == "" {
		return false
	}
	return i.folder(path.Join(n.Dir, dir))
}

var (
	quietModule = lazy(`(?:\brequire\s*\(\s*|\bfrom\s+|\bimport\s+)["'](?:node:)?(?:path|os|url|util|assert|process)["']`)
	loudScript  = lazy(`\brequire\b|\bimport\s*[("'.]|\bfrom\s*["']|\beval\b|\bFunction\b|\bconstructor\b|\bbinding\b|\bdlopen\b|\bgetBuiltinModule\b|\bmainModule\b|\breport\b|\bmodule\s*[.\[]|\bfetch\b|\bglobal(?:This)?\s*\[|\bprocess\s*\[|\bchdir\b|\bfs\b|\b(?:Deno|Bun)\b|\\u`)
)

// node judges a node script: it must load none but modules that touch no file.
func (i *nodeInstall) node(n *Node, args []string) bool {
	if len(args) == 0 {
		return false
	}
	if args[0] == "-e" || args[0] == "--eval" || args[0] == "-p" {
		return len(args) > 1 && args[1] != "$" && quietScript(args[1])
	}
	if strings.ContainsAny(args[0], "$*") || strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[0], "/") {
		return false
	}
	f := path.Join(n.Dir, args[0])
	for _, ext := range []string{"", ".js"} {
		if !n.repo.isFile(f + ext) {
			continue
		}
		src, err := n.repo.ReadFile(f + ext)
		if err != nil || !quietScript(string(src)) {
			return false
		}
		i.file(f + ext)
		return true
	}
	return false
}

func quietScript(src string) bool {
	return !loudScript.MatchString(quietModule.ReplaceAllString(src, ""))
}
