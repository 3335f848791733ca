package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// Names of Debian's library packages change with the release: with the
// library's ABI (libtiff5, libtiff6) and in trixie with the 64-bit time_t
// (https://wiki.debian.org/ReleaseGoals/64bit-time). Those of bookworm are the
// ones that the other tables use; the source of each is the package list of the
// release, those of bookworm looked up with apt-cache.

// sameName are packages called the same in bullseye, bookworm and trixie.
var sameName = words(`libpq5 libmariadb3 libxml2 libxslt1.1 libcairo2 libcairo-gobject2 libjpeg62-turbo libsasl2-2 libyaml-0-2 libgmp10 libmpfr6 libmpc3 libfreetype6 liblz4-1 libzmq5 libsodium23
	libportaudio2 libsndfile1 libsnappy1v5 libdbus-1-3 libsystemd0 libudev1 libusb-1.0-0 libpcsclite1 libsybdb5 libleveldb1d libcap2 libpango-1.0-0 libpangoft2-1.0-0 libpangocairo-1.0-0
	libgdk-pixbuf-2.0-0 libopenjp2-7 liblcms2-2 libgssapi-krb5-2 libkrb5-3 libwebpmux3 libx11-6 libxcb1 libxext6 libxrender1 libsm6 libice6 libgl1 libenchant-2-2 librdkafka1 libopenblas0 liblapack3 libblas3 libgfortran5
	libmecab2 liblmdb0 unixodbc graphviz libtk8.6 git mercurial subversion openssh-client gnupg curl wget file unzip xz-utils bzip2 procps imagemagick libgomp1 libpcre2-8-0 ca-certificates libedit2 libaspell15 libmcrypt4 librabbitmq4 libxpm4 libbz2-1.0 libzstd1 libgd3 libgif7 librsvg2-2 openssl python3 poppler-utils`)

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

// devLibrary names the library packages behind a -dev package, as bookworm calls
// them (debianName). Source: what each -dev package depends on.
var devLibrary = map[string]string{
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

// debianName is what a release calls a package that bookworm calls so; false
// where that isn't known.
func debianName(pkg, release string) (string, bool) {
	if sameName[pkg] && (release == "bullseye" || release == "bookworm" || release == "trixie") {
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

// libraries are the packages behind a -dev package, as the base's release calls
// them; unknown is one of them whose name there isn't known. None for a -dev
// package that isn't in the table.
func (s *split) libraries(dev string) (at []string, unknown string) {
	for _, lib := range strings.Fields(devLibrary[dev]) {
		n, ok := debianName(lib, s.img.Release)
		if !ok && sameName[lib] { // on releases older than those that debianName knows
			n, ok = lib, true
		}
		if !ok {
			return nil, lib
		}
		at = append(at, n)
	}
	if row, ok := cLibraries[dev]; ok && at == nil {
		names, i := strings.Split(row, "|"), slices.Index([]string{"bullseye", "bookworm", "trixie"}, s.img.Release)
		switch {
		case len(names) == 1:
			at = strings.Fields(row)
		case i >= 0 && names[i] != "-":
			at = strings.Fields(names[i])
		}
	}
	return at, ""
}

// requires installs packages, by bookworm's names, in the runtime stage; missing
// is the first whose name in this release isn't known.
func (s *split) requires(pkgs []string, why string) (missing string) {
	for _, p := range pkgs {
		name, ok := debianName(p, s.img.Release)
		if !ok || !s.require(name, why) {
			return p
		}
	}
	return ""
}

// hasPackage: the runtime stage installs the package, by bookworm's name, anyway.
func (s *split) hasPackage(pkg string) bool {
	name, ok := debianName(pkg, s.img.Release)
	return s.apt.runtime[pkg] || ok && s.apt.runtime[name]
}

// bringsAlong are packages that depend on a library: where the runtime stage
// installs one of them it needs no line for the library.
var bringsAlong = map[string][]string{
	"libpq5":         {"postgresql-client", "postgresql", "python3-psycopg2"},
	"libmariadb3":    {"mariadb-client", "default-mysql-client", "python3-mysqldb"},
	"libglib2.0-0":   {"ffmpeg"},
	"libvips42":      {"libvips", "libvips-tools"},
	"libxml2":        {"libxslt1.1"},
	"libcairo2":      {"libpangocairo-1.0-0"},
	"libpango-1.0-0": {"libpangocairo-1.0-0", "libpangoft2-1.0-0"},
}

// comesAlong reports whether a package comes with another one that the runtime
// stage installs, or is one of them.
func (s *split) comesAlong(pkg string) bool {
	return s.apt.runtime[pkg] || slices.ContainsFunc(bringsAlong[pkg], func(p string) bool { return s.apt.runtime[p] })
}

// mendable are programs of the full image that a runtime stage may well have:
// small, and no part of a toolchain.
var mendable = words(`curl wget git mercurial subversion openssh-client file unzip xz-utils bzip2 gnupg procps imagemagick`)

// mend installs the package of a program that something in the container runs,
// where the runtime base has apt. It reports false where that can't be or isn't
// wanted.
func (s *split) mend(pkg, why string) bool {
	if !mendable[pkg] && !(s.ref.Repository() == "node" && (pkg == "openssl" || pkg == "python3" || pkg == "ca-certificates")) || s.variant != nil && s.variant.other || s.base == "" || s.base == "scratch" || strings.Contains(s.base, "distroless") {
		return false
	}
	pkgs := []string{pkg}
	switch pkg {
	case "git": // what it calls, as Recommends of the Debian package
		pkgs = append(pkgs, "ca-certificates", "openssh-client")
	case "curl", "wget":
		pkgs = append(pkgs, "ca-certificates")
	}
	if s.ref.Repository() == "python" { // its slim images have the certificates
		pkgs = slices.DeleteFunc(pkgs, func(p string) bool { return p == "ca-certificates" })
	}
	return s.requires(pkgs, why) == ""
}

// lacksCommand names a program that the runtime image lacks, after the attempt
// to mend that. at tells who runs it.
func (s *split) lacksCommand(program, at string) bool {
	pkg := s.lacks(program)
	return pkg != "" && !s.mend(pkg, at)
}

// dropsToolchain: a RUN installs one of the compilers and leaves it in the
// image, so that a split is worth it on a small base too.
func dropsToolchain(stage *rewrite.Stage, compilers map[string]bool) bool {
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
			a, ok := readPackages(st)
			switch {
			case !ok:
			case a.verb == "install":
				installs = installs || slices.ContainsFunc(a.words, func(w string) bool { return compilers[w] })
			case a.verb == "remove" || a.verb == "purge" || a.verb == "autoremove" || a.verb == "del":
				removes = true
			}
		}
		if installs && !removes {
			return true
		}
	}
	return false
}

// compiler are packages of which one alone weighs more than a slim image's
// application does: gcc and what brings it.
var compiler = words(`gcc g++ build-essential clang gfortran rustc cargo`)
