package javascript

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
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
func (n *NodeApp) verb(st rewrite.Step) (verb string, words []string, global bool) {
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

func (n *NodeApp) built(in *rewrite.Instruction, st rewrite.Step) string {
	n.builds = append(n.builds, nodeBuild{in, st})
	return "build"
}

// manager says what a command of npm, Yarn, pnpm, bun or corepack does, in the
// terms of kind.
func (n *NodeApp) manager(in *rewrite.Instruction, st rewrite.Step) string {
	if st.Name == "corepack" {
		return n.corepack(in, st)
	}
	if a := slices.IndexFunc(st.Args, func(a string) bool { return elsewhere().MatchString(a) }); a >= 0 && !(st.Name == "bun" && strings.HasPrefix(st.Args[a], "--outdir") && cmdline.StrayPath(st.Args) == "") {
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
		if why := cmdline.StrayPath(st.Args); why != "" {
			return why
		}
	}
	return n.built(in, st)
}

func (n *NodeApp) yarnVerb(in *rewrite.Instruction, st rewrite.Step, verb string, words []string) string {
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
		if why := cmdline.StrayPath(st.Args); why != "" {
			return why
		}
	}
	return n.built(in, st)
}

// corepack puts yarn and pnpm beside itself, and fetches those that it is told
// (https://github.com/nodejs/corepack#utility-commands).
func (n *NodeApp) corepack(in *rewrite.Instruction, st rewrite.Step) string {
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
func (n *NodeApp) starter(cmds []split.Command) bool {
	var other []split.Command
	for _, b := range n.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				other = append(other, split.Command{Args: list, Where: b.File})
			}
		}
	}
	for _, c := range slices.Concat(cmds, other) {
		args := cmdline.Unwrap(c.Args)
		if len(args) == 0 || n.tools[args[0]] == nil {
			continue
		}
		why := "another file says so"
		if c.From != nil {
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
func (n *NodeApp) keepTool(c split.Command, name, why string) bool {
	t, at := n.tools[name], c.From
	if at == nil {
		at = n.Stage.From
	}
	pinned := ""
	if node := n.main().Node; node != nil {
		pinned, _, _ = strings.Cut(strings.TrimPrefix(node.PackageManager, name+"@"), "+")
	}
	switch {
	case t.corepack && t.version == "":
		return n.Decline(at, "%s runs %s, which corepack would download when the container starts, and it can't be a call of node: %s", c.Where, name, why)
	case pinned != "" && pinned != t.version:
		return n.Decline(at, "%s runs %s, which would download its version %s (packageManager in package.json) when the container starts: %s", c.Where, name, pinned, why)
	}
	for in := t.in; in != nil; in = n.also[in] {
		if n.work[in] {
			return n.Decline(in, "%s runs %s, which is installed in one RUN with the application: %s", c.Where, name, why)
		}
		n.Roles[in] = split.InBoth
	}
	n.Explain("%s is installed in the runtime stage too: %s runs it (%s)", name, c.Where, why)
	return true
}

// callsNode turns a start command of a package manager into the call of node
// that its script is. why tells what speaks against it.
func (n *NodeApp) callsNode(c split.Command) (why string) {
	if c.From.Keyword != "cmd" || n.HasEntrypoint() {
		return strings.ToUpper(c.From.Keyword) + " isn't CMD alone"
	}
	name := split.ScriptOf(cmdline.Unwrap(c.Args))
	line, shell := cmdline.StartLine(c.From)
	if shell {
		line = strings.Fields(strings.Join(line, " "))
	}
	if !slices.Equal(line, c.Args) || len(cmdline.Unwrap(line)) != len(line) || name == "" {
		return "CMD is more than a script"
	}
	args, why := n.Direct(n.main().Node, name)
	if why != "" {
		return why
	}
	n.calls[c.From] = args
	n.Say(c.From, n.keywordOf(c.From)+" "+jsonList(args))
	n.Config |= rewrite.FieldCmd
	n.Explain("CMD calls node itself, as the script %s does, so that %s isn't needed at run time and node receives signals", name, c.Args[0])
	n.Assumes = append(n.Assumes, "the program doesn't read what "+c.Args[0]+" sets in its environment (npm_package_version and the like)")
	return ""
}

// Direct is the call of node that a script is: no shell syntax, no scripts around
// it, nothing of npm's environment.
func (n *NodeApp) Direct(node *repo.Node, name string) (args []string, why string) {
	body := node.Scripts[name]
	at := path.Join(node.Dir, "package.json")
	switch {
	case body == "":
		return nil, at + " has no script " + name
	case node.Scripts["pre"+name] != "" || node.Scripts["post"+name] != "":
		return nil, at + " has scripts around " + name
	case strings.ContainsAny(body, "&|;<>$*?\"'`\\(){}[]!~#\n") || strings.Contains(body, "npm_"):
		return nil, "the script " + name + " needs a shell: " + body
	case n.Stage.At(nil).Workdir != n.main().Step.Dir:
		return nil, "the container starts in another folder than the install ran in"
	}
	words := strings.Fields(body)
	call := slices.IndexFunc(words, func(w string) bool { return !strings.Contains(w, "=") })
	if call < 0 || words[call] != "node" || len(words) < call+2 {
		return nil, "the script " + name + " isn't a call of node: " + body
	}
	if n.Pass.Unsafe {
		if why := n.SourceSays(npmVariables(), " reads the environment that npm sets", []string{".js", ".ts", ".mjs", ".cjs", ".tsx"}); why != "" {
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
func (n *NodeApp) main() NodeInstall {
	for _, i := range n.Installs {
		if i.Step.Dir == n.Stage.At(nil).Workdir {
			return i
		}
	}
	return n.Installs[0]
}

func (n *NodeApp) keywordOf(in *rewrite.Instruction) string {
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
