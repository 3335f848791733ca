// Package multistage splits a stage that builds an application and runs it into
// a build stage and a small runtime stage. One file is one ecosystem: it
// registers a recipe, which says where each instruction goes; the driver, which
// the other files are, lays out the two stages.
package multistage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// The policies: which kind of runtime base is wanted. A recipe whose facts don't
// allow it takes the next larger kind and says why.
const (
	Slim       = "slim"
	Distroless = "distroless"
	Smallest   = "smallest"
)

// Transform is multi-stage, which package transforms registers.
func Transform() *rewrite.Transform {
	t := &rewrite.Transform{
		Name:      "multi-stage",
		Summary:   "Build in one stage, run in a small one",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A full python, node or golang image carries compilers, headers and version
control for the build; the program needs none of that when it runs
(https://docs.docker.com/build/building/multi-stage/).

The instructions of the last stage become the build stage; a runtime stage on a
small base is added, with the same ENV, WORKDIR, EXPOSE, ENTRYPOINT and CMD and
with everything at the same paths.

`,
		Assumes: `The program needs nothing of the full image but what the recipe carries over.
Nothing but a trial build and run proves a split, so every change writes down
what it rests on.`,
		Declines: `Where a fact speaks against it, which is then named: a package that
needs libraries or programs of the full image and isn't known, a start command or
health check that uses curl, git or a compiler, a program that starts others, and
every RUN whose effects aren't known.`,
		Policies: []rewrite.Policy{
			{Name: Slim, Summary: "the slim variant of an interpreter's image, or a JRE; distroless for static binaries"},
			{Name: Distroless, Summary: "distroless also for interpreters, where no shell is needed"},
			{Name: Smallest, Summary: "distroless, with the libraries of a C program, the image's own Python or a Java runtime that jlink makes, and scratch for static binaries that need nothing of an image"},
		},
		Run: run,
	}
	for _, r := range recipes {
		t.Doc += r.doc + "\n"
	}
	t.Doc += `
System packages are installed again in the runtime stage, save compilers and
headers; the libraries behind those headers are.`
	return t
}

func run(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) == 0 || d.Escape != '\\' {
		return nil, nil
	}
	stage := d.Final()
	ref, err := images.ParseRef(stage.BaseName())
	if err != nil {
		return nil, nil
	}
	r, ok := recipeFor(stage, ref, nil)
	if !ok {
		return nil, nil
	}
	s := newSplit(p, stage, ref)
	s.tools, s.reads = r.tools, r.reads
	s.quiet = r.quiet != nil && r.quiet(stage)
	if !s.prepare() || !r.split(s) || s.workplace() {
		return nil, nil
	}
	if c, ok := s.finish(); ok {
		return []rewrite.Change{c}, nil
	}
	return nil, nil
}

func newSplit(p *rewrite.Pass, stage *rewrite.Stage, ref images.Ref) *split {
	s := &split{p: p, doc: p.Doc, stage: stage, ref: ref, roles: map[*rewrite.Instruction]role{}, instead: map[*rewrite.Instruction][]string{}, ahead: map[*rewrite.Instruction][]string{}, text: map[*rewrite.Instruction]string{}}
	s.img, _ = stage.Image()
	s.apt.runtime = map[string]bool{}
	return s
}

// prepare looks at what all languages share and gives the instructions that
// need no thought their role.
func (s *split) prepare() bool {
	if !s.p.Repo.Known() {
		return s.decline(s.stage.From, "without the build context it isn't known what the image holds")
	}
	if s.kept == nil && !s.name() {
		return false
	}
	for _, in := range s.stage.Instructions {
		switch in.Keyword {
		case "onbuild":
			return s.decline(in, "ONBUILD steps run in images that are built from this one")
		case "env", "shell", "workdir", "user":
			s.roles[in] = inBoth
		case "arg":
			s.roles[in] = inBuild
		case "run":
			if _, why := in.Shell(); why != "" && (s.reads == nil || !s.reads(in)) {
				return s.decline(in, "the effects of this RUN aren't known: %s", why)
			}
			for _, m := range in.Mounts() {
				if m["type"] == "bind" && m["from"] != "" && !s.isTool(m["from"]) {
					return s.decline(in, "it mounts another stage")
				}
			}
			s.roles[in] = inBuild
		case "copy", "add":
			if _, _, from, _ := in.Copy(); s.isTool(from) {
				s.roles[in] = inBuild
				continue
			} else if from != "" && s.kept == nil && s.doc.StageByRef(from, s.stage.Index) == nil {
				return s.decline(in, "it copies from %s; what of that is needed at run time isn't known", from)
			}
			s.roles[in] = inBoth
		default:
			s.roles[in] = inRuntime
		}
	}
	return true
}

// isTool: a reference names an image of tools that the build alone needs.
func (s *split) isTool(ref string) bool { return ref != "" && s.tools != nil && s.tools(ref) }

// buildNames are names of stages that tell of building.
var buildNames = words(`maven mvn gradle sbt golang rust cargo compile compiler sdk jdk deps dependencies`)

// name chooses the name of the build stage. A name that the stage has is kept
// by the stage whose image its users mean: the last one, unless it tells of
// building and no other file builds a stage by it.
func (s *split) name() bool {
	own := s.stage.Name
	if (buildNames[own] || strings.HasPrefix(own, "build")) && !slices.ContainsFunc(s.p.Targets(), func(t string) bool { return strings.EqualFold(t, own) }) {
		s.builder = own
		return true
	}
	first := "builder"
	if s.ref.Repository() == "golang" {
		first = "build"
	}
	candidates := []string{first, "app-" + first, "app-build", "app-builder"}
	if s.doc.StageByRef("build", -1) != nil || s.doc.StageByRef("builder", -1) != nil {
		candidates = candidates[1:] // build beside builder tells nobody which is which
	}
	for _, n := range candidates {
		if s.doc.StageByRef(n, len(s.doc.Stages)) == nil {
			s.builder = n
			break
		}
	}
	if s.builder == "" {
		return s.decline(s.stage.From, "it has many stages that build already")
	}
	s.keepName = own != ""
	return true
}

// workplace declines where people or jobs work in containers of the image: they may
// use whatever the base holds. kinds are further ones than that of repo.WorkplaceShell.
func (s *split) workplace(kinds ...string) bool {
	w, found := s.p.Workplace(s.stage, append(kinds, repo.WorkplaceShell)...)
	if !found {
		return false
	}
	why := "people or jobs work in the container, and whatever the base holds may be of use to them"
	if w.Kind == repo.WorkplaceSync {
		why = "files are sent into the running container, which needs a shell and tar"
	}
	s.decline(s.stage.From, "%s:%d says that %s", w.File, w.Line, why)
	return true
}

// decline says which fact speaks against the split; it returns false.
func (s *split) decline(in *rewrite.Instruction, format string, args ...any) bool {
	s.reason = fmt.Sprintf(format, args...)
	if s.variant != nil {
		s.reason = strings.ReplaceAll(s.reason, "the slim image", s.variant.name)
		format, args = "%s", []any{s.reason}
	}
	if s.quiet {
		return false
	}
	s.p.Decline(in, cmp.Or(s.stays, "one stage")+": "+format, args...)
	return false
}
