package report

import (
	"fmt"
	"io"
	"strings"

	"drydock/rewrite"
	"drydock/said"
)

// whyLen is the length in characters to which the summary cuts a reason; the
// whole text is in `drydock check` and `drydock explain`.
const whyLen = 110

// Summary renders what `fix` did: per file the changes with their reasons,
// what was left alone and why, what the checks found, and what waits behind
// --unsafe.
type Summary struct {
	W     io.Writer
	Style Style
}

// File writes one file's part, nothing when there is nothing to say.
func (s *Summary) File(f *File) error {
	applied, offered, unproven := f.With(rewrite.Applied), f.With(rewrite.Offered), f.With(rewrite.Unproven)
	if f.Error != nil || len(applied)+len(offered)+len(unproven)+len(f.Declined)+len(f.Findings)+len(f.Notes) == 0 {
		return nil
	}
	var b strings.Builder
	what := Count(len(applied), "change", "changes")
	if !f.Changed {
		what = "no change"
	}
	fmt.Fprintf(&b, "%s: %s\n", s.Style.Bold(said.Printable(f.Path)), what)
	if f.ContextWhy != "" {
		fmt.Fprintf(&b, "  %s\n", s.Style.Dim(f.contextLine()))
	}
	for _, o := range applied {
		fmt.Fprintf(&b, "  %s %s: %s%s\n", s.Style.Green("✓"), o.Transform, plain(o.Title), in(o))
		s.detail(&b, o)
	}
	for _, o := range unproven {
		fmt.Fprintf(&b, "  %s %s: %s%s: left out, not proven\n", s.Style.Red("✗"), o.Transform, plain(o.Title), in(o))
		fmt.Fprintf(&b, "      %s\n", s.Style.Dim(plain(o.Gate)))
	}
	for _, d := range f.Declined {
		fmt.Fprintf(&b, "  %s %s: left alone%s: %s\n", s.Style.Dim("–"), d.Transform, onLine(d.Line), plain(d.Reason))
	}
	for _, x := range f.Findings {
		fmt.Fprintf(&b, "  %s %s: line %d: %s\n", s.Style.Red("!"), said.Printable(x.Check), x.Line, plain(x.Message))
		if x.Hint != "" {
			fmt.Fprintf(&b, "      %s\n", s.Style.Dim(plain(x.Hint)))
		}
	}
	if len(offered) > 0 {
		fmt.Fprintf(&b, "  %s for --unsafe:\n", s.Style.Yellow(Count(len(offered), "more change waits", "more changes wait")))
		for _, o := range offered {
			fmt.Fprintf(&b, "  %s %s: %s%s\n", s.Style.Yellow("?"), o.Transform, plain(o.Title), in(o))
			s.detail(&b, o)
		}
	}
	if f.Proof != nil {
		for _, l := range proofLines(f.Proof, s.Style) {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	if f.Replay != nil {
		fmt.Fprintf(&b, "  replay: %s\n", f.Replay.Summary)
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "  %s\n", plain(n))
	}
	_, err := io.WriteString(s.W, b.String())
	return err
}

// contextLine says which build context was chosen and why.
func (f *File) contextLine() string {
	if f.Context == "" {
		return "no build context: " + plain(f.ContextWhy)
	}
	return "build context " + said.Printable(f.Context) + ": " + plain(f.ContextWhy)
}

func (s *Summary) detail(b *strings.Builder, o Outcome) {
	line := func(t string) {
		if t != "" {
			fmt.Fprintf(b, "      %s\n", s.Style.Dim(said.Printable(t)))
		}
	}
	line(shorten(o.Why))
	for _, l := range o.Plan {
		line("- " + plain(l))
	}
	if o.Gain != "" {
		line("brings: " + plain(o.Gain))
	}
	if o.Assumes != "" {
		line("assumes: " + plain(o.Assumes))
	}
}

// Close writes the totals.
func (s *Summary) Close(t Total) error {
	if t.Files == 0 {
		return nil
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.Changed, "changed"}, {t.Files - t.Changed - t.Failed, "unchanged"}, {t.Failed, "failed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	_, err := fmt.Fprintf(s.W, "%s: %s\n", Count(t.Files, "file", "files"), strings.Join(parts, ", "))
	return err
}

// List renders the findings of `check`, one per line, for people and for
// editors: path:line: transform: title — why [assumes: …] and
// path:line: check: message — hint.
type List struct {
	W        io.Writer
	Style    Style
	Declined bool // list what was left alone, too
}

// File writes one file's findings.
func (l *List) File(f *File) error {
	var b strings.Builder
	for _, o := range f.Outcomes {
		if o.Status == string(rewrite.Dropped) {
			continue
		}
		fmt.Fprintf(&b, "%s: %s: %s%s", l.place(f.Path, o.Line), l.Style.Cyan(o.Transform), plain(o.Title), in(o))
		if o.Why != "" {
			b.WriteString(" — " + plain(o.Why))
		}
		if o.Assumes != "" {
			b.WriteString(l.Style.Yellow(" [assumes: " + plain(o.Assumes) + "]"))
		}
		if o.Status == string(rewrite.Offered) {
			b.WriteString(" (with --unsafe)")
		}
		b.WriteByte('\n')
	}
	for _, x := range f.Findings {
		fmt.Fprintf(&b, "%s: %s: %s", l.place(f.Path, x.Line), l.Style.Red(said.Printable(x.Check)), plain(x.Message))
		if x.Hint != "" {
			b.WriteString(" — " + plain(x.Hint))
		}
		b.WriteByte('\n')
	}
	if l.Declined {
		for _, d := range f.Declined {
			fmt.Fprintf(&b, "%s: %s: left alone: %s\n", l.place(f.Path, d.Line), l.Style.Dim(d.Transform), plain(d.Reason))
		}
	}
	if f.ContextWhy != "" && b.Len() > 0 {
		fmt.Fprintf(&b, "%s: %s\n", l.place(f.Path, 0), l.Style.Dim(f.contextLine()))
	}
	_, err := io.WriteString(l.W, b.String())
	return err
}

// place is path:line; what concerns the whole file is shown at its first line,
// so that editors can jump there.
func (l *List) place(path string, line int) string {
	return l.Style.Bold(fmt.Sprintf("%s:%d", said.Printable(path), max(line, 1)))
}

// Close writes nothing.
func (l *List) Close(Total) error { return nil }

// Defects tells of changes that failed a gate: one line each.
func Defects(w io.Writer, f *File) error {
	for _, o := range f.With(rewrite.Dropped) {
		_, err := fmt.Fprintf(w, "%s:%d: drydock's own defect: %s wanted to %q, but %s: the change was left out; please report this file\n",
			said.Printable(f.Path), max(o.Line, 1), o.Transform, o.Title, plain(o.Gate))
		if err != nil {
			return err
		}
	}
	return nil
}

func in(o Outcome) string {
	if o.File == "" {
		return ""
	}
	return " (" + said.Printable(o.File) + ")"
}

func onLine(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" on line %d", n)
}

// Count counts in words: "1 change", "2 changes".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// oneLine joins the lines of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// plain is a text in which others have had a say, for a terminal: one line, no escapes.
func plain(s string) string { return said.Printable(oneLine(s)) }

// shorten keeps the first sentence of a reason, at most whyLen characters.
func shorten(s string) string {
	s = oneLine(s)
	if i := strings.Index(s, ". "); i > 0 {
		s = s[:i+1]
	}
	r := []rune(s)
	if len(r) <= whyLen {
		return s
	}
	cut := strings.TrimRight(string(r[:whyLen-1]), " ")
	if i := strings.LastIndexByte(cut, ' '); i > whyLen/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:") + "…"
}
