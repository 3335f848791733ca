package imagefs

import (
	"archive/tar"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// A loader looks for shared libraries as the one in the image does: glibc's ld.so(8), or musl's.
type loader struct {
	image   *Image
	musl    bool
	machine elf.Machine // of the image; none: any
	env     []string    // LD_LIBRARY_PATH
	cache   map[string][]string
	dirs    []string            // those that are searched for every file
	names   map[string][]string // paths of ELF files by base name
	known   map[string]string   // path by soname, of what executables load through their own search paths
}

// A Lack is a shared library that an ELF file needs and the image lacks.
type Lack struct {
	File   string // with a leading "/"
	Needs  string // soname
	Symbol string // version that lacks ("GLIBC_2.38"), "" when the whole library does
}

// Lacks lists what the ELF files below the paths need and the image
// lacks; of all files for no paths. Sorted by file.
func (i *Image) Lacks(below ...string) []Lack {
	var out []Lack
	l := i.load()
	for _, p := range i.elfFiles(below) {
		n := i.Tree[p]
		for _, soname := range n.ELF.Needed {
			at := l.find(p, n.ELF, soname, nil)
			if at == "" {
				out = append(out, Lack{File: "/" + p, Needs: soname})
				continue
			}
			lib := i.file(at)
			if lib == nil || lib.ELF == nil || len(lib.ELF.Defines) == 0 {
				continue // the loader warns of a library without versions, and goes on
			}
			for _, v := range n.ELF.Requires[soname] {
				if !slices.Contains(lib.ELF.Defines, v) {
					out = append(out, Lack{File: "/" + p, Needs: soname, Symbol: v})
				}
			}
		}
	}
	return out
}

// elfFiles are the paths of ELF files, below these paths or everywhere; sorted.
func (i *Image) elfFiles(below []string) []string {
	var out []string
	add := func(paths ...string) {
		for _, p := range paths {
			if n := i.Tree[p]; n != nil && n.ELF != nil {
				out = append(out, p)
			}
		}
	}
	if len(below) == 0 {
		add(i.sorted()...)
	}
	for _, b := range below {
		real, _ := i.Tree.follow(b)
		if real != "." {
			add(real)
		}
		add(i.below(real)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Library is where the loader would find a soname: its path with a leading "/",
// links of folders resolved; "" for nowhere.
func (i *Image) Library(soname string) string {
	l := i.load()
	return withSlash(l.find("", &ELF{Machine: l.machine}, soname, nil))
}

// Closure are the paths of libraries and of what they need in turn, without those that other has too; sorted. They are
// the names under which the loader looks, so links: a copy follows them.
func (i *Image) Closure(other *Image, sonames ...string) []string {
	l := i.load()
	var out []string
	seen := map[string]bool{}
	var walk func(from string, e *ELF, sonames []string)
	walk = func(from string, e *ELF, sonames []string) {
		for _, s := range sonames {
			if seen[s] || other != nil && other.Library(s) != "" {
				continue
			}
			seen[s] = true
			at := l.find(from, e, s, nil)
			if at == "" {
				continue
			}
			out = append(out, withSlash(at))
			if n := i.file(at); n != nil && n.ELF != nil {
				walk(at, n.ELF, n.ELF.Needed)
			}
		}
	}
	walk("", &ELF{Machine: l.machine}, sonames)
	slices.Sort(out)
	return out
}

func withSlash(p string) string {
	if p == "" {
		return ""
	}
	return "/" + p
}

// machines are the ELF names of the architectures that images run on.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "arm": elf.EM_ARM, "ppc64le": elf.EM_PPC64,
	"s390x": elf.EM_S390, "riscv64": elf.EM_RISCV, "loong64": elf.EM_LOONGARCH,
}

// tuples are the multiarch folders' names.
var tuples = map[elf.Machine]string{
	elf.EM_X86_64: "x86_64-linux-gnu", elf.EM_AARCH64: "aarch64-linux-gnu", elf.EM_386: "i386-linux-gnu",
	elf.EM_ARM: "arm-linux-gnueabihf", elf.EM_PPC64: "powerpc64le-linux-gnu", elf.EM_S390: "s390x-linux-gnu", elf.EM_RISCV: "riscv64-linux-gnu",
}

// load prepares the search once.
func (i *Image) load() *loader {
	i.loaderOnce.Do(func() {
		l := &loader{image: i, machine: machines[i.Config.Architecture]}
		glibc := false
		for _, dir := range []string{"lib", "lib64"} {
			for _, name := range i.entries(dir) {
				l.musl = l.musl || strings.HasPrefix(name, "ld-musl-")
				glibc = glibc || strings.HasPrefix(name, "ld-linux")
			}
		}
		l.musl = l.musl && !glibc
		value, _ := i.env("LD_LIBRARY_PATH")
		l.env = strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ';' })
		if l.musl {
			l.dirs = i.muslPath()
		} else {
			l.glibcPath()
		}
		l.names = map[string][]string{}
		for _, p := range i.sorted() {
			if i.Tree[p].ELF != nil {
				l.names[path.Base(p)] = append(l.names[path.Base(p)], p)
			}
		}
		l.know()
		i.loader = l
	})
	return i.loader
}

// glibcPath: the cache, and the folders that are built in. A cache counts, and not the configuration that ldconfig would
// make it from: a library that was copied to /usr/local/lib without ldconfig isn't found. Without a cache the
// configuration stands for what ldconfig would find when the container's start runs it.
func (l *loader) glibcPath() {
	if n := l.image.file("etc/ld.so.cache"); n != nil {
		l.cache = readCache(n.Text)
	}
	if l.cache == nil {
		l.dirs = l.image.configured("etc/ld.so.conf", 0)
	}
	l.dirs = append(l.dirs, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	tuple := tuples[l.machine]
	for _, t := range tuples {
		if tuple == "" || t == tuple {
			l.dirs = append(l.dirs, "/lib/"+t, "/usr/lib/"+t)
		}
	}
	if tuple == "" {
		slices.Sort(l.dirs)
	}
}

// configured reads ld.so.conf: a folder a line, "include" with a glob, "#" for comments.
func (i *Image) configured(name string, depth int) []string {
	n := i.file(name)
	if n == nil || depth > 8 {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(n.Text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n:,", r) })
		switch {
		case len(fields) == 0:
		case fields[0] == "include":
			for _, glob := range fields[1:] {
				if !path.IsAbs(glob) {
					glob = path.Join("/", path.Dir(name), glob)
				}
				dir, pattern := path.Split(glob)
				for _, e := range i.entries(dir) {
					if ok, err := path.Match(pattern, e); err == nil && ok {
						out = append(out, i.configured(path.Join(dir, e), depth+1)...)
					}
				}
			}
		case fields[0] != "hwcap":
			for _, f := range fields {
				f, _, _ = strings.Cut(f, "=")
				out = append(out, f)
			}
		}
	}
	return out
}

// muslPath: /etc/ld-musl-ARCH.path, or what is built in.
func (i *Image) muslPath() []string {
	for _, e := range i.entries("etc") {
		if strings.HasPrefix(e, "ld-musl-") && strings.HasSuffix(e, ".path") {
			if n := i.file("etc/" + e); n != nil {
				return strings.FieldsFunc(string(n.Text), func(r rune) bool { return r == ':' || r == '\n' })
			}
		}
	}
	return []string{"/lib", "/usr/local/lib", "/usr/lib"}
}

// readCache reads /etc/ld.so.cache (glibc's sysdeps/generic/dl-cache.h), the format of 2.1 and later, which may follow the
// older one: paths by soname. nil for another format.
func readCache(b []byte) map[string][]string {
	const magic, header, size = "glibc-ld.so.cache1.1", 48, 24
	at := strings.Index(string(b), magic)
	if at < 0 || len(b) < at+header {
		return nil
	}
	b = b[at:]
	var order binary.ByteOrder = binary.LittleEndian
	if n := binary.LittleEndian.Uint32(b[20:]); n > uint32(len(b)/size) {
		order = binary.BigEndian
	}
	n := int(order.Uint32(b[20:]))
	if n > (len(b)-header)/size {
		return nil
	}
	text := func(offset uint32) string {
		if int64(offset) >= int64(len(b)) {
			return ""
		}
		s, _, _ := strings.Cut(string(b[offset:min(int(offset)+4096, len(b))]), "\x00")
		return s
	}
	out := map[string][]string{}
	for e := range n {
		entry := b[header+e*size:]
		name := text(order.Uint32(entry[4:]))
		out[name] = append(out[name], text(order.Uint32(entry[8:])))
	}
	return out
}

// know walks what executables with a search path of their own load, since a plugin finds those sonames in the process:
// Python's extension modules need libpython, say.
func (l *loader) know() {
	known := map[string]string{}
	for _, p := range l.image.sorted() {
		n := l.image.Tree[p]
		if n.ELF == nil || n.ELF.Interp == "" || len(n.ELF.RPath)+len(n.ELF.RunPath) == 0 {
			continue
		}
		var walk func(from string, e *ELF, inherited []string)
		walk = func(from string, e *ELF, inherited []string) {
			if len(e.RunPath) == 0 || l.musl {
				inherited = append(slices.Clip(inherited), l.expand(from, e.RPath)...)
			}
			for _, s := range e.Needed {
				if known[s] != "" {
					continue
				}
				if at := l.find(from, e, s, inherited); at != "" {
					known[s] = at
					if lib := l.image.file(at); lib != nil && lib.ELF != nil {
						walk(at, lib.ELF, inherited)
					}
				}
			}
		}
		walk(p, n.ELF, nil)
	}
	l.known = known
}

// find is where a file's needed library is: a Tree's path, "" for nowhere. inherited are search paths of those
// that loaded the file.
func (l *loader) find(from string, e *ELF, soname string, inherited []string) string {
	if strings.Contains(soname, "/") {
		return l.fits(soname, e)
	}
	if l.musl && muslItself(soname) {
		if e.Interp != "" && l.image.file(e.Interp) != nil {
			return rooted(e.Interp)
		}
		for _, name := range l.image.entries("lib") {
			if strings.HasPrefix(name, "ld-musl-") {
				return l.image.Tree.parent("lib/" + name)
			}
		}
	}
	if len(e.RunPath) == 0 || l.musl {
		if at := l.in(l.expand(from, e.RPath), soname, e); at != "" {
			return at
		}
		if at := l.in(inherited, soname, e); at != "" {
			return at
		}
	}
	if at := cmp.Or(l.in(l.env, soname, e), l.in(l.expand(from, e.RunPath), soname, e)); at != "" {
		return at
	}
	for _, p := range l.cache[soname] {
		if at := l.fits(p, e); at != "" {
			return at
		}
	}
	return cmp.Or(l.in(l.dirs, soname, e), l.known[soname], l.opened(from, e, soname))
}

// opened is a library below the folder of a library that needs it, outside the folders that are searched: its program
// opens it first, as java does lib/server/libjvm.so.
func (l *loader) opened(from string, e *ELF, soname string) string {
	dir := path.Dir(from)
	if from == "" || e.Interp != "" || dir == "." || slices.Contains(l.dirs, "/"+dir) {
		return ""
	}
	for _, p := range l.names[soname] {
		if strings.HasPrefix(p, dir+"/") {
			if at := l.fits(p, e); at != "" {
				return at
			}
		}
	}
	return ""
}

// muslItself: the names that musl's loader answers to without a file: "libc.musl-x86_64.so.1", "libm.so.6"
// (load_library in ldso/dynlink.c).
func muslItself(soname string) bool {
	name, _, _ := strings.Cut(soname, ".")
	return slices.Contains([]string{"libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet"}, name)
}

func (l *loader) in(dirs []string, soname string, e *ELF) string {
	for _, d := range dirs {
		if at := l.fits(d+"/"+soname, e); at != "" {
			return at
		}
	}
	return ""
}

// fits tells whether a library for e's machine is at p, and gives its path with the folders' links resolved.
func (l *loader) fits(p string, e *ELF) string {
	at := l.image.Tree.parent(p)
	if n := l.image.Tree[at]; n == nil || n.Type == tar.TypeDir {
		return ""
	}
	n := l.image.file(at)
	if n == nil || n.ELF == nil || e.Machine != elf.EM_NONE && n.ELF.Machine != e.Machine || e.Class != elf.ELFCLASSNONE && n.ELF.Class != e.Class {
		return ""
	}
	return at
}

// expand fills in a search path's variables: where the file is, and the folder of libraries.
func (l *loader) expand(from string, dirs []string) []string {
	var out []string
	for _, d := range dirs {
		if strings.Contains(d, "$") {
			// $ORIGIN is the folder that the file really lies in.
			real, _ := l.image.Tree.follow(path.Dir(from))
			d = strings.NewReplacer("$ORIGIN", "/"+real, "${ORIGIN}", "/"+real).Replace(d)
		}
		if strings.Contains(d, "$LIB") || strings.Contains(d, "${LIB}") {
			for _, lib := range []string{"lib64", "lib", "lib/" + tuples[l.machine]} {
				out = append(out, strings.NewReplacer("$LIB", lib, "${LIB}", lib).Replace(d))
			}
			continue
		}
		out = append(out, d)
	}
	return out
}
