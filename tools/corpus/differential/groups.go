//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms"
)

// group is a block of RUN instructions in a row of which merge-run made fewer.
// Where the block begins or ends with RUNs that it left alone, these are cut off.
type group struct {
	path          string
	before, after []*rewrite.Instruction
	joined        int // how many of after are new
}

// lines are where the instructions of one side stand.
func lines(ins []*rewrite.Instruction) []int {
	var out []int
	for _, in := range ins {
		out = append(out, in.Line)
	}
	return out
}

// options are those merge-run runs with. A policy makes it join more than it
// does on its own.
func options(policy string) (rewrite.Options, error) {
	known := slices.ContainsFunc(transforms.ByName("merge-run").Policies, func(p rewrite.Policy) bool { return p.Name == policy })
	if policy != "" && !known {
		return rewrite.Options{}, fmt.Errorf("merge-run has no policy %q", policy)
	}
	return rewrite.Options{Policies: map[string]string{"merge-run": policy}}, nil
}

// merge is the file after merge-run alone.
func merge(ctx context.Context, path, src string, o rewrite.Options) (string, error) {
	res, err := rewrite.Run(ctx, rewrite.Input{Path: path, Src: src}, []*rewrite.Transform{transforms.ByName("merge-run")}, o)
	if err != nil {
		return "", err
	}
	return res.After, nil
}

// groups compares the two texts of a file. Whatever isn't a RUN must be the
// same in both; the error says where it isn't.
func groups(path, before, after string) ([]group, error) {
	a, err := rewrite.Parse(path, before, images.Catalogue())
	if err != nil {
		return nil, err
	}
	b, err := rewrite.Parse(path, after, images.Catalogue())
	if err != nil {
		return nil, fmt.Errorf("after merge-run: %w", err)
	}
	var out []group
	x, y := a.Instructions, b.Instructions
	for len(x) > 0 || len(y) > 0 {
		n, m := runs(x), runs(y)
		if g := cut(path, x[:n], y[:m]); len(g.before) > 0 || len(g.after) > 0 {
			out = append(out, g)
		}
		x, y = x[n:], y[m:]
		if len(x) == 0 && len(y) == 0 {
			break
		}
		if runs(x) > 0 && runs(y) > 0 {
			continue // ONBUILD RUN behind RUN, or the other way round
		}
		if len(x) == 0 || len(y) == 0 || x[0].Text != y[0].Text {
			return nil, fmt.Errorf("%s: merge-run changed more than RUN instructions", path)
		}
		x, y = x[1:], y[1:]
	}
	return out, nil
}

// runs counts the RUN, or ONBUILD RUN, instructions at the beginning.
func runs(ins []*rewrite.Instruction) int {
	n := 0
	for n < len(ins) && ins[n].Inner().Keyword == "run" && ins[n].Keyword == ins[0].Keyword {
		n++
	}
	return n
}

func cut(path string, a, b []*rewrite.Instruction) group {
	same := func(x, y *rewrite.Instruction) bool { return x.Raw() == y.Raw() }
	for len(a) > 0 && len(b) > 0 && same(a[0], b[0]) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && same(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	g := group{path: path, before: inner(a), after: inner(b)}
	for _, y := range b {
		if !slices.ContainsFunc(a, func(x *rewrite.Instruction) bool { return same(x, y) }) {
			g.joined++
		}
	}
	return g
}

// inner are the instructions that act, those behind ONBUILD.
func inner(ins []*rewrite.Instruction) []*rewrite.Instruction {
	out := make([]*rewrite.Instruction, len(ins))
	for i, in := range ins {
		out[i] = in.Inner()
	}
	return out
}

// shell is what SHELL says at the group, nil for the default.
func (g group) shell() []string {
	return g.before[0].State().Shell
}
