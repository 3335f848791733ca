package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"drydock/bulk/result"
	"drydock/report"
)

// textWidth is the widest line of the summary, in columns of a terminal; a name
// that is longer is cut.
const textWidth = 80

// textRows are the rows of a table in the summary; the other reports have them all.
const textRows = 10

// Text writes a summary for the terminal.
func Text(w io.Writer, results Results, style report.Style) error {
	t := newTally()
	for r, err := range results {
		if err != nil {
			return err
		}
		t.add(r)
	}
	var b strings.Builder
	p := printer{&b, style}
	p.head(t)
	p.counts("Changes", "transform", t.Transforms.most())
	p.counts("Findings", "check", t.Findings.most())
	p.items("Largest savings", t.Top)
	p.beforeAfter("Base images", t.Bases.most())
	p.beforeAfter("Tags of base images", t.Tags.in(TagKinds))
	p.beforeAfter("Users", t.Users.in(UserKinds))
	p.reasons(t)
	_, err := io.WriteString(w, b.String())
	return err
}

type printer struct {
	b     *strings.Builder
	style report.Style
}

func (p printer) line(format string, a ...any) { fmt.Fprintf(p.b, format+"\n", a...) }

func (p printer) title(s, rest string) {
	p.line("")
	p.line("%s%s", p.style.Bold(s), p.style.Dim(rest))
}

func (p printer) head(t *tally) {
	var parts []string
	for _, s := range []struct {
		status result.Status
		paint  func(string) string
	}{{result.Changed, p.style.Green}, {result.Unchanged, p.style.Dim}, {result.Skipped, p.style.Yellow}, {result.Failed, p.style.Red}} {
		if k := t.Statuses[string(s.status)]; k != nil {
			parts = append(parts, s.paint(fmt.Sprintf("%d %s", k.After, s.status)))
		}
	}
	p.line("%s%s", p.style.Bold(report.Count(t.Repositories, "repository", "repositories")), after(": ", strings.Join(parts, ", ")))
	if t.Files == 0 {
		return
	}
	line := fmt.Sprintf("%s: %d changed", report.Count(t.Files, "Dockerfile", "Dockerfiles"), t.FilesChanged)
	if t.FilesFailed > 0 {
		line += fmt.Sprintf(", %d failed", t.FilesFailed)
	}
	if t.Unproven > 0 {
		line += fmt.Sprintf("; %s left out, not proven", report.Count(t.Unproven, "change", "changes"))
	}
	p.line("%s", line)
	if t.Offered > 0 {
		p.line("%s for --unsafe", report.Count(t.Offered, "more change waits", "more changes wait"))
	}
	if t.Broken > 0 {
		p.line("%s", p.style.Red(report.Count(t.Broken, "proof fails", "proofs fail")))
	}
	if t.Sized > 0 {
		how := "measured"
		switch t.Measured {
		case 0:
			how = "of the bases, compressed"
		case t.Sized:
		default:
			how = fmt.Sprintf("%d measured, else the bases'", t.Measured)
		}
		p.line("Sizes: %s -> %s, of %s (%s)", megabytes(t.SizeBefore), megabytes(t.SizeAfter), report.Count(t.Sized, "image", "images"), how)
	}
	var pulls []string
	for _, k := range t.Pulls.most() {
		pulls = append(pulls, fmt.Sprintf("%d %s", k.After, plain(k.Name)))
	}
	if pulls != nil {
		p.line("%s", runewidth.Truncate("Pull requests: "+strings.Join(pulls, ", "), textWidth, "…"))
	}
}

// row writes a name, cut and filled up to width, and columns of numbers.
func (p printer) row(name string, width int, numbers ...string) {
	name = runewidth.FillRight(runewidth.Truncate(plain(name), width, "…"), width)
	for _, n := range numbers {
		name += fmt.Sprintf("%12s", n)
	}
	p.line("  %s", strings.TrimRight(name, " "))
}

// counts shows Before as how often and After as in how many repositories.
func (p printer) counts(title, of string, all []count) {
	if len(all) == 0 {
		return
	}
	const width = textWidth - 2 - 2*12
	p.title(title, "")
	p.row(of, width, "times", "repos")
	for _, k := range all[:min(len(all), textRows)] {
		p.row(k.Name, width, fmt.Sprint(k.Before), fmt.Sprint(k.After))
	}
	p.more(len(all))
}

func (p printer) beforeAfter(title string, all []count) {
	if len(all) == 0 {
		return
	}
	const width = textWidth - 2 - 2*12
	p.title(title, " (of the final stage)")
	p.row("", width, "before", "after")
	for _, k := range all[:min(len(all), textRows)] {
		name := k.Name
		if name == "" {
			name = TagUnclear
		}
		p.row(name, width, fmt.Sprint(k.Before), fmt.Sprint(k.After))
	}
	p.more(len(all))
}

func (p printer) items(title string, all []item) {
	if len(all) == 0 {
		return
	}
	const width = textWidth - 2 - 12 - 22
	p.title(title, "")
	for _, x := range all {
		name := runewidth.FillRight(runewidth.Truncate(plain(x.Name+": "+x.File), width, "…"), width)
		p.line("  %s%12s  %s", name, megabytes(x.Bytes), x.Text)
	}
}

func (p printer) reasons(t *tally) {
	if skips := t.Skips.most(); len(skips) > 0 {
		p.title("Skipped", "")
		for _, k := range skips[:min(len(skips), textRows)] {
			p.line("  %6d  %s", k.After, runewidth.Truncate(plain(k.Name), textWidth-10, "…"))
		}
		p.more(len(skips))
	}
	if t.Failed == 0 {
		return
	}
	p.title("Failed", "")
	all := t.failures()
	for _, f := range all[:min(len(all), textRows)] {
		head, body := plain(f.Sample[0]+after(": ", f.File)), []string{plain(f.Text)}
		switch {
		case f.Repos > 1:
			head = fmt.Sprintf("%d repositories: %s", f.Repos, plain(f.Kind))
			names := plain(strings.Join(f.Sample, ", "))
			if n := f.Repos - len(f.Sample); n > 0 {
				names += fmt.Sprintf(" and %d more", n)
			}
			body = []string{names}
		case f.Files > 1:
			head = fmt.Sprintf("%s: %d Dockerfiles", plain(f.Sample[0]), f.Files)
			body = []string{plain(f.File + ": " + f.Text), fmt.Sprintf("and %d more", f.Files-1)}
		}
		p.line("  %s", p.style.Red(runewidth.Truncate(head, textWidth-2, "…")))
		for _, text := range body {
			for _, l := range wrap(text, textWidth-6) {
				p.line("      %s", l)
			}
		}
	}
	p.more(t.Failed)
}

// more tells of rows beyond those that are shown.
func (p printer) more(n int) {
	if n > textRows {
		p.line("  %s", p.style.Dim(fmt.Sprintf("and %d more", n-textRows)))
	}
}

// wrap breaks text into at most four lines of width columns.
func wrap(s string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		word = runewidth.Truncate(word, width, "…")
		switch {
		case line == "":
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= width:
			line += " " + word
		case len(out) == 3:
			return append(out, runewidth.Truncate(line+" …", width, "…"))
		default:
			out, line = append(out, line), word
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// after is s behind sep, "" when s is.
func after(sep, s string) string {
	if s == "" {
		return ""
	}
	return sep + s
}
