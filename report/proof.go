package report

import (
	"fmt"
	"io"
	"strings"

	"drydock/verify"
	"drydock/verify/probe"
)

// proofLines tells a proof in a few lines: the verdict, the sizes, what breaks, and
// remarks.
func proofLines(p *verify.Proof, style Style) []string {
	var out []string
	mark, verdict := style.Green("✓"), ""
	switch p.Verdict {
	case probe.Same:
		verdict = "proven: same behaviour: it " + p.After.Did + ", as before"
	case probe.SameFailure:
		mark, verdict = style.Yellow("?"), "built and compared; alike in both images, and not seen at work: it "+p.After.Did+": --probe-env or --probe-cmd may help"
	case probe.NotRun:
		mark, verdict = style.Yellow("?"), "built and compared; the image has no command to run"
	default:
		mark, verdict = style.Red("✗"), "broken: before it "+p.Before.Did
		if p.After.Did != "" {
			verdict += ", now it " + p.After.Did
		}
	}
	if p.Cached {
		verdict += " (proven earlier; --reprove builds again)"
	}
	out = append(out, mark+" "+verdict)
	if p.Before.Compressed > 0 && p.After.Compressed > 0 {
		out = append(out, "  "+style.Dim(ProofSizes(p)))
	}
	for _, b := range p.Breaks {
		out = append(out, "  "+style.Red("✗")+" "+string(b.Class)+": "+oneLine(b.Message))
	}
	return out
}

// ProofSizes tells sizes and layers: "404.2 MB → 86.1 MB (4.7×), 12 → 9 layers".
func ProofSizes(p *verify.Proof) string {
	b, a := p.Before, p.After
	return fmt.Sprintf("%s → %s compressed (%.1f×), %d → %d layers", Megabytes(b.Compressed), Megabytes(a.Compressed), float64(b.Compressed)/float64(max(a.Compressed, 1)), b.Layers, a.Layers)
}

// Proofs renders what `verify` found, as text.
type Proofs struct {
	W     io.Writer
	Style Style
}

// File writes one file's part.
func (r *Proofs) File(f *File) error {
	if f.Error != nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Style.Bold(f.Path))
	if f.ContextWhy != "" {
		fmt.Fprintf(&b, "  %s\n", r.Style.Dim(f.contextLine()))
	}
	if f.Proof != nil {
		for _, l := range proofLines(f.Proof, r.Style) {
			fmt.Fprintf(&b, "  %s\n", l)
		}
		for _, x := range f.Proof.Breaks {
			for line := range strings.Lines(x.Detail) {
				fmt.Fprintf(&b, "      %s\n", r.Style.Dim(strings.TrimRight(line, "\n")))
			}
		}
		for _, x := range f.Proof.Remarks {
			fmt.Fprintf(&b, "  %s %s: %s\n", r.Style.Dim("–"), x.Class, oneLine(x.Message))
		}
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	_, err := io.WriteString(r.W, b.String())
	return err
}

// Close writes nothing.
func (r *Proofs) Close(Total) error { return nil }

// ProofMarkdown renders what `verify` found as Markdown, for the comment on a pull
// request.
type ProofMarkdown struct{ W io.Writer }

// File writes one file's part.
func (r *ProofMarkdown) File(f *File) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### `%s`\n\n", f.Path)
	switch p := f.Proof; {
	case f.Error != nil:
		fmt.Fprintf(&b, "Not proven: %s\n", markdownLine(f.Error.Error()))
	case p != nil:
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(markdownLine(proofLines(p, Style{})[0])))
		if p.After.Compressed > 0 {
			b.WriteString("| | before | after |\n| --- | ---: | ---: |\n")
			for _, row := range [][3]string{
				{"compressed", Megabytes(p.Before.Compressed), Megabytes(p.After.Compressed)},
				{"uncompressed", Megabytes(p.Before.Size), Megabytes(p.After.Size)},
				{"wasted", Megabytes(p.Before.Wasted), Megabytes(p.After.Wasted)},
				{"layers", fmt.Sprint(p.Before.Layers), fmt.Sprint(p.After.Layers)},
				{"user", userName(p.Before.User), userName(p.After.User)},
				{"build", buildTime(p.Before), buildTime(p.After)},
				{"program", markdownLine(p.Before.Did), markdownLine(p.After.Did)},
			} {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", row[0], row[1], row[2])
			}
			b.WriteString("\n")
		}
		for _, x := range p.Breaks {
			fmt.Fprintf(&b, "- **%s**: %s\n", x.Class, markdownLine(x.Message))
		}
		for _, x := range p.Remarks {
			fmt.Fprintf(&b, "- %s: %s\n", x.Class, markdownLine(x.Message))
		}
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "%s\n", markdownLine(n))
	}
	b.WriteString("\n")
	_, err := io.WriteString(r.W, b.String())
	return err
}

// Close writes nothing.
func (r *ProofMarkdown) Close(Total) error { return nil }

// markdownLine is a text in one line that Markdown shows as it is.
func markdownLine(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`").Replace(oneLine(s))
}

func userName(s string) string {
	if s == "" {
		return "root"
	}
	return markdownLine(s)
}

func buildTime(f verify.Facts) string {
	return fmt.Sprintf("%.1f s (%d of %d steps cached)", f.Build, f.Cached, f.Steps)
}
