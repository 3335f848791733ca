package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// rustValue are flags of cargo build and install that take a value.
var rustValue = words(`--bin --package -p --target --profile --target-dir --manifest-path --features -F --jobs -j --color --message-format --exclude --config -Z --root --path --example --test --bench --lockfile-path --artifact-dir --out-dir`)

// rustFlags is what a call of cargo says.
type rustFlags struct {
	values  map[string][]string
	rest    []string // packages by name, "--" and what follows aside
	args    []string // what follows "--"
	profile string
	written []string // the flags as written
	all     bool
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
func (r *RustApp) workspace(in *rewrite.Instruction, dir string) (c *repo.Cargo, ctx, root string) {
	for d := dir; ; d = path.Dir(d) {
		if file, by := r.Stage.Origin(in, path.Join(d, "Cargo.toml"), r.Pass.Repo, r.Pass.Name); by != nil {
			ctx = path.Dir(file)
			c = r.Pass.Repo.Cargo(ctx)
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
func (r *RustApp) build(in *rewrite.Instruction, st rewrite.Step, args []string) ([]Output, bool) {
	f := readCargo(args)
	for _, k := range []string{"--config", "--example", "--test", "--bench", "--examples", "--tests", "--benches", "--artifact-dir", "--out-dir", "--all-targets"} {
		if _, ok := f.values[k]; ok {
			return nil, r.Decline(in, "cargo build %s is beyond this recipe", k)
		}
	}
	if strings.ContainsAny(strings.Join(args, ""), "$`*") {
		return nil, r.Decline(in, "what cargo builds is computed")
	}
	dir := st.Dir
	if m := f.values["--manifest-path"]; len(m) > 0 {
		dir = path.Dir(cmdline.Abs(dir, m[0]))
	}
	if dir == "" {
		return nil, r.Decline(in, "where cargo runs isn't known")
	}
	c, ctx, root := r.workspace(in, dir)
	switch {
	case c == nil:
		return nil, r.Decline(in, "there is no Cargo.toml for %s in the build context", dir)
	case c.Unknown != "":
		return nil, r.Decline(in, "%s", c.Unknown)
	}
	if _, by := r.Stage.Origin(in, path.Join(root, "Cargo.toml"), r.Pass.Repo, r.Pass.Name); by == nil {
		return nil, r.Decline(in, "the workspace's Cargo.toml isn't at %s", root)
	}
	settings := c.Settings(ctx)
	if settings.Unknown != "" {
		return nil, r.Decline(in, "%s", settings.Unknown)
	}
	target := root + "/target"
	if root == "/" {
		target = "/target"
	}
	switch {
	case len(f.values["--target-dir"]) > 0:
		target = cmdline.Abs(st.Dir, f.values["--target-dir"][0])
	case r.variable(in, st, "CARGO_TARGET_DIR") != "":
		target = cmdline.Abs(st.Dir, r.variable(in, st, "CARGO_TARGET_DIR"))
	case r.variable(in, st, "CARGO_BUILD_TARGET_DIR") != "":
		target = cmdline.Abs(st.Dir, r.variable(in, st, "CARGO_BUILD_TARGET_DIR"))
	case settings.TargetDir != "":
		return nil, r.Decline(in, ".cargo/config.toml sets the target folder")
	}
	triple := r.variable(in, st, "CARGO_BUILD_TARGET")
	if triple == "" {
		triple = settings.Target
	}
	if t := f.values["--target"]; len(t) > 0 {
		if len(t) > 1 {
			return nil, r.Decline(in, "cargo builds for several targets")
		}
		triple = t[0]
	}
	if strings.Contains(target+triple, "$") {
		return nil, r.Decline(in, "where cargo writes is computed")
	}
	musl, ok := r.linkage(in, st, triple, settings.Flags)
	if !ok {
		return nil, false
	}
	dest := path.Join(target, triple, f.profile)
	var out []Output
	for _, p := range r.selected(c, ctx, f) {
		for _, b := range r.wanted(p, f) {
			out = append(out, Output{Path: path.Join(dest, b), root: root, In: in, Step: st, musl: musl})
		}
		r.take(c, p)
	}
	if len(out) == 0 && len(f.values["--bin"]) > 0 {
		return nil, r.Decline(in, "no package of the build context has a program %s", f.values["--bin"][0])
	}
	r.add(out)
	return out, r.lock(in, c)
}

// add notes programs; one that is built again takes the place of the first.
func (r *RustApp) add(out []Output) {
	for _, o := range out {
		r.Outputs = slices.DeleteFunc(r.Outputs, func(have Output) bool { return have.Path == o.Path })
		r.Outputs = append(r.Outputs, o)
	}
}

func (r *RustApp) variable(in *rewrite.Instruction, st rewrite.Step, name string) string {
	v, _ := r.Env(in, st.Command, name)
	return v
}

// linkage tells whether a program is linked with musl: for Alpine by default
// (https://github.com/rust-lang/docker-rust: the musl host's toolchain), and for
// the targets that say so.
func (r *RustApp) linkage(in *rewrite.Instruction, st rewrite.Step, triple, flags string) (musl, ok bool) {
	musl = r.alpine()
	switch {
	case triple == "":
	case strings.Contains(triple, "-linux-musl"):
		musl = true
	case strings.Contains(triple, "-linux-gnu"):
		musl = false
	default:
		return false, r.Decline(in, "it builds for %s", triple)
	}
	flags += " " + r.variable(in, st, "RUSTFLAGS") + " " + r.variable(in, st, "CARGO_BUILD_RUSTFLAGS")
	if strings.Contains(flags, "$") {
		return false, r.Decline(in, "RUSTFLAGS is computed")
	}
	if strings.Contains(flags, "-crt-static") {
		r.dynamic = true
	}
	if strings.Contains(flags, "prefer-dynamic") {
		return false, r.Decline(in, "RUSTFLAGS links the standard library of the toolchain")
	}
	if musl && r.dynamic && !r.alpine() {
		return false, r.Decline(in, "it is linked with a musl that isn't the distribution's")
	}
	return musl, true
}

func (r *RustApp) alpine() bool {
	return r.Image.Distro == "alpine" || strings.Contains(r.Ref.Tag, "alpine")
}

// selected are the packages that a build takes.
func (r *RustApp) selected(c *repo.Cargo, ctx string, f rustFlags) (out []*repo.CargoPackage) {
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
func (r *RustApp) wanted(p *repo.CargoPackage, f rustFlags) (out []string) {
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
func (r *RustApp) take(c *repo.Cargo, p *repo.CargoPackage) {
	if p == nil || slices.Contains(r.Folders, p.Dir) {
		return
	}
	r.Folders = append(r.Folders, p.Dir)
	r.packages = append(r.packages, p)
	for _, d := range p.Local {
		r.take(c, c.Package(d))
	}
}

// lock adds what Cargo.lock says about the packages that are built.
func (r *RustApp) lock(in *rewrite.Instruction, c *repo.Cargo) bool {
	lock := c.LockFile()
	for _, p := range r.packages {
		outside := len(p.Deps) > len(p.Local)
		if lock == nil && outside {
			return r.Decline(in, "without Cargo.lock in the build context it isn't known which libraries the crates link")
		}
		for name := range lock.Closure(p.Name) {
			r.Crates[name] = true
		}
	}
	return true
}

// install reads a cargo install: of the project by --path, else a tool of the
// build.
// Source: https://doc.rust-lang.org/cargo/commands/cargo-install.html
func (r *RustApp) install(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	f := readCargo(args)
	where := f.values["--path"]
	if len(where) == 0 {
		return true
	}
	if strings.ContainsAny(strings.Join(args, ""), "$`*") {
		return r.Decline(in, "what cargo installs is computed")
	}
	r.Last = in
	f.profile = "release"
	dir := cmdline.Abs(st.Dir, where[0])
	c, ctx, root := r.workspace(in, dir)
	if c == nil || c.Unknown != "" || root == "" {
		return r.Decline(in, "there is no Cargo.toml for %s in the build context", dir)
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
		bin = cmdline.Abs(st.Dir, v[0])
	}
	if strings.Contains(bin, "$") {
		return r.Decline(in, "where cargo installs is computed")
	}
	p := c.Package(ctx)
	if p == nil {
		return r.Decline(in, "%s describes no package", path.Join(ctx, "Cargo.toml"))
	}
	var out []Output
	for _, b := range r.wanted(p, f) {
		out = append(out, Output{Path: path.Join(bin, "bin", b), root: root, In: in, Step: st, musl: musl})
	}
	r.take(c, p)
	r.add(out)
	return r.lock(in, c)
}
