package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// suggestion is a place of a patch as a forge's comment makes it: the lines Start to
// End of the file before, which are there, give way to Text.
type suggestion struct {
	Path       string // of the file, as Patch.file
	Start, End int    // 1-based
	Text       string // lines, the last one without its line break
	Empty      bool   // the lines go, and none comes
	owners     []int  // as File.owners
}

// suggestions are the places of f that a comment can suggest, and how many can't be
// suggested: those of files that are new, with line breaks or bytes that a comment
// doesn't keep, and a line break at the end of a file.
func (f *File) suggestions() (out []suggestion, left int) {
	if f.Written || f.Error != nil {
		return nil, 0
	}
	for _, p := range f.Patches {
		hunks := f.Hunks(p)
		if p.Created || p.Before == "" || strings.Contains(p.Before+p.After, "\r") || !utf8.ValidString(p.Before+p.After) || strings.HasPrefix(p.Before, "\ufeff") {
			left += len(hunks)
			continue
		}
		lines := strings.Split(strings.TrimSuffix(p.Before, "\n"), "\n")
		first := len(out)
		for _, h := range hunks {
			s := suggestion{Path: p.file(), Start: h.Line, End: h.Line + len(h.Old) - 1, owners: f.owners(h)}
			fresh := make([]string, 0, len(h.New)+1)
			for _, l := range h.New {
				fresh = append(fresh, strings.TrimSuffix(l, "\n"))
			}
			switch old := strings.Join(h.Old, ""); {
			case len(h.Old) == 0 && h.Line <= len(lines): // above a line, which stays
				s.End = s.Start
				fresh = append(fresh, lines[h.Line-1])
			case len(h.Old) == 0: // behind the last one
				s.Start, s.End = len(lines), len(lines)
				fresh = append([]string{lines[len(lines)-1]}, fresh...)
			case strings.TrimSuffix(old, "\n") == strings.Join(fresh, "\n"):
				left++ // the line break at the end of the file
				continue
			}
			s.Text, s.Empty = strings.Join(fresh, "\n"), len(fresh) == 0
			if n := len(out); n > first && out[n-1].End >= s.Start { // both hold the last line
				_, rest, _ := strings.Cut(s.Text, "\n")
				out[n-1].Text += "\n" + rest
				out[n-1].owners = union(out[n-1].owners, s.owners)
				continue
			}
			out = append(out, s)
		}
	}
	return out, left
}

// body is the text of the comment: each change with its reason, then the block that the
// forge makes a button of; kind is "suggestion" or "suggestion:-0+0".
func (s suggestion) body(f *File, kind string, places map[int]int) string {
	var b strings.Builder
	for _, i := range s.owners {
		o := f.Outcomes[i]
		fmt.Fprintf(&b, "**%s**: %s", MarkdownPlain(o.Transform), MarkdownPlain(sentence(o.Title)))
		if o.Why != "" {
			b.WriteString(" " + MarkdownPlain(sentence(o.Why)))
		}
		if o.Assumes != "" {
			b.WriteString(" *Assumes: " + MarkdownPlain(o.Assumes) + ".*")
		}
		if n := places[i]; n > 1 {
			fmt.Fprintf(&b, " It has %d places: take them together.", n)
		}
		b.WriteString("\n\n")
	}
	text := s.Text
	if !s.Empty {
		text += "\n"
	}
	fence := markdownFence(text)
	fmt.Fprintf(&b, "%s%s\n%s%s\n", fence, kind, text, fence)
	return b.String()
}

// places counts the suggestions that each change is in, by index of the outcome.
func places(all []suggestion) map[int]int {
	out := map[int]int{}
	for _, s := range all {
		for _, i := range s.owners {
			out[i]++
		}
	}
	return out
}
