//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"drydock/rewrite"
	"drydock/tools/corpus/differential/sandbox"
	"drydock/tools/corpus/walk"
)

// checkAll checks every Dockerfile below a folder.
func checkAll(ctx context.Context, s settings, stderr io.Writer) (*report, error) {
	o, err := options(s.policy)
	if err != nil {
		return nil, err
	}
	paths, err := walk.Dockerfiles(s.dir)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no Dockerfile below %s", s.dir)
	}
	if s.limit > 0 && s.limit < len(paths) {
		step := len(paths) / s.limit
		for i := range s.limit {
			paths[i] = paths[i*step]
		}
		paths = paths[:s.limit]
	}
	tmp, err := os.MkdirTemp("", "drydock-differential")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	tools, err := sandbox.Build(ctx, tmp)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rep := newReport(s.dir)
	in, out := make(chan string), make(chan fileResult)
	var wg sync.WaitGroup
	for range s.workers {
		wg.Go(func() {
			if err := work(ctx, tools, o, in, out); err != nil {
				cancel(err)
			}
		})
	}
	go func() {
		defer close(in)
		for _, p := range paths {
			select {
			case in <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(out) }()
	for f := range out {
		rep.add(f)
		if s.verbose {
			f.print(stderr)
		}
		if rep.files%1000 == 0 {
			fmt.Fprintf(stderr, "%d of %d files, %d groups\n", rep.files, len(paths), rep.groups)
		}
	}
	rep.interrupted = ctx.Err() != nil
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return rep, nil
}

// work checks files in a sandbox of its own.
func work(ctx context.Context, tools *sandbox.Tools, o rewrite.Options, in <-chan string, out chan<- fileResult) error {
	box, err := sandbox.Start(ctx, tools)
	if err != nil {
		return err
	}
	defer box.Close()
	c := &checker{box: box}
	for p := range in {
		f, err := c.file(ctx, p, o)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		out <- f
	}
	return nil
}

// fileResult is all about one file.
type fileResult struct {
	path    string
	skipped string // why merge-run can't read it
	broken  string // what merge-run did that isn't joining RUNs
	groups  []groupResult
	runs    int
}

type groupResult struct {
	group    group
	skipped  string // why no shell ran it
	verdicts []verdict
}

func (c *checker) file(ctx context.Context, path string, o rewrite.Options) (fileResult, error) {
	f := fileResult{path: path}
	src, err := os.ReadFile(path)
	if err != nil {
		f.skipped = err.Error()
		return f, nil
	}
	after, err := merge(ctx, path, string(src), o)
	if err != nil {
		f.skipped = err.Error()
		return f, ctx.Err()
	}
	if after == string(src) {
		return f, nil
	}
	return f, c.text(ctx, &f, string(src), after)
}

// text checks one text against another of the same file.
func (c *checker) text(ctx context.Context, f *fileResult, before, after string) error {
	list, err := groups(f.path, before, after)
	if err != nil {
		f.broken = err.Error()
		return nil
	}
	started := c.runs
	defer func() { f.runs = c.runs - started }()
	for _, g := range list {
		r := groupResult{group: g}
		ways, why := shells(g.shell())
		r.skipped = why
		for _, sh := range ways {
			v, err := c.group(ctx, g, sh)
			if err != nil {
				return err
			}
			r.verdicts = append(r.verdicts, v)
		}
		f.groups = append(f.groups, r)
	}
	return nil
}
