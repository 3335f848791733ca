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

// File writes one file, and another one for the files of its context that have problems.
func (c *Checkstyle) File(f *File) error {
	var b strings.Builder
	b.WriteString(c.head())
	var order []string
	lines := map[string]*strings.Builder{}
	add := func(path, rule, severity, text string, line, col int) {
		if lines[path] == nil {
			lines[path] = &strings.Builder{}
			order = append(order, path)
		}
		fmt.Fprintf(lines[path], "    <error line=\"%d\" column=\"%d\" severity=\"%s\" message=\"%s\" source=\"%s\"/>\n", max(line, 1), max(col, 1), xmlText(severity), xmlText(text), xmlText(rule))
	}
	if f.Error != nil {
		add(f.Path, "drydock", "error", f.Error.words(), f.Error.Line, f.Error.Col)
	}
	for _, p := range f.problems("") {
		add(p.Path, "drydock."+p.Rule, checkstyleSeverity(p.Severity), p.ready(), p.Line, 1)
	}
	for _, path := range order {
		fmt.Fprintf(&b, "  <file name=\"%s\">\n%s  </file>\n", xmlPath(path), lines[path])
	}
	if len(order) == 0 {
		fmt.Fprintf(&b, "  <file name=\"%s\"/>\n", xmlPath(f.Path))
	}
	_, err := io.WriteString(c.W, b.String())
	return err
}

// Close ends the report.
func (c *Checkstyle) Close(Total) error {
	_, err := io.WriteString(c.W, c.head()+"</checkstyle>\n")
	return err
}
