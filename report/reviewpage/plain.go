package reviewpage

import (
	"fmt"
	"html"
	"strings"

	"drydock/said"
)

// plainText is what a browser without JavaScript shows: each patch with its reasons
// above it, as far as plainMax goes.
type plainText struct {
	used int // bytes
	left int // files that found no room
}

const (
	plainMax  = 400 << 10 // bytes in all
	plainFile = 60 << 10  // bytes of one file's patch
)

// file is the markup of one file, "" when there is nothing or no room.
func (p *plainText) file(d *detail) string {
	if d.Error == nil && len(d.Patches) == 0 && len(d.Findings) == 0 {
		return ""
	}
	if p.used > plainMax {
		p.left++
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<section><h2>%s</h2>\n", line(d.Path))
	if d.Error != nil {
		fmt.Fprintf(&b, "<p>%s</p>\n", line(d.Error.Error()))
	}
	b.WriteString("<ul>\n")
	for _, o := range d.Reasons {
		fmt.Fprintf(&b, "<li><b>%s</b> %s", line(o.Transform), line(o.Title))
		if o.Why != "" {
			fmt.Fprintf(&b, ": %s", line(o.Why))
		}
		if o.Assumes != "" {
			fmt.Fprintf(&b, ". <b>Assumes:</b> %s", line(o.Assumes))
		}
		b.WriteString("</li>\n")
	}
	for _, x := range d.Findings {
		fmt.Fprintf(&b, "<li><b>%s</b> line %d: %s: %s</li>\n", line(x.Check), x.Line, line(x.Message), line(x.Hint))
	}
	b.WriteString("</ul>\n")
	for _, x := range d.Patches {
		text, cut := x.Unified, ""
		if len(text) > plainFile {
			text, cut = strings.ToValidUTF8(text[:plainFile], ""), "<p>The patch goes on: drydock diff prints it.</p>\n"
		}
		b.WriteString("<pre>")
		for l := range strings.Lines(text) {
			tabs := strings.Split(strings.TrimRight(l, "\r\n"), "\t")
			for i, t := range tabs {
				tabs[i] = line(t)
			}
			b.WriteString(strings.Join(tabs, "\t") + "\n")
		}
		b.WriteString("</pre>\n" + cut)
	}
	b.WriteString("</section>\n")
	p.used += b.Len()
	return b.String()
}

// rest tells how many files found no room.
func (p *plainText) rest() string {
	if p.left == 0 {
		return ""
	}
	return fmt.Sprintf("<p>%d more files: this page shows them with JavaScript, drydock diff without.</p>", p.left)
}

// line is a stranger's text as markup: one line, no controls.
func line(s string) string { return html.EscapeString(said.Printable(s)) }
