package multistage

import (
	"testing"

	"drydock/images"
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
		s := &split{ref: ref}
		to, why := s.jre()
		if (why == "") != (want != "") || why == "" && to.String() != want {
			t.Errorf("%s: %s (%s), want %q", from, to, why, want)
		}
	}
}
