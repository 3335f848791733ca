// Package slimbase is slim-base: a stage that builds nothing on the small image of its kind.
package slimbase

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Transform is slim-base, which package transforms registers: the case next to a
// split, where nothing is built in the stage and it still stands on a full image.
// It declines where a program, a library or a script may need the full image;
// the other files say how that is found out.
func Transform() *rewrite.Transform {
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
			{Name: split.Slim, Summary: "the slim variant of the same image, or a JRE"},
			{Name: split.Alpine, Summary: "Alpine's variant, only where nothing is made for glibc"},
			{Name: split.Smallest, Summary: "Alpine's where it may be, else the slim variant or a JRE"},
		},
		Run: runSlimBase,
	}
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
		if _, splits := multistage.RecipeFor(root, ref, nil); splits && root == p.Doc.Final() && p.Beside("multi-stage") {
			cs, err := multistage.Run(ctx, p.Quietly(split.Slim))
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
	newTry := func() *split.Split {
		s := split.New(p, root, ref)
		s.Stays, s.Quiet = "the full image stays", quiet
		return s
	}
	why := ""
	if p.Policy != split.Slim {
		s := newTry()
		s.Quiet = s.Quiet || p.Policy == split.Smallest
		if chooseAlpine(s) && fitsVariant(s, ships) {
			return rebase(s)
		}
		if why = s.Reason; p.Policy == split.Alpine {
			return rewrite.Change{}, false
		}
	}
	s := newTry()
	if !chooseVariant(s) || !fitsVariant(s, ships) {
		return rewrite.Change{}, false
	}
	if why != "" {
		s.Explain("not Alpine's: %s", why)
	}
	return rebase(s)
}

// Developing are names of stages for work on the program, which may well hold
// tools that nothing names.
var Developing = lazily(`^(dev|develop|development|debug|test|tests|testing|e2e|ci|lint|build.*|.*-dev|dev-.*)$`)

// fitsVariant checks all stages that stand on the base: what they run, and what
// starts in the images that they end in.
func fitsVariant(s *split.Split, ships []*rewrite.Stage) bool {
	root := s.Stage
	defer func() { s.Stage = root }()
	if !aptYes(s) || s.Workplace() {
		return false
	}
	starts := false
	installed := map[*rewrite.Stage]map[string]bool{} // by each stage, and by those below it
	for _, st := range s.Doc.Stages {
		if !st.Descends(root) {
			continue
		}
		s.Stage, s.Apt.Runtime, installed[st] = st, maps.Clone(installed[st.Parent()]), nil
		if s.Apt.Runtime == nil {
			s.Apt.Runtime = map[string]bool{}
		}
		if !onlyCopies(s) {
			return false
		}
		certificates(s)
		installed[st] = s.Apt.Runtime
		if !slices.Contains(ships, st) || Developing().MatchString(st.Name) && !(targeted(s) && s.StartsAnything()) {
			continue
		}
		if st != s.Doc.Final() && !targeted(s) {
			continue // others are built from it
		}
		starts = true
		if !s.StartsAnything() {
			return s.Decline(st.From, "no CMD or ENTRYPOINT says what runs; it may be an image to build in")
		}
		all, ok := s.CanStart()
		if !ok {
			return false
		}
		if why := idles(s, all); why != "" {
			return s.Decline(st.From, "%s", why)
		}
		if why := outsideLacks(s); why != "" {
			return s.Decline(st.From, "%s", why)
		}
		if !variantSource(s) {
			return false
		}
	}
	if s.Stage, s.Apt.Runtime = root, installed[root]; !starts {
		return false
	}
	if s.Variant.Alpine && !fitsAlpine(s) {
		return false
	}
	return true
}

// targeted: a file of the project builds the stage by its name.
func targeted(s *split.Split) bool {
	return s.Stage.Name != "" && slices.ContainsFunc(s.Pass.Targets(), func(t string) bool { return strings.EqualFold(t, s.Stage.Name) })
}

// rebase writes the new base, and the install of what it lacks.
func rebase(s *split.Split) (c rewrite.Change, ok bool) {
	from := s.Stage.From
	sp, ok := from.WordSpan(from.Fields()[0])
	if !ok {
		return c, s.Decline(from, "the reference is broken over lines")
	}
	if !installBeside(s) {
		return c, false
	}
	sayLost(s)
	StaleComment(s)
	return rewrite.Change{
		Title:   "run on " + s.Variant.Base + " in place of " + s.Stage.BaseName(),
		Why:     "the stage builds nothing, and its base still holds what builds (Docker's best practices for building)",
		Gain:    sizes(s),
		Plan:    s.Plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append([]string{"the program needs nothing at run time that only " + s.Stage.BaseName() + " has"}, s.Assumes...), "; "),
		At:      from,
		Config:  rewrite.FieldBase,
		Adds:    s.Adds,
		Drops:   s.Drops,
		Edits:   append([]rewrite.Edit{{Span: sp, New: s.Variant.Base}}, s.Edits...),
	}, true
}

// sizes tells what the change brings, from the facts about the images where they
// hold sizes.
func sizes(s *split.Split) string {
	ref, err := images.ParseRef(s.Variant.Base)
	if err != nil || strings.Contains(s.Variant.Base, "$") {
		return s.Variant.Gain
	}
	if img, ok := s.Pass.Images.Image(ref); ok && img.Size > 0 && s.Image.Size > 0 {
		return fmt.Sprintf("the base weighs %s, and %s before (compressed)", Megabytes(img.Size), Megabytes(s.Image.Size))
	}
	return s.Variant.Gain
}

// Megabytes writes a number of bytes in MB.
func Megabytes(n int64) string {
	if n < 10_000_000 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// StaleComment tells in the plan of a comment above FROM that names the old image.
func StaleComment(s *split.Split) {
	from := s.Stage.From
	above := s.Doc.Src[from.Lead():from.Span.Start]
	name := path.Base(s.Ref.Repository())
	if at := strings.Index(strings.ToLower(above), name); at >= 0 {
		line, _ := s.Doc.Pos(from.Lead() + at)
		s.Explain("the comment on line %d still speaks of %s: look whether it holds", line, name)
	}
}

// sayLost tells in the plan what is no longer there and where it was looked for.
func sayLost(s *split.Split) {
	var lost []string
	for _, what := range s.Variant.Gone {
		pkg := strings.ToLower(what)
		if what == "ssh" {
			pkg = "openssh-client"
		}
		if !s.Apt.Runtime[pkg] && s.Apt.Reason[pkg] == "" {
			lost = append(lost, what)
		}
	}
	s.Explain("no longer there: %s", enumerate(lost))
	where := []string{"the start command"}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "healthcheck" {
			where = append(where, "HEALTHCHECK")
		}
	}
	add := func(file string) {
		if !slices.Contains(where, file) {
			where = append(where, file)
		}
	}
	for _, b := range s.Runs() {
		add(b.File)
	}
	for _, c := range s.Pass.Containers() {
		add(c.File)
	}
	for _, c := range s.Pass.Commands() {
		add(c.File)
	}
	if exts := SourceOf[s.Ref.Repository()]; len(exts) > 0 {
		where = append(where, "the source ("+strings.Join(exts, ", ")+")")
	}
	s.Explain("searched for what of that is used: %s, and the scripts that they start", strings.Join(where, ", "))
}

// enumerate joins words as a sentence does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
