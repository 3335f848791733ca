package repo

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// members are the packages that the install of a manager in Dir takes in as
// workspaces, those that may be one included; unknown tells why the list may
// lack some.
//
// Source: npm's @npmcli/map-workspaces, Yarn 1's config.js (resolveWorkspaces),
// Yarn's Workspace.ts (setup), pnpm's fs.find-packages.
func (n *Node) members(manager string, berry bool) (out []*Node, unknown string) {
	patterns := n.own
	if manager == "pnpm" {
		patterns = nil
		if n.pnpm != nil {
			patterns = stringList(n.pnpm["packages"])
			if len(patterns) == 0 && n.packagesBelow() {
				return nil, "pnpm-workspace.yaml names no packages, and pnpm's versions differ in what that means"
			}
		}
	}
	w := workspaceGlob{repo: n.repo, left: MaxEntries, found: map[string]bool{}}
	for _, p := range patterns {
		p = strings.Trim(strings.TrimPrefix(p, "./"), "/")
		negative, not := strings.CutPrefix(p, "!")
		switch {
		case not && (manager == "bun" || manager == "yarn" && !berry):
			// Yarn 1 knows no negation, nor do earlier versions of bun.
		case not:
			w.remove(n.Dir, strings.Trim(strings.TrimPrefix(negative, "./"), "/"))
		default:
			w.add(n.Dir, p)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(w.found)) {
		m := n.repo.Node(dir)
		if m.HasWorkspaces {
			return nil, path.Join(dir, "package.json") + " has workspaces of its own"
		}
		out = append(out, m)
	}
	return out, w.unknown
}

// packagesBelow reports whether a folder below Dir may be a package.
func (n *Node) packagesBelow() bool {
	files, complete := n.repo.Files()
	for _, f := range files {
		if path.Base(f) == "package.json" && path.Dir(f) != n.Dir && (n.Dir == "." || strings.HasPrefix(f, n.Dir+"/")) {
			return true
		}
	}
	return !complete
}

// workspaceGlob finds the folders with a package.json that patterns match.
type workspaceGlob struct {
	repo    *Repo
	left    int // folder entries that may still be looked at
	found   map[string]bool
	unknown string
}

func (w *workspaceGlob) add(root, pattern string) {
	if strings.ContainsAny(pattern, `\()`) || strings.Contains("/"+pattern+"/", "/../") || strings.Count(pattern, "{") > 1 {
		setOnce(&w.unknown, "the workspaces pattern "+short(pattern)+" isn't understood")
		return
	}
	for _, p := range expandBraces(pattern) {
		w.walk(root, root, strings.Split(p, "/"))
	}
}

// walk goes down along the segments of a pattern.
func (w *workspaceGlob) walk(root, dir string, segs []string) {
	if len(segs) == 0 {
		if dir != root && w.repo.Node(dir) != nil {
			w.found[dir] = true
		}
		for _, f := range []string{"package.yaml", "package.json5"} {
			if w.repo.isFile(path.Join(dir, f)) {
				setOnce(&w.unknown, path.Join(dir, f)+" may declare a package")
			}
		}
		return
	}
	seg := segs[0]
	switch {
	case seg == "." || seg == "":
		w.walk(root, dir, segs[1:])
	case !strings.ContainsAny(seg, "*?["):
		if d := path.Join(dir, seg); w.repo.isLink(d) {
			setOnce(&w.unknown, d+" is a link to a folder, which may be a workspace")
		} else if w.repo.IsDir(d) {
			w.walk(root, d, segs[1:])
		}
	default:
		if seg == "**" {
			w.walk(root, dir, segs[1:])
		}
		for _, e := range w.repo.ReadDir(dir) {
			if w.left--; w.left < 0 {
				setOnce(&w.unknown, "the workspaces patterns match too many folders")
				return
			}
			if ok, err := path.Match(seg, e.Name()); err != nil || !ok && seg != "**" || strings.HasPrefix(e.Name(), ".") || skipDirs[e.Name()] {
				continue // wildcards match no leading dot
			}
			d := path.Join(dir, e.Name())
			switch {
			case e.Type()&fs.ModeSymlink != 0 && w.repo.IsDir(d):
				setOnce(&w.unknown, d+" is a link to a folder, which may be a workspace")
			case e.IsDir() && seg == "**":
				w.walk(root, d, segs)
			case e.IsDir():
				w.walk(root, d, segs[1:])
			}
		}
	}
}

// isLink reports whether the last name of a path is a symbolic link.
func (r *Repo) isLink(p string) bool {
	for _, e := range r.ReadDir(path.Dir(p)) {
		if e.Name() == path.Base(p) {
			return e.Type()&fs.ModeSymlink != 0
		}
	}
	return false
}

// remove takes back what a negated pattern matches.
func (w *workspaceGlob) remove(root, pattern string) {
	for _, p := range expandBraces(pattern) {
		segs := strings.Split(p, "/")
		for dir := range w.found {
			rel := dir
			if root != "." {
				rel = strings.TrimPrefix(dir, root+"/")
			}
			if matchSegments(segs, strings.Split(rel, "/")) {
				delete(w.found, dir)
			}
		}
	}
}

func matchSegments(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**" && len(pattern) == 1:
		return len(name) > 0 // npm's glob takes a/** for what is in a
	case pattern[0] == "**":
		return matchSegments(pattern[1:], name) || len(name) > 0 && matchSegments(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matchSegments(pattern[1:], name[1:])
}

// expandBraces writes out one {a,b} as a shell does.
func expandBraces(p string) []string {
	open := strings.IndexByte(p, '{')
	if open < 0 {
		return []string{p}
	}
	end := strings.IndexByte(p[open:], '}')
	if end < 0 {
		return []string{p}
	}
	var out []string
	for alt := range strings.SplitSeq(p[open+1:open+end], ",") {
		out = append(out, p[:open]+alt+p[open+end+1:])
	}
	return out
}
