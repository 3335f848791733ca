package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what: "NuGet packages",
		builds: func(c rewrite.Command) bool {
			return c.Name == "dotnet" && len(c.Args) > 1 && (c.Args[1] == "publish" || c.Args[1] == "build")
		},
		uses: func(c rewrite.Command) bool {
			return c.Name == "dotnet" && len(c.Args) > 1 && !strings.HasPrefix(c.Args[1], "-") && c.Args[1] != "tool" && c.Args[1] != "dev-certs"
		},
		disturbs: []string{"nuget", "NuGet", "dotnet add", "dotnet new", "dotnet sln"},
		plan:     nugetPackages,
	})
}

// nugetPackages fetches what the projects ask for with dotnet restore, as a
// build without --no-restore would do itself
// (https://learn.microsoft.com/dotnet/core/tools/dotnet-restore#implicit-restore).
func nugetPackages(c fetchCall) fetchPlan {
	d := rewrite.ReadDotnet(c.cmd.Args[1:])
	if d.NoFetch {
		return fetchPlan{skip: true}
	}
	if len(c.cmd.Call.Assigns) > 0 {
		return fetchPlan{decline: "variables are set for dotnet alone"}
	}
	inst := rewrite.Install{Dir: c.dir}
	origin := func(p string) (string, bool) { ctx := c.origin(p); return ctx, ctx != "" }
	if why := inst.DotnetProject(d, c.st, c.p.Repo, origin); why != "" {
		return fetchPlan{inst: inst, decline: why}
	}
	plan := fetchPlan{inst: inst, declares: "the projects' files", assumes: "the restore needs no more than the project files and what they import"}
	for _, w := range inst.Writes {
		if path.Base(w) == "obj" {
			plan.writes = append(plan.writes, w)
		}
	}
	words := slices.Concat([]string{"dotnet", "restore"}, d.Restore)
	if d.Project != "" {
		words = slices.Insert(words, 2, quotedWord(d.Project))
	}
	plan.command = strings.Join(words, " ")
	if strings.ContainsAny(plan.command, "$`*;") {
		return fetchPlan{inst: inst, decline: "an option of dotnet is computed"}
	}
	if c.dir != c.st.Workdir {
		if !slices.ContainsFunc(inst.Files, func(f string) bool { return path.Dir(inst.At(f)) == c.dir }) {
			return fetchPlan{inst: inst, decline: "no file of its own brings the folder that it builds in"}
		}
		plan.command = inFolder(c, c.dir, plan.command)
	}
	return plan
}

// quotedWord is a word as a shell reads it back.
func quotedWord(w string) string {
	if strings.ContainsAny(w, " ;&|<>()#") {
		return `"` + w + `"`
	}
	return w
}
