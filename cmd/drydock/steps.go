package main

import (
	"maps"

	"drydock/report"
	"drydock/rewrite"
)

// steps are the applied changes one by one; a single one where they don't lead from
// text to text, as after changes that were left out.
func (s *site) steps(t *target, res *rewrite.Result, f *report.File) []report.Step {
	var out []report.Step
	own := t.path // of standard input, as in its patch
	if !s.job.stdin() {
		own = s.job.places.patchPath(t.abs)
	}
	text := res.Before
	files := map[string]string{}
	for i, o := range res.Outcomes {
		if o.Status != rewrite.Applied {
			continue
		}
		step := report.Step{Outcome: f.Outcomes[i], Files: map[string]string{}}
		if o.After != o.Before {
			if o.Before != text {
				return s.oneStep(own, f, res)
			}
			text = o.After
			step.Files[own] = text
		}
		for name, text := range o.Other {
			files[name] = text
			step.Files[s.job.places.patchPath(s.abs(name))] = text
		}
		out = append(out, step)
	}
	if text != res.After || !maps.Equal(files, res.Files) {
		return s.oneStep(own, f, res)
	}
	return out
}

// oneStep makes all applied changes together.
func (s *site) oneStep(own string, f *report.File, res *rewrite.Result) []report.Step {
	if !res.Changed() {
		return nil
	}
	step := report.Step{Files: map[string]string{}}
	for _, o := range f.With(rewrite.Applied) {
		if step.Outcome.Transform == "" {
			step.Outcome = o
		} else if o.Transform != step.Outcome.Transform {
			step.Outcome = report.Outcome{Transform: "fix", Title: "several changes that belong together"}
		}
	}
	if res.Before != res.After {
		step.Files[own] = res.After
	}
	for name, text := range res.Files {
		step.Files[s.job.places.patchPath(s.abs(name))] = text
	}
	return []report.Step{step}
}
