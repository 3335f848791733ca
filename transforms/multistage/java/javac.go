package java

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Java that a RUN compiles by javac alone, without a build tool. javac writes its
// classes beside the source, or to -d; the application's folder is copied as it then is
// to the JRE of the same version.
//
// It declines where javac writes elsewhere, where the start command isn't java with a
// class or a jar below that folder, and for what the other recipe of Java declines for:
// the JDK's tools, programs that the JRE image may lack, users that it hasn't.

// Javac is the recipe for programs that javac alone compiles.
var Javac = split.Recipe{
	Name:  "javac",
	Bases: words("eclipse-temurin openjdk amazoncorretto adoptopenjdk azul/zulu-openjdk azul/zulu-openjdk-alpine azul/zulu-openjdk-debian"),
	Words: words("javac"),
	Doc: `- Java compiled by javac alone: the folder of the application with its classes, on a JRE of
  the same version.`,
	AnySize: true,
	Split:   splitJavac,
}

// javacValues are the options of javac that have a value, with no say in where it writes
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/javac.html).
var javacValues = words(`-cp -classpath --class-path -sourcepath --source-path -encoding -source --source -target --target --release -Xmaxerrs -Xmaxwarns`)

type javacSplit struct{ *artefacts.Folder }

func splitJavac(s *split.Split) bool {
	if strings.Contains(s.Ref.Tag, "jre") || strings.Contains(s.Ref.Tag, "windows") || strings.Contains(s.Ref.Tag, "nanoserver") {
		return false
	}
	app := &javacSplit{&artefacts.Folder{Split: s}}
	j := &App{List: artefacts.List{Split: s}, Users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}
	s.BuildTools, s.Gone = javaPackages, distro.JDKOnly
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !app.javac(in) {
			return false
		}
	}
	if app.Last == nil {
		return false
	}
	s.SettleUpdates()
	j.last = app.Last
	if cmdline.SystemDir(app.AppDir) {
		return s.Decline(app.Last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", app.AppDir)
	}
	why := ""
	if j.Vm, why = In(s.Ref); why != "" {
		return s.Decline(s.Stage.From, "%s", why)
	}
	cmds, ok := s.CanStart()
	if !ok {
		return false
	}
	for _, c := range cmds {
		if why := app.startsClass(c.Args); why != "" {
			return s.Decline(c.From, "%s %s", c.Where, why)
		}
	}
	if !j.source() || !j.environment() || !app.Place(app.InstallsSystem) || !j.jre() || !j.packagesThere() {
		return false
	}
	app.CopyFolder()
	s.Why = "the JDK's compiler is of no use to the finished program"
	s.Gain = "the JDK and the rest of its image stay behind: about 100 to 250 MB (compressed)"
	s.Explain("%s is copied from the build stage as javac leaves it, with the classes and the files beside them", app.AppDir)
	if s.Pass.Policy == split.Distroless || s.Pass.Policy == split.Smallest {
		s.Explain("it stays on a JRE image: what distroless java would be told to start is worked out for the jars of build tools")
	}
	s.Assumes = append(s.Assumes, "the program reads no files outside "+app.AppDir+" that only the build makes, and runs on a JRE of the same version")
	return true
}

// javac sorts one RUN.
func (a *javacSplit) javac(in *rewrite.Instruction) bool {
	all, ok := a.Steps(in)
	if !ok {
		return false
	}
	rest, ok := a.System(in, all)
	if !ok {
		return false
	}
	compiles, files := false, 0
	for _, st := range rest {
		switch {
		case st.Name == "javac":
			if why := a.compiles(st); why != "" {
				return a.Decline(in, "%s", why)
			}
			compiles = true
		case cmdline.Replayed[st.Name]:
			files++
		case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		case st.Name == "java" && len(st.Args) == 2 && strings.Contains(st.Args[1], "version"):
		default:
			return a.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	switch {
	case compiles && len(rest) < len(all):
		return a.Decline(in, "it installs packages and compiles in one RUN")
	case compiles:
		a.Last, a.Roles[in] = in, split.InBuild
		for _, st := range rest {
			if cmdline.Replayed[st.Name] && !a.Within(st) {
				return a.Decline(in, "%s works outside %s", strings.Join(st.Args[:min(3, len(st.Args))], " "), a.AppDir)
			}
		}
	case files > 0:
		a.Roles[in] = split.InBoth
	}
	return true
}

// compiles notes where a call of javac works; it tells why that isn't known.
func (a *javacSplit) compiles(st rewrite.Step) string {
	if st.Dir == "" {
		return "where javac runs isn't known"
	}
	if a.AppDir == "" {
		a.AppDir = st.Dir
		for _, in := range a.Stage.Instructions { // src below what COPY brings
			_, dest, _, ok := in.Copy()
			if to, known := a.Stage.At(in).Abs(a.Stage.At(in).Expand(dest)); ok && known && rewrite.Inside(a.AppDir, to) && !cmdline.SystemDir(to) {
				a.AppDir = to
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
		if strings.ContainsAny(p, "$`~") || !rewrite.Inside(path.Clean(cmdline.Abs(st.Dir, p)), a.AppDir) {
			return "javac writes to " + p + ", outside " + a.AppDir
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
			if strings.HasPrefix(p, "/") && !rewrite.Inside(path.Clean(p), a.AppDir) && p != "/dev/urandom" {
				return "names " + p + ", outside " + a.AppDir
			}
		}
	}
	if !slices.ContainsFunc(args[1:], func(w string) bool { return !strings.HasPrefix(w, "-") }) {
		return "names no class"
	}
	return ""
}
