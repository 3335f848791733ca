package imagefs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(name, text string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text)), Linkname: text}
}

func dir(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}
}

func gone(name string) tar.Header {
	d, base := filepath.Split(name)
	return file(d+whiteout+base, "")
}

// read makes an OCI layout of these layers, and reads them back as one tree. A regular file's Linkname is its text.
func read(t *testing.T, layers ...[]tar.Header) Tree {
	t.Helper()
	layout := t.TempDir()
	blobs := filepath.Join(layout, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, members := range layers {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		tw := tar.NewWriter(zw)
		for _, h := range members {
			text := ""
			if h.Typeflag == tar.TypeReg {
				text, h.Linkname = h.Linkname, ""
			}
			if err := tw.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := tw.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b.Bytes())
		name := hex.EncodeToString(sum[:])
		if err := os.WriteFile(filepath.Join(blobs, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, "sha256:"+name)
	}
	tree, err := NewReader(layout).Tree(digests)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestLayersLieOverEachOther(t *testing.T) {
	link := tar.Header{Typeflag: tar.TypeLink, Name: "bin/same", Linkname: "bin/tool"}
	for _, c := range []struct {
		name   string
		layers [][]tar.Header
		want   string
	}{
		{"a file is replaced", [][]tar.Header{{file("a", "1")}, {file("a", "2")}}, "a=2"},
		{"a file is removed", [][]tar.Header{{file("a", "1"), file("ab", "1")}, {gone("a")}}, "ab=1"},
		{"a folder is removed", [][]tar.Header{{dir("d"), file("d/a", "1"), file("dd", "1")}, {gone("d")}}, "dd=1"},
		{"a folder is removed and made again", [][]tar.Header{{dir("d"), file("d/a", "1")}, {gone("d"), dir("d"), file("d/b", "2")}}, "d d/b=2"},
		{"a folder is emptied", [][]tar.Header{{dir("d"), file("d/a", "1")}, {dir("d"), file("d/b", "2"), file("d/"+opaque, "")}}, "d d/b=2"},
		{"a file comes where a folder was", [][]tar.Header{{dir("d"), file("d/a", "1")}, {file("d", "2")}}, "d=2"},
		{"a folder comes again", [][]tar.Header{{dir("d"), file("d/a", "1")}, {dir("d")}}, "d d/a=1"},
		{"a hard link to the same layer", [][]tar.Header{{dir("bin"), file("bin/tool", "1"), link}}, "bin bin/same=1 bin/tool=1"},
		{"a hard link to the layer below", [][]tar.Header{{dir("bin"), file("bin/tool", "1")}, {link, file("bin/tool", "2")}}, "bin bin/same=1 bin/tool=2"},
		{"names are cleaned", [][]tar.Header{{dir("."), file("./a", "1")}, {file("/b", "2")}}, ". a=1 b=2"},
	} {
		var got []string
		for p, n := range read(t, c.layers...) {
			if n.Type == tar.TypeReg {
				p += "=" + string(n.Text)
			}
			got = append(got, p)
		}
		slices.Sort(got)
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEveryDifferenceIsSeen(t *testing.T) {
	base := file("f", "text\n")
	for _, c := range []struct {
		name   string
		change func(*tar.Header)
		want   string // "" for no difference
	}{
		{"nothing", func(h *tar.Header) {}, ""},
		{"name", func(h *tar.Header) { h.Name = "g" }, "/f: gone: -0644 0:0\n/g: new: -0644 0:0"},
		{"mode", func(h *tar.Header) { h.Mode = 0o755 }, "/f: -0644 0:0 before, -0755 0:0 after"},
		{"setuid", func(h *tar.Header) { h.Mode = 0o4644 }, "/f: -0644 0:0 before, -4644 0:0 after"},
		{"owner", func(h *tar.Header) { h.Uid = 1000 }, "/f: -0644 0:0 before, -0644 1000:0 after"},
		{"group", func(h *tar.Header) { h.Gid = 1000 }, "/f: -0644 0:0 before, -0644 0:1000 after"},
		{"type", func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "to", 0 }, "/f: -0644 0:0 before, l0644 0:0 -> to after"},
		{"capability", func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01"} },
			"/f: -0644 0:0 before, -0644 0:0 security.capability=01 after"},
		{"content", func(h *tar.Header) { h.Linkname = "test\n" }, `/f: other content: line 1 is "text" before, "test" after`},
		{"a line more", func(h *tar.Header) { h.Linkname, h.Size = "text\nmore", 9 }, `/f: other content: line 2 is "" before, "more" after`},
	} {
		changed := base
		c.change(&changed)
		var got []string
		for _, d := range Compare(read(t, []tar.Header{base}), read(t, []tar.Header{changed})) {
			got = append(got, d.String())
		}
		if got := strings.Join(got, "\n"); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestTimesInsideFilesDontCount(t *testing.T) {
	pyc := func(flags byte, time, code string) string {
		return "\xcb\r\r\n" + string(flags) + "\x00\x00\x00" + time + "\x10\x00\x00\x00" + code
	}
	for _, c := range []struct {
		name, path, before, after string
		same                      bool
	}{
		{"source's time", "a.pyc", pyc(0, "1234", "code"), pyc(0, "5678", "code"), true},
		{"code", "a.pyc", pyc(0, "1234", "code"), pyc(0, "1234", "kode"), false},
		{"source's hash", "a.pyc", pyc(1, "1234", "code"), pyc(1, "5678", "code"), false},
		{"account made on another day", "etc/shadow", "root:*:19000:0:::::\nkeeper:!:20780:0:99999:7:::\n", "root:*:19000:0:::::\nkeeper:!:20781:0:99999:7:::\n", true},
		{"another password", "etc/shadow", "keeper:!:20780:0:::::\n", "keeper:x:20780:0:::::\n", false},
		{"no last change", "etc/shadow", "keeper:!::0:::::\n", "keeper:!:20780:0:::::\n", false},
		{"an ordinary file", "etc/passwd", "keeper:x:1500:1500\n", "keeper:x:1501:1500\n", false},
	} {
		diffs := Compare(read(t, []tar.Header{file(c.path, c.before)}), read(t, []tar.Header{file(c.path, c.after)}))
		if (len(diffs) == 0) != c.same {
			t.Errorf("%s: %v", c.name, diffs)
		}
	}
}

func TestPackages(t *testing.T) {
	tree := read(t, []tar.Header{
		{Typeflag: tar.TypeSymlink, Name: "lib", Linkname: "usr/lib", Mode: 0o777},
		file("var/lib/dpkg/status", "Package: jq\nStatus: install ok installed\nArchitecture: amd64\nDescription: filter\n for: JSON\n\n"+
			"Package: libjq1\nStatus: install ok installed\nArchitecture: amd64\n\nPackage: nano\nStatus: deinstall ok config-files\nArchitecture: amd64\n"),
		file("var/lib/apt/extended_states", "Package: libjq1\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: jq\nArchitecture: amd64\nAuto-Installed: 0\n"),
		file("var/lib/dpkg/info/jq.list", "/.\n/usr\n/usr/bin/jq\n/usr/share/doc/a name\n"),
		file("var/lib/dpkg/info/libjq1:amd64.list", "/lib/libjq.so.1\n"),
	})
	got := tree.Packages()
	if len(got) != 2 || !got["jq"].Manual || got["libjq1"].Manual {
		t.Errorf("packages: %v", got)
	}
	if want := []string{".", "usr", "usr/bin/jq", "usr/share/doc/a name"}; !slices.Equal(got["jq"].Files, want) {
		t.Errorf("files of jq: %q, want %q", got["jq"].Files, want)
	}
	if want := []string{"usr/lib/libjq.so.1"}; !slices.Equal(got["libjq1"].Files, want) {
		t.Errorf("files of libjq1: %q, want %q", got["libjq1"].Files, want)
	}
	if got := (Tree{}).Packages(); len(got) != 0 {
		t.Errorf("packages without dpkg: %v", got)
	}
}
