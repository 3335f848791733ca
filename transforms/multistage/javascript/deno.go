package javascript

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Deno with deno compile. The binary holds Deno's runtime and all modules
// (https://docs.deno.com/runtime/reference/cli/compile/) and links the C library
// and libgcc, so distroless cc runs it.
//
// What deno run and deno cache make needs Deno itself: there is nothing to
// split. It declines where the image's own entry point (tini) would start CMD,
// where the source reads files or starts programs, and for users that
// distroless hasn't.

// Deno is the recipe for Deno.
var Deno = split.Recipe{
	Name:  "deno",
	Bases: words("denoland/deno"),
	Words: words("deno"),
	Doc:   `- Deno: what deno compile writes, on distroless cc.`,
	Split: splitDeno,
}

func splitDeno(s *split.Split) bool {
	var last *rewrite.Instruction
	output := ""
	for _, in := range s.Stage.Instructions {
		if in.Keyword != "run" || !strings.Contains(in.Text, "deno compile") {
			continue
		}
		all, ok := s.Steps(in)
		if !ok {
			return false
		}
		for _, st := range all {
			if st.Name != "deno" || len(st.Args) < 2 || st.Args[1] != "compile" {
				continue
			}
			if output != "" {
				return s.Decline(in, "it compiles several programs")
			}
			last, output = in, denoOutput(st)
			if output == "" || strings.ContainsAny(output, "$`~") || st.Dir == "" {
				return s.Decline(in, "deno compile names no output (-o)")
			}
			if slices.ContainsFunc(st.Args, func(a string) bool { return strings.Contains(a, "windows") || strings.Contains(a, "darwin") }) {
				return false
			}
			output = cmdline.Abs(st.Dir, output)
		}
	}
	if last == nil {
		return false
	}
	ref, _, _, ok := distro.Maintained(s.Pass.Images, "cc", "12")
	if !ok {
		return s.Decline(s.Stage.From, "there is no distroless image for it")
	}
	if !compiledRuns(s, last, "deno") || !denoStarts(s, output) {
		return false
	}
	if at := denoReads(s); at != "" {
		return s.Decline(last, "%s reads files or starts programs, which the binary doesn't hold", at)
	}
	s.Base = s.AsUser(ref)
	s.Instead[last] = append(s.Instead[last], s.CopyFrom(output, output))
	s.Explain("%s comes from the build stage; it holds Deno's runtime and every module, and needs but the C library and libgcc, which distroless cc has", output)
	s.Why = "a compiled program needs neither Deno nor the source"
	s.Gain = "Deno and Debian stay behind: some 70 MB (compressed)"
	s.Assumes = append(s.Assumes, "the program reads no file and loads no library beside its binary")
	return true
}

// denoOutput is the file that a deno compile writes.
func denoOutput(st rewrite.Step) string {
	for i, a := range st.Args {
		if (a == "-o" || a == "--output") && i+1 < len(st.Args) {
			return st.Args[i+1]
		}
		if v, ok := strings.CutPrefix(a, "--output="); ok {
			return v
		}
	}
	return ""
}

// compiledRuns sorts the RUNs of a stage whose last one compiles the program with a tool;
// distroless has no shell to repeat one.
func compiledRuns(s *split.Split, last *rewrite.Instruction, tools ...string) bool {
	for _, in := range s.Stage.Instructions {
		switch in.Keyword {
		case "run":
			all, ok := s.Steps(in)
			if !ok {
				return false
			}
			for _, st := range all {
				switch {
				case slices.Contains(tools, st.Name), rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
				case st.Name == "mkdir" && in.Index < last.Index, st.Name == "chown" && in.Index < last.Index:
				default:
					return s.Decline(in, "the effects of %s aren't known, and distroless has no shell", strings.Join(st.Args[:min(3, len(st.Args))], " "))
				}
			}
			if in.Index > last.Index {
				return s.Decline(in, "it runs behind the program's compilation, and distroless has no shell")
			}
		case "copy", "add":
			if in.Index < last.Index {
				s.Roles[in] = split.InBuild
			}
		case "shell":
			return s.Decline(in, "SHELL names a shell, which distroless hasn't")
		case "user":
			name, _, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
			if strings.Trim(name, "0123456789") != "" && name != "root" && name != "nonroot" && name != "nobody" {
				return s.Decline(in, "distroless has no user %s", name)
			}
		}
	}
	return true
}

// denoStarts: ENTRYPOINT is the binary.
func denoStarts(s *split.Split, output string) bool {
	starts := false
	program := func(line []string) bool { return cmdline.Abs(s.Stage.At(nil).Workdir, line[0]) == output }
	for _, in := range s.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		switch {
		case len(line) == 0:
		case shell:
			return s.Decline(in, "%s is in shell form, and distroless has no shell", strings.ToUpper(in.Keyword))
		case in.Keyword == "entrypoint" && program(line):
			starts = true
		case in.Keyword == "cmd" && s.HasEntrypoint():
		case in.Keyword == "cmd" && program(line):
			return s.Decline(in, "the image's own entry point (tini) starts CMD, and distroless hasn't it; with ENTRYPOINT in the place of CMD it could run there")
		case !program(line):
			return s.Decline(in, "%s runs %s, which deno compile doesn't write", strings.ToUpper(in.Keyword), line[0])
		}
	}
	if !starts {
		return s.Decline(s.Stage.From, "no ENTRYPOINT starts %s", output)
	}
	for _, b := range s.Runs() {
		for _, list := range [][]string{b.Entrypoint, b.Healthcheck} {
			if len(list) > 0 && list[0] != "NONE" && cmdline.Abs(s.Stage.At(nil).Workdir, list[0]) != output {
				return s.Decline(s.Stage.From, "%s runs %s in the container, which distroless hasn't", b.File, list[0])
			}
		}
	}
	return true
}

// denoOpens are calls that read files, load libraries or start programs, and the stores that
// Deno keeps in DENO_DIR, which its image sets.
var denoOpens = lazily(`\bDeno\.(?:open|read|stat|lstat|realPath|dlopen|Command|run|create|write|mkdir|watchFs)|\blocalStorage\b|\bcaches\.|\bserve(?:Dir|File)\b|["'](?:node:)?(?:fs|fs/promises|child_process)["']|\bnew Worker\(|\bimport\([^"']`)

// denoReads names the first place of the source that needs more than the
// binary.
func denoReads(s *split.Split) string {
	if !s.Pass.Unsafe {
		return ""
	}
	files, complete := s.Pass.Repo.Files()
	if !complete {
		return "the project is too big to be searched; it perhaps"
	}
	ig := s.Pass.Repo.Ignore(s.Pass.Name)
	for _, f := range files {
		if !slices.Contains([]string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".mts"}, path.Ext(f)) || repo.TestFile(f) || ig.Excluded(f) {
			continue
		}
		src, err := s.Pass.Repo.ReadFile(f)
		if err != nil {
			return f
		}
		if at := denoOpens().FindIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(string(src), at[0])
		}
	}
	return ""
}
