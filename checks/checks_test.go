package checks

// Each check has cases below testdata/NAME/CASE, real directories as in
// fixtures/. A case whose name begins with "passes-" looks like the check's
// business and isn't; the others are found. testdata/NAME.golden says what.

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

var update = flag.Bool("update", false, "write testdata/*.golden and docs/checks")

const (
	casesDir = "testdata"
	pagesDir = "../docs/checks"
	passes   = "passes-"
)

func TestRegistry(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, c := range All() {
		switch {
		case !kebab.MatchString(c.Name) || seen[c.Name]:
			t.Errorf("%q is no name of its own in kebab-case", c.Name)
		case c.Summary == "" || strings.ContainsAny(c.Summary, "\n\r") || len(c.Summary) > 80 || strings.HasSuffix(c.Summary, "."):
			t.Errorf("%s: the summary is one line without a full stop: %q", c.Name, c.Summary)
		case len(c.Doc) < 100 || !strings.Contains(c.Doc, "https://"):
			t.Errorf("%s: the documentation says what and why, and names a source", c.Name)
		case len(c.Passes) < 20:
			t.Errorf("%s doesn't say what it passes over", c.Name)
		case ByName(c.Name) != c:
			t.Errorf("%s isn't found by its name", c.Name)
		}
		seen[c.Name] = true
	}
	if ByName("nope") != nil {
		t.Error("nope is found")
	}
}

// inspect runs one check on a text in a context.
func inspect(t testing.TB, c *rewrite.Check, src string, rp *repo.Repo) *rewrite.Result {
	t.Helper()
	in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: src, Repo: rp, Images: images.Catalogue()}
	res, err := rewrite.Run(context.Background(), in, nil, rewrite.Options{Checks: []*rewrite.Check{c}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func describe(fs []rewrite.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%d: %s: %s — %s\n", f.Line, f.Check, f.Message, f.Hint)
	}
	return b.String()
}

func TestCases(t *testing.T) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) {
			var golden strings.Builder
			found, passed := 0, 0
			for _, name := range caseNames(t, c) {
				src, rp := load(t, c, name)
				got := inspect(t, c, src, rp).Findings
				fmt.Fprintf(&golden, "== %s\n%s", name, describe(got))
				if strings.HasPrefix(name, passes) {
					passed++
					if len(got) > 0 {
						t.Errorf("%s isn't passed over:\n%s", name, describe(got))
					}
				} else if found++; len(got) == 0 {
					t.Errorf("%s isn't found", name)
				}
				for _, f := range got {
					if f.Message == "" || f.Hint == "" || f.Line < 1 || f.Line > strings.Count(src, "\n") || strings.Contains(f.Message, "\n") {
						t.Errorf("%s: a finding has a line, a message and a hint: %+v", name, f)
					}
				}
				// The same without the last line break, and in CRLF. (A heredoc is another
				// script then.)
				if diff := cmp.Diff(describe(got), describe(inspect(t, c, strings.TrimSuffix(src, "\n"), rp).Findings)); diff != "" {
					t.Errorf("%s without its last line break: %s", name, diff)
				}
				if !strings.Contains(src, "<<") {
					twin := inspect(t, c, strings.ReplaceAll(src, "\n", "\r\n"), rp).Findings
					if diff := cmp.Diff(describe(got), describe(twin)); diff != "" {
						t.Errorf("%s in CRLF: %s", name, diff)
					}
				}
			}
			if found == 0 || passed == 0 {
				t.Error("a check has cases that are found and cases that aren't")
			}
			same(t, filepath.Join(casesDir, c.Name+".golden"), golden.String())
		})
	}
}

// TestPages holds docs/checks/NAME.md to what the check says of itself and to
// its first case.
func TestPages(t *testing.T) {
	for _, c := range All() {
		same(t, filepath.Join(pagesDir, c.Name+".md"), page(t, c))
	}
}

// Nothing lies in testdata/ or docs/checks/ that no check owns.
func TestNoStrays(t *testing.T) {
	for _, dir := range []string{casesDir, pagesDir} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())); ByName(name) == nil {
				t.Errorf("%s/%s belongs to no check", dir, e.Name())
			}
		}
	}
}

func page(t *testing.T, c *rewrite.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.", c.Name, c.Summary)
	if c.OptIn {
		fmt.Fprintf(&b, " It runs only when asked for: `--with %s`.", c.Name)
	}
	fmt.Fprintf(&b, " A check finds and has no fix.\n\n%s\n\n## Example\n\n", strings.TrimSpace(c.Doc))
	name := caseNames(t, c)[0]
	src, rp := load(t, c, name)
	fmt.Fprintf(&b, "```dockerfile\n%s\n```\n\n", strings.TrimRight(src, "\n"))
	for _, f := range inspect(t, c, src, rp).Findings {
		fmt.Fprintf(&b, "- line %d: %s: %s — %s\n", f.Line, f.Check, f.Message, f.Hint)
	}
	fmt.Fprintf(&b, "\n(checks/testdata/%s/%s)\n\n## What it passes over\n\n%s\n\n", c.Name, name, strings.TrimSpace(c.Passes))
	if len(c.Rules) > 0 {
		fmt.Fprintf(&b, "What a comment tells hadolint to pass over as %s.\n\n", strings.Join(c.Rules, ", "))
	}
	fmt.Fprintf(&b, "`# drydock:ignore=%s REASON` above an instruction silences it there, `--skip %s` for a run.\n", c.Name, c.Name)
	return b.String()
}

// same compares a file with what it should hold; with -update it writes it.
func same(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Error(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v: run make golden", err)
	} else if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s differs; if that is meant, run make golden and read it:\n%s", file, diff)
	}
}

func caseNames(t testing.TB, c *rewrite.Check) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(casesDir, c.Name))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%s has no cases: %v", c.Name, err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func load(t testing.TB, c *rewrite.Check, name string) (string, *repo.Repo) {
	t.Helper()
	dir := filepath.Join(casesDir, c.Name, name)
	src, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src), repo.Load(os.DirFS(dir))
}
