package repo

import (
	"io/fs"
	"path"
	"strings"
)

// maxLinks is the number of symbolic links after which a path counts as a loop,
// as in the kernel and in BuildKit's own resolver.
const maxLinks = 40

// Real follows the symbolic links on the way to p (a path as in Exists) and at
// its end. As in a build, an absolute link starts at the context's root and
// ".." doesn't lead out of it. links are the links that were met, ok is false
// where nothing is there.
//
// Source: RootPath of github.com/containerd/continuity/fs, which BuildKit's
// COPY calls for its source.
func (r *Repo) Real(p string) (real string, links []string, ok bool) {
	name, ok := clean(p)
	if !ok {
		return "", nil, false
	}
	w := r.tree.real.get(name, func() (w realPath) {
		w.path, w.links, w.ok = r.follow(".", name, false)
		return w
	})
	return w.path, w.links, w.ok
}

// realPath is what Real gives.
type realPath struct {
	path  string
	links []string
	ok    bool
}

// NoLinks reports whether there is no symbolic link on the way to p nor at its end.
func (r *Repo) NoLinks(p string) bool {
	_, links, ok := r.Real(p)
	return ok && len(links) == 0
}

// IsFolder is IsDir for p itself: a link to a folder is none.
func (r *Repo) IsFolder(p string) bool {
	name, ok := clean(p)
	if !ok {
		return false
	}
	fi, err := fs.Lstat(r.fsys, name)
	return err == nil && fi.IsDir()
}

// SameFile reports whether two paths of the context lead to the same file.
func (r *Repo) SameFile(p, q string) bool {
	a, _, ok := r.Real(p)
	b, _, also := r.Real(q)
	return ok && also && a == b
}

// KeepsLinks reports whether what stands at p is found in a copy of the folder
// root too: every symbolic link from root on is relative and stays below root.
func (r *Repo) KeepsLinks(root, p string) bool {
	root, ok := clean(root)
	if !ok {
		return false
	}
	name, ok := clean(p)
	if !ok {
		return false
	}
	if root != "." {
		if name != root && !strings.HasPrefix(name, root+"/") {
			return false
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, root), "/")
	}
	_, _, ok = r.follow(root, name, true)
	return ok
}

// follow resolves name below root. A strict walk ends at a link that is absolute
// or leads out of root.
func (r *Repo) follow(root, name string, strict bool) (real string, links []string, ok bool) {
	at, rest := "", name
	for rest != "" && rest != "." {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" || part == "." {
			continue
		}
		next := path.Join(at, part)
		if part == ".." {
			if at == "" && strict {
				return "", links, false
			}
			if next = path.Dir(at); next == "." || at == "" {
				next = ""
			}
			at = next
			continue
		}
		full := path.Join(root, next)
		fi, err := fs.Lstat(r.fsys, full)
		if err != nil {
			return "", links, false
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := fs.ReadLink(r.fsys, full)
		if err != nil || len(links) == maxLinks || strict && path.IsAbs(target) {
			return "", links, false
		}
		if strict && path.Clean(target) != strings.TrimSuffix(strings.TrimPrefix(target, "./"), "/") {
			return "", links, false // "a/../b" is b for BuildKit; where a is a link the kernel sees another b
		}
		links = append(links, full)
		if path.IsAbs(target) {
			at = ""
		}
		rest = strings.Trim(path.Clean(target), "/") + "/" + rest
	}
	return path.Join(root, at), links, true
}
