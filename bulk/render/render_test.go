package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"drydock/bulk/render/sample"
	"drydock/bulk/result"
	"drydock/page/pagetest"
	"drydock/report"
)

var update = flag.Bool("update", false, "write the golden files")

// renderers are all of them, with what they need given.
var renderers = map[string]func(io.Writer, Results) error{
	"txt":   func(w io.Writer, r Results) error { return Text(w, r, report.Style{}) },
	"csv":   CSV,
	"jsonl": JSONL,
	"sarif": func(w io.Writer, r Results) error { return SARIF(w, r, "1.2.3") },
	"html": func(w io.Writer, r Results) error {
		return HTML(w, r, Page{Version: "1.2.3", Created: time.Unix(1795824000, 0)})
	},
}

func render(t testing.TB, kind string, rs []*result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := renderers[kind](&b, Of(rs)); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return b.String()
}

// few are results of every status, written by hand: what golden files show is
// seen here.
func few() []*result.Result {
	f := func(path string) *report.File {
		return &report.File{Path: path, Context: ".", Outcomes: []report.Outcome{}, Declined: []report.Decline{}, Findings: []report.Finding{}}
	}
	changed := f("Dockerfile")
	changed.Changed = true
	changed.Outcomes = []report.Outcome{
		{Status: "applied", Transform: "pin-base", Title: "pin python to 3.12", Why: "a base without a tag is another one tomorrow", Safety: "safe", Line: 1},
		{Status: "applied", Transform: "merge-run", Title: "join 2 RUN", Why: "each makes a layer", Safety: "safe", Line: 3, Gain: "1 layer"},
		{Status: "offered", Transform: "add-user", Title: "run as appuser", Why: "root is not needed", Assumes: "it writes nowhere", Safety: "assumes", Line: 5},
	}
	changed.Declined = []report.Decline{{Transform: "multi-stage", Line: 0, Reason: "no recipe for it"}}
	changed.Patches = []*report.Patch{{Path: "Dockerfile", Before: "FROM python\nCOPY . .\nRUN a\nRUN b\nCMD x", After: "FROM python:3.12\nCOPY . .\nRUN a && \\\n    b\nCMD x"}}
	found := f("services/api/Dockerfile")
	found.Findings = []report.Finding{{Check: "secrets", Line: 2, Message: "DB_PASSWORD holds a password", Hint: "give it at run time"}, {Check: "buildkit/JSONArgsRecommended", Line: 4, Message: "JSON arguments recommended for CMD"}}
	broken := report.Failed("old/Dockerfile", "", &report.Error{Path: "old/Dockerfile", Line: 3, Message: "unknown instruction: RUNN", Hint: "did you mean RUN?"})
	same := f("Dockerfile")
	shape := func(base, user string, size int64) result.Shape {
		return result.Shape{Stages: 1, Bases: []string{base}, Final: base, User: user, Layers: 3, Size: size}
	}
	return []*result.Result{
		{Name: "acme/api", Source: "https://git.example.com/acme/api.git", Web: "https://git.example.com/acme/api", Commit: strings.Repeat("a1", 20), Base: "main", Language: "Python",
			Status: result.Changed, Files: []*report.File{changed, found, broken},
			Facts: []result.Facts{{Before: shape("python", "", 403e6), After: shape("python:3.12", "", 71e6)}, {Before: shape("node:20", "root", 0), After: shape("node:20", "root", 0)}, {}},
			Head:  "drydock", Made: strings.Repeat("b2", 20), Pull: &result.Pull{Number: 7, URL: "https://git.example.com/acme/api/pulls/7", Did: "opened"}, Seconds: 0.25},
		{Name: "acme/old", Source: "git@git.example.com:acme/old.git", Status: result.Failed, Reason: "the clone took longer than 2m0s: try --timeout 5m", Seconds: 120},
		{Name: "acme/site", Source: "/srv/git/acme/site", Commit: strings.Repeat("c3", 20), Status: result.Unchanged, Files: []*report.File{same},
			Facts: []result.Facts{{Before: shape("nginx:1.27@sha256:"+strings.Repeat("0", 64), "nginx", 72e6), After: shape("nginx:1.27@sha256:"+strings.Repeat("0", 64), "nginx", 72e6)}}},
		{Name: "acme/zoo", Source: "https://git.example.com/acme/zoo.git", Status: result.Skipped, Reason: "archived"},
	}
}

func TestGolden(t *testing.T) {
	for _, kind := range []string{"txt", "csv", "jsonl", "sarif"} {
		t.Run(kind, func(t *testing.T) {
			got := render(t, kind, few())
			// The rules carry the documentation of transforms and checks: see TestSARIFRules.
			got, _, _ = strings.Cut(got, "\"tool\":")
			name := filepath.Join("testdata", "few."+kind)
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("-want +got (go test ./bulk/render -update writes it):\n%s", d)
			}
		})
	}
}

// A run without repositories has a report, too.
func TestEmpty(t *testing.T) {
	for kind := range renderers {
		got := render(t, kind, nil)
		switch kind {
		case "jsonl":
			if got != "" {
				t.Errorf("jsonl: %q", got)
			}
		case "txt":
			if got != "0 repositories\n" {
				t.Errorf("txt: %q", got)
			}
		case "csv":
			if got != strings.Join(Columns, ",")+"\r\n" {
				t.Errorf("csv: %q", got)
			}
		case "sarif":
			if !json.Valid([]byte(got)) {
				t.Errorf("sarif: %s", got)
			}
		case "html":
			if d := pagetest.Unpack(t, got); len(d["rows"]) != 0 || len(d["meta"]) != 1 {
				t.Errorf("html: %v", d)
			}
		}
	}
}

// What ends the stream ends the report, and so does a writer that fails.
func TestErrors(t *testing.T) {
	lost := errors.New("the journal is lost")
	for kind, f := range renderers {
		n := 0
		err := f(io.Discard, func(yield func(*result.Result, error) bool) {
			for _, r := range few() {
				if n++; !yield(r, nil) {
					return
				}
			}
			yield(nil, lost)
		})
		if !errors.Is(err, lost) {
			t.Errorf("%s: %v", kind, err)
		}
		if err := f(full{}, Of(few())); !errors.Is(err, errFull) {
			t.Errorf("%s: writer: %v", kind, err)
		}
	}
}

var errFull = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// hostile is what strangers may call things.
const hostile = "=cmd|'/c calc'!A0\x1b[31m\u202egnp\n</script><img src=x onerror=alert(1)>,\";-\xff"

func hostileResults() []*result.Result {
	f := report.Failed(hostile, hostile, &report.Error{Path: hostile, Line: -1, Message: hostile, Hint: hostile})
	g := &report.File{Path: hostile, Context: hostile, Changed: true, Diff: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-" + strings.ReplaceAll(hostile, "\n", " ") + "\n+b\n",
		Outcomes: []report.Outcome{{Status: "applied", Transform: hostile, Title: hostile, Why: hostile, Assumes: hostile, Gate: hostile, File: hostile, Safety: "safe"}},
		Declined: []report.Decline{{Transform: hostile, Reason: hostile}}, Findings: []report.Finding{{Check: hostile, Line: 1, Message: hostile, Hint: hostile}}}
	shape := result.Shape{Stages: 1, Final: hostile, User: hostile, Size: 2e6}
	small := shape
	small.Size = 1e6
	var out []*result.Result
	for _, s := range []result.Status{result.Changed, result.Failed, result.Skipped, result.Status(hostile)} {
		out = append(out, &result.Result{Name: hostile, Source: hostile, Web: "javascript:alert(1)", Commit: hostile, Base: hostile, Language: hostile, Topics: []string{hostile}, Status: s, Reason: hostile,
			Files: []*report.File{f, g}, Facts: []result.Facts{{}, {Before: shape, After: small}}, Patch: hostile, Head: hostile, Made: hostile, Push: hostile,
			Pull: &result.Pull{URL: "javascript:alert(1)", Did: hostile}, Notes: []string{hostile}})
	}
	return out
}

func TestHostile(t *testing.T) {
	for _, kind := range []string{"txt", "csv"} {
		got := render(t, kind, hostileResults())
		for _, bad := range []string{"\x1b", "\u202e", "\xff"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s lets %q through", kind, bad)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(render(t, "csv", hostileResults()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i, c := range row {
			if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
				t.Errorf("%s is a formula: %q", Columns[i], c)
			}
		}
	}
	for _, kind := range []string{"jsonl", "sarif"} {
		d := json.NewDecoder(strings.NewReader(render(t, kind, hostileResults())))
		n := 0
		for ; ; n++ {
			var v any
			if err := d.Decode(&v); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
		}
		if want := map[string]int{"jsonl": 4, "sarif": 1}[kind]; n != want {
			t.Errorf("%s has %d values, not %d", kind, n, want)
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	rs, err := sample.Results(400)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range [][]*result.Result{rs, few(), hostileResults()} {
		for _, l := range strings.Split(render(t, "txt", set), "\n") {
			if w := runewidth.StringWidth(l); w > textWidth {
				t.Errorf("%d columns: %s", w, l)
			}
		}
	}
}

func TestCSVRows(t *testing.T) {
	rs, err := sample.Results(400)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(render(t, "csv", rs))).ReadAll() // which holds every row to the same number of cells
	if err != nil {
		t.Fatal(err)
	}
	want := 1
	for _, r := range rs {
		want += max(1, len(r.Files))
	}
	if len(rows) != want {
		t.Errorf("%d rows, not %d", len(rows), want)
	}
}

// A line of JSONL is the result again.
func TestJSONLRoundTrip(t *testing.T) {
	var got result.Result
	text := render(t, "jsonl", few()[:1])
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, `{"version":1,"name":"acme/api"`) {
		t.Errorf("%.60s", text)
	}
	if d := cmp.Diff(render(t, "jsonl", []*result.Result{&got}), text); d != "" {
		t.Error(d)
	}
}

func TestKinds(t *testing.T) {
	for ref, want := range map[string]string{
		"python": TagNone, "python:latest": TagLatest, "python:slim": TagName, "python:3": TagMajor, "python:3-slim": TagMajor, "python:3.12": TagVersion, "a.example:5000/x:v1.2.3-rc1": TagVersion,
		"python@sha256:" + strings.Repeat("0", 64): TagDigest, "scratch": TagScratch, "": TagUnclear, "${BASE}": TagUnclear, "node:20": TagMajor,
	} {
		if got := tagKind(ref); got != want {
			t.Errorf("%s: %s, not %s", ref, got, want)
		}
	}
	for _, c := range []struct{ user, final, want string }{
		{"root", "x", UserRoot}, {"0:0", "x", UserRoot}, {"app:app", "x", UserOther}, {"", "scratch", UserRoot}, {"", "python", UserBase},
		{"", "gcr.io/distroless/static:nonroot", UserOther}, {"", "gcr.io/distroless/static:debug-nonroot", UserOther},
	} {
		if got := userKind(c.user, c.final); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	for ref, want := range map[string]string{"docker.io/library/python:3": "python", "ghcr.io/a/b@sha256:" + strings.Repeat("0", 64): "ghcr.io/a/b", "$X": "$X"} {
		if got := baseName(ref); got != want {
			t.Errorf("%s: %s, not %s", ref, got, want)
		}
	}
}

func TestMegabytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "2 kB", 2.2e6: "2.2 MB", 403e6: "403 MB", 999.6e6: "1.0 GB", 1.24e9: "1.2 GB", 3e12: "3.0 TB", -71e6: "-71 MB"} {
		if got := megabytes(n); got != want {
			t.Errorf("%d: %s, not %s", n, got, want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	rs, err := sample.Results(10_000)
	if err != nil {
		b.Fatal(err)
	}
	for kind := range renderers {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			var w counting
			for b.Loop() {
				w = 0
				if err := renderers[kind](&w, Of(rs)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w), "bytes/report")
		})
	}
}

type counting int64

func (c *counting) Write(p []byte) (int, error) { *c += counting(len(p)); return len(p), nil }
