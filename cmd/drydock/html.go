package main

// --html: the page to review a run by, beside what is printed.

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"drydock/report"
	"drydock/report/reviewpage"
)

func htmlFlag() cli.Flag {
	return &cli.StringFlag{Name: "html", Usage: "also write one page to review it by to `FILE` (- for standard output, in place of the text); see docs/page.md"}
}

// htmlPage is the page while a run writes it. The nil page, of a run without --html, does
// nothing.
type htmlPage struct {
	name   string
	file   *waiting // nil for standard output
	buffer *bufio.Writer
	render *reviewpage.Page
}

// readHTML begins the page. A mistake in the name is told before the work.
func readHTML(c *cli.Context, s streams, set settings) (*htmlPage, error) {
	if !c.IsSet("html") {
		return nil, nil
	}
	name := c.String("html")
	p := &htmlPage{name: name}
	var w io.Writer = s.out
	switch {
	case name == "":
		return nil, usagef("--html needs a file, or - for standard output")
	case name == "-" && set.forms.program():
		return nil, usagef("--html - and --format %s both go to standard output: give the page a file", set.forms.stdout)
	case name == "-" && set.stdin() && c.Command.Name == "fix":
		return nil, usagef("the rewritten Dockerfile goes to standard output: give --html a file")
	case name != "-" && slices.ContainsFunc(set.forms.files, func(f *formFile) bool { return place(f.to.name) == place(name) }):
		return nil, usagef("--html %s: another form goes there: give the page a file of its own", name)
	case name != "-" && isDockerfile(filepath.Base(name)):
		return nil, usagef("--html %s: that is a Dockerfile's name: give the page one of its own, such as review.html", name)
	case name != "-":
		if err := p.create(); err != nil {
			return nil, fmt.Errorf("--html: %w", err)
		}
		w = p.file
	}
	day, err := today()
	if err != nil {
		return nil, err
	}
	created := time.Now()
	if os.Getenv("SOURCE_DATE_EPOCH") != "" {
		if created, err = time.Parse(time.DateOnly, day); err != nil {
			return nil, err
		}
	}
	p.buffer = bufio.NewWriterSize(w, 1<<16)
	p.render = &reviewpage.Page{W: p.buffer, Version: version(), Created: created, Verb: c.Command.Name}
	return p, nil
}

// create makes the file that waits. What isn't a page isn't written over: in
// `drydock diff --html Dockerfile` the name is lacking.
func (p *htmlPage) create() error {
	shown := p.name
	if real, err := filepath.EvalSymlinks(p.name); err == nil {
		p.name = real
	}
	if info, err := os.Stat(p.name); err == nil {
		if !info.Mode().IsRegular() {
			what := "not a regular file"
			if info.IsDir() {
				what = "a folder"
			}
			return &report.Error{Path: shown, Message: what, Hint: "give the page a file's name, such as review.html"}
		}
		if old, err := startOf(p.name); err != nil {
			return explainIO(shown, err)
		} else if len(old) > 0 && !bytes.HasPrefix(bytes.ToLower(old), []byte("<!doctype html")) {
			return &report.Error{Path: shown, Message: "there is another file, which isn't a page", Hint: "give --html a name of its own, such as review.html"}
		}
	}
	var err error
	if p.file, err = newWaiting(p.name); err != nil {
		return explainIO(shown, err)
	}
	return nil
}

// startOf is how a file begins.
func startOf(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 32)
	n, err := f.Read(b)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// text is where the text goes that out is for: nowhere when the page takes its place.
func (p *htmlPage) text(out io.Writer) io.Writer {
	if p != nil && p.file == nil {
		return io.Discard
	}
	return out
}

// beside renders the page too.
func (p *htmlPage) beside(r report.Renderer) report.Renderer {
	if p == nil {
		return r
	}
	return &besidePage{r, p}
}

// besidePage hands a file to the page first: another renderer may let go of it.
type besidePage struct {
	report.Renderer
	page *htmlPage
}

func (b *besidePage) File(f *report.File) error {
	return errors.Join(b.page.explain(b.page.render.File(f)), b.Renderer.File(f))
}

func (b *besidePage) Close(t report.Total) error {
	return errors.Join(b.page.explain(b.page.render.Close(t)), b.Renderer.Close(t))
}

// Fail hands on what the form beside the page has to tell.
func (b *besidePage) Fail(why error) error { return failed(b.Renderer, why) }

func (p *htmlPage) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--html %s: cannot be written: %w", p.name, err)
}

// finish puts the page in its place when the run came to its end; err is the run's own.
func (p *htmlPage) finish(err error) error {
	if p == nil {
		return err
	}
	defer p.drop()
	if err != nil {
		return err
	}
	if err := p.buffer.Flush(); err != nil {
		return p.explain(err)
	}
	return p.explain(p.file.settle())
}

// drop takes away what wasn't put in its place.
func (p *htmlPage) drop() {
	if p != nil {
		p.file.drop()
	}
}
