package imagefs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"drydock/leftover"
)

// An entry is one member of a layer's archive.
type entry struct {
	path     string
	node     *Node
	hardLink string // the path whose node it shares
}

// A layer is what it removes from those below, and what it brings.
type layer struct {
	digest     string
	compressed int64 // bytes of the blob
	size       int64 // bytes of the archive
	gone       []string
	emptied    []string // all below these
	entries    []entry
}

// Marks in names, from the OCI image specification's layer.md.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// blob is the file of a digest in an OCI layout.
func (r *Reader) blob(digest string) string {
	return filepath.Join(r.layout, "blobs", filepath.FromSlash(strings.Replace(digest, ":", "/", 1)))
}

// readBlob reads a layer in one pass, and holds it against its digest; where it was read before, its file need only be
// there, as long as it was.
func (r *Reader) readBlob(digest string) (*layer, error) {
	if info, err := os.Stat(r.blob(digest)); err == nil {
		if l := r.index.get(digest, info.Size()); l != nil {
			return l, nil
		}
	}
	l := &layer{digest: digest}
	err := r.unpack(digest, l, func(p string, h *tar.Header, content io.Reader, keep *keeper) error {
		switch dir, base := path.Split(p); {
		case base == opaque:
			l.emptied = append(l.emptied, path.Clean(dir))
		case strings.HasPrefix(base, whiteout):
			l.gone = append(l.gone, dir+base[len(whiteout):])
		case h.Typeflag == tar.TypeLink:
			l.entries = append(l.entries, entry{path: p, hardLink: rooted(h.Linkname)})
		default:
			n, err := keep.node(p, h, content)
			if err != nil {
				return err
			}
			l.entries = append(l.entries, entry{path: p, node: n})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.index.put(l)
	return l, nil
}

// errEnough ends unpack without an error: what follows isn't read, and the layer isn't held against its digest.
var errEnough = errors.New("enough")

// unpack calls member for each member of a layer's archive. Where l isn't nil it receives the sizes.
func (r *Reader) unpack(digest string, l *layer, member func(p string, h *tar.Header, content io.Reader, keep *keeper) error) error {
	f, err := os.Open(r.blob(digest))
	if err != nil {
		return fmt.Errorf("the layout lacks it: build again: %w", err)
	}
	defer f.Close()
	sum, stored, unpacked := sha256.New(), &counter{}, &counter{}
	blob := io.TeeReader(f, io.MultiWriter(sum, stored))
	plain, err := decompressed(blob)
	if err != nil {
		return corrupt(err)
	}
	defer plain.Close()
	counted := io.TeeReader(plain, unpacked)
	archive, keep := tar.NewReader(counted), &keeper{budget: textBudget}
	for {
		if r.stopped.Load() {
			return errStopped
		}
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return corrupt(err)
		}
		switch err := member(rooted(h.Name), h, archive, keep); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return corrupt(fmt.Errorf("%s: %w", h.Name, err))
		}
	}
	// What follows the archive's end mark belongs to the blob too.
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return corrupt(err)
	}
	if _, err := io.Copy(io.Discard, blob); err != nil {
		return corrupt(err)
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)), strings.TrimPrefix(digest, "sha256:"); got != want {
		return corrupt(fmt.Errorf("its bytes give sha256:%s", got))
	}
	if l != nil {
		l.compressed, l.size = stored.n, unpacked.n
	}
	return nil
}

// corrupt says what to do about a layer that can't be read.
func corrupt(err error) error {
	return fmt.Errorf("the layer is corrupt: %w: remove the layout's folder and build again", err)
}

// rooted is the form that paths have in a Tree.
func rooted(name string) string {
	if p := strings.TrimPrefix(path.Clean("/"+name), "/"); p != "" {
		return p
	}
	return "."
}

// A counter counts the bytes written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// decompressed reads gzip, zstd and plain archives, told by their first bytes: media types of layouts that builders
// write aren't always right.
func decompressed(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 256<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}

// Bounds of what is kept of a layer's files.
const (
	smallFile  = 16 << 10
	scriptFile = 64 << 10
	headBytes  = 64
	textBudget = 64 << 20 // of small files in a layer
	spoolBytes = 64 << 20 // of an ELF file in memory; larger ones go through a temporary file
)

// A keeper makes nodes, and keeps what is needed later of their content.
type keeper struct {
	budget int
	first  [64]byte
	spool  []byte // reused for ELF files
	copied [64 << 10]byte
}

func (k *keeper) node(p string, h *tar.Header, content io.Reader) (*Node, error) {
	n := &Node{Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Major: h.Devmajor, Minor: h.Devminor}
	for key, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
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
		n.Size = h.Size
		return n, k.content(p, n, content)
	}
	return n, nil
}

// content reads a regular file.
func (k *keeper) content(p string, n *Node, content io.Reader) error {
	size := int(min(n.Size, headBytes))
	head := k.first[:size]
	if _, err := io.ReadFull(content, head); err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		return k.elf(n, head, content)
	}
	content = io.MultiReader(bytes.NewReader(head), content)
	normal, keeps := normalFor(p), k.keeps(p, n.Size, head)
	if normal != nil || keeps {
		text := make([]byte, n.Size)
		if _, err := io.ReadFull(content, text); err != nil {
			return err
		}
		if normal != nil {
			text = normal(text)
		}
		sum := sha256.Sum256(text)
		n.SHA256, n.Script = hex.EncodeToString(sum[:]), scriptLine(text)
		if keeps {
			n.Text = text
		}
		return nil
	}
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, content, k.copied[:]); err != nil {
		return err
	}
	n.SHA256, n.Script, n.head = hex.EncodeToString(sum.Sum(nil)), scriptLine(head), bytes.Clone(head)
	return nil
}

// keeps tells whether a file's text is kept. Modules and documents come in tens of thousands, and nobody asks for theirs.
func (k *keeper) keeps(p string, size int64, head []byte) bool {
	switch {
	case database(p):
		return true
	case strings.HasPrefix(p, "etc/") && size <= scriptFile, path.Base(p) == "package.json" && size <= scriptFile:
	case size > scriptFile, size > smallFile && !bytes.HasPrefix(head, []byte("#!")):
		return false
	case modulePath(p) != "", strings.HasSuffix(p, ".pyc"), strings.HasPrefix(p, "usr/share/"), strings.HasPrefix(p, "usr/include/"), strings.HasPrefix(p, "usr/src/linux"):
		return bytes.HasPrefix(head, []byte("#!"))
	}
	if k.budget -= int(size); k.budget < 0 {
		k.budget += int(size)
		return false
	}
	return true
}

// database: the records of dpkg, apt and apk, whose text is kept at any size.
func database(p string) bool {
	if p == "etc/ld.so.cache" || p == "lib/apk/db/installed" || p == "usr/lib/apk/db/installed" || p == "var/lib/apt/extended_states" {
		return true
	}
	rest, ok := strings.CutPrefix(p, dpkgDir)
	return ok && (rest == "status" || strings.HasPrefix(rest, "status.d/") || strings.HasSuffix(rest, ".list"))
}

// scriptLine is what follows "#!" in the first line: "/usr/bin/env node"; "" for other files.
func scriptLine(text []byte) string {
	if !bytes.HasPrefix(text, []byte("#!")) {
		return ""
	}
	line, _, _ := bytes.Cut(text[2:min(len(text), 256)], []byte("\n"))
	return strings.TrimSpace(string(line))
}

// elf reads an ELF file, whose first bytes are head: debug/elf wants to read here and there.
func (k *keeper) elf(n *Node, head []byte, content io.Reader) error {
	sum := sha256.New()
	content = io.TeeReader(io.MultiReader(bytes.NewReader(head), content), sum)
	var at io.ReaderAt
	if n.Size <= spoolBytes {
		if int64(cap(k.spool)) < n.Size {
			k.spool = make([]byte, n.Size)
		}
		text := k.spool[:n.Size]
		if _, err := io.ReadFull(content, text); err != nil {
			return err
		}
		at = bytes.NewReader(text)
	} else {
		f, err := os.CreateTemp("", "drydock-elf-")
		if err != nil {
			return err
		}
		defer leftover.Until(func() { os.Remove(f.Name()) })()
		defer os.Remove(f.Name())
		defer f.Close()
		if _, err := io.Copy(f, content); err != nil {
			return err
		}
		at = f
	}
	n.SHA256, n.ELF, n.head = hex.EncodeToString(sum.Sum(nil)), readELF(at), bytes.Clone(head)
	return nil
}
