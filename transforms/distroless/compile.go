package distroless

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/compiled"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// What programs of Go and Rust link, by the RUN that builds them.

// goBuild reads the go build commands of a stage. A RUN that isn't known doesn't
// count unless it builds.
func (b *bare) goBuild(s *split.Split) *programBuild {
	g := &compiled.GoApp{Binaries: compiled.New(s)}
	g.NoData = compiled.NoData
	p := &programBuild{}
	for _, in := range s.Lineage() {
		if in.Keyword == "run" && !g.Run(in) && goBuilds().MatchString(in.Text) && p.why == "" {
			p.why = "line " + cmdline.LineOf(in) + ": " + s.Reason
		}
	}
	p.Binaries = g.Binaries
	p.judge = func(b *bare, o compiled.Output) (kindOf, string) { return b.judgeGo(g, o) }
	return p
}

var goBuilds = lazily(`\bgo\s+(build|install)\b|\b(make|task|mage|goreleaser|ko)\b`)

// judgeGo tells which image a program of Go needs.
func (b *bare) judgeGo(g *compiled.GoApp, o compiled.Output) (k kindOf, why string) {
	p, at := o.Pkg, "line "+cmdline.LineOf(o.In)
	switch {
	case p.Unknown != "":
		return k, p.Unknown
	case p.StartsAny != "":
		return k, p.StartsAny + " starts other programs, and which isn't known"
	}
	for _, words := range p.Starts {
		if !b.starts(words) {
			return k, p.Execs + " starts " + words[0]
		}
	}
	for _, r := range append(slices.Clone(p.Missing), p.Reads...) {
		if systemFile().MatchString(r) {
			return k, "the program reads " + r + ", which distroless hasn't"
		}
	}
	if p.HTTP && b.unlike == "" {
		b.needsCerts(g.Stage)
	}
	switch {
	case p.Temp:
		b.unlike = "the program makes temporary files, and there is no /tmp"
	case p.OSUser:
		b.unlike = "the program looks up users, and there is no /etc/passwd"
	}
	b.zones = b.zones || p.TZ
	for _, i := range p.Imports {
		if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") && b.unlike == "" {
			b.unlike = "what " + i + " reads of an image isn't known"
		}
	}
	switch set := o.CgoEnabled != ""; {
	case o.CgoEnabled == "0" && !o.Cgo:
		return kindOf{"static", "", at + " builds the program with CGO_ENABLED=0, so that it links nothing"}, ""
	case g.Image.Libc == "musl" && !set && !compilerInstalled(&g.Binaries) && goSince(g.Image.Line, 20):
		return kindOf{"static", "", g.Stage.BaseName() + " has no C compiler, so that go build works without cgo (https://go.dev/doc/go1.20#cgo) and the program links nothing"}, ""
	case g.Image.Libc == "musl":
		return k, at + " may build with cgo on Alpine, whose C library distroless hasn't: set CGO_ENABLED=0"
	}
	if o.Cgo {
		if why := g.PlainCgo(p); why != "" {
			return k, why
		}
	}
	if distro.DebianNumber(g.Image.Release) == "" {
		return k, at + " may link the C library, and the builder's Debian release isn't known: set CGO_ENABLED=0"
	}
	return kindOf{"base", g.Image.Release, at + " doesn't say CGO_ENABLED=0, so that the program may link the C library"}, ""
}

// needsCerts notes the stage that certificates can be copied from.
func (b *bare) needsCerts(st *rewrite.Stage) { b.certs = cmp.Or(st.Name, strconv.Itoa(st.Index)) }

// compilerInstalled: the stage, or one that it is built from, installs a C compiler.
func compilerInstalled(b *compiled.Binaries) bool {
	for _, in := range b.Lineage() {
		if in.Keyword == "run" && compilerPackage().MatchString(in.Text) {
			return true
		}
	}
	return false
}

var compilerPackage = lazily(`\b(gcc|g\+\+|clang|build-base|alpine-sdk|musl-dev|zig|tcc)\b`)

// goSince: a release line of Go 1 is at least a minor one.
func goSince(line string, minor int) bool {
	rest, ok := strings.CutPrefix(line, "1.")
	return ok && cmdline.Number(rest) >= minor
}

// systemFile is a file of a system that distroless hasn't.
var systemFile = lazily(`^/(usr/(bin|sbin|lib|share/(?:[^z]|z[^o]))|bin|sbin|lib|lib64)(/|$)`)

// rustBuild reads the cargo commands of a stage.
func (b *bare) rustBuild(s *split.Split) (*programBuild, string) {
	r := &compiled.RustApp{Binaries: compiled.New(s), Crates: map[string]bool{}, Gone: map[string]*rewrite.Instruction{}}
	r.NoData = compiled.RustNoData
	for _, in := range s.Lineage() {
		if in.Keyword == "run" && !r.Run(in) {
			return nil, "line " + cmdline.LineOf(in) + ": " + s.Reason
		}
	}
	p := &programBuild{Binaries: r.Binaries}
	p.judge = func(b *bare, o compiled.Output) (k kindOf, why string) {
		if len(r.Folders) == 0 || r.Last == nil {
			return k, "which package cargo builds isn't known"
		}
		if !r.Source() {
			return k, s.Reason
		}
		kind, ok := r.Libraries()
		switch {
		case !ok:
			return k, s.Reason
		case len(r.Needs) > 0:
			return k, r.Needs[0]
		}
		b.unlike = "what the crates read of an image isn't known"
		if kind == "static" {
			return kindOf{"static", "", "line " + cmdline.LineOf(o.In) + " links the program with musl, statically"}, ""
		}
		return kindOf{"cc", r.RustRelease(), "it holds the C library and libgcc, and Cargo.lock names no crate that links more"}, ""
	}
	return p, ""
}

// fitsScratch tells what of an image the program may need, "" for nothing.
func (b *bare) fitsScratch() string {
	st := b.Stage.At(nil)
	_, zone := st.Env["TZ"]
	name, group, _ := strings.Cut(st.User, ":")
	switch {
	case b.unlike != "":
		return b.unlike
	case b.zones || zone:
		return "the program reads time zones"
	case strings.Trim(name+group, "0123456789") != "" && !b.account[name]:
		return "USER names " + st.User
	case len(b.account) > 0 && slices.ContainsFunc(b.Edits, func(e rewrite.Edit) bool { return strings.Contains(e.New, "nonroot") }):
		return "files belong to a user by name"
	}
	return ""
}

// scratch takes the empty image: certificates are copied, and the user is a
// number.
func (b *bare) scratch() bool {
	b.Base = "scratch"
	if b.Image.Workdir == "" || b.Image.Workdir == "/" {
		b.First = nil // scratch starts there too
	}
	b.Explain("scratch: the program is static and needs no time zones, users or folder for temporary files")
	from := b.Stage.From
	if b.certs != "" {
		const ca = "/etc/ssl/certs/ca-certificates.crt"
		b.Instead[from] = append(b.Instead[from], b.Keyword("COPY")+" --from="+b.certs+" "+ca+" "+ca)
		b.Explain("the certificates of authorities are copied from the stage that builds")
	}
	for in := range b.lines {
		if in.Keyword == "user" {
			b.lines[in] = rewrite.KeywordLike(in, "USER") + " 65532:65532"
		}
	}
	if b.root == "" && (b.Stage.At(nil).User == "" || b.user != 0 && b.byTag) {
		b.user |= rewrite.FieldUser
		b.Instead[from] = append(b.Instead[from], b.Keyword("USER")+" 65532:65532")
	}
	return true
}
