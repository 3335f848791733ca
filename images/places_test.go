package images

import "testing"

// Images that aren't FROM's: the frontend, programs that are copied.
func TestPinOfWhatIsCopiedFrom(t *testing.T) {
	for in, want := range map[string]string{
		"docker/dockerfile":                           "docker/dockerfile:1",
		"docker/dockerfile:latest":                    "docker/dockerfile:1",
		"docker.io/docker/dockerfile":                 "docker.io/docker/dockerfile:1",
		"docker/dockerfile:labs":                      "docker/dockerfile:1-labs",
		"ghcr.io/astral-sh/uv:latest":                 "ghcr.io/astral-sh/uv:0.12",
		"ghcr.io/astral-sh/uv:python3.12-trixie-slim": "ghcr.io/astral-sh/uv:0.12-python3.12-trixie-slim",
		"ros":                                   "ros:lyrical",
		"docker:dind":                           "docker:29.7-dind",
		"denoland/deno":                         "denoland/deno:2.9.1",
		"mcr.microsoft.com/dotnet/runtime-deps": "mcr.microsoft.com/dotnet/runtime-deps:10.0",
		"spark:python3":                         "",
		"registry.access.redhat.com/ubi9/ubi-minimal":                "",
		"docker/dockerfile:1":                                        "",
		"docker/dockerfile:1.7":                                      "",
		"docker/dockerfile:experimental":                             "",
		"ghcr.io/astral-sh/uv:0.8":                                   "",
		"ghcr.io/astral-sh/uv:python3.12-bookworm-slim":              "",
		"public.ecr.aws/docker/library/docker:29-dind":               "public.ecr.aws/docker/library/docker:29.7-dind",
		"elasticsearch":                                              "",
		"quay.io/centos/centos:stream9":                              "",
		"gcr.io/distroless/static-debian12":                          "",
		"ghcr.io/astral-sh/uv:nonsense":                              "",
		"docker/dockerfile:latest@sha256:" + digest[len("sha256:"):]: "",
	} {
		p, ok := Catalogue().Pin(ref(t, in), Want{}, MostPrecise)
		if got := p.Ref.String(); ok != (want != "") || got != want || p.Why == "" {
			t.Errorf("%s: %v %q (%s), want %q", in, ok, got, p.Why, want)
		}
	}
}

// The names of Red Hat's base images are one image's.
func TestRedHatNames(t *testing.T) {
	for in, want := range map[string]string{
		"registry.access.redhat.com/ubi9":               "rhel 9 dnf",
		"registry.access.redhat.com/ubi9:9.4":           "rhel 9 dnf",
		"registry.access.redhat.com/ubi8/ubi":           "rhel 8 dnf",
		"registry.access.redhat.com/ubi8/ubi-minimal:8": "rhel 8 microdnf",
		"registry.access.redhat.com/ubi10-minimal:10.0": "rhel 10 microdnf",
		"registry.redhat.io/ubi9/ubi-minimal:9.5":       "rhel 9 microdnf",
		"redhat/ubi9-minimal:9.5":                       "rhel 9 microdnf",
		"registry.access.redhat.com/ubi8/nodejs-18":     "",
		"registry.access.redhat.com/rhel7":              "",
		"registry.access.redhat.com/ubi9/ubi-micro":     "",
		"registry.access.redhat.com/ubi9/ubi:latest":    "rhel 9 dnf",
	} {
		img, ok := Catalogue().Image(ref(t, in))
		got := img.Distro + " " + img.Release + " " + img.PackageManager
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
