//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"drydock/tools/corpus/differential/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Init()
	code := m.Run()
	if toolsDir != "" {
		os.RemoveAll(toolsDir)
	}
	os.Exit(code)
}

var toolsDir string

// tools are built once for all tests.
var tools = sync.OnceValues(func() (*sandbox.Tools, error) {
	dir, err := os.MkdirTemp("", "drydock-differential-test")
	if err != nil {
		return nil, err
	}
	toolsDir = dir
	return sandbox.Build(context.Background(), dir)
})

// start fails, and doesn't skip, where there are no shells or namespaces: a
// check that didn't run proves nothing.
func start(t *testing.T) *checker {
	t.Helper()
	tl, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Start(t.Context(), tl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	return &checker{box: box}
}

// mismatches compares two Dockerfiles that differ in their RUNs.
func mismatches(t *testing.T, c *checker, before, after string) []string {
	t.Helper()
	f := fileResult{path: "Dockerfile"}
	if err := c.text(t.Context(), &f, before, after); err != nil {
		t.Fatal(err)
	}
	if f.broken != "" || len(f.groups) != 1 {
		t.Fatalf("%d groups %s", len(f.groups), f.broken)
	}
	var out []string
	for _, v := range f.groups[0].verdicts {
		if v.skipped != "" || v.commands == 0 {
			t.Fatalf("%s ran %d commands %s", v.shell.name, v.commands, v.skipped)
		}
		for _, m := range v.mismatch {
			out = append(out, fmt.Sprintf("%s: %s: %s", v.shell.name, m.when, m.what))
		}
	}
	return out
}

func dockerfile(head string, scripts ...string) string {
	text := "FROM debian\n" + head
	for _, s := range scripts {
		text += "RUN " + s + "\n"
	}
	return text
}

const bashShell = `SHELL ["/bin/bash", "-eo", "pipefail", "-c"]` + "\n"

// TestRight: merges that are as they should be, written by hand so that they
// reach further than merge-run itself does.
func TestRight(t *testing.T) {
	c := start(t)
	for _, tc := range []struct {
		name, head string
		before     []string
		after      string
	}{
		{"plain", "", []string{"apt-get update", "apt-get install -y curl"}, "apt-get update && apt-get install -y curl"},
		{"or in parentheses", "", []string{"a", "b || c", "d"}, "a && (b || c) && d"},
		{"cd in parentheses", "WORKDIR /src\n", []string{"cd lib && make", "make install"}, "(cd lib && make) && make install"},
		{"export in parentheses", "ENV A=1\n", []string{"export A=2 && b", "c"}, "(export A=2 && b) && c"},
		{"list in parentheses", "", []string{"a; b", "c; d"}, "(a; b) && (c; d)"},
		{"exit in parentheses", "", []string{"a || exit 0", "b"}, "(a || exit 0) && b"},
		{"umask in parentheses", "", []string{"umask 077 && a > /f", "b > /g"}, "(umask 077 && a > /f) && b > /g"},
		{"pipe", bashShell, []string{"curl -f x | tar xz", "echo done | tee /log"}, "curl -f x | tar xz && echo done | tee /log"},
		{"loop", "", []string{"for i in 1 2 3; do a $i || exit 1; done", "b"}, "for i in 1 2 3; do a $i || exit 1; done && b"},
		{"condition", "", []string{"if a; then b; else c; fi", "d"}, "if a; then b; else c; fi && d"},
		{"substitution", "ARG V=3\n", []string{`a "$(b $V)"`, "c $(d) > /out"}, `a "$(b $V)" && c $(d) > /out`},
		{"background", "", []string{"(a & b; wait)", "c"}, "(a & b; wait) && c"},
		{"several in the background", "", []string{"(a & b & c & d; wait)", "c & wait"}, "(a & b & c & d; wait) && (c & wait)"},
		{"heredoc", "", []string{"<<EOF\na\nb\nEOF", "c"}, "<<EOF\n(a\nb) && c\nEOF"},
		{"process substitution", bashShell, []string{"paste <(a | b) <(a x | b x) > /out", "c"}, "paste <(a | b) <(a x | b x) > /out && c"},
		{"no end when it fails", "", []string{"a", "until b; do sleep 1; done", "c"}, "a && until b; do sleep 1; done && c"},
		{"files that must be there", "", []string{". /etc/os-release && echo $ID > /etc/apt/sources.list.d/x", "/opt/x/bin/y && ./configure"},
			"(. /etc/os-release && echo $ID > /etc/apt/sources.list.d/x) && /opt/x/bin/y && ./configure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, m := range mismatches(t, c, dockerfile(tc.head, tc.before...), dockerfile(tc.head, tc.after)) {
				t.Error(m)
			}
		})
	}
}

// TestWrong: merges that change what happens must be found, or the check is
// worth nothing. want is part of what it says.
func TestWrong(t *testing.T) {
	c := start(t)
	for _, tc := range []struct {
		name, head string
		before     []string
		after      string
		want       string
	}{
		{"cd leaks", "WORKDIR /src\n", []string{"cd lib && make", "make install"}, "cd lib && make && make install", "directory of the merged:    /src/lib"},
		{"export leaks", "", []string{"export A=2 && b", "c"}, "export A=2 && b && c", "environment only of the merged:    [A=2]"},
		{"variable leaks", "", []string{"A=$(a)", "b $A"}, "A=$(a) && b $A", "command of the merged"},
		{"umask leaks", "", []string{"umask 077", "a"}, "umask 077 && a", "umask of the merged:    0077"},
		{"umask leaks to a file", "", []string{"umask 077; a", "b; echo x > /f"}, "(a); umask 077; b; echo x > /f", "umask"},
		{"list becomes chain", "", []string{"a; b", "c"}, "a && b && c", "the originals go on with [\"b\"]"},
		{"chain becomes list", "", []string{"a", "b"}, "a; b", "the merged go on with [\"b\"]"},
		{"or without parentheses", "", []string{"a", "b || c"}, "a && b || c", "the merged go on with [\"c\"]"},
		{"or without parentheses, true", "", []string{"a", "b || true"}, "a && b || true", "another outcome"},
		{"exit 0 leaks", "", []string{"a || exit 0", "b"}, "a || exit 0 && b", "the originals go on with [\"b\"]"},
		{"set -e leaks", "", []string{"set -e; a", "b; c"}, "set -e; a && { b; c; }", "the originals go on with [\"c\"]"},
		{"set +e leaks", bashShell, []string{"set +e; a", "b; c"}, "set +e; a && { b; c; }", "the merged go on with [\"c\"]"},
		{"pipefail leaks", `SHELL ["/bin/bash", "-c"]` + "\n", []string{"set -o pipefail && a", "b | c && d"}, "set -o pipefail && a && b | c && d", "the originals go on with [\"d\"]"},
		{"trap leaks", "", []string{"trap 'cleanup' EXIT; a", "b"}, "trap 'cleanup' EXIT; a && b", "record 2 differs"},
		{"exec", "", []string{"exec a", "b"}, "exec a && b", "the originals go on with [\"b\"]"},
		{"redirection leaks", "", []string{"exec > /log && a", "b"}, "exec > /log && a && b", "output differs"},
		{"function leaks", "", []string{"b() { c; }; a", "b"}, "b() { c; }; a && b", "record 2 differs"},
		{"comment swallows", "", []string{"a # one", "b"}, "a # one && b", "the originals go on with [\"b\"]"},
		{"command lost", "", []string{"a", "b"}, "a", "the originals go on with [\"b\"]"},
		{"order", "", []string{"a", "b"}, "b && a", "record 1 differs"},
		{"argument", "", []string{"a 'x  y'", "b"}, "a x  y && b", "command of the originals: [\"a\" \"x  y\"]"},
		{"a remembered command", "", []string{"node -v", "cp node /usr/local/bin/node", "node -v"}, "node -v && cp node /usr/local/bin/node && node -v", "path of the merged:    /usr/bin/node"},
		{"background loses a command", "", []string{"(a & b; wait)", "c"}, "(a & wait) && c", "record 1 differs"},
		{"background leaks", "", []string{"a &", "b"}, "a & b", "record 1 differs"},
		{"background leaks in dash", "", []string{"a &> /dev/null", "b"}, "a &> /dev/null && b", "record 1 differs"},
		{"heredoc", "", []string{"<<EOF\na\nb\nEOF", "c"}, "<<EOF\na && b && c\nEOF", "the originals go on with [\"b\"]"},
		{"output of a pipe", "", []string{"echo 1 | a", "b"}, "echo 2 | a && b", "input of the merged:    2"},
		{"pipe of the whole", "", []string{"a", "b | c"}, "{ a && b; } | c", "streams"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := mismatches(t, c, dockerfile(tc.head, tc.before...), dockerfile(tc.head, tc.after))
			if all := strings.Join(got, "\n"); !strings.Contains(all, tc.want) {
				t.Errorf("no %q in:\n%s", tc.want, all)
			}
		})
	}
}

// TestFixtures: what merge-run makes of its own cases.
func TestFixtures(t *testing.T) {
	var out, errs bytes.Buffer
	if code := command(t.Context(), []string{"-v", "../../../fixtures/merge-run"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), "\n0 mismatches in 0 files.") || strings.Contains(out.String(), " 0 groups") {
		t.Errorf("%s", out.String())
	}
}

// TestSyntax: dash can't read the second script, bash can.
func TestSyntax(t *testing.T) {
	f := fileResult{path: "Dockerfile"}
	if err := start(t).text(t.Context(), &f, dockerfile("", "a", "b |& c"), dockerfile("", "a && b |& c")); err != nil {
		t.Fatal(err)
	}
	v := f.groups[0].verdicts
	if len(v) != 2 || v[0].skipped == "" || v[1].skipped != "" || len(v[0].mismatch)+len(v[1].mismatch) > 0 {
		t.Errorf("%+v", v)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b"}, {"-j", "0", "."}, {t.TempDir()}} {
		var out, errs bytes.Buffer
		if code := command(t.Context(), args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, %q", args, code, errs.String())
		}
	}
}

// TestBrokenFile: a merge that touches something else is no group but a defect.
func TestBrokenFile(t *testing.T) {
	if _, err := groups("Dockerfile", "FROM a\nRUN x\nCMD y\n", "FROM a\nRUN x\nCMD z\n"); err == nil {
		t.Error("no error")
	}
}
