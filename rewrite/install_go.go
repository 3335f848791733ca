package rewrite

import (
	"path"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"go"}, install: goInstall})

func goInstall(i *Install, c installCall) bool {
	if len(c.args) < 3 || c.args[1] != "mod" || c.args[2] != "download" {
		return false
	}
	i.Name = "go mod download"
	i.Unknown = i.goModules(c)
	return true
}

// goModules fills in what go mod download reads and writes, and tells why that
// can't be known.
func (i *Install) goModules(c installCall) (unknown string) {
	i.Writes = []string{"/go/pkg", "/root", "/tmp"}
	for _, k := range []string{"GOPATH", "GOMODCACHE", "GOCACHE"} {
		if v, ok := c.st.lookup().Get(k); ok && v != "" {
			p, ok := c.st.Abs(strings.Split(v, ":")[0])
			if !ok {
				return k + " is computed"
			}
			i.Writes = append(i.Writes, p)
		}
	}
	ctx, ok := c.origin(path.Join(i.Dir, "go.mod"))
	if !ok {
		return "go.mod doesn't come from the build context"
	}
	i.Ctx = path.Dir(ctx)
	g := c.repo.Go(i.Ctx)
	if g == nil || g.Err != nil {
		return "go.mod can't be read"
	}
	i.Files = []string{path.Join(i.Ctx, "go.mod")}
	if g.Sum {
		i.Files = append(i.Files, path.Join(i.Ctx, "go.sum"))
	}
	switch {
	case len(g.LocalReplaces) > 0:
		return "go.mod replaces a module by " + g.LocalReplaces[0]
	case g.Work:
		return "go.work ties several modules together"
	case g.Vendor:
		return "the modules are vendored"
	}
	return ""
}
