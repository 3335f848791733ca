//go:build linux

package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"drydock/tools/corpus/differential/record"
)

func TestMain(m *testing.M) {
	Init()
	os.Exit(m.Run())
}

func script(shell, text string, commands ...string) Job {
	for i, c := range commands {
		commands[i] = "/usr/bin/" + c
	}
	return Job{Root: Root{Commands: commands}, Timeout: 5 * time.Second, Steps: []Step{{
		Shell: shell, Args: []string{shell, "-c", text}, Dir: "/w", Env: []string{"PATH=/usr/bin", "X=1"},
	}}}
}

func names(r *Result) string {
	var out []string
	for _, x := range r.Records {
		out = append(out, x.Args[0])
	}
	return strings.Join(out, " ")
}

func TestSandbox(t *testing.T) {
	tools, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), tools)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(t *testing.T, j Job) *Result {
		t.Helper()
		r, err := s.Run(j)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Run("record", func(t *testing.T) {
				r := run(t, script(shell, "umask 027; export Y=2; cd /; echo in | a 'b c' 2>&1 >/dev/null", "a"))
				if len(r.Records) != 1 || !r.OK() {
					t.Fatalf("%+v", r)
				}
				got := r.Records[0]
				env := strings.Join(got.Env, " ")
				want := record.Record{Args: []string{"a", "b c"}, File: "/usr/bin/a", Dir: "/", Env: got.Env, Umask: 0o27, Streams: "pcf", Input: "in\n"}
				if !reflect.DeepEqual(got, want) || !strings.Contains(env, "X=1 Y=2") || strings.Contains(env, "SHLVL") {
					t.Errorf("%+v, not %+v", got, want)
				}
			})
			t.Run("nothing is real", func(t *testing.T) {
				j := script(shell, "/bin/rm -rf / && rm -rf /* && echo x > /etc/passwd && kill -9 -1", "rm")
				j.Root.Commands = append(j.Root.Commands, "/bin/rm")
				j.Root.Dirs = []string{"/etc"}
				if r := run(t, j); names(r) != "/bin/rm rm" || r.Tree["/etc/passwd"] == "" {
					t.Errorf("%+v", r)
				}
				if r := run(t, script(shell, "test -e /etc/passwd || test -e /bin/rm")); r.OK() {
					t.Error("the root of the run before is still there, or the machine's")
				}
			})
			t.Run("unknown command", func(t *testing.T) {
				if r := run(t, script(shell, "no-such-command")); len(r.Records) != 0 || r.Status[0] != 127 {
					t.Errorf("%+v", r)
				}
			})
			t.Run("pipelines in order", func(t *testing.T) {
				for range 20 {
					if r := run(t, script(shell, "a | b | (c; d) | e; f", "a", "b", "c", "d", "e", "f")); names(r) != "a b c d e f" {
						t.Fatal(names(r))
					}
				}
			})
			t.Run("second of its kind fails", func(t *testing.T) {
				j := script(shell, "a; b; a; c; d", "a", "b", "c", "d")
				j.Fail = &record.Failure{Key: record.Record{Args: []string{"a"}, Dir: "/w"}.Key(), Nth: 2, Code: 7}
				j.Steps[0].Args[2] = "a && b; a || c; d"
				if r := run(t, j); names(r) != "a b a c d" || !r.OK() {
					t.Errorf("%s %v", names(r), r.Status)
				}
				j.Fail.Onwards = true
				if r := run(t, j); names(r) != "a b a c d" || r.Status[0] != 7 {
					t.Errorf("%s %v", names(r), r.Status)
				}
			})
			t.Run("too long", func(t *testing.T) {
				j := script(shell, "while :; do :; done")
				j.Timeout = 200 * time.Millisecond
				if r := run(t, j); !r.TimedOut {
					t.Errorf("%+v", r)
				}
			})
			t.Run("background", func(t *testing.T) {
				if r := run(t, script(shell, "(while :; do :; done) & a", "a")); names(r) != "a" || r.TimedOut {
					t.Errorf("%+v", r)
				}
			})
			t.Run("signals to the sandbox", func(t *testing.T) {
				run(t, script(shell, "kill 1; kill -HUP 1; kill -INT 1; kill -KILL 1"))
				if r := run(t, script(shell, "a", "a")); !r.OK() {
					t.Errorf("%+v", r)
				}
			})
		})
	}
	t.Run("chain", func(t *testing.T) {
		j := script("dash", "a", "a", "b")
		second := j.Steps[0]
		second.Args = []string{"b", "c"}
		second.Shell = ""
		j.Steps = append(j.Steps, second, second)
		if r := run(t, j); names(r) != "a b b" || !r.OK() {
			t.Errorf("%+v", r)
		}
		j.Fail = &record.Failure{Key: record.Record{Args: []string{"b", "c"}, Dir: "/w"}.Key(), Nth: 1, Code: 1}
		if r := run(t, j); names(r) != "a b" || r.OK() {
			t.Errorf("%+v", r)
		}
	})
}

// TestNoShell: a machine without the shells is told so, not skipped.
func TestNoShell(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(goCommand, filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	if _, err := Build(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "install dash") {
		t.Error(err)
	}
}
