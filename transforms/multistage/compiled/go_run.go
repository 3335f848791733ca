package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// runsGo: CMD or ENTRYPOINT compiles when it starts (go run). The build moves
// into a RUN, and the program is started instead.
func (g *GoApp) runsGo() bool {
	for _, in := range g.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if in.Keyword != "cmd" && in.Keyword != "entrypoint" || len(line) == 0 {
			continue
		}
		if shell {
			text := strings.Join(line, " ")
			calls, err := cmdline.ScriptCommands(text)
			if err != nil || len(calls) != 1 || strings.ContainsAny(text, "$`|&;<>*?~\"'\\(){}") {
				continue
			}
			line = calls[0]
		}
		if len(line) < 2 || line[0] != "go" {
			continue
		}
		if line[1] != "run" {
			return g.Decline(in, "it compiles when it starts (go %s); build in a RUN instead", line[1])
		}
		return g.compiled(in, line[2:])
	}
	return true
}

// compiled puts the program of a go run in its place.
// Source: https://pkg.go.dev/cmd/go#hdr-Compile_and_run_Go_program
func (g *GoApp) compiled(in *rewrite.Instruction, args []string) bool {
	for _, s := range g.Runs() {
		if len(s.Volumes) > 0 || len(s.Watch) > 0 {
			return g.Decline(in, "%s mounts files into the container, where go run would compile them", s.File)
		}
	}
	var flags, pkgs []string
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, _, eq := strings.Cut(args[0], "=")
		n := 1
		if goValue[name] && !eq {
			n = 2
		}
		if name == "-exec" || len(args) < n {
			return g.Decline(in, "go run %s is beyond this recipe", name)
		}
		flags, args = append(flags, args[:n]...), args[n:]
	}
	for len(args) > 0 && strings.HasSuffix(args[0], ".go") {
		pkgs, args = append(pkgs, args[0]), args[1:]
	}
	if len(pkgs) == 0 && len(args) > 0 {
		pkgs, args = args[:1], args[1:]
	}
	if len(pkgs) == 0 || strings.Contains(pkgs[0], "@") {
		return g.Decline(in, "which package go run compiles isn't known")
	}
	for _, w := range append(slices.Clone(flags), pkgs...) {
		if !cmdline.Plain(w) {
			return g.Decline(in, "%s of go run needs quotes", w)
		}
	}
	st := rewrite.Step{Command: rewrite.Command{Name: "go", Args: slices.Concat([]string{"go", "build"}, flags, pkgs)}, Dir: g.Stage.At(in).Workdir}
	before := len(g.Outputs)
	if !g.build(in, st) {
		return false
	}
	if len(g.Outputs) != before+1 {
		return g.Decline(in, "which package go run compiles isn't known")
	}
	o := &g.Outputs[before]
	name := path.Base(o.Path)
	o.Path = "/usr/local/bin/" + name
	words := []string{"go", "build"}
	if _, set := g.Env(in, st.Command, "CGO_ENABLED"); !set && !o.Cgo {
		words = append([]string{"CGO_ENABLED=0"}, words...)
	}
	if _, set := g.Env(in, st.Command, "GOFLAGS"); !set {
		if g.since(13) && !g.findsItsSource(o.Pkg) {
			words = append(words, "-trimpath")
		}
		if !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "-ldflags") || strings.HasPrefix(f, "-gcflags") }) {
			words = append(words, `-ldflags="-s -w"`)
		}
	}
	words = slices.Concat(words, []string{"-o", o.Path}, flags, pkgs)
	command := strings.Join(words, " ")
	g.Tail = append(g.Tail, g.Keyword("RUN")+" "+command+"\n")
	g.Adds = append(g.Adds, command)
	g.Explain("go run compiled at every start; the build stage compiles once, to %s", o.Path)
	return g.startInstead(in, o.Path, append([]string{name}, args...))
}
