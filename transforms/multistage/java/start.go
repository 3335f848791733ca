package java

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// javaStart is a command line of java that starts in the container.
type javaStart struct {
	split.Command
	jar     string   // the path behind -jar, in the image; "" without
	options []string // what stands before -jar
	rest    []string // what follows the jar or the class
}

// javaValues are options of java whose value is the next word.
// Source: https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html
var javaValues = words(`-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-opens --add-exports --add-reads --patch-module --limit-modules -m --module -jar`)

// whatStarts finds out what the container starts and needs of the build.
func (j *App) whatStarts() bool {
	all, ok := j.Started()
	if !ok {
		return false
	}
	for _, b := range j.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				all = append(all, split.Command{Args: list, From: j.Stage.From, Where: b.File})
			}
		}
	}
	byJava := false // CMD holds arguments of java
	for _, c := range all {
		if args := cmdline.Unwrap(c.Args); c.Where == "ENTRYPOINT" && len(args) > 0 {
			byJava = byJava || path.Base(args[0]) == "java"
		}
		if c.Where == "CMD" && byJava {
			j.arguments(c.Args)
			continue
		}
		if !j.command(c, j.Stage.At(nil).Workdir, 0) {
			return false
		}
	}
	if len(j.starts) == 0 && len(j.Needs) == 0 {
		return j.Decline(j.Stage.From, "neither CMD nor ENTRYPOINT names what the build makes")
	}
	return true
}

// command looks at one command that starts in the container.
func (j *App) command(c split.Command, dir string, depth int) bool {
	args := cmdline.Unwrap(c.Args)
	if len(args) == 0 || args[0] == "$" && len(args) == 1 {
		return true
	}
	name := path.Base(args[0])
	if tool, rest := buildCall(args); tool != "" {
		if tool == "mvn" && depth == 0 && slices.Contains(rest, "spring-boot:run") {
			return j.bootRun(c, rest, dir)
		}
		return j.Decline(c.From, "%s runs %s, which builds when the container starts; package in a RUN and start the jar", c.Where, strings.Join(args[:min(2, len(args))], " "))
	}
	switch {
	case name == "java":
		if j.Kept == nil && strings.HasPrefix(args[0], "/") && !(args[0] == "/opt/java/openjdk/bin/java" && j.Vm.temurin) || strings.HasPrefix(args[0], "$") {
			return j.Decline(c.From, "%s starts %s, which may be elsewhere in the runtime image", c.Where, args[0])
		}
		return j.java(c, args[1:], dir)
	case distro.JDKOnly[name] && j.Kept == nil:
		return j.Decline(c.From, "%s runs %s, which a JRE hasn't", c.Where, name)
	case strings.Contains(args[0], "$"):
		return j.Decline(c.From, "%s starts a computed program", c.Where)
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
	if j.Kept == nil && !cmdline.BothHave[name] && !j.Apt.Runtime[name] && !j.Apt.Runtime[distro.FullOnly[name]] {
		return j.Decline(c.From, "%s runs %s, which the runtime image may lack", c.Where, name)
	}
	return j.arguments(args[1:])
}

// script is the context path of a file that a COPY brings, "" for none.
func (j *App) script(abs string) string {
	ctx, by := j.Stage.Origin(nil, abs, j.Pass.Repo, j.Pass.Name)
	if by == nil || j.Pass.Repo.IsDir(ctx) {
		return ""
	}
	return ctx
}

// program is a script of the project, or one that the build makes.
func (j *App) program(c split.Command, args []string, dir string, depth int) bool {
	at := cmdline.Abs(dir, args[0])
	if !strings.Contains(args[0], "/") && j.script(at) == "" {
		at = "/usr/local/bin/" + args[0]
	}
	ctx := j.script(at)
	if ctx == "" {
		up := path.Dir(at)
		switch {
		case strings.HasPrefix(at, "/bin/"), strings.HasPrefix(at, "/usr/bin/"):
			if j.Kept == nil && !cmdline.BothHave[path.Base(at)] {
				return j.Decline(c.From, "%s runs %s, which the runtime image may lack", c.Where, at)
			}
			return j.arguments(args[1:])
		case !j.builds0(at) || path.Base(up) != "bin":
			return j.Decline(c.From, "%s starts %s, and no RUN is known to write it", c.Where, args[0])
		}
		j.Need(path.Dir(up), "the start script "+args[0]+" and the jars beside it")
		return j.arguments(args[1:])
	}
	if j.seen[ctx] || depth > 3 {
		return true
	}
	j.seen[ctx] = true
	j.Need(at, "the script that "+c.Where+" starts")
	src, err := j.Pass.Repo.ReadFile(ctx)
	if err != nil {
		return j.Decline(c.From, "%s can't be read", ctx)
	}
	cmds, err := cmdline.ScriptCommands(strings.ReplaceAll(string(src), "\r\n", "\n"))
	if err != nil {
		return j.Decline(c.From, "%s can't be read as a shell script", ctx)
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
				return j.Decline(c.From, "%s changes to a computed folder", ctx)
			}
			dir = cmdline.Abs(dir, a[1])
			continue
		}
		if !j.command(split.Command{Args: a, From: c.From, Where: ctx}, dir, depth+1) {
			return false
		}
	}
	return j.arguments(args[1:])
}

// java reads the arguments of java.
func (j *App) java(c split.Command, args []string, dir string) bool {
	st := javaStart{Command: c}
	for i := 0; i < len(args); i++ {
		a := args[i]
		value := ""
		if javaValues[a] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch {
		case a == "-jar":
			flag := i - 1
			if i = cmdline.JarWord(args, flag); i < 0 {
				return j.Decline(c.From, "which jar %s starts isn't known", c.Where)
			}
			if value = args[i]; strings.Contains(value, "$") {
				return j.Decline(c.From, "%s starts a computed jar", c.Where)
			}
			st.jar, st.options = cmdline.Abs(dir, value), slices.Concat(args[:flag], args[flag+1:i])
			if !j.path(c, st.jar, "the program that "+c.Where+" starts") {
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
				p := cmdline.Abs(dir, strings.TrimSuffix(e, "/*"))
				if strings.Contains(e, "$") || p == j.Stage.At(nil).Workdir || cmdline.SystemDir(p) {
					return j.Decline(c.From, "what of the class path %s is needed at run time isn't known", value)
				}
				if !j.path(c, p, "the class path of "+c.Where) {
					return false
				}
			}
		case strings.HasPrefix(a, "@"):
			return j.Decline(c.From, "%s takes options from the file %s", c.Where, a[1:])
		case strings.HasPrefix(a, "-javaagent:") || strings.HasPrefix(a, "-agentpath:") || strings.HasPrefix(a, "-Xbootclasspath/a:"):
			_, p, _ := strings.Cut(a, ":")
			p, _, _ = strings.Cut(p, "=")
			if strings.Contains(p, "$") || !j.path(c, cmdline.Abs(dir, p), "an agent that "+c.Where+" loads") {
				return strings.Contains(p, "$") && j.Decline(c.From, "%s loads a computed agent", c.Where)
			}
		case value != "" && a != "-m" && a != "--module":
		case strings.HasPrefix(a, "-Xrunjdwp"), strings.HasPrefix(a, "-agentlib:"):
		case strings.HasPrefix(a, "-") && value == "":
			j.Argument(a)
		case a == "$":
		default: // the class, or the module
			if !slices.ContainsFunc(args[:i], func(w string) bool {
				return strings.Contains(w, "class-path") || strings.Contains(w, "module-path") || w == "-cp" || w == "-classpath" || w == "-p"
			}) {
				return j.Decline(c.From, "%s starts the class %s of the working folder", c.Where, a)
			}
			st.rest = args[i+1:]
			j.starts = append(j.starts, st)
			return j.arguments(st.rest)
		}
	}
	return true // java -version
}

// arguments: files of the project that words of a command name.
func (j *App) arguments(args []string) bool {
	for _, a := range args {
		j.Argument(a)
	}
	return true
}

// path is a path that the program can't do without; it declines where nothing is
// known to make it.
func (j *App) path(c split.Command, p, why string) bool {
	_, by := j.Stage.Origin(nil, p, j.Pass.Repo, j.Pass.Name)
	if by == nil && !j.builds0(p) {
		return j.Decline(c.From, "%s names %s, and no RUN is known to write it", c.Where, p)
	}
	if d := path.Dir(p); path.Base(d) == "quarkus-app" { // a launcher, and the program in folders beside it
		p, why = d, "Quarkus' launcher and the jars beside it"
	}
	j.Need(p, why)
	return true
}

// builds0 reports whether a build tool or a file command makes a path.
func (j *App) builds0(p string) bool {
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
	for _, in := range j.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, w := range j.Pass.Effects(in).Writes { // COPY --from, ADD of an address
			if w == p || rewrite.Inside(p, w) && in.Keyword == "copy" && len(j.Pass.Effects(in).Trees) == 0 {
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
func (j *App) bootRun(c split.Command, args []string, dir string) bool {
	call := c.Where + " runs mvn spring-boot:run, which builds when the container starts"
	for _, a := range args {
		if a != "spring-boot:run" && a != "-B" && a != "-q" && a != "-o" && a != "-ntp" {
			return j.Decline(c.From, "%s, with %s; package in a RUN and start the jar", call, a)
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
					return j.Decline(c.From, "%s, and line %s packages with %s", call, cmdline.LineOf(b.in), o)
				}
			}
		}
	}
	if made == nil || c.From.Keyword == "cmd" && j.HasEntrypoint() {
		return j.Decline(c.From, "%s, and no RUN packages the program in %s; do so and start the jar", call, dir)
	}
	ctx, ok := j.FromContext(path.Join(dir, "pom.xml"))
	if !ok {
		return j.Decline(c.From, "%s, and %s/pom.xml isn't in the build context", call, dir)
	}
	facts := j.Pass.Repo.Maven(ctx)
	a, ok := facts.Artifact(ctx)
	if !ok || a.Bundled != "spring-boot-maven-plugin" || a.Name == "" || a.Packaging != "jar" {
		return j.Decline(c.From, "%s, and the name of the jar isn't known from %s", call, ctx)
	}
	for _, w := range bootRunSettings {
		if facts.Mentions(w) {
			return j.Decline(c.From, "%s, and %s has settings for it: %s", call, ctx, strings.Trim(w, "<>"))
		}
	}
	jar := "target/" + a.Name + ".jar"
	j.boot = []string{"java", "-jar", jar}
	j.starts = append(j.starts, javaStart{Command: c, jar: path.Join(dir, jar)})
	j.Need(path.Join(dir, jar), "the program, which mvn spring-boot:run would build again")
	j.Say(c.From, j.Keyword(strings.ToUpper(c.From.Keyword))+" "+cmdline.LikeList(c.From.Args.Text, j.boot))
	j.Config |= rewrite.FieldCmd
	if c.From.Keyword == "entrypoint" {
		j.Config |= rewrite.FieldEntrypoint
	}
	j.Explain("%s starts the jar that line %s packages: the build tool stays behind", c.Where, cmdline.LineOf(made.in))
	j.Assumes = append(j.Assumes, "the packaged jar is what mvn spring-boot:run starts, save Spring Boot's development tools, which are left out of it")
	return true
}
