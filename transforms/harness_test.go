package transforms

// The harness runs every transform over its fixtures: a real directory in, a
// diff out. Adding fixtures/NAME/CASE is all it takes; `make golden` (or
// go test ./transforms -update) writes what the case gives to golden/NAME.txtar.
// fixtures/chain/CASE runs all transforms together.

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/rogpeppe/go-internal/txtar"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

var update = flag.Bool("update", false, "write golden files")

const (
	fixturesDir = "../fixtures"
	goldenDir   = "../golden"
	chain       = "chain"
)

func TestRegistry(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, tr := range All() {
		switch {
		case !kebab.MatchString(tr.Name) || tr.Name == chain:
			t.Errorf("%q is no name in kebab-case", tr.Name)
		case seen[tr.Name]:
			t.Errorf("%s is registered twice", tr.Name)
		case tr.Summary == "" || strings.ContainsAny(tr.Summary, "\n\r") || len(tr.Summary) > 80 || strings.HasSuffix(tr.Summary, "."):
			t.Errorf("%s: the summary is one line without a full stop: %q", tr.Name, tr.Summary)
		case len(tr.Doc) < 100 || !strings.Contains(tr.Doc, "https://"):
			t.Errorf("%s: the documentation says why, when it declines, what it assumes, and names a source", tr.Name)
		case len(tr.Declines) < 20:
			t.Errorf("%s doesn't say when it declines", tr.Name)
		case tr.Phase < rewrite.PhaseBase || tr.Phase > rewrite.PhaseMounts:
			t.Errorf("%s: phase %d", tr.Name, tr.Phase)
		case tr.Run == nil:
			t.Errorf("%s does nothing", tr.Name)
		case ByName(tr.Name) != tr:
			t.Errorf("%s isn't found by its name", tr.Name)
		}
		seen[tr.Name] = true
	}
	if !slices.IsSortedFunc(All(), func(a, b *rewrite.Transform) int { return int(a.Phase - b.Phase) }) {
		t.Error("All isn't in the order of phases")
	}
	if ByName("nope") != nil {
		t.Error("nope is found")
	}
}

// testCase is one directory of fixtures.
type testCase struct {
	of, name string // transform (or chain) and case
	src      string
	repo     *repo.Repo
	siblings []*rewrite.Document
	images   images.Source     // by the file REGISTRY in the folder
	policies map[string]string // by the file POLICY in the folder
}

// cases lists fixtures/of/*.
func cases(t testing.TB, of string) []*testCase {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(fixturesDir, of))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []*testCase
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(fixturesDir, of, e.Name())
		src, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		if err != nil {
			t.Errorf("a case is a folder with a Dockerfile and its context: %v", err)
			continue
		}
		c := &testCase{of: of, name: e.Name(), src: string(src), repo: repoOf(dir), images: readRegistry(t, dir)}
		if b, err := os.ReadFile(filepath.Join(dir, "POLICY")); err == nil {
			c.policies = map[string]string{of: strings.TrimSpace(string(b))}
		}
		others, _ := filepath.Glob(filepath.Join(dir, "*ockerfile*"))
		for _, o := range others {
			if base := filepath.Base(o); base != "Dockerfile" && !strings.HasSuffix(base, ".dockerignore") {
				b, err := os.ReadFile(o)
				if err != nil {
					continue // a folder
				}
				d, err := rewrite.Parse(base, string(b), images.Catalogue())
				if err != nil {
					t.Error(err)
					continue
				}
				c.siblings = append(c.siblings, d)
			}
		}
		out = append(out, c)
	}
	return out
}

func repoOf(dir string) *repo.Repo { return repo.Load(caseFS{os.DirFS(dir)}) }

func (c *testCase) run(t testing.TB, src string, rp *repo.Repo, ts []*rewrite.Transform, o rewrite.Options) *rewrite.Result {
	t.Helper()
	o.Policies = c.policies
	res, err := rewrite.Run(context.Background(), rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: src, Repo: rp, Images: c.images, Siblings: c.siblings}, ts, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// describe writes a result as goldens hold it: what was done, what was left
// alone and why, the patch. CR shows as ␍.
func (c *testCase) describe(res *rewrite.Result) string {
	var b strings.Builder
	for _, o := range res.Outcomes {
		fmt.Fprintf(&b, "%s %s %s: %s", o.Status, o.Safety, o.Transform, o.Title)
		if o.Gate != "" {
			fmt.Fprintf(&b, " [%s]", o.Gate)
		}
		b.WriteByte('\n')
	}
	for _, d := range res.Declined {
		fmt.Fprintf(&b, "declined %s %d: %s\n", d.Transform, d.Line, d.Reason)
	}
	if b.Len() == 0 {
		b.WriteString("nothing\n")
	}
	if res.Changed() {
		b.WriteByte('\n')
	}
	b.WriteString(rewrite.UnifiedDiff("Dockerfile", res.Before, res.After, false))
	names := make([]string, 0, len(res.Files))
	for n := range res.Files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		old, err := c.repo.ReadFile(n)
		b.WriteString(rewrite.UnifiedDiff(n, string(old), res.Files[n], err != nil))
	}
	return strings.ReplaceAll(b.String(), "\r", "␍")
}

// buildkitTakes is the judgement of BuildKit's own parser and typed reading.
func buildkitTakes(text string) error {
	res, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	_, _, err = instructions.Parse(res.AST, nil)
	return err
}

func toCRLF(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// promises that every result keeps, whatever the transforms.
func (c *testCase) promises(t *testing.T, res *rewrite.Result, ts []*rewrite.Transform, o rewrite.Options) {
	t.Helper()
	for _, out := range res.Outcomes {
		if out.Status == rewrite.Dropped {
			t.Errorf("a gate had to drop %q: %s", out.Title, out.Gate)
		}
	}
	if err := buildkitTakes(res.After); err != nil {
		t.Errorf("BuildKit: %v\n%s", err, res.After)
	}
	// The outcomes lead from before to after without a gap.
	at := res.Before
	for _, out := range res.Outcomes {
		if out.Status != rewrite.Applied {
			continue
		}
		if out.Before != at {
			t.Errorf("%q doesn't begin where the change before it ended", out.Title)
		}
		at = out.After
		if out.Title == "" || out.Why == "" || (out.Safety == rewrite.Assumes) != (out.Assumes != "") {
			t.Errorf("a change has a title, a reason and, if it assumes something, says what: %+v", out)
		}
	}
	if at != res.After {
		t.Error("the result is more than its changes")
	}
	// A second run changes nothing.
	rp := c.repo
	for n, text := range res.Files {
		rp = rp.With(n, []byte(text))
	}
	if again := c.run(t, res.After, rp, ts, o); again.Changed() {
		t.Errorf("a second run changes it again:\n%s", c.describe(again))
	}
	// The same file in CRLF gives the same result in CRLF. (The script of a
	// heredoc is another one then.)
	if !strings.Contains(c.src, "\r") && !strings.Contains(c.src, "<<") {
		twin := c.run(t, toCRLF(c.src), c.repo, ts, o)
		if diff := cmp.Diff(toCRLF(res.After), twin.After); diff != "" {
			t.Errorf("in CRLF:\n%s", diff)
		}
		if diff := cmp.Diff(res.Files, twin.Files); diff != "" {
			t.Errorf("in CRLF, other files:\n%s", diff)
		}
	}
	// So does the file without its last line break.
	if cut, ok := strings.CutSuffix(c.src, "\n"); ok && !strings.HasSuffix(cut, "\r") && cut != "" {
		twin := c.run(t, cut, c.repo, ts, o)
		if diff := cmp.Diff(strings.TrimSuffix(res.After, "\n"), twin.After); diff != "" {
			t.Errorf("without the last line break:\n%s", diff)
		}
	}
}

// reversed are transforms that run in the other order within each phase.
func reversed(ts []*rewrite.Transform) []*rewrite.Transform {
	out := make([]*rewrite.Transform, len(ts))
	for i, tr := range ts {
		twin := *tr
		twin.Phase = rewrite.Phase(int(tr.Phase)*len(ts) + len(ts) - 1 - i%len(ts))
		out[i] = &twin
	}
	return out
}

func TestFixtures(t *testing.T) {
	before := treeHash(t, fixturesDir)
	names := []string{chain}
	for _, tr := range All() {
		names = append(names, tr.Name)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cs := cases(t, name)
			if len(cs) == 0 {
				t.Fatalf("transform %s has no fixtures: add fixtures/%s/CASE with a Dockerfile and its context, at least one that it changes and one that it declines", name, name)
			}
			ts, modes := []*rewrite.Transform{ByName(name)}, []rewrite.Options{{Unsafe: true}, {}}
			if name == chain {
				ts, modes = Default(), []rewrite.Options{{Offer: true}, {Unsafe: true}}
			}
			got := &txtar.Archive{Comment: []byte("What fixtures/" + name + "/* give. Written by go test ./transforms -update; read it like a review.\n\n")}
			changed, left, assumed, safe := 0, 0, false, false
			for _, c := range cs {
				t.Run(c.name, func(t *testing.T) {
					last := ""
					for i, o := range modes {
						res := c.run(t, c.src, c.repo, ts, o)
						c.promises(t, res, ts, o)
						assumed = assumed || slices.ContainsFunc(res.Outcomes, func(o rewrite.Outcome) bool { return o.Safety == rewrite.Assumes })
						safe = safe || slices.ContainsFunc(res.Outcomes, func(o rewrite.Outcome) bool { return o.Safety == rewrite.Safe })
						if res.Changed() {
							changed++
						} else if len(res.Declined) > 0 {
							left++
						}
						if name != chain && !o.Unsafe && ByName(name).AllAssume {
							if res.Changed() {
								t.Error("it changes something without --unsafe")
							}
							continue // there is nothing to see
						}
						section := c.name
						if o.Unsafe == (name == chain) { // the mode that isn't the main one
							section += map[bool]string{true: " --unsafe", false: " without --unsafe"}[o.Unsafe]
						}
						if text := c.describe(res); i == 0 || text != last {
							got.Files = append(got.Files, txtar.File{Name: section, Data: []byte(text)})
							last = text
						}
					}
				})
			}
			if name != chain && changed == 0 {
				t.Errorf("no case of fixtures/%s is changed by it", name)
			}
			if name != chain && left == 0 {
				t.Errorf("no case of fixtures/%s is left alone with a reason (Pass.Decline)", name)
			}
			if name != chain && safe && ByName(name).AllAssume {
				t.Errorf("%s: a fixture shows a safe change, AllAssume says there is none", name)
			}
			if name != chain && assumed != (ByName(name).Assumes != "") {
				t.Errorf("%s: its fixtures show changes that assume something: %v; Transform.Assumes says otherwise", name, assumed)
			}
			golden(t, name, txtar.Format(got))
		})
	}
	if treeHash(t, fixturesDir) != before {
		t.Error("a run wrote to the fixtures")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join(goldenDir, name+".txtar")
	if *update {
		if err := os.MkdirAll(goldenDir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go test ./transforms -update and read what it writes", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("differs from golden/%s.txtar; if that is meant, run go test ./transforms -update:\n%s", name, diff)
	}
}

// Nothing lies in fixtures/ or golden/ that no transform owns.
func TestNoStrayFixtures(t *testing.T) {
	for _, dir := range []string{fixturesDir, goldenDir} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasSuffix(e.Name(), ".txtar") {
				continue // go.mod, README.md
			}
			if name := strings.TrimSuffix(e.Name(), ".txtar"); name != chain && ByName(name) == nil {
				t.Errorf("%s/%s belongs to no transform", dir, e.Name())
			}
		}
	}
}

// The order of transforms within a phase doesn't matter.
func TestOrderWithinAPhase(t *testing.T) {
	for _, of := range append([]*rewrite.Transform{{Name: chain}}, All()...) {
		for _, c := range cases(t, of.Name) {
			for _, o := range []rewrite.Options{{}, {Unsafe: true}} {
				a, b := c.run(t, c.src, c.repo, All(), o), c.run(t, c.src, c.repo, reversed(All()), o)
				if diff := cmp.Diff(a.After, b.After); diff != "" {
					t.Errorf("%s/%s: %s", of.Name, c.name, diff)
				}
				if diff := cmp.Diff(a.Files, b.Files); diff != "" {
					t.Errorf("%s/%s, other files: %s", of.Name, c.name, diff)
				}
			}
		}
	}
}

// Every fixture under the whole chain keeps the promises too.
func TestChainOverAllFixtures(t *testing.T) {
	for _, tr := range All() {
		for _, c := range cases(t, tr.Name) {
			t.Run(tr.Name+"/"+c.name, func(t *testing.T) {
				for _, o := range []rewrite.Options{{}, {Unsafe: true}} {
					for _, ts := range [][]*rewrite.Transform{Default(), All()} {
						c.promises(t, c.run(t, c.src, c.repo, ts, o), ts, o)
					}
				}
			})
		}
	}
}

func treeHash(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintln(h, p, e.Type())
		if e.Type().IsRegular() {
			b, err := os.ReadFile(p)
			h.Write(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(h.Sum(nil))
}
