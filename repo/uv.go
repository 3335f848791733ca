package repo

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// UV is what "uv sync" reads in one folder.
type UV struct {
	Files   []string // all it reads to install the dependencies; exact unless Unknown
	Lock    string   // uv.lock, "" when there is none
	Package bool     // the project itself is built and installed, unless told otherwise
	Members []string // folders of the workspace's other members
	Built   string   // a member that is built and installed, "" for none
	Dynamic string   // why the lock can't be checked without a build, "" when it can
	Unknown string   // why more than Files may be read
}

// UV returns the facts about the uv project in folder dir; nil when there is no
// pyproject.toml.
//
// Sources: https://docs.astral.sh/uv/concepts/projects/config/ (what makes a
// project a package), https://docs.astral.sh/uv/concepts/projects/workspaces/,
// https://docs.astral.sh/uv/concepts/configuration-files/.
func (r *Repo) UV(dir string) *UV {
	p := r.Pyproject(dir)
	if p == nil {
		return nil
	}
	u := &UV{Files: append([]string{p.File}, r.has(dir, "uv.lock", "uv.toml", ".python-version", ".python-versions")...)}
	if l := r.has(dir, "uv.lock"); l != nil {
		u.Lock = l[0]
	}
	if p.Err != nil {
		u.Unknown = p.Err.Error()
		return u
	}
	u.Package = p.uvPackage()
	u.member(p)
	for _, up := range parents(p.Dir)[1:] {
		if q := r.Pyproject(up); q != nil && dig(q.doc, "tool", "uv", "workspace") != nil {
			setOnce(&u.Unknown, q.File+" holds the workspace that this project is a part of")
		}
	}
	u.workspace(r, p)
	setOnce(&u.Unknown, r.UVSettings(dir))
	u.lock(r)
	return u
}

// uvPackage: uv builds what has a build system, unless tool.uv.package says.
func (p *Pyproject) uvPackage() bool {
	if b, ok := dig(p.doc, "tool", "uv", "package").(bool); ok {
		return b
	}
	return p.Builds
}

// member adds what one project of the workspace tells.
func (u *UV) member(p *Pyproject) {
	for _, d := range p.Dynamic {
		if u.Dynamic == "" && u.relevant(d) {
			u.Dynamic = p.File + " leaves " + d + " to the build"
		}
	}
	if l := localTable(dig(p.doc, "tool", "uv", "sources")); l != "" {
		setOnce(&u.Unknown, p.File+" takes a dependency from a local path, "+l)
	}
	if l := p.standardLocal(); l != "" {
		setOnce(&u.Unknown, p.File+" depends on a local path, "+l)
	}
}

func (u *UV) relevant(field string) bool {
	return field == "version" || field == "dependencies" || field == "optional-dependencies" || field == "requires-python"
}

func (u *UV) workspace(r *Repo, p *Pyproject) {
	ws, ok := dig(p.doc, "tool", "uv", "workspace").(map[string]any)
	if !ok {
		return
	}
	var out []string
	for _, pattern := range stringList(ws["exclude"]) {
		out = append(out, r.Glob(path.Join(p.Dir, pattern))...)
	}
	for _, pattern := range stringList(ws["members"]) {
		if strings.Contains(pattern, "**") {
			setOnce(&u.Unknown, p.File+" finds the members of its workspace by "+pattern)
			return
		}
		for _, dir := range r.Glob(path.Join(p.Dir, pattern)) {
			m := r.Pyproject(dir)
			switch {
			case !r.IsDir(dir) || slices.Contains(out, dir) || slices.Contains(u.Members, dir) || dir == p.Dir:
				continue
			case m == nil || m.Err != nil:
				setOnce(&u.Unknown, "the workspace member "+dir+" has no pyproject.toml that can be read")
				return
			}
			u.Members = append(u.Members, dir)
			u.Files = append(u.Files, m.File)
			u.member(m)
			if m.uvPackage() && u.Built == "" {
				u.Built = dir
			}
		}
	}
}

// lock: local sources that only the lock file knows. Members are editable or
// virtual there, under their own folder.
func (u *UV) lock(r *Repo) {
	if u.Lock == "" {
		return
	}
	src, err := r.ReadFile(u.Lock)
	if err != nil {
		setOnce(&u.Unknown, u.Lock+" cannot be read")
		return
	}
	for _, s := range []string{"source = { path =", "source = { directory ="} {
		if bytes.Contains(src, []byte(s)) {
			setOnce(&u.Unknown, u.Lock+" locks a local path")
		}
	}
	for l := range bytes.SplitSeq(src, []byte("\n")) {
		rest, ok := bytes.CutPrefix(l, []byte("source = { editable = "))
		if !ok {
			continue
		}
		dir := path.Join(path.Dir(u.Lock), strings.Trim(string(rest), "\"} \r"))
		if dir != path.Dir(u.Lock) && !slices.Contains(u.Members, dir) {
			setOnce(&u.Unknown, u.Lock+" locks the local path "+dir)
		}
	}
}

// UVSettings tells why what uv reads in folder dir can't be known from its
// settings (uv.toml, else [tool.uv]): local indexes, folders of wheels and
// cache folders. "" when it can.
//
// Source: https://docs.astral.sh/uv/reference/settings/
func (r *Repo) UVSettings(dir string) string {
	var doc map[string]any
	file := path.Join(dir, "uv.toml")
	switch p := r.Pyproject(dir); {
	case r.isFile(file):
		if _, doc = r.toml(file); doc == nil {
			return file + " cannot be read"
		}
	case p != nil && p.Err != nil:
		return p.Err.Error()
	case p != nil:
		doc, _ = dig(p.doc, "tool", "uv").(map[string]any)
		file = p.File
	}
	urls := []string{str(doc["index-url"])}
	urls = append(urls, stringList(doc["extra-index-url"])...)
	urls = append(urls, stringList(doc["find-links"])...)
	indexes, _ := doc["index"].([]any)
	for _, e := range indexes {
		urls = append(urls, str(asTable(e)["url"]))
	}
	for _, u := range urls {
		if u != "" && (!strings.Contains(u, "://") || strings.HasPrefix(strings.ToLower(u), "file:")) {
			return file + " takes packages from " + short(u)
		}
	}
	for _, key := range []string{"cache-dir", "pip"} {
		if doc[key] != nil {
			return file + " sets " + key + " for uv"
		}
	}
	return ""
}
