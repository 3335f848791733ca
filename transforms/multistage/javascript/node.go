package javascript

import (
	"cmp"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Node with npm, Yarn, pnpm or bun. The folder of the application, with
// node_modules and whatever the build wrote, is copied from the build stage to
// the same path of the slim image: same Debian release and Node, so compiled
// modules load. Code that is copied after the last build step comes from the
// context.
//
// Development dependencies are pruned where neither the start command nor the
// source uses one; else they stay. NODE_ENV is never touched: frameworks
// answer differently with it. The libraries behind known modules are installed
// in the runtime stage.
//
// It declines for Yarn's Plug'n'Play with packages in the home directory, for
// modules that need a browser or libraries that aren't known, for programs that
// the slim image hasn't, and for RUNs that it doesn't know.

// Node is the recipe for Node.js.
var Node = split.Recipe{
	Name:  "node",
	Bases: words("node"),
	Words: words("npm npx yarn pnpm bun"),
	Doc: `- Node with npm, Yarn, pnpm or bun, workspaces too: the installed and built folder,
  less the development dependencies where nothing needs them, on the -slim image.`,
	Also:  nodeOnSmall,
	Quiet: nodeQuiet,
	Split: splitNode,
}

// NodeApp is a stage that installs packages of Node.js.
type NodeApp struct {
	*artefacts.Folder
	alpine   bool
	Installs []NodeInstall
	builds   []nodeBuild
	globals  map[string]bool                               // packages that are installed globally
	omits    string                                        // the flag that leaves development dependencies out
	tailOnly bool                                          // they are removed behind the build, not left out
	pruned   bool                                          // the file prunes by itself
	tools    map[string]*nodeTool                          // package managers that the file installs
	work     map[*rewrite.Instruction]bool                 // RUNs that install or build the application
	also     map[*rewrite.Instruction]*rewrite.Instruction // the RUN that one goes with
	calls    map[*rewrite.Instruction][]string             // start commands that became calls of node

	texts  map[*rewrite.Instruction]string // what distroless needs in an instruction's place
	fields rewrite.ConfigFields            // which config those change
	runAs  string                          // the user of distroless in the place of node
	root   string                          // why the program stays root
}

// NodeInstall is an install of a package manager, and the package.json that it reads.
type NodeInstall struct {
	in   *rewrite.Instruction
	Step rewrite.Step
	Node *repo.Node
}

type nodeBuild struct {
	in   *rewrite.Instruction
	step rewrite.Step
}

// NewNode is a stage of Node.js, of which nothing is known yet.
func NewNode(s *split.Split) *NodeApp {
	return &NodeApp{Folder: &artefacts.Folder{Split: s}, globals: map[string]bool{}, tools: map[string]*nodeTool{}, work: map[*rewrite.Instruction]bool{}, also: map[*rewrite.Instruction]*rewrite.Instruction{}, calls: map[*rewrite.Instruction][]string{}}
}

func splitNode(s *split.Split) bool {
	n := NewNode(s)
	switch f := s.Stage.From.Fields(); {
	case distro.Small(s.Stage.BaseName()):
		s.Base, s.SameBase = f[0].Text, true
		n.alpine = strings.Contains(s.Stage.BaseName(), "alpine")
	case !s.SlimBase():
		return false
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !n.run(in) {
			return false
		}
	}
	if len(n.Installs) == 0 {
		return false
	}
	s.SettleUpdates()
	if !n.folder() || !n.place() || !n.facts() {
		return false
	}
	if n.nginx() {
		return n.cleanInstall()
	}
	s.Gone = n.leftBehind()
	cmds, ok := s.CanStart()
	if !ok {
		return false
	}
	if why := n.needsPython(cmds); why != "" {
		return s.Decline(n.Installs[0].in, "%s, which is installed for node-gyp", why)
	}
	for _, i := range n.Installs {
		if _, ok := i.Node.Dependencies["@prisma/client"]; ok && n.alpine && n.leavesTools() && !s.Apt.Runtime["openssl"] {
			return s.Decline(i.in, "@prisma/client needs OpenSSL, which only the build's packages bring along: add openssl to apk add")
		}
		if why := NodeNeeds(s, i.Node); why != "" && !s.SameBase {
			return s.Decline(i.in, "%s", why)
		}
	}
	if why := s.SourceLacks(".js", ".ts", ".mjs", ".cjs", ".tsx"); why != "" {
		return s.Decline(n.Installs[0].in, "%s", why)
	}
	standalone := n.standalone()
	if !standalone {
		if !n.starter(cmds) {
			return false
		}
		n.CopyFolder()
	}
	s.Why = fullNodeWhy
	s.Gain = "compilers and headers stay behind: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	s.Assumes = append(s.Assumes, "install and build write only below "+n.AppDir+", and the program needs nothing at run time that only the full image has")
	if !standalone && !n.prune(cmds) {
		return false
	}
	if !n.cleanInstall() {
		return false
	}
	if n.SameBase {
		if !n.leavesTools() && len(n.Tail) == 0 && !standalone {
			return false
		}
		n.onSmall()
	}
	n.smallerBase()
	if standalone {
		return true
	}
	s.Explain("%s, with node_modules and what the build wrote, is copied to the same path of %s: the same Node on the same system, so that compiled modules load", n.AppDir, s.Base)
	return true
}

// run sorts one RUN.
func (n *NodeApp) run(in *rewrite.Instruction) bool {
	all, ok := n.Steps(in)
	if !ok {
		return false
	}
	sorted := n.System
	if n.alpine {
		sorted = n.alpineSystem
	}
	rest, ok := sorted(in, all)
	if !ok {
		return false
	}
	builds, caches, replays := 0, 0, 0
	var globals []rewrite.Step
	for _, st := range rest {
		switch kind := n.kind(in, st); kind {
		case "install", "build":
			builds++
			n.Last, n.work[in] = in, true
		case "setting":
			builds++
		case "cache":
			caches++
		case "global":
			globals = append(globals, st)
		case "file":
			replays++
		default:
			return n.Decline(in, "%s", kind)
		}
	}
	switch {
	case builds > 0 && len(globals) > 0:
		return n.Again(in, globals)
	case len(globals) > 0:
		n.Roles[in] = split.InBoth
	case builds+caches > 0:
		n.Roles[in] = split.InBuild
	case replays > 0 && slices.ContainsFunc(all, distro.InstallsPackages):
		return n.besidePackages(in, rest)
	case replays > 0:
		n.Roles[in] = split.InBoth
	}
	return true
}

// besidePackages: file commands in a RUN of apt. What apt installs is sorted; the commands
// are done again in the runtime stage where they need nothing that a COPY brings.
func (n *NodeApp) besidePackages(in *rewrite.Instruction, rest []rewrite.Step) bool {
	rest = slices.DeleteFunc(slices.Clone(rest), func(st rewrite.Step) bool { return !cmdline.Replayed[st.Name] && len(st.Stmt.Redirs) == 0 })
	for _, st := range rest {
		if !cmdline.MakesOnly[st.Name] {
			return n.Decline(in, "it installs packages and changes other files (%s) in one RUN", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	return n.Again(in, rest)
}

// kind says what a command does: install, build (it writes into the
// application), setting (nothing that runs), cache, global, file; or why it isn't
// known.
func (n *NodeApp) kind(in *rewrite.Instruction, st rewrite.Step) string {
	switch st.Name {
	case "npm", "yarn", "pnpm", "bun", "corepack":
		return n.manager(in, st)
	case "lerna", "rush":
		return st.Name + " installs packages in its own way"
	case "npx", "bunx", "node", "tsc", "ng", "gulp", "grunt", "webpack", "vite", "next", "nuxt", "nest", "rollup", "prisma", "bower", "babel", "esbuild", "turbo", "nx":
		if why := cmdline.StrayPath(st.Args); why != "" {
			return why
		}
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	}
	if strings.HasPrefix(st.Args[0], "./node_modules/.bin/") || strings.HasPrefix(st.Args[0], "node_modules/.bin/") {
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	}
	if cmdline.Replayed[st.Name] || rewrite.Harmless(st.Name) {
		return "file"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

func (n *NodeApp) npm(in *rewrite.Instruction, st rewrite.Step, verb string, words []string, global bool) string {
	switch verb {
	case "ci", "install", "i":
		if global {
			return n.global(in, words)
		}
		return n.install(in, st, words)
	case "run", "run-script", "build", "rebuild", "test", "exec", "start":
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	case "update", "up":
		if len(words) > 0 || global {
			return "npm " + verb + " " + strings.Join(words, " ") + " changes what package.json doesn't name"
		}
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	case "prune", "dedupe":
		n.pruned = true
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	case "cache":
		return "cache"
	case "config", "set", "audit", "--version", "ls", "version":
		return "setting"
	}
	return "the effects of npm " + verb + " aren't known"
}

// global notes packages that npm installs beside itself. Other versions of the
// package manager are a matter of the build.
func (n *NodeApp) global(in *rewrite.Instruction, pkgs []string) string {
	tools := true
	for _, p := range pkgs {
		name, version := p, ""
		if i := strings.LastIndexByte(p, '@'); i > 0 {
			name, version = p[:i], p[i+1:]
		}
		if strings.ContainsAny(name, "$`") || strings.HasPrefix(name, ".") || strings.Contains(name, ":") {
			return "npm installs " + p + " globally"
		}
		if name == "pnpm" || name == "bun" {
			n.tools[name] = &nodeTool{in: in, version: version}
		}
		if !nodeBuildTools[name] {
			tools = false
		}
		n.globals[name] = true
	}
	if tools {
		return "setting"
	}
	return "global"
}

// nodeBuildTools only build; a runtime stage without them starts the same, unless
// a start command names them (see uses).
var nodeBuildTools = words(`npm yarn pnpm bun corepack turbo nx node-gyp node-pre-gyp typescript @angular/cli gulp gulp-cli grunt grunt-cli bower webpack webpack-cli @nestjs/cli @vue/cli rollup vite esbuild parcel @babel/cli prisma rimraf node-sass sass less eslint jest mocha`)

// globalPrograms are the programs of nodeBuildTools that have another name than
// their package.
var globalPrograms = map[string]string{"typescript": "tsc", "@angular/cli": "ng", "gulp-cli": "gulp", "grunt-cli": "grunt", "webpack-cli": "webpack", "@nestjs/cli": "nest", "@vue/cli": "vue", "@babel/cli": "babel", "less": "lessc"}

// leftBehind are the programs of globally installed packages that the runtime stage
// won't have, save those that the project has in node_modules too.
func (n *NodeApp) leftBehind() map[string]bool {
	out := map[string]bool{}
	for name := range n.globals {
		own := slices.ContainsFunc(n.Installs, func(i NodeInstall) bool {
			_, runs := i.Node.Dependencies[name]
			_, builds := i.Node.DevDependencies[name]
			return runs || builds
		})
		if nodeBuildTools[name] && !own && name != "npm" && n.tools[name] == nil && name != "yarn" {
			out[cmp.Or(globalPrograms[name], name)] = true
		}
	}
	return out
}

func (n *NodeApp) install(in *rewrite.Instruction, st rewrite.Step, words []string) string {
	if len(words) > 0 {
		return st.Name + " installs " + words[0] + ", which package.json may not name"
	}
	n.Installs = append(n.Installs, NodeInstall{in: in, Step: st})
	return "install"
}

// folder finds the folder of the application: all installs and builds run in
// it or below.
func (n *NodeApp) folder() bool {
	n.AppDir = n.Installs[0].Step.Dir
	dirs := []string{}
	for _, i := range n.Installs {
		dirs = append(dirs, i.Step.Dir)
	}
	for _, b := range n.builds {
		dirs = append(dirs, b.step.Dir)
	}
	for _, d := range dirs {
		if d == "" {
			return n.Decline(n.Last, "the working directory isn't known")
		}
		if rewrite.Inside(n.AppDir, d) {
			n.AppDir = d
		}
	}
	for _, d := range dirs {
		if !rewrite.Inside(d, n.AppDir) {
			return n.Decline(n.Last, "it installs or builds in %s and in %s", n.AppDir, d)
		}
	}
	if cmdline.SystemDir(n.AppDir) {
		return n.Decline(n.Last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", n.AppDir)
	}
	for _, v := range []string{"NODE_PATH", "npm_config_prefix", "NPM_CONFIG_PREFIX"} {
		if _, ok := n.Stage.At(nil).Env[v]; ok {
			return n.Decline(n.Last, "%s moves node_modules", v)
		}
	}
	return true
}
