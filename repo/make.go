package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Makefile is what a makefile says, as far as it can be read without running
// anything: rules with their recipes, and variables.
// Source: https://www.gnu.org/software/make/manual/make.html
type Makefile struct {
	File    string
	Unknown string // file:line of what may change everything: conditionals, includes
	Shell   string // file:line that asks a program, such as pkg-config, for a value
	first   string // the default goal
	vars    map[string]string
	exports []string // names of variables that recipes find in their environment
	rules   map[string]*makeRule
}

type makeRule struct {
	prereqs string
	recipe  []makeRecipe
}

type makeRecipe struct {
	text string
	line int
}

// MakeCommand is a line of a recipe that make would run. What only make could
// compute stands in it as ${COMPUTED}.
type MakeCommand struct {
	Text   string
	Target string
	Line   int
}

// Makefile reads the makefile of a folder, the one that make takes by itself or
// the one that is named. It is nil where there is none.
func (r *Repo) Makefile(dir, name string) *Makefile {
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	if name != "" {
		names = []string{name}
	}
	for _, n := range names {
		file, ok := clean(path.Join(dir, n))
		if !ok || !r.isFile(file) {
			continue
		}
		src, err := r.ReadFile(file)
		if err != nil || len(src) > MaxScanBytes {
			return &Makefile{File: file, Unknown: file + " can't be read"}
		}
		return readMakefile(file, text(src))
	}
	return nil
}

func readMakefile(file, src string) *Makefile {
	m := &Makefile{File: file, vars: map[string]string{}, rules: map[string]*makeRule{}}
	lines := strings.Split(src, "\n")
	var open []*makeRule // rules that a recipe line belongs to
	for i := 0; i < len(lines); i++ {
		at, l := i+1, lines[i]
		for strings.HasSuffix(l, "\\") && i+1 < len(lines) {
			i++
			l = strings.TrimSuffix(l, "\\") + " " + strings.TrimSpace(lines[i])
		}
		if strings.HasPrefix(l, "\t") && len(open) > 0 {
			for _, r := range open {
				r.recipe = append(r.recipe, makeRecipe{strings.TrimSpace(l), at})
			}
			continue
		}
		if m.Shell == "" && (strings.Contains(l, "$(shell") || strings.Contains(l, "!=") || strings.Contains(l, "pkg-config")) {
			m.Shell = place(file, at)
		}
		l, _, _ = strings.Cut(l, "#")
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		open = nil
		word, _, _ := strings.Cut(l, " ")
		switch word {
		case "ifeq", "ifneq", "ifdef", "ifndef", "include", "-include", "sinclude", "define", "override", "vpath":
			if word == "-include" && strings.Contains(l, ".d") || word == "-include" && strings.Contains(l, "DEP") {
				continue // dependencies that the compiler wrote down
			}
			if m.Unknown == "" {
				m.Unknown = fmt.Sprintf("%s:%d has %s", file, at, word)
			}
			continue
		case "export", "unexport":
			l = strings.TrimSpace(strings.TrimPrefix(l, word))
			if word == "export" {
				m.export(l)
			}
		}
		if m.assign(l) {
			continue
		}
		head, rest, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		rest = strings.TrimPrefix(rest, ":")
		prereqs, inline, hasInline := strings.Cut(rest, ";")
		if strings.Contains(prereqs, "=") { // a variable of the target alone
			if m.Unknown == "" {
				m.Unknown = fmt.Sprintf("%s:%d sets a variable for one target", file, at)
			}
			continue
		}
		for _, t := range strings.Fields(m.expand(head, nil)) {
			r := m.rules[t]
			if r == nil {
				r = &makeRule{}
				m.rules[t] = r
			}
			r.prereqs += " " + prereqs
			if hasInline {
				r.recipe = append(r.recipe, makeRecipe{strings.TrimSpace(inline), at})
			}
			if m.first == "" && !strings.HasPrefix(t, ".") && !strings.Contains(t, "%") {
				m.first = t
			}
			open = append(open, r)
		}
	}
	return m
}

// export notes the variables of an export line: one with its value, or names.
func (m *Makefile) export(l string) {
	if name, _, ok := strings.Cut(l, "="); ok {
		l = strings.TrimRight(name, ":?+! \t")
	}
	m.exports = append(m.exports, strings.Fields(l)...)
}

// Defines reports whether the makefile gives a variable a value.
func (m *Makefile) Defines(name string) bool {
	_, ok := m.vars[name]
	return ok
}

// Exported are the variables that recipes find in their environment because an export
// line names them, with their values; set is as for Commands.
func (m *Makefile) Exported(set map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range m.exports {
		if v, ok := m.vars[name]; ok {
			out[name] = m.expand(v, set)
		}
		if v, ok := set[name]; ok {
			out[name] = v
		}
	}
	return out
}

// assign takes "NAME = value" in all its forms.
func (m *Makefile) assign(l string) bool {
	i := strings.IndexByte(l, '=')
	if i <= 0 || strings.ContainsRune(strings.TrimRight(l[:i], ":?+!"), ':') {
		return false
	}
	op := l[:i]
	name := strings.TrimRight(op, ":?+! \t")
	op = strings.TrimSpace(op[len(name):])
	if name == "" || strings.ContainsAny(name, " \t$%") {
		return false
	}
	value := strings.TrimSpace(l[i+1:])
	old, had := m.vars[name]
	switch {
	case op == "?" && had:
	case op == "+" && had:
		m.vars[name] = strings.TrimSpace(old + " " + value)
	case op == "!":
		m.vars[name] = "${COMPUTED}"
	default:
		if strings.HasPrefix(op, ":") {
			value = m.expand(value, nil)
		}
		m.vars[name] = value
	}
	return true
}

// makeDefaults are variables that make sets by itself.
var makeDefaults = map[string]string{"CC": "cc", "CXX": "g++", "AR": "ar", "RM": "rm -f", "MAKE": "make", "LD": "ld", "CURDIR": ".", "INSTALL": "install"}

// expand replaces variables; asked are those of the command line, which win.
func (m *Makefile) expand(s string, asked map[string]string) string { return m.expandIn(s, asked, 0) }

func (m *Makefile) expandIn(s string, asked map[string]string, depth int) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		name := s[i : i+1]
		switch s[i] {
		case '$':
			b.WriteByte('$')
			continue
		case '(', '{':
			end := i + matching(s[i:])
			if end <= i {
				b.WriteString("${COMPUTED}")
				return b.String()
			}
			name, i = s[i+1:end], end
		}
		value, ok := asked[name]
		if !ok {
			value, ok = m.vars[name]
		}
		if !ok {
			value, ok = makeDefaults[name]
		}
		switch {
		case strings.ContainsAny(name, " :$") || name == "COMPUTED" || depth > 10:
			b.WriteString("${COMPUTED}")
		case ok:
			b.WriteString(m.expandIn(value, asked, depth+1))
		case strings.ContainsAny(name, "@<^*?+|%"):
			b.WriteString("$(" + name + ")") // for the rule to fill in
		}
	}
	return b.String()
}

// matching is the offset of the bracket that closes the one s begins with.
func matching(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// Commands lists what make runs for the goals, in order, as if nothing had been
// built. Rules by pattern are left out: they make objects of sources. set are the variables
// of the command line and the environment.
func (m *Makefile) Commands(goals []string, set map[string]string) (out []MakeCommand, why string) {
	if m.Unknown != "" {
		return nil, m.Unknown
	}
	if len(goals) == 0 {
		if m.first == "" {
			return nil, m.File + " has no goal"
		}
		goals = []string{m.first}
	}
	seen := map[string]bool{}
	var walk func(t string)
	walk = func(t string) {
		r := m.rules[t]
		if r == nil || seen[t] {
			return
		}
		seen[t] = true
		prereqs := strings.Fields(m.expand(r.prereqs, set))
		for _, p := range prereqs {
			walk(p)
		}
		recipe := r.recipe
		if len(recipe) == 0 && slices.ContainsFunc(prereqs, func(p string) bool { return p == t+".o" || p == t+".c" || p == t+".cpp" || p == t+".cc" }) {
			// make's own rule
			recipe = []makeRecipe{{"$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)", 0}}
		}
		for _, l := range recipe {
			line := m.expand(l.text, set)
			first := "${COMPUTED}"
			if len(prereqs) > 0 {
				first = prereqs[0]
			}
			line = strings.NewReplacer("$(@)", t, "$(<)", first, "$(^)", strings.Join(prereqs, " "), "$(@D)", path.Dir(t), "$(@F)", path.Base(t), "$(+)", strings.Join(prereqs, " "), "$(*)", "${COMPUTED}", "$(?)", "${COMPUTED}", "$(|)", "").Replace(line)
			out = append(out, MakeCommand{Text: strings.TrimLeft(line, "@-+ \t"), Target: t, Line: l.line})
		}
	}
	for _, g := range goals {
		switch {
		case m.rules[g] != nil:
			walk(g)
		default:
			return nil, fmt.Sprintf("%s has no rule for %s", m.File, g)
		}
	}
	return out, ""
}
