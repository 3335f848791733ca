package javascript

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Next.js with `output: "standalone"`: the build leaves a server with the traced
// part of node_modules in .next/standalone, beside which only .next/static and
// public belong (https://nextjs.org/docs/app/api-reference/config/next-config-js/output).

var nextConfigs = []string{"next.config.js", "next.config.mjs", "next.config.ts", "next.config.cjs"}

var (
	nextStandalone = lazily("(?m)^[^/\n]*\\boutput\\s*:\\s*[\"'`]standalone[\"'`]")
	nextElsewhere  = lazily(`\b(distDir|outputFileTracingRoot|outputFileTracingIncludes)\b`)
	readsFiles     = lazily(`\b(readFile|readdir|createReadStream|opendir)(Sync)?\(|\bprocess\.cwd\(\)`)
)

// standalone copies Next's own server in the place of the whole folder, where the
// container starts `next start`. It reports whether it did.
func (n *NodeApp) standalone() bool {
	main := n.main()
	node := main.Node
	config := ""
	for _, f := range nextConfigs {
		src, err := n.Pass.Repo.ReadFile(path.Join(node.Dir, f))
		if err == nil && nextStandalone().Match(src) && !nextElsewhere().Match(src) {
			config = path.Join(node.Dir, f)
		}
	}
	if config == "" || node.Dependencies["next"] == "" || len(n.Installs) > 1 || len(n.builds) == 0 || main.Step.Dir != n.AppDir || n.Owner != "" {
		return false
	}
	at, port, host, why := n.nextStart()
	switch {
	case why != "":
	case node.HasWorkspaces || node.WorkspaceRoot != "" || len(node.Locks) == 0 && n.lockAbove(node.Dir):
		why = "in a workspace the server lies deeper"
	case n.Stage.At(nil).Workdir != n.AppDir:
		why = "the container starts in another folder"
	case slices.ContainsFunc(n.Stage.Instructions, func(in *rewrite.Instruction) bool {
		return (in.Keyword == "copy" || in.Keyword == "add") && in.Index > n.Last.Index
	}):
		why = "files are copied behind the build"
	default:
		if n.Pass.Unsafe {
			why = n.SourceSays(readsFiles(), " reads files that Next may not trace", []string{".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx"})
		}
	}
	if why != "" {
		n.Explain("%s builds a standalone server, and the whole folder is copied all the same: %s", config, why)
		return false
	}
	n.Instead[n.Last] = append(n.Instead[n.Last],
		n.CopyFrom(path.Join(n.AppDir, ".next/standalone"), n.AppDir),
		n.CopyFrom(path.Join(n.AppDir, ".next/static"), path.Join(n.AppDir, ".next/static")))
	if ctx, by := n.Stage.Origin(n.Last, path.Join(n.AppDir, "public"), n.Pass.Repo, n.Pass.Name); by != nil && n.Pass.Repo.IsDir(ctx) {
		n.Instead[n.Last] = append(n.Instead[n.Last], n.CopyFrom(path.Join(n.AppDir, "public"), path.Join(n.AppDir, "public")))
	}
	env := "HOSTNAME=" + host
	if port != "" {
		env += " PORT=" + port
	}
	n.Instead[n.Last] = append(n.Instead[n.Last], n.Keyword("ENV")+" "+env)
	n.calls[at] = []string{"node", "server.js"}
	n.Say(at, n.keywordOf(at)+` ["node", "server.js"]`)
	n.Config |= rewrite.FieldCmd | rewrite.FieldEnv
	n.Explain("%s says output: standalone: .next/standalone, .next/static and public are all that runs; HOSTNAME and PORT make the server listen where next start does", config)
	n.Assumes = append(n.Assumes, "the server reads no file that Next doesn't trace")
	return true
}

// lockAbove: a lock file above the package makes Next trace from there.
func (n *NodeApp) lockAbove(dir string) bool {
	for dir != "." {
		dir = path.Dir(dir)
		if up := n.Pass.Repo.Node(dir); up != nil && len(up.Locks) > 0 {
			return true
		}
	}
	return false
}

// nextStart is the CMD that means `next start`, with its port and address.
func (n *NodeApp) nextStart() (at *rewrite.Instruction, port, host, why string) {
	args, at, why := n.startCall()
	if why != "" {
		return nil, "", "", why
	}
	if len(args) < 2 || args[0] != "next" || args[1] != "start" {
		return nil, "", "", "CMD isn't next start"
	}
	host = "0.0.0.0"
	for i := 2; i < len(args); i++ {
		flag, value, has := strings.Cut(args[i], "=")
		if !has && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch flag {
		case "-p", "--port":
			port = value
		case "-H", "--hostname":
			host = value
		default:
			return nil, "", "", "CMD has the flag " + flag
		}
	}
	if strings.Trim(port, "0123456789") != "" || !cmdline.Plain(host) {
		return nil, "", "", "the port is computed"
	}
	return at, port, host, ""
}

// startCall is the one program that the container starts, without npx, and
// without npm where a script is a plain call of it.
func (n *NodeApp) startCall() (args []string, at *rewrite.Instruction, why string) {
	for _, in := range n.Stage.Instructions {
		switch in.Keyword {
		case "entrypoint":
			return nil, nil, "there is an ENTRYPOINT"
		case "cmd":
			at = in
		}
	}
	if at == nil {
		return nil, nil, "there is no CMD"
	}
	for _, b := range n.Runs() {
		if len(b.Command)+len(b.Entrypoint)+len(b.Healthcheck) > 0 {
			return nil, nil, b.File + " has commands for the container"
		}
	}
	line, shell := cmdline.StartLine(at)
	if shell {
		line = strings.Fields(strings.Join(line, " "))
	}
	node := n.main().Node
	if name := split.ScriptOf(line); name != "" && node.Scripts[name] != "" {
		if len(line) > 3 || node.Scripts["pre"+name] != "" || node.Scripts["post"+name] != "" {
			return nil, nil, "more than the script " + name + " starts"
		}
		line = strings.Fields(node.Scripts[name])
	}
	for len(line) > 0 && (line[0] == "npx" || line[0] == "-y" || line[0] == "--yes" || line[0] == "exec" || line[0] == "yarn" || line[0] == "pnpm" || line[0] == "--") {
		line = line[1:]
	}
	if len(line) == 0 || strings.ContainsAny(strings.Join(line, " "), "&|;<>$*?\"'`\\(){}[]!~#") {
		return nil, nil, "CMD needs a shell"
	}
	line[0] = strings.TrimPrefix(strings.TrimPrefix(line[0], "./"), "node_modules/.bin/")
	return line, at, ""
}
