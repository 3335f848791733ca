// Package page makes web pages that stand for themselves: one file that holds its
// data and asks nobody for anything. A page is a Design's markup, style and program
// on top of the kit that all pages share, and data that its program unpacks.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"drydock/said"
)

//go:embed kit
var kit embed.FS

const (
	kitFrame = "kit/frame.html"
	kitStyle = "kit/base.css"
)

// kitScripts are the parts of the program that all pages share.
var kitScripts = []string{"kit/basics.js", "kit/data.js", "kit/diff.js", "kit/theme.js"}

const (
	blockBytes = 512 << 10 // of JSON in a block, about; a block is unpacked when something of it is looked at
	blockRows  = 2000      // rows in a block
)

// Design is what makes a page besides the kit: names of files in Sources.
type Design struct {
	Sources fs.FS
	Body    string   // markup; {{title}} stands for the title
	Style   string   // on top of the kit's
	Scripts []string // behind the kit's; together they are one function in strict mode
}

// Writer writes one page as its data come. The page grows with them, the memory
// to write it doesn't.
type Writer struct {
	w             io.Writer
	tail          string
	rows, details []json.RawMessage
	size          int // of details
	number        int // number of the detail block that is being filled
	zip           *gzip.Writer
}

// Begin writes the page's head. The title may be anybody's text.
func (d Design) Begin(w io.Writer, title string) (*Writer, error) {
	frame, err := fs.ReadFile(kit, kitFrame)
	if err != nil {
		return nil, err
	}
	body, err := fs.ReadFile(d.Sources, d.Body)
	if err != nil {
		return nil, err
	}
	style, script, err := d.parts()
	if err != nil {
		return nil, err
	}
	head, tail, found := strings.Cut(strings.Replace(string(frame), "{{body}}", string(body), 1), "{{data}}")
	if !found {
		return nil, fmt.Errorf("%s has no place for data", kitFrame)
	}
	// The hashes let this style and this program in, and no other (CSP level 2).
	policy := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", Hash(script), Hash(style))
	fill := strings.NewReplacer("{{policy}}", policy, "{{title}}", html.EscapeString(said.Printable(title)), "{{style}}", style)
	if _, err := fill.WriteString(w, head); err != nil {
		return nil, err
	}
	return &Writer{w: w, tail: strings.Replace(tail, "{{script}}", script, 1)}, nil
}

// parts are the style and the program.
func (d Design) parts() (style, script string, err error) {
	read := func(from fs.FS, name string) string {
		b, e := fs.ReadFile(from, name)
		if e != nil && err == nil {
			err = e
		}
		return string(b)
	}
	style = read(kit, kitStyle) + read(d.Sources, d.Style)
	var js strings.Builder
	js.WriteString("\"use strict\";\n(() => {\n")
	for _, name := range kitScripts {
		js.WriteString(read(kit, name))
	}
	for _, name := range d.Scripts {
		js.WriteString(read(d.Sources, name))
	}
	js.WriteString("})();\n")
	return style, js.String(), err
}

// Hash is how a content security policy names an element by its text.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Place is where the next Add puts its detail: the number of its block, and its place
// in it. A row holds both, as b and i.
func (p *Writer) Place() (block, place int) { return p.number, len(p.details) }

// Add takes JSON: a row, which the page reads at its start, and the detail behind it,
// which it reads when somebody looks.
func (p *Writer) Add(row, detail []byte) error {
	p.rows = append(p.rows, slices.Clone(row))
	p.details = append(p.details, slices.Clone(detail))
	if p.size += len(detail); p.size >= blockBytes {
		if err := p.flushDetails(); err != nil {
			return err
		}
	}
	if len(p.rows) >= blockRows {
		return p.flushRows()
	}
	return nil
}

// Plain writes markup for a browser without JavaScript. The caller escapes what is
// a stranger's.
func (p *Writer) Plain(markup string) error {
	_, err := io.WriteString(p.w, "<noscript>"+markup+"</noscript>\n")
	return err
}

// End writes what is left, the page's own facts (a JSON object), and the program.
func (p *Writer) End(meta []byte) error {
	if err := p.flushDetails(); err != nil {
		return err
	}
	if err := p.flushRows(); err != nil {
		return err
	}
	if err := p.block("meta", meta); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, p.tail)
	return err
}

func (p *Writer) flushDetails() error {
	if len(p.details) == 0 {
		return nil
	}
	err := p.block("details", join(p.details))
	clear(p.details)
	p.details, p.size = p.details[:0], 0
	p.number++
	return err
}

func (p *Writer) flushRows() error {
	if len(p.rows) == 0 {
		return nil
	}
	err := p.block("rows", join(p.rows))
	clear(p.rows)
	p.rows = p.rows[:0]
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
func (p *Writer) block(kind string, text []byte) error {
	if _, err := fmt.Fprintf(p.w, "<script type=\"application/x-drydock\" data-kind=\"%s\">", kind); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, p.w)
	if p.zip == nil {
		p.zip = gzip.NewWriter(enc)
	}
	p.zip.Reset(enc)
	if _, err := p.zip.Write(text); err != nil {
		return err
	}
	if err := p.zip.Close(); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, "</script>\n")
	return err
}
