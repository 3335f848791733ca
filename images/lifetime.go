package images

import "strings"

// A Lifetime is what is known about how long the release line of an image is
// kept up: by the makers of what the image is named after, not of the
// distribution inside (see ReleaseEnd).
type Lifetime struct {
	Line       string // release line that the tag names: "3.8"
	LTS        string // day until which another team keeps it up, free for all (ReleaseLTS); "" nobody
	EndOfLife  string // day its support ends or ended, YYYY-MM-DD; "" not known or not set
	Ended      bool   // it ended before the judged day, on that day or on one that nobody tells
	Next       string // tag of the nearest newer line that is supported, with the same suffix where there is such; "" none
	Newest     string // the same of the line that an update of LevelMajor goes to; "" none
	Source     string // who tells the days, and when: "endoflife.date/python, 2026-08-22"
	ReplacedBy string // what the makers of a retired repository name in its place, the newer repository of a distroless image; may be ""
	Retired    string // day from which nothing was published any more, YYYY-MM-DD; "" not retired
	RetiredBy  string // who says so
}

// LifetimeOf tells how long what ref names is kept up, judged on a day
// (YYYY-MM-DD). It is false for repositories that the catalogue doesn't know, and
// for references that name no release line (moving tags, digests without a tag,
// variables), save those of retired repositories. Unlike Source.Image it answers
// for lines of which the catalogue knows nothing else.
func LifetimeOf(ref Ref, day string) (Lifetime, bool) {
	if ref.hasVariable() {
		return Lifetime{}, false
	}
	name := ref.mirrored()
	var lt Lifetime
	if r, ok := retirement(name, ref.Tag); ok {
		lt.Retired, lt.ReplacedBy, lt.RetiredBy = r.day, r.replacement, r.source
	}
	if strings.HasPrefix(name, distrolessPrefix) {
		img, ok := distroless(name, ref.Tag)
		if !ok || img.Line == "" {
			return Lifetime{}, false
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(name, distrolessPrefix), "-debian")
		kept := distrolessKinds[kind][img.Line]
		lt.Line, lt.EndOfLife, lt.Ended = img.Line, img.EndOfLife, !kept || img.EndOfLife != "" && img.EndOfLife <= day
		lt.Source = distrolessSource + ", " + distrolessDate
		if to, ok := Distroless(kind); ok && to.Repository() != name {
			lt.ReplacedBy = to.Repository()
		}
		return lt, kept || lt.Ended
	}
	f := familyOf(name)
	if f != nil && f.listed(orElse(ref.Tag, "latest")) != nil { // openjdk goes on with early-access builds
		lt.Retired, lt.ReplacedBy, lt.RetiredBy = "", "", ""
	}
	if f == nil || ref.Tag == "" {
		return lt, lt.Retired != ""
	}
	t := f.lex(ref.Tag)
	if !f.precise(&t) {
		return lt, lt.Retired != ""
	}
	l := f.line(f.lineOf(t.version))
	if i, ok := f.byTag[ref.Tag]; ok && l == nil {
		l = f.line(f.rows[i].line)
	}
	if l == nil || t.pre {
		return lt, lt.Retired != ""
	}
	lt.Line, lt.EndOfLife, lt.LTS, lt.Ended = l.name, l.eol, f.lts[l.name], !l.supported(day)
	if f.datesSource != "" {
		lt.Source = f.datesSource + ", " + f.datesDate
	}
	for i := range f.lines {
		n := &f.lines[i]
		r := f.rowOf(n)
		if n == l {
			break
		}
		if r == nil || !n.supported(day) {
			continue
		}
		tag, ok := f.tagOf(n, &t)
		if !ok { // without the suffix: slim-buster
			tag = f.lineTag(n, r)
			ok = f.listed(tag) != nil
		}
		if ok {
			lt.Next, lt.Newest = tag, orElse(lt.Newest, tag)
		}
	}
	if lt.Ended && lt.Newest != "" {
		if to, _ := f.next(ref.Tag, Want{}, LevelMajor, f.listedTags(), day); to != "" {
			lt.Newest = to // where an update goes
		}
	}
	return lt, true
}

// KeptUntil is the day (YYYY-MM-DD) on which an image gets no updates any more, and
// whether that was before day, or on it: of what ends first, the repository, the
// line that the tag names, and the distribution's release inside. What another
// team keeps up free for all (ReleaseLTS) counts as kept. "" and false when nothing
// is known to end; an end without a known day is "" and true.
func KeptUntil(ref Ref, day string) (until string, ended bool) {
	first := func(end string) {
		if end != "" && (until == "" || end < until) {
			until = end
		}
	}
	lt, known := LifetimeOf(ref, day)
	if known && lt.Ended && lt.EndOfLife == "" && lt.Retired == "" {
		return "", true
	}
	first(lt.Retired)
	last := lt.EndOfLife
	img, ok := CatalogueOn(day).Image(ref)
	end, _ := ReleaseEnd(img.Distro, img.Release)
	lts := ReleaseLTS(img.Distro, img.Release)
	if last == "" && ok {
		last = img.EndOfLife // of a moving tag
	}
	switch {
	case last == "":
	case last == end:
		last = max(end, lts)
	default:
		last = max(last, lt.LTS)
	}
	first(last)
	// A tag that doesn't name the release moves on to another while it is built.
	if inside := max(end, lts); inside <= day || strings.Contains(ref.Tag, img.Release) {
		first(inside)
	}
	return until, until != "" && until <= day
}
