package repo

import (
	"fmt"
	"path"
	"slices"

	"golang.org/x/mod/modfile"
)

// WorkFile returns the go.work file that Go finds for the module when it looks
// in Dir and upwards, "" for none. Whether an image holds it too is for the
// caller to see.
//
// Source: https://go.dev/ref/mod#workspaces
func (g *Go) WorkFile() string {
	for _, up := range parents(g.Dir) {
		if f := path.Join(up, "go.work"); g.repo.isFile(f) {
			return f
		}
	}
	return ""
}

// DownloadReads returns the context-relative files that "go mod download" reads:
// go.mod and go.sum of the module, the go.mod of each folder that a replace
// directive points at, and in a workspace (work is its go.work file, "" outside
// of one) go.work, go.work.sum and the same of every module in use. unknown is
// the first reason why the download may need more, or fail without the code.
//
// Replace directives count in main modules only (https://go.dev/ref/mod#go-mod-file-replace),
// so a replaced module is read no further than its go.mod.
func (g *Go) DownloadReads(work string) (files []string, unknown string) {
	if g.Err != nil {
		return nil, g.Err.Error()
	}
	if work != "" {
		return g.workspaceReads(work)
	}
	files = g.own()
	for _, dir := range g.LocalReplaces {
		file, why := g.replacement(dir)
		if why != "" {
			return files, why
		}
		files = append(files, file)
	}
	return onceEach(files), ""
}

// Downloads reports whether the module requires any that no local folder
// replaces; outside of a workspace there is nothing to fetch otherwise.
func (g *Go) Downloads() bool {
	return slices.ContainsFunc(g.Requires, func(p string) bool { return g.replaced[p] == "" })
}

// own are the module's files, as far as they are there.
func (g *Go) own() []string {
	files := []string{path.Join(g.Dir, "go.mod")}
	if g.Sum {
		files = append(files, path.Join(g.Dir, "go.sum"))
	}
	return files
}

// replacement is the go.mod in a folder that a replace directive points at.
func (g *Go) replacement(dir string) (file, unknown string) {
	file = path.Join(dir, "go.mod")
	if path.IsAbs(dir) || !g.repo.isFile(file) {
		return "", fmt.Sprintf("%s replaces a module by %s, which has no go.mod in the build context", path.Join(g.Dir, "go.mod"), dir)
	}
	return file, ""
}

// workspaceReads: a module in use that another one requires has to be replaced
// too, since "go mod download" asks the proxy for all that is required (seen with
// Go 1.21, 1.22 and 1.26).
func (g *Go) workspaceReads(work string) (files []string, unknown string) {
	modules, w, why := g.repo.goWork(work)
	if why != "" {
		return nil, why
	}
	if !slices.Contains(modules, g) {
		return nil, fmt.Sprintf("%s doesn't use %s", work, g.Dir)
	}
	files = []string{work}
	if sum := work + ".sum"; g.repo.isFile(sum) {
		files = append(files, sum)
	}
	replaced, local := map[string]bool{}, []string{}
	for _, r := range w.Replace {
		replaced[r.Old.Path] = true
		if r.New.Version == "" {
			local = append(local, under(path.Dir(work), r.New.Path))
		}
	}
	for _, m := range modules {
		files = append(files, m.own()...)
		local = append(local, m.LocalReplaces...)
		for p := range m.replaced {
			replaced[p] = true
		}
	}
	for _, m := range modules {
		for _, other := range modules {
			if m != other && slices.Contains(m.Requires, other.Module) && !replaced[other.Module] {
				return files, fmt.Sprintf("%s requires %s, which only %s finds: go mod download asks the proxy for it", path.Join(m.Dir, "go.mod"), other.Module, work)
			}
		}
	}
	for _, dir := range local {
		file, why := g.replacement(dir)
		if why != "" {
			return files, why
		}
		files = append(files, file)
	}
	return onceEach(files), ""
}

// goWork reads a go.work file and the modules that it uses.
func (r *Repo) goWork(work string) (modules []*Go, w *modfile.WorkFile, unknown string) {
	src, err := r.ReadFile(work)
	if err == nil {
		err = guard(func() (err error) { w, err = modfile.ParseWork(work, []byte(text(src)), nil); return err })
	}
	if err != nil {
		return nil, nil, work + " can't be read"
	}
	for _, u := range w.Use {
		dir := under(path.Dir(work), u.Path)
		m := r.Go(dir)
		if path.IsAbs(dir) || m == nil || m.Err != nil {
			return nil, nil, fmt.Sprintf("%s uses %s, whose go.mod isn't in the build context or can't be read", work, u.Path)
		}
		modules = append(modules, m)
	}
	return modules, w, ""
}

// under resolves p against folder dir; an absolute path stays one.
func under(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return join(dir, p)
}

// onceEach drops what is in a list already, keeping the order.
func onceEach(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
