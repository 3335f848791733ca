package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Node with npm, or with Yarn 1. The folder of the application, with
// node_modules and whatever the build wrote, is copied from the build stage to
// the same path of the slim image: same Debian release and Node, so compiled
// modules load. Code that is copied after the last build step comes from the
// context.
//
// Development dependencies are pruned where neither the start command nor the
// source uses one; else they stay. NODE_ENV is never touched: frameworks
// answer differently with it.
//
// It declines for workspaces, pnpm and Yarn 2, for modules that need libraries
// of the full image or a browser, for programs that the slim image hasn't, and
// for RUNs that it doesn't know.

var _ = register(recipe{
	name:  "node",
	bases: words("node"),
	words: words("npm npx yarn pnpm bun"),
	doc: `- Node with npm (or Yarn 1): the installed and built folder, less the development
  dependencies where nothing needs them, on the -slim image.`,
	split: splitNode,
})

type nodeSplit struct {
	*split
	app      string // folder of the application in the image
	installs []nodeInstall
	builds   []nodeBuild
	globals  map[string]bool // packages that are installed globally
	pruned   bool            // the file prunes by itself
	owner    string          // whom a chown gives the folder to
	last     *rewrite.Instruction
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

func splitNode(s *split) bool {
	n := &nodeSplit{split: s, globals: map[string]bool{}}
	if !s.slimBase() {
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
	cmds, ok := s.canStart()
	if !ok {
		return false
	}
	for _, i := range n.installs {
		if why := s.nodeNeeds(i.node); why != "" {
			return s.decline(i.in, "%s", why)
		}
	}
	if why := s.sourceLacks(".js", ".ts", ".mjs", ".cjs", ".tsx"); why != "" {
		return s.decline(n.installs[0].in, "%s", why)
	}
	n.copyFolder()
	s.why = "the full image carries compilers and headers, which only install and build need"
	s.gain = "compilers and headers stay behind: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	s.assumes = append(s.assumes, "install and build write only below "+n.app+", and the program needs nothing at run time that only the full image has")
	if !n.prune(cmds) {
		return false
	}
	return n.cleanInstall()
}

// run sorts one RUN.
func (n *nodeSplit) run(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return n.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	rest, ok := n.system(in, all)
	if !ok {
		return false
	}
	builds, caches, replays, globals := 0, 0, 0, 0
	for _, st := range rest {
		switch kind := n.kind(in, st); kind {
		case "install", "build":
			builds++
			n.last = in
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
	case replays > 0:
		n.roles[in] = inBoth
	}
	return true
}

// kind says what a command does: install, build (it writes into the
// application), setting (nothing that runs), cache, global, file; or why it isn't
// known.
func (n *nodeSplit) kind(in *rewrite.Instruction, st rewrite.Step) string {
	args := st.Args[1:]
	verb := ""
	var words []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			if verb == "" {
				verb = a
			} else {
				words = append(words, a)
			}
		}
	}
	global := slices.Contains(args, "-g") || slices.Contains(args, "--global")
	switch st.Name {
	case "npm":
		return n.npm(in, st, verb, words, global)
	case "yarn":
		switch {
		case verb == "" || verb == "install":
			return n.install(in, st, words)
		case verb == "global":
			return n.global(words[min(1, len(words)):])
		case verb == "config":
			return "setting"
		case verb == "cache":
			return "cache"
		case verb == "run" || verb == "build":
			n.builds = append(n.builds, nodeBuild{in, st})
			return "build"
		case verb == "add":
			return "yarn add installs what package.json doesn't name"
		}
		n.builds = append(n.builds, nodeBuild{in, st})
		return "build"
	case "pnpm", "bun", "corepack", "lerna", "nx", "turbo", "rush":
		return st.Name + " is for a later version"
	case "npx", "node", "tsc", "ng", "gulp", "grunt", "webpack", "vite", "next", "nuxt", "nest", "rollup", "prisma", "bower", "babel", "esbuild":
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
	if slices.ContainsFunc(st.Args, func(a string) bool { return a == "--prefix" || a == "-C" || strings.HasPrefix(a, "--prefix=") }) {
		return "npm works in another folder (--prefix)"
	}
	switch verb {
	case "ci", "install", "i":
		if global {
			return n.global(words)
		}
		return n.install(in, st, words)
	case "run", "run-script", "build", "rebuild", "test", "exec", "start":
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
func (n *nodeSplit) global(pkgs []string) string {
	tools := true
	for _, p := range pkgs {
		name := p
		if i := strings.LastIndexByte(p, '@'); i > 0 {
			name = p[:i]
		}
		if strings.ContainsAny(name, "$`") || strings.HasPrefix(name, ".") || strings.Contains(name, ":") {
			return "npm installs " + p + " globally"
		}
		if name == "pnpm" || name == "lerna" || name == "turbo" || name == "bun" {
			return name + " is for a later version"
		}
		if !buildTools[name] {
			tools = false
		}
		n.globals[name] = true
	}
	if tools {
		return "setting"
	}
	return "global"
}

// buildTools only build; a runtime stage without them starts the same, unless
// a start command names them (see uses).
var buildTools = words(`npm yarn node-gyp node-pre-gyp typescript @angular/cli gulp gulp-cli grunt grunt-cli bower webpack webpack-cli @nestjs/cli @vue/cli rollup vite esbuild parcel @babel/cli prisma rimraf node-sass sass less eslint jest mocha`)

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
