package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/report"
)

// A run that makes branches doesn't say, when it is interrupted, that it made none.
func TestInterruptedBulk(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for flag, want := range map[string]string{"--branch=x": "what was done so far stays: the same command goes on", "--offline": "nothing was changed"} {
		var stderr strings.Builder
		args := []string{"drydock", "bulk", ".", "--journal", "j" + flag, "--cache", "clones", flag}
		if code := run(ctx, args, streams{strings.NewReader(""), io.Discard, &stderr}); code != exitFailed || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d: %q", flag, code, stderr.String())
		}
	}
}

// A run that is killed leaves no file beside its reports, and one that fails neither.
func TestReportsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	r := &reports{out: io.Discard, style: report.Style{}}
	if err := r.begin("csv", filepath.Join(dir, "out.csv")); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("before the run: %v, %v", entries, err)
	}
	if err := r.begin("html", filepath.Join(dir, "nowhere", "out.html")); err == nil {
		t.Error("a folder that isn't there is told after the run only")
	}
}

// Two lists on standard input are two runs, each with a journal of its own.
func TestListsHaveTheirOwnJournals(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DRYDOCK_CACHE", "cache")
	t.Setenv("DRYDOCK_OFFLINE", "1")
	for _, name := range []string{"a", "b"} {
		if err := errors.Join(os.Mkdir(name, 0o755), os.WriteFile(filepath.Join(name, "Dockerfile"), []byte("FROM debian:12\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, list := range []string{"a\n", "b\n", "a\n"} {
		if code := run(t.Context(), []string{"drydock", "bulk", "-", "-q"}, streams{strings.NewReader(list), io.Discard, io.Discard}); code != exitOK {
			t.Fatalf("%q: exit code %d", list, code)
		}
	}
	if found, err := filepath.Glob("cache/bulk/*.journal"); err != nil || len(found) != 2 {
		t.Errorf("journals: %v, %v", found, err)
	}
}
