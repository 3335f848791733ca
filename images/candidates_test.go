package images

import (
	"strings"
	"testing"
)

func TestCandidates(t *testing.T) {
	for in, want := range map[string]string{
		"python:3.12":                      "python:3.12 python:3.12-slim python:3.12-alpine",
		"python:3.13-slim":                 "python:3.13-slim python:3.13-alpine gcr.io/distroless/python3-debian13:nonroot",
		"python:3.8":                       "python:3.8 python:3.14 python:3.8-slim python:3.8-alpine python:3.14-slim python:3.14-alpine",
		"node:22-bookworm":                 "node:22-bookworm node:22-bookworm-slim node:22-alpine gcr.io/distroless/nodejs22-debian13:nonroot",
		"golang:1.27":                      "golang:1.27 golang:1.27-alpine gcr.io/distroless/static-debian13:nonroot gcr.io/distroless/base-debian13:nonroot gcr.io/distroless/cc-debian13:nonroot scratch",
		"eclipse-temurin:21":               "eclipse-temurin:21 eclipse-temurin:21-alpine eclipse-temurin:21-jre gcr.io/distroless/java21-debian13:nonroot",
		"eclipse-temurin:17-jdk-noble":     "eclipse-temurin:17-jdk-noble eclipse-temurin:17-jdk-alpine eclipse-temurin:17-jre-noble gcr.io/distroless/java17-debian13:nonroot",
		"maven:3.9-eclipse-temurin-21":     "maven:3.9-eclipse-temurin-21 maven:3.9-eclipse-temurin-21-alpine eclipse-temurin:21-jre gcr.io/distroless/java21-debian13:nonroot",
		"debian:trixie":                    "debian:trixie debian:trixie-slim",
		"reg.example:5000/team/base:1.2.3": "reg.example:5000/team/base:1.2.3",
		"scratch":                          "scratch",
		"python:slim":                      "python:slim python:3.14-alpine",
		"node:lts":                         "node:lts node:24-slim node:24-alpine gcr.io/distroless/nodejs24-debian13:nonroot",
		"nginx:1.31":                       "nginx:1.31 nginx:1.31-alpine",
	} {
		var got []string
		for _, c := range Candidates(Catalogue(), ref(t, in)) {
			got = append(got, c.Ref.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", in, s, want)
		}
	}
}
