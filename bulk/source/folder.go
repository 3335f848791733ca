package source

// Folders. A repository is a whole: nothing below one is looked at, unless it is the
// source itself; there, repositories of others that lie in it are found too.
//
// Outside of git a project is the top-most folder that holds a Dockerfile, or files
// and, in a folder such as docker or deploy, a Dockerfile, and no git repository.
// Links to folders aren't followed, so that none is found twice and no loop is walked.

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"drydock/bulk/git"
	"drydock/said"
)

// skipped are folders that are never searched: version control and other people's code.
var skipped = []string{".git", ".hg", ".svn", "node_modules", "vendor"}

// holders are folders in which a project keeps its Dockerfiles.
var holders = []string{
	".docker", "build", "ci", "container", "containers", "deploy", "deployment", "deployments", "docker", "dockerfiles", "ops",
}

// folder is one source that is walked.
type folder struct {
	*finder
	top    string // absolute
	prefix string // before the names
	around string // the work tree in which the source lies
}

// folder finds the repositories of a folder. A name gives what they are called by;
// without one it is the path below the folder.
func (f *finder) folder(dir, name string) error {
	top, err := real(dir)
	if err != nil {
		return err
	}
	w := folder{finder: f, top: top, prefix: name, around: workTreeAround(top)}
	return w.walk(top, true)
}

// workTreeAround finds the work tree in which a folder lies, "" when there is none.
func workTreeAround(dir string) string {
	for up := filepath.Dir(dir); ; up = filepath.Dir(up) {
		if kind, _ := git.Look(up); kind != git.NoRepository && kind != git.BareRepository {
			return up
		}
		if up == filepath.Dir(up) {
			return ""
		}
	}
}

func (w folder) walk(dir string, top bool) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	kind, main := git.Look(dir)
	if kind != git.NoRepository {
		if err := w.repository(dir, kind, main, top); err != nil || !top || kind == git.BareRepository {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return w.found(Repo{Dir: dir, Err: unreadable(dir, err)})
	}
	if kind == git.NoRepository {
		if found, err := w.project(dir, entries); err != nil || found {
			return err
		}
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(skipped, e.Name()) {
			if err := w.walk(filepath.Join(dir, e.Name()), false); err != nil {
				return err
			}
		}
	}
	return nil
}

func unreadable(dir string, err error) error {
	if e, ok := err.(*fs.PathError); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: the folder can't be read: %w", said.Printable(dir), err)
}

// repository gives a git repository.
func (w folder) repository(dir string, kind git.Kind, main string, top bool) error {
	r := Repo{Dir: dir}
	switch {
	case kind == git.Submodule && !top:
		r.Skip = "the checkout of a submodule: its own repository is the one to change"
	case kind == git.Linked && w.finds(main):
		r.Skip = "a linked work tree: its main repository is in the run"
	case kind == git.Linked && w.mains[main]:
		r.Skip = "a linked work tree: another one of the same repository is in the run"
	case kind == git.Linked:
		if w.mains == nil {
			w.mains = map[string]bool{}
		}
		w.mains[main] = true
	}
	return w.found(r)
}

// finds tells whether the repository whose .git (or bare) folder is main is in the run by
// one of the folders that are sources.
func (w folder) finds(main string) bool {
	dir := main
	if kind, _ := git.Look(main); kind != git.BareRepository || filepath.Base(main) == ".git" {
		dir = filepath.Dir(main)
	}
	if kind, _ := git.Look(dir); kind != git.WorkTree && kind != git.BareRepository {
		return false
	}
	return slices.ContainsFunc(w.tops, func(top string) bool {
		if dir == top {
			return true
		}
		rel, err := filepath.Rel(top, dir)
		if err != nil || !filepath.IsLocal(rel) {
			return false
		}
		if slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(p string) bool { return slices.Contains(skipped, p) }) {
			return false
		}
		for up := filepath.Dir(dir); up != top; up = filepath.Dir(up) {
			if kind, _ := git.Look(up); kind != git.NoRepository {
				return false
			}
		}
		return true
	})
}

// project tells whether a folder outside of git is a project, and gives it.
func (w folder) project(dir string, entries []fs.DirEntry) (bool, error) {
	own := slices.ContainsFunc(entries, w.isDockerfile)
	if !own {
		files := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Type().IsRegular() })
		if !files || !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return w.holds(dir, e) }) {
			return false, nil
		}
	}
	r := Repo{Dir: dir}
	if holdsGit(dir, entries) {
		if !own {
			return false, nil
		}
		r.Skip = "a Dockerfile outside of git in a folder that holds git repositories: move it into a folder or a repository of its own"
		return false, w.found(r)
	}
	if w.around != "" {
		r.Skip = fmt.Sprintf("it lies in the work tree %s: name that folder as the source", said.Printable(w.around))
	}
	return true, w.found(r)
}

func (w folder) isDockerfile(e fs.DirEntry) bool {
	return !e.IsDir() && w.IsDockerfile != nil && w.IsDockerfile(e.Name())
}

// holds tells whether an entry is a folder for Dockerfiles that has one.
func (w folder) holds(dir string, e fs.DirEntry) bool {
	if !e.IsDir() || !slices.Contains(holders, strings.ToLower(e.Name())) {
		return false
	}
	dir = filepath.Join(dir, e.Name())
	if kind, _ := git.Look(dir); kind != git.NoRepository {
		return false
	}
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, w.isDockerfile)
}

// holdsGit tells whether a git repository lies somewhere below a folder.
func holdsGit(dir string, entries []fs.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		if !e.IsDir() || slices.Contains(skipped, e.Name()) {
			return false
		}
		sub := filepath.Join(dir, e.Name())
		if kind, _ := git.Look(sub); kind != git.NoRepository {
			return true
		}
		below, err := os.ReadDir(sub)
		return err == nil && holdsGit(sub, below)
	})
}

// found names a folder and gives it.
func (w folder) found(r Repo) error {
	rel, err := filepath.Rel(w.top, r.Dir)
	if err != nil {
		return err
	}
	switch rel = filepath.ToSlash(rel); {
	case rel != "." && w.prefix == "":
		r.Name = rel
	case rel != ".":
		r.Name = w.prefix + "/" + rel
	case w.prefix != "":
		r.Name = w.prefix
	default:
		r.Name = filepath.Base(r.Dir)
	}
	return w.give(r, r.Dir, filepath.ToSlash(r.Dir))
}
