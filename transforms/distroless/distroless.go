// Package distroless is distroless: a stage without need of a shell on an image that has none.
package distroless

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/compiled"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
	"drydock/transforms/slimbase"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Transform is distroless, which package transforms registers: a stage that
// only holds a program and what that reads leaves its shell and package manager
// behind. It declines for whatever may need one; the other files say how that is
// found out: _steps its RUNs, _users who runs it, _program compiled programs,
// _interpreter Node, Python and Java.
func Transform() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "distroless",
		Summary:   "Stand on a distroless image where nothing needs a shell",
		Phase:     rewrite.PhaseStages,
		OptIn:     true,
		AllAssume: true,
		Doc: `A distroless image holds a language's runtime and what that links, the certificates of
authorities, time zones and the user nonroot: no shell, no package manager and none of
their vulnerabilities (https://github.com/GoogleContainerTools/distroless#why-should-i-use-distroless-images).

A stage on Debian, Ubuntu, Alpine, node, python or a JRE whose instructions all can stay
without a shell gets the distroless image for what it starts:

- a program of Go or Rust that another stage builds: static where the build is proven to be
  static (CGO_ENABLED=0), else base or cc of a Debian release that isn't older than the builder's;
- node: nodejs of the same version, whose entry point is node, so that CMD loses the word;
- python: python3 of the same minor version; packages go to dist-packages, CMD loses the
  word python, and gunicorn and the like start as modules;
- java: the same version; java -jar is the entry point.

RUNs go that only install certificates or time zones, which the image has, or make users and folders:
the user becomes nonroot (65532), also behind --chown, and WORKDIR makes the folders. It runs as nonroot where
the file says nothing about it and nothing shows that the program writes files or needs root.

What is lost besides the shell is docker exec sh; the images' debug tags have one.`,
		Assumes: `The program starts no other program and reads no file of the old system; as nonroot it writes
only to /tmp and to the folders that the file gives it.`,
		Declines: `For every other RUN, shell forms, scripts, health checks by curl or wget, commands of compose
files, Kubernetes manifests and CI that need a shell or are another program, source that starts
programs, shared libraries, virtual environments, a C library that is another (musl) or
newer than the image's, programs that no known build writes, users that the image hasn't; and for a distroless
image that is no longer maintained in the place of one that is.`,
		Policies: []rewrite.Policy{
			{Name: split.Distroless, Summary: "distroless images"},
			{Name: split.Smallest, Summary: "scratch for static programs that need nothing of an image, else distroless"},
		},
		Run: runDistroless,
	}
}

// bare is a stage on its way to an image without a shell.
type bare struct {
	*split.Split
	kinds   []kindOf                        // what each program needs, by images.Distroless
	gone    []*rewrite.Instruction          // instructions that go
	lines   map[*rewrite.Instruction]string // what takes the place of one
	brings  []string                        // packages that distroless has
	account map[string]bool                 // users and groups that RUNs made
	uids    []string                        // their numbers, where RUNs say them
	owned   []string                        // paths that RUNs gave to them
	made    []compiled.MadePath
	bins    *compiled.Binaries // of the last compiled program; nil for interpreters
	program []split.Command    // compiled programs that start
	certs   string             // the build stage that certificates can come from
	root    string             // why it stays root
	byTag   bool               // the image\'s tag says nonroot, unless it stays root
	user    rewrite.ConfigFields
	zones   bool   // RUNs installed time zones
	unlike  string // what scratch lacks
}

// kindOf is a distroless image that something needs.
type kindOf struct {
	kind    string // "static", "base", "cc", "nodejs22"
	release string // Debian release that it must not be older than; "" for any
	why     string
}

// systems are images that hold a system and nothing else.
var systems = words(`debian ubuntu alpine busybox golang rust gcc`)

func runDistroless(ctx context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if p.Doc.Escape != '\\' {
		return nil, nil
	}
	var out []rewrite.Change
	for _, st := range p.Shipping() {
		ref, err := images.ParseRef(st.BaseName())
		if err != nil || st.Parent() != nil || st != p.Doc.Final() && slimbase.Developing().MatchString(st.Name) {
			continue
		}
		if slices.ContainsFunc(p.Doc.Stages, func(o *rewrite.Stage) bool { return o != st && o.Descends(st) }) {
			continue // others are built from it, and need what it holds
		}
		if st == p.Doc.Final() && p.Beside("multi-stage") {
			if cs, err := multistage.Run(ctx, p.Quietly(split.Slim)); err != nil || len(cs) > 0 {
				return nil, err // multi-stage splits it first
			}
		}
		b := &bare{Split: split.New(p, st, ref), byTag: true, lines: map[*rewrite.Instruction]string{}, account: map[string]bool{}}
		b.Stays = "the shell stays"
		if c, ok := b.change(); ok {
			out = append(out, c)
		}
	}
	return out, nil
}

// change finds the image for the stage, and lays out what becomes of it.
func (b *bare) change() (c rewrite.Change, ok bool) {
	var fits func() bool
	switch repository := b.Ref.Repository(); {
	case systems[repository]:
		fits = b.compiled
	case repository == "node":
		fits = b.node
	case repository == "python":
		fits = b.python
	case split.JavaRuntimes[repository]:
		fits = b.java
	default:
		return c, false
	}
	if strings.Contains(b.Ref.Tag, "windows") || strings.Contains(b.Ref.Tag, "nanoserver") {
		return c, false
	}
	if !b.Pass.Repo.Known() {
		return c, b.Decline(b.Stage.From, "without the build context it isn't known what the program needs")
	}
	b.Quiet = len(b.Doc.Stages) == 1 // which builds, as most do
	built := !b.keywords() || !b.steps()
	if b.Quiet = false; built || b.Workplace(repo.WorkplaceSync) || !fits() || !b.outside() || !b.folders() || !b.users() {
		return c, false
	}
	if !b.chooseImage() {
		return c, false
	}
	return b.layOut()
}

// keywords declines for instructions that need a shell by themselves.
func (b *bare) keywords() bool {
	for _, in := range b.Stage.Instructions {
		switch in.Keyword {
		case "onbuild":
			return b.Decline(in, "ONBUILD steps run in images that are built from this one")
		case "shell":
			return b.Decline(in, "SHELL names one")
		case "env":
			for _, w := range in.Assignments() {
				if strings.HasPrefix(w.Text, "LD_") {
					return b.Decline(in, "%s tells the loader to look for libraries", w.Text)
				}
			}
		case "copy", "add":
			if why := b.overSystem(in); why != "" {
				return b.Decline(in, "%s", why)
			}
		}
	}
	return true
}

var libraryFolder = lazily(`^/(usr/(local/)?)?(lib|lib64|lib32)(/|$)`)

// overSystem tells what of the system a COPY may bring: libraries, or folders over
// those of the image. Files do no harm.
func (b *bare) overSystem(in *rewrite.Instruction) string {
	sources, dest, from, _ := in.Copy()
	at, known := in.State().Abs(in.State().Expand(dest))
	repository := b.Ref.Repository()
	switch {
	case !known:
		return "where it copies to isn't known"
	case repository == "python" && strings.HasPrefix(at, "/usr/local"):
		return "" // packagesFrom looks at it
	case libraryFolder().MatchString(at):
		return "it copies into " + at + ", where libraries lie"
	case at != "/" && at != "/usr" && at != "/usr/local" && at != "/etc":
		return ""
	}
	for _, w := range sources {
		if from == "" {
			if ctx := rewrite.ContextPath(w); b.Pass.Repo.IsDir(ctx) || !b.Pass.Repo.Exists(ctx) && path.Ext(ctx) == "" {
				return "it copies the folder " + w + " over " + at
			}
			continue
		}
		stage, src, _ := b.traced(b.Stage, path.Join(at, path.Base(w)), in.Next())
		if stage == nil {
			return "whether " + w + " of " + from + " is a file isn't known, and it goes over " + at
		}
		if build, why := b.buildOf(stage); (why != "" || !slices.ContainsFunc(build.Outputs, func(o compiled.Output) bool { return o.Path == src })) && path.Ext(w) == "" {
			return "whether " + w + " of " + from + " is a file isn't known, and it goes over " + at
		}
	}
	return ""
}

// chooseImage takes the distroless image that holds what all programs need, on the
// oldest Debian release that is old enough and maintained.
func (b *bare) chooseImage() bool {
	order := []string{"static", "base", "cc"}
	need := b.kinds[0]
	for _, k := range b.kinds[1:] {
		if slices.Index(order, k.kind) > slices.Index(order, need.kind) {
			need.kind, need.why = k.kind, k.why
		}
		if distro.DebianNumber(k.release) > distro.DebianNumber(need.release) {
			need.release = k.release
		}
	}
	if need.kind == "static" && b.Pass.Policy == split.Smallest {
		if why := b.fitsScratch(); why == "" {
			return b.scratch()
		} else {
			b.Explain("not scratch: %s", why)
		}
	}
	ref, img, ended, ok := distro.Maintained(b.Pass.Images, need.kind, need.release)
	switch {
	case !ok && need.release == "":
		return b.Decline(b.Stage.From, "there is no distroless image %s", need.kind)
	case !ok:
		return b.Decline(b.Stage.From, "there is no distroless image %s on Debian %s or later", need.kind, need.release)
	case ended && (b.Image.EndOfLife == "" || b.Image.EndOfLife > b.Pass.Images.Day()):
		return b.Decline(b.Stage.From, "%s has not been maintained since %s, and %s still is", ref.Repository(), img.EndOfLife, b.Stage.BaseName())
	case ended:
		b.Explain("%s has not been maintained since %s, as little as %s", ref.Repository(), img.EndOfLife, b.Stage.BaseName())
	case img.EndOfLife != "":
		b.Explain("%s is maintained until %s", ref.Repository(), img.EndOfLife)
	}
	if b.root != "" {
		b.Explain("it stays root: %s", b.root)
	}
	if b.root != "" || !b.byTag {
		ref = ref.WithTag("latest")
	}
	b.Base = ref.String()
	b.Explain("%s: %s", b.Base, need.why)
	return true
}

// layOut writes the edits.
func (b *bare) layOut() (c rewrite.Change, ok bool) {
	from := b.Stage.From
	sp, ok := from.WordSpan(from.Fields()[0])
	if !ok {
		return c, b.Decline(from, "the reference is broken over lines")
	}
	edits := append([]rewrite.Edit{{Span: sp, New: b.Base}}, b.Edits...)
	if len(b.First) > 0 {
		edits = append(edits, b.Doc.InsertAfter(from, strings.Join(b.First, "\n")+"\n"))
	}
	if lines := b.Instead[from]; len(lines) > 0 {
		edits = append(edits, b.Doc.InsertAfter(from, strings.Join(lines, "\n")+"\n"))
	}
	for _, in := range b.Stage.Instructions {
		text, ok := b.Text[in]
		if line, has := b.lines[in]; has {
			text, ok = line, true
		}
		if !ok {
			continue
		}
		if strings.HasSuffix(b.Doc.Src[:in.Span.End], "\n") {
			text += "\n"
		}
		edits = append(edits, rewrite.Edit{Span: in.Span, New: text})
		if in.Keyword == "run" {
			b.Drops = append(b.Drops, cmdline.RunKeys(in)...)
		}
	}
	var spans []rewrite.Span
	for _, in := range b.gone {
		spans = append(spans, in.Attached())
		b.Drops = append(b.Drops, cmdline.RunKeys(in)...)
	}
	edits = append(edits, b.Deletions(spans)...)
	slimbase.StaleComment(b.Split)
	b.Explain("no longer there: a shell, the package manager and all programs but the runtime's; docker exec needs the image's debug tag")
	return rewrite.Change{
		Title:   "run on " + b.Base + " in place of " + b.Stage.BaseName(),
		Why:     "nothing that starts in the container needs a shell, and what isn't there can't be exploited (https://github.com/GoogleContainerTools/distroless)",
		Gain:    b.gains(),
		Plan:    b.Plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append([]string{"the program starts no other program and reads nothing of " + b.Stage.BaseName()}, b.Assumes...), "; "),
		At:      from,
		Config:  rewrite.FieldBase | b.Config | b.user,
		Adds:    b.Adds,
		Drops:   b.Drops,
		Brings:  b.brings,
		Edits:   edits,
	}, true
}

// usual are sizes of images in MB, compressed, where their facts tell none: builds
// in the lab (docs/benchmarks.md).
var usual = map[string]string{"scratch": "0", "static": "1", "base": "8", "cc": "10", "node": "46", "pyth": "19", "java": "60"}

// gains tells what the change brings.
func (b *bare) gains() string {
	now := "0 MB"
	ref, err := images.ParseRef(b.Base)
	if img, ok := b.Pass.Images.Image(ref); b.Base != "scratch" && err == nil {
		kind := strings.TrimPrefix(ref.Repository(), "gcr.io/distroless/")
		kind, _, _ = strings.Cut(kind, "-debian")
		now = "about " + cmp.Or(usual[kind], usual[kind[:min(4, len(kind))]]) + " MB"
		if ok && img.Size > 0 {
			now = slimbase.Megabytes(img.Size)
		}
	}
	if b.Image.Size > 0 {
		return fmt.Sprintf("no shell and no package manager, fewer packages to patch; the base weighs %s, and %s before (compressed)", now, slimbase.Megabytes(b.Image.Size))
	}
	return fmt.Sprintf("no shell and no package manager, fewer packages to patch; the base weighs %s (compressed)", now)
}
