package rewrite

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
)

// Install is a command that installs the project's declared dependencies.
type Install struct {
	Manager string // pip, npm, yarn, pnpm, go
	Command Command
	Dir     string // image directory it runs in
	Ctx     string // the context directory that is copied to Dir, "." for the root
	// Files are the context files it reads; exact unless Unknown says why not.
	Files   []string
	Unknown string
	Writes  []string // image paths it writes
	Lock    string   // context path of a lock file that it may rewrite ("" for none)
}

// install recognises a project install among a RUN's commands; ok is false for
// anything else, installs of named packages included.
func (in *Instruction) install(c Command, st State, rp *repo.Repo, name string) (Install, bool) {
	i := Install{Command: c, Dir: st.Workdir}
	args := c.Args
	if len(args) > 3 && strings.HasPrefix(c.Name, "python") && args[1] == "-m" && args[2] == "pip" {
		args = args[2:]
	}
	if len(args) < 2 && c.Name != "yarn" {
		return i, false
	}
	origin := func(p string) (string, bool) {
		ctx, by := in.Stage.Origin(in, p, rp, name)
		return ctx, by != nil
	}
	switch tool := path.Base(args[0]); tool {
	case "pip", "pip3":
		i.Manager = "pip"
		return i, i.pip(args[1:], rp, origin)
	case "npm", "yarn", "pnpm":
		i.Manager = tool
		return i, i.node(args[1:], rp, origin)
	case "go":
		i.Manager = "go"
		if len(args) < 3 || args[1] != "mod" || args[2] != "download" {
			return i, false
		}
		i.goFacts(st, rp, origin)
		return i, true
	}
	return i, false
}

func (i *Install) pip(args []string, rp *repo.Repo, origin func(string) (string, bool)) bool {
	if args[0] != "install" {
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
	i.Writes = append([]string{}, languages...)
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
		ctx, ok := origin(abs)
		if !ok {
			i.Unknown = f + " doesn't come from the build context"
			continue
		}
		if !i.place(abs, ctx) {
			i.Unknown = f + " is copied from another folder than the file before it"
		}
		req := rp.Requirements(ctx)
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

// place works out Dir and Ctx, the image folder and the context folder of the
// same contents, from one file that stands at abs and comes from ctx.
func (i *Install) place(abs, ctx string) bool {
	dir, from := path.Dir(abs), path.Dir(ctx)
	if rel, ok := strings.CutPrefix(abs, strings.TrimSuffix(i.Dir, "/")+"/"); ok {
		if up, ok := strings.CutSuffix("./"+ctx, "/"+rel); ok {
			dir, from = i.Dir, path.Clean(up)
		}
	}
	same := i.Ctx == "" || i.Ctx == from && i.Dir == dir
	i.Dir, i.Ctx = dir, from
	return same
}

// nodeFlags are install flags of npm, yarn and pnpm that don't change where or
// what is read.
var nodeFlags = map[string]bool{
	"--production": true, "--only=production": true, "--only=prod": true, "--omit=dev": true, "--include=dev": true, "--no-audit": true, "--no-fund": true, "--silent": true, "--quiet": true,
	"-s": true, "-q": true, "--no-optional": true, "--legacy-peer-deps": true, "--force": true, "-f": true, "--frozen-lockfile": true, "--pure-lockfile": true, "--immutable": true, "--prod": true, "-P": true,
	"--no-progress": true, "--non-interactive": true, "--ignore-scripts": true, "--prefer-offline": true, "--no-package-lock": true, "--unsafe-perm": true, "--loglevel=error": true, "--loglevel=warn": true,
	"--verbose": true, "--dev": true, "--production=true": true, "--production=false": true, "--network-timeout=100000": true, "--ignore-optional": true, "--ignore-engines": true, "--unsafe-perm=true": true, "--no-cache": true, "-D": true,
}

func (i *Install) node(args []string, rp *repo.Repo, origin func(string) (string, bool)) bool {
	verb := "install"
	rest := args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, rest = args[0], args[1:]
	}
	switch {
	case i.Manager == "npm" && (verb == "ci" || verb == "install" || verb == "i"):
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			return false
		}
	case i.Manager == "yarn" && verb == "install", i.Manager == "pnpm" && (verb == "install" || verb == "i"):
	default:
		return false
	}
	for _, a := range rest {
		switch {
		case a == "-g" || a == "--global" || !strings.HasPrefix(a, "-"):
			return false
		case !nodeFlags[a]:
			i.Unknown = i.Manager + " " + a + " may read or write other places"
		}
	}
	i.Writes = []string{path.Join(i.Dir, "node_modules"), "/root", "/tmp", "/usr/local/share", "/usr/local/bin"}
	ctx, ok := origin(path.Join(i.Dir, "package.json"))
	if !ok {
		i.Unknown = "package.json doesn't come from the build context"
		return true
	}
	i.Ctx = path.Dir(ctx)
	n := rp.Node(i.Ctx)
	if n == nil {
		i.Unknown = "there is no package.json in " + i.Ctx
		return true
	}
	files, unknown := n.InstallReads()
	i.Files = files
	if unknown != "" {
		i.Unknown = unknown
	}
	if i.Manager == "npm" && verb != "ci" || i.Manager == "yarn" && !slices.Contains(rest, "--frozen-lockfile") && !slices.Contains(rest, "--immutable") {
		i.Lock = n.Lock
		if n.Lock == "" && i.Manager == "npm" {
			i.Writes = append(i.Writes, path.Join(i.Dir, "package-lock.json"))
		}
		if n.Lock == "" && i.Manager == "yarn" {
			i.Writes = append(i.Writes, path.Join(i.Dir, "yarn.lock"))
		}
	}
	return true
}

func (i *Install) goFacts(st State, rp *repo.Repo, origin func(string) (string, bool)) {
	i.Writes = []string{"/go/pkg", "/root", "/tmp"}
	for _, k := range []string{"GOPATH", "GOMODCACHE", "GOCACHE"} {
		if v, ok := st.lookup().Get(k); ok && v != "" {
			p, ok := st.Abs(strings.Split(v, ":")[0])
			if !ok {
				i.Unknown = k + " is computed"
				return
			}
			i.Writes = append(i.Writes, p)
		}
	}
	ctx, ok := origin(path.Join(i.Dir, "go.mod"))
	if !ok {
		i.Unknown = "go.mod doesn't come from the build context"
		return
	}
	i.Ctx = path.Dir(ctx)
	g := rp.Go(i.Ctx)
	if g == nil || g.Err != nil {
		i.Unknown = "go.mod can't be read"
		return
	}
	i.Files = []string{path.Join(i.Ctx, "go.mod")}
	if g.Sum {
		i.Files = append(i.Files, path.Join(i.Ctx, "go.sum"))
	}
	switch {
	case len(g.LocalReplaces) > 0:
		i.Unknown = "go.mod replaces a module by " + g.LocalReplaces[0]
	case g.Work:
		i.Unknown = "go.work ties several modules together"
	case g.Vendor:
		i.Unknown = "the modules are vendored"
	}
}
