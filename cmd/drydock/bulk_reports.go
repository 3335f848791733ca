package main

// The reports of bulk, made of a journal, or of the journals of its shards.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/bulk/journal"
	"drydock/bulk/render"
	"drydock/bulk/result"
	"drydock/report"
	"drydock/said"
)

// reportFlags are the reports that are written into files.
func reportFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "csv", Usage: "write a table, a row for each Dockerfile, into `FILE`"},
		&cli.StringFlag{Name: "jsonl", Usage: "write every result as a line of JSON into `FILE`"},
		&cli.StringFlag{Name: "sarif", Usage: "write SARIF 2.1.0 into `FILE`"},
		&cli.StringFlag{Name: "html", Usage: "write one page to search, sort and filter into `FILE`"},
	}
}

// reports are the files that were asked for. That they can be written is tried before the run, so
// that a mistake in a name is told before an hour of work.
type reports struct {
	out   io.Writer // of the summary
	style report.Style
	files []*reportFile
}

type reportFile struct {
	name   string
	direct *os.File // a pipe, a terminal, standard output; else it waits beside its place
	render func(io.Writer, render.Results, *journal.Merged) error
}

// renderers are the forms by the flag that asks for them.
var renderers = map[string]func(io.Writer, render.Results, *journal.Merged) error{
	"csv":   func(w io.Writer, r render.Results, _ *journal.Merged) error { return render.CSV(w, r) },
	"jsonl": func(w io.Writer, r render.Results, _ *journal.Merged) error { return render.JSONL(w, r) },
	"sarif": func(w io.Writer, r render.Results, _ *journal.Merged) error { return render.SARIF(w, r, version()) },
	"html": func(w io.Writer, r render.Results, m *journal.Merged) error {
		return render.HTML(w, r, render.Page{Version: version(), Created: m.Header.Start})
	},
}

func readReports(c *cli.Context, s streams, set settings) (*reports, error) {
	r := &reports{out: s.out, style: set.style(s.out)}
	if set.quiet {
		r.out = io.Discard
	}
	for _, f := range reportFlags() {
		kind := f.Names()[0]
		if !c.IsSet(kind) {
			continue
		}
		if err := r.begin(kind, c.String(kind)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// apart makes sure that no report is written over another one or over a journal.
func apart(c *cli.Context, journals ...string) error {
	type named struct{ what, path string }
	var all []named
	for _, path := range journals {
		all = append(all, named{"the journal", place(path)})
	}
	for _, f := range reportFlags() {
		kind := f.Names()[0]
		if !c.IsSet(kind) || c.String(kind) == "" {
			continue
		}
		path := c.String(kind)
		if path != "-" {
			path = place(path)
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			continue // /dev/null takes all
		}
		for _, other := range all {
			if other.path == path {
				return usagef("--%s and %s are the same file: give another one", kind, other.what)
			}
		}
		all = append(all, named{"--" + kind, path})
	}
	return nil
}

// place is where a file is, or will be: absolute, links followed.
func place(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(dir, filepath.Base(abs))
	}
	return abs
}

func (r *reports) begin(kind, name string) error {
	if name == "" {
		return usagef("--%s needs a file", kind)
	}
	if name == "-" {
		r.files = append(r.files, &reportFile{name: name, direct: os.Stdout, render: renderers[kind]})
		r.out = io.Discard
		return nil
	}
	f, err := newReportFile(name)
	if err != nil {
		return fmt.Errorf("--%s: %w", kind, explainIO(name, err))
	}
	f.render = renderers[kind]
	r.files = append(r.files, f)
	return nil
}

// newReportFile tries that a file can be written. Nothing is left of the trial: a run may
// take hours, and be killed.
func newReportFile(name string) (*reportFile, error) {
	f := &reportFile{name: name}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		f.name = real
	}
	info, err := os.Stat(f.name)
	switch {
	case err == nil && info.IsDir():
		return nil, &report.Error{Path: name, Message: "a folder", Hint: "name a file"}
	case err == nil && !info.Mode().IsRegular(): // a pipe, a terminal
		f.direct, err = os.OpenFile(f.name, os.O_WRONLY, 0)
		return f, err
	}
	w, err := newWaiting(f.name)
	w.drop()
	return f, err
}

// write makes all reports of these journals and prints the summary.
func (r *reports) write(journals ...string) error {
	m, err := journal.Merge(journals)
	if err != nil {
		return err
	}
	defer m.Close()
	_, err = r.of(m)
	return err
}

// of tells too whether a repository failed, which the summary's way through the results shows.
func (r *reports) of(m *journal.Merged) (failed bool, err error) {
	for _, f := range r.files {
		if err := f.write(m); err != nil {
			return false, fmt.Errorf("%s: cannot be written: %w", f.name, err)
		}
	}
	err = render.Text(r.out, func(yield func(*result.Result, error) bool) {
		for res, err := range m.Results() {
			failed = failed || err == nil && res.Status == result.Failed
			if !yield(res, err) {
				return
			}
		}
	}, r.style)
	return failed, err
}

func (f *reportFile) write(m *journal.Merged) error {
	return f.whole(func(file io.Writer) error {
		w := bufio.NewWriterSize(file, 1<<16)
		return errors.Join(f.render(w, m.Results(), m), w.Flush())
	})
}

// put writes the whole text.
func (f *reportFile) put(text []byte) error {
	return f.whole(func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// whole has the file written, whole or not at all.
func (f *reportFile) whole(write func(io.Writer) error) error {
	if f.direct != nil {
		return write(f.direct)
	}
	w, err := newWaiting(f.name)
	if err != nil {
		return err
	}
	defer w.drop()
	if err := write(w); err != nil {
		return err
	}
	return w.settle()
}

// runBulkMerge makes the reports of a run from the journals of its shards.
func runBulkMerge(c *cli.Context, s streams) error {
	paths := c.Args().Slice()[1:]
	if len(paths) == 0 {
		return usagef("bulk merge needs journals")
	}
	for _, f := range slices.Concat(bulkFlags(), proofFlags()) {
		if name := f.Names()[0]; c.IsSet(name) {
			return usagef("--%s is about a run: bulk merge only makes reports of those that were", name)
		}
	}
	if err := apart(c, paths...); err != nil {
		return err
	}
	if err := knownColor(c.String("color")); err != nil {
		return err
	}
	r, err := readReports(c, s, settings{color: c.String("color"), quiet: c.Bool("quiet")})
	if err != nil {
		return err
	}
	m, err := journal.Merge(paths)
	if err != nil {
		return err
	}
	defer m.Close()
	complete := true
	tell := func(format string, args ...any) {
		complete = false
		fmt.Fprintf(s.err, "drydock: "+format+"\n", args...)
	}
	if len(m.Missing) > 0 {
		tell("there is no journal of shard %s", strings.Trim(strings.ReplaceAll(fmt.Sprint(m.Missing), " ", ", "), "[]"))
	}
	for _, name := range m.Running {
		tell("%s: its run did not come to its end: run its command again", said.Printable(name))
	}
	failed, err := r.of(m)
	if err == nil && (failed || !complete) {
		err = errFailed
	}
	return err
}
