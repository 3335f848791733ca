package bulk

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drydock/bulk/forge"
	"drydock/bulk/journal"
	"drydock/bulk/result"
	"drydock/bulk/source"
)

// set changes a file of a repository at the forge.
func (f *fakeForge) set(t testing.TB, dir, name, text string) {
	t.Helper()
	write(t, filepath.Join(dir, name), text)
	commitAll(t, dir)
	sh(t, dir, "push", "-q", "origin", "main")
}

func did(r *result.Result) string {
	if r == nil || r.Pull == nil {
		return ""
	}
	return r.Pull.Did
}

// TestPulls follows pull requests through several runs.
func TestPulls(t *testing.T) {
	dir := t.TempDir()
	f := newForge()
	one := f.repo(t, filepath.Join(dir, "one"), files{"Dockerfile": "FROM big\n"})
	plain := f.repo(t, filepath.Join(dir, "plain"), files{"Dockerfile": "FROM x\n"})
	none := f.repo(t, filepath.Join(dir, "none"), files{"README": "x\n"})
	broken := f.repo(t, filepath.Join(dir, "broken"), files{"Dockerfile": "FROM big\n"})
	local := makeRepo(t, filepath.Join(dir, "local"), files{"Dockerfile": "big\n"})
	withRemote(t, local)
	f.broken["broken"] = errors.New("forge.example: 401: the token of X_TOKEN was refused")
	o := options(t, one, plain, none, broken, local)
	o.Branch, o.Push, o.Pulls = "drydock", true, &Pulls{CloseEmpty: true}
	s, got := do(t, o)
	if s.Pulls["opened"] != 1 || did(got["o/one"]) != "opened" || got["o/one"].Pull.Number != 1 || got["o/one"].Push != "pushed" {
		t.Fatalf("%+v %+v", s, got["o/one"])
	}
	if got["o/plain"].Status != "unchanged" || got["o/none"].Reason != "no Dockerfile" || got["o/none"].Status != "skipped" {
		t.Errorf("%+v %+v", got["o/plain"], got["o/none"])
	}
	if r := got["o/broken"]; r.Status != "failed" || !strings.Contains(r.Reason, "X_TOKEN") || r.Push != "" {
		t.Errorf("%+v", r)
	}
	if r := got["local"]; r.Status != "skipped" || !strings.Contains(r.Reason, "not at a forge") {
		t.Errorf("%+v", r)
	}
	pull := f.pulls["o/one"][0]
	has(t, "the title", pull.Title, "Dockerfile: big becomes small")
	has(t, "the body", pull.Body, "<!-- drydock-change: ", "### `Dockerfile`", "- **big becomes small** (`small`)", "it is @\u200bbetter, see \\#\u200b1", "drydock diff Dockerfile", "Made by drydock 1.0")
	if pull.Base != "main" {
		t.Error(pull.Base)
	}

	if _, got = do(t, o); did(got["o/one"]) != "unchanged" || len(f.said) != 0 || f.creates != 1 {
		t.Errorf("again: %+v, %v", got["o/one"].Pull, f.said)
	}
	f.set(t, filepath.Join(dir, "one"), "Dockerfile", "FROM big root\n")
	if _, got = do(t, o); did(got["o/one"]) != "updated" || !strings.Contains(pull.Body, "root becomes user") || got["o/one"].Push != "pushed" {
		t.Errorf("another change: %+v, %s", got["o/one"], pull.Body)
	}

	f.state("o/one", 1, forge.Closed)
	if _, got = do(t, o); got["o/one"].Status != "skipped" || did(got["o/one"]) != "declined" || !strings.Contains(got["o/one"].Reason, "--reopen") || f.creates != 1 {
		t.Errorf("closed by someone: %+v", got["o/one"])
	}
	o.Pulls.Reopen = true
	if _, got = do(t, o); did(got["o/one"]) != "opened" || got["o/one"].Pull.Number != 2 {
		t.Errorf("--reopen: %+v", got["o/one"])
	}
	o.Pulls.Reopen = false

	f.said = nil
	f.set(t, filepath.Join(dir, "one"), "Dockerfile", "FROM x\n")
	if _, got = do(t, o); did(got["o/one"]) != "closed" || got["o/one"].Status != "unchanged" || f.pulls["o/one"][1].State != forge.Closed {
		t.Errorf("nothing left: %+v %v", got["o/one"], f.said)
	}
	if _, err := run1(f.dirs["o/one"], "rev-parse", "--verify", "drydock"); err == nil {
		t.Error("the branch is still there")
	}
	f.set(t, filepath.Join(dir, "one"), "Dockerfile", "FROM big root\n")
	if _, got = do(t, o); did(got["o/one"]) != "opened" || got["o/one"].Pull.Number != 3 {
		t.Errorf("closed by drydock, needed again: %+v", got["o/one"])
	}

	// Others' commits on the branch: neither replaced nor closed.
	theirs := sh(t, f.dirs["o/one"], "commit-tree", "drydock^{tree}", "-p", "drydock", "-m", "mine")
	sh(t, f.dirs["o/one"], "update-ref", "refs/heads/drydock", theirs)
	f.set(t, filepath.Join(dir, "one"), "Dockerfile", "FROM x\n")
	if _, got = do(t, o); did(got["o/one"]) != "unchanged" || len(got["o/one"].Notes) != 1 || sh(t, f.dirs["o/one"], "rev-parse", "drydock") != theirs {
		t.Errorf("others' commits, nothing left: %+v", got["o/one"])
	}
	f.set(t, filepath.Join(dir, "one"), "Dockerfile", "FROM big big\n")
	if _, got = do(t, o); got["o/one"].Status != "skipped" || sh(t, f.dirs["o/one"], "rev-parse", "drydock") != theirs {
		t.Errorf("others' commits, another change: %+v", got["o/one"])
	}
}

// TestMaxOpen: no more are open than may be, whichever of the list they are; the rest waits, and nothing is
// pushed for it.
func TestMaxOpen(t *testing.T) {
	dir := t.TempDir()
	f := newForge()
	var repos []source.Repo
	for i := range 6 {
		repos = append(repos, f.repo(t, filepath.Join(dir, fmt.Sprint("r", i)), files{"Dockerfile": "FROM big\n"}))
	}
	o := options(t, repos[4:]...) // r4 and r5 are open from an earlier run
	o.Branch, o.Push, o.Pulls = "d", true, &Pulls{MaxOpen: 3, Pause: 20 * time.Millisecond}
	do(t, o)
	o.Repos = list(repos...)
	var pauses int
	o.Events = func(e Event) {
		if e.Kind == Wait {
			pauses++
		}
	}
	s, got := do(t, o)
	if s.Pulls["opened"] != 1 || s.Pulls["waiting"] != 3 || s.Pulls["unchanged"] != 2 || s.Repositories != 6 || did(got["o/r0"]) != "opened" {
		t.Fatalf("%+v %+v", s, got["o/r0"])
	}
	if r := got["o/r1"]; r.Status != "changed" || did(r) != "waiting" || r.Push != "" || sh(t, f.dirs["o/r1"], "for-each-ref", "refs/heads/d") != "" {
		t.Errorf("%+v", r)
	}
	f.state("o/r4", 1, forge.Merged)
	f.set(t, filepath.Join(dir, "r4"), "Dockerfile", "FROM small\n")
	f.state("o/r5", 1, forge.Closed)
	if s, got = do(t, o); s.Pulls["opened"] != 2 || s.Pulls["waiting"] != 1 || s.Pulls["declined"] != 1 || did(got["o/r3"]) != "waiting" || pauses == 0 {
		t.Errorf("%+v, %d pauses", s, pauses)
	}
}

// TestPullsGoOn: a run that ended anywhere between the push and the end of the opening comes to the same
// result, and a journal that lost everything opens nothing a second time.
func TestPullsGoOn(t *testing.T) {
	dir := t.TempDir()
	f := newForge()
	r := f.repo(t, filepath.Join(dir, "r"), files{"Dockerfile": "FROM big\n"})
	o := options(t, r)
	o.Branch, o.Push, o.Pulls = "d", true, &Pulls{CloseEmpty: true}
	_, want := do(t, o)
	cut := func(last journal.Kind) {
		t.Helper()
		truncateAfter(t, o.Journal, last)
	}
	for _, k := range []journal.Kind{journal.Pushing, journal.Opening, journal.Opened} {
		cut(k)
		s, got := do(t, o)
		res := got["o/r"]
		res.Seconds = want["o/r"].Seconds
		if k == journal.Pushing {
			// That it was this run that opened it nobody can know: a forge's answer came, and the record of it didn't.
			if res.Pull.Did != "unchanged" {
				t.Errorf("%s: %+v", k, res.Pull)
			}
			res.Pull.Did = "opened"
		}
		if fmt.Sprintf("%+v %+v", *res.Pull, res.Push) != fmt.Sprintf("%+v %+v", *want["o/r"].Pull, want["o/r"].Push) || f.creates != 1 || s.Repositories != 1 {
			t.Errorf("%s: %+v %+v", k, res, res.Pull)
		}
		do(t, options2(o, t)) // another journal: nothing is done
		if f.creates != 1 {
			t.Error("opened twice")
		}
		// The journal of the first run again.
		if _, got := do(t, o); did(got["o/r"]) != "unchanged" {
			t.Errorf("%+v", got["o/r"].Pull)
		}
		must(t, restart(t, f, r, o))
	}

	f.set(t, filepath.Join(dir, "r"), "Dockerfile", "FROM x\n")
	do(t, o)
	cut(journal.Closing)
	if _, got := do(t, o); did(got["o/r"]) != "closed" || len(f.pulls["o/r"]) != 1 {
		t.Errorf("%+v", got["o/r"].Pull)
	}
}

// options2 are the same with another journal.
func options2(o Options, t testing.TB) Options {
	o.Journal = filepath.Join(t.TempDir(), "journal")
	return o
}

// restart brings the forge back to before the pull request, and runs, so that the journal has all records.
func restart(t testing.TB, f *fakeForge, r source.Repo, o Options) error {
	t.Helper()
	f.pulls, f.creates = map[string][]*forge.Pull{}, 0
	if _, err := run1(f.dirs[r.Name], "update-ref", "-d", "refs/heads/d"); err != nil {
		return err
	}
	_, err := Run(t.Context(), o)
	return err
}
