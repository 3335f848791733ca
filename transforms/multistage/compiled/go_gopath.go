package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Builds without modules, as Go before 1.16 makes them where there is no go.mod: the
// program's own packages lie below GOPATH/src, and go get fetches those of others.

// gopath finds source that is built in GOPATH mode, and where it stands in the image; nil
// where Go builds in module mode, which fails without go.mod.
func (g *GoApp) gopath(in *rewrite.Instruction, st rewrite.Step, pkgs []string) (*repo.Go, string) {
	mode, _ := g.Env(in, st.Command, "GO111MODULE")
	if mode == "on" || g.since(16) && mode != "off" && mode != "auto" {
		return nil, ""
	}
	home, ok := g.Env(in, st.Command, "GOPATH")
	if !ok {
		home = "/go"
	}
	src := path.Join(home, "src")
	if strings.ContainsAny(home, "$:") || g.bringsOthers(in, src, st.Dir) {
		return nil, ""
	}
	dir, imported := g.context(in, st.Dir), ""
	root := st.Dir
	if !rewrite.Inside(root, src) {
		if st.Args[1] == "install" || len(pkgs) > 1 || len(pkgs) == 1 && path.Clean(pkgs[0]) != "." && !strings.HasSuffix(pkgs[0], ".go") {
			return nil, ""
		}
	} else {
		for up := path.Dir(root); up != src && up != "/"; up = path.Dir(up) {
			if c := g.context(in, up); c != "" && rewrite.Inside(st.Dir, up) {
				dir, root = c, up
			}
		}
		imported = strings.TrimPrefix(root, src+"/")
	}
	if dir == "" || root == src {
		return nil, ""
	}
	mod := g.Pass.Repo.GoPath(dir, imported)
	if mod != nil {
		g.Explain("the source has no go.mod: it is built in GOPATH mode, as Go did before 1.16")
	}
	return mod, root
}

// context is the folder of the build context that stands at an image path, "" for none.
func (g *GoApp) context(in *rewrite.Instruction, dir string) string {
	for _, i := range g.Stage.Instructions {
		if i.Index >= in.Index {
			break
		}
		for _, t := range g.Pass.Effects(i).Trees {
			if !t.Dir || t.Unknown || !rewrite.Inside(dir, t.Dest) {
				continue
			}
			if ctx := path.Join(t.Ctx, strings.TrimPrefix(dir[len(strings.TrimSuffix(t.Dest, "/")):], "/")); g.Pass.Repo.IsDir(ctx) {
				return ctx
			}
		}
	}
	return ""
}

// bringsOthers: a COPY puts something else below GOPATH/src, which may be a package that
// the program takes.
func (g *GoApp) bringsOthers(in *rewrite.Instruction, src, dir string) bool {
	for _, i := range g.Stage.Instructions {
		if i.Index >= in.Index {
			break
		}
		for _, t := range g.Pass.Effects(i).Trees {
			if t.Unknown || rewrite.Inside(src, t.Dest) || rewrite.Inside(t.Dest, src) && !rewrite.Inside(dir, t.Dest) && !rewrite.Inside(t.Dest, dir) {
				return true
			}
		}
	}
	return false
}

// mayUseCgo: packages of others aren't known beyond their names, and one that they take
// may need cgo. Without a compiler none does.
func (g *GoApp) mayUseCgo(p *repo.GoPackage) bool {
	if g.Image.Libc == "musl" && !slices.ContainsFunc(g.Stage.Instructions, func(in *rewrite.Instruction) bool {
		return in.Keyword == "run" && (strings.Contains(in.Text, "gcc") || strings.Contains(in.Text, "build-base") || strings.Contains(in.Text, "alpine-sdk") || strings.Contains(in.Text, "g++"))
	}) {
		return false
	}
	return slices.ContainsFunc(p.Imports, func(i string) bool {
		first, _, _ := strings.Cut(i, "/")
		return strings.Contains(first, ".")
	})
}
