package layout_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	oci "github.com/google/go-containerregistry/pkg/v1/layout"

	"drydock/images"
	"drydock/images/layout"
	"drydock/images/registry/registrytest"
)

const (
	containerd = "io.containerd.image.name"
	refName    = "org.opencontainers.image.ref.name"
)

var amd64arm64 = []string{"linux/amd64", "linux/arm64/v8"}

// named is an image and the annotations of its entry.
type named struct {
	registrytest.Image
	notes map[string]string
}

// lay writes a layout, and gives its folder and the digests of the images.
func lay(t *testing.T, all ...named) (dir string, digests []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "out")
	p, err := oci.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		made, err := n.Build()
		if err != nil {
			t.Fatal(err)
		}
		switch m := made.(type) {
		case v1.ImageIndex:
			err = p.AppendIndex(m, oci.WithAnnotations(n.notes))
		case v1.Image:
			err = p.AppendImage(m, oci.WithAnnotations(n.notes))
		}
		if err != nil {
			t.Fatal(err)
		}
		d, err := made.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d.String())
	}
	return dir, digests
}

// pack makes a tar of the folder, as docker and buildx do.
func pack(t *testing.T, dir, prefix string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		if err != nil || rel == "." {
			return err
		}
		h := &tar.Header{Name: prefix + filepath.ToSlash(rel), Mode: 0o644, Typeflag: tar.TypeReg}
		if d.IsDir() {
			h.Name, h.Typeflag = h.Name+"/", tar.TypeDir
			return w.WriteHeader(h)
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		h.Size = int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	file := filepath.Join(t.TempDir(), "out.tar")
	if err == nil {
		err = os.WriteFile(file, out.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, dir string) *layout.Layout {
	t.Helper()
	l, err := layout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ref(t *testing.T, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wants(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q doesn't say %q", err, s)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("error %q isn't a clean line", err)
	}
}

var _ images.Store = (*layout.Layout)(nil)

// Names: of buildx and docker, of skopeo with a full name, with a tag alone.
func TestNames(t *testing.T) {
	img := func(s string) registrytest.Image { return registrytest.Image{Content: s} }
	dir, d := lay(t,
		named{registrytest.Image{Content: "a", Platforms: amd64arm64, Attested: true, Config: v1.Config{User: "app"}}, map[string]string{containerd: "docker.io/library/python:3.12", refName: "3.12"}},
		named{img("b"), map[string]string{refName: "ghcr.io/o/app:1"}},
		named{img("c"), map[string]string{refName: "python:3.13"}},
		named{img("d"), map[string]string{refName: "latest"}},
		named{img("e"), nil},
	)
	for _, l := range []*layout.Layout{open(t, dir), open(t, pack(t, dir, "")), open(t, pack(t, dir, "./"))} {
		for r, want := range map[images.Ref]string{
			ref(t, "python:3.12"): d[0], ref(t, "docker.io/library/python:3.12"): d[0], ref(t, "ghcr.io/o/app:1"): d[1], ref(t, "index.docker.io/library/python:3.13"): d[2],
			{Tag: "latest"}: d[3], ref(t, "anything@"+d[4]): d[4], {Digest: d[1]}: d[1], ref(t, "python:3.12@"+d[0]): d[0],
		} {
			if got, err := l.Resolve(r); err != nil || got.Digest != want || got.Index != (want == d[0]) {
				t.Errorf("%s: %s is %+v, %v, want %s", l.Name(), r, got, err, want)
			}
		}
		for _, r := range []images.Ref{{}, ref(t, "python"), ref(t, "debian"), ref(t, "ghcr.io/o/app"), ref(t, "app:1"), {Tag: "3.12"}, ref(t, "x@sha256:"+strings.Repeat("0", 64))} {
			_, err := l.Resolve(r)
			wants(t, err, images.ErrNotFound, l.Name()+": ")
			_, err = l.Describe(r, "")
			wants(t, err, images.ErrNotFound)
		}
		_, err := l.Resolve(ref(t, "debian:12"))
		wants(t, err, images.ErrNotFound, "debian:12: there is no such image: it holds docker.io/library/python:3.12, ghcr.io/o/app:1, latest, python:3.13, sha256:")

		if tags, err := l.Tags(ref(t, "python")); err != nil || !slices.Equal(tags, []string{"3.12", "3.13"}) {
			t.Errorf("%q, %v", tags, err)
		}
		if tags, err := l.Tags(images.Ref{}); err != nil || !slices.Equal(tags, []string{"latest"}) {
			t.Errorf("%q, %v", tags, err)
		}
		_, err = l.Tags(ref(t, "node"))
		wants(t, err, images.ErrNotFound)
		if p, err := l.Platforms(ref(t, "python:3.12")); err != nil || !slices.Equal(p, amd64arm64) {
			t.Errorf("%q, %v", p, err)
		}
		if got, err := l.Describe(ref(t, "python:3.12"), "linux/arm64"); err != nil || got.Platform != "linux/arm64/v8" || got.User != "app" || got.Digest != d[0] || got.Layers != 2 || got.Created != "2026-08-01" {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = l.Describe(ref(t, "python:3.12"), "linux/s390x")
		wants(t, err, images.ErrPlatform, l.Name()+": python:3.12: ", "for linux/amd64, linux/arm64/v8")
	}
}

// The one image of a layout needs no name.
func TestSingle(t *testing.T) {
	dir, d := lay(t, named{registrytest.Image{Content: "a", Docker: true}, map[string]string{refName: "x:1"}})
	l := open(t, dir)
	if got, err := l.Describe(images.Ref{}, ""); err != nil || got.Digest != d[0] || got.Platform != "linux/amd64" {
		t.Errorf("%+v, %v", got, err)
	}
	if want := "OCI layout " + dir; l.Name() != want {
		t.Errorf("its name is %q", l.Name())
	}
	two, _ := lay(t, named{registrytest.Image{Content: "a"}, map[string]string{refName: "x:1"}}, named{registrytest.Image{Content: "b"}, map[string]string{refName: "x:1"}})
	_, err := open(t, two).Resolve(ref(t, "x:1"))
	wants(t, err, images.ErrNotFound, "several images have that name")
	none, _ := lay(t)
	_, err = open(t, none).Resolve(images.Ref{})
	wants(t, err, images.ErrNotFound, "it holds no image")
}

func blob(dir, digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(dir, "blobs", algorithm, hex)
}

// What isn't a layout, and why.
func TestNoLayout(t *testing.T) {
	tmp := t.TempDir()
	put := func(name, body string) string {
		name = filepath.Join(tmp, name)
		os.MkdirAll(filepath.Dir(name), 0o700)
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	put("empty/x", "")
	put("version/oci-layout", `{"imageLayoutVersion":"7"}`)
	put("noindex/oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
	for name, body := range map[string]string{
		"html": "<html>", "manifest": `{"schemaVersion":2,"config":{},"layers":[]}`, "long": strings.Repeat(" ", 5<<20),
		"dots": `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../x","size":1}]}`,
		"size": `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:` + strings.Repeat("0", 64) + `","size":"big"}]}`,
	} {
		put(name+"/oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
		put(name+"/index.json", body)
	}
	for name, says := range map[string]string{
		"absent": "it isn't there", "empty": "oci-layout can't be read: it isn't there", "version": "no version that is known", "noindex": "index.json can't be read: it isn't there",
		"html": "index.json isn't an index", "manifest": "index.json isn't an index", "long": "longer than 4096 KiB", "dots": "index.json can't be read", "size": "index.json can't be read",
		filepath.Base(put("x.tar.gz", "\x1f\x8b\x08")): "it is compressed: gunzip it", filepath.Base(put("x.txt", "hello")): "it isn't a whole tar archive", filepath.Base(put("nothing", "")): "it isn't a whole tar archive",
	} {
		_, err := layout.Open(filepath.Join(tmp, name))
		wants(t, err, images.ErrInvalid, "OCI layout "+filepath.Join(tmp, name)+": ", says)
	}
	if _, err := layout.Open(os.DevNull); err == nil {
		t.Error("a device is a layout")
	}
}

// Layouts that lie are refused, and nothing outside of them is read.
func TestHostile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(secret, []byte("secret-word"), 0o600)
	img := named{registrytest.Image{Content: "a", Platforms: amd64arm64}, map[string]string{refName: "x:1"}}
	for name, spoil := range map[string]func(dir, digest string) error{
		"another content": func(dir, d string) error {
			return os.WriteFile(blob(dir, d), []byte(`{"schemaVersion":2,"manifests":[]}`), 0o600)
		},
		"truncated":        func(dir, d string) error { return os.Truncate(blob(dir, d), 40) },
		"missing":          func(dir, d string) error { return os.Remove(blob(dir, d)) },
		"a folder":         func(dir, d string) error { os.Remove(blob(dir, d)); return os.Mkdir(blob(dir, d), 0o700) },
		"too long":         func(dir, d string) error { return os.Truncate(blob(dir, d), 1<<40) },
		"a link out of it": func(dir, d string) error { os.Remove(blob(dir, d)); return os.Symlink(secret, blob(dir, d)) },
		"a link by dots": func(dir, d string) error {
			os.Remove(blob(dir, d))
			return os.Symlink("../../../../../../../../"+secret, blob(dir, d))
		},
		"blobs are a link": func(dir, d string) error {
			os.RemoveAll(dir + "/blobs")
			return os.Symlink(filepath.Dir(secret), dir+"/blobs")
		},
		"a link to a device": func(dir, d string) error { os.Remove(blob(dir, d)); return os.Symlink("/dev/zero", blob(dir, d)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, d := lay(t, img)
			if err := spoil(dir, d[0]); err != nil {
				t.Fatal(err)
			}
			_, err := open(t, dir).Describe(ref(t, "x:1"), "")
			wants(t, err, images.ErrInvalid, "x:1: ")
			if strings.Contains(err.Error(), "secret-word") {
				t.Error(err)
			}
		})
	}
	// A link that stays inside is one that people make to save space.
	dir, d := lay(t, img)
	if err := os.Rename(blob(dir, d[0]), dir+"/real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../real", blob(dir, d[0])); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, dir).Resolve(ref(t, "x:1")); err != nil || got.Digest != d[0] {
		t.Errorf("%+v, %v", got, err)
	}
}

// Archives that lie.
func TestHostileTar(t *testing.T) {
	dir, d := lay(t, named{registrytest.Image{Content: "a"}, map[string]string{refName: "x:1"}})
	whole, err := os.ReadFile(pack(t, dir, ""))
	if err != nil {
		t.Fatal(err)
	}
	put := func(body []byte) string {
		name := filepath.Join(t.TempDir(), "x.tar")
		os.WriteFile(name, body, 0o600)
		return name
	}
	for n := 0; n < len(whole)-1024; n += 700 { // cut anywhere it is no layout, or none with that image
		l, err := layout.Open(put(whole[:n]))
		if err == nil {
			_, err = l.Describe(ref(t, "x:1"), "")
		}
		if err == nil {
			t.Errorf("%d of %d bytes are enough", n, len(whole))
		}
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Name: "oci-layout", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "index.json", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	_, err = layout.Open(put(out.Bytes()))
	wants(t, err, images.ErrInvalid, "oci-layout can't be read: it isn't there")

	// The archive may change after it was opened: what it gives is still checked.
	name := put(whole)
	l := open(t, name)
	os.WriteFile(name, bytes.ReplaceAll(whole, []byte("schemaVersion"), []byte("schemaVersiom")), 0o600)
	_, err = l.Resolve(ref(t, "x@"+d[0]))
	wants(t, err, images.ErrInvalid, "have another digest")
	os.Remove(name)
	_, err = l.Resolve(ref(t, "x:1"))
	wants(t, err, images.ErrInvalid)
}
