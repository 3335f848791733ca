package rewrite

import "drydock/repo"

// Shipping lists the stages whose layers end in an image that someone runs:
// the final one, those that compose, bake or CI files name as target, and the
// stages they are built from.
func (p *Pass) Shipping() []*Stage {
	ship := map[*Stage]bool{}
	mark := func(s *Stage) {
		for ; s != nil; s = s.Parent() {
			ship[s] = true
		}
	}
	mark(p.Doc.Final())
	if len(p.Doc.Stages) > 1 {
		for _, t := range p.Targets() {
			mark(p.Doc.StageByRef(t, -1))
		}
	}
	var out []*Stage
	for _, s := range p.Doc.Stages {
		if ship[s] {
			out = append(out, s)
		}
	}
	return out
}

// Descends reports whether the stage is from, or is built from it.
func (s *Stage) Descends(from *Stage) bool {
	for ; s != nil; s = s.Parent() {
		if s == from {
			return true
		}
	}
	return false
}

// Targets are the stage names that files of the project build.
func (p *Pass) Targets() []string {
	var out []string
	for _, b := range p.Repo.Builds() {
		if b.Target != "" {
			out = append(out, b.Target)
		}
	}
	for _, m := range p.Repo.Mentions() {
		if m.Kind == repo.MentionTarget {
			out = append(out, m.Name)
		}
	}
	return out
}
