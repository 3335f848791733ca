package compiled

import (
	"maps"
	"slices"
	"strings"

	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// The libraries that crates link, by the -sys crates of Cargo.lock. What a crate
// does is in its build.rs; the sources are the crates' pages on docs.rs.

// rustStatic are -sys crates that compile what they hold, or link nothing that
// Linux hasn't: other systems' interfaces, bundled C sources.
var rustStatic = words(`linux-raw-sys windows-sys js-sys web-sys core-foundation-sys security-framework-sys system-configuration-sys fsevent-sys kqueue-sys inotify-sys
	 objc-sys ndk-sys jni-sys io-kit-sys dirs-sys dirs-sys-next 
	clang-sys aws-lc-sys zstd-sys lz4-sys libz-ng-sys cloudflare-zlib-sys libz-rs-sys libbz2-rs-sys brotli-sys jemalloc-sys tikv-jemalloc-sys libmimalloc-sys snmalloc-sys 
	secp256k1-sys libsodium-sys libsodium-sys-stable libgit2-sys libssh2-sys libnghttp2-sys onig_sys librocksdb-sys lmdb-sys lmdb-rkv-sys lmdb-master-sys mdbx-sys libmdbx-sys
	mozjpeg-sys turbojpeg-sys libwebp-sys libwebp-sys2 webp-sys libfuzzer-sys libquickjs-sys rquickjs-sys mlua-sys 
	ittapi-sys tracy-client-sys vswhom-sys 
	 rdkafka-sys`)

// rustLinked are those that link a library of Debian: the -dev package whose
// library it is, and the crate or feature that bundles the source instead.
var rustLinked = map[string]struct{ dev, bundle string }{
	"openssl-sys":     {"libssl-dev", "openssl-src"},
	"libz-sys":        {"zlib1g-dev", ""},
	"bzip2-sys":       {"libbz2-dev", ""},
	"lzma-sys":        {"liblzma-dev", ""},
	"liblzma-sys":     {"liblzma-dev", ""},
	"curl-sys":        {"libcurl4-openssl-dev", ""},
	"libsqlite3-sys":  {"libsqlite3-dev", "bundled"},
	"sqlite3-sys":     {"libsqlite3-dev", ""},
	"pq-sys":          {"libpq-dev", "pq-src"},
	"libpq-sys":       {"libpq-dev", ""},
	"mysqlclient-sys": {"default-libmysqlclient-dev", "mysqlclient-src"},
	"libudev-sys":     {"libudev-dev", ""},
	"libdbus-sys":     {"libdbus-1-dev", ""},
	"alsa-sys":        {"libasound2-dev", ""},
	"libusb1-sys":     {"libusb-1.0-0-dev", ""},
	"zmq-sys":         {"libzmq3-dev", "zeromq-src"},
	"freetype-sys":    {"libfreetype6-dev", ""},
	"expat-sys":       {"libexpat1-dev", ""},
	"fontconfig-sys":  {"libfontconfig1-dev", ""},
	"sasl2-sys":       {"libsasl2-dev", ""},
	"libgssapi-sys":   {"libkrb5-dev", ""},
	"libseccomp-sys":  {"libseccomp-dev", ""},
	"libsystemd-sys":  {"libsystemd-dev", ""},
	"pam-sys":         {"libpam0g-dev", ""},
	"magic-sys":       {"libmagic-dev", ""},
	"pcap":            {"libpcap-dev", ""},
	"libxml":          {"libxml2-dev", ""},

	"yeslogic-fontconfig-sys": {"libfontconfig1-dev", ""},
	"servo-fontconfig-sys":    {"libfontconfig1-dev", ""},
}

// rustNative are crates besides the -sys ones that load libraries of the system.
var rustNative = words(`pyo3-ffi ort tch odbc-api oracle opencv gstreamer gtk gdk qt_core leptess tesseract tesseract-plumbing libvips sdl2 glfw pdfium-render v8 deno_core rusty_v8 libvlc`)

// rustCerts are crates that read the certificates of the system.
var rustCerts = words(`openssl-sys openssl-probe native-tls rustls-native-certs rustls-platform-verifier curl-sys`)

// rustZones are crates that read the system's time zones, rustUsers those that
// look up users.
var (
	rustZones = words(`iana-time-zone tzfile tz-rs tzdata jiff localzone`)
	rustUsers = words(`users uzers pwd pwd-grp`)
)

// Libraries works out which kind of distroless image holds what the programs
// link; the packages that none has are installed in an image with a package
// manager.
func (r *RustApp) Libraries() (kind string, ok bool) {
	static := !r.dynamic && !slices.ContainsFunc(r.Outputs, func(o Output) bool { return !o.musl })
	release := r.RustRelease()
	crates := slices.Sorted(maps.Keys(r.Crates))
	for _, c := range crates {
		r.certs = r.certs || rustCerts[c]
		r.tz = r.tz || rustZones[c]
		if rustUsers[c] {
			r.unlike = "the crate " + c + " looks up users"
		}
	}
	var linked, devs []string
	for _, c := range crates {
		switch l, known := rustLinked[c]; {
		case known && (r.bundles(c, l.bundle) || distro.Small(r.Stage.BaseName()) && len(r.devs) == 0): // without headers there is nothing to link
		case known:
			linked, devs = append(linked, c), append(devs, l.dev)
		case rustNative[c], (strings.HasSuffix(c, "-sys") || strings.HasSuffix(c, "_sys")) && !rustStatic[c] && !strings.HasPrefix(c, "windows") && !strings.HasPrefix(c, "objc2"):
			return "", r.Decline(r.Last, "which libraries the crate %s (Cargo.lock) needs at run time isn't known", c)
		}
	}
	if r.Crates["rdkafka-sys"] && r.feature("rdkafka", "dynamic-linking") {
		linked, devs = append(linked, "rdkafka-sys"), append(devs, "librdkafka-dev")
	}
	if static {
		return "static", true // the linker took the libraries in, or failed
	}
	if slices.ContainsFunc(r.Outputs, func(o Output) bool { return o.musl }) && !r.dynamic {
		return "", r.Decline(r.Last, "some programs are linked with musl and some with glibc")
	}
	if r.dynamic {
		if len(linked) > 0 {
			return "", r.Decline(r.Last, "which package of Alpine holds the library of the crate %s isn't known", linked[0])
		}
		r.keep("libgcc", "the unwinder that -crt-static leaves out")
		r.wants("RUSTFLAGS links the C library of Alpine")
		return "", true
	}
	n := distro.DebianNumber(release)
	if n == "" {
		return "", r.Decline(r.Stage.From, "the program needs the C library of the builder's Debian release, which isn't known")
	}
	kind = "cc-debian" + n
	if len(r.Needs) == 0 && r.Pass.Policy != split.Slim && len(linked) == 1 && linked[0] == "openssl-sys" && n != "11" { // which has OpenSSL 1.1
		r.Explain("%s holds the libssl that openssl-sys links", kind)
		return kind, true
	}
	var libs []string
	for i, c := range linked {
		lib := r.linked(devs[i])
		if lib == "" {
			return "", r.Decline(r.Last, "which package holds the library that the crate %s links isn't known for %s", c, release)
		}
		libs = append(libs, lib)
	}
	if len(libs) > 0 && len(r.Needs) == 0 && r.Pass.Policy == split.Smallest && n != "11" {
		why := r.beside(libs)
		if why == "" {
			return kind, true
		}
		r.Explain("the libraries aren't copied beside a distroless base: %s", why)
	}
	for i, c := range linked {
		if !r.Require(libs[i], "the crate "+c) {
			return "", r.Decline(r.Last, "the crate %s needs %s, and the builder has no apt", c, libs[i])
		}
		r.wants("the crate %s links %s, which distroless hasn't", c, libs[i])
	}
	if len(linked) == 0 && len(r.Needs) == 0 {
		r.Explain("%s holds the C library and libgcc, and Cargo.lock names no crate that links more", kind)
	}
	return kind, true
}

// bundles reports whether a crate compiles the library's source in: by another
// crate of the lock file that holds it, or by a feature that the project asks
// for. One that a feature of the project's own may switch on doesn't count.
func (r *RustApp) bundles(crate, by string) bool {
	switch {
	case by == "":
		return false
	case by != "bundled":
		for _, p := range r.packages {
			for _, s := range p.Switches {
				if strings.Contains(s, "vendored") || strings.Contains(s, "bundled") || strings.Contains(s, by) {
					return false
				}
			}
		}
		return r.Crates[by]
	}
	if r.Crates["sqlx-sqlite"] || r.Crates["sqlx-core"] {
		return !r.feature("sqlx", "sqlite-unbundled") // sqlx-sqlite asks for bundled itself
	}
	for _, user := range []string{"libsqlite3-sys", "rusqlite", "r2d2_sqlite", "tokio-rusqlite", "deadpool-sqlite"} {
		if r.feature(user, "bundled") || r.feature(user, "bundled-full") || r.feature(user, "bundled-sqlcipher") || r.feature(user, "modern-full") {
			return true
		}
	}
	return false
}

// feature: a package that is built asks a crate for a feature.
func (r *RustApp) feature(crate, name string) bool {
	for _, p := range r.packages {
		if slices.Contains(p.Deps[crate], name) {
			return true
		}
	}
	return false
}

// RustRelease is the builder's Debian release; of images that the catalogue
// doesn't know, the one that the tag names.
func (r *RustApp) RustRelease() string {
	for _, name := range []string{"bullseye", "bookworm", "trixie"} {
		if r.Image.Release == "" && slices.Contains(strings.Split(r.Ref.Tag, "-"), name) {
			r.Image.Release, r.Image.Distro, r.Image.PackageManager, r.Image.Libc = name, "debian", "apt", "glibc"
		}
	}
	return r.Image.Release
}
