// Package verify proves a rewrite: it builds the Dockerfile as it was and as it
// is, compares the two images file by file, runs both inside the builder and
// compares what they do. What breaks is named, repaired where that can be done,
// and otherwise dropped.
//
// Its parts: builder (the program that builds), imagefs (the files of an image),
// probe (what runs inside), finding (what can differ).
package verify

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/leftover"
	"drydock/rewrite"
	"drydock/verify/builder"
	"drydock/verify/finding"
	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// A Maker builds images: a *builder.Builder.
type Maker interface {
	Build(context.Context, builder.Request, builder.Observer) (*builder.Result, error)
	String() string
}

// A Side is one Dockerfile with what it is built from.
type Side struct {
	Dockerfile string  // its text
	Ignore     *string // text of the ignore file in force; nil: what lies in Context
	Context    string  // folder
	// Built is what came out when it was built already, into Options.Layout; nil: it
	// wasn't. An index holds Options.Build.Platform.
	Built *builder.Result
}

// Probe says how the images are run.
type Probe struct {
	Gets    []string // requests besides the default: "GET /healthz"
	Cmd     []string // in the place of CMD
	Env     []string // NAME=VALUE, added
	Seconds int      // until it must listen or end; 0 for 60
}

// Options are the same for both sides.
type Options struct {
	Build builder.Options
	Probe Probe
	See   builder.Observer // hears how the builds go on; may be nil
	Cache *Cache           // of proofs; nil for none
	// Layers is a folder in which what was read of large layers is kept; "" for none.
	Layers string
	// Own is a folder that the program writes for itself while a proof runs, should it
	// lie in a build context; "" for none.
	Own string
	// Layout is the folder of an OCI layout that the images go to, and that the caller
	// removes; "" for one of the Prover's own.
	Layout string
}

// A Proof is what comparing two sides gave.
type Proof struct {
	// Verdict is probe.Same, probe.SameFailure or probe.NotRun; "" when something breaks.
	Verdict string            `json:"verdict"`
	Breaks  []finding.Finding `json:"breaks"`  // differences that break what the image does
	Remarks []finding.Finding `json:"remarks"` // differences to know of
	Before  Facts             `json:"before"`  // the image before
	After   Facts             `json:"after"`   // the image after
	// Cached tells that nothing was built: the same two sides were compared before.
	Cached bool `json:"cached"`
}

// Holds: nothing breaks.
func (p *Proof) Holds() bool { return len(p.Breaks) == 0 }

// BeforeError: the Dockerfile as it was can't be built or run, so that nothing can
// be proven.
type BeforeError struct {
	Err     error
	Context string // the folder that it was built from: often the wrong one when a file lacks
}

func (e *BeforeError) Error() string {
	return fmt.Sprintf("it doesn't build as it is from the context %s, so nothing can be proven: %s", e.Context, strings.TrimRight(strings.TrimPrefix(e.Err.Error(), "before: "), "."))
}
func (e *BeforeError) Unwrap() error { return e.Err }

// A Prover holds one Dockerfile against others that may take its place. It is
// for one goroutine.
type Prover struct {
	maker  Maker
	opt    Options
	origin Side
	path   string // of the Dockerfile, for messages

	dir    string // temporary: the layout and the probes
	remove func() // takes it away
	files  *imagefs.Reader
	first  *subject       // the original, built
	before *subject       // the same, read and run
	again  *probe.Result  // a second run of before, once needed
	base   *imagefs.Image // the base of before's last stage, built alone; nil when it has none, or that can't be
	bottom int            // how many of before's layers are its base's
	hashes map[string]string
	reads  sync.WaitGroup
	began  map[string]stamp // what the context held
	Builds int              // how many builds were run, probes left out
}

// New makes a Prover for a Dockerfile; path is for messages. Nothing is built
// yet. Close frees what it holds.
func New(maker Maker, path string, origin Side, opt Options) (*Prover, error) {
	dir, remove, err := leftover.Folder("", "drydock-verify-")
	if err != nil {
		return nil, err
	}
	p := &Prover{maker: maker, opt: opt, origin: origin, path: path, dir: dir, remove: remove, hashes: map[string]string{}}
	p.files = imagefs.NewReader(p.layout())
	if opt.Layers != "" {
		p.files.Remember(opt.Layers, program())
	}
	return p, nil
}

// Close removes all temporary files.
func (p *Prover) Close() error {
	p.files.Stop()
	p.reads.Wait()
	p.remove()
	return nil
}

func (p *Prover) layout() string {
	if p.opt.Layout != "" {
		return p.opt.Layout
	}
	return filepath.Join(p.dir, "layout")
}

// Prove compares a candidate with the original; changes are what made it of the
// original, nil where that isn't known: then whatever the Dockerfile's text says
// of the configuration is meant. The error is a *BeforeError, a *ChangedError, or the builder's own;
// that the candidate doesn't build is a finding.
func (p *Prover) Prove(ctx context.Context, side Side, changes []rewrite.Outcome) (*Proof, error) {
	p.watch()
	key := p.key(ctx, side, "alone: "+declared(changes))
	if kept := p.opt.Cache.get(key); kept != nil {
		return kept, nil
	}
	proof, _, err := p.prove(ctx, side, changes)
	if err == nil {
		p.opt.Cache.put(key, proof)
	}
	return proof, err
}

// prove is Prove; after is nil when the candidate doesn't build, or the cache had
// the proof.
func (p *Prover) prove(ctx context.Context, side Side, changes []rewrite.Outcome) (proof *Proof, after *subject, err error) {
	if err := p.start(ctx); err != nil {
		return nil, nil, err
	}
	after, err = p.build(ctx, "after", side)
	var failed *builder.Error
	switch {
	case errors.As(err, &failed) && failed.Cause == nil:
		if err := p.unchanged(); err != nil {
			return nil, nil, err
		}
		if err := p.ready(ctx); err != nil {
			return nil, nil, err
		}
		return &Proof{
			Before: p.before.facts(), Remarks: []finding.Finding{},
			Breaks: []finding.Finding{{Class: finding.Build, Break: true, Message: "it doesn't build: " + strings.TrimPrefix(failed.Error(), "after: "), Detail: failed.Output}},
		}, nil, nil
	case err != nil:
		return nil, nil, err
	}
	if err := p.look(ctx, after); err != nil {
		return nil, nil, err
	}
	proof = &Proof{Breaks: []finding.Finding{}, Remarks: []finding.Finding{}, Before: p.before.facts()}
	want := p.expected(after.doc, changes)
	found := imagefs.CompareImages(p.before.img, after.img, want)
	ran, err := p.compareRuns(ctx, after)
	if err != nil {
		return nil, nil, err
	}
	found = append(found, unwritable(p.before, after)...)
	found = append(found, ran...)
	for _, f := range distinct(found) {
		if f.Break {
			proof.Breaks = append(proof.Breaks, f)
		} else {
			proof.Remarks = append(proof.Remarks, f)
		}
	}
	if err := p.unchanged(); err != nil {
		return nil, nil, err
	}
	proof.After = after.facts()
	if proof.Holds() {
		proof.Verdict = probe.NotRun
		if p.before.saw != nil {
			proof.Verdict = probe.Verdict(p.before.saw)
		}
	}
	return proof, after, nil
}

// distinct leaves out what another finding tells with more precision: a missing
// library that the files tell of and the run's output too, the folder in which a
// folder couldn't be made.
func distinct(fs []finding.Finding) []finding.Finding {
	told := func(i int, name string) bool {
		return slices.ContainsFunc(fs[:i], func(f finding.Finding) bool {
			return f.Class == fs[i].Class && f.Break && slices.ContainsFunc(f.Names, func(n string) bool {
				return n == name || f.Class == finding.Permission && strings.HasPrefix(n, name+"/")
			})
		})
	}
	var out []finding.Finding
	for i, f := range fs {
		if len(f.Names) == 0 || slices.ContainsFunc(f.Names, func(n string) bool { return !told(i, n) }) {
			out = append(out, f)
		}
	}
	return out
}

// final is the stage that is built.
func (p *Prover) final(doc *rewrite.Document) *rewrite.Stage {
	if p.opt.Build.Target != "" {
		if s := doc.StageByRef(p.opt.Build.Target, -1); s != nil {
			return s
		}
	}
	return doc.Final()
}

// expected tells what the candidate means to alter.
func (p *Prover) expected(after *rewrite.Document, changes []rewrite.Outcome) imagefs.Expected {
	was, is := p.final(p.before.doc), p.final(after)
	want := imagefs.Expected{Bottom: p.bottom, Split: len(after.Stages) > len(p.before.doc.Stages), Base: root(was).BaseName() != root(is).BaseName()}
	fields := was.Config().Diff(is.Config())
	if changes != nil {
		fields = 0
		for _, c := range changes {
			fields |= c.Config
		}
	} else if fields != 0 {
		want.Lost = strings.Split(fields.String(), ", ")
		for _, st := range after.Stages {
			want.Moved = append(want.Moved, variables(st)...)
		}
	}
	if fields != 0 {
		want.Fields = strings.Split(fields.String(), ", ")
	}
	for st := was; st != nil; st = st.Parent() {
		want.Env = append(want.Env, variables(st)...)
	}
	return want
}

// variables are those that a stage's own instructions set.
func variables(st *rewrite.Stage) []string {
	var out []string
	for _, in := range st.Instructions {
		if env, ok := in.Cmd.(*instructions.EnvCommand); ok {
			for _, kv := range env.Env {
				out = append(out, kv.Key)
			}
		}
	}
	return out
}

func root(s *rewrite.Stage) *rewrite.Stage {
	for s.Parent() != nil {
		s = s.Parent()
	}
	return s
}
