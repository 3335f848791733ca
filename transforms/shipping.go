package transforms

import "drydock/rewrite"

// shipping lists the stages whose layers end in an image that someone runs.
func shipping(p *rewrite.Pass) []*rewrite.Stage { return p.Shipping() }

// targets are the stage names that files of the project build.
func targets(p *rewrite.Pass) []string { return p.Targets() }

// descends reports whether a stage is built from another one, or is it.
func descends(s, from *rewrite.Stage) bool {
	for ; s != nil; s = s.Parent() {
		if s == from {
			return true
		}
	}
	return false
}
