package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestArrange(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"drydock fix Dockerfile --unsafe", "drydock fix --unsafe -- Dockerfile"},
		{"drydock fix a --only x,y b --color=never", "drydock fix --only x,y --color=never -- a b"},
		{"drydock fix - --context dir", "drydock fix --context dir -- -"},
		{"drydock fix -q -- --unsafe", "drydock fix -q -- --unsafe"},
		{"drydock check a --only", "drydock check --only"}, // no value: cli says so
		{"drydock fix --html --offline a", "drydock fix --html"},
		{"drydock fix a -o -- b", "drydock fix -o"},
		{"drydock diff a -o - --base=slim", "drydock diff -o - --base=slim -- a"},
		{"drydock fix fix", "drydock fix -- fix"},
		{"drydock fix a -h", "drydock fix -h"},
		{"drydock --version", "drydock --version"},
		{"drydock mend fix", "drydock mend fix"},
		{"drydock", "drydock"},
	} {
		got := arrange(newApp(streams{}), strings.Fields(c.in))
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %s, want %s", c.in, strings.Join(got, " "), c.want)
		}
	}
}

// A run that is interrupted says so and fails.
func TestInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	file(t, ".", "Dockerfile", "FROM scratch\n")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stderr strings.Builder
	if code := run(ctx, []string{"drydock", "fix"}, streams{strings.NewReader(""), io.Discard, &stderr}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("stderr: %q", stderr.String())
	}
	for _, more := range [][]string{nil, {"--html", "page.html"}} {
		var stdout strings.Builder
		run(ctx, append([]string{"drydock", "check", "--format", "json"}, more...), streams{strings.NewReader(""), &stdout, io.Discard})
		var doc struct{ Error string }
		if err := json.Unmarshal([]byte(stdout.String()), &doc); err != nil || !strings.Contains(doc.Error, "interrupted") {
			t.Errorf("%q: %v: a reader can't tell", stdout.String(), err)
		}
	}
}
