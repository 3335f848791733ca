package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// listed problems in the printed report; -json has them all, up to keptProblems.
const (
	listedProblems = 50
	keptProblems   = 20_000
)

// report is the result over all files; it is what -json writes.
type report struct {
	Dir         string                    `json:"dir"`
	Engine      string                    `json:"engine"`
	Files       int                       `json:"files"`
	Unparseable int                       `json:"unparseable_before"`
	NotJudged   int                       `json:"not_judged"`
	WithContext int                       `json:"with_context"`
	Counts      map[string]map[row]int    `json:"counts"`
	Transforms  map[string]map[string]int `json:"transforms"`
	Timing      timing                    `json:"timing"`
	Peers       []peerResult              `json:"peers,omitempty"`
	Problems    []problem                 `json:"problems"`
	Lost        int                       `json:"problems_not_kept,omitempty"`
	Reasons     map[string]int            `json:"not_judged_reasons,omitempty"`
}

func newReport(dir string) *report {
	r := &report{
		Dir: dir, Engine: engineName, Reasons: map[string]int{},
		Counts: map[string]map[row]int{}, Transforms: map[string]map[string]int{},
	}
	for _, m := range modes {
		r.Counts[m.name], r.Transforms[m.name] = map[row]int{}, map[string]int{}
	}
	return r
}

func (r *report) add(v *verdict) {
	r.Files++
	if v.skipped != "" {
		r.Unparseable++
		return
	}
	if v.unjudged != "" {
		r.NotJudged++
		r.Reasons[clip(v.unjudged, 80)]++
	}
	if v.context {
		r.WithContext++
	}
	for _, m := range modes {
		for k, n := range v.counts[m.name] {
			r.Counts[m.name][k] += n
		}
		for k, n := range v.transform[m.name] {
			r.Transforms[m.name][k] += n
		}
	}
	for _, p := range v.problems {
		if len(r.Problems) >= keptProblems {
			r.Lost++
			continue
		}
		if rel, err := filepath.Rel(r.Dir, p.File); err == nil {
			p.File = rel
		}
		p.Detail = clip(p.Detail, 4000)
		r.Problems = append(r.Problems, p)
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

func (r *report) sort() {
	slices.SortStableFunc(r.Problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.Row, b.Row))
	})
}

func (r *report) failed() bool {
	for _, m := range modes {
		for _, k := range mustBeZero {
			if r.Counts[m.name][k] > 0 {
				return true
			}
		}
	}
	return false
}

func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "%d files; %d do not parse with BuildKit and are left out; of the other %d, %d with a build context, %d not judged for drift because BuildKit does not evaluate them before either. Engine: %s.\n\n",
		r.Files, r.Unparseable, r.Files-r.Unparseable, r.WithContext, r.NotJudged, r.Engine)
	line := func(name string, cell func(mode string) string) {
		fmt.Fprintf(w, "| %s |", name)
		for _, m := range modes {
			fmt.Fprintf(w, " %s |", cell(m.name))
		}
		fmt.Fprintln(w)
	}
	heading := func(name string) {
		line(name, func(m string) string { return m })
		fmt.Fprintln(w, "| --- |"+strings.Repeat(" ---: |", len(modes)))
	}
	heading("")
	for _, k := range counted {
		line(string(k), func(m string) string { return fmt.Sprint(r.Counts[m][k]) })
	}
	for _, k := range mustBeZero {
		line("**"+string(k)+"** (0)", func(m string) string { return fmt.Sprint(r.Counts[m][k]) })
	}
	if t := r.Timing; t.Files > 0 {
		line(fmt.Sprintf("CPU per file, ms (%d files, one thread)", t.Files), func(m string) string { return fmt.Sprintf("%.3f", t.FixMS[m]) })
		line(fmt.Sprintf("the same by a bare BuildKit parse (%.3f ms)", t.ParseMS), func(m string) string { return fmt.Sprintf("%.2f×", t.FixByParse[m]) })
	}
	names := map[string]int{}
	for _, m := range modes {
		maps.Copy(names, r.Transforms[m.name])
	}
	if len(names) > 0 {
		fmt.Fprintln(w)
		heading("changes by transform")
		for _, name := range slices.Sorted(maps.Keys(names)) {
			line(name, func(m string) string { return fmt.Sprint(r.Transforms[m][name]) })
		}
	}
	r.peersMarkdown(w)
	r.problems(w)
}

func (r *report) problems(w io.Writer) {
	// What must be zero comes before what a gate caught.
	list := slices.Clone(r.Problems)
	slices.SortStableFunc(list, func(a, b problem) int {
		return cmp.Compare(dropLast(a), dropLast(b))
	})
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%d problems", len(list)+r.Lost)
	if len(list) > listedProblems {
		fmt.Fprintf(w, ", the first %d", listedProblems)
		list = list[:listedProblems]
	}
	fmt.Fprint(w, ":\n\n")
	for _, p := range list {
		detail, _, _ := strings.Cut(p.Detail, "\n")
		fmt.Fprintf(w, "- %s (%s) %s: %s\n", p.File, p.Mode, p.Row, clip(detail, 400))
	}
}

func dropLast(p problem) int {
	if p.Row == gateDrops {
		return 1
	}
	return 0
}
