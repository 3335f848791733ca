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

func foldersText(fs []folder) string {
	var names []string
	for _, f := range fs {
		names = append(names, f.path)
	}
	return strings.Join(names, ", ")
}

// foldersToGive lists the folders that the program must own; why tells what can't be
// given, and in where.
func foldersToGive(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction, a account) (out []folder, in *rewrite.Instruction, why string) {
	signs, why := p.Repo.WriteSigns(p.Name, holdsAny(start, scriptRunners), contextOf(p, s))
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
	if len(out) > 0 && !a.shell {
		return nil, start, out[0].why + "; " + s.BaseName() + " has no shell to make " + out[0].path + " for " + a.name
	}
	for i := range out {
		out[i].made, out[i].late = foundFolder(p, s, out[i].path)
		out[i].late = out[i].late || a.own
	}
	out = slices.DeleteFunc(out, func(f folder) bool { return a.owns(s, f.path) })
	if why := mounted(p, s, out); why != "" {
		return nil, start, why
	}
	return out, nil, ""
}

func addFolder(to []folder, f folder) []folder {
	if f.path == "" || slices.ContainsFunc(to, func(g folder) bool { return g.path == f.path }) {
		return to
	}
	return append(to, f)
}

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
	if w.Path == "" || w.Line == 0 {
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
		return f, fmt.Sprintf("%s; the copied %s belongs to root", w, held)
	}
	if !w.Dir {
		if in := mayMake(p, s); in != nil {
			return f, fmt.Sprintf("%s; the RUN in line %d may make it before, as root", w, in.Line)
		}
	}
	return f, ""
}

// imagePath is where the sign's path lies in the image.
func imagePath(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction, w repo.WriteSign) (abs, why string) {
	if !w.InContext {
		if m := leaves().FindString(start.Text); m != "" {
			return "", "the program is started by " + strings.TrimSpace(m) + ", so its working directory isn't known"
		}
		abs, ok := s.At(nil).Abs(w.Path)
		if !ok {
			return "", "the working directory isn't known"
		}
		return abs, ""
	}
	places := located(p, s, w.File)
	if len(places) != 1 {
		return "", fmt.Sprintf("where %s lies in the image isn't clear", w.File)
	}
	return path.Join(path.Dir(places[0]), relative(path.Dir(w.File), w.Path)), ""
}

// relative is the way from a folder of the context to a path of it.
func relative(from, to string) string {
	up := ""
	for ; from != "."; from = path.Dir(from) {
		if to == from || strings.HasPrefix(to, from+"/") {
			return path.Join(up, "./"+strings.TrimPrefix(to[len(from):], "/"))
		}
		up += "../"
	}
	return path.Join(up, to)
}

// leaves: starts that change the working directory, or the place of what is
// written.
var leaves = lazily(`\bcd\s|--chdir\b|--app-dir\b|--prefix\b|--cwd\b|-C\s|--workspace\b|--filter\b`)

// located lists the places of the image at which a file of the context lies.
func located(p *rewrite.Pass, s *rewrite.Stage, file string) (out []string) {
	if t := s.Parent(); t != nil {
		out = located(p, t, file)
	}
	for _, in := range s.Instructions {
		sources, dest, from, ok := in.Copy()
		if !ok {
			continue
		}
		if from == "" {
			brought, _ := in.Brings([]string{file}, p.Repo, p.Name)
			for _, b := range brought {
				out = append(out, b.Dest)
			}
			continue
		}
		t := p.Doc.StageByRef(from, s.Index)
		st := s.At(in)
		to, ok := st.Abs(st.Expand(dest))
		if t == nil || !ok {
			continue
		}
		for _, at := range located(p, t, file) {
			for _, src := range sources {
				if src = path.Clean("/" + src); rewrite.Inside(at, src) {
					switch rest := strings.TrimPrefix(at[len(strings.TrimSuffix(src, "/")):], "/"); {
					case rest != "":
						out = append(out, path.Join(to, rest))
					case strings.HasSuffix(dest, "/") || rewrite.Inside(st.Workdir, to):
						out = append(out, path.Join(to, path.Base(src)))
					default:
						out = append(out, to)
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inCopied reports whether a COPY of the stage fills a folder of its own that
// holds the path: /opt/app, not / or /usr.
func inCopied(p *rewrite.Pass, s *rewrite.Stage, dir string) bool {
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if _, dest, _, ok := in.Copy(); ok {
				st := s.At(in)
				to, ok := st.Abs(st.Expand(dest))
				if ok && rewrite.Inside(dir, to) && !rewrite.Stands(to, "") && !rewrite.Inside(to, "/usr") && !rewrite.Inside(to, "/etc") {
					return true
				}
			}
		}
	}
	return false
}

// foundFolder reports whether a folder is there without more, and whether files are
// copied to it or below it.
func foundFolder(p *rewrite.Pass, s *rewrite.Stage, dir string) (made, late bool) {
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			if in.Keyword == "workdir" {
				if abs, ok := t.At(in).Abs(t.At(in).Expand(in.Args.Text)); ok && rewrite.Inside(abs, dir) {
					made, late = true, true
				}
				continue
			}
			_, dest, _, ok := in.Copy()
			if !ok {
				continue
			}
			st := t.At(in)
			to, ok := st.Abs(st.Expand(dest))
			switch {
			case !ok || rewrite.Inside(to, dir): // files land in it, or below it
				late = true
				made = made || ok && (to != dir || strings.HasSuffix(dest, "/"))
			case rewrite.Inside(dir, to): // the tree that lands around it may hold it
				late = late || copiesFolder(p, t, in, dir, to)
			}
		}
	}
	return made, late
}

// copiesFolder reports whether a COPY to folder to may bring dir, which lies below it.
func copiesFolder(p *rewrite.Pass, s *rewrite.Stage, in *rewrite.Instruction, dir, to string) bool {
	if _, _, from, _ := in.Copy(); from != "" {
		return true
	}
	files, complete := p.Repo.Files()
	if !complete {
		return true
	}
	brought, why := in.Brings(files, p.Repo, p.Name)
	return why != "" || slices.ContainsFunc(brought, func(b rewrite.Brought) bool { return rewrite.Inside(b.Dest, dir) })
}

// gitKeepers keep an empty folder in git.
var gitKeepers = words(`.gitkeep .keep .gitignore .empty .placeholder`)

// holdsFile names a copied file at the path, or with folder one below it.
func holdsFile(p *rewrite.Pass, s *rewrite.Stage, abs string, folder bool) string {
	files, _ := p.Repo.Files()
	for _, f := range files {
		if gitKeepers[path.Base(f)] {
			continue
		}
		if base := path.Base(f); !folder && base != path.Base(abs) || folder && !strings.Contains("/"+f, "/"+path.Base(abs)+"/") {
			continue
		}
		for _, at := range located(p, s, f) {
			if at == abs || folder && rewrite.Inside(at, abs) {
				return f
			}
		}
	}
	return ""
}

// projectCode: RUNs that run code of the project, or make files by name.
var projectCode = lazily(`\b(manage\.py|flask|alembic|prisma|sqlite3|sequelize|knex|typeorm|migrate|migrations?|dotnet ef|touch|createdb|init_db|seed)\b|\b(python[0-9.]*|node|ts-node) +(-c|-e|[\w./-]+\.(py|js|ts|mjs|cjs))\b`)

// mayMake is a RUN, of the stage or of one that it copies files from, that may
// run the program or make its files.
func mayMake(p *rewrite.Pass, s *rewrite.Stage) *rewrite.Instruction {
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			if in.Keyword == "run" && projectCode().MatchString(in.Args.Text) {
				return in
			}
			if _, _, from, ok := in.Copy(); ok && from != "" {
				if other := p.Doc.StageByRef(from, t.Index); other != nil {
					if in := mayMake(p, other); in != nil {
						return in
					}
				}
			}
		}
	}
	return nil
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
