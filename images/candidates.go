package images

import (
	"slices"
	"strings"
)

// Candidate is an image that might stand in the place of another.
type Candidate struct {
	Ref   Ref
	Kind  string // "now", "slim", "alpine", "jre", "distroless", "scratch" or "newer"
	Newer bool   // of the newer line
}

// Candidates lists what might take the place of the image that ref names: itself,
// its newer line where its own has ended, and of both the small variants; then
// what can run the programs that are built on it. Of a moving tag they are those
// of the release line that it names. Whether a program runs there is
// not asked. Duplicates and what isn't known to exist are left out.
func Candidates(src Source, ref Ref) []Candidate {
	var out []Candidate
	newer := false
	add := func(r Ref, kind string) {
		if !slices.ContainsFunc(out, func(c Candidate) bool { return c.Ref == r }) {
			out = append(out, Candidate{r, kind, newer})
		}
	}
	add(ref, "now")
	if pin, ok := src.Pin(ref, Want{}, ReleaseLine); ok {
		ref = pin.Ref
	}
	from := []Ref{ref}
	if _, ended := KeptUntil(ref, src.Day()); ended {
		if next, ok := src.Next(ref.WithTag(ref.Tag), Want{}, LevelMajor); ok {
			newer = true
			add(next.Ref, "newer")
			from = append(from, next.Ref)
		}
	}
	for i, r := range from {
		newer = i > 0
		if to, _, ok := src.Slim(r); ok {
			add(to, "slim")
		}
		if to, ok := alpineOf(r); ok {
			add(to, "alpine")
		}
		if to, ok := jreOf(r); ok {
			add(to, "jre")
		}
	}
	for i, r := range from {
		newer = i > 0
		for _, d := range distrolessOf(src, r) {
			add(d, "distroless")
		}
	}
	newer = false
	if compiled[ref.mirrored()] {
		add(Ref{Path: "scratch"}, "scratch")
	}
	return out
}

// compiled are images that build programs which need no interpreter.
var compiled = map[string]bool{"golang": true, "rust": true, "gcc": true, "haskell": true, "swift": true}

// alpineOf is the Alpine variant of the same version that is built today, or was
// when the line was last built.
func alpineOf(ref Ref) (Ref, bool) {
	f, tag, _ := pinnable(ref.WithTag(ref.Tag))
	if f == nil {
		return Ref{}, false
	}
	t := f.lex(tag)
	if t.alpine || !t.known || t.version == "" {
		return Ref{}, false
	}
	var words []string
	for _, w := range t.words {
		if w != "slim" && w != t.release {
			words = append(words, w)
		}
	}
	to := join(t.version, strings.Join(append(words, "alpine"), "-"))
	if f.listed(to) != nil {
		return ref.WithTag(to), true
	}
	if p := f.past[f.lineOf(t.version)]; p != nil && len(words) == 0 {
		if _, listed := p.at("alpine", t.version); listed {
			return ref.WithTag(to), true
		}
	}
	return Ref{}, false
}

// jreOf is the image with the JRE of the same version.
func jreOf(ref Ref) (Ref, bool) {
	f, tag, _ := pinnable(ref.WithTag(ref.Tag))
	if f == nil || !slices.Contains(javaImages, f.repository) || strings.Contains(tag, "jre") {
		return Ref{}, false
	}
	if f.repository == "eclipse-temurin" {
		if t := f.lex(tag); t.version != "" {
			words := slices.DeleteFunc(slices.Clone(t.words), func(w string) bool { return w == "jdk" })
			to := join(t.version, strings.Join(append([]string{"jre"}, words...), "-"))
			return ref.WithTag(to), f.listed(to) != nil
		}
		return Ref{}, false
	}
	version := javaVersion(f, tag)
	to := Ref{Domain: ref.Domain, Path: strings.TrimSuffix(ref.Path, f.repository) + "eclipse-temurin", Tag: version + "-jre"}
	temurin := familyOf("eclipse-temurin")
	return to, version != "" && temurin.listed(to.Tag) != nil
}

var javaImages = []string{"eclipse-temurin", "openjdk", "amazoncorretto", "maven", "gradle"}

// javaVersion is the Java that an image brings: its line, or for build tools the
// number behind the name of the JDK.
func javaVersion(f *family, tag string) string {
	t := f.lex(tag)
	if f.repository != "maven" && f.repository != "gradle" {
		return firstNumber(f.lineOf(t.version))
	}
	for _, w := range slices.Backward(t.words) {
		if w = strings.TrimPrefix(w, "jdk"); numeric(w) {
			return w
		}
	}
	return ""
}

// distrolessOf are the distroless images that are kept up and run what is built
// or interpreted by the image: the same minor version of Python, the same major
// of Node and Java.
func distrolessOf(src Source, ref Ref) []Ref {
	name := ref.mirrored()
	f := familyOf(name)
	var kinds []string
	switch {
	case f == nil:
		return nil
	case name == "python":
		line := f.lineOf(f.lex(orElse(ref.Tag, "latest")).version)
		for release, version := range debianPython {
			if version == line {
				kinds = append(kinds, "python3-debian"+release)
			}
		}
	case name == "node":
		kinds = append(kinds, "nodejs"+firstNumber(f.lineOf(f.lex(ref.Tag).version)))
	case slices.Contains(javaImages, name):
		kinds = append(kinds, "java"+javaVersion(f, ref.Tag))
	case compiled[name]:
		kinds = append(kinds, "static", "base", "cc")
	}
	var out []Ref
	for _, k := range kinds {
		r, ok := Distroless(k)
		if !ok {
			continue
		}
		if img, ok := distroless(r.Repository(), r.Tag); ok && (img.EndOfLife == "" || img.EndOfLife > src.Day()) {
			out = append(out, r)
		}
	}
	return out
}
