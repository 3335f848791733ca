package transforms

import (
	"context"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// pin-base gives an untagged or moving base image the tag that the project or
// the catalogue names.
var _ = register(&rewrite.Transform{
	Name:      "pin-base",
	Summary:   "Pin base images that have no tag or a moving one",
	Phase:     rewrite.PhaseBase,
	Rules:     []string{"DL3006", "DL3007"},
	AllAssume: true,
	Apart:     true,
	Doc: `FROM python or FROM python:latest is another image every few months: a build
that worked yesterday breaks without a change in the repository
(https://docs.docker.com/build/building/best-practices/#pin-base-image-versions,
hadolint DL3006 and DL3007).

The tag comes from what the project itself says (.python-version, runtime.txt,
.nvmrc, engines, the go directive of go.mod, …), else from drydock's dated
catalogue of official images: the line that the moving tag named on that date.
A suffix such as -slim or -alpine is kept.`,
	Assumes: `The project means that line.`,
	Declines: `It leaves alone tags that name a
release line already, digests, references built from ARG, other stages, scratch,
and images that the catalogue doesn't hold.`,
	Run: runPinBase,
})

func runPinBase(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		f := s.From.Fields()
		if len(f) == 0 || s.Parent() != nil || strings.EqualFold(f[0].Text, "scratch") {
			continue
		}
		word := f[0]
		ref, err := images.ParseRef(word.Text)
		if err != nil || strings.Contains(word.Text, "$") {
			if base := s.BaseName(); strings.Contains(word.Text, "$") && moving(base) {
				p.Decline(s.From, "%s comes from a build argument; pin its default", base)
			}
			continue
		}
		pin, ok := p.Images.Pin(ref, wanted(p, ref), images.MostPrecise)
		if !ok {
			if moving(word.Text) && pin.Why != "" && !strings.Contains(ref.Repository(), "distroless") { // its tags carry no version
				p.Decline(s.From, "%s", pin.Why)
			}
			continue
		}
		sp, whole := s.From.WordSpan(word)
		if !whole {
			p.Decline(s.From, "the reference is broken over lines")
			continue
		}
		out = append(out, rewrite.Change{
			Title:   "pin " + word.Text + " to " + pin.Ref.String(),
			Why:     pin.Why,
			Gain:    "the same base in every build",
			Safety:  rewrite.Assumes,
			Assumes: "the image is meant to be built on " + pin.Ref.String() + " (" + pin.Source + ")",
			At:      s.From,
			Edits:   []rewrite.Edit{{Span: sp, New: pin.Ref.String()}},
			Config:  rewrite.FieldBase,
		})
	}
	return out, nil
}

// moving: no tag, or latest.
func moving(ref string) bool {
	if strings.Contains(ref, "@") {
		return false
	}
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	_, tag, ok := strings.Cut(name, ":")
	return !ok || tag == "latest"
}

// wanted is what the project says about the version of this image.
func wanted(p *rewrite.Pass, ref images.Ref) images.Want {
	switch ref.Repository() {
	case "python":
		v := p.Repo.PythonVersion()
		return images.Want{Version: v.Value, Constraint: v.Constraint, Source: v.File}
	case "node":
		v := p.Repo.NodeVersion(".")
		return images.Want{Version: v.Value, Constraint: v.Constraint, Source: v.File}
	case "golang":
		if g := p.Repo.Go("."); g != nil && g.Err == nil && g.GoVersion != "" {
			return images.Want{Constraint: ">=" + g.GoVersion, Source: "go.mod"}
		}
	}
	return images.Want{}
}
