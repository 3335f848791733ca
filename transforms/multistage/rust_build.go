package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// rustValue are flags of cargo build and install that take a value.
var rustValue = words(`--bin --package -p --target --profile --target-dir --manifest-path --features -F --jobs -j --color --message-format --exclude --config -Z --root --path --example --test --bench --lockfile-path --artifact-dir --out-dir`)

// rustFlags is what a call of cargo says.
type rustFlags struct {
	values       map[string][]string
	rest         []string // packages by name, "--" and what follows aside
	args         []string // what follows "--"
	profile      string
	written      []string // the flags as written
	all, defects bool
}

func readCargo(args []string) rustFlags {
	f := rustFlags{values: map[string][]string{}, profile: "debug"}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			f.args = args[i+1:]
			break
		}
		if !strings.HasPrefix(a, "-") {
			f.rest = append(f.rest, a)
			continue
		}
		f.written = append(f.written, a)
		name, v, eq := strings.Cut(a, "=")
		if rustValue[name] && !eq {
			if i++; i < len(args) {
				v = args[i]
				f.written = append(f.written, v)
			}
		} else if len(a) > 2 && (strings.HasPrefix(a, "-p") || strings.HasPrefix(a, "-F") || strings.HasPrefix(a, "-j")) && a[1] != '-' {
			name, v = a[:2], a[2:]
		}
		switch name {
		case "-p":
			name = "--package"
		case "-F":
			name = "--features"
		case "--release", "-r":
			f.profile = "release"
		case "--profile":
			f.profile = map[string]string{"dev": "debug", "test": "debug", "bench": "release"}[v]
			if f.profile == "" {
				f.profile = v
			}
		case "--workspace", "--all":
			f.all = true
		}
		f.values[name] = append(f.values[name], v)
	}
	return f
}

// workspace finds the Cargo.toml in force in a folder of the image, and the root
// of its workspace there.
func (r *rustSplit) workspace(in *rewrite.Instruction, dir string) (c *repo.Cargo, ctx, root string) {
	for d := dir; ; d = path.Dir(d) {
		if file, by := r.stage.Origin(in, path.Join(d, "Cargo.toml"), r.p.Repo, r.p.Name); by != nil {
			ctx = path.Dir(file)
			c = r.p.Repo.Cargo(ctx)
			if c == nil {
				return nil, ctx, d
			}
			root = d
			for at := ctx; at != c.Dir && at != "."; at = path.Dir(at) {
				root = path.Dir(root)
			}
			return c, ctx, root
		}
		if d == "/" {
			return nil, "", ""
		}
	}
}

// build reads a cargo build and notes what it writes.
// Source: https://doc.rust-lang.org/cargo/commands/cargo-build.html
func (r *rustSplit) build(in *rewrite.Instruction, st rewrite.Step, args []string) ([]output, bool) {
	f := readCargo(args)
	for _, k := range []string{"--config", "--example", "--test", "--bench", "--examples", "--tests", "--benches", "--artifact-dir", "--out-dir", "--all-targets"} {
		if _, ok := f.values[k]; ok {
			return nil, r.decline(in, "cargo build %s is beyond this recipe", k)
		}
	}
	if strings.ContainsAny(strings.Join(args, ""), "$`*") {
		return nil, r.decline(in, "what cargo builds is computed")
	}
	dir := st.Dir
	if m := f.values["--manifest-path"]; len(m) > 0 {
		dir = path.Dir(abs(dir, m[0]))
	}
	if dir == "" {
		return nil, r.decline(in, "where cargo runs isn't known")
	}
	c, ctx, root := r.workspace(in, dir)
	switch {
	case c == nil:
		return nil, r.decline(in, "there is no Cargo.toml for %s in the build context", dir)
	case c.Unknown != "":
		return nil, r.decline(in, "%s", c.Unknown)
	}
	if _, by := r.stage.Origin(in, path.Join(root, "Cargo.toml"), r.p.Repo, r.p.Name); by == nil {
		return nil, r.decline(in, "the workspace's Cargo.toml isn't at %s", root)
	}
	settings := c.Settings(ctx)
	if settings.Unknown != "" {
		return nil, r.decline(in, "%s", settings.Unknown)
	}
	target := root + "/target"
	if root == "/" {
		target = "/target"
	}
	switch {
	case len(f.values["--target-dir"]) > 0:
		target = abs(st.Dir, f.values["--target-dir"][0])
	case r.variable(in, st, "CARGO_TARGET_DIR") != "":
		target = abs(st.Dir, r.variable(in, st, "CARGO_TARGET_DIR"))
	case r.variable(in, st, "CARGO_BUILD_TARGET_DIR") != "":
		target = abs(st.Dir, r.variable(in, st, "CARGO_BUILD_TARGET_DIR"))
	case settings.TargetDir != "":
		return nil, r.decline(in, ".cargo/config.toml sets the target folder")
	}
	triple := r.variable(in, st, "CARGO_BUILD_TARGET")
	if triple == "" {
		triple = settings.Target
	}
	if t := f.values["--target"]; len(t) > 0 {
		if len(t) > 1 {
			return nil, r.decline(in, "cargo builds for several targets")
		}
		triple = t[0]
	}
	if strings.Contains(target+triple, "$") {
		return nil, r.decline(in, "where cargo writes is computed")
	}
	musl, ok := r.linkage(in, st, triple, settings.Flags)
	if !ok {
		return nil, false
	}
	dest := path.Join(target, triple, f.profile)
	var out []output
	for _, p := range r.selected(c, ctx, f) {
		for _, b := range r.wanted(p, f) {
			out = append(out, output{path: path.Join(dest, b), root: root, in: in, step: st, musl: musl})
		}
		r.take(c, p)
	}
	if len(out) == 0 && len(f.values["--bin"]) > 0 {
		return nil, r.decline(in, "no package of the build context has a program %s", f.values["--bin"][0])
	}
	r.add(out)
	return out, r.lock(in, c)
}

// add notes programs; one that is built again takes the place of the first.
func (r *rustSplit) add(out []output) {
	for _, o := range out {
		r.outputs = slices.DeleteFunc(r.outputs, func(have output) bool { return have.path == o.path })
		r.outputs = append(r.outputs, o)
	}
}

func (r *rustSplit) variable(in *rewrite.Instruction, st rewrite.Step, name string) string {
	v, _ := r.env(in, st.Command, name)
	return v
}

// linkage tells whether a program is linked with musl: for Alpine by default
// (https://github.com/rust-lang/docker-rust: the musl host's toolchain), and for
// the targets that say so.
func (r *rustSplit) linkage(in *rewrite.Instruction, st rewrite.Step, triple, flags string) (musl, ok bool) {
	musl = r.alpine()
	switch {
	case triple == "":
	case strings.Contains(triple, "-linux-musl"):
		musl = true
	case strings.Contains(triple, "-linux-gnu"):
		musl = false
	default:
		return false, r.decline(in, "it builds for %s", triple)
	}
	flags += " " + r.variable(in, st, "RUSTFLAGS") + " " + r.variable(in, st, "CARGO_BUILD_RUSTFLAGS")
	if strings.Contains(flags, "$") {
		return false, r.decline(in, "RUSTFLAGS is computed")
	}
	if strings.Contains(flags, "-crt-static") {
		r.dynamic = true
	}
	if strings.Contains(flags, "prefer-dynamic") {
		return false, r.decline(in, "RUSTFLAGS links the standard library of the toolchain")
	}
	if musl && r.dynamic && !r.alpine() {
		return false, r.decline(in, "it is linked with a musl that isn't the distribution's")
	}
	return musl, true
}

func (r *rustSplit) alpine() bool {
	return r.img.Distro == "alpine" || strings.Contains(r.ref.Tag, "alpine")
}

// selected are the packages that a build takes.
func (r *rustSplit) selected(c *repo.Cargo, ctx string, f rustFlags) (out []*repo.CargoPackage) {
	dirs := c.Builds(ctx)
	if f.all || len(f.values["--package"]) > 0 {
		dirs = c.Members()
	}
	for _, d := range dirs {
		p := c.Package(d)
		if p == nil || slices.Contains(f.values["--exclude"], p.Name) {
			continue
		}
		if names := f.values["--package"]; len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		out = append(out, p)
	}
	return out
}

// wanted are the programs of a package that a build writes. One whose features
// aren't on is left out silently.
func (r *rustSplit) wanted(p *repo.CargoPackage, f rustFlags) (out []string) {
	var on []string
	for _, v := range f.values["--features"] {
		on = append(on, strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if _, off := f.values["--no-default-features"]; !off {
		on = append(on, p.Default...)
	}
	_, all := f.values["--all-features"]
	if _, lib := f.values["--lib"]; lib && len(f.values["--bin"]) == 0 {
		return nil
	}
	for _, b := range p.Bins {
		if bins := f.values["--bin"]; len(bins) > 0 && !slices.Contains(bins, b.Name) {
			continue
		}
		if !all && slices.ContainsFunc(b.Requires, func(q string) bool { return !slices.Contains(on, q) && !slices.Contains(on, p.Name+"/"+q) }) {
			continue
		}
		out = append(out, b.Name)
	}
	return out
}

// take notes a package that is built, and those that it takes by path.
func (r *rustSplit) take(c *repo.Cargo, p *repo.CargoPackage) {
	if p == nil || slices.Contains(r.folders, p.Dir) {
		return
	}
	r.folders = append(r.folders, p.Dir)
	r.packages = append(r.packages, p)
	for _, d := range p.Local {
		r.take(c, c.Package(d))
	}
}

// lock adds what Cargo.lock says about the packages that are built.
func (r *rustSplit) lock(in *rewrite.Instruction, c *repo.Cargo) bool {
	lock := c.LockFile()
	for _, p := range r.packages {
		outside := len(p.Deps) > len(p.Local)
		if lock == nil && outside {
			return r.decline(in, "without Cargo.lock in the build context it isn't known which libraries the crates link")
		}
		for name := range lock.Closure(p.Name) {
			r.crates[name] = true
		}
	}
	return true
}

// install reads a cargo install: of the project by --path, else a tool of the
// build.
// Source: https://doc.rust-lang.org/cargo/commands/cargo-install.html
func (r *rustSplit) install(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	f := readCargo(args)
	where := f.values["--path"]
	if len(where) == 0 {
		return true
	}
	if strings.ContainsAny(strings.Join(args, ""), "$`*") {
		return r.decline(in, "what cargo installs is computed")
	}
	r.last = in
	f.profile = "release"
	dir := abs(st.Dir, where[0])
	c, ctx, root := r.workspace(in, dir)
	if c == nil || c.Unknown != "" || root == "" {
		return r.decline(in, "there is no Cargo.toml for %s in the build context", dir)
	}
	settings := c.Settings(ctx)
	triple := settings.Target
	if t := f.values["--target"]; len(t) > 0 {
		triple = t[0]
	}
	musl, ok := r.linkage(in, st, triple, settings.Flags)
	if !ok {
		return false
	}
	bin := "/usr/local/cargo"
	for _, k := range []string{"CARGO_HOME", "CARGO_INSTALL_ROOT"} {
		if v := r.variable(in, st, k); v != "" {
			bin = v
		}
	}
	if v := f.values["--root"]; len(v) > 0 {
		bin = abs(st.Dir, v[0])
	}
	if strings.Contains(bin, "$") {
		return r.decline(in, "where cargo installs is computed")
	}
	p := c.Package(ctx)
	if p == nil {
		return r.decline(in, "%s describes no package", path.Join(ctx, "Cargo.toml"))
	}
	var out []output
	for _, b := range r.wanted(p, f) {
		out = append(out, output{path: path.Join(bin, "bin", b), root: root, in: in, step: st, musl: musl})
	}
	r.take(c, p)
	r.add(out)
	return r.lock(in, c)
}

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
