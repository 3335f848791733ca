package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// javaStart is a command line of java that starts in the container.
type javaStart struct {
	command
	jar     string   // the path behind -jar, in the image; "" without
	options []string // what stands before -jar
	rest    []string // what follows the jar or the class
}

// javaValues are options of java whose value is the next word.
// Source: https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html
var javaValues = words(`-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-opens --add-exports --add-reads --patch-module --limit-modules -m --module -jar`)

// jdkOnly are programs of a JDK that a JRE lacks.
var jdkOnly = words(`javac jar jarsigner javadoc javap jcmd jconsole jdb jdeprscan jdeps jhsdb jimage jinfo jlink jmap jmod jpackage jps jshell jstack jstat jstatd`)

// bothHave are programs of every image with a shell, and words of the shell.
var bothHave = words(`sh bash ash dash exec export set cd echo printf test [ [[ true false : sleep cat ls mkdir chmod chown chgrp env id whoami date trap wait exit eval local return shift read source . if ulimit umask unset hostname uname
	dirname basename uniq seq cut head tail tr sed awk grep find xargs sort touch cp mv rm ln expr nproc kill readlink realpath java keytool rmiregistry su mktemp tee wc getent`)

// JavaLog is the file outside of /tmp that an instruction's options of java write their log to; "" for none. Java
// doesn't start where it can't open it
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#enable-logging-with-the-jvm-unified-logging-framework).
func JavaLog(in *rewrite.Instruction) string {
	if m := javaLog().FindStringSubmatch(in.Text); m != nil && !strings.HasPrefix(m[1], "/tmp/") && !strings.HasPrefix(m[1], "/dev/") {
		return m[1]
	}
	return ""
}

var javaLog = lazily(`-Xlog(?:gc:|:[^\s"',:]*:(?:file=)?)((?:[\w./$%{}-])*[./][\w./$%{}-]*)`)

// whatStarts finds out what the container starts and needs of the build.
func (j *javaSplit) whatStarts() bool {
	all, ok := j.started()
	if !ok {
		return false
	}
	for _, b := range j.runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				all = append(all, command{list, j.stage.From, b.File})
			}
		}
	}
	byJava := false // CMD holds arguments of java
	for _, c := range all {
		if args := unwrap(c.args); c.where == "ENTRYPOINT" && len(args) > 0 {
			byJava = byJava || path.Base(args[0]) == "java"
		}
		if c.where == "CMD" && byJava {
			j.arguments(c.args)
			continue
		}
		if !j.command(c, j.stage.At(nil).Workdir, 0) {
			return false
		}
	}
	if len(j.starts) == 0 && len(j.needs) == 0 {
		return j.decline(j.stage.From, "neither CMD nor ENTRYPOINT names what the build makes")
	}
	return true
}

// command looks at one command that starts in the container.
func (j *javaSplit) command(c command, dir string, depth int) bool {
	args := unwrap(c.args)
	if len(args) == 0 || args[0] == "$" && len(args) == 1 {
		return true
	}
	name := path.Base(args[0])
	if tool, rest := buildCall(args); tool != "" {
		if tool == "mvn" && depth == 0 && slices.Contains(rest, "spring-boot:run") {
			return j.bootRun(c, rest, dir)
		}
		return j.decline(c.from, "%s runs %s, which builds when the container starts; package in a RUN and start the jar", c.where, strings.Join(args[:min(2, len(args))], " "))
	}
	switch {
	case name == "java":
		if j.kept == nil && strings.HasPrefix(args[0], "/") && !(args[0] == "/opt/java/openjdk/bin/java" && j.vm.temurin) || strings.HasPrefix(args[0], "$") {
			return j.decline(c.from, "%s starts %s, which may be elsewhere in the runtime image", c.where, args[0])
		}
		return j.java(c, args[1:], dir)
	case jdkOnly[name] && j.kept == nil:
		return j.decline(c.from, "%s runs %s, which a JRE hasn't", c.where, name)
	case strings.Contains(args[0], "$"):
		return j.decline(c.from, "%s starts a computed program", c.where)
	}
	if rewrite.PosixShell(args[0]) || name == "source" || name == "." {
		if len(args) < 2 || strings.HasPrefix(args[1], "-") {
			return true
		}
		args = args[1:]
		return j.program(c, args, dir, depth)
	}
	if strings.Contains(args[0], "/") || j.script("/usr/local/bin/"+args[0]) != "" {
		return j.program(c, args, dir, depth)
	}
	if j.kept == nil && !bothHave[name] && !j.apt.runtime[name] && !j.apt.runtime[fullOnly[name]] {
		return j.decline(c.from, "%s runs %s, which the runtime image may lack", c.where, name)
	}
	return j.arguments(args[1:])
}

// script is the context path of a file that a COPY brings, "" for none.
func (j *javaSplit) script(abs string) string {
	ctx, by := j.stage.Origin(nil, abs, j.p.Repo, j.p.Name)
	if by == nil || j.p.Repo.IsDir(ctx) {
		return ""
	}
	return ctx
}

// program is a script of the project, or one that the build makes.
func (j *javaSplit) program(c command, args []string, dir string, depth int) bool {
	at := abs(dir, args[0])
	if !strings.Contains(args[0], "/") && j.script(at) == "" {
		at = "/usr/local/bin/" + args[0]
	}
	ctx := j.script(at)
	if ctx == "" {
		up := path.Dir(at)
		switch {
		case strings.HasPrefix(at, "/bin/"), strings.HasPrefix(at, "/usr/bin/"):
			if j.kept == nil && !bothHave[path.Base(at)] {
				return j.decline(c.from, "%s runs %s, which the runtime image may lack", c.where, at)
			}
			return j.arguments(args[1:])
		case !j.builds0(at) || path.Base(up) != "bin":
			return j.decline(c.from, "%s starts %s, and no RUN is known to write it", c.where, args[0])
		}
		j.need(path.Dir(up), "the start script "+args[0]+" and the jars beside it")
		return j.arguments(args[1:])
	}
	if j.seen[ctx] || depth > 3 {
		return true
	}
	j.seen[ctx] = true
	j.need(at, "the script that "+c.where+" starts")
	src, err := j.p.Repo.ReadFile(ctx)
	if err != nil {
		return j.decline(c.from, "%s can't be read", ctx)
	}
	cmds, err := scriptCommands(strings.ReplaceAll(string(src), "\r\n", "\n"))
	if err != nil {
		return j.decline(c.from, "%s can't be read as a shell script", ctx)
	}
	own := map[string]bool{}
	for _, l := range strings.Split(string(src), "\n") {
		if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(l), "function "), "()"); ok {
			own[strings.TrimSpace(name)] = true
		}
	}
	for _, a := range cmds {
		if len(a) == 0 || own[a[0]] {
			continue
		}
		if a[0] == "cd" && len(a) > 1 {
			if strings.Contains(a[1], "$") {
				return j.decline(c.from, "%s changes to a computed folder", ctx)
			}
			dir = abs(dir, a[1])
			continue
		}
		if !j.command(command{a, c.from, ctx}, dir, depth+1) {
			return false
		}
	}
	return j.arguments(args[1:])
}

// java reads the arguments of java.
func (j *javaSplit) java(c command, args []string, dir string) bool {
	st := javaStart{command: c}
	for i := 0; i < len(args); i++ {
		a := args[i]
		value := ""
		if javaValues[a] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch {
		case a == "-jar":
			if strings.Contains(value, "$") {
				return j.decline(c.from, "%s starts a computed jar", c.where)
			}
			st.jar, st.options = abs(dir, value), args[:i-1]
			if !j.path(c, st.jar, "the program that "+c.where+" starts") {
				return false
			}
			st.rest = args[i+1:]
			j.starts = append(j.starts, st)
			return j.arguments(st.rest)
		case a == "-cp" || a == "-classpath" || a == "--class-path" || a == "-p" || a == "--module-path" || strings.HasPrefix(a, "--class-path=") || strings.HasPrefix(a, "--module-path="):
			if _, v, ok := strings.Cut(a, "="); ok {
				value = v
			}
			for _, e := range strings.Split(value, ":") {
				p := abs(dir, strings.TrimSuffix(e, "/*"))
				if strings.Contains(e, "$") || p == j.stage.At(nil).Workdir || systemDir(p) {
					return j.decline(c.from, "what of the class path %s is needed at run time isn't known", value)
				}
				if !j.path(c, p, "the class path of "+c.where) {
					return false
				}
			}
		case strings.HasPrefix(a, "@"):
			return j.decline(c.from, "%s takes options from the file %s", c.where, a[1:])
		case strings.HasPrefix(a, "-javaagent:") || strings.HasPrefix(a, "-agentpath:") || strings.HasPrefix(a, "-Xbootclasspath/a:"):
			_, p, _ := strings.Cut(a, ":")
			p, _, _ = strings.Cut(p, "=")
			if strings.Contains(p, "$") || !j.path(c, abs(dir, p), "an agent that "+c.where+" loads") {
				return strings.Contains(p, "$") && j.decline(c.from, "%s loads a computed agent", c.where)
			}
		case value != "" && a != "-m" && a != "--module":
		case strings.HasPrefix(a, "-Xrunjdwp"), strings.HasPrefix(a, "-agentlib:"):
		case strings.HasPrefix(a, "-") && value == "":
			j.argument(a)
		case a == "$":
		default: // the class, or the module
			if !slices.ContainsFunc(args[:i], func(w string) bool {
				return strings.Contains(w, "class-path") || strings.Contains(w, "module-path") || w == "-cp" || w == "-classpath" || w == "-p"
			}) {
				return j.decline(c.from, "%s starts the class %s of the working folder", c.where, a)
			}
			st.rest = args[i+1:]
			j.starts = append(j.starts, st)
			return j.arguments(st.rest)
		}
	}
	return true // java -version
}

// arguments: files of the project that words of a command name.
func (j *javaSplit) arguments(args []string) bool {
	for _, a := range args {
		j.argument(a)
	}
	return true
}

// path is a path that the program can't do without; it declines where nothing is
// known to make it.
func (j *javaSplit) path(c command, p, why string) bool {
	_, by := j.stage.Origin(nil, p, j.p.Repo, j.p.Name)
	if by == nil && !j.builds0(p) {
		return j.decline(c.from, "%s names %s, and no RUN is known to write it", c.where, p)
	}
	if d := path.Dir(p); path.Base(d) == "quarkus-app" { // a launcher, and the program in folders beside it
		p, why = d, "Quarkus' launcher and the jars beside it"
	}
	j.need(p, why)
	return true
}

// builds0 reports whether a build tool or a file command makes a path.
func (j *javaSplit) builds0(p string) bool {
	for _, b := range j.builds {
		rest, ok := strings.CutPrefix(p, strings.TrimSuffix(b.dir, "/")+"/")
		if !ok {
			continue
		}
		for _, dir := range strings.Split(path.Dir(rest), "/") {
			if dir == "target" && b.tool != "gradle" || dir == "build" && b.tool == "gradle" {
				return true
			}
		}
	}
	for _, w := range j.written {
		if w == p || rewrite.Inside(p, w) || rewrite.Inside(w, p) {
			return true
		}
	}
	for _, in := range j.stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, w := range j.p.Effects(in).Writes { // COPY --from, ADD of an address
			if w == p || rewrite.Inside(p, w) && in.Keyword == "copy" && len(j.p.Effects(in).Trees) == 0 {
				return true
			}
		}
	}
	return false
}

// bootRunSettings of Spring Boot's plugin change what spring-boot:run starts
// (https://docs.spring.io/spring-boot/maven-plugin/run.html).
var bootRunSettings = []string{"jvmArguments", "<profiles><profile>", "<arguments>", "environmentVariables", "systemPropertyVariables", "workingDirectory", "addResources", "additionalClasspathElements", "<classifier>", "<agents>", "commandlineArguments", "useTestClasspath"}

// bootRun puts the jar that a RUN packages in the place of mvn spring-boot:run,
// which compiles when the container starts. It declines where the jar or its
// options aren't known for certain.
func (j *javaSplit) bootRun(c command, args []string, dir string) bool {
	call := c.where + " runs mvn spring-boot:run, which builds when the container starts"
	for _, a := range args {
		if a != "spring-boot:run" && a != "-B" && a != "-q" && a != "-o" && a != "-ntp" {
			return j.decline(c.from, "%s, with %s; package in a RUN and start the jar", call, a)
		}
	}
	var made *javaBuild
	for i, b := range j.builds {
		m := rewrite.ReadMaven(b.args)
		packages := slices.ContainsFunc(m.Goals, func(g string) bool { return g == "package" || g == "verify" || g == "install" })
		if b.tool == "mvn" && b.dir == dir && packages && m.File == "pom.xml" && m.Unknown == "" {
			made = &j.builds[i]
			for _, o := range m.Options {
				if strings.HasPrefix(o, "-P") || strings.HasPrefix(o, "-pl") || strings.HasPrefix(o, "-D") && !strings.Contains(o, "skip") {
					return j.decline(c.from, "%s, and line %s packages with %s", call, lineOf(b.in), o)
				}
			}
		}
	}
	if made == nil || c.from.Keyword == "cmd" && j.hasEntrypoint() {
		return j.decline(c.from, "%s, and no RUN packages the program in %s; do so and start the jar", call, dir)
	}
	ctx, ok := j.fromContext(path.Join(dir, "pom.xml"))
	if !ok {
		return j.decline(c.from, "%s, and %s/pom.xml isn't in the build context", call, dir)
	}
	facts := j.p.Repo.Maven(ctx)
	a, ok := facts.Artifact(ctx)
	if !ok || a.Bundled != "spring-boot-maven-plugin" || a.Name == "" || a.Packaging != "jar" {
		return j.decline(c.from, "%s, and the name of the jar isn't known from %s", call, ctx)
	}
	for _, w := range bootRunSettings {
		if facts.Mentions(w) {
			return j.decline(c.from, "%s, and %s has settings for it: %s", call, ctx, strings.Trim(w, "<>"))
		}
	}
	jar := "target/" + a.Name + ".jar"
	j.boot = []string{"java", "-jar", jar}
	j.starts = append(j.starts, javaStart{command: c, jar: path.Join(dir, jar)})
	j.need(path.Join(dir, jar), "the program, which mvn spring-boot:run would build again")
	j.say(c.from, j.keyword(strings.ToUpper(c.from.Keyword))+" "+likeList(c.from.Args.Text, j.boot))
	j.config |= rewrite.FieldCmd
	if c.from.Keyword == "entrypoint" {
		j.config |= rewrite.FieldEntrypoint
	}
	j.explain("%s starts the jar that line %s packages: the build tool stays behind", c.where, lineOf(made.in))
	j.assumes = append(j.assumes, "the packaged jar is what mvn spring-boot:run starts, save Spring Boot's development tools, which are left out of it")
	return true
}
