package repo

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

type walkResult struct {
	files, dirs []string
	complete    bool
}

// skipDirs are folders that hold nothing a person wrote: version control data
// and installed packages. Walks name them but do not enter.
var skipDirs = map[string]bool{
	".git": true, ".hg": true, ".svn": true, ".bzr": true,
	"node_modules": true, "bower_components": true,
	"venv": true, ".venv": true, "virtualenv": true, ".tox": true, ".nox": true, "__pypackages__": true,
}

// Files returns the sorted context-relative paths of all regular files and
// symbolic links. Links are not followed. Folders of version control and of
// installed packages (.git, node_modules, virtual environments: see Dirs) are
// not entered. complete is false when the walk stopped at MaxEntries or a
// folder could not be read.
func (r *Repo) Files() (files []string, complete bool) {
	w := r.walked()
	return w.files, w.complete
}

// Dirs returns the sorted paths of all folders, those that Files does not
// enter included (but nothing inside them).
func (r *Repo) Dirs() (dirs []string, complete bool) {
	w := r.walked()
	return w.dirs, w.complete
}

func (r *Repo) walked() walkResult {
	return r.tree.walk.get(struct{}{}, func() walkResult {
		if !r.known {
			return walkResult{}
		}
		w := walk(r.fsys, -1)
		slices.Sort(w.files)
		slices.Sort(w.dirs)
		return w
	})
}

// shallowFiles lists the files in the root and down to three folders deep,
// which is where compose and bake files are looked for.
func (r *Repo) shallowFiles() []string {
	return r.facts.shallow.get(struct{}{}, func() []string {
		w := walk(r.fsys, 3)
		slices.Sort(w.files)
		return w.files
	})
}

// walk goes breadth-first, so that a bounded walk sees the top of the tree.
// depth is the number of folders to go down, negative for all.
func walk(fsys fs.FS, depth int) walkResult {
	type folder struct {
		name  string
		depth int
	}
	w := walkResult{complete: true}
	left := MaxEntries
	for queue := []folder{{".", 0}}; len(queue) > 0; queue = queue[1:] {
		dir := queue[0]
		entries, complete := readDir(fsys, dir.name, left)
		if !complete {
			w.complete = false
		}
		left -= len(entries)
		if dir.name != "." && isVenv(entries) {
			continue
		}
		for _, e := range entries {
			name := e.Name()
			if dir.name != "." {
				name = path.Join(dir.name, name)
			}
			switch {
			case e.IsDir():
				w.dirs = append(w.dirs, name)
				if !skipDirs[e.Name()] && dir.depth != depth {
					queue = append(queue, folder{name, dir.depth + 1})
				}
			case e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0:
				w.files = append(w.files, name)
			}
		}
		if left <= 0 {
			w.complete = false
			break
		}
	}
	return w
}

// isVenv: PEP 405 puts pyvenv.cfg at the top of every virtual environment.
func isVenv(entries []fs.DirEntry) bool {
	_, ok := slices.BinarySearchFunc(entries, "pyvenv.cfg", func(e fs.DirEntry, name string) int {
		if e.Name() < name {
			return -1
		} else if e.Name() > name {
			return 1
		}
		return 0
	})
	return ok
}

// Glob returns the sorted paths that match pattern as a COPY source does: Go's
// path.Match on whole paths from the context's root, so "*" stays inside one
// folder, "**" is not special and names with a leading dot match. Links are
// followed in front of the first wildcard, not behind it. It does not apply
// .dockerignore. A malformed pattern, or one out of the context, matches nothing.
//
// Source: https://docs.docker.com/reference/dockerfile/#copy and
// ResolveWildcards of github.com/tonistiigi/fsutil/copy.
func (r *Repo) Glob(pattern string) []string {
	name, ok := clean(pattern)
	if !ok {
		return nil
	}
	parts := strings.Split(name, "/")
	n := slices.IndexFunc(parts, Wild)
	if n < 0 {
		if r.Exists(name) {
			return []string{name}
		}
		return nil
	}
	found := []string{path.Join(parts[:n]...)}
	for i, part := range parts[n:] {
		found = r.globIn(found, part, n+i == len(parts)-1)
	}
	slices.Sort(found)
	return found
}

// globIn lists the entries of folders that match one part of a pattern: those
// of every kind for the last part, else folders.
func (r *Repo) globIn(dirs []string, part string, last bool) (out []string) {
	for _, dir := range dirs {
		for _, e := range r.ReadDir(dir) {
			if ok, err := path.Match(part, e.Name()); err == nil && ok && (last || e.IsDir()) {
				out = append(out, path.Join(dir, e.Name()))
			}
		}
	}
	return out
}

// Wild reports whether a COPY source, or a part of it, is a pattern; what
// stands behind a backslash isn't one.
func Wild(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*', '?', '[':
			return true
		case '\\':
			i++
		}
	}
	return false
}
