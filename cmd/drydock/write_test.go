package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file writes a file below dir and returns its path.
func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".drydock-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestWriteAllOrNone(t *testing.T) {
	dir := t.TempDir()
	ignore := file(t, dir, ".dockerignore", "old\n")
	fresh := filepath.Join(dir, "fresh.dockerignore")
	err := writeAll([]fileChange{
		{path: ignore, show: ".dockerignore", before: "old\n", after: "new\n"},
		{path: fresh, show: "fresh.dockerignore", after: "new\n", created: true},
		{path: filepath.Join(dir, "gone", "Dockerfile"), show: "gone/Dockerfile", before: "a", after: "b"},
	})
	if err == nil || !strings.Contains(err.Error(), "gone/Dockerfile: cannot be written: no such file") {
		t.Errorf("error: %v", err)
	}
	if got := content(t, ignore); got != "old\n" {
		t.Errorf(".dockerignore is %q", got)
	}
	if _, err := os.Lstat(fresh); err == nil {
		t.Error("fresh.dockerignore was left")
	}
	noLeftovers(t, dir)
}

// Also when everything could be prepared and the last step fails.
func TestWriteUndone(t *testing.T) {
	dir := t.TempDir()
	old := fileChange{path: file(t, dir, ".dockerignore", "new\n"), before: "old\n", after: "new\n"}
	if err := undo(old, &staging{path: old.path}); err != nil || content(t, old.path) != "old\n" {
		t.Errorf("%v, %q", err, content(t, old.path))
	}
	fresh := fileChange{path: file(t, dir, "fresh", "new\n"), after: "new\n", created: true}
	if err := undo(fresh, &staging{path: fresh.path}); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(fresh.path); err == nil {
		t.Error("a created file was left")
	}
	noLeftovers(t, dir)
}

func TestWriteSparesWhatChangedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	p := file(t, dir, "Dockerfile", "someone was faster\n")
	err := writeAll([]fileChange{{path: p, show: "Dockerfile", before: "old\n", after: "new\n"}})
	if err == nil || err.Error() != "Dockerfile: cannot be written: it changed while drydock was at work: run drydock again" {
		t.Errorf("error: %v", err)
	}
	err = writeAll([]fileChange{{path: p, show: ".dockerignore", after: "new\n", created: true}})
	if err == nil || !strings.Contains(err.Error(), "something drydock can't read stands there") {
		t.Errorf("error: %v", err)
	}
	if got := content(t, p); got != "someone was faster\n" {
		t.Errorf("%q", got)
	}
	noLeftovers(t, dir)
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}
