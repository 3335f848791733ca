package images

import "testing"

func TestSizes(t *testing.T) {
	const now, then = "docker-library/repo-info, 2026-09-17", "docker-library/repo-info, 2020-10-14"
	for in, want := range map[string]struct {
		mb   float64
		from string
	}{
		"python":                        {415, now},
		"python:3.12-slim-bookworm":     {43.4, now},
		"python:3.13-alpine":            {17.8, now},
		"node:22-slim":                  {80.5, now},
		"node:14-alpine":                {41, then},
		"node:22":                       {408.9, now},
		"node:16":                       {362, then},
		"postgres:17":                   {161.3, now},
		"debian:trixie":                 {49.3, now},
		"debian:bookworm-slim":          {29.8, now},
		"ubuntu:24.04":                  {29.8, now},
		"ubuntu:26.04":                  {41.6, now},
		"ubuntu:25.10":                  {0, ""},
		"ubuntu:18.04":                  {26.7, then},
		"ubuntu:14.04":                  {0, ""},
		"alpine":                        {3.8, now},
		"alpine:3.12":                   {2.8, then},
		"golang:1.26":                   {312.3, now},
		"golang:1.26-alpine":            {71.4, now},
		"eclipse-temurin:21-jre":        {121.1, now},
		"eclipse-temurin:21":            {226.1, now},
		"eclipse-temurin:21-jre-alpine": {0, ""},
		"openjdk:8-jre-slim":            {71, then},
		"openjdk:11":                    {321.6, then},
		"maven:3.9-eclipse-temurin-21":  {242.7, now},
		"buildpack-deps:trixie-curl":    {75, now},
		"amazonlinux:2023":              {54.6, now},
		"amazonlinux:2":                 {61.7, then},
		"php:8.4-fpm":                   {182.5, now},
		"php:8.4-fpm-alpine":            {0, ""},
		"scratch":                       {0, ""},
	} {
		img, ok := Catalogue().Image(ref(t, in))
		platform := "linux/amd64"
		if want.mb == 0 {
			platform = ""
		}
		if !ok || float64(img.Size) != want.mb*1e6 || img.SizeSource != want.from || img.Platform != platform {
			t.Errorf("%s: %v %d bytes for %q, %s", in, ok, img.Size, img.Platform, img.SizeSource)
		}
	}
}

// Every size says who gives it, and none is larger than an image can be here.
func TestSizesHaveSources(t *testing.T) {
	n := 0
	for _, name := range repositories() {
		f := familyOf(name)
		for tag := range f.byTag {
			img, _ := f.image(tag)
			if img.Size == 0 {
				continue
			}
			n++
			if img.SizeSource == "" || img.Size < 1e5 || img.Size > 2e9 {
				t.Errorf("%s:%s: %d %q", name, tag, img.Size, img.SizeSource)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d tags with a size", n)
	}
}
