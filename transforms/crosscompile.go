package transforms

import (
	"context"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// cross-compile lets a Go build stage run on the builder's own platform.
var _ = register(&rewrite.Transform{
	Name:    "cross-compile",
	Summary: "Build Go for another platform without emulation",
	Phase:   rewrite.PhaseStages,
	Doc: `A build stage that compiles for $TARGETARCH with GOARCH needs no emulation of that
platform: with FROM --platform=$BUILDPLATFORM the compiler runs natively, which is many
times faster than under QEMU
(https://docs.docker.com/build/building/multi-platform/#cross-compilation). A build for the
builder's own platform stays what it was.

Without cgo Go's compiler writes the same binary on every platform
(https://go.dev/blog/rebuild), so the change is safe where the file needs BuildKit already.`,
	Assumes: `The file is built with BuildKit or Buildah, which set BUILDPLATFORM: the classic builder
takes no empty --platform. Files with # syntax, --mount or here-documents need BuildKit
already.`,
	Declines: `Where a go build doesn't take GOARCH from TARGETARCH or may use cgo, where the stage runs
other programs that build or what it compiled, and where another stage copies more from it
than the binaries, files of the build context and certificates or time zones. Stages that
don't speak of TARGETARCH and GOARCH, have a --platform or end in an image are left alone.`,
	Run: runCrossCompile,
})

func runCrossCompile(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if p.Doc.Escape != '\\' {
		return nil, nil
	}
	ship := p.Shipping()
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		ref, err := images.ParseRef(s.BaseName())
		if err != nil || ref.Repository() != "golang" || s.Parent() != nil || len(s.From.Flags) > 0 || slices.Contains(ship, s) || !stageSays(s, "TARGETARCH") || !stageSays(s, "GOARCH") {
			continue
		}
		in, why := crossCompiles(p, s)
		if why != "" {
			p.Decline(in, "it needs the platform that it builds for: %s", why)
			continue
		}
		if in == nil {
			continue // it compiles nothing
		}
		sp, ok := s.From.WordSpan(s.From.Fields()[0])
		if !ok {
			continue
		}
		c := rewrite.Change{
			Title:  "compile on the builder's own platform",
			Why:    "Go compiles for TARGETARCH natively; without --platform=$BUILDPLATFORM the whole stage runs under emulation (Docker's guide to multi-platform builds)",
			Gain:   "builds for another platform take a fraction of the time",
			At:     s.From,
			Edits:  []rewrite.Edit{{Span: rewrite.Span{Start: sp.Start, End: sp.Start}, New: "--platform=$BUILDPLATFORM "}},
			Config: rewrite.FieldBase,
		}
		if !needsBuildKit(p.Doc) {
			c.Safety, c.Assumes = rewrite.Assumes, "the file is built with BuildKit or Buildah, which set BUILDPLATFORM"
		}
		out = append(out, c)
	}
	return out, nil
}

func stageSays(s *rewrite.Stage, word string) bool {
	return slices.ContainsFunc(s.Instructions, func(in *rewrite.Instruction) bool { return strings.Contains(in.Text, word) })
}

// declaredAbove: an ARG of the stage above the instruction names the variable.
func declaredAbove(in *rewrite.Instruction, name string) bool {
	return slices.ContainsFunc(in.Stage.Instructions, func(a *rewrite.Instruction) bool {
		return a.Index < in.Index && a.Keyword == "arg" && slices.ContainsFunc(a.Assignments(), func(w rewrite.Word) bool { return w.Text == name })
	})
}

// needsBuildKit: the classic builder doesn't take the file as it is.
func needsBuildKit(d *rewrite.Document) bool {
	if _, named := d.Syntax(); named {
		return true
	}
	for _, in := range d.Instructions {
		if len(in.Heredocs) > 0 || len(in.Mounts()) > 0 || strings.Contains(in.Text, "BUILDPLATFORM") && in.Keyword == "from" {
			return true
		}
	}
	return false
}

// crossCompiles reads the stage. in is the first go build; why says, of in, what
// speaks against another platform for the stage.
func crossCompiles(p *rewrite.Pass, s *rewrite.Stage) (in *rewrite.Instruction, why string) {
	var outputs []string
	moves := false
	for _, i := range s.Instructions {
		if i.Keyword == "onbuild" {
			return i, "it has ONBUILD steps"
		}
		if i.Keyword != "run" {
			continue
		}
		steps, why := i.Steps()
		if why != "" {
			return i, "the effects of this RUN aren't known: " + why
		}
		for _, st := range steps {
			name := path.Base(st.Args[0])
			switch {
			case name == "go" && len(st.Args) > 1 && st.Args[1] == "build":
				to, why := crossBuild(i, st)
				if why != "" {
					return i, why
				}
				outputs = append(outputs, to)
				if in == nil {
					in = i
				}
			case name == "go" && len(st.Args) > 1 && (st.Args[1] == "mod" || st.Args[1] == "env" || st.Args[1] == "version" || st.Args[1] == "vet" || st.Args[1] == "clean"):
			case rewrite.Harmless(name), sameAnywhere[name]:
				moves = moves || name == "cp" || name == "mv" || name == "ln" || name == "install"
			default:
				return i, "it runs " + strings.Join(st.Args[:min(2, len(st.Args))], " ")
			}
		}
	}
	if in == nil {
		return nil, ""
	}
	for _, o := range p.Doc.Stages[s.Index+1:] {
		if o.Parent() == s {
			return o.From, "this stage goes on from it"
		}
		for _, i := range o.Instructions {
			for _, m := range i.Mounts() {
				if p.Doc.StageByRef(m["from"], o.Index) == s {
					return i, "this step mounts it"
				}
			}
			sources, _, from, _ := i.Copy()
			if from == "" || p.Doc.StageByRef(from, o.Index) != s {
				continue
			}
			for _, src := range sources {
				if !crossCopied(p, s, src, outputs, moves) {
					return i, "this copies " + src + " from it, which may hold programs of the platform"
				}
			}
		}
	}
	return in, ""
}

// sameAnywhere are programs that write no code for a platform but into system
// folders, which crossCopied looks after.
var sameAnywhere = words(`apt-get apt apk mkdir touch chmod chown rm ln cp mv install sed adduser addgroup useradd groupadd update-ca-certificates git`)

// crossBuild reads a go build: its output, and what speaks against it.
func crossBuild(in *rewrite.Instruction, st rewrite.Step) (output, why string) {
	env := map[string]string{}
	for _, name := range []string{"GOARCH", "GOOS", "CGO_ENABLED"} {
		env[name] = writtenEnv(in, name)
	}
	sh, _ := in.Shell()
	for _, a := range st.Call.Assigns {
		if k, v, ok := strings.Cut(sh.Source(a), "="); ok {
			env[k] = strings.Trim(v, `"'`)
		}
	}
	arch := strings.NewReplacer("{", "", "}", "").Replace(env["GOARCH"])
	goos := strings.NewReplacer("{", "", "}", "", ":-linux", "").Replace(env["GOOS"])
	switch {
	case arch != "$TARGETARCH" || !declaredAbove(in, "TARGETARCH"):
		return "", "go build doesn't get GOARCH from TARGETARCH"
	case goos != "" && goos != "linux" && goos != "$TARGETOS":
		return "", "go build gets another GOOS"
	case env["CGO_ENABLED"] != "0":
		return "", "go build may use cgo, which needs a C compiler for the other platform"
	}
	for k, a := range st.Args {
		if a == "-o" && k+1 < len(st.Args) {
			a = "-o=" + st.Args[k+1]
		}
		if to, ok := strings.CutPrefix(a, "-o="); ok && st.Dir != "" {
			if !path.IsAbs(to) {
				to = path.Join(st.Dir, to)
			}
			return path.Clean(to), ""
		}
	}
	return "", "go build names no output (-o)"
}

// writtenEnv is the value of a variable as an ENV above the instruction writes
// it, without quotes.
func writtenEnv(in *rewrite.Instruction, name string) (value string) {
	for _, i := range in.Stage.Instructions {
		if i == in {
			break
		}
		if i.Keyword != "env" {
			continue
		}
		for _, w := range i.Assignments() {
			if k, v, ok := strings.Cut(w.Text, "="); ok && k == name {
				value = strings.Trim(v, `"'`)
			}
		}
	}
	return value
}

// systemFolder: images have programs in it, or folders with some.
func systemFolder(dir string) bool {
	return strings.Count(dir, "/") == 1 && words("/ /bin /sbin /usr /lib /go /opt /root /var /etc")[dir] || strings.HasPrefix(dir, "/usr/") || strings.HasPrefix(dir, "/go/")
}

// platformFree are paths of images whose files are the same on every platform.
var platformFree = []string{"/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/share/zoneinfo", "/usr/local/go/lib/time", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/services", "/tmp"}

// crossCopied: what a COPY takes from the stage is a binary that was compiled
// for the target, or the same on every platform.
func crossCopied(p *rewrite.Pass, s *rewrite.Stage, src string, outputs []string, moves bool) bool {
	if strings.ContainsAny(src, "$*?[") {
		return false
	}
	abs := path.Join("/", src)
	for _, o := range outputs {
		if rewrite.Inside(abs, o) || !moves && path.Dir(o) == abs && !systemFolder(abs) {
			return true
		}
	}
	if slices.ContainsFunc(platformFree, func(f string) bool { return rewrite.Inside(abs, f) }) {
		return true
	}
	_, by := s.Origin(nil, abs, p.Repo, p.Name)
	return by != nil
}
