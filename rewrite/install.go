package rewrite

import (
	"path"
	"strings"

	"drydock/repo"
)

// Install is a command that installs the project's declared dependencies.
type Install struct {
	Name    string // as people call it: "npm ci"
	Command Command
	Dir     string // image directory it runs in
	Ctx     string // the context directory that is copied to Dir, "." for the root
	// Files are the context files it reads; exact unless Unknown says why not.
	Files   []string
	Unknown string
	Reads   []string // image paths that it looks for besides Files, whether they are there today or not
	Writes  []string // image paths that it writes; the caches of the home directory aside
	Assumes string   // what must hold for it to read no more than Files and change none of them, in words; "" for nothing
}

// manager is a package manager that installs what a project declares. Each has
// a file of its own, install_NAME.go.
type manager struct {
	tools []string // names of its program
	// install reads a command into i; false for anything but an install of the
	// project, installs of named packages included.
	install func(i *Install, c installCall) bool
}

// installCall is a command with where it runs.
type installCall struct {
	args   []string // from the program's own name on: python -m pip is pip
	st     State
	repo   *repo.Repo
	origin func(p string) (ctx string, ok bool) // the context path whose bytes stand at a path of the image
}

// managers are all there are, by name of their program.
var managers = map[string]*manager{}

func registerManager(m *manager) *manager {
	for _, t := range m.tools {
		managers[t] = m
	}
	return m
}

// install recognises a project install among a RUN's commands; ok is false for
// anything else.
func (in *Instruction) install(c Command, st State, rp *repo.Repo, name string) (Install, bool) {
	call := installCall{args: c.Args, st: st, repo: rp, origin: func(p string) (string, bool) {
		ctx, by := in.Stage.Origin(in, p, rp, name)
		return ctx, by != nil
	}}
	if a := call.args; len(a) > 3 && strings.HasPrefix(c.Name, "python") && a[1] == "-m" {
		call.args = a[2:]
	}
	m := managers[path.Base(call.args[0])]
	if m == nil {
		return Install{}, false
	}
	i := Install{Command: c, Dir: st.Workdir}
	if !m.install(&i, call) {
		return i, false
	}
	if i.Name == "" {
		i.Name = strings.Join(c.Args[:min(2, len(c.Args))], " ")
	}
	return i, true
}

// At is where a context file stands in the image, as Dir and Ctx have it.
func (i *Install) At(file string) string {
	if i.Ctx == "." || i.Ctx == "" {
		return path.Join(i.Dir, file)
	}
	up, dir := i.Dir, i.Ctx
	for dir != "." {
		if rel, ok := strings.CutPrefix(file, dir+"/"); ok {
			return path.Join(up, rel)
		}
		up, dir = path.Dir(up), path.Dir(dir)
	}
	return path.Join(up, file)
}

// keep notes those of files that the image holds where they are looked for; a
// tool does without the others, or fails today.
func (i *Install) keep(c installCall, files []string) {
	for _, f := range files {
		switch ctx, ok := c.origin(i.At(f)); {
		case !ok:
		case ctx != f:
			i.Unknown = i.At(f) + " isn't the " + f + " of the build context"
		default:
			i.Files = append(i.Files, f)
		}
	}
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
