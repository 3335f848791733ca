package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCloneUpdatesAndHeals(t *testing.T) {
	up := made(t, map[string]string{"Dockerfile": "FROM a\n", "other": "o\n"})
	write(t, up, "more", "m\n")
	sh(t, up, "add", "-A")
	sh(t, up, "commit", "-qm", "second")
	dir := filepath.Join(t.TempDir(), "cache", "c")
	clone := func() (*Repo, error) {
		return Clone(context.Background(), "file://"+up, dir, CloneOptions{Depth: 1})
	}
	good := func(want string) *Repo {
		t.Helper()
		r, err := clone()
		if err != nil {
			t.Fatal(err)
		}
		h := head(t, r)
		if h.Commit != sh(t, up, "rev-parse", "HEAD") || h.Branch != want || h.Clean {
			t.Fatalf("head %+v, want %s", h, want)
		}
		names, err := r.Files(t.Context(), h.Commit)
		if err != nil || strings.Join(names, " ") != sh(t, up, "-c", "core.quotepath=false", "ls-tree", "-r", "--name-only", "HEAD") && len(names) != strings.Count(sh(t, up, "ls-tree", "-r", "HEAD"), "\n")+1 {
			t.Fatalf("files %q %v", names, err)
		}
		return r
	}
	r := good("main")
	if got := sh(t, dir, "rev-list", "--objects", "--missing=print", "HEAD"); strings.Count(got, "\n?") != 3 {
		t.Errorf("not without blobs and shallow: %s", got)
	}
	to := t.TempDir()
	if err := r.Checkout(t.Context(), head(t, r).Commit, to); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(to, "Dockerfile")); err != nil || string(b) != "FROM a\n" {
		t.Errorf("%q %v", b, err)
	}
	good("main")
	sh(t, up, "commit", "-q", "--amend", "-m", "rewritten")
	good("main")
	sh(t, up, "branch", "-m", "main", "trunk")
	good("trunk")
	sh(t, up, "checkout", "-q", "--detach")
	good("")
	sh(t, up, "checkout", "-q", "trunk")
	good("trunk")
	for _, damage := range []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("garbage"), 0o666) },
		func() error { return os.RemoveAll(filepath.Join(dir, "objects")) },
		func() error { return os.WriteFile(filepath.Join(dir, "refs/heads/trunk"), nil, 0o666) },
		func() error { return os.WriteFile(filepath.Join(dir, "config"), []byte("[[["), 0o666) },
		func() error { return os.Rename(dir, dir+".old") },
		func() error { return os.MkdirAll(dir+".new/objects", 0o777) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		good("trunk")
	}
	sh(t, up, "checkout", "-q", "--orphan", "none")
	sh(t, up, "branch", "-D", "trunk")
	if _, err := clone(); !errors.Is(err, ErrEmpty) {
		t.Errorf("emptied: %v", err)
	}
	mine := t.TempDir()
	write(t, mine, "precious", "x")
	if _, err := Clone(t.Context(), "file://"+up, mine, CloneOptions{}); err == nil || !strings.Contains(err.Error(), "not a clone of drydock's") {
		t.Errorf("a folder of someone's: %v", err)
	}
}

// Two processes that want the same clone get it one after the other.
func TestClonesAtOnce(t *testing.T) {
	up := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	dir := filepath.Join(t.TempDir(), "c")
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			r, err := Clone(t.Context(), "file://"+up, dir, CloneOptions{})
			if err == nil {
				_, err = r.Head(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Clone(ctx, "file://"+up, dir, CloneOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestPush(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	bare := filepath.Join(t.TempDir(), "bare.git")
	sh(t, "", "clone", "-q", "--bare", dir, bare)
	sh(t, dir, "remote", "add", "origin", bare)
	marker := filepath.Join(t.TempDir(), "ran")
	write(t, dir, ".git/hooks/pre-push", "#!/bin/sh\ntouch "+marker+"\n")
	write(t, dir, ".git/hooks/reference-transaction", "#!/bin/sh\ntouch "+marker+"\n")
	for _, h := range []string{"pre-push", "reference-transaction"} {
		if err := os.Chmod(filepath.Join(dir, ".git/hooks", h), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, dir)
	h := head(t, r)
	url, err := r.Remote(t.Context(), "origin")
	if err != nil || url != bare {
		t.Fatalf("%q %v", url, err)
	}
	if none, err := r.Remote(t.Context(), "upstream"); none != "" || err != nil {
		t.Errorf("no remote: %q %v", none, err)
	}
	first := mk(t, r, commitOf(h.Commit, "Dockerfile", "FROM b\n"))
	if err := r.Push(t.Context(), url, "drydock", first, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := r.RemoteBranch(t.Context(), url, "drydock"); got != first || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := r.Push(t.Context(), url, "drydock", first, first); err != nil {
		t.Errorf("again: %v", err)
	}
	second := mk(t, r, commitOf(h.Commit, "Dockerfile", "FROM c\n"))
	if err := r.Push(t.Context(), url, "drydock", second, ""); err == nil || !strings.Contains(err.Error(), "has moved at the remote") {
		t.Errorf("stale: %v", err)
	}
	if err := r.Push(t.Context(), url, "drydock", second, first); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a hook ran")
	}
	write(t, bare, "hooks/pre-receive", "#!/bin/sh\necho 'GitLab: You are not allowed to push code to protected branches on this project.'\nexit 1\n")
	if err := os.Chmod(filepath.Join(bare, "hooks/pre-receive"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), url, "other", second, ""); err == nil || !strings.Contains(err.Error(), "the branch is protected") || strings.Contains(err.Error(), "\n") {
		t.Errorf("protected: %v", err)
	}
	if err := r.Push(t.Context(), filepath.Join(t.TempDir(), "none"), "x", second, ""); err == nil || !strings.Contains(err.Error(), "no such repository") {
		t.Errorf("nothing there: %v", err)
	}
	for _, url := range []string{"ext::sh -c touch% " + marker, "-oProxyCommand=x", "--upload-pack=x", "foo://x/y"} {
		if err := r.Push(t.Context(), url, "x", second, ""); err == nil || !strings.Contains(err.Error(), "are understood") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOurs(t *testing.T) {
	up := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	upr := open(t, up)
	base0 := head(t, upr).Commit
	ours := mk(t, upr, commitOf(base0, "Dockerfile", "FROM b\n"))
	ours2 := mk(t, upr, commitOf(ours, "Dockerfile", "FROM c\n"))
	theirs := commitOf(ours2, "Dockerfile", "FROM d\n")
	theirs.Message = "by hand"
	foreign := mk(t, upr, theirs)
	onTop := mk(t, upr, commitOf(foreign, "Dockerfile", "FROM e\n"))
	for name, id := range map[string]string{"ours": ours2, "foreign": foreign, "top": onTop} {
		sh(t, up, "branch", name, id)
	}
	for i := range 60 { // further than the first step fetches
		write(t, up, "n", strings.Repeat("x", i+1))
		sh(t, up, "add", "-A")
		sh(t, up, "commit", "-qm", "n")
	}
	r, err := Clone(t.Context(), "file://"+up, filepath.Join(t.TempDir(), "c"), CloneOptions{})
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(t.TempDir(), "local")
	sh(t, "", "clone", "-q", "--single-branch", "--branch", "main", "file://"+up, local)
	for _, r := range []*Repo{r, open(t, local), upr} {
		h := head(t, r)
		for tip, want := range map[string]bool{ours2: true, foreign: false, onTop: false} {
			if got, err := r.Ours(t.Context(), "file://"+up, h.Commit, tip, "Drydock"); err != nil || got != want {
				t.Errorf("%s: %s: %v, %v; want %v", r.Dir, sh(t, up, "name-rev", tip), got, err, want)
			}
		}
	}
}
