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

// hole is where text goes: a literal piece, or the place of an empty default.
type hole struct {
	in         *rewrite.Instruction
	start, end int
	arg        string   // the ARG whose default it stands in; "" in FROM itself
	beside     []string // variables beside it that have a part in the reference
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
	var beside []string
	for i, p := range t.pieces {
		if i != found && p.name != "" && !slices.Contains(beside, p.name) {
			beside = append(beside, p.name)
		}
	}
	text = s[:lo-from] + mid + s[hi-from:]
	if p.name == "" {
		return hole{in: in, start: p.start, end: p.end, arg: arg, beside: beside}, text, ""
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
	h.beside = append(beside, h.beside...)
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
	want := ref.String()
	if want == pl.Text {
		return nil, "it says that already"
	}
	h, text, why := pl.hole(ref)
	if why != "" {
		return nil, fmt.Sprintf("%s: %s", pl.Raw, why)
	}
	if ref.Digest != "" && len(h.beside) > 0 {
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

// hole is where ref is written to, and what.
func (pl *imagePlace) hole(ref images.Ref) (h hole, text, why string) {
	end := len(pl.Text)
	if pl.Ref.Digest != "" {
		end -= len(pl.Ref.Digest) + 1
	}
	tag := -1
	if pl.Ref.Tag != "" {
		tag = end - len(pl.Ref.Tag)
	}
	return pl.word.find(pl.in, "", pl.Text, ref.String(), tag, end, argsOf(pl.in.Doc()))
}

// Beside are the build arguments that have a part in the reference besides the
// text that Write would change: where they are given other values, what it writes
// is part of the name of another image.
func (pl *imagePlace) Beside(ref images.Ref) []string {
	if pl.Why != "" || !pl.word.variable() {
		return nil
	}
	h, _, _ := pl.hole(ref)
	return h.beside
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
