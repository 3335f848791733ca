package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What git takes from elsewhere, and configurations that change what a work tree holds.
func TestCleanInDoubtIsNot(t *testing.T) {
	for name, change := range map[string]func(dir string){
		"yes":         func(string) {},
		"autocrlf":    func(dir string) { sh(t, dir, "config", "core.autocrlf", "input") },
		"eol":         func(dir string) { write(t, dir, ".git/info/attributes", "* eol=crlf\n") },
		"index v4":    func(dir string) { sh(t, dir, "update-index", "--index-version=4") },
		"split index": func(dir string) { sh(t, dir, "update-index", "--split-index") },
		"assumed":     func(dir string) { sh(t, dir, "update-index", "--assume-unchanged", "Dockerfile") },
		"skipped":     func(dir string) { sh(t, dir, "update-index", "--skip-worktree", "Dockerfile") },
		"ignored": func(dir string) {
			write(t, dir, ".git/info/exclude", "x\n")
			write(t, dir, "x", "x")
		},
		"untracked hidden": func(dir string) {
			sh(t, dir, "config", "status.showUntrackedFiles", "no")
			write(t, dir, "x", "x")
		},
		"nested": func(dir string) { sh(t, dir, "init", "-q", "nested") },
	} {
		dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
		change(dir)
		r := open(t, dir)
		h, err := r.Head(t.Context())
		if err != nil || h.Clean != (name == "yes") {
			t.Errorf("%s: clean %v, %v", name, h.Clean, err)
		}
	}
	sub := made(t, map[string]string{"a/b": "x"})
	for dir, want := range map[string]string{filepath.Join(sub, "a"): "not a git repository", t.TempDir(): "not a git repository", filepath.Join(sub, "none"): "no such file"} {
		if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	// A hook of git's calls us with these.
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_INDEX_FILE", "/nowhere")
	t.Setenv("GIT_CONFIG_PARAMETERS", "'core.worktree=/nowhere'")
	if h := head(t, open(t, sub)); !h.Clean {
		t.Error("the caller's variables count")
	}
}

// The format of objects may be spelled out where it is the usual one.
func TestObjectFormats(t *testing.T) {
	for format, long := range map[string]int{"sha1": 40, "sha256": 64} {
		dir := filepath.Join(t.TempDir(), "repo")
		sh(t, "", "init", "-q", "--object-format="+format, dir)
		sh(t, dir, "config", "core.repositoryFormatVersion", "1")
		sh(t, dir, "config", "extensions.objectFormat", format)
		write(t, dir, "Dockerfile", "FROM a\n")
		sh(t, dir, "add", "-A")
		sh(t, dir, "commit", "-q", "-m", "first")
		r := open(t, dir)
		h := head(t, r)
		if !h.Clean {
			t.Errorf("%s: not clean", format)
		}
		if id := mk(t, r, commitOf(h.Commit, "Dockerfile", "FROM b\n")); len(id) != long {
			t.Errorf("%s: commit %s", format, id)
		}
	}
}

// A user's configuration may hold for some folders only.
func TestCleanWithConditionalSettings(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	other := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	home := t.TempDir()
	at, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, home, "config", "[includeIf \"gitdir:"+at+"/\"]\n\tpath = crlf\n")
	write(t, home, "crlf", "[core]\n\tautocrlf = true\n")
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, "config"))
	if head(t, open(t, dir)).Clean {
		t.Error("clean, where git changes line ends")
	}
	if !head(t, open(t, other)).Clean {
		t.Error("not clean, where it doesn't")
	}
}

func TestSignedAndSignedOff(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen signs here, and is not installed")
	}
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	sh(t, dir, "config", "gpg.format", "ssh")
	sh(t, dir, "config", "user.signingKey", key)
	sh(t, dir, "config", "gpg.ssh.program", "touch "+ran)
	r := open(t, dir)
	c := commitOf(head(t, r).Commit, "Dockerfile", "FROM b\n")
	c.Sign, c.SignOff = true, true
	id := mk(t, r, c)
	raw := sh(t, dir, "cat-file", "-p", id)
	if !strings.Contains(raw, "\ngpgsig -----BEGIN SSH SIGNATURE-----") || !strings.HasSuffix(raw, "Drydock: yes\nSigned-off-by: Ann <ann@example.com>") {
		t.Errorf("commit is\n%s", raw)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the repository's configuration ran")
	}
	sh(t, dir, "config", "user.signingKey", filepath.Join(dir, "none"))
	if _, err := r.Make(t.Context(), c); err == nil || !strings.Contains(err.Error(), "can't be signed") {
		t.Errorf("without a key: %v", err)
	}
}

func TestNobodyCommits(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	r := open(t, dir)
	c := commitOf(head(t, r).Commit, "Dockerfile", "FROM b\n")
	if _, err := r.Make(t.Context(), c); err == nil || !strings.Contains(err.Error(), "doesn't know who commits") {
		t.Errorf("%v", err)
	}
	c.Author = Person{"Bo", "bo@example.com"}
	id := mk(t, r, c)
	if got := sh(t, dir, "log", "-1", "--format=%an %cn", id); got != "Bo Bo" {
		t.Errorf("by %s", got)
	}
}

// A branch that somebody works on, in whatever way, is left alone.
func TestBranchInUse(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	r := open(t, dir)
	commit := head(t, r).Commit
	id := mk(t, r, commitOf(commit, "Dockerfile", "FROM b\n"))
	refused := func(name, old, where string) {
		t.Helper()
		err := r.SetBranch(t.Context(), name, id, old)
		if err == nil || !strings.Contains(err.Error(), "in use in the work tree "+where) {
			t.Errorf("%s: %v", name, err)
		}
	}
	linked, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	linked = filepath.Join(linked, "linked")
	sh(t, dir, "worktree", "add", "-q", "-b", "linked", linked)
	refused("linked", commit, linked)
	for _, branch := range []string{"side", "rebased"} { // two that can't be put on top of each other
		sh(t, linked, "checkout", "-q", "-b", branch, commit)
		write(t, linked, "Dockerfile", "FROM "+branch+"\n")
		sh(t, linked, "commit", "-qam", branch)
	}
	tip := sh(t, linked, "rev-parse", "HEAD")
	if err := exec.CommandContext(t.Context(), "git", "-C", linked, "rebase", "-q", "side").Run(); err == nil {
		t.Fatal("no conflict")
	}
	refused("rebased", tip, linked)
	sh(t, linked, "rebase", "--abort")
	sh(t, dir, "bisect", "start", "-q")
	refused("main", commit, r.Dir)
	sh(t, dir, "bisect", "reset")
	sh(t, dir, "checkout", "-q", "--orphan", "unborn")
	refused("unborn", "", r.Dir)
	if err := r.SetBranch(t.Context(), "free/one", id, ""); err != nil {
		t.Error(err)
	}
	if err := r.SetBranch(t.Context(), "free", id, ""); err == nil {
		t.Error("a branch in the place of a folder of branches")
	}
}
