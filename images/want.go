package images

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-version"
)

// requirement is what the project wants as a question about a line and its
// fullest version. Errors tell that it can't be read.
func (f *family) requirement(today *line, want Want) (func(l *line, v string) bool, error) {
	if want.Version == "" {
		alternatives, err := parseConstraint(want.Constraint)
		if err != nil {
			return nil, err
		}
		return func(l *line, v string) bool { return alternatives.allow(l.name, v) }, nil
	}
	v := strings.ToLower(strings.TrimSpace(want.Version))
	switch v { // words of nvm, asdf and others that name what is newest
	case "latest", "node", "current", "stable", "*":
		return func(l *line, _ string) bool { return l == today }, nil
	}
	if name, ok := strings.CutPrefix(v, "lts/"); ok {
		if name == "*" {
			name = "lts"
		}
		lts := ""
		if i, ok := f.byTag[name]; ok {
			lts = f.rows[i].line
		} else {
			lts = f.lineOf(name)
		}
		if lts == "" {
			return nil, fmt.Errorf("%s is no known line of %s", want.Version, f.repository)
		}
		return func(l *line, _ string) bool { return l.name == lts }, nil
	}
	for _, p := range []string{f.repository, "python", "node", "go", "ruby", "v"} { // python-3.11.4, go1.22
		if rest, ok := strings.CutPrefix(v, p); ok {
			v = strings.TrimPrefix(rest, "-")
			break
		}
	}
	v = strings.TrimPrefix(v, "v")
	if !numeric(v) {
		return nil, fmt.Errorf("that names no released version")
	}
	return func(l *line, _ string) bool { return within(l.name, v) || within(v, l.name) }, nil
}

// limit keeps an update within what the project wants. A wish for a whole version
// (Gemfile's ruby "3.2.2", engines 20.1.0) that the tag fulfils to the letter now
// holds it there: Bundler and Yarn refuse any other. One that can't be read keeps
// it on its line.
func (m *mover) limit(want Want) {
	said := orElse(want.Version, want.Constraint)
	if said == "" || m.from == nil {
		return
	}
	m.asks = said
	if want.Source != "" {
		m.asks = want.Source + ": " + said
	}
	switch strings.ToLower(strings.TrimSpace(want.Version)) {
	case "latest", "node", "current", "stable", "*":
		return // whatever is newest
	}
	now := strings.TrimPrefix(numberOnly(m.t.version), "v")
	fits, err := m.f.requirement(m.from, want)
	if err != nil {
		m.fits = func(l *line, _ string) bool { return l.name == m.from.name }
		return
	}
	exact := m.f.exactly(want)
	m.fits = fits
	if exact != nil && now != "" && exact(now) {
		m.fits = func(l *line, v string) bool { return fits(l, v) && (parts(v) < parts(now) || exact(v)) }
	}
}

// exactly is the wish as a question about a full version alone, of which
// requirement takes the line for enough; nil for the wishes that name none.
func (f *family) exactly(want Want) func(v string) bool {
	if want.Version == "" {
		c, err := parseConstraint(want.Constraint)
		if err != nil {
			return nil
		}
		return func(v string) bool { return c.admit(v, v, true) }
	}
	v := strings.TrimLeft(strings.ToLower(strings.TrimSpace(want.Version)), "abcdefghijklmnopqrstuvwxyz-")
	if !numeric(v) {
		return nil
	}
	return func(full string) bool { return within(full, v) }
}

// A constraint is a choice ("||") of conditions that all must hold.
type constraint [][]bound

type bound struct {
	op     string // ">=", "<", "<=", ">", "!=", "=", or "" for anything
	v      *version.Version
	prefix string // for = and !=: the numbers as written
	open   bool   // for !=: all versions that start so (3.9.*)
}

// parseConstraint reads the notations of PEP 440, npm, Composer, Poetry and
// Bundler: >=3.9,<4  ^18 || ^20  ~> 3.2  ~=3.9  18.x  ==3.11.*  16 - 20.
func parseConstraint(s string) (constraint, error) {
	var out constraint
	for alt := range strings.SplitSeq(strings.ReplaceAll(s, "||", "|"), "|") {
		var all []bound
		w := strings.Fields(strings.ReplaceAll(alt, ",", " "))
		if len(w) == 0 {
			return nil, fmt.Errorf("empty constraint")
		}
		for i := 0; i < len(w); i++ {
			word := w[i]
			if word == "-" || i+1 < len(w) && w[i+1] == "-" { // 16 - 20
				if word == "-" || i+2 >= len(w) {
					return nil, fmt.Errorf("can't read the range %q", alt)
				}
				lo, err := bounds(">=", word)
				if err != nil {
					return nil, err
				}
				hi, err := bounds("up to", w[i+2])
				if err != nil {
					return nil, err
				}
				all = append(append(all, lo...), hi...)
				i += 2
				continue
			}
			op := word[:len(word)-len(strings.TrimLeft(word, "<>=!~^"))]
			word = word[len(op):]
			if word == "" {
				if i++; i == len(w) {
					return nil, fmt.Errorf("no version behind %q", op)
				}
				word = w[i]
			}
			b, err := bounds(op, word)
			if err != nil {
				return nil, err
			}
			all = append(all, b...)
		}
		out = append(out, all)
	}
	return out, nil
}

// bounds turns one operator and version into comparisons.
func bounds(op, text string) ([]bound, error) {
	s := strings.TrimPrefix(text, "v")
	open := false
	for {
		cut := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s, ".*"), ".x"), ".X")
		if cut == s {
			break
		}
		s, open = cut, true
	}
	if s == "*" || s == "x" || s == "X" {
		return []bound{{}}, nil
	}
	v, err := version.NewVersion(s)
	if err != nil || !numericStart(s) {
		return nil, fmt.Errorf("can't read the version %q", text)
	}
	n := parts(strings.SplitN(s, "-", 2)[0])
	from := bound{op: ">=", v: v}
	below := func(keep int) bound { return bound{op: "<", v: bump(v, keep)} }
	switch op {
	case "", "=", "==", "===":
		return []bound{{op: "=", v: v, prefix: s}}, nil
	case "!=":
		return []bound{{op: "!=", v: v, prefix: s, open: open}}, nil
	case ">=", ">", "<", "<=":
		return []bound{{op: op, v: v}}, nil
	case "up to": // the upper end of an npm range takes in all that starts so
		if n < 3 {
			return []bound{below(n)}, nil
		}
		return []bound{{op: "<=", v: v}}, nil
	case "^":
		keep := 1
		for seg := v.Segments(); keep < n && seg[keep-1] == 0; {
			keep++
		}
		return []bound{from, below(keep)}, nil
	case "~":
		return []bound{from, below(min(n, 2))}, nil
	case "~>", "~=":
		return []bound{from, below(max(n-1, 1))}, nil
	}
	return nil, fmt.Errorf("can't read the operator %q", op)
}

// bump is the first version after all that share the first keep numbers of v.
func bump(v *version.Version, keep int) *version.Version {
	seg := append([]int(nil), v.Segments()[:min(keep, len(v.Segments()))]...)
	seg[len(seg)-1]++
	words := make([]string, len(seg))
	for i, n := range seg {
		words[i] = fmt.Sprint(n)
	}
	return version.Must(version.NewVersion(strings.Join(words, ".")))
}

// allow tells whether line name, which stands at full, satisfies c. An exact
// version is satisfied by its line: a line is what gets pinned.
func (c constraint) allow(name, full string) bool { return c.admit(name, full, false) }

// admit is allow; exact tells that an exact version is satisfied by itself alone.
func (c constraint) admit(name, full string, exact bool) bool {
	v, err := version.NewVersion(plain(full))
	if err != nil {
		return false
	}
	for _, all := range c {
		ok := true
		for _, b := range all {
			switch b.op {
			case ">=":
				ok = v.GreaterThanOrEqual(b.v)
			case ">":
				ok = v.GreaterThan(b.v)
			case "<":
				ok = v.LessThan(b.v)
			case "<=":
				ok = v.LessThanOrEqual(b.v)
			case "=":
				ok = within(full, b.prefix) || !exact && within(b.prefix, name)
			case "!=":
				ok = !v.Equal(b.v) && !(b.open && within(full, b.prefix))
			}
			if !ok {
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// plain writes a tag's version the way go-version reads it: 11.0.32_9 is
// 11.0.32.9, 8u502-b07 is 8.502.7.
func plain(s string) string {
	var b strings.Builder
	for {
		n, rest, ok := number(s)
		if !ok {
			return b.String()
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, n)
		s = rest
	}
}
