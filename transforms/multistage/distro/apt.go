package distro

import (
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// InstallsPackages: the command is an install by apt.
func InstallsPackages(st rewrite.Step) bool {
	a, ok := ReadApt(st)
	return ok && a.Verb == "install"
}

// Apt is one call of apt or apt-get.
type Apt struct {
	Verb         string
	Words, Flags []string
	Bad          string
}

// ReadApt reads a call of apt or apt-get; ok is false for other commands.
func ReadApt(st rewrite.Step) (a Apt, ok bool) {
	if st.Name != "apt-get" && st.Name != "apt" {
		return a, false
	}
	for i := 1; i < len(st.Args); i++ {
		w := st.Args[i]
		switch {
		case !cmdline.Plain(w) || i+1 < len(st.Args) && w == "-o" && !cmdline.Plain(st.Args[i+1]):
			a.Bad = w
		case w == "-o" || w == "-t" || w == "-c":
			a.Flags = append(a.Flags, w)
			if i++; i < len(st.Args) {
				a.Flags = append(a.Flags, st.Args[i])
			}
		case strings.HasPrefix(w, "-"):
			a.Flags = append(a.Flags, w)
		case a.Verb == "":
			a.Verb = w
		default:
			a.Words = append(a.Words, w)
		}
	}
	return a, true
}

// ReadApk reads a call of Alpine's apk in the terms of apt.
func ReadApk(st rewrite.Step) (a Apt, ok bool) {
	if st.Name != "apk" {
		return a, false
	}
	for i := 1; i < len(st.Args); i++ {
		w := st.Args[i]
		switch {
		case w == "-t" || w == "--virtual" || w == "-X" || w == "--repository" || w == "-p" || w == "--root":
			i++
		case strings.HasPrefix(w, "-"):
		case a.Verb == "":
			if a.Verb = w; w == "add" {
				a.Verb = "install"
			}
		case !cmdline.Plain(w):
			a.Bad = w
		default:
			w, _, _ = strings.Cut(w, "~")
			w, _, _ = strings.Cut(w, ">")
			w, _, _ = strings.Cut(w, "@")
			a.Words = append(a.Words, w)
		}
	}
	return a, true
}

// ReadPackages reads a call of apt or of apk.
func ReadPackages(st rewrite.Step) (a Apt, ok bool) {
	if a, ok = ReadApt(st); !ok {
		a, ok = ReadApk(st)
	}
	return a, ok
}

// Versioned: the name is the prefix and a version: gcc-12.
func Versioned(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && strings.Trim(rest, "0123456789.") == ""
}

// AssumesYes: without it apt asks where it didn't on the full image, because a
// package that was there has to be installed now.
func AssumesYes(flags []string) bool {
	for _, f := range flags {
		if f == "--yes" || f == "--assume-yes" || !strings.HasPrefix(f, "--") && strings.Contains(f, "y") {
			return true
		}
	}
	return false
}
