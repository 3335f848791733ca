package multistage

import (
	"cmp"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// The files that a Go program gets in the runtime stage.

// files collects what the source, the arguments and ENV name.
func (g *goSplit) files() bool {
	ig := g.p.Repo.Ignore(g.p.Name)
	for _, o := range g.outputs {
		for _, r := range o.pkg.Reads {
			if ig.Excluded(r) || ig.ExcludesTree(r) {
				continue
			}
			for _, p := range g.imagePaths(r) {
				g.need(p)
			}
		}
		for _, m := range o.pkg.Missing {
			g.named(m)
		}
		if g.computed = cmp.Or(o.pkg.Computed, g.computed); o.pkg.Computed != "" {
			g.allData(o)
		}
		for _, i := range o.pkg.Imports {
			if searchesFiles[module3(i)] {
				g.computed = cmp.Or(g.computed, i)
				g.allData(o)
			}
		}
	}
	for _, in := range g.stage.Instructions {
		switch c := in.Cmd.(type) {
		case *instructions.CmdCommand:
			for _, w := range c.CmdLine {
				g.named(w)
			}
		case *instructions.EntrypointCommand:
			for _, w := range c.CmdLine {
				g.named(w)
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				g.named(g.stage.At(in.Next()).Expand(kv.Value))
			}
		}
	}
	for _, b := range g.runs() {
		for _, w := range append(append([]string{}, b.Command...), b.Entrypoint...) {
			g.named(w)
		}
	}
	return true
}

// searchesFiles are modules that look for files by themselves, such as .env or
// config.yaml in the working directory.
var searchesFiles = words(`github.com/spf13/viper github.com/knadh/koanf github.com/jinzhu/configor github.com/joho/godotenv github.com/ilyakaznacheev/cleanenv github.com/gookit/config github.com/subosito/gotenv
	github.com/beego/beego github.com/astaxie/beego github.com/revel/revel github.com/gobuffalo/buffalo github.com/gogf/gf`)

// module3 is an import path without what follows host, owner and name.
func module3(p string) string {
	parts := strings.SplitN(p, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// noData are entries of a project that no program reads when it runs.
var noData = lazily(`(?i)^(\.git.*|\.docker.*|\.idea|\.vscode|\.golangci.*|\.goreleaser.*|\.travis.*|\.circleci|\.editorconfig|\.air.*|\.pre-commit.*|go\.(mod|sum|work|work\.sum)|.*\.go|.*\.md|vendor|testdata|tests?|docs?|examples?|hack|ci|scripts?|deploy(ments?)?|charts|k8s|helm|tools?|licen[cs]e.*|copying|notice|authors|codeowners|makefile.*|.*\.mk|taskfile.*|justfile|.*dockerfile.*|containerfile.*|.*compose.*\.ya?ml|.*\.sh|renovate.*|codecov.*|node_modules|package(-lock)?\.json|yarn\.lock|skaffold.*|procfile|jenkinsfile|buf.*\.yaml|sqlc\.ya?ml|.*\.nix)$`)

// allData takes every entry of the module, and of the context above it that is
// copied too, which holds something else than Go source and papers.
func (g *goSplit) allData(o output) {
	ig := g.p.Repo.Ignore(g.p.Name)
	for _, e := range g.p.Repo.ReadDir(o.mod.Dir) {
		name := path.Join(o.mod.Dir, e.Name())
		if noData().MatchString(e.Name()) || ig.Excluded(name) || ig.ExcludesTree(name) || e.IsDir() && !g.holdsData(name, 0) {
			continue
		}
		for _, p := range g.imagePaths(name) {
			g.need(p)
		}
	}
}

// holdsData: a file in the folder isn't Go source.
func (g *goSplit) holdsData(dir string, depth int) bool {
	for _, e := range g.p.Repo.ReadDir(dir) {
		switch {
		case noData().MatchString(e.Name()):
		case !e.IsDir():
			return true
		case depth > 8 || g.holdsData(path.Join(dir, e.Name()), depth+1):
			return true
		}
	}
	return false
}
