package scan

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program puts a scanner of that name on PATH that runs a script.
func program(t *testing.T, name, script string) Scanner {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	s, err := Find("auto")
	if err != nil || s.Name != name {
		t.Fatal(s, err)
	}
	return s
}

func TestGrype(t *testing.T) {
	s := program(t, "grype", `[ -z "$(ls -A . | grep -v empty.yaml)" ] || exit 3
[ "$1 $6 $7" = "registry:127.0.0.1:5000/a:1 --platform linux/amd64" ] && [ "$GRYPE_REGISTRY_INSECURE_USE_HTTP" = true ] || { echo "$@" >&2; exit 4; }
cat <<'J'
{"descriptor":{"name":"grype"},"matches":[
 {"vulnerability":{"id":"INVENTED-1","severity":"Critical"}},{"vulnerability":{"id":"INVENTED-1","severity":"Low"}},
 {"vulnerability":{"id":"INVENTED-2","severity":"Medium"}},{"vulnerability":{"id":"INVENTED-3","severity":""}}],
 "ignoredMatches":[{"vulnerability":{"id":"INVENTED-4","severity":"High"}}]}
J
`)
	c, err := s.Image(context.Background(), "127.0.0.1:5000/a:1", "linux/amd64", true)
	if err != nil || c.String() != "1 critical, 1 high, 1 medium, 1 unknown" {
		t.Errorf("%v %v", c, err)
	}
}

func TestTrivy(t *testing.T) {
	s := program(t, "trivy", `cat <<'J'
{"SchemaVersion":2,"Results":[{"Target":"a"},{"Vulnerabilities":[{"VulnerabilityID":"INVENTED-1","Severity":"HIGH"},{"VulnerabilityID":"INVENTED-1","Severity":"CRITICAL"}]}]}
J
`)
	if c, err := s.Image(context.Background(), "a:1", "", false); err != nil || c.String() != "1 critical" {
		t.Errorf("%v %v", c, err)
	}
}

// What can't be scanned is never clean.
func TestFailures(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"grype", "echo one >&2; printf 'no such\\033[1m image' >&2; exit 1", "grype could not scan a:1: exit status 1: no such image"},
		{"grype", "exit 0", "its answer can't be read"},
		{"grype", "echo '{}'", "its answer isn't a report"},
		{"grype", "echo '{\"matches\":[]'", "its answer can't be read"},
		{"trivy", "echo '{}'", "its answer isn't a report"},
		{"trivy", "kill $$", "signal"},
	} {
		s := program(t, c.name, c.script)
		if counts, err := s.Image(context.Background(), "a:1", "", false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v %v", c.name, c.script, counts, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find("auto"); err != ErrNone {
		t.Error(err)
	}
	if _, err := Find("trivy"); err == nil || !strings.Contains(err.Error(), "not on PATH") {
		t.Error(err)
	}
	if (Counts{}).String() != "none" {
		t.Error(Counts{})
	}
}

// A scanner that hangs, or leaves something behind that does, is not waited for.
func TestHangs(t *testing.T) {
	was := Wait
	defer func() { Wait = was }()
	Wait = 300 * time.Millisecond
	for _, script := range []string{"exec sleep 60", "sleep 60", "sleep 60 &\nexec sleep 60", "while :; do echo x >&2; done"} {
		s := program(t, "grype", script)
		start := time.Now()
		_, err := s.Image(context.Background(), "a:1", "", false)
		if err == nil || !strings.Contains(err.Error(), "grype could not scan a:1: no answer in time (300ms)") {
			t.Errorf("%q: %v", script, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%q: %v", script, took)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := program(t, "trivy", "sleep 60").Image(ctx, "a:1", "", false); err != context.Canceled {
		t.Error(err)
	}
}
