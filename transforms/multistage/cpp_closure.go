package multistage

import (
	"strings"
)

// Libraries that distroless hasn't, for --base smallest: the build stage asks the
// loader which files the program needs and puts them beside it, so that nothing has to
// be installed and the runtime image needs no package manager. They go to /usr/lib,
// where the loader looks on every architecture behind the system's own folders
// (https://man7.org/linux/man-pages/man8/ld.so.8.html).
//
// ldd shows what is linked, not what a library loads or reads by itself: only those of
// a table are taken, which do neither or do without.

// closedLibraries are packages of such libraries. libcurl and libpq would load
// Kerberos' plug-ins, for a realm that a container has no configuration of.
var closedLibraries = lazily(`^(zlib1g|libsqlite3-0|libcurl4(t64)?|libpq5|libbz2-1\.0|liblzma5|libzstd1|liblz4-1|libsnappy1v5|libexpat1|libyaml-0-2|libyaml-cpp0\.\d+|libjson-c5|libjansson4|libjsoncpp25|libcjson1|libpcre3|libpcre2-8-0|libevent-2\.1-7(t64)?|libuv1(t64)?|libev4(t64)?|libffi8|libgmp10|libuuid1|libhiredis0\.14|libzmq5|libsodium23|libmosquitto1|libfmt9|libspdlog1\.10|libpng16-16(t64)?|libjpeg62-turbo|libmicrohttpd12(t64)?|libprotobuf32|libb2-1|libnghttp2-14|libboost-[a-z-]+\d\.\d+\.\d)$`)

// inCC are the files of distroless cc: the C library's, the C++ library's and
// OpenSSL's, which must be those of its own release.
const inCC = `lib(c|m|mvec|dl|rt|pthread|resolv|gcc_s|stdc\+\+|ssl|crypto)`

// linkedFiles prints the files that ldd has listed on the lines which a condition of
// awk takes, save those that distroless cc has.
func linkedFiles(condition, list string) string {
	return "awk '" + condition + " && $3 !~ /\\/" + inCC + "\\./ { print $3 }' " + list
}

// beside plans to copy the libraries that are linked, or tells why not.
func (c *cppSplit) beside() string {
	if c.p.Policy != Smallest {
		return "distroless hasn't " + c.notInDistroless()
	}
	for _, l := range c.libs {
		if !closedLibraries().MatchString(l.pkg) && !strings.HasPrefix(l.pkg, "libssl") {
			return l.pkg + " may load or read more than it is linked with"
		}
	}
	if len(c.outputs) != 1 {
		return "there are several programs"
	}
	program := c.outputs[0].path
	files := linkedFiles(`$2 == "=>"`, "/tmp/libraries")
	commands := []string{"ldd " + program + " >/tmp/libraries", "mkdir /libraries", "cp -L $(" + files + ") /libraries/"}
	c.tail = append(c.tail, c.keyword("RUN")+" "+c.doc.Chained(commands)+"\n")
	c.adds = append(c.adds, append(commands, files)...)
	c.instead[c.last] = append(c.instead[c.last], c.copyFrom("/libraries/", "/usr/lib/"))
	var names []string
	for _, l := range c.libs {
		names = append(names, l.pkg)
	}
	c.explain("the files of %s, and of what they are linked with, are copied to /usr/lib, since distroless hasn't them", strings.Join(names, ", "))
	c.assumes = append(c.assumes, "the libraries load no plug-ins and read no files that the program needs")
	return ""
}
