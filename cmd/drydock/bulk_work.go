package main

// What bulk does with the Dockerfiles of one repository: what diff does, with what
// commits and charts need beside it.

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"drydock/bulk/result"
	"drydock/images"
	"drydock/report"
	"drydock/rewrite"
)

// bulkWork is bulk.Work for these settings. The source of images is shared: it keeps
// what it was told about each image.
type bulkWork struct {
	settings
	images *images.LiveSource
	replay bool
	prove  chan *proving // nil without --verify; else as many as builds may run
}

// do looks at the Dockerfiles below dir.
func (w *bulkWork) do(ctx context.Context, dir string) ([]*report.File, []result.Facts, error) {
	set := w.settings
	set.paths, set.quiet = []string{"."}, true
	kept := &collected{facts: map[*report.File]result.Facts{}}
	j := job{settings: set, streams: streams{out: io.Discard, err: io.Discard}, folder: dir, images: w.images, render: kept, seen: kept.seen}
	if w.replay {
		j.quote = newQuoting()
	}
	if w.prove != nil {
		select {
		case j.prove = <-w.prove:
			defer func() { w.prove <- j.prove }()
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	} else {
		j.offer = true
	}
	_, err := j.run(ctx)
	if err == nil && j.misconfigured != nil {
		return nil, nil, j.misconfigured
	}
	facts := make([]result.Facts, len(kept.files))
	for i, f := range kept.files {
		facts[i] = kept.facts[f]
	}
	return kept.files, facts, err
}

// collected keeps the files of one repository.
type collected struct {
	files []*report.File
	mu    sync.Mutex
	facts map[*report.File]result.Facts
}

func (c *collected) File(f *report.File) error { c.files = append(c.files, f); return nil }
func (c *collected) Close(report.Total) error  { return nil }

// seen works out the facts of a file while its texts are at hand.
func (c *collected) seen(f *report.File, res *rewrite.Result) {
	facts := result.Facts{Before: shapeOf(f.Path, res.Before)}
	facts.After = facts.Before
	if res.After != res.Before {
		facts.After = shapeOf(f.Path, res.After)
	}
	if p := f.Proof; p != nil {
		facts.Before.Size, facts.Before.Layers, facts.Before.Measured = p.Before.Compressed, p.Before.Layers, true
		facts.After.Size, facts.After.Layers, facts.After.Measured = p.After.Compressed, p.After.Layers, true
	}
	c.mu.Lock()
	c.facts[f] = facts
	c.mu.Unlock()
}

// shapeOf describes what a Dockerfile makes; the zero Shape when it can't be read.
func shapeOf(path, text string) (out result.Shape) {
	doc, err := rewrite.Parse(path, text, images.Catalogue())
	if err != nil {
		return out
	}
	out.Bases = []string{}
	for _, s := range doc.Stages {
		out.Stages++
		if name := s.BaseName(); s.Parent() == nil && name != "" && !slices.Contains(out.Bases, name) {
			out.Bases = append(out.Bases, name)
		}
	}
	final := doc.Final()
	if final == nil {
		return out
	}
	out.User = final.Config().Field(rewrite.FieldUser)
	root := final
	for s := final; s != nil; s = s.Parent() {
		root = s
		for _, in := range s.Instructions {
			if slices.Contains([]string{"run", "copy", "add"}, in.Keyword) {
				out.Layers++
			}
		}
	}
	out.Final = root.BaseName()
	if img, ok := root.Image(); ok {
		out.Size = img.Size
	}
	return out
}

// proving finds the builders of --verify; done closes them.
func (w *bulkWork) proving(c *cli.Context, s streams) (done func(), err error) {
	names := values(c, "builders")
	if !c.Bool("verify") {
		if len(names) > 0 {
			return nil, usagef("--builders is for --verify")
		}
		_, err := fixProving(c, s, w.settings) // flags that are for --verify
		return func() {}, err
	}
	if len(names) == 0 {
		names = []string{c.String("builder")}
	}
	var all []*proving
	done = func() {
		for _, p := range all {
			p.close()
		}
	}
	w.prove = make(chan *proving, len(names))
	for _, name := range names {
		if err := c.Set("builder", name); err != nil {
			return nil, err
		}
		p, err := readProving(c, s, true)
		if err != nil {
			done()
			return nil, err
		}
		all = append(all, p)
		w.prove <- p
	}
	return done, nil
}
