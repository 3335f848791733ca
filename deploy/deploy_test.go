//go:build unix

// Package deploy has no code: it is where drydock runs beyond one machine. These tests run the scripts of the Jobs with programs that stand in
// for drydock and rclone; e2e/bulk_*_test.go has the engines themselves.
package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script is a shell script of a container, with a program in the PATH and folders in the places of mounts.
type script struct {
	words             []string
	settings, results string
	log               string // what the program was called with, a word a line
	env               []string
}

// newScript prepares one whose program notes its words and then does what body says.
func newScript(t *testing.T, program, body string, words ...string) *script {
	t.Helper()
	bin, work := t.TempDir(), t.TempDir()
	s := &script{words: words, settings: filepath.Join(work, "settings"), results: filepath.Join(work, "results"), log: filepath.Join(work, "log")}
	for _, dir := range []string{s.settings, s.results} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text := "#!/bin/sh\nfor word; do printf '<%s>\\n' \"$word\" >>\"$LOG\"; done\n" + body + "\n"
	if err := os.WriteFile(filepath.Join(bin, program), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "LOG=" + s.log, "DRYDOCK_SETTINGS=" + s.settings, "DRYDOCK_RESULTS=" + s.results, "DRYDOCK_SHARDS=2", "JOB_COMPLETION_INDEX=1"}
	return s
}

func (s *script) set(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.settings, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *script) command(t *testing.T) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "sh", s.words...)
	cmd.Env = s.env
	return cmd
}

func code(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

func (s *script) called(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), s.results, "RESULTS")
}

func TestShardWords(t *testing.T) {
	for name, c := range map[string]struct{ flags, sources, want string }{
		"flags and a list": {"--unsafe\n# nothing\n\n--message\nit's \"$HOME\" * \\n\n", "team/api\n", "<--unsafe>\n<--message>\n<it's \"$HOME\" * \\n>\n<SETTINGS/sources>\n"},
		"no end of line":   {"github:acme", "# none\n", "<github:acme>\n"},
		"nothing":          {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, "drydock", "", "kubernetes/base/run.sh", "shard")
			s.set(t, "flags", c.flags)
			s.set(t, "sources", c.sources)
			if out, err := s.command(t).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			want := "<bulk>\n<--shard>\n<auto>\n<--journal>\n<RESULTS/shard-1.journal>\n" + strings.ReplaceAll(c.want, "SETTINGS", s.settings)
			if d := cmp.Diff(want, s.called(t)); d != "" {
				t.Error(d)
			}
		})
	}
}

// finish writes journals of both shards that came to their end, as drydock does.
func (s *script) finish(t *testing.T) {
	t.Helper()
	for _, name := range []string{"shard-0.journal", "shard-1.journal"} {
		s.result(t, name, `["00000028","5a9f9ee1",{"begun":"team/api"}]`+"\n"+`["00000030","0c8a9b1f",{"end":{"time":"2026-11-28T15:00:00Z"}}]`+"\n")
	}
}

func (s *script) result(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.results, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMergeWords(t *testing.T) {
	s := newScript(t, "drydock", "", "kubernetes/base/run.sh", "merge")
	s.finish(t)
	if out, err := s.command(t).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "<bulk>\n<merge>\n<--csv>\n<RESULTS/report.csv>\n<--jsonl>\n<RESULTS/report.jsonl>\n<--sarif>\n<RESULTS/report.sarif>\n<--html>\n<RESULTS/report.html>\n" +
		"<RESULTS/shard-0.journal>\n<RESULTS/shard-1.journal>\n"
	if d := cmp.Diff(want, s.called(t)); d != "" {
		t.Error(d)
	}
}

// Some repositories failed: that is no reason to start a pod again. A run that didn't come to its end is, whatever its exit code: a pod that
// was told to end and then succeeds would be taken for a shard that is done.
func TestExitCodes(t *testing.T) {
	end := `echo '["00000030","0c8a9b1f",{"end":{"time":"2026-11-28T15:00:00Z"}}]' >>"$DRYDOCK_RESULTS/shard-1.journal"`
	begun := `echo '["00000028","5a9f9ee1",{"begun":"{\"end\":"}]' >>"$DRYDOCK_RESULTS/shard-1.journal"`
	reports := `for f in csv jsonl sarif html; do echo x >"$DRYDOCK_RESULTS/report.$f"; done`
	for _, c := range []struct {
		what, body string
		want       int
	}{
		{"shard", end, 0},
		{"shard", end + "; exit 2", 0},
		{"shard", "exit 2", 2}, // no journal
		{"shard", begun + "; exit 2", 2},
		{"shard", end + "; " + begun + "; exit 2", 2},
		{"shard", end + "; exit 1", 1},
		{"shard", end + "; exit 64", 64},
		{"shard", end + "; exit 137", 137},
		{"merge", reports, 0},
		{"merge", reports + "; exit 2", 0},
		{"merge", "exit 2", 2},
		{"merge", reports + `; rm "$DRYDOCK_RESULTS/report.html"; exit 2`, 2},
		{"merge", reports + "; exit 64", 64},
	} {
		s := newScript(t, "drydock", c.body, "kubernetes/base/run.sh", c.what)
		s.set(t, "flags", "")
		s.set(t, "sources", "")
		if c.what == "merge" {
			s.finish(t)
			s.result(t, "report.html", "of a run before")
		}
		if got := code(t, s.command(t).Run()); got != c.want {
			t.Errorf("%s, drydock does %q: the container ends with %d, want %d", c.what, c.body, got, c.want)
		}
	}
	for _, words := range [][]string{{"kubernetes/base/run.sh"}, {"kubernetes/object-store/store.sh", "else"}} {
		if got := code(t, newScript(t, "drydock", "", words...).command(t).Run()); got != 64 {
			t.Errorf("%q: exit code %d, want 64", words, got)
		}
	}
	for _, text := range []string{"", `["00000028","5a9f9ee1",{"begun":"team/api"}]` + "\n"} {
		s := newScript(t, "drydock", "", "kubernetes/base/run.sh", "merge")
		s.finish(t)
		s.result(t, "shard-1.journal", text)
		if got := code(t, s.command(t).Run()); got != 1 {
			t.Errorf("a merge of the unfinished journal %q ends with %d, want 1", text, got)
		}
		if _, err := os.Stat(s.log); err == nil {
			t.Errorf("the unfinished journal %q was merged", text)
		}
	}
}

// begun starts a script and waits until its program has been called.
func (s *script) begun(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := s.command(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool { _, err := os.Stat(s.log); return err == nil })
	return cmd
}

func (s *script) until(t *testing.T, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing happens for a minute")
		}
	}
}

// drydock is told when its pod shall end, may finish what it is at, and its exit code counts.
func TestTermReachesDrydock(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	s := newScript(t, "drydock", `trap 'echo "<told>" >>"$LOG"; exit 7' TERM; : >`+ready+`; while :; do sleep 0.05; done`, "kubernetes/base/run.sh", "merge")
	s.finish(t)
	cmd := s.begun(t)
	s.until(t, func() bool { _, err := os.Stat(ready); return err == nil })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 7 || !strings.HasSuffix(s.called(t), "<told>\n") {
		t.Errorf("exit code %d, want 7; calls\n%s", got, s.called(t))
	}
}

// The store brings a shard's own journal, or all, and copies up a last time when the pod ends, again when that fails.
func TestStore(t *testing.T) {
	for shard, want := range map[string]string{"3": "shard-3.journal", "": "shard-*.journal"} {
		s := newScript(t, "rclone", "", "kubernetes/object-store/store.sh", "bring")
		s.env = append(s.env, "BUCKET=store:b", "SHARD="+shard)
		if out, err := s.command(t).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := s.called(t); got != "<copy>\n<store:b>\n<RESULTS>\n<--include>\n<"+want+">\n" {
			t.Errorf("shard %q brings\n%s", shard, got)
		}
	}
	s := newScript(t, "rclone", `n=$(grep -c copy "$LOG"); [ "$n" -ne 3 ] || exit 1`, "kubernetes/object-store/store.sh", "keep")
	s.env = append(s.env, "BUCKET=store:b", "EVERY=0.01")
	cmd := s.begun(t)
	s.until(t, func() bool { return strings.Count(s.called(t), "copy") > 3 }) // the third failed, and it goes on
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 0 {
		t.Errorf("exit code %d", got)
	}
	failing := newScript(t, "rclone", `if rm "$LOG.fail" 2>/dev/null; then exit 1; fi; : >"$LOG.done"`, "kubernetes/object-store/store.sh", "keep")
	failing.env = append(failing.env, "BUCKET=store:b", "EVERY=60")
	cmd = failing.begun(t)
	failing.until(t, func() bool { _, err := os.Stat(failing.log + ".done"); return err == nil })
	if err := os.WriteFile(failing.log+".fail", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 0 || strings.Count(failing.called(t), "copy") < 3 {
		t.Errorf("exit code %d after\n%s", got, failing.called(t))
	}
}
