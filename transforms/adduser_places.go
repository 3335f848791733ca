package transforms

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Where what the program writes lies in the image, and what is there before.

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

// mayHold reports whether a file of the context may lie in the image.
func mayHold(p *rewrite.Pass, s *rewrite.Stage, file string) bool {
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			sources, dest, from, ok := in.Copy()
			if ok && (from == "" || strings.ContainsAny(strings.Join(sources, "")+dest, "$*?[")) {
				return true
			}
		}
	}
	return len(located(p, s, file)) > 0
}

// alone is the COPY of the stage that brings a file of the context and nothing else, so
// that it can give the file its owner without giving away more.
func alone(s *rewrite.Stage, file string) (only *rewrite.Instruction) {
	for _, in := range s.Instructions {
		sources, _, from, ok := in.Copy()
		if !ok || from != "" || !slices.ContainsFunc(in.ContextSources(), func(c string) bool { return c == "." || c == file || strings.HasPrefix(file, c+"/") }) {
			continue
		}
		_, owned := in.Flag("chown")
		if only != nil || owned || in.Keyword != "copy" || len(sources) != 1 || rewrite.ContextPath(sources[0]) != file {
			return nil
		}
		only = in
	}
	return only
}
