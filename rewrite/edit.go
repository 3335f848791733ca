package rewrite

import (
	"fmt"
	"sort"
	"strings"
)

// Edit replaces the bytes of Span by New. File "" is the Dockerfile itself;
// another name is a path in the build context (".dockerignore").
type Edit struct {
	File string
	Span Span
	New  string
}

// Apply makes all edits at once. Spans refer to src; edits may touch but not
// overlap; insertions at one place keep their order.
func Apply(src string, edits []Edit) (string, error) {
	es := append([]Edit(nil), edits...)
	sort.SliceStable(es, func(i, j int) bool {
		if es[i].Span.Start != es[j].Span.Start {
			return es[i].Span.Start < es[j].Span.Start
		}
		return es[i].Span.End < es[j].Span.End
	})
	var b strings.Builder
	b.Grow(len(src) + 256)
	at := 0
	for _, e := range es {
		if e.Span.Start < at || e.Span.End < e.Span.Start || e.Span.End > len(src) {
			return "", fmt.Errorf("edit [%d,%d) overlaps another or lies outside the %d bytes of the file", e.Span.Start, e.Span.End, len(src))
		}
		b.WriteString(src[at:e.Span.Start])
		b.WriteString(e.New)
		at = e.Span.End
	}
	b.WriteString(src[at:])
	return b.String(), nil
}

// crlf reports whether each line break of a text is CRLF and no \r stands
// elsewhere but at its very end. In a mixed file line breaks are data (a heredoc may mean them), so
// nothing is converted there.
func crlf(text string) bool {
	i := strings.IndexByte(text, '\n')
	if i < 1 || text[i-1] != '\r' {
		return false
	}
	n := strings.Count(text, "\r\n")
	return n == strings.Count(text, "\n") && n == strings.Count(strings.TrimSuffix(text, "\r"), "\r")
}

// withEOL gives a text that transforms wrote the line breaks of its file.
func withEOL(text, eol string) string {
	if eol == "\n" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", eol)
}

// apply applies a change's Dockerfile edits to the document's text. Line
// breaks in New become the file's own; a missing final line break stays
// missing.
func (d *Document) apply(edits []Edit) (string, error) {
	own := make([]Edit, 0, len(edits))
	for _, e := range edits {
		if e.File == "" {
			e.New = withEOL(e.New, d.EOL)
			own = append(own, e)
		}
	}
	out, err := Apply(d.Src, own)
	if err != nil {
		return "", err
	}
	switch had, has := strings.HasSuffix(d.Src, "\n"), strings.HasSuffix(out, "\n"); {
	case had && !has && out != "":
		out += d.EOL
	case !had && has: // the last instruction may have gone, with a blank line above it
		out = strings.TrimRight(out, d.EOL)
	}
	return out, nil
}

// Lines is the text of a span of whole lines, ending in a line break also
// where the file's last line has none, the line breaks of a CRLF file as "\n".
func (d *Document) Lines(sp Span) string {
	t := d.Src[sp.Start:sp.End]
	if t != "" && !strings.HasSuffix(t, "\n") {
		t += "\n"
	}
	if d.EOL == "\n" {
		return t
	}
	return strings.ReplaceAll(t, "\r\n", "\n")
}

// InsertBefore puts lines (each ending in "\n") above the instruction and the
// comments attached to it.
func (d *Document) InsertBefore(in *Instruction, lines string) Edit {
	p := in.Lead()
	return Edit{Span: Span{p, p}, New: lines}
}

// InsertAfter puts lines (each ending in "\n") below the instruction.
func (d *Document) InsertAfter(in *Instruction, lines string) Edit {
	p := in.Span.End
	if p > 0 && d.Src[p-1] != '\n' {
		lines = "\n" + lines
	}
	return Edit{Span: Span{p, p}, New: lines}
}

// Delete removes an instruction with its attached comments. Where it stood
// alone between two blank lines one of them goes with it.
func (d *Document) Delete(in *Instruction) Edit { return d.DeleteRun(in, in) }

// DeleteRun is Delete for instructions in a row, with what stands between them.
func (d *Document) DeleteRun(first, last *Instruction) Edit {
	sp := Span{first.Lead(), last.Span.End}
	next := nextLine(d.Src, sp.End)
	blank := func(s string) bool { return strings.TrimSpace(s) == "" && strings.HasSuffix(s, "\n") }
	if prev := strings.LastIndexByte(d.Src[:max(sp.Start-1, 0)], '\n') + 1; sp.Start > 0 && blank(d.Src[prev:sp.Start]) && blank(d.Src[sp.End:next]) {
		sp.End = next
	}
	for sp.End == len(d.Src) { // at the end of the file the blank lines above go too
		prev := strings.LastIndexByte(d.Src[:max(sp.Start-1, 0)], '\n') + 1
		if sp.Start == 0 || !blank(d.Src[prev:sp.Start]) {
			break
		}
		sp.Start = prev
	}
	return Edit{Span: sp}
}

// Replace puts text in the place of the whole instruction; attached comments
// stay. text ends in "\n".
func (d *Document) Replace(in *Instruction, text string) Edit {
	return Edit{Span: in.Span, New: text}
}

// Move takes an instruction with its attached comments to the place below
// another one.
func (d *Document) Move(in, below *Instruction) []Edit {
	return []Edit{d.Delete(in), d.InsertAfter(below, d.Lines(in.Attached()))}
}

// Touches reports whether an edit of the Dockerfile overlaps the span.
func (e Edit) Touches(sp Span) bool {
	return e.File == "" && e.Span.Start < sp.End && sp.Start < max(e.Span.End, e.Span.Start+1)
}
