// Package java has the recipes for Java and Kotlin: jars and what is deployed to a server; and spring-layers.
package java

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Java, and what else runs on its virtual machine. What the start command names
// (the jar, the folder of a class path, an agent) is copied from the build stage
// to the same paths of an image with a JRE: Maven, Gradle, sbt, Leiningen and
// the JDK's compiler stay behind. With --base distroless or smallest the runtime
// image is distroless java where nothing needs a shell.
//
// One plain jar is copied, not Spring Boot's layers: it runs as it did, and an
// unpacked one starts by another class and another command.
//
// It declines where what starts isn't known by name, where the jar may look for
// others beside it, where the program uses the JDK's tools, and for RUNs that it
// doesn't know.

// Recipe is the recipe for Java and Kotlin.
var Recipe = split.Recipe{
	Name:    "java",
	Bases:   words("maven gradle eclipse-temurin openjdk amazoncorretto adoptopenjdk sbtscala/scala-sbt hseeberger/scala-sbt clojure azul/zulu-openjdk azul/zulu-openjdk-alpine azul/zulu-openjdk-debian"),
	Words:   words("mvn mvnw gradle gradlew sbt lein"),
	AnySize: true,
	Doc: `- Java, Kotlin, Scala, Clojure: the jar that the start command names on a JRE of the
  same version, or on distroless java; with smallest on a runtime that jlink makes of the
  modules that it uses (Temurin 17 and 21).`,
	Split: splitJava,
}

// App is a stage that builds a program of Java or Kotlin.
type App struct {
	artefacts.List
	Vm      javaImage
	builds  []javaBuild
	last    *rewrite.Instruction // the last RUN that builds or writes into the project
	written []string             // paths that file commands of a RUN write, globs of their sources aside
	copied  map[string]string    // what cp, mv and ln write, and from where
	made    []string             // folders that RUNs of the runtime stage make
	Users   map[string]bool      // accounts that RUNs of the runtime stage make
	seen    map[string]bool      // scripts read
	starts  []javaStart
	boot    []string // the command line in the place of mvn spring-boot:run
	alone   bool     // the jar that starts holds the project's own classes and no others
}

// javaBuild is one call of a build tool.
type javaBuild struct {
	tool string // mvn, gradle, sbt, lein
	dir  string // where it runs in the image
	args []string
	in   *rewrite.Instruction
}

func splitJava(s *split.Split) bool {
	if strings.Contains(s.Ref.Tag, "jre") || strings.Contains(s.Ref.Tag, "windows") || strings.Contains(s.Ref.Tag, "nanoserver") {
		return false
	}
	j := &App{List: artefacts.List{Split: s}, Users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}
	s.BuildTools = javaPackages
	if !j.buildsAnything() {
		return false // an image that holds a build tool
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !j.run(in) {
			return false
		}
	}
	s.SettleUpdates()
	if s.Kept != nil {
		return j.forKept()
	}
	why := ""
	if _, unsaid := In(s.Ref); unsaid != "" {
		s.Spelled(func(ref images.Ref) bool { _, why := In(ref); return why == "" })
	}
	if j.Vm, why = In(s.Ref); why != "" {
		return j.Decline(s.Stage.From, "%s", why)
	}
	if _, ok := s.CanStart(); !ok {
		return false
	}
	if !j.whatStarts() || !j.selfContained() || !j.dataFiles() || !j.source() || !j.place() || !j.environment() || !j.chooseBase() || !j.packagesThere() {
		return false
	}
	j.LeaveWorkdirs()
	j.Copies(j.last, func(p string) bool {
		return slices.ContainsFunc(j.starts, func(st javaStart) bool { return st.jar == p })
	})
	s.Why = "the build tool, the JDK's compiler and the downloaded dependencies are of no use to the finished program"
	s.Gain = "the JDK, the build tool and its repository stay behind: about 150 to 400 MB (compressed)"
	s.Assumes = append(s.Assumes, "the program reads no files but those that its command line and its source name, and runs on a JRE of the same version")
	return true
}

// javaPackages are packages of the system that build and don't run.
var javaPackages = words(`maven gradle sbt leiningen ant default-jdk default-jdk-headless openjdk-8-jdk openjdk-11-jdk openjdk-17-jdk openjdk-21-jdk openjdk-8-jdk-headless openjdk-11-jdk-headless openjdk-17-jdk-headless openjdk-21-jdk-headless
	nodejs npm yarn git-core unzip zip dos2unix protobuf-compiler findutils binutils which tar gzip xz bzip2 shadow-utils musl-dev build-base git curl wget`)

// javaTools are the build tools by the name of their programs.
var javaTools = map[string]string{"mvn": "mvn", "mvnw": "mvn", "gradle": "gradle", "gradlew": "gradle", "sbt": "sbt", "lein": "lein"}

// buildCall reads a call of a build tool; sh mvnw is one too.
func buildCall(args []string) (tool string, rest []string) {
	if len(args) > 1 && rewrite.PosixShell(args[0]) {
		args = args[1:]
	}
	if len(args) == 0 {
		return "", nil
	}
	return javaTools[path.Base(args[0])], args[1:]
}

// buildsAnything: a RUN calls a build tool.
func (j *App) buildsAnything() bool {
	for _, in := range j.Stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		if sh, why := in.Shell(); why == "" {
			for _, c := range sh.Commands() {
				if tool, args := buildCall(c.Args); tool != "" && len(args) > 0 && !strings.Contains(args[0], "version") && args[0] != "-v" {
					return true
				}
			}
		}
	}
	return false
}

// run sorts one RUN.
func (j *App) run(in *rewrite.Instruction) bool {
	all, ok := j.Steps(in)
	if !ok {
		return false
	}
	if all = j.otherManagers(in, all); all == nil {
		return false
	}
	rest, ok := j.System(in, all)
	if !ok {
		return false
	}
	var again []rewrite.Step // run in the runtime stage too
	for _, st := range rest {
		tool, args := buildCall(st.Args)
		switch {
		case tool != "":
			if st.Dir == "" {
				return j.Decline(in, "where %s runs isn't known", tool)
			}
			j.builds = append(j.builds, javaBuild{tool, st.Dir, args, in})
			j.last = in
		case st.Name == "java" || st.Name == "git":
			if !(len(st.Args) == 2 && strings.Contains(st.Args[1], "version")) && !(st.Name == "git" && len(st.Args) > 1 && st.Args[1] == "config") {
				return j.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
			}
		case cmdline.Replayed[st.Name] || st.Name == "curl" || st.Name == "wget":
			replay, ok := j.fileCommand(in, st)
			if !ok {
				return false
			}
			if replay {
				again = append(again, st)
			}
		default:
			return j.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	return j.again(in, again, len(rest) == len(again) && len(rest) == len(all))
}

// again puts file commands into the runtime stage: the RUN as it stands when
// they are all of it, else a RUN of them.
func (j *App) again(in *rewrite.Instruction, steps []rewrite.Step, whole bool) bool {
	if len(steps) == 0 || j.Kept != nil {
		return true
	}
	if whole {
		j.Roles[in] = split.InBoth
		return true
	}
	sh, _ := in.Shell()
	var texts []string
	for _, st := range steps {
		if len(st.Stmt.Redirs) > 0 || sh == nil {
			return j.Decline(in, "%s writes to a file by redirection", st.Name)
		}
		if st.Dir != in.Stage.At(in).Workdir && slices.ContainsFunc(st.Args[1:], func(a string) bool { return !strings.HasPrefix(a, "/") && !strings.HasPrefix(a, "-") }) && !cmdline.Accounted(st.Name) {
			return j.Decline(in, "%s runs in another folder", st.Name)
		}
		texts = append(texts, sh.Source(st.Stmt))
		j.Adds = append(j.Adds, st.Key)
	}
	j.Instead[in] = append(j.Instead[in], j.Keyword("RUN")+" "+strings.Join(texts, " && "))
	return true
}

// otherManagers takes the commands of apk, yum and dnf out where all they install
// is for the build; a RUN of apk alone may be repeated, since the JRE image is
// Alpine then too. It returns nil after a decline.
func (j *App) otherManagers(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step) {
	rest = []rewrite.Step{}
	keeps, build := "", false
	for _, st := range all {
		a, ok := distro.ReadApk(st)
		if !ok {
			switch st.Name {
			case "yum", "dnf", "microdnf", "tdnf":
				a, ok = ReadYum(st)
			}
		}
		if !ok {
			rest = append(rest, st)
			continue
		}
		if a.Bad != "" {
			j.Decline(in, "%s is no plain name of a package", a.Bad)
			return nil
		}
		for _, w := range a.Words {
			name, _, _ := strings.Cut(w, "=")
			switch {
			case a.Verb != "install":
			case javaPackages[name] || distro.BuildTools[name] || strings.HasPrefix(name, "openjdk") || strings.HasPrefix(name, "java-"):
				build = true
			default:
				keeps = w
			}
		}
	}
	switch {
	case keeps == "":
	case build || all[0].Name != "apk" || slices.ContainsFunc(rest, func(st rewrite.Step) bool { return !cmdline.Tidy(st) && !rewrite.Harmless(st.Name) }):
		j.Decline(in, "%s may be needed at run time, and the runtime image has another package manager, or the RUN does more", keeps)
		return nil
	default:
		j.Roles[in] = split.InBoth
		return []rewrite.Step{}
	}
	return rest
}

// ReadYum reads a call of yum, dnf or microdnf in the terms of apt.
func ReadYum(st rewrite.Step) (a distro.Apt, ok bool) {
	for _, w := range st.Args[1:] {
		switch {
		case strings.HasPrefix(w, "-"):
		case a.Verb == "":
			a.Verb = w
		case !cmdline.Plain(w):
			a.Bad = w
		default:
			a.Words = append(a.Words, w)
		}
	}
	return a, true
}

// fileCommand sorts a command that changes files or accounts: replay is true
// where the runtime stage needs what it does.
func (j *App) fileCommand(in *rewrite.Instruction, st rewrite.Step) (replay, ok bool) {
	if cmdline.Accounted(st.Name) {
		for _, a := range st.Args[1:] {
			j.Users[a] = true
		}
		return true, true
	}
	if st.Name == "curl" || st.Name == "wget" {
		return false, j.downloads(in, st)
	}
	var paths []string
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			paths = append(paths, a)
		}
	}
	switch st.Name {
	case "chmod", "chown", "chgrp", "sed":
		if len(paths) > 0 {
			paths = paths[1:]
		}
	}
	for i, p := range paths {
		if strings.ContainsAny(p, "$`~") || st.Dir == "" && !strings.HasPrefix(p, "/") {
			return false, j.Decline(in, "%s changes the computed path %s", st.Name, p)
		}
		paths[i] = cmdline.Abs(st.Dir, p)
	}
	switch st.Name {
	case "mkdir", "touch":
		if slices.ContainsFunc(paths, func(p string) bool { return j.filled(in, p) }) {
			return false, true // folders for what is copied and built
		}
		for _, p := range paths {
			if !j.builderOnly(in, p) {
				j.made = append(j.made, p)
				replay = true
			}
		}
	case "cp", "mv", "ln", "install":
		j.last = in
		return false, j.writes(in, st, paths)
	case "chown", "chgrp", "chmod":
		made, others := 0, 0
		for _, p := range paths {
			if slices.ContainsFunc(j.made, func(m string) bool { return rewrite.Inside(m, p) || rewrite.Inside(p, m) }) {
				made++
			} else if p == in.Stage.At(in).Workdir && st.Name != "chmod" {
				made++
			} else {
				others++
			}
		}
		if made > 0 && others > 0 {
			return false, j.Decline(in, "%s changes folders of the runtime stage and of the build alike", st.Name)
		}
		return made > 0, true
	}
	return replay, true
}

// builderOnly: a path that matters to the build alone: the project's sources,
// caches, and folders that WORKDIR or COPY make anyway.
func (j *App) builderOnly(in *rewrite.Instruction, p string) bool {
	if cacheFolder(p) {
		return true
	}
	wd := in.Stage.At(in).Workdir
	if rest, ok := strings.CutPrefix(p, strings.TrimSuffix(wd, "/")+"/"); ok && wd != "" {
		switch first, _, _ := strings.Cut(rest, "/"); first {
		case "target", "build", "src", "project", "gradle", ".mvn", "buildSrc":
			return true
		}
	}
	for _, later := range in.Stage.Instructions {
		if later.Keyword == "workdir" && rewrite.Inside(in.Stage.At(later.Next()).Workdir, p) {
			return true
		}
	}
	return false
}

// filled: a later COPY or ADD puts something below a folder.
func (j *App) filled(in *rewrite.Instruction, p string) bool {
	for later := in.Next(); later != nil; later = later.Next() {
		if later.Keyword != "copy" && later.Keyword != "add" {
			continue
		}
		e := j.Pass.Effects(later)
		if slices.ContainsFunc(e.Trees, func(t rewrite.Tree) bool { return rewrite.Inside(t.Dest, p) }) || slices.ContainsFunc(e.Writes, func(w string) bool { return rewrite.Inside(w, p) }) {
			return true
		}
	}
	return false
}

// cacheFolder: what build tools keep for themselves.
func cacheFolder(p string) bool {
	return slices.ContainsFunc([]string{"/root/.m2", "/root/.gradle", "/root/.sbt", "/root/.ivy2", "/root/.cache", "/root/.ssh", "/root/.lein", "/home/gradle/.gradle", "/home/gradle/.m2", "/usr/share/maven", "/tmp", "/usr/src/mymaven"}, func(c string) bool { return rewrite.Inside(p, c) })
}

// writes notes what cp, mv, ln and install write.
func (j *App) writes(in *rewrite.Instruction, st rewrite.Step, paths []string) bool {
	if len(paths) < 2 || slices.ContainsFunc(st.Args, func(a string) bool { return a == "-t" || strings.HasPrefix(a, "--target") || a == "-d" }) {
		return j.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
	}
	dest := paths[len(paths)-1]
	folder := len(paths) > 2 || strings.HasSuffix(st.Args[len(st.Args)-1], "/") || path.Ext(dest) == ""
	for _, p := range paths[:len(paths)-1] {
		j.written = append(j.written, dest)
		j.copied[dest] = p
		if folder && !strings.ContainsAny(p, "*?[") {
			j.written = append(j.written, path.Join(dest, path.Base(p)))
			j.copied[path.Join(dest, path.Base(p))] = p
		}
	}
	return true
}

// downloads notes the file that curl or wget writes.
func (j *App) downloads(in *rewrite.Instruction, st rewrite.Step) bool {
	for i, a := range st.Args[:len(st.Args)-1] {
		if a == "-o" && st.Name == "curl" || a == "--output" || a == "-O" && st.Name == "wget" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "o") && st.Name == "curl" {
			to := st.Args[i+1]
			if strings.ContainsAny(to, "$`") || st.Dir == "" && !strings.HasPrefix(to, "/") {
				break
			}
			j.last = in
			j.written = append(j.written, cmdline.Abs(st.Dir, to))
			return true
		}
	}
	return j.Decline(in, "where %s writes isn't known", st.Name)
}
