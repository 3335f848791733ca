package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
	"drydock/verify/probe"
)

// A Rewriter runs the transforms on a Dockerfile's text, with these texts in the
// place of files of the build context, without the changes that refuse names.
type Rewriter func(ctx context.Context, src string, files map[string]string, refuse func(rewrite.Outcome) bool) (*rewrite.Result, error)

// Kept is the largest part of a rewrite that was proven.
type Kept struct {
	// Result is from the original to what is kept; its outcomes hold the repairs
	// (transform Repair) and, with the status Unproven, what was dropped and why.
	Result *rewrite.Result
	// Proof is of the result; nil when nothing is kept and nothing was to be proven.
	Proof  *Proof
	Builds int // how many images were built for it
}

// Repair is the name under which repairs stand among the outcomes.
const Repair = "repair"

// maxDrops bounds the search: a rewrite of which so much breaks isn't worth more
// builds.
const maxDrops = 16

// Keep rewrites, proves, and drops what breaks: the first change with which the
// proof fails is found by halving, left out, and the rest is made and proven anew,
// until a proof holds.
func (p *Prover) Keep(ctx context.Context, rewrites Rewriter) (*Kept, error) {
	p.watch()
	k := &keeper{p: p, proves: p.repaired, rewrites: rewrites, refused: map[string]bool{}, tried: map[string]*attempt{}}
	return k.keep(ctx)
}

func (k *keeper) keep(ctx context.Context) (*Kept, error) {
	for {
		res, err := k.rewrites(ctx, k.p.origin.Dockerfile, nil, k.refuses)
		if err != nil {
			return nil, err
		}
		applied := made(res)
		if len(applied) == 0 {
			return k.fallback(ctx, res, nil)
		}
		if len(k.dropped) >= maxDrops {
			return k.kept(&rewrite.Result{Path: res.Path, Before: res.Before, After: res.Before, Declined: res.Declined}, nil), nil
		}
		a, err := k.attempt(ctx, applied)
		if err != nil {
			return nil, err
		}
		if a.proof.Holds() {
			return k.fallback(ctx, res, a)
		}
		if err := k.drop(ctx, applied); err != nil {
			return nil, err
		}
	}
}

// made are the outcomes that were applied.
func made(res *rewrite.Result) []rewrite.Outcome {
	return slices.DeleteFunc(slices.Clone(res.Outcomes), func(o rewrite.Outcome) bool { return o.Status != rewrite.Applied })
}

type keeper struct {
	p        *Prover
	proves   func(ctx context.Context, text string, files map[string]string, changes []rewrite.Outcome) (*attempt, error)
	rewrites Rewriter
	refused  map[string]bool // identities of changes
	dropped  []rewrite.Outcome
	tried    map[string]*attempt // by what was built
}

// An attempt is a candidate with its repairs and what came of it.
type attempt struct {
	text    string
	files   map[string]string
	repairs []rewrite.Outcome
	proof   *Proof
}

func (k *keeper) refuses(o rewrite.Outcome) bool { return k.refused[identity(o)] }

// identity names a change wherever it has moved: by its lines.
func identity(o rewrite.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%s\x00", o.Transform, o.Title)
	for _, d := range rewrite.DiffLines(o.Before, o.After) {
		if d.Op != ' ' {
			fmt.Fprintf(&b, "%c%s\n", d.Op, d.Text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Other)) {
		fmt.Fprintf(&b, "%s\x00%s\x00", name, o.Other[name])
	}
	return b.String()
}

// attempt proves what the changes lead to, repairing what it can.
func (k *keeper) attempt(ctx context.Context, changes []rewrite.Outcome) (*attempt, error) {
	files := map[string]string{}
	for _, o := range changes {
		maps.Copy(files, o.Other)
	}
	text := changes[len(changes)-1].After
	key := text
	for _, name := range slices.Sorted(maps.Keys(files)) {
		key += "\x00" + name + "\x00" + files[name]
	}
	if a := k.tried[key]; a != nil {
		return a, nil
	}
	a, err := k.proves(ctx, text, files, changes)
	if err != nil {
		return nil, err
	}
	k.tried[key] = a
	return a, nil
}

// drop finds the first change with which the proof fails and refuses it. All of
// them together are known to fail; none at all is the original, which holds.
func (k *keeper) drop(ctx context.Context, changes []rewrite.Outcome) error {
	holds, fails := 0, len(changes)
	for fails-holds > 1 {
		middle := (holds + fails) / 2
		a, err := k.attempt(ctx, changes[:middle])
		if err != nil {
			return err
		}
		if a.proof.Holds() {
			holds = middle
		} else {
			fails = middle
		}
	}
	a, err := k.attempt(ctx, changes[:fails])
	if err != nil {
		return err
	}
	culprit := changes[fails-1]
	k.refused[identity(culprit)] = true
	culprit.Status, culprit.Gate = rewrite.Unproven, reason(a.proof.Breaks)
	k.dropped = append(k.dropped, culprit)
	return nil
}

// reason tells breaks in a line.
func reason(breaks []finding.Finding) string {
	var out []string
	for i, b := range breaks {
		if i == 3 {
			out = append(out, fmt.Sprintf("and %d more", len(breaks)-i))
			break
		}
		out = append(out, b.Message)
	}
	return strings.Join(out, "; ")
}

// fallback tries the split that no recipe knows, where the transforms left the base
// as it was, and keeps it when it is proven and smaller by a fifth.
func (k *keeper) fallback(ctx context.Context, res *rewrite.Result, a *attempt) (*Kept, error) {
	without := func() (*Kept, error) {
		if a == nil {
			return k.kept(res, nil), nil
		}
		return k.polished(ctx, res, a)
	}
	if k.p.maker == nil || settled(res) {
		return without()
	}
	o, ok, err := k.p.fallback(ctx, res.After)
	var broken *BeforeError
	switch {
	case errors.As(err, &broken) && a == nil:
		return k.kept(res, nil), nil // there was nothing to prove
	case err != nil:
		return nil, err
	case !ok:
		return without()
	}
	b, err := k.attempt(ctx, append(made(res), o))
	if err != nil {
		return nil, err
	}
	if !b.proof.Holds() || b.proof.Verdict != probe.Same || b.proof.After.Compressed*5 > b.proof.Before.Compressed*4 {
		return without()
	}
	more := *res
	more.After = o.After
	more.Outcomes = append(slices.Clone(res.Outcomes), o)
	return k.polished(ctx, &more, b)
}

// settled: a transform split the file or moved its base, or a recipe saw the case
// and said why not. That the slim image lacks what the build runs settles nothing:
// the build may stay where it is.
func settled(res *rewrite.Result) bool {
	return slices.ContainsFunc(res.Outcomes, func(o rewrite.Outcome) bool {
		return slices.Contains([]string{"multi-stage", "slim-base", "distroless"}, o.Transform)
	}) || slices.ContainsFunc(res.Declined, func(d rewrite.Decline) bool { return d.Transform == "multi-stage" || d.Transform == "distroless" })
}

// polished lets the transforms see what they haven't made, the repairs and the
// fallback, so that a second run has nothing more to do, and keeps what they make
// of it if it is proven too.
func (k *keeper) polished(ctx context.Context, res *rewrite.Result, a *attempt) (*Kept, error) {
	if len(a.repairs) == 0 && !slices.ContainsFunc(res.Outcomes, func(o rewrite.Outcome) bool { return o.Transform == Fallback }) {
		return k.kept(res, a), nil
	}
	applied := append(made(res), a.repairs...)
	final := *res
	final.After = a.text
	final.Outcomes = slices.Concat(res.Outcomes, a.repairs)
	more, err := k.rewrites(ctx, a.text, a.files, k.refuses)
	if err != nil {
		return nil, err
	}
	again := made(more)
	if len(again) == 0 {
		final.Findings, final.Remaining, final.Declined = more.Findings, more.Remaining, more.Declined
	} else {
		b, err := k.attempt(ctx, slices.Concat(applied, again))
		if err != nil {
			return nil, err
		}
		if b.proof.Holds() {
			final.After = b.text
			final.Outcomes = slices.Concat(final.Outcomes, again, b.repairs)
			final.Files = b.files
			final.Findings, final.Remaining, final.Declined = more.Findings, more.Remaining, more.Declined
			a = b
		}
	}
	return k.kept(&final, a), nil
}

func (k *keeper) kept(res *rewrite.Result, a *attempt) *Kept {
	out := *res
	out.Outcomes = slices.Concat(res.Outcomes, k.dropped)
	kept := &Kept{Result: &out, Builds: k.p.Builds}
	if a != nil {
		kept.Proof = a.proof
	}
	return kept
}
