//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// shown mismatches of one group and shell; the rest is counted.
const shown = 2

// report counts over all files.
type report struct {
	dir        string
	start      time.Time
	files      int
	unread     int
	groups     int
	joined     int // RUNs that came out of joining, and those that went in
	originals  int
	runs       int
	shells     map[string]int
	finished   map[string]int
	commands   int
	failing    int
	skipped    map[string]int
	mismatches int
	bad        []fileResult

	interrupted bool // so it is about some of the files
}

func newReport(dir string) *report {
	return &report{dir: dir, start: time.Now(), shells: map[string]int{}, finished: map[string]int{}, skipped: map[string]int{}}
}

func (r *report) add(f fileResult) {
	r.files++
	r.runs += f.runs
	if f.skipped != "" {
		r.unread++
	}
	bad := f.broken != ""
	for _, g := range f.groups {
		r.groups++
		r.joined += g.group.joined
		r.originals += len(g.group.before)
		if g.skipped != "" {
			r.skipped[g.skipped]++
		}
		for _, v := range g.verdicts {
			if v.skipped != "" {
				r.skipped[v.shell.name+": "+v.skipped]++
				continue
			}
			r.shells[v.shell.name]++
			r.commands += v.commands
			r.failing += v.failing
			if v.finished {
				r.finished[v.shell.name]++
			}
			r.mismatches += len(v.mismatch)
			bad = bad || len(v.mismatch) > 0
		}
	}
	if bad {
		r.bad = append(r.bad, f)
	}
}

func (r *report) failed() bool { return len(r.bad) > 0 }

func (r *report) print(w io.Writer) {
	if r.interrupted {
		fmt.Fprintln(w, "Interrupted:")
	}
	fmt.Fprintf(w, "%d files (%d unreadable); %d groups: %d RUN instructions became fewer, %d of them joined; %d runs of originals or merged in %.0f s.\n",
		r.files, r.unread, r.groups, r.originals, r.joined, r.runs, time.Since(r.start).Seconds())
	for _, name := range slices.Sorted(maps.Keys(r.shells)) {
		fmt.Fprintf(w, "%s: %d groups, of which %d run to their end when no command fails.\n", name, r.shells[name], r.finished[name])
	}
	fmt.Fprintf(w, "%d commands recorded without a failure; %d failed one by one, each alone and together with all that follow.\n", r.commands, r.failing)
	for _, why := range slices.Sorted(maps.Keys(r.skipped)) {
		fmt.Fprintf(w, "skipped %d: %s\n", r.skipped[why], why)
	}
	fmt.Fprintf(w, "%d mismatches in %d files.\n", r.mismatches, len(r.bad))
	slices.SortFunc(r.bad, func(a, b fileResult) int { return strings.Compare(a.path, b.path) })
	for _, f := range r.bad {
		if rel, err := filepath.Rel(r.dir, f.path); err == nil {
			f.path = rel
		}
		f.print(w)
	}
}

// print lists the groups of a file with their mismatches.
func (f fileResult) print(w io.Writer) {
	if f.broken != "" {
		fmt.Fprintf(w, "%s: %s\n", f.path, f.broken)
	}
	for _, g := range f.groups {
		for _, v := range g.verdicts {
			fmt.Fprintf(w, "%s:%d: RUN of lines %v became %v; %s: %d commands, to the end: %v, mismatches: %d %s\n", f.path, g.group.before[0].Line,
				lines(g.group.before), lines(g.group.after), v.shell.name, v.commands, v.finished, len(v.mismatch), v.skipped)
			for i, m := range v.mismatch {
				if i == shown {
					fmt.Fprintf(w, "  … and %d more\n", len(v.mismatch)-shown)
					break
				}
				fmt.Fprintf(w, "  %s: %s\n", m.when, strings.ReplaceAll(m.what, "\n", "\n  "))
			}
		}
	}
}
