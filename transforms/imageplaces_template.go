package transforms

// Words that hold variables: FROM's reference, and the defaults of the ARGs in
// front of it.

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// A template is a word of FROM or the default of an ARG, cut into literal text
// and variables. Quotes belong to no piece.
type template struct {
	start, end int // within the instruction's text, outer quotes left out
	pieces     []piece
}

type piece struct {
	start, end int    // within the instruction's text
	text       string // literal
	name       string // variable; "" for a literal
	op         string // "", "-", ":-": what stands behind the name in braces
	def        *template
}

// readTemplate reads a word with BuildKit's rules (frontend/dockerfile/shell
// lex.go); false for the forms that it leaves to others: escapes, ${X:+y} and
// the like.
func readTemplate(word string, offset int, escape byte) (template, bool) {
	t := template{start: offset, end: offset + len(word)}
	if n := len(word); n > 1 && (word[0] == '"' || word[0] == '\'') && word[n-1] == word[0] && strings.Count(word, word[:1]) == 2 {
		t.start, t.end = t.start+1, t.end-1
	}
	var quote byte
	literal := -1
	flush := func(to int) {
		if literal >= 0 && to > literal {
			t.pieces = append(t.pieces, piece{start: offset + literal, end: offset + to, text: word[literal:to]})
		}
		literal = -1
	}
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == escape && quote != '\'':
			return t, false
		case quote == 0 && (c == '"' || c == '\''):
			flush(i)
			quote = c
		case quote != 0 && c == quote:
			flush(i)
			quote = 0
		case c == '$' && quote != '\'':
			flush(i)
			v, ok := readVariable(word, i, offset, escape)
			if !ok {
				return t, false
			}
			t.pieces = append(t.pieces, v)
			i = v.end - offset - 1
		case literal < 0:
			literal = i
		}
	}
	flush(len(word))
	return t, quote == 0
}

// readVariable reads $X, ${X}, ${X-y} or ${X:-y} at an offset of word.
func readVariable(word string, at, offset int, escape byte) (piece, bool) {
	v := piece{start: offset + at}
	nameEnd := func(i int) int {
		for i < len(word) && (word[i] == '_' || word[i] >= '0' && word[i] <= '9' || word[i]|0x20 >= 'a' && word[i]|0x20 <= 'z') {
			i++
		}
		return i
	}
	if !strings.HasPrefix(word[at:], "${") {
		end := nameEnd(at + 1)
		v.name, v.end = word[at+1:end], offset+end
		return v, v.name != "" && (v.name[0] < '0' || v.name[0] > '9')
	}
	end := nameEnd(at + 2)
	v.name = word[at+2 : end]
	if v.name == "" || end == len(word) {
		return v, false
	}
	if word[end] == '}' {
		v.end = offset + end + 1
		return v, true
	}
	rest := word[end:]
	switch {
	case strings.HasPrefix(rest, ":-"):
		v.op = ":-"
	case strings.HasPrefix(rest, "-"):
		v.op = "-"
	default:
		return v, false
	}
	from := end + len(v.op)
	depth := 1
	for i := from; i < len(word); i++ {
		switch word[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '"', '\'':
			return v, false
		}
		if depth == 0 {
			d, ok := readTemplate(word[from:i], offset+from, escape)
			v.def, v.end = &d, offset+i+1
			return v, ok
		}
	}
	return v, false
}

func (t template) variable() bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.name != "" })
}

// argDefault is what the ARGs before the first FROM say about one name.
type argDefault struct {
	in    *rewrite.Instruction
	value *template // nil without a default
	bad   bool      // its default is in a form that isn't read
	times int       // how often it is declared
}

// argsOf are the ARGs before the first FROM.
func argsOf(doc *rewrite.Document) map[string]*argDefault {
	out := map[string]*argDefault{}
	for _, in := range doc.Instructions {
		if in.Stage != nil {
			break
		}
		for _, w := range in.Assignments() {
			name, value, has := strings.Cut(w.Text, "=")
			name = strings.Trim(name, `"'`)
			a := out[name]
			if a == nil {
				a = &argDefault{}
				out[name] = a
			}
			a.times++
			a.in = in
			if has {
				t, ok := readTemplate(value, w.End-len(value), doc.Escape)
				a.value, a.bad = &t, !ok
			}
		}
	}
	return out
}

// expand gives the text with the defaults of env; unset names the first variable
// that has none.
func (t template) expand(env map[string]*argDefault) (text, unset string) {
	return t.expandTo(env, 0)
}

func (t template) expandTo(env map[string]*argDefault, depth int) (text, unset string) {
	var b strings.Builder
	for _, p := range t.pieces {
		s, missing := p.expand(env, depth)
		if unset == "" {
			unset = missing
		}
		b.WriteString(s)
	}
	return b.String(), unset
}

func (p piece) expand(env map[string]*argDefault, depth int) (text, unset string) {
	if p.name == "" {
		return p.text, ""
	}
	if depth > 10 {
		return "", p.name // ARG X=$X
	}
	if d := p.from(env, depth); d != nil {
		return d.expandTo(env, depth+1)
	}
	return "", p.name
}

// from is the template that a variable takes its text from: the default of its
// ARG, else the one in the braces; nil when it has neither.
func (p piece) from(env map[string]*argDefault, depth int) *template {
	a := env[p.name]
	if a == nil || a.value == nil || a.bad {
		return p.def
	}
	if p.op == ":-" {
		if s, _ := a.value.expandTo(env, depth+1); s == "" {
			return p.def
		}
	}
	return a.value
}

// names are the variables of the template and of the defaults it takes.
func (t template) names(env map[string]*argDefault) (out []string) {
	for _, p := range t.pieces {
		out = p.add(out, env, 0)
	}
	return out
}

func (p piece) add(out []string, env map[string]*argDefault, depth int) []string {
	if p.name == "" || depth > 10 {
		return out
	}
	if !slices.Contains(out, p.name) {
		out = append(out, p.name)
	}
	if d := p.from(env, depth); d != nil {
		for _, q := range d.pieces {
			out = q.add(out, env, depth+1)
		}
	}
	return out
}
