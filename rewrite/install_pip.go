package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"pip", "pip3"}, install: pipInstall})

func pipInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	if len(args) == 0 || args[0] != "install" {
		return false
	}
	var files []string
	for n := 1; n < len(args); n++ {
		a := args[n]
		value := func(names ...string) (string, bool) {
			for _, name := range names {
				if a == name && n+1 < len(args) {
					n++
					return args[n], true
				}
				if v, ok := strings.CutPrefix(a, name+"="); ok && strings.HasPrefix(name, "--") {
					return v, true
				}
				if v, ok := strings.CutPrefix(a, name); ok && len(name) == 2 && v != "" {
					return v, true
				}
			}
			return "", false
		}
		if f, ok := value("-r", "--requirement", "-c", "--constraint"); ok {
			files = append(files, f)
			continue
		}
		if _, ok := value("-i", "--index-url", "--extra-index-url", "--trusted-host", "--timeout", "--retries", "--default-timeout", "--progress-bar", "--no-binary", "--only-binary"); ok {
			continue
		}
		if _, ok := value("-f", "--find-links", "-t", "--target", "--prefix", "--root", "--cache-dir", "--src", "-e", "--editable"); ok {
			i.Unknown = "pip install " + a + " reads or writes other places"
			continue
		}
		if strings.HasPrefix(a, "-") {
			continue
		}
		if a == "." || strings.HasPrefix(a, ".") || strings.Contains(a, "/") || strings.HasPrefix(a, "$") {
			i.Unknown = "pip install " + a + " reads the project itself"
		}
	}
	i.Name, i.Writes = "pip install", slices.Concat(languages, pathFolders(c.st))
	if len(files) == 0 {
		return false
	}
	for _, f := range files {
		if strings.ContainsAny(f, "$*`") {
			i.Unknown = "pip reads " + f
			continue
		}
		abs := f
		if !strings.HasPrefix(f, "/") {
			abs = path.Join(i.Dir, f)
		}
		ctx, ok := c.origin(abs)
		if !ok {
			i.Unknown = f + " doesn't come from the build context"
			continue
		}
		if !i.place(abs, ctx) {
			i.Unknown = f + " is copied from another folder than the file before it"
		}
		req := c.repo.Requirements(ctx)
		i.Files = append(i.Files, req.Files...)
		switch {
		case req.Unknown != "":
			i.Unknown = req.Unknown
		case len(req.Local) > 0:
			i.Unknown = ctx + " names the local path " + req.Local[0]
		}
	}
	return true
}
