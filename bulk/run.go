package bulk

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"drydock/bulk/journal"
	"drydock/bulk/result"
	"drydock/bulk/source"
)

// run is a run at work.
type run struct {
	Options
	words   *words
	journal *journal.Journal
	temp    *temp
	stop    context.CancelCauseFunc

	mu       sync.Mutex
	summary  Summary
	found    int
	flying   map[string]bool // being worked on
	open     int             // pull requests that are open and were looked at
	deferred []*deferred     // pull requests to open once all that are open are known

	telling sync.Mutex // held while an event is told
	pause   sync.Mutex // held from one opening of a pull request to the next
	opened  time.Time
}

// deferred is a repository whose pull request waits for the count of open ones.
type deferred struct {
	index int // in the list
	job   *job
}

// listed is a repository with its place in the list.
type listed struct {
	index int
	repo  source.Repo
}

// Run works on all repositories; what became of each is in the journal, and the
// summary counts it. A repository that fails stops no other and is no error. The
// error is about the run: bad options, a journal that can't be used or written,
// an interrupt, a *ListError. After an interrupt, a crash or a broken list the same
// call goes on where the journal ends.
func Run(ctx context.Context, o Options) (Summary, error) {
	r := &run{Options: o, flying: map[string]bool{}, summary: Summary{Pulls: map[string]int{}}}
	if err := r.check(); err != nil {
		return r.summary, err
	}
	var err error
	if r.words, err = newWords(&r.Options); err != nil {
		return r.summary, err
	}
	r.journal, err = journal.Open(o.Journal, journal.Header{Key: o.Key, Shard: o.Shard, Shards: o.Shards, Drydock: o.Version})
	if err != nil {
		return r.summary, err
	}
	if err = r.resume(); err == nil {
		if r.temp, err = newTemp(r.Temp); err == nil {
			err = r.work(ctx)
			r.temp.remove()
		}
	}
	// A journal that can't be written says so again when it is closed.
	return r.summary, cmp.Or(err, r.journal.Close())
}

// resume counts what was done before.
func (r *run) resume() error {
	if !r.journal.Resumed {
		return nil
	}
	text := fmt.Sprintf("going on with the run of %s", r.journal.Header.Start.Format(time.RFC3339))
	if r.journal.Cut > 0 {
		text += fmt.Sprintf("; %d damaged bytes at the end of the journal were cut off", r.journal.Cut)
	}
	r.tell(Event{Kind: Note, Text: text})
	for res, err := range r.journal.Results() {
		if err != nil {
			return err
		}
		r.summary.add(res)
		r.summary.Resumed++
		r.countOpen(res)
	}
	return nil
}

// countOpen counts a pull request that is open; r.mu is held or nobody else is there.
func (r *run) countOpen(res *result.Result) {
	if p := res.Pull; p != nil && slices.Contains([]string{didOpen, didUpdate, didNothing}, p.Did) {
		r.open++
	}
}

// ahead is how many repositories are listed before a worker is free: so that how many there are is known
// early, and a long list is never held.
const ahead = 4096

// work hands the repositories to the workers.
func (r *run) work(ctx context.Context) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	repos := make(chan listed, ahead)
	var listErr error // of a list that has ended
	go func() {
		defer close(repos)
		listErr = r.list(inner, repos)
	}()
	var wg sync.WaitGroup
	for range r.Workers {
		wg.Go(func() {
			// An interrupt doesn't wait for the list: it may be a pipe to which nobody writes.
			for {
				select {
				case <-inner.Done():
					return
				case l, more := <-repos:
					if !more {
						return
					}
					if inner.Err() == nil && r.take(l.repo.Name) {
						r.one(inner, l)
					}
				}
			}
		})
	}
	wg.Wait() // the list has ended before the workers do, unless the run is ending
	r.openDeferred(inner)
	switch cause := context.Cause(inner); {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: run the same command again to go on: %w", ctx.Err())
	case cause != nil:
		return cause
	case listErr != nil:
		return &ListError{listErr}
	}
	return r.journal.End()
}

// list reads the list.
func (r *run) list(ctx context.Context, to chan<- listed) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("listing the repositories: a defect of drydock: %v", p)
		}
	}()
	for repo, e := range r.Repos {
		if e != nil {
			err = cmp.Or(err, e)
			continue
		}
		r.mu.Lock()
		r.found++
		n := r.found
		r.mu.Unlock()
		select {
		case to <- listed{n, repo}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err == nil {
		r.tell(Event{Kind: Listed})
	}
	return err
}

// take tells whether a repository is still to be worked on, by this caller.
func (r *run) take(name string) bool {
	r.mu.Lock()
	done, flies := r.journal.Has(name), r.flying[name]
	if !done {
		r.flying[name] = true
	}
	r.mu.Unlock()
	if done {
		r.tell(Event{Kind: Done, Name: name, Resumed: true})
	}
	return !done && !flies
}

// grace is how long a repository that was told to end may take to do so: git processes are
// killed at once; what takes longer is stuck.
var grace = 5 * time.Second

// one works on a repository and keeps what came out.
func (r *run) one(ctx context.Context, l listed) {
	if err := r.journal.Begin(l.repo.Name); err != nil {
		r.stop(err)
		return
	}
	r.tell(Event{Kind: Begun, Name: l.repo.Name})
	j := newJob(r, l.repo, r.journal.Steps(l.repo.Name))
	j = r.guard(ctx, j, r.Timeout, (*job).do)
	if r.Pulls != nil && j.err == nil {
		j = r.guard(ctx, j, 0, (*job).pull)
	}
	switch {
	case r.interrupted(ctx, j):
		return
	case j.err != nil || !j.opens:
	case r.Pulls.MaxOpen > 0:
		if j = r.wait(&deferred{l.index, j}); j == nil {
			return
		}
	default:
		if j = r.propose(ctx, j); r.interrupted(ctx, j) {
			return
		}
	}
	r.keep(j)
}

// interrupted tells whether a job ended because the run is ending: it is done again when the run
// goes on.
func (r *run) interrupted(ctx context.Context, j *job) bool {
	return ctx.Err() != nil && j.err != nil
}

// bounded is a context that ends after a time, with the reason in words; 0 is no bound.
func bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("it took longer than %s: give it more time with --timeout", d))
}

// guard runs a part of a job, bounded in time and safe against panics. One that doesn't come
// back is left behind, and a new job stands for it, which only tells that. What talks to a
// forge has no bound here: a rate limit may take an hour, and says so.
func (r *run) guard(ctx context.Context, j *job, limit time.Duration, part func(*job, context.Context) error) *job {
	ctx, cancel := bounded(ctx, limit)
	defer cancel()
	began := time.Now()
	done := make(chan error, 1)
	go func(j *job) {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("a defect of drydock: %v (%s): please report it", p, panicked(debug.Stack()))
			}
		}()
		done <- part(j, ctx)
	}(j)
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case err = <-done:
		case <-late.C:
			j = newJob(r, j.repo, nil)
			err = ctx.Err()
		}
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	j.err = err
	j.res.Seconds += time.Since(began).Seconds()
	return j
}

// panicked finds the place of a panic: the function below runtime's in a stack.
func panicked(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+3 < len(lines) {
			at, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return at
		}
	}
	return "somewhere"
}

// keep writes down how a repository ended.
func (r *run) keep(j *job) {
	res := j.finish()
	if err := r.journal.Done(res, j.reached); err != nil {
		r.stop(err)
		return
	}
	r.mu.Lock()
	r.summary.add(res)
	r.countOpen(res)
	delete(r.flying, j.repo.Name)
	r.mu.Unlock()
	r.tell(Event{Kind: Done, Name: res.Name, Result: res})
}

// wait holds a pull request back until all that are open are counted. Never are more held
// than may be opened: of one more, the last in the list waits for another run, and is given back.
func (r *run) wait(d *deferred) *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deferred = append(r.deferred, d)
	slices.SortFunc(r.deferred, func(a, b *deferred) int { return a.index - b.index })
	if len(r.deferred) <= r.Pulls.MaxOpen {
		return nil
	}
	last := r.deferred[len(r.deferred)-1]
	r.deferred = r.deferred[:len(r.deferred)-1]
	last.job.waits(r.Pulls.MaxOpen)
	return last.job
}

// openDeferred opens the pull requests that were held back, as many as may be open.
func (r *run) openDeferred(ctx context.Context) {
	for _, d := range r.deferred {
		if ctx.Err() != nil {
			return
		}
		j := d.job
		if r.open >= r.Pulls.MaxOpen {
			j.waits(r.Pulls.MaxOpen)
		} else if j = r.propose(ctx, j); r.interrupted(ctx, j) {
			return
		}
		r.keep(j)
	}
}

// propose opens a pull request after the pause that is due.
func (r *run) propose(ctx context.Context, j *job) *job {
	if r.Pulls.Pause > 0 {
		done, err := r.pausing(ctx, j.repo.Name)
		if err != nil {
			j.err = err
			return j
		}
		defer done()
	}
	return r.guard(ctx, j, 0, (*job).propose)
}

// pausing waits until a pull request may be opened; done must be called after it was.
func (r *run) pausing(ctx context.Context, name string) (done func(), err error) {
	r.pause.Lock()
	left := time.Until(r.opened.Add(r.Pulls.Pause))
	if ctx.Err() == nil && left > 0 {
		r.tell(Event{Kind: Wait, Name: name, For: left, Text: "the pause between two pull requests"})
		t := time.NewTimer(left)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		r.pause.Unlock()
		return nil, ctx.Err()
	}
	return func() { r.opened = time.Now(); r.pause.Unlock() }, nil
}

// tell tells an event.
func (r *run) tell(e Event) {
	if r.Events == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	e.Found, e.Finished = r.found, r.summary.Repositories
	r.mu.Unlock()
	r.Events(e)
}
