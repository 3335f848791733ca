package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Package managers beside npm: what their commands do, and where they come from.

// nodeTool is a package manager that the file installs.
type nodeTool struct {
	in       *rewrite.Instruction
	version  string // as written, "" for none
	corepack bool
}

// verb splits the arguments of a package manager into verb, other words and
// whether it works on all projects. Values of flags are left out.
func (n *nodeSplit) verb(st rewrite.Step) (verb string, words []string, global bool) {
	args := st.Args[1:]
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-g" || a == "--global":
			global = true
		case a == "--filter" || a == "-F" || a == "-w" || a == "--workspace" || a == "--omit" || a == "--only" || a == "--network-timeout" || a == "--loglevel" || a == "--registry" || a == "--mutex":
			if st.Name == "pnpm" && a == "-w" { // --workspace-root
				continue
			}
			i++
		case strings.HasPrefix(a, "-"):
		case verb == "":
			verb = a
		default:
			words = append(words, a)
		}
	}
	return verb, words, global
}

// elsewhere are flags that make a manager work in another folder.
var elsewhere = lazily(`^(--prefix|-C|--cwd|--dir|--modules-folder|--cache-dir|--outdir)(=|$)`)

func (n *nodeSplit) built(in *rewrite.Instruction, st rewrite.Step) string {
	n.builds = append(n.builds, nodeBuild{in, st})
	return "build"
}

// manager says what a command of npm, Yarn, pnpm, bun or corepack does, in the
// terms of kind.
func (n *nodeSplit) manager(in *rewrite.Instruction, st rewrite.Step) string {
	if st.Name == "corepack" {
		return n.corepack(in, st)
	}
	if a := slices.IndexFunc(st.Args, func(a string) bool { return elsewhere().MatchString(a) }); a >= 0 && !(st.Name == "bun" && strings.HasPrefix(st.Args[a], "--outdir") && strayPath(st.Args) == "") {
		return st.Name + " works in another folder (" + st.Args[a] + ")"
	}
	verb, words, global := n.verb(st)
	switch st.Name {
	case "npm":
		return n.npm(in, st, verb, words, global)
	case "yarn":
		return n.yarnVerb(in, st, verb, words)
	}
	switch verb {
	case "":
		return "setting" // --version
	case "install", "i", "ci":
		if global {
			return st.Name + " installs " + strings.Join(words, " ") + " globally, below its own home"
		}
		return n.install(in, st, words)
	case "add", "remove", "update", "up", "link", "deploy", "import", "patch", "init", "create":
		return st.Name + " " + verb + " changes what package.json doesn't name"
	case "store", "cache", "pm":
		return "cache"
	case "config", "set":
		return "setting"
	case "prune":
		n.pruned = true
	case "dlx", "x", "exec":
		if why := strayPath(st.Args); why != "" {
			return why
		}
	}
	return n.built(in, st)
}

func (n *nodeSplit) yarnVerb(in *rewrite.Instruction, st rewrite.Step, verb string, words []string) string {
	switch verb {
	case "", "install":
		if slices.ContainsFunc(st.Args, func(a string) bool { return a == "--version" || a == "-v" }) {
			return "setting"
		}
		return n.install(in, st, words)
	case "global":
		return n.global(in, words[min(1, len(words)):])
	case "config":
		return "setting"
	case "cache":
		return "cache"
	case "add", "remove", "upgrade", "up", "link":
		return "yarn " + verb + " installs what package.json doesn't name"
	case "workspaces":
		n.pruned = n.pruned || len(words) > 0 && words[0] == "focus"
	case "dlx", "exec":
		if why := strayPath(st.Args); why != "" {
			return why
		}
	}
	return n.built(in, st)
}

// corepack puts yarn and pnpm beside itself, and fetches those that it is told
// (https://github.com/nodejs/corepack#utility-commands).
func (n *nodeSplit) corepack(in *rewrite.Instruction, st rewrite.Step) string {
	verb, words, _ := n.verb(st)
	switch verb {
	case "enable", "disable", "prepare", "install", "use":
	default:
		return "the effects of corepack " + verb + " aren't known"
	}
	if len(words) == 0 {
		words = []string{"pnpm", "yarn"}
	}
	for _, w := range words {
		name, version, _ := strings.Cut(w, "@")
		t := n.tools[name]
		if t == nil {
			t = &nodeTool{in: in}
			n.tools[name] = t
		}
		if t.in != in && version != "" {
			n.also[in] = t.in // both RUNs, where the runtime stage needs it
			t.in = in
		}
		t.corepack, t.version = true, version
	}
	if verb == "use" {
		return n.built(in, st)
	}
	return "setting"
}

// starter sees to it that the package manager which a command starts is there.
// Where its script is a plain call of node, CMD becomes that call: a manager
// between the container and node swallows SIGTERM.
func (n *nodeSplit) starter(cmds []command) bool {
	var other []command
	for _, b := range n.runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				other = append(other, command{args: list, where: b.File})
			}
		}
	}
	for _, c := range slices.Concat(cmds, other) {
		args := unwrap(c.args)
		if len(args) == 0 || n.tools[args[0]] == nil {
			continue
		}
		why := "another file says so"
		if c.from != nil {
			if why = n.callsNode(c); why == "" {
				continue
			}
		}
		if !n.keepTool(c, args[0], why) {
			return false
		}
	}
	return true
}

// keepTool repeats the RUNs that install a package manager.
func (n *nodeSplit) keepTool(c command, name, why string) bool {
	t, at := n.tools[name], c.from
	if at == nil {
		at = n.stage.From
	}
	pinned := ""
	if node := n.main().node; node != nil {
		pinned, _, _ = strings.Cut(strings.TrimPrefix(node.PackageManager, name+"@"), "+")
	}
	switch {
	case t.corepack && t.version == "":
		return n.decline(at, "%s runs %s, which corepack would download when the container starts, and it can't be a call of node: %s", c.where, name, why)
	case pinned != "" && pinned != t.version:
		return n.decline(at, "%s runs %s, which would download its version %s (packageManager in package.json) when the container starts: %s", c.where, name, pinned, why)
	}
	for in := t.in; in != nil; in = n.also[in] {
		if n.work[in] {
			return n.decline(in, "%s runs %s, which is installed in one RUN with the application: %s", c.where, name, why)
		}
		n.roles[in] = inBoth
	}
	n.explain("%s is installed in the runtime stage too: %s runs it (%s)", name, c.where, why)
	return true
}

// callsNode turns a start command of a package manager into the call of node
// that its script is. why tells what speaks against it.
func (n *nodeSplit) callsNode(c command) (why string) {
	if c.from.Keyword != "cmd" || n.hasEntrypoint() {
		return strings.ToUpper(c.from.Keyword) + " isn't CMD alone"
	}
	name := scriptOf(unwrap(c.args))
	line, shell := startLine(c.from)
	if shell {
		line = strings.Fields(strings.Join(line, " "))
	}
	if !slices.Equal(line, c.args) || len(unwrap(line)) != len(line) || name == "" {
		return "CMD is more than a script"
	}
	args, why := n.direct(n.main().node, name)
	if why != "" {
		return why
	}
	n.calls[c.from] = args
	n.say(c.from, n.keywordOf(c.from)+" "+jsonList(args))
	n.config |= rewrite.FieldCmd
	n.explain("CMD calls node itself, as the script %s does, so that %s isn't needed at run time and node receives signals", name, c.args[0])
	n.assumes = append(n.assumes, "the program doesn't read what "+c.args[0]+" sets in its environment (npm_package_version and the like)")
	return ""
}

// direct is the call of node that a script is: no shell syntax, no scripts around
// it, nothing of npm's environment.
func (n *nodeSplit) direct(node *repo.Node, name string) (args []string, why string) {
	body := node.Scripts[name]
	at := path.Join(node.Dir, "package.json")
	switch {
	case body == "":
		return nil, at + " has no script " + name
	case node.Scripts["pre"+name] != "" || node.Scripts["post"+name] != "":
		return nil, at + " has scripts around " + name
	case strings.ContainsAny(body, "&|;<>$*?\"'`\\(){}[]!~#\n") || strings.Contains(body, "npm_"):
		return nil, "the script " + name + " needs a shell: " + body
	case n.stage.At(nil).Workdir != n.main().step.Dir:
		return nil, "the container starts in another folder than the install ran in"
	}
	words := strings.Fields(body)
	call := slices.IndexFunc(words, func(w string) bool { return !strings.Contains(w, "=") })
	if call < 0 || words[call] != "node" || len(words) < call+2 {
		return nil, "the script " + name + " isn't a call of node: " + body
	}
	if n.p.Unsafe {
		if why := n.sourceSays(npmVariables(), " reads the environment that npm sets", []string{".js", ".ts", ".mjs", ".cjs", ".tsx"}); why != "" {
			return nil, why
		}
	}
	if call > 0 {
		words = append([]string{"env"}, words...)
	}
	return words, ""
}

var npmVariables = lazily(`\bnpm_(package|config|lifecycle|execpath|node_execpath|command)`)

// main is the install whose folder the container starts in, else the first.
func (n *nodeSplit) main() nodeInstall {
	for _, i := range n.installs {
		if i.step.Dir == n.stage.At(nil).Workdir {
			return i
		}
	}
	return n.installs[0]
}

func (n *nodeSplit) keywordOf(in *rewrite.Instruction) string {
	return rewrite.KeywordLike(in, strings.ToUpper(in.Keyword))
}

// jsonList is an exec form.
func jsonList(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
