package images

import (
	"fmt"
	"slices"
	"strings"
)

// Next moves a pin forward within what the catalogue lists.
func (c catalogue) Next(ref Ref, want Want, level Level) (Pinned, bool) {
	f, tag, why := movable(ref)
	if why == "" && f.anyWord && !strings.HasPrefix(ref.mirrored(), distrolessPrefix) {
		_, _, why = pinnable(ref)
	}
	switch {
	case why != "":
	case ref.Digest != "":
		why = "a digest moves only when its registry is asked"
	case level == LevelDigest:
		why = "it has no digest"
	case strings.HasPrefix(ref.mirrored(), distrolessPrefix):
		to, reason := nextDistroless(ref, level, c.day)
		return Pinned{Ref: to, Why: reason, Source: distrolessSource + ", " + distrolessDate}, to != Ref{}
	default:
		var to string
		if to, why = f.next(tag, want, level, f.listedTags(), c.day); to != "" {
			return Pinned{Ref: ref.WithTag(to), Why: why, Source: f.source + ", " + f.date}, true
		}
	}
	return Pinned{Why: why}, false
}

// nextDistroless is the same image on the newest Debian release that it is kept
// up for: the release stands in the name. Python's is tied to the release, so
// there it is another line of Python.
func nextDistroless(ref Ref, level Level, day string) (to Ref, why string) {
	kind, release, ok := strings.Cut(strings.TrimPrefix(ref.mirrored(), distrolessPrefix), "-debian")
	newest, known := Distroless(kind)
	switch {
	case !ok:
		return Ref{}, "without a Debian release in its name it moves by itself"
	case !known || newest.Repository() == ref.mirrored():
		return Ref{}, "no newer Debian release of it is known"
	case level < LevelMajor && distrolessEnd(kind, release) != "" && distrolessEnd(kind, release) <= day:
		return Ref{}, "its support on Debian " + release + " ended on " + distrolessEnd(kind, release) + "; --level major leaves it"
	case level < LevelMajor:
		return Ref{}, "its tag moves by itself"
	}
	to = ref
	to.Path, to.Digest = strings.TrimSuffix(ref.Path, release)+strings.TrimPrefix(newest.Path, "distroless/"+kind+"-debian"), ""
	why = fmt.Sprintf("Debian %s is the newest release that it is published for", strings.TrimPrefix(newest.Path, "distroless/"+kind+"-debian"))
	if end := distrolessEnd(kind, release); end != "" && end <= day {
		why = fmt.Sprintf("its support on Debian %s ended on %s; %s", release, end, why)
	}
	return to, why
}

// movable is the family and the tag of a reference that can be moved forward,
// or the reason to leave it alone. Of a repository that isn't in the catalogue
// the family knows the grammar of versions and nothing else.
func movable(ref Ref) (f *family, tag, why string) {
	name := ref.mirrored()
	switch {
	case ref.hasVariable():
		return nil, "", "the reference holds a variable"
	case name == "scratch":
		return nil, "", "scratch is no image"
	case ref.Tag == "" && ref.Digest != "":
		return nil, "", "a digest without a tag doesn't tell which one to follow"
	}
	if f = familyOf(name); f == nil {
		f = unknownFamily(ref.Repository())
	}
	return f, orElse(ref.Tag, "latest"), ""
}

// unknownFamily is a repository of which only the usual grammar of tags is
// known: [v]NUMBER[.NUMBER…][-WORD…].
func unknownFamily(repository string) *family {
	return &family{repository: repository, depth: 2, anyWord: true}
}

func (f *family) listedTags() []string {
	var out []string
	for tag, i := range f.byTag {
		if f.rows[i].gone == "" {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return out
}

// next is the tag of tags to which level allows to go from tag, with the
// reason; "" when there is none, with the reason.
func (f *family) next(tag string, want Want, level Level, tags []string, day string) (to, why string) {
	if why := f.fixed(tag, level); why != "" {
		return "", why
	}
	t := f.lex(tag)
	if t.dated {
		return f.nextDate(tag, &t, tags)
	}
	m := f.mover(&t, level, day)
	m.limit(want)
	// On the newest line the tag with the same suffix; where that isn't built on
	// the old release of the system, or nobody keeps that release up any more, the
	// one on the newest release that is kept up.
	leaves := level > LevelPatch && releaseEnded(t.release, day)
	best, found := lexed{}, false
	for _, strict := range []bool{true, false} { // at first without what stands on a release that has ended
		for _, name := range tags {
			if i, ok := f.byTag[name]; ok && f.rows[i].pre {
				continue // ubuntu:26.10 before its release
			}
			c := f.lex(name)
			same := c.suffix == t.suffix
			if !same && !m.moves(&c) || same && strict && leaves || !m.allows(&c) {
				continue
			}
			if !found || m.better(&c, &best) || !m.better(&best, &c) && name < to {
				to, best, found = name, c, true
			}
		}
		if found {
			return to, m.reason(&t, &best)
		}
	}
	return "", m.none(tag, &t)
}

// fixed tells why a tag has nowhere to go, whatever tags there are; "" when that
// depends on them.
func (f *family) fixed(tag string, level Level) string {
	t := f.lex(tag)
	switch {
	case f.anyWord && t.version == "" && !t.dated && !movingWords[tag]:
		return fmt.Sprintf("tag %s holds no version", tag)
	case f.anyWord && numericStart(t.version) && !numeric(t.version) && !unfinishedIn(t.version):
		return fmt.Sprintf("%s isn't a version of a form that can be compared", t.version)
	case f.anyWord && numericStart(t.version) && era(t.version) == 2 && parts(t.version) < f.depth:
		return fmt.Sprintf("tag %s is a date or a number, no version", tag)
	case !f.precise(&t):
		return fmt.Sprintf("tag %s moves by itself", tag)
	case t.pre:
		return fmt.Sprintf("tag %s is a pre-release", tag)
	case f.retired != "" && level > LevelPatch:
		return fmt.Sprintf("%s was given up on %s (%s): use %s", f.repository, f.retired, f.source, f.replacedBy)
	}
	return ""
}

// unfinishedIn: letters in a version (1.2.3rc1, 1.0.beta2) that mean a pre-release.
func unfinishedIn(version string) bool {
	words := strings.FieldsFunc(version, func(r rune) bool { return r < 'A' })
	return slices.ContainsFunc(words, func(w string) bool {
		return unfinishedWord(w+"1") && (len(w) > 1 || strings.Contains(version, ".")) // 4f2a9c1 is a hash
	})
}

// nextDate moves a tag with a date (bookworm-20240101-slim) to the newest of
// the same words.
func (f *family) nextDate(tag string, t *lexed, tags []string) (to, why string) {
	at := slices.IndexFunc(t.words, isDate)
	if at < 0 {
		return "", "nothing newer than " + tag + " is known"
	}
	newest := t.words[at]
	for _, name := range tags {
		c := f.lex(name)
		if c.version != t.version || len(c.words) != len(t.words) || !isDate(c.words[at]) || c.words[at] <= newest {
			continue
		}
		same := true
		for i, w := range c.words {
			same = same && (i == at || w == t.words[i])
		}
		if same {
			to, newest = name, c.words[at]
		}
	}
	if to == "" {
		return "", "nothing newer than " + tag + " is known"
	}
	return to, newest + " is the newest of " + strings.Replace(tag, "-"+t.words[at], "", 1)
}

func isDate(w string) bool { return len(w) >= 8 && strings.HasPrefix(w, "20") && numeric(w) }
