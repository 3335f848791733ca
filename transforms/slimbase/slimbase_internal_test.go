package slimbase

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/split"
)

func TestJRE(t *testing.T) {
	for from, want := range map[string]string{
		"eclipse-temurin:17":                          "eclipse-temurin:17-jre",
		"eclipse-temurin:17-jdk":                      "eclipse-temurin:17-jre",
		"eclipse-temurin:17.0.9_9-jdk-jammy":          "eclipse-temurin:17.0.9_9-jre-jammy",
		"docker.io/library/eclipse-temurin:21-alpine": "docker.io/library/eclipse-temurin:21-jre-alpine",
		"openjdk:8":                                    "openjdk:8-jre",
		"openjdk:8u292-jdk":                            "openjdk:8u292-jre",
		"openjdk:8-jdk-alpine":                         "openjdk:8-jre-alpine",
		"openjdk:11.0.3-jdk-slim":                      "openjdk:11.0.3-jre-slim",
		"openjdk:11-jdk-slim-buster":                   "openjdk:11-jre-slim-buster",
		"openjdk:17-jdk-slim":                          "eclipse-temurin:17-jre",
		"openjdk:17.0.2":                               "eclipse-temurin:17-jre",
		"openjdk:25-ea-jdk":                            "",
		"openjdk:17-jdk-alpine":                        "",
		"maven:3.9-eclipse-temurin-21":                 "eclipse-temurin:21-jre",
		"maven:3.9.6-eclipse-temurin-17-alpine":        "eclipse-temurin:17-jre-alpine",
		"maven:3.9.9-eclipse-temurin-21-noble":         "eclipse-temurin:21-jre-noble",
		"maven:3.6.3-jdk-11":                           "eclipse-temurin:11-jre",
		"maven:3":                                      "",
		"gradle:8-jdk17":                               "eclipse-temurin:17-jre",
		"gradle:8.5-jdk21-alpine":                      "eclipse-temurin:21-jre-alpine",
		"amazoncorretto:21":                            "",
		"amazoncorretto:17-alpine-jdk":                 "",
		"openjdk:21-oraclelinux8":                      "eclipse-temurin:21-jre",
		"openjdk:8-windowsservercore-ltsc2022-unknown": "",
	} {
		ref, err := images.ParseRef(from)
		if err != nil {
			t.Fatal(err)
		}
		s := &split.Split{Ref: ref}
		to, why := jre(s)
		if (why == "") != (want != "") || why == "" && to.String() != want {
			t.Errorf("%s: %s (%s), want %q", from, to, why, want)
		}
	}
}

// sized is a source that knows how much images weigh.
type sized struct{ images.Source }

func (s sized) Image(ref images.Ref) (images.Image, bool) {
	img, ok := s.Source.Image(ref)
	img.Size = map[string]int64{"3.12": 403_000_000, "3.12-slim": 43_500_000}[ref.Tag]
	return img, ok
}

func TestSlimBaseSizes(t *testing.T) {
	src := "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n"
	in := rewrite.Input{Path: "Dockerfile", Src: src, Name: "Dockerfile", Repo: repo.Load(fstest.MapFS{"a.py": {Data: []byte("1\n")}}), Images: sized{images.Catalogue()}}
	res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{Transform()}, rewrite.Options{Unsafe: true})
	if err != nil || len(res.Outcomes) != 1 {
		t.Fatal(err, res.Declined)
	}
	if gain := res.Outcomes[0].Gain; !strings.Contains(gain, "the base weighs 44 MB, and 403 MB before") {
		t.Error(gain)
	}
}
