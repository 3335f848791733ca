package report

import (
	"fmt"
	"io"
	"strings"
)

// Checkstyle renders the XML of Java's Checkstyle, which many tools read, as hadolint
// and shellcheck write it: <file name><error line severity message source/></file>.
type Checkstyle struct {
	W     io.Writer
	begun bool
}

func (c *Checkstyle) head() string {
	if c.begun {
		return ""
	}
	c.begun = true
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n"
}

// checkstyleSeverity: Checkstyle's are ignore, info, warning and error.
func checkstyleSeverity(severity string) string {
	if severity == SeverityNote {
		return "info"
	}
	return severity
}

// File writes one file.
func (c *Checkstyle) File(f *File) error {
	var b strings.Builder
	b.WriteString(c.head())
	fmt.Fprintf(&b, "  <file name=\"%s\">\n", xmlPath(f.Path))
	add := func(rule, severity, text string, line, col int) {
		fmt.Fprintf(&b, "    <error line=\"%d\" column=\"%d\" severity=\"%s\" message=\"%s\" source=\"%s\"/>\n", max(line, 1), max(col, 1), xmlText(severity), xmlText(text), xmlText(rule))
	}
	if f.Error != nil {
		add("drydock", "error", f.Error.words(), f.Error.Line, f.Error.Col)
	}
	for _, p := range f.problems("") {
		add("drydock."+p.Rule, checkstyleSeverity(p.Severity), p.ready(), p.Line, 1)
	}
	b.WriteString("  </file>\n")
	_, err := io.WriteString(c.W, b.String())
	return err
}

// Close ends the report.
func (c *Checkstyle) Close(Total) error {
	_, err := io.WriteString(c.W, c.head()+"</checkstyle>\n")
	return err
}
