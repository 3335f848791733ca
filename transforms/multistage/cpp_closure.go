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

// beside plans to copy the files of the libraries that a program is linked with, given
// by Debian's names of their packages, or tells why not.
func (b *binaries) beside(libs []string) string {
	for _, l := range libs {
		if !closedLibraries().MatchString(l) && !strings.HasPrefix(l, "libssl") {
			return l + " may load or read more than it is linked with"
		}
	}
	switch {
	case len(b.outputs) != 1:
		return "there are several programs"
	case len(b.stage.From.Flags) > 0:
		return "the build stage may be of another platform, whose libraries its loader doesn't list"
	}
	files := linkedFiles(`$2 == "=>"`, "/tmp/libraries")
	commands := []string{"ldd " + b.outputs[0].path + " >/tmp/libraries", "mkdir /libraries", "cp -L $(" + files + ") /libraries/"}
	b.tail = append(b.tail, "# the libraries that it is linked with, which distroless hasn't\n"+b.keyword("RUN")+" "+b.doc.Chained(commands)+"\n")
	b.adds = append(b.adds, append(commands, files)...)
	b.instead[b.last] = append(b.instead[b.last], b.copyFrom("/libraries/", "/usr/lib/"))
	b.explain("the files of %s, and of what they are linked with, are copied to /usr/lib, since distroless hasn't them", strings.Join(libs, ", "))
	b.assumes = append(b.assumes, "the libraries load no plug-ins and read no files that the program needs")
	return ""
}
