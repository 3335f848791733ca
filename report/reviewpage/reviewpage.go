// Package reviewpage renders a run as one web page to review it by: each change with
// its reason beside it, what the images are made of before and after, what was proven,
// and a checklist. No request leaves the page. Dockerfiles, paths and messages are
// strangers' text, and stay text.
package reviewpage

import (
	"embed"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"drydock/page"
	"drydock/report"
	"drydock/rewrite"
	"drydock/said"
	"drydock/verify"
	"drydock/verify/probe"
)

//go:embed page
var sources embed.FS

var design = page.Design{Sources: sources, Body: "page/review.html", Style: "page/review.css",
	Scripts: []string{"page/files.js", "page/highlight.js", "page/places.js", "page/reasons.js", "page/layers.js", "page/checklist.js", "page/section.js", "page/walk.js", "page/main.js"}}

// Page is a report.Renderer: it writes a file's part when the file comes. Close
// writes the rest, without which the page doesn't open.
type Page struct {
	W       io.Writer
	Version string    // of drydock
	Created time.Time // zero: not told
	Verb    string    // of the run: diff, fix, check or verify

	out    *page.Writer
	total  Total
	list   checklist
	plain  plainText
	number int // of files so far
}

// Total is what the page's head counts.
type Total struct {
	Files    int `json:"files"`
	Changed  int `json:"changed"`
	Failed   int `json:"failed"`
	Safe     int `json:"safe"` // applied changes that assume nothing
	Assumes  int `json:"assumes"`
	Offered  int `json:"offered"`
	Unproven int `json:"unproven"`
	Dropped  int `json:"dropped"`
	Findings int `json:"findings"`
	Declined int `json:"declined"`
	Proven   int `json:"proven"` // files whose proof says that the program does the same
	Unseen   int `json:"unseen"` // built and compared, not seen at work
	Broken   int `json:"broken"`
	// Before and After are bytes of the images of the files that were built, compressed.
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// row is what the page needs of a file from its start on. Names are short, for
// there are many.
type row struct {
	Path     string `json:"p"`
	Safe     int    `json:"s,omitempty"`
	Assumes  int    `json:"a,omitempty"`
	Offered  int    `json:"o,omitempty"`
	Left     int    `json:"x,omitempty"` // left out: unproven, or a defect
	Findings int    `json:"f,omitempty"`
	Declined int    `json:"d,omitempty"`
	Error    bool   `json:"e,omitempty"`
	Noted    bool   `json:"t,omitempty"` // there are notes
	Verdict  string `json:"v,omitempty"` // proven, unseen or broken
	Hunks    int    `json:"h,omitempty"`
	Added    int    `json:"n,omitempty"` // lines
	Removed  int    `json:"m,omitempty"`
	Block    int    `json:"b"`
	Place    int    `json:"i"`
}

// detail is all of a file.
type detail struct {
	Path       string           `json:"path"`
	Context    string           `json:"context"`
	ContextWhy string           `json:"contextWhy,omitempty"`
	Error      *report.Error    `json:"error,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Reasons    []report.Outcome `json:"reasons"` // of the hunks
	Patches    []patch          `json:"patches"`
	Offered    []report.Outcome `json:"offered,omitempty"`
	Unproven   []report.Outcome `json:"unproven,omitempty"`
	Dropped    []report.Outcome `json:"dropped,omitempty"`
	Findings   []report.Finding `json:"findings,omitempty"`
	Declined   []report.Decline `json:"declined,omitempty"`
	Images     *pair            `json:"images,omitempty"`
	Proof      *verify.Proof    `json:"proof,omitempty"`
	Replay     *report.Replay   `json:"replay,omitempty"`
	Chart      string           `json:"chart,omitempty"` // SVG
}

// patch is a changed file: the text before, and what takes the place of which lines.
type patch struct {
	Path    string `json:"path"`
	Ignore  bool   `json:"ignore,omitempty"` // an ignore file; else a Dockerfile
	Created bool   `json:"created,omitempty"`
	Before  string `json:"before"`
	Hunks   []hunk `json:"hunks"`
	Unified string `json:"unified"`
	// Inexact: it holds bytes that are no text, so that what the page copies isn't the patch.
	Inexact bool `json:"inexact,omitempty"`
}

type hunk struct {
	Line    int      `json:"line"`
	NewLine int      `json:"newLine"`
	Old     int      `json:"old"` // lines of before
	New     []string `json:"new"`
	Reasons []int    `json:"reasons"`
}

// File writes one file's part.
func (p *Page) File(f *report.File) error {
	if err := p.begin(); err != nil {
		return err
	}
	d := newDetail(f)
	r := p.count(f, &d)
	r.Block, r.Place = p.out.Place()
	line, err := report.Encode(r)
	if err != nil {
		return err
	}
	text, err := report.Encode(d)
	if err != nil {
		return err
	}
	if err := p.out.Add(line, text); err != nil {
		return err
	}
	if markup := p.plain.file(&d); markup != "" {
		return p.out.Plain(markup)
	}
	return nil
}

// Close ends the page.
func (p *Page) Close(report.Total) error {
	if err := p.begin(); err != nil {
		return err
	}
	if markup := p.plain.rest(); markup != "" {
		if err := p.out.Plain(markup); err != nil {
			return err
		}
	}
	meta := map[string]any{"verb": p.Verb, "version": p.Version, "total": p.total, "checklist": p.list.items(p.total)}
	if !p.Created.IsZero() {
		meta["created"] = p.Created.UTC().Format(time.RFC3339)
	}
	text, err := report.Encode(meta)
	if err != nil {
		return err
	}
	return p.out.End(text)
}

func (p *Page) begin() (err error) {
	if p.out == nil {
		p.out, err = design.Begin(p.W, "Dockerfile review")
	}
	return err
}

// count adds a file to the totals and the checklist, and makes its row.
func (p *Page) count(f *report.File, d *detail) row {
	r := row{Path: f.Path, Offered: len(d.Offered), Left: len(d.Unproven) + len(d.Dropped), Findings: len(d.Findings), Declined: len(d.Declined), Error: f.Error != nil, Noted: len(f.Notes) > 0, Verdict: verdict(f.Proof)}
	for _, o := range f.With(rewrite.Applied) {
		if o.Safety == rewrite.Safe.String() {
			r.Safe++
		} else {
			r.Assumes++
		}
	}
	for _, x := range d.Patches {
		r.Hunks += len(x.Hunks)
		for _, h := range x.Hunks {
			r.Added, r.Removed = r.Added+len(h.New), r.Removed+h.Old
		}
	}
	t := &p.total
	t.Files++
	switch {
	case f.Error != nil:
		t.Failed++
	case f.Changed:
		t.Changed++
	}
	t.Safe, t.Assumes, t.Offered = t.Safe+r.Safe, t.Assumes+r.Assumes, t.Offered+r.Offered
	t.Unproven, t.Dropped = t.Unproven+len(d.Unproven), t.Dropped+len(d.Dropped)
	t.Findings, t.Declined = t.Findings+r.Findings, t.Declined+r.Declined
	switch r.Verdict {
	case "proven":
		t.Proven++
	case "unseen":
		t.Unseen++
	case "broken":
		t.Broken++
	}
	if x := f.Proof; x != nil && x.Before.Compressed > 0 && x.After.Compressed > 0 {
		t.Before, t.After = t.Before+x.Before.Compressed, t.After+x.After.Compressed
	}
	p.list.add(p.number, f)
	p.number++
	return r
}

// verdict is what a proof says in one word, "" without one.
func verdict(p *verify.Proof) string {
	switch {
	case p == nil:
		return ""
	case !p.Holds():
		return "broken"
	case p.Verdict == probe.Same:
		return "proven"
	}
	return "unseen"
}

func newDetail(f *report.File) detail {
	d := detail{Path: f.Path, Context: f.Context, ContextWhy: f.ContextWhy, Error: f.Error, Notes: f.Notes, Offered: f.With(rewrite.Offered), Unproven: f.With(rewrite.Unproven),
		Dropped: f.With(rewrite.Dropped), Findings: f.Findings, Declined: f.Declined, Proof: f.Proof, Replay: f.Replay, Images: imagesOf(f), Reasons: []report.Outcome{}, Patches: []patch{}}
	// Changes that belong together are one step; each of them is a reason.
	joint := len(f.Steps) == 1 && len(f.With(rewrite.Applied)) > 1
	if joint {
		d.Reasons = f.With(rewrite.Applied)
	} else {
		for _, s := range f.Steps {
			d.Reasons = append(d.Reasons, s.Outcome)
		}
	}
	for _, p := range f.Patches {
		x := patch{Path: p.Path, Ignore: strings.HasSuffix(p.Path, ".dockerignore"), Created: p.Created, Before: p.Before, Hunks: []hunk{}, Unified: p.Unified()}
		x.Inexact = !utf8.ValidString(x.Unified)
		for _, h := range f.Hunks(p) {
			y := hunk{Line: h.Line, NewLine: h.NewLine, Old: len(h.Old), New: h.New, Reasons: h.Steps}
			if joint && len(h.Steps) > 0 {
				y.Reasons = reasonsFor(d.Reasons, x.Ignore)
			}
			if y.New == nil {
				y.New = []string{}
			}
			if y.Reasons == nil {
				y.Reasons = []int{}
			}
			x.Hunks = append(x.Hunks, y)
		}
		d.Patches = append(d.Patches, x)
	}
	if f.Replay != nil {
		// The page has the colours, and no other style may come in.
		head, rest, _ := strings.Cut(f.Replay.Chart(said.Printable(f.Path)), "<style>")
		_, tail, _ := strings.Cut(rest, "</style>")
		d.Chart = head + tail
	}
	return d
}

// reasonsFor are the indexes of those reasons that are about the Dockerfile, or
// about a file beside it.
func reasonsFor(all []report.Outcome, beside bool) []int {
	out := []int{}
	for i, o := range all {
		if (o.File != "") == beside {
			out = append(out, i)
		}
	}
	return out
}
