package repo

// Which Java a project asks for: files of version managers, Maven, Gradle.

import (
	"path"
	"strings"
)

var javaNumber = lazy(`(?:^|[a-z0-9_]-)(?:1\.(\d)\b|(\d+)(?:[.+_-]|$))`)

// javaMajor is the number of the release in what version managers call it: 17 of
// "17", "17.0.9-tem", "temurin-17.0.8+7", "openjdk64-17.0.1"; 8 of "1.8". GraalVM
// counts its own versions.
func javaMajor(s string) string {
	if strings.Contains(s, "graalvm") || strings.HasSuffix(s, "-grl") {
		return ""
	}
	m := javaNumber.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

func javaVersion(s, file string, line int) Version {
	if s = javaMajor(s); s == "" {
		return Version{}
	}
	return Version{Value: s, File: file, Line: line}
}

// javaFile: jenv's .java-version.
func (r *Repo) javaFile(file string) Version {
	s, line := r.firstLine(file)
	return javaVersion(s, file, line)
}

// javaProperty reads key=value files: SDKMAN's .sdkmanrc, Heroku's system.properties.
func (r *Repo) javaProperty(key string) func(file string) Version {
	return func(file string) Version {
		for i, l := range r.linesOf(file) {
			if k, v, ok := strings.Cut(l, "="); ok && strings.TrimSpace(k) == key {
				return javaVersion(v, file, i+1)
			}
		}
		return Version{}
	}
}

// pomProperties say for which release Maven compiles, the strongest first
// (https://maven.apache.org/plugins/maven-compiler-plugin/compile-mojo.html;
// java.version is Spring Boot's).
var pomProperties = []string{"maven.compiler.release", "java.version", "maven.compiler.target", "maven.compiler.source"}

// pomJava looks through the POM and its parents in the context.
func (r *Repo) pomJava(file string) Version {
	m := r.Maven(file)
	if m == nil {
		return Version{}
	}
	for depth := 0; depth < 20; depth++ {
		p := m.poms[file]
		if p == nil || p.xml == nil {
			return Version{}
		}
		said := ""
		for _, key := range pomProperties {
			for _, group := range p.xml.all("properties") {
				for _, k := range group.kids {
					if k.name == key && said == "" {
						said = javaMajor(strings.TrimSpace(k.text))
					}
				}
			}
		}
		for _, plugin := range p.xml.all("build", "plugins", "plugin") {
			if plugin.value("artifactId") == "maven-compiler-plugin" && said == "" {
				said = javaMajor(strings.TrimSpace(plugin.value("configuration", "release")))
			}
		}
		if said != "" {
			return Version{Value: said, File: file}
		}
		file = p.parent
	}
	return Version{}
}

// gradleSays are the ways to name the toolchain or the release of the classes
// (https://docs.gradle.org/current/userguide/toolchains.html).
var gradleSays = lazy(`JavaLanguageVersion\.of\(\s*["']?(\d+)|\bjvmToolchain\(\s*(\d+)|\bsourceCompatibility\s*=\s*(?:JavaVersion\.VERSION_)?["']?(1[._]\d|\d+)`)

func (r *Repo) gradleJava(file string) Version {
	if !r.isFile(file) || path.Base(path.Dir(file)) == "buildSrc" {
		return Version{}
	}
	for i, l := range r.linesOf(file) {
		if strings.HasPrefix(strings.TrimSpace(l), "//") {
			continue
		}
		if m := gradleSays.FindStringSubmatch(l); m != nil {
			return javaVersion(strings.ReplaceAll(m[1]+m[2]+m[3], "_", "."), file, i+1)
		}
	}
	return Version{}
}
