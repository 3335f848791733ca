// Package imagefs reads the file system that a container of an image sees, from the layers in an OCI layout, and compares
// two of them path by path.
//
// Times and hard links don't count: no two builds give the same times, and a hard link is compared as the file it is.
// The half of the end-to-end tests that needs no builder, so plain `make test` tests it.
package imagefs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A Node is what is at one path.
type Node struct {
	Type     byte // as in archive/tar; a hard link has the type of its target
	Mode     int64
	UID, GID int
	Link     string // of a symbolic link
	Major    int64  // of a device
	Minor    int64
	Xattrs   map[string]string // by name: "security.capability"
	SHA256   string            // of a regular file, without what Normal takes out
	Text     []byte            // of a small file and of the package database, else nil
}

// A Tree maps paths such as "etc/passwd" to what is there; "." is the root.
type Tree map[string]*Node

// A Reader reads layers from one layout and remembers them, since images share their base's.
type Reader struct {
	layout string
	layers map[string]layer
}

// NewReader reads from the OCI layout in folder layout.
func NewReader(layout string) *Reader { return &Reader{layout, map[string]layer{}} }

// Tree stacks the layers with these digests, the lowest first.
func (r *Reader) Tree(digests []string) (Tree, error) {
	t := Tree{}
	for _, d := range digests {
		l, ok := r.layers[d]
		if !ok {
			f, err := os.Open(filepath.Join(r.layout, "blobs", filepath.FromSlash(strings.Replace(d, ":", "/", 1))))
			if err != nil {
				return nil, err
			}
			l, err = readLayer(f)
			f.Close()
			if err != nil {
				return nil, fmt.Errorf("layer %s: %w", d, err)
			}
			r.layers[d] = l
		}
		if err := t.apply(l); err != nil {
			return nil, fmt.Errorf("layer %s: %w", d, err)
		}
	}
	return t, nil
}

// An entry is one member of a layer's archive.
type entry struct {
	path     string
	node     *Node
	hardLink string // the path whose node it shares
}

// A layer is what it removes from those below, and what it brings.
type layer struct {
	gone    []string // these paths and all below them
	emptied []string // all below these
	entries []entry
}

// Marks in names, from the OCI image specification's layer.md.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

func readLayer(r io.Reader) (layer, error) {
	var l layer
	zr, err := gzip.NewReader(r)
	if err != nil {
		return l, err // the tests' builders write gzip
	}
	for archive := tar.NewReader(zr); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		p := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if p == "" {
			p = "."
		}
		switch dir, base := path.Split(p); {
		case base == opaque:
			l.emptied = append(l.emptied, path.Clean(dir))
		case strings.HasPrefix(base, whiteout):
			l.gone = append(l.gone, dir+base[len(whiteout):])
		case h.Typeflag == tar.TypeLink:
			l.entries = append(l.entries, entry{path: p, hardLink: strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")})
		default:
			n, err := readNode(p, h, archive)
			if err != nil {
				return l, fmt.Errorf("%s: %w", h.Name, err)
			}
			l.entries = append(l.entries, entry{path: p, node: n})
		}
	}
}

const smallFile = 16 << 10

func readNode(p string, h *tar.Header, content io.Reader) (*Node, error) {
	n := &Node{Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Major: h.Devmajor, Minor: h.Devminor}
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
			if n.Xattrs == nil {
				n.Xattrs = map[string]string{}
			}
			n.Xattrs[name] = v
		}
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		n.Link = h.Linkname
	case tar.TypeReg:
		normal := normalFor(p)
		if normal == nil && h.Size > smallFile && !strings.HasPrefix(p, dpkgDir) {
			sum := sha256.New()
			if _, err := io.Copy(sum, content); err != nil {
				return nil, err
			}
			n.SHA256 = hex.EncodeToString(sum.Sum(nil))
			return n, nil
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(content); err != nil {
			return nil, err
		}
		n.Text = text.Bytes()
		if normal != nil {
			n.Text = normal(n.Text)
		}
		sum := sha256.Sum256(n.Text)
		n.SHA256 = hex.EncodeToString(sum[:])
	}
	return n, nil
}

// apply lays l over t.
func (t Tree) apply(l layer) error {
	for _, p := range l.gone {
		delete(t, p)
		t.empty(p)
	}
	for _, p := range l.emptied {
		t.empty(p)
	}
	for _, e := range l.entries {
		if e.hardLink != "" {
			if e.node = t[e.hardLink]; e.node == nil {
				return fmt.Errorf("%s is a hard link to %s, which isn't there", e.path, e.hardLink)
			}
		}
		if old := t[e.path]; old != nil && old.Type == tar.TypeDir && e.node.Type != tar.TypeDir {
			t.empty(e.path)
		}
		t[e.path] = e.node
	}
	return nil
}

// empty removes what is below dir.
func (t Tree) empty(dir string) {
	for p := range t {
		if strings.HasPrefix(p, dir+"/") || dir == "." && p != "." {
			delete(t, p)
		}
	}
}
