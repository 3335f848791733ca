package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"drydock/rewrite"
)

func TestOriginalLine(t *testing.T) {
	const before = "FROM a\nRUN b\nRUN c\nCMD d\n"
	const after = "# new\nFROM a\nRUN b && c\nUSER e\nCMD d\n"
	for now, want := range map[int]int{0: 0, 1: 1, 2: 1, 3: 2, 5: 4} {
		if got := OriginalLine(before, after, now); got != want {
			t.Errorf("line %d: got %d, want %d", now, got, want)
		}
	}
	if got := OriginalLine("FROM a\nCMD d\n", "FROM a\nUSER e\nCMD d\n", 2); got != 2 {
		t.Errorf("a new line is shown where it was put: got %d", got)
	}
	for _, c := range []struct {
		before, after string
		now, want     int
	}{
		{"FROM a\nADD b /b\nADD index.html /tmp/\n", "FROM a\nCOPY b /b\nCOPY index.html /tmp/\n", 3, 3},
		{"FROM a\nRUN b\nRUN c\nWORKDIR d\n", "FROM a\nRUN b && c\nWORKDIR /d\n", 3, 4},
		{"FROM a\nCOPY . .\n\nRUN add\nCMD d\n", "FROM a\nRUN add\n\nCOPY . .\n\nCMD d\n", 2, 4}, // moved
	} {
		if got := OriginalLine(c.before, c.after, c.now); got != c.want {
			t.Errorf("line %d of %q: got %d, want %d", c.now, c.after, got, c.want)
		}
	}
}

func TestUnified(t *testing.T) {
	got := Patch{Path: "tide gauge/Dockerfile", Before: "FROM a\n", After: "FROM b"}.Unified()
	want := "--- a/tide gauge/Dockerfile\t\n+++ b/tide gauge/Dockerfile\t\n@@ -1 +1 @@\n-FROM a\n+FROM b\n\\ No newline at end of file\n"
	if got != want {
		t.Errorf("got %q", got)
	}
	got = Patch{Path: ".dockerignore", After: ".git\n", Created: true}.Unified()
	if want := "--- /dev/null\n+++ b/.dockerignore\n@@ -0,0 +1 @@\n+.git\n"; got != want {
		t.Errorf("got %q", got)
	}
	if got := (Patch{Path: "a", Before: "x", After: "x"}).Unified(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("salt water ", 20)
	for in, want := range map[string]string{
		"One layer less.\nThe rest follows.": "One layer less.",
		"short":                              "short",
		long:                                 strings.TrimSpace(strings.Repeat("salt water ", 9)) + " salt…",
	} {
		if got := shorten(in); got != want || len([]rune(got)) > whyLen {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

// The summary of one file with everything in it.
func TestSummary(t *testing.T) {
	f := New("svc/Dockerfile", "svc", &rewrite.Result{
		Before: "FROM a\n", After: "FROM a:1\n",
		Outcomes: []rewrite.Outcome{
			{Status: rewrite.Applied, Transform: "pin-base", Title: "pin a to 1", Why: "It moves.", Line: 1},
			{Status: rewrite.Offered, Transform: "dockerignore", Title: "leave .env out", Assumes: "nothing reads .env", Gain: "no secrets", Safety: rewrite.Assumes, File: ".dockerignore"},
		},
		Declined: []rewrite.Decline{{Transform: "add-user", Reason: "it is a tool"}, {Transform: "add-user", Reason: "it is a tool"}},
		Findings: []rewrite.Finding{{Check: "secrets", Message: "ENV KEY puts a key into the image", Hint: "give it at the start", Line: 7}},
	}, true)
	var b strings.Builder
	s := &Summary{W: &b}
	if err := s.File(f); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(Total{Files: 3, Changed: 1, Failed: 1}); err != nil {
		t.Fatal(err)
	}
	want := `svc/Dockerfile: 1 change
  ✓ pin-base: pin a to 1
      It moves.
  – add-user: left alone: it is a tool
  ! secrets: line 7: ENV KEY puts a key into the image
      give it at the start
  1 more change waits for --unsafe:
  ? dockerignore: leave .env out (.dockerignore)
      brings: no secrets
      assumes: nothing reads .env
3 files: 1 changed, 1 unchanged, 1 failed
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	j := &JSON{W: &b}
	f := New("Dockerfile", ".", &rewrite.Result{Before: "FROM a\n", After: "FROM a:1\n", Outcomes: []rewrite.Outcome{
		{Status: rewrite.Applied, Transform: "pin-base", Title: "pin a to 1", Why: "a > b", Line: 1},
	}}, false)
	bad := Failed("b", "", &rewrite.Error{Path: "b", Line: 2, Col: 3, Msg: "unknown instruction", Hint: "correct it"})
	for _, f := range []*File{f, bad} {
		if err := j.File(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(Total{}); err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 1,
  "files": [
    {"path":"Dockerfile","context":".","changed":true,"outcomes":[{"status":"applied","transform":"pin-base","title":"pin a to 1","why":"a > b","assumes":"","gain":"","safety":"safe","line":1,"file":"","severity":"warning"}],"declined":[],"findings":[],"diff":"--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n-FROM a\n+FROM a:1\n","error":null},
    {"path":"b","context":"","changed":false,"outcomes":[],"declined":[],"findings":[],"diff":"","error":{"path":"b","line":2,"col":3,"message":"unknown instruction","hint":"correct it"}}
  ]
}
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

// A run that ends half way is whole JSON, and says so.
func TestJSONFails(t *testing.T) {
	for _, files := range []int{0, 2} {
		var b bytes.Buffer
		j := &JSON{W: &b}
		for range files {
			if err := j.File(&File{Path: "Dockerfile"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(j.Fail(errors.New("interrupted")), j.Close(Total{}), j.Fail(errors.New("again"))); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Error string
			Files []File
		}
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.Error != "interrupted" || len(doc.Files) != files {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}
