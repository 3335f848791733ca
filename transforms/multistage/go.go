package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// Go. The binaries that go build writes, and the files that the source names,
// are copied to the same paths of a distroless image: static without cgo; base
// of the builder's Debian release where cgo needs nothing but the C library.
//
// Without a shell in the image CMD, ENTRYPOINT and HEALTHCHECK must be in exec
// form and start one of the binaries. The image runs as nonroot (65532), or as
// root as before where the program writes files or VOLUME keeps root's.
//
// Where the source opens computed paths (a flag names a configuration file) all
// data of the project is copied.
//
// It declines where the source starts programs (with file and line), where it
// opens computed paths in a tree with generated files, for cgo that links other
// libraries, for builds outside of
// modules, for packages of the system that the program may use, and for RUNs
// that it doesn't know.

var _ = register(recipe{
	name:    "go",
	bases:   words("golang"),
	words:   words("go"),
	anySize: true,
	doc: `- Go: a static binary, and the files that its source names, on distroless static;
  with cgo distroless base of the builder's Debian release.`,
	split: splitGo,
})

type goSplit struct {
	*split
	outputs   []goOutput
	generates bool // a RUN writes files that the context doesn't hold
	made      []goMade
	last      *rewrite.Instruction // the last RUN that builds
	copies    []string             // image paths besides the binaries
	computed  string               // file:line that opens a computed path
	binDirs   map[string]string    // output path -> path in the runtime stage
}

// goOutput is a binary that a go build writes.
type goOutput struct {
	path string // in the image
	pkg  *repo.GoPackage
	mod  *repo.Go
	root string // the module's folder in the image
	in   *rewrite.Instruction
	step rewrite.Step
	cgo  bool // built with cgo
}

// goMade is a path that a file command makes.
type goMade struct {
	in   *rewrite.Instruction
	path string
}

func splitGo(s *split) bool {
	if strings.Contains(s.ref.Tag, "onbuild") || strings.Contains(s.ref.Tag, "windows") || strings.Contains(s.ref.Tag, "nanoserver") {
		return false
	}
	g := &goSplit{split: s, binDirs: map[string]string{}}
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && !g.run(in) {
			return false
		}
	}
	if len(g.outputs) == 0 {
		return g.nothingBuilt()
	}
	if !g.mades() || !g.starts() || !g.user() || !g.programs() || !g.place() || !g.files() {
		return false
	}
	if !g.chooseBase() {
		return false
	}
	for _, o := range g.outputs {
		if !g.flags1(o) {
			return false
		}
	}
	g.runtime()
	s.why = "the Go toolchain is of no use to the finished binary"
	s.gain = "the toolchain stays behind: about 450 MB, against the binary and 1 to 10 MB (compressed)"
	reads := "the program reads no files but those that its source names"
	if g.computed != "" {
		reads = g.computed + " opens paths that only a run shows: they lie in the project's data, all of which is copied, or are given from outside"
	}
	s.assumes = append(s.assumes, reads+", and it starts no other program")
	return true
}

// nothingBuilt: a golang image without a go build.
func (g *goSplit) nothingBuilt() bool {
	for _, in := range g.stage.Instructions {
		if in.Keyword == "cmd" || in.Keyword == "entrypoint" {
			if strings.Contains(in.Args.Text, "go\", \"run") || strings.Contains(in.Args.Text, "go\",\"run") || strings.Contains(in.Args.Text, "go run") {
				return g.decline(in, "it compiles when it starts (go run); build in a RUN instead")
			}
		}
	}
	return false
}

// goTools write generated code or check it; what they leave is compiled in.
var goTools = words(`swag templ wire sqlc protoc buf mockgen mockery statik packr packr2 esc go-bindata gqlgen ent oapi-codegen easyjson stringer`)

// goChecks leave nothing that runs.
var goChecks = words(`golangci-lint staticcheck gofmt goimports upx strip golint`)

// goSystem are packages of Debian and Alpine that a build uses, or that distroless static
// brings itself (certificates, time zones).
var goSystem = words(`git ca-certificates tzdata curl wget make unzip bash openssh-client protobuf-compiler gnupg vim nano less lsb-release xz-utils jq upx upx-ucl build-essential mercurial bzr tar gzip zip ssh
	build-base alpine-sdk musl-dev libc-dev linux-headers openssh openssh-client-default protoc protobuf protobuf-dev binutils-gold`)

// run sorts one RUN.
func (g *goSplit) run(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return g.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	for _, st := range all {
		a, isApt := readApt(st)
		if !isApt {
			a, isApt = readApk(st)
		}
		switch {
		case st.Name == "go" && len(st.Args) > 1:
			if !g.goCommand(in, st) {
				return false
			}
		case isApt:
			for _, w := range a.words {
				name, _, _ := strings.Cut(w, "=")
				if a.verb == "install" && !goSystem[name] && !buildOnly[name] {
					return g.decline(in, "%s may be needed at run time, and distroless has no package manager", name)
				}
			}
			if a.bad != "" {
				return g.decline(in, "%s is no plain name of a package", a.bad)
			}
		case st.Name == "mv" || st.Name == "cp":
			if !g.moved(in, st) {
				return false
			}
		case replayed[st.Name]:
			g.touches(in, st)
		case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0, goChecks[st.Name], tidy(st):
		case goTools[st.Name]:
			g.generates = true
		case st.Name == "git" && len(st.Args) > 1 && st.Args[1] == "config":
		default:
			return g.decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	return true
}

func (g *goSplit) goCommand(in *rewrite.Instruction, st rewrite.Step) bool {
	switch st.Args[1] {
	case "build":
		g.last = in
		return g.build(in, st)
	case "install":
		if slices.ContainsFunc(st.Args, func(a string) bool { return strings.Contains(a, "@") }) {
			return true // a tool of the build
		}
		g.last = in
		return g.build(in, st)
	case "generate", "run":
		g.generates = true
	case "mod", "get", "vet", "test", "env", "version", "clean", "work", "fmt", "list", "tool":
	default:
		return g.decline(in, "the effects of go %s aren't known", st.Args[1])
	}
	return true
}

// moved follows a binary that is renamed or copied.
func (g *goSplit) moved(in *rewrite.Instruction, st rewrite.Step) bool {
	var words []string
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			words = append(words, abs(st.Dir, a))
		}
	}
	if len(words) != 2 {
		return g.decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
	}
	for i, o := range g.outputs {
		if o.path == words[0] {
			to := words[1]
			if strings.HasSuffix(st.Args[len(st.Args)-1], "/") || g.isDir(in, to) {
				to = path.Join(to, path.Base(o.path))
			}
			o.path = to
			if st.Name == "mv" {
				g.outputs[i] = o
			} else {
				g.outputs = append(g.outputs, o)
			}
			return true
		}
	}
	g.made = append(g.made, goMade{in, words[1]})
	return true
}

func abs(dir, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// touches notes paths that mkdir and touch make; accounts and modes of files
// don't reach the runtime stage.
func (g *goSplit) touches(in *rewrite.Instruction, st rewrite.Step) {
	if st.Name != "mkdir" && st.Name != "touch" && st.Name != "ln" && st.Name != "install" && st.Name != "tee" {
		return
	}
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			g.made = append(g.made, goMade{in, abs(st.Dir, a)})
		}
	}
}

// mades declines for folders and files that the program may expect.
func (g *goSplit) mades() bool {
	for _, m := range g.made {
		known := false
		for _, o := range g.outputs {
			known = known || rewrite.Inside(o.path, m.path) || m.path == o.root || rewrite.Inside(o.root, m.path)
		}
		wd := g.stage.At(nil).Workdir
		if !known && m.path != wd && m.path != "/go" && !strings.HasPrefix(m.path, "/tmp") && !strings.HasPrefix(m.path, "/root/.ssh") {
			return g.decline(m.in, "it makes %s, which the runtime image would lack", m.path)
		}
	}
	return true
}

// user declines for a user that distroless doesn't have.
func (g *goSplit) user() bool {
	for _, in := range g.stage.Instructions {
		if in.Keyword != "user" {
			continue
		}
		name, _, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
		switch {
		case strings.Trim(name, "0123456789") == "", name == "root", name == "nonroot", name == "nobody":
		default:
			return g.decline(in, "distroless has no user %s", name)
		}
	}
	return true
}

// programs declines by what the source says.
func (g *goSplit) programs() bool {
	for _, o := range g.outputs {
		p := o.pkg
		switch {
		case p.Unknown != "":
			return g.decline(o.in, "%s", p.Unknown)
		case p.Execs != "":
			return g.decline(o.in, "%s starts other programs, which distroless hasn't", p.Execs)
		case p.Computed != "" && g.generates:
			return g.decline(o.in, "%s opens a computed path, and a RUN generates files, so those to copy aren't known", p.Computed)
		case g.generates && len(p.Missing) > 0:
			return g.decline(o.in, "the program opens %s, which a RUN may generate", p.Missing[0])
		}
	}
	return true
}

// chooseBase picks the runtime image.
func (g *goSplit) chooseBase() bool {
	kind := "static"
	for _, o := range g.outputs {
		if !o.cgo {
			continue
		}
		if why := g.plainCgo(o.pkg); why != "" {
			return g.decline(o.in, "%s", why)
		}
		n := map[string]string{"bullseye": "11", "bookworm": "12", "trixie": "13"}[g.img.Release]
		if n == "" {
			return g.decline(o.in, "cgo needs the C library of the builder's release, which isn't known")
		}
		kind = "base-debian" + n
	}
	ref, ok := images.Distroless(kind)
	if !ok {
		return g.decline(g.stage.From, "there is no distroless image for %s", kind)
	}
	keepsRoot := ""
	for _, in := range g.stage.Instructions {
		if in.Keyword == "volume" {
			keepsRoot = "VOLUME keeps root's folders"
		}
	}
	st := g.stage.At(nil)
	if rewrite.Inside(st.Workdir, "/root") {
		keepsRoot = "only root may enter " + st.Workdir
	}
	if keepsRoot == "" && g.p.Unsafe {
		keepsRoot = g.p.Repo.Writes(g.p.Name, false)
	}
	if keepsRoot != "" {
		ref = ref.WithTag("latest")
	} else if st.User == "" {
		g.assumes = append(g.assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp")
		for _, in := range g.stage.Instructions {
			if in.Keyword == "expose" && lowPort(in) {
				g.assumes = append(g.assumes, "ports under 1024 are open to every user, as in Docker (not in Kubernetes)")
			}
		}
	}
	g.base = ref.String()
	return true
}

func lowPort(in *rewrite.Instruction) bool {
	for _, f := range in.Fields() {
		p, _, _ := strings.Cut(f.Text, "/")
		if n := atoiOr0(p); n > 0 && n < 1024 {
			return true
		}
	}
	return false
}

// plainCgo tells why cgo code needs more than the C library.
func (g *goSplit) plainCgo(p *repo.GoPackage) string {
	if !strings.Contains(p.CgoWhy, `imports "C"`) && !strings.Contains(p.CgoWhy, "go-sqlite3") && p.CgoWhy != "" {
		return "cgo: " + p.CgoWhy
	}
	for _, f := range p.Files {
		src, err := g.p.Repo.ReadFile(f)
		if err != nil {
			return f + " can't be read"
		}
		for _, l := range strings.Split(string(src), "\n") {
			if !strings.Contains(l, "#cgo") {
				continue
			}
			if strings.Contains(l, "pkg-config") {
				return "cgo: " + f + " links libraries by pkg-config"
			}
			for _, w := range strings.Fields(l) {
				if strings.HasPrefix(w, "-l") && w != "-lm" && w != "-ldl" && w != "-lpthread" && w != "-lrt" && w != "-lc" || strings.HasPrefix(w, "-L") {
					return "cgo: " + f + " links " + w
				}
			}
		}
	}
	return ""
}
