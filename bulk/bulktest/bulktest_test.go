package bulktest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Copies are repositories as good as the one that they are made from.
func TestMany(t *testing.T) {
	w, err := Many(t.TempDir(), 4)
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(filepath.Join(w.Tree, "*", "*"))
	if err != nil || len(dirs) != 4 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		for _, args := range [][]string{{"fsck", "--strict"}, {"diff", "--exit-code", "HEAD"}} {
			cmd := exec.CommandContext(t.Context(), "git", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: git %v: %s", dir, args, out)
			}
		}
	}
}

func TestSameSeedSameNames(t *testing.T) {
	var names [2][]string
	for i := range names {
		w, err := Generate(t.TempDir(), 3, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range w.Repos {
			names[i] = append(names[i], r.Name)
		}
	}
	for i := range names[0] {
		if names[0][i] != names[1][i] {
			t.Errorf("%q and %q", names[0][i], names[1][i])
		}
	}
}
