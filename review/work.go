package review

import (
	"cmp"
	"slices"
	"strings"

	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// Run is the engine on one file: text is where it starts, files are texts of the
// build context in the place of those on disk.
type Run func(text string, files map[string]string, opt rewrite.Options) (*rewrite.Result, error)

// Change is one change of a file, made or not.
type Change struct {
	report.Outcome
	ID      ID
	Verdict Verdict
	// Before and After are the Dockerfile around this change: for one that isn't made
	// Before is the file as it will be written.
	Before, After string
	// Others are the files besides the Dockerfile that it writes.
	Others []report.Patch
	// Gone tells that a rejected change has no place in the file as it is now: Before
	// and After are those of the moment when it was rejected.
	Gone bool
	// Kept says what keeps a rejected change away for good; "" when nothing does.
	Kept string

	// Place is the line on disk of the instruction at which an ignore keeps it away; 0 for
	// the whole file.
	Place int

	at int // Place's line in Before
}

// Worked is a file with everything that the engine says of it under a plan.
type Worked struct {
	Disk  string // as it was read
	After string // as it will be written
	// Files are the texts that will be written of files besides the Dockerfile, by
	// paths of the build context.
	Files   map[string]string
	Edited  bool
	Changes []Change // by line
	// File has what no decision is about: findings, what was left alone, defects.
	File *report.File
	Err  error
}

// Changed tells whether there is something to write.
func (w *Worked) Changed() bool { return w.Err == nil && (w.After != w.Disk || len(w.Files) > 0) }

// Count is how many changes have that verdict.
func (w *Worked) Count(v Verdict) (n int) {
	for _, c := range w.Changes {
		if c.Verdict == v {
			n++
		}
	}
	return n
}

// Site says how the engine runs on a file, and what it can't know by itself.
type Site struct {
	Run     Run
	Options rewrite.Options // Unsafe: what rests on an assumption is accepted unless rejected
	Path    string          // as the user names the file
	Context string          // as in report.File
	// Read gives a file of the build context as it stands before this Dockerfile.
	Read func(string) (text string, exists bool)
	// Show names a file of the build context as the user would.
	Show func(string) string
}

// Work works a file out under a plan. First it makes the safe changes, which are
// those of `drydock fix`, then what rests on an assumption, on top of them. With
// Options.Unsafe that is one run, the one of `drydock fix --unsafe`.
func Work(s Site, p Plan) *Worked {
	w := &worker{site: s, plan: p, proposed: map[string]proposal{}}
	w.names = map[string]string{}
	opt := s.Options
	opt.Offer = false
	opt.Ignores = slices.Concat(opt.Ignores, p.Ignores)
	if len(p.decisions) > 0 {
		opt.Select = w.choose(false)
	}
	first, err := s.Run(p.Text, nil, opt)
	if err != nil {
		return &Worked{Disk: p.Disk, After: p.Disk, Err: err, File: report.Failed(s.Path, s.Context, err)}
	}
	res := *first
	w.keep(first.Outcomes)
	if !opt.Unsafe {
		opt.Unsafe, opt.Select = true, w.choose(true)
		more, err := s.Run(first.After, first.Files, opt)
		if err != nil {
			return &Worked{Disk: p.Disk, After: p.Disk, Err: err, File: report.Failed(s.Path, s.Context, err)}
		}
		res = joined(first, more)
	}
	return w.describe(&res)
}

// joined is the result of two runs, one on top of the other.
func joined(a, b *rewrite.Result) rewrite.Result {
	out := *b
	out.Before = a.Before
	out.Outcomes = slices.Concat(a.Outcomes, b.Outcomes)
	out.Files = nil
	for _, files := range []map[string]string{a.Files, b.Files} {
		for name, text := range files {
			if out.Files == nil {
				out.Files = map[string]string{}
			}
			out.Files[name] = text
		}
	}
	// What is found in the file as it was, as far as it still is there.
	out.Remaining = slices.DeleteFunc(slices.Clone(a.Remaining), func(f rewrite.Finding) bool {
		return !slices.ContainsFunc(b.Findings, func(g rewrite.Finding) bool { return f.Check == g.Check && f.Message == g.Message })
	})
	return out
}

// worker is one file at work.
type worker struct {
	site     Site
	plan     Plan
	proposed map[string]proposal // not made, as proposed last
	order    []string
	names    map[string]string // other files as the changes made so far leave them
	assumed  bool              // something that rests on an assumption was made
}

type proposal struct {
	o       rewrite.Outcome
	verdict Verdict
}

// choose is rewrite.Options.Select: it says yes to what is accepted, and keeps
// in mind what isn't. In the second run even a safe change waits until something was accepted
// that it follows from: else it would be made by fix.
func (w *worker) choose(second bool) func(rewrite.Outcome) bool {
	return func(o rewrite.Outcome) bool {
		standard := Accepted
		if !w.site.Options.Unsafe && (o.Safety == rewrite.Assumes && !w.site.Options.Assume[o.Transform] || second && !w.assumed) {
			standard = Pending
		}
		v := w.verdict(o, standard)
		if v == Accepted {
			w.assumed = w.assumed || second
			w.keep([]rewrite.Outcome{o})
			return true
		}
		key := w.name(o) + "\x00" + string(rune(w.line(o)))
		if _, ok := w.proposed[key]; !ok {
			w.order = append(w.order, key)
		}
		w.proposed[key] = proposal{o, v}
		return false
	}
}

func (w *worker) verdict(o rewrite.Outcome, standard Verdict) Verdict {
	return w.plan.verdict(o.Transform, func() string { return w.name(o) }, func() int { return w.line(o) }, standard)
}

func (w *worker) name(o rewrite.Outcome) string { return name(o, w.other) }

func (w *worker) line(o rewrite.Outcome) int {
	return report.OriginalLine(w.plan.Disk, o.Before, o.Line)
}

func (w *worker) other(name string) string {
	if text, ok := w.names[name]; ok {
		return text
	}
	text, _ := w.site.Read(name)
	return text
}

// keep remembers what changes that are made leave in other files.
func (w *worker) keep(outcomes []rewrite.Outcome) {
	for _, o := range outcomes {
		for name, text := range o.Other {
			if o.Status == rewrite.Applied {
				w.names[name] = text
			}
		}
	}
}

// describe makes the list of changes of a result.
func (w *worker) describe(res *rewrite.Result) *Worked {
	out := &Worked{Disk: w.plan.Disk, After: res.After, Files: res.Files, Edited: w.plan.Edited}
	made := len(res.Outcomes)
	all := *res
	all.Before = w.plan.Disk // lines are those of the file on disk
	all.Outcomes = slices.Clone(res.Outcomes)
	var verdicts []Verdict
	for _, key := range w.order {
		// A proposal for a text that isn't the last one doesn't hold any more.
		if p := w.proposed[key]; p.o.Before == res.After {
			p.o.Status = rewrite.Offered
			all.Outcomes = append(all.Outcomes, p.o)
			verdicts = append(verdicts, p.verdict)
		}
	}
	out.File = report.New(w.site.Path, w.site.Context, &all, false)
	for i, f := range out.File.Findings { // they have lines of the text from which the run began
		out.File.Findings[i].Line = report.OriginalLine(w.plan.Disk, w.plan.Text, f.Line)
	}
	w.names = map[string]string{}
	for i, o := range all.Outcomes {
		if o.Status != rewrite.Applied && o.Status != rewrite.Offered {
			continue
		}
		c := Change{Outcome: out.File.Outcomes[i], Verdict: Accepted, Before: o.Before, After: o.After}
		if i >= made {
			c.Verdict = verdicts[i-made]
		}
		c.Line = w.line(o)
		c.Place, c.at = ignorePlace(w.plan.Disk, o)
		c.ID = ID{Name: w.name(o), Line: c.Line}
		for _, f := range sorted(o.Other) {
			p := report.Patch{Path: w.site.Show(f), Before: w.other(f), After: o.Other[f]}
			if p.Before == "" {
				_, exists := w.site.Read(f)
				_, made := w.names[f]
				p.Created = !exists && !made
			}
			c.Others = append(c.Others, p)
		}
		if o.Status == rewrite.Applied {
			w.keep([]rewrite.Outcome{o})
		}
		out.Changes = append(out.Changes, c)
	}
	w.steps(out)
	w.gone(out)
	if w.plan.Edited {
		out.Changes = append(out.Changes, Change{
			Outcome: report.Outcome{Status: string(rewrite.Applied), Transform: EditName, Title: "what you edited", Why: "The changes below were worked out on top of it.", Safety: "yours"},
			Verdict: Accepted, ID: ID{Name: EditName}, Before: w.plan.Disk, After: w.plan.Text,
		})
	}
	slices.SortStableFunc(out.Changes, func(a, b Change) int {
		if (a.Transform == EditName) != (b.Transform == EditName) {
			if a.Transform == EditName {
				return -1
			}
			return 1
		}
		// On one line in the order of the engine, whether they are made or not.
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(phase(a.Transform), phase(b.Transform)), cmp.Compare(a.ID.Name, b.ID.Name))
	})
	twins(out.Changes)
	return out
}

// gone adds the rejected changes that the engine doesn't propose any more, since others
// came in their place: they can be accepted again.
func (w *worker) gone(out *Worked) {
	for i := len(w.plan.decisions) - 1; i >= 0; i-- {
		d := &w.plan.decisions[i]
		if d.Kind != One || d.Verdict != Rejected || d.was == nil {
			continue
		}
		c := *d.was
		line := func() int { return c.Line }
		if w.plan.verdict(c.Transform, func() string { return c.ID.Name }, line, Rejected) != Rejected {
			continue
		}
		if !slices.ContainsFunc(out.Changes, func(x Change) bool { return x.ID.Name == c.ID.Name && x.Line == c.Line }) {
			c.Verdict, c.Gone = Rejected, true
			for _, d := range out.File.Declined {
				if d.Transform == c.Transform && strings.HasPrefix(d.Reason, "ignored by ") {
					c.Kept = d.Reason
				}
			}
			out.Changes = append(out.Changes, c)
		}
	}
}

func phase(name string) rewrite.Phase {
	if t := transforms.ByName(name); t != nil {
		return t.Phase
	}
	return -1
}

// steps hands the changes that are made to report, which knows the place of each.
func (w *worker) steps(out *Worked) {
	if w.plan.Text != w.plan.Disk {
		o := report.Outcome{Transform: "ignore", Title: "a comment that says why"}
		if w.plan.Edited {
			o = report.Outcome{Transform: EditName, Title: "what you edited"}
		}
		out.File.Steps = append(out.File.Steps, report.Step{Outcome: o, Files: map[string]string{w.site.Path: w.plan.Text}})
	}
	for _, c := range out.Changes {
		if c.Verdict == Accepted && c.Before != c.After {
			out.File.Steps = append(out.File.Steps, report.Step{Outcome: c.Outcome, Files: map[string]string{w.site.Path: c.After}})
		}
	}
}

// twins tells changes with one name apart by their lines.
func twins(changes []Change) {
	byName := map[string][]int{}
	for i, c := range changes {
		byName[c.ID.Name] = append(byName[c.ID.Name], i)
	}
	for _, group := range byName {
		for _, i := range group {
			for _, k := range group {
				if changes[k].Line != changes[i].Line {
					changes[i].ID.Twins = append(changes[i].ID.Twins, changes[k].Line)
				}
			}
		}
	}
}
