package multistage

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
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

var _ = register(recipe{
	name:  "node",
	bases: words("node"),
	words: words("npm npx yarn pnpm bun"),
	doc: `- Node with npm, Yarn, pnpm or bun, workspaces too: the installed and built folder,
  less the development dependencies where nothing needs them, on the -slim image.`,
	also:  nodeOnSmall,
	quiet: nodeQuiet,
	split: splitNode,
})

type nodeSplit struct {
	*appFolder
	alpine   bool
	installs []nodeInstall
	builds   []nodeBuild
	globals  map[string]bool                               // packages that are installed globally
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

type nodeInstall struct {
	in   *rewrite.Instruction
	step rewrite.Step
	node *repo.Node
}

type nodeBuild struct {
	in   *rewrite.Instruction
	step rewrite.Step
}

func newNodeSplit(s *split) *nodeSplit {
	return &nodeSplit{appFolder: &appFolder{split: s}, globals: map[string]bool{}, tools: map[string]*nodeTool{}, work: map[*rewrite.Instruction]bool{}, also: map[*rewrite.Instruction]*rewrite.Instruction{}, calls: map[*rewrite.Instruction][]string{}}
}

func splitNode(s *split) bool {
	n := newNodeSplit(s)
	switch f := s.stage.From.Fields(); {
	case small(s.stage.BaseName()):
		s.base, s.sameBase = f[0].Text, true
		n.alpine = strings.Contains(s.stage.BaseName(), "alpine")
	case !s.slimBase():
		return false
	}
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && !n.run(in) {
			return false
		}
	}
	if len(n.installs) == 0 {
		return false
	}
	s.settleUpdates()
	if !n.folder() || !n.place() || !n.facts() {
		return false
	}
	if n.nginx() {
		return n.cleanInstall()
	}
	s.gone = n.leftBehind()
	cmds, ok := s.canStart()
	if !ok {
		return false
	}
	if why := n.needsPython(cmds); why != "" {
		return s.decline(n.installs[0].in, "%s, which is installed for node-gyp", why)
	}
	for _, i := range n.installs {
		if _, ok := i.node.Dependencies["@prisma/client"]; ok && n.alpine && n.leavesTools() && !s.apt.runtime["openssl"] {
			return s.decline(i.in, "@prisma/client needs OpenSSL, which only the build's packages bring along: add openssl to apk add")
		}
		if why := s.nodeNeeds(i.node); why != "" && !s.sameBase {
			return s.decline(i.in, "%s", why)
		}
	}
	if why := s.sourceLacks(".js", ".ts", ".mjs", ".cjs", ".tsx"); why != "" {
		return s.decline(n.installs[0].in, "%s", why)
	}
	standalone := n.standalone()
	if !standalone {
		if !n.starter(cmds) {
			return false
		}
		n.copyFolder()
	}
	s.why = fullNodeWhy
	s.gain = "compilers and headers stay behind: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	s.assumes = append(s.assumes, "install and build write only below "+n.app+", and the program needs nothing at run time that only the full image has")
	if !standalone && !n.prune(cmds) {
		return false
	}
	if !n.cleanInstall() {
		return false
	}
	if n.sameBase {
		if !n.leavesTools() && len(n.tail) == 0 && !standalone {
			return false
		}
		n.onSmall()
	}
	n.smallerBase()
	if standalone {
		return true
	}
	s.explain("%s, with node_modules and what the build wrote, is copied to the same path of %s: the same Node on the same system, so that compiled modules load", n.app, s.base)
	return true
}

// run sorts one RUN.
func (n *nodeSplit) run(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return n.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	sorted := n.system
	if n.alpine {
		sorted = n.alpineSystem
	}
	rest, ok := sorted(in, all)
	if !ok {
		return false
	}
	builds, caches, replays, globals := 0, 0, 0, 0
	for _, st := range rest {
		switch kind := n.kind(in, st); kind {
		case "install", "build":
			builds++
			n.last, n.work[in] = in, true
		case "setting":
			builds++
		case "cache":
			caches++
		case "global":
			globals++
		case "file":
			replays++
		default:
			return n.decline(in, "%s", kind)
		}
	}
	switch {
	case builds > 0 && globals > 0:
		return n.decline(in, "it installs a program globally and changes the application in one RUN")
	case globals > 0:
		n.roles[in] = inBoth
	case builds+caches > 0:
		n.roles[in] = inBuild
	case replays > 0 && slices.ContainsFunc(all, installsPackages):
		return n.besidePackages(in, rest)
	case replays > 0:
		n.roles[in] = inBoth
	}
	return true
}

// besidePackages: file commands in a RUN of apt. What apt installs is sorted; the commands
// are done again in the runtime stage where they need nothing that a COPY brings.
func (n *nodeSplit) besidePackages(in *rewrite.Instruction, rest []rewrite.Step) bool {
	rest = slices.DeleteFunc(slices.Clone(rest), func(st rewrite.Step) bool { return !replayed[st.Name] && len(st.Stmt.Redirs) == 0 })
	for _, st := range rest {
		if !makesOnly[st.Name] {
			return n.decline(in, "it installs packages and changes other files (%s) in one RUN", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	return n.again(in, rest)
}

// kind says what a command does: install, build (it writes into the
// application), setting (nothing that runs), cache, global, file; or why it isn't
// known.
func (n *nodeSplit) kind(in *rewrite.Instruction, st rewrite.Step) string {
	switch st.Name {
	case "npm", "yarn", "pnpm", "bun", "corepack":
		return n.manager(in, st)
	case "lerna", "rush":
		return st.Name + " installs packages in its own way"
	case "npx", "bunx", "node", "tsc", "ng", "gulp", "grunt", "webpack", "vite", "next", "nuxt", "nest", "rollup", "prisma", "bower", "babel", "esbuild", "turbo", "nx":
		if why := strayPath(st.Args); why != "" {
			return why
		}
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	}
	if strings.HasPrefix(st.Args[0], "./node_modules/.bin/") || strings.HasPrefix(st.Args[0], "node_modules/.bin/") {
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	}
	if replayed[st.Name] || rewrite.Harmless(st.Name) {
		return "file"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

func (n *nodeSplit) npm(in *rewrite.Instruction, st rewrite.Step, verb string, words []string, global bool) string {
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
func (n *nodeSplit) global(in *rewrite.Instruction, pkgs []string) string {
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
func (n *nodeSplit) leftBehind() map[string]bool {
	out := map[string]bool{}
	for name := range n.globals {
		own := slices.ContainsFunc(n.installs, func(i nodeInstall) bool {
			_, runs := i.node.Dependencies[name]
			_, builds := i.node.DevDependencies[name]
			return runs || builds
		})
		if nodeBuildTools[name] && !own && name != "npm" && n.tools[name] == nil && name != "yarn" {
			out[cmp.Or(globalPrograms[name], name)] = true
		}
	}
	return out
}

func (n *nodeSplit) install(in *rewrite.Instruction, st rewrite.Step, words []string) string {
	if len(words) > 0 {
		return st.Name + " installs " + words[0] + ", which package.json may not name"
	}
	n.installs = append(n.installs, nodeInstall{in: in, step: st})
	return "install"
}

// strayPath finds an argument that lies outside the folder.
func strayPath(args []string) string {
	for _, a := range args[1:] {
		_, v, ok := strings.Cut(a, "=")
		if !ok {
			v = a
		}
		if strings.HasPrefix(v, "/") || strings.HasPrefix(v, "../") {
			return path.Base(args[0]) + " may write to " + v
		}
	}
	return ""
}

// folder finds the folder of the application: all installs and builds run in
// it or below.
func (n *nodeSplit) folder() bool {
	n.app = n.installs[0].step.Dir
	dirs := []string{}
	for _, i := range n.installs {
		dirs = append(dirs, i.step.Dir)
	}
	for _, b := range n.builds {
		dirs = append(dirs, b.step.Dir)
	}
	for _, d := range dirs {
		if d == "" {
			return n.decline(n.last, "the working directory isn't known")
		}
		if rewrite.Inside(n.app, d) {
			n.app = d
		}
	}
	for _, d := range dirs {
		if !rewrite.Inside(d, n.app) {
			return n.decline(n.last, "it installs or builds in %s and in %s", n.app, d)
		}
	}
	if systemDir(n.app) {
		return n.decline(n.last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", n.app)
	}
	for _, v := range []string{"NODE_PATH", "npm_config_prefix", "NPM_CONFIG_PREFIX"} {
		if _, ok := n.stage.At(nil).Env[v]; ok {
			return n.decline(n.last, "%s moves node_modules", v)
		}
	}
	return true
}
