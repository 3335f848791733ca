package compiled

import (
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

// Rust. The programs that cargo writes, and the files that the source names, are
// copied to the same paths of a distroless image: cc of the builder's Debian
// release, which holds the C library and libgcc; static for a program linked
// with musl. Libraries that crates link (Cargo.lock names the -sys crates) come
// as Debian packages on the slim image.
//
// It declines for a program in a cache-mounted target folder that nothing
// copies out, for a -sys crate that it doesn't know, and without Cargo.lock.

// Rust is the recipe for Rust.
var Rust = split.Recipe{
	Name:    "rust",
	Bases:   words("rust rustlang/rust"),
	Words:   words("cargo"),
	Starts:  words("cargo"),
	AnySize: true,
	Doc: `- Rust: the programs and the files that the source names on distroless cc; with
  libraries of the system (by the -sys crates of Cargo.lock) on Debian slim, which
  installs them; linked with musl on distroless static. CMD ["cargo", "run", …]
  becomes a cargo build and the program.`,
	Split: splitRust,
}

// RustApp is a stage that builds programs of Rust.
type RustApp struct {
	Binaries
	packages []*repo.CargoPackage // that are built
	Crates   map[string]bool      // all of the closure
	dynamic  bool                 // musl, yet linked dynamically
	Gone     map[string]*rewrite.Instruction
}

func splitRust(s *split.Split) bool {
	r := &RustApp{Binaries: New(s), Crates: map[string]bool{}, Gone: map[string]*rewrite.Instruction{}}
	r.NoData = RustNoData
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !r.Run(in) {
			return false
		}
	}
	if !r.runsCargo() {
		return false
	}
	if len(r.Outputs) == 0 {
		if gone := slices.Sorted(maps.Keys(r.Gone)); len(gone) > 0 {
			return r.Decline(r.Gone[gone[0]], "%s lies in a cache mount, which the image doesn't hold: copy it out in the same RUN", gone[0])
		}
		return false
	}
	if !r.mades() || !r.startsRust() || !r.place() || !r.Source() || s.Kept == nil && !r.users() {
		return false
	}
	r.copyScripts()
	if s.Kept != nil {
		s.Kept.Writes = true
		return r.forKept()
	}
	kind, ok := r.Libraries()
	if !ok || !r.choose(kind) {
		return false
	}
	r.runtime()
	s.Why = "the Rust toolchain and what it compiled on the way are of no use to the finished program"
	s.Gain = "the toolchain stays behind: about 600 MB, against the program and 10 to 35 MB (compressed)"
	s.Assumes = append(s.Assumes, r.reads()+r.others())
	return true
}

// startsRust is starts, with the reason why a program that was built isn't there.
func (r *RustApp) startsRust() bool {
	for _, in := range r.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		if len(line) == 0 {
			continue
		}
		if p, ok := r.Stage.At(nil).Abs(strings.Fields(line[0] + " ")[0]); ok && r.Gone[p] != nil {
			return r.Decline(r.Gone[p], "%s lies in a cache mount, which the image doesn't hold: copy it out in the same RUN", p)
		}
	}
	return r.starts()
}

// rustTools leave nothing that the program reads.
var rustTools = words(`strip upx rustup rustfmt sccache`)

// Run sorts one RUN.
func (r *RustApp) Run(in *rewrite.Instruction) bool {
	all, ok := r.Steps(in)
	if !ok {
		return false
	}
	if r.account(in, all) {
		return true
	}
	for _, st := range all {
		a, isApt := distro.ReadPackages(st)
		switch {
		case st.Name == "cargo" && len(st.Args) > 1:
			if !r.cargo(in, st) {
				return false
			}
		case isApt:
			if !r.Binaries.packages(in, a) {
				return false
			}
		case st.Name == "mv" || st.Name == "cp":
			if !r.moved(in, st) {
				return false
			}
		case st.Name == "rm":
			r.removed(st)
		case cmdline.Replayed[st.Name]:
			r.touches(in, st)
		case rewrite.Harmless(st.Name) && (len(st.Stmt.Redirs) == 0 || dummySource(st)), rustTools[st.Name], cmdline.Tidy(st):
		case st.Name == "git" && len(st.Args) > 1 && (st.Args[1] == "config" || st.Args[1] == "submodule"):
		default:
			return r.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	r.unmount(in)
	return true
}

// dummySource: echo writes a source file, for a first build of the dependencies.
func dummySource(st rewrite.Step) bool {
	for _, rd := range st.Stmt.Redirs {
		if rd.Word == nil || rd.Hdoc != nil {
			return false
		}
		w := cmdline.PlainWord(rd.Word)
		if strings.Contains(w, "$") || !strings.HasSuffix(w, ".rs") && w != "/dev/null" {
			return false
		}
	}
	return true
}

// removed: programs that rm takes away.
func (r *RustApp) removed(st rewrite.Step) {
	for _, a := range st.Args[1:] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		p := cmdline.Abs(st.Dir, a)
		r.made = slices.DeleteFunc(r.made, func(m MadePath) bool { return rewrite.Inside(m.Path, p) })
		r.Outputs = slices.DeleteFunc(r.Outputs, func(o Output) bool {
			ok, _ := path.Match(p, o.Path)
			return ok || rewrite.Inside(o.Path, p)
		})
	}
}

// unmount: what lies in a cache mount is gone when the RUN ends.
func (r *RustApp) unmount(in *rewrite.Instruction) {
	for _, m := range in.Mounts() {
		target := m["target"]
		for _, k := range []string{"dst", "destination"} {
			if target == "" {
				target = m[k]
			}
		}
		p, ok := r.Stage.At(in).Abs(r.Stage.At(in).Expand(target))
		if m["type"] != "cache" && m["type"] != "tmpfs" || !ok {
			continue
		}
		r.Outputs = slices.DeleteFunc(r.Outputs, func(o Output) bool {
			in := rewrite.Inside(o.Path, p)
			if in {
				r.Gone[o.Path] = o.In
			}
			return in
		})
	}
}

// cargo reads one call of cargo.
func (r *RustApp) cargo(in *rewrite.Instruction, st rewrite.Step) bool {
	args := st.Args[1:]
	if strings.HasPrefix(args[0], "+") && len(args) > 1 {
		args = args[1:]
	}
	switch args[0] {
	case "build", "b", "rustc":
		r.Last = in
		_, ok := r.build(in, st, args[1:])
		return ok
	case "install":
		return r.install(in, st, args[1:])
	case "clean":
		r.Outputs = slices.DeleteFunc(r.Outputs, func(o Output) bool { return strings.Contains(o.Path, "/target/") })
	case "fetch", "check", "test", "clippy", "fmt", "vendor", "update", "init", "new", "version", "--version", "-V", "doc", "bench", "tree", "metadata", "chef", "audit", "deny", "add", "generate-lockfile", "login", "binstall", "nextest":
	default:
		return r.Decline(in, "the effects of cargo %s aren't known", args[0])
	}
	return true
}

// Source looks at what the source reads and starts.
func (r *RustApp) Source() bool {
	if !r.Pass.Unsafe {
		r.namedInConfig()
		return true
	}
	bases := []string{"."}
	for _, d := range r.Folders {
		if !slices.Contains(bases, d) {
			bases = append(bases, d)
		}
	}
	u := r.Pass.Repo.RustSource(r.Folders, bases)
	switch {
	case u.Unknown != "":
		return r.Decline(r.Last, "%s", u.Unknown)
	case u.StartsAny != "":
		return r.Decline(r.Last, "%s starts other programs, and which isn't known", u.StartsAny)
	case u.Cargo != "" && r.ran != nil:
		return r.Decline(r.ran, "%s reads a variable that only cargo run sets", u.Cargo)
	}
	for _, c := range rustRuns {
		for _, p := range r.packages {
			if _, ok := p.Deps[c]; ok {
				return r.Decline(r.Last, "%s uses the crate %s, which starts other programs, and which isn't known", path.Join(p.Dir, "Cargo.toml"), c)
			}
		}
	}
	for _, s := range u.Starts {
		if name := path.Base(s[0]); rewrite.PosixShell(name) || name == "env" {
			return r.Decline(r.Last, "%s starts a shell, and what that starts isn't known", s[1])
		}
		if _, why := r.startable(s[1], s[:1], false); why != "" {
			return r.Decline(r.Last, "%s", why)
		}
		r.wants("%s starts %s", s[1], s[0])
	}
	if src, err := r.Pass.Repo.ReadFile(path.Join(r.Folders[0], "Rocket.toml")); err == nil && strings.Contains(string(src), "template_dir") && u.Computed == "" {
		u.Computed = path.Join(r.Folders[0], "Rocket.toml")
	}
	if u.Temp != "" {
		r.unlike = u.Temp + " makes temporary files, and there is no /tmp"
	}
	ig := r.Pass.Repo.Ignore(r.Pass.Name)
	reads := u.Reads
	for _, p := range r.packages {
		for _, crate := range slices.Sorted(maps.Keys(p.Deps)) {
			reads = append(reads, rustFinds[crate]...)
			if rustSearches[crate] && u.Computed == "" {
				u.Computed = "the crate " + crate
			}
		}
	}
	for _, f := range reads {
		for _, base := range bases {
			if name := path.Join(base, f); (base == "." || !slices.Contains(u.Reads, f)) && r.Pass.Repo.Exists(name) && !ig.Excluded(name) && !ig.ExcludesTree(name) {
				for _, p := range r.imagePaths(name) {
					r.need(p)
				}
			}
		}
	}
	if r.computed = u.Computed; u.Computed != "" {
		if r.generates {
			return r.Decline(r.Last, "%s opens a computed path, and a RUN generates files, so those to copy aren't known", u.Computed)
		}
		for _, d := range bases {
			r.allData(d)
		}
	}
	r.namedInConfig()
	r.emptyFolders()
	return true
}

// rustRuns are crates that start programs.
var rustRuns = []string{"duct", "cmd_lib", "xshell", "subprocess", "headless_chrome", "async-process", "run_script", "wkhtmltopdf", "portable-pty", "pyo3"}

// rustFinds are files that a crate looks for by itself.
var rustFinds = map[string][]string{"rocket": {"Rocket.toml"}, "rocket_dyn_templates": {"templates"}, "rocket_contrib": {"templates", "static"}, "dotenv": {".env"}, "dotenvy": {".env"}}

// rustSearches are crates that look for files of which the source needn't name
// a path.
var rustSearches = words(`config figment confy loco-rs`)

// RustNoData are entries of a project that no program reads when it runs.
var RustNoData = lazily(`(?i)^(\.git.*|\.ds_store|.*\.iml|\.docker.*|\.idea|\.vscode|\.travis.*|\.circleci|\.editorconfig|\.pre-commit.*|\.cargo|\.sqlx|cargo\.(toml|lock)|rust-toolchain.*|rustfmt\.toml|\.rustfmt\.toml|clippy\.toml|deny\.toml|cross\.toml|release\.toml|cliff\.toml|.*\.rs|.*\.md|target|vendor|tests?|benches|docs?|examples?|ci|scripts?|deploy(ments?)?|charts|k8s|helm|licen[cs]e.*|copying|notice|authors|codeowners|makefile.*|justfile|.*dockerfile.*|containerfile.*|.*compose.*\.ya?ml|.*\.sh|renovate.*|codecov.*|node_modules|procfile|jenkinsfile|.*\.nix|flake\.lock|fly\.toml)$`)
