package review

import (
	"fmt"
	"slices"
	"strings"

	"drydock/report"
)

// Target is one Dockerfile under review.
type Target struct {
	Path string // as the user names it
	Disk string // what it reads; "" when it can't be read
	// Group is the number of its build context: the Dockerfiles of one context are worked
	// out in turn, for each sees what the ones before it made of .dockerignore.
	Group int
}

// Session is a review without its screen: files, decisions, and what follows from
// them. It is not safe for use from several goroutines.
type Session struct {
	Targets []Target
	Works   []*Worked // nil as long as a file wasn't worked out
	Log     Log

	version int
	need    []int // by group: the version that its files must be worked out for
	have    []int // by file: the version that Works was made for
	groups  [][]int
}

// NewSession begins a review of targets.
func NewSession(targets []Target) *Session {
	s := &Session{Targets: targets, Works: make([]*Worked, len(targets)), have: make([]int, len(targets))}
	for i, t := range targets {
		for len(s.groups) <= t.Group {
			s.groups = append(s.groups, nil)
		}
		s.groups[t.Group] = append(s.groups[t.Group], i)
	}
	s.version = 1
	s.need = slices.Repeat([]int{1}, len(s.groups))
	return s
}

// Order is what is to be worked out: the version of the decisions, and what they
// say of each file.
type Order struct {
	Group, Version int
	decisions      []Decision
}

// Plan is the plan of a file with what it reads on disk.
func (o Order) Plan(i int, disk string) Plan { return PlanFor(o.decisions, i, disk) }

// Order says how a group is to be worked out now.
func (s *Session) Order(group int) Order { return Order{group, s.need[group], s.Log.Decisions()} }

// Take takes a file that was worked out by an order; one that is out of date is
// thrown away.
func (s *Session) Take(o Order, i int, w *Worked) {
	if o.Version == s.need[o.Group] {
		s.Works[i], s.have[i] = w, o.Version
	}
}

// Settled tells that everything shown is what would be written.
func (s *Session) Settled() bool { return s.Waiting() == 0 }

// Waiting is how many files are still to be worked out.
func (s *Session) Waiting() (n int) {
	for i := range s.Targets {
		if !s.Current(i) {
			n++
		}
	}
	return n
}

// Current tells that a file is worked out by all decisions.
func (s *Session) Current(i int) bool { return s.have[i] == s.need[s.Targets[i].Group] }

// Decide adds a step and lists the groups that must be worked out again.
func (s *Session) Decide(step ...Decision) []int {
	s.Log.Add(step...)
	return s.touch(step)
}

// Undo takes the last step back; told is what it was, "" when there is none.
func (s *Session) Undo() (groups []int, told string) {
	step := s.Log.Undo()
	return s.touch(step), Tell(step)
}

// Redo makes the step again that was undone last.
func (s *Session) Redo() (groups []int, told string) {
	step := s.Log.Redo()
	return s.touch(step), Tell(step)
}

func (s *Session) touch(step []Decision) []int {
	if len(step) == 0 {
		return nil
	}
	s.version++
	var out []int
	for g, files := range s.groups {
		concerns := func(d Decision) bool { return d.Kind == All || slices.Contains(files, d.File) }
		if slices.ContainsFunc(step, concerns) {
			s.need[g] = s.version
			out = append(out, g)
		}
	}
	return out
}

// Tell says in words what a step decided.
func Tell(step []Decision) string {
	if len(step) == 0 {
		return ""
	}
	d := step[0]
	verb := map[Verdict]string{Accepted: "accepted", Rejected: "rejected", Pending: "set back"}[d.Verdict]
	switch {
	case d.Kind == Edit:
		return "edited by hand"
	case d.Kind == Ignore && d.Entry != nil:
		return "ignored " + d.Transform + " in " + clean(d.Entry.Config)
	case d.Kind == Ignore:
		return "ignored " + d.Transform
	case d.Kind == All:
		return verb + " every " + d.Transform
	case len(step) > 1:
		return fmt.Sprintf("%s %d changes", verb, len(step))
	}
	return verb + " " + d.Transform + ": " + d.Title
}

// One is the decision about one change.
func (s *Session) One(file int, c Change, v Verdict) Decision {
	return Decision{Kind: One, File: file, Transform: c.Transform, Verdict: v, Change: c.ID, Title: c.Title, was: &c}
}

// Decided is the verdict on a change by the last decision, also while the file is
// still being worked out by it.
func (s *Session) Decided(file int, c *Change) Verdict {
	if s.Current(file) {
		return c.Verdict
	}
	for _, d := range slices.Backward(s.Log.Decisions()) {
		if d.Transform == c.Transform && (d.Kind == All || d.Kind == One && d.File == file && d.Change.is(c.ID.Name, func() int { return c.Line })) {
			return d.Verdict
		}
	}
	return c.Verdict
}

// Counts are the numbers of a review.
type Counts struct {
	Files                       int // that would be written, Dockerfiles and configurations
	Accepted, Rejected, Pending int
	Findings                    int
}

// Count counts over all files.
func (s *Session) Count() (n Counts) {
	n.Files = len(configs(s.Entries()))
	for _, w := range s.Works {
		if w == nil || w.Err != nil {
			continue
		}
		if w.Changed() {
			n.Files++
		}
		n.Accepted += w.Count(Accepted)
		n.Rejected += w.Count(Rejected)
		n.Pending += w.Count(Pending)
		n.Findings += len(w.File.Findings)
	}
	return n
}

// Snapshot is which changes there are, to tell later what a decision brought.
type Snapshot map[string]snap

type snap struct {
	verdict Verdict
	title   string
}

// Snapshot takes one.
func (s *Session) Snapshot() Snapshot {
	out := Snapshot{}
	for i, w := range s.Works {
		if w == nil {
			continue
		}
		for _, c := range w.Changes {
			out[fmt.Sprint(i, "\x00", c.Line, "\x00", c.ID.Name)] = snap{c.Verdict, c.Transform + ": " + c.Title}
		}
	}
	return out
}

// Since says in words what else changed since a snapshot: changes that went, and
// such as came. "" when nothing else did.
func (s *Session) Since(before Snapshot, step []Decision) string {
	now := s.Snapshot()
	decided := func(title string) bool {
		return slices.ContainsFunc(step, func(d Decision) bool { return d.Transform+": "+d.Title == title })
	}
	var gone, came []string
	for k, c := range before {
		if _, ok := now[k]; !ok && c.verdict == Accepted && !decided(c.title) {
			gone = append(gone, c.title)
		}
	}
	for k, c := range now {
		if _, ok := before[k]; !ok && !strings.HasPrefix(c.title, EditName+": ") {
			came = append(came, c.title)
		}
	}
	var parts []string
	if n := len(gone); n > 0 {
		parts = append(parts, report.Count(n, "other change went with it", "other changes went with it"))
	}
	if n := len(came); n > 0 {
		parts = append(parts, report.Count(n, "change is new", "changes are new"))
	}
	return strings.Join(parts, ", ")
}
