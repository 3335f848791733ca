package transforms

// References made of build arguments: which part of FROM, or which ARG in front
// of it, another reference is written to.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/images"
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

// hole is where text goes: a literal piece, or the place of an empty default.
type hole struct {
	in         *rewrite.Instruction
	start, end int
	arg        string // the ARG whose default it stands in; "" in FROM itself
	vars       int    // variables beside it that have a part in the reference
}

// find is the hole to write want to, and the text that it then holds. now is the
// text of t, in which a tag begins at offset tag (-1: not in it) and goes on up to end.
func (t template) find(in *rewrite.Instruction, arg, now, want string, tag, end int, env map[string]*argDefault) (h hole, text, why string) {
	lo, hi, mid := difference(now, want)
	if len(t.pieces) == 0 {
		return hole{in: in, start: t.start, end: t.end, arg: arg}, want, ""
	}
	at, found := 0, -1
	var from int
	for i, p := range t.pieces {
		s, _ := p.expand(env, 0)
		if lo >= at && hi <= at+len(s) {
			// Text that is put between two pieces belongs to the left one (the 3 of
			// python:3 grows); a whole tag or digest to the last one, and what comes in
			// front of a tag (26- of alpine) to the one that begins with it.
			between := lo == hi && lo == at+len(s) && i == len(t.pieces)-1 && (mid[0] == ':' || mid[0] == '@')
			if found < 0 || between || lo == hi && lo == tag && at == tag {
				found, from = i, at
			}
		}
		at += len(s)
	}
	if found < 0 {
		return h, "", "the parts that would change stand in several places"
	}
	p := t.pieces[found]
	s, _ := p.expand(env, 0)
	// A variable that begins the tag may be given any other version: text behind it
	// that goes with one version alone would spoil those.
	if tag >= 0 && lo < end && (tag < from || tag >= from+len(s)) {
		return h, "", "the tag begins with a part that others may choose"
	}
	others := 0
	for i, p := range t.pieces {
		if i != found && p.name != "" {
			others++
		}
	}
	text = s[:lo-from] + mid + s[hi-from:]
	if p.name == "" {
		return hole{in: in, start: p.start, end: p.end, arg: arg, vars: others}, text, ""
	}
	d := p.from(env, 0)
	src, inside := in, arg
	if d != p.def {
		src, inside = env[p.name].in, p.name
	}
	if tag >= 0 {
		tag -= from
	}
	h, text, why = d.find(src, inside, s, text, tag, end-from, env)
	h.vars += others
	return h, text, why
}

// difference is the part [lo, hi) of now that mid takes the place of in want.
func difference(now, want string) (lo, hi int, mid string) {
	for lo < len(now) && lo < len(want) && now[lo] == want[lo] {
		lo++
	}
	hi = len(now)
	end := len(want)
	for hi > lo && end > lo && now[hi-1] == want[end-1] {
		hi--
		end--
	}
	return lo, hi, want[lo:end]
}

// writeArg is write for a reference with variables.
func (pl *imagePlace) writeArg(ref images.Ref, right func(other *imagePlace, now string) bool) ([]rewrite.Edit, string) {
	doc := pl.in.Doc()
	env := argsOf(doc)
	want := ref.String()
	if want == pl.Text {
		return nil, "it says that already"
	}
	end := len(pl.Text)
	if pl.Ref.Digest != "" {
		end -= len(pl.Ref.Digest) + 1
	}
	tag := -1
	if pl.Ref.Tag != "" {
		tag = end - len(pl.Ref.Tag)
	}
	h, text, why := pl.word.find(pl.in, "", pl.Text, want, tag, end, env)
	if why != "" {
		return nil, fmt.Sprintf("%s: %s", pl.Raw, why)
	}
	if ref.Digest != "" && (h.vars > 0 || h.in == pl.in && pl.word.literal(h)) {
		return nil, fmt.Sprintf("a digest in %s would hold whatever %s is given", pl.Raw, strings.Join(pl.Args, " and "))
	}
	sp, whole := h.in.SrcSpan(h.start, h.end)
	if !whole {
		return nil, "the reference is broken over lines"
	}
	if h.arg != "" {
		if why := takenElsewhere(doc, h.arg); why != "" {
			return nil, why
		}
	}
	edits := []rewrite.Edit{{Span: sp, New: text}}
	if why := pl.onlyThis(edits, want, right); why != "" {
		return nil, why
	}
	return edits, ""
}

// literal: the hole is text of the template itself, beside its variables.
func (t template) literal(h hole) bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.name == "" && p.start == h.start && p.end == h.end })
}

// takenElsewhere tells who besides FROM takes an ARG of the file's head, or one
// whose default is made of it: a stage that declares it again, a --platform.
func takenElsewhere(doc *rewrite.Document, name string) string {
	moved := map[string]bool{name: true}
	mentions := func(word string) bool {
		t, ok := readTemplate(word, 0, doc.Escape)
		return !ok || slices.ContainsFunc(t.pieces, func(p piece) bool { return p.mentions(moved) })
	}
	for _, in := range doc.Instructions {
		cmd, ok := in.Cmd.(*instructions.ArgCommand)
		if ok {
			for _, a := range cmd.Args {
				switch {
				case in.Stage != nil && a.Value == nil && moved[a.Key]:
					return fmt.Sprintf("line %d takes %s into its stage too, where another default may mean something else", in.Line, a.Key)
				case in.Stage == nil && a.Value != nil && mentions(*a.Value):
					moved[a.Key] = true
				}
			}
		}
		if st, ok := in.Cmd.(*instructions.Stage); ok && strings.Contains(st.Platform, "$") && mentions(st.Platform) {
			return fmt.Sprintf("line %d takes its platform from it too", in.Line)
		}
	}
	return ""
}

func (p piece) mentions(names map[string]bool) bool {
	return names[p.name] || p.def != nil && slices.ContainsFunc(p.def.pieces, func(q piece) bool { return q.mentions(names) })
}

// onlyThis makes the edits on the side and looks at every image that the file
// then names.
func (pl *imagePlace) onlyThis(edits []rewrite.Edit, want string, right func(other *imagePlace, now string) bool) string {
	doc := pl.in.Doc()
	text, err := rewrite.Apply(doc.Src, edits)
	if err != nil {
		return err.Error()
	}
	after, err := rewrite.Reparse(doc, text)
	if err != nil {
		return err.Error()
	}
	before, now := placesOf(pl.pass, doc), placesOf(pl.pass, after)
	if len(before) != len(now) {
		return "another place would name an image, or none any more"
	}
	for i, b := range before {
		switch n := now[i]; {
		case b.Kind != n.Kind || b.Why != n.Why:
			return fmt.Sprintf("line %d would be read differently", b.At.Line)
		case b.At == nil || b.At.Index == pl.At.Index && b.Kind == pl.Kind:
			if b.At != nil && n.Text != want {
				return fmt.Sprintf("%s would come to %s", pl.Raw, n.Text)
			}
		case n.Text != b.Text && !right(b, n.Text):
			return fmt.Sprintf("line %d takes %s from it too, which would become %s", b.At.Line, b.Text, n.Text)
		}
	}
	return ""
}
