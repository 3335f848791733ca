package python

import (
	"cmp"
	"strings"

	"drydock/images"
	"drydock/transforms/multistage/cmdline"
)

// The images of conda, and what the runtime stage stands on. The catalogue of images
// knows none of them.

// condaBases are the images that hold conda below /opt/conda. Their Dockerfiles:
// github.com/ContinuumIO/docker-images (July 2024), github.com/anaconda/docker-images
// (July 2026), github.com/conda-forge/miniforge-images (July 2026),
// github.com/mamba-org/micromamba-docker (2.6.1).
var condaBases = words(`continuumio/miniconda3 continuumio/anaconda3 continuumio/miniconda continuumio/anaconda anaconda/miniconda condaforge/miniforge3 condaforge/mambaforge mambaorg/micromamba`)

// condaRoot is where conda lies in all of them.
const condaRoot = "/opt/conda"

// condaDebian is the release of the runtime stage where no package of apt ties the
// file to another: its glibc (2.41) isn't older than that of any of the bases (Ubuntu
// 24.04: 2.39), and what is compiled against one runs on a newer one.
const condaDebian = "13"

// chooseBase names the base of the runtime stage, and fills in what the catalogue
// doesn't tell of conda's images.
func (c *condaSplit) chooseBase(tag string) {
	apt := false
	for _, in := range c.Stage.Instructions {
		apt = apt || in.Keyword == "run" && strings.Contains(in.Text, "apt") && strings.Contains(in.Text, "install")
	}
	distro, release := condaRelease(c.Ref.Repository(), tag)
	if strings.Contains(c.Stage.From.Fields()[0].Text, "$") || tag == "" && c.Ref.Digest != "" {
		release = "" // a build argument says, or nothing does
	}
	switch {
	case c.micro:
		c.Base, c.SameBase = c.Stage.From.Fields()[0].Text, true
		c.foreign = false
	case !apt || release == "":
		c.Base, c.foreign = "debian:"+condaDebian+"-slim", apt
	case distro == "ubuntu":
		c.Base, c.release = "ubuntu:"+release, release
	default:
		c.Base, c.release = "debian:"+release+"-slim", release
	}
	base := c.Base
	if c.micro {
		base = "debian:" + cmp.Or(release, condaDebian) + "-slim"
	}
	if ref, err := images.ParseRef(base); err == nil {
		c.Image, _ = c.Pass.Images.Image(ref)
	}
	c.Ref.Tag = "" // conda's version, where others have Python's
	if !c.micro {
		c.Gone = condaPrograms
	}
	c.Launch = condaLaunch
}

// condaRelease is the distribution that a tag stands on, and its release as its own
// image's tags say it; "" where that isn't known, or changed while the tag was new.
// Source: the history of the Dockerfiles that condaBases names.
func condaRelease(repository, tag string) (distro, release string) {
	latest := tag == "" || tag == "latest"
	version, _, _ := strings.Cut(tag, "-")
	since := func(v string) bool { return !latest && version != "" && !cmdline.VersionLess(version, v) }
	switch repository {
	case "continuumio/miniconda3", "anaconda/miniconda":
		switch {
		case latest || since("25.11"):
			return "debian", "13"
		case since("24.4") && !since("25.3"):
			return "debian", "12"
		case since("4.11") && !since("24.3"):
			return "debian", "11"
		}
	case "continuumio/anaconda3":
		switch {
		case latest || since("2025"):
			return "debian", "13"
		case version == "2024.06":
			return "debian", "12"
		case since("2021.11") && !since("2024.02"):
			return "debian", "11"
		}
	case "condaforge/miniforge3":
		switch {
		case latest || since("25"):
			return "ubuntu", "24.04"
		case since("4.10") && !since("24.11.3"):
			return "ubuntu", "20.04"
		}
	case "condaforge/mambaforge":
		if latest || since("4.10") {
			return "ubuntu", "20.04"
		}
	case "mambaorg/micromamba":
		for _, w := range [][2]string{{"trixie", "13"}, {"debian13", "13"}, {"bookworm", "12"}, {"debian12", "12"}, {"bullseye", "11"}, {"debian11", "11"}} {
			if strings.Contains(tag, w[0]) {
				return "debian", w[1]
			}
		}
	}
	return "", ""
}
