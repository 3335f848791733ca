package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shout proposes to write an instruction's keyword in capitals; loud does so under an
// assumption, grumble finds what is small.
var (
	shout = &Transform{Name: "shout", Run: shouting(Safe)}
	loud  = &Transform{Name: "loud", AllAssume: true, Run: shouting(Assumes)}

	grumble = &Check{Name: "grumble", Rules: []string{"DL9999"}, Run: func(_ context.Context, p *Pass) error {
		for _, in := range p.Doc.Instructions {
			if in.Keyword == "user" {
				p.Find(in, "a user", "look")
			}
		}
		return nil
	}}
	idler = &Check{Name: "idler", Idle: true, Run: func(_ context.Context, p *Pass) error {
		for _, i := range p.IdleIgnores() {
			p.Report(p.Doc.InstructionAt(i.Line), Finding{Line: i.Line, Message: strings.TrimSpace(strings.Join([]string{i.Name, map[bool]string{true: "unknown"}[i.Unknown], i.Ended, i.BadDay}, " "))})
		}
		return nil
	}}
)

func shouting(s Safety) func(context.Context, *Pass) ([]Change, error) {
	return func(_ context.Context, p *Pass) ([]Change, error) {
		var out []Change
		for _, in := range p.Doc.Instructions {
			word := Span{in.Span.Start, in.Span.Start + len(in.Keyword)}
			if old := p.Doc.Src[word.Start:word.End]; in.Keyword == "run" && old != "RUN" {
				c := Change{Title: "shout", Safety: s, At: in, Edits: []Edit{{Span: word, New: "RUN"}}}
				if s == Assumes {
					c.Assumes = "nobody sleeps"
				}
				out = append(out, c)
			}
		}
		return out, nil
	}
}

func ran(t *testing.T, src string, o Options) *Result {
	t.Helper()
	res, err := Run(context.Background(), Input{Path: "Dockerfile", Src: src}, []*Transform{shout, loud}, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func idleIn(res *Result) (out []string) {
	for _, f := range res.Remaining {
		if f.Check == "idler" {
			out = append(out, f.Message)
		}
	}
	return out
}

func TestIdleIgnores(t *testing.T) {
	for src, want := range map[string][]string{
		"FROM a\n# drydock:ignore=shout,loud\nrun x\n":                                          nil, // loud only with Unsafe, which is tried
		"FROM a\n# drydock:ignore=shout\nRUN x\n# drydock:ignore=shout\nrun y\n":                {"shout"},
		"FROM a\n# drydock:ignore=shuot\nrun x\n":                                               {"shuot unknown"},
		"FROM a\n# drydock:ignore=elsewhere\nrun x\n":                                           nil, // known, but not part of the run
		"# drydock:ignore-file=grumble\nFROM a\nUSER b\n":                                       nil,
		"# drydock:ignore-file=grumble/RULE\nFROM a\nUSER b\n":                                  {"grumble/RULE"},
		"# drydock:ignore-file=grumble why not\nFROM a\n":                                       {"grumble"},
		"# drydock:ignore-file\nFROM a\n":                                                       {"*"},
		"# drydock:ignore-file\nFROM a\nUSER b\n":                                               nil,
		"FROM a\n# drydock:ignore=grumble until=2026-11-27\nUSER b\n":                           {"grumble  2026-11-27"},
		"FROM a\n# drydock:ignore=grumble until=2026-11-28\nUSER b\n":                           nil,
		"FROM a\n# drydock:ignore=grumble until=2026-02-30\nUSER b\n":                           {"grumble   2026-02-30"},
		"FROM a\n# hadolint ignore=DL3006\nrun x\n":                                             nil,
		"# drydock:ignore-file=ruled/One,ruled/Two\nFROM a\n":                                   {"ruled/Two unknown"}, // ruled took no part
		"FROM a\n# drydock:ignore=shout\nRUN x\n# drydock:ignore=shout,idler,grumble\nUSER y\n": {"shout", "shout"},
	} {
		res := ran(t, src, Options{Checks: []*Check{grumble, idler}, Names: []string{"elsewhere", "ruled", "ruled/One"}, Whole: true, Today: "2026-11-28"})
		if diff := cmp.Diff(want, idleIn(res)); diff != "" {
			t.Errorf("%q: %s", src, diff)
		}
	}
	if got := idleIn(ran(t, "# drydock:ignore-file\nFROM a\n", Options{Checks: []*Check{idler}})); got != nil {
		t.Errorf("a comment for all names is judged when some didn't run: %v", got)
	}
}

func TestIgnoreEnds(t *testing.T) {
	src := "FROM a\n# drydock:ignore=shout until=2026-11-28 the team is away\nrun x\n"
	if res := ran(t, src, Options{Today: "2026-11-28"}); res.Changed() || res.Notes != nil {
		t.Errorf("on its last day it holds: %q %v", res.After, res.Notes)
	}
	res := ran(t, src, Options{Today: "2026-11-29"})
	if !strings.Contains(res.After, "RUN x") || cmp.Diff([]string{"the comment on line 2 ignores shout no longer: it ended on 2026-11-28"}, res.Notes) != "" {
		t.Errorf("afterwards it doesn't, which is said: %q %v", res.After, res.Notes)
	}
}

func TestGivenIgnores(t *testing.T) {
	src := "FROM a\nrun curl \\\n  -fsSL x\nrun y\nUSER b\n"
	res := ran(t, src, Options{Checks: []*Check{grumble}, Ignores: []Ignore{
		{Rule: "shout", Words: "run curl x", Where: ".drydock.yaml:3", Reason: "it is old"},
		{Rule: "grumble", Where: ".drydock.yaml:7", Reason: "all is well"},
	}})
	if want := "FROM a\nrun curl \\\n  -fsSL x\nRUN y\nUSER b\n"; res.After != want {
		t.Errorf("%q, want %q", res.After, want)
	}
	if len(res.Findings) > 0 {
		t.Errorf("found: %v", res.Findings)
	}
	var why []string
	for _, d := range res.Declined {
		why = append(why, d.Transform+": "+d.Reason)
	}
	if diff := cmp.Diff([]string{"shout: ignored by .drydock.yaml:3: it is old", "grumble: ignored by .drydock.yaml:7: all is well"}, why); diff != "" {
		t.Error(diff)
	}
}

// What became of the entries of a configuration is told where a check asks for it.
func TestGivenIdle(t *testing.T) {
	given := []Ignore{
		{Rule: "shout", Words: "run x"},
		{Rule: "shout", Words: "run y"},
		{Rule: "shout", Words: "RUN z"},
		{Rule: "loud"},
		{Rule: "grumble"},
		{Rule: "grumble", Words: "USER b"},
		{Rule: "elsewhere"},
		{Rule: "idler"},
		{Rule: "grumble/RULE"},
	}
	src := "FROM a\n# drydock:ignore=shout\nrun x\nrun y\nRUN z\nUSER b\n"
	res := ran(t, src, Options{Checks: []*Check{grumble, idler}, Ignores: given, Today: "2026-11-28"})
	want := []Use{Served, Served, Idle, Served, Served, Served, Unjudged, Unjudged, Idle} // loud would change something with Unsafe
	if diff := cmp.Diff(want, res.Ignores); diff != "" {
		t.Error(diff)
	}
	if res := ran(t, src, Options{Checks: []*Check{grumble}, Ignores: given}); res.Ignores != nil {
		t.Errorf("nobody asked: %v", res.Ignores)
	}
	res = ran(t, "FROM a\nRUN z\n", Options{Checks: []*Check{idler}, Ignores: []Ignore{{Rule: "shout"}, {Rule: "loud"}, {Rule: "grumble"}}})
	if diff := cmp.Diff([]Use{Idle, Idle, Unjudged}, res.Ignores); diff != "" {
		t.Error(diff)
	}
	ended := "FROM a\n# drydock:ignore=shout until=2026-11-27\nRUN x\n"
	if res := ran(t, ended, Options{Checks: []*Check{idler}, Today: "2026-11-28"}); res.Notes != nil {
		t.Errorf("the check and the notes tell the same: %v", res.Notes)
	}
}

func TestHas(t *testing.T) {
	in := parse(t, "FROM a\nRUN pip install --no-cache-dir \"flask\" && \\\n    rm -rf /tmp/x\nCMD [\"python\", \"app.py\"]\n").Instructions
	for words, at := range map[string]int{"RUN pip install flask": 1, "RUN rm -rf /tmp/x": 1, "CMD python app.py": 2, "pip install flask; rm": 1} {
		for i, one := range in {
			if one.Has(words) != (i == at) {
				t.Errorf("%s: Has(%q) is %v", one.Raw(), words, i != at)
			}
		}
	}
}

func TestAssume(t *testing.T) {
	src := "FROM a\nrun x\n"
	only := func(o Options) *Result {
		res, err := Run(context.Background(), Input{Path: "Dockerfile", Src: src}, []*Transform{loud}, o)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	for _, c := range []struct {
		o                Options
		changed, offered bool
	}{
		{Options{Offer: true}, false, true},
		{Options{Unsafe: true}, true, false},
		{Options{Offer: true, Assume: map[string]bool{"loud": true}}, true, false},
		{Options{Offer: true, Assume: map[string]bool{"loud": false}}, false, false},
		{Options{Unsafe: true, Assume: map[string]bool{"loud": false}}, false, false},
	} {
		if res := only(c.o); res.Changed() != c.changed || res.Count(Offered) > 0 != c.offered {
			t.Errorf("%+v: changed %v, %d offers", c.o, res.Changed(), res.Count(Offered))
		}
	}
}

func TestSilencedChecks(t *testing.T) {
	for src, want := range map[string]int{
		"FROM a\nUSER b\n": 1,
		"FROM a\n# hadolint ignore=DL1111,DL9999\nUSER b\n":                     0,
		"# hadolint global ignore=DL9999\nFROM a\nUSER b\nUSER c\n":             0,
		"FROM a\n# hadolint ignore=DL9999\nUSER b\nUSER c\n":                    1,
		"# check=skip=all\nFROM a\nUSER b\n":                                    1, // hadolint's rules aren't BuildKit's
		"FROM a\n# check=skip=JSONArgsRecommended\nUSER b\n# nothing\nUSER c\n": 2,
	} {
		if got := ran(t, src, Options{Checks: []*Check{grumble}}).Findings; len(got) != want {
			t.Errorf("%q: %d findings, want %d", src, len(got), want)
		}
	}
	in := parse(t, "# check=skip=all;error=true\nFROM a\nUSER b\n").Instructions[1]
	if silenced(in, []string{"JSONArgsRecommended"}) == "" {
		t.Error("skip=all skips BuildKit's rules")
	}
}
