package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// runsCargo: CMD or ENTRYPOINT compiles when it starts. The build moves into a
// RUN, and the program is started instead.
func (r *RustApp) runsCargo() bool {
	for _, in := range r.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if in.Keyword != "cmd" && in.Keyword != "entrypoint" || len(line) == 0 {
			continue
		}
		if shell {
			calls, err := cmdline.ScriptCommands(strings.Join(line, " "))
			if err != nil || len(calls) != 1 || strings.ContainsAny(strings.Join(line, " "), "$`|&;<>*?~\"'\\(){}") {
				continue
			}
			line = calls[0]
		}
		if len(line) < 2 || line[0] != "cargo" {
			continue
		}
		if line[1] != "run" && line[1] != "r" {
			return r.Decline(in, "it compiles when it starts (cargo %s)", line[1])
		}
		return r.compiled(in, line[2:])
	}
	return true
}

// compiled puts the program of a cargo run in its place.
func (r *RustApp) compiled(in *rewrite.Instruction, args []string) bool {
	for _, s := range r.Runs() {
		if len(s.Volumes) > 0 || len(s.Watch) > 0 {
			return r.Decline(in, "%s mounts files into the container, where cargo run would compile them", s.File)
		}
	}
	f := readCargo(args)
	if len(f.rest) > 0 {
		return r.Decline(in, "cargo run %s needs -- in front of the program's arguments", f.rest[0])
	}
	st := rewrite.Step{Command: rewrite.Command{Name: "cargo", Args: append([]string{"cargo", "build"}, f.written...)}, Dir: r.Stage.At(in).Workdir}
	if !cmdline.Plain(strings.Join(f.written, "x") + "x") {
		return r.Decline(in, "the flags of cargo run need quotes")
	}
	before := slices.Clone(r.Outputs)
	out, ok := r.build(in, st, f.written)
	if !ok {
		return false
	}
	if len(out) > 1 {
		c, ctx, _ := r.workspace(in, st.Dir)
		run := c.DefaultRun(ctx)
		out = slices.DeleteFunc(out, func(o Output) bool { return path.Base(o.Path) != run })
	}
	if len(out) != 1 {
		return r.Decline(in, "which program cargo run starts isn't known")
	}
	o := out[0]
	r.Outputs = before
	name := o.Path
	if !slices.ContainsFunc(before, func(b Output) bool { return b.Path == o.Path }) {
		delete(r.Gone, o.Path)
		command := strings.Join(append([]string{"cargo", "build"}, f.written...), " ")
		r.Tail = append(r.Tail, r.Keyword("RUN")+" "+command+"\n")
		r.Adds = append(r.Adds, command)
		o.In = in
		r.Outputs = append(r.Outputs, o)
		r.binDirs[o.Path] = "/usr/local/bin/" + path.Base(o.Path)
		name = path.Base(o.Path)
		r.Explain("cargo run compiled at every start; the build stage compiles once")
	} else {
		r.Explain("cargo run found the program compiled already; it is started directly")
	}
	return r.startInstead(in, o.Path, append([]string{name}, f.args...))
}
