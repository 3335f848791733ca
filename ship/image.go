package ship

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// An Image is one of one platform.
type Image struct {
	Platform   string `json:"platform"`   // "linux/arm64/v8"
	Digest     string `json:"digest"`     // of its manifest
	Compressed int64  `json:"compressed"` // bytes of its layers, as a registry stores them
	Layers     int    `json:"layers"`
	User       string `json:"user"` // of its configuration; "" is root
	// Root: the user is 0, by number or by the image's own /etc/passwd.
	Root bool `json:"root"`

	dir string   // its own layout
	img v1.Image // in it
}

// imagesOf gives the images of the digest, one per platform, each in a layout of
// its own below work. Attestations are no images. root stands alone in the layout
// whole.
func imagesOf(from, digest, work string) (images []*Image, root v1.Descriptor, whole string, err error) {
	whole = filepath.Join(work, "whole")
	if root, err = extract(from, digest, whole); err == nil {
		images, err = split(whole, root, work)
	}
	return images, root, whole, err
}

func split(whole string, root v1.Descriptor, work string) ([]*Image, error) {
	p, err := layout.FromPath(whole)
	if err != nil {
		return nil, err
	}
	var manifests []v1.Descriptor
	if root.MediaType.IsIndex() {
		top, err := p.ImageIndex()
		if err != nil {
			return nil, err
		}
		index, err := top.ImageIndex(root.Digest)
		if err != nil {
			return nil, err
		}
		if manifests, err = flatten(index); err != nil {
			return nil, err
		}
	} else {
		manifests = []v1.Descriptor{root}
	}
	if len(manifests) == 0 {
		return nil, errors.New("the builder's index holds no image")
	}
	var out []*Image
	for i, m := range manifests {
		im := &Image{Digest: m.Digest.String(), dir: whole}
		if m.Digest != root.Digest {
			im.dir = filepath.Join(work, fmt.Sprintf("image-%d", i))
			if _, err := extract(whole, im.Digest, im.dir); err != nil {
				return nil, err
			}
		}
		if err := im.read(); err != nil {
			return nil, fmt.Errorf("the image %s can't be read: %w", im.Digest, err)
		}
		out = append(out, im)
	}
	return out, nil
}

// flatten lists an index's images.
func flatten(index v1.ImageIndex) ([]v1.Descriptor, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var out []v1.Descriptor
	for _, d := range m.Manifests {
		switch {
		case d.Annotations["vnd.docker.reference.type"] != "": // an attestation
		case d.MediaType.IsIndex():
			child, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			more, err := flatten(child)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case d.MediaType.IsImage():
			out = append(out, d)
		}
	}
	return out, nil
}

// read fills in the facts.
func (im *Image) read() error {
	p, err := layout.FromPath(im.dir)
	if err != nil {
		return err
	}
	h, err := v1.NewHash(im.Digest)
	if err != nil {
		return err
	}
	if im.img, err = p.Image(h); err != nil {
		return err
	}
	c, err := im.img.ConfigFile()
	if err != nil {
		return err
	}
	if c.Platform() != nil {
		im.Platform = c.Platform().String()
	}
	m, err := im.img.Manifest()
	if err != nil {
		return err
	}
	im.Layers = len(m.Layers)
	for _, l := range m.Layers {
		im.Compressed += l.Size
	}
	im.User = c.Config.User
	im.Root, err = im.isRoot(c.Config.User)
	return err
}

// isRoot tells whether USER is root: a number, or a name that the image's own
// /etc/passwd gives the number 0.
func (im *Image) isRoot(user string) (bool, error) {
	user, _, _ = strings.Cut(user, ":")
	if user == "" || user == "root" {
		return true, nil
	}
	if strings.Trim(user, "0123456789") == "" {
		return strings.Trim(user, "0") == "", nil
	}
	passwd, err := im.file("etc/passwd")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(passwd)) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[0] == user {
			return strings.Trim(f[2], "0") == "", nil
		}
	}
	return false, nil
}

// file is the text of a file of the image, nil when there is none.
func (im *Image) file(name string) (text []byte, err error) {
	err = im.walk(func(h *tar.Header, r io.Reader) (bool, error) {
		entry := path.Clean(strings.TrimPrefix(h.Name, "/"))
		dir, base := path.Split(name)
		switch {
		case entry == dir+".wh."+base, dir != "" && (entry == ".wh."+strings.TrimSuffix(dir, "/") || entry == dir+".wh..wh..opq"):
			return true, nil // deleted: what is below doesn't show
		case entry == name && h.Typeflag == tar.TypeReg:
			text, err = io.ReadAll(io.LimitReader(r, 4<<20))
			return true, err
		}
		return false, nil
	})
	return text, err
}

// databases are the files in which a system keeps what is installed.
var databases = []string{"var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/Packages"}

// database is a file of the image that lists packages, "" for none.
func (im *Image) database() (found string, err error) {
	err = im.walk(func(h *tar.Header, _ io.Reader) (bool, error) {
		entry := path.Clean(strings.TrimPrefix(h.Name, "/"))
		for _, d := range databases {
			if entry == d && h.Size > 0 {
				found = "/" + d
			}
		}
		// distroless keeps one file per package here.
		if dir, base := path.Split(entry); dir == "var/lib/dpkg/status.d/" && h.Typeflag == tar.TypeReg && !strings.HasPrefix(base, ".wh.") {
			found = "/" + entry
		}
		return found != "", nil
	})
	return found, err
}

// walk shows the entries of the layers, the highest layer first. When one of a
// layer's ends the walk, the rest of that layer is still shown: a folder's opaque
// mark may stand before the file that lies in the same layer.
func (im *Image) walk(see func(*tar.Header, io.Reader) (end bool, err error)) error {
	layers, err := im.img.Layers()
	if err != nil {
		return err
	}
	for i := len(layers) - 1; i >= 0; i-- {
		end, err := walkLayer(layers[i], see)
		if err != nil || end {
			return err
		}
	}
	return nil
}

func walkLayer(l v1.Layer, see func(*tar.Header, io.Reader) (bool, error)) (end bool, err error) {
	r, err := l.Uncompressed()
	if err != nil {
		return false, err
	}
	defer r.Close()
	t := tar.NewReader(bufio.NewReaderSize(r, 1<<16))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return false, err
		}
		stop, err := see(h, t)
		if err != nil {
			return false, err
		}
		end = end || stop
	}
}
