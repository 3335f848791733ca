package builder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What isn't the Dockerfile's fault never looks like it: a rewrite would be dropped
// for a full disk.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(t *testing.T, r *Request)
		how   string
		cause error
		says  string
	}{
		{"no folder for temporary files", func(t *testing.T, _ *Request) { t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "gone")) }, "ok", ErrUse, "before: the builder can't be used: stat "},
		{"a named context that isn't one", func(_ *testing.T, r *Request) { r.Contexts = []string{"x="} }, "ok", ErrUse, "before: the builder can't be used: \"x=\" is no named context"},
		{"the program is killed", func(*testing.T, *Request) {}, "killed", ErrGone, "before: the builder went away: signal: killed: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakes(t, c.how, "buildctl")
			r := Request{Name: "before", Context: t.TempDir(), Layout: t.TempDir()}
			c.do(t, &r)
			_, err := (&Builder{Kind: "buildctl"}).Build(t.Context(), r, nil)
			if !errors.Is(err, c.cause) || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// A folder's name may hold what separates words in the program's options.
func TestArgumentsComma(t *testing.T) {
	calls := fakes(t, "ok", "buildctl", "docker")
	layout := filepath.Join(t.TempDir(), `a,b "c"=d`)
	if err := os.Mkdir(layout, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"buildctl", "buildx"} {
		if _, err := (&Builder{Kind: kind}).Build(t.Context(), Request{Context: layout, Layout: layout, Export: true}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range calls() {
		if got, want := c.after("--output"), `type=oci,tar=false,"dest=`+strings.ReplaceAll(layout, `"`, `""`)+`"`; got != want {
			t.Errorf("%s: got %s, want %s", c.Program, got, want)
		}
	}
}
