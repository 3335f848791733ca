package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// Java that a RUN compiles by javac alone, without a build tool. javac writes its
// classes beside the source, or to -d; the application's folder is copied as it then is
// to the JRE of the same version.
//
// It declines where javac writes elsewhere, where the start command isn't java with a
// class or a jar below that folder, and for what the other recipe of Java declines for:
// the JDK's tools, programs that the JRE image may lack, users that it hasn't.

var _ = register(recipe{
	name:  "javac",
	bases: words("eclipse-temurin openjdk amazoncorretto adoptopenjdk azul/zulu-openjdk azul/zulu-openjdk-alpine azul/zulu-openjdk-debian"),
	words: words("javac"),
	doc: `- Java compiled by javac alone: the folder of the application with its classes, on a JRE of
  the same version.`,
	anySize: true,
	split:   splitJavac,
})

// javacValues are the options of javac that have a value, with no say in where it writes
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/javac.html).
var javacValues = words(`-cp -classpath --class-path -sourcepath --source-path -encoding -source --source -target --target --release -Xmaxerrs -Xmaxwarns`)

type javacSplit struct{ *appFolder }

func splitJavac(s *split) bool {
	if strings.Contains(s.ref.Tag, "jre") || strings.Contains(s.ref.Tag, "windows") || strings.Contains(s.ref.Tag, "nanoserver") {
		return false
	}
	app := &javacSplit{&appFolder{split: s}}
	j := &javaSplit{artefacts: artefacts{split: s}, users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}
	s.buildTools, s.gone = javaPackages, jdkOnly
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && !app.javac(in) {
			return false
		}
	}
	if app.last == nil {
		return false
	}
	s.settleUpdates()
	j.last = app.last
	if systemDir(app.app) {
		return s.decline(app.last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", app.app)
	}
	why := ""
	if j.vm, why = javaIn(s.ref); why != "" {
		return s.decline(s.stage.From, "%s", why)
	}
	cmds, ok := s.canStart()
	if !ok {
		return false
	}
	for _, c := range cmds {
		if why := app.startsClass(c.args); why != "" {
			return s.decline(c.from, "%s %s", c.where, why)
		}
	}
	if !j.source() || !j.environment() || !app.place(app.installsSystem) || !j.jre() || !j.packagesThere() {
		return false
	}
	app.copyFolder()
	s.why = "the JDK's compiler is of no use to the finished program"
	s.gain = "the JDK and the rest of its image stay behind: about 100 to 250 MB (compressed)"
	s.explain("%s is copied from the build stage as javac leaves it, with the classes and the files beside them", app.app)
	if s.p.Policy == Distroless || s.p.Policy == Smallest {
		s.explain("it stays on a JRE image: what distroless java would be told to start is worked out for the jars of build tools")
	}
	s.assumes = append(s.assumes, "the program reads no files outside "+app.app+" that only the build makes, and runs on a JRE of the same version")
	return true
}

// javac sorts one RUN.
func (a *javacSplit) javac(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return a.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	rest, ok := a.system(in, all)
	if !ok {
		return false
	}
	compiles, files := false, 0
	for _, st := range rest {
		switch {
		case st.Name == "javac":
			if why := a.compiles(st); why != "" {
				return a.decline(in, "%s", why)
			}
			compiles = true
		case replayed[st.Name]:
			files++
		case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		case st.Name == "java" && len(st.Args) == 2 && strings.Contains(st.Args[1], "version"):
		default:
			return a.decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	switch {
	case compiles && len(rest) < len(all):
		return a.decline(in, "it installs packages and compiles in one RUN")
	case compiles:
		a.last, a.roles[in] = in, inBuild
		for _, st := range rest {
			if replayed[st.Name] && !a.within(st) {
				return a.decline(in, "%s works outside %s", strings.Join(st.Args[:min(3, len(st.Args))], " "), a.app)
			}
		}
	case files > 0:
		a.roles[in] = inBoth
	}
	return true
}

// compiles notes where a call of javac works; it tells why that isn't known.
func (a *javacSplit) compiles(st rewrite.Step) string {
	if st.Dir == "" {
		return "where javac runs isn't known"
	}
	if a.app == "" {
		a.app = st.Dir
		for _, in := range a.stage.Instructions { // src below what COPY brings
			_, dest, _, ok := in.Copy()
			if to, known := a.stage.At(in).Abs(a.stage.At(in).Expand(dest)); ok && known && rewrite.Inside(a.app, to) && !systemDir(to) {
				a.app = to
			}
		}
	}
	to, sources := []string{}, 0
	for i := 1; i < len(st.Args); i++ {
		w := st.Args[i]
		switch {
		case w == "-d" && i+1 < len(st.Args):
			i++
			to = append(to, st.Args[i])
		case javacValues[w]:
			i++
		case strings.HasPrefix(w, "-J"), strings.HasPrefix(w, "-Xlint"), strings.HasPrefix(w, "-g"), strings.HasPrefix(w, "--release="), w == "-nowarn", w == "-verbose", w == "-parameters", w == "-deprecation", w == "-proc:none":
		case strings.HasPrefix(w, "-") || strings.HasPrefix(w, "@"):
			return "the effects of javac " + w + " aren't known"
		default:
			sources++
			to = append(to, path.Dir(w))
		}
	}
	for _, p := range to {
		if strings.ContainsAny(p, "$`~") || !rewrite.Inside(path.Clean(abs(st.Dir, p)), a.app) {
			return "javac writes to " + p + ", outside " + a.app
		}
	}
	if sources == 0 {
		return "what javac compiles isn't known"
	}
	return ""
}

// startsClass tells why a start command isn't a class or jar of the folder.
func (a *javacSplit) startsClass(args []string) string {
	if len(args) == 0 {
		return ""
	}
	if args[0] != "java" {
		return "starts " + args[0] + ", and not java"
	}
	for _, w := range args[1:] {
		if strings.HasSuffix(w, ".java") {
			return "has java compile " + w + " when it starts, which a JRE can't"
		}
		for _, p := range strings.Split(w, ":") {
			if strings.HasPrefix(p, "/") && !rewrite.Inside(path.Clean(p), a.app) && p != "/dev/urandom" {
				return "names " + p + ", outside " + a.app
			}
		}
	}
	if !slices.ContainsFunc(args[1:], func(w string) bool { return !strings.HasPrefix(w, "-") }) {
		return "names no class"
	}
	return ""
}
