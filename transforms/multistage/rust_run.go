package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// runsCargo: CMD or ENTRYPOINT compiles when it starts. The build moves into a
// RUN, and the program is started instead.
func (r *rustSplit) runsCargo() bool {
	for _, in := range r.stage.Instructions {
		line, shell := startLine(in)
		if in.Keyword != "cmd" && in.Keyword != "entrypoint" || len(line) == 0 {
			continue
		}
		if shell {
			calls, err := scriptCommands(strings.Join(line, " "))
			if err != nil || len(calls) != 1 || strings.ContainsAny(strings.Join(line, " "), "$`|&;<>*?~\"'\\(){}") {
				continue
			}
			line = calls[0]
		}
		if len(line) < 2 || line[0] != "cargo" {
			continue
		}
		if line[1] != "run" && line[1] != "r" {
			return r.decline(in, "it compiles when it starts (cargo %s)", line[1])
		}
		return r.compiled(in, line[2:])
	}
	return true
}

// compiled puts the program of a cargo run in its place.
func (r *rustSplit) compiled(in *rewrite.Instruction, args []string) bool {
	for _, s := range r.runs() {
		if len(s.Volumes) > 0 || len(s.Watch) > 0 {
			return r.decline(in, "%s mounts files into the container, where cargo run would compile them", s.File)
		}
	}
	f := readCargo(args)
	if len(f.rest) > 0 {
		return r.decline(in, "cargo run %s needs -- in front of the program's arguments", f.rest[0])
	}
	st := rewrite.Step{Command: rewrite.Command{Name: "cargo", Args: append([]string{"cargo", "build"}, f.written...)}, Dir: r.stage.At(in).Workdir}
	if !plain(strings.Join(f.written, "x") + "x") {
		return r.decline(in, "the flags of cargo run need quotes")
	}
	before := slices.Clone(r.outputs)
	out, ok := r.build(in, st, f.written)
	if !ok {
		return false
	}
	if len(out) > 1 {
		c, ctx, _ := r.workspace(in, st.Dir)
		run := c.DefaultRun(ctx)
		out = slices.DeleteFunc(out, func(o output) bool { return path.Base(o.path) != run })
	}
	if len(out) != 1 {
		return r.decline(in, "which program cargo run starts isn't known")
	}
	o := out[0]
	r.outputs = before
	name := o.path
	if !slices.ContainsFunc(before, func(b output) bool { return b.path == o.path }) {
		delete(r.gone, o.path)
		command := strings.Join(append([]string{"cargo", "build"}, f.written...), " ")
		r.tail = append(r.tail, r.keyword("RUN")+" "+command+"\n")
		r.adds = append(r.adds, command)
		o.in = in
		r.outputs = append(r.outputs, o)
		r.binDirs[o.path] = "/usr/local/bin/" + path.Base(o.path)
		name = path.Base(o.path)
		r.explain("cargo run compiled at every start; the build stage compiles once")
	} else {
		r.explain("cargo run found the program compiled already; it is started directly")
	}
	return r.startInstead(in, o.path, append([]string{name}, f.args...))
}
