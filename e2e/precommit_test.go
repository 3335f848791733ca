//go:build e2e

package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// precommit installs pre-commit from PyPI, and gives the program.
func precommit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, words := range [][]string{
		{insist(t, "python3", "apt-get install -y python3 python3-venv"), "-m", "venv", dir},
		{filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "pre-commit>=4,<5"},
	} {
		if text, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v (apt-get install -y python3-venv)\n%s", strings.Join(words, " "), err, text)
		}
	}
	return filepath.Join(dir, "bin", "pre-commit")
}

// cloneOfTree is a git repository with the working tree as its only commit, which is what pre-commit clones.
func cloneOfTree(t *testing.T) (dir, rev string) {
	t.Helper()
	dir = t.TempDir()
	err := filepath.WalkDir(world.root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(world.root, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case e.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "fixtures", "golden"}, e.Name()): // the last two build nothing
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(to, 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	commitAll(t, dir)
	return dir, strings.TrimSpace(gitIn(t, dir, "rev-parse", "HEAD"))
}

// commitAll makes a repository of the folder, with all of it committed.
func commitAll(t *testing.T, dir string) {
	t.Helper()
	gitIn(t, dir, "init", "--quiet")
	gitIn(t, dir, "add", "--all", "--force")
	gitIn(t, dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "all")
}

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// pre-commit builds drydock from a clone of this repository, and runs the hooks in a repository of somebody's.
func TestPreCommit(t *testing.T) {
	program := precommit(t)
	source, rev := cloneOfTree(t)
	dir, home := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".pre-commit-config.yaml", "repos:\n- repo: "+source+"\n  rev: "+rev+"\n  hooks:\n  - id: drydock-check\n  - id: drydock-fix\n  - id: drydock-diff\n")
	write("Dockerfile", "FROM scratch\nCOPY --chown=10001 app /app\nUSER 10001\nENTRYPOINT [\"/app\"]\n")
	write("app", "")
	write("Dockerfile.j2", "FROM {{ base }}\n") // a template, which nobody hands to drydock
	commitAll(t, dir)
	// The modules that are here already are taken; the folder that pre-commit builds in starts empty.
	modules, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	hook := func(args ...string) (text string, passed bool) {
		t.Helper()
		gitIn(t, dir, "add", "--all")
		cmd := exec.CommandContext(t.Context(), program, append([]string{"run", "--color=never"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PRE_COMMIT_HOME="+home, "GOMODCACHE="+strings.TrimSpace(string(modules)))
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}

	if text, passed := hook("--all-files"); !passed || strings.Count(text, "Passed") != 3 {
		t.Fatalf("a clean Dockerfile:\n%s", text)
	}
	// Nothing that pre-commit installs beside drydock shadows a program that drydock calls.
	programs, err := filepath.Glob(filepath.Join(home, "repo*", "golangenv-*", "bin", "*"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs below %s: %v", home, err)
	}
	for _, p := range programs {
		if slices.Contains([]string{"git", "docker", "buildctl", "podman", "grype", "trivy", "syft", "gh", "glab", "tea", "sh"}, filepath.Base(p)) {
			t.Errorf("%s shadows the real one", p)
		}
	}

	const bad = "FROM debian:12\nMAINTAINER a@example.com\nRUN apt-get update\nRUN apt-get install -y curl\n"
	write("services/Containerfile.api", bad)
	text, passed := hook("drydock-check")
	if passed || !strings.Contains(text, "services/Containerfile.api:2: label-not-maintainer") || !strings.Contains(text, "merge-run") {
		t.Errorf("drydock-check:\n%s", text)
	}
	if text, passed = hook("drydock-diff"); passed || !strings.Contains(text, "-MAINTAINER a@example.com") {
		t.Errorf("drydock-diff:\n%s", text)
	}
	if text, passed = hook("drydock-fix"); passed || !strings.Contains(text, "files were modified by this hook") {
		t.Errorf("drydock-fix:\n%s", text)
	}
	fixed, err := os.ReadFile(filepath.Join(dir, "services", "Containerfile.api"))
	if err != nil || string(fixed) == bad || strings.Contains(string(fixed), "MAINTAINER") {
		t.Errorf("drydock-fix left %s, %v", fixed, err)
	}
	if text, passed = hook(); !passed {
		t.Errorf("after drydock-fix:\n%s", text)
	}
}
