package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// layout says how a detail is laid out.
type layout struct {
	cells  int
	whole  bool // all changes of the file instead of one
	beside bool // before and after side by side
}

// detail is what the lower or right pane says of a row.
func (s *Session) detail(r Row, lay layout) []line {
	if r.File >= 0 && s.Works[r.File] == nil {
		return nil
	}
	switch {
	case r.Kind == KindRow:
		return s.kindDetail(r, lay)
	case r.Kind == FileRow || lay.whole:
		return s.fileDetail(r, lay)
	case r.Kind == ChangeRow:
		return s.changeDetail(r, lay)
	case r.Kind == FindingRow:
		f := s.Finding(r)
		out := head(words(f.Check), at(f.Line), style{colour: red, bold: true}, lay.cells)
		out = append(out, fact("found", f.Message, style{}, lay.cells)...)
		out = append(out, fact("to do", f.Hint, style{}, lay.cells)...)
		out = append(out, fact("", "There is no fix that drydock could make; e opens the file.", style{dim: true}, lay.cells)...)
		return append(append(out, nil), excerpt(s.Works[r.File].Disk, f.Line, lay.cells)...)
	}
	d := s.Decline(r)
	out := head(words(d.Transform), "left alone, "+at(d.Line), style{bold: true}, lay.cells)
	out = append(out, fact("why", d.Reason, style{}, lay.cells)...)
	if d.Line > 0 {
		out = append(append(out, nil), excerpt(s.Works[r.File].Disk, d.Line, lay.cells)...)
	}
	return out
}

func at(n int) string {
	if n <= 0 {
		return "the whole file"
	}
	return "line " + strconv.Itoa(n)
}

// head is a heading with a remark at its right, or below it where there is no room.
func head(text, remark string, st style, cells int) []line {
	l := styled(text, st)
	if free := cells - l.width() - width(remark); free >= 2 {
		return []line{append(l, span{text: strings.Repeat(" ", free)}, span{remark, style{dim: true}})}
	}
	return append(l.wrap(cells, plain("  ")), styled(remark, style{dim: true}).fit(cells))
}

// fact is "name text", wrapped; nothing without a text.
func fact(name, text string, st style, cells int) []line {
	if text = words(text); text == "" {
		return nil
	}
	const column = 9
	l := line{{name + strings.Repeat(" ", max(column-len(name), 1)), style{dim: true}}, {text, st}}
	indent := plain(strings.Repeat(" ", column))
	if cells < 30 {
		indent = plain("  ")
	}
	return l.wrap(cells, indent)
}

func (s *Session) changeDetail(r Row, lay layout) []line {
	c, w := s.Change(r), s.Works[r.File]
	out := changeHead(c, lay.cells)
	if c.Transform != EditName {
		if before, after := layers(c.Before), layers(c.After); before != after && before > 0 && after > 0 {
			out = append(out, fact("layers", fmt.Sprintf("%d → %d in the final image, of COPY, ADD and RUN", before, after), style{}, lay.cells)...)
		}
		if w.File.Replay != nil {
			out = append(out, fact("cache", w.File.Replay.Summary+" (all accepted changes of the file)", style{}, lay.cells)...)
		}
	}
	out = append(out, nil)
	if c.Before != c.After {
		out = append(out, difference(c.Before, c.After, true, lay)...)
	}
	return append(out, others(c.Others, lay)...)
}

func changeHead(c *Change, cells int) []line {
	remark := c.Safety + ", " + at(c.Line)
	if c.Safety == rewrite.Assumes.String() {
		remark = "rests on an assumption, " + at(c.Line)
	}
	if c.Transform == EditName {
		remark = "yours"
	}
	out := head(words(c.Transform+": "+c.Title), remark, style{colour: cyan, bold: true}, cells)
	switch {
	case c.Kept != "":
		out = append(out, fact("", "Rejected: "+c.Kept+". This is what it would have done.", style{bold: true}, cells)...)
	case c.Gone:
		out = append(out, fact("", "Rejected: this is what it would have done. Other changes have its place now.", style{bold: true}, cells)...)
	case c.Verdict == Rejected:
		out = append(out, fact("", "Rejected: this is what it would do.", style{bold: true}, cells)...)
	case c.Verdict == Pending:
		out = append(out, fact("", "Not made until you accept it: this is what it would do.", style{colour: yellow, bold: true}, cells)...)
	}
	out = append(out, fact("assumes", c.Assumes, style{colour: yellow}, cells)...)
	out = append(out, fact("why", c.Why, style{}, cells)...)
	out = append(out, fact("brings", c.Gain, style{}, cells)...)
	if c.Image != nil {
		out = append(out, fact("image", c.Image.From+" → "+c.Image.To, style{}, cells)...)
	}
	if c.BuildContext != nil {
		out = append(out, fact("context", c.BuildContext.String(), style{}, cells)...)
	}
	for i, p := range c.Plan {
		name := ""
		if i == 0 {
			name = "plan"
		}
		out = append(out, fact(name, "- "+p, style{}, cells)...)
	}
	return out
}

// layers counts what makes layers of the last stage's own: RUN, COPY and ADD. 0 when
// the text doesn't parse.
func layers(text string) (n int) {
	doc, err := rewrite.Parse("", text, nil)
	if err != nil || len(doc.Stages) == 0 {
		return 0
	}
	for _, in := range doc.Stages[len(doc.Stages)-1].Instructions {
		if in.Keyword == "run" || in.Keyword == "copy" || in.Keyword == "add" {
			n++
		}
	}
	return n
}

func laid(rows []diffRow, digits int, lay layout) []line {
	if lay.beside {
		return sideBySide(rows, digits, lay.cells)
	}
	return unified(rows, digits, lay.cells)
}

func difference(before, after string, code bool, lay layout) []line {
	rows := diffRows(before, after, code)
	return laid(rows, digits(rows), lay)
}

// others are the diffs of files beside the Dockerfile.
func others(patches []report.Patch, lay layout) []line {
	var out []line
	for _, p := range patches {
		what := words(p.Path)
		if p.Created {
			what += " (new)"
		}
		out = append(out, nil, styled(what, style{bold: true}).fit(lay.cells))
		out = append(out, difference(p.Before, p.After, false, lay)...)
	}
	return out
}

// fileDetail is everything about a file: what would be written.
func (s *Session) fileDetail(r Row, lay layout) []line {
	w := s.Works[r.File]
	out := head(clean(s.Targets[r.File].Path), summary(w), style{bold: true}, lay.cells)
	if w.Err != nil {
		return append(out, fact("error", w.File.Error.Error(), style{colour: red}, lay.cells)...)
	}
	if w.File.ContextWhy != "" {
		out = append(out, fact("context", w.File.ContextWhy, style{dim: true}, lay.cells)...)
	}
	if before, after := layers(w.Disk), layers(w.After); before != after && before > 0 && after > 0 {
		out = append(out, fact("layers", fmt.Sprintf("%d → %d in the final image, of COPY, ADD and RUN", before, after), style{}, lay.cells)...)
	}
	if w.File.Replay != nil {
		out = append(out, fact("cache", w.File.Replay.Summary, style{}, lay.cells)...)
	}
	for _, d := range w.File.With(rewrite.Dropped) {
		out = append(out, fact("defect", "drydock's own: "+d.Transform+": "+d.Title+": "+d.Gate+": left out; please report this file", style{colour: red}, lay.cells)...)
	}
	if !w.Changed() {
		return append(out, nil, styled("Stays as it is.", style{dim: true}))
	}
	out = append(out, nil)
	out = append(out, reasoned(w, s.Targets[r.File].Path, lay)...)
	patches := map[string]*report.Patch{}
	var order []string
	for _, c := range w.Changes {
		if c.Verdict != Accepted {
			continue
		}
		for _, p := range c.Others {
			if patches[p.Path] == nil {
				patches[p.Path] = &report.Patch{Path: p.Path, Before: p.Before, Created: p.Created}
				order = append(order, p.Path)
			}
			patches[p.Path].After = p.After
		}
	}
	for _, path := range order {
		out = append(out, others([]report.Patch{*patches[path]}, lay)...)
	}
	return out
}

// reasoned is the file's diff with the changes that each place comes from above it.
func reasoned(w *Worked, path string, lay layout) []line {
	rows := diffRows(w.Disk, w.After, true)
	hunks := w.File.Hunks(&report.Patch{Path: path, Before: w.Disk, After: w.After})
	titles := func(old, now int) (out []line) {
		for _, h := range hunks {
			if h.Line != old || h.NewLine != now {
				continue
			}
			for _, k := range h.Steps {
				o := w.File.Steps[k].Outcome
				out = append(out, styled("  · "+words(o.Transform+": "+o.Title), style{colour: cyan}).fit(lay.cells))
			}
		}
		return out
	}
	var out []line
	o, n, from := 1, 1, 0
	wide := digits(rows)
	flush := func(i int) { out, from = append(out, laid(rows[from:i], wide, lay)...), i }
	for i, r := range rows {
		switch r.op {
		case '@':
			o, n = o+r.skipped, n+r.skipped
		case ' ':
			o, n = o+1, n+1
		default:
			if i == 0 || rows[i-1].op == ' ' || rows[i-1].op == '@' {
				flush(i)
				out = append(out, titles(o, n)...)
			}
			if r.op == '-' {
				o++
			} else {
				n++
			}
		}
	}
	flush(len(rows))
	return out
}

// summary counts what a file has.
func summary(w *Worked) string {
	if w.Err != nil {
		return "left alone"
	}
	var parts []string
	if n := len(w.Changes); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s", w.Count(Accepted), report.Count(n, "change", "changes")))
	}
	if n := len(w.File.Findings); n > 0 {
		parts = append(parts, report.Count(n, "finding", "findings"))
	}
	return strings.Join(parts, ", ")
}

// kindDetail tells of a transform, or of the findings.
func (s *Session) kindDetail(r Row, lay layout) []line {
	if r.Transform == "" {
		return append(head("findings", "", style{bold: true}, lay.cells), fact("", "What the checks found and no transform mends.", style{}, lay.cells)...)
	}
	n := map[Verdict]int{}
	var files []int
	for i, w := range s.Works {
		if w == nil {
			continue
		}
		for _, c := range w.Changes {
			if c.Transform == r.Transform {
				n[c.Verdict]++
				if !slices.Contains(files, i) {
					files = append(files, i)
				}
			}
		}
	}
	out := head(r.Transform, fmt.Sprintf("%s, %d accepted, %d rejected, %d pending", report.Count(len(files), "file", "files"), n[Accepted], n[Rejected], n[Pending]), style{colour: cyan, bold: true}, lay.cells)
	if t := transforms.ByName(r.Transform); t != nil {
		out = append(out, fact("", t.Summary, style{}, lay.cells)...)
		out = append(out, fact("assumes", t.Assumes, style{colour: yellow}, lay.cells)...)
	}
	return append(out, fact("", "A accepts and R rejects all of it, in every file.", style{dim: true}, lay.cells)...)
}

// excerpt is a place of a file with the lines around it.
func excerpt(text string, n, cells int) []line {
	pieces := highlight(text)
	var out []line
	i := 0
	digits := len(strconv.Itoa(n + context))
	for l := range strings.Lines(text) {
		if i++; i < n-context || i > n+context {
			continue
		}
		r := diffRow{op: ' ', new: i, text: strings.TrimRight(l, "\r\n"), pieces: pieces[i-1]}
		for k, l := range numbered(r, i, max(digits, 2), cells-2) {
			mark := "  "
			if i == n && k == 0 {
				mark = "> "
			}
			out = append(out, append(line{{mark, style{bold: true, colour: red}}}, l...))
		}
	}
	return out
}
