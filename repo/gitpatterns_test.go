package repo

import "testing"

func TestGitPatterns(t *testing.T) {
	var ps GitPatterns
	for _, p := range []string{"old/", "!old/keep", "*.x", "!/y.x", "services/**", "!services/api/", "/top"} {
		if !ps.Add(p) {
			t.Errorf("%s isn't understood", p)
		}
	}
	for file, want := range map[string]struct {
		at    int
		takes bool
	}{
		"old/a": {0, true}, "a/old/b/c": {0, true}, "old": {-1, false}, "old/keep": {1, false}, "old/keep/a": {1, false}, "a/old/keep": {0, true},
		"z.x": {2, true}, "y.x": {3, false}, "a/y.x": {2, true}, "services/a/b": {4, true}, "services/api/b": {5, false}, "services": {-1, false},
		"top": {6, true}, "a/top": {-1, false}, "top/a": {6, true}, "else": {-1, false}, "": {-1, false},
	} {
		if at, takes := ps.Match(file); at != want.at || takes != want.takes {
			t.Errorf("%s: pattern %d, takes %v; want %v", file, at, takes, want)
		}
	}
	for _, bad := range []string{"", "#a", "[a", "a\\", "!", "/"} {
		if ps.Add(bad) && bad != "/" {
			t.Errorf("%q is understood", bad)
		}
	}
}
