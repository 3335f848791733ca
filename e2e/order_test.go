//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/verify/imagefs"
)

// An orderCase is a repository below testdata/order.
type orderCase struct {
	touch   string   // a source file: after a change to it …
	install string   // … the steps that match this are cached, and were not before the rewrite
	more    []string // further paths that may differ: regular expressions
	always  bool     // part of make e2e; E2E_ALL builds the others too
}

// Where the rewrite adds the install (a fetch in front of a build), there is none before it.
var orders = map[string]orderCase{
	"go-replace":   {touch: "main.go", install: `\bgo mod download\b`, always: true},
	"go-workspace": {touch: "cmd/greet/main.go", install: `\bgo mod download\b`},
	"maven": {touch: "src/main/java/org/example/Hello.java", install: `\bdependency:go-offline\b`,
		more: []string{`^app/app\.jar$`}}, // times
	"maven-modules": {touch: "web/src/main/java/org/example/Web.java", install: `\bdependency:go-offline\b`,
		more: []string{`^src/\w+/target/([\w.-]+\.jar|maven-archiver/pom\.properties)$`, `^root/\.m2/`}}, // times; what the goal downloads besides
	"npm-workspaces": {touch: "packages/greet/src/index.js", install: `\bnpm ci\b`, always: true},
	"pip":            {touch: "tides/__main__.py", install: `\bpip install .*-r requirements\.txt`, always: true},
	"pipenv":         {touch: "app.py", install: `\bpipenv sync\b`},
	"pnpm": {touch: "packages/web/src/index.js", install: `\bpnpm install\b`,
		more: []string{`^app/node_modules/\.modules\.yaml$`, `^root/\.local/(share/pnpm/store|state/pnpm)/`}}, // times
	"poetry":          {touch: "app.py", install: `\bpoetry install\b`},
	"system-packages": {touch: "ship.sh", install: `\bapt-get install\b`},
	"uv":              {touch: "app.py", install: `\buv sync\b`},
	"yarn1":           {touch: "src/index.js", install: `\byarn install\b`},
}

// TestOrder holds copy-order to its promise: the image is the same, file by file; and after a change to one source file
// what was installed comes from the cache, which it didn't before.
func TestOrder(t *testing.T) {
	table := "| case | paths | paths that differ | build s | rebuild s | verdict |\n|---|---|---|---|---|---|\n"
	for _, name := range orderNames(t) {
		c, ok := orders[name]
		if !ok {
			t.Errorf("testdata/order/%s is in no table", name)
		}
		if !c.always && os.Getenv("E2E_ALL") == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			row := "| " + name + " | | | | | FAILED |\n"
			defer func() { table += row }()
			before, after, times := order(t, name, c)
			verdict := "ok"
			if t.Failed() {
				verdict = "FAILED"
			}
			row = fmt.Sprintf("| %s | %d → %d | %d | %s → %s | %s | %s |\n", name, len(before.files), len(after.files), after.differ,
				seconds(before.built.took), seconds(after.built.took), times, verdict)
		})
	}
	t.Logf("rebuild: one source file changed\n%s", table)
	keepTable(t, table)
}

func orderNames(t *testing.T) (names []string) {
	entries, err := os.ReadDir("testdata/order")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func order(t *testing.T, name string, c orderCase) (before, after *side, times string) {
	was, is := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
	for _, dir := range []string{was, is} {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "order", name))); err != nil {
			t.Fatal(err)
		}
	}
	fix(t, t.Context(), filepath.Join("order", name), is, "--unsafe", "--only", "copy-order")
	before, after = hygieneBuild(t, was), hygieneBuild(t, is)
	if before.context["/Dockerfile"] == after.context["/Dockerfile"] {
		t.Fatal("the Dockerfile was left as it is")
	}
	t.Logf("after:\n%s", after.context["/Dockerfile"])
	for _, d := range append(differences(before.subject, after.subject), configDifferences(before.raw, after.raw)...) {
		t.Error(d)
	}
	may := make([]*allowance, 0, len(c.more))
	for _, m := range c.more {
		may = append(may, &allowance{paths: m})
	}
	for _, d := range notAllowed(imagefs.Compare(before.files, after.files), before, after, nil) {
		if !covered(may, d) {
			after.differ++
			t.Error(d)
		}
	}
	cc := chainCase{touch: c.touch, install: c.install}
	rebuild0, ran := rebuild(t, t.Context(), was, cc)
	if len(ran) == 0 {
		t.Errorf("before the rewrite a change to %s ran nothing of %q again, so this case shows nothing", c.touch, c.install)
	}
	rebuild1, ran := rebuild(t, t.Context(), is, cc)
	if len(ran) > 0 {
		t.Errorf("after a change to %s these steps ran again: %q", c.touch, strings.Join(ran, "; "))
	}
	return before, after, seconds(rebuild0) + " → " + seconds(rebuild1)
}

func covered(may []*allowance, d imagefs.Difference) bool {
	for _, a := range may {
		if a.covers(d) {
			return true
		}
	}
	return false
}
