// Package splittest runs multi-stage in tests of the recipes.
package splittest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage"
)

// Rebased runs one transform over a Dockerfile with files beside it.
func Rebased(t *testing.T, tr *rewrite.Transform, policy, dockerfile string, files map[string]string) *rewrite.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := rewrite.Input{Path: "Dockerfile", Src: dockerfile, Name: "Dockerfile", Repo: repo.Load(os.DirFS(dir)), Images: images.Catalogue()}
	res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{tr}, rewrite.Options{Unsafe: true, Policies: map[string]string{tr.Name: policy}})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if o.Status != rewrite.Applied || o.Gain == "" || len(o.Plan) < 2 {
			t.Errorf("it is applied, with what it brings and a plan: %+v", o)
		}
	}
	return res
}

// Dir runs multi-stage alone over a context directory, and checks that no
// gate drops a change and that a second run changes nothing.
func Dir(t *testing.T, dir string) *rewrite.Result {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	only := []*rewrite.Transform{multistage.Transform()}
	in := rewrite.Input{Path: "Dockerfile", Src: string(src), Name: "Dockerfile", Repo: repo.Load(os.DirFS(dir)), Images: images.Catalogue()}
	o := rewrite.Options{Unsafe: true}
	if policy, err := os.ReadFile(filepath.Join(dir, "POLICY")); err == nil {
		o.Policies = map[string]string{"multi-stage": strings.TrimSpace(string(policy))}
	}
	res, err := rewrite.Run(context.Background(), in, only, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if o.Status == rewrite.Dropped {
			t.Errorf("dropped: %s: %s", o.Title, o.Gate)
		}
		if o.Safety != rewrite.Assumes || o.Assumes == "" || o.Gain == "" {
			t.Errorf("a split names its assumption and its gain: %+v", o)
		}
	}
	in.Src = res.After
	again, err := rewrite.Run(context.Background(), in, only, o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Changed() {
		t.Errorf("a second run changes the file again:\n%s", again.After)
	}
	return res
}

// Files is Dir over a context of the given files.
func Files(t *testing.T, files map[string]string) *rewrite.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Dir(t, dir)
}

// Reasons are the reasons of all declines, one a line.
func Reasons(res *rewrite.Result) string {
	var out []string
	for _, d := range res.Declined {
		out = append(out, d.Reason)
	}
	return strings.Join(out, "\n")
}

const (
	FlaskApp = "from flask import Flask\n\napp = Flask(__name__)\n"
	JSApp    = "require('http').createServer((q, r) => r.end('ok')).listen(3000)\n"
	GoMain   = "package main\n\nfunc main() { println(1) }\n"
	GoMod    = "module example.com/buoy\n\ngo 1.22\n"
	PkgJSON  = `{"name": "x", "version": "1.0.0", "dependencies": {"express": "4.18.2"}}`
	PkgDev   = `{"name": "x", "version": "1.0.0", "scripts": {"build": "tsc", "start": "node dist/x.js", "dev": "nodemon x.js"}, "dependencies": {"express": "4.18.2"}, "devDependencies": {"typescript": "5.0.0", "nodemon": "3.0.0"}}`
)
