package bulk

// One commit per transform. Every Dockerfile has its own order of changes; the orders
// are woven into one, in which what one transform does to several Dockerfiles comes
// together where nothing stands between, and every commit is a state that was checked.

import (
	"maps"
	"slices"

	"drydock/bulk/git"
	"drydock/report"
	"drydock/rewrite"
	"drydock/said"
)

// part is what one commit has.
type part struct {
	edits   []git.Edit
	changes []Change
}

// Change is one change that was applied, for templates.
type Change struct {
	Path      string // of the Dockerfile
	File      string // that is changed, when it isn't the Dockerfile: a path in the context
	Transform string
	Title     string
	Why       string
	Assumes   string // "" for a safe one
	Gain      string
	Plan      []string
	Again     bool // in ByPath: reasons and gain are those of the change before it
}

func changeOf(path string, o report.Outcome) Change {
	return Change{said.Line(slashed(path)), said.Line(o.File), o.Transform, said.Line(o.Title), said.Line(o.Why), said.Line(o.Assumes), said.Line(o.Gain), o.Plan, false}
}

// changes are all that were applied.
func (j *job) changes() (out []Change) {
	for _, f := range j.res.Files {
		for _, o := range f.With(rewrite.Applied) {
			out = append(out, changeOf(f.Path, o))
		}
	}
	return out
}

// parts are the commits to make; note tells why they are not what was asked for.
func (j *job) parts() (parts []part, note string) {
	whole := []part{{j.edits, j.changes()}}
	if !j.Split {
		return whole, ""
	}
	parts = weave(j.res.Files)
	texts := map[string]string{}
	for _, p := range parts {
		for _, e := range p.edits {
			texts[e.Path] = e.Text
		}
	}
	want := map[string]string{}
	for _, e := range j.edits {
		want[e.Path] = e.Text
	}
	if !maps.Equal(texts, want) {
		return whole, "one commit: the changes can't be told apart"
	}
	return parts, ""
}

// weave puts the steps of several files into one order. A step comes after those before it in its
// file, and after those of files before that change the same path.
func weave(files []*report.File) (parts []part) {
	queues := make([][]report.Step, len(files))
	texts := map[string]string{} // as they stand
	for i, f := range files {
		queues[i] = f.Steps
		for _, p := range f.Patches {
			if name := slashed(p.Path); !p.Created {
				if _, ok := texts[name]; !ok {
					texts[name] = p.Before
				}
			}
		}
	}
	for {
		name := choose(queues)
		if name == "" {
			return parts
		}
		p := part{}
		edits := map[string]string{}
		for more := true; more; {
			more = false
			for i := range queues {
				for ready(queues, i) && queues[i][0].Outcome.Transform == name {
					step := queues[i][0]
					queues[i], more = queues[i][1:], true
					for file, text := range step.Files {
						edits[slashed(file)] = text
					}
					p.changes = append(p.changes, changeOf(files[i].Path, step.Outcome))
				}
			}
		}
		for _, file := range slices.Sorted(maps.Keys(edits)) {
			if old, ok := texts[file]; !ok || old != edits[file] {
				p.edits = append(p.edits, git.Edit{Path: file, Text: edits[file]})
			}
			texts[file] = edits[file]
		}
		if len(p.edits) > 0 {
			parts = append(parts, p)
		}
	}
}

// ready tells whether the first step of a queue may be taken.
func ready(queues [][]report.Step, i int) bool {
	if len(queues[i]) == 0 {
		return false
	}
	for file := range queues[i][0].Files {
		for _, before := range queues[:i] {
			for _, s := range before {
				if _, same := s.Files[file]; same {
					return false
				}
			}
		}
	}
	return true
}

// choose names the transform of the next commit: rather one that no file has behind another one, which
// would take a second commit. "" when nothing is left.
func choose(queues [][]report.Step) string {
	first := ""
	for i := range queues {
		if !ready(queues, i) {
			continue
		}
		name := queues[i][0].Outcome.Transform
		if first == "" {
			first = name
		}
		if !slices.ContainsFunc(queues, func(q []report.Step) bool { return later(q, name) }) {
			return name
		}
	}
	return first
}

// later tells whether a queue comes to a transform after another one.
func later(q []report.Step, name string) bool {
	other := slices.IndexFunc(q, func(s report.Step) bool { return s.Outcome.Transform != name })
	return other >= 0 && slices.ContainsFunc(q[other:], func(s report.Step) bool { return s.Outcome.Transform == name })
}
