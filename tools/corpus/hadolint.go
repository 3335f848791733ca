package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// This file compares what hadolint says of every Dockerfile before a fix and after
// it, in each mode. Texts are written into a temporary tree, each distinct one
// once, and hadolint runs over its folders: it can't be asked in process.

// lintBatch is how many files one hadolint gets; its start costs as much as one.
const lintBatch = 40

// texts is the tree of distinct texts that hadolint reads.
type texts struct {
	dir     string
	numbers map[[sha256.Size]byte]int
	found   []lintFlags // by text
}

// lintFlags are what hadolint says of one text, by rule.
type lintFlags map[string]lintFlag

// lintFlag is one rule's first finding in a text.
type lintFlag struct {
	line    int
	message string
	times   int
}

// add gives a text's number and writes it when it is new.
func (t *texts) add(src []byte) (int, error) {
	key := sha256.Sum256(src)
	if n, ok := t.numbers[key]; ok {
		return n, nil
	}
	n := len(t.numbers)
	t.numbers[key] = n
	if err := os.MkdirAll(t.folder(n), 0o755); err != nil {
		return 0, err
	}
	return n, os.WriteFile(t.path(n), src, 0o644)
}

func (t *texts) folder(n int) string { return filepath.Join(t.dir, fmt.Sprint(n/lintBatch)) }
func (t *texts) path(n int) string   { return filepath.Join(t.folder(n), fmt.Sprint(n)) }

// linted is one Dockerfile: the numbers of its texts.
type linted struct {
	path     string
	err      error // not read, or not by BuildKit
	before   int
	after    []int // by mode
	failed   bool  // a fix gave an error or a panic: taken as no change
	declined [][]decline
}

// lintFile is a Dockerfile with its texts.
type lintFile struct {
	linted
	texts [][]byte // before, then by mode
}

// fixed runs every mode on one file.
func (c *checker) fixed(ctx context.Context, path string) lintFile {
	f := lintFile{linted: linted{path: path}}
	src, err := os.ReadFile(path)
	if err != nil {
		f.err = err
		return f
	}
	stages, err := parse(src)
	if err != nil {
		f.err = err
		return f
	}
	ctxDir := ""
	if c.useContext {
		ctxDir = contextOf(c.root, path, stages)
	}
	f.texts = append(f.texts, src)
	for _, m := range modes {
		r := call(ctx, c.fix, path, src, ctxDir, m)
		if r.err != nil || r.panicked != "" {
			f.failed, r.src = true, src
		}
		f.texts = append(f.texts, r.src)
		f.declined = append(f.declined, r.declined)
	}
	return f
}

// compareHadolint makes the table. Progress goes to stderr.
func compareHadolint(ctx context.Context, o options, fix Fixer, run lint, stderr io.Writer) (*lintTable, error) {
	paths, err := o.dockerfiles()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "drydock-hadolint-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c := &checker{root: o.dir, fix: fix, useContext: o.useContext == "auto"}
	tree := &texts{dir: dir, numbers: map[[sha256.Size]byte]int{}}
	var files []linted
	var writeErr error
	err = parallel(ctx, o.workers, paths, func(p string) lintFile { return c.fixed(ctx, p) }, func(f lintFile) {
		for i, src := range f.texts {
			n, err := tree.add(src)
			switch {
			case err != nil:
				writeErr = err
			case i == 0:
				f.before = n
			default:
				f.after = append(f.after, n)
			}
		}
		if files = append(files, f.linted); len(files)%1000 == 0 {
			fmt.Fprintf(stderr, "%d of %d fixed\n", len(files), len(paths))
		}
	})
	if err == nil {
		err = writeErr
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b linted) int { return strings.Compare(a.path, b.path) })
	t := newLintTable(o, len(tree.numbers))
	if err := tree.lint(ctx, o.workers, run, t, stderr); err != nil {
		return nil, err
	}
	t.count(files, tree)
	return t, nil
}

// lint fills in what hadolint finds in every text.
func (t *texts) lint(ctx context.Context, workers int, run lint, table *lintTable, stderr io.Writer) error {
	t.found = make([]lintFlags, len(t.numbers))
	var batches [][]int
	for n := range t.found {
		if n%lintBatch == 0 {
			batches = append(batches, nil)
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], n)
	}
	do := func(batch []int) []finding {
		var names []string
		for _, n := range batch {
			names = append(names, fmt.Sprint(n))
		}
		return lintAll(ctx, run, t.folder(batch[0]), names)
	}
	done := 0
	return parallel(ctx, workers, batches, do, func(found []finding) {
		for _, f := range found {
			var n int
			if _, err := fmt.Sscan(f.File, &n); err != nil || n < 0 || n >= len(t.found) {
				continue
			}
			if t.found[n] == nil {
				t.found[n] = lintFlags{}
			}
			is := t.found[n][f.Code]
			if is.times++; is.times == 1 || f.Line < is.line {
				is.line, is.message = f.Line, f.Message
			}
			t.found[n][f.Code] = is
			table.saw(f)
		}
		if done++; done%25 == 0 {
			fmt.Fprintf(stderr, "%d of %d texts read by hadolint\n", min(done*lintBatch, len(t.found)), len(t.found))
		}
	})
}

// instruction is the source of the instruction at a line.
func (t *texts) instruction(n, line int) string {
	src, err := os.ReadFile(t.path(n))
	if err != nil {
		return ""
	}
	lines := strings.Split(string(src), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	first, last := line, line
	if res, err := parser.Parse(bytes.NewReader(src)); err == nil {
		for _, node := range res.AST.Children {
			if node.StartLine <= line && line <= node.EndLine {
				first, last = node.StartLine, node.EndLine
			}
		}
	}
	return clip(strings.Join(lines[first-1:min(last, len(lines))], "\n"), 1000)
}
