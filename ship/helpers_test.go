package ship

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"drydock/images/registry/registrytest"
	"drydock/scan"
)

// image makes an image of one platform; each layer is files by name.
func image(t *testing.T, platform, user string, layers ...map[string]string) v1.Image {
	t.Helper()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, Config: v1.Config{User: user}, RootFS: v1.RootFS{Type: "layers"}}); err != nil {
		t.Fatal(err)
	}
	for _, files := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, files[name])
		}
		w.Close()
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// index makes an index of images, with an attestation as buildx has them.
func index(t *testing.T, imgs ...v1.Image) v1.ImageIndex {
	t.Helper()
	x := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, img := range imgs {
		c, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		x = mutate.AppendManifests(x, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: c.Platform()}})
	}
	return mutate.AppendManifests(x, mutate.IndexAddendum{Add: image(t, "unknown/unknown", ""), Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}})
}

// stored is a layout with these images and indexes, and their digests.
func stored(t *testing.T, all ...mutate.Appendable) (dir string, digests []string) {
	t.Helper()
	dir = t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		switch a := a.(type) {
		case v1.ImageIndex:
			err = p.AppendIndex(a)
		case v1.Image:
			err = p.AppendImage(a)
		}
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest(t, a))
	}
	return dir, digests
}

func digest(t *testing.T, a mutate.Appendable) string {
	t.Helper()
	h, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// scanner is a grype that finds, by manifest digest, one vulnerability of each
// severity named; images that aren't there it can't scan.
func scanner(t *testing.T, found map[string][]string) *scan.Scanner {
	t.Helper()
	dir := t.TempDir()
	for d, severities := range found {
		var matches []string
		for i, s := range severities {
			matches = append(matches, fmt.Sprintf(`{"vulnerability":{"id":"INVENTED-%d","severity":%q,"dataSource":"https://example.com/%[1]d","fix":{"versions":["2.%[1]d"]}},"artifact":{"name":"lib|%[1]d","version":"1"}}`, i, s))
		}
		text := fmt.Sprintf(`{"descriptor":{"name":"grype","version":"0.1"},"distro":{"name":"debian"},"source":{"target":{"manifestDigest":%q}},"matches":[%s]}`, d, strings.Join(matches, ","))
		write(t, filepath.Join(dir, strings.TrimPrefix(d, "sha256:")), text)
	}
	program := filepath.Join(dir, "grype")
	write(t, program, `#!/bin/sh
for hex in $(grep -o 'sha256:[0-9a-f]*' "${1#oci-dir:}/index.json" | cut -d: -f2); do
  cat "`+dir+`/$hex" 2>/dev/null || { echo "can't read $hex" >&2; exit 1; }
done
`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	return &scan.Scanner{Name: "grype", Path: program}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// request ships a digest of a layout to tags of a registry.
func request(t *testing.T, dir, digest string, reg *registrytest.Registry, tags ...string) Request {
	t.Helper()
	registrytest.NoLogins(t)
	r := Request{Layout: dir, Digest: digest, Work: t.TempDir(), Push: true, Stages: []string{"build", "1"}, Pusher: Pusher{Pause: time.Millisecond}}
	for _, name := range tags {
		tag, err := ParseTag(reg.Addr + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		r.Tags = append(r.Tags, tag)
	}
	return r
}

// item is a line of the list, as text.
func item(t *testing.T, c *Checklist, name string) string {
	t.Helper()
	for _, i := range c.Items {
		if i.Name == name {
			return fmt.Sprintf("%s %v %s", i.State, i.Gate, i.Text)
		}
	}
	return "no item " + name
}
