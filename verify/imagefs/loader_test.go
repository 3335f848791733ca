package imagefs

import (
	"archive/tar"
	"debug/elf"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestELF(t *testing.T) {
	full := object{soname: "libme.so.1", interp: glibcLoader, needed: []string{"libc.so.6", "libz.so.1"}, rpath: "/r:$ORIGIN", runpath: "/s", requires: map[string][]string{"libc.so.6": {"GLIBC_2.34", "GLIBC_2.38"}}, defines: []string{"ME_1", "ME_2"}}
	got := readELF(strings.NewReader(full.bytes()))
	if got == nil || got.Soname != "libme.so.1" || got.Interp != glibcLoader || got.Machine != elf.EM_X86_64 || got.Class != elf.ELFCLASS64 ||
		!slices.Equal(got.Needed, full.needed) || !slices.Equal(got.RPath, []string{"/r", "$ORIGIN"}) || !slices.Equal(got.RunPath, []string{"/s"}) ||
		!slices.Equal(got.Requires["libc.so.6"], full.requires["libc.so.6"]) || !slices.Equal(got.Defines, full.defines) {
		t.Errorf("%+v", got)
	}
	weak := full
	weak.weak = true
	if got := readELF(strings.NewReader(weak.bytes())); len(got.Requires) != 0 {
		t.Errorf("weak versions: %v", got.Requires)
	}
	for name, o := range map[string]object{
		"an object":              {kind: elf.ET_REL},
		"a core":                 {kind: elf.ET_CORE},
		"debug symbols":          {debug: true, needed: []string{"libc.so.6"}},
		"static, at any address": {flags: elf.DF_1_PIE},
		"cut":                    {kind: elf.ET_LOOS},
	} {
		if got := readELF(strings.NewReader(o.bytes())); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := readELF(strings.NewReader("\x7fELF")); got != nil {
		t.Errorf("damaged: %+v", got)
	}
	// A real one, where the machine has it.
	f, err := os.Open("/bin/sh")
	if err != nil {
		t.Skip("no /bin/sh")
	}
	defer f.Close()
	if e, err := elf.NewFile(f); err != nil || e.SectionByType(elf.SHT_DYNAMIC) == nil {
		t.Skip("/bin/sh isn't dynamic")
	}
	if got := readELF(f); got == nil || got.Interp == "" || len(got.Needed) == 0 {
		t.Errorf("/bin/sh: %+v", got)
	}
}

// cacheOf is an /etc/ld.so.cache with these sonames.
func cacheOf(entries map[string]string, old bool) string {
	le := binary.LittleEndian
	const magic = "glibc-ld.so.cache1.1"
	out := le.AppendUint32([]byte(magic), uint32(len(entries)))
	out = append(out, make([]byte, 24)...)
	strs := []byte{}
	at := 48 + 24*len(entries)
	for soname, p := range entries {
		out = le.AppendUint32(out, 0x303)
		out = le.AppendUint32(out, uint32(at+len(strs)))
		strs = append(append(strs, soname...), 0)
		out = le.AppendUint32(out, uint32(at+len(strs)))
		strs = append(append(strs, p...), 0)
		out = append(out, make([]byte, 12)...)
	}
	if old {
		return "ld.so-1.7.0\x00\x00\x00\x00\x00" + string(out) + string(strs)
	}
	return string(out) + string(strs)
}

func TestTheLoadersSearch(t *testing.T) {
	lib := func(p string) tar.Header { return library(p, object{soname: "libx.so.1"}) }
	needs := func(o object) tar.Header {
		o.needed = []string{"libx.so.1"}
		h := file("opt/app/bin/run", o.bytes())
		h.Mode = 0o755
		return h
	}
	const loaderFile = "lib64/ld-linux-x86-64.so.2"
	glibc := library(loaderFile, object{})
	musl := library("lib/ld-musl-x86_64.so.1", object{soname: "libc.musl-x86_64.so.1"})
	for _, c := range []struct {
		name  string
		files []tar.Header
		env   string
		found bool
	}{
		{"nowhere", []tar.Header{glibc, needs(object{}), lib("opt/elsewhere/libx.so.1")}, "", false},
		{"a default folder", []tar.Header{glibc, needs(object{}), lib("usr/lib/libx.so.1")}, "", true},
		{"multiarch", []tar.Header{glibc, needs(object{}), lib("lib/x86_64-linux-gnu/libx.so.1")}, "", true},
		{"another machine's multiarch", []tar.Header{glibc, needs(object{}), lib("lib/aarch64-linux-gnu/libx.so.1")}, "", false},
		{"another machine's library", []tar.Header{glibc, needs(object{}), library("usr/lib/libx.so.1", object{machine: elf.EM_AARCH64})}, "", false},
		{"a text in its place", []tar.Header{glibc, needs(object{}), file("usr/lib/libx.so.1", "INPUT(libx.so)")}, "", false},
		{"RUNPATH", []tar.Header{glibc, needs(object{runpath: "/opt/x:$ORIGIN/../lib"}), lib("opt/app/lib/libx.so.1")}, "", true},
		{"RUNPATH with braces", []tar.Header{glibc, needs(object{runpath: "${ORIGIN}/../lib"}), lib("opt/app/lib/libx.so.1")}, "", true},
		{"RPATH", []tar.Header{glibc, needs(object{rpath: "$ORIGIN/../lib"}), lib("opt/app/lib/libx.so.1")}, "", true},
		{"RPATH beside RUNPATH", []tar.Header{glibc, needs(object{rpath: "/opt/a", runpath: "/opt/b"}), lib("opt/a/libx.so.1")}, "", false},
		{"LIB", []tar.Header{glibc, needs(object{rpath: "/opt/$LIB"}), lib("opt/lib/x86_64-linux-gnu/libx.so.1")}, "", true},
		{"LD_LIBRARY_PATH", []tar.Header{glibc, needs(object{}), lib("opt/x/libx.so.1")}, "/nowhere:/opt/x", true},
		{"ld.so.conf", []tar.Header{glibc, needs(object{}), file("etc/ld.so.conf", "include ld.so.conf.d/*.conf\n"), file("etc/ld.so.conf.d/a.conf", "# x\n/opt/x\n"), lib("opt/x/libx.so.1")}, "", true},
		{"ld.so.conf, but another file's glob", []tar.Header{glibc, needs(object{}), file("etc/ld.so.conf", "include ld.so.conf.d/*.conf\n"), file("etc/ld.so.conf.d/a.off", "/opt/x\n"), lib("opt/x/libx.so.1")}, "", false},
		{"ld.so.conf that includes itself", []tar.Header{glibc, needs(object{}), file("etc/ld.so.conf", "include /etc/ld.so.conf\n/opt/x\n"), lib("opt/x/libx.so.1")}, "", true},
		{"the cache", []tar.Header{glibc, needs(object{}), file("etc/ld.so.cache", cacheOf(map[string]string{"libx.so.1": "/opt/x/libx.so.1", "liby.so": "/opt/y"}, false)), lib("opt/x/libx.so.1")}, "", true},
		{"the cache behind the old format", []tar.Header{glibc, needs(object{}), file("etc/ld.so.cache", cacheOf(map[string]string{"libx.so.1": "/opt/x/libx.so.1"}, true)), lib("opt/x/libx.so.1")}, "", true},
		{"a cache of before the copy", []tar.Header{glibc, needs(object{}), file("etc/ld.so.conf", "/usr/local/lib\n"), file("etc/ld.so.cache", cacheOf(nil, false)), lib("usr/local/lib/libx.so.1")}, "", false},
		{"links of folders and of files", []tar.Header{glibc, needs(object{}), link("lib", "usr/lib"), link("usr/lib/libx.so.1", "/opt/x/libx.so.1.2"), lib("opt/x/libx.so.1.2")}, "", true},
		{"a link out of the image", []tar.Header{glibc, needs(object{}), link("usr/lib/libx.so.1", "../../../../opt/x"), lib("opt/x")}, "", true},
		{"a link in a loop", []tar.Header{glibc, needs(object{}), link("usr/lib/libx.so.1", "libx.so.1")}, "", false},
		{"what the executable loaded", []tar.Header{glibc, file("opt/mods/plug.so", object{needed: []string{"libx.so.1"}}.bytes()), needs(object{interp: "/" + loaderFile, runpath: "$ORIGIN/../own"}), lib("opt/app/own/libx.so.1")}, "", true},
		{"what java opens first", []tar.Header{glibc, file("opt/java/lib/libjava.so", object{needed: []string{"libx.so.1"}}.bytes()), lib("opt/java/lib/server/libx.so.1")}, "", true},
		{"a folder beside", []tar.Header{glibc, file("opt/java/lib/libjava.so", object{needed: []string{"libx.so.1"}}.bytes()), lib("opt/java/other/libx.so.1")}, "", false},
		{"musl", []tar.Header{musl, needs(object{}), lib("usr/local/lib/libx.so.1")}, "", true},
		{"musl's own path", []tar.Header{musl, needs(object{}), file("etc/ld-musl-x86_64.path", "/opt/x\n/lib\n"), lib("opt/x/libx.so.1")}, "", true},
		{"musl's own path in place of the others", []tar.Header{musl, needs(object{}), file("etc/ld-musl-x86_64.path", "/opt/x"), lib("usr/lib/libx.so.1")}, "", false},
		{"musl itself", []tar.Header{musl, file("bin/x", object{interp: "/lib/ld-musl-x86_64.so.1", needed: []string{"libc.musl-x86_64.so.1", "libpthread.so.0"}}.bytes())}, "", true},
	} {
		i := (&contentsOf{layers: [][]tar.Header{c.files}, config: v1.Config{Env: []string{"LD_LIBRARY_PATH=" + c.env}}}).image(t)
		if lacks := i.Lacks(); (len(lacks) == 0) != c.found {
			t.Errorf("%s: %v", c.name, lacks)
		}
	}
}

func TestLibraryAndClosure(t *testing.T) {
	i := debian().image(t)
	const libs = "/usr/lib/x86_64-linux-gnu/"
	for soname, want := range map[string]string{"libxml2.so.2": libs + "libxml2.so.2", "libz.so.1": libs + "libz.so.1", "libnone.so": ""} {
		if got := i.Library(soname); got != want {
			t.Errorf("%s is at %q, want %q", soname, got, want)
		}
	}
	bare := debian().without("usr/lib/x86_64-linux-gnu/libxml2.so.2", "usr/lib/x86_64-linux-gnu/libz.so.1").image(t)
	if got, want := i.Closure(bare, "libxml2.so.2", "libnone.so", "libc.so.6"), []string{libs + "libxml2.so.2", libs + "libz.so.1"}; !slices.Equal(got, want) {
		t.Errorf("closure %q, want %q", got, want)
	}
	if got := i.Closure(i, "libxml2.so.2"); len(got) != 0 {
		t.Errorf("closure of what both have: %q", got)
	}
	if got := bare.Lacks("/usr/bin"); len(got) != 0 {
		t.Errorf("below /usr/bin: %v", got)
	}
	if got, want := bare.Lacks("/bin", "usr/local/bin/uwsgi"), []Lack{{File: "/usr/local/bin/uwsgi", Needs: "libxml2.so.2"}}; !slices.Equal(got, want) {
		t.Errorf("lacks %v, want %v", got, want)
	}
}

func TestOwner(t *testing.T) {
	i := debian().with(link("usr/lib/x86_64-linux-gnu/libxml2.so.2.9", "libxml2.so.2.9.14")).image(t)
	for p, want := range map[string]string{
		"/usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14": "libxml2", "/usr/lib/x86_64-linux-gnu/libxml2.so.2": "libxml2", "/usr/lib/x86_64-linux-gnu/libxml2.so": "libxml2-dev",
		"/lib/x86_64-linux-gnu/libxml2.so.2": "libxml2", "/usr/lib/x86_64-linux-gnu/libz.so.1": "zlib1g",
		"/usr/lib/x86_64-linux-gnu/libxml2.so.2.9": "libxml2", // ldconfig's link
		"/app/app.py": "", "/usr": "", "/none": "",
	} {
		if got := i.Owner(p); got != want {
			t.Errorf("%s belongs to %q, want %q", p, got, want)
		}
	}
	apk := &contentsOf{layers: [][]tar.Header{{exe("sbin/apk", "x"), file("usr/lib/libz.so.1.3", "x"), link("usr/lib/libz.so.1", "libz.so.1.3"), file("etc/top", "x"),
		file("lib/apk/db/installed", "C:Q1\nP:zlib\nV:1.3\nF:usr\nF:usr/lib\nR:libz.so.1\na:0:0:777\nR:libz.so.1.3\n\nP:other\nF:etc\nR:top\n")}}}
	i = apk.image(t)
	for p, want := range map[string]string{"/usr/lib/libz.so.1": "zlib", "/usr/lib/libz.so.1.3": "zlib", "/etc/top": "other"} {
		if got := i.Owner(p); got != want {
			t.Errorf("%s belongs to %q, want %q", p, got, want)
		}
	}
	distroless := (&contentsOf{layers: [][]tar.Header{{file("usr/lib/libz.so.1", "x"), file("var/lib/dpkg/status.d/zlib1g", "Package: zlib1g\n")}}}).image(t)
	if got := distroless.Owner("/usr/lib/libz.so.1"); got != "" {
		t.Errorf("distroless: %q", got)
	}
	for want, i := range map[string]*Image{"apk": i, "apt": debian().image(t), "": distroless, "dnf": (&contentsOf{layers: [][]tar.Header{{exe("usr/bin/dnf", "x")}}}).image(t)} {
		if got := i.PackageManager(); got != want {
			t.Errorf("package manager %q, want %q", got, want)
		}
	}
}

func TestWritable(t *testing.T) {
	folder := func(name string, mode int64, uid, gid int) tar.Header {
		return tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: uid, Gid: gid}
	}
	made := debian().with(folder("srv", 0o755, 0, 0), folder("srv/own", 0o700, 1000, 0), folder("srv/group", 0o775, 0, 1000), folder("srv/shared", 0o770, 0, 2000), folder("srv/all", 0o1777, 0, 0),
		folder("srv/shut", 0o700, 0, 0), folder("srv/shut/open", 0o777, 0, 0), folder("srv/blind", 0o722, 0, 0), file("srv/file", "x"), link("srv/way", "own"), file("srv/bare/x", "x"))
	for _, c := range []struct{ user, may, not string }{
		{"node", "/srv/own /srv/group /srv/shared /srv/all /srv/way /tmp /home/node /srv/all/new/deep", "/srv /srv/shut/open /srv/blind /srv/file /srv/new / /srv/bare"},
		{"1000", "/srv/own /srv/group /srv/shared /home/node", "/srv"},
		{"node:node", "/srv/own /srv/group", "/srv/shared"},
		{"1001:2000", "/srv/shared /srv/all", "/srv/own /srv/group"},
		{"4242", "/srv/all /tmp", "/srv/own /srv/group /srv/shared"},
		{"nobody:shared", "/srv/shared", "/srv/own"},
		{"", "/srv /srv/own /srv/shut/open / /srv/new /srv/bare", "/srv/file"},
		{"root", "/srv/shut", "/srv/file"},
	} {
		made.config.User = c.user
		i := made.image(t)
		for _, p := range strings.Fields(c.may) {
			if !i.Writable(p) {
				t.Errorf("user %q may not write to %s", c.user, p)
			}
		}
		for _, p := range strings.Fields(c.not) {
			if i.Writable(p) {
				t.Errorf("user %q may write to %s", c.user, p)
			}
		}
	}
}

func TestModulePath(t *testing.T) {
	for p, want := range map[string]string{
		"app/node_modules/a/b.js": "app/node_modules/a", "app/node_modules/@s/n/i.js": "app/node_modules/@s/n", "app/node_modules/a/node_modules/b/c.js": "app/node_modules/a/node_modules/b",
		"usr/lib/python3/dist-packages/x.py": "usr/lib/python3/dist-packages/x.py", "app/index.js": "", "node_modules/x": "node_modules/x",
	} {
		if got := modulePath(p); got != want {
			t.Errorf("%s is of %q, want %q", p, got, want)
		}
	}
}
