// Package checks holds findings without a fix, where a fix would be a guess:
// one check a file. A file registers its check itself, so adding one means
// adding a file here and cases below testdata/.
package checks

import (
	"cmp"
	"slices"
	"strings"

	"drydock/rewrite"
)

var registry []*rewrite.Check

// register adds a check to All; files call it in a package variable.
func register(c *rewrite.Check) *rewrite.Check {
	registry = append(registry, c)
	return c
}

// All lists the checks in the order in which they run: by name, those of
// drydock check alone behind the others.
func All() []*rewrite.Check {
	out := slices.Clone(registry)
	slices.SortFunc(out, func(a, b *rewrite.Check) int {
		if a.CheckOnly != b.CheckOnly {
			if a.CheckOnly {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// ByName finds a check, nil when there is none of that name.
func ByName(name string) *rewrite.Check {
	for _, c := range registry {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// acting lists the instructions that act in some stages: those behind ONBUILD
// in its place.
func acting(stages []*rewrite.Stage) []*rewrite.Instruction {
	var out []*rewrite.Instruction
	for _, s := range stages {
		for _, in := range s.Instructions {
			out = append(out, in.Inner())
		}
	}
	return out
}

// mentions reports whether the instruction's text holds one of the words: a
// cheap look before its script is parsed.
func mentions(in *rewrite.Instruction, words ...string) bool {
	raw := in.Raw()
	for _, w := range words {
		if strings.Contains(raw, w) {
			return true
		}
	}
	return false
}
