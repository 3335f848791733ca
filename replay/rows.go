package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"drydock/rewrite"
)

// Row is a step before and after; one of them is nil where there is no such step
// in that version.
type Row struct{ Before, After *Step }

// cost is what the row's steps cost in all, in seconds, in the version where
// they cost more.
func (r Row) cost() float64 {
	c := 0.0
	for _, s := range []*Step{r.Before, r.After} {
		if s != nil {
			c = max(c, float64(s.Misses)*s.Seconds)
		}
	}
	return c
}

// Rows pairs the steps of two versions: those that are the same script or the
// same instruction, then RUNs of the same kind where there is one of it on either
// side. With one version all rows are its own. The most expensive come first.
func (r *Result) Rows() []Row {
	var rows []Row
	before := r.Versions[0].Steps
	var after []Step
	if len(r.Versions) > 1 {
		after = r.Versions[1].Steps
	}
	mate := make([]*Step, len(before))
	taken := make([]bool, len(after))
	pair := func(same func(a, b *Step) bool) {
		for i := range before {
			for k := range after {
				if mate[i] == nil && !taken[k] && same(&before[i], &after[k]) {
					mate[i], taken[k] = &after[k], true
				}
			}
		}
	}
	pair(func(a, b *Step) bool { return a.Stage == b.Stage && a.same(b) })
	pair((*Step).same)
	for i := range before { // what is left of one kind, when there is as much of it on either side
		kind := func(s *Step) bool { return s.Script != "" && s.What == before[i].What }
		left, right := 0, 0
		for k := range before {
			if mate[k] == nil && kind(&before[k]) {
				left++
			}
		}
		for k := range after {
			if !taken[k] && kind(&after[k]) {
				right++
			}
		}
		for k := range after {
			if mate[i] == nil && left == right && !taken[k] && kind(&before[i]) && kind(&after[k]) {
				mate[i], taken[k] = &after[k], true
			}
		}
	}
	for i := range before {
		rows = append(rows, Row{&before[i], mate[i]})
	}
	for k := range after {
		if !taken[k] {
			rows = append(rows, Row{nil, &after[k]})
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.cost(), a.cost()) })
	return rows
}

func (s *Step) same(o *Step) bool {
	return s.Script != "" && s.Script == o.Script || s.Script == "" && s.Text == o.Text
}

// Sentence says in one line what the second version changes, by the kind of step
// for which that is most; "" when it changes nothing.
func (r *Result) Sentence() string {
	if r.Commits == 0 || len(r.Versions) < 2 {
		return ""
	}
	seconds := map[string]float64{}
	for _, v := range r.Versions {
		for _, s := range v.Steps {
			seconds[s.What] = max(seconds[s.What], s.Seconds)
		}
	}
	what, most := "", 0.0
	for _, w := range slices.Sorted(maps.Keys(seconds)) {
		if d := float64(r.Versions[0].Runs[w]-r.Versions[1].Runs[w]) * seconds[w]; max(d, -d) > most {
			what, most = w, max(d, -d)
		}
	}
	if what == "" {
		return ""
	}
	name := what
	if strings.ToUpper(what) == what { // a keyword
		name = "a " + what
	}
	return fmt.Sprintf("of the last %d commits, %d reran %s; now %d", r.Commits, r.Versions[0].Runs[what], name, r.Versions[1].Runs[what])
}

// Concerns tells whether a rewrite can change what the cache does over a history:
// whether it writes an ignore file, or the order of copies and commands or what
// is mounted differ. It costs next to nothing.
func Concerns(before, after *rewrite.Document, files map[string]string) bool {
	for name := range files {
		if strings.HasSuffix(name, ".dockerignore") {
			return true
		}
	}
	return !slices.Equal(shape(before), shape(after))
}

// shape is what of a Dockerfile decides over cache misses, in order.
func shape(d *rewrite.Document) []string {
	var out []string
	for _, in := range d.Instructions {
		switch in.Keyword {
		case "copy", "add":
			sources, _, from, _ := in.Copy()
			out = append(out, fmt.Sprintf("copy %q %q", from, sources))
		case "run":
			for _, m := range in.Mounts() {
				if m["type"] == "bind" {
					out = append(out, fmt.Sprintf("mount %q %q", m["from"], m["source"]))
				}
			}
			for _, args := range commands(in) {
				if label, _ := estimate(args); label != "" {
					out = append(out, label)
				}
			}
		}
	}
	return out
}
