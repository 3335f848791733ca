// Package layout is the images.Store of an OCI layout: a folder or a tar archive
// that holds images, as `docker buildx build --output type=oci`, `docker save`
// and skopeo make them. Nothing is unpacked; every blob is checked against its
// digest; nothing outside of the folder is read.
//
// Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/images"
	"drydock/images/internal/oci"
)

// Layout is an images.Store over a layout.
//
// An image is found by its full name, which buildx and docker write into the
// annotation io.containerd.image.name, and skopeo where it is told so into
// org.opencontainers.image.ref.name. Where that holds a tag alone, nobody can
// tell of which repository: the image answers to a reference that is a tag alone
// too (images.Ref{Tag: "3.12"}). Digests find any image. The empty reference is
// the image of a layout that holds one.
type Layout struct {
	name  string
	files source
	roots []root
}

var _ images.Store = (*Layout)(nil)

// root is an entry of index.json.
type root struct {
	desc v1.Descriptor
	ref  images.Ref // without Path it is a tag alone, or has no name
}

// source gives files by their name below the layout, slashes between.
type source interface {
	// read gives a whole file; longer than most is an error. It is fs.ErrNotExist
	// when there is none.
	read(name string, most int64) ([]byte, error)
}

// Open reads which images a folder or a .tar archive holds. The error says what
// isn't a layout about it.
func Open(dir string) (*Layout, error) {
	l := &Layout{name: "OCI layout " + oci.Clean(dir)}
	var err error
	if l.files, err = open(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	return l, nil
}

func (l *Layout) load() error {
	const how = "make one with docker buildx build --output type=oci,dest=FILE.tar"
	mark, err := l.files.read("oci-layout", 4<<10)
	if err != nil {
		return invalid("oci-layout can't be read: "+reason(err), how)
	}
	var version struct{ ImageLayoutVersion string }
	if json.Unmarshal(mark, &version) != nil || !strings.HasPrefix(version.ImageLayoutVersion, "1.") {
		return invalid("oci-layout names no version that is known", how)
	}
	body, err := l.files.read("index.json", oci.MaxManifest)
	if err != nil {
		return invalid("index.json can't be read: "+reason(err), how)
	}
	if _, index, err := oci.Kind("", body); err != nil || !index {
		return invalid("index.json isn't an index", how)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		return invalid("index.json can't be read: "+oci.Clean(err.Error()), how)
	}
	for _, d := range index.Manifests {
		if (d.MediaType.IsIndex() || d.MediaType.IsImage()) && d.Annotations["vnd.docker.reference.type"] == "" {
			l.roots = append(l.roots, root{d, nameOf(d)})
		}
	}
	return nil
}

// nameOf reads what an entry is called.
func nameOf(d v1.Descriptor) images.Ref {
	name := d.Annotations["io.containerd.image.name"]
	if name == "" {
		name = d.Annotations["org.opencontainers.image.ref.name"]
		if oci.IsTag(name) {
			return images.Ref{Tag: name}
		}
	}
	ref, err := images.ParseRef(name)
	if err != nil || strings.Contains(name, "$") {
		return images.Ref{}
	}
	if ref.Tag == "" && ref.Digest == "" {
		ref.Tag = "latest"
	}
	return ref
}

// Name is "OCI layout ./out".
func (l *Layout) Name() string { return l.name }

// Resolve implements images.Store.
func (l *Layout) Resolve(ref images.Ref) (images.Descriptor, error) {
	d, err := l.find(ref)
	return d, l.about(ref, err)
}

func (l *Layout) find(ref images.Ref) (images.Descriptor, error) {
	if ref.Digest != "" {
		d, err := l.byDigest(ref.Digest)
		if errors.Is(err, fs.ErrNotExist) {
			return d, fmt.Errorf("%w: it holds %s: name one of them", images.ErrNotFound, l.holds())
		}
		return d, err
	}
	if ref.Path != "" && ref.Tag == "" {
		ref.Tag = "latest"
	}
	var found []root
	for _, r := range l.roots {
		if ref.Path == "" && ref.Tag == "" || r.ref.Path != "" == (ref.Path != "") && r.ref.Tag == ref.Tag && r.ref.Repository() == ref.Repository() {
			found = append(found, r)
		}
	}
	found = slices.CompactFunc(found, func(a, b root) bool { return a.desc.Digest == b.desc.Digest })
	switch len(found) {
	case 0:
		return images.Descriptor{}, fmt.Errorf("%w: it holds %s: name one of them", images.ErrNotFound, l.holds())
	case 1:
		if s := found[0].desc.Size; s < 0 || s > oci.MaxManifest {
			return images.Descriptor{}, invalid(fmt.Sprintf("a manifest of %d bytes isn't one", s), "make the layout anew")
		}
		return l.byDigest(found[0].desc.Digest.String())
	}
	return images.Descriptor{}, fmt.Errorf("%w: several images have that name: name one by its digest", images.ErrNotFound)
}

// holds lists the names of the images, for messages.
func (l *Layout) holds() string {
	var names []string
	for _, r := range l.roots {
		if n := r.ref.String(); n != "" {
			names = append(names, strings.TrimPrefix(n, ":"))
		} else {
			names = append(names, r.desc.Digest.String())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "no image"
	}
	return oci.Clean(strings.Join(slices.Compact(names), ", "))
}

// byDigest finds an index or a manifest, wherever it is.
func (l *Layout) byDigest(digest string) (images.Descriptor, error) {
	body, mediaType, err := l.Manifest(digest)
	if err != nil {
		return images.Descriptor{}, err
	}
	_, index, err := oci.Kind(mediaType, body)
	return images.Descriptor{Digest: digest, MediaType: mediaType, Index: index}, err
}

// Tags implements images.Store. Of a reference without repository it lists the
// tags that stand alone.
func (l *Layout) Tags(ref images.Ref) ([]string, error) {
	var out []string
	for _, r := range l.roots {
		if r.ref.Tag != "" && (r.ref.Path != "") == (ref.Path != "") && r.ref.Repository() == ref.Repository() {
			out = append(out, r.ref.Tag)
		}
	}
	if out == nil {
		return nil, l.about(ref, fmt.Errorf("%w: it holds %s: name one of them", images.ErrNotFound, l.holds()))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Platforms implements images.Store.
func (l *Layout) Platforms(ref images.Ref) ([]string, error) {
	d, err := l.find(ref)
	if err != nil {
		return nil, l.about(ref, err)
	}
	out, err := oci.Platforms(d, l)
	return out, l.about(ref, err)
}

// Describe implements images.Store.
func (l *Layout) Describe(ref images.Ref, platform string) (images.Description, error) {
	d, err := l.find(ref)
	if err != nil {
		return images.Description{}, l.about(ref, err)
	}
	out, err := oci.Describe(d, l, platform)
	return out, l.about(ref, err)
}

// Manifest implements oci.Blobs.
func (l *Layout) Manifest(digest string) ([]byte, string, error) {
	body, err := l.blob(digest, oci.MaxManifest)
	if err != nil {
		return nil, "", err
	}
	mediaType, _, err := oci.Kind("", body)
	return body, mediaType, err
}

// Config implements oci.Blobs.
func (l *Layout) Config(digest string, size int64) ([]byte, error) {
	body, err := l.blob(digest, oci.MaxConfig)
	if err == nil && int64(len(body)) != size {
		err = invalid(fmt.Sprintf("the configuration of the image has %d bytes, and should have %d", len(body), size), "make the layout anew")
	}
	return body, err
}

func (l *Layout) blob(digest string, most int64) ([]byte, error) {
	h, err := v1.NewHash(digest)
	if err != nil {
		return nil, invalid(fmt.Sprintf("%q isn't a digest", oci.Clean(digest)), "write sha256: and 64 hexadecimal digits")
	}
	body, err := l.files.read("blobs/"+h.Algorithm+"/"+h.Hex, most)
	if err != nil {
		return nil, fmt.Errorf("%w: the blob %s can't be read: %s: make the layout anew%w", images.ErrInvalid, digest, reason(err), silent{err})
	}
	return body, oci.Verify(digest, body)
}

// about puts the layout and the reference before an error.
func (l *Layout) about(ref images.Ref, err error) error {
	if err == nil {
		return nil
	}
	name := oci.Clean(ref.String())
	if name == "" {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return fmt.Errorf("%s: %s: %w", l.name, name, err)
}

// silent is an error that is there and adds no text.
type silent struct{ err error }

func (s silent) Error() string { return "" }
func (s silent) Unwrap() error { return s.err }

func reason(err error) string {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it isn't there"
	case errors.As(err, &path):
		err = path.Err
	}
	return oci.Clean(err.Error())
}

func invalid(why, do string) error { return fmt.Errorf("%w: %s: %s", images.ErrInvalid, why, do) }
