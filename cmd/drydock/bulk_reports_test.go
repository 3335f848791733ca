package main

import (
	"context"
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
	defer r.abandon()
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
