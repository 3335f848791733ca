package multistage

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Images of Bun (https://bun.com/guides/ecosystem/docker). What bun build --compile writes
// holds Bun and every module and links the C library alone, so distroless base runs it.
// Else the folder of the application is copied to the slim image of the same tag, as for Node.
//
// Bun's own distroless image stands on an older Debian than its others, so that modules
// which the build compiled may not load there: what isn't compiled stays on slim.

var _ = register(recipe{
	name:  "bun",
	bases: words("oven/bun"),
	words: words("bun bunx"),
	doc: `- Bun: the installed and built folder on the -slim image; what bun build --compile writes,
  on distroless base.`,
	split: splitBun,
})

// bunFull are tags of Bun's full image, which have a -slim variant
// (https://hub.docker.com/r/oven/bun).
var bunFull = lazily(`^(latest|canary|debian|v?\d+(\.\d+){0,2}(-debian)?)$`)

func splitBun(s *split) bool {
	if in, output, ok := bunCompiled(s); !ok {
		return false
	} else if in != nil {
		return bunBinary(s, in, output)
	}
	from := s.stage.From.Fields()[0].Text
	tag := cmp.Or(s.ref.Tag, "latest")
	switch {
	case strings.ContainsAny(from, "$@"):
		return s.decline(s.stage.From, "the base is computed, or fixed by its digest")
	case !bunFull().MatchString(tag):
		return false
	case tag == "latest" || tag == "debian":
		s.base = strings.TrimSuffix(strings.TrimSuffix(from, ":"+tag), ":") + ":slim"
	default:
		s.base = strings.TrimSuffix(from, "-debian") + "-slim"
	}
	n := newNodeSplit(s)
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
	if !n.starter(cmds) {
		return false
	}
	n.copyFolder()
	s.why = "the full image carries more of Debian than Bun needs, and the build leaves caches and development dependencies behind"
	s.gain = "the rest of Debian, Bun's cache and development dependencies stay behind: about 45 MB for the image alone (compressed)"
	s.assumes = append(s.assumes, "install and build write only below "+n.app+", and the program needs nothing at run time that only the full image has")
	if !n.prune(cmds) {
		return false
	}
	if s.p.Policy == Distroless || s.p.Policy == Smallest {
		s.explain("the runtime stage stands on %s and not on Bun's distroless image, which is of an older Debian: compiled modules may not load there", s.base)
	}
	s.explain("%s, with node_modules and what the build wrote, is copied to the same path of %s: the same Bun on the same system", n.app, s.base)
	return true
}

// bunCompiled finds the RUN that compiles a program, and what it writes. ok is false after a decline.
func bunCompiled(s *split) (at *rewrite.Instruction, output string, ok bool) {
	for _, in := range s.stage.Instructions {
		if in.Keyword != "run" || !strings.Contains(in.Text, "--compile") {
			continue
		}
		all, why := in.Steps()
		if why != "" {
			return nil, "", s.decline(in, "the effects of this RUN aren't known: %s", why)
		}
		for _, st := range all {
			if st.Name != "bun" || len(st.Args) < 3 || st.Args[1] != "build" || !slices.Contains(st.Args, "--compile") {
				continue
			}
			if at != nil {
				return nil, "", s.decline(in, "it compiles several programs")
			}
			at, output = in, bunOutput(st)
			switch {
			case output == "" || strings.ContainsAny(output, "$`~*") || st.Dir == "" || st.Dir == "/":
				return nil, "", s.decline(in, "what bun build writes isn't known")
			case slices.ContainsFunc(st.Args, func(a string) bool { return strings.HasPrefix(a, "--target") && a != "--target=bun" }):
				return nil, "", s.decline(in, "it compiles for another system (--target)")
			}
			output = abs(st.Dir, output)
		}
	}
	return at, output, true
}

// bunOutput is the file that bun build --compile writes: --outfile, else the name of the source.
func bunOutput(st rewrite.Step) string {
	source := ""
	for i := 2; i < len(st.Args); i++ {
		switch a := st.Args[i]; {
		case a == "--outfile" && i+1 < len(st.Args):
			return st.Args[i+1]
		case strings.HasPrefix(a, "--outfile="):
			return a[len("--outfile="):]
		case strings.HasPrefix(a, "-"):
		case source == "":
			source = a
		default:
			return "" // several sources, or a value of a flag
		}
	}
	return strings.TrimSuffix(path.Base(source), path.Ext(source))
}

// bunBinary plans the runtime stage of a compiled program.
func bunBinary(s *split, last *rewrite.Instruction, output string) bool {
	ref, _, _, ok := maintained(s.p.Images, "base", "12")
	if !ok {
		return s.decline(s.stage.From, "there is no distroless image for it")
	}
	if !compiledRuns(s, last, "bun", "bunx") || !bunStarts(s, output) {
		return false
	}
	if at := bunReads(s); at != "" {
		return s.decline(last, "%s, which the binary doesn't hold", at)
	}
	s.base = ref.WithTag("latest").String()
	s.instead[last] = append(s.instead[last], s.copyFrom(output, output))
	s.explain("%s comes from the build stage; it holds Bun and every module, and needs but the C library, which distroless base has", output)
	s.why = "a compiled program needs neither Bun nor the source"
	s.gain = "Bun's image, node_modules and the source stay behind: some 60 MB (compressed)"
	s.assumes = append(s.assumes, "the program reads no file, starts no program and loads no addon beside its binary")
	return true
}

// bunStarts: what starts is the binary. Bun's entry point starts CMD as it stands where it
// names a program (docker-entrypoint.sh).
func bunStarts(s *split, output string) bool {
	program := func(line []string) bool { return abs(s.stage.At(nil).Workdir, line[0]) == output }
	starts := false
	for _, in := range s.stage.Instructions {
		line, shell := startLine(in)
		switch {
		case len(line) == 0, in.Keyword == "cmd" && s.hasEntrypoint() && !shell:
		case shell:
			return s.decline(in, "%s is in shell form, and distroless has no shell", strings.ToUpper(in.Keyword))
		case !program(line) || !strings.Contains(line[0], "/"):
			return s.decline(in, "%s runs %s, and bun build writes %s", strings.ToUpper(in.Keyword), line[0], output)
		case in.Keyword != "healthcheck":
			starts = true
		}
	}
	if !starts {
		return s.decline(s.stage.From, "neither CMD nor ENTRYPOINT starts %s", output)
	}
	for _, b := range s.runs() {
		for _, list := range [][]string{b.Entrypoint, b.Command, b.Healthcheck} {
			if len(list) > 0 && list[0] != "NONE" && abs(s.stage.At(nil).Workdir, list[0]) != output {
				return s.decline(s.stage.From, "%s runs %s in the container, which distroless hasn't", b.File, list[0])
			}
		}
	}
	return true
}

// bunOpens are calls that read files, start programs or load libraries
// (https://bun.com/docs/bundler/executables: the binary holds what is imported).
var bunOpens = lazily(`\bBun\.(?:file|write|spawn|spawnSync|which|mmap|Glob|FileSystemRouter|plugin|\$)|["'](?:node:)?(?:fs|fs/promises|child_process|worker_threads|module)["']|["']bun(?::(?:sqlite|ffi|jsc))?["']|\bnew Worker\(|\bimport\(\s*[^"'\s]|\bcreateRequire\b|\.node["']`)

// bunReads says what of the source needs more than the binary, "" for nothing.
func bunReads(s *split) string {
	if !s.p.Unsafe {
		return ""
	}
	files, complete := s.p.Repo.Files()
	if !complete {
		return "the project is too big to be searched for files that it reads"
	}
	ig := s.p.Repo.Ignore(s.p.Name)
	for _, f := range files {
		if ig.Excluded(f) {
			continue
		}
		if path.Base(f) == "package.json" {
			if node := s.p.Repo.Node(path.Dir(f)); node != nil {
				for _, name := range slices.Sorted(keys(node.Dependencies)) {
					if _, native := nodeNative[name]; native || bunAddons[name] {
						return f + " names " + name + ", an addon"
					}
				}
			}
			continue
		}
		if !slices.Contains([]string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".mts"}, path.Ext(f)) || repo.TestFile(f) || strings.Contains(f, ".config.") {
			continue
		}
		src, err := s.p.Repo.ReadFile(f)
		if err != nil {
			return f + " can't be read"
		}
		if at := bunOpens().FindIndex(src); at != nil {
			return f + ":" + lineAt(string(src), at[0]) + " reads files or starts programs"
		}
	}
	return ""
}

// bunAddons are packages that load a library beside them, or read files of their own.
var bunAddons = words(`sharp bcrypt better-sqlite3 sqlite3 canvas argon2 @prisma/client prisma libsql @libsql/client lightningcss esbuild @swc/core re2 node-pty pino winston swagger-ui-express puppeteer playwright next nuxt @sveltejs/kit astro pug ejs nunjucks handlebars`)

// bunFile is the source file that bun runs, as in bun run index.ts; "" for none.
func bunFile(words []string) string {
	if len(words) > 1 && words[0] == "run" {
		words = words[1:]
	}
	if len(words) > 0 && slices.Contains([]string{".js", ".ts", ".mjs", ".mts", ".cjs", ".jsx", ".tsx"}, path.Ext(words[0])) {
		return words[0]
	}
	return ""
}

// bunKeeps says why the development dependencies of a bun install stay, "" for nothing: without a
// prune they are removed by a second install, which runs what the first one ran.
func (n *nodeSplit) bunKeeps(i nodeInstall) string {
	for _, s := range []string{"preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"} {
		if i.node.Scripts[s] != "" {
			return "without bun prune a second install would leave them out, and it runs the script " + s
		}
	}
	if slices.ContainsFunc(i.in.Mounts(), func(m map[string]string) bool { return m["type"] == "secret" || m["type"] == "ssh" }) && len(n.builds) > 0 {
		return "a second install would leave them out, and it needs the secret that the first one mounts"
	}
	for _, b := range n.builds {
		if strings.Contains(strings.Join(b.step.Args, " "), "prisma") {
			return "line " + lineOf(b.in) + " writes into node_modules"
		}
	}
	if _, prisma := i.node.Dependencies["@prisma/client"]; prisma {
		return "the client of Prisma is written into node_modules"
	}
	if src, err := n.p.Repo.ReadFile(path.Join(i.node.Dir, "bunfig.toml")); err == nil && strings.Contains(string(src), "preload") {
		return "bunfig.toml loads modules beforehand"
	}
	return ""
}
