package distro

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// DebianNumber is the number of a Debian release in distroless' names.
func DebianNumber(release string) string {
	return map[string]string{"bullseye": "11", "bookworm": "12", "trixie": "13"}[release]
}

// CLibraries are the packages of the libraries behind -dev packages, by release:
// bullseye, bookworm, trixie; Ubuntu 20.04, 22.04, 24.04. One entry stands for all;
// "-" is a name that isn't known. Sources: the package lists of the releases
// (bookworm's looked up with apt-cache), and the transition to a 64-bit time_t of trixie and 24.04.
var CLibraries = map[string]string{
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

// SameName are packages called the same in bullseye, bookworm and trixie.
var SameName = words(`libpq5 libmariadb3 libxml2 libxslt1.1 libcairo2 libcairo-gobject2 libjpeg62-turbo libsasl2-2 libyaml-0-2 libgmp10 libmpfr6 libmpc3 libfreetype6 liblz4-1 libzmq5 libsodium23
	libportaudio2 libsndfile1 libsnappy1v5 libdbus-1-3 libsystemd0 libudev1 libusb-1.0-0 libpcsclite1 libsybdb5 libleveldb1d libcap2 libpango-1.0-0 libpangoft2-1.0-0 libpangocairo-1.0-0
	libgdk-pixbuf-2.0-0 libopenjp2-7 liblcms2-2 libgssapi-krb5-2 libkrb5-3 libwebpmux3 libx11-6 libxcb1 libxext6 libxrender1 libsm6 libice6 libgl1 libenchant-2-2 librdkafka1 libopenblas0 liblapack3 libblas3 libgfortran5
	libmecab2 liblmdb0 unixodbc graphviz libtk8.6 git mercurial subversion openssh-client gnupg curl wget file unzip xz-utils bzip2 procps imagemagick libgomp1 libpcre2-8-0 ca-certificates libedit2 libaspell15 libmcrypt4 librabbitmq4 libxpm4 libbz2-1.0 libzstd1 libgd3 libgif7 librsvg2-2 openssl python3 poppler-utils fonts-dejavu-core`)

// renamed are those whose names differ: bookworm's name to those of bullseye and
// of trixie. A dash is a name that isn't known.
var renamed = map[string][2]string{
	"libldap-2.5-0": {"libldap-2.4-2", "libldap2"}, "libglib2.0-0": {"libglib2.0-0", "libglib2.0-0t64"}, "libmemcached11": {"libmemcached11", "libmemcached11t64"},
	"libmagic1": {"libmagic1", "libmagic1t64"}, "libev4": {"libev4", "libev4t64"}, "libcups2": {"libcups2", "libcups2t64"}, "libfuse2": {"libfuse2", "libfuse2t64"},
	"libfuse3-3": {"libfuse3-3", "libfuse3-4"}, "libcurl4": {"libcurl4", "libcurl4t64"}, "libpng16-16": {"libpng16-16", "libpng16-16t64"}, "libzbar0": {"libzbar0", "libzbar0t64"},
	"libmagickwand-6.q16-6": {"libmagickwand-6.q16-6", "libmagickwand-7.q16-10"}, "libgdal32": {"libgdal28", "libgdal36"}, "libgeos-c1v5": {"libgeos-c1v5", "libgeos-c1t64"},
	"libproj25": {"libproj19", "libproj25"}, "libtiff6": {"libtiff5", "libtiff6"}, "libwebp7": {"libwebp6", "libwebp7"}, "libwebpdemux2": {"libwebpdemux2", "libwebpdemux2"},
	"libicu72": {"libicu67", "libicu76"}, "libhdf5-103-1": {"libhdf5-103-1", "libhdf5-310"}, "libhdf5-hl-100": {"libhdf5-hl-100", "libhdf5-hl-310"}, "libpcap0.8": {"libpcap0.8", "libpcap0.8t64"}, "libharfbuzz-subset0": {"-", "libharfbuzz-subset0"},
	"libffi8": {"libffi7", "libffi8"}, "libzip4": {"libzip4", "libzip5"}, "libavif15": {"libavif9", "libavif16"}, "libtidy5deb1": {"libtidy5deb1", "libtidy58"}, "libsnmp40": {"libsnmp40", "libsnmp40t64"},
	"libmagickcore-6.q16-6-extra": {"libmagickcore-6.q16-6-extra", "libmagickcore-7.q16-10-extra"}, "libuv1": {"libuv1", "libuv1t64"}, "libc-client2007e": {"libc-client2007e", "-"}, "libvips42": {"libvips42", "libvips42t64"},
	"libssh2-1": {"libssh2-1", "libssh2-1t64"}, "libevent-2.1-7": {"libevent-2.1-7", "libevent-2.1-7t64"}, "libevent-extra-2.1-7": {"libevent-extra-2.1-7", "libevent-extra-2.1-7t64"},
	"libevent-openssl-2.1-7": {"libevent-openssl-2.1-7", "libevent-openssl-2.1-7t64"}, "libevent-pthreads-2.1-7": {"libevent-pthreads-2.1-7", "libevent-pthreads-2.1-7t64"},
	"libgirepository-1.0-1": {"libgirepository-1.0-1", "-"}, "libxmlsec1-openssl": {"libxmlsec1-openssl", "-"}, "libatlas3-base": {"libatlas3-base", "-"}, "libpcre3": {"libpcre3", "-"},
}

// DevLibrary names the library packages behind a -dev package, as bookworm calls
// them (DebianName). Source: what each -dev package depends on.
var DevLibrary = map[string]string{
	"libpq-dev": "libpq5", "default-libmysqlclient-dev": "libmariadb3", "libmariadb-dev": "libmariadb3", "libmariadb-dev-compat": "libmariadb3", "libmariadbclient-dev": "libmariadb3",
	"libxml2-dev": "libxml2", "libxslt1-dev": "libxslt1.1", "libxslt-dev": "libxslt1.1", "libcairo2-dev": "libcairo2", "libzbar-dev": "libzbar0", "libmagic-dev": "libmagic1",
	"libjpeg-dev": "libjpeg62-turbo", "libjpeg62-turbo-dev": "libjpeg62-turbo", "libsasl2-dev": "libsasl2-2", "libyaml-dev": "libyaml-0-2", "libgmp-dev": "libgmp10",
	"libcurl4-openssl-dev": "libcurl4", "libfreetype6-dev": "libfreetype6", "libfreetype-dev": "libfreetype6", "libpng-dev": "libpng16-16", "liblz4-dev": "liblz4-1",
	"libzmq3-dev": "libzmq5", "libsodium-dev": "libsodium23", "portaudio19-dev": "libportaudio2", "libsndfile1-dev": "libsndfile1", "libsnappy-dev": "libsnappy1v5", "libev-dev": "libev4",
	"libldap2-dev": "libldap-2.5-0", "libldap-dev": "libldap-2.5-0", "libglib2.0-dev": "libglib2.0-0", "libxmlsec1-dev": "libxmlsec1-openssl", "libmemcached-dev": "libmemcached11",
	"libgdal-dev": "libgdal32", "libgeos-dev": "libgeos-c1v5", "libproj-dev": "libproj25", "libtiff-dev": "libtiff6", "libtiff5-dev": "libtiff6", "libwebp-dev": "libwebp7 libwebpmux3 libwebpdemux2",
	"libopenjp2-7-dev": "libopenjp2-7", "liblcms2-dev": "liblcms2-2", "libkrb5-dev": "libgssapi-krb5-2", "libpcap-dev": "libpcap0.8", "libpcap0.8-dev": "libpcap0.8", "libusb-1.0-0-dev": "libusb-1.0-0",
	"libudev-dev": "libudev1", "libgirepository1.0-dev": "libgirepository-1.0-1", "libsystemd-dev": "libsystemd0", "libdbus-1-dev": "libdbus-1-3", "libcups2-dev": "libcups2", "librdkafka-dev": "librdkafka1",
	"libhdf5-dev": "libhdf5-103-1 libhdf5-hl-100", "libopenblas-dev": "libopenblas0", "libatlas-base-dev": "libatlas3-base", "liblapack-dev": "liblapack3 libgfortran5", "libblas-dev": "libblas3", "libsm-dev": "libsm6",
	"libxext-dev": "libxext6", "libxrender-dev": "libxrender1", "libx11-dev": "libx11-6", "libgl1-mesa-dev": "libgl1", "libgl-dev": "libgl1", "libenchant-2-dev": "libenchant-2-2", "libmpfr-dev": "libmpfr6", "libmpc-dev": "libmpc3",
	"libicu-dev": "libicu72", "unixodbc-dev": "unixodbc", "freetds-dev": "libsybdb5", "graphviz-dev": "graphviz", "libgraphviz-dev": "graphviz", "libmecab-dev": "libmecab2", "libpcre3-dev": "libpcre3", "libpcre2-dev": "libpcre2-8-0",
	"libcap-dev": "libcap2", "libfuse-dev": "libfuse2", "libfuse3-dev": "libfuse3-3", "libpcsclite-dev": "libpcsclite1", "libleveldb-dev": "libleveldb1d", "libpango1.0-dev": "libpango-1.0-0 libpangoft2-1.0-0 libpangocairo-1.0-0",
	"libzip-dev": "libzip4", "libavif-dev": "libavif15", "libtidy-dev": "libtidy5deb1", "libmagickwand-dev": "libmagickwand-6.q16-6 libmagickcore-6.q16-6-extra", "libedit-dev": "libedit2", "libsnmp-dev": "libsnmp40",
	"libevent-dev": "libevent-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7", "libuv1-dev": "libuv1", "libpspell-dev": "libaspell15", "libc-client2007e-dev": "libc-client2007e", "libc-client-dev": "libc-client2007e",
	"libvips-dev": "libvips42", "libffi-dev": "libffi8", "libssh2-1-dev": "libssh2-1", "libmcrypt-dev": "libmcrypt4", "librabbitmq-dev": "librabbitmq4", "libxpm-dev": "libxpm4", "libbz2-dev": "libbz2-1.0", "libzstd-dev": "libzstd1",
	"libgd-dev": "libgd3", "libgdk-pixbuf2.0-dev": "libgdk-pixbuf-2.0-0", "libgdk-pixbuf-2.0-dev": "libgdk-pixbuf-2.0-0", "liblmdb-dev": "liblmdb0",
}

// DebianName is what a release calls a package that bookworm calls so; false
// where that isn't known.
func DebianName(pkg, release string) (string, bool) {
	if SameName[pkg] && (release == "bullseye" || release == "bookworm" || release == "trixie") {
		return pkg, true
	}
	names, ok := renamed[pkg]
	switch {
	case !ok:
		return "", false
	case release == "bullseye":
		pkg = names[0]
	case release == "trixie":
		pkg = names[1]
	case release != "bookworm":
		return "", false
	}
	return pkg, pkg != "-"
}

// BringsAlong are packages that depend on a library: where the runtime stage
// installs one of them it needs no line for the library.
var BringsAlong = map[string][]string{
	"libpq5":         {"postgresql-client", "postgresql", "python3-psycopg2"},
	"libmariadb3":    {"mariadb-client", "default-mysql-client", "python3-mysqldb"},
	"libglib2.0-0":   {"ffmpeg"},
	"libvips42":      {"libvips", "libvips-tools"},
	"libxml2":        {"libxslt1.1"},
	"libcairo2":      {"libpangocairo-1.0-0"},
	"libpango-1.0-0": {"libpangocairo-1.0-0", "libpangoft2-1.0-0"},
}

// Mendable are programs of the full image that a runtime stage may well have:
// small, and no part of a toolchain.
var Mendable = words(`curl wget git mercurial subversion openssh-client file unzip xz-utils bzip2 gnupg procps imagemagick`)

// DropsToolchain: a RUN installs one of the compilers and leaves it in the
// image, so that a split is worth it on a small base too.
func DropsToolchain(stage *rewrite.Stage, compilers map[string]bool) bool {
	for _, in := range stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		steps, why := in.Steps()
		if why != "" {
			continue
		}
		installs, removes := false, false
		for _, st := range steps {
			a, ok := ReadPackages(st)
			switch {
			case !ok:
			case a.Verb == "install":
				installs = installs || slices.ContainsFunc(a.Words, func(w string) bool { return compilers[w] })
			case a.Verb == "remove" || a.Verb == "purge" || a.Verb == "autoremove" || a.Verb == "del":
				removes = true
			}
		}
		if installs && !removes {
			return true
		}
	}
	return false
}

// Compiler are packages of which one alone weighs more than a slim image's
// application does: gcc and what brings it.
var Compiler = words(`gcc g++ build-essential clang gfortran rustc cargo`)

// FullOnly maps programs that full Debian-based images have and slim ones
// don't to the package that brings them (docker-library buildpack-deps: the
// scm, curl and full variants).
var FullOnly = map[string]string{
	"curl": "curl", "wget": "wget", "git": "git", "hg": "mercurial", "svn": "subversion", "ssh": "openssh-client", "scp": "openssh-client", "sftp": "openssh-client",
	"ssh-keygen": "openssh-client", "ssh-keyscan": "openssh-client", "ssh-agent": "openssh-client", "gcc": "gcc", "g++": "g++", "cc": "gcc", "c++": "g++", "cpp": "gcc", "make": "make",
	"autoconf": "autoconf", "automake": "automake", "file": "file", "patch": "patch", "unzip": "unzip", "xz": "xz-utils", "bzip2": "bzip2", "gpg": "gnupg", "dirmngr": "dirmngr",
	"ps": "procps", "pgrep": "procps", "pkill": "procps", "top": "procps", "free": "procps", "watch": "procps", "uptime": "procps", "convert": "imagemagick", "identify": "imagemagick",
	"mogrify": "imagemagick", "composite": "imagemagick", "mysql_config": "default-libmysqlclient-dev", "pg_config": "libpq-dev", "xml2-config": "libxml2-dev",
}

// NodeFullOnly are those of the node image besides: Debian's Python and OpenSSL.
var NodeFullOnly = map[string]string{"python": "python3", "python3": "python3", "openssl": "openssl", "update-ca-certificates": "ca-certificates",
	"prisma": "openssl"}

// BuildTools are packages that a program doesn't need when it runs: compilers
// and build tools. -dev packages have tables of their own.
var BuildTools = words(`gcc g++ make cmake build-essential pkg-config pkgconf autoconf automake libtool libtool-bin autotools-dev patch swig gfortran rustc cargo ninja-build
	meson bison flex clang llvm nasm yasm gdb ccache binutils dpkg-dev apt-utils apt-transport-https cython3 python3-distutils gcc-multilib g++-multilib m4`)

// BuildOnly tells whether a program doesn't need a Debian package when it runs: a
// compiler, a build tool, headers.
func BuildOnly(pkg string) bool { return BuildTools[pkg] || strings.HasSuffix(pkg, "-dev") }

// InSlim are -dev packages whose library the slim image has: python's slim
// images keep what its standard library links to (docker-library/python,
// slim Dockerfiles: ldd over /usr/local).
var InSlim = map[string]map[string]bool{
	"python": words(`zlib1g-dev libz-dev libssl-dev libffi-dev libbz2-dev libsqlite3-dev libreadline-dev liblzma-dev libexpat1-dev libncurses-dev libncurses5-dev libncursesw5-dev uuid-dev libc6-dev libc-dev linux-libc-dev python3-dev python-dev`),
	"node":   words(`zlib1g-dev libc6-dev libc-dev linux-libc-dev python3-dev python-dev`),
	"golang": {},
	// what ldd finds below /usr/local stays (docker-library/ruby, /php: Dockerfile.template)
	"ruby": words(`zlib1g-dev libssl-dev libffi-dev libgmp-dev libyaml-dev libc6-dev libc-dev linux-libc-dev ruby-dev`),
	"php":  words(`zlib1g-dev libssl-dev libcurl4-openssl-dev libonig-dev libreadline-dev libsodium-dev libsqlite3-dev libxml2-dev libargon2-dev libargon2-0-dev libc6-dev libc-dev linux-libc-dev`),
}
