package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// lintTable is what -hadolint prints and -json writes. Numbers are files, not
// findings: hadolint flags a rule once or ten times in a file.
type lintTable struct {
	Dir         string         `json:"dir"`
	Engine      string         `json:"engine"`
	Hadolint    string         `json:"hadolint"`
	Modes       []string       `json:"modes"`
	Files       int            `json:"files"` // those that BuildKit parses
	Unparseable int            `json:"unparseable_before"`
	Failed      int            `json:"failed"` // a fix gave an error or a panic: taken as unchanged
	Texts       int            `json:"distinct_texts"`
	Changed     map[string]int `json:"changed"`
	// Clean are files in which hadolint finds nothing.
	CleanBefore int            `json:"clean_before"`
	Clean       map[string]int `json:"clean"`
	Rules       []*lintRule    `json:"rules"`

	rules    map[string]*lintRule
	examples int
}

// lintRule is one row.
type lintRule struct {
	Code       string         `json:"code"`
	Severity   string         `json:"severity"`
	Title      string         `json:"title"` // hadolint's commonest message
	Transform  string         `json:"transform,omitempty"`
	Mechanical string         `json:"mechanical"`
	Before     int            `json:"before"`
	After      map[string]int `json:"after"` // by mode, as all below
	// Single findings: a file can have many, and a fix can mend some of them.
	FindingsBefore int            `json:"findings_before"`
	Findings       map[string]int `json:"findings"`
	// New are files that the rule flags after a fix and not before it.
	New       map[string]int           `json:"new"`
	NewIn     map[string][]lintExample `json:"new_examples,omitempty"`
	Remaining map[string][]lintExample `json:"remaining_examples,omitempty"`

	levels, titles map[string]int
	newIn, remains map[string][]hit
}

// lintExample is one flagged file, with what is needed to see why.
type lintExample struct {
	File        string   `json:"file"`
	Line        int      `json:"line"` // after the fix
	Message     string   `json:"message"`
	Instruction string   `json:"instruction"`        // after the fix
	Declined    []string `json:"declined,omitempty"` // what the rule's transform says of this file
}

// hit is an example before it is chosen.
type hit struct {
	file *linted
	mode int
}

func newLintTable(o options, texts int) *lintTable {
	t := &lintTable{
		Dir: o.dir, Engine: engineName, Texts: texts, examples: o.examples,
		Changed: map[string]int{}, Clean: map[string]int{}, rules: map[string]*lintRule{},
	}
	for _, m := range modes {
		t.Modes = append(t.Modes, m.name)
	}
	return t
}

func (t *lintTable) rule(code string) *lintRule {
	r := t.rules[code]
	if r == nil {
		r = &lintRule{
			Code: code, Transform: remedyOf(code).transform, Mechanical: remedyOf(code).cell(engineTransforms()),
			After: map[string]int{}, Findings: map[string]int{}, New: map[string]int{}, levels: map[string]int{}, titles: map[string]int{},
			newIn: map[string][]hit{}, remains: map[string][]hit{},
		}
		t.rules[code] = r
	}
	return r
}

// saw learns a rule's severity and title.
func (t *lintTable) saw(f finding) {
	r := t.rule(f.Code)
	r.levels[f.Level]++
	title, _, _ := strings.Cut(f.Message, "\n")
	r.titles[title]++
}

// count fills the rows.
func (t *lintTable) count(files []linted, tree *texts) {
	for i := range files {
		f := &files[i]
		if f.err != nil {
			t.Unparseable++
			continue
		}
		t.Files++
		if f.failed {
			t.Failed++
		}
		before := tree.found[f.before]
		for code, is := range before {
			t.rule(code).Before++
			t.rule(code).FindingsBefore += is.times
		}
		if len(before) == 0 {
			t.CleanBefore++
		}
		for m, n := range f.after {
			name := modes[m].name
			if n != f.before {
				t.Changed[name]++
			}
			if len(tree.found[n]) == 0 {
				t.Clean[name]++
			}
			for code, is := range flagged(before, tree.found[n]) {
				r := t.rule(code)
				r.After[name]++
				r.Findings[name] += is.times
				if _, had := before[code]; had {
					r.remains[name] = append(r.remains[name], hit{f, m})
				} else {
					r.New[name]++
					r.newIn[name] = append(r.newIn[name], hit{f, m})
				}
			}
		}
	}
	t.finish(tree)
}

// flagged are the rules that count as flagged after a fix. A file that hadolint
// can't read afterwards keeps its flags: they are unknown, not mended. One that it
// can't read before is compared for that alone.
func flagged(before, after lintFlags) lintFlags {
	switch {
	case blind(after):
		all := maps.Clone(after)
		maps.Copy(all, before)
		return all
	case blind(before):
		return nil
	}
	return after
}

func blind(found lintFlags) bool {
	_, a := found[unreadable]
	_, b := found[crashed]
	return a || b
}

// finish orders the rows and chooses the examples.
func (t *lintTable) finish(tree *texts) {
	for _, r := range t.rules {
		r.Severity, r.Title = commonest(r.levels), commonest(r.titles)
		if r.Code == unreadable { // its messages are about that one file
			r.Title = "hadolint can't parse the file"
		}
		r.NewIn, r.Remaining = t.choose(r, r.newIn, tree), t.choose(r, r.remains, tree)
	}
	t.Rules = slices.SortedFunc(maps.Values(t.rules), func(a, b *lintRule) int {
		return cmp.Or(cmp.Compare(b.Before, a.Before), cmp.Compare(a.Code, b.Code))
	})
}

func commonest(counts map[string]int) string {
	best := ""
	for s, n := range counts {
		if n > counts[best] || n == counts[best] && s < best {
			best = s
		}
	}
	return best
}

// choose makes examples of some hits by mode, spread over the corpus.
func (t *lintTable) choose(r *lintRule, hits map[string][]hit, tree *texts) map[string][]lintExample {
	out := map[string][]lintExample{}
	for name, list := range hits {
		for _, h := range spread(list, t.examples) {
			n := h.file.after[h.mode]
			e := lintExample{File: h.file.path, Line: tree.found[n][r.Code].line, Message: tree.found[n][r.Code].message}
			if rel, err := filepath.Rel(t.Dir, h.file.path); err == nil {
				e.File = rel
			}
			e.Instruction = tree.instruction(n, e.Line)
			for _, d := range h.file.declined[h.mode] {
				if d.transform == r.Transform {
					e.Declined = append(e.Declined, fmt.Sprintf("line %d: %s", d.line, d.reason))
				}
			}
			out[name] = append(out[name], e)
		}
	}
	return out
}
