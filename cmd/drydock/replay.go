package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"drydock/history"
	"drydock/images"
	"drydock/replay"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
	"drydock/verify"
)

func replayCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "show which steps the cache would have missed over git history, before and after fix",
		ArgsUsage: "[PATH…]",
		Description: `Reads the history of the build context with git, checks nothing out and builds
nothing: for each commit it works out by BuildKit's rules which steps of the
Dockerfile would have run again, as it is and as fix would leave it (or as
--against FILE has it). The first commit fills the cache and isn't counted.
Durations are estimates by what a step runs; docs/replay.md has the rules, the
estimates and the JSON fields. Nothing is written but the chart.

` + exitCodes,
		Flags: oneForm("replay", sharedFlags(
			&cli.IntFlag{Name: "commits", Value: quotedCommits, Usage: "replay the last `N` commits, along first parents"},
			&cli.BoolFlag{Name: "fixed", Usage: "compare with what fix makes of the file (the default)"},
			&cli.StringFlag{Name: "against", Usage: "compare with the Dockerfile `FILE` instead"},
			&cli.StringFlag{Name: "target", Usage: "the `STAGE` that is built; the last one without it"},
			&cli.StringSliceFlag{Name: "varies", Usage: "build arguments that have another value at each commit (`ARG,…`), such as GIT_SHA"},
			&cli.StringFlag{Name: "svg", Usage: "also write a chart to `FILE`"},
		)),
		Action: func(c *cli.Context) error { return runReplay(c, s) },
	}
}

// replaying is what replay was asked for, or what diff and fix ask of it.
type replaying struct {
	commits int
	target  string
	varies  []string
	file    string            // the Dockerfile to compare with, "" for what fix makes
	against *rewrite.Document // that file
}

// quoting is how diff and fix look at the history: bounded over a whole run, and
// silent where there is none.
type quoting struct {
	replaying
	mu   sync.Mutex
	left time.Duration
}

// quotedCommits is how far back fix and diff look.
const quotedCommits = 200

func newQuoting() *quoting {
	return &quoting{replaying: replaying{commits: quotedCommits}, left: 2 * time.Second}
}

// spend runs f within the time that is left.
func (q *quoting) spend(ctx context.Context, f func(context.Context)) {
	q.mu.Lock()
	left := q.left
	q.mu.Unlock()
	if left <= 0 {
		return
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	f(ctx)
	q.mu.Lock()
	q.left -= time.Since(begin)
	q.mu.Unlock()
}

func noReplayFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-replay", Usage: "don't look into git history for what the changes bring"}
}

func runReplay(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	set.narrowed(noChecks)
	r := &replaying{commits: c.Int("commits"), target: c.String("target"), varies: c.StringSlice("varies"), file: c.String("against")}
	switch {
	case r.commits < 1:
		return usagef("--commits %d: give at least 1", r.commits)
	case set.stdin():
		return usagef(`replay needs a file in a git repository, not "-"`)
	case r.file != "" && c.Bool("fixed"):
		return usagef("--against and --fixed exclude each other")
	}
	svg := c.String("svg")
	j := job{settings: set, streams: s, replay: r, single: svg != "" || r.file != ""}
	if r.file != "" {
		t := &target{path: r.file, abs: r.file}
		if r.against, err = t.load(); err != nil {
			return err
		}
	}
	out := s.out
	if set.quiet {
		out = io.Discard
	}
	j.render = &report.ReplayTable{W: out, Style: set.style(out)}
	if set.json {
		j.render = &report.JSON{W: out}
	}
	last := &lastFile{Renderer: j.render}
	j.render = last
	total, err := j.run(c.Context)
	if err != nil {
		return err
	}
	if svg != "" && last.file != nil && last.file.Replay != nil && last.file.Replay.Commits > 0 {
		if err := writeText(svg, last.file.Replay.Chart(last.file.Path)); err != nil {
			return err
		}
	}
	return failure(total)
}

// lastFile is a renderer that remembers what it rendered last.
type lastFile struct {
	report.Renderer
	file *report.File
}

func (l *lastFile) File(f *report.File) error {
	l.file = f
	return l.Renderer.File(f)
}

// writeText puts a text into a file, whether it is there or not.
func writeText(path, text string) error {
	before, err := os.ReadFile(path)
	created := errors.Is(err, os.ErrNotExist)
	if err != nil && !created {
		return explainIO(path, err)
	}
	return writeAll([]fileChange{{path: path, show: path, before: string(before), after: text, created: created}})
}

// replayed is target number i of the site with its history, for the verb itself.
func (s *site) replayed(ctx context.Context, i int, t *target) *report.File {
	shown := s.job.places.show(s.dir)
	doc, err := t.parse()
	after, files := s.job.replay.against, map[string]string(nil)
	if err == nil && after == nil {
		var res *rewrite.Result
		if res, err = s.engine(ctx, i, t, s.options(t)); err == nil && res.Changed() {
			files = res.Files
			after, err = rewrite.Parse(t.path, res.After, images.Catalogue())
		}
	}
	var r *report.Replay
	if err == nil {
		r, err = s.replay(ctx, s.job.replay, t, doc, after, files, nil)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return report.Failed(t.path, shown, err)
	}
	if after == nil {
		r.Notes = append(r.Notes, "fix changes nothing here")
	}
	return report.Replayed(t.path, shown, r)
}

// replay runs the history over a Dockerfile and, unless after is nil, a second
// version of it with the files that belong to it. The durations are those that a
// proof measured, as far as there is one.
func (s *site) replay(ctx context.Context, r *replaying, t *target, doc, after *rewrite.Document, files map[string]string, proof *verify.Proof) (*report.Replay, error) {
	h, err := s.readHistory(ctx, r.commits)
	if err != nil {
		return nil, &report.Error{Path: t.path, Message: err.Error()}
	}
	in := replay.Input{Doc: doc, Name: t.name, Repo: s.repo, Target: r.target, Varies: r.varies}
	if proof != nil {
		in.Seconds = proof.Before.Seconds
	}
	inputs := []replay.Input{in}
	if after != nil {
		in.Doc, in.Files = after, files
		if proof != nil {
			in.Seconds = proof.After.Seconds
		}
		inputs = append(inputs, in)
	}
	res, err := replay.Run(ctx, h, inputs...)
	if err != nil {
		return nil, &report.Error{Path: t.path, Message: err.Error()}
	}
	out := report.NewReplay(res)
	if h.Shallow && len(h.Commits) <= r.commits {
		out.Notes = append(out.Notes, fmt.Sprintf("the clone is shallow and holds %d commits: git fetch --unshallow brings the others", len(h.Commits)))
	}
	return out, nil
}

// readHistory reads the context's history once for all its Dockerfiles.
func (s *site) readHistory(ctx context.Context, commits int) (*history.History, error) {
	if s.history == nil {
		h, err := history.Read(ctx, s.dir, commits+1) // the first fills the cache
		if err != nil && ctx.Err() != nil {
			return nil, err // another file may have more time
		}
		s.history, s.historyErr = h, err
		if err != nil {
			s.history = &history.History{}
		}
	}
	return s.history, s.historyErr
}

// changes is the site's history as transforms ask for it: read when the first of
// them does.
type changes struct {
	ctx  context.Context
	site *site
}

// changes gives the site's history to transforms; nil outside of a repository.
func (s *site) changes(ctx context.Context) rewrite.History {
	if s.dir == "" || s.job.places.gitRoot(s.dir) == "" {
		return nil
	}
	return changes{ctx, s}
}

// Changed counts among the commits that a quote looks at; none where there is no
// history.
func (c changes) Changed(path string) (commits, of int) {
	n := quotedCommits
	if r := c.site.job.replay; r != nil {
		n = r.commits // the verb's own, which is read once
	}
	h, err := c.site.readHistory(c.ctx, n)
	if err != nil || len(h.Commits) == 0 {
		return 0, 0
	}
	return h.Changed(path), len(h.Commits) - 1
}

// moves tells whether a transform was at work that can change what is cached: one
// of those for the context, the order, the stages or the mounts.
func moves(res *rewrite.Result) bool {
	return slices.ContainsFunc(res.Outcomes, func(o rewrite.Outcome) bool {
		t := transforms.ByName(o.Transform)
		return o.Status == rewrite.Applied && t != nil &&
			slices.Contains([]rewrite.Phase{rewrite.PhaseContext, rewrite.PhaseOrder, rewrite.PhaseStages, rewrite.PhaseMounts}, t.Phase)
	})
}

// quote puts the replay beside a changed file, where there is a history and the
// change can matter to it; silent in all other cases.
func (s *site) quote(ctx context.Context, t *target, res *rewrite.Result, f *report.File) {
	if s.job.quote == nil || s.dir == "" || s.job.stdin() || !moves(res) || s.job.places.gitRoot(s.dir) == "" {
		return
	}
	before, err := rewrite.Parse(t.path, res.Before, images.Catalogue())
	if err != nil {
		return
	}
	after, err := rewrite.Parse(t.path, res.After, images.Catalogue())
	if err != nil || !replay.Concerns(before, after, res.Files) {
		return
	}
	s.job.quote.spend(ctx, func(ctx context.Context) {
		if r, err := s.replay(ctx, &s.job.quote.replaying, t, before, after, res.Files, f.Proof); err == nil && r.Summary != "" {
			f.Replay = r
		}
	})
}
