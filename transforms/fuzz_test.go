package transforms

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// smallContext is a project in three languages, so that arbitrary Dockerfiles
// meet files that they name.
func smallContext() *repo.Repo {
	fs := fstest.MapFS{}
	for name, text := range map[string]string{
		"package.json":      `{"name":"x","version":"1.0.0","main":"index.js","scripts":{"start":"node index.js","build":"tsc"},"dependencies":{"express":"^4.0.0"},"devDependencies":{"typescript":"^5.0.0"}}`,
		"package-lock.json": `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x"}}}`,
		"index.js":          "require('express')\n",
		"requirements.txt":  "flask==3.0.0\ngunicorn\n",
		"app.py":            "import flask\n",
		"go.mod":            "module example.com/x\n\ngo 1.22\n",
		"main.go":           "package main\n\nfunc main() {}\n",
		".gitignore":        "node_modules\n.env\n",
		".git/HEAD":         "ref: refs/heads/main\n",
		"src/a.txt":         "a",
	} {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return repo.Load(fs)
}

// FuzzFix: whatever the text, the chain leaves a file that BuildKit reads, that
// a second run leaves alone, with the line ends that it had.
func FuzzFix(f *testing.F) {
	fixtures, _ := filepath.Glob(filepath.Join(fixturesDir, "*", "*", "Dockerfile*"))
	fn := runtime.FuncForPC(reflect.ValueOf(parser.Parse).Pointer())
	file, _ := fn.FileLine(fn.Entry())
	kit, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "testfiles", "*", "Dockerfile"))
	for _, name := range append(fixtures, kit...) {
		if b, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, ".dockerignore") {
			f.Add(string(b))
		}
	}
	contexts := []*repo.Repo{repo.Load(nil), repo.Load(fstest.MapFS{}), smallContext()}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		for i, rp := range contexts {
			for _, unsafe := range []bool{false, true} {
				fixAndCheck(t, text, rp, i, unsafe)
			}
		}
	})
}

func fixAndCheck(t *testing.T, text string, rp *repo.Repo, i int, unsafe bool) {
	in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: text, Repo: rp, Images: images.Catalogue()}
	o := rewrite.Options{Unsafe: unsafe}
	res, err := rewrite.Run(context.Background(), in, All(), o)
	if err != nil {
		if _, ok := err.(*rewrite.Error); !ok {
			t.Fatalf("context %d, unsafe %v: %v", i, unsafe, err)
		}
		return
	}
	for _, out := range res.Outcomes {
		if out.Status == rewrite.Dropped {
			t.Fatalf("context %d, unsafe %v: a gate had to drop %s %q: %s", i, unsafe, out.Transform, out.Title, out.Gate)
		}
	}
	if !res.Changed() {
		return
	}
	if err := buildkitTakes(res.After); err != nil {
		t.Fatalf("context %d, unsafe %v: BuildKit: %v\n%q\n%q", i, unsafe, err, text, res.After)
	}
	if n := strings.Count(text, "\n"); strings.Count(text, "\r\n") == n && n > 0 {
		if strings.Count(res.After, "\r\n") != strings.Count(res.After, "\n") {
			t.Fatalf("context %d, unsafe %v: line ends mixed: %q", i, unsafe, res.After)
		}
	} else if !strings.Contains(text, "\r") && strings.Contains(res.After, "\r") {
		t.Fatalf("context %d, unsafe %v: CR appears: %q", i, unsafe, res.After)
	}
	if strings.HasSuffix(text, "\n") != strings.HasSuffix(res.After, "\n") {
		t.Fatalf("context %d, unsafe %v: last line break: %q", i, unsafe, res.After)
	}
	again := in
	again.Src = res.After
	for n, s := range res.Files {
		again.Repo = again.Repo.With(n, []byte(s))
	}
	second, err := rewrite.Run(context.Background(), again, All(), o)
	if err != nil {
		t.Fatalf("context %d, unsafe %v: second run: %v\n%q", i, unsafe, err, res.After)
	}
	if second.Changed() {
		t.Fatalf("context %d, unsafe %v: a second run changes it again:\n%s", i, unsafe, rewrite.UnifiedDiff("Dockerfile", second.Before, second.After, false))
	}
}
