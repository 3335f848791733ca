package multistage

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// SlimBase is slim-base, which package transforms registers: the case next to a
// split, where nothing is built in the stage and it still stands on a full image.
// It declines where a program, a library or a script may need the full image;
// slimbase_*.go say how that is found out.
func SlimBase() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "slim-base",
		Summary:   "Stand on the small image of a kind where nothing of the full one is needed",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A full python, node or JDK image holds compilers, headers and version control. A stage
that only copies and runs needs none of that
(https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image).

Where a stage that ends in an image builds nothing itself, its base becomes the small one
of the same version and the same release of the system: python, node, ruby, perl and debian get
their slim variant; images with a JDK, Maven or Gradle get a JRE (for openjdk from 12
on, which has none, that of eclipse-temurin: openjdk is no longer updated,
https://hub.docker.com/_/openjdk). The last stage counts, those that compose, bake or CI
files build, and a stage that such ones are built from, with all that are built from it.

A RUN may install packages of the system, of Python where each is known to be pure or to
have wheels, and of npm where the lock file tells that no package runs a script. What something in the
container calls and the small image lacks (curl in a health check, git in the source,
the library behind a package) is installed beside: by the apt-get install that
the stage has, or by one of its own.

With the policy alpine the base is Alpine's, also for nginx, httpd, memcached and haproxy, where
nothing that was made for glibc gets into the image. A trial build is the only proof of that.

A stage that installs and builds is a case for multi-stage, which goes first.`,
		Assumes: `The program needs nothing of the full image but what the file copies and installs.`,
		Declines: `Where a start command, a health check, a script, the source, a compose file, a Kubernetes
manifest or a command that CI runs in the container calls a program that only the
full image has and no package mends that; where a stage compiles against libraries whose
packages aren't known; for RUNs that it doesn't know; where there is no small image of the same
version. For alpine also: packages by apt, accounts by useradd, bash, what other stages
made on glibc, native files of the project, jars (which may hold native code), databases
(whose files another C library sorts differently).`,
		Policies: []rewrite.Policy{
			{Name: Slim, Summary: "the slim variant of the same image, or a JRE"},
			{Name: Alpine, Summary: "Alpine's variant, only where nothing is made for glibc"},
			{Name: Smallest, Summary: "Alpine's where it may be, else the slim variant or a JRE"},
		},
		Run: runSlimBase,
	}
}

// Alpine is the policy of slim-base that asks for Alpine's variants.
const Alpine = "alpine"

// variant is the small image that takes the place of the full one.
type variant struct {
	name string // in reasons: "a JRE"
	base string // reference
	// lost are the programs that it lacks; nil for those that slim images lack.
	// The value is the package that brings the program, or a word for it.
	lost   map[string]string
	other  bool // it is another system, not the same release of the same one
	alpine bool
	gone   []string // what it lacks, in words
	gain   string   // how much that is, where no image tells its size
}

func runSlimBase(ctx context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if p.Doc.Escape != '\\' {
		return nil, nil
	}
	var out []rewrite.Change
	ships := p.Shipping()
	for _, root := range ships {
		ref, err := images.ParseRef(root.BaseName())
		if root.Parent() != nil || err != nil {
			continue
		}
		quiet := false
		if _, splits := recipeFor(root, ref, nil); splits && root == p.Doc.Final() && p.Beside("multi-stage") {
			cs, err := run(ctx, p.Quietly(Slim))
			if err != nil || len(cs) > 0 {
				return nil, err // multi-stage splits it
			}
			quiet = true // it has said why it doesn't
		}
		if len(p.Doc.Stages) == 1 && ref.Repository() == "debian" {
			quiet = true // most install and build a system of their own; little is to be won
		}
		if c, ok := slimStage(p, root, ref, ships, quiet); ok {
			out = append(out, c)
		}
	}
	return out, nil
}

// slimStage gives a stage a small base; ships are the stages that end in images.
func slimStage(p *rewrite.Pass, root *rewrite.Stage, ref images.Ref, ships []*rewrite.Stage, quiet bool) (rewrite.Change, bool) {
	newTry := func() *split {
		s := newSplit(p, root, ref)
		s.stays, s.quiet = "the full image stays", quiet
		return s
	}
	why := ""
	if p.Policy != Slim {
		s := newTry()
		s.quiet = s.quiet || p.Policy == Smallest
		if s.chooseAlpine() && s.fitsVariant(ships) {
			return s.rebase()
		}
		if why = s.reason; p.Policy == Alpine {
			return rewrite.Change{}, false
		}
	}
	s := newTry()
	if !s.chooseVariant() || !s.fitsVariant(ships) {
		return rewrite.Change{}, false
	}
	if why != "" {
		s.explain("not Alpine's: %s", why)
	}
	return s.rebase()
}

// developing are names of stages for work on the program, which may well hold
// tools that nothing names.
var developing = lazily(`^(dev|develop|development|debug|test|tests|testing|e2e|ci|lint|build.*|.*-dev|dev-.*)$`)

// fitsVariant checks all stages that stand on the base: what they run, and what
// starts in the images that they end in.
func (s *split) fitsVariant(ships []*rewrite.Stage) bool {
	root := s.stage
	defer func() { s.stage = root }()
	if !s.aptYes() || s.workplace() {
		return false
	}
	starts := false
	installed := map[*rewrite.Stage]map[string]bool{} // by each stage, and by those below it
	for _, st := range s.doc.Stages {
		if !st.Descends(root) {
			continue
		}
		s.stage, s.apt.runtime, installed[st] = st, maps.Clone(installed[st.Parent()]), nil
		if s.apt.runtime == nil {
			s.apt.runtime = map[string]bool{}
		}
		if !s.onlyCopies() {
			return false
		}
		s.certificates()
		installed[st] = s.apt.runtime
		if !slices.Contains(ships, st) || developing().MatchString(st.Name) && !(s.targeted() && s.startsAnything()) {
			continue
		}
		if st != s.doc.Final() && !s.targeted() {
			continue // others are built from it
		}
		starts = true
		if !s.startsAnything() {
			return s.decline(st.From, "no CMD or ENTRYPOINT says what runs; it may be an image to build in")
		}
		all, ok := s.canStart()
		if !ok {
			return false
		}
		if why := s.idles(all); why != "" {
			return s.decline(st.From, "%s", why)
		}
		if why := s.outsideLacks(); why != "" {
			return s.decline(st.From, "%s", why)
		}
		if !s.variantSource() {
			return false
		}
	}
	if s.stage, s.apt.runtime = root, installed[root]; !starts {
		return false
	}
	if s.variant.alpine && !s.fitsAlpine() {
		return false
	}
	return true
}

// targeted: a file of the project builds the stage by its name.
func (s *split) targeted() bool {
	return s.stage.Name != "" && slices.ContainsFunc(s.p.Targets(), func(t string) bool { return strings.EqualFold(t, s.stage.Name) })
}

// startsAnything: the image says what runs, or its base does on purpose.
func (s *split) startsAnything() bool {
	for _, in := range s.lineage() {
		if line, _ := startLine(in); in.Keyword != "healthcheck" && len(line) > 0 {
			return true
		}
	}
	for _, b := range s.runs() {
		if len(b.Command)+len(b.Entrypoint) > 0 {
			return true
		}
	}
	return services[s.ref.Repository()]
}

// rebase writes the new base, and the install of what it lacks.
func (s *split) rebase() (c rewrite.Change, ok bool) {
	from := s.stage.From
	sp, ok := from.WordSpan(from.Fields()[0])
	if !ok {
		return c, s.decline(from, "the reference is broken over lines")
	}
	if !s.installBeside() {
		return c, false
	}
	s.sayLost()
	s.staleComment()
	return rewrite.Change{
		Title:   "run on " + s.variant.base + " in place of " + s.stage.BaseName(),
		Why:     "the stage builds nothing, and its base still holds what builds (Docker's best practices for building)",
		Gain:    s.sizes(),
		Plan:    s.plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append([]string{"the program needs nothing at run time that only " + s.stage.BaseName() + " has"}, s.assumes...), "; "),
		At:      from,
		Config:  rewrite.FieldBase,
		Adds:    s.adds,
		Drops:   s.drops,
		Edits:   append([]rewrite.Edit{{Span: sp, New: s.variant.base}}, s.edits...),
	}, true
}

// sizes tells what the change brings, from the facts about the images where they
// hold sizes.
func (s *split) sizes() string {
	ref, err := images.ParseRef(s.variant.base)
	if err != nil || strings.Contains(s.variant.base, "$") {
		return s.variant.gain
	}
	if img, ok := s.p.Images.Image(ref); ok && img.Size > 0 && s.img.Size > 0 {
		return fmt.Sprintf("the base weighs %s, and %s before (compressed)", megabytes(img.Size), megabytes(s.img.Size))
	}
	return s.variant.gain
}

func megabytes(n int64) string {
	if n < 10_000_000 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// staleComment tells in the plan of a comment above FROM that names the old image.
func (s *split) staleComment() {
	from := s.stage.From
	above := s.doc.Src[from.Lead():from.Span.Start]
	name := path.Base(s.ref.Repository())
	if at := strings.Index(strings.ToLower(above), name); at >= 0 {
		line, _ := s.doc.Pos(from.Lead() + at)
		s.explain("the comment on line %d still speaks of %s: look whether it holds", line, name)
	}
}

// sayLost tells in the plan what is no longer there and where it was looked for.
func (s *split) sayLost() {
	var lost []string
	for _, what := range s.variant.gone {
		pkg := strings.ToLower(what)
		if what == "ssh" {
			pkg = "openssh-client"
		}
		if !s.apt.runtime[pkg] && s.apt.reason[pkg] == "" {
			lost = append(lost, what)
		}
	}
	s.explain("no longer there: %s", enumerate(lost))
	where := []string{"the start command"}
	for _, in := range s.stage.Instructions {
		if in.Keyword == "healthcheck" {
			where = append(where, "HEALTHCHECK")
		}
	}
	add := func(file string) {
		if !slices.Contains(where, file) {
			where = append(where, file)
		}
	}
	for _, b := range s.runs() {
		add(b.File)
	}
	for _, c := range s.p.Containers() {
		add(c.File)
	}
	for _, c := range s.p.Commands() {
		add(c.File)
	}
	if exts := sourceOf[s.ref.Repository()]; len(exts) > 0 {
		where = append(where, "the source ("+strings.Join(exts, ", ")+")")
	}
	s.explain("searched for what of that is used: %s, and the scripts that they start", strings.Join(where, ", "))
}

// enumerate joins words as a sentence does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
