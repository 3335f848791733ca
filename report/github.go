package report

import (
	"fmt"
	"io"
	"strings"

	"drydock/said"
)

// GitHub renders workflow commands, which GitHub Actions shows as annotations beside
// the lines that they are about:
//
//	::warning file=Dockerfile,line=1,title=drydock (pin-base)::Dockerfile:1: pin-base: …
//
// Source: docs.github.com, "Workflow commands for GitHub Actions"; how values are
// escaped is the runner's and @actions/core's.
type GitHub struct {
	W       io.Writer
	Options FormOptions
}

// githubCommand is the command for a severity.
func githubCommand(severity string) string {
	if severity == SeverityNote {
		return "notice"
	}
	return severity
}

// File writes a line for each problem.
func (g *GitHub) File(f *File) error {
	var b strings.Builder
	line := func(command, name, title, message string, line, end, col int) {
		name = g.Options.place(name)
		fmt.Fprintf(&b, "::%s ", command)
		if name != "" && name != "<stdin>" {
			fmt.Fprintf(&b, "file=%s,line=%d,", githubProperty(name), max(line, 1))
			if end > line && line > 0 {
				fmt.Fprintf(&b, "endLine=%d,", end)
			}
			if col > 0 {
				fmt.Fprintf(&b, "col=%d,", col)
			}
		}
		fmt.Fprintf(&b, "title=%s::%s\n", githubProperty(title), githubData(fmt.Sprintf("%s:%d: %s", name, max(line, 1), message)))
	}
	if f.Error != nil {
		line("error", f.Path, "drydock", f.Error.words(), f.Error.Line, 0, f.Error.Col)
	}
	ends := f.ends()
	for _, p := range f.problems("") {
		end := 0
		if p.outcome >= 0 {
			end = ends[p.outcome]
		}
		line(githubCommand(p.Severity), p.Path, "drydock ("+p.Rule+")", p.Rule+": "+p.ready(), p.Line, end, 0)
	}
	_, err := io.WriteString(g.W, b.String())
	return err
}

// Close writes nothing.
func (g *GitHub) Close(Total) error { return nil }

// githubData is a message of one line. What isn't printable is shown as said does
// it; a percent sign begins an escape there.
func githubData(s string) string {
	return strings.ReplaceAll(said.Printable(oneLine(s)), "%", "%25")
}

// githubProperty is a value: colons and commas end one.
func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C").Replace(said.Printable(s))
}

// ends are the last lines of the file before that a change takes together with the
// line where it is shown, by index of the outcome.
func (f *File) ends() map[int]int {
	out := map[int]int{}
	for _, p := range f.Patches {
		for _, h := range f.Hunks(p) {
			for _, i := range f.owners(h) {
				o := f.Outcomes[i]
				last := h.Line + len(h.Old) - 1
				if o.File == "" && p == f.Patches[0] && o.Line >= h.Line && o.Line <= last {
					out[i] = max(out[i], last)
				}
			}
		}
	}
	return out
}
