package images

// How far an update may go: from one tag to another of the same repository, by
// line, support, long-term support, variant, and what the project asks for.

import (
	"fmt"
	"strings"
)

// mover says where an update may go from one tag.
type mover struct {
	f        *family
	t        *lexed
	level    Level
	day      string
	from     *line // of the tag
	lts      *line // of long-term support, when it is newer than from
	fits     func(*line, string) bool
	asks     string // what the project asks for, and where
	refused  string // the newest version that the project doesn't ask for
	shape    int    // numbers in the version
	wholeTag bool   // the version is the name of a line
}

func (f *family) mover(t *lexed, level Level, day string) *mover {
	m := &mover{f: f, t: t, level: level, day: day, from: f.lineAt(t.version), shape: parts(t.version)}
	m.wholeTag = m.from != nil && (t.version == m.from.name || !numericStart(t.version))
	if l := f.newestLTS(day); l != nil && m.from != nil && compare(l.name, m.from.name) >= 0 {
		m.lts = l
	}
	return m
}

// newestLTS is the newest supported line of long-term support: the one that the
// tag lts names, else by the makers' rule; nil for a repository without such.
func (f *family) newestLTS(day string) *line {
	if i, ok := f.byTag["lts"]; ok {
		if l := f.line(f.rows[i].line); l != nil && l.supported(day) {
			return l
		}
		return nil
	}
	if rule := longTermRules[f.repository]; rule != nil {
		for i := range f.lines {
			if l := &f.lines[i]; rule(l.name) && l.supported(day) && f.rowOf(l) != nil {
				return l
			}
		}
	}
	return nil
}

// longTermRules are the makers' rules where no tag says it. Java: 8, 11, 17, and
// from 21 on every fourth (https://www.oracle.com/java/technologies/java-se-support-roadmap.html,
// which the builds of others follow); .NET: the even numbers
// (https://dotnet.microsoft.com/platform/support/policy).
var longTermRules = map[string]func(line string) bool{
	"eclipse-temurin": longTermJava, "amazoncorretto": longTermJava, "sapmachine": longTermJava, "ibm-semeru-runtimes": longTermJava,
	"mcr.microsoft.com/dotnet/sdk": evenNumber, "mcr.microsoft.com/dotnet/aspnet": evenNumber,
	"mcr.microsoft.com/dotnet/runtime": evenNumber, "mcr.microsoft.com/dotnet/runtime-deps": evenNumber,
}

func longTermJava(line string) bool {
	n, _, _ := number(line)
	return n == 8 || n == 11 || n == 17 || n >= 21 && n%4 == 1
}

func evenNumber(line string) bool {
	n, _, _ := number(line)
	return n%2 == 0
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
	if !c.known || c.pre || c.dated || c.version == "" || huge(c.version) || numericStart(c.version) != numericStart(m.t.version) ||
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
	if !(m.wholeTag && f.line(to.name) != nil && f.line(m.from.name) != nil) && form(c.version) != form(m.t.version) ||
		f.line(to.name) == nil && era(to.name) != era(m.from.name) {
		return false
	}
	switch d := compare(to.name, m.from.name); {
	case d < 0, d == 0 && (m.wholeTag || compare(c.version, m.t.version) <= 0):
		return false
	case d == 0: // a patch, also of a line that has ended
	case m.level < LevelMinor, m.level < LevelMajor && firstNumber(to.name) != firstNumber(m.from.name), !f.alive(to, m.day):
		return false
	case m.lts != nil && compare(to.name, m.lts.name) > 0:
		return false
	case f.repository == "ubuntu" && !longTerm(to.name):
		return false
	}
	if m.fits != nil && !m.fits(to, strings.TrimPrefix(orElse(numberOnly(c.version), to.name), "v")) {
		if m.refused == "" || numericStart(c.version) && compare(c.version, m.refused) > 0 {
			m.refused = c.version
		}
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

// firstNumber is the first number of a version, "" when there is none.
func firstNumber(s string) string {
	n, _, ok := number(s)
	if !ok {
		return ""
	}
	return fmt.Sprint(n)
}

// none tells why there is nowhere to go.
func (m *mover) none(tag string, t *lexed) string {
	f := m.f
	ended := m.from != nil && f.line(m.from.name) != nil && !m.from.supported(m.day)
	switch {
	case m.refused != "":
		return fmt.Sprintf("%s is newer, but not what the project asks for (%s)", m.refused, m.asks)
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

// moves: c is the same variant on another release of the system that is kept up.
func (m *mover) moves(c *lexed) bool {
	t := m.t
	return m.level > LevelPatch && t.release != "" && c.release != "" && c.variant() == t.variant() && sameDistro(c.release, t.release) &&
		!releaseEnded(c.release, m.day) && releaseAge(c.release) > releaseAge(t.release)
}

// better orders what an update may end on: by line, then the same suffix, then
// by version and release.
func (m *mover) better(a, b *lexed) bool {
	x, y := m.f.lineAt(a.version), m.f.lineAt(b.version)
	if d := compare(x.name, y.name); d != 0 {
		return d > 0
	}
	if s := a.suffix == m.t.suffix; s != (b.suffix == m.t.suffix) {
		return s
	}
	return m.f.newer(a, b)
}

// releaseEnded: nobody keeps up the release of a distribution that a word of a
// tag names.
func releaseEnded(word, day string) bool {
	distro, release, ok := releaseOf(word)
	if !ok {
		return false
	}
	end, _ := ReleaseEnd(distro, release)
	return end != "" && max(end, ReleaseLTS(distro, release)) <= day
}
