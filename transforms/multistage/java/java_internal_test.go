package java

import (
	"testing"

	"drydock/images"
)

func TestJavaIn(t *testing.T) {
	for ref, want := range map[string]string{
		"maven:3.9-eclipse-temurin-17-alpine": "eclipse-temurin:17-jre-alpine", "maven:3.6.3-jdk-11-slim": "eclipse-temurin:11-jre", "maven:3-amazoncorretto-21": "eclipse-temurin:21-jre",
		"gradle:jdk21-jammy": "eclipse-temurin:21-jre-jammy", "openjdk:11": "openjdk:11-jre-slim", "openjdk:17-slim": "eclipse-temurin:17-jre", "openjdk:8u342-jdk": "openjdk:8u342-jre-slim", "eclipse-temurin:17": "eclipse-temurin:17-jre",
		"eclipse-temurin:17.0.9_9-jdk-focal": "eclipse-temurin:17.0.9_9-jre-focal", "amazoncorretto:21-alpine": "eclipse-temurin:21-jre-alpine", "amazoncorretto:11": "amazoncorretto:11-headless",
		"clojure:temurin-17-lein-2.10.0": "eclipse-temurin:17-jre", "maven:3.6.3-adoptopenjdk-8": "eclipse-temurin:8-jre",
	} {
		r, _ := images.ParseRef(ref)
		vm, why := In(r)
		if got := vm.runtimes(r, false); why != "" || got[0] != want {
			t.Errorf("%s: %v %s, want %s", ref, got, why, want)
		}
	}
	for _, ref := range []string{"maven:3.9", "gradle:8", "maven:3.9-ibm-semeru-17", "gradle:8-jdk17-graal"} {
		r, _ := images.ParseRef(ref)
		if vm, why := In(r); why == "" {
			t.Errorf("%s: %+v", ref, vm)
		}
	}
}
