package multistage

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// The runtime stage of a Go program: what starts, and which files it gets.

const runtimePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// starts checks that whatever runs in the container is one of the binaries,
// in exec form.
func (g *goSplit) starts() bool {
	var entry, cmd []string
	var at *rewrite.Instruction
	for _, in := range g.stage.Instructions {
		var line []string
		shell := false
		switch c := in.Cmd.(type) {
		case *instructions.CmdCommand:
			line, shell = c.CmdLine, c.PrependShell
			cmd = line
		case *instructions.EntrypointCommand:
			line, shell = c.CmdLine, c.PrependShell
			entry = line
		case *instructions.HealthCheckCommand:
			if c.Health == nil || len(c.Health.Test) < 2 {
				continue
			}
			if _, ok := g.binary(c.Health.Test[1]); c.Health.Test[0] == "CMD-SHELL" || !ok {
				return g.decline(in, "HEALTHCHECK runs something else than the binary, and distroless has no shell and no tools")
			}
			continue
		default:
			continue
		}
		at = in
		if shell {
			return g.decline(in, "%s is in shell form and distroless has no shell: write it as a JSON list", strings.ToUpper(in.Keyword))
		}
	}
	argv := append(append([]string{}, entry...), cmd...)
	if len(argv) == 0 {
		return g.decline(g.stage.From, "no CMD or ENTRYPOINT says what runs")
	}
	if argv[0] == "go" {
		return g.decline(at, "it compiles when it starts (go %s); build in a RUN instead", strings.Join(argv[1:min(2, len(argv))], ""))
	}
	if _, ok := g.binary(argv[0]); !ok {
		return g.decline(at, "%s runs %s, which no go build writes there", strings.ToUpper(at.Keyword), argv[0])
	}
	for _, b := range g.runs() {
		for _, list := range [][]string{b.Entrypoint, b.Command} {
			if len(list) == 0 {
				continue
			}
			if _, ok := g.binary(list[0]); !ok && !(len(entry) > 0 && strings.HasPrefix(list[0], "-")) {
				return g.decline(g.stage.From, "%s runs %s in the container, which distroless hasn't", b.File, list[0])
			}
		}
		if h := b.Healthcheck; len(h) > 1 {
			if _, ok := g.binary(h[1]); h[0] == "CMD-SHELL" || !ok {
				return g.decline(g.stage.From, "%s checks the container with %s, which distroless hasn't", b.File, h[1])
			}
		}
	}
	return true
}

// binary finds the output that a program name means, by PATH for a bare name.
// A folder that isn't in the runtime image's PATH gives way to /usr/local/bin.
func (g *goSplit) binary(name string) (goOutput, bool) {
	st := g.stage.At(nil)
	if strings.Contains(name, "/") {
		p, ok := st.Abs(name)
		for _, o := range g.outputs {
			if ok && o.path == p {
				return o, true
			}
		}
		return goOutput{}, false
	}
	search, own := st.Env["PATH"], true
	if search == "" {
		search, own = g.img.EnvPath, false
	}
	if strings.Contains(search, "$") {
		search += ":/go/bin:/usr/local/go/bin:" + runtimePath
	}
	for _, dir := range strings.Split(search, ":") {
		for _, o := range g.outputs {
			if o.path != path.Join(dir, name) {
				continue
			}
			if !slices.Contains(strings.Split(runtimePath, ":"), dir) && !(own && strings.Contains(st.Env["PATH"], dir)) {
				g.binDirs[o.path] = "/usr/local/bin/" + name
			}
			return o, true
		}
	}
	return goOutput{}, false
}

// place decides where COPY and ADD go: what lands in the module stays in the
// build stage, the rest is repeated.
func (g *goSplit) place() bool {
	root := g.outputs[0].root
	for _, in := range g.stage.Instructions {
		switch in.Keyword {
		case "workdir":
			g.roles[in] = inBuild
		case "run":
			if in.Index > g.last.Index {
				g.last = in
			}
		}
	}
	for _, in := range g.stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > g.last.Index {
			continue
		}
		eff := g.p.Effects(in)
		if eff.Unknown != "" {
			return g.decline(in, "what it brings isn't known: %s", eff.Unknown)
		}
		inside := len(eff.Trees) > 0
		for _, t := range eff.Trees {
			secret := strings.Contains(t.Dest, ".netrc") || strings.Contains(t.Dest, ".ssh") || strings.Contains(t.Dest, ".gitconfig")
			inside = inside && (rewrite.Inside(t.Dest, root) || rewrite.Inside(root, t.Dest) || secret)
			for _, o := range g.outputs {
				inside = inside || rewrite.Inside(t.Dest, o.root)
			}
		}
		g.roles[in] = inBoth
		if inside {
			g.roles[in] = inBuild
		}
	}
	return true
}

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
func (g *goSplit) allData(o goOutput) {
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

// imagePaths are the places of the image where a path of the context stands
// when the last build step is done.
func (g *goSplit) imagePaths(ctx string) (out []string) {
	for _, in := range g.stage.Instructions {
		if in.Index > g.last.Index || g.roles[in] != inBuild || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, t := range g.p.Effects(in).Trees {
			switch {
			case t.Dir && (t.Ctx == "." || rewrite.Inside(ctx, t.Ctx)):
				rel := ctx
				if t.Ctx != "." {
					rel = strings.TrimPrefix(ctx[len(t.Ctx):], "/")
				}
				out = append(out, path.Join(t.Dest, rel))
			case t.Ctx == ctx:
				out = append(out, t.Dest)
			case rewrite.Inside(t.Ctx, ctx): // a part of the folder
				out = append(out, t.Dest)
			}
		}
	}
	return out
}

// named takes a word that may be the path of a file of the project.
func (g *goSplit) named(word string) {
	st := g.stage.At(nil)
	for _, w := range strings.FieldsFunc(word, func(r rune) bool { return r == '=' || r == ',' || r == ':' }) {
		p, ok := st.Abs(w)
		if !ok || w == "" || w == "." || w == "/" || p == st.Workdir {
			continue
		}
		ctx, by := g.stage.Origin(nil, p, g.p.Repo, g.p.Name)
		if by != nil && ctx != "." && by.Index <= g.last.Index && g.roles[by] == inBuild && !strings.HasSuffix(ctx, ".go") && p != g.outputs[0].root {
			g.need(p)
		}
	}
}

func (g *goSplit) need(p string) {
	for _, o := range g.outputs {
		if o.path == p {
			return
		}
	}
	if !slices.Contains(g.copies, p) {
		g.copies = append(g.copies, p)
	}
}

// runtime writes the lines that only the runtime stage has.
func (g *goSplit) runtime() {
	st := g.stage.At(nil)
	var later *rewrite.Instruction
	relative, between := false, false
	for _, in := range g.stage.Instructions {
		if in.Keyword == "workdir" && in.Index > g.last.Index {
			if later == nil {
				between = between || !strings.HasPrefix(in.Args.Text, "/")
			}
			later = in
			g.roles[in] = inRuntime
		}
		if later == nil && in.Index > g.last.Index {
			_, dest, _, copies := in.Copy()
			between = between || copies && !strings.HasPrefix(dest, "/")
		}
		if (in.Keyword == "copy" || in.Keyword == "add") && g.roles[in] == inBoth {
			_, dest, _, _ := in.Copy()
			relative = relative || !strings.HasPrefix(dest, "/")
		}
	}
	switch {
	case relative:
		for _, in := range g.stage.Instructions {
			if in.Keyword == "workdir" && in.Index <= g.last.Index {
				g.roles[in] = inBoth
			}
		}
	case later != nil && !between:
	case later != nil:
		g.first = append(g.first, g.keyword("WORKDIR")+" "+g.stage.At(g.last).Workdir)
	default:
		g.first = append(g.first, g.keyword("WORKDIR")+" "+st.Workdir)
	}
	slices.Sort(g.copies)
	var done []string
	for _, p := range g.copies {
		if !slices.ContainsFunc(done, func(d string) bool { return rewrite.Inside(p, d) }) {
			done = append(done, p)
			g.instead[g.last] = append(g.instead[g.last], g.copyFrom(p, p))
		}
	}
	seen := map[string]bool{}
	for _, o := range g.outputs {
		to := cmp.Or(g.binDirs[o.path], o.path)
		if !seen[o.path] {
			seen[o.path] = true
			g.instead[g.last] = append(g.instead[g.last], g.copyFrom(o.path, to))
		}
	}
}
