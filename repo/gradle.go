package repo

import (
	"path"
	"slices"
	"strings"
)

// Gradle is what a Gradle project's wrapper and, for a single project, its build
// scripts read.
type Gradle struct {
	Dir     string
	Wrapper []string // what "./gradlew --version" reads; nil without a wrapper
	// WrapperUnknown is why the wrapper may read more.
	WrapperUnknown string
	Files          []string // wrapper, build and settings scripts, properties, version catalogue
	Unknown        string   // a reason why resolving the dependencies may read more than Files
}

// Gradle returns the facts about the build in folder dir (a path as in Exists);
// nil when there is neither a build script nor a settings script.
//
// Source: https://docs.gradle.org/current/userguide/directory_layout.html
func (r *Repo) Gradle(dir string) *Gradle {
	dir, ok := clean(dir)
	if !ok {
		return nil
	}
	return r.facts.gradle.get(dir, func() *Gradle {
		scripts := r.has(dir, "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
		if len(scripts) == 0 {
			return nil
		}
		g := &Gradle{Dir: dir}
		g.wrapper(r)
		g.Files = onceEach(slices.Concat(scripts, g.Wrapper,
			r.has(dir, "gradle.properties", "gradle.lockfile", "settings-gradle.lockfile", "buildscript-gradle.lockfile", "gradle/libs.versions.toml", "gradle/verification-metadata.xml")))
		if r.IsDir(path.Join(dir, "buildSrc")) {
			g.Unknown = "buildSrc is compiled before the build scripts run"
		}
		for _, f := range scripts {
			if why := r.gradleScript(f); why != "" {
				g.Unknown = f + " " + why
			}
		}
		return g
	})
}

// wrapper is what gradlew needs: the script, its jar and properties, and the
// project's gradle.properties, whose systemProp entries it takes over
// (GradleWrapperMain.java).
func (g *Gradle) wrapper(r *Repo) {
	props := path.Join(g.Dir, "gradle/wrapper/gradle-wrapper.properties")
	src, err := r.ReadFile(props)
	files := r.has(g.Dir, "gradlew", "gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties")
	if err != nil || len(files) < 3 {
		return
	}
	g.Wrapper = append(files, r.has(g.Dir, "gradle.properties")...)
	for _, l := range lines(src) {
		if url, ok := strings.CutPrefix(strings.TrimSpace(l), "distributionUrl="); ok {
			if url = strings.ReplaceAll(url, "\\", ""); !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
				g.WrapperUnknown = props + " takes Gradle from " + short(url)
			}
			return
		}
	}
	g.WrapperUnknown = props + " names no distribution"
}

// gradleReads are parts of a script that take in other files or projects.
var gradleReads = lazy(`\b(include|includeBuild|includeFlat|apply\s*\(?\s*from|file|files|fileTree|project|fromFile|File|readText|readLines|newDataInputStream|exec|execute|ProcessBuilder|grgit|Grgit|git)\s*[('":]|\brootDir\b|\bprojectDir\b|\bcredentials\b|\bid\b.*\bgit\b`)

// gradleScript tells what makes a build script read more than itself.
func (r *Repo) gradleScript(file string) string {
	b, err := r.ReadFile(file)
	if err != nil {
		return "can't be read"
	}
	if found := gradleReads.FindStringSubmatch(withoutComments(text(b), "//")); found != nil {
		return "may read other files or projects: " + short(found[0])
	}
	return ""
}
