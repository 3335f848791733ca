package compiled

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// goValue are build flags that take a value.
var goValue = words(`-o -ldflags -gcflags -asmflags -tags -mod -modfile -p -installsuffix -buildmode -pkgdir -compiler -gccgoflags -toolexec -pgo -overlay -C`)

// build reads a go build or go install and notes what it writes.
// Source: https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies
func (g *GoApp) build(in *rewrite.Instruction, st rewrite.Step) bool {
	out, haveOut := "", false
	var pkgs []string
	for i := 2; i < len(st.Args); i++ {
		a := st.Args[i]
		if !strings.HasPrefix(a, "-") {
			pkgs = append(pkgs, a)
			continue
		}
		name, v, eq := strings.Cut(strings.Replace(a, "--", "-", 1), "=")
		if goValue[name] && !eq {
			if i++; i < len(st.Args) {
				v = st.Args[i]
			}
		}
		switch name {
		case "-o":
			out, haveOut = v, true
		case "-race", "-msan", "-asan", "-linkshared", "-C", "-toolexec", "-overlay", "-compiler", "-pkgdir", "-n":
			return g.Decline(in, "go build %s is beyond this recipe", name)
		case "-buildmode":
			if v != "exe" && v != "default" {
				return g.Decline(in, "go build -buildmode=%s is beyond this recipe", v)
			}
		}
	}
	cross := g.isArg(in, st, "GOOS", "TARGETOS")
	if os, ok := g.Env(in, st.Command, "GOOS"); ok && os != "linux" && !cross {
		return g.Decline(in, "it builds for %s", os)
	}
	cross = cross && g.isArg(in, st, "GOARCH", "TARGETARCH")
	if cross && st.Args[1] == "install" {
		return g.Decline(in, "go install writes to another folder when it builds for another platform")
	}
	if st.Dir == "" || strings.ContainsAny(out, "$`*") {
		return g.Decline(in, "where go build writes isn't known")
	}
	mod, root := g.module(in, st.Dir)
	if mod == nil && len(pkgs) > 0 && strings.HasPrefix(pkgs[0], "./") && !strings.Contains(pkgs[0], "...") {
		if _, by := g.Stage.Origin(in, path.Join(st.Dir, "go.work"), g.Pass.Repo, g.Pass.Name); by != nil {
			mod, root = g.module(in, cmdline.Abs(st.Dir, pkgs[0])) // the workspace's folder is no module itself
		}
	}
	if mod == nil {
		mod, root = g.loose(in, st.Dir, pkgs, haveOut)
	}
	if mod == nil {
		mod, root = g.gopath(in, st, pkgs)
	}
	switch {
	case mod == nil:
		return g.Decline(in, "there is no go.mod for %s in the build context", st.Dir)
	case mod.Err != nil:
		return g.Decline(in, "%v", mod.Err)
	}
	if v, _ := g.Env(in, st.Command, "GO111MODULE"); v == "off" && !mod.Gopath {
		return g.Decline(in, "GO111MODULE=off builds outside of modules")
	}
	if len(pkgs) == 0 {
		pkgs = []string{"."}
	}
	if strings.HasSuffix(pkgs[0], ".go") {
		name := strings.TrimSuffix(path.Base(pkgs[0]), ".go")
		if !g.output(in, st, mod, root, path.Dir(cmdline.Abs(st.Dir, pkgs[0])), name, out, haveOut, false) {
			return false
		}
		g.Outputs[len(g.Outputs)-1].cross = cross
		return true
	}
	type target struct{ dir, name string }
	var targets []target
	if mod.Module == "" {
		targets, pkgs = append(targets, target{root, path.Base(root)}), nil
	}
	for _, p := range pkgs {
		dirs, why := g.dirs(mod, root, st.Dir, p)
		if why != "" {
			return g.Decline(in, "%s", why)
		}
		for _, d := range dirs {
			targets = append(targets, target{d, execName(mod, root, d)})
		}
	}
	if len(targets) == 0 || len(targets) > 1 && !haveOut && st.Args[1] == "build" {
		return true // several packages without -o: only checked
	}
	for _, t := range targets {
		if !g.output(in, st, mod, root, t.dir, t.name, out, haveOut, len(targets) > 1) {
			return false
		}
		g.Outputs[len(g.Outputs)-1].cross = cross
	}
	return true
}

// output notes one binary.
func (g *GoApp) output(in *rewrite.Instruction, st rewrite.Step, mod *repo.Go, root, dir, name, out string, haveOut, several bool) bool {
	o := Output{In: in, Step: st, mod: mod, root: root}
	switch {
	case st.Args[1] == "install":
		bin, ok := g.Env(in, st.Command, "GOBIN")
		if !ok {
			gopath, ok := g.Env(in, st.Command, "GOPATH")
			if !ok {
				gopath = "/go"
			}
			bin = gopath + "/bin"
		}
		o.Path = path.Join(bin, name)
	case !haveOut:
		o.Path = path.Join(st.Dir, name)
	case strings.HasSuffix(out, "/") || several || g.isDir(in, cmdline.Abs(st.Dir, out)):
		o.Path = path.Join(cmdline.Abs(st.Dir, out), name)
	default:
		o.Path = cmdline.Abs(st.Dir, out)
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
	o.Pkg = mod.Package(path.Join(mod.Dir, rel))
	v, set := g.Env(in, st.Command, "CGO_ENABLED")
	o.Cgo = set && v != "0" || !set && o.Pkg.Cgo
	o.fixed, o.CgoEnabled = set && g.recipe != nil, v
	o.Cgo = o.Cgo || !set && mod.Gopath && g.mayUseCgo(o.Pkg)
	if !g.since(10) && !slices.Contains(st.Args, "-a") {
		o.Cgo = true // the standard library was compiled with cgo, and is linked as it is
	}
	g.Outputs = append(g.Outputs, o)
	return true
}

// module finds the go.mod in force in a folder of the image.
func (g *GoApp) module(in *rewrite.Instruction, dir string) (*repo.Go, string) {
	for d := dir; ; d = path.Dir(d) {
		if ctx, by := g.Stage.Origin(in, path.Join(d, "go.mod"), g.Pass.Repo, g.Pass.Name); by != nil {
			return g.Pass.Repo.Go(path.Dir(ctx)), d
		}
		if d == "/" {
			return nil, ""
		}
	}
}

// loose finds source that belongs to no module and needs none: it imports the
// standard library alone. nil where it doesn't, or where GOPATH may bring the rest.
func (g *GoApp) loose(in *rewrite.Instruction, dir string, pkgs []string, named bool) (*repo.Go, string) {
	file := path.Join(dir, "main.go")
	switch {
	case len(pkgs) > 0 && strings.HasSuffix(pkgs[0], ".go"):
		file = cmdline.Abs(dir, pkgs[0])
	case !named || len(pkgs) > 1 || len(pkgs) == 1 && path.Clean(pkgs[0]) != ".":
		return nil, ""
	}
	root := path.Dir(file)
	ctx, by := g.Stage.Origin(in, file, g.Pass.Repo, g.Pass.Name)
	if by == nil || strings.ContainsAny(file, "$`*") || strings.Contains(root+"/", "/src/") {
		return nil, ""
	}
	mod := g.Pass.Repo.GoFiles(path.Dir(ctx))
	if mod == nil || slices.ContainsFunc(mod.Package(mod.Dir).Imports, func(i string) bool {
		first, _, _ := strings.Cut(i, "/")
		return strings.Contains(first, ".")
	}) {
		return nil, ""
	}
	g.Explain("the source has no go.mod and needs none: it imports the standard library alone")
	return mod, root
}

// dirs are the folders of the image that a package argument names; of a
// pattern those with a command.
func (g *GoApp) dirs(mod *repo.Go, root, dir, arg string) ([]string, string) {
	if strings.ContainsAny(arg, "$`*") {
		return nil, "the package " + arg + " is computed"
	}
	pattern := strings.HasSuffix(arg, "...")
	arg = strings.TrimSuffix(strings.TrimSuffix(arg, "..."), "/")
	var at string
	switch {
	case arg == "." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || strings.HasPrefix(arg, "/"):
		at = cmdline.Abs(dir, arg)
	case arg == "":
		at = dir
	case arg == mod.Module || strings.HasPrefix(arg, mod.Module+"/"):
		at = path.Join(root, strings.TrimPrefix(arg, mod.Module))
	default:
		return nil, arg + " is not a package of the module " + mod.Module
	}
	if !rewrite.Inside(at, root) {
		return nil, arg + " lies outside of the module"
	}
	if !pattern {
		return []string{at}, ""
	}
	var out []string
	for _, m := range mod.Mains() {
		rel := m
		if mod.Dir != "." {
			rel = strings.TrimPrefix(strings.TrimPrefix(m, mod.Dir), "/")
		}
		if d := path.Join(root, rel); rewrite.Inside(d, at) {
			out = append(out, d)
		}
	}
	return out, ""
}

// execName is the name that go build gives a command: the last element of its
// import path, or the one before a major version.
func execName(mod *repo.Go, root, dir string) string {
	p := path.Join(mod.Module, strings.TrimPrefix(strings.TrimPrefix(dir, root), "/"))
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" && base != "v0" && base != "v1" && path.Dir(p) != "." {
		base = path.Base(path.Dir(p))
	}
	return base
}

// flags1 makes the binary static and leaves out what only a debugger reads.
// Flags of the user stay; ldflags are added to, never replaced. GOFLAGS and
// -gcflags (a debug build) leave the flags alone.
func (g *GoApp) flags1(o Output) bool {
	c := o.Step.Command
	if o.maker != nil {
		if g.made(o) {
			return true // the makefile says how it is built
		}
		c = o.maker.Command
	}
	sh, _ := o.In.Shell()
	assigns, args, redirs := cmdline.KeyWords(sh, c)
	old := cmdline.JoinKey(assigns, args, redirs)
	if slices.Contains(g.Drops, old) {
		return true // several outputs of one command
	}
	insert := func(at int, text string) bool {
		sp, ok := sh.Span(at, at)
		g.Edits = append(g.Edits, rewrite.Edit{Span: sp, New: text})
		return ok
	}
	if _, set := g.Env(o.In, c, "CGO_ENABLED"); !set && !o.Cgo {
		if !insert(c.Words[0].Start, "CGO_ENABLED=0 ") {
			return g.Decline(o.In, "the command is broken over lines")
		}
		assigns = append(assigns, "CGO_ENABLED=0")
	}
	_, goflags := g.Env(o.In, c, "GOFLAGS")
	if o.maker == nil && !goflags && !slices.ContainsFunc(c.Args, func(a string) bool { return strings.Contains(a, "-gcflags") }) {
		var more []string
		if !slices.Contains(c.Args, "-trimpath") && !slices.Contains(c.Args, "--trimpath") && g.since(13) && !g.findsItsSource(o.Pkg) {
			more = append(more, "-trimpath")
		}
		k := slices.IndexFunc(c.Args, func(a string) bool {
			return a == "-ldflags" || a == "--ldflags" || strings.HasPrefix(a, "-ldflags=") || strings.HasPrefix(a, "--ldflags=")
		})
		if k < 0 {
			more = append(more, `-ldflags="-s -w"`)
		} else {
			if c.Args[k] == "-ldflags" || c.Args[k] == "--ldflags" {
				k++
			}
			if k < len(args) {
				if off, text := ldflags(args[k]); off > 0 {
					if !insert(c.Words[k].Start+off, text) {
						return g.Decline(o.In, "-ldflags is broken over lines")
					}
					args[k] = args[k][:off] + text + args[k][off:]
				}
			}
		}
		if len(more) > 0 {
			if !insert(c.Words[1].End, " "+strings.Join(more, " ")) {
				return g.Decline(o.In, "the command is broken over lines")
			}
			args = append(append(append([]string{}, args[:2]...), more...), args[2:]...)
		}
	}
	if now := cmdline.JoinKey(assigns, args, redirs); now != old {
		g.Drops, g.Adds = append(g.Drops, old), append(g.Adds, now)
	}
	return true
}

// since reports whether the image holds Go 1.minor or a later one; true where its version
// isn't known.
func (g *GoApp) since(minor int) bool {
	v, _, _ := strings.Cut(cmp.Or(g.Image.Version, g.Image.Line, g.Ref.Tag), "-")
	parts := strings.Split(v, ".")
	if len(parts) < 2 || parts[0] != "1" {
		return true
	}
	n, err := strconv.Atoi(parts[1])
	return err != nil || n >= minor
}

// findsItsSource: the program asks where its own source lies, to find files
// beside it (runtime.Caller), which -trimpath would hide.
func (g *GoApp) findsItsSource(p *repo.GoPackage) bool {
	return g.Pass.Unsafe && slices.ContainsFunc(p.Files, func(f string) bool {
		src, err := g.Pass.Repo.ReadFile(f)
		return err == nil && strings.Contains(string(src), "runtime.Caller(")
	})
}

// ldflags finds where -s and -w go in a quoted word; off is 0 where they are
// there already or the word isn't quoted.
func ldflags(word string) (off int, text string) {
	v := word
	if i := strings.IndexByte(word, '='); strings.HasPrefix(word, "-") && i >= 0 {
		off, v = i+1, word[i+1:]
	}
	if v == "" || v[0] != '"' && v[0] != '\'' {
		return 0, ""
	}
	have := strings.Fields(strings.Trim(v, `"'`))
	for _, f := range []string{"-s", "-w"} {
		if !slices.Contains(have, f) {
			text += f + " "
		}
	}
	if text == "" {
		return 0, ""
	}
	if len(have) == 0 {
		text = strings.TrimSpace(text)
	}
	return off + 1, text
}

// isArg reports whether a variable is set from one of BuildKit's own arguments,
// which the stage declares.
func (g *GoApp) isArg(in *rewrite.Instruction, st rewrite.Step, name, arg string) bool {
	v, _ := g.Env(in, st.Command, name)
	if v != "$"+arg && v != "${"+arg+"}" {
		return false
	}
	for _, i := range g.Stage.Instructions {
		if i.Index < in.Index && i.Keyword == "arg" && slices.ContainsFunc(i.Assignments(), func(w rewrite.Word) bool { return w.Text == arg }) {
			return true
		}
	}
	return false
}

// crossBuild lets the build stage run on the builder's own platform, where all
// programs are compiled for the target's without cgo: otherwise the compiler is
// emulated (https://docs.docker.com/build/building/multi-platform/#cross-compilation).
func (g *GoApp) crossBuild() {
	f := g.Stage.From.Fields()
	at, ok := g.Stage.From.WordSpan(f[0])
	if !ok || len(g.Stage.From.Flags) > 0 || g.Stage.Parent() != nil || slices.ContainsFunc(g.Outputs, func(o Output) bool { return !o.cross || o.Cgo }) {
		return
	}
	g.Edits = append(g.Edits, rewrite.Edit{Span: rewrite.Span{Start: at.Start, End: at.Start}, New: "--platform=$BUILDPLATFORM "})
	g.Explain("the build stage runs on the builder's own platform: GOOS and GOARCH say which one it compiles for")
}
