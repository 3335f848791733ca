package review

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drydock/rewrite"
)

// Without a decision the review writes what fix writes.
func TestBeginsAsFix(t *testing.T) {
	for _, unsafe := range []bool{false, true} {
		y := readYard(t)
		y.unsafe = unsafe
		s := y.session()
		changed := 0
		for i, w := range s.Works {
			if w.Err != nil {
				continue
			}
			if want := y.fixed(t, i); w.After != want {
				t.Errorf("unsafe %v, %s:\n%s\nwant\n%s", unsafe, y.paths[i], w.After, want)
			}
			if w.Changed() {
				changed++
			}
			if n := w.Count(Pending); unsafe && n > 0 {
				t.Errorf("%s: %d changes pending under --unsafe", y.paths[i], n)
			}
		}
		if changed < 3 {
			t.Errorf("%d files changed: the test has nothing to compare", changed)
		}
	}
}

// What was written reviews as done: accepting all and reviewing again finds nothing that
// was accepted.
func TestRejectedStays(t *testing.T) {
	y := readYard(t)
	s := y.session()
	api := slices.Index(y.paths, "api/Dockerfile")
	for _, c := range s.Works[api].Changes {
		s := y.session()
		y.settle(s, s.Decide(s.One(api, c, Rejected)))
		for _, now := range s.Works[api].Changes {
			if now.ID.Name == c.ID.Name && now.Verdict != Rejected {
				t.Errorf("%s: %s: it is %v", c.Transform, c.Title, now.Verdict)
			}
		}
		// The rejected change isn't among what leads to the text.
		text := s.Works[api].Disk
		for _, step := range s.Works[api].File.Steps {
			text = step.Files[y.paths[api]]
		}
		if text != s.Works[api].After {
			t.Errorf("%s: the steps don't lead to the text", c.Title)
		}
	}
}

// Of two changes that look the same each is decided by itself.
func TestTwins(t *testing.T) {
	y := readYard(t)
	s := y.session()
	f := slices.Index(y.paths, "twins/Dockerfile")
	var twins []Change
	for _, c := range s.Works[f].Changes {
		if c.Transform == "env-key-value" {
			twins = append(twins, c)
		}
	}
	if len(twins) != 2 || twins[0].ID.Name != twins[1].ID.Name {
		t.Fatalf("no twins: %+v", s.Works[f].Changes)
	}
	for k := range twins {
		y.settle(s, s.Decide(s.One(f, twins[k], Rejected)))
		after := strings.Split(s.Works[f].After, "\n")
		for i, c := range twins {
			if got := !strings.Contains(after[c.Line-1], "="); got != (i == k) {
				t.Errorf("rejected twin %d: line %d is %q", k, c.Line, after[c.Line-1])
			}
		}
		groups, _ := s.Undo()
		y.settle(s, groups)
	}
}

// A change that rests on a rejected one goes with it, and undo brings both back.
func TestGoesWithIt(t *testing.T) {
	y := &yard{paths: []string{"Dockerfile"}, texts: []string{"FROM debian:12\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends curl\nCMD [\"curl\"]\n"}}
	s := y.session()
	i := slices.IndexFunc(s.Works[0].Changes, func(c Change) bool { return c.Transform == "merge-run" })
	if i < 0 {
		t.Fatalf("no merge: %+v", s.Works[0].Changes)
	}
	before, after := s.Snapshot(), s.Works[0].After
	step := []Decision{s.One(0, s.Works[0].Changes[i], Rejected)}
	y.settle(s, s.Decide(step...))
	if told := s.Since(before, step); told == "" {
		t.Errorf("nothing went with the merge:\n%s", s.Works[0].After)
	}
	// It is still in the list, and a brings it back.
	i = slices.IndexFunc(s.Works[0].Changes, func(c Change) bool { return c.Transform == "merge-run" && c.Verdict == Rejected })
	if i < 0 {
		t.Fatalf("the rejected change is gone: %+v", s.Works[0].Changes)
	}
	y.settle(s, s.Decide(s.One(0, s.Works[0].Changes[i], Accepted)))
	if s.Works[0].After != after {
		t.Errorf("accepted again:\n%s\nwant\n%s", s.Works[0].After, after)
	}
	s.Undo()
	groups, told := s.Undo()
	y.settle(s, groups)
	if s.Works[0].After != after || !strings.HasPrefix(told, "rejected merge-run: ") {
		t.Errorf("undo told %q and left\n%s", told, s.Works[0].After)
	}
	if rest := s.Since(before, nil); rest != "" {
		t.Errorf("after undo: %s", rest)
	}
}

// A rejection that is remembered is a comment which fix understands.
func TestRemember(t *testing.T) {
	y := readYard(t)
	for _, f := range []string{"api/Dockerfile", "wide/Dockerfile"} {
		i := slices.Index(y.paths, f)
		for _, c := range y.session().Works[i].Changes {
			s := y.session()
			y.settle(s, s.Decide(s.Remember(i, c, "it\nmust stay", nil)...))
			w := s.Works[i]
			if w.Err != nil || !strings.Contains(w.After, "ignore") || !strings.Contains(w.After, "="+c.Transform+" it must stay") {
				t.Errorf("%s: %s: no comment:\n%s%v", f, c.Title, w.After, w.Err)
			}
			if strings.Contains(w.Disk, "\r\n") != strings.Contains(w.After, "\r\n") || strings.Contains(strings.ReplaceAll(w.After, "\r\n", ""), "\n") != !strings.Contains(w.Disk, "\r\n") {
				t.Errorf("%s: %s: line ends are mixed: %q", f, c.Title, w.After)
			}
			next := &yard{paths: []string{f}, texts: []string{w.After}}
			for _, again := range next.session().Works[0].Changes {
				if again.Transform == c.Transform && again.Title == c.Title && again.Verdict == Accepted {
					t.Errorf("%s: %s: fix makes it all the same", f, c.Title)
				}
			}
		}
	}
}

// An edited text is what everything is worked out from, and r takes it back.
func TestEdit(t *testing.T) {
	y := readYard(t)
	s := y.session()
	i := slices.Index(y.paths, "api/Dockerfile")
	text := strings.Replace(s.Works[i].Changes[0].After, "curl", "wget", 1)
	before := s.Works[i].After
	y.settle(s, s.Decide(Decision{Kind: Edit, File: i, Text: text, Transform: EditName}))
	w := s.Works[i]
	if !strings.Contains(w.After, "wget") || strings.Contains(w.After, "curl") || w.Changes[0].Transform != EditName {
		t.Fatalf("%s\n%+v", w.After, w.Changes[0])
	}
	y.settle(s, s.Decide(s.One(i, w.Changes[0], Rejected)))
	if s.Works[i].After != before {
		t.Errorf("the edit is still there:\n%s", s.Works[i].After)
	}
}

// Any sequence of decisions, undos and redos leads to the text that the engine
// makes of the decisions which hold; undo after a decision changes nothing; what is listed as
// accepted is what the text has.
func TestDecisions(t *testing.T) {
	y := readYard(t)
	y.only = []string{"merge-run", "clean-packages", "env-key-value", "exec-form", "label-not-maintainer", "absolute-workdir", "add-user"}
	rapid.Check(t, func(t *rapid.T) {
		s := y.session()
		for range rapid.IntRange(1, 3).Draw(t, "steps") {
			rows := s.Rows(rapid.Bool().Draw(t, "by kind"), false)
			var step []Decision
			for len(step) == 0 {
				r := rows[rapid.IntRange(0, len(rows)-1).Draw(t, "row")]
				if r.Kind == FileRow && s.Works[r.File].Err != nil {
					continue
				}
				c := s.Change(r)
				if c != nil && c.Transform != EditName && rapid.IntRange(0, 5).Draw(t, "remember") == 0 {
					var entry *Entry
					if rapid.Bool().Draw(t, "in the configuration") {
						e, err := y.Configure(s.Wanted(r.File, c, "a reason"), s.Entries())
						if err != nil {
							t.Fatal(err)
						}
						entry = &e
					}
					step = s.Remember(r.File, *c, "a reason", entry)
				} else {
					step = s.Under(r, rapid.SampledFrom([]Verdict{Accepted, Rejected}).Draw(t, "verdict"))
				}
				if r.Kind == FileRow && len(step) == 0 {
					break
				}
			}
			if len(step) == 0 {
				continue
			}
			was := texts(s)
			y.settle(s, s.Decide(step...))
			now := texts(s)
			agree(t, y, s)
			groups, _ := s.Undo()
			y.settle(s, groups)
			if got := texts(s); !slices.Equal(got, was) {
				t.Fatalf("undo of %q: %q, want %q", Tell(step), got, was)
			}
			groups, _ = s.Redo()
			y.settle(s, groups)
			if got := texts(s); !slices.Equal(got, now) {
				t.Fatalf("redo of %q: %q, want %q", Tell(step), got, now)
			}
		}
	})
}

func texts(s *Session) (out []string) {
	for _, w := range s.Works {
		out = append(out, w.After)
	}
	return out
}

// agree wants every file as the engine makes it of the decisions that hold, and the list
// to lead to its text.
func agree(t *rapid.T, y *yard, s *Session) {
	for i, w := range s.Works {
		if w.Err != nil {
			continue
		}
		if again := y.work(PlanFor(s.Log.Decisions(), i, y.texts[i]), i); again.After != w.After {
			t.Fatalf("%s: %q, want %q", y.paths[i], w.After, again.After)
		}
		text := w.Disk
		for _, step := range w.File.Steps {
			if after, ok := step.Files[y.paths[i]]; ok {
				text = after
			}
		}
		if text != w.After {
			t.Fatalf("%s: the list leads to %q, written is %q", y.paths[i], text, w.After)
		}
		for _, c := range w.Changes {
			if c.Verdict != Accepted && !c.Gone && c.Before != w.After {
				t.Fatalf("%s: %s: shown on top of a text that isn't written", y.paths[i], c.Title)
			}
		}
		if _, err := rewrite.Parse(y.paths[i], w.After, nil); err != nil {
			t.Fatal(err)
		}
	}
}
