// Package replay works out from git history which build steps a Dockerfile's
// cache would have missed, commit by commit, without building anything.
//
// The rules are BuildKit's, read in its source (v0.34):
//
//   - solver/llbsolver/ops/file.go: a COPY is keyed by its action, by the key of
//     the layers below and by the contents of what it copies;
//   - solver/llbsolver/ops/exec.go: a RUN by its arguments, environment, user and
//     folder, by the key of the layers below and by the contents of bind mounts;
//   - cache/contenthash: contents are relative paths, modes, bytes and link
//     targets, never times;
//   - frontend/dockerfile/dockerfile2llb: which instructions make a layer at all,
//     and which stages a target needs;
//   - frontend/dockerui and tonistiigi/fsutil: what .dockerignore leaves out.
//
// A step is a hit when its key was seen at any earlier commit. What no history
// tells is taken so that the result is no better than the truth: what a RUN makes
// is taken to be other bytes each time it runs.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"drydock/history"
	"drydock/repo"
	"drydock/rewrite"
)

// Input is one version of a Dockerfile with what belongs to it.
type Input struct {
	Doc  *rewrite.Document
	Name string // the Dockerfile's path in the context, "" when it lies elsewhere
	// Repo is the context as it is today; it tells which paths are folders.
	Repo *repo.Repo
	// Files are the texts of context files that the version brings with it, such
	// as a .dockerignore: they hold at every commit.
	Files map[string]string
	// Target is the stage that is built, "" for the last one.
	Target string
	// Varies are ARGs that have another value at each commit.
	Varies []string
	// Seconds are measured durations by the instruction's text
	// (rewrite.Instruction.Text); the other steps are estimated.
	Seconds map[string]float64
}

// Result is what a replay found.
type Result struct {
	// Commits is the number of commits that were replayed. The first that can be
	// built, First, fills the cache and isn't counted.
	Commits int
	First   string
	// Skipped is the number of commits that can't be built with one of the
	// versions, mostly since a COPY source isn't there yet.
	Skipped int
	// Versions are the inputs in their order.
	Versions []Version
	// Replayed are the commits that were replayed.
	Replayed []Commit
}

// Commit is a replayed commit.
type Commit struct {
	ID   string
	Time int64 // seconds since 1970
}

// Version is the outcome for one version of the Dockerfile.
type Version struct {
	Steps []Step
	// Seconds are the rebuild seconds of each replayed commit: those of the steps
	// that miss, one after another.
	Seconds []float64
	// Missed are the steps that miss at each replayed commit, as indices.
	Missed [][]int
	// Unbuildable counts the commits that this version can't build.
	Unbuildable int
	// Missing is what the last of those lacks: a COPY source, or a readable ignore
	// file.
	Missing string
	// Runs counts by command ("npm ci") the commits at which a step with it ran
	// again; commands that only hits have are there with 0.
	Runs map[string]int
}

// Step is one instruction that makes a layer.
type Step struct {
	Stage     string // its name, or its index
	Line      int    // 1-based, in its version's text
	Text      string // the instruction on one line
	Script    string // for RUN the text without flags: the same script, the same work
	What      string // the command that costs most: "npm ci"; the keyword without one
	Seconds   float64
	Estimated bool
	Misses    int
	// Changed tells in words why the step counts as changed at each commit; ""
	// when its inputs tell.
	Changed string

	commands map[string]float64 // as in Work
}

// Total is the sum of all rebuild seconds.
func (v *Version) Total() float64 {
	t := 0.0
	for _, s := range v.Seconds {
		t += s
	}
	return t
}

// side is one version while commits go by.
type side struct {
	plan *plan
	view *view
	seen map[digest]bool
	out  Version
	keys []digest // of the steps, at the commit at hand
}

// newSide prepares a version for a history.
func newSide(in Input, t *tree, b *blobs) (*side, error) {
	s := &side{view: newView(t, b, in.Name, in.Files), seen: map[digest]bool{}}
	c := &planner{doc: in.Doc, repo: in.Repo, name: in.Name, varies: in.Varies, view: s.view}
	var err error
	if s.plan, err = c.plan(in.Target); err == nil {
		s.describe(in)
	}
	return s, err
}

// Run replays a history. The error is about a target that doesn't exist or a git
// that fails; ctx ends it early.
func Run(ctx context.Context, h *history.History, inputs ...Input) (*Result, error) {
	t := newTree()
	b := &blobs{history: h, texts: map[string]string{}, ignores: map[string]*ignoring{}}
	var sides []*side
	for _, in := range inputs {
		s, err := newSide(in, t, b)
		if err != nil {
			return nil, err
		}
		sides = append(sides, s)
	}
	for p, f := range h.Base {
		t.set(p, f, nil)
	}
	res := &Result{}
	for _, c := range h.Commits {
		var events []event
		for _, ch := range c.Changes {
			events = t.set(ch.Path, ch.File, events)
		}
		if err := res.commit(ctx, c, events, sides); err != nil {
			return nil, err
		}
	}
	for _, s := range sides {
		res.Versions = append(res.Versions, s.out)
	}
	return res, nil
}

// commit replays one commit over all versions.
func (r *Result) commit(ctx context.Context, c history.Commit, events []event, sides []*side) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	builds := true
	for _, s := range sides {
		if err := s.view.update(ctx, c.ID, events); err != nil {
			return fmt.Errorf("commit %.12s: %w", c.ID, err)
		}
		if !s.evaluate(c.ID) {
			s.out.Unbuildable++
			builds = false
		}
	}
	if !builds {
		r.Skipped++
		return nil
	}
	for _, s := range sides {
		s.count(r.First != "")
	}
	if r.First == "" {
		r.First = c.ID
		return nil
	}
	r.Commits++
	r.Replayed = append(r.Replayed, Commit{c.ID, c.Time})
	return nil
}

// evaluate works out the keys of all steps at a commit; false when a build would
// fail.
func (s *side) evaluate(commit string) bool {
	if err := s.view.ignore.Err; err != nil {
		s.out.Missing = fmt.Sprintf("%s: %v", s.view.ignore.Path, err)
		return false
	}
	s.keys = s.keys[:0]
	for _, sp := range s.plan.stages {
		if sp == nil {
			continue
		}
		chain := sp.root().base
		if below := sp.parent.last(); below != nil {
			chain = below.chain
		}
		for _, st := range sp.steps {
			key, missing := st.key(chain, commit)
			if missing != "" {
				s.out.Missing = missing
				return false
			}
			s.keys = append(s.keys, key)
			if st.linked { // the layers below, and this one on top
				key = sha256.Sum256(append(chain[:], key[:]...))
			}
			st.chain, chain = key, key
		}
	}
	return true
}

// key is the key of the step on top of a chain; missing names a source that isn't
// there.
func (st *step) key(chain digest, commit string) (key digest, missing string) {
	text := make([]byte, 0, 256)
	if !st.linked {
		text = append(text, chain[:]...)
	}
	text = append(text, st.fixed[:]...)
	for _, in := range st.inputs {
		if in.after != nil {
			text = append(text, in.after.chain[:]...)
			continue
		}
		if in.oneOf && !slices.ContainsFunc(in.sources, func(s *source) bool { return s.n > 0 || s.root == "." }) {
			return digest{}, in.sources[0].spec
		}
		for _, src := range in.sources {
			if in.direct && src.missing() {
				return digest{}, src.spec
			}
			for _, n := range src.total {
				text = binary.BigEndian.AppendUint64(text, n)
			}
			text = binary.BigEndian.AppendUint64(text, uint64(src.n))
		}
	}
	if st.changes != "" {
		text = append(text, commit...)
	}
	return sha256.Sum256(text), ""
}

// count puts the keys of a commit into the cache and counts what missed; the
// same step in two stages runs once.
func (s *side) count(counted bool) {
	seconds := 0.0
	var ran map[string]bool
	var missed []int
	for i, k := range s.keys {
		if s.seen[k] {
			continue
		}
		s.seen[k] = true
		if !counted {
			continue
		}
		st := &s.out.Steps[i]
		st.Misses++
		missed = append(missed, i)
		seconds += st.Seconds
		for name := range st.commands {
			if ran == nil {
				ran = map[string]bool{}
			}
			ran[name] = true
		}
	}
	for name := range ran {
		s.out.Runs[name]++
	}
	if counted {
		s.out.Seconds = append(s.out.Seconds, seconds)
		s.out.Missed = append(s.out.Missed, missed)
	}
}

// describe fills in what is known of the steps before any commit.
func (s *side) describe(in Input) {
	s.out.Runs = map[string]int{}
	fetched := map[*stagePlan]map[string]bool{}
	for _, st := range s.plan.steps {
		text := st.in.Text
		if st.trigger {
			text = "ONBUILD " + st.in.Text
		}
		d := Step{Stage: st.at.name(), Line: st.in.Line, Text: oneLine(st.in, text), Changed: st.changes, Estimated: true}
		if st.in.Keyword == "run" {
			d.Script = st.in.Args.Text
			for _, h := range st.in.Heredocs {
				d.Script += "\n" + st.in.Doc().Src[h.Body.Start:h.Body.End]
			}
		}
		if fetched[st.at] == nil {
			fetched[st.at] = map[string]bool{}
			maps.Copy(fetched[st.at], fetched[st.at.parent])
		}
		work := Estimate(st.in, fetched[st.at])
		d.What, d.Seconds, d.commands = work.What, work.Seconds, work.Commands
		for name := range work.Commands {
			fetched[st.at][name] = true
			s.out.Runs[name] = 0
		}
		if m, ok := in.Seconds[st.in.Text]; ok {
			d.Seconds, d.Estimated = m, false
		}
		s.out.Steps = append(s.out.Steps, d)
	}
}
