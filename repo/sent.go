package repo

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Sends reports whether the file or folder p (a path as in Exists) is in what
// the builder gets when ig is in force: neither it nor a link on the way to it
// is left out, or, for a folder, something in it isn't.
//
// Source: filterFS of github.com/tonistiigi/fsutil, by which a client sends the
// build context.
func (r *Repo) Sends(ig *Ignore, p string) bool {
	real, links, ok := r.Real(p)
	if !ok || len(links) > 0 && slices.ContainsFunc(links, ig.Excluded) {
		return false
	}
	if !ig.Excluded(real) {
		return true
	}
	if ig.ExcludesTree(real) || !r.IsDir(real) {
		return false
	}
	some := false
	r.visit(real, ig, func(string, fs.DirEntry) bool { some = true; return false })
	return some
}

// SendsEntry is Sends for p itself: a link at its end counts, wherever it leads.
func (r *Repo) SendsEntry(ig *Ignore, p string) bool {
	name, ok := clean(p)
	if !ok || name == "." {
		return ok
	}
	dir, links, ok := r.Real(path.Dir(name))
	if !ok || slices.ContainsFunc(links, ig.Excluded) {
		return false
	}
	entry := path.Join(dir, path.Base(name))
	fi, err := fs.Lstat(r.fsys, entry)
	if err != nil {
		return false
	}
	return !ig.Excluded(entry) || fi.IsDir() && r.Sends(ig, entry)
}

// File is a regular file or a symbolic link of the build context.
type File struct {
	Path string
	Size int64 // bytes; 0 for a link
	Link bool
}

type sentResult struct {
	files    []File
	complete bool
}

// Sent lists the regular files and links that ig lets into the build context,
// sorted by path; unlike Files it enters every folder. complete is false when
// the walk stopped at MaxEntries or a folder could not be read. Nil for ig gives
// all that the folder holds.
func (r *Repo) Sent(ig *Ignore) (files []File, complete bool) {
	if !r.known {
		return nil, false
	}
	s := r.tree.sent.get(ig, func() (s sentResult) {
		s.complete = r.visit(".", ig, func(name string, e fs.DirEntry) bool {
			switch {
			case e.Type()&fs.ModeSymlink != 0:
				s.files = append(s.files, File{Path: name, Link: true})
			case e.Type().IsRegular():
				f := File{Path: name}
				if fi, err := e.Info(); err == nil {
					f.Size = fi.Size()
				}
				s.files = append(s.files, f)
			}
			return true
		})
		slices.SortFunc(s.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		return s
	})
	return s.files, s.complete
}

// visit calls f for what lies below dir and isn't left out by ig (nil: for all
// of it), breadth first, until f returns false. complete tells whether the walk
// saw everything.
func (r *Repo) visit(dir string, ig *Ignore, f func(name string, e fs.DirEntry) bool) (complete bool) {
	left := MaxEntries
	complete = true
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		entries, all := readDir(r.fsys, queue[0], left)
		complete = complete && all
		left -= len(entries)
		for _, e := range entries {
			name := path.Join(queue[0], e.Name())
			excluded := ig != nil && ig.Excluded(name)
			if !excluded && !f(name, e) {
				return complete
			}
			if e.IsDir() && !(excluded && ig.ExcludesTree(name)) {
				queue = append(queue, name)
			}
		}
		if left <= 0 {
			return false
		}
	}
	return complete
}
