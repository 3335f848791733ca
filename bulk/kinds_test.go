package bulk

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/bulktest"
	"drydock/bulk/result"
	"drydock/bulk/source"
	"drydock/report"
)

// quietly puts a flag into every apt-get install.
func quietly(_ context.Context, dir string) (out []*report.File, facts []result.Facts, err error) {
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != "Dockerfile" || strings.Contains(name, "/.git/") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		f := &report.File{Path: rel, Outcomes: []report.Outcome{}, Declined: []report.Decline{}, Findings: []report.Finding{}}
		if now := strings.Replace(string(text), "install -y", "install -qy", 1); now != string(text) {
			f.Changed, f.Patches = true, []*report.Patch{{Path: rel, Before: string(text), After: now}}
			f.Outcomes = append(f.Outcomes, report.Outcome{Status: "applied", Transform: "quiet", Title: "quiet"})
		}
		out = append(out, f)
		return nil
	})
	return out, make([]result.Facts, len(out)), err
}

// TestKinds works on repositories of all kinds, as they are found: each comes to what it must, the branch is all that is
// new, and a second run changes nothing.
func TestKinds(t *testing.T) {
	w, err := bulktest.Generate(t.TempDir(), 45, 11)
	must(t, err)
	before, err := bulktest.Take(w.Tree)
	must(t, err)
	o := options(t)
	o.Work, o.Branch = quietly, "drydock/all"
	o.Repos = source.Discover(t.Context(), []string{w.Tree}, source.Options{IsDockerfile: o.IsDockerfile})
	var first map[string]*result.Result
	for range 2 {
		_, got := do(t, o)
		if len(got) != len(w.Repos) {
			t.Errorf("%d results for %d repositories", len(got), len(w.Repos))
		}
		for _, want := range w.Repos {
			if want.NoGit {
				want.Status, want.Reason = result.Skipped, "not a git repository"
			}
			r := got[want.Name]
			if r == nil {
				t.Errorf("%s: %q has no result", want.Kind, want.Name)
				continue
			}
			var changed []string
			for _, f := range r.Files {
				if f.Changed {
					changed = append(changed, f.Path)
				}
			}
			slices.Sort(changed)
			if r.Status != want.Status || !strings.Contains(r.Reason, want.Reason) || !slices.Equal(changed, want.Changed) || (r.Made != "") != (r.Status == result.Changed) {
				t.Errorf("%s: %q: %s %q %q made %q, want %s %q %q", want.Kind, want.Name, r.Status, r.Reason, changed, r.Made, want.Status, want.Reason, want.Changed)
			}
			if first != nil && r.Made != first[want.Name].Made {
				t.Errorf("%s: %q: made again", want.Kind, want.Name)
			}
		}
		first = got
	}
	after, err := bulktest.Take(w.Tree)
	must(t, err)
	for _, d := range before.Differs(after, "drydock/all") {
		t.Errorf("%q", d)
	}
	if ran, err := os.ReadFile(w.Ran); err == nil {
		t.Errorf("programs of repositories ran: %s", ran)
	}
}
