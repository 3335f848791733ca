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

// quotable is the least number of seconds of a command that is worth a sentence.
const quotable = 5

// Sentence says in one line what the second version changes, by the command for
// which that is most and that both have; "" when it changes nothing worth a sentence.
func (r *Result) Sentence() string {
	if r.Commits == 0 || len(r.Versions) < 2 {
		return ""
	}
	seconds := map[string]float64{}
	for _, v := range r.Versions {
		for _, s := range v.Steps {
			for name, n := range s.commands {
				seconds[name] = max(seconds[name], n)
			}
		}
	}
	before, after := r.Versions[0].Runs, r.Versions[1].Runs
	what, most := "", 0.0
	for _, name := range slices.Sorted(maps.Keys(seconds)) {
		_, was := before[name]
		_, is := after[name]
		d := float64(before[name]-after[name]) * seconds[name]
		if d = max(d, -d); was && is && d > most && seconds[name] >= quotable {
			what, most = name, d
		}
	}
	if what != "" {
		return r.sentence(what, before[what], after[what])
	}
	// The same command elsewhere may hide one that reruns less.
	var best Row
	for _, row := range r.Rows() {
		if row.Before == nil || row.After == nil || row.Before.Script == "" || row.Before.Seconds < quotable {
			continue
		}
		if d := float64(row.Before.Misses-row.After.Misses) * row.Before.Seconds; max(d, -d) > most {
			best, most = row, max(d, -d)
		}
	}
	if best.Before == nil {
		return ""
	}
	return r.sentence(short(best.Before.Script), best.Before.Misses, best.After.Misses)
}

func (r *Result) sentence(what string, before, after int) string {
	commits := "commits"
	if r.Commits == 1 {
		commits = "commit"
	}
	return fmt.Sprintf("of the last %d %s, %d reran %s; now %d", r.Commits, commits, before, what, after)
}

// short is the beginning of a script, on one line.
func short(script string) string {
	script = strings.Join(strings.Fields(script), " ")
	if r := []rune(script); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return script
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
				if _, label := estimate(args); label != "" {
					out = append(out, label)
				}
			}
		}
	}
	return out
}
