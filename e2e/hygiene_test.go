//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// always are the directories of testdata/hygiene that every run builds; E2E_ALL builds them all.
var always = []string{"apt-apart", "chown", "npm-ci"}

// A flavour is one way to run fix, such that only transforms act that must leave every file as it was.
type flavour struct {
	name    string
	flags   []string
	assumes bool // changes with an assumption: packages that were only recommended may be gone
}

// structural transforms mean to change what the image holds, or who runs it; TestChain is theirs.
var structural = []string{"multi-stage", "add-user", "pin-base", "dockerignore", "copy-order"}

// grows are the cases whose image may become larger, and why.
var grows = map[string]string{
	"apt-lists": "apt deletes the archives that it downloaded, apt-get keeps them; official images have a hook (docker-clean) that " +
		"deletes them in either case, the lab's haven't",
}

// TestHygiene holds the transforms that tidy up to their promise: the image's files, its config and what it does stay the
// same, except caches and logs (see allowed).
func TestHygiene(t *testing.T) {
	var table hygieneTable
	flavours := hygieneFlavours(t)
	for _, name := range hygieneCases(t) {
		t.Run(name, func(t *testing.T) {
			row := hygieneRow{name: name, sides: map[string]*side{}}
			defer func() { table.add(row, t.Failed()) }()
			hygiene(t, flavours, &row)
		})
	}
	table.print(t, flavours)
	if os.Getenv("E2E_ALL") != "" {
		t.Logf("allowances that nothing needed: %q", unusedAllowances())
	}
}

func hygieneCases(t *testing.T) []string {
	if os.Getenv("E2E_ALL") == "" {
		return always
	}
	entries, err := os.ReadDir("testdata/hygiene")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func hygieneFlavours(t *testing.T) []flavour {
	if world.drydock == "" { // E2E_AFTER brings the files
		return []flavour{{name: "given", assumes: true}}
	}
	out, err := exec.CommandContext(t.Context(), world.drydock, "list", "--format", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name string }
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	var skip []string
	for _, tr := range list {
		if slices.Contains(structural, tr.Name) {
			skip = append(skip, tr.Name)
		}
	}
	return []flavour{{name: "safe"}, {"unsafe", []string{"--unsafe", "--skip", strings.Join(skip, ",")}, true}}
}

// A side is one build of a case with its files.
type side struct {
	*subject
	context map[string]string // as built: what snapshot gives
	files   imagefs.Tree
	differ  int      // paths that differ from those before, beyond what is allowed
	lost    []string // packages that came along with others and no longer do
}

func hygiene(t *testing.T, flavours []flavour, row *hygieneRow) {
	was := hygieneDir(t, row.name)
	before := hygieneBuild(t, was)
	row.sides["before"] = before
	if os.Getenv("E2E_ALL") != "" {
		// What differs between two builds of one Dockerfile is no fault of drydock's; it must be in the list.
		again := hygieneBuild(t, was)
		compareSides(t, "the same Dockerfile, built again", before, again)
	}
	for _, f := range flavours {
		is := hygieneDir(t, row.name)
		fix(t, t.Context(), row.name, is, f.flags...)
		after := builtFrom(row.sides, snapshot(t, is))
		if after == nil {
			after = hygieneBuild(t, is)
			t.Logf("%s:\n%s", f.name, after.context["/Dockerfile"])
			compareSides(t, f.name, before, after)
			if len(after.lost) > 0 && !f.assumes {
				t.Errorf("%s: packages are gone: %q", f.name, after.lost)
			}
			if b, a := mb(before.subject), mb(after.subject); a > b*1.005 {
				if why := grows[row.name]; why != "" {
					t.Logf("%s: larger: %.2f MB before, %.2f MB after: %s", f.name, b, a, why)
				} else {
					t.Errorf("%s: larger: %.2f MB before, %.2f MB after", f.name, b, a)
				}
			}
			t.Logf("%s: recommended packages that are gone: %q", f.name, after.lost)
		}
		row.sides[f.name] = after
	}
}

// builtFrom finds the side that was built from this context, nil when there is none.
func builtFrom(sides map[string]*side, context map[string]string) *side {
	for _, s := range sides {
		if maps.Equal(s.context, context) {
			return s
		}
	}
	return nil
}

func hygieneDir(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "hygiene", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func hygieneBuild(t *testing.T, dir string) *side {
	t.Helper()
	s, err := launch(t.Context(), dir, chainCase{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := world.files.Tree(s.layers)
	if err != nil {
		t.Fatal(err)
	}
	return &side{subject: s, context: snapshot(t, dir), files: files}
}

// compareSides reports everything in which after is not before.
func compareSides(t *testing.T, what string, before, after *side) {
	t.Helper()
	if after.saw.Exited && after.saw.Exit != 0 {
		t.Errorf("%s: its command %s", what, probe.Manner(after.saw))
	}
	const enough = 25
	diffs := hygieneDifferences(before, after)
	for _, d := range diffs[:min(len(diffs), enough)] {
		t.Errorf("%s: %s", what, d)
	}
	if more := len(diffs) - enough; more > 0 {
		t.Errorf("%s: … and %d more", what, more)
	}
}

// hygieneDifferences tells in words where after breaks the promise: in what it does, says about itself, or holds. It
// counts the paths and packages in after.
func hygieneDifferences(before, after *side) []string {
	lost, out := lostPackages(before.files, after.files)
	out = slices.Concat(out, differences(before.subject, after.subject), configDifferences(before.raw, after.raw))
	paths := notAllowed(imagefs.Compare(before.files, after.files), before, after, lost)
	for _, d := range paths {
		out = append(out, d.String())
	}
	after.differ, after.lost = len(paths), nil
	for _, p := range lost {
		after.lost = append(after.lost, p.Name)
	}
	return out
}

// A hygieneRow is one case with its builds by flavour; "before" is one.
type hygieneRow struct {
	name  string
	sides map[string]*side
}

// A hygieneTable collects what TestHygiene measured, as Markdown.
type hygieneTable struct {
	rows   []hygieneRow
	failed map[string]bool
}

func (tb *hygieneTable) add(r hygieneRow, failed bool) {
	if tb.failed == nil {
		tb.failed = map[string]bool{}
	}
	tb.rows = append(tb.rows, r)
	tb.failed[r.name] = failed
}

func (tb *hygieneTable) print(t *testing.T, flavours []flavour) {
	names := []string{"before"}
	for _, f := range flavours {
		names = append(names, f.name)
	}
	// column joins what f says about each build of a row
	column := func(r hygieneRow, f func(*side) string) string {
		var cells []string
		for _, n := range names {
			if s := r.sides[n]; s != nil {
				cells = append(cells, f(s))
			} else {
				cells = append(cells, "–")
			}
		}
		return strings.Join(cells, " → ")
	}
	var b strings.Builder
	order := strings.Join(names, " → ")
	fmt.Fprintf(&b, "| case | MB: %s | layers | paths | paths that differ | recommended packages gone | build s | verdict |\n|---|---|---|---|---|---|---|---|\n", order)
	for _, r := range tb.rows {
		verdict := "ok"
		if tb.failed[r.name] {
			verdict = "FAILED"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name,
			column(r, func(s *side) string { return fmt.Sprintf("%.2f", mb(s.subject)) }),
			column(r, func(s *side) string { return fmt.Sprint(len(s.layers)) }),
			column(r, func(s *side) string { return fmt.Sprint(len(s.files)) }),
			column(r, func(s *side) string { return fmt.Sprint(s.differ) }),
			column(r, func(s *side) string { return fmt.Sprint(len(s.lost)) }),
			column(r, func(s *side) string { return seconds(s.built.took.Round(time.Millisecond)) }), verdict)
	}
	t.Logf("compressed size; paths beyond caches and logs\n%s", b.String())
	keepTable(t, b.String())
}
