package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// What programs of Go and Rust link, by the RUN that builds them.

// goBuild reads the go build commands of a stage. A RUN that isn't known doesn't
// count unless it builds.
func (b *bare) goBuild(s *split) *programBuild {
	g := &goSplit{newBinaries(s)}
	g.noData = noData
	p := &programBuild{}
	for _, in := range s.lineage() {
		if in.Keyword == "run" && !g.run(in) && goBuilds().MatchString(in.Text) && p.why == "" {
			p.why = "line " + lineOf(in) + ": " + s.reason
		}
	}
	p.binaries = g.binaries
	p.judge = func(b *bare, o output) (kindOf, string) { return b.judgeGo(g, o) }
	return p
}

var goBuilds = lazily(`\bgo\s+(build|install)\b|\b(make|task|mage|goreleaser|ko)\b`)

// judgeGo tells which image a program of Go needs.
func (b *bare) judgeGo(g *goSplit, o output) (k kindOf, why string) {
	p, at := o.pkg, "line "+lineOf(o.in)
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
		b.needsCerts(g.stage)
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
	v, set := g.env(o.in, o.step.Command, "CGO_ENABLED")
	switch {
	case set && v == "0":
		return kindOf{"static", "", at + " builds the program with CGO_ENABLED=0, so that it links nothing"}, ""
	case g.img.Libc == "musl" && !set && !g.compilerInstalled() && goSince(g.img.Line, 20):
		return kindOf{"static", "", g.stage.BaseName() + " has no C compiler, so that go build works without cgo (https://go.dev/doc/go1.20#cgo) and the program links nothing"}, ""
	case g.img.Libc == "musl":
		return k, at + " may build with cgo on Alpine, whose C library distroless hasn't: set CGO_ENABLED=0"
	}
	if o.cgo {
		if why := g.plainCgo(p); why != "" {
			return k, why
		}
	}
	if debianNumber(g.img.Release) == "" {
		return k, at + " may link the C library, and the builder's Debian release isn't known: set CGO_ENABLED=0"
	}
	return kindOf{"base", g.img.Release, at + " doesn't say CGO_ENABLED=0, so that the program may link the C library"}, ""
}

// needsCerts notes the stage that certificates can be copied from.
func (b *bare) needsCerts(st *rewrite.Stage) { b.certs = stageName(st) }

// compilerInstalled: the stage, or one that it is built from, installs a C compiler.
func (b *binaries) compilerInstalled() bool {
	for _, in := range b.lineage() {
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
	return ok && atoiOr0(rest) >= minor
}

// systemFile is a file of a system that distroless hasn't.
var systemFile = lazily(`^/(usr/(bin|sbin|lib|share/(?:[^z]|z[^o]))|bin|sbin|lib|lib64)(/|$)`)

// rustBuild reads the cargo commands of a stage.
func (b *bare) rustBuild(s *split) (*programBuild, string) {
	r := &rustSplit{binaries: newBinaries(s), crates: map[string]bool{}, gone: map[string]*rewrite.Instruction{}}
	r.noData = rustNoData
	for _, in := range s.lineage() {
		if in.Keyword == "run" && !r.run(in) {
			return nil, "line " + lineOf(in) + ": " + s.reason
		}
	}
	p := &programBuild{binaries: r.binaries}
	p.judge = func(b *bare, o output) (k kindOf, why string) {
		if len(r.folders) == 0 || r.last == nil {
			return k, "which package cargo builds isn't known"
		}
		if !r.source() {
			return k, s.reason
		}
		kind, ok := r.libraries()
		switch {
		case !ok:
			return k, s.reason
		case len(r.needs) > 0:
			return k, r.needs[0]
		}
		b.unlike = "what the crates read of an image isn't known"
		if kind == "static" {
			return kindOf{"static", "", "line " + lineOf(o.in) + " links the program with musl, statically"}, ""
		}
		return kindOf{"cc", r.rustRelease(), "it holds the C library and libgcc, and Cargo.lock names no crate that links more"}, ""
	}
	return p, ""
}

// fitsScratch tells what of an image the program may need, "" for nothing.
func (b *bare) fitsScratch() string {
	st := b.stage.At(nil)
	_, zone := st.Env["TZ"]
	name, group, _ := strings.Cut(st.User, ":")
	switch {
	case b.unlike != "":
		return b.unlike
	case b.zones || zone:
		return "the program reads time zones"
	case strings.Trim(name+group, "0123456789") != "" && !b.account[name]:
		return "USER names " + st.User
	case len(b.account) > 0 && slices.ContainsFunc(b.edits, func(e rewrite.Edit) bool { return strings.Contains(e.New, "nonroot") }):
		return "files belong to a user by name"
	}
	return ""
}

// scratch takes the empty image: certificates are copied, and the user is a
// number.
func (b *bare) scratch() bool {
	b.base, b.first = "scratch", nil
	b.explain("scratch: the program is static and needs no time zones, users or folder for temporary files")
	from := b.stage.From
	if b.certs != "" {
		const ca = "/etc/ssl/certs/ca-certificates.crt"
		b.instead[from] = append(b.instead[from], b.keyword("COPY")+" --from="+b.certs+" "+ca+" "+ca)
		b.explain("the certificates of authorities are copied from the stage that builds")
	}
	for in := range b.lines {
		if in.Keyword == "user" {
			b.lines[in] = rewrite.KeywordLike(in, "USER") + " 65532:65532"
		}
	}
	if b.root == "" && (b.stage.At(nil).User == "" || b.user != 0 && b.byTag) {
		b.user |= rewrite.FieldUser
		b.instead[from] = append(b.instead[from], b.keyword("USER")+" 65532:65532")
	}
	return true
}
