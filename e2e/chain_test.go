//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"

	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// A chainCase says what one directory of fixtures/chain must give, beyond: the same behaviour, and no larger.
type chainCase struct {
	paths   []string   // to GET besides / and what it links to
	also    [][]string // commands to run in both images
	factor  float64    // the least by which the image shrinks
	root    bool       // the user may stay root
	touch   string     // a source file: after a change to it …
	install string     // … the steps that match this are cached. In the after-image only.
	ci      bool       // not of chain: make e2e builds it too, not only make e2e-all
	stop    string     // another server answers afterwards, and this signal is how it ends
	smaller float64    // the least by which the image shrinks with --base smallest; 0 to try that with E2E_ALL alone
	bare    float64    // the least by which it shrinks with --base distroless; 0 to leave that out
	unbuilt string     // why the lab can't build it; "" where it can
	foreign bool       // of a project that isn't ours

	owns    string            // standIn for --base smallest alone
	standIn string            // folder below testdata whose image stands in for the base that the lab hasn't
	images  map[string]string // its digest, by the base's reference
}

// Cases of fixtures/multi-stage are named "multi-stage/CASE"; each ecosystem adds its own in a file multistage_NAME_test.go.
var cases = map[string]chainCase{
	// the four of the README
	"python": {paths: []string{"/tides.json", "/nowhere"}, factor: 4, touch: "app.py", install: `\bpip3? install\b`},
	"node":   {paths: []string{"/nowhere"}, factor: 4, smaller: 8, touch: "src/openings.ts", install: `\bnpm (ci|install)\b`},
	"go":     {paths: []string{"/readings", "/nowhere"}, factor: 100, touch: "summary.go", install: `\bgo mod download\b`},
	"ubuntu": {also: [][]string{{"curl", "--version"}}, factor: 1.1, root: true},

	// a command and a shared library that only show when it runs
	"python-apt": {paths: []string{"/nowhere"}, touch: "app.py", install: `\bpip3? install\b`},
	// writes beside its code: the user may write in that folder
	"python-sqlite": {touch: "logbook.py", install: `\bpip3? install\b`},
	// done well already
	"node-stages": {paths: []string{"/nowhere"}, touch: "src/pilots.mjs", install: `\bnpm (ci|install)\b`},
	// reads files from its working directory
	"go-templates": {paths: []string{"/nowhere"}, factor: 10, touch: "internal/berth/berth.go", install: `\bgo mod download\b`},
	// compiles without cgo, and is then wrong; no dependencies to install
	"go-cgo": {root: true},
}

// TestChain is the promise of the program: the image does what it did, smaller, not as root, with the dependencies in a
// layer of their own; and a second run finds nothing more to do.
func TestChain(t *testing.T) {
	var table table
	wanted := inPart(t)
	for _, dir := range fixtures(t) {
		name := strings.TrimPrefix(dir, "chain/")
		c, ok := cases[name]
		if !ok {
			c.root = true // what it must give is in golden/
		}
		run := func(name string, f func(*testing.T)) {
			if wanted() {
				t.Run(name, f)
			}
		}
		run(name, func(t *testing.T) {
			if c.unbuilt != "" {
				t.Skip(c.unbuilt)
			}
			ownLayout(t)
			var p pair
			defer func() { table.add(t, name, p) }()
			chain(t, filepath.Join(world.root, "fixtures", dir), c, &p)
		})
		if c.bare != 0 {
			t.Run(name+" --base distroless", func(t *testing.T) {
				var p pair
				defer func() { table.add(t, name+" (distroless)", p) }()
				c := c
				c.factor, c.touch = c.bare, ""
				chain(t, filepath.Join(world.root, "fixtures", dir), c, &p, "--base", "distroless")
			})
		}
		every := os.Getenv("E2E_ALL") != "" && strings.HasPrefix(name, "multi-stage/") && c.unbuilt == ""
		if c.smaller == 0 && !every {
			continue
		}
		run(name+" --base smallest", func(t *testing.T) {
			if c.smaller == 0 && !smallestDiffers(t, filepath.Join(world.root, "fixtures", dir)) {
				t.Skip("it is the same file as without")
			}
			ownLayout(t)
			var p pair
			defer func() { table.add(t, name+" (smallest)", p) }()
			c.factor, c.touch, c.standIn = c.smaller, "", cmp.Or(c.owns, c.standIn)
			chain(t, filepath.Join(world.root, "fixtures", dir), c, &p, "--base", "smallest")
		})
	}
	table.print(t)
}

// inPart gives a function that tells for one case after the other whether it is in E2E_PART: with "2/6" the second, the
// eighth and so on. Without E2E_PART all are.
func inPart(t *testing.T) func() bool {
	t.Helper()
	part, of, seen := 1, 1, 0
	if text := os.Getenv("E2E_PART"); text != "" {
		if _, err := fmt.Sscanf(text, "%d/%d", &part, &of); err != nil || part < 1 || part > of {
			t.Fatalf("E2E_PART is %q; a part is written like 2/6", text)
		}
	}
	return func() bool {
		seen++
		return (seen-part)%of == 0
	}
}

// ownLayout gives a case of make e2e-all a layout of its own, which goes with it: those of all would fill the disk. The
// few of make e2e share one, so that base layers are written once.
func ownLayout(t *testing.T) {
	t.Helper()
	if !every() {
		return
	}
	layout, files := world.layout, world.files
	t.Cleanup(func() { world.layout, world.files = layout, files })
	world.layout = filepath.Join(t.TempDir(), "oci")
	world.files = imagefs.NewReader(world.layout)
}

// smallestDiffers: --base smallest makes another Dockerfile of a fixture than the default does. One whose POLICY is
// smallest has been built so.
func smallestDiffers(t *testing.T, fixture string) bool {
	t.Helper()
	if policy, err := os.ReadFile(filepath.Join(fixture, "POLICY")); err == nil && strings.TrimSpace(string(policy)) == "smallest" {
		return false
	}
	var text [2]string
	for i, base := range []string{"slim", "smallest"} {
		cmd := exec.CommandContext(t.Context(), world.drydock, "diff", "--unsafe", "--no-replay", "--base", base, fixture)
		out, err := cmd.Output()
		if code := cmd.ProcessState.ExitCode(); err != nil && code != 1 {
			t.Fatalf("%s: %v", cmd, err)
		}
		text[i] = string(out)
	}
	return text[0] != text[1]
}

// TestElsewhere is TestChain for folders that aren't ours: E2E_DIRS lists them, parted by colons, each with a Dockerfile and its
// context. E2E_BASE is the --base; E2E_FLAGS, words that a space parts, are the flags of `fix` in its place. A Dockerfile that stays
// as it is is not built: there is nothing to compare.
func TestElsewhere(t *testing.T) {
	var table table
	flags := strings.Fields(cmp.Or(os.Getenv("E2E_FLAGS"), "--base "+cmp.Or(os.Getenv("E2E_BASE"), "slim")))
	for _, dir := range filepath.SplitList(os.Getenv("E2E_DIRS")) {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			ownLayout(t)
			var p pair
			defer func() { table.add(t, name, p) }()
			chain(t, dir, chainCase{root: true, foreign: true}, &p, flags...)
		})
	}
	if len(table.rows) > 0 {
		table.print(t)
	}
}

// alone are the transforms whose cases run with --only, so that what is measured is theirs.
var alone = []string{"slim-base", "distroless", "spring-layers", "narrow-copy"}

// first are the cases of chain that make e2e builds; TestFixVerify builds most of the others.
var first = []string{"python", "ubuntu"}

// fixtures lists the cases below fixtures/: chain/*, those that multi-stage splits, and those of alone that are in cases: with
// E2E_ALL all of them, else those marked for CI.
func fixtures(t *testing.T) (dirs []string) {
	all := os.Getenv("E2E_ALL") != ""
	for _, parent := range slices.Concat([]string{"chain", "multi-stage"}, alone) {
		entries, err := os.ReadDir(filepath.Join(world.root, "fixtures", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range entries {
			c, known := cases[parent+"/"+d.Name()]
			if !all && !c.ci && (parent != "chain" || !slices.Contains(first, d.Name())) || slices.Contains(alone, parent) && !known {
				continue
			}
			if d.IsDir() && !strings.HasPrefix(d.Name(), "declined-") && !strings.HasPrefix(d.Name(), "nothing-") {
				dirs = append(dirs, parent+"/"+d.Name())
			}
		}
	}
	return dirs
}

// pair is one case, both ways.
type pair struct {
	before, after    *subject
	rebuild, rebuilt time.Duration // after a change to one source file, before and after
}

func chain(t *testing.T, fixture string, c chainCase, p *pair, flags ...string) {
	ctx := t.Context()
	was, is := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	for _, dir := range []string{was, is} {
		if err := os.CopyFS(dir, os.DirFS(fixture)); err != nil {
			t.Fatal(err)
		}
	}
	of := filepath.Base(filepath.Dir(fixture))
	if slices.Contains(alone, of) {
		flags = append(flags, "--only", of)
	}
	if policy, err := os.ReadFile(filepath.Join(is, "POLICY")); err == nil && of != "chain" {
		flags = append(flags, "--policy", of+"="+strings.TrimSpace(string(policy)))
	}
	fix(t, ctx, filepath.Base(fixture), is, append(flags, "--unsafe")...)
	rewritten, err := os.ReadFile(filepath.Join(is, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after:\n%s", rewritten)
	if untouched, err := os.ReadFile(filepath.Join(was, "Dockerfile")); err == nil && c.foreign && bytes.Equal(untouched, rewritten) {
		t.Skip("the Dockerfile stays as it is")
	}

	if c.standIn != "" {
		c.images = standInFor(t, c.standIn)
	}
	if p.before, err = launch(ctx, was, c); err != nil {
		t.Fatalf("before: %v", err)
	}
	if p.after, err = launch(ctx, is, c); err != nil {
		t.Fatalf("after: %v", err)
	}
	t.Logf("before %s; after %s", probe.Manner(p.before.saw), probe.Manner(p.after.saw))

	if len(c.paths) > 0 && !answers(p.before.saw) {
		t.Errorf("nothing answered, so that nothing was compared: before it %s", probe.Manner(p.before.saw))
	}
	for _, d := range differences(p.before, p.after) {
		if c.stop == "" || p.after.config.StopSignal != c.stop || !strings.HasPrefix(d, "STOPSIGNAL") {
			t.Error(d)
		}
	}
	want := c.factor
	if want == 0 {
		want = 0.99 // no larger, give or take what two builds of the same file differ by
	}
	if got := mb(p.before) / mb(p.after); got < want {
		t.Errorf("%.1f MB before, %.1f MB after: smaller by %.2f, want %.2f", mb(p.before), mb(p.after), got, want)
	}
	if p.after.saw.UID == 0 && !c.root {
		t.Errorf("it still runs as root (USER %q)", p.after.config.User)
	}
	if c.touch == "" {
		return
	}
	p.rebuild, _ = rebuild(t, ctx, was, c)
	var uncached []string
	if p.rebuilt, uncached = rebuild(t, ctx, is, c); len(uncached) > 0 {
		t.Errorf("after a change to %s these steps ran again: %q", c.touch, uncached)
	}
}

// fix runs the program on dir, twice: the second run must change nothing.
func fix(t *testing.T, ctx context.Context, name, dir string, flags ...string) {
	t.Helper()
	if from := os.Getenv("E2E_AFTER"); from != "" {
		files := os.DirFS(filepath.Join(from, name))
		err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(files, p)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, p), text, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	run := func() map[string]string {
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // it needs milliseconds; -timeout names no case
		defer cancel()
		cmd := exec.CommandContext(ctx, world.drydock, slices.Concat([]string{"fix"}, flags, []string{dir})...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
		return snapshot(t, dir)
	}
	first := run()
	second := run()
	if d := godiff.Diff(first, second); d != "" {
		t.Errorf("a second run of drydock changed (-first +second):\n%s", d)
	}
}

// snapshot maps the paths below dir to what the files hold.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		files[strings.TrimPrefix(p, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rebuild changes c.touch and builds again with the cache of the first build. It gives the time that took, and the
// steps matching c.install that were not cached; that there are none at all is an error.
func rebuild(t *testing.T, ctx context.Context, dir string, c chainCase) (took time.Duration, uncached []string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, c.touch), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	comment := "//"
	if filepath.Ext(c.touch) == ".py" {
		comment = "#"
	}
	if _, err := fmt.Fprintln(f, comment, time.Now().UnixNano()); err != nil { // never built before
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := world.builder.build(ctx, request{dir: dir})
	if err != nil {
		t.Fatalf("second build: %v", err)
	}
	install, seen := regexp.MustCompile(c.install), 0
	for _, s := range b.steps {
		if strings.HasPrefix(s.name, "[") && install.MatchString(s.name) {
			seen++
			if !s.cached {
				uncached = append(uncached, s.name)
			}
		}
	}
	if seen == 0 {
		uncached = append(uncached, "no step matches "+c.install)
	}
	return b.took, uncached
}
