package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/urfave/cli/v2"

	"drydock/repo"
	"drydock/report"
	"drydock/review"
	"drydock/rewrite"
	"drydock/said"
)

func reviewCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "review",
		Usage:     "decide about each change on the terminal, then write",
		ArgsUsage: "[PATH…]",
		Description: `Shows what fix would change, change by change, with the difference, the reason
and the assumption: accept, reject, edit, undo; ? lists the keys. Safe changes are
accepted to begin with, those that rest on an assumption only with --unsafe.
Nothing is written before w, and then every file or none. Without a terminal, use
drydock diff or drydock fix -p; see docs/review.md.

Ctrl-C leaves at once with exit code 2; nothing is written then.

` + exitCodes,
		Flags:  without(sharedFlags(noReplayFlag()), "format", "output"),
		Action: func(c *cli.Context) error { return runReview(c, s) },
	}
}

func runReview(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	set.narrowed(noCheckOnly)
	switch {
	case set.stdin():
		return usagef(`review reads the keys from standard input: name a file instead of "-"`)
	case !terminalFor(s):
		return usagef("review needs a terminal: drydock diff prints the changes, drydock fix -p asks about each")
	}
	e := &reviewing{job: &job{settings: set, streams: s}, quotes: !c.Bool("no-replay")}
	defer e.close()
	e.job.quiet = true // what it would say goes under the screen
	style := set.style(s.out)
	profile := colorprofile.ASCII // bold and reverse are no colours
	if style.On {
		profile = colorprofile.ANSI
	}
	session, _, err := review.Show(c.Context, e, review.Options{Colour: style.On, Editor: editor()},
		tea.WithInput(s.in), tea.WithOutput(s.out), tea.WithColorProfile(profile))
	if err != nil {
		return err
	}
	return told(s, session, e.wrote)
}

// terminalFor tells whether both ends are a terminal that can be drawn on.
func terminalFor(s streams) bool {
	in, ok := s.in.(*os.File)
	return ok && isTerminal(in) && isTerminal(s.out) && os.Getenv("TERM") != "dumb" && (os.Getenv("TERM") != "" || runtime.GOOS == "windows")
}

// editor is the reader's editor as git takes it: $VISUAL, $EDITOR or vi, read by the
// shell, so that it may have arguments.
func editor() []string {
	name := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	if runtime.GOOS == "windows" {
		return strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "notepad"))
	}
	return []string{"sh", "-c", name + ` "$@"`, name}
}

// told prints what stays to be said once the screen is gone.
func told(s streams, session *review.Session, wrote []string) error {
	if session == nil {
		return nil
	}
	failed := false
	for _, w := range session.Works {
		if w == nil {
			continue
		}
		if w.Err != nil {
			failed = true
			fmt.Fprintln(s.err, w.File.Error)
			continue
		}
		if err := report.Defects(s.err, w.File); err != nil {
			return err
		}
	}
	for _, l := range wrote {
		fmt.Fprintln(s.out, l)
	}
	if failed {
		return errFailed
	}
	return nil
}

// reviewing is the engine of a review.
type reviewing struct {
	job     *job
	quotes  bool
	targets []*target
	groups  []*reviewGroup
	wrote   []string // a line for each file that was written
}

// reviewGroup is a build context. One goroutine at a time works on it.
type reviewGroup struct {
	*batch
	site  *site
	fresh *repo.Repo          // before any change
	docs  []*rewrite.Document // before any change
	root  *os.Root
	err   error
	once  sync.Once

	mu sync.Mutex // holds was, which Stale and Write read
	// was are the files besides Dockerfiles as they were read, by context path; nil: not
	// there.
	was map[string]*string
}

func (e *reviewing) close() {
	for _, g := range e.groups {
		if g.root != nil {
			g.root.Close()
		}
	}
}

// Find is for review.Engine.
func (e *reviewing) Find(ctx context.Context) ([]review.Target, error) {
	targets, err := e.job.begin(ctx)
	if err != nil {
		return nil, err
	}
	parallel(e.job.workers(), len(targets), func(i int) { e.job.prepare(ctx, targets[i]) })
	e.targets = targets
	out := make([]review.Target, len(targets))
	for n, b := range group(targets) {
		e.groups = append(e.groups, &reviewGroup{batch: b, was: map[string]*string{}})
		for _, i := range b.at {
			out[i] = review.Target{Path: targets[i].path, Disk: targets[i].src, Group: n}
		}
	}
	return out, nil
}

// open reads what all Dockerfiles of a context share.
func (e *reviewing) open(g *reviewGroup) {
	g.site = &site{job: e.job, repo: repo.Load(nil), dir: g.targets[0].context}
	if g.site.dir != "" {
		root, err := os.OpenRoot(g.site.dir) // links out of the context don't count, as in a build
		if err != nil {
			g.err = explainIO(e.job.places.show(g.site.dir), err)
			return
		}
		g.root = root
		g.site.repo = repo.Load(root.FS())
		g.site.gather(g.targets)
	}
	g.fresh, g.docs = g.site.repo, g.site.docs
}

// Group is for review.Engine.
func (e *reviewing) Group(ctx context.Context, o review.Order, ready func(int, *review.Worked)) {
	g := e.groups[o.Group]
	g.once.Do(func() { e.open(g) })
	s := g.site
	s.repo, s.docs = g.fresh, slices.Clone(g.docs)
	for k, t := range g.targets {
		w := e.file(ctx, g, k, o.Plan(g.at[k], t.src))
		if ctx.Err() != nil {
			return
		}
		for name, text := range w.Files {
			g.remember(name)
			s.repo = s.repo.With(name, []byte(text))
		}
		if k < len(s.docs) && w.Err == nil && w.After != t.src {
			after := *t
			after.src = w.After
			if doc, err := after.parse(); err == nil {
				s.docs[k] = doc
			}
		}
		ready(g.at[k], w)
	}
}

// file works out file number k of a group.
func (e *reviewing) file(ctx context.Context, g *reviewGroup, k int, plan review.Plan) *review.Worked {
	t, s, shown := g.targets[k], g.site, ""
	if s.dir != "" {
		shown = e.job.places.show(s.dir)
	}
	if err := cmp.Or(t.err, g.err); err != nil {
		return &review.Worked{Disk: t.src, After: t.src, Err: err, File: report.Failed(t.path, shown, err)}
	}
	before := s.repo
	w := review.Work(review.Site{
		Run: func(text string, files map[string]string, opt rewrite.Options) (*rewrite.Result, error) {
			at := *t
			at.src, s.repo = text, before
			for name, text := range files {
				s.repo = s.repo.With(name, []byte(text))
			}
			return s.run(ctx, k, &at, t.rules.transforms, opt)
		},
		Options: t.rules.options(false, e.job.day),
		Path:    t.path, Context: shown,
		Read: func(name string) (string, bool) {
			b, err := before.ReadFile(name)
			return string(b), err == nil
		},
		Show: s.show,
	}, plan)
	s.repo = before
	w.File.ContextWhy = t.contextWhy
	return w
}

// remember notes how a file that will be written was read.
func (g *reviewGroup) remember(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.was[name]; known {
		return
	}
	g.was[name] = nil
	if b, err := g.fresh.ReadFile(name); err == nil {
		text := string(b)
		g.was[name] = &text
	}
}

// Quote is for review.Engine.
func (e *reviewing) Quote(ctx context.Context, i int, w *review.Worked) *report.Replay {
	t := e.targets[i]
	if !e.quotes || t.context == "" {
		return nil
	}
	root, err := os.OpenRoot(t.context)
	if err != nil {
		return nil
	}
	defer root.Close()
	// Everything of its own, for the group's may be at work.
	own := &job{settings: e.job.settings, streams: e.job.streams, places: e.job.places, images: e.job.images, quote: newQuoting()}
	s := &site{job: own, dir: t.context, repo: repo.Load(root.FS())}
	res := &rewrite.Result{Path: t.path, Before: w.Disk, After: w.After, Files: w.Files}
	for _, c := range w.Changes {
		if c.Verdict == review.Accepted {
			res.Outcomes = append(res.Outcomes, rewrite.Outcome{Status: rewrite.Applied, Transform: c.Transform})
		}
	}
	f := &report.File{}
	s.quote(ctx, t, res, f)
	return f.Replay
}

// Stale is for review.Engine.
func (e *reviewing) Stale(works []*review.Worked) []int {
	var out []int
	for i, w := range works {
		if w != nil && w.Changed() && slices.ContainsFunc(e.changes(i, w), changedSince) {
			out = append(out, i)
		}
	}
	return out
}

func changedSince(c fileChange) bool {
	now, err := os.ReadFile(c.path)
	if c.created {
		return !errors.Is(err, os.ErrNotExist)
	}
	return err != nil || string(now) != c.before
}

// changes are the files that file number i writes.
func (e *reviewing) changes(i int, w *review.Worked) []fileChange {
	var out []fileChange
	t := e.targets[i]
	g := e.groups[slices.IndexFunc(e.groups, func(g *reviewGroup) bool { return slices.Contains(g.at, i) })]
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names(w.Files) {
		c := fileChange{path: g.site.abs(name), show: g.site.show(name), after: w.Files[name], created: g.was[name] == nil}
		if was := g.was[name]; was != nil {
			c.before = *was
		}
		out = append(out, c)
	}
	if w.After != w.Disk {
		out = append(out, fileChange{path: t.abs, show: t.path, before: w.Disk, after: w.After})
	}
	return out
}

// Configure is for review.Engine.
func (e *reviewing) Configure(entry review.Entry, earlier []review.Entry) (review.Entry, error) {
	return e.job.entry(e.of(entry), entry, earlier, e.of)
}

func (e *reviewing) of(entry review.Entry) *target { return e.targets[entry.File] }

// Write is for review.Engine.
func (e *reviewing) Write(works []*review.Worked, entries []review.Entry) error {
	var all []fileChange
	at := map[string]int{}
	for i, w := range works {
		if w == nil {
			continue
		}
		for _, c := range e.changes(i, w) {
			// Several Dockerfiles may change one file, each on top of the one before.
			if k, ok := at[c.path]; ok {
				all[k].after = c.after
				continue
			}
			at[c.path] = len(all)
			all = append(all, c)
		}
	}
	more, err := e.job.configChanges(entries, e.of)
	if err != nil {
		return err
	}
	if err := writeAll(append(all, more...)); err != nil {
		return err
	}
	for _, w := range works {
		if w != nil {
			e.wrote = append(e.wrote, w.File.Path+": "+report.Count(w.Count(review.Accepted), "change", "changes"))
		}
	}
	for _, c := range more {
		n := 0
		for _, entry := range entries {
			if entry.Config == c.show {
				n++
			}
		}
		e.wrote = append(e.wrote, said.Printable(c.show)+": "+report.Count(n, "ignore", "ignores"))
	}
	return nil
}
