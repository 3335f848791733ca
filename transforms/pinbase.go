package transforms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/images"
	"drydock/rewrite"
)

// pin-base gives an image that has no tag or a moving one the tag, or the digest,
// that it has now; else the tag that the project or the catalogue names.
var _ = register(&rewrite.Transform{
	Name:    "pin-base",
	Summary: "Pin base images that have no tag or a moving one",
	Phase:   rewrite.PhaseBase,
	Rules:   []string{"DL3006", "DL3007"},
	Apart:   true,
	Policies: []rewrite.Policy{
		{Name: "tag", Summary: "the most precise tag that names the same image now; where no registry is asked, the release line"},
		{Name: "minor", Summary: "the tag of the release line: python:3.14"},
		{Name: "digest", Summary: "the tag with the digest of what it names now, of all platforms"},
	},
	Doc: `FROM python or FROM python:latest is another image every few months: a build
that worked yesterday breaks without a change in the repository
(https://docs.docker.com/build/building/best-practices/#pin-base-image-versions,
hadolint DL3006 and DL3007).

Where a registry can be asked, the tag is the most precise one that names the same image
now: both have one digest, so the image is the same and the change safe. Else the tag comes
from what the project itself says (.python-version, engines, the go directive, .ruby-version,
composer.json, the Java release of pom.xml, rust-toolchain, global.json, .tool-versions, …;
in the folder that the stage copies from, where that is clear), else from drydock's dated
catalogue of official images: the line that the moving tag named on that date. A suffix such
as -slim or -alpine is kept.

Images are named in FROM, in COPY --from, in RUN --mount=from and in the syntax directive
(docker/dockerfile:1 there). Of a reference made of build arguments the default of the
argument is changed.

The policy digest adds the digest of the index, so that the image is the same on every
platform and on every day; ` + "`drydock update`" + ` moves it. Only a registry knows digests.`,
	Assumes: `The project means that line; no registry proved that it is what is built now. Where a build
argument beside the tag names a registry or a repository, that one has such a tag too.`,
	Declines: `It leaves alone tags that name a
release line already, digests, other stages, scratch, and images that neither the catalogue
nor a registry knows. It says why where a build argument has no default, or is given by a
compose, bake or CI file, or its default means something else too (another image, a stage
that takes it, a platform); where a build context given from outside stands in the image's
place; where a tag is built no longer or its line has reached its end of life; behind
ONBUILD, where the name may be a stage of the file that builds on the image; and, for a
digest, where the registry doesn't answer, the image isn't there for a platform that the
file names, or a build argument beside it chooses another tag.`,
	Run: runPinBase,
})

// A pin is what a place shall name.
type pin struct {
	at     *imagePlace
	to     images.Ref
	why    string
	safe   bool
	source string // of what isn't safe
	beside []string
	edits  []rewrite.Edit
}

func runPinBase(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !p.Unsafe && !images.Proves(p.Images) && p.Policy != "digest" {
		return nil, nil // each change would rest on an assumption
	}
	places := imagePlaces(p)
	out, declined, stuck := pinAll(p, places, nil)
	if len(stuck) > 0 && p.Policy != "minor" {
		// Where the most precise tag doesn't fit what build arguments make
		// (python:${V}-slim and 3.14.6-slim-trixie) the release line may.
		out, declined, _ = pinAll(p, places, stuck)
	}
	for _, d := range declined {
		p.Decline(d.at.At, "%s", d.why)
	}
	return out, nil
}

type declinedPlace struct {
	at  *imagePlace
	why string
}

// pinAll pins the places, those that take one of the build arguments coarse to
// the release line. stuck are the arguments of those that couldn't be written.
func pinAll(p *rewrite.Pass, places []*imagePlace, coarse []string) (out []rewrite.Change, declined []declinedPlace, stuck []string) {
	pins := map[string]*pin{}
	var order []*pin
	for _, at := range places {
		to := images.MostPrecise
		if p.Policy == "minor" || slices.ContainsFunc(at.Args, func(a string) bool { return slices.Contains(coarse, a) }) {
			to = images.ReleaseLine
		}
		pn, why := pinOf(p, at, to)
		switch {
		case why != "":
			declined = append(declined, declinedPlace{at, why})
		case pn != nil:
			pins[at.id()] = pn
			order = append(order, pn)
		}
	}
	for _, pn := range order {
		// A default that several references are made of is changed for all of them.
		whole := *pn
		whole.beside = pn.at.Beside(pn.to)
		edits, why := pn.at.write(pn.to, func(other *imagePlace, now string) bool {
			o := pins[other.id()]
			if o == nil || o.to.String() != now {
				return false
			}
			if !o.safe {
				whole.safe, whole.source = false, o.source
			}
			whole.beside = append(whole.beside, o.at.Beside(o.to)...)
			return true
		})
		if why != "" {
			declined = append(declined, declinedPlace{pn.at, why})
			stuck = append(stuck, pn.at.Args...)
			continue
		}
		whole.edits = edits
		out = append(out, whole.change())
	}
	return out, declined, stuck
}

// id tells places of one file apart.
func (pl *imagePlace) id() string {
	if pl.At == nil {
		return string(pl.Kind)
	}
	return fmt.Sprint(pl.At.Index, pl.Kind, pl.span.Start, pl.Raw)
}

func (pn *pin) change() rewrite.Change {
	c := rewrite.Change{
		Title:  "pin " + pn.at.Text + " to " + pn.to.String(),
		Why:    pn.why,
		Gain:   "the same base in every build",
		At:     pn.at.At,
		Edits:  pn.edits,
		Image:  &rewrite.ImageChange{From: pn.at.Text, To: pn.to.String()},
		Config: pn.at.Config(),
	}
	switch pn.at.Kind {
	case placeCopy, placeMount:
		c.Gain = "the same files in every build"
	case placeSyntax:
		c.Gain = "a frontend that is chosen on purpose"
	}
	if !pn.safe {
		c.Safety = rewrite.Assumes
		what := map[placeKind]string{placeFrom: "the image is meant to be built on ", placeSyntax: "the file is meant to be read by ",
			placeCopy: "the files are meant to come from ", placeMount: "the files are meant to come from "}
		c.Assumes = what[pn.at.Kind] + pn.to.String() + " (" + pn.source + ")"
	}
	if len(pn.beside) > 0 {
		slices.Sort(pn.beside)
		if c.Safety = rewrite.Assumes; c.Assumes != "" {
			c.Assumes += "; "
		}
		c.Assumes += "where " + strings.Join(slices.Compact(pn.beside), " or ") + " is given another value there is such a tag too"
	}
	return c
}

// pinOf is the pin for a place; nil without a reason where there is nothing to
// do, with one where there is and it can't be done.
func pinOf(p *rewrite.Pass, at *imagePlace, to images.Precision) (*pin, string) {
	switch {
	case len(at.Args) > 0 && at.Why != "" && slices.ContainsFunc(at.Args, func(a string) bool { return platformArgs[a] }):
		return nil, "" // mostly a stage: FROM build-$TARGETARCH
	case at.Why != "":
		return nil, at.Why
	case at.Ref.Digest != "":
		return nil, ""
	}
	pn := &pin{at: at, to: at.Ref, safe: true}
	if at.Kind == placeSyntax && at.Ref.Repository() == "docker/dockerfile" {
		if why := pn.frontend(p); why != "" {
			return nil, why
		}
	} else if why := pn.tag(p, to); why != "" {
		return nil, why
	}
	if p.Policy == "digest" {
		if why := pn.digest(p); why != "" {
			return nil, why
		}
	}
	if pn.to == at.Ref {
		return nil, ""
	}
	return pn, ""
}

// tag makes a moving tag precise.
func (pn *pin) tag(p *rewrite.Pass, to images.Precision) (why string) {
	got, ok := p.Images.Pin(pn.to, wanted(p, pn.at), to)
	switch {
	case ok:
		pn.to, pn.why, pn.safe, pn.source = got.Ref, got.Why, got.Proven, got.Source
		if got.Proven {
			pn.why += ", asked of " + pn.to.Host()
		}
	case p.Policy == "digest": // the digest alone keeps it
	case moving(pn.at.Text) && !strings.Contains(pn.at.Ref.Repository(), "distroless"): // its tags carry no version
		return got.Why
	}
	return ""
}

// frontend: Docker names three kinds of tags, docker/dockerfile:1 being the one
// to use (https://docs.docker.com/build/buildkit/frontend/#stable-channel).
func (pn *pin) frontend(p *rewrite.Pass) (why string) {
	switch pn.to.Tag {
	case "", "latest":
	case "experimental", "labs", "master", "master-labs":
		if p.Policy != "digest" {
			return "tag " + pn.to.Tag + " of docker/dockerfile is a preview: only a digest keeps it"
		}
		return ""
	default:
		return ""
	}
	old := pn.to
	pn.to = old.WithTag("1")
	pn.why = "docker/dockerfile:1 is the stable syntax with all its fixes, which Docker advises; latest may be a 2 some day"
	pn.safe, pn.source = false, "Docker's documentation of the frontend"
	if !images.Proves(p.Images) {
		return ""
	}
	was, err1 := p.Images.Digest(old, nil)
	now, err2 := p.Images.Digest(pn.to, nil)
	if err1 == nil && err2 == nil && was == now {
		pn.safe = true
		pn.why += fmt.Sprintf("; both name the same image now (%s), asked of %s", images.ShortDigest(now), pn.to.Host())
	}
	return ""
}

// digest adds what the tag names now.
func (pn *pin) digest(p *rewrite.Pass) (why string) {
	moved := pn.to != pn.at.Ref
	got, err := p.Images.Digest(pn.to, platformsFor(p.Doc, pn.at))
	switch {
	case errors.Is(err, images.ErrOffline):
		return pn.at.Text + " gets no digest: no registry is asked"
	case err != nil:
		return pn.at.Text + " gets no digest: " + err.Error()
	}
	if pn.to.Tag == "" {
		pn.to.Tag = "latest" // so that it is seen what the digest was
	}
	now := fmt.Sprintf("%s names %s now, asked of %s", pn.to.WithTag(pn.to.Tag), images.ShortDigest(got), pn.to.Host())
	pn.to.Digest = got
	if moved {
		pn.why += "; " + now
	} else {
		pn.why = now + "; the digest names that image for good"
	}
	return ""
}

// platformsFor are the platforms that the file names for a place and for the
// stages that build on it.
func platformsFor(doc *rewrite.Document, at *imagePlace) []string {
	out := slices.Clone(at.Platforms)
	if at.Kind != placeFrom {
		return out
	}
	for _, s := range doc.Stages {
		pf := s.From.Cmd.(*instructions.Stage).Platform
		if pf != "" && !strings.Contains(pf, "$") && s.Descends(at.Stage) && !slices.Contains(out, pf) {
			out = append(out, pf)
		}
	}
	return out
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
