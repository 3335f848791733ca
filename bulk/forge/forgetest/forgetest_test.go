package forgetest

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitOut runs git with nobody's configuration, and a token in its environment.
func gitOut(t *testing.T, dir, token string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+t.TempDir(), "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=tester", "GIT_AUTHOR_EMAIL=tester@example.test", "GIT_COMMITTER_NAME=tester", "GIT_COMMITTER_EMAIL=tester@example.test")
	if token != "" {
		cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader",
			"GIT_CONFIG_VALUE_0=Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+token)))
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// git clones without blobs from a double, and pushes to it with the token only.
func TestGitOverHTTP(t *testing.T) {
	s := GitHub(t)
	dir := t.TempDir()
	bare, work := filepath.Join(dir, "app.git"), filepath.Join(dir, "work")
	run := func(at, token string, args ...string) string {
		t.Helper()
		out, err := gitOut(t, at, token, args...)
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return out
	}
	run(dir, "", "init", "-q", "--bare", "-b", "main", bare)
	run(dir, "", "init", "-q", "-b", "main", work)
	if err := os.WriteFile(filepath.Join(work, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(work, "", "add", "-A")
	run(work, "", "commit", "-q", "-m", "first")
	run(work, "", "push", "-q", bare, "main")
	r := s.Add(Repo{Owner: "lab", Name: "app", Dir: bare, Private: true})
	address := s.URL + "/lab/app.git"
	if out, err := gitOut(t, dir, "", "ls-remote", address); err == nil {
		t.Errorf("a private one is read without a token: %s", out)
	}
	run(dir, s.Token, "clone", "-q", "--bare", "--filter=blob:none", "--depth=1", address, filepath.Join(dir, "clone"))
	if out := run(filepath.Join(dir, "clone"), "", "rev-list", "--objects", "--missing=print", "HEAD"); !strings.Contains(out, "\n?") {
		t.Errorf("blobs were brought: %s", out)
	}
	r.Private = false
	if out, err := gitOut(t, work, "", "push", "-q", address, "main:refs/heads/fix"); err == nil {
		t.Errorf("pushed without a token: %s", out)
	}
	if out, err := gitOut(t, work, "wrong", "push", "-q", address, "main:refs/heads/fix"); err == nil {
		t.Errorf("pushed with a wrong token: %s", out)
	}
	run(work, s.Token, "push", "-q", address, "main:refs/heads/fix")
	if !r.has("fix") || r.has("none") {
		t.Error("the branch isn't there")
	}
}
