package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what: "Gradle distribution",
		builds: func(c rewrite.Command) bool {
			return len(c.Args) > 1 && (path.Base(c.Args[0]) == "gradlew" || c.Name == "gradle") && !slices.ContainsFunc(c.Args[1:], func(a string) bool { return a == "--version" || a == "-v" })
		},
		uses: func(c rewrite.Command) bool {
			return len(c.Args) > 0 && (path.Base(c.Args[0]) == "gradlew" || c.Name == "gradle")
		},
		disturbs: []string{"gradle-wrapper", "gradlew", ".gradle"},
		plan:     gradleDistribution,
	})
}

// gradleDistribution fetches the Gradle that the wrapper names, by asking it for
// its version: that reads no build script
// (https://docs.gradle.org/current/userguide/gradle_wrapper.html). The project's
// own dependencies stay with the build: no task of Gradle's fetches them all
// without the code ("dependencies" resolves one project's, and fetches no jars).
func gradleDistribution(c fetchCall) fetchPlan {
	tool := c.cmd.Args[0]
	if c.cmd.Name == "gradle" {
		return noGradleFetch(c)
	}
	abs, ok := rewrite.State{Workdir: c.dir}.Abs(tool)
	if !ok || c.origin(abs) == "" || len(c.cmd.Call.Assigns) > 0 {
		return fetchPlan{skip: true}
	}
	inst := rewrite.Install{Dir: path.Dir(abs), Ctx: path.Dir(c.origin(abs))}
	facts := c.p.Repo.Gradle(inst.Ctx)
	switch {
	case facts == nil || facts.Wrapper == nil:
		return fetchPlan{decline: "gradle/wrapper isn't in the build context"}
	case facts.WrapperUnknown != "":
		return fetchPlan{decline: facts.WrapperUnknown}
	case slices.ContainsFunc(c.cmd.Args, func(a string) bool {
		return strings.HasPrefix(a, "-g") || strings.HasPrefix(a, "--gradle-user-home") || strings.HasPrefix(a, "-Dgradle.user.home")
	}):
		return fetchPlan{decline: "the build keeps Gradle in a folder of its own"}
	}
	if why := c.misplaced(inst, facts.Wrapper); why != "" {
		return fetchPlan{decline: why}
	}
	inst.Files = facts.Wrapper
	return fetchPlan{inst: inst, command: inFolder(c, c.dir, executable(c, tool)+" --version"), declares: "the wrapper's files"}
}

// noGradleFetch tells those who build with the image's own Gradle.
func noGradleFetch(c fetchCall) fetchPlan {
	for _, f := range []string{"build.gradle", "build.gradle.kts"} {
		if ctx := c.origin(path.Join(c.dir, f)); ctx != "" {
			return fetchPlan{
				inst:    rewrite.Install{Dir: c.dir, Ctx: path.Dir(ctx), Files: []string{ctx}},
				decline: "no task of Gradle's fetches all dependencies without the code; a cache mount on /home/gradle/.gradle keeps them",
			}
		}
	}
	return fetchPlan{skip: true}
}
