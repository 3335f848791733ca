package git_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drydock/bulk/bulktest"
	"drydock/bulk/git"
	"drydock/bulk/result"
)

// Repositories of all kinds are read and committed to as bulk does it, and
// nothing but objects and the branch is new in them.
func TestWorldStaysClean(t *testing.T) {
	w, err := bulktest.Generate(t.TempDir(), 45, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", w.Home)
	t.Setenv("XDG_CONFIG_HOME", w.Home)
	before, err := bulktest.Take(w.Tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range w.Repos {
		if want.Status == result.Skipped && strings.Contains(want.Reason, "linked") {
			continue
		}
		status, reason, changed := work(t, want)
		if status != want.Status || !strings.Contains(reason, want.Reason) || !slices.Equal(changed, want.Changed) {
			t.Errorf("%s (%q): %s %q %q, want %s %q %q", want.Kind, want.Name, status, reason, changed, want.Status, want.Reason, want.Changed)
		}
	}
	after, err := bulktest.Take(w.Tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range before.Differs(after, "drydock/all") {
		t.Errorf("%q", d)
	}
	if ran, err := os.ReadFile(w.Ran); err == nil {
		t.Errorf("programs of repositories ran: %s", ran)
	}
	if err := os.WriteFile(filepath.Join(w.Repos[0].Dir, "x"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if later, err := bulktest.Take(w.Tree); err != nil || len(after.Differs(later, "drydock/all")) != 1 {
		t.Errorf("a file that is new isn't seen: %v", err)
	}
}

// work does what bulk does, with a transform of its own.
func work(t *testing.T, want bulktest.Repository) (result.Status, string, []string) {
	t.Helper()
	ctx := t.Context()
	r, err := git.Open(ctx, want.Dir)
	if errors.Is(err, git.ErrNotGit) && want.NoGit {
		return want.Status, want.Reason, want.Changed
	}
	var h git.Head
	if err == nil {
		h, err = r.Head(ctx)
	}
	if errors.Is(err, git.ErrEmpty) {
		return result.Skipped, err.Error(), nil
	} else if err != nil {
		return result.Failed, err.Error(), nil
	}
	names, err := r.Files(ctx, h.Commit)
	if err != nil {
		return result.Failed, err.Error(), nil
	}
	dir := t.TempDir()
	if err := r.Checkout(ctx, h.Commit, dir); err != nil {
		return result.Failed, err.Error(), nil
	}
	c := git.Commit{Parent: h.Commit, Message: "all\n", When: time.Unix(1_700_000_000, 0)}
	var changed []string
	found := false
	for _, name := range names {
		if filepath.Base(name) != "Dockerfile" {
			continue
		}
		found = true
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if h.Clean {
			if here, err := os.ReadFile(filepath.Join(r.Dir, name)); err != nil || string(here) != string(text) {
				t.Errorf("%s: said to be clean, but %s is %q instead of %q (%v)", want.Kind, name, here, text, err)
			}
		}
		if now := strings.Replace(string(text), "apt-get install -y", "apt-get install -qy", 1); now != string(text) {
			c.Edits, changed = append(c.Edits, git.Edit{Path: name, Text: now}), append(changed, name)
		}
	}
	switch {
	case !found:
		return result.Skipped, "no Dockerfile", nil
	case changed == nil:
		return result.Unchanged, "", nil
	}
	id, err := r.Make(ctx, c)
	if err != nil {
		return result.Failed, err.Error(), nil
	}
	if err := r.SetBranch(ctx, "drydock/all", id, ""); err != nil {
		return result.Failed, err.Error(), nil
	}
	stat := exec.CommandContext(ctx, "git", "diff", "--numstat", "--no-ext-diff", h.Commit, id)
	stat.Dir, stat.Env = dir, append(os.Environ(), "GIT_DIR="+r.Git)
	if out, err := stat.CombinedOutput(); err != nil || strings.Count(string(out), "1\t1\t") != len(changed) {
		t.Errorf("%s: not one line of each file: %s %v", want.Kind, out, err)
	}
	fsck := exec.CommandContext(ctx, "git", "fsck", "--no-dangling", "--strict", "drydock/all")
	fsck.Dir, fsck.Env = dir, append(os.Environ(), "GIT_DIR="+r.Git)
	if out, err := fsck.CombinedOutput(); err != nil {
		t.Errorf("%s: fsck: %s", want.Kind, out)
	}
	return result.Changed, "", changed
}
