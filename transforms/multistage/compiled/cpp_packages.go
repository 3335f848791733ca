package compiled

import (
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// The libraries that a C or C++ program links.

// apkLibraries are those of Alpine (pkgs.alpinelinux.org, 3.18 and later).
var apkLibraries = map[string]string{
	"curl-dev": "libcurl", "sqlite-dev": "sqlite-libs", "openssl-dev": "libssl3 libcrypto3", "zlib-dev": "zlib", "libpq-dev": "libpq", "ncurses-dev": "libncursesw", "jansson-dev": "jansson", "libevent-dev": "libevent", "libuv-dev": "libuv",
	"libmicrohttpd-dev": "libmicrohttpd", "libxml2-dev": "libxml2", "expat-dev": "libexpat", "bzip2-dev": "libbz2", "xz-dev": "xz-libs", "zstd-dev": "zstd-libs", "musl-dev": "", "libc-dev": "", "linux-headers": "",
}

// libOf is the -dev package that brings what -l, pkg-config or find_package name, on Debian.
var libOf = map[string]string{
	"curl": "libcurl4-openssl-dev", "libcurl": "libcurl4-openssl-dev", "CURL": "libcurl4-openssl-dev", "ssl": "libssl-dev", "crypto": "libssl-dev", "openssl": "libssl-dev", "OpenSSL": "libssl-dev", "libssl": "libssl-dev", "libcrypto": "libssl-dev",
	"sqlite3": "libsqlite3-dev", "SQLite3": "libsqlite3-dev", "z": "zlib1g-dev", "zlib": "zlib1g-dev", "ZLIB": "zlib1g-dev", "bz2": "libbz2-dev", "BZip2": "libbz2-dev", "lzma": "liblzma-dev", "LibLZMA": "liblzma-dev", "pq": "libpq-dev", "PostgreSQL": "libpq-dev", "libpq": "libpq-dev",
	"event": "libevent-dev", "libevent": "libevent-dev", "uv": "libuv1-dev", "libuv": "libuv1-dev", "ncurses": "libncurses-dev", "ncursesw": "libncurses-dev", "tinfo": "libncurses-dev", "Curses": "libncurses-dev", "readline": "libreadline-dev", "jansson": "libjansson-dev",
	"microhttpd": "libmicrohttpd-dev", "libmicrohttpd": "libmicrohttpd-dev", "xml2": "libxml2-dev", "LibXml2": "libxml2-dev", "yaml": "libyaml-dev", "gmp": "libgmp-dev", "sodium": "libsodium-dev", "zmq": "libzmq3-dev", "uuid": "uuid-dev", "png": "libpng-dev", "PNG": "libpng-dev",
}

// cOwn are the libraries of the C and C++ compilers, and packages of CMake that link
// nothing else.
var cOwn = words(`c m pthread dl rt stdc++ stdc++fs gcc gcc_s util resolv Threads PkgConfig Git Doxygen GTest`)

// inFull are the -dev packages of buildpack-deps, on which gcc stands
// (docker-library/buildpack-deps).
var inFull = words(`libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev libbz2-dev liblzma-dev libpq-dev libevent-dev libncurses-dev libreadline-dev libxml2-dev libyaml-dev libgmp-dev libpng-dev`)

// full: the image holds -dev packages that no instruction names.
func (c *cppSplit) full() bool {
	return c.Ref.Repository() == "gcc" || c.Ref.Repository() == "buildpack-deps"
}

// libraries installs what the program links.
func (c *cppSplit) libraries() bool {
	if c.static && !c.dynamic {
		return true
	}
	at := c.Outputs[0].In
	for _, dev := range c.devs {
		if !c.linksTo(dev, dev) {
			return c.Decline(at, "what is compiled with %s needs its library at run time, and what %s calls that isn't known", dev, c.Stage.BaseName())
		}
	}
	for _, l := range c.links {
		dev := libOf[l.name]
		switch {
		case l.name == "OpenMP":
			gomp := "libgomp1"
			if c.Image.Distro == "alpine" {
				gomp = "libgomp"
			}
			c.libs = append(c.libs, cLibrary{gomp, "OpenMP"})
		case cOwn[l.name], dev != "" && slices.Contains(c.devs, dev):
		case c.full() && inFull[dev]:
			if !c.linksTo(dev, l.where+" links "+l.name) {
				return c.Decline(l.in, "%s links %s, and what %s calls its library isn't known", l.where, l.name, c.Image.Release)
			}
		case slices.ContainsFunc(c.devs, func(d string) bool {
			return strings.Contains(d, strings.TrimRight(strings.ReplaceAll(strings.ToLower(l.name), "_", "-"), "0123456789"))
		}):
		default:
			return c.Decline(l.in, "%s links %s, and which package its library is in isn't known", l.where, l.name)
		}
	}
	if c.cxx && c.Image.Distro == "alpine" {
		c.libs = append(c.libs, cLibrary{"libstdc++", "programs of C++"})
	}
	if c.Ref.Repository() == "gcc" && c.cxx {
		return c.newerRuntime()
	}
	return true
}

// linksTo requires the packages behind a -dev package.
func (c *cppSplit) linksTo(dev, why string) bool {
	if c.Image.Distro == "alpine" {
		libs, ok := apkLibraries[dev]
		for _, l := range strings.Fields(libs) {
			c.libs = append(c.libs, cLibrary{l, dev})
		}
		return ok
	}
	libs, ok := distro.CLibraries[dev]
	if !ok {
		if c.Image.Distro != "debian" {
			return false
		}
		list, bad := c.Split.Library(dev)
		if bad != "" {
			return false
		}
		libs = strings.Join(list, " ")
	}
	if names := strings.Split(libs, "|"); len(names) > 1 {
		i := slices.Index([]string{"bullseye", "bookworm", "trixie", "20.04", "22.04", "24.04"}, c.Image.Release)
		if i < 0 || names[i] == "-" {
			return false
		}
		libs = names[i]
	}
	for _, l := range strings.Fields(libs) {
		c.libs = append(c.libs, cLibrary{l, why})
	}
	return true
}

// installLibraries installs what is linked in an image with a package manager.
func (c *cppSplit) installLibraries() {
	for _, l := range c.libs {
		c.keep(l.pkg, l.why)
	}
}

// notInDistroless is the first library that distroless cc hasn't: it has those of C
// and C++, and OpenSSL (base/base.bzl and cc/cc.bzl of that repository).
func (c *cppSplit) notInDistroless() string {
	for _, l := range c.libs {
		if !strings.HasPrefix(l.pkg, "libssl") {
			return l.pkg
		}
	}
	return ""
}

// gccOf is the compiler whose C++ library a Debian release has.
var gccOf = map[string]int{"bullseye": 10, "bookworm": 12, "trixie": 14}

// newerRuntime copies the C++ library of an image whose compiler is newer than
// Debian's own: a program may need symbols that the older one lacks. gcc's image
// keeps it in /usr/local/lib64.
func (c *cppSplit) newerRuntime() bool {
	major, _, _ := strings.Cut(c.Ref.Tag, "-")
	major, _, _ = strings.Cut(major, ".")
	n := cmdline.Number(major)
	if n == 0 {
		return c.Decline(c.Stage.From, "the tag %s doesn't tell which compiler it holds", c.Ref.Tag)
	}
	if n <= gccOf[c.Image.Release] {
		return true
	}
	c.wants("GCC %d's C++ library is newer than Debian %s's", n, c.Image.Release)
	for _, lib := range []string{"libstdc++.so.6", "libgcc_s.so.1"} {
		c.Instead[c.Last] = append(c.Instead[c.Last], c.CopyFrom("/usr/local/lib64/"+lib, "/usr/local/lib/"+lib))
	}
	c.Instead[c.Last] = append(c.Instead[c.Last], c.Keyword("RUN")+" ldconfig")
	c.Adds = append(c.Adds, "ldconfig")
	c.Explain("the C++ library of GCC %d is copied: Debian %s has that of GCC %d", n, c.Image.Release, gccOf[c.Image.Release])
	return true
}
