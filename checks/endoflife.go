package checks

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// end-of-life finds base images that nobody mends any more. It runs by default:
// over the Dockerfiles that the catalogue was made from it finds next to
// nothing, over old ones it finds what is wrong with them first of all.
var _ = register(&rewrite.Check{
	Name:    "end-of-life",
	Summary: "A base image that is no longer supported",
	Doc: `Past its end of life a release gets no security fixes, and soon its images are no
longer built at all: what is found in them stays in them
(https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image).
Found are a release line whose makers have given it up (python:3.8), the
distribution's release inside (python:3.9-buster stands on Debian 10), repositories that
were retired (java, openjdk, centos, vault), and distroless images that their own support
policy has dropped. Days are those of https://endoflife.date and of the projects' notes, as
drydock's dated catalogue has them; each finding names its source. Debian's releases count
as supported until the end of Debian LTS, which is free for all; what Ubuntu and Red Hat
sell beyond their regular support doesn't count. Judged is on today's date, or on
SOURCE_DATE_EPOCH where it is set.

Also looked at are images that COPY --from and RUN --mount take from. An image is
found once in a file, where it is named first. ` + "`drydock update --level major`" + ` moves a base to a
supported line.`,
	Passes: `Images that the catalogue doesn't hold; moving tags (python:3, node:lts), which move on to
supported lines; digests without a tag; references that a variable without a default completes.`,
	Run: func(_ context.Context, p *rewrite.Pass) error {
		e := endOfLife{p: p, seen: map[string]bool{}}
		for _, s := range p.Doc.Stages {
			if s.Parent() == nil {
				e.look(s.From, s.BaseName(), 0)
			}
			for _, in := range s.Instructions {
				in = in.Inner()
				if _, _, from, _ := in.Copy(); from != "" {
					e.look(in, from, s.Index)
				}
				if mentions(in, "from=") {
					for _, m := range in.Mounts() {
						e.look(in, m["from"], s.Index)
					}
				}
			}
		}
		return nil
	},
})

type endOfLife struct {
	p    *rewrite.Pass
	seen map[string]bool
}

// look judges one reference; stage is the number of stages before it, any of
// which its name may mean.
func (e *endOfLife) look(in *rewrite.Instruction, name string, stage int) {
	if name == "" || e.seen[name] || strings.Contains(name, "$") || stage > 0 && e.p.Doc.StageByRef(name, stage) != nil {
		return
	}
	e.seen[name] = true
	ref, err := images.ParseRef(name)
	if err != nil {
		return
	}
	day := e.p.Images.Day()
	lt, known := images.LifetimeOf(ref, day)
	if lt.Retired != "" && lt.Retired <= day {
		e.p.Find(in, fmt.Sprintf("%s is of a repository that was retired on %s (%s)", name, lt.Retired, lt.RetiredBy), e.instead(ref, lt, day))
		return
	}
	img, _ := e.p.Images.Image(ref)
	end, source := images.ReleaseEnd(img.Distro, img.Release)
	lts := images.ReleaseLTS(img.Distro, img.Release)
	what := ""
	if known && lt.Ended && !(lt.EndOfLife != "" && (lt.EndOfLife == end && lts > day || lt.LTS > day)) {
		what = fmt.Sprintf("%s: line %s reached its end of life on %s (%s)", name, lt.Line, lt.EndOfLife, lt.Source)
		switch {
		case strings.HasPrefix(ref.Repository(), "gcr.io/distroless/") && lt.EndOfLife == "":
			what = fmt.Sprintf("%s: distroless images on Debian %s are no longer published (%s)", name, lt.Line, lt.Source)
		case strings.HasPrefix(ref.Repository(), "gcr.io/distroless/"):
			what = fmt.Sprintf("%s: its support on Debian %s ended on %s (%s)", name, lt.Line, lt.EndOfLife, lt.Source)
		case lt.EndOfLife == "":
			what = fmt.Sprintf("%s: line %s reached its end of life (%s)", name, lt.Line, lt.Source)
		case lt.LTS != "":
			what += ", its long-term support on " + lt.LTS
		}
	}
	// The distribution inside. A moving tag stays on it only if it says so.
	inside := ""
	if last := max(end, lts); end != "" && last <= day && lt.EndOfLife != end && !strings.HasPrefix(ref.Repository(), "gcr.io/distroless/") &&
		(!img.Moving || strings.Contains(ref.Tag, img.Release)) {
		inside = fmt.Sprintf("%s %s, whose support ended on %s (%s)", distroNames[img.Distro], img.Release, end, source)
		if lts != "" {
			inside = fmt.Sprintf("%s %s, whose support ended on %s, its long-term support on %s (%s)", distroNames[img.Distro], img.Release, end, lts, source)
		}
	}
	switch {
	case what != "" && inside != "":
		e.p.Find(in, what+"; it stands on "+inside, e.advice(ref, lt))
	case what != "":
		e.p.Find(in, what, e.advice(ref, lt))
	case inside != "":
		e.p.Find(in, name+" stands on "+inside, e.otherRelease(ref, img, day))
	}
}

// distroNames are how the distributions write themselves.
var distroNames = map[string]string{"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "fedora": "Fedora", "centos": "CentOS",
	"centos-stream": "CentOS Stream", "rhel": "Red Hat Enterprise Linux", "oraclelinux": "Oracle Linux", "amazonlinux": "Amazon Linux",
	"rockylinux": "Rocky Linux", "almalinux": "AlmaLinux"}

// instead says what stands in the place of a retired repository: the same major
// version of it, where there is such.
func (e *endOfLife) instead(ref images.Ref, lt images.Lifetime, day string) string {
	if lt.ReplacedBy == "" {
		return "start from another image: nothing was named in its place"
	}
	to := images.Ref{Path: lt.ReplacedBy}
	words := strings.FieldsFunc(ref.Tag, func(r rune) bool { return r == '-' })
	if len(words) > 0 {
		to.Tag = words[0][:len(words[0])-len(strings.TrimLeft(words[0], "0123456789"))]
		for _, w := range words[1:] {
			if w == "jdk" || w == "jre" || w == "alpine" || w == "slim" && lt.ReplacedBy != "eclipse-temurin" {
				to.Tag += "-" + w
			}
		}
	}
	if next, known := images.LifetimeOf(to, day); known && !next.Ended && next.Retired == "" {
		if _, ok := e.p.Images.Image(to); ok {
			return "start from " + to.String() + " instead"
		}
	}
	return "start from " + lt.ReplacedBy + " instead"
}

// advice names the supported line to go to, and the command only where it goes there.
func (e *endOfLife) advice(ref images.Ref, lt images.Lifetime) string {
	day := e.p.Images.Day()
	// By the catalogue, which asks no registry; a digest is moved with its tag.
	free := ref.WithTag(ref.Tag)
	next, moves := images.CatalogueOn(day).Next(free, images.Want{}, images.LevelMajor)
	if moves && !e.supported(next.Ref, day) {
		moves = false
	}
	newest := ""
	switch {
	case moves:
		newest = next.Ref.String()
	case lt.Newest != "":
		newest = ref.WithTag(lt.Newest).String()
	case lt.ReplacedBy != "":
		return "start from " + lt.ReplacedBy + " instead"
	default:
		return "start from another image: the catalogue knows no supported line of it"
	}
	to := "go to " + newest
	if least := ref.WithTag(lt.Next); lt.Next != "" && least.String() != newest && e.supported(least, day) {
		to += ", or at least to " + least.String()
	}
	if !moves {
		return to
	}
	was, _ := images.Catalogue().Image(free)
	if now, _ := images.Catalogue().Image(next.Ref); was.User != now.User || was.Workdir != now.Workdir {
		return fmt.Sprintf("%s, which starts as another user or in another folder (%s in %s)", to, cmp.Or(now.User, "root"), cmp.Or(now.Workdir, "/"))
	}
	if asked := e.p.Repo.Asked(repo.LanguageOf(ref.Official()), "."); asked.File != "" {
		want := images.Want{Version: asked.Value, Constraint: asked.Constraint, Source: asked.File}
		if p, ok := images.CatalogueOn(day).Next(free, want, images.LevelMajor); !ok || !e.supported(p.Ref, day) {
			return fmt.Sprintf("%s, when %s asks for more than %s: drydock update keeps to it", to, asked.File, cmp.Or(asked.Value, asked.Constraint))
		}
	}
	return to + ": drydock update --level major"
}

// supported: neither the line nor the distribution inside has ended.
func (e *endOfLife) supported(ref images.Ref, day string) bool {
	if lt, known := images.LifetimeOf(ref, day); known && lt.Ended {
		return false
	}
	img, _ := images.CatalogueOn(day).Image(ref)
	end, _ := images.ReleaseEnd(img.Distro, img.Release)
	return end == "" || max(end, images.ReleaseLTS(img.Distro, img.Release)) > day
}

// otherRelease names a tag of the same line on a supported release.
func (e *endOfLife) otherRelease(ref images.Ref, img images.Image, day string) string {
	tag := img.Line
	if img.Variant != "" {
		tag += "-" + img.Variant
	}
	to := ref.WithTag(tag)
	other, ok := e.p.Images.Image(to)
	end, _ := images.ReleaseEnd(other.Distro, other.Release)
	if ok && img.Line != "" && tag != ref.Tag && max(end, images.ReleaseLTS(other.Distro, other.Release)) > day {
		return fmt.Sprintf("%s stands on %s %s", to, distroNames[other.Distro], other.Release)
	}
	return "take a tag on a supported release"
}
