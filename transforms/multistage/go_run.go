package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// runsGo: CMD or ENTRYPOINT compiles when it starts (go run). The build moves
// into a RUN, and the program is started instead.
func (g *goSplit) runsGo() bool {
	for _, in := range g.stage.Instructions {
		line, shell := startLine(in)
		if in.Keyword != "cmd" && in.Keyword != "entrypoint" || len(line) == 0 {
			continue
		}
		if shell {
			text := strings.Join(line, " ")
			calls, err := scriptCommands(text)
			if err != nil || len(calls) != 1 || strings.ContainsAny(text, "$`|&;<>*?~\"'\\(){}") {
				continue
			}
			line = calls[0]
		}
		if len(line) < 2 || line[0] != "go" {
			continue
		}
		if line[1] != "run" {
			return g.decline(in, "it compiles when it starts (go %s); build in a RUN instead", line[1])
		}
		return g.compiled(in, line[2:])
	}
	return true
}

// compiled puts the program of a go run in its place.
// Source: https://pkg.go.dev/cmd/go#hdr-Compile_and_run_Go_program
func (g *goSplit) compiled(in *rewrite.Instruction, args []string) bool {
	for _, s := range g.runs() {
		if len(s.Volumes) > 0 || len(s.Watch) > 0 {
			return g.decline(in, "%s mounts files into the container, where go run would compile them", s.File)
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
			return g.decline(in, "go run %s is beyond this recipe", name)
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
		return g.decline(in, "which package go run compiles isn't known")
	}
	for _, w := range append(slices.Clone(flags), pkgs...) {
		if !plain(w) {
			return g.decline(in, "%s of go run needs quotes", w)
		}
	}
	st := rewrite.Step{Command: rewrite.Command{Name: "go", Args: slices.Concat([]string{"go", "build"}, flags, pkgs)}, Dir: g.stage.At(in).Workdir}
	before := len(g.outputs)
	if !g.build(in, st) {
		return false
	}
	if len(g.outputs) != before+1 {
		return g.decline(in, "which package go run compiles isn't known")
	}
	o := &g.outputs[before]
	name := path.Base(o.path)
	o.path = "/usr/local/bin/" + name
	words := []string{"go", "build"}
	if _, set := g.env(in, st.Command, "CGO_ENABLED"); !set && !o.cgo {
		words = append([]string{"CGO_ENABLED=0"}, words...)
	}
	if _, set := g.env(in, st.Command, "GOFLAGS"); !set {
		if !g.findsItsSource(o.pkg) {
			words = append(words, "-trimpath")
		}
		if !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "-ldflags") || strings.HasPrefix(f, "-gcflags") }) {
			words = append(words, `-ldflags="-s -w"`)
		}
	}
	words = slices.Concat(words, []string{"-o", o.path}, flags, pkgs)
	command := strings.Join(words, " ")
	g.tail = append(g.tail, g.keyword("RUN")+" "+command+"\n")
	g.adds = append(g.adds, command)
	g.explain("go run compiled at every start; the build stage compiles once, to %s", o.path)
	return g.startInstead(in, o.path, append([]string{name}, args...))
}
