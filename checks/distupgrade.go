package checks

import (
	"context"
	"fmt"
	"path"
	"slices"

	"drydock/rewrite"
)

// dist-upgrade finds upgrades that take a base image to another release or
// remove packages from it.
var _ = register(&rewrite.Check{
	Name:    "dist-upgrade",
	Rules:   []string{"DL3005", "DL3017", "DL3031", "DL3035", "DL3039"},
	Summary: "An upgrade of the whole distribution inside an image",
	Doc: `apt-get dist-upgrade (full-upgrade) may remove packages to install others
(https://manpages.debian.org/stable/apt/apt-get.8.en.html), zypper dup and dnf
distro-sync change vendors and downgrade, do-release-upgrade goes to the next
release: what the image holds is no longer what its FROM says, and the layer
carries a second copy of every package it replaces. To be on another release,
start FROM it (hadolint DL3005: https://github.com/hadolint/hadolint/wiki/DL3005,
DL3035: https://github.com/hadolint/hadolint/wiki/DL3035).`,
	Passes: `A plain upgrade (apt-get upgrade, apk upgrade, yum update, dnf
upgrade): it brings the security fixes that a base image lacks until it is
built again, removes nothing, and hadolint's rules against it are disputed.`,
	Run: func(_ context.Context, p *rewrite.Pass) error {
		for _, in := range acting(p.Doc.Stages) {
			if in.Keyword != "run" || !mentions(in, "-upgrade", "zypper", "distro-sync") {
				continue
			}
			for _, s := range scripts(in) {
				for _, c := range s.Commands() {
					if what := wholeUpgrade(c); what != "" {
						p.Report(in, rewrite.Finding{
							Line:    s.line(c.Words[0].Start),
							Message: fmt.Sprintf("%s upgrades the whole distribution of the base image", what),
							Hint:    "start FROM the release you want and build it again with --pull",
						})
					}
				}
			}
		}
		return nil
	},
})

func wholeUpgrade(c rewrite.Command) string {
	if len(c.Args) == 0 {
		return ""
	}
	args := unwrap(c.Args)
	var verbs []string
	name := path.Base(args[0])
	switch name {
	case "apt-get", "apt", "aptitude":
		verbs = []string{"dist-upgrade", "full-upgrade"}
	case "zypper":
		verbs = []string{"dup", "dist-upgrade"}
	case "dnf", "yum":
		verbs = []string{"distro-sync", "distribution-synchronization", "system-upgrade"}
	case "do-release-upgrade":
		return name
	}
	for _, v := range verbs {
		if slices.Contains(args[1:], v) {
			return name + " " + v
		}
	}
	return ""
}
