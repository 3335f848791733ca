package transforms

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
	"drydock/rewrite"
)

// The folders that the program writes to, where its source tells them all: they
// are given to the user, one by one. Never what lies in them: chown -R over
// copied files stores them a second time.

// folder is one to give away.
type folder struct {
	path string // absolute
	made bool   // it is there already
	late bool   // files are copied to it or below it: what a COPY makes is root's again
	why  string
	copy *rewrite.Instruction // a COPY that brings just the file that is written

	trees []*rewrite.Instruction // COPYs that bring all that lies in it
}

// giving are the commands that make folders and give them away.
func giving(fs []folder, owner string) (out []string) {
	var all, missing []string
	for _, f := range fs {
		all = append(all, f.path)
		if !f.made {
			missing = append(missing, f.path)
		}
	}
	if len(missing) > 0 {
		out = append(out, "mkdir -p "+strings.Join(missing, " "))
	}
	if len(all) > 0 {
		out = append(out, "chown "+owner+" "+strings.Join(all, " "))
	}
	return out
}

// foldersText names folders for people.
func foldersText(fs []folder) string {
	var names []string
	for _, f := range fs {
		names = append(names, f.path)
	}
	return strings.Join(names, ", ")
}

// foldersToGive lists the folders that the program must own; why tells what can't be
// given, and in where.
func foldersToGive(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction, a account, made []madeFolder) (out []folder, in *rewrite.Instruction, why string) {
	signs, why := p.Repo.WriteSigns(scanOf(p, s, start))
	if why != "" {
		return nil, start, why
	}
	for _, sign := range signs {
		f, why := folderFor(p, s, start, sign, a)
		if why != "" {
			return nil, start, why
		}
		out = addFolder(out, f)
	}
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			if in.Keyword != "volume" {
				continue
			}
			dirs, why := volumeFolders(p, s, in)
			if why != "" {
				return nil, in, why
			}
			for _, f := range dirs {
				out = addFolder(out, f)
			}
		}
	}
	for _, m := range made {
		if m.onlyMakes(p, s) {
			out = addFolder(out, folder{path: m.path, why: fmt.Sprintf("line %d makes it for the program", m.in.Line)})
		}
	}
	if len(out) > 0 && !a.shell {
		return nil, start, out[0].why + "; " + s.BaseName() + " has no shell to make " + out[0].path + " for " + a.name
	}
	for i := range out {
		out[i].made, out[i].late = foundFolder(p, s, out[i].path)
		run := slices.ContainsFunc(made, func(m madeFolder) bool { return m.path == out[i].path && m.onlyMakes(p, s) })
		out[i].made, out[i].late = out[i].made || run, out[i].late || a.own || run
	}
	out = slices.DeleteFunc(out, func(f folder) bool { return a.owns(s, f.path) })
	if why := mounted(p, s, out); why != "" {
		return nil, start, why
	}
	return out, nil, ""
}

// onlyMakes: the last RUN of the stage makes the folder, below the working directory, and
// nothing in it, nor does a COPY bring something there.
func (m madeFolder) onlyMakes(p *rewrite.Pass, s *rewrite.Stage) bool {
	wd := s.At(nil).Workdir
	if _, brought := s.Trace(m.path, p.Repo, p.Name); brought {
		return false
	}
	sh, why := m.in.Shell()
	if why != "" || m.in.Stage != s || m.path == wd || wd == "/" || !rewrite.Inside(m.path, wd) {
		return false
	}
	for in := m.in.Next(); in != nil; in = in.Next() {
		if in.Keyword == "run" {
			return false
		}
	}
	return !slices.ContainsFunc(sh.Commands(), func(c rewrite.Command) bool { return c.Name != "mkdir" && c.Name != "chmod" })
}

func addFolder(to []folder, f folder) []folder {
	i := slices.IndexFunc(to, func(g folder) bool { return g.path == f.path })
	switch {
	case f.path == "":
		return to
	case i < 0:
		return append(to, f)
	case to[i].copy == nil:
		to[i].copy = f.copy
	}
	return to
}

// scanOf says which source the image can run.
func scanOf(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction) repo.SourceScan {
	o := repo.SourceScan{Dockerfile: p.Name, Scripts: holdsAny(start, scriptRunners), Sources: contextOf(p, s)}
	img := s.At(nil).Base
	small := !img.Shell || strings.Contains(img.Tag, "slim") || strings.Contains(img.Tag, "alpine") || img.Distro == "alpine"
	o.NoNode = small && !strings.Contains(img.Repository, "node")
	o.NoPython = small && !strings.Contains(img.Repository, "python")
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			o.NoNode = o.NoNode && !runsNode().MatchString(in.Text)
			o.NoPython = o.NoPython && !runsPython().MatchString(in.Text)
		}
	}
	return o
}

var runsNode = lazily(`(?i)\b(node|nodejs|npm|npx|nvm|yarn|pnpm|bun|deno|js)\b`)

var runsPython = lazily(`(?i)\b(python|pip|py)|\.py\b`)

// contextOf lists what of the context gets into the stage or into one that it
// copies from; nil when that isn't known.
func contextOf(p *rewrite.Pass, s *rewrite.Stage) (out []string) {
	seen := map[*rewrite.Stage]bool{}
	var add func(*rewrite.Stage)
	add = func(t *rewrite.Stage) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		add(t.Parent())
		for _, in := range t.Instructions {
			out = append(out, in.ContextSources()...)
			if _, _, from, ok := in.Copy(); ok && from != "" {
				add(p.Doc.StageByRef(from, t.Index))
			}
			for _, m := range in.Mounts() {
				if m["from"] != "" {
					add(p.Doc.StageByRef(m["from"], t.Index))
				}
			}
		}
	}
	add(s)
	if slices.ContainsFunc(out, func(c string) bool { return strings.Contains(c, "$") }) {
		return nil
	}
	return out
}

// folderFor is the folder that one sign asks for; none for what may be written anyway.
func folderFor(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction, w repo.WriteSign, a account) (f folder, why string) {
	if w.Line == 0 && w.Kind == repo.WriteSQLite && !mayHold(p, s, w.File) {
		return f, ""
	}
	if w.Path == "" || w.Line == 0 && w.Kind != repo.WriteSQLite {
		return f, w.String()
	}
	abs, why := imagePath(p, s, start, w)
	if why != "" {
		return f, w.String() + "; " + why
	}
	f = folder{path: path.Dir(abs), why: w.String()}
	if w.Dir && !w.Fresh {
		f.path = abs
	}
	if rewrite.Inside(f.path, "/tmp") || rewrite.Inside(f.path, "/var/tmp") || rewrite.Inside(f.path, "/dev") || a.home != "" && rewrite.Inside(f.path, a.home) && f.path != a.home {
		return folder{}, ""
	}
	st := s.At(nil)
	if st.Workdir == "" || st.Workdir == "/" || !rewrite.Inside(f.path, st.Workdir) && !inCopied(p, s, f.path) {
		return f, fmt.Sprintf("%s; %s lies outside of the app's folder", w, f.path)
	}
	if !plainPath().MatchString(f.path) {
		return f, w.String()
	}
	if held := holdsFile(p, s, abs, w.Dir && !w.Fresh); held != "" {
		if f.copy = alone(s, held); f.copy == nil || w.Dir || a.own {
			return f, fmt.Sprintf("%s; the copied %s belongs to root", w, held)
		}
	}
	if !w.Dir {
		if in := mayMake(p, s); in != nil {
			return f, fmt.Sprintf("%s; the RUN in line %d may make it before, as root", w, in.Line)
		}
	}
	return f, ""
}

// volumeFolders are the folders that a VOLUME names: a new volume takes the owner that
// its folder has in the image (https://docs.docker.com/engine/storage/volumes/#populate-a-volume-using-a-container).
func volumeFolders(p *rewrite.Pass, s *rewrite.Stage, in *rewrite.Instruction) (out []folder, why string) {
	v, ok := in.Cmd.(*instructions.VolumeCommand)
	if !ok || in.Stage != s {
		return nil, "a VOLUME keeps the owner that it was made with"
	}
	st := s.At(in)
	for _, name := range v.Volumes {
		dir, ok := st.Abs(st.Expand(name))
		switch {
		case ok && (dir == "/tmp" || rewrite.Inside(dir, "/tmp/")):
			continue // it is open to everyone
		case !ok || !plainPath().MatchString(dir) || !strings.HasPrefix(name, "/"):
			return nil, "the path of VOLUME " + name + " isn't known"
		case rewrite.Stands(dir, "") || slices.ContainsFunc([]string{"/etc", "/usr", "/root", "/run", "/var/run", "/proc", "/sys", "/dev", "/bin", "/lib", "/boot"}, func(d string) bool { return rewrite.Inside(dir, d) }):
			return nil, "VOLUME " + name + " is a folder of the system, which stays root's"
		}
		if held := holdsFile(p, s, dir, true); held != "" {
			return nil, fmt.Sprintf("the copied %s in VOLUME %s belongs to root", held, name)
		}
		below := false
		for _, i := range s.Instructions {
			switch i.Keyword {
			case "run":
				if strings.Contains(strings.TrimSuffix(i.Text, dir), dir) && !onlyMakes(i, dir) {
					return nil, fmt.Sprintf("the RUN in line %d may put files of root into VOLUME %s", i.Line, name)
				}
			case "copy", "add":
				if _, dest, _, _ := i.Copy(); i.Index > in.Index {
					to, ok := s.At(i).Abs(s.At(i).Expand(dest))
					below = below || !ok || rewrite.Inside(to, dir) || rewrite.Inside(dir, to) && to != "/"
				}
			}
		}
		if below {
			return nil, "a COPY below VOLUME " + name + " may put files into it"
		}
		out = append(out, folder{path: dir, why: fmt.Sprintf("VOLUME in line %d names it", in.Line)})
	}
	return out, ""
}

// onlyMakes reports whether a RUN names a folder in mkdir and chown alone.
func onlyMakes(in *rewrite.Instruction, dir string) bool {
	sh, why := in.Shell()
	if why != "" {
		return false
	}
	for _, c := range sh.Commands() {
		if c.Name == "mkdir" || c.Name == "chown" {
			continue
		}
		for _, w := range c.Words {
			if strings.Contains(sh.Text[w.Start:w.End], dir) {
				return false
			}
		}
	}
	return true
}

var plainPath = lazily(`^(/[A-Za-z0-9._-]+)+$`)
