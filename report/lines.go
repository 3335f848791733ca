package report

import (
	"strings"

	"drydock/rewrite"
)

// OriginalLine finds the line of orig that line n of now comes from, both 1-based: the same line where it
// is still there, for a moved one the place where it was, for a rewritten one the line it
// replaces, for a new one what it was put above. 0 stays 0.
func OriginalLine(orig, now string, n int) int {
	if n <= 0 || orig == now {
		return n
	}
	type line struct {
		text string
		at   int
	}
	diff := rewrite.DiffLines(orig, now)
	o, l := 0, 0    // lines seen of orig and now
	var gone []line // the deleted lines of the current block
	for _, d := range diff {
		switch d.Op {
		case '-':
			o++
			gone = append(gone, line{bare(d.Text), o})
			continue
		case '+':
			if l++; l < n {
				continue
			}
			text := bare(d.Text)
			if from, ok := movedFrom(diff, text); ok {
				return from
			}
			best, most := o+1, -1
			for _, g := range gone {
				if a := alike(g.text, text); a > most {
					best, most = g.at, a
				}
			}
			return best
		}
		o++
		gone = gone[:0]
		if l++; l == n {
			return o
		}
	}
	return max(o, 1)
}

// movedFrom is the only deleted line that has this text.
func movedFrom(diff []rewrite.DiffLine, text string) (at int, ok bool) {
	o, found := 0, 0
	for _, d := range diff {
		if d.Op == '+' {
			continue
		}
		if o++; d.Op == '-' && text != "" && bare(d.Text) == text {
			at = o
			found++
		}
	}
	return at, found == 1
}

// alike is how many bytes two lines begin and end with together.
func alike(a, b string) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	begin := 0
	for begin < len(a) && a[begin] == b[begin] {
		begin++
	}
	end := 0
	for end < len(a)-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return begin + end
}

// bare is a line without the blanks around it.
func bare(line string) string { return strings.TrimSpace(line) }
