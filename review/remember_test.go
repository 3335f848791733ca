package review

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"drydock/report"
	"drydock/rewrite"
)

// An entry of the configuration keeps the change away in the review, and in every run after it;
// the Dockerfile has no comment.
func TestRememberInConfiguration(t *testing.T) {
	y := readYard(t)
	kept := 0
	for i, f := range y.paths {
		first := y.session()
		if first.Works[i].Err != nil {
			continue
		}
		for _, c := range first.Works[i].Changes {
			s := y.session()
			e, err := y.Configure(s.Wanted(i, &c, "it must stay"), s.Entries())
			if err != nil {
				t.Fatal(err)
			}
			y.settle(s, s.Decide(s.Remember(i, c, e.Reason, &e)...))
			w := s.Works[i]
			if w.Err != nil || strings.Contains(w.After, "drydock:ignore") || len(s.Entries()) != 1 {
				t.Fatalf("%s: %s: %v\n%s", f, c.Title, w.Err, w.After)
			}
			if c.Verdict == Accepted && w.After == first.Works[i].After {
				t.Errorf("%s: %s: it is made all the same", f, c.Title)
			}
			next := &yard{paths: []string{f}, texts: []string{w.After}, ignores: []rewrite.Ignore{e.Ignore()}}
			again := next.session().Works[0]
			for _, a := range again.Changes {
				if a.Transform == c.Transform && a.Title == c.Title && a.Line == c.Line {
					t.Errorf("%s: %s: %q doesn't keep it away", f, c.Title, e.Words)
				}
			}
			for _, d := range again.File.Declined {
				if strings.Contains(d.Reason, ".drydock.yaml: it must stay") {
					kept++
					break
				}
			}
		}
	}
	if kept < 8 {
		t.Errorf("%d were left alone for the entry", kept)
	}
}

// To accept a change that was remembered takes the comment and the entry back.
func TestRememberTakenBack(t *testing.T) {
	y := readYard(t)
	for _, entry := range []*Entry{nil, {Config: ".drydock.yaml"}} {
		s := y.session()
		i := slices.Index(y.paths, "api/Dockerfile")
		was := s.Works[i].After
		c := s.Works[i].Changes[0]
		if entry != nil {
			e, _ := y.Configure(s.Wanted(i, &c, "x"), nil)
			entry = &e
		}
		y.settle(s, s.Decide(s.Remember(i, c, "x", entry)...))
		k := slices.IndexFunc(s.Works[i].Changes, func(x Change) bool { return x.ID.Name == c.ID.Name })
		if k < 0 || s.Works[i].Changes[k].Verdict != Rejected {
			t.Fatalf("%+v", s.Works[i].Changes)
		}
		y.settle(s, s.Decide(s.One(i, s.Works[i].Changes[k], Accepted)))
		if s.Works[i].After != was || len(s.Entries()) != 0 {
			t.Errorf("%v, %q, want %q", s.Entries(), s.Works[i].After, was)
		}
	}
}

// A change is about the instruction that it is reported at, wherever others moved that.
func TestWantedMoved(t *testing.T) {
	y := &yard{paths: []string{"Dockerfile"}, texts: []string{"FROM python:3.12-slim\nCOPY . /app\nWORKDIR /app\nRUN pip install --no-cache-dir -r requirements.txt\nCMD python app.py\n"}, unsafe: true}
	s := y.session()
	n := 0
	for _, c := range s.Works[0].Changes {
		if c.at == 0 {
			continue
		}
		n++
		if e := s.Wanted(0, &c, "x"); !instruction(c.Before, c.at).Has(e.Words) || !strings.Contains(e.Words, " ") && !strings.HasPrefix(e.Words, "FROM") {
			t.Errorf("%s: %q", c.Title, e.Words)
		}
	}
	if n < 3 {
		t.Errorf("%d changes: %+v", n, s.Works[0].Changes)
	}
}

func TestInstructionWords(t *testing.T) {
	const text = "FROM golang:1.25 AS build\nRUN make it\nRUN make all \\\n  --of \"it\"\nFROM alpine:3.22\nCMD [\"x\", \"y\"]\nRUN make same\nRUN make same\n"
	for line, want := range map[int]string{1: "FROM AS build", 2: "RUN make it", 3: "RUN make all", 5: "FROM alpine:3.22", 6: "CMD x", 7: "RUN make same", 8: "RUN make same"} {
		if got := InstructionWords(text, line); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
	if got := InstructionWords("FROM alpine:3.22\nRUN x\n", 1); got != "FROM" {
		t.Errorf("the only FROM: %q", got)
	}
	if got := InstructionWords("no Dockerfile\n", 1); got != "" {
		t.Errorf("%q", got)
	}
}

// i asks for the reason and for the place; what the place would say is shown before.
func TestRememberKeys(t *testing.T) {
	y := readYard(t)
	sc := newScreen(t, y, 100, 30)
	r, _ := sc.chosen()
	text := func() string { return sc.s.Works[r.File].After }
	was := text()

	sc.press(t, "i", "why", "enter", "x", "esc") // x means nothing
	if len(sc.s.Log.Decisions()) != 0 || sc.ask != nil {
		t.Fatal("Esc takes neither")
	}
	sc.press(t, "i", "why", "enter", "d")
	if !strings.Contains(text(), "ignore=label-not-maintainer why") || len(sc.s.Entries()) != 0 {
		t.Fatalf("d is a comment:\n%s", text())
	}
	sc.press(t, "u", "i", "enter", "c")
	if len(sc.s.Log.Decisions()) != 0 || !strings.Contains(sc.message, "only with a reason") {
		t.Fatalf("no reason, no entry: %q", sc.message)
	}
	y.byHand = errors.New("it can't be put in: write it by hand below ignores: - {rule: x}")
	sc.press(t, "i", "why", "enter")
	if !strings.Contains(sc.draw(), "write it by hand below ignores: - {rule: x}") {
		t.Errorf("what can't be done is shown:\n%s", sc.draw())
	}
	sc.press(t, "c")
	if len(sc.s.Log.Decisions()) != 0 || !strings.Contains(sc.message, "by hand") {
		t.Fatalf("%q", sc.message)
	}
	y.byHand = nil
	sc.press(t, "i", "why", "enter", "c")
	if text() == was || strings.Contains(text(), "why") || !strings.Contains(sc.message, "ignored label-not-maintainer in .drydock.yaml") {
		t.Fatalf("%q\n%s", sc.message, text())
	}
	if !strings.Contains(sc.draw(), "Rejected: ignored by .drydock.yaml: why.") {
		t.Errorf("it isn't told what keeps it away:\n%s", sc.draw())
	}
	if sc.press(t, "d"); !slices.ContainsFunc(sc.rows, func(r Row) bool { return r.Kind == DeclineRow }) || !slices.ContainsFunc(sc.s.Works[r.File].File.Declined, func(d report.Decline) bool { return strings.Contains(d.Reason, "ignored by .drydock.yaml: why") }) {
		t.Errorf("it isn't among what was left alone:\n%s", sc.draw())
	}
	sc.press(t, "w")
	if !strings.Contains(sc.ask.prompt, "and .drydock.yaml?") {
		t.Errorf("%q", sc.ask.prompt)
	}
	sc.press(t, "y")
	if len(y.entries) != 1 || !strings.HasPrefix(y.entries[0].Words, "MAINTAINER ") {
		t.Errorf("%+v", y.entries)
	}
	// A finding is passed over in the same ways.
	sc = newScreen(t, y, 100, 30)
	sc.press(t, "/", "end-of-life", "enter")
	if r, _ := sc.chosen(); sc.s.Finding(r) == nil {
		t.Fatalf("no finding: %v", sc.s.Text(r))
	}
	at, _ := sc.chosen()
	found := *sc.s.Finding(at)
	left := func() bool { return slices.Contains(sc.s.Works[at.File].File.Findings, found) }
	sc.press(t, "i", "it goes soon", "enter", "d")
	if left() || !strings.Contains(sc.s.Works[at.File].After, "# drydock:ignore=end-of-life it goes soon") || !strings.Contains(sc.message, "ignored end-of-life") {
		t.Errorf("%q\n%s", sc.message, sc.s.Works[at.File].After)
	}
	if sc.press(t, "u"); !left() || strings.Contains(sc.s.Works[at.File].After, "it goes soon") {
		t.Errorf("undone: %s", sc.s.Works[at.File].After)
	}
	sc.press(t, "/", "end-of-life", "enter", "i", "it goes soon", "enter", "c")
	if e := sc.s.Entries(); left() || len(e) != 1 || e[0].Transform != "end-of-life" || !strings.HasPrefix(e[0].Words, "FROM") {
		t.Errorf("%q %+v", sc.message, e)
	}
	// The ignores of a file that changed on disk stay out, as it does.
	y.stale = []int{r.File}
	sc = newScreen(t, y, 100, 30)
	sc.press(t, "i", "why", "enter", "c", "w", "y")
	if !sc.written || len(y.entries) != 0 {
		t.Errorf("%v %+v", sc.written, y.entries)
	}
}
