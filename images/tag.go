package images

import (
	"math"
	"strings"
)

// lexed is a tag cut by the grammar that official images share:
// [VERSION][-WORD…], where words name variant and release.
type lexed struct {
	version string   // "3.12.4", "v3.7", "lts", "8u502-b07"; "" none
	words   []string // of the suffix, as written
	suffix  string
	release string // the word that names the release: "bookworm", "alpine3.22"
	slim    bool
	alpine  bool
	pre     bool // release candidate or development branch
	dated   bool // holds a date, so it never moves
	known   bool // every word is one of the grammar's
}

// releases are the words that name a distribution's release.
var releases = map[string][2]string{
	"wheezy": {"debian", "wheezy"}, "jessie": {"debian", "jessie"}, "stretch": {"debian", "stretch"}, "buster": {"debian", "buster"},
	"bullseye": {"debian", "bullseye"}, "bookworm": {"debian", "bookworm"}, "trixie": {"debian", "trixie"}, "forky": {"debian", "forky"},
	"sid": {"debian", "sid"}, "testing": {"debian", "testing"}, "unstable": {"debian", "sid"}, "experimental": {"debian", "experimental"},
	"precise": {"ubuntu", "12.04"}, "trusty": {"ubuntu", "14.04"}, "xenial": {"ubuntu", "16.04"}, "bionic": {"ubuntu", "18.04"},
	"focal": {"ubuntu", "20.04"}, "jammy": {"ubuntu", "22.04"}, "kinetic": {"ubuntu", "22.10"}, "lunar": {"ubuntu", "23.04"}, "mantic": {"ubuntu", "23.10"},
	"noble": {"ubuntu", "24.04"}, "oracular": {"ubuntu", "24.10"}, "plucky": {"ubuntu", "25.04"}, "questing": {"ubuntu", "25.10"},
	"resolute": {"ubuntu", "26.04"}, "stonking": {"ubuntu", "26.10"},
	"oraclelinux7": {"oraclelinux", "7"}, "oraclelinux8": {"oraclelinux", "8"}, "oraclelinux9": {"oraclelinux", "9"}, "oraclelinux10": {"oraclelinux", "10"},
	"ubi8": {"rhel", "8"}, "ubi9": {"rhel", "9"}, "ubi10": {"rhel", "10"}, "centos7": {"centos", "7"}, "centos8": {"centos", "8"},
	"stream8": {"centos-stream", "8"}, "stream9": {"centos-stream", "9"}, "stream10": {"centos-stream", "10"},
	"al2": {"amazonlinux", "2"}, "al2023": {"amazonlinux", "2023"}, "amazonlinux2": {"amazonlinux", "2"}, "amazonlinux2023": {"amazonlinux", "2023"},
	"azurelinux3.0": {"azurelinux", "3.0"},
}

// releaseOf gives distribution and release of a tag word; ok is false when the
// word names none.
func releaseOf(word string) (distro, release string, ok bool) {
	if v, found := strings.CutPrefix(word, "alpine"); found && numeric(v) {
		return "alpine", v, true
	}
	d, ok := releases[word]
	return d[0], d[1], ok
}

var prerelease = map[string]bool{"rc": true, "ea": true, "beta": true, "alpha": true, "dev": true, "devel": true,
	"rawhide": true, "edge": true, "preview": true, "nightly": true, "tip": true, "testing": true, "unstable": true, "sid": true, "experimental": true}

// unfinished are more such words, of repositories of which no more is known: in
// the catalogue's they may mean something else.
var unfinished = map[string]bool{"snapshot": true, "pre": true, "prerelease": true, "canary": true, "insider": true, "insiders": true,
	"milestone": true, "daily": true, "weekly": true, "ci": true, "pr": true, "wip": true,
	"main": true, "master": true, "trunk": true, "develop": true, "next": true, "head": true}

// unfinishedWord tells a word of a pre-release, in any case and with numbers
// behind it (RC1, snapshot.20240131, beta_2); single letters only with one (M3, a1).
func unfinishedWord(w string) bool {
	name := strings.ToLower(strings.TrimRight(w, "._0123456789"))
	return prerelease[name] || unfinished[name] || len(name) == 1 && len(w) > 1 && strings.Contains("abm", name) || name == "cr" && w != name
}

// lex cuts a tag; "latest" has neither version nor words.
func (f *family) lex(tag string) lexed {
	t := lexed{known: true}
	if tag == "latest" {
		return t
	}
	rest := tag
	if numericStart(tag) {
		t.version, rest, _ = strings.Cut(tag, "-")
		t.pre = !numeric(t.version)
		for { // 3.15-rc, 4.0.0-rc-5, 28-ea-11, 11.0.0-preview.7, 8u502-b07
			w, more, _ := strings.Cut(rest, "-")
			name := strings.TrimRight(w, ".0123456789")
			switch {
			case w != "" && prerelease[strings.ToLower(name)]:
				t.pre = true
			case w != "" && (t.pre || strings.Contains(t.version, "u") && name == "b") && (name == "" || name == "b"):
			default:
				w = ""
			}
			if w == "" {
				break
			}
			t.version += "-" + w
			rest = more
		}
	} else if w, more, _ := strings.Cut(tag, "-"); w == "lts" && f.versions[more] {
		t.version, rest = tag, "" // lts-krypton
	} else if f.versions[w] {
		t.version, rest = w, more
	}
	if prerelease[t.version] {
		t.pre = t.version != "unstable" // busybox calls its newest stable series so
	}
	t.suffix = rest
	if rest == "" {
		return t
	}
	t.words = strings.Split(rest, "-")
	for i, w := range t.words {
		switch _, _, isRelease := releaseOf(w); {
		case isRelease:
			if t.release == "" {
				t.release = w
			}
			t.alpine = t.alpine || strings.HasPrefix(w, "alpine")
			t.pre = t.pre || prerelease[w]
		case w == "slim":
			t.slim = true
		case w == "alpine":
			t.alpine = true
			if i+1 < len(t.words) && numeric(t.words[i+1]) && parts(t.words[i+1]) == 2 { // temurin: alpine-3.22; Deno's alpine-2.9.1 is its own
				t.release = "alpine" + t.words[i+1]
			}
		case w == "onbuild":
		case prerelease[w], f.anyWord && unfinishedWord(w):
			t.pre = true
		case len(w) == 8 && numeric(w), strings.HasPrefix(w, "20") && len(w) > 8 && numeric(w): // bookworm-20260803
			t.dated = true
		case numeric(w) && i > 0: // otp-27, jdk-11, alpine-3.22
		case f.words[w], f.words[strings.TrimRight(w, ".0123456789")]: // jdk, jdk21, php8.2
		default:
			t.known = t.known && f.anyWord
		}
	}
	return t
}

// has tells whether a word stands in the suffix, with or without a number
// behind it (jdk21 has jdk).
func (t *lexed) has(word string) bool {
	for _, w := range t.words {
		if rest, ok := strings.CutPrefix(w, word); ok && (rest == "" || numeric(rest)) {
			return true
		}
	}
	return t.version == word
}

// kind is the tag's place in a line's past: bare, slim or alpine.
func (t *lexed) kind() string {
	switch {
	case t.alpine:
		return "alpine"
	case t.slim:
		return "slim"
	}
	return "."
}

// variant is the suffix without its release: "slim-bookworm" is "slim",
// "alpine3.22" is "alpine", "fpm-alpine3.22" is "fpm-alpine".
func (t *lexed) variant() string {
	if len(t.words) == 1 {
		switch w := t.words[0]; {
		case t.release == "" && !t.dated:
			return w
		case t.alpine:
			return "alpine"
		default:
			return ""
		}
	}
	var b strings.Builder
	for i, w := range t.words {
		switch {
		case strings.HasPrefix(w, "alpine"):
			w = "alpine"
		case w == t.release, numeric(w) && i > 0 && t.words[i-1] == "alpine", t.dated && numeric(w):
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('-')
		}
		b.WriteString(w)
	}
	return b.String()
}

// precise tells whether the tag names a release line or something finer.
func (f *family) precise(t *lexed) bool {
	if t.dated {
		return true
	}
	if _, ok := f.byLine[t.version]; ok && t.version != "" {
		return true
	}
	return t.version != "" && (numericStart(t.version) && parts(t.version) >= f.depth)
}

// lineOf is the line a version belongs to: the longest leading part that is
// one, else as many parts as the family's depth; "" when it has fewer.
func (f *family) lineOf(version string) string {
	if i, ok := f.byLine[version]; ok {
		return f.lines[i].name
	}
	v := strings.TrimPrefix(version, "v")
	if !numericStart(v) {
		return ""
	}
	for p := v; p != ""; {
		if _, ok := f.byLine[p]; ok {
			return p
		}
		i := strings.LastIndexAny(p, "._u-")
		if i < 0 {
			break
		}
		p = p[:i]
	}
	if parts(v) < f.depth {
		return ""
	}
	end := 0
	for n := 0; end < len(v); end++ {
		if c := v[end]; c < '0' || c > '9' {
			if n++; n == f.depth {
				break
			}
		}
	}
	return v[:end]
}

// The versions in tags (8u502-b07, 11.0.32_9, v3.7) are no semantic versions,
// so they are compared here by their numbers; requirements of the project go
// through hashicorp/go-version, see want.go.

func numericStart(s string) bool {
	s = strings.TrimPrefix(s, "v")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// numeric: digits, and between them the separators of a released version.
func numeric(s string) bool {
	if !numericStart(s) {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '_', c == 'u':
		case c == '-' && i+1 < len(s) && s[i+1] == 'b':
		case c == 'b' && s[i-1] == '-':
		default:
			return false
		}
	}
	return true
}

// hugeNumber stands for all numbers from there on: tags may have 128 digits.
const hugeNumber = math.MaxInt / 16

// number reads the next number of s; rest is "" at the end.
func number(s string) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && (s[i] < '0' || s[i] > '9') {
		i++
	}
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n, ok = min(n*10+int(s[i]-'0'), hugeNumber), true
	}
	return n, s[i:], ok
}

func parts(s string) (n int) {
	for {
		_, rest, ok := number(s)
		if !ok {
			return n
		}
		n, s = n+1, rest
	}
}

// compare orders two versions by their numbers; a missing one is zero.
func compare(a, b string) int {
	for a != "" || b != "" {
		var x, y int
		x, a, _ = number(a)
		y, b, _ = number(b)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

// huge: a number of the version is too long to be compared.
func huge(version string) bool {
	for {
		n, rest, ok := number(version)
		if !ok || n == hugeNumber {
			return ok
		}
		version = rest
	}
}

// form is a version without its numbers: ".." of 1.2.3, "v._" of v1.2_3. Versions
// of another form count something else.
func form(version string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, version)
}

// era tells dates and years in the place of a first number apart from counted
// ones: 20240131 and 2024.1 don't follow on 1.2.
func era(version string) int {
	switch n, _, _ := number(version); {
	case n > 9999:
		return 2
	case n >= 1990 && n < 2100:
		return 1
	}
	return 0
}

// within tells whether version starts with the numbers of prefix.
func within(version, prefix string) bool {
	for {
		p, rest, ok := number(prefix)
		if !ok {
			return true
		}
		v, more, ok := number(version)
		if !ok || v != p {
			return false
		}
		prefix, version = rest, more
	}
}
