package javascript

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Images of Bun (https://bun.com/guides/ecosystem/docker). What bun build --compile writes
// holds Bun and every module and links the C library alone, so distroless base runs it.
// Else the folder of the application is copied to the slim image of the same tag, as for Node.
//
// Bun's own distroless image stands on an older Debian than its others, so that modules
// which the build compiled may not load there: what isn't compiled stays on slim.

// Bun is the recipe for Bun.
var Bun = split.Recipe{
	Name:  "bun",
	Bases: words("oven/bun"),
	Words: words("bun bunx"),
	Doc: `- Bun: the installed and built folder on the -slim image; what bun build --compile writes,
  on distroless base.`,
	Split: splitBun,
}

// bunFull are tags of Bun's full image, which have a -slim variant
// (https://hub.docker.com/r/oven/bun).
var bunFull = lazily(`^(latest|canary|debian|v?\d+(\.\d+){0,2}(-debian)?)$`)

func splitBun(s *split.Split) bool {
	if in, output, ok := bunCompiled(s); !ok {
		return false
	} else if in != nil {
		return bunBinary(s, in, output)
	}
	from := s.Stage.From.Fields()[0].Text
	tag := cmp.Or(s.Ref.Tag, "latest")
	switch {
	case strings.ContainsAny(from, "$@"):
		return s.Decline(s.Stage.From, "the base is computed, or fixed by its digest")
	case !bunFull().MatchString(tag):
		return false
	case tag == "latest" || tag == "debian":
		s.Base = strings.TrimSuffix(strings.TrimSuffix(from, ":"+tag), ":") + ":slim"
	default:
		s.Base = strings.TrimSuffix(from, "-debian") + "-slim"
	}
	n := NewNode(s)
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
	cmds, ok := s.CanStart()
	if !ok {
		return false
	}
	for _, i := range n.Installs {
		if why := NodeNeeds(s, i.Node); why != "" {
			return s.Decline(i.in, "%s", why)
		}
	}
	if why := s.SourceLacks(".js", ".ts", ".mjs", ".cjs", ".tsx"); why != "" {
		return s.Decline(n.Installs[0].in, "%s", why)
	}
	if !n.starter(cmds) {
		return false
	}
	n.CopyFolder()
	s.Why = "the full image carries more of Debian than Bun needs, and the build leaves caches and development dependencies behind"
	s.Gain = "the rest of Debian, Bun's cache and development dependencies stay behind: about 45 MB for the image alone (compressed)"
	s.Assumes = append(s.Assumes, "install and build write only below "+n.AppDir+", and the program needs nothing at run time that only the full image has")
	if !n.prune(cmds) {
		return false
	}
	if s.Pass.Policy == split.Distroless || s.Pass.Policy == split.Smallest {
		s.Explain("the runtime stage stands on %s and not on Bun's distroless image, which is of an older Debian: compiled modules may not load there", s.Base)
	}
	s.Explain("%s, with node_modules and what the build wrote, is copied to the same path of %s: the same Bun on the same system", n.AppDir, s.Base)
	return true
}

// bunCompiled finds the RUN that compiles a program, and what it writes. ok is false after a decline.
func bunCompiled(s *split.Split) (at *rewrite.Instruction, output string, ok bool) {
	for _, in := range s.Stage.Instructions {
		if in.Keyword != "run" || !strings.Contains(in.Text, "--compile") {
			continue
		}
		all, ok := s.Steps(in)
		if !ok {
			return nil, "", false
		}
		for _, st := range all {
			if st.Name != "bun" || len(st.Args) < 3 || st.Args[1] != "build" || !slices.Contains(st.Args, "--compile") {
				continue
			}
			if at != nil {
				return nil, "", s.Decline(in, "it compiles several programs")
			}
			at, output = in, bunOutput(st)
			switch {
			case output == "" || strings.ContainsAny(output, "$`~*") || st.Dir == "" || st.Dir == "/":
				return nil, "", s.Decline(in, "what bun build writes isn't known")
			case slices.ContainsFunc(st.Args, func(a string) bool { return strings.HasPrefix(a, "--target") && a != "--target=bun" }):
				return nil, "", s.Decline(in, "it compiles for another system (--target)")
			}
			output = cmdline.Abs(st.Dir, output)
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
func bunBinary(s *split.Split, last *rewrite.Instruction, output string) bool {
	ref, _, _, ok := distro.Maintained(s.Pass.Images, "base", "12")
	if !ok {
		return s.Decline(s.Stage.From, "there is no distroless image for it")
	}
	if !compiledRuns(s, last, "bun", "bunx") || !bunStarts(s, output) {
		return false
	}
	if at := bunReads(s); at != "" {
		return s.Decline(last, "%s, which the binary doesn't hold", at)
	}
	s.Base = s.AsUser(ref)
	s.Instead[last] = append(s.Instead[last], s.CopyFrom(output, output))
	s.Explain("%s comes from the build stage; it holds Bun and every module, and needs but the C library, which distroless base has", output)
	s.Why = "a compiled program needs neither Bun nor the source"
	s.Gain = "Bun's image, node_modules and the source stay behind: some 60 MB (compressed)"
	s.Assumes = append(s.Assumes, "the program reads no file, starts no program and loads no addon beside its binary")
	return true
}

// bunStarts: what starts is the binary. Bun's entry point starts CMD as it stands where it
// names a program (docker-entrypoint.sh).
func bunStarts(s *split.Split, output string) bool {
	program := func(line []string) bool { return cmdline.Abs(s.Stage.At(nil).Workdir, line[0]) == output }
	starts := false
	for _, in := range s.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		switch {
		case len(line) == 0, in.Keyword == "cmd" && s.HasEntrypoint() && !shell:
		case shell:
			return s.Decline(in, "%s is in shell form, and distroless has no shell", strings.ToUpper(in.Keyword))
		case !program(line) || !strings.Contains(line[0], "/"):
			return s.Decline(in, "%s runs %s, and bun build writes %s", strings.ToUpper(in.Keyword), line[0], output)
		case in.Keyword != "healthcheck":
			starts = true
		}
	}
	if !starts {
		return s.Decline(s.Stage.From, "neither CMD nor ENTRYPOINT starts %s", output)
	}
	for _, b := range s.Runs() {
		for _, list := range [][]string{b.Entrypoint, b.Command, b.Healthcheck} {
			if len(list) > 0 && list[0] != "NONE" && cmdline.Abs(s.Stage.At(nil).Workdir, list[0]) != output {
				return s.Decline(s.Stage.From, "%s runs %s in the container, which distroless hasn't", b.File, list[0])
			}
		}
	}
	return true
}

// bunOpens are calls that read files, start programs or load libraries
// (https://bun.com/docs/bundler/executables: the binary holds what is imported).
var bunOpens = lazily(`\bBun\.(?:file|write|spawn|spawnSync|which|mmap|Glob|FileSystemRouter|plugin|\$)|["'](?:node:)?(?:fs|fs/promises|child_process|worker_threads|module)["']|["']bun(?::(?:sqlite|ffi|jsc))?["']|\bnew Worker\(|\bimport\(\s*[^"'\s]|\bcreateRequire\b|\.node["']`)

// bunReads says what of the source needs more than the binary, "" for nothing.
func bunReads(s *split.Split) string {
	if !s.Pass.Unsafe {
		return ""
	}
	files, complete := s.Pass.Repo.Files()
	if !complete {
		return "the project is too big to be searched for files that it reads"
	}
	ig := s.Pass.Repo.Ignore(s.Pass.Name)
	for _, f := range files {
		if ig.Excluded(f) {
			continue
		}
		if path.Base(f) == "package.json" {
			if node := s.Pass.Repo.Node(path.Dir(f)); node != nil {
				for _, name := range slices.Sorted(maps.Keys(node.Dependencies)) {
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
		src, err := s.Pass.Repo.ReadFile(f)
		if err != nil {
			return f + " can't be read"
		}
		if at := bunOpens().FindIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(string(src), at[0]) + " reads files or starts programs"
		}
	}
	return ""
}

// bunAddons are packages that load a library beside them, or read files of their own.
var bunAddons = words(`sharp bcrypt better-sqlite3 sqlite3 canvas argon2 @prisma/client prisma libsql @libsql/client lightningcss esbuild @swc/core re2 node-pty pino winston swagger-ui-express puppeteer playwright next nuxt @sveltejs/kit astro pug ejs nunjucks handlebars`)

// bunKeeps says why the development dependencies of a bun install stay, "" for nothing: without a
// prune they are removed by a second install, which runs what the first one ran.
func (n *NodeApp) bunKeeps(i NodeInstall) string {
	for _, s := range []string{"preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"} {
		if i.Node.Scripts[s] != "" {
			return "without bun prune a second install would leave them out, and it runs the script " + s
		}
	}
	if slices.ContainsFunc(i.in.Mounts(), func(m map[string]string) bool { return m["type"] == "secret" || m["type"] == "ssh" }) && len(n.builds) > 0 {
		return "a second install would leave them out, and it needs the secret that the first one mounts"
	}
	for _, b := range n.builds {
		if strings.Contains(strings.Join(b.step.Args, " "), "prisma") {
			return "line " + cmdline.LineOf(b.in) + " writes into node_modules"
		}
	}
	if _, prisma := i.Node.Dependencies["@prisma/client"]; prisma {
		return "the client of Prisma is written into node_modules"
	}
	if src, err := n.Pass.Repo.ReadFile(path.Join(i.Node.Dir, "bunfig.toml")); err == nil && strings.Contains(string(src), "preload") {
		return "bunfig.toml loads modules beforehand"
	}
	return ""
}
