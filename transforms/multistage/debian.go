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
	libmecab2 liblmdb0 unixodbc graphviz libtk8.6 git mercurial subversion openssh-client gnupg curl wget file unzip xz-utils bzip2 procps imagemagick libgomp1 libpcre2-8-0 ca-certificates libedit2 libaspell15 libmcrypt4 librabbitmq4 libxpm4 libbz2-1.0 libzstd1 libgd3`)

// renamed are those whose names differ: bookworm's name to those of bullseye and
// of trixie. A dash is a name that isn't known.
var renamed = map[string][2]string{
	"libldap-2.5-0": {"libldap-2.4-2", "libldap2"}, "libglib2.0-0": {"libglib2.0-0", "libglib2.0-0t64"}, "libmemcached11": {"libmemcached11", "libmemcached11t64"},
	"libmagic1": {"libmagic1", "libmagic1t64"}, "libev4": {"libev4", "libev4t64"}, "libcups2": {"libcups2", "libcups2t64"}, "libfuse2": {"libfuse2", "libfuse2t64"},
	"libfuse3-3": {"libfuse3-3", "libfuse3-4"}, "libcurl4": {"libcurl4", "libcurl4t64"}, "libpng16-16": {"libpng16-16", "libpng16-16t64"}, "libzbar0": {"libzbar0", "libzbar0t64"},
	"libmagickwand-6.q16-6": {"libmagickwand-6.q16-6", "libmagickwand-7.q16-10"}, "libgdal32": {"libgdal28", "libgdal36"}, "libgeos-c1v5": {"libgeos-c1v5", "libgeos-c1t64"},
	"libproj25": {"libproj19", "libproj25"}, "libtiff6": {"libtiff5", "libtiff6"}, "libwebp7": {"libwebp6", "libwebp7"}, "libwebpdemux2": {"libwebpdemux2", "libwebpdemux2"},
	"libicu72": {"libicu67", "libicu76"}, "libhdf5-103-1": {"libhdf5-103-1", "libhdf5-310"}, "libpcap0.8": {"libpcap0.8", "libpcap0.8t64"}, "libharfbuzz-subset0": {"-", "libharfbuzz-subset0"},
	"libffi8": {"libffi7", "libffi8"}, "libzip4": {"libzip4", "libzip5"}, "libavif15": {"libavif9", "libavif16"}, "libtidy5deb1": {"libtidy5deb1", "libtidy58"}, "libsnmp40": {"libsnmp40", "libsnmp40t64"},
	"libmagickcore-6.q16-6-extra": {"libmagickcore-6.q16-6-extra", "libmagickcore-7.q16-10-extra"}, "libuv1": {"libuv1", "libuv1t64"}, "libc-client2007e": {"libc-client2007e", "-"}, "libvips42": {"libvips42", "libvips42t64"},
	"libssh2-1": {"libssh2-1", "libssh2-1t64"}, "libevent-2.1-7": {"libevent-2.1-7", "libevent-2.1-7t64"}, "libevent-extra-2.1-7": {"libevent-extra-2.1-7", "libevent-extra-2.1-7t64"},
	"libevent-openssl-2.1-7": {"libevent-openssl-2.1-7", "libevent-openssl-2.1-7t64"}, "libevent-pthreads-2.1-7": {"libevent-pthreads-2.1-7", "libevent-pthreads-2.1-7t64"},
	"libgirepository-1.0-1": {"libgirepository-1.0-1", "-"}, "libxmlsec1-openssl": {"libxmlsec1-openssl", "-"}, "libatlas3-base": {"libatlas3-base", "-"}, "libpcre3": {"libpcre3", "-"},
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
	if !mendable[pkg] || s.base == "" || s.base == "scratch" || strings.Contains(s.base, "distroless") {
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

// dropsToolchain: the stage installs compilers on a small base and leaves them
// there, so that a split is worth it.
func dropsToolchain(stage *rewrite.Stage) bool {
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
			a, ok := readApt(st)
			if !ok {
				continue
			}
			switch a.verb {
			case "install":
				for _, w := range a.words {
					installs = installs || compiler[w]
				}
			case "remove", "purge", "autoremove":
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
