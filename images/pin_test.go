package images

import (
	"strings"
	"testing"
)

func ref(t testing.TB, s string) Ref {
	t.Helper()
	r, err := ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What moving tags named on the catalogue's date.
func TestPinToday(t *testing.T) {
	for in, want := range map[string]string{
		"python":                               "python:3.14",
		"python:latest":                        "python:3.14",
		"python:slim":                          "python:3.14-slim",
		"python:alpine":                        "python:3.14-alpine",
		"python:alpine3.23":                    "python:3.14-alpine3.23",
		"python:bookworm":                      "python:3.14-bookworm",
		"python:slim-bookworm":                 "python:3.14-slim-bookworm",
		"python:3":                             "python:3.14",
		"python:3-slim":                        "python:3.14-slim",
		"library/python":                       "library/python:3.14",
		"docker.io/library/python:slim":        "docker.io/library/python:3.14-slim",
		"public.ecr.aws/docker/library/python": "public.ecr.aws/docker/library/python:3.14",
		"mirror.gcr.io/library/node:lts":       "mirror.gcr.io/library/node:24",
		"node":                                 "node:26",
		"node:lts":                             "node:24",
		"node:lts-slim":                        "node:24-slim",
		"node:lts-alpine":                      "node:24-alpine",
		"node:current":                         "node:26",
		"node:current-alpine":                  "node:26-alpine",
		"node:bookworm-slim":                   "node:26-bookworm-slim",
		"golang":                               "golang:1.27",
		"golang:1":                             "golang:1.27",
		"golang:alpine":                        "golang:1.27-alpine",
		"golang:1-bookworm":                    "golang:1.27-bookworm",
		"ruby:3":                               "ruby:3.4",
		"ruby:slim":                            "ruby:4.0-slim",
		"php:apache":                           "php:8.5-apache",
		"php:8-fpm-alpine":                     "php:8.5-fpm-alpine",
		"rust:slim":                            "rust:1.98-slim",
		"ubuntu":                               "ubuntu:26.04",
		"ubuntu:rolling":                       "ubuntu:26.04",
		"debian":                               "debian:trixie",
		"debian:stable-slim":                   "debian:trixie-slim",
		"alpine":                               "alpine:3.24",
		"alpine:3":                             "alpine:3.24",
		"nginx":                                "nginx:1.31",
		"nginx:stable-alpine":                  "nginx:1.30-alpine",
		"nginx:mainline":                       "nginx:1.31",
		"httpd:alpine":                         "httpd:2.4-alpine",
		"redis:alpine":                         "redis:8.10-alpine",
		"postgres":                             "postgres:18",
		"postgres:alpine":                      "postgres:18-alpine",
		"mysql:8":                              "mysql:8.4",
		"mysql:lts":                            "mysql:9.7",
		"mariadb":                              "mariadb:12.3",
		"eclipse-temurin":                      "eclipse-temurin:25",
		"maven:3-eclipse-temurin-21":           "maven:3.9-eclipse-temurin-21",
		"gradle:jdk21":                         "gradle:9-jdk21",
		"traefik":                              "traefik:v3.7",
		"haproxy:lts-alpine":                   "haproxy:3.4-alpine",
		"composer":                             "composer:2.10",
		"buildpack-deps:scm":                   "buildpack-deps:trixie-scm",
		"fedora":                               "fedora:44",
		"amazonlinux":                          "amazonlinux:2023",
		"almalinux:minimal":                    "almalinux:10-minimal",
		"mcr.microsoft.com/dotnet/sdk":         "mcr.microsoft.com/dotnet/sdk:10.0",
	} {
		p, ok := Catalogue().Pin(ref(t, in), Want{}, MostPrecise)
		if !ok || p.Ref.String() != want {
			t.Errorf("%s: %v %s (%s), want %s", in, ok, p.Ref, p.Why, want)
			continue
		}
		if p.Source == "" || !strings.Contains(p.Why, "2026-08-21") {
			t.Errorf("%s: source %q, why %q: no date", in, p.Source, p.Why)
		}
		if wantSame := in != "debian:stable-slim"; p.SameToday != wantSame {
			t.Errorf("%s: SameToday %v", in, p.SameToday)
		}
	}
}

func TestPinLeavesAlone(t *testing.T) {
	for in, why := range map[string]string{
		"python:3.12":                   "names a release line",
		"python:3.12.4-slim-bookworm":   "names a release line",
		"node:20":                       "names a release line",
		"node:20-alpine":                "names a release line",
		"node:iron":                     "names a release line",
		"golang:1.22":                   "names a release line",
		"ubuntu:24.04":                  "names a release line",
		"ubuntu:noble":                  "names a release line",
		"debian:12":                     "names a release line",
		"debian:bookworm-slim":          "names a release line",
		"debian:bookworm-20260803-slim": "names a release line",
		"alpine:3.20":                   "names a release line",
		"postgres:17-alpine":            "names a release line",
		"openjdk:8-jre":                 "names a release line",
		"centos:7":                      "names a release line",
		"buildpack-deps:jammy-scm":      "names a release line",
		"python@" + digest:              "digest",
		"python:3@" + digest:            "digest",
		"python:$V":                     "variable",
		"${BASE}":                       "variable",
		"scratch":                       "no image",
		"gcr.io/distroless/static":      "no tags of versions",
		"debian:testing":                "development",
		"debian:sid-slim":               "development",
		"alpine:edge":                   "development",
		"ubuntu:devel":                  "development",
		"fedora:rawhide":                "development",
		"golang:tip":                    "development",
		"python:2":                      "no longer built",
		"golang:buster":                 "no longer built",
		"python:nonsense":               "no longer built",
		"openjdk":                       "use eclipse-temurin",
		"centos":                        "use almalinux or rockylinux/rockylinux",
		"mongo":                         "last listed on 2026-07-22",
		"user/app":                      "is not in the catalogue (",
		"reg:5000/python":               "not in the catalogue",
		"dotnet/sdk":                    "not in the catalogue",
		"user/python":                   "not in the catalogue",
	} {
		p, ok := Catalogue().Pin(ref(t, in), Want{}, MostPrecise)
		if ok || !strings.Contains(p.Why, why) || p.Ref != (Ref{}) {
			t.Errorf("%s: %v %s, why %q, want %q in it", in, ok, p.Ref, p.Why, why)
		}
	}
}

func TestPinWanted(t *testing.T) {
	for _, c := range []struct{ in, version, constraint, want string }{
		{"python", "3.11", "", "python:3.11"},
		{"python", "3.11.4", "", "python:3.11"},
		{"python", "python-3.12.1", "", "python:3.12"},
		{"python", "3", "", "python:3.14"},
		{"python:slim", "3.11", "", "python:3.11-slim"},
		{"python:alpine3.23", "3.12", "", "python:3.12-alpine3.23"},
		{"python:3", "3.11", "", "python:3.11"},
		{"python", "", ">=3.9", "python:3.14"},
		{"python", "", ">=3.9,<3.13", "python:3.12"},
		{"python", "", "^3.10", "python:3.14"},
		{"python", "", "~3.11", "python:3.11"},
		{"python", "", "~=3.11", "python:3.14"},
		{"python", "", "~=3.11.2", "python:3.11"},
		{"python", "", "==3.12.*", "python:3.12"},
		{"python", "", "==3.12.4", "python:3.12"},
		{"python", "", ">=3.8, !=3.14.*", "python:3.13"},
		{"python", "", "*", "python:3.14"},
		{"python", "", ">= 3.9 , < 3.12", "python:3.11"},
		{"node", "22", "", "node:22"},
		{"node", "v22.11.0", "", "node:22"},
		{"node", "lts/*", "", "node:24"},
		{"node", "lts/jod", "", "node:22"},
		{"node:alpine", "lts/*", "", "node:24-alpine"},
		{"node", "node", "", "node:26"},
		{"node", "", ">=18", "node:26"},
		{"node", "", ">=18 <25", "node:24"},
		{"node", "", "^18 || ^22.1.0", "node:22"},
		{"node", "", "20.x || 22.x", "node:22"},
		{"node", "", "20 - 24", "node:24"},
		{"node", "", ">=22 <=24.0.0 || 24", "node:24"},
		{"node:lts", "", ">=18", "node:24"},
		{"node:lts-slim", "", "<24", "node:22-slim"},
		{"golang", "", ">=1.21", "golang:1.27"},
		{"golang:alpine", "1.26", "", "golang:1.26-alpine"},
		{"ruby", "", "~> 3.3", "ruby:3.4"},
		{"ruby", "", "~> 3.3.0", "ruby:3.3"},
		{"php:fpm", "", "^8.2", "php:8.5-fpm"},
		{"php:fpm", "", "~8.3.0", "php:8.3-fpm"},
		{"php:apache", "", ">=8.2 <8.4|^7", "php:8.3-apache"},
	} {
		p, ok := Catalogue().Pin(ref(t, c.in), Want{c.version, c.constraint, "manifest:1"}, MostPrecise)
		if !ok || p.Ref.String() != c.want {
			t.Errorf("%s %q %q: %v %s (%s), want %s", c.in, c.version, c.constraint, ok, p.Ref, p.Why, c.want)
			continue
		}
		if !strings.Contains(p.Why, "manifest:1") {
			t.Errorf("%s %q %q: why %q doesn't name the project's file", c.in, c.version, c.constraint, p.Why)
		}
	}
}

func TestPinWantedNotToBeHad(t *testing.T) {
	for _, c := range []struct{ in, version, constraint, why string }{
		{"python", "3.8", "", "end of life on 2024-10-07"},
		{"python", "2.7", "", "end of life"},
		{"python", "", "<3.8", "no supported line"},
		{"python", "pypy3.9", "", "no released version"},
		{"python", "3.15-dev", "", "no released version"},
		{"python", "3.15", "", "no supported line"},
		{"python:3", "2.7", "", "end of life"},
		{"python:bookworm", "3.9", "", "end of life"},
		{"node", "20", "", "end of life on 2026-04-30"},
		{"node", "lts/nonsense", "", "no known line"},
		{"node", "", "18.x", "no supported line"},
		{"node", "", "workspace:*", "can't read"},
		{"node", "", ">=", "no version behind"},
		{"node", "", "18 -", "can't read"},
		{"golang", "", ">=1.30", "no supported line"},
	} {
		p, ok := Catalogue().Pin(ref(t, c.in), Want{c.version, c.constraint, "manifest:1"}, MostPrecise)
		if ok || !strings.Contains(p.Why, c.why) {
			t.Errorf("%s %q %q: %v %s, why %q, want %q in it", c.in, c.version, c.constraint, ok, p.Ref, p.Why, c.why)
		}
	}
}

// Every moving tag of the catalogue: pinning is idempotent, names a listed tag
// of a supported line, and keeps release and package manager.
func TestPinEverything(t *testing.T) {
	c, pinned := Catalogue(), 0
	for _, name := range repositories() {
		f := familyOf(name)
		for tag := range f.byTag {
			from := ref(t, name).WithTag(tag)
			p, ok := c.Pin(from, Want{}, MostPrecise)
			if !ok {
				if p.Why == "" {
					t.Errorf("%s: left alone without a reason", from)
				}
				continue
			}
			pinned++
			if again, ok := c.Pin(p.Ref, Want{}, MostPrecise); ok {
				t.Errorf("%s: pinned to %s, then to %s", from, p.Ref, again.Ref)
			}
			a, ok1 := c.Image(from)
			b, ok2 := c.Image(p.Ref)
			if !ok1 || !ok2 || a.Release != b.Release || a.Distro != b.Distro || a.PackageManager != b.PackageManager || a.Variant != b.Variant {
				t.Errorf("%s: %+v\npinned to %s: %+v", from, a, p.Ref, b)
			}
			if !a.Moving || b.Moving {
				t.Errorf("%s moves: %v; %s moves: %v", from, a.Moving, p.Ref, b.Moving)
			}
			if b.EndOfLife != "" && b.EndOfLife <= Date {
				t.Errorf("%s: pinned to %s, which ended on %s", from, p.Ref, b.EndOfLife)
			}
			if f.listed(p.Ref.Tag) == nil {
				t.Errorf("%s: pinned to %s, which isn't listed", from, p.Ref)
			}
		}
	}
	if pinned < 500 {
		t.Errorf("only %d moving tags", pinned)
	}
}
