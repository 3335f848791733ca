package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mend does to a text what the replacements say, the last first: lines and
// columns are 1-based, a missing end column is the end of the line without its
// break (SARIF 3.30).
func mend(t interface{ Fatalf(string, ...any) }, text string, rs []sarifReplacement) string {
	offset := func(line, column int) int {
		at := 0
		for range line - 1 {
			n := strings.IndexByte(text[at:], '\n')
			if n < 0 {
				t.Fatalf("line %d of %q", line, text)
			}
			at += n + 1
		}
		if column == 0 {
			if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
				return at + n
			}
			return len(text)
		}
		return at + column - 1
	}
	out := text
	for i := len(rs) - 1; i >= 0; i-- {
		d, insert := rs[i].Deleted, ""
		if rs[i].Inserted != nil {
			insert = rs[i].Inserted.Text
		}
		out = out[:offset(d.StartLine, d.StartColumn)] + insert + out[offset(d.EndLine, d.EndColumn):]
	}
	return out
}

func replacementsOf(f *File) []sarifReplacement {
	fixes := (&SARIF{}).wholeFix("", f)
	if len(fixes) == 0 {
		return nil
	}
	return fixes[0].Changes[0].Replacements
}

// The fix of a file does what its patch does, whatever the line ends.
func TestSARIFFixes(t *testing.T) {
	long := strings.Repeat("same\n", 20)
	for name, c := range map[string][2]string{
		"one line":          {"a\nb\nc\n", "a\nB\nc\n"},
		"first":             {"a\nb\n", "x\na\nb\n"},
		"last":              {"a\nb\n", "a\nb\nx\n"},
		"no end":            {"a\nb", "a\nc"},
		"an end comes":      {"a\nb", "a\nb\n"},
		"an end goes":       {"a\nb\n", "a\nb"},
		"more without end":  {"a\nb", "a\nb\nc"},
		"last gone":         {"a\nb\n", "a\n"},
		"last gone, no end": {"a\nb", "a\n"},
		"CRLF":              {"a\r\nb\r\n", "a\r\nB\r\n"},
		"far apart":         {"a\n" + long + "b\n", "A\n" + long + "B\nC\n"},
		"like a header":     {"-- x\n++ y\n", "-- z\n++ y\n"},
		"blank lines":       {"a\n\n\nb\n", "a\n\nb\n"},
	} {
		p := &Patch{Path: "Dockerfile", Before: c[0], After: c[1]}
		if got := mend(t, c[0], replacementsOf(&File{Patches: []*Patch{p}})); got != c[1] {
			t.Errorf("%s: %q, not %q; the patch:\n%s", name, got, c[1], p.Unified())
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "", "-", "+ x", "\\", "@@ -1 +1 @@", "--- a/x", "a\r"}), 0, 12).Draw(t, "lines")
			return strings.Join(lines, "\n") + rapid.SampledFrom([]string{"", "\n"}).Draw(t, "end")
		})
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		f := &File{Patches: []*Patch{{Path: "Dockerfile", Before: before, After: after}}}
		if got := mend(t, before, replacementsOf(f)); got != after {
			t.Fatalf("%q, not %q; the patch:\n%s", got, after, f.WholeDiff())
		}
	})
}

// A fix names each file of a patch as its path is, below its base.
func TestSARIFFixPaths(t *testing.T) {
	f := &File{Patches: []*Patch{{Path: "a b/Dockerfile", Before: "a\n", After: "b\n"}, {Path: "x\"\ty/.dockerignore", After: "a\n", Created: true}}}
	var got []string
	for _, c := range (&SARIF{}).wholeFix("acme/x", f)[0].Changes {
		got = append(got, c.Artifact.Base+" "+c.Artifact.URI)
	}
	if want := "acme/x a%20b/Dockerfile|acme/x x%22%09y/.dockerignore"; strings.Join(got, "|") != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{"": "", "a/Dockerfile": "a/Dockerfile", "a b": "a%20b", "a:b/c": "./a:b/c", "/x y": "file:///x%20y", `C:\x`: "file:///C:/x", `a\b`: "a%5Cb", "ä#?%": "%C3%A4%23%3F%25"} {
		if got := FileURI(path); got != want {
			t.Errorf("%s: %s, not %s", path, got, want)
		}
	}
}

// A log that ends without a file is one, as is one with more failures than it lists.
func TestSARIFNotices(t *testing.T) {
	var b bytes.Buffer
	s := &SARIF{W: &b}
	for range maxNotices + 3 {
		if err := s.File(Failed("Dockerfile", "", &Error{Path: "Dockerfile", Message: "unreadable", Hint: "look at it"})); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(Total{}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Results     []any
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	i := log.Runs[0].Invocations[0]
	n := i.ToolExecutionNotifications
	if i.ExecutionSuccessful || len(n) != maxNotices+1 || n[0].Message.Text != "unreadable: look at it" || n[maxNotices].Message.Text != "3 more failures are not listed here" {
		t.Errorf("%v, %d: %v", i.ExecutionSuccessful, len(n), n[len(n)-1])
	}
}
