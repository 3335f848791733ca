package transforms

import (
	"context"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// copy-order copies the files that a dependency install reads before the
// install, and the rest of the code after it.
var _ = register(&rewrite.Transform{
	Name:    "copy-order",
	Summary: "Copy dependency files before the install and the code after it",
	Phase:   rewrite.PhaseOrder,
	Doc: `A COPY of the whole project in front of the dependency install makes every
change of any file run the install again
(https://docs.docker.com/build/cache/optimize/#order-your-layers).

The files that the install really reads (followed through -r and -c includes,
lock files, .npmrc) are copied first, then comes the install, then the COPY as
it was: everything it brought it still brings, to the same place. For Go, where
the build itself fetches the modules, go.mod and go.sum are copied first and
"go mod download" gets a layer of its own.

It moves a COPY only past instructions with which it commutes.`,
	Declines: `When the install reads more than that set: lifecycle scripts, local paths,
workspaces, local replaces, code generators; when the copied tree could
overwrite what the install wrote (node_modules without a .dockerignore entry);
or when something in between is not known.`,
	Assumes: `"npm install" with a lock file may rewrite the lock: package.json and the lock
agree. "go mod download": modules that the build doesn't need can be fetched too.`,
	Run: runCopyOrder,
})

func runCopyOrder(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !p.Repo.Known() {
		return nil, nil
	}
	for _, s := range p.Doc.Stages {
		for _, in := range s.Instructions {
			if in.Keyword != "run" {
				continue
			}
			eff := in.Effects(p.Repo, p.Name)
			for _, inst := range eff.Installs {
				if c, ok := installFirst(p, s, in, eff, inst); ok {
					return []rewrite.Change{c}, nil
				}
			}
			if c, ok := modulesFirst(p, s, in); ok {
				return []rewrite.Change{c}, nil
			}
		}
	}
	return nil, nil
}

// broadCopy is the COPY, or ADD of a folder, that brings the install's files together with more.
func broadCopy(p *rewrite.Pass, s *rewrite.Stage, in *rewrite.Instruction, file string) *rewrite.Instruction {
	_, by := s.Origin(in, file, p.Repo, p.Name)
	if by == nil || by.Stage != s || by.Index > in.Index {
		return nil
	}
	for _, src := range by.ContextSources() {
		if src == "." || p.Repo.IsDir(src) {
			return by
		}
	}
	return nil
}

// installFirst plans: COPY files, install, COPY all.
func installFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction, eff *rewrite.Effects, inst rewrite.Install) (c rewrite.Change, ok bool) {
	marker := path.Join(inst.Dir, "package.json")
	if len(inst.Files) > 0 {
		marker = imagePath(inst, inst.Files[0])
	}
	broad := broadCopy(p, s, run, marker)
	if broad == nil {
		return c, false
	}
	if eff.Unknown != "" {
		p.Decline(run, "stays behind COPY on line %d: %s", broad.Line, eff.Unknown)
		return c, false
	}
	settled := make([]string, 0, len(inst.Files))
	early := inst // with the files that no COPY above broad brings yet
	early.Files = nil
	for _, f := range inst.Files {
		if strings.HasPrefix(relFile(inst, f), "..") {
			p.Decline(run, "stays behind COPY on line %d: the install reads %s, outside its own folder", broad.Line, f)
			return c, false
		}
		at := imagePath(inst, f)
		if ctx, by := s.Origin(run, at, p.Repo, p.Name); ctx != f || by != broad {
			if by != nil && by != broad && ctx == f {
				continue // a COPY of its own brings it
			}
			p.Decline(run, "stays behind COPY on line %d: %s isn't brought by it", broad.Line, f)
			return c, false
		}
		settled = append(settled, at)
		if ctx, by := s.Origin(broad, at, p.Repo, p.Name); by == nil || by.Stage != s || ctx != f || rewritten(by, broad) {
			early.Files = append(early.Files, f)
		}
	}
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
	be := broad.Effects(p.Repo, p.Name)
	for in := broad.Next(); in != nil; in = in.Next() {
		oe := in.Effects(p.Repo, p.Name)
		if in == run { // the files are there by then, copied just above
			oe, com.Settled = eff, settled
		}
		if ok, why := com.Commute(be, oe); !ok {
			p.Decline(run, "stays behind COPY on line %d, which can't move below line %d: %s", broad.Line, in.Line, why)
			return c, false
		}
		if in == run {
			break
		}
	}
	copies, why := copyLines(p, s, run, broad, early)
	if why != "" {
		p.Decline(run, "stays behind COPY on line %d: %s", broad.Line, why)
		return c, false
	}
	c = rewrite.Change{
		Title: "copy " + strings.Join(inst.Files, ", ") + " before " + installName(inst) + ", the rest after it",
		Why:   "with all files copied first, every change of any file runs the install again",
		Gain:  "the install comes from the cache until its own files change",
		At:    broad,
		Edits: p.Doc.Move(broad, run),
	}
	if copies != "" {
		c.Edits = append(c.Edits, p.Doc.InsertBefore(run, copies))
	}
	if inst.Lock != "" {
		c.Safety, c.Assumes = rewrite.Assumes, inst.Lock+" agrees with package.json, so that the install doesn't rewrite it"
	}
	return c, true
}

// rewritten reports whether a RUN stands between two instructions, which may
// change what the first brought.
func rewritten(a, b *rewrite.Instruction) bool {
	for in := a.Next(); in != nil && in != b; in = in.Next() {
		if in.Keyword == "run" {
			return true
		}
	}
	return false
}

func installName(inst rewrite.Install) string {
	switch inst.Manager {
	case "pip":
		return "pip install"
	case "go":
		return "go mod download"
	}
	return strings.Join(inst.Command.Args[:min(2, len(inst.Command.Args))], " ")
}

// relFile is a context file relative to the folder that the install runs in.
func relFile(inst rewrite.Install, f string) string {
	if inst.Ctx == "." || inst.Ctx == "" {
		return f
	}
	if rel, ok := strings.CutPrefix(f, inst.Ctx+"/"); ok {
		return rel
	}
	return "../" + f
}

func imagePath(inst rewrite.Install, f string) string {
	return path.Join(inst.Dir, relFile(inst, f))
}

// copyLines writes a COPY for each folder of files, with the flags of the COPY
// that brought them so far.
func copyLines(p *rewrite.Pass, s *rewrite.Stage, run, broad *rewrite.Instruction, inst rewrite.Install) (string, string) {
	var flags []string
	for _, f := range broad.Flags {
		name, _, _ := strings.Cut(f.Text, "=")
		switch name {
		case "--chown", "--chmod", "--link":
			flags = append(flags, f.Text)
		default:
			return "", "its COPY has " + name
		}
	}
	keyword := keywordLike(broad, "COPY")
	byDir := map[string][]string{}
	var dirs []string
	for _, f := range inst.Files {
		dir := path.Dir(imagePath(inst, f))
		if strings.ContainsAny(f, " \t\"'$\\") {
			return "", "the file name " + f + " needs quoting"
		}
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], f)
	}
	var b strings.Builder
	for _, dir := range dirs {
		if dir != inst.Dir && len(flags) > 0 {
			return "", "its COPY sets the owner of folders"
		}
		dest := strings.TrimSuffix(dir, "/") + "/"
		if rel, ok := strings.CutPrefix(dest, strings.TrimSuffix(s.At(run).Workdir, "/")+"/"); ok {
			dest = "./" + rel
			if rel == "" && len(byDir[dir]) == 1 {
				dest = "."
			} else if rel != "" {
				dest = rel
			}
		}
		slices.Sort(byDir[dir])
		words := append(append([]string{keyword}, flags...), byDir[dir]...)
		b.WriteString(strings.Join(append(words, dest), " ") + "\n")
	}
	return b.String(), ""
}

// keywordLike writes a keyword in the case that the file uses.
func keywordLike(in *rewrite.Instruction, word string) string {
	if strings.HasPrefix(in.Text, strings.ToLower(in.Keyword)) {
		return strings.ToLower(word)
	}
	return word
}

// modulesFirst plans, for a Go build behind a COPY of the code: COPY go.mod
// go.sum, RUN go mod download, COPY all.
func modulesFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction) (c rewrite.Change, ok bool) {
	sh, why := run.Shell()
	if why != "" || !slices.ContainsFunc(sh.Commands(), goBuilds) {
		return c, false
	}
	st := s.At(run)
	if st.Workdir == "" {
		return c, false
	}
	broad := broadCopy(p, s, run, path.Join(st.Workdir, "go.mod"))
	if broad == nil {
		return c, false
	}
	for _, in := range s.Instructions {
		if in == run {
			break
		}
		if sh, why := in.Shell(); why == "" && slices.ContainsFunc(sh.Commands(), func(c rewrite.Command) bool {
			return c.Name == "go" && len(c.Args) > 1 && c.Args[1] != "env" && c.Args[1] != "version"
		}) {
			return c, false // modules are fetched, or built with, before
		}
	}
	ctx, _ := s.Origin(run, path.Join(st.Workdir, "go.mod"), p.Repo, p.Name)
	dir := path.Dir(ctx)
	g := p.Repo.Go(dir)
	decline := func(format string, a ...any) (rewrite.Change, bool) {
		p.Decline(run, "no module layer of its own: "+format, a...)
		return rewrite.Change{}, false
	}
	switch {
	case g == nil || g.Err != nil:
		return decline("%s can't be read", ctx)
	case g.Vendor:
		return c, false // nothing is downloaded
	case len(g.LocalReplaces) > 0:
		return decline("go.mod replaces a module by %s", g.LocalReplaces[0])
	case g.Work:
		return decline("go.work ties several modules together")
	case len(run.Mounts()) > 0:
		return c, false // caches or secrets are in use already
	case st.Env["GOFLAGS"] != "" || st.Env["GO111MODULE"] == "off" || st.Env["GOPRIVATE"] != "" || st.Env["GOPATH"] != "" && strings.Contains(st.Env["GOFLAGS"], "vendor"):
		return decline("GOFLAGS, GOPRIVATE or GO111MODULE is set")
	}
	if s.At(broad).Workdir != st.Workdir {
		return decline("the working directory changes behind the COPY")
	}
	for in := broad.Next(); in != nil && in != run; in = in.Next() {
		if in.Keyword == "run" && (strings.Contains(in.Text, "git config") || strings.Contains(in.Text, "netrc") || strings.Contains(in.Text, "go get") || strings.Contains(in.Text, "go mod") || strings.Contains(in.Text, "replace")) ||
			in.Keyword == "env" || in.Keyword == "arg" || in.Keyword == "user" {
			return decline("line %d may decide what is downloaded", in.Line)
		}
	}
	inst := rewrite.Install{Dir: st.Workdir, Ctx: dir, Files: []string{path.Join(dir, "go.mod")}}
	if g.Sum {
		inst.Files = append(inst.Files, path.Join(dir, "go.sum"))
	}
	for _, f := range inst.Files {
		if got, by := s.Origin(run, imagePath(inst, f), p.Repo, p.Name); got != f || by != broad {
			return c, false // copied before already
		}
	}
	copies, why := copyLines(p, s, broad, broad, inst)
	if why != "" {
		return decline("%s", why)
	}
	c = rewrite.Change{
		Title:  "download the Go modules before the code is copied",
		Why:    "the build behind COPY fetches every module again after any change of the code",
		Gain:   "modules come from the cache until go.mod or go.sum change",
		At:     broad,
		Edits:  []rewrite.Edit{p.Doc.InsertBefore(broad, copies+keywordLike(run, "RUN")+" go mod download\n")},
		Adds:   []string{"go mod download"},
		Safety: rewrite.Assumes, Assumes: "all modules of go.mod can be fetched, those that this build doesn't need included",
	}
	return c, true
}

func goBuilds(c rewrite.Command) bool {
	if c.Name != "go" || len(c.Args) < 2 {
		return false
	}
	return c.Args[1] == "build" || c.Args[1] == "install" || c.Args[1] == "test"
}
