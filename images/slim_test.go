package images

import (
	"strings"
	"testing"
)

func TestSlim(t *testing.T) {
	for in, want := range map[string]string{
		"python":                    "python:slim",
		"python:3.12":               "python:3.12-slim",
		"python:3.12.3":             "python:3.12.3-slim",
		"python:3.12-bookworm":      "python:3.12-slim-bookworm",
		"python:3.99":               "",
		"python:3.9":                "python:3.9-slim",
		"python:3.6":                "python:3.6-slim",
		"python:3.7.4":              "python:3.7.4-slim",
		"python:3.12.3-bookworm":    "python:3.12.3-slim-bookworm",
		"node:22.1.0-bookworm":      "node:22.1.0-bookworm-slim",
		"python:3.14.99":            "python:3.14.99-slim",
		"python:3.7-buster":         "python:3.7-slim-buster",
		"python:2.7":                "python:2.7-slim",
		"node:20":                   "node:20-slim",
		"node:20-bookworm":          "node:20-bookworm-slim",
		"node:22.1.0":               "node:22.1.0-slim",
		"node:14":                   "node:14-slim",
		"node:14.17.0":              "node:14.17.0-slim",
		"node:16-buster":            "node:16-buster-slim",
		"node:lts":                  "node:lts-slim",
		"ruby:3.3":                  "ruby:3.3-slim",
		"rust:1.98-bookworm":        "rust:1.98-slim-bookworm",
		"rust:1.70":                 "rust:1.70-slim",
		"perl:5.42":                 "perl:5.42-slim",
		"debian:bookworm":           "debian:bookworm-slim",
		"debian:12":                 "debian:12-slim",
		"debian:buster":             "debian:buster-slim",
		"openjdk:11":                "openjdk:11-slim",
		"docker.io/library/node:20": "docker.io/library/node:20-slim",
	} {
		r, why, ok := Catalogue().Slim(ref(t, in))
		if want == "" {
			if ok {
				t.Errorf("%s: %s", in, r)
			}
		} else if !ok || r.String() != want {
			t.Errorf("%s: %v %s (%s), want %s", in, ok, r, why, want)
		}
	}
}

func TestSlimDeclines(t *testing.T) {
	for in, want := range map[string]string{
		"python:3.12-slim":     "slim image already",
		"python:3.12-alpine":   "Alpine",
		"python:3.5.0":         "isn't recorded",
		"node:9":               "isn't recorded",
		"node:8.6.0-stretch":   "no slim tag",
		"debian:8.1":           "no slim tag",
		"node:0.12":            "isn't recorded",
		"openjdk:17":           "stands on oraclelinux8",
		"golang:1.22":          "no slim tag",
		"php:8.3-fpm":          "no slim tag",
		"nginx":                "no slim tag",
		"ubuntu:24.04":         "no slim tag",
		"eclipse-temurin:21":   "no slim tag",
		"python:nonsense":      "no slim tag",
		"swift:6.0":            "without the compiler",
		"oraclelinux:9":        "package manager",
		"user/app":             "not in the catalogue",
		"python@" + digest:     "digest",
		"python:$V":            "variable",
		"gcr.io/distroless/cc": "distroless",
	} {
		if r, why, ok := Catalogue().Slim(ref(t, in)); ok || !strings.Contains(why, want) {
			t.Errorf("%s: %v %s, why %q, want %q in it", in, ok, r, why, want)
		}
	}
}

// Every slim counterpart of a listed tag is listed, is slim, and agrees in
// version, release, C library and package manager.
func TestSlimEverything(t *testing.T) {
	c := Catalogue()
	for _, name := range repositories() {
		f := familyOf(name)
		for tag, i := range f.byTag {
			r, _, ok := c.Slim(ref(t, name).WithTag(tag))
			if !ok {
				continue
			}
			if f.rows[i].gone == "" && f.listed(r.Tag) == nil {
				t.Errorf("%s:%s: %s isn't listed", name, tag, r)
			}
			a, _ := f.image(tag)
			b, _ := f.image(r.Tag)
			if a.Version != b.Version || a.Release != b.Release || a.PackageManager != b.PackageManager || a.Libc != b.Libc || !strings.Contains(b.Variant, "slim") {
				t.Errorf("%s:%s and %s differ:\n%+v\n%+v", name, tag, r, a, b)
			}
		}
	}
}
