package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/images"
	"drydock/rewrite"
)

// tree writes files below a new folder and gives a finder that stops there.
func tree(t testing.TB, files map[string]string) (string, *Finder) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root, &Finder{
		Show: func(abs string) string { rel, _ := filepath.Rel(root, abs); return filepath.ToSlash(rel) },
		Top:  func(string) string { return root },
	}
}

func effect(t testing.TB, f *Finder, abs string) *Effective {
	t.Helper()
	e, mistakes := f.For(abs)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if e == nil {
		e = &Effective{}
	}
	return e
}

func TestFilesMerge(t *testing.T) {
	root, f := tree(t, map[string]string{
		".drydock.yaml":     "safety: unsafe\nbase: distroless\ncontext: x\nexclude: [old/, '!old/keep/']\ntransforms: {merge-run: {policy: all, safety: safe}, pipefail: off}\noverrides:\n- paths: [a/**]\n  transforms: {pipefail: on}\n- paths: [a/b/]\n  transforms: {add-user: off}\n",
		"a/.drydock.yml":    "base: slim\ntransforms: {merge-run: off}\nexclude: ['*.x.Dockerfile', '!y.x.Dockerfile']\nignores: [{rule: pin-base, path: b/, reason: r}, {rule: secrets, reason: r}]\n",
		"a/b/.drydock.yaml": "transforms: {merge-run: worthwhile}\n",
		"c/.drydock.yaml":   "root: true\n",
		"c/d/e":             "",
	})
	at := func(path string) *Effective { return effect(t, f, filepath.Join(root, path)) }

	top := at("Dockerfile")
	if top.Safety.From() != ".drydock.yaml:1" || top.Rules["distroless"].Run.Text != on || top.Rules["multi-stage"].Policy.Text != "distroless" || top.Rules["slim-base"].Policy.Set() || top.Context.Text != filepath.Join(root, "x") {
		t.Errorf("top: %+v", top)
	}
	if r := top.Rules["merge-run"]; r.Policy.Text != "all" || r.Safety.Text != Safe || r.Run.Set() {
		t.Errorf("top: merge-run is %+v", r)
	}
	a := at("a/Dockerfile")
	if r := a.Rules["merge-run"]; r.Run.Text != off || r.Policy.From() != ".drydock.yaml:5" || a.Rules["pipefail"].Run.From() != ".drydock.yaml:8" {
		t.Errorf("a: %+v", a.Rules)
	}
	if r := a.Rules["distroless"]; r.Run.Set() || r.Policy.Set() || a.Rules["multi-stage"].Policy.From() != "a/.drydock.yml:1" {
		t.Errorf("a nearer base takes all of the other back: %+v", a.Rules)
	}
	b := at("a/b/Dockerfile")
	if r := b.Rules["merge-run"]; !r.Run.On() || r.Policy.From() != "a/b/.drydock.yaml:1" || r.Safety.Text != Safe || b.Rules["add-user"].Run.Text != off || len(b.Files) != 3 {
		t.Errorf("a/b: %+v", b.Rules)
	}
	for path, want := range map[string]int{"a/Dockerfile": 1, "a/b/Dockerfile": 2, "a/b/c/Dockerfile": 2, "Dockerfile": 0} {
		if got := len(at(path).Ignores); got != want {
			t.Errorf("%s has %d ignores, want %d", path, got, want)
		}
	}
	if e := at("c/d/Dockerfile"); e.Safety.Set() || len(e.Files) != 1 {
		t.Errorf("root: true stops: %+v", e)
	}
	for path, want := range map[string]string{
		"old/Dockerfile": ".drydock.yaml:4", "x/old/Dockerfile": ".drydock.yaml:4", "old/keep/Dockerfile": "", "older/Dockerfile": "",
		"a/z.x.Dockerfile": "a/.drydock.yml:3", "a/y.x.Dockerfile": "", "z.x.Dockerfile": "", "a/old/Dockerfile": ".drydock.yaml:4", "a/old/y.x.Dockerfile": "",
	} {
		if got := at(path).Excluded.From(); got != want {
			t.Errorf("%s is excluded by %q, want %q", path, got, want)
		}
	}
	if e := effect(t, f, filepath.Join(filepath.Dir(root), "elsewhere")); len(e.Files) != 0 && e.Excluded.Set() {
		t.Errorf("elsewhere: %+v", e)
	}
}

func TestUse(t *testing.T) {
	root, f := tree(t, map[string]string{".drydock.yaml": "safety: unsafe\n", "elsewhere/own.yaml": "exclude: [a/]\n", "bad.yaml": "a: b\nc: d\n"})
	if err := f.Use(filepath.Join(root, "elsewhere/own.yaml"), "own.yaml", root); err != nil {
		t.Fatal(err)
	}
	if e := effect(t, f, filepath.Join(root, "a/Dockerfile")); e.Safety.Set() || e.Excluded.From() != "own.yaml:1" {
		t.Errorf("it alone holds, relative to the folder that is given: %+v", e)
	}
	err := f.Use(filepath.Join(root, "bad.yaml"), "bad.yaml", root)
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
}

// Mistakes of all files are told, the nearest file's last.
func TestMistakesOfSeveral(t *testing.T) {
	root, f := tree(t, map[string]string{".drydock.yaml": "a: b\n", "x/.drydock.yaml": "c: d\n", "x/y/.drydock.yaml": "safety: safe\n"})
	_, mistakes := f.For(filepath.Join(root, "x/y/Dockerfile"))
	var files []string
	for _, m := range mistakes {
		files = append(files, m.File)
	}
	if diff := cmp.Diff([]string{".drydock.yaml", "x/.drydock.yaml"}, files); diff != "" {
		t.Error(diff)
	}
}

// A name with control characters reaches no terminal.
func TestHostileNames(t *testing.T) {
	root, f := tree(t, map[string]string{"a\x1b[31m\nb/.drydock.yaml": "x: y\n"})
	_, mistakes := f.For(filepath.Join(root, "a\x1b[31m\nb/Dockerfile"))
	if text := mistakes.Error(); len(mistakes) != 1 || strings.ContainsAny(text, "\x1b\n") {
		t.Errorf("%q", text)
	}
}

// An ignore that was added keeps its instruction away, also when the words stand on
// several lines.
func TestAddedIgnoreCovers(t *testing.T) {
	doc, err := rewrite.Parse("Dockerfile", "FROM a\nRUN x \\\n  # why\n  && y \"z\"\n", images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	text, err := AddIgnore(nil, Ignore{Rule: "merge-run", Instruction: doc.Instructions[1].Raw(), Reason: "r"})
	if err != nil {
		t.Fatal(err)
	}
	file, mistakes := Parse("c", "/d", text)
	if len(mistakes) > 0 || !doc.Instructions[1].Has(file.Ignores[0].Instruction) || doc.Instructions[0].Has(file.Ignores[0].Instruction) {
		t.Errorf("%s: %v", text, mistakes)
	}
}

// Without a file the search is a few questions to the file system, once for each folder.
func BenchmarkNone(b *testing.B) {
	root, f := tree(b, map[string]string{"a/b/c/d/Dockerfile": ""})
	path := filepath.Join(root, "a/b/c/d/Dockerfile")
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			f.chains, f.folders = nil, nil
			effect(b, f, path)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			effect(b, f, path)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte("safety: unsafe\ntransforms: {merge-run: all}\nexclude: [a/, b/]\nignores:\n- {rule: pin-base, path: x/, reason: r}\n")
	for b.Loop() {
		if _, mistakes := Parse("c", "/d", text); len(mistakes) > 0 {
			b.Fatal(mistakes)
		}
	}
}
