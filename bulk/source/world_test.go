package source_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/bulktest"
	"drydock/bulk/result"
	"drydock/bulk/source"
)

func isDockerfile(name string) bool {
	return name == "Dockerfile" || strings.HasPrefix(name, "Dockerfile.")
}

func discover(t *testing.T, o source.Options, sources ...string) []source.Repo {
	t.Helper()
	if o.IsDockerfile == nil {
		o.IsDockerfile = isDockerfile
	}
	var out []source.Repo
	for r, err := range source.Discover(t.Context(), sources, o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// Every repository of a tree of all kinds is found, once, under its name, and nothing else is.
func TestDiscoverWorld(t *testing.T) {
	w, err := bulktest.Generate(t.TempDir(), 60, 7)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]source.Repo{}
	for _, r := range discover(t, source.Options{}, w.Tree) {
		if _, twice := got[r.Name]; twice {
			t.Errorf("%q is given twice", r.Name)
		}
		got[r.Name] = r
	}
	for _, want := range w.Repos {
		r, ok := got[want.Name]
		delete(got, want.Name)
		if !ok {
			t.Errorf("%s: %q isn't found", want.Kind, want.Name)
		} else if r.Dir != want.Dir || r.Err != nil {
			t.Errorf("%s: %+v", want.Kind, r)
		} else if linked := want.Status == result.Skipped && strings.Contains(want.Reason, "linked"); linked != (r.Skip != "") || linked && !strings.Contains(r.Skip, want.Reason) {
			t.Errorf("%s: skipped because %q", want.Kind, r.Skip)
		}
	}
	for name := range got {
		t.Errorf("%q is found", name)
	}
	// Three shards are all of it, and none is in two.
	var parts []string
	for i := 1; i <= 3; i++ {
		for _, r := range discover(t, source.Options{Shard: source.Shard{I: i, N: 3}}, w.Tree) {
			parts = append(parts, r.Name)
		}
	}
	slices.Sort(parts)
	if len(parts) != len(w.Repos) || len(slices.Compact(parts)) != len(w.Repos) {
		t.Errorf("the shards have %d repositories, there are %d", len(parts), len(w.Repos))
	}
	if again := discover(t, source.Options{}, w.Tree, filepath.Join(w.Tree, "apps")); len(again) != len(w.Repos) {
		t.Errorf("a folder inside of another source gives %d repositories instead of %d", len(again), len(w.Repos))
	}
}
