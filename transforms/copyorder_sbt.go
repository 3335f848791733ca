package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what: "sbt dependencies",
		builds: func(c rewrite.Command) bool {
			return c.Name == "sbt" && len(c.Args) > 1 && slices.ContainsFunc(c.Args[1:], func(a string) bool {
				return a == "compile" || a == "assembly" || a == "package" || a == "stage" || a == "dist" || strings.HasPrefix(a, "universal:") || strings.HasPrefix(a, "Universal/")
			})
		},
		uses:     func(c rewrite.Command) bool { return c.Name == "sbt" && len(c.Args) > 1 },
		disturbs: []string{".sbt", ".ivy2"},
		plan:     sbtDependencies,
	})
}

// sbtDependencies fetches a single project's dependencies
// (https://www.scala-sbt.org/1.x/docs/Library-Management.html).
func sbtDependencies(c fetchCall) fetchPlan {
	at := path.Join(c.dir, "build.sbt")
	if c.origin(at) == "" {
		return fetchPlan{skip: true}
	}
	inst := rewrite.Install{Dir: c.dir, Ctx: path.Dir(c.origin(at))}
	facts := c.p.Repo.Sbt(inst.Ctx)
	switch {
	case facts == nil:
		return fetchPlan{skip: true}
	case facts.Unknown != "":
		return fetchPlan{inst: inst, decline: facts.Unknown}
	case c.dir != c.st.Workdir || len(c.cmd.Call.Assigns) > 0:
		return fetchPlan{decline: "it builds in another folder than the working directory, or with variables of its own"}
	case slices.ContainsFunc(c.cmd.Args[1:], func(a string) bool { return strings.HasPrefix(a, "-") && a != "-batch" }):
		return fetchPlan{decline: "sbt has options that the fetch may need"}
	}
	if why := c.misplaced(inst, facts.Files); why != "" {
		return fetchPlan{decline: why}
	}
	inst.Files = facts.Files
	return fetchPlan{
		inst: inst, command: "sbt update",
		writes:  []string{path.Join(c.dir, "target"), path.Join(c.dir, "project/target"), path.Join(c.dir, "project/project")},
		assumes: "the build definition reads nothing of the project that it doesn't name",
	}
}
