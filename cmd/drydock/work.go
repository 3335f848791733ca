package main

// From targets to reports: Dockerfiles of one context one after another,
// contexts in parallel, output in the order of the targets.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"drydock/config"
	"drydock/images"
	"drydock/repo"
	"drydock/report"
	"drydock/rewrite"
	"drydock/said"
)

// maxSize bounds a Dockerfile in bytes; the largest seen in public has 0.4 MB.
const maxSize = 4 << 20

// job is one run of fix, diff or check.
type job struct {
	settings
	streams
	write  bool                                // write changes
	offer  bool                                // work out what waits for --unsafe
	ask    *session                            // not nil: ask for each change
	replay *replaying                          // not nil: look at git history and change nothing
	bases  *basing                             // not nil: compare base images and change nothing
	quote  *quoting                            // not nil: tell beside a change what history says of it
	verify *verifying                          // not nil: compare with what was, and change nothing
	prove  *proving                            // not nil: keep what is proven by building and running it
	single bool                                // one Dockerfile and no more
	folder string                              // absolute: paths are relative to it, in messages and patches too; "" for the current one
	idle   *idleEntries                        // not nil: tell of configured ignores that do nothing
	seen   func(*report.File, *rewrite.Result) // not nil: is told of each file, before anything is written
	render report.Renderer

	places        *places
	configs       *config.Finder // nil: none is read
	day           string         // today
	told          map[string]bool
	misconfigured error // about the first configuration that can't be used
	images        *images.LiveSource
	out           emitter
}

// run works on everything. The error is about the run as a whole; what failed
// file by file is told and counted.
func (j *job) run(ctx context.Context) (report.Total, error) {
	targets, err := j.begin(ctx)
	if err != nil {
		return report.Total{}, err
	}
	defer j.tellNotes()
	if j.single && len(targets) > 1 {
		return report.Total{}, usagef("%d Dockerfiles: name the one for --svg or --against", len(targets))
	}
	j.out = emitter{job: j, ready: map[int]*report.File{}}
	parallel(j.workers(), len(targets), func(i int) { j.prepare(ctx, targets[i]) })
	groups := group(targets)
	parallel(j.workers(), len(groups), func(i int) { j.work(ctx, groups[i]) })
	j.out.flush()
	var cut error
	if ctx.Err() != nil {
		cut = errors.New("interrupted; files not named above are as they were")
		j.out.err = errors.Join(j.out.err, failed(j.render, cut))
	}
	if cut == nil {
		for _, f := range j.idle.findings(j.sawAll) {
			j.out.show(f)
		}
	}
	if j.out.err == nil {
		j.out.err = j.render.Close(j.out.total)
	}
	if cut != nil {
		return j.out.total, cut
	}
	return j.out.total, j.out.err
}

// begin looks up what a run needs and finds what to work on.
func (j *job) begin(ctx context.Context) ([]*target, error) {
	var err error
	if j.places, err = newPlaces(j.folder); err != nil {
		return nil, err
	}
	if j.settings.context != "" {
		if err := needFolder(j.settings.context); err != nil {
			return nil, err
		}
	}
	if j.day, err = today(); err != nil {
		return nil, err
	}
	j.configs = j.finder(j.places, j.folder)
	if j.images == nil {
		if j.images, err = j.source(ctx); err != nil {
			return nil, err
		}
	}
	return j.targets(), nil
}

// targets finds what to work on.
func (j *job) targets() []*target {
	if j.stdin() {
		t := &target{path: "<stdin>"}
		j.configure(t)
		return []*target{t}
	}
	f := finder{places: j.places}
	for _, p := range j.paths {
		f.path(p)
	}
	if !j.quiet {
		for _, p := range f.empty {
			fmt.Fprintf(j.err, "%s: no Dockerfile here: name the file, whatever it is called\n", p)
		}
	}
	for _, t := range f.targets {
		j.configure(t)
		if t.excluded.Set() && t.top == "" && !j.quiet {
			fmt.Fprintf(j.err, "%s: left alone: %s excludes it; --no-config works on it\n", said.Printable(t.path), t.excluded.From())
		}
	}
	return slices.DeleteFunc(f.targets, func(t *target) bool { return t.excluded.Set() })
}

func needFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		err = explainIO(dir, err)
		err.(*report.Error).Hint = "give the build context's folder with --context DIR"
		return err
	}
	if !info.IsDir() {
		return &report.Error{Path: dir, Message: "not a folder", Hint: "give the build context's folder with --context DIR"}
	}
	return nil
}

func (j *job) workers() int {
	if j.ask != nil || j.prove != nil {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// prepare reads a target and finds its context.
func (j *job) prepare(ctx context.Context, t *target) {
	if t.err != nil {
		return
	}
	var doc *rewrite.Document
	if j.stdin() {
		if t.src, t.err = j.readInput(ctx, t.path); t.err == nil {
			_, t.err = t.parse()
		}
	} else {
		doc, t.err = t.load()
	}
	switch {
	case t.err != nil:
	case j.settings.context != "" && j.stdin():
		t.context = j.places.abs(j.settings.context)
	case j.settings.context != "":
		var c chosen
		c, t.err = j.places.given(t, doc, j.places.abs(j.settings.context), "--context")
		t.context, t.contextWhy = c.dir, c.why
	case t.rules.context.Set():
		t.err = j.fromConfig(t, doc)
	case !j.stdin():
		c := j.places.context(t, doc)
		t.context, t.contextWhy = c.dir, c.why
	}
	if t.context == "" {
		return
	}
	if j.stdin() {
		t.name = "Dockerfile" // as `docker build -f - DIR` has it
	} else if rel, ok := below(t.context, t.abs); ok {
		t.name = filepath.ToSlash(rel)
	}
}

// fromConfig takes the build context that the target's configuration names.
func (j *job) fromConfig(t *target, doc *rewrite.Document) error {
	from := t.rules.context
	if err := contextFolder(j.configs, j.places, t, from); err != nil {
		return err
	}
	if j.stdin() {
		t.context, t.contextWhy = from.Text, from.From()
		return nil
	}
	c, err := j.places.given(t, doc, from.Text, from.From())
	t.context, t.contextWhy = c.dir, c.why
	return err
}

// contextFolder insists that the build context of a configuration is a folder; of one that
// the user didn't name it lies in the repository: a stranger's must not send the
// user's own files to a build.
func contextFolder(f *config.Finder, p *places, t *target, from config.Value) error {
	real, err := filepath.EvalSymlinks(from.Text)
	own := p.cwd // of standard input
	if t.abs != "" {
		own = filepath.Dir(t.abs)
	}
	if top, terr := filepath.EvalSymlinks(cmp.Or(f.Top(own), own)); err == nil && terr == nil && !f.Named() {
		if _, in := below(top, real); !in {
			return &report.Error{Path: t.path, Message: fmt.Sprintf("its build context %s (%s) lies outside of the repository", said.Printable(p.show(from.Text)), from.From()), Hint: "if you mean it, give the folder with --context DIR"}
		}
	}
	if info, err := os.Stat(from.Text); err != nil || !info.IsDir() {
		return &report.Error{Path: t.path, Message: fmt.Sprintf("its build context %s (%s) is no folder", said.Printable(p.show(from.Text)), from.From()), Hint: "mend the setting, or give the folder with --context DIR"}
	}
	return nil
}

// load reads and parses the target's file.
func (t *target) load() (*rewrite.Document, error) {
	info, err := os.Stat(t.abs)
	if err != nil {
		return nil, explainIO(t.path, err)
	}
	if err := notRegular(t.path, info.Mode()); err != nil {
		return nil, err
	}
	f, err := os.Open(t.abs)
	if err != nil {
		return nil, explainIO(t.path, err)
	}
	defer f.Close()
	if t.src, err = readAll(f, t.path); err != nil {
		return nil, err
	}
	return t.parse()
}

func (t *target) parse() (doc *rewrite.Document, err error) {
	defer recovered(t.path, &err)
	return rewrite.Parse(t.path, t.src, images.Catalogue())
}

// readInput reads standard input; an interrupt ends the wait for it.
func (j *job) readInput(ctx context.Context, path string) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := readAll(j.in, path)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func readAll(r io.Reader, path string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return "", explainIO(path, err)
	}
	if len(b) > maxSize {
		return "", &report.Error{Path: path, Message: fmt.Sprintf("more than %d MiB", maxSize>>20), Hint: "this is not a Dockerfile; name another file"}
	}
	return string(b), nil
}

// recovered turns a panic into an error about one file, so that the others go on.
func recovered(path string, err *error) {
	if p := recover(); p != nil {
		*err = &report.Error{Path: path, Message: fmt.Sprintf("drydock's own defect: %v", p), Hint: "the file was left alone; please report it"}
	}
}

// batch is the targets of one context, with their places in the output.
type batch struct {
	targets []*target
	at      []int
}

// group sorts targets by context; those without one stand alone.
func group(targets []*target) []*batch {
	var out []*batch
	byContext := map[string]*batch{}
	for i, t := range targets {
		b := byContext[t.context]
		if b == nil || t.context == "" {
			b = &batch{}
			out = append(out, b)
			byContext[t.context] = b
		}
		b.targets, b.at = append(b.targets, t), append(b.at, i)
	}
	return out
}

// work handles the Dockerfiles of one context in turn: each sees what the ones
// before it made of .dockerignore.
func (j *job) work(ctx context.Context, b *batch) {
	s := &site{job: j, repo: repo.Load(nil), dir: b.targets[0].context}
	if s.dir != "" {
		root, err := os.OpenRoot(s.dir) // links out of the context don't count, as in a build
		if err != nil {
			for i, t := range b.targets {
				j.out.emit(b.at[i], report.Failed(t.path, j.places.show(s.dir), explainIO(j.places.show(s.dir), err)))
			}
			return
		}
		defer root.Close()
		s.repo = repo.Load(root.FS())
		s.gather(b.targets)
	}
	files := make([]*report.File, len(b.targets))
	for i, t := range b.targets {
		if ctx.Err() != nil || j.ask != nil && j.ask.quit {
			break
		}
		files[i] = s.file(ctx, i, t)
	}
	for i, f := range files {
		if f != nil {
			j.out.emit(b.at[i], f)
		}
	}
}

// emitter renders files in the order of the targets as they get ready.
type emitter struct {
	job   *job
	mu    sync.Mutex
	next  int
	ready map[int]*report.File
	total report.Total
	err   error
}

func (e *emitter) emit(i int, f *report.File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready[i] = f
	for f := e.ready[e.next]; f != nil; f = e.ready[e.next] {
		delete(e.ready, e.next)
		e.next++
		e.show(f)
	}
}

// flush renders what still waits for files that were never worked on, after q
// or an interrupt.
func (e *emitter) flush() {
	for _, i := range slices.Sorted(maps.Keys(e.ready)) {
		e.show(e.ready[i])
	}
}

func (e *emitter) show(f *report.File) {
	e.total.Add(f)
	if f.Error != nil {
		fmt.Fprintln(e.job.err, said.Printable(f.Error.Error()))
	}
	if err := errors.Join(report.Defects(e.job.err, f), e.job.render.File(f)); err != nil && e.err == nil {
		e.err = err
	}
}

// parallel calls f for 0 … n-1 from that many workers.
func parallel(workers, n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
