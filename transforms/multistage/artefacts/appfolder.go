package artefacts

import (
	"path"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Folder is the plan of interpreted languages: the application's folder, and
// the folders that its packages are installed in, are copied from the build
// stage to the same paths.
type Folder struct {
	*split.Split
	AppDir string               // folder of the application in the image
	Others []string             // folders of packages
	Last   *rewrite.Instruction // the last RUN that builds
	Owner  string               // whom a chown gives the folder to
}

// inside: a path below the application's folder or one of the others.
func (a *Folder) inside(p string) bool {
	if rewrite.Inside(p, a.AppDir) {
		return true
	}
	for _, o := range a.Others {
		if rewrite.Inside(p, o) {
			return true
		}
	}
	return false
}

// Place decides where COPY, ADD and file commands up to the last build step
// go: what lands in a folder that is copied comes with it, the rest is repeated.
// skip tells RUNs that have their role already.
func (a *Folder) Place(skip func(*rewrite.Instruction) bool) bool {
	for _, in := range a.Stage.Instructions {
		if in.Index > a.Last.Index {
			break
		}
		isCopy := in.Keyword == "copy" || in.Keyword == "add"
		if in.Keyword == "run" && a.Roles[in] == split.InBuild && !a.Chowns(in) {
			return false
		}
		if !isCopy && (in.Keyword != "run" || a.Roles[in] != split.InBoth || skip(in)) {
			continue
		}
		trees, writes, why := a.Touched(in)
		if why != "" {
			return a.Decline(in, "whether it changes %s isn't known: %s", a.AppDir, why)
		}
		for _, t := range trees {
			writes = append(writes, t.Dest)
		}
		within, beside := 0, 0
		for _, w := range writes {
			switch {
			case a.inside(w):
				within++
			case isCopy && rewrite.Inside(a.AppDir, w):
				return a.Decline(in, "it copies to %s, above %s", w, a.AppDir)
			default:
				beside++
			}
		}
		switch {
		case within > 0 && a.OwnsFolder(in):
		case within > 0 && beside > 0:
			return a.Decline(in, "it changes %s and folders beside it", a.AppDir)
		case within > 0:
			a.Roles[in] = split.InBuild
			if !a.Chowns(in) {
				return false
			}
		}
	}
	return true
}

// OwnsFolder: a RUN that makes the folder for a user before anything lies in it.
// The runtime stage repeats it, since COPY would make the folder root's.
func (a *Folder) OwnsFolder(in *rewrite.Instruction) bool {
	if in.Keyword != "run" {
		return false
	}
	sh, _ := in.Shell()
	for _, c := range sh.Commands() {
		if !cmdline.Accounts[c.Name] {
			return false
		}
	}
	for _, before := range a.Stage.Instructions {
		if before.Index < in.Index && (before.Keyword == "copy" || before.Keyword == "add" || before.Keyword == "run" && a.Roles[before] == split.InBuild) {
			return false
		}
	}
	return true
}

// Chowns notes the owner that a RUN gives to the folder itself: COPY --from
// keeps the owners of what lies in it, not of the folder.
func (a *Folder) Chowns(in *rewrite.Instruction) bool { return a.TakesOwner(in, cmdline.Recursive) }

// TakesOwner is chowns for the calls of chown that whole accepts: those that
// give away all that lies in the folder too.
func (a *Folder) TakesOwner(in *rewrite.Instruction, whole func(rewrite.Step) bool) bool {
	if in.Keyword != "run" {
		return true
	}
	all, _ := in.Steps()
	for _, st := range all {
		words := cmdline.Operands(st)
		if st.Name != "chown" && st.Name != "chmod" && st.Name != "chgrp" || len(words) < 2 {
			continue
		}
		for _, w := range words[1:] {
			if cmdline.Abs(st.Dir, w) != a.AppDir {
				continue
			}
			if st.Name != "chown" || !whole(st) || a.Owner != "" && a.Owner != words[0] || strings.ContainsAny(words[0], "$`") {
				return a.Decline(in, "it changes owner or mode of %s itself, which COPY --from doesn't keep", a.AppDir)
			}
			a.Owner = words[0]
		}
	}
	return true
}

// CopyFolder puts the COPY of the application's folder where the last build
// step stood. With an owner it goes above the WORKDIR that would make the
// folder root's.
func (a *Folder) CopyFolder() {
	line := a.CopyFrom(a.AppDir, a.AppDir)
	if a.Owner != "" {
		line = strings.Replace(line, " "+a.AppDir, " --chown="+a.Owner+" "+a.AppDir, 1)
		for _, in := range a.Stage.Instructions {
			if in.Keyword == "workdir" && in.Index < a.Last.Index {
				if next := in.Next(); next != nil && rewrite.Inside(a.Stage.At(next).Workdir, a.AppDir) {
					a.Ahead[in] = append(a.Ahead[in], line)
					return
				}
			}
		}
	}
	a.Instead[a.Last] = append(a.Instead[a.Last], line)
}

// Within: every path that file commands name lies in one of the folders.
func (a *Folder) Within(st rewrite.Step) bool {
	named := false
	for _, w := range st.Args[1:] {
		if strings.HasPrefix(w, "-") || !named && (st.Name == "chown" || st.Name == "chmod" || st.Name == "chgrp") {
			named = named || !strings.HasPrefix(w, "-")
			continue
		}
		if strings.ContainsAny(w, "$`~") || !a.inside(path.Clean(cmdline.Abs(st.Dir, w))) {
			return false
		}
	}
	return true
}

// Step is a command of a RUN, with that RUN.
type Step struct {
	In   *rewrite.Instruction
	Step rewrite.Step
}
