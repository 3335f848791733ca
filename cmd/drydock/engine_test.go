package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"drydock/report"
	"drydock/rewrite"
)

// runWith runs fix on Dockerfiles in the current folder with made-up transforms.
func runWith(t *testing.T, ts ...*rewrite.Transform) (total report.Total, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	j := job{
		settings: settings{own: rules{transforms: ts}, paths: []string{"."}, color: "never"},
		streams:  streams{strings.NewReader(""), &out, &err},
		write:    true,
		render:   &report.Summary{W: &out},
	}
	total, e := j.run(context.Background())
	if e != nil {
		t.Fatal(e)
	}
	return total, out.String(), err.String()
}

func transform(f func(p *rewrite.Pass) ([]rewrite.Change, error)) *rewrite.Transform {
	return &rewrite.Transform{Name: "made-up", Run: func(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) { return f(p) }}
}

// A change that fails a gate is a defect of ours: it is told even under
// --quiet, never written, and fails nothing.
func TestDroppedChangeIsTold(t *testing.T) {
	t.Chdir(t.TempDir())
	file(t, ".", "Dockerfile", "FROM scratch\nCMD [\"/app\"]\n")
	total, _, stderr := runWith(t, transform(func(p *rewrite.Pass) ([]rewrite.Change, error) {
		last := p.Doc.Instructions[1]
		return []rewrite.Change{{Title: "lose CMD", At: last, Edits: []rewrite.Edit{p.Doc.Delete(last)}}}, nil
	}))
	want := "Dockerfile:2: drydock's own defect: made-up wanted to \"lose CMD\", but the final image's CMD would change: the change was left out; please report this file\n"
	if stderr != want {
		t.Errorf("stderr: %q", stderr)
	}
	if total != (report.Total{Files: 1}) || content(t, "Dockerfile") != "FROM scratch\nCMD [\"/app\"]\n" {
		t.Errorf("%+v", total)
	}
}

// A transform that panics or fails costs its own file only.
func TestFailingTransformSparesOthers(t *testing.T) {
	for name, fail := range map[string]func() error{
		"panics": func() error { panic("overboard") },
		"fails":  func() error { return errors.New("overboard") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			file(t, ".", "a.Dockerfile", "FROM scratch\nLABEL a=b\n")
			file(t, ".", "b.Dockerfile", "FROM scratch\n")
			total, _, stderr := runWith(t, transform(func(p *rewrite.Pass) ([]rewrite.Change, error) {
				if len(p.Doc.Instructions) > 1 {
					return nil, fail()
				}
				return nil, nil
			}))
			if total != (report.Total{Files: 2, Failed: 1}) {
				t.Errorf("%+v", total)
			}
			if !strings.HasPrefix(stderr, "a.Dockerfile: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "overboard") {
				t.Errorf("stderr: %q", stderr)
			}
		})
	}
}

// A second Dockerfile of a context sees the .dockerignore that the first one
// made, and the other Dockerfile as it stands.
func TestContextIsHandedOn(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, n := range []string{"a.Dockerfile", "b.Dockerfile", "docker/c.Dockerfile"} {
		mkdir(t, "docker")
		file(t, ".", n, "FROM scratch\nCOPY src /\n")
	}
	mkdir(t, "src")
	var seen []string
	total, _, stderr := runWith(t, transform(func(p *rewrite.Pass) ([]rewrite.Change, error) {
		old, _ := p.Repo.ReadFile(".dockerignore")
		if strings.Contains(string(old), p.Name) {
			return nil, nil
		}
		var others []string
		for _, d := range p.Siblings {
			others = append(others, d.Path)
		}
		seen = append(seen, p.Name+" sees "+strings.Join(others, " ")+" and "+strings.TrimSpace(string(old)))
		end := rewrite.Span{Start: len(old), End: len(old)}
		return []rewrite.Change{{Title: "add", Edits: []rewrite.Edit{{File: ".dockerignore", Span: end, New: p.Name + "\n"}}}}, nil
	}))
	want := `a.Dockerfile sees b.Dockerfile docker/c.Dockerfile and 
b.Dockerfile sees a.Dockerfile docker/c.Dockerfile and a.Dockerfile
docker/c.Dockerfile sees a.Dockerfile b.Dockerfile and a.Dockerfile
b.Dockerfile`
	if got := strings.Join(seen, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := content(t, ".dockerignore"); got != "a.Dockerfile\nb.Dockerfile\ndocker/c.Dockerfile\n" {
		t.Errorf(".dockerignore: %q", got)
	}
	if total.Changed != 3 || stderr != "" {
		t.Errorf("%+v %q", total, stderr)
	}
}

// errWriter fails like a closed pipe.
type errWriter struct{}

func (errWriter) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestOutputThatFails(t *testing.T) {
	t.Chdir(t.TempDir())
	file(t, ".", "Dockerfile", "FROM scratch\n")
	if code := run(context.Background(), []string{"drydock", "fix"}, streams{strings.NewReader(""), errWriter{}, io.Discard}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
