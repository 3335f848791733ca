package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"drydock/rewrite"
)

// Markdown renders a comment on a pull request: a summary, a table of the Dockerfiles,
// then each one folded, with its changes and their reasons, the diff, what was found
// and what was left alone. It fits into Most characters: what doesn't is counted.
//
// Text of strangers is escaped; see MarkdownPlain.
type Markdown struct {
	W       io.Writer
	Options FormOptions
	// Most bounds the text in bytes, 0 for what a comment on GitHub may have.
	Most int

	rows, parts []string
	size        int // of rows and parts
	total       Total
	// what didn't fit
	rowsLeft, partsLeft int
	changes, offered    int
	written             bool // the changes stand in the files
	bySeverity          map[string]int
}

// markdownSlack is for what Close writes around rows and parts, and for what an
// action puts before a comment.
const markdownSlack = 2_000

func (m *Markdown) most() int {
	if m.Most == 0 {
		return maxBody
	}
	return m.Most
}

// File keeps the part of one file.
func (m *Markdown) File(f *File) error {
	m.total.Add(f)
	applied, offered := f.With(rewrite.Applied), f.With(rewrite.Offered)
	m.changes, m.offered, m.written = m.changes+len(applied), m.offered+len(offered), m.written || f.Written
	if m.bySeverity == nil {
		m.bySeverity = map[string]int{}
	}
	for _, p := range f.problems("") {
		m.bySeverity[p.Severity]++
	}
	if f.Error == nil && len(applied)+len(offered)+len(f.With(rewrite.Unproven))+len(f.Findings) == 0 && f.Proof == nil {
		return nil
	}
	name := m.Options.place(f.Path)
	row := fmt.Sprintf("| %s | %d | %d | %d |\n", strings.ReplaceAll(MarkdownCode(name), "|", "\\|"), len(applied), len(f.Findings), len(offered))
	if f.Error != nil {
		row = fmt.Sprintf("| %s | not read | | |\n", strings.ReplaceAll(MarkdownCode(name), "|", "\\|"))
	}
	room := m.most() - markdownSlack
	if m.size+len(row) > room/4 && len(m.rows) > 0 { // the rest is for the parts
		m.rowsLeft++
	} else {
		m.rows = append(m.rows, row)
		m.size += len(row)
	}
	if m.partsLeft > 0 {
		m.partsLeft++ // in the order of the files, to the last that fits
		return nil
	}
	for _, withDiff := range []bool{true, false} {
		if part := m.part(f, name, withDiff); m.size+len(part) <= room {
			m.parts = append(m.parts, part)
			m.size += len(part)
			return nil
		}
	}
	m.partsLeft++
	return nil
}

// part is what a file's fold holds.
func (m *Markdown) part(f *File, name string, withDiff bool) string {
	var b strings.Builder
	applied := f.With(rewrite.Applied)
	what := Count(len(applied), "change", "changes")
	if n := len(f.Findings); n > 0 {
		what += ", " + Count(n, "finding", "findings")
	}
	if f.Error != nil {
		what = "not read"
	}
	fmt.Fprintf(&b, "<details><summary><code>%s</code>: %s</summary>\n\n", htmlText(name), what)
	if f.Error != nil {
		fmt.Fprintf(&b, "%s\n", MarkdownPlain(f.Error.Error()))
	}
	list := func(o Outcome) {
		fmt.Fprintf(&b, "- **%s**: %s", MarkdownPlain(o.Transform), MarkdownPlain(o.Title+in(o)))
		if o.Why != "" {
			fmt.Fprintf(&b, "  \n  %s", MarkdownPlain(sentence(o.Why)))
		}
		for _, l := range o.Plan {
			if strings.TrimSpace(l) != "" {
				fmt.Fprintf(&b, "\n  - %s", MarkdownPlain(l))
			}
		}
		if o.Gain != "" {
			fmt.Fprintf(&b, "  \n  Brings: %s", MarkdownPlain(o.Gain))
		}
		if o.Assumes != "" {
			fmt.Fprintf(&b, "  \n  *Assumes: %s*", MarkdownPlain(o.Assumes))
		}
		b.WriteByte('\n')
	}
	for _, o := range applied {
		list(o)
	}
	if f.Replay != nil {
		fmt.Fprintf(&b, "\nReplay: %s\n", MarkdownPlain(f.Replay.Summary))
	}
	if f.Proof != nil {
		b.WriteByte('\n')
		for _, l := range proofLines(f.Proof, Style{}) {
			fmt.Fprintf(&b, "- %s\n", MarkdownPlain(l))
		}
	}
	if diff := f.WholeDiff(); diff != "" && withDiff {
		b.WriteString("\n" + markdownBlock("diff", diff))
	} else if diff != "" {
		b.WriteString("\nThe diff is too long for this place: see `drydock diff`.\n")
	}
	if len(f.Findings) > 0 {
		b.WriteString("\nFound, and not mended by drydock:\n\n")
		for _, x := range f.Findings {
			fmt.Fprintf(&b, "- line %d: **%s** (%s): %s", x.Line, MarkdownPlain(x.Check), cmp.Or(x.Severity, SeverityOf(x.Check)), MarkdownPlain(sentence(x.Message)))
			if x.Hint != "" {
				b.WriteString(" " + MarkdownPlain(sentence(x.Hint)))
			}
			b.WriteByte('\n')
		}
	}
	if unproven := f.With(rewrite.Unproven); len(unproven) > 0 {
		b.WriteString("\nLeft out, for it was not proven:\n\n")
		for _, o := range unproven {
			fmt.Fprintf(&b, "- **%s**: %s: %s\n", MarkdownPlain(o.Transform), MarkdownPlain(o.Title+in(o)), MarkdownPlain(o.Gate))
		}
	}
	if offered := f.With(rewrite.Offered); len(offered) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%s for <code>--unsafe</code></summary>\n\n", Count(len(offered), "more change waits", "more changes wait"))
		for _, o := range offered {
			list(o)
		}
		b.WriteString("\n</details>\n")
	}
	if len(f.Declined) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%d left alone, with the reason</summary>\n\n", len(f.Declined))
		for _, d := range f.Declined {
			fmt.Fprintf(&b, "- **%s**%s: %s\n", MarkdownPlain(d.Transform), onLine(d.Line), MarkdownPlain(d.Reason))
		}
		b.WriteString("\n</details>\n")
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "\n%s\n", MarkdownPlain(n))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// Close writes the comment.
func (m *Markdown) Close(Total) error {
	var b strings.Builder
	t := m.total
	b.WriteString("### drydock: " + m.summary() + "\n\n")
	var more []string
	for _, s := range []string{SeverityError, SeverityWarning, SeverityNote} {
		if n := m.bySeverity[s]; n > 0 {
			more = append(more, Count(n, s, s+"s"))
		}
	}
	if m.offered > 0 {
		more = append(more, Count(m.offered, "change waits", "changes wait")+" for `--unsafe`")
	}
	if t.Failed > 0 {
		more = append(more, Count(t.Failed, "file", "files")+" could not be read")
	}
	if len(more) > 0 {
		b.WriteString(strings.Join(more, ", ") + ".\n\n")
	}
	if len(m.rows) > 0 {
		b.WriteString("| Dockerfile | changes | findings | wait for `--unsafe` |\n| --- | ---: | ---: | ---: |\n" + strings.Join(m.rows, ""))
		if m.rowsLeft > 0 {
			fmt.Fprintf(&b, "| *%s* | | | |\n", Count(m.rowsLeft, "more Dockerfile", "more Dockerfiles"))
		}
		b.WriteByte('\n')
	}
	b.WriteString(strings.Join(m.parts, "\n"))
	if m.partsLeft > 0 {
		fmt.Fprintf(&b, "\n%s not shown here: a comment has room for %d characters. Run `drydock check` and `drydock diff`.\n", Count(m.partsLeft, "more Dockerfile is", "more Dockerfiles are"), m.most())
	}
	if m.changes > 0 && !m.written {
		b.WriteString("\nTo make the changes run `drydock fix`; `drydock explain NAME` tells more of each.\n")
	}
	_, err := io.WriteString(m.W, b.String())
	return err
}

// summary is the heading.
func (m *Markdown) summary() string {
	t := m.total
	if m.changes+t.Findings+m.offered+t.Failed == 0 {
		return "nothing to do in " + Count(t.Files, "Dockerfile", "Dockerfiles")
	}
	out := Count(m.changes, "change", "changes")
	if m.written {
		out += " made"
	}
	if t.Findings > 0 {
		out += " and " + Count(t.Findings, "finding", "findings")
	}
	return out + " in " + Count(t.Files, "Dockerfile", "Dockerfiles")
}
