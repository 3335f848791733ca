package ship

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"drydock/report"
	"drydock/said"
	"drydock/scan"
)

// worstShown is how many vulnerabilities are listed of a platform.
const worstShown = 10

// Text writes the checklist for people.
func (c *Checklist) Text(w io.Writer, style report.Style) error {
	var b strings.Builder
	width := 0
	for _, i := range c.Items {
		width = max(width, len(i.Name))
	}
	for _, i := range c.Items {
		mark := "☐"
		switch {
		case i.State == Yes:
			mark = style.Green("☑")
		case i.Gate:
			mark = style.Red("☐")
		}
		fmt.Fprintf(&b, "%s %-*s  %s\n", mark, width, i.Name, said.Line(i.Text))
	}
	for _, p := range c.Platforms {
		worst := p.worst()
		if len(worst) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", p.heading(len(worst)))
		table(&b, rows(worst))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", said.Line(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes it for a summary of CI or a comment.
func (c *Checklist) Markdown(w io.Writer) error {
	var b strings.Builder
	title := "shipped"
	switch {
	case c.Error != "":
		title = "could not be shipped"
	case !c.Passed:
		title = "not shipped"
	case len(c.Pushed) == 0:
		title = "ready to ship"
	}
	fmt.Fprintf(&b, "### %s: %s\n\n", strings.Join(c.Images, ", "), title)
	for _, i := range c.Items {
		mark := " "
		if i.State == Yes {
			mark = "x"
		}
		fmt.Fprintf(&b, "- [%s] **%s**: %s\n", mark, i.Name, cell(i.Text))
	}
	for _, p := range c.Platforms {
		worst := p.worst()
		if len(worst) == 0 {
			continue
		}
		all := rows(worst)
		fmt.Fprintf(&b, "\n%s\n\n", p.heading(len(worst)))
		for i, row := range all {
			for j := range row {
				row[j] = cell(row[j])
			}
			if i > 0 && worst[i-1].URL != "" {
				row[1] = "[" + row[1] + "](" + strings.NewReplacer(" ", "%20", ")", "%29").Replace(worst[i-1].URL) + ")"
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				b.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
			}
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "\n> %s\n", cell(n))
	}
	if c.Error != "" {
		fmt.Fprintf(&b, "\n**Error**: %s\n", cell(c.Error))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes it for programs; docs/ship.md lists the fields.
func (c *Checklist) JSON(w io.Writer) error {
	text, err := report.Encode(c)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func (p *Platform) worst() []scan.Vulnerability {
	if p.Scan == nil {
		return nil
	}
	return p.Scan.Worst(worstShown)
}

func (p *Platform) heading(n int) string {
	total := 0
	for _, k := range p.Scan.Counts {
		total += k
	}
	if n == total {
		return fmt.Sprintf("Known vulnerabilities of %s:", p.Name)
	}
	return fmt.Sprintf("The worst %d of %d known vulnerabilities of %s:", n, total, p.Name)
}

// rows are the cells of the table, its head first.
func rows(vs []scan.Vulnerability) [][]string {
	out := [][]string{{"severity", "id", "package", "version", "fixed in"}}
	for _, v := range vs {
		fixed := strings.Join(v.Fixed, ", ")
		if fixed == "" {
			fixed = "no version known"
		}
		id := v.ID
		if v.Ignored {
			id += " (told to ignore)"
		}
		out = append(out, []string{v.Severity, id, or(v.Package, "?"), or(v.Version, "?"), fixed})
	}
	return out
}

// table writes columns side by side.
func table(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for j, c := range r {
			r[j] = firstLine(c)
			widths[j] = max(widths[j], len([]rune(r[j])))
		}
	}
	for _, r := range rows {
		line := "  "
		for j, c := range r {
			line += c + strings.Repeat(" ", widths[j]-len([]rune(c))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// cell keeps a text on one line of Markdown, and from being Markdown: what it
// names may come from a scanner's report.
func cell(s string) string {
	s = said.Line(s)
	for _, r := range []string{`\`, "|", "<", ">", "`", "*", "_", "[", "]"} {
		s = strings.ReplaceAll(s, r, `\`+r)
	}
	return s
}

// Failed tells which gates don't hold, in words, "" for none.
func (c *Checklist) Failed() string {
	var out []string
	for _, i := range c.Items {
		if i.Gate && !slices.Contains(out, i.Name) {
			out = append(out, i.Name)
		}
	}
	return strings.Join(out, ", ")
}
