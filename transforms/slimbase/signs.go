package slimbase

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Signs in the Dockerfile that something of the full image is used: files of it that a
// RUN changes, configuration that COPY brings for its programs, and start commands
// that only keep a container up for people to work in.

var (
	// fullFiles lie where programs and libraries that only the full image has put files.
	fullFiles = lazily(`^/(etc/(ImageMagick|mercurial|subversion|ssh/|fonts|magic|java|mysql|dbus)|usr/(s?bin|lib|lib64|include|libexec|share)/|s?bin/|lib/)`)
	// everywhere are files of both images.
	everywhere = lazily(`^/(usr)?/?(s?bin/(env|sh|bash|dash|sed|grep|tar|gzip|find|perl|apt|apt-get|dpkg|chsh|su|mount|passwd|newgrp|chfn|gpasswd)$|lib/[\w-]+-linux-gnu/?$)|^/usr/share/(zoneinfo|ca-certificates|doc|man|locale|info|keyrings)`)
)

// ofFullImage names a file of the full image that a step reads or changes.
func ofFullImage(s *split.Split, in *rewrite.Instruction, st rewrite.Step) string {
	switch st.Name {
	case "cp", "mv", "ln", "sed", "chmod", "chown", "install", "dos2unix", "rm":
	default:
		return ""
	}
	if s.Ref.Repository() == "debian" || st.Name == "rm" && slices.Contains(st.Args, "-f") || st.Name == "rm" && slices.Contains(st.Args, "-rf") {
		return ""
	}
	words := cmdline.Operands(st)
	if st.Name == "cp" || st.Name == "mv" || st.Name == "ln" || st.Name == "install" {
		words = words[:max(0, len(words)-1)] // the last is what it makes
	}
	for _, w := range words {
		if strings.HasPrefix(w, "/usr/share/zoneinfo") && noZones(s) {
			if lacksPackage(s, "tzdata", "the time zone that line "+cmdline.LineOf(in)+" sets") {
				return w
			}
			continue
		}
		if !fullFiles().MatchString(w) || everywhere().MatchString(w) || brought(s, w) || installedNear(s, w) {
			continue
		}
		return w
	}
	return ""
}

// brought: a COPY brings the path, exact about what comes from the context.
func brought(s *split.Split, abs string) bool {
	return slices.ContainsFunc(s.Lineage(), func(in *rewrite.Instruction) bool {
		_, dest, from, ok := in.Copy()
		if !ok {
			return false
		}
		if from == "" {
			return split.Brings(s.Pass.Effects(in).Trees, abs)
		}
		to, known := in.State().Abs(in.State().Expand(dest))
		return known && to != "/" && rewrite.Inside(abs, to)
	})
}

// noZones: Debian's images have no time zones since trixie, and the full images bring
// them (docker-library/buildpack-deps); python's slim ones do, too.
func noZones(s *split.Split) bool {
	return s.Image.Release == "trixie" && s.Ref.Repository() != "python" && !s.Apt.Runtime["tzdata"]
}

// lacksPackage installs a package of the same name on every release; true where that
// can't be.
func lacksPackage(s *split.Split, pkg, why string) bool {
	return s.Variant.Other || !s.Require(pkg, why)
}

// installedNear: a package that the stage installs has its name in the path.
func installedNear(s *split.Split, p string) bool {
	p = strings.ToLower(p)
	for pkg := range s.Apt.Runtime {
		if name, _, _ := strings.Cut(pkg, "-"); len(name) > 2 && strings.Contains(p, strings.TrimRight(name, "0123456789.")) {
			return true
		}
	}
	return false
}

// configures maps places to the program whose configuration lies there.
var configures = map[string]func() *regexp.Regexp{
	"convert": lazily(`^/etc/ImageMagick`), "git": lazily(`/\.gitconfig$|^/etc/gitconfig$|/\.git-credentials$`),
	"ssh": lazily(`/\.ssh(/|$)|^/etc/ssh/ssh_`), "hg": lazily(`/\.hgrc$`), "curl": lazily(`/\.curlrc$`), "wget": lazily(`/\.wgetrc$|^/etc/wgetrc$`),
}

// bringsConfig tells that a COPY brings the configuration of a program that the small
// image lacks and that can't be installed beside.
func bringsConfig(s *split.Split, in *rewrite.Instruction) string {
	if in.Keyword != "copy" && in.Keyword != "add" {
		return ""
	}
	sources, dest, _, ok := in.Copy()
	to, known := in.State().Abs(in.State().Expand(dest))
	if !ok || !known {
		return ""
	}
	at := []string{to}
	for _, w := range sources {
		at = append(at, path.Join(to, path.Base(w)))
	}
	for _, program := range []string{"convert", "git", "ssh", "hg", "curl", "wget"} {
		if slices.ContainsFunc(at, func(p string) bool { return configures[program]().MatchString(p) }) && s.LacksCommand(program, "the configuration of "+program+" (line "+cmdline.LineOf(in)+")") {
			return "it brings the configuration of " + program + ", which the slim image hasn't"
		}
	}
	return ""
}

// idles tells that the start command only keeps the container up, or lets people in.
func idles(s *split.Split, all []split.Command) string {
	idle := ""
	for _, c := range all {
		if c.Where == "HEALTHCHECK" || len(c.Args) == 0 {
			continue
		}
		switch name := path.Base(c.Args[0]); {
		case (name == "bash" || name == "sh" || name == "zsh") && len(c.Args) == 1, name == "sleep" && len(c.Args) > 1 && (c.Args[1] == "infinity" || len(c.Args[1]) > 5),
			name == "tail" && slices.Contains(c.Args, "/dev/null"), name == "sshd", name == "code-server":
			idle = c.Where + " starts " + strings.Join(c.Args[:min(2, len(c.Args))], " ") + ", so that people or other programs work in the container"
		default:
			return ""
		}
	}
	if len(s.Runs()) > 0 && slices.ContainsFunc(s.Runs(), func(b repo.Build) bool { return len(b.Command) > 0 }) {
		return ""
	}
	return idle
}
