package rewrite

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"drydock/repo"
)

// Check looks for what is wrong and has no one right change: it says so and
// proposes nothing. Its metadata is data, as a transform's is.
type Check struct {
	Name    string // kebab-case, unique among checks and transforms
	Summary string // one line
	Doc     string // what it finds and why; Markdown with sources
	Passes  string // what looks like its case and rightly isn't found; Markdown
	// Rules are those of other linters that speak of the same, as Transform.Rules.
	Rules []string
	// OptIn: it runs only when it is asked for by name.
	OptIn bool
	// Idle: it asks for Pass.IdleIgnores.
	Idle bool
	// CheckOnly: it has so much to say that the program runs it only where
	// findings are the purpose. It runs behind the others.
	CheckOnly bool
	// Run reports what it finds in the pass's document.
	Run func(context.Context, *Pass) error
}

// Finding is one thing that a check found.
type Finding struct {
	Check   string // the check's name, with "/RULE" behind it where it has several rules
	Message string // what is wrong, in a line; no line numbers, so that it stays the same when the text around it moves
	Hint    string // what to do about it
	Line    int    // 1-based
	// About names the thing itself, where another check may speak of it too:
	// of two checks' findings about the same thing in an instruction the first
	// check's is kept.
	About string
	// Rules are as Check.Rules, for this finding alone.
	Rules []string

	at *Instruction
	by *Check
}

// Find reports something about an instruction.
func (p *Pass) Find(in *Instruction, message, hint string) {
	p.Report(in, Finding{Message: message, Hint: hint})
}

// Report is Find for a finding with more to it. Check and Line are filled in
// where they are empty.
func (p *Pass) Report(in *Instruction, f Finding) {
	f.at = in
	if f.Line == 0 {
		f.Line = in.Line
	}
	p.findings = append(p.findings, f)
}

// InstructionAt is the instruction that covers a line, else the one before it.
func (d *Document) InstructionAt(line int) *Instruction {
	at := d.Instructions[0]
	for _, in := range d.Instructions {
		if in.Line > line {
			break
		}
		at = in
	}
	return at
}

// inspect fills in what the checks find: in the result, and in the text before
// it as far as the result still has it.
func (r *run) inspect(ctx context.Context, doc *Document, rp *repo.Repo) error {
	if len(r.opt.Checks) == 0 {
		return nil
	}
	found, ignored, err := r.findings(ctx, r.doc, r.repo)
	if err != nil {
		return err
	}
	r.res.Findings, r.res.Remaining = found, found
	r.res.Declined = append(r.res.Declined, ignored...)
	if doc == r.doc && rp == r.repo {
		return nil
	}
	before, _, err := r.findings(ctx, doc, rp)
	if err != nil {
		return err
	}
	left := map[string]int{}
	for _, f := range found {
		left[f.Check+"\x00"+f.Message]++
	}
	r.res.Remaining = nil
	for _, f := range before {
		if id := f.Check + "\x00" + f.Message; left[id] > 0 {
			left[id]--
			r.res.Remaining = append(r.res.Remaining, f)
		}
	}
	return nil
}

// findings runs the checks on a document; what a comment silences is declined.
func (r *run) findings(ctx context.Context, doc *Document, rp *repo.Repo) (out []Finding, ignored []Decline, err error) {
	ig := r.ignored(doc)
	var told []Finding // silenced ones too
	for _, c := range r.opt.Checks {
		if c.Idle { // else a comment for every name would hide that it does nothing
			ig.comments = slices.DeleteFunc(ig.comments, func(c ignoreComment) bool { return slices.Contains(c.names, anyName) })
		}
		p := &Pass{Doc: doc, Repo: rp, Images: r.in.Images, Name: r.in.Name, Siblings: r.in.Siblings, run: r}
		if err := p.check(ctx, c); err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", r.in.Path, c.Name, err)
		}
		for _, f := range p.findings {
			f.Check, f.by = cmp.Or(f.Check, c.Name), c
			if slices.ContainsFunc(told, func(o Finding) bool {
				return f.About != "" && o.About == f.About && o.at.Index == f.at.Index && o.by != c
			}) {
				continue
			}
			told = append(told, f)
			at := Change{At: doc.Instructions[f.at.Index]} // of a trigger, its ONBUILD
			why := cmp.Or(ig.covers(c.Name, doc, at), ig.covers(f.Check, doc, at), silenced(at.At, slices.Concat(c.Rules, f.Rules)))
			if why != "" {
				ignored = append(ignored, Decline{Transform: f.Check, Line: f.Line, Reason: why})
			} else {
				out = append(out, f)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return a.Line - b.Line })
	return out, ignored, nil
}

// check runs one check; a panic becomes an error about this file.
func (p *Pass) check(ctx context.Context, c *Check) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("a defect of drydock: panic: %v\n%s", x, debug.Stack())
		}
	}()
	return c.Run(ctx, p)
}
