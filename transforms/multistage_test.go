package transforms

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// split1 runs multi-stage alone over a context directory and checks that a
// second run changes nothing and that no gate drops anything.
func split1(t *testing.T, dir string) (text string, res *rewrite.Result) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	only := []*rewrite.Transform{ByName("multi-stage")}
	in := rewrite.Input{Path: "Dockerfile", Src: string(src), Name: "Dockerfile", Repo: repo.Load(os.DirFS(dir)), Images: images.Catalogue()}
	res, err = rewrite.Run(context.Background(), in, only, rewrite.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if o.Status == rewrite.Dropped {
			t.Errorf("dropped: %s: %s", o.Title, o.Gate)
		}
	}
	in.Src = res.After
	again, err := rewrite.Run(context.Background(), in, only, rewrite.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	if again.Changed() {
		t.Errorf("a second run changes the file again:\n%s", again.After)
	}
	return res.After, res
}

// context1 writes files into a temporary build context.
func context1(t *testing.T, files map[string]string) string {
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
	return dir
}

func reasons(res *rewrite.Result) string {
	var out []string
	for _, d := range res.Declined {
		out = append(out, d.Reason)
	}
	return strings.Join(out, "\n")
}

