package split

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// New is a split of a stage on ref, of which nothing is known yet.
func New(p *rewrite.Pass, stage *rewrite.Stage, ref images.Ref) *Split {
	s := &Split{Pass: p, Doc: p.Doc, Stage: stage, Ref: ref, Roles: map[*rewrite.Instruction]Role{}, Instead: map[*rewrite.Instruction][]string{}, Ahead: map[*rewrite.Instruction][]string{}, Text: map[*rewrite.Instruction]string{}}
	s.Image, _ = stage.Image()
	s.Apt.Runtime = map[string]bool{}
	return s
}

// Prepare looks at what all languages share and gives the instructions that
// need no thought their role.
func (s *Split) Prepare() bool {
	if !s.Pass.Repo.Known() {
		return s.Decline(s.Stage.From, "without the build context it isn't known what the image holds")
	}
	if s.Kept == nil && !s.name() {
		return false
	}
	for _, in := range s.Stage.Instructions {
		switch in.Keyword {
		case "onbuild":
			return s.Decline(in, "ONBUILD steps run in images that are built from this one")
		case "env", "shell", "workdir", "user":
			s.Roles[in] = InBoth
		case "arg":
			s.Roles[in] = InBuild
		case "run":
			if s.Refetch && s.readAgain(in) {
				continue
			}
			if _, why := in.Shell(); why != "" && (s.Reads == nil || !s.Reads(in)) {
				return s.Decline(in, "the effects of this RUN aren't known: %s", why)
			}
			for _, m := range in.Mounts() {
				if m["type"] == "bind" && m["from"] != "" && !s.isTool(m["from"]) {
					return s.Decline(in, "it mounts another stage")
				}
			}
			s.Roles[in] = InBuild
		case "copy", "add":
			if _, _, from, _ := in.Copy(); s.isTool(from) {
				s.Roles[in] = InBuild
				continue
			} else if from != "" && s.Kept == nil && s.Doc.StageByRef(from, s.Stage.Index) == nil {
				return s.Decline(in, "it copies from %s; what of that is needed at run time isn't known", from)
			}
			s.Roles[in] = InBoth
		default:
			s.Roles[in] = InRuntime
		}
	}
	return true
}

// isTool: a reference names an image of tools that the build alone needs.
func (s *Split) isTool(ref string) bool { return ref != "" && s.Tools != nil && s.Tools(ref) }

// buildNames are names of stages that tell of building.
var buildNames = words(`maven mvn gradle sbt golang rust cargo compile compiler sdk jdk deps dependencies`)

// name chooses the name of the build stage. A name that the stage has is kept
// by the stage whose image its users mean: the last one, unless it tells of
// building and no other file builds a stage by it.
func (s *Split) name() bool {
	own := s.Stage.Name
	if (buildNames[own] || strings.HasPrefix(own, "build")) && !slices.ContainsFunc(s.Pass.Targets(), func(t string) bool { return strings.EqualFold(t, own) }) {
		s.Builder = own
		return true
	}
	first := "builder"
	if s.Ref.Repository() == "golang" {
		first = "build"
	}
	candidates := []string{first, "app-" + first, "app-build", "app-builder"}
	if s.Doc.StageByRef("build", -1) != nil || s.Doc.StageByRef("builder", -1) != nil {
		candidates = candidates[1:] // build beside builder tells nobody which is which
	}
	for _, n := range candidates {
		if s.Doc.StageByRef(n, len(s.Doc.Stages)) == nil {
			s.Builder = n
			break
		}
	}
	if s.Builder == "" {
		return s.Decline(s.Stage.From, "it has many stages that build already")
	}
	s.keepName = own != ""
	return true
}

// Workplace declines where people or jobs work in containers of the image: they may
// use whatever the base holds. kinds are further ones than that of repo.WorkplaceShell.
func (s *Split) Workplace(kinds ...string) bool {
	w, found := s.Pass.Workplace(s.Stage, append(kinds, repo.WorkplaceShell)...)
	if !found {
		return false
	}
	why := "people or jobs work in the container, and whatever the base holds may be of use to them"
	if w.Kind == repo.WorkplaceSync {
		why = "files are sent into the running container, which needs a shell and tar"
	}
	s.Decline(s.Stage.From, "%s:%d says that %s", w.File, w.Line, why)
	return true
}

// Decline says which fact speaks against the split; it returns false.
func (s *Split) Decline(in *rewrite.Instruction, format string, args ...any) bool {
	s.Reason = fmt.Sprintf(format, args...)
	if s.Variant != nil {
		s.Reason = strings.ReplaceAll(s.Reason, "the slim image", s.Variant.Name)
		format, args = "%s", []any{s.Reason}
	}
	if s.Quiet {
		return false
	}
	s.Pass.Decline(in, cmp.Or(s.Stays, "one stage")+": "+format, args...)
	return false
}

// Steps are the commands of a RUN; where its effects aren't known it declines, and ok is false.
func (s *Split) Steps(in *rewrite.Instruction) (all []rewrite.Step, ok bool) {
	if s.repeated[in] {
		return nil, true
	}
	all, why := in.Steps()
	return all, why == "" || s.Decline(in, "the effects of this RUN aren't known: %s", why)
}

// NotBrought tells why a file of the image isn't one of the build context's: the context here
// hasn't what a COPY names, or no COPY names it.
func (s *Split) NotBrought(file string) string {
	for _, in := range s.Stage.Instructions {
		for _, src := range in.ContextSources() {
			if path.Base(src) == path.Base(file) && !s.Pass.Repo.Exists(src) {
				return "the build context here holds no " + src
			}
		}
	}
	return "no COPY brings " + file + " from the build context"
}
