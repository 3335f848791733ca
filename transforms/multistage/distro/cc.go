package distro

// ClosedLibraries are packages of such libraries. libcurl and libpq would load
// Kerberos' plug-ins, for a realm that a container has no configuration of.
var ClosedLibraries = lazily(`^(zlib1g|libsqlite3-0|libcurl4(t64)?|libpq5|libbz2-1\.0|liblzma5|libzstd1|liblz4-1|libsnappy1v5|libexpat1|libyaml-0-2|libyaml-cpp0\.\d+|libjson-c5|libjansson4|libjsoncpp25|libcjson1|libpcre3|libpcre2-8-0|libevent-2\.1-7(t64)?|libuv1(t64)?|libev4(t64)?|libffi8|libgmp10|libuuid1|libhiredis0\.14|libzmq5|libsodium23|libmosquitto1|libfmt9|libspdlog1\.10|libpng16-16(t64)?|libjpeg62-turbo|libmicrohttpd12(t64)?|libprotobuf32|libb2-1|libnghttp2-14|libboost-[a-z-]+\d\.\d+\.\d)$`)

// InCC are the files of distroless cc: the C library's, the C++ library's and
// OpenSSL's, which must be those of its own release.
const InCC = `lib(c|m|mvec|dl|rt|pthread|resolv|gcc_s|stdc\+\+|ssl|crypto)`

// LinkedFiles prints the files that ldd has listed on the lines which a condition of
// awk takes, save those that distroless cc has.
func LinkedFiles(condition, list string) string {
	return "awk '" + condition + " && $3 !~ /\\/" + InCC + "\\./ { print $3 }' " + list
}
