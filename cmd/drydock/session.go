package main

// The questions of `fix -p`.

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"drydock/report"
	"drydock/review"
	"drydock/rewrite"
)

const sessionHelp = `y - make this change
n - leave this change out
a - make this change and all that follow in this file
d - leave out this change and all that follow in this file
A - make this change and all that follow of this transform, in all files
D - leave out this change and all that follow of this transform, in all files
e - edit the file with this change made; what follows is worked out anew on top of it
i - leave this change out for good: a comment in the file, or an entry in .drydock.yaml, says why
q - quit: leave out this change and all that follow, in all files
? - print this help
`

// session asks change by change, as `git add -p` does. The end of the input
// means q.
type session struct {
	ctx   context.Context
	s     streams
	style report.Style
	want  chan struct{}   // asks for a line: an editor has the terminal to itself in between
	lines chan string     // answers; closed at the end of the input
	kinds map[string]bool // transforms that were answered for with A (true) or D
	quit  bool

	path    string
	others  map[string]*string // files besides the Dockerfile as they stand; nil: not there
	read    func(string) (string, bool)
	show    func(string) string // a context path as the user names it
	rest    byte                // 'a' or 'd' once given for this file
	refused map[string]bool     // asked already: the engine comes again after other changes
	made    []rewrite.Outcome   // in the current run of the engine
	restart *string             // the text from which the file is to be worked out anew
	stop    func()              // ends the current run of the engine
	// configure completes an entry of the configuration for the file; entries are those that
	// were taken for it.
	configure func(review.Entry, []review.Entry) (review.Entry, error)
	entries   []review.Entry
}

// newSession reads answers in the background, so that an interrupt ends a
// waiting question.
func newSession(ctx context.Context, s streams, style report.Style) *session {
	out := &session{ctx: ctx, s: s, style: style, want: make(chan struct{}), lines: make(chan string), kinds: map[string]bool{}}
	go func() {
		defer close(out.lines)
		sc := bufio.NewScanner(s.in)
		for {
			select {
			case <-out.want:
			case <-ctx.Done():
				return
			}
			if !sc.Scan() {
				return
			}
			select {
			case out.lines <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// line waits for a line of the input; false at its end.
func (s *session) line() (string, bool) {
	select {
	case s.want <- struct{}{}:
	case line, ok := <-s.lines: // closed
		return line, ok
	case <-s.ctx.Done():
		return "", false
	}
	select {
	case line, ok := <-s.lines:
		return line, ok
	case <-s.ctx.Done():
		return "", false
	}
}

// begin starts a file; read gives the files of its context, show names them.
func (s *session) begin(path string, read func(string) (string, bool), show func(string) string) {
	s.path, s.read, s.show, s.rest = path, read, show, 0
	s.entries = nil
	s.others, s.refused = map[string]*string{}, map[string]bool{}
}

// selects is rewrite.Options.Select.
func (s *session) selects(o rewrite.Outcome) bool {
	diff := s.diff(o)
	id := changeID(o, diff)
	if s.quit || s.restart != nil || s.refused[id] {
		return false
	}
	take, answered := s.kinds[o.Transform]
	if s.rest != 0 {
		take, answered = s.rest == 'a', true
	}
	if !answered {
		fmt.Fprint(s.s.out, s.question(o, diff))
		take = s.answer(o)
	}
	if s.restart != nil {
		return false
	}
	if !take {
		s.refused[id] = true
		return false
	}
	o.Status = rewrite.Applied
	s.made = append(s.made, o)
	for name, text := range o.Other {
		s.others[name] = &text
	}
	return true
}

// answer asks what becomes of a change. It may set restart.
func (s *session) answer(o rewrite.Outcome) bool {
	for {
		fmt.Fprint(s.s.out, s.style.Bold("Make this change [y,n,a,d,A,D,e,i,q,?]? "))
		line, ok := s.line()
		if !ok {
			fmt.Fprintln(s.s.out)
			line = "q"
		}
		switch line = strings.TrimSpace(line); line {
		case "y", "Y":
			return true
		case "n", "N":
			return false
		case "a", "d":
			s.rest = line[0]
			return s.rest == 'a'
		case "A", "D":
			s.kinds[o.Transform] = line == "A"
			return line == "A"
		case "e":
			if s.edit(o) {
				return false
			}
		case "i":
			if s.ignore(o) {
				return false
			}
		case "q", "Q":
			s.quit = true
			return false
		default:
			fmt.Fprint(s.s.out, sessionHelp)
		}
	}
}

// question shows a change: what, why, on which assumption, and its lines.
func (s *session) question(o rewrite.Outcome, diff string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s\n", s.style.Bold(s.path), s.style.Cyan(o.Transform), o.Title)
	for _, l := range []struct{ head, text string }{{"why", o.Why}, {"brings", o.Gain}, {"assumes", o.Assumes}} {
		if l.text != "" {
			fmt.Fprintf(&b, "  %s: %s\n", l.head, strings.Join(strings.Fields(l.text), " "))
		}
	}
	b.WriteString(s.style.Patch(diff))
	return b.String()
}

// diff is the change as a patch.
func (s *session) diff(o rewrite.Outcome) string {
	d := report.Patch{Path: s.path, Before: o.Before, After: o.After}.Unified()
	for _, name := range names(o.Other) {
		p := report.Patch{Path: s.show(name), After: o.Other[name], Created: true}
		if old := s.others[name]; old != nil {
			p.Before, p.Created = *old, false
		} else if old, exists := s.read(name); exists {
			p.Before, p.Created = old, false
		}
		d += p.Unified()
	}
	return d
}

// changedLines are the lines that a patch takes and gives, without their
// places: the same change is the same wherever it moved.
func changedLines(diff string) string {
	var b strings.Builder
	for _, l := range strings.SplitAfter(diff, "\n") {
		if strings.HasPrefix(l, "-") || strings.HasPrefix(l, "+") {
			b.WriteString(l)
		}
	}
	return b.String()
}
