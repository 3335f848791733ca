//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"drydock/images/registry/registrytest"
)

// everyFixture copies fixtures/ to a place without a repository around it, and goes there.
func everyFixture(t *testing.T) string {
	t.Helper()
	t.Setenv("DRYDOCK_OFFLINE", "1")
	t.Setenv("DRYDOCK_CACHE", t.TempDir())
	t.Setenv("SOURCE_DATE_EPOCH", "1795824000")
	root, err := filepath.Abs(filepath.Join("..", "..", "fixtures"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "all")
	if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return dir
}

// output runs drydock here and gives its standard output.
func output(t *testing.T, want []int, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"drydock"}, args...), streams{strings.NewReader(""), &out, &errs}); !slices.Contains(want, code) {
		t.Fatalf("drydock %q: exit code %d\n%s", args, code, errs.String())
	}
	return out.Bytes()
}

// texts reads all files below the current folder.
func texts(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(".", func(p string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		out[filepath.ToSlash(p)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type replacement struct {
	DeletedRegion   struct{ StartLine, StartColumn, EndLine, EndColumn int }
	InsertedContent struct{ Text string }
}

// offset is where a line and column of SARIF lie in a text; column 0 is the end of the
// line without its break.
func offset(text string, line, column int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	if column == 0 {
		if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
			return at + n
		}
		return len(text)
	}
	return at + column - 1
}

// All fixes of a log, made to the files as they were, give what fix writes, byte for
// byte; and they are told at more than one result of a file.
func TestSARIFFixesAreWhatFixWrites(t *testing.T) {
	everyFixture(t)
	before := texts(t)
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
				Fixes []struct {
					ArtifactChanges []struct {
						ArtifactLocation struct{ URI string }
						Replacements     []replacement
					}
				}
			}
		}
	}
	if err := json.Unmarshal(output(t, []int{0, 1, 2}, "diff", "--unsafe", "--format", "sarif", "."), &log); err != nil {
		t.Fatal(err)
	}
	all := map[string][]replacement{}
	fixes, files := 0, map[string]int{}
	for _, r := range log.Runs[0].Results {
		for _, f := range r.Fixes {
			fixes++
			files[r.Locations[0].PhysicalLocation.ArtifactLocation.URI]++
			for _, c := range f.ArtifactChanges {
				name, err := url.PathUnescape(c.ArtifactLocation.URI)
				if err != nil {
					t.Fatal(err)
				}
				all[strings.TrimPrefix(name, "./")] = append(all[strings.TrimPrefix(name, "./")], c.Replacements...)
			}
		}
	}
	if len(files) < 100 || fixes < len(files)+50 {
		t.Errorf("%d fixes in %d Dockerfiles: they are to be told change by change", fixes, len(files))
	}
	want := map[string]string{}
	for name, text := range before {
		want[name] = text
	}
	for name, rs := range all {
		text := before[name]
		slices.SortFunc(rs, func(a, b replacement) int {
			return offset(text, b.DeletedRegion.StartLine, b.DeletedRegion.StartColumn) - offset(text, a.DeletedRegion.StartLine, a.DeletedRegion.StartColumn)
		})
		for _, r := range rs {
			d := r.DeletedRegion
			from, to := offset(text, d.StartLine, d.StartColumn), offset(text, d.EndLine, d.EndColumn)
			if from > to || to > len(text) {
				t.Fatalf("%s: %+v", name, r)
			}
			text = text[:from] + r.InsertedContent.Text + text[to:]
		}
		want[name] = text
	}
	output(t, []int{0, 1, 2}, "fix", "--unsafe", "--quiet", ".")
	compareTexts(t, want, texts(t))
}

func compareTexts(t *testing.T, want, got map[string]string) {
	t.Helper()
	wrong := 0
	for name := range got {
		if want[name] != got[name] {
			if wrong++; wrong < 4 {
				t.Errorf("%s: the fixes give\n%s\nfix writes\n%s", name, want[name], got[name])
			}
		}
	}
	if len(want) != len(got) || wrong > 0 {
		t.Errorf("%d of %d files differ", wrong, len(got))
	}
}

// All suggestions of a review, taken, give what fix writes, but for the line break at a
// file's end and for what the review says it leaves out.
func TestSuggestionsAreWhatFixWrites(t *testing.T) {
	everyFixture(t)
	before := texts(t)
	file := filepath.Join(t.TempDir(), "discussions.json")
	var review struct {
		Body     string
		Comments []struct {
			Path, Body, Side string
			Line             int
			StartLine        int `json:"start_line"`
		}
	}
	if err := json.Unmarshal(output(t, []int{0, 1, 2}, "diff", "--unsafe", "--format", "github-review", "--format", "gitlab-discussions="+file, "."), &review); err != nil {
		t.Fatal(err)
	}
	var discussions []struct {
		Body     string
		Position struct {
			NewPath string `json:"new_path"`
			NewLine int    `json:"new_line"`
		}
	}
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &discussions) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if len(review.Comments) < 500 || len(discussions) != len(review.Comments) {
		t.Errorf("%d comments, %d discussions", len(review.Comments), len(discussions))
	}
	got := map[string]string{}
	for i, c := range slices.Backward(review.Comments) {
		text, begun := got[c.Path]
		if !begun {
			text = strings.TrimSuffix(before[c.Path], "\n")
		}
		lines := strings.Split(text, "\n")
		from := c.Line
		if c.StartLine > 0 {
			from = c.StartLine
		}
		if d := discussions[i]; d.Position.NewPath != c.Path || d.Position.NewLine != c.Line {
			t.Fatalf("%+v, but %+v", c, d)
		}
		_, block, ok := strings.Cut(c.Body, "```suggestion\n")
		block, _, closed := strings.Cut(block, "```\n")
		if !ok || !closed || from < 1 || c.Line > len(lines) || c.Side != "RIGHT" {
			t.Fatalf("%+v", c)
		}
		var fresh []string
		if block != "" {
			fresh = strings.Split(strings.TrimSuffix(block, "\n"), "\n")
		}
		got[c.Path] = strings.Join(slices.Concat(lines[:from-1], fresh, lines[c.Line:]), "\n")
	}
	output(t, []int{0, 1, 2}, "fix", "--unsafe", "--quiet", ".")
	changed := 0
	for name, after := range texts(t) {
		was, existed := before[name]
		switch {
		case !existed || was == after || strings.Contains(was, "\r") || strings.HasPrefix(was, "\ufeff"):
			if got[name] != "" {
				t.Errorf("%s: a suggestion where none can be", name)
			}
		case got[name] != strings.TrimSuffix(after, "\n") && strings.TrimSuffix(was, "\n") != strings.TrimSuffix(after, "\n"):
			t.Errorf("%s: the suggestions give\n%s\nfix writes\n%s", name, got[name], after)
		default:
			changed++
		}
	}
	if changed < 300 {
		t.Errorf("%d files were changed by suggestions", changed)
	}
}

// What each verb writes as JSON holds to the published schema.
func TestJSONHoldsToItsSchema(t *testing.T) {
	name, err := filepath.Abs(filepath.Join("..", "..", "docs", "schema", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(what string, text []byte, files int) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if n := len(v.(map[string]any)["files"].([]any)); n < files {
			t.Errorf("%s: %d files", what, n)
		}
	}
	if v, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": 1, "files": [{"path": 7}]}`)); schema.Validate(v) == nil {
		t.Error("the schema takes everything")
	}
	reg := registrytest.Start(t, nil)
	everyFixture(t)
	any := []int{0, 1, 2}
	for _, args := range [][]string{
		{"check", "."}, {"diff", "--unsafe", "."}, {"update", "--diff", "."}, {"fix", "--unsafe", "."},
	} {
		valid(strings.Join(args, " "), output(t, any, append(args, "--format", "json")...), 500)
	}
	t.Setenv("DRYDOCK_OFFLINE", "")
	t.Setenv("DRYDOCK_MIRRORS", "docker.io=!"+reg.Addr)
	valid("bases", output(t, any, "bases", "--format", "json", filepath.Join("chain", "python-apt")), 1)
	t.Setenv("DRYDOCK_OFFLINE", "1")
	valid("replay", output(t, any, "replay", "--format", "json", filepath.Join("chain", "python-apt")), 1)
	valid("no file", output(t, any, "check", "--format", "json", "nowhere"), 0)
	valid("no builder", output(t, any, "fix", "--verify", "--builder", "buildctl:tcp://127.0.0.1:1", "--format", "json", filepath.Join("chain", "python-apt")), 0)
}
