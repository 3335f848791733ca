package transforms

import "drydock/rewrite"

// shipping lists the stages whose layers end in an image that someone runs:
// the final one, those that compose, bake or CI files name as target, and the
// stages they are built from.
func shipping(p *rewrite.Pass) []*rewrite.Stage {
	ship := map[*rewrite.Stage]bool{}
	mark := func(s *rewrite.Stage) {
		for ; s != nil; s = s.Parent() {
			ship[s] = true
		}
	}
	mark(p.Doc.Final())
	if len(p.Doc.Stages) > 1 {
		for _, t := range targets(p) {
			mark(p.Doc.StageByRef(t, -1))
		}
	}
	var out []*rewrite.Stage
	for _, s := range p.Doc.Stages {
		if ship[s] {
			out = append(out, s)
		}
	}
	return out
}

// targets are the stage names that files of the project build.
func targets(p *rewrite.Pass) []string {
	var out []string
	for _, b := range p.Repo.Builds() {
		if b.Target != "" {
			out = append(out, b.Target)
		}
	}
	for _, m := range p.Repo.Mentions() {
		if m.Kind == "target" {
			out = append(out, m.Name)
		}
	}
	return out
}
