package multistage

import (
	"context"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// SlimBase is slim-base, which package transforms registers: the case next
// to a split, where the stages are there and the last one still stands on a full
// image.
func SlimBase() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "slim-base",
		Summary:   "Run the last of several stages on the small image of its kind",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A file that has stages keeps compilers out of the image only if its last stage doesn't
stand on an image that holds them
(https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image).

Where the last stage copies from others and builds nothing itself, its base becomes the
small one of the same version and the same release of the system: python, node and debian
get their slim variant; images with a JDK, Maven or Gradle get a JRE (for openjdk from 12
on, which has none, that of eclipse-temurin: openjdk is no longer updated,
https://hub.docker.com/_/openjdk). Nothing else of the file changes.

A last stage that installs and builds is a case for multi-stage.`,
		Assumes: `The program needs nothing of the full image but what the file copies and installs.`,
		Declines: `Where a start command, a health check, a script or the source calls a program that only the
full image has; where a package is known to need a library of it, or a stage compiles
against libraries that the last one doesn't install; for RUNs of the last stage that it
doesn't know; where there is no small image of the same version.`,
		Run: runSlimBase,
	}
}

// variant is the small image that takes the place of the full one.
type variant struct {
	name string // in reasons: "a JRE"
	base string // reference
	// lost are the programs that it lacks; nil for those that slim images lack.
	// The value is the package that brings the program, or a word for it.
	lost  map[string]string
	other bool // it is another system, not the same release of the same one
	gain  string
}

func runSlimBase(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	stage := d.Final()
	if len(d.Stages) < 2 || d.Escape != '\\' || stage.Parent() != nil {
		return nil, nil
	}
	ref, err := images.ParseRef(stage.BaseName())
	if err != nil || !copiesFrom(stage) {
		return nil, nil
	}
	for _, r := range recipes {
		if r.takes(stage, ref) {
			return nil, nil // multi-stage splits it, or says why not
		}
	}
	s := newSplit(p, stage, ref)
	s.stays = "the full image stays"
	if !s.chooseVariant() || !s.onlyCopies() {
		return nil, nil
	}
	if _, ok := s.canStart(); !ok {
		return nil, nil
	}
	if !s.variantSource() {
		return nil, nil
	}
	sp, ok := stage.From.WordSpan(stage.From.Fields()[0])
	if !ok {
		s.decline(stage.From, "the reference is broken over lines")
		return nil, nil
	}
	s.explain("the other stages go on building on their full images; only what they hand over and what the last stage installs ends in the image")
	return []rewrite.Change{{
		Title:   "run on " + s.variant.base + " in place of " + stage.BaseName(),
		Why:     "the last stage only runs what the others built, and its base still holds what builds (Docker's best practices for building)",
		Gain:    s.variant.gain,
		Plan:    s.plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append([]string{"the program needs nothing at run time that only " + stage.BaseName() + " has"}, s.assumes...), "; "),
		At:      stage.From,
		Config:  rewrite.FieldBase,
		Edits:   []rewrite.Edit{{Span: sp, New: s.variant.base}},
	}}, nil
}

// copiesFrom: the stage takes something from another one of the file.
func copiesFrom(s *rewrite.Stage) bool {
	return slices.ContainsFunc(s.Instructions, func(in *rewrite.Instruction) bool {
		_, _, from, _ := in.Copy()
		return from != "" && s.Doc().StageByRef(from, s.Index) != nil
	})
}

// chooseVariant finds the small image. It says nothing where the base isn't a
// full image that is known.
func (s *split) chooseVariant() bool {
	repository := s.ref.Repository()
	switch {
	case jdkRepositories[repository]:
		return s.chooseJRE()
	case small(s.stage.BaseName()), repository != "python" && repository != "node" && repository != "debian":
		return false
	}
	s.variant = &variant{name: "the slim image"}
	if !s.p.Repo.Known() {
		return s.decline(s.stage.From, "without the build context it isn't known what the program needs")
	}
	if !s.slimBase() {
		return false
	}
	s.variant.base = s.base
	switch repository {
	case "python":
		s.variant.gain = "compilers and headers stay out: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	case "node":
		s.variant.gain = "compilers and headers stay out: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	case "debian":
		// The same packages, less manual pages, documentation and translations:
		// https://github.com/debuerreotype/debuerreotype, .slimify-excludes.
		s.variant.lost = map[string]string{"man": "man-db"}
		s.variant.gain = "manual pages, documentation and translations stay out: about 20 MB (compressed)"
		for _, in := range s.stage.Instructions {
			if m := debianDocs().FindString(in.Text); m != "" {
				return s.decline(in, "it names %s, which the slim image hasn't", m)
			}
		}
	}
	s.explain("%s holds the same version on the same release as %s", s.base, s.stage.BaseName())
	return true
}

var debianDocs = lazily(`/usr/share/(doc|man|info|locale)\b|\blocale-gen\b`)

// onlyCopies checks that the stage's RUNs build nothing, and call nothing that
// the small image lacks.
func (s *split) onlyCopies() bool {
	for _, in := range s.stage.Instructions {
		if in.Keyword == "onbuild" {
			return s.decline(in, "ONBUILD steps run in images that are built from this one")
		}
		if in.Keyword != "run" {
			continue
		}
		all, why := in.Steps()
		if why != "" {
			return s.decline(in, "the effects of this RUN aren't known: %s", why)
		}
		for _, st := range all {
			if !s.runsOn(in, st) {
				return false
			}
		}
	}
	return true
}

// runsOn: the command does the same on the small image.
func (s *split) runsOn(in *rewrite.Instruction, st rewrite.Step) bool {
	a, isApt := readPackages(st)
	name := path.Base(st.Args[0])
	switch {
	case isApt && s.variant.other:
		return s.decline(in, "%s is another system, whose packages may have other names", s.variant.base)
	case isApt:
		for _, w := range a.words {
			w, _, _ = strings.Cut(w, "=")
			if a.verb == "install" && (buildOnly[w] || strings.HasSuffix(w, "-dev")) {
				return s.decline(in, "it installs %s, so it builds here", w)
			}
			if a.verb == "install" {
				s.apt.runtime[w] = true
			}
		}
		return true
	case s.variant.other && (strings.HasPrefix(name, "add") || strings.HasPrefix(name, "del")):
		return s.decline(in, "%s takes other options on %s", name, s.variant.base)
	case tidy(st), rewrite.Harmless(st.Name), replayed[st.Name], name == "update-ca-certificates" && s.apt.runtime["ca-certificates"]:
		return true
	case s.lacks(st.Args[0]) != "":
		return s.decline(in, "it runs %s, which the slim image hasn't", name)
	case fullOnly[name] != "": // installed above
		return true
	case strings.HasPrefix(st.Args[0], "/") && s.stage.Index > 0 && s.copied(st.Args[0]):
		return true
	}
	return s.decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
}

// copied: a COPY of the stage brings the path.
func (s *split) copied(abs string) bool {
	return slices.ContainsFunc(s.stage.Instructions, func(in *rewrite.Instruction) bool {
		_, dest, _, ok := in.Copy()
		dest, known := in.State().Abs(strings.TrimSuffix(dest, "/"))
		return ok && known && rewrite.Inside(abs, dest)
	})
}

// variantSource looks for what the program itself needs of the full image.
func (s *split) variantSource() bool {
	var why string
	switch repository := s.ref.Repository(); {
	case jdkRepositories[repository]:
		why = s.jdkInSource()
	case repository == "python":
		if why = s.compiledElsewhere(); why == "" {
			why = s.pythonPackages()
		}
		if why == "" {
			why = s.sourceLacks(".py")
		}
	case repository == "node":
		if why = s.compiledElsewhere(); why == "" {
			why = s.nodePackages()
		}
		if why == "" {
			why = s.sourceLacks(".js", ".ts", ".mjs", ".cjs", ".tsx")
		}
	}
	return why == "" || s.decline(s.stage.From, "%s", why)
}

// compiledElsewhere: a stage compiles against a library which only the full
// image has by itself.
func (s *split) compiledElsewhere() string {
	for _, o := range s.doc.Stages[:s.stage.Index] {
		if !s.handsOver(o) {
			continue
		}
		for _, in := range o.Instructions {
			if in.Keyword != "run" {
				continue
			}
			for _, w := range strings.FieldsFunc(in.Text, func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'", r) }) {
				lib := devLibrary[w]
				switch {
				case w == "--no-binary" || strings.HasPrefix(w, "--no-binary="):
					return "line " + lineOf(in) + " compiles packages that have wheels, against libraries that the slim image may lack"
				case compilers[w]:
					return "line " + lineOf(in) + " runs " + w + ", and which libraries of the full image the result needs isn't known"
				case !strings.HasSuffix(w, "-dev") || inSlim[s.ref.Repository()][w] || lib != "" && s.apt.runtime[lib]:
				case lib != "":
					return "line " + lineOf(in) + " installs " + w + "; what is compiled with it needs " + lib + " at run time, which the last stage doesn't install"
				default:
					return "line " + lineOf(in) + " installs " + w + "; what is compiled with it needs its library at run time"
				}
			}
		}
	}
	return ""
}

var compilers = words(`make cmake ninja cargo rustc ./configure meson gfortran`)

// handsOver: the last stage gets something of stage o, be it by way of others.
func (s *split) handsOver(o *rewrite.Stage) bool {
	todo, seen := []*rewrite.Stage{s.stage}, map[*rewrite.Stage]bool{}
	for len(todo) > 0 {
		t := todo[0]
		todo = todo[1:]
		if t == nil || seen[t] {
			continue
		}
		if seen[t] = true; t == o {
			return true
		}
		todo = append(todo, t.Parent())
		for _, in := range t.Instructions {
			if _, _, from, _ := in.Copy(); from != "" {
				todo = append(todo, s.doc.StageByRef(from, t.Index))
			}
			for _, m := range in.Mounts() {
				if m["from"] != "" {
					todo = append(todo, s.doc.StageByRef(m["from"], t.Index))
				}
			}
		}
	}
	return false
}
