package slimbase

import (
	"slices"
	"strings"

	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Which small image takes the place of a full one (jre.go for Java,
// alpine.go for Alpine).

// slimmed are the images whose slim variant is the same release of the same
// interpreter or system without what builds. Others never have a small image for
// a stage that runs: golang, rust and gcc build; php has no slim one.
var slimmed = words(`python node ruby perl debian`)

// SourceOf are the extensions of the source that an image's interpreter runs.
var SourceOf = map[string][]string{
	"python": {".py"}, "node": {".js", ".ts", ".mjs", ".cjs", ".tsx"}, "ruby": {".rb", ".rake", ".ru"}, "perl": {".pl", ".pm", ".psgi", ".cgi", ".fcgi"},
}

// buildpackGone is what buildpack-deps brings and the slim images lack.
var buildpackGone = []string{"compilers", "headers", "-dev packages", "git", "mercurial", "subversion", "curl", "wget", "ssh", "gnupg", "ImageMagick", "file", "patch", "unzip", "bzip2"}

// chooseVariant finds the small image. It says nothing where the base isn't a
// full image that is known.
func chooseVariant(s *split.Split) bool {
	repository := s.Ref.Repository()
	switch {
	case jdkRepositories[repository]:
		return chooseJRE(s)
	case repository == "buildpack-deps" && s.StartsAnything():
		return s.Decline(s.Stage.From, "%s is an image to build in; which of its libraries the program loads isn't known", s.Stage.BaseName())
	case distro.Small(s.Stage.BaseName()) || !slimmed[repository]:
		return false
	}
	s.Variant = &split.Variant{Name: "the slim image", Gone: slices.Clone(buildpackGone)}
	if !s.Pass.Repo.Known() {
		return s.Decline(s.Stage.From, "without the build context it isn't known what the program needs")
	}
	if !s.SlimBase() {
		return false
	}
	s.Variant.Base = s.Base
	switch repository {
	case "python":
		s.Variant.Gain = "compilers and headers stay out: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	case "node":
		s.Variant.Gone = append(s.Variant.Gone, "Debian's Python", "openssl", "the system's certificates (node has its own)")
		s.Variant.Gain = "compilers and headers stay out: about 420 MB for the full image, 75 MB for the slim one (compressed)"
	case "debian":
		// The same packages, less manual pages, documentation and translations:
		// https://github.com/debuerreotype/debuerreotype, .slimify-excludes.
		s.Variant.Lost = map[string]string{"man": "man-db"}
		s.Variant.Gone = []string{"manual pages", "documentation", "translations"}
		s.Variant.Gain = "manual pages, documentation and translations stay out: about 20 MB (compressed)"
		for _, in := range s.Stage.Instructions {
			if m := distro.DebianDocs().FindString(in.Text); m != "" {
				return s.Decline(in, "it names %s, which the slim image hasn't", m)
			}
		}
	default:
		s.Variant.Gain = "compilers and headers stay out: 250 to 350 MB (compressed)"
	}
	s.Explain("%s holds the same version on the same release as %s", s.Base, s.Stage.BaseName())
	return true
}

// certificates installs those of authorities where a client that apt installs by
// itself needs them and the small image hasn't any, as the full one has.
func certificates(s *split.Split) {
	if s.Variant.Other || s.Ref.Repository() != "node" && s.Ref.Repository() != "perl" || s.HasPackage("ca-certificates") {
		return
	}
	for _, client := range []string{"curl", "wget", "git"} {
		if s.Apt.Runtime[client] {
			s.Require("ca-certificates", client+": encrypted connections")
			return
		}
	}
}

// aptYes: where the full image has a package already apt asks nothing, and stops
// the build with a question on the small one.
func aptYes(s *split.Split) bool {
	for _, st := range s.Doc.Stages {
		if s.Variant.Other || !st.Descends(s.Stage) || s.Image.PackageManager != "apt" {
			continue
		}
		for _, in := range st.Instructions {
			if in.Keyword != "run" {
				continue
			}
			all, _ := in.Steps()
			for _, step := range all {
				a, isApt := distro.ReadApt(step)
				if isApt && a.Verb == "install" && !distro.AssumesYes(a.Flags) && !strings.Contains(in.Text, "Assume-Yes") {
					return s.Decline(in, "%s install without -y asks before it installs, which ends the build unless the image has the package already", step.Name)
				}
				if isApt && a.Verb == "install" && !s.Indexed(in) {
					return s.Decline(in, "%s install without an update finds only packages that the full image has already", step.Name)
				}
			}
		}
	}
	return true
}
