// Package history reads what git knows of a build context: the files of an old
// commit and what each later commit changed, as modes and blob ids. It runs the
// git program, reads neither work tree nor index, checks nothing out, fetches
// nothing and writes nothing.
package history

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
)

// The kinds of a file, as git writes modes (git-fast-import(1), filemodify).
const (
	ModeFile       = 0o100644
	ModeExecutable = 0o100755
	ModeLink       = 0o120000
	ModeSubmodule  = 0o160000
)

// File is one path of a tree. The zero value stands for no file.
type File struct {
	Mode uint32 // one of the Mode constants
	ID   string // of the blob, or the commit of a submodule, in hexadecimal
}

// Change is what a commit made of a path: a new or another file, or the zero
// File when it deleted it. Paths are relative to the context.
type Change struct {
	Path string
	File File
}

// Commit is one commit with what it changed below the context, compared with
// its first parent.
type Commit struct {
	ID      string
	Time    int64    // of the committer, seconds since 1970
	Changes []Change // nil for the oldest commit: see History.Base
}

// History is the line of first parents up to HEAD, as far as it was read.
type History struct {
	Base    map[string]File // the context's files at the oldest commit
	Commits []Commit        // the oldest first; at least one
	Root    bool            // the context is the top of the repository: a checkout has .git in it
	Shallow bool            // the clone is shallow: older commits aren't there

	blob        func(ctx context.Context, id string) ([]byte, error)
	changed     map[string]int
	changedOnce sync.Once
}

// New is a history that doesn't come from git: files at the oldest commit, the
// commits with the oldest first, and what gives the bytes of a blob.
func New(base map[string]File, commits []Commit, blob func(id string) ([]byte, error)) *History {
	return &History{Base: base, Commits: commits, blob: func(_ context.Context, id string) ([]byte, error) { return blob(id) }}
}

// ErrNone is wrapped by Read's errors where there is no history to read: no
// git, no repository, no commit, or the single commit of a shallow clone.
var ErrNone = errors.New("no history")

// noneError is an ErrNone with a text of its own.
type noneError string

func (e noneError) Error() string        { return string(e) }
func (e noneError) Is(target error) bool { return target == ErrNone }

func none(format string, args ...any) error { return noneError(fmt.Sprintf(format, args...)) }

// Read reads the last n commits (n >= 1) of the repository that dir lies in,
// along first parents. dir is the build context: paths are relative to it, and
// a commit that changes nothing below it is a commit without changes. A bare
// repository is read as a context at its top.
//
// The error says what is missing and what to do; it wraps ErrNone where there
// is nothing to read, and ctx's error when that ended first.
func Read(ctx context.Context, dir string, n int) (*History, error) {
	g := git{dir}
	prefix, shallow, err := g.locate(ctx)
	if err != nil {
		return nil, err
	}
	h := &History{Root: prefix == "", Shallow: shallow, blob: func(ctx context.Context, id string) ([]byte, error) {
		return g.output(ctx, "cat-file", "blob", id)
	}}
	if h.Commits, err = g.log(ctx, n); err != nil {
		return nil, err
	}
	if h.Shallow && len(h.Commits) == 1 && n > 1 {
		return nil, none("%s: a shallow clone with 1 commit has no history: git fetch --unshallow brings it (in CI: fetch-depth: 0)", dir)
	}
	h.Base, err = g.tree(ctx, h.Commits[0].ID)
	return h, err
}

// Blob gives the bytes of a file.
func (h *History) Blob(ctx context.Context, id string) ([]byte, error) {
	return h.blob(ctx, id)
}

// Changed tells how many of the commits changed something at or below the
// context path p ("." for the whole context). The oldest commit isn't counted.
func (h *History) Changed(p string) (commits int) {
	h.changedOnce.Do(func() { h.changed = h.count() })
	return h.changed[path.Clean(p)]
}

// count counts for each path and each folder the commits that changed it.
func (h *History) count() map[string]int {
	out, last := map[string]int{}, map[string]int{}
	for i, c := range h.Commits {
		for _, ch := range c.Changes {
			for p := ch.Path; ; p = path.Dir(p) {
				if n, seen := last[p]; seen && n == i {
					break
				}
				last[p] = i
				out[p]++
				if p == "." {
					break
				}
			}
		}
	}
	return out
}
