package rewrite

import "strings"

var _ = registerManager(&manager{tools: []string{"go"}, install: goInstall})

func goInstall(i *Install, c installCall) bool {
	args, dir := GoArgs(c.args)
	if len(args) < 2 || args[0] != "mod" || args[1] != "download" && args[1] != "verify" {
		return false
	}
	i.Name = "go mod " + args[1]
	i.Unknown = i.goModules(c, dir)
	return true
}

// GoArgs are the words of a go command behind go itself, and the folder that -C
// names, "" for none.
func GoArgs(args []string) (rest []string, dir string) {
	rest = args[1:]
	if len(rest) > 1 && rest[0] == "-C" {
		return rest[2:], rest[1]
	}
	return rest, ""
}

// goModules fills in what go mod download reads and writes, and tells why that
// can't be known.
func (i *Install) goModules(c installCall, dir string) (unknown string) {
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
	if dir != "" {
		abs, ok := c.st.Abs(dir)
		if !ok {
			return "it runs in a computed folder"
		}
		i.Dir = abs
	}
	if !i.brings(c, "go.mod") {
		return i.Unknown
	}
	g := c.repo.Go(i.Ctx)
	if g == nil || g.Err != nil {
		return "go.mod can't be read"
	}
	if g.Vendor {
		return "the modules are vendored"
	}
	work := g.WorkFile()
	if _, ok := c.origin(i.At(work)); work != "" && !ok {
		work = "" // the image doesn't hold it
	}
	files, unknown := g.DownloadReads(work)
	i.keep(c, files)
	if unknown == "" {
		unknown = i.Unknown
	}
	return unknown
}
