package oci

import (
	"runtime"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// platformName is "linux/arm64/v8"; "" when p says nothing that could be one.
func platformName(p *v1.Platform) string {
	if p == nil || !word(p.OS) || !word(p.Architecture) || p.Variant != "" && !word(p.Variant) {
		return ""
	}
	name := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		name += "/" + p.Variant
	}
	return name
}

func word(s string) bool {
	return s != "" && len(s) < 32 && strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-')
	}) < 0
}

// own is what images are taken for when nobody says: Linux on the machine's
// architecture (on macOS and Windows too, as Docker Desktop does), else amd64.
func own() []string { return []string{"linux/" + runtime.GOARCH, "linux/amd64"} }

// normal is the one spelling of a platform that has several, as
// github.com/containerd/platforms defines them: arm64/v8 is arm64, arm is arm/v7,
// amd64/v1 is amd64.
func normal(name string) string {
	part := strings.SplitN(strings.ToLower(name), "/", 3)
	if len(part) < 2 {
		return strings.ToLower(name)
	}
	system, arch, variant := part[0], part[1], ""
	if len(part) == 3 {
		variant = part[2]
	}
	if system == "macos" {
		system = "darwin"
	}
	if variant != "" && variant[0] >= '0' && variant[0] <= '9' {
		variant = "v" + variant
	}
	switch arch {
	case "x86_64", "x86-64":
		arch = "amd64"
	case "i386", "i486", "i586", "i686":
		arch = "386"
	case "aarch64":
		arch = "arm64"
	case "armhf":
		arch, variant = "arm", "v7"
	case "armel":
		arch, variant = "arm", "v6"
	}
	switch {
	case arch == "arm64" && variant == "v8", arch == "amd64" && variant == "v1", arch == "386":
		variant = ""
	case arch == "arm" && variant == "":
		variant = "v7"
	}
	if variant == "" {
		return system + "/" + arch
	}
	return system + "/" + arch + "/" + variant
}

// runs lists what a machine of the platform runs, the best first: arm/v7 runs
// arm/v6 too, amd64/v3 runs amd64/v2 and amd64.
func runs(platform string) []string {
	n := normal(platform)
	out := []string{n}
	base, variant, ok := strings.Cut(n, "/v")
	if !ok {
		return out
	}
	level, err := strconv.Atoi(variant)
	if err != nil || level > 20 {
		return out
	}
	lowest := 5
	if strings.HasSuffix(base, "/amd64") {
		lowest = 1
	} else if strings.HasSuffix(base, "/arm64") {
		lowest = 8
	}
	for l := level - 1; l >= lowest; l-- {
		out = append(out, normal(base+"/v"+strconv.Itoa(l)))
	}
	return out
}

// Matches tells whether an image for the platform have is one for want too.
func Matches(want, have string) bool {
	for _, p := range runs(want) {
		if p == normal(have) {
			return true
		}
	}
	return false
}
