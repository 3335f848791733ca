//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"drydock/bulk/render"
	"drydock/bulk/render/sample"
	"drydock/bulk/result"
	"drydock/report"
)

// browserTools installs what e2e/browser needs and gives its folder.
func browserTools(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(world.root, "e2e", "browser")
	if _, err := exec.LookPath("npm"); err != nil {
		t.Fatal("npm is missing, which installs what drives the browser: install Node.js 20 or newer")
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci in %s: %v\n%s", dir, err, text)
	}
	return dir
}

// browser insists on Chromium.
func browser(t *testing.T) {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	if program == "" {
		program = "/usr/bin/chromium"
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("no browser at %s: apt-get install -y chromium, or give its path as CHROMIUM", program)
	}
}

func runNode(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	t.Logf("node %s\n%s", strings.Join(args, " "), text)
	if err != nil {
		t.Errorf("%s: %v", args[0], err)
	}
}

func writeReport(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// The page of three thousand repositories, with E2E_ALL of ten thousand, in a real browser, at the width of a desk and of a phone, light and dark.
// E2E_SHOTS=DIR keeps the screenshots.
func TestBulkPage(t *testing.T) {
	browser(t)
	dir := browserTools(t)
	rows := 3_000
	if every() {
		rows = 10_000
	}
	rs, err := sample.Results(rows)
	if err != nil {
		t.Fatal(err)
	}
	shots := os.Getenv("E2E_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	} else if shots, err = filepath.Abs(shots); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	writeReport(t, page, func(w io.Writer) error {
		return render.HTML(w, render.Of(rs), render.Page{Version: "e2e", Created: time.Unix(1795824000, 0)})
	})
	runNode(t, dir, "page.mjs", page, strconv.Itoa(rows), shots)
}

// hostileNames are what strangers may call a repository.
var hostileNames = []string{"<img src=x onerror=alert(1)>", "</script><img src=x onerror=alert(1)><script>alert(2)</script>", "\x1b[31m\u202e<img src=x onerror=alert(1)>\n;", "\xff<img src=x onerror=alert(1)>%s${x}{{y}}"}

// Nothing that strangers write is markup, a script, a request or a control in the page.
func TestBulkPageHostile(t *testing.T) {
	browser(t)
	dir := browserTools(t)
	var rs []*result.Result
	for _, name := range hostileNames {
		f := &report.File{Path: name, Context: name, Changed: true, Diff: "--- a/x\n+++ b/" + name + "\n@@ -1 +1 @@\n-" + name + "\n+b\n",
			Outcomes: []report.Outcome{{Status: "applied", Transform: name, Title: name, Why: name, Assumes: name, File: name}},
			Declined: []report.Decline{{Transform: name, Reason: name}}, Findings: []report.Finding{{Check: name, Line: 1, Message: name, Hint: name}}}
		shape := result.Shape{Stages: 1, Final: name, User: name, Size: 1}
		rs = append(rs, &result.Result{Name: name, Source: name, Web: "javascript:alert(1)", Commit: name, Base: name, Language: name, Topics: []string{name}, Status: result.Status(name), Reason: name,
			Files: []*report.File{f, report.Failed(name, name, fmt.Errorf("%s", name))}, Facts: []result.Facts{{Before: shape, After: shape}, {}}, Head: name, Patch: name, Notes: []string{name},
			Pull: &result.Pull{URL: "javascript:alert(1)", Did: name}})
	}
	page := filepath.Join(t.TempDir(), "page.html")
	writeReport(t, page, func(w io.Writer) error { return render.HTML(w, render.Of(rs), render.Page{Title: hostileNames[1]}) })
	runNode(t, dir, "hostile.mjs", page)
}

// SARIF is valid by the published schema: an empty run, a usual one, a hostile one.
func TestBulkSARIF(t *testing.T) {
	dir := browserTools(t)
	rs, err := sample.Results(500)
	if err != nil {
		t.Fatal(err)
	}
	var hostile []*result.Result
	for i, name := range hostileNames {
		f := &report.File{Path: name, Context: name, Findings: []report.Finding{{Check: name, Line: -1, Message: name, Hint: name}}, Outcomes: []report.Outcome{{Status: "applied", Transform: name, Title: name, File: name}}, Diff: name}
		hostile = append(hostile, &result.Result{Name: name, Source: []string{name, "https://" + name, "/" + name, "git@host:" + name}[i], Commit: name, Base: name, Status: result.Failed, Reason: name, Files: []*report.File{f, report.Failed(name, "", fmt.Errorf("%s", name))}})
	}
	args := []string{"sarif.mjs"}
	for i, set := range [][]*result.Result{nil, rs, hostile} {
		name := filepath.Join(t.TempDir(), fmt.Sprintf("%d.sarif", i))
		writeReport(t, name, func(w io.Writer) error { return render.SARIF(w, render.Of(set), "1.2.3") })
		args = append(args, name)
	}
	name := filepath.Join(t.TempDir(), "check.sarif")
	writeReport(t, name, func(w io.Writer) error {
		s := &report.SARIF{W: w}
		for _, r := range rs {
			for _, f := range r.Files {
				if err := s.File(f); err != nil {
					return err
				}
			}
		}
		return s.Close(report.Total{})
	})
	runNode(t, dir, append(args, name)...)
}
