// Package repo gives facts about a build context: which files it holds, what
// its manifests, lock files, .dockerignore, compose and CI files say.
//
// It reads an fs.FS and knows no Dockerfile syntax. It never writes, logs,
// panics or runs a program. Every fact is computed when it is first asked for
// and then kept, is safe for concurrent use, and is bounded: walks stop at
// MaxEntries, files over MaxFile are refused.
//
// A fact that a rewrite rests on is conservative. Where something cannot be
// known, the fact carries a reason in words (Unknown, or a returned string),
// and the transform that asked should decline with it. Values that are handed
// out are shared: callers must not change them.
package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// MaxEntries is the number of directory entries after which a walk stops
	// and says that it is not complete.
	MaxEntries = 50_000
	// MaxFile is the size in bytes over which ReadFile refuses a file. The
	// largest manifests seen, package-lock.json of big monorepos, are below 8 MiB.
	MaxFile = 16 << 20
)

// ErrTooLarge is wrapped by ReadFile's error for a file over MaxFile.
var ErrTooLarge = errors.New("file is too large to be read")

// Repo is a read-only view of one build context.
type Repo struct {
	fsys  fs.FS
	known bool
	tree  *treeFacts     // change when any file appears, or an ignore file changes
	facts *manifestFacts // do not depend on .dockerignore
}

type treeFacts struct {
	dirs   memo[string, []fs.DirEntry]
	walk   memo[struct{}, walkResult]
	ignore memo[string, *Ignore]
	sent   memo[*Ignore, sentResult]
	real   memo[string, realPath]
}

type manifestFacts struct {
	gitignore    memo[string, []gitPattern]
	gitignored   memo[string, bool] // folders
	requirements memo[string, *Requirements]
	python       memo[string, Version]
	pyproject    memo[string, *Pyproject]
	pipenv       memo[string, *Pipenv]
	conda        memo[string, *CondaEnv]
	composer     memo[string, *Composer]
	bundler      memo[string, *Bundler]
	node         memo[string, *Node]
	nodeInstall  memo[string, NodeInstall]
	pub          memo[string, Pub]
	nodeVersion  memo[string, Version]
	asked        memo[[2]string, Version]
	usesDev      memo[string, devUse]
	golang       memo[string, *Go]
	maven        memo[string, *Maven]
	cargo        memo[string, *Cargo]
	dotnet       memo[string, *Dotnet]
	gradle       memo[string, *Gradle]
	sbt          memo[string, *Sbt]
	mix          memo[string, *Mix]
	shallow      memo[struct{}, []string]
	builds       memo[struct{}, []Build]
	mentions     memo[struct{}, []Mention]
	containers   memo[struct{}, []Container]
	invocations  memo[struct{}, []Build]

	containerCommands memo[struct{}, []ContainerCommand]
	workplaces        memo[struct{}, []Workplace]
	imageNames        memo[struct{}, map[string]bool]
}

// Load returns the view of the build context whose root is fsys. It reads
// nothing. A nil fsys gives an empty view for which Known reports false.
//
// For a directory on disk pass os.Root's FS, which refuses symbolic links
// that lead out of the context, as Docker does; os.DirFS follows them.
func Load(fsys fs.FS) *Repo {
	r := &Repo{fsys: fsys, known: fsys != nil, tree: &treeFacts{}, facts: &manifestFacts{}}
	if fsys == nil {
		r.fsys = emptyFS{}
	}
	return r
}

// Known reports whether there is a build context at all. Without one, no file
// exists, and that no file exists proves nothing.
func (r *Repo) Known() bool { return r.known }

// FS returns the context's files as this view sees them; never nil.
func (r *Repo) FS() fs.FS { return r.fsys }

// Exists reports whether the file or folder p is in the context. p is a slash
// path relative to the context's root; "./a", "a/" and "/a" mean "a", as in
// COPY. A path that leaves the context, and a dangling link, do not exist.
// It costs one stat.
func (r *Repo) Exists(p string) bool { return r.stat(p) != nil }

// IsDir reports whether p, as in Exists, is a folder or a link to one.
func (r *Repo) IsDir(p string) bool {
	fi := r.stat(p)
	return fi != nil && fi.IsDir()
}

func (r *Repo) isFile(p string) bool {
	fi := r.stat(p)
	return fi != nil && fi.Mode().IsRegular()
}

func (r *Repo) stat(p string) fs.FileInfo {
	name, ok := clean(p)
	if !ok {
		return nil
	}
	fi, err := fs.Stat(r.fsys, name)
	if err != nil {
		return nil
	}
	return fi
}

// ReadFile returns the bytes of the regular file p (a path as in Exists).
// The error is an *fs.PathError; it wraps fs.ErrNotExist for a missing file or
// a path out of the context, and ErrTooLarge for one over MaxFile. Devices and
// pipes are refused without being opened.
func (r *Repo) ReadFile(p string) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, &fs.PathError{Op: "read", Path: p, Err: err}
	}
	name, ok := clean(p)
	if !ok {
		return fail(fmt.Errorf("%w in the build context", fs.ErrNotExist))
	}
	fi, err := fs.Stat(r.fsys, name)
	switch {
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return fail(fmt.Errorf("not a regular file: %w", fs.ErrInvalid))
	case fi.Size() > MaxFile:
		return fail(ErrTooLarge)
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(fi.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, MaxFile+1)); err != nil {
		return fail(err)
	}
	if b.Len() > MaxFile {
		return fail(ErrTooLarge)
	}
	return b.Bytes(), nil
}

// ReadDir returns the sorted entries of folder p (a path as in Exists), nil if
// there is no such folder. At most MaxEntries are returned.
func (r *Repo) ReadDir(p string) []fs.DirEntry {
	name, ok := clean(p)
	if !ok {
		return nil
	}
	return r.tree.dirs.get(name, func() []fs.DirEntry {
		if !r.IsDir(name) {
			return nil
		}
		entries, _ := readDir(r.fsys, name, MaxEntries)
		return entries
	})
}

// readDir reads at most max entries of a folder and tells whether that is all.
func readDir(fsys fs.FS, name string, max int) (entries []fs.DirEntry, complete bool) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, false
	}
	complete = true
	entries, err = d.ReadDir(max + 1)
	if err != nil && err != io.EOF {
		complete = false
	}
	if len(entries) > max {
		entries, complete = entries[:max], false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, complete
}

// clean turns a context path into an fs.FS name; ok is false when it leaves
// the context or cannot be a name.
func clean(p string) (name string, ok bool) {
	if p != "" && p[0] != '.' && fs.ValidPath(p) {
		return p, true // the usual case, without a copy
	}
	p = path.Clean(strings.TrimLeft(p, "/"))
	return p, p != ".." && fs.ValidPath(p)
}

// join resolves p relative to folder dir; the result may leave the context
// ("../x"), which clean then refuses.
func join(dir, p string) string { return path.Join(dir, p) }

type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
