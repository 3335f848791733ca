package builder

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A vertex that is told again is the same step; its times are those of the longest work.
func TestSteps(t *testing.T) {
	var heard []Event
	s := newStatus("before", func(e Event) { heard = append(heard, e) })
	const from = "[1/2] FROM docker.io/library/debian:12"
	for _, l := range []string{
		`{"vertexes":[{"digest":"sha256:2","name":"[2/2] RUN make","inputs":["sha256:1"]},{"digest":"sha256:1","name":"` + from + `"}]}`,
		told("sha256:1", from, "", noon, time.Time{}),
		told("sha256:1", from, "", noon, after(5)),
		told("sha256:1", from, "", noon, after(5)),        // nothing new
		told("sha256:1", from, "", after(6), time.Time{}), // once more
		told("sha256:1", from, "", after(6), after(7)),
		strings.Replace(told("sha256:2", "[2/2] RUN make", "", after(8), after(8)), `{"completed"`, `{"cached":true,"completed"`, 1),
		`{"warnings":[{"vertex":"sha256:2","level":1}],"statuses":[{"id":"x","vertex":"sha256:2"}]}`,
		`{"logs":[{"vertex":"sha256:9","data":"aGVsbG8K"}]}`, // of a step that is not known yet
		`{not JSON`,
	} {
		s.line([]byte(l))
	}
	steps := s.result()
	if len(steps) != 3 {
		t.Fatalf("got %+v", steps)
	}
	run, base := steps[0], steps[1]
	if run.Name != "[2/2] RUN make" || !run.Cached || base.Cached || !base.Started.Equal(noon) || !base.Completed.Equal(after(5)) || steps[2].Output != "hello\n" {
		t.Errorf("got %+v", steps)
	}
	var did []string
	for _, e := range heard {
		did = append(did, fmt.Sprintf("%d/%d %s", e.Done, e.Total, state(e.Step)))
	}
	if got := strings.Join(did, ", "); got != "0/1 known, 0/2 known, 0/2 runs, 1/2 done, 0/2 runs, 1/2 done, 2/2 done" {
		t.Errorf("heard %s", got)
	}
	if s.rest.String() != "{not JSON\n" {
		t.Errorf("the rest is %q", s.rest.String())
	}
}

func state(s Step) string {
	switch {
	case s.Started.IsZero():
		return "known"
	case s.Completed.IsZero():
		return "runs"
	}
	return "done"
}

// A flood of output is bounded, for one step and for all; its end is kept, and so is
// that of the step that failed.
func TestOutputIsBounded(t *testing.T) {
	s := newStatus("before", nil)
	const steps = 100
	s.line([]byte(told("sha256:0", "RUN 0", "exit code: 1", noon, after(1))))
	for i := range steps {
		digest := fmt.Sprintf("sha256:%d", i)
		for range 8 {
			s.line([]byte(printed(digest, 1, strings.Repeat("x", 10_000)+"\n", noon)))
		}
		s.line([]byte(printed(digest, 1, "the end\n", noon)))
	}
	sum, kept := 0, 0
	for i, r := range s.result() {
		sum += len(r.Output)
		if len(r.Output) > maxStepOutput {
			t.Errorf("step %d has %d bytes", i, len(r.Output))
		}
		if strings.HasSuffix(r.Output, "\nthe end\n") {
			kept++
		}
		if last := i == 0 || i == steps-1; last && r.Output == "" {
			t.Errorf("step %d lost its output", i)
		}
	}
	if sum > maxOutput || kept < 20 {
		t.Errorf("%d bytes of %d steps are kept", sum, kept)
	}
}

// Lines come in pieces, and one without an end is bounded.
func TestLines(t *testing.T) {
	var got []string
	l := &lines{each: func(b []byte) { got = append(got, string(b)) }}
	for _, p := range []string{"a", "b\nc\r\n", "\nd\n\ne", "f"} {
		if n, err := l.Write([]byte(p)); n != len(p) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	}
	l.Close()
	if want := "ab|c||d||ef"; strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
	got = nil
	for range 5 {
		_, _ = l.Write(make([]byte, maxLine/4))
	}
	l.Close()
	if len(got) != 1 || len(got[0]) != maxLine {
		t.Errorf("%d lines", len(got))
	}
}

// BenchmarkStatus reads the progress of a build of 30 steps that print 100 lines each.
func BenchmarkStatus(b *testing.B) {
	var text strings.Builder
	for i := range 30 {
		digest := fmt.Sprintf("sha256:%d", i)
		fmt.Fprintln(&text, told(digest, "RUN make", "", noon, time.Time{}))
		for range 100 {
			fmt.Fprintln(&text, printed(digest, 1, "Collecting something==1.0 (from -r requirements.txt)\n", noon))
		}
		fmt.Fprintln(&text, told(digest, "RUN make", "", noon, after(1)))
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		s := newStatus("before", func(Event) {})
		in := &lines{each: s.line}
		if _, err := in.Write([]byte(text.String())); err != nil {
			b.Fatal(err)
		}
		if len(s.result()) != 30 {
			b.Fatal("steps are missing")
		}
	}
}
