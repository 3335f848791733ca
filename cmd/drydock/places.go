package main

// Where things lie: the git repository around a Dockerfile and its build
// context.

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"drydock/repo"
	"drydock/rewrite"
)

// places knows folders; it is safe for concurrent use.
type places struct {
	cwd string

	mu    sync.Mutex
	roots map[string]string     // folder -> git root, "" for none
	repos map[string]*repo.Repo // by folder
}

// newPlaces sees the folders from dir, "" for the current one.
func newPlaces(dir string) (p *places, err error) {
	if dir == "" {
		dir, err = os.Getwd()
	}
	return &places{cwd: dir, roots: map[string]string{}, repos: map[string]*repo.Repo{}}, err
}

func (p *places) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.cwd, path)
}

// show names an absolute path as the user would: relative to the current
// folder where it lies below.
func (p *places) show(abs string) string {
	if rel, ok := below(p.cwd, abs); ok {
		return rel
	}
	return abs
}

// patchPath is the name in a patch: filePath, but relative to the root folder for what
// lies elsewhere (`patch -p1 -d /`).
func (p *places) patchPath(abs string) string { return strings.TrimPrefix(p.filePath(abs), "/") }

// filePath is the name of a file with slashes: relative to the current folder, absolute
// for what lies elsewhere. Of a symbolic link it is what the link leads to: that is
// the file that changes.
func (p *places) filePath(abs string) string {
	if real, err := filepath.EvalSymlinks(abs); err == nil && real != abs {
		if cwd, err := filepath.EvalSymlinks(p.cwd); err == nil {
			if rel, ok := below(cwd, real); ok {
				return filepath.ToSlash(rel)
			}
		}
		abs = real
	}
	return filepath.ToSlash(p.show(abs))
}

// below is abs relative to dir; ok tells whether it lies in dir at all.
func below(dir, abs string) (rel string, ok bool) {
	rel, err := filepath.Rel(dir, abs)
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func slashRel(dir, abs string) string {
	rel, _ := below(dir, abs)
	return filepath.ToSlash(rel)
}

// gitRoot is the nearest folder at or above dir that holds .git (a folder, or a
// file in worktrees and submodules), "" when there is none.
func (p *places) gitRoot(dir string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.findRoot(dir)
}

func (p *places) findRoot(dir string) string {
	if root, ok := p.roots[dir]; ok {
		return root
	}
	root := ""
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		root = dir
	} else if up := filepath.Dir(dir); up != dir {
		root = p.findRoot(up)
	}
	p.roots[dir] = root
	return root
}

// repo gives the facts about a folder, kept for the run.
func (p *places) repo(dir string) *repo.Repo {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.repos[dir] == nil {
		p.repos[dir] = repo.Load(os.DirFS(dir))
	}
	return p.repos[dir]
}

// top is the folder where the search for a context ends: the git root, else the
// folder that was given, else the current one when the file lies below it.
func (p *places) top(t *target) string {
	own := filepath.Dir(t.abs)
	if root := p.gitRoot(own); root != "" {
		return root
	}
	if t.top != "" {
		return t.top
	}
	if _, ok := below(p.cwd, own); ok {
		return p.cwd
	}
	return own
}

// neighbours finds Dockerfiles in a context that were not asked for but are
// built from it too, so that a change of .dockerignore spares what they copy.
// The search is shallow and bounded; what it can't parse doesn't count.
func (p *places) neighbours(context string, asked map[string]bool) []*rewrite.Document {
	const maxDepth, maxFolders = 3, 500
	var out []*rewrite.Document
	folders := 0
	var walk func(dir string, depth int)
	walk = func(dir string, depth int) {
		entries, err := os.ReadDir(dir)
		if folders++; err != nil || folders > maxFolders {
			return
		}
		for _, e := range entries {
			abs := filepath.Join(dir, e.Name())
			if e.IsDir() {
				if depth < maxDepth && !skipFolder(e.Name()) {
					walk(abs, depth+1)
				}
				continue
			}
			if !isDockerfile(e.Name()) || asked[abs] {
				continue
			}
			t := &target{path: p.show(abs), abs: abs}
			if doc, err := t.load(); err == nil && p.context(t, doc).dir == context {
				out = append(out, doc)
			}
		}
	}
	walk(context, 0)
	return out
}
