package bulk

// Repositories, a forge and a Work for the tests.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drydock/bulk/forge"
	"drydock/bulk/git"
	"drydock/bulk/journal"
	"drydock/bulk/result"
	"drydock/bulk/source"
	"drydock/report"
)

// TestMain runs the helper process of the crash tests when it is asked for.
func TestMain(m *testing.M) {
	// No test depends on the configuration of who runs it.
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org",
		"GIT_COMMITTER_NAME": "Cy", "GIT_COMMITTER_EMAIL": "cy@example.org",
		"GIT_TEMPLATE_DIR": "", // no sample hooks
	} {
		os.Setenv(name, value)
	}
	grace = 50 * time.Millisecond
	if os.Getenv(crashEnv) != "" {
		crashHelper()
		return
	}
	os.Exit(m.Run())
}

func run1(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

func sh(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := run1(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

// files are paths and texts.
type files map[string]string

// makeRepo makes a repository with one commit of files, on main.
func makeRepo(t testing.TB, dir string, fs files) source.Repo {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o777))
	sh(t, dir, "init", "-q", "-b", "main")
	for name, text := range fs {
		write(t, filepath.Join(dir, name), text)
	}
	commitAll(t, dir)
	return source.Repo{Name: filepath.Base(dir), Dir: dir}
}

func commitAll(t testing.TB, dir string) {
	t.Helper()
	sh(t, dir, "add", "-A")
	sh(t, dir, "commit", "-q", "--allow-empty", "-m", "work")
}

// withRemote gives a repository a bare remote, whose folder it gives.
func withRemote(t testing.TB, r source.Repo) string {
	t.Helper()
	dir := r.Dir + ".git"
	sh(t, r.Dir, "clone", "-q", "--bare", r.Dir, dir)
	sh(t, r.Dir, "remote", "add", "origin", dir)
	return dir
}

// fakeWork takes files named Dockerfile. The transform small makes "big" "small" and safe makes
// "root" "user" in them; a line "ignore" writes .dockerignore. "panic", "hang", "fail" and "bad" do as they say.
func fakeWork(ctx context.Context, dir string) (out []*report.File, facts []result.Facts, err error) {
	ignore := ""
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != "Dockerfile" || strings.Contains(name, "/.git/") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		before := string(text)
		switch {
		case strings.Contains(before, "panic"):
			panic("as asked")
		case strings.Contains(before, "hang"):
			<-stuck
		case strings.Contains(before, "slow"):
			<-ctx.Done()
			return ctx.Err()
		case strings.Contains(before, "fail"):
			return fmt.Errorf("%s: no luck", name)
		case strings.Contains(before, "bad"):
			out = append(out, report.Failed(rel, "", errors.New("bad\x1b[31m text\nmore")))
			return nil
		}
		f := &report.File{Path: rel, Outcomes: []report.Outcome{}, Declined: []report.Decline{}, Findings: []report.Finding{}}
		after := before
		for _, t := range [][3]string{{"small", "big", "small"}, {"safe", "root", "user"}} {
			now := strings.ReplaceAll(after, t[1], t[2])
			if now == after {
				continue
			}
			after = now
			o := report.Outcome{Status: "applied", Transform: t[0], Title: t[1] + " becomes " + t[2], Why: "it is @better, see #1", Safety: "safe"}
			f.Outcomes = append(f.Outcomes, o)
			f.Steps = append(f.Steps, report.Step{Outcome: o, Files: map[string]string{rel: after}})
		}
		if after != before {
			f.Patches = []*report.Patch{{Path: rel, Before: before, After: after}}
		}
		if strings.Contains(before, "ignore") {
			now := ignore + rel + "\n"
			f.Patches = append(f.Patches, &report.Patch{Path: ".dockerignore", Before: ignore, After: now, Created: ignore == ""})
			ignore = now
			o := report.Outcome{Status: "applied", Transform: "dockerignore", Title: "ignores itself", File: ".dockerignore"}
			f.Outcomes = append(f.Outcomes, o)
			f.Steps = append(f.Steps, report.Step{Outcome: o, Files: map[string]string{".dockerignore": now}})
		}
		f.Changed = len(f.Patches) > 0
		out = append(out, f)
		return nil
	})
	return out, make([]result.Facts, len(out)), err
}

// stuck is what "hang" waits for, heedless of its context.
var stuck = make(chan struct{})

func list(repos ...source.Repo) iter.Seq2[source.Repo, error] {
	return func(yield func(source.Repo, error) bool) {
		for _, r := range repos {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// quickDir is a folder in memory, where the system has such: for what writes to disk thousands of times.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "drydock-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// options are those of most tests.
func options(t testing.TB, repos ...source.Repo) Options {
	dir := t.TempDir()
	return Options{
		Repos: list(repos...), Work: fakeWork, IsDockerfile: func(n string) bool { return n == "Dockerfile" }, Workers: 2, Version: "1.0",
		Journal: filepath.Join(dir, "journal"), Cache: filepath.Join(dir, "cache"), Temp: filepath.Join(dir, "temp"),
	}
}

// do runs and gives the results by name.
func do(t testing.TB, o Options) (Summary, map[string]*result.Result) {
	t.Helper()
	s, err := Run(t.Context(), o)
	must(t, err)
	return s, read(t, o.Journal)
}

func read(t testing.TB, path string) map[string]*result.Result {
	t.Helper()
	m, err := journal.Read(path)
	must(t, err)
	defer m.Close()
	out := map[string]*result.Result{}
	for r, err := range m.Results() {
		must(t, err)
		out[r.Name] = r
	}
	return out
}

// fakeForge keeps pull requests of bare repositories, as a forge does.
type fakeForge struct {
	mu      sync.Mutex
	dirs    map[string]string // by owner/name
	pulls   map[string][]*forge.Pull
	said    []string // comments and calls that change something
	broken  map[string]error
	creates int
}

func newForge() *fakeForge {
	return &fakeForge{dirs: map[string]string{}, pulls: map[string][]*forge.Pull{}, broken: map[string]error{}}
}

// repo puts a bare repository at the forge.
func (f *fakeForge) repo(t testing.TB, dir string, fs files) source.Repo {
	t.Helper()
	r := makeRepo(t, dir, fs)
	bare := withRemote(t, r)
	name := filepath.Base(dir)
	f.dirs["o/"+name] = bare
	return source.Repo{Name: "o/" + name, URL: "file://" + bare, Owner: "o", Slug: name, Forge: f}
}

func (f *fakeForge) Name() string   { return "fake" }
func (f *fakeForge) Auth() git.Auth { return git.Auth{} }
func (f *fakeForge) List(context.Context, string, forge.Filter) iter.Seq2[forge.Repository, error] {
	panic("not used")
}
func (f *fakeForge) Get(context.Context, string, string) (forge.Repository, error) {
	panic("not used")
}

func (f *fakeForge) Find(_ context.Context, owner, name, branch string) (*forge.Pull, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken[name]; err != nil {
		return nil, err
	}
	list := f.pulls[owner+"/"+name]
	for _, open := range []bool{true, false} {
		for _, p := range slices.Backward(list) {
			if p.Head == branch && (p.State == forge.Open) == open {
				c := *p
				return &c, nil
			}
		}
	}
	return nil, nil
}

func (f *fakeForge) Create(_ context.Context, owner, name string, p forge.Proposal) (*forge.Pull, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := run1(f.dirs[owner+"/"+name], "rev-parse", "--verify", "refs/heads/"+p.Head); err != nil {
		return nil, err
	}
	key := owner + "/" + name
	n := len(f.pulls[key]) + 1
	f.pulls[key] = append(f.pulls[key], &forge.Pull{Number: n, URL: fmt.Sprint("http://fake/", key, "/", n), State: forge.Open, Title: p.Title, Body: p.Body, Head: p.Head, Base: p.Base, Created: time.Now()})
	f.creates++
	c := *f.pulls[key][n-1]
	return &c, nil
}

func (f *fakeForge) Update(_ context.Context, owner, name string, number int, p forge.Proposal) (*forge.Pull, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pull := f.pulls[owner+"/"+name][number-1]
	pull.Title, pull.Body = p.Title, p.Body
	f.said = append(f.said, fmt.Sprint("update ", name, " ", number))
	c := *pull
	c.Changed = true
	return &c, nil
}

func (f *fakeForge) Close(_ context.Context, owner, name string, pull forge.Pull, comment string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulls[owner+"/"+name][pull.Number-1].State = forge.Closed
	f.said = append(f.said, fmt.Sprint("close ", name, " ", pull.Number, ": ", comment))
	_, err := run1(f.dirs[owner+"/"+name], "update-ref", "-d", "refs/heads/"+pull.Head)
	return err
}

func (f *fakeForge) state(name string, n int, s forge.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulls[name][n-1].State = s
}
