package images

import (
	"fmt"
	"strings"
	"testing"
)

func TestLifetimeOf(t *testing.T) {
	for in, want := range map[string]string{
		"python:3.8":                           "3.8 2024-10-07 true 3.10,3.14 endoflife.date/python, 2026-08-22 - -",
		"python:3.8.2-slim":                    "3.8 2024-10-07 true 3.10-slim,3.14.7-slim endoflife.date/python, 2026-08-22 - -",
		"python:3.9-slim-buster":               "3.9 2025-10-31 true 3.10,3.14-slim-trixie endoflife.date/python, 2026-08-22 - -",
		"python:3.12-alpine":                   "3.12 2028-10-31 false 3.13-alpine,3.14-alpine endoflife.date/python, 2026-08-22 - -",
		"node:16":                              "16 2023-09-11 true 22,24 endoflife.date/nodejs, 2026-08-22 - -",
		"debian:buster-slim":                   "10 2022-09-10 true trixie-slim,trixie-slim endoflife.date/debian, 2026-08-22 - -",
		"ubuntu:18.04":                         "18.04 2023-05-31 true 22.04,26.04 endoflife.date/ubuntu, 2026-08-22 - -",
		"centos:7":                             "7 2024-06-30 true , endoflife.date/centos, 2026-08-22 2024-07-01 almalinux or rockylinux/rockylinux",
		"centos":                               "  false ,  2024-07-01 almalinux or rockylinux/rockylinux",
		"java:8":                               "  false ,  2016-12-31 eclipse-temurin",
		"vault:1.12":                           "  false ,  2024-07-29 hashicorp/vault",
		"bitnami/redis:7.2":                    "  false ,  2025-08-28 bitnamilegacy/redis (which gets no updates) or another publisher's image",
		"jupyter/scipy-notebook:latest":        "  false ,  2023-10-20 quay.io/jupyter/scipy-notebook",
		"public.ecr.aws/docker/library/java:8": "  false ,  2016-12-31 eclipse-temurin",
		"ros:noetic":                           "2020.05 2025-05-01 true humble,lyrical endoflife.date/ros-2, 2026-08-22 - -",
		"elasticsearch:6.8.23":                 "6 2022-02-10 true 8.19.20,9.5.2 endoflife.date/elasticsearch, 2026-08-22 - -",
		"gcr.io/distroless/python3-debian12":   "12 2026-04-30 true , GoogleContainerTools/distroless, 2026-08-21 - gcr.io/distroless/python3-debian13",
		"gcr.io/distroless/static-debian12":    "12 2026-09-30 false , GoogleContainerTools/distroless, 2026-08-21 - gcr.io/distroless/static-debian13",
		"gcr.io/distroless/static-debian11":    "11  true , GoogleContainerTools/distroless, 2026-08-21 - gcr.io/distroless/static-debian13",
		"gcr.io/distroless/static-debian13":    "13  false , GoogleContainerTools/distroless, 2026-08-21 - -",
		"quay.io/centos/centos:stream8":        "8 2024-05-31 true , endoflife.date/centos-stream, 2026-08-22 - -",
	} {
		lt, ok := LifetimeOf(ref(t, in), Date)
		retired := orElse(lt.Retired, "-") + " " + orElse(lt.ReplacedBy, "-")
		got := fmt.Sprintf("%s %s %v %s,%s %s %s", lt.Line, lt.EndOfLife, lt.Ended, lt.Next, lt.Newest, lt.Source, retired)
		if !ok || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", in, ok, got, want)
		}
	}
	for _, in := range []string{"user/app:1", "python", "python:3", "python:slim", "debian:stable", "node:lts", "python@" + digest, "python:$V", "scratch",
		"gcr.io/distroless/static", "python:2.8", "python:3.15-rc", "bitnami/redis", "bitnami/redis:latest", "bitnami/minideb:bookworm", "jupyter/nbviewer:1", "openjdk:27-rc"} {
		if lt, ok := LifetimeOf(ref(t, in), Date); ok {
			t.Errorf("%s: %+v", in, lt)
		}
	}
}

func TestReleaseEnd(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"debian", "buster"}:     "2022-09-10 2024-06-30 endoflife.date/debian, 2026-08-22",
		{"debian", "10"}:         "2022-09-10 2024-06-30 endoflife.date/debian, 2026-08-22",
		{"debian", "bookworm"}:   "2026-07-11 2028-06-30 endoflife.date/debian, 2026-08-22",
		{"debian", "sid"}:        "  ",
		{"ubuntu", "20.04"}:      "2025-05-31  endoflife.date/ubuntu, 2026-08-22",
		{"alpine", "3.18"}:       "2025-05-09  endoflife.date/alpine-linux, 2026-08-22",
		{"rhel", "8"}:            "2029-05-31  endoflife.date/rhel, 2026-08-22",
		{"centos", "7"}:          "2024-06-30  endoflife.date/centos, 2026-08-22",
		{"centos-stream", "8"}:   "2024-05-31  endoflife.date/centos-stream, 2026-08-22",
		{"amazonlinux", "2"}:     "2026-06-30  endoflife.date/amazon-linux, 2026-08-22",
		{"oraclelinux", "7"}:     "2024-12-31  endoflife.date/oracle-linux, 2026-08-22",
		{"rockylinux", "8"}:      "2029-05-31  endoflife.date/rocky-linux, 2026-08-22",
		{"fedora", "36"}:         "2023-05-16  endoflife.date/fedora, 2026-08-22",
		{"none", "1"}:            "  ",
		{"", ""}:                 "  ",
		{"../../secret", "1"}:    "  ",
		{"debian", "nonsense"}:   "  ",
		{"azurelinux", "3.0"}:    "  ",
		{"python", "not-a-line"}: "  ",
	} {
		day, source := ReleaseEnd(in[0], in[1])
		if got := day + " " + ReleaseLTS(in[0], in[1]) + " " + source; got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

func TestRetirements(t *testing.T) {
	n := 0
	for l := range splitLines(retired) {
		if l[0] == '#' {
			continue
		}
		n++
		var name, d string
		fmt.Sscan(l, &name, &d)
		if !day(d) || d > Date {
			t.Errorf("%q: no day", l)
		}
		if r, ok := retirement(strings.Replace(name, "*", "x", 1), "1"); !ok || r.source == "" || r.day != d {
			t.Errorf("%s: %v %+v", name, ok, r)
		}
		if _, err := ParseRef(strings.TrimSuffix(name, "*") + "x"); err != nil {
			t.Error(err)
		}
		if familyOf(name) != nil {
			t.Errorf("%s is retired here and has a file in the catalogue: say it there", name)
		}
	}
	if n < 40 {
		t.Errorf("%d retirements", n)
	}
}

func splitLines(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for l := range strings.Lines(s) {
			if l = strings.TrimSpace(l); l != "" && !yield(l) {
				return
			}
		}
	}
}

func TestKeptUntil(t *testing.T) {
	for _, c := range []struct{ in, day, until string }{
		{"openjdk:11-jre-slim", "2026-11-28", "ended 2022-07-29"},
		{"debian:bookworm", "2026-11-28", "2028-06-30"}, // Debian LTS
		{"debian:bullseye", "2026-11-28", "ended 2026-08-31"},
		{"python:3.12-buster", "2026-11-28", "ended 2024-06-30"},
		{"python:3.14-alpine", "2026-11-28", "2030-10-31"}, // moves on from Alpine 3.24
		{"python:3.8", "2026-11-28", "ended 2024-10-07"},
		{"nginx:1.13", "2026-11-28", "ended "},
		{"nginx:1.31", "2026-11-28", ""},
		{"reg.example/team/app:1", "2026-11-28", ""},
		{"scratch", "2026-11-28", ""},
	} {
		until, ended := KeptUntil(ref(t, c.in), c.day)
		if ended {
			until = "ended " + until
		}
		if until != c.until {
			t.Errorf("%s: %q, want %q", c.in, until, c.until)
		}
	}
}
