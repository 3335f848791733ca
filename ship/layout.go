package ship

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// extract makes an OCI layout in the folder to that holds the image or index of
// that digest alone, from a layout that may hold others. Files are linked where
// that can be done. Every blob is held against its digest on the way, so that what
// is scanned afterwards is what the digest says.
//
// The source's index.json isn't read: a digest names its blob.
func extract(from, digest, to string) (v1.Descriptor, error) {
	root, err := v1.NewHash(digest)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("%q isn't a digest", digest)
	}
	x := extraction{from: from, to: to, done: map[v1.Hash]bool{}}
	body, err := x.blob(root)
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{Digest: root, Size: int64(len(body)), MediaType: kind(body)}
	if err := x.manifest(d, body, 0); err != nil {
		return d, err
	}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{d}})
	if err != nil {
		return d, err
	}
	for name, text := range map[string][]byte{"index.json": index, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return d, err
		}
	}
	return d, nil
}

// kind is a manifest's media type; OCI lets it be left out of the text.
func kind(body []byte) types.MediaType {
	var m struct {
		MediaType types.MediaType
		Manifests *json.RawMessage
	}
	if json.Unmarshal(body, &m) == nil && m.MediaType == "" {
		if m.Manifests != nil {
			return types.OCIImageIndex
		}
		return types.OCIManifestSchema1
	}
	return m.MediaType
}

type extraction struct {
	from, to string
	done     map[v1.Hash]bool
}

// maxManifest bounds a manifest or a configuration, in bytes.
const maxManifest = 16 << 20

// manifest brings what a manifest refers to.
func (x *extraction) manifest(d v1.Descriptor, body []byte, depth int) error {
	switch {
	case depth > 4:
		return errors.New("the image's index is nested too deep")
	case d.MediaType.IsIndex():
		var m v1.IndexManifest
		if err := json.Unmarshal(body, &m); err != nil {
			return fmt.Errorf("the index %s can't be read: %w", d.Digest, err)
		}
		for _, child := range m.Manifests {
			body, err := x.blob(child.Digest)
			if err != nil {
				return err
			}
			if err := x.manifest(child, body, depth+1); err != nil {
				return err
			}
		}
		return nil
	case !d.MediaType.IsImage():
		return fmt.Errorf("%s is neither an image nor an index of images: %s", d.Digest, d.MediaType)
	}
	var m v1.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("the manifest %s can't be read: %w", d.Digest, err)
	}
	for _, b := range append(m.Layers, m.Config) {
		if err := x.link(b.Digest); err != nil {
			return err
		}
	}
	return nil
}

// blob brings a small blob and gives its text.
func (x *extraction) blob(h v1.Hash) ([]byte, error) {
	if err := x.link(h); err != nil {
		return nil, err
	}
	f, err := os.Open(blobPath(x.to, h))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(body) > maxManifest {
		err = fmt.Errorf("the manifest %s is longer than %d MB", h, maxManifest>>20)
	}
	return body, err
}

func blobPath(dir string, h v1.Hash) string { return filepath.Join(dir, "blobs", h.Algorithm, h.Hex) }

// link brings one blob, unless it is there.
func (x *extraction) link(h v1.Hash) error {
	if x.done[h] {
		return nil
	}
	x.done[h] = true
	if h.Algorithm != "sha256" || strings.Trim(h.Hex, "0123456789abcdef") != "" {
		return fmt.Errorf("the digest %s is of a kind that isn't known", h)
	}
	from, to := blobPath(x.from, h), blobPath(x.to, h)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the builder's image lacks the blob %s", h)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // another file system, or one without links
		if err := copyFile(from, to); err != nil {
			return err
		}
	}
	f, err := os.Open(to)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != h.Hex {
		return fmt.Errorf("the blob %s of the builder's image is damaged: it has the digest sha256:%s", h, got)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
