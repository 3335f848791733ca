package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// make around go build: the recipes of the makefile are read as if they stood in the RUN.
// What a recipe says stays as it is; CGO_ENABLED=0 in front of make reaches the go of a
// recipe that doesn't set it.

// makes follows make into the makefile.
func (g *GoApp) makes(in *rewrite.Instruction, st rewrite.Step) bool {
	call, why := readMake(st)
	if why != "" {
		return g.Decline(in, "%s", why)
	}
	mk, dir := g.makefile(in, call)
	if mk == nil {
		return g.Decline(in, "the build context holds no makefile for %s, so what make writes isn't known", call.dir)
	}
	set, why := g.makeVars(in, st, mk, call.set)
	if why != "" {
		return g.Decline(in, "%s", why)
	}
	set["CURDIR"] = dir
	commands, why := mk.Commands(call.goals, set)
	if why != "" {
		return g.Decline(in, "what make writes isn't known: %s", why)
	}
	g.recipe = map[string]string{}
	defer func() { g.recipe = nil }()
	for name, v := range mk.Exported(set) {
		g.recipe[name] = v
	}
	for name, v := range call.set {
		g.recipe[name] = v // what make is given reaches its recipes too
	}
	before := len(g.Outputs)
	for _, c := range commands {
		if !g.recipeLine(in, mk, c, dir) {
			return false
		}
	}
	for i := before; i < len(g.Outputs); i++ {
		o := &g.Outputs[i]
		o.maker, o.Cgo = &st, o.Cgo || g.races && !o.fixed // CGO_ENABLED=0 would reach the race detector too
	}
	return true
}

// recipeLine reads a line of a makefile's recipe.
func (g *GoApp) recipeLine(in *rewrite.Instruction, mk *repo.Makefile, c repo.MakeCommand, dir string) bool {
	sh, err := rewrite.ParseScript(c.Text)
	if err != nil {
		return g.Decline(in, "%s:%d can't be read as a shell command", mk.File, c.Line)
	}
	steps, why := sh.Steps(dir)
	if why != "" {
		return g.Decline(in, "%s:%d isn't known: %s", mk.File, c.Line, why)
	}
	for _, one := range steps {
		switch {
		case one.Name == "go" && slices.ContainsFunc(one.Args, func(a string) bool { return a == "-race" || a == "-msan" || a == "-asan" }):
			g.races = true
		case one.Name == "rm":
			for _, p := range Paths(one) {
				g.Outputs = slices.DeleteFunc(g.Outputs, func(o Output) bool { return rewrite.Inside(o.Path, p) })
			}
			continue
		}
		known, ok := g.step(in, one)
		if !ok {
			return false
		}
		if !known {
			return g.Decline(in, "%s:%d runs %s, whose effects aren't known", mk.File, c.Line, strings.Join(one.Args[:min(2, len(one.Args))], " "))
		}
	}
	return true
}

// makefile finds the makefile that a make takes, and the folder of the image where it runs.
func (g *GoApp) makefile(in *rewrite.Instruction, call makeCall) (*repo.Makefile, string) {
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	if call.file != "" {
		names = []string{call.file}
	}
	for _, n := range names {
		if ctx, by := g.Stage.Origin(in, cmdline.Abs(call.dir, n), g.Pass.Repo, g.Pass.Name); by != nil && call.dir != "" {
			return g.Pass.Repo.Makefile(path.Dir(ctx), path.Base(ctx)), call.dir
		}
	}
	return nil, ""
}

// makeVars are the variables that make is started with: those of its command line, and the
// environment where the makefile says nothing else.
func (g *GoApp) makeVars(in *rewrite.Instruction, st rewrite.Step, mk *repo.Makefile, given map[string]string) (map[string]string, string) {
	set := map[string]string{"GOPATH": "/go", "HOME": "/root", "PWD": st.Dir}
	state := g.Stage.At(in)
	for _, vars := range []map[string]string{state.Args, state.Env} {
		for name, v := range vars {
			if mk.Defines(name) {
				return nil, mk.File + " and the Dockerfile both set " + name
			}
			set[name] = v
		}
	}
	if st.Call != nil {
		for _, a := range st.Call.Assigns {
			if mk.Defines(a.Name.Value) {
				return nil, mk.File + " and the Dockerfile both set " + a.Name.Value
			}
			set[a.Name.Value], _ = g.Split.Env(in, st.Command, a.Name.Value)
		}
	}
	for name := range set {
		if mk.Defines(name) {
			delete(set, name)
		}
	}
	for name, v := range given {
		set[name] = v
	}
	return set, ""
}

// made tells that a program is built by a recipe that decides about cgo itself, or that
// must have it.
func (g *GoApp) made(o Output) bool { return o.Cgo || o.fixed }

// Env is a variable's value where a command runs: in a recipe of make what stands in front
// of the command, then make's, then the stage's.
func (g *GoApp) Env(in *rewrite.Instruction, c rewrite.Command, name string) (string, bool) {
	if g.recipe == nil {
		return g.Split.Env(in, c, name)
	}
	v, ok := g.recipe[name]
	if c.Call != nil {
		for _, a := range c.Call.Assigns {
			if a.Name != nil && a.Name.Value == name && a.Value != nil {
				v, ok = cmdline.PlainWord(a.Value), true
			}
		}
	}
	switch {
	case !ok:
		return g.Split.Env(in, rewrite.Command{}, name)
	case v == "":
		return "", false
	case strings.ContainsAny(v, "$`") && name == "GOOS": // go env GOOS, or uname: the builder's own
		return "linux", true
	}
	return v, true
}

// makeCall is a call of make, taken apart.
type makeCall struct {
	dir, file string
	goals     []string
	set       map[string]string // NAME=value of the command line
}

// readMake takes a call of make apart; why tells what can't be known of it.
// Source: https://www.gnu.org/software/make/manual/make.html#Options-Summary
func readMake(st rewrite.Step) (m makeCall, why string) {
	m = makeCall{dir: st.Dir, set: map[string]string{}}
	for i := 1; i < len(st.Args); i++ {
		switch a := st.Args[i]; {
		case (a == "-C" || a == "-f" || a == "--directory" || a == "--file") && i+1 < len(st.Args):
			if i++; strings.HasSuffix(a, "C") || a == "--directory" {
				m.dir = cmdline.Abs(m.dir, st.Args[i])
			} else {
				m.file = st.Args[i]
			}
		case a == "-j" || a == "--jobs" || a == "-l":
			if i+1 < len(st.Args) && (strings.Trim(st.Args[i+1], "0123456789") == "" || strings.HasPrefix(st.Args[i+1], "$")) {
				i++
			}
		case strings.HasPrefix(a, "-C"):
			m.dir = cmdline.Abs(m.dir, a[2:])
		case strings.HasPrefix(a, "-"):
		case strings.Contains(a, "="):
			k, v, _ := strings.Cut(a, "=")
			m.set[k] = v
		case strings.HasPrefix(a, "$"):
			return m, "the goal of make is computed"
		default:
			m.goals = append(m.goals, a)
		}
	}
	return m, ""
}
