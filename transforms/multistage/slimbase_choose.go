package multistage

import (
	"slices"
	"strings"
)

// Which small image takes the place of a full one (slimbase_jre.go for Java,
// slimbase_alpine.go for Alpine).

// slimmed are the images whose slim variant is the same release of the same
// interpreter or system without what builds. Others never have a small image for
// a stage that runs: golang, rust and gcc build; php has no slim one.
var slimmed = words(`python node ruby perl debian`)

// sourceOf are the extensions of the source that an image's interpreter runs.
var sourceOf = map[string][]string{
	"python": {".py"}, "node": {".js", ".ts", ".mjs", ".cjs", ".tsx"}, "ruby": {".rb", ".rake", ".ru"}, "perl": {".pl", ".pm", ".psgi", ".cgi", ".fcgi"},
}

// buildpackGone is what buildpack-deps brings and the slim images lack.
var buildpackGone = []string{"compilers", "headers", "-dev packages", "git", "mercurial", "subversion", "curl", "wget", "ssh", "gnupg", "ImageMagick", "file", "patch", "unzip", "bzip2"}

// chooseVariant finds the small image. It says nothing where the base isn't a
// full image that is known.
func (s *split) chooseVariant() bool {
	repository := s.ref.Repository()
	switch {
	case jdkRepositories[repository]:
		return s.chooseJRE()
	case repository == "buildpack-deps" && s.startsAnything():
		return s.decline(s.stage.From, "%s is an image to build in; which of its libraries the program loads isn't known", s.stage.BaseName())
	case small(s.stage.BaseName()) || !slimmed[repository]:
		return false
	}
	s.variant = &variant{name: "the slim image", gone: slices.Clone(buildpackGone)}
	if !s.p.Repo.Known() {
		return s.decline(s.stage.From, "without the build context it isn't known what the program needs")
	}
	if !s.slimBase() {
		return false
	}
	s.variant.base = s.base
	switch repository {
	case "python":
		s.variant.gain = "compilers and headers stay out: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	case "node":
		s.variant.gone = append(s.variant.gone, "Debian's Python", "openssl", "the system's certificates (node has its own)")
		s.variant.gain = "compilers and headers stay out: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	case "debian":
		// The same packages, less manual pages, documentation and translations:
		// https://github.com/debuerreotype/debuerreotype, .slimify-excludes.
		s.variant.lost = map[string]string{"man": "man-db"}
		s.variant.gone = []string{"manual pages", "documentation", "translations"}
		s.variant.gain = "manual pages, documentation and translations stay out: about 20 MB (compressed)"
		for _, in := range s.stage.Instructions {
			if m := debianDocs().FindString(in.Text); m != "" {
				return s.decline(in, "it names %s, which the slim image hasn't", m)
			}
		}
	default:
		s.variant.gain = "compilers and headers stay out: 250 to 350 MB (compressed)"
	}
	s.explain("%s holds the same version on the same release as %s", s.base, s.stage.BaseName())
	return true
}

var debianDocs = lazily(`/usr/share/(doc|man|info|locale)\b|\blocale-gen\b`)

// certificates installs those of authorities where a client that apt installs by
// itself needs them and the small image hasn't any, as the full one has.
func (s *split) certificates() {
	if s.variant.other || s.ref.Repository() != "node" && s.ref.Repository() != "perl" || s.hasPackage("ca-certificates") {
		return
	}
	for _, client := range []string{"curl", "wget", "git"} {
		if s.apt.runtime[client] {
			s.require("ca-certificates", client+": encrypted connections")
			return
		}
	}
}

// aptYes: where the full image has a package already apt asks nothing, and stops
// the build with a question on the small one.
func (s *split) aptYes() bool {
	for _, st := range s.doc.Stages {
		if s.variant.other || !st.Descends(s.stage) || s.img.PackageManager != "apt" {
			continue
		}
		for _, in := range st.Instructions {
			if in.Keyword != "run" {
				continue
			}
			all, _ := in.Steps()
			for _, step := range all {
				a, isApt := readApt(step)
				if isApt && a.verb == "install" && !assumesYes(a.flags) && !strings.Contains(in.Text, "Assume-Yes") {
					return s.decline(in, "%s install without -y asks before it installs, which ends the build unless the image has the package already", step.Name)
				}
			}
		}
	}
	return true
}
