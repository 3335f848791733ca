package slimbase

import (
	"strings"

	"drydock/images"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Which JRE takes the place of an image with a JDK.

var jdkRepositories = words(`eclipse-temurin openjdk maven gradle amazoncorretto`)

// jdkPrograms are the programs of a JDK that a JRE lacks (jlink's legacy JRE, as
// Adoptium's temurin-build makes it).
var jdkPrograms = map[string]string{}

func init() {
	for w := range distro.JDKOnly {
		jdkPrograms[w] = "the JDK"
	}
	for _, w := range []string{"mvn", "gradle", "mvnw", "gradlew", "sbt", "lein", "clojure", "kotlinc", "scala", "scalac", "scala-cli", "groovyc", "jbang", "ant", "grails", "mill"} {
		jdkPrograms[w] = "the JDK"
	}
}

// scmPrograms are those of buildpack-deps' scm variant, on which images of openjdk
// with a JDK stand; those with a JRE stand on curl
// (https://github.com/docker-library/openjdk, Dockerfile-linux.template).
func scmPrograms(tag string) map[string]string {
	out := map[string]string{}
	for k, v := range jdkPrograms {
		out[k] = v
	}
	if strings.Contains(tag, "slim") || strings.Contains(tag, "alpine") || strings.Contains(tag, "oracle") {
		return out
	}
	for k, v := range distro.FullOnly {
		switch v {
		case "git", "mercurial", "subversion", "openssh-client", "procps":
			out[k] = v
		}
	}
	return out
}

var (
	// openjdk has JREs up to 11, on Debian, and of 8 on Alpine too.
	openjdkJRE = lazily(`^(8|11)([.u][0-9a-z.]+)?(-jdk)?(-slim)?(-(?:stretch|buster|bullseye|sid))?$`)
	openjdk8   = lazily(`^8(-jdk)?-alpine$`)
	openjdkNew = lazily(`^(\d+)([.][0-9.]+)?(-jdk)?(-oracle|-oraclelinux[78]|-slim|-slim-buster|-slim-bullseye|-buster|-bullseye)?$`)
	mavenTag   = lazily(`^[0-9][0-9.]*-(?:eclipse-temurin|amazoncorretto|openjdk|jdk)-(\d+)(-[a-z]+)?$`)
	gradleTag  = lazily(`^[0-9][0-9.]*-jdk-?(\d+)(-[a-z]+)*$`)
)

func chooseJRE(s *split.Split) bool {
	tag := s.Ref.Tag
	if strings.Contains(tag, "jre") || strings.Contains(tag, "windows") || strings.Contains(tag, "nanoserver") || tag == "" {
		return false
	}
	s.Variant = &split.Variant{Name: "a JRE", Lost: jdkPrograms, Gone: []string{"the JDK's compiler and tools (javac, jar, jcmd, jmap, jstack, jshell and the others)"}}
	if !s.Pass.Repo.Known() {
		return s.Decline(s.Stage.From, "without the build context it isn't known what the program needs")
	}
	to, why := jre(s)
	if why != "" {
		return s.Decline(s.Stage.From, "%s", why)
	}
	full, ok1 := s.Pass.Images.Image(s.Ref)
	jre, ok2 := s.Pass.Images.Image(to)
	if !ok1 || !ok2 {
		return s.Decline(s.Stage.From, "%s isn't known to exist", to)
	}
	s.Variant.Other = full.Distro != jre.Distro || full.Release != jre.Release || to.Repository() != s.Ref.Repository()
	switch {
	case strings.Contains(s.Stage.From.Fields()[0].Text, "$"):
		return s.Decline(s.Stage.From, "the base is computed from a build argument")
	case full.User != jre.User:
		return s.Decline(s.Stage.From, "%s has another user", to)
	case full.Workdir != jre.Workdir && !ownWorkdir(s):
		return s.Decline(s.Stage.From, "%s has another working directory, and the stage sets none before it uses it", to)
	}
	for _, in := range s.Stage.Instructions {
		if m := jdkFolder().FindString(in.Text); m != "" {
			return s.Decline(in, "it names %s, which lies elsewhere in a JRE or isn't there", m)
		}
	}
	if s.Variant.Other {
		s.Variant.Lost = map[string]string{}
		for _, m := range []map[string]string{distro.FullOnly, jdkPrograms} {
			for k, v := range m {
				s.Variant.Lost[k] = v
			}
		}
		if m := javaHome().FindString(s.Doc.Src); m != "" {
			return s.Decline(s.Stage.From, "the file names %s, and %s has Java elsewhere", m, to)
		}
	}
	if s.Ref.Repository() == "openjdk" && !s.Variant.Other {
		s.Variant.Lost = scmPrograms(tag)
	}
	s.Base, s.Variant.Base = to.String(), to.String()
	s.Variant.Gain = "the JDK's compiler and tools stay out: about 100 to 200 MB (compressed)"
	s.Explain("%s runs the same Java version as %s", s.Base, s.Stage.BaseName())
	return true
}

var javaHome = lazily(`/usr/(local|java)/openjdk[\w-]*|/opt/java/[\w-]+|/usr/share/maven|/opt/gradle|/usr/lib/jvm[\w/-]*|\bJAVA_HOME\b|\bMAVEN_HOME\b|\bMAVEN_CONFIG\b|\bGRADLE_HOME\b`)

// jdkFolder: of Java 8 the JDK has its JRE in a folder, and tools.jar.
var jdkFolder = lazily(`[\w/.${}-]*/jre/[\w/.-]*|[\w/.${}-]*\btools\.jar`)

// ownWorkdir: an absolute WORKDIR stands above everything that depends on one.
func ownWorkdir(s *split.Split) bool {
	for _, in := range s.Stage.Instructions {
		switch in.Keyword {
		case "arg", "env", "label", "expose", "maintainer", "user", "stopsignal", "volume":
			continue
		case "workdir":
			return strings.HasPrefix(in.Args.Text, "/")
		}
		return false
	}
	return false
}

// jre is the image with the JRE of the same version.
func jre(s *split.Split) (images.Ref, string) {
	tag := s.Ref.Tag
	temurin := func(version, os string) (images.Ref, string) {
		return images.Ref{Path: "eclipse-temurin", Tag: version + "-jre" + os}, ""
	}
	osOf := func(m []string, at int) string { // the system, where the tag names one that Temurin has
		for _, os := range []string{"-alpine", "-focal", "-jammy", "-noble"} {
			if len(m) > at && m[at] == os {
				return os
			}
		}
		return ""
	}
	switch s.Ref.Repository() {
	case "eclipse-temurin":
		if strings.Contains(tag, "-jdk") {
			return s.Ref.WithTag(strings.Replace(tag, "-jdk", "-jre", 1)), ""
		}
		version, rest, more := strings.Cut(tag, "-")
		if more {
			rest = "-" + rest
		}
		return s.Ref.WithTag(version + "-jre" + rest), ""
	case "openjdk":
		if m := openjdkJRE().FindStringSubmatch(tag); m != nil {
			return s.Ref.WithTag(m[1] + m[2] + "-jre" + m[4] + m[5]), ""
		}
		if openjdk8().MatchString(tag) {
			return s.Ref.WithTag("8-jre-alpine"), ""
		}
		if m := openjdkNew().FindStringSubmatch(tag); m != nil {
			return temurin(m[1], "")
		}
	case "maven":
		if m := mavenTag().FindStringSubmatch(tag); m != nil {
			return temurin(m[1], osOf(m, 2))
		}
	case "gradle":
		if m := gradleTag().FindStringSubmatch(tag); m != nil {
			return temurin(m[1], osOf(m, 2))
		}
	}
	return images.Ref{}, "there is no JRE image of the kind of " + s.Ref.String()
}

var jdkUse = lazily(`\bjavax\.tools\.|\bToolProvider\b|\bcom\.sun\.(tools|jdi|source)\.|\bjdk\.(jshell|compiler|jartool|javadoc)\b|["' ](javac|jcmd|jmap|jstack|jps|jlink)["' ]`)

// JdkInSource names the first place of the source that uses the JDK's compiler
// or tools.
func JdkInSource(s *split.Split) string {
	if !s.Pass.Unsafe {
		return ""
	}
	if why := s.LiteralsLack(".java", ".kt", ".scala", ".groovy", ".clj"); why != "" && s.Variant != nil {
		return why
	}
	return s.SourceSays(jdkUse(), " uses the JDK's compiler or tools, which a JRE hasn't", []string{".java", ".kt", ".scala", ".groovy", ".clj", ".sh"})
}
