package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
)

// Which folders there are in the image, so that a file that is copied to one lands in it.

// findsFolder reports whether an earlier WORKDIR, COPY, ADD or mkdir makes abs a
// folder: a file that is copied there lands in it.
func (in *Instruction) findsFolder(abs string, rp *repo.Repo, name string) bool {
	made := false
	for s := in.Stage; s != nil; s = s.Parent() {
		for _, i := range s.Instructions {
			if i == in {
				break
			}
			if w, ok := i.Cmd.(*instructions.WorkdirCommand); ok {
				st := s.At(i)
				if p, ok := st.Abs(st.Expand(w.Path)); ok && Inside(p, abs) {
					return true
				}
			} else if i.makesFolder(s.At(i), abs, rp, name) || i.bringsFolder(s.At(i), abs, rp, name) {
				return true
			} else if i.Keyword == "run" && strings.Contains(i.Text, path.Base(abs)) {
				made = i.mkdirs(abs, made)
			}
		}
		if made {
			return true
		}
	}
	return false
}

// mkdirs tells whether there is a folder at abs behind a RUN that is read command
// by command; was tells it of the place in front.
func (in *Instruction) mkdirs(abs string, was bool) bool {
	steps, _ := in.Steps()
	for _, st := range steps {
		for _, a := range st.Args[min(1, len(st.Args)):] {
			if !strings.HasPrefix(a, "/") && st.Dir != "" {
				a = path.Join(st.Dir, a)
			}
			switch a = path.Clean(a); {
			case st.Name == "mkdir":
				was = was || Inside(a, abs) && !strings.ContainsAny(a, "$`*?[{")
			case a == abs || Inside(abs, a):
				was = was && st.Name != "rm" && st.Name != "rmdir" && st.Name != "mv"
			}
		}
	}
	return was
}

// makesFolder reports whether a COPY or ADD surely leaves a folder at abs.
func (in *Instruction) makesFolder(st State, abs string, rp *repo.Repo, name string) bool {
	_, dest, _, ok := in.Copy()
	if !ok {
		return false
	}
	dest = st.Expand(dest)
	p, ok := st.Abs(dest)
	switch {
	case !ok || !Inside(p, abs):
		return false
	case p != abs || strings.HasSuffix(dest, "/"):
		return true
	}
	return len(in.folders(st, rp, name)) > 0
}

// bringsFolder reports whether a COPY or ADD copies a folder of the build context to abs,
// within another one.
func (in *Instruction) bringsFolder(st State, abs string, rp *repo.Repo, name string) bool {
	_, dest, _, ok := in.Copy()
	p, known := st.Abs(st.Expand(dest))
	if !ok || !known || p == abs || !Inside(abs, p) || in.picks() {
		return false
	}
	ignore := rp.Ignore(name)
	return slices.ContainsFunc(in.folders(st, rp, name), func(n string) bool {
		t := Tree{Dest: p, Ctx: n, Dir: true}
		c, ok := t.ctxPath(abs)
		return ok && rp.IsDir(c) && t.stands(c, rp, ignore)
	})
}

// folders are the folders of the build context whose contents a COPY or ADD copies.
func (in *Instruction) folders(st State, rp *repo.Repo, name string) (out []string) {
	sources, _, from, _ := in.Copy()
	if from != "" {
		return nil
	}
	for _, s := range sources {
		s = st.Expand(s)
		if !repo.Wild(s) {
			if n := ContextPath(s); rp.IsDir(n) {
				out = append(out, n)
			}
			continue
		}
		for _, n := range matched(s, rp, name) {
			if rp.IsDir(n) && !astray(s, n, rp) {
				out = append(out, n)
			}
		}
	}
	return out
}
