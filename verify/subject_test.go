package verify

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"drydock/images"
	"drydock/rewrite"
	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// contents are an image's files: text by path. A path that ends in "/" is a folder, "-> x" a symbolic link, and
// "ELF x,y" a library or program of amd64 that needs x and y.
type contents map[string]string

// apt and apk are the files by which an image has a package manager.
var (
	apt = contents{"usr/bin/apt-get": "ELF ", "var/lib/dpkg/status": "", "etc/os-release": "ID=debian\n"}
	apk = contents{"sbin/apk": "ELF ", "lib/apk/db/installed": ""}
)

// with gives the files of both.
func (c contents) with(more contents) contents {
	out := maps.Clone(c)
	maps.Copy(out, more)
	return out
}

// dpkg gives the records of installed packages: their files by name, "+" in front of one that somebody asked for.
func dpkg(packages map[string][]string) contents {
	out := contents{}
	var status, states strings.Builder
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		bare, manual := strings.CutPrefix(name, "+")
		status.WriteString("Package: " + bare + "\nStatus: install ok installed\nArchitecture: amd64\n\n")
		if !manual {
			states.WriteString("Package: " + bare + "\nAuto-Installed: 1\n\n")
		}
		out["var/lib/dpkg/info/"+bare+".list"] = strings.Join(packages[name], "\n") + "\n"
	}
	out["var/lib/dpkg/status"], out["var/lib/apt/extended_states"] = status.String(), states.String()
	return out
}

// image writes an image of one layer and reads it back.
func (c contents) image(t testing.TB, config v1.Config) *imagefs.Image {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		text := c[name]
		h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text))}
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size, text = tar.TypeSymlink, to, 0, ""
		} else if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Size, text = tar.TypeDir, 0, ""
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "layout")
	into, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := into.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	read, err := imagefs.NewReader(folder).Image(digest.String(), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range c {
		if needs, ok := strings.CutPrefix(text, "ELF "); ok {
			e := &imagefs.ELF{Class: elf.ELFCLASS64, Machine: elf.EM_X86_64}
			if needs != "" {
				e.Needed = strings.Split(needs, ",")
			}
			read.Tree[name].ELF = e
		}
	}
	return read
}

// built is a Dockerfile with the image that it would give.
func built(t testing.TB, text string, c contents, config v1.Config) *subject {
	t.Helper()
	doc, err := rewrite.Parse("Dockerfile", text, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	return &subject{side: Side{Dockerfile: text}, doc: doc, img: c.image(t, config), saw: &probe.Result{}}
}
