package report

import (
	"fmt"
	"io"
	"strings"
)

// JUnit renders a test report: a suite for each Dockerfile, in which each problem is
// a test that failed and each change that waits for --unsafe one that was skipped; a
// file without problems is a test that passed, one that can't be read an error.
//
// It keeps to what Jenkins' schema has (jenkinsci/xunit-plugin, junit-10.xsd), which
// GitLab and others read as well.
type JUnit struct {
	W     io.Writer
	begun bool
}

func (j *JUnit) head() string {
	if j.begun {
		return ""
	}
	j.begun = true
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"drydock\">\n"
}

// File writes one suite.
func (j *JUnit) File(f *File) error {
	var b strings.Builder
	b.WriteString(j.head())
	problems := f.problems("")
	failed, skipped, errors := 0, 0, 0
	for _, p := range problems {
		if p.Offered {
			skipped++
		} else {
			failed++
		}
	}
	if f.Error != nil {
		errors = 1
	}
	fmt.Fprintf(&b, "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" time=\"0\">\n", xmlPath(f.Path), max(len(problems), 1), failed, errors, skipped)
	open := func(name string) {
		fmt.Fprintf(&b, "    <testcase name=\"%s\" classname=\"%s\" time=\"0\"", xmlText(name), xmlPath(f.Path))
	}
	switch {
	case f.Error != nil:
		open("drydock")
		fmt.Fprintf(&b, ">\n      <error type=\"error\" message=\"%s\">%s</error>\n    </testcase>\n", xmlText(f.Error.words()), xmlText(f.Error.Error()))
	case len(problems) == 0:
		open("drydock")
		b.WriteString("/>\n")
	}
	for _, p := range problems {
		open(fmt.Sprintf("%s: line %d: %s", p.Rule, max(p.Line, 1), p.What))
		if p.Offered {
			fmt.Fprintf(&b, ">\n      <skipped message=\"%s\"/>\n    </testcase>\n", xmlText(p.ready()))
			continue
		}
		fmt.Fprintf(&b, ">\n      <failure type=\"%s\" message=\"%s\">%s:%d: %s: %s</failure>\n    </testcase>\n", xmlText(p.Severity), xmlText(p.What), xmlPath(p.Path), max(p.Line, 1), xmlText(p.Rule), xmlText(p.text()))
	}
	b.WriteString("  </testsuite>\n")
	_, err := io.WriteString(j.W, b.String())
	return err
}

// Close ends the report.
func (j *JUnit) Close(Total) error {
	_, err := io.WriteString(j.W, j.head()+"</testsuites>\n")
	return err
}
