package transforms

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// update-base moves references forward that name a version: the work of
// `drydock update`.
var _ = register(&rewrite.Transform{
	Name:      "update-base",
	Summary:   "Move pinned base images forward",
	Phase:     rewrite.PhaseBase,
	OptIn:     true,
	AllAssume: true,
	Apart:     true,
	Doc: `A pinned base is the same in every build, its security updates left out
(https://docs.docker.com/build/building/best-practices/#rebuild-your-images-often).
So a pin has to be moved: to the newest patch of its release line, to a newer line,
off a line that has reached its end of life, or, where a digest is pinned, to the
digest that the tag has now.

Which tags there are the registry tells, which lines are supported and for how long the
catalogue (endoflife.date). The tag keeps its form: as many numbers, the same suffix
(-slim, -alpine3.20). Where a new line is no longer built on that release of the system,
it is the newest release of the same system. A pinned digest stays pinned.`,
	Assumes: `The project runs on the newer image.`,
	Declines: `It leaves alone tags that move by
themselves (pin-base pins them), pre-releases, retired repositories, versions that the
project itself doesn't ask for (.python-version, engines, …), what nobody knows a newer
tag of, and, where the stage doesn't set its own first, newer images that start as another
user or in another folder.`,
	Policies: []rewrite.Policy{
		{Name: "patch", Summary: "the newest patch of the same release line, and its digest"},
		{Name: "digest", Summary: "the same tag with the digest that it has now"},
		{Name: "minor", Summary: "the newest supported line with the same first number"},
		{Name: "major", Summary: "the newest supported line, of long-term support where there is such"},
	},
	Run: runUpdateBase,
})

var updateLevels = map[string]images.Level{"digest": images.LevelDigest, "patch": images.LevelPatch, "minor": images.LevelMinor, "major": images.LevelMajor}

func runUpdateBase(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	level := updateLevels[p.Policy]
	for _, at := range imagePlaces(p) {
		if at.Why != "" {
			p.Decline(at.At, "%s: %s", at.Raw, at.Why)
			continue
		}
		next, ok := p.Images.Next(at.Ref, wanted(p, at), level)
		if !ok {
			p.Decline(at.At, "%s: %s", at.Text, next.Why)
			continue
		}
		if why := startsElse(p, at, next.Ref); why != "" {
			p.Decline(at.At, "%s: %s", at.Text, why)
			continue
		}
		// Of what is made of the same build argument each has to come where its own
		// update leads.
		edits, why := at.write(next.Ref, func(other *imagePlace, now string) bool {
			to, ok := p.Images.Next(other.Ref, wanted(p, other), level)
			return ok && to.Ref.String() == now
		})
		if why != "" {
			p.Decline(at.At, "%s: %s", at.Text, why)
			continue
		}
		out = append(out, rewrite.Change{
			Title:   "update " + at.Text + " to " + next.Ref.String(),
			Why:     next.Why,
			Safety:  rewrite.Assumes,
			Assumes: "the project runs on " + next.Ref.String(),
			At:      at.At,
			Edits:   edits,
			Image:   &rewrite.ImageChange{From: at.Text, To: next.Ref.String()},
			Config:  at.Config(),
		})
	}
	return out, nil
}

// startsElse tells that what is built on an image would run as another user or in
// another folder on the newer one: what the stage does before it sets its own
// would fail (apt-get without root) or go elsewhere (COPY app .).
func startsElse(p *rewrite.Pass, at *imagePlace, to images.Ref) string {
	if at.Kind != placeFrom {
		return ""
	}
	old, ok1 := p.Images.Image(images.Ref{Domain: at.Ref.Domain, Path: at.Ref.Path, Tag: at.Ref.Tag})
	now, ok2 := p.Images.Image(images.Ref{Domain: to.Domain, Path: to.Path, Tag: to.Tag})
	if !ok1 || !ok2 {
		return ""
	}
	user, folder := old.User != now.User, old.Workdir != now.Workdir
stage:
	for _, in := range at.Stage.Instructions {
		switch in.Keyword {
		case "user":
			user = false
		case "workdir":
			folder = folder && !strings.HasPrefix(in.Args.Text, "/")
		case "from", "arg", "env", "label":
		default:
			break stage
		}
	}
	switch {
	case user:
		return fmt.Sprintf("%s starts as %s, not as %s: say USER at the top of the stage first", to, rootOr(now.User), rootOr(old.User))
	case folder:
		return fmt.Sprintf("%s starts in %s, not in %s: say WORKDIR at the top of the stage first", to, cmp.Or(now.Workdir, "/"), cmp.Or(old.Workdir, "/"))
	}
	return ""
}

func rootOr(user string) string { return cmp.Or(user, "root") }
