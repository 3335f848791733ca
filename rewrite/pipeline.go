package rewrite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sort"
	"strings"

	"drydock/images"
	"drydock/repo"
)

// maxRounds bounds the fixpoint; real files need two rounds. A transform makes
// at most maxSteps changes, plus one for each instruction, in a round.
const (
	maxRounds = 12
	maxSteps  = 16
)

// errEndless says that a transform goes on proposing changes.
var errEndless = errors.New("it doesn't come to an end")

// Run takes one Dockerfile through the transforms, in (Phase, Name) order and
// again until nothing changes. A change that fails a gate is dropped and
// reported, never kept. Then the checks look at the file. The error is an
// *Error when it can't be read.
func Run(ctx context.Context, in Input, ts []*Transform, o Options) (*Result, error) {
	if in.Repo == nil {
		in.Repo = repo.Load(nil)
	}
	if in.Images == nil {
		in.Images = images.Catalogue()
	}
	doc, err := Parse(in.Path, in.Src, in.Images)
	if err != nil {
		return nil, err
	}
	ts = ordered(ts)
	r := &run{in: in, opt: o, doc: doc, repo: in.Repo, used: map[string]bool{}, served: map[int]bool{}, res: &Result{Path: in.Path, Before: in.Src, After: in.Src}}
	r.ignores = r.ignored(doc)
	if err := r.fixpoint(ctx, ts); err != nil {
		return nil, err
	}
	if !r.judgesIdle() { // that tells it too
		r.res.Notes = endedNotes(doc, o.Today)
	}
	if r.wantsIdle() {
		_ = r.unsafely().fixpoint(ctx, ts) // whoever asks for its changes hears of an error
	}
	if err := r.inspect(ctx, doc, in.Repo); err != nil {
		return nil, err
	}
	if r.judgesIdle() {
		r.res.Ignores = r.uses()
	}
	if o.Offer && !o.Unsafe {
		r.offer(ctx, ts)
	}
	return r.res, nil
}

func ordered(ts []*Transform) []*Transform {
	out := append([]*Transform(nil), ts...)
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Phase != out[j].Phase {
			return out[i].Phase < out[j].Phase
		}
		return out[i].Name < out[j].Name
	})
	return out
}

type run struct {
	in      Input
	opt     Options
	doc     *Document
	repo    *repo.Repo
	ignores ignores
	res     *Result
	refused map[string]bool // changes that failed a gate or were turned down
	quiet   map[*Transform]quiet
	beside  map[string]bool // names of the transforms
	used    map[string]bool // of the ignore comments, which silenced something
	served  map[int]bool    // of Options.Ignores, likewise
}

// quiet is a state in which a transform had nothing to do.
type quiet struct {
	doc      *Document
	repo     *repo.Repo
	declined []Decline
}

func (r *run) fixpoint(ctx context.Context, ts []*Transform) error {
	start, startRepo := r.doc, r.repo
	seen := map[string]bool{r.state(): true}
	r.refused, r.quiet, r.beside = map[string]bool{}, make(map[*Transform]quiet, len(ts)), make(map[string]bool, len(ts))
	for _, t := range ts {
		r.beside[t.Name] = true
	}
	for round := 0; ; round++ {
		before := r.state()
		r.res.Declined = nil
		var moved []string
		for _, t := range ts {
			n, err := r.exhaust(ctx, t)
			if errors.Is(err, errEndless) {
				r.revert(start, startRepo, t.Name+": "+err.Error())
				return nil
			}
			if err != nil {
				return err
			}
			if n > 0 {
				moved = append(moved, t.Name)
			}
		}
		now := r.state()
		if now == before && len(moved) == 0 {
			break
		}
		if seen[now] || round >= maxRounds {
			r.revert(start, startRepo, "these transforms undo each other: "+strings.Join(moved, ", "))
			return nil
		}
		seen[now] = true
	}
	if r.doc.Src != start.Src {
		if err := r.doc.confirm(start); err != nil {
			r.revert(start, startRepo, "the rewritten file does not parse: "+err.Error())
			return nil
		}
		if err := sameLineEnds(start.Src, r.doc.Src); err != nil {
			r.revert(start, startRepo, err.Error())
			return nil
		}
	}
	r.res.After = r.doc.Src
	return nil
}

// revert gives the whole file up and reports a defect.
func (r *run) revert(doc *Document, rp *repo.Repo, why string) {
	r.doc, r.repo = doc, rp
	r.res.After, r.res.Files = doc.Src, nil
	for i := range r.res.Outcomes {
		r.res.Outcomes[i].Status, r.res.Outcomes[i].Gate = Dropped, why
	}
}

// state identifies the files as they stand.
func (r *run) state() string {
	if len(r.res.Files) == 0 {
		return r.doc.Src
	}
	names := make([]string, 0, len(r.res.Files))
	for n := range r.res.Files {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(r.doc.Src)
	for _, n := range names {
		b.WriteString("\x00" + n + "\x00" + r.res.Files[n])
	}
	return b.String()
}

func (r *run) pass(t *Transform) *Pass {
	p := &Pass{Doc: r.doc, Repo: r.repo, Images: r.in.Images, Name: r.in.Name, Siblings: r.in.Siblings, History: r.in.History, Unsafe: r.opt.unsafe(t.Name), rules: t.Rules, beside: r.beside}
	if len(t.Policies) > 0 {
		p.Policy = cmp.Or(r.opt.Policies[t.Name], t.Policies[0].Name)
	}
	return p
}

// exhaust applies a transform's changes one by one until it has none left.
func (r *run) exhaust(ctx context.Context, t *Transform) (applied int, err error) {
	if t.AllAssume && !r.opt.unsafe(t.Name) {
		return 0, nil
	}
	if q, ok := r.quiet[t]; ok && q.doc == r.doc && q.repo == r.repo {
		r.res.Declined = append(r.res.Declined, q.declined...)
		return 0, nil // it has seen this and had nothing to do
	}
	limit := maxSteps + len(r.doc.Instructions)
	for step := 0; ; step++ {
		if step > limit {
			return applied, errEndless
		}
		if err := ctx.Err(); err != nil {
			return applied, err
		}
		p, progress, err := r.step(ctx, t)
		if err != nil {
			return applied, fmt.Errorf("%s: %s: %w", r.in.Path, t.Name, err)
		}
		if progress {
			applied++
		}
		if !progress {
			for i := range p.declined {
				p.declined[i].Transform = t.Name
				r.ignores.spoken(t.Name, r.doc, p.declined[i].Line)
			}
			r.res.Declined = append(r.res.Declined, p.declined...)
			r.quiet[t] = quiet{r.doc, r.repo, p.declined}
			return applied, nil
		}
	}
}

// step asks a transform for its changes and applies the first that may be. A
// panic becomes an error, so that one bad file doesn't stop the others.
func (r *run) step(ctx context.Context, t *Transform) (p *Pass, progress bool, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("a defect of drydock: panic: %v\n%s", x, debug.Stack())
		}
	}()
	p = r.pass(t)
	changes, err := t.Run(ctx, p)
	if err != nil {
		return p, false, err
	}
	if t.Apart && len(changes) > 1 && r.opt.Select == nil && r.together(t, p, changes) {
		return p, true, nil
	}
	for _, c := range changes {
		if r.try(t, p, c) {
			return p, true, nil
		}
	}
	return p, false, nil
}

// try applies one change when options, ignores and gates allow it.
func (r *run) try(t *Transform, p *Pass, c Change) bool {
	if !r.allowed(t, p, c) {
		return false
	}
	out := outcome(t, c)
	out.IgnoreAt = c.ignoreLines(p.Doc)
	doc, rp, files, err := r.apply(c)
	if err == nil {
		err = gate(r, doc, rp, files, c)
	}
	if err != nil {
		out.Status, out.Gate = Dropped, err.Error()
		r.refused[r.id(t, c)] = true
		if !r.reported(out) {
			r.res.Outcomes = append(r.res.Outcomes, out)
		}
		return false
	}
	out.Before, out.After, out.Other = r.doc.Src, doc.Src, files
	for name := range files {
		if doc.Src == r.doc.Src {
			out.File = name
		}
	}
	if r.opt.Select != nil && !r.opt.Select(out) {
		r.refused[r.id(t, c)] = true
		return false
	}
	r.take(doc, rp, files)
	r.res.Outcomes = append(r.res.Outcomes, out)
	return true
}

// allowed tells whether options and ignores let a change be.
func (r *run) allowed(t *Transform, p *Pass, c Change) bool {
	if c.Safety == Assumes && !r.opt.unsafe(t.Name) {
		return false
	}
	if why := r.ignores.covers(t.Name, p.Doc, c); why != "" {
		p.Decline(c.At, "%s", why)
		return false
	}
	if c.At != nil {
		if why := p.Silenced(c.At); why != "" {
			p.Decline(c.At, "%s", why)
			return false
		}
	}
	return len(r.refused) == 0 || !r.refused[r.id(t, c)]
}

// id identifies a change of the text as it stands.
func (r *run) id(t *Transform, c Change) string {
	return fmt.Sprint(t.Name, "\x00", c.Title, "\x00", c.Edits, "\x00", r.doc.Src)
}

func outcome(t *Transform, c Change) Outcome {
	out := Outcome{Status: Applied, Transform: t.Name, Title: c.Title, Why: c.Why, Assumes: c.Assumes, Gain: c.Gain, Plan: c.Plan, Safety: c.Safety, Config: c.Config, Adds: c.Adds, Drops: c.Drops, Hides: c.Hides, Brings: c.Brings, Narrows: c.Narrows, Context: c.Context, Image: c.Image}
	if c.At != nil {
		out.Line = c.At.Line
	}
	return out
}

// take makes a result the state to go on from.
func (r *run) take(doc *Document, rp *repo.Repo, files map[string]string) {
	r.ignores = r.ignored(doc)
	r.doc, r.repo = doc, rp
	for name, text := range files {
		if r.res.Files == nil {
			r.res.Files = map[string]string{}
		}
		r.res.Files[name] = text
	}
}

func (r *run) reported(out Outcome) bool {
	for _, o := range r.res.Outcomes {
		if o.Status == Dropped && o.Transform == out.Transform && o.Title == out.Title && o.Gate == out.Gate {
			return true
		}
	}
	return false
}

// apply makes the documents and files that a change would leave.
func (r *run) apply(c Change) (*Document, *repo.Repo, map[string]string, error) {
	text, err := r.doc.apply(c.Edits)
	if err != nil {
		return nil, nil, nil, err
	}
	doc := r.doc
	if text != r.doc.Src {
		if doc, err = Reparse(r.doc, text); err != nil {
			return nil, nil, nil, fmt.Errorf("the result does not parse: %w", err)
		}
	}
	rp := r.repo
	var files map[string]string
	byFile := map[string][]Edit{}
	for _, e := range c.Edits {
		if e.File != "" {
			byFile[e.File] = append(byFile[e.File], e)
		}
	}
	for name, es := range byFile {
		old, _ := r.repo.ReadFile(name)
		if crlf(string(old)) {
			for i := range es {
				es[i].New = withEOL(es[i].New, "\r\n")
			}
		}
		text, err := Apply(string(old), es)
		if err != nil {
			return nil, nil, nil, err
		}
		if text == string(old) {
			continue
		}
		if files == nil {
			files = map[string]string{}
		}
		files[name] = text
		rp = rp.With(name, []byte(text))
	}
	if text == r.doc.Src && len(files) == 0 {
		return nil, nil, nil, fmt.Errorf("it changes nothing")
	}
	return doc, rp, files, nil
}

// sameLineEnds holds two promises over a whole run: CRLF stays CRLF, and a
// missing final line break stays missing.
func sameLineEnds(before, after string) error {
	if crlf(before) {
		if strings.Contains(after, "\n") && !crlf(after) {
			return fmt.Errorf("line ends were CRLF and are mixed now")
		}
	} else if !strings.Contains(before, "\r\n") && strings.Contains(after, "\r\n") {
		return fmt.Errorf("line ends were LF and are mixed now")
	}
	if strings.HasSuffix(before, "\n") != strings.HasSuffix(after, "\n") {
		return fmt.Errorf("the final line break changed")
	}
	return nil
}
