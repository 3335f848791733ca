package imagefs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func compressed(t *testing.T, text []byte, kind string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return text
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImage(t *testing.T) {
	for _, kind := range []string{"gzip", "zstd", "plain"} {
		t.Run(kind, func(t *testing.T) {
			one := archive(t, []tar.Header{file("a", "12345"), file("b", "123"), dir("d"), file("d/c", "1234567"), {Typeflag: tar.TypeLink, Name: "same", Linkname: "b"}})
			two := archive(t, []tar.Header{file("a", "1"), file(".wh.b", ""), file("d/"+opaque, "")})
			blobs := [][]byte{compressed(t, one, kind), compressed(t, two, kind)}
			img := v1.Image(empty.Image)
			var err error
			for k, b := range blobs {
				if img, err = mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(b, types.OCILayer), History: v1.History{CreatedBy: fmt.Sprintf("step %d", k)}},
					mutate.Addendum{History: v1.History{CreatedBy: "ENV A=1", EmptyLayer: true}}); err != nil {
					t.Fatal(err)
				}
			}
			folder := t.TempDir()
			l, err := layout.Write(folder, empty.Index)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.AppendImage(img); err != nil {
				t.Fatal(err)
			}
			d, err := img.Digest()
			if err != nil {
				t.Fatal(err)
			}
			i, err := NewReader(folder).Image(d.String(), "")
			if err != nil {
				t.Fatal(err)
			}
			// The hard link keeps b's bytes in use.
			if i.Wasted != 5+7 || i.Layers[0].Wasted != 12 || i.Layers[1].Wasted != 0 {
				t.Errorf("wasted %d: %+v", i.Wasted, i.Layers)
			}
			if n := i.Tree["same"]; n == nil || n.Size != 3 || len(i.Tree) != 3 {
				t.Errorf("tree: %v", i.Tree)
			}
			for k, layer := range i.Layers {
				if layer.Compressed != int64(len(blobs[k])) || layer.Size != int64(len([][]byte{one, two}[k])) || layer.CreatedBy != fmt.Sprintf("step %d", k) {
					t.Errorf("layer %d: %+v", k, layer)
				}
			}
			if i.Compressed() != int64(len(blobs[0])+len(blobs[1])) || i.Digest != d.String() {
				t.Errorf("%d bytes, %s", i.Compressed(), i.Digest)
			}
		})
	}
}

func TestPlatformOfAnIndex(t *testing.T) {
	folder := t.TempDir()
	arm, amd := &contentsOf{arch: "arm64", layers: [][]tar.Header{{file("arm", "")}}}, &contentsOf{layers: [][]tar.Header{{file("amd", "")}}}
	arm.built(t, folder)
	amd.built(t, folder)
	l, err := layout.FromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	all, err := l.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	m, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index := v1.ImageIndex(empty.Index)
	for k, d := range m.Manifests {
		img, err := all.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: []string{"arm64", "amd64"}[k]}}})
	}
	if err := l.AppendIndex(index); err != nil {
		t.Fatal(err)
	}
	d, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for platform, want := range map[string]string{"linux/arm64": "arm", "linux/amd64": "amd"} {
		i, err := NewReader(folder).Image(d.String(), platform)
		if err != nil || i.Tree[want] == nil {
			t.Errorf("%s: %v", platform, err)
		}
	}
	if _, err := NewReader(folder).Image(d.String(), "linux/s390x"); err == nil || !strings.Contains(err.Error(), "no image for linux/s390x, only for linux/arm64, linux/amd64") {
		t.Errorf("another platform: %v", err)
	}
}

func TestCorruptLayouts(t *testing.T) {
	blob := func(folder, digest string) string {
		return filepath.Join(folder, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	}
	for _, c := range []struct {
		name string
		harm func(b []byte) []byte // nil: the blob is gone
		want string
	}{
		{"gone", nil, "the layout lacks it: build again"},
		{"cut", func(b []byte) []byte { return b[:len(b)/2] }, "is corrupt: "},
		{"a bit", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "is corrupt: "},
		{"more", func(b []byte) []byte { return append(b, 0) }, "is corrupt: "},
		{"empty", func(b []byte) []byte { return nil }, "is corrupt: "},
		{"another archive", func(b []byte) []byte { return archive(t, []tar.Header{file("x", "x")}) }, "its bytes give sha256:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			made := debian()
			digest := made.built(t, folder)
			r := NewReader(folder)
			_, m, err := r.manifest(digest, "")
			if err != nil {
				t.Fatal(err)
			}
			name := blob(folder, m.Layers[0].Digest.String())
			good, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if c.harm == nil {
				err = os.Remove(name)
			} else {
				err = os.WriteFile(name, c.harm(bytes.Clone(good)), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Image(digest, "linux/amd64"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			// A failure isn't remembered.
			if err := os.WriteFile(name, good, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Image(digest, "linux/amd64"); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := NewReader(t.TempDir()).Image("sha256:"+strings.Repeat("0", 64), ""); err == nil || !strings.Contains(err.Error(), "build again") {
		t.Errorf("no such image: %v", err)
	}
}

func TestReadersAreShared(t *testing.T) {
	folder := t.TempDir()
	digest := debian().built(t, folder)
	r := NewReader(folder)
	images := make([]*Image, 4)
	var wg sync.WaitGroup
	for k := range images {
		wg.Go(func() {
			i, err := r.Image(digest, "linux/amd64")
			if err != nil {
				t.Error(err)
				return
			}
			i.Lacks()
			i.Owner("/usr/lib/x")
			images[k] = i
		})
	}
	wg.Wait()
	for p, n := range images[0].Tree {
		if images[3].Tree[p] != n {
			t.Fatalf("%s was read twice", p)
		}
	}
}

// large is an image of that many files with that many bytes in all, as the benchmark wants it.
func large(b *testing.B, files int, bytesInAll int64) (folder, digest string) {
	random := rand.NewChaCha8([32]byte{})
	half := make([]byte, bytesInAll/int64(files)) // half of it compresses well
	if _, err := random.Read(half[:len(half)/2]); err != nil {
		b.Fatal(err)
	}
	var layers [][]tar.Header
	for k := range 6 {
		var l []tar.Header
		for f := range files / 6 {
			l = append(l, file(fmt.Sprintf("usr/lib/%d/%d/file%d.so", k, f/100, f), fmt.Sprint(k, f)+string(half)))
		}
		layers = append(layers, append(l, program(fmt.Sprintf("usr/bin/%d", k), object{needed: []string{"libz.so.1"}})))
	}
	folder = b.TempDir()
	return folder, (&contentsOf{layers: layers}).built(b, folder)
}

func BenchmarkImage(b *testing.B) {
	const files, size = 60000, 300 << 20
	folder, digest := large(b, files, size)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewReader(folder).Image(digest, "linux/amd64"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompareImages(b *testing.B) {
	folder, digest := large(b, 60000, 60<<20)
	r := NewReader(folder)
	for b.Loop() {
		before, err := r.Image(digest, "linux/amd64")
		if err != nil {
			b.Fatal(err)
		}
		after, err := r.Image(digest, "linux/amd64")
		if err != nil {
			b.Fatal(err)
		}
		CompareImages(before, after, Expected{Split: true, Base: true, Bottom: 2})
	}
}
