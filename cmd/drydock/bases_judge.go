package main

// Which base the program may run on: asked of the transforms that choose one.

import (
	"context"
	"fmt"

	"drydock/config"
	"drydock/images"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// verdict is what the transforms make of a stage for one kind of base.
type verdict struct {
	kind string            // as in --base
	base string            // what the last stage stands on then, "" when nothing changed
	by   string            // the transform that put it there
	why  map[string]string // why a transform left the stage alone
}

// verdicts does for every kind what fix --unsafe --base KIND would do to the base.
func (s *site) verdicts(ctx context.Context, i int, t *target) ([]verdict, error) {
	var out []verdict
	for _, kind := range config.BaseKinds() {
		ts := []*rewrite.Transform{transforms.ByName("pin-base")}
		opt := rewrite.Options{Unsafe: true, Policies: map[string]string{"pin-base": "minor"}}
		for _, name := range config.BaseTransforms {
			tr := transforms.ByName(name)
			if config.KnowsBase(tr, kind) {
				opt.Policies[name] = kind
			} else if tr.OptIn {
				continue
			}
			ts = append(ts, tr)
		}
		res, err := s.run(ctx, i, t, ts, opt)
		if err != nil {
			return nil, err
		}
		after, err := rewrite.Parse(t.path, res.After, s.job.images)
		if err != nil {
			return nil, err
		}
		v := verdict{kind: kind, why: map[string]string{}}
		for _, o := range res.Outcomes {
			if o.Status == rewrite.Applied && o.Transform != "pin-base" {
				v.by, v.base = o.Transform, after.Final().BaseName()
			}
		}
		for _, d := range res.Declined {
			if v.why[d.Transform] == "" {
				v.why[d.Transform] = d.Reason
				if d.Line > 0 && res.Before == res.After { // else the line is one of the rewritten file
					v.why[d.Transform] = fmt.Sprintf("line %d: %s", d.Line, d.Reason)
				}
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// updateMajor is what leads off a line that has ended, mostly.
const updateMajor = "drydock update --level major"

func onDay(day string) string {
	if day == "" {
		return ""
	}
	return " on " + day
}

// stuck tells why updateMajor leaves an image as it is, which is the base in a
// line; "" when it doesn't.
func (s *site) stuck(ctx context.Context, i int, t *target, image string, line int) string {
	res, err := s.run(ctx, i, t, []*rewrite.Transform{transforms.ByName(updateTransform)}, rewrite.Options{Unsafe: true, Policies: map[string]string{updateTransform: "major"}})
	if err != nil {
		return err.Error()
	}
	for _, o := range res.Outcomes {
		if o.Status == rewrite.Applied && o.Image != nil && o.Image.From == image {
			return ""
		}
	}
	for _, d := range res.Declined {
		if d.Line == line {
			return d.Reason
		}
	}
	return "it sees nothing to do"
}

// asks tells, of each kind of candidate, what it would take to stand on it.
var asks = map[string]struct {
	kind string
	of   []string // transforms, the one that says most first
}{
	"slim":       {"slim", []string{"slim-base", "multi-stage"}},
	"jre":        {"slim", []string{"slim-base", "multi-stage"}},
	"alpine":     {"alpine", []string{"slim-base", "multi-stage"}},
	"distroless": {"distroless", []string{"distroless", "multi-stage"}},
	"scratch":    {"smallest", []string{"distroless", "multi-stage"}},
}

// judge says of a row whether the program may run there.
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
	if c.Newer {
		row.Verdict = "after " + updateMajor
		return
	}
	for _, v := range verdicts {
		if v.kind != asks[c.Kind].kind {
			continue
		}
		for _, name := range asks[c.Kind].of {
			if v.why[name] != "" {
				row.Fits, row.Verdict = &no, "not seen to fit: "+v.why[name]
				return
			}
		}
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
		x.Why, x.How = fmt.Sprintf("support of %s has ended%s: first go to a line that is supported", now.Image, onDay(now.EndOfLife)), updateMajor
		return
	case best == nil && ended:
		x.Why = "what fits is no longer supported"
		return
	case best == nil && len(x.Rows) == 1:
		x.Why = "nothing is known that might take its place"
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
			if v.kind != "slim" {
				x.How += " --base " + v.kind
			}
			return
		}
	}
}
