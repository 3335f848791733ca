package compiled

import (
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Go. The binaries that go build writes, and the files that the source names,
// are copied to the same paths of a distroless image: static without cgo; base
// of the builder's Debian release where cgo needs nothing but the C library;
// with --base smallest scratch for a static program that needs nothing of an
// image. The image runs as nonroot (65532), or as root as before where the
// program writes files or VOLUME keeps root's.
//
// Where the image needs a shell, an account or other programs (a shell form, a
// script, a health check by wget, programs that the source starts, packages,
// libraries that cgo links) it is the distribution that the build stands on:
// Debian's slim image or Alpine.
//
// go run as the start command becomes a go build and the program.
//
// Where the source opens computed paths (a flag names a configuration file) all
// data of the project is copied.
//
// It declines where the source starts programs that aren't named (with file and
// line) or that no package brings, where it opens computed paths in a tree with
// generated files, for libraries that no -dev package of the build names, and for
// RUNs that it doesn't know.

// Go is the recipe for Go.
var Go = split.Recipe{
	Name:    "go",
	Bases:   words("golang"),
	Words:   words("go make"),
	Starts:  words("go"),
	AnySize: true,
	Doc: `- Go: a static binary, and the files that its source names, on distroless static;
  with cgo distroless base of the builder's Debian release; where a shell, other
  programs or libraries are needed, the distribution that the build stands on,
  slim. CMD ["go", "run", …] becomes a go build and the program.`,
	Split: splitGo,
}

// GoApp is a stage that builds programs of Go.
type GoApp struct {
	Binaries
	recipe map[string]string // variables of the make whose recipes are read; nil outside of one
	races  bool              // a recipe needs cgo for -race
}

func splitGo(s *split.Split) bool {
	if strings.Contains(s.Ref.Tag, "onbuild") || strings.Contains(s.Ref.Tag, "windows") || strings.Contains(s.Ref.Tag, "nanoserver") {
		return false
	}
	g := &GoApp{Binaries: New(s)}
	g.NoData = NoData
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !g.Run(in) {
			return false
		}
	}
	if !g.runsGo() || len(g.Outputs) == 0 {
		return false
	}
	if !g.mades() || !g.starts() || !g.programs() || !g.place() || !g.files() || s.Kept == nil && !g.users() {
		return false
	}
	g.copyScripts()
	if s.Kept != nil {
		return g.forKept()
	}
	if !g.chooseBase() {
		return false
	}
	for _, o := range g.Outputs {
		if o.In != g.ran && !g.flags1(o) {
			return false
		}
	}
	g.crossBuild()
	g.runtime()
	s.Why = "the Go toolchain is of no use to the finished binary"
	s.Gain = "the toolchain stays behind: about 450 MB, against the binary and 1 to 10 MB (compressed)"
	s.Assumes = append(s.Assumes, g.reads()+g.others())
	return true
}

// goTools write generated code or check it; what they leave is compiled in.
var goTools = words(`swag templ wire sqlc protoc buf mockgen mockery statik packr packr2 esc go-bindata gqlgen ent oapi-codegen easyjson stringer`)

// goChecks leave nothing that runs.
var goChecks = words(`golangci-lint staticcheck gofmt goimports upx strip golint`)

// goFetchers fill vendor/, as before modules.
var goFetchers = words(`dep glide govendor godep gvt`)

// Run sorts one RUN.
func (g *GoApp) Run(in *rewrite.Instruction) bool {
	all, ok := g.Steps(in)
	if !ok {
		return false
	}
	if g.account(in, all) {
		return true
	}
	for _, st := range all {
		a, isApt := distro.ReadPackages(st)
		switch {
		case isApt:
			if !g.packages(in, a) {
				return false
			}
		case st.Name == "make":
			if !g.makes(in, st) {
				return false
			}
		default:
			known, ok := g.step(in, st)
			if !ok {
				return false
			}
			if !known {
				return g.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
			}
		}
	}
	return true
}

// step sorts one command of a RUN or of a makefile's recipe; known tells that its effects
// are, ok is false when it declined.
func (g *GoApp) step(in *rewrite.Instruction, st rewrite.Step) (known, ok bool) {
	switch {
	case st.Name == "go" && len(st.Args) > 1:
		return true, g.goCommand(in, st)
	case st.Name == "mv" || st.Name == "cp":
		return true, g.moved(in, st)
	case cmdline.Replayed[st.Name]:
		g.touches(in, st)
	case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0, goChecks[st.Name], cmdline.Tidy(st):
	case goTools[st.Name]:
		g.generates = true
	case goFetchers[st.Name]:
	case st.Name == "git" && len(st.Args) > 1 && st.Args[1] == "config":
	default:
		return false, true
	}
	return true, true
}

func (g *GoApp) goCommand(in *rewrite.Instruction, st rewrite.Step) bool {
	switch st.Args[1] {
	case "build":
		g.Last = in
		return g.build(in, st)
	case "install":
		if slices.ContainsFunc(st.Args, func(a string) bool { return strings.Contains(a, "@") }) {
			return true // a tool of the build
		}
		g.Last = in
		return g.build(in, st)
	case "generate", "run":
		g.generates = true
	case "mod", "get", "vet", "test", "env", "version", "clean", "work", "fmt", "list", "tool":
	default:
		return g.Decline(in, "the effects of go %s aren't known", st.Args[1])
	}
	return true
}

// programs looks at what the source says.
func (g *GoApp) programs() bool {
	for _, o := range g.Outputs {
		p := o.Pkg
		g.certs = g.certs || p.HTTP
		switch {
		case p.Unknown != "":
			return g.Decline(o.In, "%s", p.Unknown)
		case p.StartsAny != "":
			return g.Decline(o.In, "%s starts other programs, and which isn't known", p.StartsAny)
		case p.Computed != "" && g.generates:
			return g.Decline(o.In, "%s opens a computed path, and a RUN generates files, so those to copy aren't known", p.Computed)
		case g.generates && len(p.Missing) > 0:
			return g.Decline(o.In, "the program opens %s, which a RUN may generate", p.Missing[0])
		}
		for _, words := range p.Starts {
			if _, why := g.startable(p.Execs, words, false); why != "" {
				return g.Decline(o.In, "%s", why)
			}
			g.wants("%s starts %s", p.Execs, words[0])
		}
	}
	return true
}

// chooseBase picks the runtime image.
func (g *GoApp) chooseBase() bool {
	kind := "static"
	var libs, why []string // what cgo links, and what says so
	defer func() {
		if len(g.Needs) == 0 && kind == "static" {
			g.Explain("built without cgo the program links nothing, so it needs no C library")
		}
	}()
	for _, o := range g.Outputs {
		p := o.Pkg
		g.tz = g.tz || p.TZ
		switch {
		case p.Temp:
			g.unlike = "the program makes temporary files, and there is no /tmp"
		case p.OSUser:
			g.unlike = "the program looks up users, and there is no /etc/passwd"
		}
		for _, i := range p.Imports {
			if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				g.unlike = "what " + i + " reads of an image isn't known"
			}
		}
		if !o.Cgo {
			continue
		}
		links := g.PlainCgo(p)
		if links != "" {
			behind, ok := g.behind(o, links)
			if !ok {
				return false
			}
			libs, why = append(libs, behind...), append(why, links)
		}
		if g.Image.Libc == "musl" {
			g.wants("cgo links the C library of Alpine")
			continue
		}
		n := distro.DebianNumber(g.Image.Release)
		if n == "" && !g.since(16) {
			n = "10" // or before: no image of those versions stands on a later Debian
		}
		if n == "" {
			return g.Decline(o.In, "cgo needs the C library of the builder's release, which isn't known")
		}
		kind = "base-debian" + n
	}
	if len(libs) > 0 {
		kind = strings.Replace(kind, "base", "cc", 1) // a library may be of C++
		g.link(libs, why)
	}
	return g.choose(kind)
}

// link has the libraries of cgo copied beside a distroless base, with --base smallest,
// or installed in an image that has a package manager.
func (g *GoApp) link(libs, why []string) {
	if len(g.Needs) == 0 && g.Pass.Policy == split.Smallest && g.Image.Release != "bullseye" {
		beside := g.beside(libs)
		if beside == "" {
			return
		}
		g.Explain("the libraries aren't copied beside a distroless base: %s", beside)
	}
	for _, lib := range libs {
		g.Require(lib, why[0])
	}
	g.wants("%s", why[0])
}

// behind gives the libraries behind the -dev packages of the build; without any, which
// library cgo links isn't known.
func (g *GoApp) behind(o Output, why string) (libs []string, ok bool) {
	if len(g.devs) == 0 || g.Image.PackageManager != "apt" {
		return nil, g.Decline(o.In, "%s", why)
	}
	for _, dev := range g.devs {
		lib := g.linked(dev)
		if lib == "" {
			return nil, g.Decline(o.In, "%s, and which package holds the library of %s isn't known", why, dev)
		}
		libs = append(libs, lib)
	}
	return libs, true
}

// PlainCgo tells why cgo code needs more than the C library.
func (g *GoApp) PlainCgo(p *repo.GoPackage) string {
	if !strings.Contains(p.CgoWhy, `imports "C"`) && !strings.Contains(p.CgoWhy, "go-sqlite3") && p.CgoWhy != "" {
		return "cgo: " + p.CgoWhy
	}
	for _, f := range p.Files {
		src, err := g.Pass.Repo.ReadFile(f)
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
