package review

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"

	"drydock/report"
	"drydock/rewrite"
	"drydock/said"
)

// context is how many lines that stay are shown around a place, as git has it.
const context = 3

// diffRow is one line of a diff.
type diffRow struct {
	op       byte // ' ', '-', '+', or '@' for lines that are left out
	old, new int  // 1-based line numbers, 0 where there is none
	text     string
	marks    [][2]int // the bytes that differ from the line in whose place it stands
	pieces   []piece
	skipped  int // for '@': how many lines
	noEnd    bool
}

// diffRows compares two texts; code tells that they are Dockerfiles.
func diffRows(before, after string, code bool) []diffRow {
	var old, now [][]piece
	if code {
		old, now = highlight(before), highlight(after)
	}
	get := func(ps [][]piece, i int) []piece {
		if i < len(ps) {
			return ps[i]
		}
		return nil
	}
	var all []diffRow
	o, n, block := 0, 0, 0 // block: where the place that differs begins
	close := func() { mark(all[block:]); block = len(all) }
	for _, d := range rewrite.DiffLines(before, after) {
		text := strings.TrimSuffix(d.Text, "\n")
		r := diffRow{op: d.Op, text: text, noEnd: len(text) == len(d.Text)}
		switch d.Op {
		case '-':
			o++
			r.old, r.pieces = o, get(old, o-1)
		case '+':
			n++
			r.new, r.pieces = n, get(now, n-1)
		default:
			close()
			o, n = o+1, n+1
			r.old, r.new, r.pieces, r.noEnd = o, n, get(now, n-1), false
			block = len(all) + 1
		}
		all = append(all, r)
	}
	close()
	for i := range all { // a carriage return that all lines have is no news
		all[i].text = strings.TrimSuffix(all[i].text, "\r")
	}
	return fold(all)
}

// fold leaves out what stays and is far from a change.
func fold(all []diffRow) []diffRow {
	near := make([]bool, len(all))
	last := -context - 1
	for i, r := range all {
		if r.op != ' ' {
			last = i
		}
		near[i] = i-last <= context
	}
	next := len(all) + context + 1
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].op != ' ' {
			next = i
		}
		near[i] = near[i] || next-i <= context
	}
	var out []diffRow
	for i := 0; i < len(all); {
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		from := i
		for i < len(all) && !near[i] {
			i++
		}
		if i-from == 1 {
			out = append(out, all[from])
			continue
		}
		out = append(out, diffRow{op: '@', skipped: i - from, old: all[from].old, new: all[from].new})
	}
	return out
}

// maxMarked bounds the lines in which differing characters are looked for, in bytes.
const maxMarked = 2000

// mark pairs the lines that go with those that come and marks where they differ, in pairs
// that have enough in common. The lines that go stand first afterwards.
func mark(block []diffRow) {
	slices.SortStableFunc(block, func(a, b diffRow) int { return int(b.op) - int(a.op) }) // '-' is 45, '+' is 43
	cut := slices.IndexFunc(block, func(r diffRow) bool { return r.op == '+' })
	if cut <= 0 || block[0].op != '-' {
		return
	}
	gone, come := block[:cut], block[cut:]
	for i := range min(len(gone), len(come)) {
		gone[i].marks, come[i].marks = differing(gone[i].text, come[i].text)
	}
}

// differing marks what differs between two lines, nothing when too much does.
func differing(a, b string) (left, right [][2]int) {
	if len(a) > maxMarked || len(b) > maxMarked {
		return nil, nil
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0
	diffs := dmp.DiffCleanupSemantic(dmp.DiffMain(a, b, false))
	same := 0
	x, y := 0, 0
	for _, d := range diffs {
		n := len(d.Text)
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			same += len(strings.TrimSpace(d.Text))
			x, y = x+n, y+n
		case diffmatchpatch.DiffDelete:
			left = append(left, [2]int{x, x + n})
			x += n
		default:
			right = append(right, [2]int{y, y + n})
			y += n
		}
	}
	if 10*same < 3*max(len(a), len(b)) {
		return nil, nil
	}
	return left, right
}

// look is the line with its colours.
func (r diffRow) look() line {
	base := style{}
	switch r.op {
	case '-':
		base.colour = red
	case '+':
		base.colour = green
	}
	var out line
	col := 0
	piece, marked := 0, 0
	for at := 0; at < len(r.text); {
		for piece < len(r.pieces) && r.pieces[piece].to <= at {
			piece++
		}
		for marked < len(r.marks) && r.marks[marked][1] <= at {
			marked++
		}
		st, end := base, len(r.text)
		if piece < len(r.pieces) {
			p := r.pieces[piece]
			if p.from <= at {
				st, end = p.token.look(base), min(p.to, end)
			} else {
				end = p.from
			}
		}
		if marked < len(r.marks) {
			if m := r.marks[marked]; m[0] <= at {
				st.reverse, st.dim, end = true, false, min(end, m[1])
			} else {
				end = min(end, m[0])
			}
		}
		end = min(end, len(r.text))
		text := visible(r.text[at:end], col)
		col += width(text)
		out = append(out, span{text, st})
		at = end
	}
	if r.noEnd {
		out = append(out, span{" (no line break at the end)", style{dim: true}})
	}
	return out
}

// visible makes a piece of a line printable: tabs as blanks up to the next stop, what
// isn't printable as Go escapes it.
func visible(text string, col int) string {
	if !strings.Contains(text, "\t") {
		return said.Printable(text)
	}
	var b strings.Builder
	for i, part := range strings.Split(text, "\t") {
		if i > 0 {
			n := tabs - col%tabs
			b.WriteString(strings.Repeat(" ", n))
			col += n
		}
		part = said.Printable(part)
		b.WriteString(part)
		col += width(part)
	}
	return b.String()
}

// unified lays a diff out in one column.
func unified(rows []diffRow, digits, cells int) []line {
	var out []line
	for _, r := range rows {
		if r.op == '@' {
			out = append(out, skipped(r, digits))
			continue
		}
		n := r.new
		if r.op == '-' {
			n = r.old
		}
		out = append(out, numbered(r, n, digits, cells)...)
	}
	return out
}

func skipped(r diffRow, digits int) line {
	return styled(strings.Repeat(" ", digits)+" ⋮ "+report.Count(r.skipped, "line", "lines")+" as before", style{dim: true})
}

// numbered is one line of a diff with its number and its mark, wrapped.
func numbered(r diffRow, n, digits, cells int) []line {
	st := style{}
	switch r.op {
	case '-':
		st = style{colour: red, bold: true}
	case '+':
		st = style{colour: green, bold: true}
	}
	number := strconv.Itoa(n)
	head := line{{strings.Repeat(" ", digits-len(number)) + number + " ", style{dim: true}}, {string(r.op) + " ", st}}
	indent := line{{strings.Repeat(" ", digits+1), style{}}, {string(r.op) + "   ", st}}
	return append(head, r.look()...).wrap(cells, indent)
}

// digits is how wide the numbers of a diff are.
func digits(rows []diffRow) int {
	n := 2
	for _, r := range rows {
		n = max(n, len(strconv.Itoa(max(r.old, r.new))))
	}
	return n
}

// sideBySide lays a diff out in two columns, before and after.
func sideBySide(rows []diffRow, digits, cells int) []line {
	half := (cells - 3) / 2
	bar := span{" │ ", style{dim: true}}
	var out []line
	pair := func(left, right []line) {
		for i := range max(len(left), len(right)) {
			var l, r line
			if i < len(left) {
				l = left[i]
			}
			if i < len(right) {
				r = right[i]
			}
			l = append(line{}, l.fit(half)...)
			out = append(out, append(append(l, bar), r...))
		}
	}
	for i := 0; i < len(rows); {
		r := rows[i]
		switch r.op {
		case '@':
			out = append(out, skipped(r, digits))
			i++
		case ' ':
			pair(numbered(r, r.old, digits, half), numbered(r, r.new, digits, half))
			i++
		default:
			from := i
			for i < len(rows) && rows[i].op == '-' {
				i++
			}
			cut := i
			for i < len(rows) && rows[i].op == '+' {
				i++
			}
			for k := range max(cut-from, i-cut) {
				var left, right []line
				if from+k < cut {
					left = numbered(rows[from+k], rows[from+k].old, digits, half)
				}
				if cut+k < i {
					right = numbered(rows[cut+k], rows[cut+k].new, digits, half)
				}
				pair(left, right)
			}
		}
	}
	return out
}
