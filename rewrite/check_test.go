package rewrite

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// noticing is a check that finds every RUN which holds the word.
func noticing(name, word, about string) *Check {
	return &Check{Name: name, Run: func(_ context.Context, p *Pass) error {
		for _, in := range p.Doc.Instructions {
			in = in.Inner()
			if in.Keyword == "run" && strings.Contains(in.Text, word) {
				p.Report(in, Finding{Message: word + " is run", Hint: "don't", About: about})
			}
		}
		return nil
	}}
}

func found(fs []Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%d %s: %s", f.Line, f.Check, f.Message))
	}
	return strings.Join(out, "\n")
}

func inspectWith(t *testing.T, src string, ts []*Transform, cs ...*Check) *Result {
	t.Helper()
	res, err := Run(context.Background(), Input{Path: "Dockerfile", Src: src}, ts, Options{Checks: cs})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Findings speak of the file as it is and as it will be; what a transform
// mends is in neither.
func TestFindingsBeforeAndAfter(t *testing.T) {
	mend := &Transform{Name: "mend", Run: func(_ context.Context, p *Pass) ([]Change, error) {
		for _, in := range p.Doc.Instructions {
			if in.Text == "RUN bad" {
				return []Change{{Title: "mend", Why: "x", Edits: []Edit{p.Doc.Delete(in)}, Drops: []string{"bad"}}}, nil
			}
		}
		return nil, nil
	}}
	res := inspectWith(t, "FROM scratch\nRUN bad\nRUN bad; true\nRUN worse\n", []*Transform{mend}, noticing("a", "bad", ""), noticing("b", "worse", ""))
	if got := found(res.Findings); got != "2 a: bad is run\n3 b: worse is run" {
		t.Errorf("after:\n%s", got)
	}
	if got := found(res.Remaining); got != "2 a: bad is run\n4 b: worse is run" {
		t.Errorf("before:\n%s", got)
	}
}

// Of findings about the same thing in one instruction the first stands.
func TestFindingsAboutTheSame(t *testing.T) {
	res := inspectWith(t, "FROM scratch\nRUN bad\nRUN bad worse\n", nil, noticing("a", "worse", "x"), noticing("b", "bad", "x"))
	if got := found(res.Findings); got != "2 b: bad is run\n3 a: worse is run" {
		t.Errorf("got\n%s", got)
	}
}

// Comments silence checks as they silence transforms, also behind ONBUILD.
func TestFindingsIgnored(t *testing.T) {
	res := inspectWith(t, "FROM scratch\n# drydock:ignore=a\nRUN bad\n# drydock:ignore\nONBUILD RUN bad\n# drydock:ignore=b\nRUN bad\n", nil, noticing("a", "bad", ""))
	if got := found(res.Findings); got != "7 a: bad is run" {
		t.Errorf("got\n%s", got)
	}
	if len(res.Declined) != 2 || res.Declined[0].Reason != "ignored by the comment on line 2" {
		t.Errorf("%+v", res.Declined)
	}
}

// A check that panics is a defect told about this file.
func TestCheckPanics(t *testing.T) {
	bad := &Check{Name: "bad", Run: func(context.Context, *Pass) error { panic("overboard") }}
	_, err := Run(context.Background(), Input{Path: "Dockerfile", Src: "FROM scratch\n"}, nil, Options{Checks: []*Check{bad}})
	if err == nil || !strings.Contains(err.Error(), "Dockerfile: bad: a defect of drydock: panic: overboard") {
		t.Errorf("%v", err)
	}
}

func TestParseScript(t *testing.T) {
	s, err := ParseScript("a b && c 'd e'")
	if err != nil || len(s.Commands()) != 2 || s.Commands()[1].Args[1] != "d e" {
		t.Errorf("%v %v", s, err)
	}
	if _, err := ParseScript("a ("); err == nil {
		t.Error("no error")
	}
}
