//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/forge/forgetest"
)

// TestBulkAtForges opens pull requests by the whole verb at doubles of GitHub and GitLab:
// one for each repository, the same one brought up to date, closed when nothing is left. The
// token is in nothing that is written.
func TestBulkAtForges(t *testing.T) {
	for kind, serve := range map[string]func(testing.TB) *forgetest.Server{"github": forgetest.GitHub, "gitlab": forgetest.GitLab} {
		t.Run(kind, func(t *testing.T) {
			s := serve(t)
			s.Orgs = []string{"lab"}
			home := t.TempDir()
			for name, value := range map[string]string{
				"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "DRYDOCK_CACHE": filepath.Join(home, "cache"), "DRYDOCK_OFFLINE": "1", "GIT_CONFIG_GLOBAL": os.DevNull,
				"GH_TOKEN": "", "GITHUB_TOKEN": "", "GH_ENTERPRISE_TOKEN": s.Token, "GITLAB_TOKEN": s.Token, "GITLAB_HOST": s.URL,
			} {
				t.Setenv(name, value)
			}
			const before, settled = "FROM debian:12\nMAINTAINER me\nRUN apt-get update\nRUN apt-get install -y curl\n", "FROM debian:12-slim\nCMD [\"date\"]\n"
			var repos []*forgetest.Repo
			for i := range 4 {
				text := before
				if i == 3 {
					text = settled
				}
				repos = append(repos, s.Add(forgetest.Repo{Owner: "lab", Name: fmt.Sprintf("app%d", i), Branch: "main", Dir: bareRepo(t, text)}))
			}
			var said bytes.Buffer
			bulk := func(args ...string) string {
				t.Helper()
				var out bytes.Buffer
				args = append([]string{"drydock", "bulk", kind + ":lab", "--forge-url", s.URL, "--branch", "drydock/fix", "--pr", "--pause", "0s", "--author", "Dock <dock@example.test>", "--draft", "--label", "docker"}, args...)
				if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &out}); code != 0 {
					t.Fatalf("exit code %d\n%s", code, out.String())
				}
				said.Write(out.Bytes())
				return out.String()
			}
			bulk("--only", "merge-run", "--html", filepath.Join(home, "p.html"), "--jsonl", filepath.Join(home, "p.jsonl"))
			for i, r := range repos {
				want := 1
				if i == 3 {
					want = 0
				}
				if len(r.Pulls) != want {
					t.Fatalf("%s has %d pull requests", r.Name, len(r.Pulls))
				}
			}
			pull := repos[0].Pulls[0]
			body := pull.Body
			if !pull.Draft && !strings.HasPrefix(pull.Title, "Draft: ") || !slices.Equal(pull.Labels, []string{"docker"}) || pull.Base != "main" || pull.Head != "drydock/fix" || !strings.Contains(body, "merge-run") {
				t.Errorf("%+v", pull)
			}
			if text := bulk("--only", "merge-run"); !strings.Contains(text, "3 unchanged") {
				t.Error(text)
			}
			if text := bulk(); !strings.Contains(text, "3 updated") || len(repos[0].Pulls) != 1 || pull.Body == body || !strings.Contains(pull.Body, "label-not-maintainer") {
				t.Errorf("%+v\n%s", pull, text)
			}
			commitTo(t, repos[1].Dir, settled)
			if text := bulk("--close-empty"); !strings.Contains(text, "1 closed") || repos[1].Pulls[0].State != "closed" || len(repos[1].Pulls[0].Comments) != 1 || repos[2].Pulls[0].State != "open" {
				t.Errorf("%+v\n%s", repos[1].Pulls[0], text)
			}
			files := 0
			if err := filepath.WalkDir(home, func(name string, e fs.DirEntry, err error) error {
				if err != nil || !e.Type().IsRegular() {
					return err
				}
				files++
				text, err := os.ReadFile(name)
				if bytes.Contains(text, []byte(s.Token)) {
					t.Errorf("the token is in %s", name)
				}
				return err
			}); err != nil || files == 0 {
				t.Errorf("%d files, %v", files, err)
			}
			if strings.Contains(said.String(), s.Token) {
				t.Error("the token was told")
			}
		})
	}
}

// bareRepo is a bare repository with a Dockerfile.
func bareRepo(t *testing.T, text string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "r.git")
	gitIn(t, "", "init", "-q", "--bare", "-b", "main", dir)
	gitIn(t, dir, "config", "http.receivepack", "true")
	gitIn(t, dir, "config", "uploadpack.allowFilter", "true")
	commitTo(t, dir, text)
	return dir
}

// commitTo puts a commit onto main of a bare repository.
func commitTo(t *testing.T, bare, text string) {
	t.Helper()
	dir := t.TempDir()
	gitIn(t, "", "clone", "-q", bare, dir)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "-q", "-m", "change")
	gitIn(t, dir, "push", "-q", "origin", "HEAD:main")
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}
