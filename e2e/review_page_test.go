//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"drydock/report"
	"drydock/report/reviewpage"
	"drydock/verify"
	"drydock/verify/finding"
	"drydock/verify/probe"
)

// reviewed runs drydock diff in dir with the page beside JSON, and gives both.
func reviewed(t *testing.T, dir string, args ...string) (page string, files []*report.File) {
	t.Helper()
	page = filepath.Join(t.TempDir(), "review.html")
	cmd := exec.CommandContext(t.Context(), world.drydock, append([]string{"diff", "--unsafe", "--format", "json", "--html", page}, args...)...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Fatalf("drydock diff: %v", err)
	}
	var out struct{ Files []*report.File }
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return page, out.Files
}

// withHistory copies a folder into a repository with some commits, of which most change code alone.
func withHistory(t *testing.T, from, changing string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=e2e", "-c", "user.email=e2e@example.org"}, args...)...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, text)
		}
	}
	git("init", "-q")
	for i := range 8 {
		name := filepath.Join(dir, changing)
		old, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, fmt.Appendf(old, "# %d\n", i), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "-A")
		git("commit", "-qm", fmt.Sprint(i))
	}
	return dir
}

// The review page of fixtures/chain in a real browser, at three widths, light and dark, on paper and without JavaScript;
// its totals are those of the JSON that the same run prints. E2E_SHOTS=DIR keeps the screenshots.
func TestReviewPage(t *testing.T) {
	browser(t)
	tools := browserTools(t)
	dir := withHistory(t, filepath.Join(world.root, "fixtures", "chain"), filepath.Join("python-apt", "app.py"))
	page, files := reviewed(t, dir)

	var want struct {
		Tiles      []string `json:"tiles"`
		Shown      int      `json:"shown"`
		Hunks      int      `json:"hunks"`
		First      int      `json:"first"`
		Diff       string   `json:"diff"`
		Assumption string   `json:"assumption"`
		Replay     int      `json:"replay"`
	}
	var changed, safe, assumes, findings int
	want.First = -1
	for i, f := range files {
		n := 0
		for _, o := range f.Outcomes {
			switch {
			case o.Status != "applied":
				continue
			case o.Safety == "safe":
				safe++
			default:
				assumes++
				want.Assumption = o.Assumes
			}
			n++
		}
		findings += len(f.Findings)
		if f.Changed {
			changed++
		}
		if n+len(f.Findings)+len(f.Notes) > 0 || f.Error != nil {
			want.Shown++
		}
		if f.Replay != nil {
			want.Replay = i
		}
		if want.First < 0 && f.Diff != "" {
			want.First, want.Diff = i, f.Diff
		}
		want.Hunks += changedPlaces(f.Diff)
	}
	if safe == 0 || assumes == 0 || findings == 0 || want.Replay == 0 {
		t.Fatalf("%d safe, %d assume, %d findings, replay of file %d: nothing to look at", safe, assumes, findings, want.Replay)
	}
	want.Tiles = []string{fmt.Sprintf("%d files %d changed", len(files), changed), fmt.Sprintf("%d changes %d safe, %d assume", safe+assumes, safe, assumes), fmt.Sprintf("%d findings", findings)}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	expected := filepath.Join(t.TempDir(), "expected.json")
	if err := os.WriteFile(expected, text, 0o644); err != nil {
		t.Fatal(err)
	}
	runNode(t, tools, "review.mjs", page, expected, dir, shotsFolder(t))
}

// changedPlaces counts the runs of changed lines of a patch.
func changedPlaces(diff string) int {
	n, in := 0, false
	for l := range strings.Lines(diff) {
		change := (l[0] == '+' || l[0] == '-') && !strings.HasPrefix(l, "+++ ") && !strings.HasPrefix(l, "--- ")
		if change && !in {
			n++
		}
		in = change || in && l[0] == '\\'
	}
	return n
}

// shotsFolder is where screenshots go.
func shotsFolder(t *testing.T) string {
	t.Helper()
	shots := os.Getenv("E2E_SHOTS")
	if shots == "" {
		return t.TempDir()
	}
	shots, err := filepath.Abs(filepath.Join(shots, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	return shots
}

// A thousand Dockerfiles, and one of thousands of lines that all change: what is drawn at once is bounded.
func TestReviewPageLarge(t *testing.T) {
	browser(t)
	tools := browserTools(t)
	dir := t.TempDir()
	for i := range 1000 {
		sub := filepath.Join(dir, fmt.Sprintf("service%04d", i))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl%s\nADD run.sh /run.sh\nCMD /run.sh %d\n", strings.Repeat("\nLABEL a b", i%7), i)
		if err := os.WriteFile(filepath.Join(sub, "Dockerfile"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, files := reviewed(t, dir, "--no-replay")
	info, err := os.Stat(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files: %d kB", len(files), info.Size()/1000)
	if len(files) != 1000 || info.Size() > 3<<20 {
		t.Errorf("%d files in %d bytes", len(files), info.Size())
	}
	runNode(t, tools, "reviewbig.mjs", page, "1000", "0")

	lines := []int{7_000}
	if every() {
		lines = append(lines, 60_000)
	}
	for _, n := range lines {
		const before = "FROM a\nRUN x\nCMD z\n"
		var after strings.Builder
		after.WriteString("FROM a\n")
		for i := range n {
			fmt.Fprintf(&after, "RUN echo %d\n", i)
		}
		after.WriteString("RUN x\nCMD z\n")
		page = filepath.Join(t.TempDir(), "long.html")
		writePage(t, page, &report.File{Path: "Dockerfile", Changed: true, Patches: []*report.Patch{{Path: "Dockerfile", Before: before, After: after.String()}}})
		runNode(t, tools, "reviewbig.mjs", page, "1", strconv.Itoa(n))
	}
}

func writePage(t *testing.T, name string, files ...*report.File) {
	t.Helper()
	writeReport(t, name, func(w io.Writer) error {
		p := &reviewpage.Page{W: w, Version: "e2e", Verb: "diff"}
		for _, f := range files {
			if err := p.File(f); err != nil {
				return err
			}
		}
		return p.Close(report.Total{})
	})
}

// The page of verify, of proofs that nothing was built for: true sizes of layers, what holds and what breaks.
func TestVerifyPage(t *testing.T) {
	browser(t)
	tools := browserTools(t)
	const mb = 1_000_000
	facts := func(did string, sizes ...int64) verify.Facts {
		f := verify.Facts{User: "app", Layers: len(sizes), Build: 12.3, Steps: 7, Cached: 2, Did: did, Run: &verify.RunFacts{UID: 10001, Listens: []string{"tcp/8000"}, StopMS: 12}}
		for i, n := range sizes {
			f.Compressed, f.Size = f.Compressed+n, f.Size+3*n
			f.PerLayer = append(f.PerLayer, verify.LayerFacts{Digest: fmt.Sprintf("sha256:%d-%d", i, n), Compressed: n, Size: 3 * n, CreatedBy: fmt.Sprintf("RUN /bin/sh -c step %d # buildkit", i)})
		}
		return f
	}
	const before, after = "FROM python:3.12\nRUN pip install x\nCMD [\"app\"]\n", "FROM python:3.12-slim\nRUN pip install --no-cache-dir x\nCMD [\"app\"]\n"
	file := func(path string, p *verify.Proof) *report.File {
		f := report.Proved(path, ".", p)
		f.Changed, f.Patches = true, []*report.Patch{{Path: path, Before: before, After: after}}
		return f
	}
	holds := &verify.Proof{Verdict: probe.Same, Before: facts("answers on port 8000", 20*mb, 300*mb, 80*mb), After: facts("answers on port 8000", 20*mb, 80*mb)}
	breaks := &verify.Proof{Before: facts("answers on port 8000", 100*mb), After: facts("ends with 1", 50*mb),
		Breaks: []finding.Finding{{Class: "libraries", Message: "libpq.so.5 isn't there", Detail: "app needs it"}}}
	page := filepath.Join(t.TempDir(), "verify.html")
	writeReport(t, page, func(w io.Writer) error {
		p := &reviewpage.Page{W: w, Version: "e2e", Verb: "verify"}
		return errors.Join(p.File(file("api/Dockerfile", holds)), p.File(file("web/Dockerfile", breaks)), p.Close(report.Total{}))
	})
	expected, err := json.Marshal(map[string]any{
		"tiles": []string{"1 of 2 proven 1 broken", "500 MB → 150 MB", "3.3× smaller"},
		"bars":  [][]int{{5, 75, 20}, {5, 20}},
		"told": map[string][]string{
			"0": {"Proven: built and run, before and after. It answers on port 8000, as before.", "400 MB", "100 MB", "uid 10001"},
			"1": {"Broken: before it answers on port 8000, now it ends with 1.", "libpq.so.5 isn't there", "app needs it"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	runNode(t, tools, "proven.mjs", page, string(expected), shotsFolder(t))
}

// Nothing that strangers write is markup, a script, a request or a control in the page.
func TestReviewPageHostile(t *testing.T) {
	browser(t)
	tools := browserTools(t)
	var files []*report.File
	for _, name := range append(hostileNames, "a\u2028b\u202ec\u200bd</script><img src=x onerror=alert(1)>\x1b[31m\"'`${x}") {
		o := report.Outcome{Status: "applied", Transform: name, Title: name, Why: name, Assumes: name, Gain: name, Plan: []string{name}, Safety: "assumes"}
		offer, left := o, o
		offer.Status, left.Status = "offered", "unproven"
		after := "# " + name + "\nFROM a\nRUN \"" + name + "\" ${" + name + "} <<" + name + "\n" + name + "\n"
		facts := verify.Facts{Compressed: 5, User: name, Did: name, Run: &verify.RunFacts{Listens: []string{name}}, PerLayer: []verify.LayerFacts{{Compressed: 5, CreatedBy: name}}}
		files = append(files, &report.File{Path: name, Context: name, ContextWhy: name, Changed: true, Outcomes: []report.Outcome{o, offer, left}, Notes: []string{name},
			Steps:    []report.Step{{Outcome: o, Files: map[string]string{name: after}}},
			Declined: []report.Decline{{Transform: name, Reason: name}}, Findings: []report.Finding{{Check: name, Line: 1, Message: name, Hint: name}},
			Proof:   &verify.Proof{Verdict: name, Before: facts, After: facts, Breaks: []finding.Finding{{Class: finding.Class(name), Message: name, Detail: name}}, Remarks: []finding.Finding{{Class: finding.Class(name), Message: name}}},
			Patches: []*report.Patch{{Path: name, Before: "FROM a\n" + name, After: after}}}, report.Failed(name, name, fmt.Errorf("%s", name)))
	}
	page := filepath.Join(t.TempDir(), "page.html")
	writePage(t, page, files...)
	runNode(t, tools, "hostilereview.mjs", page)
}
