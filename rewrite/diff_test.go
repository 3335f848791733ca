package rewrite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestUnifiedDiff(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		created             bool
		want                string
	}{
		{"Dockerfile", "a\nb\nc\n", "a\nB\nc\n", false, "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"},
		{".dockerignore", "", ".git\n", true, "diff --git a/.dockerignore b/.dockerignore\nnew file mode 100644\n--- /dev/null\n+++ b/.dockerignore\n@@ -0,0 +1 @@\n+.git\n"},
		{"x", "a", "a\n", false, "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"x", "a\n", "a\n", false, ""},
		{"my file", "a\n", "b\n", false, "diff --git a/my file b/my file\n--- a/my file\t\n+++ b/my file\t\n@@ -1 +1 @@\n-a\n+b\n"},
		{`q"q`, "a\n", "b\n", false, "diff --git \"a/q\\\"q\" \"b/q\\\"q\"\n--- \"a/q\\\"q\"\n+++ \"b/q\\\"q\"\n@@ -1 +1 @@\n-a\n+b\n"},
	} {
		if diff := cmp.Diff(c.want, UnifiedDiff(c.name, c.before, c.after, c.created)); diff != "" {
			t.Error(diff)
		}
	}
}

// texts draws a text and a changed one: lines of few kinds, so that they
// repeat, with and without a last line break, in both line ends.
func texts(t *rapid.T) (before, after string) {
	eol := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "eol")
	line := rapid.SampledFrom([]string{"RUN a", "RUN b", "", "# c", "  d \\", "é", "-e", "+f", "--- g", "@@ -1 +1 @@", "\\ No newline at end of file"})
	lines := rapid.SliceOfN(line, 0, 40).Draw(t, "lines")
	changed := append([]string{}, lines...)
	for range rapid.IntRange(0, 6).Draw(t, "changes") {
		at := rapid.IntRange(0, len(changed)).Draw(t, "at")
		gone := rapid.IntRange(0, min(3, len(changed)-at)).Draw(t, "gone")
		come := rapid.SliceOfN(line, 0, 3).Draw(t, "come")
		changed = append(append(append([]string{}, changed[:at]...), come...), changed[at+gone:]...)
	}
	join := func(l []string, name string) string {
		if len(l) == 0 {
			return ""
		}
		s := strings.Join(l, eol)
		if rapid.Bool().Draw(t, name) {
			s += eol
		}
		return s
	}
	return join(lines, "last break before"), join(changed, "last break after")
}

// What UnifiedDiff prints, git apply and patch -p1 turn into the new text.
func TestPatchesApply(t *testing.T) {
	tools := map[string][]string{
		"git":   {"apply", "--whitespace=nowarn", "../p.diff"},
		"patch": {"-p1", "--binary", "-s", "-i", "../p.diff"},
	}
	for tool, args := range tools {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(err)
			}
			root := t.TempDir()
			n := 0
			check := func(t interface{ Fatalf(string, ...any) }, name, before, after string, created bool) {
				d := UnifiedDiff(name, before, after, created)
				if d == "" {
					return
				}
				n++
				dir := filepath.Join(root, fmt.Sprint(n), "work")
				file := filepath.Join(dir, name)
				os.MkdirAll(filepath.Dir(file), 0o777)
				os.WriteFile(filepath.Join(dir, "..", "p.diff"), []byte(d), 0o666)
				if !created {
					os.WriteFile(file, []byte(before), 0o666)
				}
				cmd := exec.Command(tool, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+root, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+root)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s\n%s", err, out, d)
				}
				if got, err := os.ReadFile(file); string(got) != after && !(after == "" && os.IsNotExist(err)) {
					t.Fatalf("%q, want %q\n%s", got, after, d)
				}
				os.RemoveAll(filepath.Join(root, fmt.Sprint(n)))
			}
			check(t, "a b/Docker file", "x\n", "y\n", false)
			check(t, "a b/new file", "", "y\n", true)
			check(t, `q"uote`, "x\n", "y\n", false)
			check(t, `back\slash "q"/Dockerfile`, "", "y", true)
			check(t, "é/Dockerfile", "x", "y", false)
			check(t, "a\x1b[31mred\n\t\x7f/Dockerfile", "x\n", "y\n", false)
			rounds := 0
			rapid.Check(t, func(rt *rapid.T) {
				before, after := texts(rt)
				if rounds++; rounds > 60 && !testing.Verbose() {
					return // each round starts a program
				}
				check(rt, "Dockerfile", before, after, before == "" && rapid.Bool().Draw(rt, "created"))
			})
		})
	}
}

// DiffLines keeps every line of both texts, in order.
func TestDiffLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := texts(t)
		var a, b strings.Builder
		for _, l := range DiffLines(before, after) {
			if l.Op != '+' {
				a.WriteString(l.Text)
			}
			if l.Op != '-' {
				b.WriteString(l.Text)
			}
		}
		if a.String() != before || b.String() != after {
			t.Fatalf("%q %q", a.String(), b.String())
		}
	})
}

// More different lines than there are letters below the surrogates.
func TestDiffOfManyLines(t *testing.T) {
	var a, b strings.Builder
	for i := range 70_000 {
		fmt.Fprintln(&a, i)
		if i != 60_000 {
			fmt.Fprintln(&b, i)
		}
	}
	d := UnifiedDiff("x", a.String(), b.String(), false)
	if want := "@@ -59998,7 +59998,6 @@\n 59997\n 59998\n 59999\n-60000\n 60001\n 60002\n 60003\n"; !strings.HasSuffix(d, want) {
		t.Error(d[:min(len(d), 2000)])
	}
}

// The list of what changed between two texts is one whatever stays at both ends.
func TestDiffLinesHoldsTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab\n\r")), 0, 12, -1)
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		var old, now strings.Builder
		for _, d := range DiffLines(before, after) {
			if d.Op != '+' {
				old.WriteString(d.Text)
			}
			if d.Op != '-' {
				now.WriteString(d.Text)
			}
			if i := strings.IndexByte(d.Text, '\n'); i >= 0 && i != len(d.Text)-1 {
				t.Fatalf("%q is no line", d.Text)
			}
		}
		if old.String() != before || now.String() != after {
			t.Fatalf("%q and %q, want %q and %q", old.String(), now.String(), before, after)
		}
	})
}
