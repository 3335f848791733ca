package java

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
)

// Whether a jar holds what it needs, or looks for other jars beside it.

// selfContained declines where a jar that starts may need files besides.
func (j *App) selfContained() bool {
	for _, st := range j.starts {
		if st.jar == "" || path.Base(path.Dir(st.jar)) == "quarkus-app" {
			continue
		}
		from := st.jar
		for range 5 {
			if src := j.copied[from]; src != "" {
				from = src
			}
		}
		b, module, ok := j.module(from)
		if !ok {
			if _, by := j.Stage.Origin(nil, st.jar, j.Pass.Repo, j.Pass.Name); by != nil {
				continue // it comes with the context
			}
			return j.Decline(st.From, "which build writes %s isn't known", st.jar)
		}
		good := false
		switch b.tool {
		case "mvn":
			good = j.mavenJar(st, b, from, module)
		case "gradle":
			good = j.gradleJar(st, b, from)
		case "sbt":
			good = strings.Contains(from, "assembly") || slices.ContainsFunc(b.args, func(a string) bool { return strings.HasSuffix(a, "assembly") })
			if !good {
				j.Decline(st.From, "only a jar of sbt assembly holds its dependencies")
			}
		case "lein":
			good = slices.Contains(b.args, "uberjar")
			if !good {
				j.Decline(st.From, "only a jar of lein uberjar holds its dependencies")
			}
		}
		if !good {
			return false
		}
	}
	return true
}

// module finds the build that writes a jar, and the folder of the module in the
// image: what lies above target or build.
func (j *App) module(jar string) (b javaBuild, dir string, ok bool) {
	for _, b := range j.builds {
		out := "/target/"
		if b.tool == "gradle" {
			out = "/build/"
		}
		rest, in := strings.CutPrefix(jar, strings.TrimSuffix(b.dir, "/"))
		if i := strings.Index(rest, out); in && i >= 0 {
			return b, cmp.Or(strings.TrimSuffix(b.dir, "/")+rest[:i], "/"), true
		}
	}
	return b, "", false
}

// mavenJar judges a jar by the POM of its module.
func (j *App) mavenJar(st javaStart, b javaBuild, from, module string) bool {
	ctx, by := j.Stage.Origin(j.last, path.Join(module, "pom.xml"), j.Pass.Repo, j.Pass.Name)
	root, rootBy := j.Stage.Origin(j.last, path.Join(b.dir, mavenFile(b.args)), j.Pass.Repo, j.Pass.Name)
	if by == nil {
		return j.Decline(st.From, "%s isn't in the build context, so whether %s holds its dependencies isn't known", path.Join(module, "pom.xml"), path.Base(from))
	}
	if rootBy == nil || !j.Pass.Repo.Exists(root) {
		root = ctx
	}
	facts := j.Pass.Repo.Maven(root)
	a, ok := facts.Artifact(ctx)
	if !ok {
		facts = j.Pass.Repo.Maven(ctx)
		a, ok = facts.Artifact(ctx)
	}
	if !ok {
		return j.Decline(st.From, "%s can't be read", ctx)
	}
	name := strings.TrimSuffix(path.Base(from), path.Ext(from))
	given := slices.ContainsFunc(b.args, func(w string) bool { return strings.HasPrefix(w, "-D") && !strings.Contains(w, "skip") })
	switch {
	case strings.ContainsAny(name, "*?[") || a.Name == "" || given:
	case name != a.Name && !strings.HasPrefix(name, a.Name+"-") && !facts.Mentions(name):
		return j.Decline(st.From, "%s starts %s, but %s makes %s.%s", st.Where, path.Base(from), ctx, a.Name, a.Packaging)
	}
	switch {
	case a.Bundled != "":
		j.Explain("%s holds its dependencies (%s in %s), so it is copied alone", path.Base(from), a.Bundled, ctx)
	case a.Manifest:
		return j.manifest(st, a.Prefix, ctx)
	case a.Parent != "" && a.Needs != "":
		return j.Decline(st.From, "whether %s holds its dependencies isn't known: %s has the parent %s, which isn't in the build context", path.Base(from), ctx, a.Parent)
	case a.Needs != "":
		return j.Decline(st.From, "%s needs %s, and %s has no plugin that puts it into %s", ctx, a.Needs, ctx, path.Base(from))
	case a.Parent == "":
		j.alone = true
	}
	return true
}

// mavenFile is the POM that a call names.
func mavenFile(args []string) string {
	for i, a := range args {
		if (a == "-f" || a == "--file") && i+1 < len(args) {
			if strings.HasSuffix(args[i+1], ".xml") {
				return args[i+1]
			}
			return path.Join(args[i+1], "pom.xml")
		}
	}
	return "pom.xml"
}

// manifest: the jar's manifest names jars below a folder beside it.
func (j *App) manifest(st javaStart, prefix, ctx string) bool {
	dir := path.Join(path.Dir(st.jar), prefix)
	switch {
	case strings.Contains(prefix, "$") || strings.HasPrefix(prefix, "/"):
		return j.Decline(st.From, "%s lets the jar look for others in %s", ctx, prefix)
	case dir == path.Dir(st.jar):
		return j.Decline(st.From, "%s lets the jar look for others beside it, and which those are isn't known", ctx)
	case !j.builds0(dir):
		return j.Decline(st.From, "%s lets the jar look for others in %s, and no RUN is known to write it", ctx, dir)
	}
	j.Need(dir, "the jar's manifest names the jars in it ("+ctx+")")
	return true
}

// gradleBundles are signs that a build script puts dependencies into the jar.
var gradleBundles = []string{"org.springframework.boot", "shadow", "io.ktor.plugin", "io.micronaut.application", "io.quarkus", "configurations.runtimeClasspath", "configurations.compileClasspath", "configurations.compile.", "configurations.runtime.", "runtimeClasspath.get", "bootJar", "fatJar", "uberJar", "capsule", "launch4j"}

// gradleJar judges a jar by the build scripts of the context.
func (j *App) gradleJar(st javaStart, b javaBuild, from string) bool {
	if !j.Pass.Unsafe {
		return true
	}
	files, complete := j.Pass.Repo.Files()
	if !complete {
		return j.Decline(st.From, "the project is too big to be searched for build scripts")
	}
	bundled, needs, scripts := "", "", 0
	for _, f := range files {
		if !strings.HasSuffix(f, ".gradle") && !strings.HasSuffix(f, ".gradle.kts") && f != "gradle/libs.versions.toml" {
			continue
		}
		src, err := j.Pass.Repo.ReadFile(f)
		if err != nil {
			continue
		}
		text := string(src)
		scripts++
		if i := strings.Index(text, "Class-Path"); i >= 0 {
			return j.Decline(st.From, "%s:%s lets the jar look for others beside it", f, cmdline.LineAt(text, i))
		}
		for _, w := range gradleBundles {
			if i := strings.Index(text, w); i >= 0 && bundled == "" {
				bundled = f + ":" + cmdline.LineAt(text, i)
			}
		}
		if m := gradleNeeds().FindStringIndex(text); m != nil && needs == "" {
			needs = f + ":" + cmdline.LineAt(text, m[0])
		}
	}
	switch {
	case scripts == 0:
		return j.Decline(st.From, "no build script of Gradle is in the build context")
	case bundled != "":
		j.Explain("%s holds its dependencies (%s), so it is copied alone", path.Base(from), bundled)
	case needs != "":
		return j.Decline(st.From, "%s names dependencies, and no build script puts them into %s", needs, path.Base(from))
	default:
		j.alone = true
	}
	return true
}

var gradleNeeds = lazily(`(?m)^\s*(?:implementation|api|compile|runtimeOnly|runtime)[\s(]`)
