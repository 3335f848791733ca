package bulk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drydock/bulk/source"
)

// TestLooks: without an output nothing is changed anywhere, and each kind of repository ends
// as it should while the others go on.
func TestLooks(t *testing.T) {
	dir := t.TempDir()
	at := func(n string) string { return filepath.Join(dir, n) }
	repos := []source.Repo{
		makeRepo(t, at("changed"), files{"Dockerfile": "FROM big\n"}),
		makeRepo(t, at("unchanged"), files{"Dockerfile": "FROM x\n"}),
		makeRepo(t, at("none"), files{"main.go": "package main\n"}),
		makeRepo(t, at("panics"), files{"Dockerfile": "panic\n"}),
		makeRepo(t, at("hangs"), files{"Dockerfile": "hang\n"}),
		makeRepo(t, at("slow"), files{"Dockerfile": "slow\n"}),
		makeRepo(t, at("fails"), files{"Dockerfile": "fail\n"}),
		makeRepo(t, at("bad"), files{"Dockerfile": "bad\n"}),
		makeRepo(t, at("half"), files{"Dockerfile": "bad\n", "a/Dockerfile": "FROM big\n"}),
		{Name: "skip", Dir: at("nowhere"), Skip: "a submodule of another"},
		{Name: "err", Dir: at("nowhere"), Err: errors.New("permission denied")},
		{Name: "plain", Dir: at("plain")},
		{Name: "unborn", Dir: at("unborn")},
		{Name: "bare", Dir: at("bare")},
		{Name: "empty.git", Dir: at("empty.git")},
	}
	write(t, filepath.Join(at("plain"), "Dockerfile"), "FROM big\n")
	sh(t, dir, "init", "-q", at("unborn"))
	sh(t, dir, "init", "-q", "--bare", at("empty.git"))
	sh(t, dir, "clone", "-q", "--bare", at("changed"), at("bare"))
	dirty := makeRepo(t, at("dirty"), files{"Dockerfile": "FROM x\n"})
	write(t, filepath.Join(dirty.Dir, "Dockerfile"), "FROM big panic\n") // not committed: not looked at
	repos = append(repos, dirty)

	o := options(t, repos...)
	o.Timeout = time.Second
	var kinds []EventKind
	inside := false
	o.Events = func(e Event) {
		if inside {
			t.Error("events come at once")
		}
		inside = true
		kinds = append(kinds, e.Kind)
		inside = false
	}
	s, got := do(t, o)
	want := map[string][2]string{
		"changed": {"changed"}, "unchanged": {"unchanged"}, "none": {"skipped", "no Dockerfile"}, "panics": {"failed", "a defect of drydock: as asked"},
		"hangs": {"failed", "it took longer than 1s"}, "slow": {"failed", "it took longer than 1s"}, "fails": {"failed", "Dockerfile: no luck"},
		"bad": {"failed", "bad"}, "half": {"changed"}, "skip": {"skipped", "a submodule of another"}, "err": {"failed", "permission denied"},
		"plain": {"changed"}, "unborn": {"skipped", "no commit yet"}, "bare": {"changed"}, "empty.git": {"skipped", "no commit yet"}, "dirty": {"unchanged"},
	}
	for name, w := range want {
		r := got[name]
		if r == nil {
			t.Errorf("%s: no result", name)
		} else if string(r.Status) != w[0] || !strings.Contains(r.Reason, w[1]) || strings.ContainsAny(r.Reason, "\n\x1b") || strings.Contains(r.Reason, o.Temp) {
			t.Errorf("%s: %s %q, want %v", name, r.Status, r.Reason, w)
		}
	}
	if len(got) != len(want) || s.Repositories != len(want) || s.Changed != 4 || s.Unchanged != 2 || s.Skipped != 4 || s.Failed != 6 || s.Unreadable != 2 {
		t.Errorf("%d results, %+v", len(got), s)
	}
	if r := got["half"]; r != nil && (len(r.Notes) != 1 || len(r.Files) != 2) {
		t.Errorf("half: %+v", r)
	}
	if r := got["changed"]; r != nil && (r.Base != "main" || r.Commit != sh(t, at("changed"), "rev-parse", "HEAD") || !strings.Contains(r.Files[0].Diff, "+FROM small")) {
		t.Errorf("changed: %+v", r)
	}
	for _, n := range []string{"changed", "bare", "dirty"} {
		if refs := sh(t, at(n), "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" {
			t.Errorf("%s has %s", n, refs)
		}
	}
	for _, k := range []EventKind{Begun, Stage, Done, Listed} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no event %s", k)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(o.Temp, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDeadTemp: the folders of a process that was killed are taken away, those of one that is alive stay.
func TestDeadTemp(t *testing.T) {
	dir := t.TempDir()
	alive, err := newTemp(dir)
	must(t, err)
	write(t, filepath.Join(dir, tempName+"dead", "x", "f"), "")
	write(t, filepath.Join(dir, tempName+"dead"+tempLock), "")
	write(t, filepath.Join(dir, tempName+"unlocked", "f"), "") // being made, or nobody's
	write(t, filepath.Join(dir, "other.lock"), "")
	must(t, os.Symlink(filepath.Join(dir, "other.lock"), filepath.Join(dir, tempName+"link"+tempLock)))
	next, err := newTemp(dir)
	must(t, err)
	var got []string
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{
		filepath.Base(alive.dir), filepath.Base(alive.dir) + tempLock, filepath.Base(next.dir), filepath.Base(next.dir) + tempLock,
		tempName + "link" + tempLock, tempName + "unlocked", "other.lock",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	alive.remove()
	next.remove()
	if left, _ := filepath.Glob(filepath.Join(dir, tempName+"*")); len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}

func TestListBreaksOff(t *testing.T) {
	dir := t.TempDir()
	a, b := makeRepo(t, filepath.Join(dir, "a"), files{"Dockerfile": "FROM big\n"}), makeRepo(t, filepath.Join(dir, "b"), files{"Dockerfile": "x\n"})
	o := options(t)
	broken := true
	o.Repos = func(yield func(source.Repo, error) bool) {
		if yield(a, nil) && (!broken || yield(source.Repo{}, errors.New("502"))) {
			yield(b, nil)
		}
	}
	var list *ListError
	s, err := Run(t.Context(), o)
	if !errors.As(err, &list) || !strings.Contains(err.Error(), "502") || s.Repositories != 2 {
		t.Fatal(s, err)
	}
	broken = false
	s, err = Run(t.Context(), o) // goes on, and finds all done
	if err != nil || s.Resumed != 2 || s.Repositories != 2 {
		t.Fatal(s, err)
	}
	if s, err = Run(t.Context(), o); err != nil || s.Resumed != 0 || s.Repositories != 2 { // begins anew
		t.Fatal(s, err)
	}
}

// TestInterrupted: what was under way is done again, what was done is kept.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	var repos []source.Repo
	for i := range 6 {
		repos = append(repos, makeRepo(t, filepath.Join(dir, fmt.Sprint(i)), files{"Dockerfile": "FROM big\n"}))
	}
	o := options(t, repos...)
	o.Branch, o.Workers = "drydock", 1
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	o.Events = func(e Event) {
		if e.Kind == Stage && e.Text == "branch" {
			if n++; n == 3 {
				cancel()
			}
		}
	}
	s, err := Run(ctx, o)
	if !errors.Is(err, context.Canceled) || s.Repositories > 3 || s.Failed > 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	done := s.Repositories
	if s, _ = do(t, o); s.Resumed != done || s.Changed != 6 || s.Branches != 6 || s.Commits != 6 {
		t.Errorf("%+v, done before: %d", s, done)
	}
}

// TestInterruptedListing: a list that gives nothing and doesn't end, as a pipe to which nobody writes,
// doesn't hold the run up when it is told to end.
func TestInterruptedListing(t *testing.T) {
	dir := t.TempDir()
	o := options(t)
	hold := make(chan struct{})
	defer close(hold)
	first := makeRepo(t, filepath.Join(dir, "first"), files{"Dockerfile": "FROM big\n"})
	o.Repos = func(yield func(source.Repo, error) bool) {
		if yield(first, nil) {
			<-hold
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Events = func(e Event) {
		if e.Kind == Done {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"needs a journal":       func(o *Options) { o.Journal = "" },
		"nothing to push":       func(o *Options) { o.Push = true },
		"add --push":            func(o *Options) { o.Branch, o.Pulls = "x", &Pulls{} },
		"commit message":        func(o *Options) { o.Message = "{{" },
		"can't evaluate field":  func(o *Options) { o.Message = "{{.Nothing}}" },
		"template of the title": func(o *Options) { o.Branch, o.Push, o.Pulls = "x", true, &Pulls{Title: "{{.Nothing}}"} },
	} {
		o := options(t)
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(o.Journal); err == nil {
			t.Errorf("%s: a journal was made", want)
		}
	}
}

// TestTwice: a name that is listed twice is worked on once.
func TestTwice(t *testing.T) {
	r := makeRepo(t, filepath.Join(t.TempDir(), "a"), files{"Dockerfile": "FROM big\n"})
	if s, _ := do(t, options(t, r, r, r)); s.Repositories != 1 {
		t.Errorf("%+v", s)
	}
}

// BenchmarkRun looks at 1,000 trivial folders: what the engine itself costs.
func BenchmarkRun(b *testing.B) {
	dir := b.TempDir()
	var repos []source.Repo
	for i := range 1000 {
		r := source.Repo{Name: fmt.Sprint("r", i), Dir: filepath.Join(dir, fmt.Sprint(i))}
		write(b, filepath.Join(r.Dir, "Dockerfile"), "FROM big\n")
		repos = append(repos, r)
	}
	for b.Loop() {
		o := options(b, repos...)
		s, err := Run(b.Context(), o)
		if err != nil || s.Changed != 1000 {
			b.Fatal(s, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/repository")
}
