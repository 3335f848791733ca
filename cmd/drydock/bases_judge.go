package main

// Which base the program may run on: asked of the transforms that choose one.

import (
	"context"
	"fmt"
	"slices"

	"drydock/images"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// verdict is what the transforms make of a stage for one kind of base.
type verdict struct {
	policy string
	base   string // what the last stage stands on then, "" when nothing changed
	by     string // the transform that put it there
	why    string // why not
}

// basePolicies are the kinds of base that are tried, with the policies of the
// transforms that know them.
var basePolicies = []string{"slim", "alpine", "distroless", "smallest"}

// verdicts runs the transforms that choose a base, for every kind.
func (s *site) verdicts(ctx context.Context, i int, t *target) ([]verdict, error) {
	var out []verdict
	for _, policy := range basePolicies {
		var ts []*rewrite.Transform
		opt := rewrite.Options{Unsafe: true, Policies: map[string]string{"pin-base": "minor"}}
		for _, name := range []string{"pin-base", "multi-stage", "slim-base", "distroless"} {
			tr := transforms.ByName(name)
			if tr == nil || name == "distroless" && policy != "distroless" && policy != "smallest" {
				continue
			}
			known := slices.ContainsFunc(tr.Policies, func(p rewrite.Policy) bool { return p.Name == policy })
			if known {
				opt.Policies[name] = policy
			} else if len(tr.Policies) > 0 && name != "pin-base" {
				continue
			}
			ts = append(ts, tr)
		}
		res, err := s.run(ctx, i, t, ts, opt)
		if err != nil {
			return nil, err
		}
		v := verdict{policy: policy}
		after, err := rewrite.Parse(t.path, res.After, s.job.images)
		if err != nil {
			return nil, err
		}
		for _, o := range res.Outcomes {
			if o.Status == rewrite.Applied && o.Transform != "pin-base" {
				v.by, v.base = o.Transform, after.Final().BaseName()
			}
		}
		for _, d := range res.Declined {
			if v.why == "" && d.Transform != "pin-base" {
				v.why = d.Reason
				if d.Line > 0 {
					v.why = fmt.Sprintf("line %d: %s", d.Line, d.Reason)
				}
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// judge says of a row whether the program runs there.
func judge(row *report.Base, c images.Candidate, verdicts []verdict) {
	if verdicts == nil {
		return
	}
	if c.Kind == "now" {
		row.Verdict = "what it is now"
		return
	}
	yes, no := true, false
	for _, v := range verdicts {
		if v.base == row.Image {
			row.Fits, row.Verdict = &yes, "fits: "+v.by
			return
		}
	}
	policy := map[string]string{"slim": "slim", "jre": "slim", "alpine": "alpine", "distroless": "distroless", "scratch": "smallest"}[c.Kind]
	for _, v := range verdicts {
		if v.policy == policy && v.why != "" && v.base == "" {
			row.Fits, row.Verdict = &no, "not seen to fit: "+v.why
			return
		}
	}
	if c.Kind == "newer" {
		row.Verdict = "drydock update --level major"
	}
}

// recommend chooses among what fits: supported, with the C library that it has
// now or without one, then small. Another C library is for those who ask for it:
// what it changes (names, time zones, threads, locales) no fact shows.
func recommend(x *report.Bases, verdicts []verdict) {
	var best, now *report.Base
	ended := false
	for i := range x.Rows {
		r := &x.Rows[i]
		if r.Kind == "now" {
			now = r
		}
		switch {
		case r.Fits == nil || !*r.Fits:
		case r.Ended:
			ended = true
		case now != nil && now.Libc != "" && r.Libc != now.Libc && r.Libc != "none":
		case best == nil || r.Size > 0 && (best.Size == 0 || r.Size < best.Size):
			best = r
		}
	}
	switch {
	case verdicts == nil:
		return
	case best == nil && now != nil && now.Ended:
		x.Why = fmt.Sprintf("%s is no longer supported since %s, and nothing here was seen to fit that is", now.Image, now.EndOfLife)
		x.How = "drydock update --level major"
		return
	case best == nil && ended:
		x.Why = "what fits is no longer supported"
		return
	case best == nil:
		x.Why = "nothing here was seen to fit"
		return
	}
	x.Recommended, x.Why = best.Image, "the smallest that nothing speaks against"
	if now != nil && now.Size > 0 && best.Size > 0 {
		x.Why += fmt.Sprintf(": %s in place of %s", report.Megabytes(best.Size), report.Megabytes(now.Size))
	}
	for _, v := range verdicts {
		if v.base == best.Image {
			x.How = "drydock fix --unsafe"
			if v.policy != "slim" {
				x.How += " --base " + v.policy
			}
			return
		}
	}
}
