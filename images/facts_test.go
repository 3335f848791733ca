package images

import (
	"fmt"
	"strings"
	"testing"
)

// brief writes the facts that most callers ask for.
func brief(i Image) string {
	return fmt.Sprintf("%s %s|%s|%s %s|%s %s", i.Line, i.Version, i.Variant, i.Distro, i.Release, i.Libc, i.PackageManager)
}

func TestImage(t *testing.T) {
	for in, want := range map[string]string{
		"python":                              "3.14 3.14.7||debian trixie|glibc apt",
		"python:3.12":                         "3.12 3.12.14||debian trixie|glibc apt",
		"python:3.12-slim":                    "3.12 3.12.14|slim|debian trixie|glibc apt",
		"python:3.12-slim-bookworm":           "3.12 3.12.14|slim|debian bookworm|glibc apt",
		"python:3.12.3":                       "3.12 3.12.3||debian bookworm|glibc apt",
		"python:3.12.3-alpine":                "3.12 3.12.3|alpine|alpine 3.20|musl apk",
		"python:3.99":                         "3.99 3.99||debian |glibc apt",
		"python:3.9":                          "3.9 3.9.25||debian trixie|glibc apt",
		"python:3.9-slim":                     "3.9 3.9.25|slim|debian trixie|glibc apt",
		"python:3.7":                          "3.7 3.7.17||debian bookworm|glibc apt",
		"python:3.7.3":                        "3.7 3.7.3||debian stretch|glibc apt",
		"python:3.7.4-slim-buster":            "3.7 3.7.4|slim|debian buster|glibc apt",
		"python:3.6-alpine3.13":               "3.6 3.6.15|alpine|alpine 3.13|musl apk",
		"python:3.5.1":                        "3.5 3.5.1||debian |glibc apt",
		"python:2":                            "2.7 2.7.18||debian buster|glibc apt",
		"python:2.7-slim":                     "2.7 2.7.18|slim|debian buster|glibc apt",
		"node:20":                             "20 20.20.2||debian bookworm|glibc apt",
		"node:14.17.0-alpine3.13":             "14 14.17.0|alpine|alpine 3.13|musl apk",
		"node:14.18":                          "14 14.18||debian stretch|glibc apt",
		"node:14-alpine":                      "14 14.21.3|alpine|alpine 3.17|musl apk",
		"node:iron-slim":                      "20 20.20.2|slim|debian bookworm|glibc apt",
		"node:lts":                            "24 24.19.0||debian bookworm|glibc apt",
		"node:16-buster-slim":                 "16 16.20.2|slim|debian buster|glibc apt",
		"golang:1.13":                         "1.13 1.13.15||debian buster|glibc apt",
		"golang:1.22-alpine":                  "1.22 1.22.12|alpine|alpine 3.21|musl apk",
		"openjdk:8":                           "8 8u342||debian bullseye|glibc apt",
		"openjdk:8-jre-alpine":                "8 8u342|jre-alpine|alpine 3.9|musl apk",
		"openjdk:8u212-jre-slim":              "8 8u212|jre-slim|debian buster|glibc apt",
		"openjdk:11-jre-slim":                 "11 11.0.16|jre-slim|debian bullseye|glibc apt",
		"openjdk:17":                          "17 17.0.2||oraclelinux 8|glibc microdnf",
		"openjdk:17-slim-buster":              "17 17.0.2|slim|debian buster|glibc apt",
		"openjdk":                             "18 18||oraclelinux 8|glibc microdnf",
		"eclipse-temurin:21-jre-alpine":       "21 21.0.12_8|jre-alpine|alpine 3.24|musl apk",
		"eclipse-temurin:17":                  "17 17.0.20_8||ubuntu 26.04|glibc apt",
		"eclipse-temurin:17-jdk-focal":        "17 17.0.20_8|jdk|ubuntu 20.04|glibc apt",
		"eclipse-temurin:17-jdk-ubi9-minimal": "17 17.0.20_8|jdk-minimal|rhel 9|glibc microdnf",
		"maven:3.8.4-jdk-11-slim":             "3.8 3.8.4|jdk-11-slim|debian |glibc apt",
		"maven:3.9-eclipse-temurin-17":        "3.9 3.9.16|eclipse-temurin-17|ubuntu 24.04|glibc apt",
		"gradle:7.4.2-jdk11":                  "7 7.4.2|jdk11| | ",
		"php:7.4-fpm":                         "7.4 7.4.33|fpm|debian bullseye|glibc apt",
		"php:5.6-apache":                      "5.6 5.6.40|apache|debian stretch|glibc apt",
		"php:8.3-fpm-alpine3.23":              "8.3 8.3.33|fpm-alpine|alpine 3.23|musl apk",
		"ubuntu":                              "26.04 26.04||ubuntu 26.04|glibc apt",
		"ubuntu:18.04":                        "18.04 18.04||ubuntu 18.04|glibc apt",
		"ubuntu:bionic":                       "18.04 ||ubuntu 18.04|glibc apt",
		"ubuntu:focal-20220801":               "20.04 ||ubuntu 20.04|glibc apt",
		"debian:buster-slim":                  "10 10.13|slim|debian buster|glibc apt",
		"debian:9":                            "9 9.13||debian stretch|glibc apt",
		"debian:bookworm-20240101-slim":       "12 |slim|debian bookworm|glibc apt",
		"debian:stable":                       "13 ||debian trixie|glibc apt",
		"alpine:3.9":                          "3.9 3.9||alpine 3.9|musl apk",
		"alpine:3.18.4":                       "3.18 3.18.4||alpine 3.18|musl apk",
		"centos":                              "8 8.4.2105||centos 8|glibc dnf",
		"centos:7":                            "7 7.9.2009||centos 7|glibc yum",
		"centos:centos7":                      "7 7.9.2009||centos 7|glibc yum",
		"centos:6.6":                          "6 6.6||centos 6|glibc yum",
		"oraclelinux:9":                       "9 9||oraclelinux 9|glibc dnf",
		"oraclelinux:9-slim":                  "9 9|slim|oraclelinux 9|glibc microdnf",
		"oraclelinux:7":                       "7 7.9||oraclelinux 7|glibc yum",
		"rockylinux:9-minimal":                "9 9.3.20231119|minimal|rockylinux 9|glibc microdnf",
		"amazonlinux:2":                       "2 2.0.20260817.0||amazonlinux 2|glibc yum",
		"amazonlinux:2023":                    "2023 2023.12.20260817.0||amazonlinux 2023|glibc dnf",
		"fedora:36":                           "36 36||fedora 36|glibc dnf",
		"nginx:1.25-alpine-slim":              "1.25 1.25.5|alpine-slim|alpine 3.19|musl apk",
		"busybox:musl":                        "1.38 1.38.0|musl|busybox |musl ",
		"traefik:1.7":                         "1.7 1.7.34||none |none ",
		"buildpack-deps:jammy-scm":            "22.04 22.04|scm|ubuntu 22.04|glibc apt",
		"buildpack-deps:buster":               "10 ||debian buster|glibc apt",
		"postgres:9.6-alpine":                 "9.6 9.6.24|alpine|alpine 3.15|musl apk",
		"tomcat:8.5":                          "8.5 8.5.100||ubuntu 22.04|glibc apt",
		"tomcat:8.5.32-jre8":                  "8.5 8.5.32|jre8| | ",
		"maven:3.8.4-jdk-11":                  "3.8 3.8.4|jdk-11|debian |glibc apt",
		"swift:5.9":                           "5.9 5.9.2||ubuntu 22.04|glibc apt",
		"mcr.microsoft.com/dotnet/aspnet:8.0": "8.0 8.0.30||debian bookworm|glibc apt",
		"mcr.microsoft.com/dotnet/aspnet:8.0-noble-chiseled": "8.0 8.0.30|chiseled|ubuntu 24.04|glibc ",
		"mcr.microsoft.com/dotnet/sdk:6.0":                   "6.0 6.0|| | ",
		"gcr.io/distroless/static-debian12:nonroot":          "12 |nonroot|debian bookworm|none ",
		"gcr.io/distroless/cc-debian13":                      "13 ||debian trixie|glibc ",
		"gcr.io/distroless/python3-debian12":                 "12 3.11||debian bookworm|glibc ",
		"public.ecr.aws/docker/library/node:22":              "22 22.23.2||debian bookworm|glibc apt",
	} {
		img, ok := Catalogue().Image(ref(t, in))
		if got := brief(img); !ok || got != want {
			t.Errorf("%s: %v\n got %q\nwant %q", in, ok, got, want)
		}
	}
}

func TestImageUnknown(t *testing.T) {
	for _, in := range []string{"user/app", "reg:5000/python:3.12", "python:nonsense", "python:3.12-windowsservercore", "python@" + digest,
		"python:$V", "$BASE", "python:2.8", "node:99-nonsense", "mongo:nonsense", "gcr.io/distroless/nonsense-debian12", "gcr.io/distroless/static-debian12:1", "dotnet/sdk:8.0", "ghcr.io/library/python:3"} {
		if img, ok := Catalogue().Image(ref(t, in)); ok {
			t.Errorf("%s: %s", in, brief(img))
		}
	}
}

func TestImageConfig(t *testing.T) {
	show := func(i Image) string {
		nonroot := "-"
		if i.NonRoot != nil {
			nonroot = fmt.Sprintf("%s %d:%d", i.NonRoot.Name, i.NonRoot.UID, i.NonRoot.GID)
		}
		return fmt.Sprintf("user=%s nonroot=%s dir=%s %q %q stop=%s %v %v", i.User, nonroot, i.Workdir, i.Entrypoint, i.Cmd, i.StopSignal, i.Expose, i.Volumes)
	}
	for in, want := range map[string]string{
		"python:3.12-slim":   `user= nonroot=- dir= [] ["python3"] stop= [] []`,
		"python:2.7":         `user= nonroot=- dir= [] ["python2"] stop= [] []`,
		"node:20":            `user= nonroot=node 1000:1000 dir= ["docker-entrypoint.sh"] ["node"] stop= [] []`,
		"node:6":             `user= nonroot=node 1000:1000 dir= [] ["node"] stop= [] []`,
		"golang:1.22":        `user= nonroot=- dir=/go [] ["bash"] stop= [] []`,
		"php:8.3-fpm":        `user= nonroot=www-data 33:33 dir=/var/www/html ["docker-php-entrypoint"] ["php-fpm"] stop=SIGQUIT [9000] []`,
		"php:8.3-fpm-alpine": `user= nonroot=www-data 82:82 dir=/var/www/html ["docker-php-entrypoint"] ["php-fpm"] stop=SIGQUIT [9000] []`,
		"php:8.3-cli":        `user= nonroot=www-data 33:33 dir= ["docker-php-entrypoint"] ["php" "-a"] stop= [] []`,
		"nginx:1.27":         `user= nonroot=nginx 101:101 dir= ["/docker-entrypoint.sh"] ["nginx" "-g" "daemon off;"] stop=SIGQUIT [80] []`,
		"postgres:16":        `user= nonroot=postgres 999:999 dir= ["docker-entrypoint.sh"] ["postgres"] stop=SIGINT [5432] [/var/lib/postgresql/data]`,
		"postgres:18-alpine": `user= nonroot=postgres 70:70 dir= ["docker-entrypoint.sh"] ["postgres"] stop=SIGINT [5432] [/var/lib/postgresql]`,
		"memcached:1.6":      `user=memcache nonroot=memcache 11211:11211 dir= ["docker-entrypoint.sh"] ["memcached"] stop= [11211] []`,
		"perl:5.38":          `user= nonroot=- dir=/usr/src/app [] ["perl5.38.5" "-de0"] stop= [] []`,
		"debian":             `user= nonroot=- dir= [] ["bash"] stop= [] []`,
		"ubuntu:24.04":       `user= nonroot=ubuntu 1000:1000 dir= [] ["/bin/bash"] stop= [] []`,
		"ubuntu:22.04":       `user= nonroot=- dir= [] ["/bin/bash"] stop= [] []`,
		"gcr.io/distroless/static-debian13:nonroot":           `user=65532 nonroot=nonroot 65532:65532 dir=/home/nonroot [] [] stop= [] []`,
		"gcr.io/distroless/nodejs22-debian13":                 `user= nonroot=nonroot 65532:65532 dir= ["/nodejs/bin/node"] [] stop= [] []`,
		"gcr.io/distroless/python3-debian12":                  `user= nonroot=nonroot 65532:65532 dir= ["/usr/bin/python3.11"] [] stop= [] []`,
		"gcr.io/distroless/java21-debian13:nonroot":           `user=65532 nonroot=nonroot 65532:65532 dir=/home/nonroot ["/usr/bin/java" "-jar"] [] stop= [] []`,
		"mcr.microsoft.com/dotnet/runtime:8.0-noble-chiseled": `user=1654 nonroot=app 1654:1654 dir= [] [] stop= [] []`,
	} {
		img, ok := Catalogue().Image(ref(t, in))
		if got := show(img); !ok || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", in, ok, got, want)
		}
	}
}

func TestImageEnvironment(t *testing.T) {
	for in, want := range map[string][3]string{ // PATH starts with, variable, value
		"python:3.12.4":      {"/usr/local/bin:/usr/local/sbin:", "PYTHON_VERSION", "3.12.4"},
		"golang:1.22":        {"/go/bin:/usr/local/go/bin:", "GOPATH", "/go"},
		"rust:1.80":          {"/usr/local/cargo/bin:", "CARGO_HOME", "/usr/local/cargo"},
		"ruby:3.3":           {"/usr/local/bundle/bin:", "GEM_HOME", "/usr/local/bundle"},
		"eclipse-temurin:21": {"/opt/java/openjdk/bin:", "JAVA_HOME", "/opt/java/openjdk"},
		"node:22":            {usualPath, "NODE_VERSION", "22.23.2"},
		"debian":             {usualPath, "LANG", ""},
	} {
		img, _ := Catalogue().Image(ref(t, in))
		if !strings.HasPrefix(img.EnvPath, want[0]) || img.Env[want[1]] != want[2] {
			t.Errorf("%s: PATH %s, %v", in, img.EnvPath, img.Env)
		}
	}
}

func TestShell(t *testing.T) {
	for in, want := range map[string]bool{"alpine": true, "scratch": false, "python:3.12-slim": true, "gcr.io/distroless/cc-debian12": false,
		"gcr.io/distroless/cc-debian12:debug": true, "traefik:1.7": false, "traefik:v3": true, "mcr.microsoft.com/dotnet/runtime:8.0-jammy-chiseled": false} {
		if img, ok := Catalogue().Image(ref(t, in)); !ok || img.Shell != want {
			t.Errorf("%s: %v, shell %v", in, ok, img.Shell)
		}
	}
}

func TestDistroless(t *testing.T) {
	for in, want := range map[string]string{
		"static":           "gcr.io/distroless/static-debian13:nonroot",
		"base":             "gcr.io/distroless/base-debian13:nonroot",
		"cc":               "gcr.io/distroless/cc-debian13:nonroot",
		"nodejs22":         "gcr.io/distroless/nodejs22-debian13:nonroot",
		"static-debian12":  "gcr.io/distroless/static-debian12:nonroot",
		"python3-debian12": "gcr.io/distroless/python3-debian12:nonroot",
	} {
		r, ok := Distroless(in)
		if !ok || r.String() != want {
			t.Errorf("%s: %v %s", in, ok, r)
		}
		if img, ok := Catalogue().Image(r); !ok || img.User != "65532" {
			t.Errorf("%s: %v %+v", r, ok, img)
		}
	}
	for _, in := range []string{"", "nonsense", "nodejs20", "static-debian14", "java25-debian12"} {
		if r, ok := Distroless(in); ok {
			t.Errorf("%s: %s", in, r)
		}
	}
}
