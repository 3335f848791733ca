package reviewpage

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/page/pagetest"
	"drydock/report"
	"drydock/verify"
	"drydock/verify/finding"
	"drydock/verify/probe"
)

func TestSources(t *testing.T) { pagetest.Sources(t, design.Sources, "page", design.Scripts) }

// sampleFile is a Dockerfile with a change of each sort.
func sampleFile(name string) *report.File {
	before, middle, after := "FROM a\nRUN x\nCMD z\n", "FROM a:1\nRUN x\nCMD z\n", "FROM a:1\nRUN x\nUSER u\nCMD z\n"
	pin := report.Outcome{Status: "applied", Transform: "pin-base", Title: "pin", Why: "moves", Safety: "safe"}
	user := report.Outcome{Status: "applied", Transform: "add-user", Title: "run as u", Assumes: "writes nothing", Safety: "assumes"}
	return &report.File{Path: name, Changed: true,
		Outcomes: []report.Outcome{pin, user, {Status: "offered", Transform: "multi-stage", Title: "split", Safety: "assumes"}},
		Findings: []report.Finding{{Check: "secrets", Line: 2, Message: "m", Hint: "h"}},
		Declined: []report.Decline{{Transform: "merge-run", Line: 2, Reason: "r"}},
		Steps:    []report.Step{{Outcome: pin, Files: map[string]string{name: middle}}, {Outcome: user, Files: map[string]string{name: after}}},
		Patches:  []*report.Patch{{Path: name, Before: before, After: after}, {Path: ".dockerignore", After: "x\n", Created: true}},
	}
}

func render(t *testing.T, files ...*report.File) (text string, data map[string][]string) {
	t.Helper()
	var b strings.Builder
	p := &Page{W: &b, Version: "v1", Verb: "diff", Created: time.Unix(1795824000, 0)}
	for _, f := range files {
		if err := p.File(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(report.Total{}); err != nil {
		t.Fatal(err)
	}
	return b.String(), pagetest.Unpack(t, b.String())
}

func TestPage(t *testing.T) {
	proven := sampleFile("b/Dockerfile")
	proven.Proof = &verify.Proof{Verdict: probe.Same, Before: verify.Facts{Compressed: 400}, After: verify.Facts{Compressed: 100}}
	broken := report.Proved("c/Dockerfile", "c", &verify.Proof{Breaks: []finding.Finding{{Class: "library", Message: "m"}}})
	_, data := render(t, sampleFile("a/Dockerfile"), proven, broken, report.Failed("d/Dockerfile", "", errors.New("no")))
	var meta struct {
		Verb, Version, Created string
		Total                  Total
		Checklist              []item
	}
	if err := json.Unmarshal([]byte(data["meta"][0]), &meta); err != nil {
		t.Fatal(err)
	}
	want := Total{Files: 4, Changed: 2, Failed: 1, Safe: 2, Assumes: 2, Offered: 2, Findings: 2, Declined: 2, Proven: 1, Broken: 1, Before: 400, After: 100}
	if d := cmp.Diff(want, meta.Total); d != "" {
		t.Error(d)
	}
	if meta.Created != "2026-11-28T00:00:00Z" || meta.Verb != "diff" {
		t.Errorf("%+v", meta)
	}
	var lines []string
	for _, i := range meta.Checklist {
		name := i.Kind + " " + i.Name
		for range i.Files {
			name += "."
		}
		lines = append(lines, name)
	}
	// An assumption that a proof tried is another line; only the file that wasn't built is to be.
	if d := cmp.Diff([]string{"checked gates", "checked stable", "checked proof.", "assumed add-user.", "assumed add-user.", "verify new file..", "verify secrets..", "verify build.", "verify proof.", "verify failed."}, lines); d != "" {
		t.Error(d)
	}

	var rows []row
	if err := json.Unmarshal([]byte(data["rows"][0]), &rows); err != nil {
		t.Fatal(err)
	}
	first := row{Path: "a/Dockerfile", Safe: 1, Assumes: 1, Offered: 1, Findings: 1, Declined: 1, Hunks: 3, Added: 3, Removed: 1}
	if d := cmp.Diff(first, rows[0]); d != "" {
		t.Error(d)
	}
	if rows[1].Verdict != "proven" || rows[2].Verdict != "broken" || !rows[3].Error {
		t.Errorf("%+v", rows)
	}
	var details []detail
	if err := json.Unmarshal([]byte(data["details"][0]), &details); err != nil {
		t.Fatal(err)
	}
	d := details[rows[0].Place]
	if got := d.Patches[0].Hunks; len(got) != 2 || !slices.Equal(got[0].Reasons, []int{0}) || !slices.Equal(got[1].Reasons, []int{1}) || got[1].New[0] != "USER u\n" {
		t.Errorf("%+v", got)
	}
	if !d.Patches[1].Ignore || !d.Patches[1].Created || d.Patches[0].Unified != sampleFile("a/Dockerfile").Patches[0].Unified() {
		t.Errorf("%+v", d.Patches)
	}
}

// Changes that the engine made together are one step: all of them are reasons.
func TestJoint(t *testing.T) {
	f := sampleFile("Dockerfile")
	f.Outcomes[1].File = ".dockerignore"
	f.Steps = []report.Step{{Outcome: report.Outcome{Transform: "fix"}, Files: map[string]string{"Dockerfile": f.Patches[0].After, ".dockerignore": "x\n"}}}
	d := newDetail(f)
	if got := d.Patches[0].Hunks[0].Reasons; !slices.Equal(got, []int{0}) {
		t.Errorf("Dockerfile: %v", got)
	}
	if got := d.Patches[1].Hunks[0].Reasons; !slices.Equal(got, []int{1}) {
		t.Errorf("ignore file: %v", got)
	}
	if len(d.Reasons) != 2 || d.Reasons[0].Transform != "pin-base" {
		t.Errorf("%+v", d.Reasons)
	}
}

func TestEmptyRun(t *testing.T) {
	text, data := render(t)
	if len(data["rows"]) != 0 || len(data["meta"]) != 1 || !strings.HasSuffix(text, "</html>\n") {
		t.Errorf("%d blocks of rows, %d of meta", len(data["rows"]), len(data["meta"]))
	}
}

const hostile = "</script></noscript><img src=x onerror=alert(1)>\x1b[31m\u202e\u2028{{data}}\xff\n`"

func TestHostile(t *testing.T) {
	o := report.Outcome{Status: "applied", Transform: hostile, Title: hostile, Why: hostile, Assumes: hostile, Gain: hostile, Plan: []string{hostile}, Safety: hostile, File: hostile}
	f := &report.File{Path: hostile, Context: hostile, ContextWhy: hostile, Changed: true, Outcomes: []report.Outcome{o}, Notes: []string{hostile},
		Steps:    []report.Step{{Outcome: o, Files: map[string]string{hostile: hostile}}},
		Findings: []report.Finding{{Check: hostile, Line: 1, Message: hostile, Hint: hostile}}, Declined: []report.Decline{{Transform: hostile, Reason: hostile}},
		Patches: []*report.Patch{{Path: hostile, Before: "FROM a\n", After: hostile}}}
	text, data := render(t, f, report.Failed(hostile, "", errors.New(hostile)))
	pagetest.Closed(t, text)
	if !strings.Contains(data["details"][0], `"inexact":true`) {
		t.Error("a patch with bytes that are no text is offered for copying")
	}
}

// A browser without JavaScript has the patches with their reasons, and the page
// doesn't hold all of it twice.
func TestPlain(t *testing.T) {
	text, _ := render(t, sampleFile("a/Dockerfile"))
	for _, want := range []string{"<h2>a/Dockerfile</h2>", "<b>add-user</b> run as u. <b>Assumes:</b> writes nothing", "\n+USER u\n", "<b>secrets</b> line 2: m: h"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	var many []*report.File
	for range 40 {
		f := sampleFile("Dockerfile")
		f.Patches[0].After += strings.Repeat("RUN true\n", 3000)
		many = append(many, f)
	}
	text, _ = render(t, many...)
	if n := strings.Count(text, "<h2>Dockerfile</h2>"); n < 3 || n > 20 || !strings.Contains(text, "more files: this page shows them with JavaScript") {
		t.Errorf("%d files in plain", n)
	}
}

func TestWritten(t *testing.T) {
	got, ok := written("Dockerfile", "FROM python:3.12 AS base\nWORKDIR /w\nFROM base AS build\nRUN make\nCOPY a b\nFROM base\nCOPY --from=build a b\nUSER u\nCMD a\n")
	if !ok || got.BaseSize == 0 {
		t.Fatalf("%+v %t", got, ok)
	}
	got.BaseSize = 0
	want := image{Base: "python:3.12", User: "u", Left: 2, Layers: []layer{
		{Kind: "base", Text: "FROM python:3.12", Line: 1}, {Kind: "workdir", Text: "WORKDIR /w", Line: 2}, {Kind: "copy", Text: "COPY --from=build a b", Line: 7}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, ok := written("Dockerfile", "RUN x\n"); ok {
		t.Error("what is no Dockerfile has layers")
	}
}

func TestMeasured(t *testing.T) {
	shared := verify.LayerFacts{Digest: "sha256:1", Compressed: 30, CreatedBy: `/bin/sh -c #(nop) ADD file:1 in / `}
	before := verify.Facts{Compressed: 70, PerLayer: []verify.LayerFacts{shared, {Digest: "sha256:2", Compressed: 40, CreatedBy: "RUN /bin/sh -c make # buildkit"}}}
	after := verify.Facts{Compressed: 35, PerLayer: []verify.LayerFacts{shared, {Digest: "sha256:3", Compressed: 5, CreatedBy: "COPY a b # buildkit"}}}
	got := imagesOf(&report.File{Proof: &verify.Proof{Before: before, After: after}})
	want := &pair{Measured: true,
		Before: image{Size: 70, Layers: []layer{{Kind: "add", Text: "ADD file:1 in /", Size: 30, Same: true}, {Kind: "run", Text: "RUN make", Size: 40}}},
		After:  image{Size: 35, Layers: []layer{{Kind: "add", Text: "ADD file:1 in /", Size: 30, Same: true}, {Kind: "copy", Text: "COPY a b", Size: 5}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := imagesOf(report.Failed("x", "", errors.New("y"))); got != nil {
		t.Errorf("%+v", got)
	}
}
