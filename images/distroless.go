package images

import "strings"

const (
	distrolessPrefix = "gcr.io/distroless/"
	distrolessSource = "GoogleContainerTools/distroless"
	distrolessDate   = "2026-08-21"
)

// distrolessKinds are the published images by Debian release: README.md of
// GoogleContainerTools/distroless on 2026-08-21. the value is false for those
// that were published but are no longer listed (its SUPPORT_POLICY.md: on Debian 12
// java and node ended in January 2026, python in April, the rest ends in
// September 2026).
var distrolessKinds = map[string]map[string]bool{
	"static":     {"13": true, "12": true, "11": false},
	"base":       {"13": true, "12": true, "11": false},
	"base-nossl": {"13": true, "12": true, "11": false},
	"cc":         {"13": true, "12": true, "11": false},
	"python3":    {"13": true, "12": false, "11": false},
	"java-base":  {"13": true, "12": false, "11": false},
	"java11":     {"11": false},
	"java17":     {"13": true, "12": false, "11": false},
	"java21":     {"13": true, "12": false},
	"java25":     {"13": true},
	"nodejs14":   {"11": false},
	"nodejs16":   {"11": false},
	"nodejs18":   {"12": false, "11": false},
	"nodejs20":   {"12": false, "11": false},
	"nodejs22":   {"13": true, "12": false},
	"nodejs24":   {"13": true, "12": false},
	"nodejs26":   {"13": true},
}

// distrolessEnd is the end of support by SUPPORT_POLICY.md, which names months.
func distrolessEnd(kind, release string) string {
	switch {
	case release != "12":
		return ""
	case strings.HasPrefix(kind, "java"), strings.HasPrefix(kind, "nodejs"):
		return "2026-01-31"
	case kind == "python3":
		return "2026-04-30"
	}
	return "2026-09-30"
}

var (
	debianNames  = map[string]string{"11": "bullseye", "12": "bookworm", "13": "trixie"}
	debianPython = map[string]string{"11": "3.9", "12": "3.11", "13": "3.13"}
)

// Distroless is the nonroot tag of a distroless image: "static", "base", "cc",
// "python3", "java21", "nodejs22"… on the newest Debian release it is kept up
// for. With a release ("cc-debian12", "python3-debian12") it is that one, kept
// up or not; false for what was never published.
func Distroless(kind string) (Ref, bool) {
	name, release, _ := strings.Cut(kind, "-debian")
	on, ok := distrolessKinds[name]
	if !ok {
		return Ref{}, false
	}
	if release == "" {
		for r, kept := range on {
			if kept && r > release {
				release = r
			}
		}
	}
	if _, ok := on[release]; !ok {
		return Ref{}, false
	}
	return Ref{Domain: "gcr.io", Path: "distroless/" + name + "-debian" + release, Tag: "nonroot"}, true
}

// distroless are the facts of one of them. Sources: static/static.bzl,
// java/java.bzl, nodejs/nodejs.bzl, python3/python.bzl and common/BUILD.bazel
// of that repository on that date.
func distroless(repository, tag string) (Image, bool) {
	name, ok := strings.CutPrefix(repository, distrolessPrefix)
	if !ok {
		return Image{}, false
	}
	kind, release, _ := strings.Cut(name, "-debian")
	on, ok := distrolessKinds[kind]
	if !ok {
		return Image{}, false
	}
	if _, ok := on[release]; !ok && release != "" {
		return Image{}, false
	}
	if tag == "" {
		tag = "latest"
	}
	plain := tag // without architecture
	for _, arch := range []string{"-amd64", "-arm64", "-arm", "-s390x", "-ppc64le", "-riscv64"} {
		plain = strings.TrimSuffix(plain, arch)
	}
	img := Image{Repository: repository, Tag: tag, Line: release, Distro: "debian", Release: debianNames[release], Libc: "glibc",
		NonRoot: &Account{Name: "nonroot", UID: 65532, GID: 65532, Home: "/home/nonroot"}, EnvPath: usualPath,
		Env:    map[string]string{"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"},
		Moving: release == "", EndOfLife: distrolessEnd(kind, release), Source: distrolessSource, Date: distrolessDate}
	switch plain {
	case "latest":
	case "nonroot":
		img.User, img.Workdir = "65532", "/home/nonroot"
	case "debug":
		img.Shell = true
	case "debug-nonroot":
		img.Shell, img.User, img.Workdir = true, "65532", "/home/nonroot"
	default:
		return Image{}, false
	}
	if kind == "static" {
		img.Libc = "none"
	}
	img.Variant = strings.TrimPrefix(plain, "latest")
	if img.Shell { // a busybox beside the rest
		img.EnvPath += ":/busybox"
		img.Entrypoint = []string{"/busybox/sh"}
	}
	switch {
	case strings.HasPrefix(kind, "nodejs"):
		img.Entrypoint, img.Version = []string{"/nodejs/bin/node"}, kind[len("nodejs"):]
	case kind == "python3":
		img.Version = debianPython[release]
		img.Entrypoint, img.Env["LANG"] = []string{"/usr/bin/python" + img.Version}, "C.UTF-8"
	case kind == "java-base":
		img.Env["LANG"] = "C.UTF-8"
	case strings.HasPrefix(kind, "java"):
		img.Version = kind[len("java"):]
		img.Entrypoint, img.Env["LANG"] = []string{"/usr/bin/java", "-jar"}, "C.UTF-8"
		img.Env["JAVA_VERSION"] = img.Version
	}
	return img, true
}

// Kept reports whether a distroless image ("cc", "python3") on a Debian release
// ("12") was still listed as published on the catalogue's date.
func Kept(kind, release string) bool { return distrolessKinds[kind][release] }
