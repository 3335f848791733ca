package rewrite

import (
	"context"
	"slices"
)

// unsafely is a run on from the result in which assumptions may be made.
func (r *run) unsafely() *run {
	o := Options{Unsafe: true, Assume: r.opt.Assume, Policies: r.opt.Policies, Ignores: r.opt.Ignores, Today: r.opt.Today}
	return &run{in: r.in, opt: o, doc: r.doc, repo: r.repo, ignores: r.ignores, used: r.used, served: r.served, res: &Result{Path: r.in.Path, Before: r.doc.Src, After: r.doc.Src}}
}

// offer runs on from the safe result to see what --unsafe would add.
func (r *run) offer(ctx context.Context, ts []*Transform) {
	more := r.unsafely()
	if err := more.fixpoint(ctx, ts); err != nil {
		return
	}
	offered := map[string]bool{}
	for _, out := range more.res.Outcomes {
		if out.Status == Applied {
			out.Status = Offered
			offered[out.Transform] = true
			r.res.Outcomes = append(r.res.Outcomes, out)
		}
	}
	// What --unsafe would do isn't left alone; what it would leave alone is said too.
	r.res.Declined = slices.DeleteFunc(r.res.Declined, func(d Decline) bool { return offered[d.Transform] })
	for _, d := range more.res.Declined {
		if !slices.Contains(r.res.Declined, d) {
			r.res.Declined = append(r.res.Declined, d)
		}
	}
}
