package render

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"drydock/bulk/result"
	"drydock/report"
	"drydock/rewrite"
)

//go:embed page
var page embed.FS

// scripts are the parts of the page's program; together they are one function.
var scripts = []string{"basics.js", "data.js", "diff.js", "filters.js", "charts.js", "table.js", "panel.js", "main.js"}

const (
	blockBytes = 512 << 10 // of JSON in a block, about; a block is unpacked when a repository of it is opened
	blockRows  = 2000      // rows of the table in a block
)

// Page is what the page says of the run.
type Page struct {
	Title   string // "" for the usual one
	Version string // of drydock
	Created time.Time
}

// HTML writes one page that stands for itself: no request leaves it. Its data lie
// in it compressed, what the table shows apart from what is read when a
// repository is opened. The page grows with the run, the memory to write it
// doesn't.
func HTML(w io.Writer, results Results, p Page) error {
	if p.Title == "" {
		p.Title = "Dockerfiles, before and after"
	}
	markup, style, script, err := sources()
	if err != nil {
		return err
	}
	head, tail, found := strings.Cut(markup, "{{data}}")
	if !found {
		return fmt.Errorf("page.html has no place for data")
	}
	title := html.EscapeString(plain(p.Title))
	// The hashes let this style and this program in, and no other (CSP level 2).
	policy := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(script), hash(style))
	fill := strings.NewReplacer("{{policy}}", policy, "{{title}}", title, "{{style}}", style)
	if _, err := fill.WriteString(w, head); err != nil {
		return err
	}
	d := blocks{w: w}
	for r, err := range results {
		if err != nil {
			return err
		}
		if err := d.add(r); err != nil {
			return err
		}
	}
	if err := d.flush(); err != nil {
		return err
	}
	meta, err := report.Encode(map[string]any{
		"title": plain(p.Title), "version": p.Version, "created": p.Created.UTC().Format(time.RFC3339), "rows": d.total,
		"tags": TagKinds, "users": UserKinds,
	})
	if err != nil {
		return err
	}
	if err := d.block("meta", meta); err != nil {
		return err
	}
	_, err = strings.NewReplacer("{{script}}", script).WriteString(w, tail)
	return err
}

// sources are the page's parts.
func sources() (markup, style, script string, err error) {
	read := func(name string) string {
		b, e := page.ReadFile("page/" + name)
		if e != nil && err == nil {
			err = e
		}
		return string(b)
	}
	markup, style = read("page.html"), read("page.css")
	var js strings.Builder
	js.WriteString("\"use strict\";\n(() => {\n")
	for _, name := range scripts {
		js.WriteString(read(name))
	}
	js.WriteString("})();\n")
	return markup, style, js.String(), err
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// blocks writes the data: rows of the table, and details. Each detail block is an
// array of results; a row tells which block and place is its own.
type blocks struct {
	w             io.Writer
	rows, details []json.RawMessage
	size          int // of details
	number        int // number of the detail block that is being filled
	total         int
	zip           *gzip.Writer
}

func (d *blocks) add(r *result.Result) error {
	text, err := report.Encode(complete(r))
	if err != nil {
		return err
	}
	row := rowOf(r)
	row.Block, row.Place = d.number, len(d.details)
	line, err := report.Encode(row)
	if err != nil {
		return err
	}
	d.total++
	d.rows = append(d.rows, line)
	d.details = append(d.details, text)
	if d.size += len(text); d.size >= blockBytes {
		if err := d.flushDetails(); err != nil {
			return err
		}
	}
	if len(d.rows) >= blockRows {
		return d.flushRows()
	}
	return nil
}

func (d *blocks) flush() error {
	if err := d.flushDetails(); err != nil {
		return err
	}
	return d.flushRows()
}

func (d *blocks) flushDetails() error {
	if len(d.details) == 0 {
		return nil
	}
	err := d.block("details", join(d.details))
	clear(d.details)
	d.details, d.size = d.details[:0], 0
	d.number++
	return err
}

func (d *blocks) flushRows() error {
	if len(d.rows) == 0 {
		return nil
	}
	err := d.block("rows", join(d.rows))
	clear(d.rows)
	d.rows = d.rows[:0]
	return err
}

func join(parts []json.RawMessage) []byte {
	b := []byte{'['}
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, bytes.TrimSuffix(p, []byte("\n"))...)
	}
	return append(b, ']')
}

// block writes JSON as gzip as base64 in an element that no browser runs. Nothing
// in it can end the element.
func (d *blocks) block(kind string, text []byte) error {
	if _, err := fmt.Fprintf(d.w, "<script type=\"application/x-drydock\" data-kind=\"%s\">", kind); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, d.w)
	if d.zip == nil {
		d.zip = gzip.NewWriter(enc)
	}
	d.zip.Reset(enc)
	if _, err := d.zip.Write(text); err != nil {
		return err
	}
	if err := d.zip.Close(); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(d.w, "</script>\n")
	return err
}

// row is what the table, the filters and the charts need of a repository. Names are
// short, for there are many.
type row struct {
	Name     string         `json:"n"`
	Status   result.Status  `json:"s"`
	Reason   string         `json:"r,omitempty"`
	Language string         `json:"l,omitempty"`
	Pull     string         `json:"p,omitempty"` // what was done
	Files    int            `json:"f"`
	Changed  int            `json:"c"`
	Offered  int            `json:"o,omitempty"`
	Failed   int            `json:"e,omitempty"`
	Applied  map[string]int `json:"t,omitempty"`
	Found    map[string]int `json:"k,omitempty"`
	Shapes   []rowShape     `json:"d,omitempty"`
	Block    int            `json:"b"`
	Place    int            `json:"i"`
}

// rowShape is a Dockerfile: references before and after, kinds of tags and users
// as numbers of TagKinds and UserKinds, sizes in bytes.
type rowShape struct {
	Base     [2]string `json:"b"` // names without tags
	Tag      [2]int    `json:"t"`
	User     [2]int    `json:"u"`
	Size     [2]int64  `json:"z"`
	Measured bool      `json:"m,omitempty"`
}

func rowOf(r *result.Result) row {
	out := row{Name: r.Name, Status: r.Status, Reason: reason(r), Language: r.Language, Files: len(r.Files), Applied: map[string]int{}, Found: map[string]int{}}
	if r.Pull != nil {
		out.Pull = r.Pull.Did
	}
	for i, f := range r.Files {
		if f.Error != nil {
			out.Failed++
			continue
		}
		if f.Changed {
			out.Changed++
		}
		out.Offered += len(f.With(rewrite.Offered))
		for name, n := range appliedIn(f) {
			out.Applied[name] += n
		}
		for name, n := range foundIn(f) {
			out.Found[name] += n
		}
		x := facts(r, i)
		if x.Before.Stages == 0 {
			continue
		}
		s := rowShape{}
		for k, shape := range []result.Shape{x.Before, x.After} {
			s.Base[k] = baseName(shape.Final)
			s.Tag[k] = slices.Index(TagKinds, tagKind(shape.Final))
			s.User[k] = slices.Index(UserKinds, userKind(shape.User, shape.Final))
		}
		if _, known := saving(x); known {
			s.Size, s.Measured = [2]int64{x.Before.Size, x.After.Size}, x.Before.Measured
		}
		out.Shapes = append(out.Shapes, s)
	}
	return out
}
