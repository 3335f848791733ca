package imagefs

import (
	"archive/tar"
	"path"
	"strings"
)

// maxLinks bounds the links that one look-up follows, as Linux does (path_resolution(7)).
const maxLinks = 40

// follow resolves a path as the kernel does in a container of the tree, links of the last part too: its real path and
// what is there, nil for nothing. Links never lead out of the tree; a loop leads nowhere.
func (t Tree) follow(p string) (string, *Node) { return t.walk(p, true) }

// parent resolves the links of the folders only.
func (t Tree) parent(p string) string {
	real, _ := t.walk(p, false)
	return real
}

func (t Tree) walk(p string, last bool) (string, *Node) {
	left, links := maxLinks, strings.Split(rooted(p), "/")
	at := ""
	for i := 0; i < len(links); i++ {
		part := links[i]
		switch part {
		case "", ".":
			continue
		case "..":
			if at = path.Dir(at); at == "." {
				at = ""
			}
			continue
		}
		next := path.Join(at, part)
		n := t[next]
		if n == nil || n.Type != tar.TypeSymlink || !last && i == len(links)-1 {
			at = next
			continue
		}
		if left--; left < 0 {
			return next, nil
		}
		if path.IsAbs(n.Link) {
			at = ""
		}
		links = append(strings.Split(n.Link, "/"), links[i+1:]...)
		i = -1
	}
	if at == "" {
		at = "."
	}
	return at, t[at]
}

// isDir: a folder is there. Archives need not list the folders of their files, so those without a node of their own count
// where the image's index knows them.
func (i *Image) isDir(p string) bool {
	real, n := i.Tree.follow(p)
	return n != nil && n.Type == tar.TypeDir || n == nil && i.below(real) != nil
}

// file is the regular file at a path, links followed; nil for none.
func (i *Image) file(p string) *Node {
	if _, n := i.Tree.follow(p); n != nil && n.Type == tar.TypeReg {
		return n
	}
	return nil
}
