package images

import (
	"fmt"
	"strings"
)

// Pin names a release line for a tag that names none. Lines are written as
// deep as their breaking changes go: python:3.14, golang:1.27, nginx:1.31, but
// node:26 and postgres:18; ubuntu:26.04, alpine:3.24, and Debian by code name
// (debian:trixie), as its own and the other images' tags write it. What stands
// behind the version in the tag (-slim, -alpine, -bookworm) is kept.
//
// The line is the one that the project asks for; else, when it satisfies the
// project's constraint, the one that the tag names on the catalogue's date;
// else the newest supported one that does.
func (c catalogue) Pin(ref Ref, want Want, _ Precision) (Pinned, bool) {
	f, tag, why := pinnable(ref)
	if f == nil {
		return Pinned{Why: why}, false
	}
	t := f.lex(tag)
	name := ref.WithTag(tag).String()
	if f.precise(&t) {
		return Pinned{Why: fmt.Sprintf("tag %s names a release line already", tag)}, false
	}
	r := f.listed(tag)
	if r == nil {
		if f.retired != "" {
			return Pinned{Why: fmt.Sprintf("%s was given up on %s (%s): use %s", f.repository, f.retired, f.source, f.replacedBy)}, false
		}
		if i, ok := f.byTag[tag]; ok {
			return Pinned{Why: fmt.Sprintf("tag %s was last listed on %s (%s)", tag, f.rows[i].gone, f.source)}, false
		}
		return Pinned{Why: fmt.Sprintf("tag %s isn't listed (%s, %s): it is no longer built, or never was", tag, f.source, f.date)}, false
	}
	if r.pre {
		return Pinned{Why: fmt.Sprintf("tag %s is a development branch", tag)}, false
	}
	today := r.line
	if l := f.follow[t.version]; l != "" {
		today = l
	}
	l := f.line(today)
	if l == nil {
		return Pinned{Why: fmt.Sprintf("the catalogue doesn't tell which release line %s is", name)}, false
	}
	source := f.source + ", " + f.date
	reason := fmt.Sprintf("%s named %s on %s", name, l.name, f.date)
	if want.Version != "" || want.Constraint != "" {
		chosen, err := f.choose(l, &t, want, c.day)
		if err != nil {
			return Pinned{Why: err.Error()}, false
		}
		asked := fmt.Sprintf("the project asks for %s", orElse(want.Version, want.Constraint))
		if want.Source != "" {
			asked += " (" + want.Source + ")"
		}
		switch {
		case want.Version != "" || chosen != l:
			source, reason = orElse(want.Source, "the project"), asked
		default:
			reason += ", and " + asked
		}
		l = chosen
	}
	to, ok := f.tagOf(l, &t)
	if !ok {
		return Pinned{Why: fmt.Sprintf("%s has no tag of line %s with suffix %q (%s, %s)", f.repository, l.name, t.suffix, f.source, f.date)}, false
	}
	if !l.supported(c.day) {
		return Pinned{Why: fmt.Sprintf("line %s of %s reached its end of life on %s", l.name, f.repository, l.eol)}, false
	}
	return Pinned{Ref: ref.WithTag(to), Why: reason, Source: source, SameToday: f.byTag[to] == f.byTag[tag]}, true
}

// pinnable is the family and the tag of ref, or the reason to leave it alone.
func pinnable(ref Ref) (f *family, tag, why string) {
	name := ref.mirrored()
	switch {
	case ref.hasVariable():
		return nil, "", "the reference holds a variable"
	case ref.Digest != "":
		return nil, "", "a digest is as precise as can be"
	case name == "scratch":
		return nil, "", "scratch is no image"
	case strings.HasPrefix(name, distrolessPrefix):
		return nil, "", "distroless images have no tags of versions; the Debian release stands in the name"
	}
	if f = familyOf(name); f == nil {
		return nil, "", fmt.Sprintf("%s is not in the catalogue (dated %s)", ref.Repository(), Date)
	}
	return f, orElse(ref.Tag, "latest"), ""
}

// tagOf is the tag of line l that keeps the rest of t; false when the
// catalogue doesn't list it.
func (f *family) tagOf(l *line, t *lexed) (string, bool) {
	for i := range f.rows {
		if r := &f.rows[i]; r.line == l.name && r.gone == "" && !r.pre {
			tag := join(f.lineTag(l, r), t.suffix)
			return tag, f.listed(tag) != nil
		}
	}
	return "", false
}

// choose is the line for what the project wants; today is the line that the
// tag names. Lines past their end of life, without such a tag, or outside of a
// version written in the tag (python:3) aren't chosen.
func (f *family) choose(today *line, t *lexed, want Want, day string) (*line, error) {
	asked := want.Version
	if asked == "" {
		asked = want.Constraint
	}
	if want.Source != "" {
		asked += " (" + want.Source + ")"
	}
	fits, err := f.requirement(today, want)
	if err != nil {
		return nil, fmt.Errorf("the project asks for %s: %w", asked, err)
	}
	usable := func(l *line) bool {
		r := f.rowOf(l)
		if r == nil || !l.supported(day) || !fits(l, r.version) {
			return false
		}
		if numericStart(t.version) && !within(l.name, t.version) {
			return false
		}
		_, ok := f.tagOf(l, t)
		return ok
	}
	if usable(today) {
		return today, nil
	}
	for i := range f.lines {
		if usable(&f.lines[i]) {
			return &f.lines[i], nil
		}
	}
	for i := range f.lines { // say why there is none
		l := &f.lines[i]
		if r := f.rowOf(l); l.eol != "" && !l.supported(day) && want.Version != "" && (fits(l, l.name) || r != nil && fits(l, r.version)) {
			return nil, fmt.Errorf("the project asks for %s; line %s of %s reached its end of life on %s", asked, l.name, f.repository, l.eol)
		}
	}
	return nil, fmt.Errorf("the project asks for %s, which no supported line of %s satisfies (%s, %s)", asked, f.repository, f.source, f.date)
}
