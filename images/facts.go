package images

import "strings"

// Image tells what a tag holds: from the catalogue's rows for tags listed on
// its date, from the line's past for older ones, and from the grammar of the
// family's tags for the rest. A reference with a digest and no tag, or with
// variables, says too little.
func (catalogue) Image(ref Ref) (Image, bool) {
	if ref.hasVariable() || ref.Tag == "" && ref.Digest != "" {
		return Image{}, false
	}
	name := ref.mirrored()
	if name == "scratch" && ref.Tag == "" {
		return Image{Repository: name, Distro: "none", Libc: "none", Source: "https://docs.docker.com/build/building/base-images/", Date: Date}, true
	}
	if img, ok := distroless(name, ref.Tag); ok {
		return img, true
	}
	f := familyOf(name)
	if f == nil {
		return Image{}, false
	}
	tag := ref.Tag
	if tag == "" {
		tag = "latest"
	}
	img, ok := f.image(tag)
	img.Repository = ref.Repository()
	return img, ok
}

func (f *family) image(tag string) (Image, bool) {
	t := f.lex(tag)
	img := Image{Tag: tag, Shell: true, Source: f.source, Date: f.date, Moving: !f.precise(&t), ReplacedBy: f.replacedBy}
	i, known := f.byTag[tag]
	img.Variant = t.variant()
	switch {
	case known:
		r := &f.rows[i]
		img.Line, img.Version = orElse(r.line, f.follow[t.version]), r.version
		if t.release == "" {
			t.release = r.release
		}
		if r.gone != "" {
			img.Date = r.gone
		}
	case !t.known, tag == "latest", f.strange(&t):
		return Image{}, false
	default:
		img.Line = f.lineOf(t.version)
		if img.Line == "" && numericStart(t.version) && t.release == "" { // python:2 was the newest line of it
			for i := range f.lines {
				if within(f.lines[i].name, t.version) {
					img.Line = f.lines[i].name
					break
				}
			}
		}
		f.old(&t, &img)
	}
	if f.from != "" && !known && compare(orElse(img.Version, orElse(img.Line, f.from)), f.from) < 0 {
		return Image{}, false
	}
	if l := f.line(img.Line); l != nil {
		img.Released, img.EndOfLife = l.released, l.eol
	}
	f.system(&t, &img, known)
	f.configure(&t, &img)
	return img, true
}

// strange: a version that is no line of the family and not newer than all of them.
func (f *family) strange(t *lexed) bool {
	if t.version == "" || len(f.lines) == 0 {
		return false
	}
	if !numericStart(t.version) {
		return f.lineOf(t.version) == "" && f.follow[t.version] == "" && !f.versions[t.version]
	}
	l := f.lineOf(t.version)
	if l == "" { // python:2, and what names less than a line
		return false
	}
	if _, ok := f.byLine[l]; ok {
		return false
	}
	for i := range f.lines {
		if compare(f.lines[i].name, l) > 0 {
			return true
		}
	}
	return false
}

// old fills in version and release of a tag that the catalogue doesn't list.
func (f *family) old(t *lexed, img *Image) {
	img.Version = strings.TrimPrefix(t.version, "v")
	if !numericStart(img.Version) {
		img.Version = ""
	}
	p := f.past[img.Line]
	if p != nil && (img.Version == "" || within(p.version, img.Version)) {
		img.Version = p.version
	}
	if p != nil && p.seen != "" {
		img.Date = p.seen
	}
	if t.release != "" || img.Line == "" {
		return
	}
	// Where other words of the tag choose the base too (maven's jdk-11), the
	// past is not known of them.
	plain := !t.pre
	for _, w := range t.words {
		plain = plain && (w == "slim" || w == "alpine" || f.neutral[w])
	}
	if p != nil && plain {
		if r, listed := p.at(t.kind(), orElse(t.version, p.version)); listed {
			t.release = r
			return
		}
	}
	// A line whose release never changed, or a patch newer than the catalogue.
	if i, ok := f.byTag[join(img.Line, t.suffix)]; ok && !t.pre && (plain || compare(t.version, f.rows[i].version) > 0) {
		t.release = f.rows[i].release
	}
}

// system fills in distribution, release, C library and package manager.
func (f *family) system(t *lexed, img *Image, known bool) {
	distro, release, ok := releaseOf(t.release)
	switch {
	case ok:
		img.Distro, img.Release = distro, release
	case t.alpine:
		img.Distro = "alpine"
	case known || !f.unsure:
		img.Distro, img.Release = f.base, f.baseRelease
	}
	for i := range f.rules {
		if r := &f.rules[i]; r.field == "distro" && !ok && !t.alpine && r.holds(t, img) {
			img.Distro = r.value
		}
	}
	if l := f.line(img.Line); img.Release == "" && l != nil {
		if len(l.aliases) > 0 { // debian, ubuntu and buildpack-deps: the line is a release
			if d, r, ok := releaseOf(l.aliases[0]); ok {
				img.Distro, img.Release = d, r
			}
		}
		if img.Release == "" && img.Distro == f.repository && img.Distro != "busybox" {
			img.Release = img.Line
		}
	}
	img.PackageManager = packageManager(img.Distro, img.Release, t)
	switch img.Distro {
	case "alpine":
		img.Libc = "musl"
	case "none":
		img.Libc = "none"
	case "busybox":
		for _, c := range []string{"glibc", "uclibc", "musl"} {
			if t.has(c) {
				img.Libc = c
			}
		}
	case "":
	default:
		img.Libc = "glibc"
	}
}

// packageManager of a distribution's container image. Sources: the images'
// own documentation on Docker Hub; Red Hat's minimal and Oracle's slim images
// have microdnf, releases before 8 and Amazon Linux 2 have yum.
func packageManager(distro, release string, t *lexed) string {
	switch distro {
	case "debian", "ubuntu":
		if t.has("chiseled") {
			return ""
		}
		return "apt"
	case "alpine":
		return "apk"
	case "amazonlinux":
		if release == "2" || release == "2018.03" || release == "1" {
			return "yum"
		}
		return "dnf"
	case "centos", "oraclelinux":
		if n, _, ok := number(release); ok && n < 8 {
			return "yum"
		}
		if distro == "oraclelinux" && (t.slim || t.release != "") { // mysql and openjdk build on oraclelinux:N-slim
			return "microdnf"
		}
		return "dnf"
	case "rhel", "rockylinux", "almalinux", "centos-stream":
		if t.has("minimal") {
			return "microdnf"
		}
		return "dnf"
	case "fedora":
		return "dnf"
	}
	return ""
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
