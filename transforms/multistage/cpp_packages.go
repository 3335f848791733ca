package multistage

import (
	"slices"
	"strings"
)

// The libraries that a C or C++ program links.

// cLibraries are the packages of the libraries behind -dev packages, by release:
// bullseye, bookworm, trixie; Ubuntu 20.04, 22.04, 24.04. One entry stands for all;
// "-" is a name that isn't known. Sources: the package lists of the releases
// (bookworm's looked up with apt-cache), and the transition to a 64-bit time_t of trixie and 24.04.
var cLibraries = map[string]string{
	"libcurl4-openssl-dev": "libcurl4|libcurl4|libcurl4t64|libcurl4|libcurl4|libcurl4t64", "libcurl4-gnutls-dev": "libcurl3-gnutls|libcurl3-gnutls|libcurl3t64-gnutls|libcurl3-gnutls|libcurl3-gnutls|libcurl3t64-gnutls",
	"libssl-dev": "libssl1.1|libssl3|libssl3t64|libssl1.1|libssl3|libssl3t64", "libsqlite3-dev": "libsqlite3-0", "zlib1g-dev": "zlib1g", "libbz2-dev": "libbz2-1.0", "liblzma-dev": "liblzma5", "libzstd-dev": "libzstd1", "liblz4-dev": "liblz4-1",
	"libpq-dev": "libpq5", "libmariadb-dev": "libmariadb3", "libuv1-dev": "libuv1|libuv1|libuv1t64|libuv1|libuv1|libuv1t64", "libev-dev": "libev4|libev4|libev4t64|libev4|libev4|libev4t64",
	"libevent-dev": "libevent-2.1-7 libevent-pthreads-2.1-7 libevent-openssl-2.1-7|libevent-2.1-7 libevent-pthreads-2.1-7 libevent-openssl-2.1-7|libevent-2.1-7t64 libevent-pthreads-2.1-7t64 libevent-openssl-2.1-7t64|" +
		"libevent-2.1-7 libevent-pthreads-2.1-7 libevent-openssl-2.1-7|libevent-2.1-7 libevent-pthreads-2.1-7 libevent-openssl-2.1-7|libevent-2.1-7t64 libevent-pthreads-2.1-7t64 libevent-openssl-2.1-7t64",
	"libncurses-dev": "libncurses6 libncursesw6", "libncurses5-dev": "libncurses6 libncursesw6", "libncursesw5-dev": "libncursesw6", "libreadline-dev": "libreadline8|libreadline8|libreadline8t64|libreadline8|libreadline8|libreadline8t64",
	"libjansson-dev": "libjansson4", "libcjson-dev": "libcjson1", "libmicrohttpd-dev": "libmicrohttpd12|libmicrohttpd12|libmicrohttpd12t64|libmicrohttpd12|libmicrohttpd12|libmicrohttpd12t64", "libxml2-dev": "libxml2", "libexpat1-dev": "libexpat1", "libyaml-dev": "libyaml-0-2",
	"libgmp-dev": "libgmp10", "libsodium-dev": "libsodium23", "libzmq3-dev": "libzmq5", "uuid-dev": "libuuid1", "libpcap-dev": "libpcap0.8|libpcap0.8|libpcap0.8t64|libpcap0.8|libpcap0.8|libpcap0.8t64",
	"libpng-dev": "libpng16-16|libpng16-16|libpng16-16t64|libpng16-16|libpng16-16|libpng16-16t64", "libpcre2-dev": "libpcre2-8-0", "libusb-1.0-0-dev": "libusb-1.0-0", "libcap-dev": "libcap2", "libseccomp-dev": "libseccomp2",
	"libjsoncpp-dev": "libjsoncpp24|libjsoncpp25|libjsoncpp26|libjsoncpp1|libjsoncpp25|libjsoncpp25", "libfmt-dev": "libfmt7|libfmt9|libfmt10|libfmt6|libfmt8|libfmt9", "libhiredis-dev": "libhiredis0.14|libhiredis0.14|libhiredis1.1.0|libhiredis0.14|libhiredis0.14|libhiredis1.1.0",
	"libyaml-cpp-dev": "libyaml-cpp0.6|libyaml-cpp0.7|libyaml-cpp0.8|libyaml-cpp0.6|libyaml-cpp0.7|libyaml-cpp0.8", "libspdlog-dev": "libspdlog1|libspdlog1.10|libspdlog1.15|-|-|libspdlog1.12", "libmosquitto-dev": "libmosquitto1", "libsystemd-dev": "libsystemd0",
	"libc6-dev": "", "libc-dev": "", "linux-libc-dev": "", "libstdc++-dev": "", "nlohmann-json3-dev": "", "rapidjson-dev": "", "libeigen3-dev": "", "libasio-dev": "", "libgtest-dev": "", "googletest": "", "libcli11-dev": "", "catch2": "",
}

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
	return c.ref.Repository() == "gcc" || c.ref.Repository() == "buildpack-deps"
}

// libraries installs what the program links.
func (c *cppSplit) libraries() bool {
	if c.static && !c.dynamic {
		return true
	}
	at := c.outputs[0].in
	for _, dev := range c.devs {
		if !c.linksTo(dev, dev) {
			return c.decline(at, "what is compiled with %s needs its library at run time, and what %s calls that isn't known", dev, c.stage.BaseName())
		}
	}
	for _, l := range c.links {
		dev := libOf[l.name]
		switch {
		case l.name == "OpenMP":
			gomp := "libgomp1"
			if c.img.Distro == "alpine" {
				gomp = "libgomp"
			}
			c.libs = append(c.libs, cLibrary{gomp, "OpenMP"})
		case cOwn[l.name], dev != "" && slices.Contains(c.devs, dev):
		case c.full() && inFull[dev]:
			if !c.linksTo(dev, l.where+" links "+l.name) {
				return c.decline(l.in, "%s links %s, and what %s calls its library isn't known", l.where, l.name, c.img.Release)
			}
		case slices.ContainsFunc(c.devs, func(d string) bool {
			return strings.Contains(d, strings.TrimRight(strings.ReplaceAll(strings.ToLower(l.name), "_", "-"), "0123456789"))
		}):
		default:
			return c.decline(l.in, "%s links %s, and which package its library is in isn't known", l.where, l.name)
		}
	}
	if c.cxx && c.img.Distro == "alpine" {
		c.libs = append(c.libs, cLibrary{"libstdc++", "programs of C++"})
	}
	if c.ref.Repository() == "gcc" && c.cxx {
		return c.newerRuntime()
	}
	return true
}

// linksTo requires the packages behind a -dev package.
func (c *cppSplit) linksTo(dev, why string) bool {
	if c.img.Distro == "alpine" {
		libs, ok := apkLibraries[dev]
		for _, l := range strings.Fields(libs) {
			c.libs = append(c.libs, cLibrary{l, dev})
		}
		return ok
	}
	libs, ok := cLibraries[dev]
	if !ok {
		if c.img.Distro != "debian" {
			return false
		}
		list, bad := c.split.library(dev)
		if bad != "" {
			return false
		}
		libs = strings.Join(list, " ")
	}
	if names := strings.Split(libs, "|"); len(names) > 1 {
		i := slices.Index([]string{"bullseye", "bookworm", "trixie", "20.04", "22.04", "24.04"}, c.img.Release)
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
	major, _, _ := strings.Cut(c.ref.Tag, "-")
	major, _, _ = strings.Cut(major, ".")
	n := atoiOr0(major)
	if n == 0 {
		return c.decline(c.stage.From, "the tag %s doesn't tell which compiler it holds", c.ref.Tag)
	}
	if n <= gccOf[c.img.Release] {
		return true
	}
	c.wants("GCC %d's C++ library is newer than Debian %s's", n, c.img.Release)
	for _, lib := range []string{"libstdc++.so.6", "libgcc_s.so.1"} {
		c.instead[c.last] = append(c.instead[c.last], c.copyFrom("/usr/local/lib64/"+lib, "/usr/local/lib/"+lib))
	}
	c.instead[c.last] = append(c.instead[c.last], c.keyword("RUN")+" ldconfig")
	c.adds = append(c.adds, "ldconfig")
	c.explain("the C++ library of GCC %d is copied: Debian %s has that of GCC %d", n, c.img.Release, gccOf[c.img.Release])
	return true
}
