package images

import (
	"fmt"
	"slices"
	"strings"
)

// Slim gives the tag that says slim and else the same. It is claimed only when
// both tags were listed and stand on the same release: today, or, for lines no
// longer built, when they last were.
func (c catalogue) Slim(ref Ref) (Ref, string, bool) {
	if ref.Digest != "" {
		return Ref{}, "its digest names the full image alone; name the slim tag with a digest of its own first", false
	}
	f, tag, why := pinnable(ref)
	if f == nil {
		return Ref{}, why, false
	}
	t := f.lex(tag)
	switch {
	case f.noSlim != "":
		return Ref{}, f.noSlim, false
	case t.slim:
		return Ref{}, "it is the slim image already", false
	case t.alpine:
		return Ref{}, "Alpine images have no slim counterpart: they are small already", false
	}
	to, why := f.slim(tag, &t)
	if to == "" {
		return Ref{}, why, false
	}
	full, ok1 := f.image(tag)
	small, ok2 := f.image(to)
	if !ok1 || !ok2 || full.Version != small.Version || full.PackageManager != small.PackageManager || full.Release != small.Release || small.Release == "" {
		return Ref{}, fmt.Sprintf("%s:%s and %s aren't known to hold the same release", f.repository, tag, to), false
	}
	return ref.WithTag(to), "", true
}

func (f *family) slim(tag string, t *lexed) (to, why string) {
	none := fmt.Sprintf("%s has no slim tag for %s (%s, %s)", f.repository, tag, f.source, f.date)
	for _, suffix := range slimSuffixes(t) {
		to := join(t.version, suffix)
		if _, ok := f.byTag[tag]; ok {
			if _, ok := f.byTag[to]; ok {
				return to, ""
			}
			continue
		}
		line := f.lineOf(t.version)
		if line == "" || !t.known || f.strange(t) {
			continue
		}
		p := f.past[line]
		if p != nil && t.suffix == "" {
			full, had := p.at(".", t.version)
			small, has := p.at("slim", t.version)
			if had && has && (full == "" || small == "") {
				return "", fmt.Sprintf("the Debian release of %s:%s isn't recorded", f.repository, tag)
			}
			if had && has && full == small {
				return to, ""
			}
			if had && has {
				return "", fmt.Sprintf("%s:%s stands on %s and its slim tag on %s", f.repository, tag, full, small)
			}
		}
		if p != nil && p.had(t.version, t.suffix) && p.had(t.version, suffix) {
			return to, ""
		}
		// A patch of a listed line: its tags come in the same pairs.
		full, ok1 := f.byTag[join(line, t.suffix)]
		small, ok2 := f.byTag[join(line, suffix)]
		if !ok1 || !ok2 || f.rows[full].release != f.rows[small].release {
			continue
		}
		if newer := compare(t.version, f.rows[full].version) > 0; newer || !f.pinAlias && p == nil {
			return to, ""
		}
	}
	return "", none
}

// slimSuffixes are the places where families put the word: python's
// slim-bookworm, node's bookworm-slim, openjdk's jre-slim-bullseye.
func slimSuffixes(t *lexed) []string {
	if len(t.words) == 0 {
		return []string{"slim"}
	}
	var out []string
	for i := 0; i <= len(t.words); i++ {
		out = append(out, strings.Join(slices.Insert(slices.Clone(t.words), i, "slim"), "-"))
	}
	return out
}
