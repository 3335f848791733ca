package bulk

// A run that is killed at any moment, and goes on, comes to what an unbroken one comes to.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"drydock/bulk/journal"
	"drydock/bulk/source"
)

// crashEnv is the folder of the world that the helper process works on, crashAt the event at
// which it kills itself, and killsEnv how many kills TestCrash takes (make e2e: 100).
const (
	crashEnv = "DRYDOCK_CRASH_TEST"
	crashAt  = "DRYDOCK_CRASH_AT"
	killsEnv = "DRYDOCK_CRASH_KILLS"
)

const crashRepos = 30

// crashOptions are a run that commits and pushes.
func crashOptions(dir string) Options {
	var repos []source.Repo
	for i := range crashRepos {
		name := fmt.Sprintf("r%02d", i)
		repos = append(repos, source.Repo{Name: name, Dir: filepath.Join(dir, name)})
	}
	return Options{
		Repos: list(repos...), Work: fakeWork, IsDockerfile: func(n string) bool { return n == "Dockerfile" }, Workers: 4, Version: "1.0",
		Journal: filepath.Join(dir, "journal"), Temp: filepath.Join(dir, "temp"), Branch: "d", Push: true,
	}
}

// crashHelper is a process that runs, and dies when it was told to.
func crashHelper() {
	o := crashOptions(os.Getenv(crashEnv))
	at, n := 0, 0
	at, _ = strconv.Atoi(os.Getenv(crashAt))
	o.Events = func(Event) {
		if n++; n == at {
			if me, err := os.FindProcess(os.Getpid()); err == nil {
				_ = me.Kill() // SIGKILL
			}
			select {}
		}
	}
	if _, err := Run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// crashWorld makes repositories with remotes whose hook writes a line per push. Two of three
// change, the others are unchanged, dirty or without a Dockerfile.
func crashWorld(t testing.TB, template string) string {
	t.Helper()
	dir := t.TempDir()
	for i := range crashRepos {
		at := filepath.Join(dir, fmt.Sprintf("r%02d", i))
		kind := []string{"change", "change", "change", "dirty", "plain", "none"}[i%6]
		must(t, os.CopyFS(at, os.DirFS(filepath.Join(template, kind))))
		must(t, os.CopyFS(at+".git", os.DirFS(filepath.Join(template, kind+".git"))))
		config := filepath.Join(at, ".git", "config")
		text, err := os.ReadFile(config)
		must(t, err)
		must(t, os.WriteFile(config, bytes.ReplaceAll(text, []byte(filepath.Join(template, kind)+".git"), []byte(at+".git")), 0o666))
	}
	return dir
}

func crashTemplate(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for kind, fs := range map[string]files{
		"change": {"Dockerfile": "FROM big\n", "sub/Dockerfile": "root\n"}, "dirty": {"Dockerfile": "FROM big root\n"},
		"plain": {"Dockerfile": "FROM x\n"}, "none": {"main.go": "x\n"},
	} {
		r := makeRepo(t, filepath.Join(dir, kind), fs)
		bare := withRemote(t, r)
		hook := filepath.Join(bare, "hooks", "post-receive")
		write(t, hook, "#!/bin/sh\nwhile read old new ref; do echo \"$ref\" >>pushes; done\n")
		must(t, os.Chmod(hook, 0o755))
		if kind == "dirty" {
			write(t, filepath.Join(r.Dir, "Dockerfile"), "FROM scratch\n")
			write(t, filepath.Join(r.Dir, "new"), "x\n")
		}
	}
	return dir
}

// endState is what a world has come to, in words, without what depends on when.
func endState(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	results := read(t, filepath.Join(dir, "journal"))
	for i := range crashRepos {
		name := fmt.Sprintf("r%02d", i)
		at := filepath.Join(dir, name)
		r := results[name]
		if r == nil {
			fmt.Fprintf(&b, "%s: no result\n", name)
			continue
		}
		made := r.Made != ""
		fmt.Fprintf(&b, "%s: %s %q made %v (%d) push %q notes %q\n", name, r.Status, r.Reason, made, r.Split, r.Push, r.Notes)
		local := refs(t, at)
		fmt.Fprintf(&b, "  here  %s\n", local)
		if away := refs(t, at+".git"); away != local {
			fmt.Fprintf(&b, "  there %s\n", away)
		}
		if made && !strings.Contains(sh(t, at, "for-each-ref", "--format=%(objectname)"), r.Made) {
			fmt.Fprintf(&b, "  %s is no branch's commit\n", r.Made)
		}
		pushes, _ := os.ReadFile(filepath.Join(at+".git", "pushes"))
		fmt.Fprintf(&b, "  pushes %q\n", pushes)
	}
	temps, _ := filepath.Glob(filepath.Join(dir, "temp", "*"))
	fmt.Fprintf(&b, "temporary folders: %d\n", len(temps))
	return b.String()
}

// refs are the branches with their trees, parents and messages: a commit's own id tells when it was made.
func refs(t testing.TB, dir string) string {
	t.Helper()
	return strings.ReplaceAll(sh(t, dir, "for-each-ref", "--format=%(refname) %(tree) %(parent) %(contents)"), "\n", " ")
}

// TestCrash kills runs at random moments and at random events until enough are killed, and compares
// what each world comes to in the end.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	kills := 8
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		kills = n
	}
	template := crashTemplate(t)
	unbroken := crashWorld(t, template)
	began := time.Now()
	if _, err := Run(t.Context(), crashOptions(unbroken)); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	want := endState(t, unbroken)
	if n := strings.Count(want, `pushes "refs/heads/d\n"`); n != 20 || strings.Count(want, ": changed") != 20 {
		t.Fatalf("%d pushed:\n%s", n, want)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	total, worlds := 0, 0
	for ; total < kills; worlds++ {
		dir := crashWorld(t, template)
		here := 0
		for runs := 0; ; runs++ {
			killed := false
			if runs < 60 && total < kills {
				killed = runAndKill(t, dir, rnd, whole)
			} else if err := helper(dir, 0).Run(); err != nil {
				t.Fatal(err)
			}
			if !killed {
				break
			}
			total, here = total+1, here+1
		}
		// The git of the last one that was killed may still be at its hook.
		got := endState(t, dir)
		for i := 0; got != want && i < 20; i++ {
			time.Sleep(50 * time.Millisecond)
			got = endState(t, dir)
		}
		if got != want {
			t.Fatalf("killed %d times, then:\n%s\nwant:\n%s", here, got, want)
		}
	}
	t.Logf("%d kills in %d worlds", total, worlds)
}

func helper(dir string, at int) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+dir, crashAt+"="+strconv.Itoa(at))
	cmd.Stderr = os.Stderr
	return cmd
}

// runAndKill starts a process that is killed after a random time or at a random event, and tells
// whether it was before it came to its end.
func runAndKill(t testing.TB, dir string, rnd *rand.Rand, whole time.Duration) bool {
	t.Helper()
	at := 0
	if rnd.IntN(2) == 0 {
		at = 1 + rnd.IntN(60)
	}
	cmd := helper(dir, at)
	must(t, cmd.Start())
	if at == 0 {
		go func() {
			time.Sleep(time.Duration(rnd.Int64N(int64(whole/2 + 1))))
			_ = cmd.Process.Kill()
		}()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err == nil {
		return false
	}
	if !errors.As(err, &exit) || !strings.Contains(exit.String(), "killed") {
		t.Fatalf("it failed by itself: %v", err)
	}
	return true
}

// TestCutJournal cuts the journal of a run that ended at every byte: going on gives the same results.
func TestCutJournal(t *testing.T) {
	dir := quickDir(t)
	var repos []source.Repo
	for _, n := range []string{"a", "b"} {
		write(t, filepath.Join(dir, n, "Dockerfile"), "FROM big\n")
		repos = append(repos, source.Repo{Name: n, Dir: filepath.Join(dir, n)})
	}
	o := options(t, repos...)
	o.Workers, o.Journal, o.Temp = 1, filepath.Join(dir, "journal"), filepath.Join(dir, "temp")
	state := func() string {
		var b strings.Builder
		got := read(t, o.Journal)
		for _, r := range repos {
			fmt.Fprintf(&b, "%s %s %q %d;", r.Name, got[r.Name].Status, got[r.Name].Files[0].Diff, len(got[r.Name].Facts))
		}
		return b.String()
	}
	do(t, o)
	text, err := os.ReadFile(o.Journal)
	must(t, err)
	want := state()
	for at := range len(text) {
		o.Journal = filepath.Join(dir, fmt.Sprint("journal", at))
		must(t, os.WriteFile(o.Journal, text[:at], 0o666))
		if s, err := Run(t.Context(), o); err != nil || s.Repositories != 2 || s.Changed != 2 {
			t.Fatalf("cut at %d: %+v, %v", at, s, err)
		}
		if got := state(); got != want {
			t.Fatalf("cut at %d: %s", at, got)
		}
		must(t, os.Remove(o.Journal))
	}
}

// TestCutJournalPushed does that to a run that pushed, at and around the end of each record.
func TestCutJournalPushed(t *testing.T) {
	dir := t.TempDir()
	r := makeRepo(t, filepath.Join(dir, "r"), files{"Dockerfile": "FROM big\n"})
	bare := withRemote(t, r)
	hook := filepath.Join(bare, "hooks", "post-receive")
	write(t, hook, "#!/bin/sh\necho x >>pushes\n")
	must(t, os.Chmod(hook, 0o755))
	o := options(t, r)
	o.Branch, o.Push = "d", true
	_, got := do(t, o)
	made := got["r"].Made
	text, err := os.ReadFile(o.Journal)
	must(t, err)
	for i, c := range text {
		if c != '\n' {
			continue
		}
		for _, at := range []int{i - 20, i, i + 1} {
			must(t, os.WriteFile(o.Journal, text[:min(at, len(text))], 0o666))
			_, got := do(t, o)
			pushes, _ := os.ReadFile(filepath.Join(bare, "pushes"))
			if got["r"].Made != made || got["r"].Push == "" || string(pushes) != "x\n" || sh(t, bare, "rev-parse", "d") != made {
				t.Errorf("cut at %d: %+v, pushes %q", at, got["r"], pushes)
			}
		}
	}
}

// truncateAfter cuts a journal behind the last step of a kind.
func truncateAfter(t testing.TB, path string, k journal.Kind) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	at := bytes.LastIndex(text, []byte(`"kind":"`+string(k)+`"`))
	if at < 0 {
		t.Fatalf("no step %s in\n%s", k, text)
	}
	end := at + bytes.IndexByte(text[at:], '\n') + 1
	must(t, os.Truncate(path, int64(end)))
}
