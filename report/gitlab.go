package report

import (
	"bytes"
	"fmt"
	"io"

	"drydock/said"
)

// GitLab renders a code quality report: an array of objects with description,
// check_name, fingerprint, severity and location.
//
// Source: docs.gitlab.com/ci/testing/code_quality, "Code Quality report format". A
// byte order mark before it, and paths that begin with ./, are refused there.
type GitLab struct {
	W       io.Writer
	Options FormOptions
	list    jsonList
}

type gitlabProblem struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

// gitlabSeverity: GitLab's are info, minor, major, critical and blocker.
func gitlabSeverity(severity string) string {
	switch severity {
	case SeverityError:
		return "critical"
	case SeverityWarning:
		return "major"
	}
	return "minor"
}

// File writes the problems of one file.
func (g *GitLab) File(f *File) error {
	write := func(rule, text, print, severity, path string, line int) error {
		p := gitlabProblem{said.Printable(text), rule, print, severity, gitlabLocation{Path: g.Options.place(path)}}
		p.Location.Lines.Begin = max(line, 1)
		return g.list.add(g.W, p)
	}
	if f.Error != nil {
		return write("drydock", f.Error.words(), failurePrint(f), "blocker", f.Path, f.Error.Line)
	}
	for _, p := range f.problems("") {
		if err := write(p.Rule, p.ready(), p.Print, gitlabSeverity(p.Severity), p.Path, p.Line); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the array.
func (g *GitLab) Close(Total) error { return g.list.close(g.W) }

// jsonList writes an array, a value per line, as values come.
type jsonList struct{ n int }

func (l *jsonList) add(w io.Writer, v any) error {
	text, err := Encode(v)
	if err != nil {
		return err
	}
	head := ",\n"
	if l.n++; l.n == 1 {
		head = "[\n"
	}
	_, err = fmt.Fprintf(w, "%s%s", head, bytes.TrimSuffix(text, []byte("\n")))
	return err
}

func (l *jsonList) close(w io.Writer) error {
	text := "\n]\n"
	if l.n == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
