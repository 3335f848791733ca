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
	if want.Version != "" || want.Constraint != "" {
		fits, err := f.requirement(m.from, want)
		if err == nil {
			m.fits = fits
		}
	}
	for _, suffix := range []func(*lexed) bool{
		func(c *lexed) bool { return c.suffix == t.suffix },
		// The new line may not be built on the old release of the system any more.
		func(c *lexed) bool {
			return level > LevelPatch && t.release != "" && c.release != "" && c.variant() == t.variant() && sameDistro(c.release, t.release)
		},
	} {
		best := lexed{}
		for _, name := range tags {
			if i, ok := f.byTag[name]; ok && f.rows[i].pre {
				continue // ubuntu:26.10 before its release
			}
			if c := f.lex(name); suffix(&c) && m.allows(&c) && (to == "" || f.newer(&c, &best)) {
				to, best = name, c
			}
		}
		if to != "" {
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
	case !f.precise(&t):
		return fmt.Sprintf("tag %s moves by itself", tag)
	case t.pre:
		return fmt.Sprintf("tag %s is a pre-release", tag)
	case f.retired != "" && level > LevelPatch:
		return fmt.Sprintf("%s was given up on %s (%s): use %s", f.repository, f.retired, f.source, f.replacedBy)
	}
	return ""
}

// mover says where an update may go from one tag.
type mover struct {
	f        *family
	t        *lexed
	level    Level
	day      string
	from     *line // of the tag
	lts      *line // of long-term support, when it is newer than from
	fits     func(*line, string) bool
	refused  string // a newer version that the project doesn't ask for
	shape    int    // numbers in the version
	wholeTag bool   // the version is the name of a line
}

func (f *family) mover(t *lexed, level Level, day string) *mover {
	m := &mover{f: f, t: t, level: level, day: day, from: f.lineAt(t.version), shape: parts(t.version)}
	m.wholeTag = m.from != nil && (t.version == m.from.name || !numericStart(t.version))
	if i, ok := f.byTag["lts"]; ok && m.from != nil {
		if l := f.line(f.rows[i].line); l != nil && l.supported(day) && compare(l.name, m.from.name) >= 0 {
			m.lts = l
		}
	}
	return m
}

// lineAt is the line of a version; one that the catalogue doesn't know stands
// for itself.
func (f *family) lineAt(version string) *line {
	name := f.lineOf(version)
	if name == "" {
		return nil
	}
	if l := f.line(name); l != nil {
		return l
	}
	return &line{name: name}
}

// allows tells whether an update may end on tag c.
func (m *mover) allows(c *lexed) bool {
	f := m.f
	if !c.known || c.pre || c.dated || c.version == "" || numericStart(c.version) != numericStart(m.t.version) ||
		strings.HasPrefix(c.version, "v") != strings.HasPrefix(m.t.version, "v") {
		return false
	}
	to := f.lineAt(c.version)
	if to == nil || m.from == nil {
		return false
	}
	whole := c.version == to.name || !numericStart(c.version)
	if !(m.wholeTag && whole) && (m.wholeTag != whole || parts(c.version) != m.shape) {
		return false
	}
	switch d := compare(to.name, m.from.name); {
	case d < 0, d == 0 && (m.wholeTag || compare(c.version, m.t.version) <= 0):
		return false
	case d == 0: // a patch, also of a line that has ended
	case m.level < LevelMinor, m.level < LevelMajor && !sameMajor(to.name, m.from.name), !f.alive(to, m.day):
		return false
	case m.lts != nil && compare(to.name, m.lts.name) > 0:
		return false
	case f.repository == "ubuntu" && !longTerm(to.name):
		return false
	}
	if m.fits != nil && !m.fits(to, strings.TrimPrefix(orElse(numberOnly(c.version), to.name), "v")) {
		m.refused = c.version
		return false
	}
	return true
}

func numberOnly(version string) string {
	if numericStart(version) {
		return version
	}
	return ""
}

// alive: the line is supported on a day. Of a line that came after the
// catalogue nothing else is known.
func (f *family) alive(l *line, day string) bool {
	if f.line(l.name) != nil {
		return l.supported(day)
	}
	return len(f.lines) == 0 || compare(l.name, f.lines[0].name) > 0
}

// longTerm: Ubuntu's releases of April of the even years are
// (https://ubuntu.com/about/release-cycle).
func longTerm(line string) bool {
	year, rest, _ := number(line)
	return year%2 == 0 && rest == ".04"
}

func sameMajor(a, b string) bool {
	x, _, _ := number(a)
	y, _, _ := number(b)
	return x == y
}

// sameDistro: both words name releases of one distribution.
func sameDistro(a, b string) bool {
	x, _, ok1 := releaseOf(a)
	y, _, ok2 := releaseOf(b)
	return ok1 && ok2 && x == y
}

// newer orders tags by version, then by the release of the system.
func (f *family) newer(a, b *lexed) bool {
	if !numericStart(a.version) || !numericStart(b.version) {
		x, y := f.lineAt(a.version), f.lineAt(b.version)
		return x != nil && y != nil && compare(x.name, y.name) > 0
	}
	if d := compare(a.version, b.version); d != 0 {
		return d > 0
	}
	return releaseAge(a.release) > releaseAge(b.release)
}

// releaseAge orders the releases of one distribution.
func releaseAge(word string) float64 {
	distro, release, ok := releaseOf(word)
	if !ok {
		return 0
	}
	if distro == "debian" {
		f := familyOf("debian")
		if i, known := f.byLine[release]; known {
			release = f.lines[i].name
		}
	}
	major, rest, _ := number(release)
	minor, _, _ := number(rest)
	return float64(major) + float64(minor)/1000
}

// reason tells why to go from t to c.
func (m *mover) reason(t, c *lexed) string {
	f, to := m.f, m.f.lineAt(c.version)
	listed := ""
	if f.source != "" {
		listed = fmt.Sprintf(" (%s, %s)", f.source, f.date)
	}
	if to.name == m.from.name {
		return fmt.Sprintf("%s is the newest patch of %s%s", c.version, to.name, listed)
	}
	until := ""
	if to.eol != "" {
		until = ", supported until " + to.eol
	}
	what := "newest line"
	if m.lts != nil && to == m.lts {
		what = "newest line of long-term support"
	} else if m.level == LevelMinor {
		what = "newest line of " + firstNumber(to.name)
	}
	if m.refused != "" {
		what += " that the project allows"
	}
	switch {
	case m.from.eol != "" && !m.from.supported(m.day):
		return fmt.Sprintf("line %s of %s reached its end of life on %s; %s is the %s%s", m.from.name, f.repository, m.from.eol, to.name, what, until)
	case m.from.ended:
		return fmt.Sprintf("line %s of %s is no longer supported; %s is the %s%s", m.from.name, f.repository, to.name, what, until)
	}
	return fmt.Sprintf("%s is the %s%s", to.name, what, until)
}

func firstNumber(s string) string {
	n, _, _ := number(s)
	return fmt.Sprint(n)
}

// none tells why there is nowhere to go.
func (m *mover) none(tag string, t *lexed) string {
	f := m.f
	ended := m.from != nil && f.line(m.from.name) != nil && !m.from.supported(m.day)
	switch {
	case m.refused != "":
		return fmt.Sprintf("%s is newer, but not what the project asks for", m.refused)
	case ended && m.level < LevelMajor:
		return fmt.Sprintf("line %s of %s has reached its end of life%s; --level major leaves it", m.from.name, f.repository, onDay(m.from.eol))
	case ended:
		return fmt.Sprintf("line %s of %s has reached its end of life%s, and no supported line has a tag with suffix %q", m.from.name, f.repository, onDay(m.from.eol), t.suffix)
	case m.wholeTag && m.level == LevelPatch:
		return fmt.Sprintf("tag %s takes the patches of its line by itself", tag)
	}
	return fmt.Sprintf("nothing newer than %s is known", tag)
}

func onDay(day string) string {
	if day == "" {
		return ""
	}
	return " on " + day
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
