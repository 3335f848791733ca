package transforms

import (
	"strings"

	"drydock/rewrite"
)

// How moved and new lines are laid out: paragraphs stay paragraphs, and a comment stays with what it is about.

// setOff: a blank line stands above an instruction and its comments.
func setOff(d *rewrite.Document, in *rewrite.Instruction) bool {
	return strings.HasSuffix(strings.ReplaceAll(d.Src[max(0, in.Lead()-4):in.Lead()], "\r", ""), "\n\n")
}

// commented: a comment stands directly above an instruction.
func commented(in *rewrite.Instruction) bool { return in.Lead() < in.Span.Start }

// paragraph: an instruction is set off by a blank line, and has a comment or a blank line after it.
func paragraph(d *rewrite.Document, in *rewrite.Instruction) bool {
	next := in.Next()
	return setOff(d, in) && (commented(in) || next == nil || setOff(d, next))
}

// above inserts lines over an instruction; its comment stays its own behind a
// blank line where the file sets off its blocks so.
func above(d *rewrite.Document, in *rewrite.Instruction, lines string) rewrite.Edit {
	if commented(in) && setOff(d, in) {
		lines += "\n"
	}
	return d.InsertBefore(in, lines)
}

// under inserts lines over an instruction and under the comment that heads its paragraph, which is about them too. One that
// speaks to a tool stays at the instruction.
func under(d *rewrite.Document, in *rewrite.Instruction, lines string) rewrite.Edit {
	if !setOff(d, in) || forTool(d, in) {
		return above(d, in, lines)
	}
	return rewrite.Edit{Span: rewrite.Span{Start: in.Span.Start, End: in.Span.Start}, New: lines}
}

// forTool: the comment of an instruction speaks to a tool.
func forTool(d *rewrite.Document, in *rewrite.Instruction) bool {
	comment := strings.ToLower(d.Src[in.Lead():in.Span.Start])
	for _, word := range []string{"ignore", "skip", "lint", "noqa", "nosem", "check="} {
		if strings.Contains(comment, word) {
			return true
		}
	}
	return false
}

// heads: the comment of an instruction is that of the next one too.
func heads(d *rewrite.Document, in *rewrite.Instruction) bool {
	next := in.Next()
	return commented(in) && !forTool(d, in) && next != nil && !commented(next) && !setOff(d, next)
}

// behind moves an instruction with its comments to the place below another one of its stage.
func behind(d *rewrite.Document, in, below *rewrite.Instruction) []rewrite.Edit {
	lines := d.Lines(in.Attached())
	next, after := in.Next(), below.Next()
	if commented(in) && setOff(d, in) || next != nil && setOff(d, next) && (after == nil || setOff(d, after)) {
		lines = "\n" + lines
	}
	return []rewrite.Edit{d.Delete(in), d.InsertAfter(below, lines)}
}
