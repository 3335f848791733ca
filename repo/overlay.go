package repo

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// With returns a view in which the file p (a path as in Exists) has the bytes
// src, whether or not it was there before; r itself does not change. A path
// out of the context gives r back. Facts already known are kept when p is a
// .dockerignore file, the case drydock needs while it runs.
func (r *Repo) With(p string, src []byte) *Repo {
	name, ok := clean(p)
	if !ok || name == "." {
		return r
	}
	o := &overlay{base: r.fsys, files: map[string][]byte{}}
	if old, ok := r.fsys.(*overlay); ok {
		o.base = old.base
		maps.Copy(o.files, old.files)
	}
	o.files[name] = bytes.Clone(src)
	v := &Repo{fsys: o, known: r.known, tree: &treeFacts{}, facts: r.facts}
	if path.Ext(name) != ".dockerignore" {
		v.facts = &manifestFacts{}
	}
	return v
}

// overlay is base with some files replaced or added.
type overlay struct {
	base  fs.FS
	files map[string][]byte
}

func (o *overlay) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if src, ok := o.files[name]; ok {
		return &memFile{memInfo: memInfo{name: path.Base(name), size: len(src)}, r: bytes.NewReader(src)}, nil
	}
	children := o.children(name)
	if len(children) == 0 {
		return o.base.Open(name)
	}
	entries, _ := readDir(o.base, name, MaxEntries)
	for _, e := range entries {
		if _, ok := children[e.Name()]; !ok {
			children[e.Name()] = e
		} else if e.IsDir() && children[e.Name()].IsDir() {
			children[e.Name()] = e
		}
	}
	info := memInfo{name: path.Base(name), dir: true}
	return &memDir{memInfo: info, entries: slices.SortedFunc(maps.Values(children), func(a, b fs.DirEntry) int {
		return strings.Compare(a.Name(), b.Name())
	})}, nil
}

func (o *overlay) Stat(name string) (fs.FileInfo, error) {
	if src, ok := o.files[name]; ok {
		return memInfo{name: path.Base(name), size: len(src)}, nil
	}
	fi, err := fs.Stat(o.base, name)
	if err != nil && len(o.children(name)) > 0 {
		return memInfo{name: path.Base(name), dir: true}, nil
	}
	return fi, err
}

// Lstat and ReadLink make links of the base visible: fs.ReadLinkFS.
func (o *overlay) Lstat(name string) (fs.FileInfo, error) {
	if _, ok := o.files[name]; ok || len(o.children(name)) > 0 {
		return o.Stat(name)
	}
	return fs.Lstat(o.base, name)
}

func (o *overlay) ReadLink(name string) (string, error) {
	if _, ok := o.files[name]; ok {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return fs.ReadLink(o.base, name)
}

// children are the entries of folder name that the overlay itself brings.
func (o *overlay) children(name string) map[string]fs.DirEntry {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	out := map[string]fs.DirEntry{}
	for f, src := range o.files {
		rest, ok := strings.CutPrefix(f, prefix)
		if !ok {
			continue
		}
		info := memInfo{name: rest, size: len(src)}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			info = memInfo{name: first, dir: true}
		}
		out[info.name] = fs.FileInfoToDirEntry(info)
	}
	return out
}

type memInfo struct {
	name string
	size int
	dir  bool
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return int64(i.size) }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.dir }
func (i memInfo) Sys() any           { return nil }
func (i memInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

type memFile struct {
	memInfo
	r *bytes.Reader
}

func (f *memFile) Stat() (fs.FileInfo, error) { return f.memInfo, nil }
func (f *memFile) Read(b []byte) (int, error) { return f.r.Read(b) }
func (f *memFile) Close() error               { return nil }

type memDir struct {
	memInfo
	entries []fs.DirEntry
}

func (d *memDir) Stat() (fs.FileInfo, error) { return d.memInfo, nil }
func (d *memDir) Close() error               { return nil }
func (d *memDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

func (d *memDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n]
	d.entries = d.entries[n:]
	return out, nil
}
