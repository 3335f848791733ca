//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What stands between a wrong rewrite and the reader of our table is the comparison; so it is shown two rewrites that
// build without a warning and are wrong, and one that is right.
const (
	plain  = "FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\",\"app.py\"]\n"
	layers = "FROM python:3.12-slim\nRUN useradd --uid 10001 app\nWORKDIR /srv\nCOPY requirements.txt .\n" +
		"RUN pip install --no-cache-dir -r requirements.txt\n"
	run = "USER app\nCMD [\"python\",\"app.py\"]\n"
)

func TestBreaksAreSeen(t *testing.T) {
	onlyAll(t)
	c := cases["python"]
	before := launchFiles(t, map[string]string{"Dockerfile": plain}, c)
	for _, b := range []struct {
		name, dockerfile, ignore string
		want                     string // part of a difference; "" for none
	}{
		{"right", layers + "COPY . .\n" + run, "tests\n", ""},
		{"the command's file is missing", layers + "COPY data data\nCOPY templates templates\nCOPY static static\n" + run, "",
			"can't open file '/srv/app.py'"},
		{"200 with another body", layers + "COPY . .\n" + run, "data\n", "no tides known"},
	} {
		t.Run(b.name, func(t *testing.T) {
			after := launchFiles(t, map[string]string{"Dockerfile": b.dockerfile, ".dockerignore": b.ignore}, c)
			got := strings.Join(differences(before, after), "\n")
			switch {
			case b.want == "" && got != "":
				t.Errorf("a difference where there is none:\n%s", got)
			case !strings.Contains(got, b.want):
				t.Errorf("the break wasn't seen; differences: %q", got)
			}
			if after.saw.UID != 10001 {
				t.Errorf("it ran as %d, want 10001", after.saw.UID)
			}
		})
	}
}

// The same for the check on the second build: in the Dockerfile before, a changed source file installs everything anew.
func TestAnInstallThatRunsAgainIsSeen(t *testing.T) {
	onlyAll(t)
	c := cases["python"]
	dir := pythonApp(t, map[string]string{"Dockerfile": plain})
	if _, err := world.builder.build(t.Context(), request{dir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, uncached := rebuild(t, t.Context(), dir, c); len(uncached) != 1 || !strings.Contains(uncached[0], "pip install") {
		t.Errorf("uncached steps: %q", uncached)
	}
	c.install = "pip compile"
	if _, uncached := rebuild(t, t.Context(), dir, c); len(uncached) != 1 || !strings.Contains(uncached[0], "no step matches") {
		t.Errorf("uncached steps: %q", uncached)
	}
}

func launchFiles(t *testing.T, files map[string]string, c chainCase) *subject {
	t.Helper()
	s, err := launch(t.Context(), pythonApp(t, files), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pythonApp is fixtures/chain/python in a new folder, with files written over it.
func pythonApp(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(world.root, "fixtures", "chain", "python"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
