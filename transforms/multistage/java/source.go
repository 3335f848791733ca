package java

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// What the source says about files, programs and tools of the JDK.

// Exts are the extensions of source files that become classes.
var Exts = []string{".java", ".kt", ".kts", ".scala", ".groovy", ".clj", ".cljc"}

var (
	// The JDK's own tools, which a JRE has no module of: jdk.compiler, jdk.attach,
	// jdk.jdi, jdk.jshell, jdk.jartool (https://openjdk.org/jeps/200).
	jdkTools  = lazily(`\b(javax\.tools\.(?:ToolProvider|JavaCompiler)|com\.sun\.tools\.\w+|com\.sun\.jdi|com\.sun\.source|jdk\.jshell|sun\.tools\.\w+|java\.util\.spi\.ToolProvider)\b|tools\.jar`)
	Spawn     = lazily(`(?:ProcessBuilder\s*\(|getRuntime\s*\(?\)?\s*\.exec\s*\(|\bsys\.process\b|\bsh/sh\b)\s*(?:(?:List\.of|Arrays\.asList|listOf|Seq|List|arrayOf)\s*\(\s*|new\s+String\s*\[\s*\]\s*\{\s*)?("(?:[\w./+-]+)["\s])?`)
	javaDraws = lazily(`\bimport\s+(?:java\.awt\.|javax\.swing\.|javafx\.|javax\.imageio\.)|\bjava\.awt\.(?:Font|Graphics|image)|\borg\.(?:jfree|apache\.poi|apache\.pdfbox|apache\.batik)\.`)
)

// javaTest: sources of tests and of the build.
func javaTest(f string) bool {
	return strings.Contains("/"+f, "/src/test/") || strings.Contains("/"+f, "/src/it/") || strings.HasPrefix(f, "buildSrc/") || strings.HasPrefix(f, "project/") || strings.Contains(f, "/test/") || strings.HasPrefix(f, ".mvn/") || strings.HasSuffix(f, ".gradle.kts")
}

// source declines for what a JRE or the runtime image lacks.
func (j *App) source() bool {
	return j.Sources(Exts, javaTest, func(file, text string) bool {
		if at := jdkTools().FindStringIndex(text); at != nil {
			return j.Decline(j.Stage.From, "%s:%s uses %s, which a JRE hasn't", file, cmdline.LineAt(text, at[0]), text[at[0]:at[1]])
		}
		for _, m := range Spawn().FindAllStringSubmatchIndex(text, -1) {
			at := file + ":" + cmdline.LineAt(text, m[0])
			if m[2] < 0 {
				return j.Decline(j.Stage.From, "%s starts a computed program, which the runtime image may lack", at)
			}
			name := path.Base(strings.Trim(text[m[2]:m[3]], "\" \t\n"))
			if distro.JDKOnly[name] || !cmdline.BothHave[name] && !j.Apt.Runtime[name] && !j.Apt.Runtime[distro.FullOnly[name]] {
				return j.Decline(j.Stage.From, "%s starts %s, which the runtime image may lack", at, name)
			}
		}
		return true
	})
}

// Draws names the first place of the source that uses Java's windows, images or
// fonts, "" for none.
func (j *App) Draws() (where string) {
	j.Sources(Exts, javaTest, func(file, text string) bool {
		if at := javaDraws().FindStringIndex(text); at != nil {
			where = file + ":" + cmdline.LineAt(text, at[0])
		}
		return where == ""
	})
	return where
}

// dataFiles notes the files of the project that its source names, and the settings
// that frameworks look for in the working directory: Spring Boot and Quarkus in
// it and in config, Jooby, Vert.x and Play in conf.
func (j *App) dataFiles() bool {
	wd := j.Stage.At(nil).Workdir
	for _, n := range []string{"config", "conf", "application.properties", "application.yml", "application.yaml"} {
		p := path.Join(wd, n)
		if ctx, ok := j.FromContext(p); ok && (!j.Pass.Repo.IsDir(ctx) || j.settings(ctx)) {
			j.Need(p, "frameworks look there for settings")
		}
	}
	return j.Sources(Exts, javaTest, func(file, text string) bool {
		return j.Named(file, text, []string{"target", "build"}, func(ctx, name string) bool {
			return j.compiled(ctx) || strings.HasPrefix(name, "/") && j.inJar(file, name)
		})
	})
}

// settings: a folder holds what a framework reads, and not, say, the rules of a
// linter.
func (j *App) settings(dir string) bool {
	for _, e := range j.Pass.Repo.ReadDir(dir) {
		name := strings.ToLower(e.Name())
		if !e.IsDir() && slices.Contains([]string{".conf", ".yml", ".yaml", ".properties", ".json", ".toml"}, path.Ext(name)) {
			return true
		}
		if e.IsDir() && dir != "" && path.Base(dir) == "config" && slices.ContainsFunc(j.Pass.Repo.ReadDir(path.Join(dir, e.Name())), func(f fs.DirEntry) bool { return strings.HasPrefix(f.Name(), "application") }) {
			return true
		}
	}
	return false
}

// inJar: a resource by an absolute name lies in the jar.
func (j *App) inJar(file, name string) bool {
	i := strings.Index("/"+file, "/src/main/")
	return i >= 0 && j.Pass.Repo.Exists(path.Join(file[:max(i-1, 0)], "src/main/resources", name))
}

// compiled: folders and files that are the build's own.
func (j *App) compiled(ctx string) bool {
	switch path.Base(ctx) {
	case "src", "main", "java", "kotlin", "test", "gradle", "project", "pom.xml", "docs", "build.gradle", "build.sbt", "project.clj", "resources":
		return true
	}
	return strings.Contains("/"+ctx, "/src/main/java") || strings.Contains("/"+ctx, "/src/main/kotlin") || strings.Contains("/"+ctx, "/src/main/resources")
}

// place decides where COPY and ADD go: what lands in the project, or in the build
// tool's folders, stays in the build stage, the rest is repeated.
func (j *App) place() bool {
	for _, in := range j.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > j.last.Index {
			continue
		}
		e := j.Pass.Effects(in)
		if e.Unknown != "" {
			return j.Decline(in, "what it brings isn't known: %s", e.Unknown)
		}
		var dests []string
		for _, t := range e.Trees {
			dests = append(dests, t.Dest)
		}
		if len(dests) == 0 {
			dests = e.Writes
		}
		inside, outside := 0, 0
		for _, d := range dests {
			if j.inProject(d) {
				inside++
			} else {
				outside++
			}
		}
		switch {
		case inside > 0 || len(dests) == 0:
			j.Roles[in] = split.InBuild
			for _, d := range dests {
				if !j.inProject(d) {
					j.Need(d, "the image has it beside the project")
				}
			}
		case j.touchedLater(in, dests):
			j.Roles[in] = split.InBuild
			for _, d := range dests {
				j.Need(d, "a RUN of the build stage changes it")
			}
		default:
			j.Roles[in] = split.InBoth
			if j.unread(in, dests) {
				j.Roles[in] = split.InRuntime
			}
		}
	}
	for _, w := range j.written { // what a build step puts beside the project is there for a reason
		if !j.inProject(w) && !cacheFolder(w) && !cmdline.SystemDir(w) && !j.Needed(w) {
			j.Need(w, "a RUN puts it beside the project")
		}
	}
	return j.afterwards()
}

// afterwards decides where RUNs behind the last build step go: they stay with the
// program where they change what the runtime stage has.
func (j *App) afterwards() bool {
	for in := j.last.Next(); in != nil; in = in.Next() {
		switch {
		case in.Keyword == "copy" || in.Keyword == "add":
			j.Roles[in] = split.InRuntime
		case in.Keyword != "run" || j.Roles[in] != split.InBuild || j.Instead[in] != nil:
			continue
		}
		if in.Keyword != "run" {
			continue
		}
		all, _ := in.Steps()
		here, there := "", ""
		for _, st := range all {
			if rewrite.Harmless(st.Name) || cmdline.Tidy(st) {
				continue
			}
			if st.Name != "chmod" && st.Name != "chown" && st.Name != "chgrp" {
				there = st.Name
				continue
			}
			seen := 0
			for _, a := range st.Args[1:] {
				if seen++; strings.HasPrefix(a, "-") || seen == 1 {
					if strings.HasPrefix(a, "-") {
						seen--
					}
					continue
				}
				if p := cmdline.Abs(st.Dir, a); j.BroughtBehind(p) || j.Needed(p) || p == in.Stage.At(in).Workdir {
					here = p
				} else {
					there = p
				}
			}
		}
		switch {
		case here != "" && there != "":
			return j.Decline(in, "it changes %s, which the runtime stage has, and %s, which it hasn't", here, there)
		case here != "":
			j.Roles[in] = split.InRuntime
		}
	}
	return true
}

// inProject: a path of the project in the build stage, or of the build tool.
func (j *App) inProject(p string) bool {
	if cacheFolder(p) {
		return true
	}
	for _, b := range j.builds {
		if rewrite.Inside(p, b.dir) || rewrite.Inside(b.dir, p) {
			return true
		}
	}
	return false
}

// touchedLater: a RUN of the build stage names a path that an instruction brings,
// such as a chmod of a script.
func (j *App) touchedLater(in *rewrite.Instruction, dests []string) bool {
	for later := in.Next(); later != nil && later.Index <= j.last.Index; later = later.Next() {
		if later.Keyword != "run" || j.Roles[later] == split.InBoth {
			continue
		}
		for _, d := range dests {
			if strings.Contains(later.Text, path.Base(d)) {
				return true
			}
		}
	}
	return false
}

// unread: no RUN behind it could use what it brings, so that it moves.
func (j *App) unread(in *rewrite.Instruction, dests []string) bool {
	for _, d := range dests {
		if cmdline.SystemDir(path.Dir(d)) && !strings.HasPrefix(d, "/usr/local/bin/") && path.Dir(d) != "/" {
			return false
		}
	}
	_, whole := in.Flag("from")
	return !whole && len(dests) > 0
}
