package rewrite

import (
	"fmt"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// context is the number of unchanged lines around a hunk, as git has it.
const diffContext = 3

// UnifiedDiff is the patch from before to after for one file, in the form that
// `git apply` and `patch -p1` take. name is the path below the patch's root;
// created marks a file that didn't exist. It is "" when nothing differs.
func UnifiedDiff(name, before, after string, created bool) string {
	if before == after {
		return ""
	}
	var b strings.Builder
	quoted := func(prefix string) string { return gitQuote(prefix + name) }
	end := ""
	if strings.Contains(name, " ") && !strings.HasPrefix(quoted(""), `"`) {
		end = "\t" // as git does: without it patch takes the name to end at the blank
	}
	fmt.Fprintf(&b, "diff --git %s %s\n", quoted("a/"), quoted("b/"))
	if created {
		fmt.Fprintf(&b, "new file mode 100644\n--- /dev/null\n+++ %s%s\n", quoted("b/"), end)
	} else {
		fmt.Fprintf(&b, "--- %s%s\n+++ %s%s\n", quoted("a/"), end, quoted("b/"), end)
	}
	for _, h := range hunks(DiffLines(before, after)) {
		h.write(&b)
	}
	return b.String()
}

// gitQuote writes a path as git does: in C quotes when it holds controls,
// quotes or backslashes.
func gitQuote(p string) string {
	if !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }) {
		return p
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(p) { // bytes: a name need not be UTF-8
		switch c := p[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

// DiffLine is one line of a diff: Op is ' ', '-' or '+'; Text keeps its line
// break, if it has one.
type DiffLine struct {
	Op   byte
	Text string
}

// DiffLines compares two texts line by line.
func DiffLines(before, after string) []DiffLine {
	if before == after {
		return unchanged(nil, before)
	}
	// What is equal at both ends takes no comparing, and is nearly everything.
	n := min(len(before), len(after))
	head := 0
	for head < n && before[head] == after[head] {
		head++
	}
	head = strings.LastIndexByte(before[:head], '\n') + 1
	tail := 0
	for tail < n-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	end := before[len(before)-tail:]
	_, end, _ = strings.Cut(end, "\n") // it begins behind a line break that both have
	out := unchanged(nil, before[:head])
	out = compared(out, before[head:len(before)-len(end)], after[head:len(after)-len(end)])
	return unchanged(out, end)
}

func unchanged(out []DiffLine, text string) []DiffLine {
	for l := range strings.Lines(text) {
		out = append(out, DiffLine{' ', l})
	}
	return out
}

func compared(out []DiffLine, before, after string) []DiffLine {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0
	a, b, table := dmp.DiffLinesToRunes(before, after)
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMainRunes(a, b, false), table) {
		op := map[diffmatchpatch.Operation]byte{diffmatchpatch.DiffEqual: ' ', diffmatchpatch.DiffDelete: '-', diffmatchpatch.DiffInsert: '+'}[d.Type]
		for _, l := range strings.SplitAfter(d.Text, "\n") {
			if l != "" {
				out = append(out, DiffLine{op, l})
			}
		}
	}
	return out
}

type hunk struct {
	oldStart, oldLen, newStart, newLen int
	lines                              []DiffLine
}

func hunks(lines []DiffLine) []*hunk {
	var out []*hunk
	var cur *hunk
	quiet := 0 // equal lines since the last change
	o, n := 1, 1
	for i, l := range lines {
		if l.Op != ' ' {
			if cur == nil {
				from := i
				for from > 0 && i-from < diffContext && lines[from-1].Op == ' ' {
					from--
				}
				cur = &hunk{oldStart: o - (i - from), newStart: n - (i - from)}
				for _, c := range lines[from:i] {
					cur.add(c)
				}
				out = append(out, cur)
			}
			cur.add(l)
			quiet = 0
		} else if cur != nil {
			quiet++
			cur.add(l)
			if quiet > 2*diffContext || i == len(lines)-1 {
				cur.trim(quiet - diffContext)
				cur = nil
				quiet = 0
			}
		}
		if l.Op != '+' {
			o++
		}
		if l.Op != '-' {
			n++
		}
	}
	return out
}

func (h *hunk) add(l DiffLine) {
	h.lines = append(h.lines, l)
	if l.Op != '+' {
		h.oldLen++
	}
	if l.Op != '-' {
		h.newLen++
	}
}

func (h *hunk) trim(n int) {
	if n > 0 {
		h.lines = h.lines[:len(h.lines)-n]
		h.oldLen -= n
		h.newLen -= n
	}
}

func (h *hunk) write(b *strings.Builder) {
	side := func(start, n int) string {
		if n == 0 {
			return fmt.Sprintf("%d,0", start-1)
		}
		if n == 1 {
			return fmt.Sprint(start)
		}
		return fmt.Sprintf("%d,%d", start, n)
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", side(h.oldStart, h.oldLen), side(h.newStart, h.newLen))
	for _, l := range h.lines {
		b.WriteByte(l.Op)
		b.WriteString(l.Text)
		if !strings.HasSuffix(l.Text, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
