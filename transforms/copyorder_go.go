package transforms

import (
	"path"
	"strings"

	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what:   "Go modules",
		marker: "go.mod",
		builds: func(c rewrite.Command) bool {
			return c.Name == "go" && len(c.Args) > 1 && (c.Args[1] == "build" || c.Args[1] == "install" || c.Args[1] == "test")
		},
		uses: func(c rewrite.Command) bool {
			return c.Name == "go" && len(c.Args) > 1 && c.Args[1] != "env" && c.Args[1] != "version"
		},
		disturbs: []string{"git config", "netrc", "go get", "go mod", "replace"},
		plan:     goModules,
	})
}

// goModules fetches what go.mod asks for.
func goModules(p *rewrite.Pass, run *rewrite.Instruction, dir string) fetchPlan {
	g, st := p.Repo.Go(dir), run.State()
	switch {
	case g == nil || g.Err != nil:
		return fetchPlan{decline: path.Join(dir, "go.mod") + " can't be read"}
	case g.Vendor:
		return fetchPlan{skip: true} // nothing is downloaded
	case len(g.LocalReplaces) > 0:
		return fetchPlan{decline: "go.mod replaces a module by " + g.LocalReplaces[0]}
	case g.Work:
		return fetchPlan{decline: "go.work ties several modules together"}
	case st.Env["GOFLAGS"] != "" || st.Env["GO111MODULE"] == "off" || st.Env["GOPRIVATE"] != "" || st.Env["GOPATH"] != "" && strings.Contains(st.Env["GOFLAGS"], "vendor"):
		return fetchPlan{decline: "GOFLAGS, GOPRIVATE or GO111MODULE is set"}
	}
	plan := fetchPlan{
		command: "go mod download", files: []string{path.Join(dir, "go.mod")},
		assumes: "all modules of go.mod can be fetched, those that this build doesn't need included",
	}
	if g.Sum {
		plan.files = append(plan.files, path.Join(dir, "go.sum"))
	}
	return plan
}
