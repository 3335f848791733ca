// Package images holds facts about base images: what a tag means, which line a
// moving tag names, whether a -slim counterpart exists, and what a container of
// it starts with (user, working directory, entry point, environment).
//
// The facts come from an embedded, dated catalogue (folder catalogue/, its
// format is described in parse.go). The package touches neither network nor
// disk; a registry can stand behind the same interface, Source.
package images

// Date is the day of the newest fact in the embedded catalogue: the state of
// docker-library/official-images that the tags were read from. Whether a line
// is supported is judged on this date, not on today's.
const Date = "2026-08-21"

// Source answers questions about images. There are three: Catalogue() is the
// embedded one; Live, over a Store, asks a registry (package images/registry) or
// an OCI layout (package images/layout) too, whose facts override the
// catalogue's. A Source serves one run, from many goroutines.
type Source interface {
	// Image gives the facts of the image that ref names; false when the
	// repository or the form of the tag isn't known.
	Image(ref Ref) (Image, bool)
	// Pin gives a precise tag for a reference without one. It is false, with the
	// reason in Pinned.Why, when ref must be left alone. Pinning what was pinned
	// is always false.
	Pin(ref Ref, want Want, to Precision) (Pinned, bool)
	// Next moves a pin forward, as far as level and the project allow. It is false,
	// with the reason in Pinned.Why, when ref is as fresh as can be known, or must
	// be left alone. Where ref has a digest the answer has one.
	Next(ref Ref, want Want, level Level) (Pinned, bool)
	// Slim gives the -slim counterpart with the same version, release and
	// package manager. When there is none the string is the reason.
	Slim(ref Ref) (Ref, string, bool)
	// Digest is the digest of what ref names today: of the index where there is
	// one, never of one platform's image in it. The image must be there for all of
	// platforms ("linux/arm64"). Errors are those of Store; ErrOffline when nobody
	// can be asked.
	Digest(ref Ref, platforms []string) (string, error)
	// Day is the date (YYYY-MM-DD) on which it is judged whether a line is
	// supported.
	Day() string
}

// Proves tells whether a source may answer with a digest or with Pinned.Proven.
// The catalogue never does, so what rests on either needn't be tried.
func Proves(s Source) bool {
	p, ok := s.(interface{ Proves() bool })
	return ok && p.Proves()
}

// Precision says how precise a pin is.
type Precision int

const (
	// MostPrecise is the most precise tag that is proven to name the same image;
	// where nothing can be proven it is the release line.
	MostPrecise Precision = iota
	// ReleaseLine is the tag of the release line: python:3.14.
	ReleaseLine
)

// Level says how far an update may go.
type Level int

const (
	LevelDigest Level = iota // the same tag, the digest it has today
	LevelPatch               // the newest patch of the same release line
	LevelMinor               // the newest supported line with the same first number
	LevelMajor               // the newest supported line, of long-term support where the image has such
)

// Want is what the project itself says about the version it needs.
type Want struct {
	Version    string // "3.11", "v20.11.1", "lts/iron"; "" unknown
	Constraint string // ">=3.9", "^18 || ^20", "~> 3.2"; "" unknown
	Source     string // where it says so: ".python-version:1"
}

// Pinned is an answer of Pin and Next.
type Pinned struct {
	Ref       Ref    // the reference to write; zero when left alone
	Why       string // one sentence: the reason for the tag, or for leaving it alone
	Source    string // "docker-library/official-images, 2026-08-21", the project's file, or the registry
	SameToday bool   // on the catalogue's date both tags name the same image
	Proven    bool   // a registry gave the same digest for both just now
}

// Image is what is known about one tag. Slices and maps are shared: don't change them.
type Image struct {
	Repository string // normalised, as Ref.Repository
	Tag        string // "latest" when none was written
	Line       string // release line: "3.12" of python, "20" of node, "24.04" of ubuntu; "" unknown
	Version    string // the fullest version known: "3.12.14"; of a moving tag, on the catalogue's date
	Variant    string // the rest of the tag without version and release: "", "slim", "alpine", "fpm-alpine", "jre"

	Distro         string // debian, ubuntu, alpine, amazonlinux, fedora, centos, rhel, oraclelinux, …; "none" without one, "" unknown
	Release        string // "bookworm", "24.04", "3.22", "9"; "" unknown
	Libc           string // glibc, musl, uclibc, none; "" unknown
	PackageManager string // apt, apk, dnf, microdnf, yum; "" none or unknown
	Shell          bool   // /bin/sh exists

	User       string            // USER; "" is root
	NonRoot    *Account          // an unprivileged account that exists in the image
	Workdir    string            // WORKDIR; "" is /
	Entrypoint []string          // ENTRYPOINT, nil when none
	Cmd        []string          // CMD, nil when none or unknown
	EnvPath    string            // PATH; "" when the image sets none
	Env        map[string]string // other variables known; versions in values are those of the catalogue's date
	StopSignal string
	Expose     []string // "80", "443/udp"
	Volumes    []string
	OnBuild    bool // carries ONBUILD instructions

	Released   string // day the line was released, YYYY-MM-DD; "" unknown
	EndOfLife  string // day the line's support ends; "" when not known or not set
	ReplacedBy string // what to use in place of a retired repository: "eclipse-temurin"
	Moving     bool   // the tag names no release line, so it will name another one some day

	Size       int64  // compressed bytes for Platform: of config and layers in a Store, else typical of such tags; 0 unknown
	Platform   string // of which platform Size is, and in a Store the configuration
	SizeSource string // who told a typical size, and when; "" when it is the image's own

	// Known of images in a Store.
	Digest    string   // what the tag names: an index where there is one
	Platforms []string // "linux/amd64", "linux/arm64/v8", sorted; nil unknown
	Created   string   // day the image was made, YYYY-MM-DD; "" unknown or not told

	Source string // "docker-library/official-images"
	Date   string // day on which Source said so; for a tag no longer built, the last day it was listed
}

// Account is a user that exists in an image.
type Account struct {
	Name     string
	UID, GID int
	Home     string
}

// Line is a release line of a repository.
type Line struct {
	Name      string // "3.12"
	Tag       string // the tag that names it: "3.12", "trixie"
	Version   string // fullest version on the catalogue's date
	Released  string // YYYY-MM-DD; "" unknown
	EndOfLife string // YYYY-MM-DD; "" when not known or not set
}

// Catalogue is the embedded source, which judges on its own date.
func Catalogue() Source { return catalogue{day: Date} }

// CatalogueOn is the embedded source, which judges on a later day (YYYY-MM-DD)
// whether a line is supported.
func CatalogueOn(day string) Source { return catalogue{day: max(day, Date)} }

type catalogue struct{ day string }

func (c catalogue) Day() string { return c.day }

// Digest: the catalogue holds no digests, they move every day.
func (catalogue) Digest(ref Ref, _ []string) (string, error) { return "", ErrOffline }

// Lines are the lines of a repository (named as by Ref.Repository) that are
// built and supported on Date, newest first; nil for an unknown repository.
func Lines(repository string) []Line {
	f := familyOf(repository)
	if f == nil {
		return nil
	}
	var out []Line
	for i := range f.lines {
		l := &f.lines[i]
		if r := f.rowOf(l); r != nil && l.supported(Date) {
			out = append(out, Line{Name: l.name, Tag: f.lineTag(l, r), Version: r.version, Released: l.released, EndOfLife: l.eol})
		}
	}
	return out
}
