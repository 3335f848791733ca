package imagefs

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// What the tests build images of: layers of headers, with a file's text in Linkname as in imagefs_test.go.

func exe(name, text string) tar.Header {
	h := file(name, text)
	h.Mode = 0o755
	return h
}

func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777}
}

func library(name string, o object) tar.Header {
	if o.soname == "" {
		o.soname = path.Base(name)
	}
	return file(name, o.bytes())
}

// archive is a layer's tar.
func archive(t testing.TB, members []tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range members {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text, h.Linkname = h.Linkname, ""
			h.Size = int64(len(text))
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
	return b.Bytes()
}

// A contentsOf is an image before it is built.
type contentsOf struct {
	layers [][]tar.Header // the lowest is the base's
	config v1.Config
	arch   string
	says   []string // instructions without a layer, in its history
}

func (c *contentsOf) clone() *contentsOf {
	out := *c
	out.layers = nil
	for _, l := range c.layers {
		out.layers = append(out.layers, slices.Clone(l))
	}
	out.config = *c.config.DeepCopy()
	return &out
}

// without takes paths, and what is below them, out of every layer.
func (c *contentsOf) without(paths ...string) *contentsOf {
	for k, l := range c.layers {
		c.layers[k] = slices.DeleteFunc(l, func(h tar.Header) bool {
			return slices.ContainsFunc(paths, func(p string) bool {
				name := strings.TrimSuffix(h.Name, "/")
				return name == p || strings.HasPrefix(name, p+"/")
			})
		})
	}
	return c
}

// with puts members into the uppermost layer.
func (c *contentsOf) with(members ...tar.Header) *contentsOf {
	last := len(c.layers) - 1
	c.layers[last] = append(slices.Clip(c.layers[last]), members...)
	return c
}

// base puts members into the lowest layer.
func (c *contentsOf) base(members ...tar.Header) *contentsOf {
	c.layers[0] = append(slices.Clip(c.layers[0]), members...)
	return c
}

// change alters what is at a path.
func (c *contentsOf) change(p string, f func(*tar.Header)) *contentsOf {
	done := false
	for _, l := range c.layers {
		for k := range l {
			if strings.TrimSuffix(l[k].Name, "/") == p {
				f(&l[k])
				done = true
			}
		}
	}
	if !done {
		panic("the image has no " + p)
	}
	return c
}

// built writes the image into a layout of its own, and gives its digest and the layout's folder.
func (c *contentsOf) built(t testing.TB, folder string) string {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: or(c.arch, "amd64"), Config: c.config})
	if err != nil {
		t.Fatal(err)
	}
	var layers []v1.Layer
	for _, l := range c.layers {
		text := archive(t, l)
		made, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }, tarball.WithCompressionLevel(1))
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, made)
	}
	for k, l := range layers {
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "layer " + string(rune('0'+k))}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range c.says {
		if img, err = mutate.Append(img, mutate.Addendum{History: v1.History{CreatedBy: text, EmptyLayer: true}}); err != nil {
			t.Fatal(err)
		}
	}
	into, err := layout.FromPath(folder)
	if err != nil {
		if into, err = layout.Write(folder, empty.Index); err != nil {
			t.Fatal(err)
		}
	}
	if err := into.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// image builds and reads one.
func (c *contentsOf) image(t testing.TB) *Image {
	t.Helper()
	folder := t.TempDir()
	i, err := NewReader(folder).Image(c.built(t, folder), "linux/"+or(c.arch, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// An object is an ELF file, with what the loader reads and nothing else.
type object struct {
	soname, interp string
	needed         []string
	rpath, runpath string
	requires       map[string][]string // one soname at most
	weak           bool                // what is required
	defines        []string
	machine        elf.Machine // EM_X86_64 for none
	kind           elf.Type    // ET_DYN for none
	debug          bool        // its sections' bytes are elsewhere
	flags          elf.DynFlag1
}

func (o object) bytes() string {
	le := binary.LittleEndian
	strs := []byte{0}
	str := func(s string) uint32 {
		at := len(strs)
		strs = append(append(strs, s...), 0)
		return uint32(at)
	}
	var dyn []byte
	tag := func(t elf.DynTag, v uint64) { dyn = le.AppendUint64(le.AppendUint64(dyn, uint64(t)), v) }
	for _, n := range o.needed {
		tag(elf.DT_NEEDED, uint64(str(n)))
	}
	for t, s := range map[elf.DynTag]string{elf.DT_SONAME: o.soname, elf.DT_RPATH: o.rpath, elf.DT_RUNPATH: o.runpath} {
		if s != "" {
			tag(t, uint64(str(s)))
		}
	}
	if o.flags != 0 {
		tag(elf.DT_FLAGS_1, uint64(o.flags))
	}
	tag(elf.DT_NULL, 0)
	var need, def []byte
	for soname, versions := range o.requires {
		need = le.AppendUint16(le.AppendUint16(need, 1), uint16(len(versions)))
		need = le.AppendUint32(le.AppendUint32(le.AppendUint32(need, str(soname)), 16), 0)
		for k, v := range versions {
			next, flags := uint32(16), uint16(0)
			if k == len(versions)-1 {
				next = 0
			}
			if o.weak {
				flags = uint16(elf.VER_FLG_WEAK)
			}
			need = le.AppendUint16(le.AppendUint16(le.AppendUint32(need, 1), flags), uint16(k+2))
			need = le.AppendUint32(le.AppendUint32(need, str(v)), next)
		}
	}
	for k, v := range o.defines {
		next := uint32(28)
		if k == len(o.defines)-1 {
			next = 0
		}
		for _, h := range []uint16{1, 0, uint16(k + 2), 1} {
			def = le.AppendUint16(def, h)
		}
		for _, w := range []uint32{1, 20, next, str(v), 0} {
			def = le.AppendUint32(def, w)
		}
	}
	type section struct {
		kind           elf.SectionType
		data           []byte
		link, info     uint32
		size, off, ent uint64
	}
	sections := []section{
		{},
		{kind: elf.SHT_STRTAB},
		{kind: elf.SHT_DYNSYM, data: make([]byte, 48), link: 1, ent: 24},
		{kind: elf.SHT_GNU_VERSYM, data: make([]byte, 4), link: 2},
		{kind: elf.SHT_DYNAMIC, data: dyn, link: 1},
	}
	if need != nil {
		sections = append(sections, section{kind: elf.SHT_GNU_VERNEED, data: need, link: 1, info: 1})
	}
	if def != nil {
		sections = append(sections, section{kind: elf.SHT_GNU_VERDEF, data: def, link: 1, info: uint32(len(o.defines))})
	}
	sections[1].data = strs
	const head, prog = 64, 56
	body := append([]byte(o.interp), 0)
	interp := len(body)
	for k := range sections {
		if k == 0 {
			continue
		}
		sections[k].off, sections[k].size = uint64(head+prog+len(body)), uint64(len(sections[k].data))
		body = append(body, sections[k].data...)
		if o.debug && sections[k].kind == elf.SHT_DYNAMIC {
			sections[k].kind = elf.SHT_NOBITS
		}
	}
	if o.machine == 0 {
		o.machine = elf.EM_X86_64
	}
	if o.kind == 0 {
		o.kind = elf.ET_DYN
	}
	out := []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	out = le.AppendUint16(le.AppendUint16(out, uint16(o.kind)), uint16(o.machine))
	out = le.AppendUint64(le.AppendUint64(le.AppendUint32(out, 1), 0), head)
	out = le.AppendUint64(out, uint64(head+prog+len(body)))
	progs := uint16(0)
	if o.interp != "" {
		progs = 1
	}
	out = le.AppendUint32(out, 0)
	for _, h := range []uint16{head, prog, progs, 64, uint16(len(sections)), 1} {
		out = le.AppendUint16(out, h)
	}
	out = le.AppendUint32(le.AppendUint32(out, uint32(elf.PT_INTERP)), 4)
	for _, w := range []uint64{head + prog, 0, 0, uint64(interp), uint64(interp), 1} {
		out = le.AppendUint64(out, w)
	}
	out = append(out, body...)
	for _, s := range sections {
		out = le.AppendUint32(le.AppendUint32(out, 0), uint32(s.kind))
		for _, w := range []uint64{0, 0, s.off, s.size} {
			out = le.AppendUint64(out, w)
		}
		out = le.AppendUint32(le.AppendUint32(out, s.link), s.info)
		out = le.AppendUint64(le.AppendUint64(out, 1), s.ent)
	}
	return string(out)
}

const glibcLoader = "/lib64/ld-linux-x86-64.so.2"

// program is a dynamic executable that needs libc and further libraries.
func program(name string, o object) tar.Header {
	o.interp, o.needed = or(o.interp, glibcLoader), append([]string{"libc.so.6"}, o.needed...)
	h := file(name, o.bytes())
	h.Mode = 0o755
	return h
}

// debian is an image of a small distribution with an application on it.
func debian() *contentsOf {
	const libs = "usr/lib/x86_64-linux-gnu/"
	base := []tar.Header{
		dir("etc"), dir("usr"), dir("usr/bin"), dir("usr/lib"), dir("usr/lib64"), dir("usr/local"), dir("usr/local/bin"), dir("usr/local/lib"), dir("root"), dir("home"),
		link("lib", "usr/lib"), link("lib64", "usr/lib64"), link("bin", "usr/bin"),
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: "home/node/", Mode: 0o755, Uid: 1000, Gid: 1000},
		file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nlost:x:1001:1001::/home/lost:/bin/sh\n"),
		file("etc/group", "root:x:0:\nnode:x:1000:\nshared:x:2000:node,other\n"),
		file("etc/ld.so.conf", "# folders\ninclude /etc/ld.so.conf.d/*.conf\n"),
		file("etc/ld.so.conf.d/libc.conf", "/usr/local/lib\n"),
		file("etc/ssl/certs/ca-certificates.crt", "-----BEGIN CERTIFICATE-----\n"),
		file("usr/share/zoneinfo/Europe/Berlin", "TZif2 Berlin"), file("usr/share/zoneinfo/UTC", "TZif2"),
		library("usr/lib64/ld-linux-x86-64.so.2", object{}),
		library(libs+"libc.so.6", object{defines: []string{"GLIBC_2.34", "GLIBC_2.38"}}),
		library(libs+"libxml2.so.2.9.14", object{soname: "libxml2.so.2", needed: []string{"libz.so.1"}}), link(libs+"libxml2.so.2", "libxml2.so.2.9.14"), link(libs+"libxml2.so", "libxml2.so.2"),
		library(libs+"libz.so.1", object{}),
		program("usr/bin/sh", object{}), program("usr/bin/env", object{}), program("usr/bin/curl", object{}), program("usr/bin/tar", object{}), program("usr/bin/apt-get", object{}),
		program("usr/local/bin/python3.12", object{}), link("usr/local/bin/python", "python3.12"), program("usr/local/bin/node", object{}),
		file("var/lib/dpkg/status", "Package: libxml2\nStatus: install ok installed\nArchitecture: amd64\n"),
		file("var/lib/dpkg/info/libxml2:amd64.list", "/.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14\n/usr/lib/x86_64-linux-gnu/libxml2.so.2\n"),
		file("var/lib/dpkg/info/libxml2-dev.list", "/usr/lib/x86_64-linux-gnu/libxml2.so\n"),
		file("var/lib/dpkg/info/zlib1g.list", "/lib/x86_64-linux-gnu/libz.so.1\n"),
	}
	app := []tar.Header{
		dir("app"), dir("app/templates"), dir("app/data"),
		file("app/app.py", "import flask\nfrom flask import render_template\nopen('rates.csv')\nrender_template('page.html')\nopen(\"data/rates.json\")\n"),
		file("app/rates.csv", "a,b\n1,2\n"), file("app/data/rates.json", "{\"rates\": [1, 2]}"), file("app/templates/page.html", "<p>page</p>"), file("app/templates/mail.html", "<p>mail</p>"),
		file("app/notes.cfg", "note=1\n"), file("app/tool.go", "package tool\n"), file("app/test_app.py", "import pytest\n"), file("app/README.md", "read me\n"), exe("app/job.sh", "#!/bin/sh\necho job\n"),
		program("usr/local/bin/uwsgi", object{needed: []string{"libxml2.so.2"}, requires: map[string][]string{"libc.so.6": {"GLIBC_2.34"}}}),
		file("usr/local/lib/python3.12/site-packages/flask/__init__.py", "import click\n"),
		file("usr/local/lib/python3.12/site-packages/flask/__pycache__/__init__.cpython-312.pyc", "pyc"),
		file("usr/local/lib/python3.12/site-packages/flask-3.0.dist-info/RECORD", "x\n"),
		file("app/node_modules/express/package.json", `{"name":"express","dependencies":{"qs":"*","maybe":"*"},"optionalDependencies":{"maybe":"*"}}`), file("app/node_modules/express/index.js", "require('qs')"),
		file("app/node_modules/qs/package.json", `{"name":"qs"}`), file("app/node_modules/@acme/log/package.json", `{"name":"@acme/log"}`), file("app/node_modules/maybe/package.json", `{"name":"maybe"}`),
		file("app/node_modules/mocha/package.json", `{"name":"mocha"}`),
		file("app/server.js", "const express = require('express');\nimport log from \"@acme/log/file\";\n// require('mocha')\n"),
	}
	return &contentsOf{layers: [][]tar.Header{base, app}, config: v1.Config{
		Cmd: []string{"python", "app.py"}, WorkingDir: "/app",
		Env:          []string{"PATH=/usr/local/bin:/usr/bin:/bin", "MODE=fast", "LANG=C.UTF-8"},
		ExposedPorts: map[string]struct{}{"8000/tcp": {}}, Volumes: map[string]struct{}{"/data": {}}, Labels: map[string]string{"team": "harbour"},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD-SHELL", "curl -f http://127.0.0.1:8000/ || exit 1"}},
	}}
}
