package review

import (
	gocontext "context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms"
)

// fixture is one case of fixtures/, worked out with everything accepted.
type fixture struct {
	disk     string
	ts       []*rewrite.Transform
	policies map[string]string
	chain    bool // all transforms
	repo     *repo.Repo
}

func readFixture(t *testing.T, dir string) *fixture {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{disk: string(b), chain: true, ts: transforms.All(), repo: repo.Load(os.DirFS(dir))}
	if one := transforms.ByName(filepath.Base(filepath.Dir(dir))); one != nil {
		f.ts, f.chain = []*rewrite.Transform{one}, false
		if policy, err := os.ReadFile(filepath.Join(dir, "POLICY")); err == nil {
			f.policies = map[string]string{one.Name: strings.TrimSpace(string(policy))}
		}
	}
	return f
}

// work is a review of the file that reads disk.
func (f *fixture) work(disk string, steps []Decision, ignores ...rewrite.Ignore) *Worked {
	return Work(Site{
		Run: func(text string, files map[string]string, opt rewrite.Options) (*rewrite.Result, error) {
			return rewrite.Run(gocontext.Background(), rewrite.Input{Path: "Dockerfile", Src: text, Name: "Dockerfile", Repo: f.repo}, f.ts, opt)
		},
		Options: rewrite.Options{Unsafe: true, Policies: f.policies, Ignores: ignores},
		Path:    "Dockerfile", Context: ".",
		Read: func(name string) (string, bool) { b, err := f.repo.ReadFile(name); return string(b), err == nil },
		Show: func(name string) string { return name },
	}, PlanFor(steps, 0, disk))
}

// For each change of each fixture: an ignore that the review remembered keeps it away, in the
// review and in every run after it; what is no matter of its transform at its instruction is
// made as if the change were only rejected.
func TestRememberedKeepsAway(t *testing.T) {
	cases, err := filepath.Glob("../fixtures/*/*/Dockerfile")
	if err != nil || len(cases) < 500 {
		t.Fatal(len(cases), err)
	}
	var changes atomic.Int64
	t.Cleanup(func() {
		if n := changes.Load(); n < 500 {
			t.Errorf("%d changes prove little", n)
		}
	})
	for _, name := range cases {
		dir := filepath.Dir(name)
		if _, err := os.Stat(filepath.Join(dir, "REGISTRY")); err == nil {
			continue // answers of registries are the harness's of package transforms
		}
		t.Run(strings.TrimPrefix(dir, "../fixtures/"), func(t *testing.T) {
			t.Parallel()
			f := readFixture(t, dir)
			first := f.work(f.disk, nil)
			if first.Err != nil {
				t.Fatal(first.Err)
			}
			for _, c := range first.Changes {
				if dir == "../fixtures/chain/python-apt" && slices.Contains(ofMade, c.Title) && c.at > 13 {
					continue
				}
				changes.Add(1)
				f.keepsAway(t, first, c)
			}
		})
	}
}

// ofMade are changes of a RUN that multi-stage puts into its new stage: no line on disk can
// bear a comment about it before the stage is written.
var ofMade = []string{"keep what apt downloads in a cache mount", "install with --no-install-recommends"}

// numbers are lines in titles, which a comment moves.
var numbers = regexp.MustCompile(`\d+`)

const becauseTest = "it-must-stay"

func (f *fixture) keepsAway(t *testing.T, first *Worked, c Change) {
	s := NewSession([]Target{{Path: "Dockerfile", Disk: f.disk}})
	s.Take(s.Order(0), 0, first)
	rejected := f.work(f.disk, []Decision{s.One(0, c, Rejected)})
	if c.Verdict != Accepted || rejected.Err != nil {
		t.Fatalf("%s: %v", c.Title, rejected.Err)
	}
	// Where there is more of the transform at the instruction, what depends on that goes, too.
	alone := !f.chain && !slices.ContainsFunc(slices.Concat(first.Changes, rejected.Changes), func(x Change) bool {
		return x.Transform == c.Transform && turns(x) != turns(c) && f.about(x, c)
	})
	holds := func(what string, w *Worked, all bool) {
		t.Helper()
		if w.Err != nil {
			t.Fatal(w.Err)
		}
		for _, x := range w.Changes {
			if x.Verdict == Accepted && x.Transform == c.Transform && turns(x) == turns(c) {
				t.Errorf("line %d: %s: %s: it is made", c.Line, c.Title, what)
			}
		}
		for _, x := range rejected.Changes {
			if !all || !alone || x.Verdict != Accepted || turns(x) == turns(c) {
				continue
			}
			if !slices.ContainsFunc(w.Changes, func(y Change) bool {
				return y.Verdict == Accepted && y.Transform == x.Transform && numbers.ReplaceAllString(y.Title, "N") == numbers.ReplaceAllString(x.Title, "N")
			}) {
				t.Errorf("line %d: %s: %s: it keeps away %s: %s", c.Line, c.Title, what, x.Transform, x.Title)
			}
		}
	}
	// A comment.
	shown := f.work(f.disk, s.Remember(0, c, becauseTest, nil))
	holds("in the review, by a comment", shown, true)
	holds("without what was made, by a comment", f.work(WithComment(f.disk, c.Place, c.Transform, becauseTest), nil), true)
	holds("by a comment", f.work(shown.After, nil), false)
	// An entry of the configuration.
	e := s.Wanted(0, &c, becauseTest)
	e.Config = ".drydock.yaml"
	shown = f.work(f.disk, s.Remember(0, c, becauseTest, &e))
	finer := c.Place == 0 || e.Words != strings.Join(allWords(instruction(f.disk, c.Place)), " ") // else other instructions may have all of its words
	holds("in the review, by "+e.Words, shown, finer)
	holds("without what was made, by "+e.Words, f.work(f.disk, nil, e.Ignore()), finer)
	holds("by "+e.Words, f.work(shown.After, nil, e.Ignore()), false)
}

// about tells that a change of the same transform is about the instruction of c as well: an
// ignore knows no finer than that.
func (f *fixture) about(x, c Change) bool {
	if x.Place == 0 || c.Place == 0 {
		return true
	}
	in := instruction(f.disk, c.Place)
	if instruction(f.disk, x.Place).Index == in.Index {
		return true
	}
	for _, d := range rewrite.DiffLines(x.Before, x.After) {
		if d.Op == '-' && strings.Contains(in.Raw(), strings.TrimSpace(d.Text)) {
			return true
		}
	}
	return false
}

// turns is what a change takes and gives.
func turns(c Change) string {
	_, lines, _ := strings.Cut(strings.TrimPrefix(c.ID.Name, c.Transform+"\x00"), "\x00")
	return strings.ReplaceAll(lines, becauseTest, "")
}
