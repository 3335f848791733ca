//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drydock/report"
	"drydock/rewrite"
	"drydock/verify"
	"drydock/verify/finding"
	"drydock/verify/probe"
)

// A proven is what `drydock fix --verify` or `verify` says of one Dockerfile.
type proven struct {
	report.File
	code int
	text string // standard error
	dir  string // of fixVerified
}

// drydockJSON runs the program with --format json and reads its one file.
func drydockJSON(t *testing.T, ctx context.Context, args ...string) proven {
	t.Helper()
	cmd := exec.CommandContext(ctx, world.drydock, args...)
	cmd.Env = append(os.Environ(), "DRYDOCK_CACHE="+world.cache, "DRYDOCK_BUILDER="+world.builder.String())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	var doc struct{ Files []report.File }
	if err := json.Unmarshal(out, &doc); err != nil || len(doc.Files) != 1 {
		t.Fatalf("%s: %v: %d files\n%s\n%s", cmd, err, len(doc.Files), out, errs.String())
	}
	return proven{File: doc.Files[0], code: cmd.ProcessState.ExitCode(), text: errs.String()}
}

// fixVerified is fix --verify on a copy of a folder of the checkout, with the Dockerfile that it left. A second run must
// have nothing to do.
func fixVerified(t *testing.T, from string) (r proven, dockerfile string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(world.root, from))); err != nil {
		t.Fatal(err)
	}
	run := func() proven { return drydockJSON(t, t.Context(), "fix", "--verify", "--format", "json", dir) }
	r = run()
	r.dir = dir
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after:\n%s", text)
	if r.code != 0 || r.Proof == nil {
		t.Fatalf("exit code %d, error %v, proof %+v\n%s", r.code, r.Error, r.Proof, r.text)
	}
	if again := run(); again.code != 0 || again.Changed {
		t.Errorf("a second run: exit code %d, changed %v:\n%s", again.code, again.Changed, again.Diff)
	}
	return r, string(text)
}

// An application goes through fix --verify: it ends smaller by this factor at least,
// doing the same. touch is a source file that changes.
type application struct {
	dir    string
	factor float64
	touch  string
}

var verified = []application{
	{"fixtures/multi-stage/python-flask", 4, "app.py"},
	{"fixtures/multi-stage/python-uwsgi", 4, "app.py"},
	{"fixtures/multi-stage/python-psycopg2", 3, "app.py"},
	{"fixtures/chain/node", 4, "src/openings.ts"},
	{"fixtures/multi-stage/node-workspaces", 3, ""},
	{"e2e/testdata/verify/node-native", 3, "server.js"},
	{"fixtures/chain/go", 100, "summary.go"},
	{"fixtures/chain/go-cgo", 10, ""},
	{"fixtures/multi-stage/java-maven", 2, ""},
	{"fixtures/multi-stage/node-vite-nginx", 4, ""},
}

// TestFixVerify: the rewrite is proven, and a second run has nothing to do and
// builds nothing.
func TestFixVerify(t *testing.T) {
	text := "| fix --verify | before MB | after MB | factor | layers | probe s | cold build s | after one change s | program |\n| --- | ---: | ---: | ---: | --- | --- | --- | --- | --- |\n"
	for _, c := range verified {
		t.Run(c.dir, func(t *testing.T) {
			was := filepath.Join(t.TempDir(), "before")
			if err := os.CopyFS(was, os.DirFS(filepath.Join(world.root, c.dir))); err != nil {
				t.Fatal(err)
			}
			r, _ := fixVerified(t, c.dir)
			for _, o := range r.Outcomes {
				if o.Status == "unproven" {
					t.Errorf("left out: %s: %s: %s", o.Transform, o.Title, o.Gate)
				}
			}
			for _, x := range r.Proof.Remarks {
				t.Logf("remark: %s: %s", x.Class, x.Message)
			}
			if r.Proof.Verdict != probe.Same {
				t.Errorf("verdict %q: %+v", r.Proof.Verdict, r.Proof.Breaks)
			}
			b, a := r.Proof.Before, r.Proof.After
			factor := float64(b.Compressed) / float64(max(a.Compressed, 1))
			if factor < c.factor {
				t.Errorf("%.1f MB before, %.1f MB after: smaller by %.2f, want %.2f", float64(b.Compressed)/1e6, float64(a.Compressed)/1e6, factor, c.factor)
			}
			if known, ok := cases[strings.TrimPrefix(strings.TrimPrefix(c.dir, "fixtures/"), "chain/")]; ok && !known.root && a.Run.UID == 0 {
				t.Errorf("it still runs as root (USER %q)", a.User)
			}
			text += fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %d → %d | %.1f → %.1f | %s | %s | %s |\n", filepath.Base(c.dir), float64(b.Compressed)/1e6, float64(a.Compressed)/1e6,
				factor, b.Layers, a.Layers, b.Probe, a.Probe, coldBuilds(t, was, r.dir), changedBuilds(t, was, r.dir, c.touch), a.Did)
		})
	}
	t.Log(text)
	keepTable(t, text)
}

// coldBuilds are the seconds of both builds without a cache; with E2E_ALL only.
func coldBuilds(t *testing.T, was, is string) string {
	if os.Getenv("E2E_ALL") == "" {
		return ""
	}
	return buildSeconds(t, was, true) + " → " + buildSeconds(t, is, true)
}

// changedBuilds are the seconds of both builds after a change to a source file, all
// else cached; with E2E_ALL only.
func changedBuilds(t *testing.T, was, is, touch string) string {
	if os.Getenv("E2E_ALL") == "" || touch == "" {
		return ""
	}
	comment := map[string]string{".py": "#"}[filepath.Ext(touch)]
	for _, dir := range []string{was, is} {
		f, err := os.OpenFile(filepath.Join(dir, touch), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintln(f, cmp.Or(comment, "//"), time.Now().UnixNano())
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return buildSeconds(t, was, false) + " → " + buildSeconds(t, is, false)
}

func buildSeconds(t *testing.T, dir string, noCache bool) string {
	t.Helper()
	b, err := world.builder.build(t.Context(), request{dir: dir, noCache: noCache})
	if err != nil {
		t.Fatal(err)
	}
	return seconds(b.took)
}

// TestVerifyBreaks: a change for the worse of each class is seen and named.
func TestVerifyBreaks(t *testing.T) {
	for _, c := range []struct {
		dir, after string
		class      finding.Class
		says       string
	}{
		{"library", "after", finding.Library, "libxml2.so.2"},
		{"library", "distroless", finding.Library, "libxml2.so.2"},
		{"file", "after", finding.File, "/app/templates"},
		{"root", "after", finding.Permission, "/var/lib/arrivals"},
		{"entry-point", "after", finding.Config, "/nodejs/bin/node"},
		{"certificates", "after", finding.Certificates, "certificates"},
		{"port", "after", finding.Port, "port 80"},
	} {
		t.Run(c.dir+"/"+c.after, func(t *testing.T) {
			dir := filepath.Join("testdata", "verify", c.dir)
			r := drydockJSON(t, t.Context(), "verify", "--format", "json", filepath.Join(dir, "before.Dockerfile"), filepath.Join(dir, c.after+".Dockerfile"))
			if r.code != 1 || r.Proof == nil {
				t.Fatalf("exit code %d, error %v, proof %+v\n%s", r.code, r.Error, r.Proof, r.text)
			}
			for _, b := range r.Proof.Breaks {
				t.Logf("%s: %s", b.Class, b.Message)
			}
			if !slices.ContainsFunc(r.Proof.Breaks, func(f finding.Finding) bool { return f.Class == c.class && strings.Contains(f.Message, c.says) }) {
				t.Errorf("no break of class %s says %q", c.class, c.says)
			}
			if !every() && c.dir != "file" {
				return
			}
			same := drydockJSON(t, t.Context(), "verify", "--format", "json", filepath.Join(dir, "before.Dockerfile"), filepath.Join(dir, "before.Dockerfile"))
			if same.code != 0 || same.Proof == nil || !same.Proof.Holds() {
				t.Errorf("the Dockerfile against itself: exit code %d, %+v", same.code, same.Proof)
			}
		})
	}
}

// TestFixVerifyMends: what no file tells shows in the run, and is mended or dropped.
func TestFixVerifyMends(t *testing.T) {
	for _, c := range []struct{ dir, repair, dropped, line string }{
		{dir: "opens", repair: "install libxml2", line: "libxml2"},
		{dir: "writes", repair: "write in /srv/arrivals", line: "chown"},
		{dir: "drops", dropped: "add-user"},
	} {
		t.Run(c.dir, func(t *testing.T) {
			r, text := fixVerified(t, filepath.Join("e2e", "testdata", "verify", c.dir))
			if r.Proof.Verdict != probe.Same {
				t.Fatalf("proof %+v", r.Proof)
			}
			var repairs, dropped []string
			for _, o := range r.Outcomes {
				switch {
				case o.Transform == "repair":
					repairs = append(repairs, o.Title)
				case o.Status == "unproven":
					dropped = append(dropped, o.Transform+": "+o.Gate)
				}
			}
			t.Logf("repairs %q, dropped %q", repairs, dropped)
			if c.repair != "" && !strings.Contains(strings.Join(repairs, "; "), c.repair) || c.line != "" && !strings.Contains(text, c.line) {
				t.Errorf("no repair says %q", c.repair)
			}
			if c.dropped != "" && (len(dropped) != 1 || !strings.HasPrefix(dropped[0], c.dropped)) || c.dropped == "" && len(dropped) > 0 {
				t.Errorf("dropped %q, want %q alone", dropped, c.dropped)
			}
			if !strings.Contains(text, "AS builder") {
				t.Errorf("the split, which is right, isn't kept")
			}
		})
	}
}

// TestVerifyRepairs: the textbook's rewrites lack libraries, which are found in the
// image before.
func TestVerifyRepairs(t *testing.T) {
	for _, c := range []struct{ dir, before, after, want string }{
		{"uwsgi", "before", "textbook", "install libxml2"},
		{"library", "before", "after", "install libxml2"},
		{"library", "before", "distroless", "libxml2.so.2"},
		{"certificates", "before", "after", "ca-certificates.crt"},
	} {
		t.Run(c.dir+"/"+c.after, func(t *testing.T) {
			dir := filepath.Join("testdata", "verify", c.dir)
			read := func(name string) string {
				text, err := os.ReadFile(filepath.Join(dir, name+".Dockerfile"))
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			none := ""
			p, err := verify.New(world.builder, c.dir, verify.Side{Dockerfile: read(c.before), Ignore: &none, Context: dir}, verify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			kept, err := p.Keep(t.Context(), textbook(read(c.before), read(c.after)))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("after:\n%s", kept.Result.After)
			var repairs []string
			for _, o := range kept.Result.Outcomes {
				if o.Status == rewrite.Unproven {
					t.Errorf("dropped: %s", o.Gate)
				}
				if o.Transform == verify.Repair {
					repairs = append(repairs, o.Title)
				}
			}
			if kept.Proof == nil || kept.Proof.Verdict != probe.Same || !strings.Contains(strings.Join(repairs, "; "), c.want) {
				t.Errorf("repairs %q, want %q; proof %+v", repairs, c.want, kept.Proof)
			}
		})
	}
}

// textbook is a rewriter that makes one text of another.
func textbook(before, after string) verify.Rewriter {
	return func(_ context.Context, src string, _ map[string]string, refuse func(rewrite.Outcome) bool) (*rewrite.Result, error) {
		res := &rewrite.Result{Path: "Dockerfile", Before: src, After: src}
		o := rewrite.Outcome{Status: rewrite.Applied, Transform: "textbook", Title: "split", Before: before, After: after, Config: rewrite.FieldBase}
		if src == before && !refuse(o) {
			res.After, res.Outcomes = after, []rewrite.Outcome{o}
		}
		return res, nil
	}
}
