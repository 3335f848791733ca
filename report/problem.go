package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"drydock/rewrite"
)

// problem is one thing that a file has: a change that is ready or offered, or a
// finding. The forms that list problems (SARIF, annotations, JUnit, …) are made of
// these.
type problem struct {
	Rule, Severity string
	Path           string // as in File.Path
	File           string // that changes; Path, or a file of the context
	Line           int    // 1-based; 0 for the whole file
	What, More     string // what it is; why, or what to do about it
	Assumes        string
	Offered        bool   // waits for --unsafe
	Print          string // the same from run to run, wherever the lines move, and no other's
	outcome        int    // index in File.Outcomes, -1 for a finding
}

// problems are those of a file in which drydock was able to look: of one that was
// rewritten what is left to do. base tells equal files of several repositories apart.
func (f *File) problems(base string) []problem {
	var out []problem
	seen := map[string]int{}
	add := func(p problem, at string) {
		key := p.Rule + "\x00" + at + "\x00" + p.What
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", base, key, seen[key]))
		p.Print = hex.EncodeToString(sum[:16])
		if p.Severity == "" { // as in what an older version wrote
			p.Severity = SeverityOf(p.Rule)
		}
		out = append(out, p)
	}
	if f.Error != nil {
		return nil
	}
	for i, o := range f.Outcomes {
		ready := o.Status == string(rewrite.Applied) && !f.Written
		offered := o.Status == string(rewrite.Offered)
		if !ready && !offered {
			continue // it is made; or it breaks the image; or it is a defect of drydock
		}
		at := f.Path
		if o.File != "" {
			at = joinContext(f.Context, o.File)
		}
		// A change of another file, too, comes from a line of the Dockerfile, and the other one
		// may not be there yet.
		add(problem{Rule: o.Transform, Severity: o.Severity, Path: f.Path, Line: o.Line, What: o.Title, File: at, More: o.Why, Assumes: o.Assumes, Offered: offered, outcome: i}, at)
	}
	for _, x := range f.Findings {
		add(problem{Rule: x.Check, Severity: x.Severity, Path: f.Path, Line: x.Line, What: x.Message, File: f.Path, More: x.Hint, outcome: -1}, f.Path)
	}
	return out
}

func joinContext(context, file string) string {
	if context == "" || context == "." {
		return file
	}
	return strings.TrimSuffix(context, "/") + "/" + file
}

// text tells a problem in sentences.
func (p problem) text() string {
	what := p.What
	if p.File != p.Path && !strings.Contains(what, path.Base(p.File)) {
		what += " (" + p.File + ")"
	}
	text := sentence(what)
	if p.More != "" {
		text += " " + sentence(p.More)
	}
	if p.Assumes != "" {
		text += " Assumes: " + oneLine(p.Assumes) + "."
	}
	return text
}

// ready is text with what to do about an offered change.
func (p problem) ready() string {
	if p.Offered {
		return p.text() + " It waits for --unsafe."
	}
	return p.text()
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	s = oneLine(s)
	if s == "" {
		return s
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	if c := s[0]; c >= 'a' && c <= 'z' && (len(s) == 1 || s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') && !strings.ContainsAny(strings.SplitN(s, " ", 2)[0], "/:.=_-") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// failurePrint is problem.Print for a file that could not be read.
func failurePrint(f *File) string {
	sum := sha256.Sum256([]byte("drydock\x00" + f.Path))
	return hex.EncodeToString(sum[:16])
}

// words is what is wrong with a file, and what to do about it.
func (e *Error) words() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// place names a file for a form: by the caller's rule, else with slashes and without
// "./" before it.
func (o FormOptions) place(name string) string {
	if o.Place != nil {
		return o.Place(name)
	}
	if name == "" || name == "<stdin>" {
		return name
	}
	return path.Clean(filepath.ToSlash(name))
}

// applied are the indexes of the outcomes that File.Steps are about, by step. The
// steps are one for each applied change, or a single one for all of them.
func (f *File) applied() []int {
	var out []int
	for i, o := range f.Outcomes {
		if o.Status == string(rewrite.Applied) {
			out = append(out, i)
		}
	}
	return out
}

// owners are the indexes of the outcomes that made a hunk, in their order; all that are
// applied where that isn't known better.
func (f *File) owners(h Hunk) []int {
	all := f.applied()
	if len(f.Steps) != len(all) || len(h.Steps) == 0 {
		return all
	}
	var out []int
	for _, k := range h.Steps {
		out = append(out, all[k])
	}
	return out
}
