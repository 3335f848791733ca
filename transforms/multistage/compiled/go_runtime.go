package compiled

import (
	"cmp"
	"strings"
)

// The files that a Go program gets in the runtime stage.

// files collects what the source, the arguments and ENV name.
func (g *GoApp) files() bool {
	ig := g.Pass.Repo.Ignore(g.Pass.Name)
	for _, o := range g.Outputs {
		for _, r := range o.Pkg.Reads {
			if ig.Excluded(r) || ig.ExcludesTree(r) {
				continue
			}
			for _, p := range g.imagePaths(r) {
				g.need(p)
			}
		}
		for _, m := range o.Pkg.Missing {
			g.named(m)
		}
		data := o.mod.Dir
		if o.mod.Module == "" {
			data = "." // no go.mod says where the project begins
		}
		if g.computed = cmp.Or(o.Pkg.Computed, g.computed); o.Pkg.Computed != "" {
			g.allData(data)
		}
		for _, i := range o.Pkg.Imports {
			if i == "github.com/joho/godotenv/autoload" {
				g.named(".env") // it loads that file and no other; what godotenv.Load is called with is in Reads
			}
			if searchesFiles[module3(i)] {
				g.computed = cmp.Or(g.computed, i)
				g.allData(data)
			}
		}
	}
	g.namedInConfig()
	g.emptyFolders()
	return true
}

// searchesFiles are modules that look for files by themselves, such as .env or
// config.yaml in the working directory.
var searchesFiles = words(`github.com/spf13/viper github.com/knadh/koanf github.com/jinzhu/configor github.com/ilyakaznacheev/cleanenv github.com/gookit/config github.com/subosito/gotenv
	github.com/beego/beego github.com/astaxie/beego github.com/revel/revel github.com/gobuffalo/buffalo github.com/gogf/gf`)

// module3 is an import path without what follows host, owner and name.
func module3(p string) string {
	parts := strings.SplitN(p, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// NoData are entries of a project that no program reads when it runs.
var NoData = lazily(`(?i)^(\.git.*|\.ds_store|.*\.iml|\.docker.*|\.idea|\.vscode|\.golangci.*|\.goreleaser.*|\.travis.*|\.circleci|\.editorconfig|\.air.*|\.pre-commit.*|go\.(mod|sum|work|work\.sum)|.*\.go|.*\.md|vendor|testdata|tests?|docs?|examples?|hack|ci|scripts?|deploy(ments?)?|charts|k8s|helm|tools?|licen[cs]e.*|copying|notice|authors|codeowners|makefile.*|.*\.mk|taskfile.*|justfile|.*dockerfile.*|containerfile.*|.*compose.*\.ya?ml|.*\.sh|renovate.*|codecov.*|node_modules|package(-lock)?\.json|yarn\.lock|skaffold.*|procfile|jenkinsfile|buf.*\.yaml|sqlc\.ya?ml|.*\.nix)$`)
