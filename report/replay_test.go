package report

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"drydock/replay"
)

// result is a replay of n commits at which one step missed each time, and with a
// second version at every tenth.
func result(n int, versions int) *replay.Result {
	r := &replay.Result{Commits: n, Skipped: 2}
	for i := range n {
		r.Replayed = append(r.Replayed, replay.Commit{ID: "c", Time: 1767225600 + int64(i)*86400})
	}
	for v := range versions {
		step := replay.Step{Stage: "0", Line: 4, Text: "RUN npm ci", Script: "npm ci", What: "npm ci", Seconds: 30, Estimated: true}
		out := replay.Version{Missing: "lock"}
		for i := range n {
			s := 0.0
			if v == 0 || i%10 == 0 {
				s = 30
				step.Misses++
			}
			out.Seconds = append(out.Seconds, s)
		}
		out.Steps = []replay.Step{step, {Stage: "0", Line: 9, Text: "COPY a b", What: "COPY", Changed: "it varies"}}
		r.Versions = append(r.Versions, out)
	}
	return r
}

// The chart is well-formed, names both lines, their sums and the dates, and stays
// small whatever the number of commits.
func TestChart(t *testing.T) {
	for _, n := range []int{1, 30, 10_000} {
		for versions := 1; versions <= 2; versions++ {
			svg := NewReplay(result(n, versions)).Chart("a <b> & c/Dockerfile")
			d := xml.NewDecoder(strings.NewReader(svg))
			lines := 0
			for {
				tok, err := d.Token()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%d commits: %v", n, err)
				}
				if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "polyline" {
					lines++
				}
			}
			if lines != versions || len(svg) > 40_000 {
				t.Errorf("%d commits: %d lines, %d bytes", n, lines, len(svg))
			}
			for _, want := range []string{"a &lt;b&gt; &amp; c/Dockerfile", "before: ", "2026-01-01", "prefers-color-scheme: dark"} {
				if !strings.Contains(svg, want) {
					t.Errorf("%d commits: no %q in the chart", n, want)
				}
			}
		}
	}
	if got := NewReplay(result(0, 2)).Chart("x"); got != "" {
		t.Errorf("a chart of nothing: %s", got)
	}
}

func TestReplayTable(t *testing.T) {
	r := NewReplay(result(30, 2))
	r.Notes = append(r.Notes, "a note")
	var b strings.Builder
	table := &ReplayTable{W: &b}
	if err := table.File(Replayed("svc/Dockerfile", "svc", r)); err != nil {
		t.Fatal(err)
	}
	want := `svc/Dockerfile: 30 commits replayed, 2 skipped that can't be built (without lock)
  a note
  rebuilds: 30 s per commit before, 3 s after; in all 15 min before, 90 s after, estimated
  of the last 30 commits, 30 reran npm ci; now 3
  missed  then  each  line step
      30     3  30 s     4 RUN npm ci
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"before":{"seconds":900,"seconds_per_commit":30,"skipped":0,"estimated":true}`, `"notes":["a note"]`, `"changed":"it varies"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

func TestSeconds(t *testing.T) {
	for n, want := range map[float64]string{0: "0 s", 0.5: "0.5 s", 90: "90 s", 119: "119 s", 120: "2 min", 282: "4.7 min", 3000: "50 min", 90_000: "25.0 h"} {
		if got := seconds(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}
