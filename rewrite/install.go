package rewrite

import (
	"fmt"
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
	// Files are the context files it reads, and folders that it reads as a whole;
	// exact unless Unknown says why not.
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
	vars  []string // beginnings of the variables that it goes by, those of harmless and folders aside
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
	ran    func(tool string) []Command          // commands of a tool that ran before, in the stages below too
	// mentions: an instruction above, in this stage or those it is built from, holds a word.
	mentions func(word string) bool
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
	}, ran: func(tool string) []Command { return in.ran(c, tool) }, mentions: in.above}
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
		i.Name = strings.Join(call.args[:min(2, len(call.args))], " ")
	}
	writes, unknown := m.variables(st)
	i.Writes = append(i.Writes, writes...)
	if unknown != "" {
		i.unknown("%s", unknown)
	}
	return i, true
}

// unknown notes the first reason why it can't be known what is read.
func (i *Install) unknown(format string, args ...any) {
	if i.Unknown == "" {
		i.Unknown = fmt.Sprintf(format, args...)
	}
}

// ran lists the commands of a tool that come before c: in the instruction, in
// those above, and in the stages that this one is built from.
func (in *Instruction) ran(c Command, tool string) (out []Command) {
	for s := in.Stage; s != nil; s = s.Parent() {
		for _, i := range s.Instructions {
			sh, why := i.Shell()
			if s == in.Stage && i.Index > in.Index {
				break
			}
			if why != "" || i.Keyword != "run" {
				continue
			}
			for _, o := range sh.Commands() {
				if i == in && o.Call == c.Call {
					break
				}
				if len(o.Args) > 0 && path.Base(o.Args[0]) == tool {
					out = append(out, o)
				}
			}
		}
	}
	return out
}

// brings finds the file that the install goes by in its folder and sets Ctx;
// false, with the reason, where it doesn't come from the build context.
func (i *Install) brings(c installCall, name string) bool {
	abs := path.Join(i.Dir, name)
	ctx, ok := c.origin(abs)
	if !ok || path.Base(ctx) != path.Base(name) || !c.repo.Exists(ctx) {
		i.unknown("%s doesn't come from the build context", name)
		return false
	}
	i.Ctx = path.Dir(ctx)
	return true
}

// writesTo notes the folders that variables name, where they are set.
func (i *Install) writesTo(st State, vars ...string) {
	for _, k := range vars {
		v, ok := st.lookup().Get(k)
		if !ok || v == "" {
			continue
		}
		p, ok := st.Abs(v)
		if !ok {
			i.unknown("%s is computed", k)
		}
		i.Writes = append(i.Writes, p)
	}
}

// looksFor notes files of the install's folder that it reads when they are there.
func (i *Install) looksFor(names ...string) {
	for _, n := range names {
		i.Reads = append(i.Reads, path.Join(i.Dir, n))
	}
}

// take notes what an install reads and writes; manifest is what its lock file
// has to agree with, unless a frozen one may not be rewritten.
func (i *Install) take(c installCall, facts repo.InstallFacts, manifest string, frozen bool) {
	lock := ""
	for _, f := range facts.Files {
		if _, ok := c.origin(i.At(f)); !ok {
			i.Reads = append(i.Reads, i.At(f)) // .dockerignore leaves it out
			continue
		}
		i.Files = append(i.Files, f)
		if f == facts.Lock {
			lock = f
		}
	}
	for _, f := range facts.Looks {
		i.Reads = append(i.Reads, i.At(f))
	}
	for _, f := range facts.Writes {
		i.Writes = append(i.Writes, i.At(f))
	}
	switch {
	case lock == "":
		i.Writes = append(i.Writes, i.At(facts.NewLock))
	case !frozen:
		i.Assumes = lock + " agrees with " + manifest + ", so that the install doesn't rewrite it"
	}
}

// above reports whether an instruction above, or this one, holds a word.
func (in *Instruction) above(word string) bool {
	for s, last := in.Stage, in; s != nil; s, last = s.Parent(), nil {
		for _, i := range s.Instructions {
			if strings.Contains(i.Text, word) {
				return true
			}
			if i == last {
				break
			}
		}
	}
	return false
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
