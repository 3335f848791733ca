package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"drydock/tools/corpus/judge"
)

// Fixer is what the judge tries: one whole `drydock fix` of one Dockerfile, in process.
//
// path is the file's path on disk and src its bytes; nothing may be written.
// ctxDir is the build context to read facts from, or "" where none is known: then
// facts about the context are unknown, which is not the same as an empty context.
// An error says that drydock could not handle the file at all.
//
// It must be safe for concurrent use and should heed ctx.
type Fixer func(ctx context.Context, path string, src []byte, ctxDir string, m mode) (answer, error)

// answer is what a Fixer made of a file; the zero value is "nothing to do".
type answer struct {
	// after maps paths to their new bytes: the Dockerfile under "" or under path,
	// other files (a .dockerignore) under their own paths. What isn't in it is unchanged.
	after    map[string][]byte
	declared judge.Declared // the union over the applied changes
	drops    []string       // "transform: reason" for every change that a gate dropped
	declined []decline
}

// decline is a case that a transform saw and left alone, and why.
type decline struct {
	transform string
	line      int // in the file afterwards; 0 for the whole file
	reason    string
}

// fixTimeout bounds one call of a Fixer.
const fixTimeout = 30 * time.Second

// fixed is one answer of a Fixer.
type fixed struct {
	src      []byte            // the Dockerfile afterwards
	others   map[string][]byte // the other files
	declared judge.Declared
	drops    []string
	declined []decline
	err      error
	panicked string // also: hung
}

// call runs the fixer so that neither a panic nor an endless loop ends the batch.
func call(ctx context.Context, fix Fixer, path string, src []byte, ctxDir string, m mode) fixed {
	ctx, cancel := context.WithTimeout(ctx, fixTimeout)
	defer cancel()
	done := make(chan fixed, 1)
	given := bytes.Clone(src)
	go func() {
		var f fixed
		defer func() {
			if r := recover(); r != nil {
				f.panicked = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
			}
			done <- f
		}()
		var a answer
		a, f.err = fix(ctx, path, given, ctxDir, m)
		f.declared, f.drops, f.declined = a.declared, a.drops, a.declined
		f.src, f.others = src, map[string][]byte{}
		for k, v := range a.after {
			if k == "" || k == path {
				f.src = v
			} else {
				f.others[k] = v
			}
		}
	}()
	select {
	case f := <-done:
		return f
	case <-time.After(fixTimeout + time.Second):
		return fixed{panicked: fmt.Sprintf("hung for %s", fixTimeout), src: src}
	}
}
