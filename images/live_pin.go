package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProofs bounds the HEAD requests that look for a tag with the same digest.
const maxProofs = 24

// movingWords are tags that name no release, of repositories of which no more is
// known.
var movingWords = map[string]bool{"latest": true, "stable": true, "lts": true, "current": true}

// Pin looks for the tag that the same digest carries: the newest version of each
// line is asked for, the newest line first; then, for MostPrecise, its tags that
// name the release of the system too. Where nothing is proven the catalogue
// answers, and the store is asked whether that tag is there.
func (s *LiveSource) Pin(ref Ref, want Want, to Precision) (Pinned, bool) {
	listed, ok := s.catalogue.Pin(ref, want, ReleaseLine)
	f, tag, _ := movable(ref)
	if f == nil || ref.Digest != "" || strings.HasPrefix(ref.mirrored(), distrolessPrefix) {
		return listed, ok
	}
	t := f.lex(tag)
	if f.anyWord && !movingWords[tag] || f.precise(&t) || t.pre {
		return listed, ok
	}
	now, err := s.store.Resolve(ref)
	if err != nil {
		return s.unproven(ref, listed, ok, err)
	}
	tags, err := s.store.Tags(ref)
	if err != nil {
		return s.unproven(ref, listed, ok, err)
	}
	p := prover{s: s, f: f, t: &t, ref: ref, digest: now.Digest, tags: tags, left: maxProofs}
	found := p.find(to)
	if p.err != nil {
		return s.unproven(ref, listed, ok, p.err)
	}
	if found == "" {
		if f.anyWord {
			return Pinned{Why: fmt.Sprintf("no tag with a version was found that names what %s names now (%s)", ref.WithTag(tag), ShortDigest(now.Digest))}, false
		}
		return s.unproven(ref, listed, ok, nil)
	}
	if why := p.unwanted(found, want); why != "" {
		if ok { // the catalogue chose by the same wish
			return s.unproven(ref, listed, ok, nil)
		}
		return Pinned{Why: why}, false
	}
	return Pinned{Ref: ref.WithTag(found), Proven: true, SameToday: true, Source: s.store.Name(),
		Why: fmt.Sprintf("%s and %s name the same image now (%s)", ref.WithTag(tag), found, ShortDigest(now.Digest))}, true
}

// unproven is the catalogue's answer. A store that has what ref names must have
// the tag too; of one that lacks even that, such as a mirror of a few images or a
// proxy in between, nothing follows.
func (s *LiveSource) unproven(ref Ref, listed Pinned, ok bool, err error) (Pinned, bool) {
	switch {
	case errors.Is(err, ErrNotFound) && !ok:
		return Pinned{Why: err.Error()}, false
	case err != nil && ok:
		s.failed(ref, err)
		return listed, true
	case err != nil:
		s.failed(ref, err)
		return Pinned{Why: orElse(listed.Why, err.Error())}, false
	case !ok:
		return listed, false
	}
	if _, err := s.store.Resolve(listed.Ref); errors.Is(err, ErrNotFound) {
		return Pinned{Why: err.Error()}, false
	}
	return listed, true
}

// prover looks for a tag with a digest.
type prover struct {
	s      *LiveSource
	f      *family
	t      *lexed // the moving tag
	ref    Ref
	digest string
	tags   []string
	left   int // requests
	err    error
}

// same asks whether a tag has the digest.
func (p *prover) same(tag string) bool {
	if p.left == 0 || p.err != nil {
		return false
	}
	p.left--
	d, err := p.s.store.Resolve(p.ref.WithTag(tag))
	if err != nil && !errors.Is(err, ErrNotFound) {
		p.err = err
	}
	return err == nil && d.Digest == p.digest
}

// candidate is a tag that is more precise than the moving one.
type candidate struct {
	tag string
	lexed
	line string
}

// candidates keep the words of the moving tag.
func (p *prover) candidates(to Precision) []candidate {
	var out []candidate
	withV := map[string]bool{} // without their v
	for _, tag := range p.tags {
		if bare, ok := strings.CutPrefix(tag, "v"); ok {
			withV[bare] = true
		}
	}
	for _, tag := range p.tags {
		if withV[tag] { // traefik:v3.7 is how its documentation writes it
			continue
		}
		c := p.f.lex(tag)
		if to == ReleaseLine && p.f.pinAlias == numericStart(c.version) {
			continue
		}
		if !c.known || c.pre || c.dated || !p.f.precise(&c) || c.slim != p.t.slim || c.alpine != p.t.alpine ||
			numericStart(p.t.version) && !within(c.version, p.t.version) {
			continue
		}
		if n, rest, _ := number(c.version); rest == "" && n > 9999 { // 20240131
			continue
		}
		if p.f.anyWord && !numericStart(c.version) {
			continue
		}
		keeps := true
		for _, w := range p.t.words {
			keeps = keeps && (w == "alpine" || c.has(w))
		}
		if line := p.f.lineAt(c.version); keeps && (line != nil || p.f.anyWord) {
			name := c.version
			if line != nil {
				name = line.name
			}
			out = append(out, candidate{tag, c, name})
		}
	}
	return out
}

// find is the tag, "" for none.
func (p *prover) find(to Precision) string {
	all := p.candidates(to)
	slices.SortFunc(all, func(a, b candidate) int {
		if d := compare(b.line, a.line); d != 0 {
			return d
		}
		if to == ReleaseLine {
			if d := parts(a.version) - parts(b.version); d != 0 {
				return d
			}
		}
		if d := compare(b.version, a.version); d != 0 {
			return d
		}
		if d := parts(b.version) - parts(a.version); d != 0 {
			return d
		}
		if d := len(a.words) - len(b.words); d != 0 {
			return d
		}
		return strings.Compare(a.tag, b.tag)
	})
	// Round by round: of each line the newest version that wasn't asked for, with
	// the words of the moving tag or the fewest more.
	asked := map[string]bool{} // versions
	for round := 0; round < 3 && p.left > 0; round++ {
		seen := map[string]bool{} // lines
		for _, c := range all {
			if seen[c.line] || asked[c.version] {
				continue
			}
			seen[c.line], asked[c.version] = true, true
			if p.same(c.tag) {
				if to == ReleaseLine {
					return c.tag
				}
				return p.sharper(all, c)
			}
		}
	}
	return ""
}

// sharper is the most precise tag for the image of c: as many numbers, and the
// release of the system.
func (p *prover) sharper(all []candidate, c candidate) string {
	if c.release != "" {
		return c.tag
	}
	want := ""
	if i, ok := p.f.byTag[orElse(p.ref.Tag, "latest")]; ok {
		want = p.f.rows[i].release // the catalogue's, to ask for it first
	}
	var finer []candidate
	for _, o := range all {
		if o.version == c.version && o.release != "" && o.variant() == c.variant() {
			finer = append(finer, o)
		}
	}
	slices.SortStableFunc(finer, func(a, b candidate) int {
		if x, y := a.release == want, b.release == want; x != y {
			if x {
				return -1
			}
			return 1
		}
		return int(1000 * (releaseAge(b.release) - releaseAge(a.release)))
	})
	for _, o := range finer {
		if p.same(o.tag) {
			return o.tag
		}
	}
	return c.tag
}

// unwanted tells why the project doesn't want the version that a tag names.
func (p *prover) unwanted(tag string, want Want) string {
	if want.Version == "" && want.Constraint == "" || p.f.anyWord {
		return ""
	}
	c := p.f.lex(tag)
	l := p.f.lineAt(c.version)
	asked := orElse(want.Version, want.Constraint)
	fits, err := p.f.requirement(l, want)
	if err == nil && l != nil && fits(l, strings.TrimPrefix(orElse(numberOnly(c.version), l.name), "v")) {
		return ""
	}
	return fmt.Sprintf("it names %s now, and the project asks for %s (%s)", tag, asked, want.Source)
}
