package imagefs

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// remembering is a reader that keeps each layer.
func remembering(layout, dir, program string) *Reader {
	r := NewReader(layout)
	r.Remember(dir, program)
	r.index.least = 0
	return r
}

// odd is a layer with what other layers rarely have.
func odd() []tar.Header {
	return []tar.Header{
		gone("usr/bin/env"), {Typeflag: tar.TypeReg, Name: "home/" + opaque},
		{Typeflag: tar.TypeLink, Name: "usr/bin/dash", Linkname: "usr/bin/sh"},
		{Typeflag: tar.TypeChar, Name: "dev/null", Mode: 0o666, Devmajor: 1, Devminor: 3},
		{Typeflag: tar.TypeReg, Name: "usr/bin/ping", Mode: 0o755, Linkname: "ping", Uid: 70000, Gid: 5, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00cap"}},
		file("empty", ""), file("etc/empty", ""), file("etc/größe", "größe"), file("srv/large", strings.Repeat("x", scriptFile+1)),
		library("usr/lib/libold.so.1", object{rpath: "/a:$ORIGIN", runpath: "/b", needed: []string{"libz.so.1"}, requires: map[string][]string{"libz.so.1": {"Z_1", "Z_2"}}, defines: []string{"OLD_1"}}),
	}
}

// spoil changes a byte in the middle of each of these blobs: unpacking them is an error then.
func spoil(t *testing.T, layout string, layers []*layer) {
	t.Helper()
	for _, l := range layers {
		name := (&Reader{layout: layout}).blob(l.digest)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 0xff
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLayersAreRemembered(t *testing.T) {
	layout, dir := t.TempDir(), t.TempDir()
	c := debian()
	c.layers = append(c.layers, odd())
	digest := c.built(t, layout)
	first, err := remembering(layout, dir, "one").Image(digest, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range first.layers {
		again := decodeLayer(encodeLayer(l))
		if again == nil {
			t.Fatal("a layer can't be read back")
		}
		again.digest = l.digest
		if !reflect.DeepEqual(l, again) {
			t.Errorf("another layer came back:\n%+v\nwant\n%+v", again, l)
		}
	}
	spoil(t, layout, first.layers)
	second, err := remembering(layout, dir, "one").Image(digest, "linux/amd64")
	if err != nil {
		t.Fatalf("the layers were unpacked again: %v", err)
	}
	if !reflect.DeepEqual(first.Tree, second.Tree) || !reflect.DeepEqual(first.Layers, second.Layers) || first.Wasted != second.Wasted {
		t.Error("the image that is remembered is another one")
	}
	if _, err := remembering(layout, dir, "two").Image(digest, "linux/amd64"); err == nil {
		t.Error("another program took what the first one had kept")
	}
	// A blob of another length isn't the one that was read.
	name := (&Reader{layout: layout}).blob(first.layers[0].digest)
	if err := os.Truncate(name, first.layers[0].compressed-1); err != nil {
		t.Fatal(err)
	}
	if _, err := remembering(layout, dir, "one").Image(digest, "linux/amd64"); err == nil {
		t.Error("a layer that is cut off wasn't noticed")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := remembering(layout, dir, "one").Image(digest, "linux/amd64"); err == nil {
		t.Error("a layer that is gone wasn't noticed")
	}
}

func TestDamagedIndex(t *testing.T) {
	layout, dir := t.TempDir(), t.TempDir()
	digest := debian().built(t, layout)
	want, err := remembering(layout, dir, "one").Image(digest, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+indexSuffix))
	if err != nil || len(files) != len(want.layers) {
		t.Fatalf("%v: %d files", err, len(files))
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for k := range 60 {
		text := bytes.Clone(whole)
		if k%2 == 0 {
			text = text[:random.IntN(len(text))]
		} else {
			text[random.IntN(len(text))] ^= byte(1 + random.IntN(255))
		}
		if err := os.WriteFile(files[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := remembering(layout, dir, "one").Image(digest, "linux/amd64")
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Tree, want.Tree) {
			t.Fatalf("damage %d changed the image", k)
		}
		if mended, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(mended, whole) {
			t.Fatalf("damage %d stays", k)
		}
	}
	// Bytes that only the decoder sees: it must not panic, and never give half a layer.
	plain := encodeLayer(want.layers[0])
	for n := range plain {
		if decodeLayer(plain[:n]) != nil {
			t.Fatalf("the first %d of %d bytes are a layer", n, len(plain))
		}
		text := bytes.Clone(plain)
		text[n] ^= byte(1 + random.IntN(255))
		decodeLayer(text)
	}
}

func TestIndexIsBounded(t *testing.T) {
	dir := t.TempDir()
	x := &index{dir: dir, program: "p", most: 3000}
	for _, name := range []string{".new-1", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-2 * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.NewChaCha8([32]byte{})
	text := make([]byte, 900)
	for k := range 5 {
		if _, err := random.Read(text); err != nil {
			t.Fatal(err)
		}
		x.put(&layer{digest: fmt.Sprint("sha256:", k), compressed: 1, entries: []entry{{path: "a", node: &Node{Type: tar.TypeReg, Text: bytes.Clone(text)}}}})
		at := time.Now().Add(time.Duration(k-10) * time.Minute)
		if err := os.Chtimes(x.file(fmt.Sprint("sha256:", k)), at, at); err != nil {
			t.Fatal(err)
		}
		if k == 2 && x.get("sha256:0", 1) == nil { // used, so it stays for longer than the others
			t.Fatal("layer 0 is gone")
		}
	}
	var left []int
	for k := range 5 {
		if x.get(fmt.Sprint("sha256:", k), 1) != nil {
			left = append(left, k)
		}
	}
	if fmt.Sprint(left) != "[0 3 4]" {
		t.Errorf("the layers %v are left, want 0, 3 and 4", left)
	}
	if _, err := os.Stat(filepath.Join(dir, ".new-1")); err == nil {
		t.Error("what a killed program left is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "other")); err != nil {
		t.Error("somebody else's file is gone")
	}
	x.most = 100
	x.put(&layer{digest: "sha256:8", compressed: 1, entries: []entry{{path: "a", node: &Node{Text: text}}}})
	if x.get("sha256:8", 1) != nil {
		t.Error("a layer was kept that is larger than all may be")
	}
}

func TestIndexIsShared(t *testing.T) {
	layout, dir := t.TempDir(), t.TempDir()
	digest := debian().built(t, layout)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				r := remembering(layout, dir, "one")
				r.index.most = 3000 // each one prunes
				if _, err := r.Image(digest, "linux/amd64"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestStop(t *testing.T) {
	layout := t.TempDir()
	digest := debian().built(t, layout)
	r := NewReader(layout)
	r.Stop()
	if _, err := r.Image(digest, "linux/amd64"); !errors.Is(err, errStopped) {
		t.Errorf("a reader that was stopped reads: %v", err)
	}
	if i, err := r.Bare(digest, "linux/amd64"); err != nil || i.Config.Config.WorkingDir != "/app" || i.Tree != nil {
		t.Errorf("%v, %+v", err, i)
	}
}

func BenchmarkImageRemembered(b *testing.B) {
	const files, size = 60000, 300 << 20
	folder, digest := large(b, files, size)
	dir := b.TempDir()
	read := func() {
		if _, err := remembering(folder, dir, "one").Image(digest, "linux/amd64"); err != nil {
			b.Fatal(err)
		}
	}
	read()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		read()
	}
}
