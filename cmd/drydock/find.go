package main

// Which files to work on: paths from the command line and what is found below
// folders. Nothing here reads a Dockerfile.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"drydock/config"
	"drydock/report"
)

// target is one Dockerfile to work on.
type target struct {
	path string // as the user would name it
	abs  string
	top  string // the folder that was given, "" for a named file
	err  error  // why it can't be worked on
	src  string
	// context is the build context's folder, absolute, "" for none; name is the
	// Dockerfile's slash path within it, "" when it lies outside.
	context, name string
	contextWhy    string // why it is the context, in words; "" for the Dockerfile's own folder

	rules    *rules       // what may be done to it
	excluded config.Value // the pattern that leaves it out; not set when none does
}

// skipFolders are never searched: version control and other people's code.
var skipFolders = []string{".git", ".hg", ".svn", "node_modules", "vendor"}

func skipFolder(name string) bool { return slices.Contains(skipFolders, name) }

// notDockerfiles are endings of Dockerfile.* that mean something else: the
// ignore file, leftovers of editors and merges, files about Dockerfiles, and
// templates, which are Dockerfiles only when rendered. A named file is taken
// all the same.
var notDockerfiles = []string{
	".dockerignore", ".orig", ".rej", ".bak", ".swp", "~",
	".md", ".html", ".json", ".yaml", ".yml", ".rego", ".nanorc", ".tmLanguage", ".tmPreferences",
	".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".mustache", ".in", ".m4",
}

// isDockerfile tells by a file's name whether a search takes it.
func isDockerfile(name string) bool {
	for _, end := range notDockerfiles {
		if strings.HasSuffix(name, end) {
			return false
		}
	}
	for _, n := range []string{"Dockerfile", "Containerfile"} {
		if name == n || strings.HasPrefix(name, n+".") {
			return true
		}
	}
	ext := filepath.Ext(name)
	return name == "dockerfile" || ext == ".Dockerfile" || ext == ".dockerfile"
}

// finder collects targets; a file that is reached twice is taken once.
type finder struct {
	places  *places
	targets []*target
	empty   []string // folders that were given and hold no Dockerfile
	seen    map[string]bool
}

func (f *finder) add(t *target) {
	real, err := filepath.EvalSymlinks(t.abs)
	if err != nil {
		real = t.abs
	}
	if f.seen[real] {
		return
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[real] = true
	f.targets = append(f.targets, t)
}

func (f *finder) bad(path string, err error) {
	abs := f.places.abs(path)
	f.add(&target{path: path, abs: abs, err: explainIO(path, err)})
}

// path takes one path from the command line.
func (f *finder) path(path string) {
	abs := f.places.abs(path)
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		f.bad(path, err)
	case !info.IsDir():
		f.add(&target{path: path, abs: abs, err: notRegular(path, info.Mode())})
	default:
		before := len(f.targets)
		f.folder(path, abs)
		if len(f.targets) > before {
			return
		}
		if isDockerfile(filepath.Base(abs)) {
			// `docker run -v ./Dockerfile:…` leaves such a folder when the file is missing.
			f.bad(path, &report.Error{Path: path, Message: "a folder, and no Dockerfile in it", Hint: "delete it or name the file"})
			return
		}
		f.empty = append(f.empty, path)
	}
}

// folder searches below a folder. Symbolic links to folders are not followed,
// as git does it, so a loop of links can't hold the search.
func (f *finder) folder(path, abs string) {
	root := f.places.gitRoot(abs)
	if root == "" || f.places.repo(root).GitIgnored(slashRel(root, abs)) {
		root = abs // asked for by name, so the ignore files above don't count
	}
	rp := f.places.repo(root)
	var walk func(path, dir string)
	walk = func(path, dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			f.bad(path, err)
		}
		for _, e := range entries {
			p, a := filepath.Join(path, e.Name()), filepath.Join(dir, e.Name())
			switch {
			case e.IsDir():
				if !skipFolder(e.Name()) && !rp.GitIgnored(slashRel(root, a)) {
					walk(p, a)
				}
			case isDockerfile(e.Name()) && !rp.GitIgnored(slashRel(root, a)):
				info, err := os.Stat(a)
				if err != nil {
					f.bad(p, err)
				} else if !info.IsDir() {
					f.add(&target{path: p, abs: a, top: abs, err: notRegular(p, info.Mode())})
				}
			}
		}
	}
	walk(path, abs)
}

// notRegular refuses pipes and devices before anyone opens them and waits.
func notRegular(path string, m fs.FileMode) error {
	if m.IsRegular() {
		return nil
	}
	kind := "not a regular file"
	switch {
	case m&fs.ModeNamedPipe != 0:
		kind = "a pipe, not a regular file"
	case m&fs.ModeSocket != 0:
		kind = "a socket, not a regular file"
	case m&fs.ModeDevice != 0:
		kind = "a device, not a regular file"
	}
	return &report.Error{Path: path, Message: kind, Hint: `to read standard input write "-"`}
}

// explainIO turns an error of the file system into one that says what to do.
func explainIO(path string, err error) error {
	var told *report.Error
	if errors.As(err, &told) {
		return told
	}
	e := &report.Error{Path: path, Message: err.Error(), Hint: "see to it and run drydock again"}
	var pe *fs.PathError
	at := path
	if errors.As(err, &pe) {
		e.Message = pe.Err.Error()
		at = pe.Path // path may be relative to another folder
	}
	_, lerr := os.Lstat(at)
	switch {
	case errors.Is(err, syscall.ELOOP):
		e.Message, e.Hint = "a symbolic link that leads back to itself", "mend or delete the link"
	case errors.Is(err, fs.ErrNotExist) && lerr == nil:
		e.Message, e.Hint = "a symbolic link to nothing", "mend or delete the link"
	case errors.Is(err, fs.ErrNotExist):
		e.Message, e.Hint = "no such file or folder", "check the path"
	case errors.Is(err, fs.ErrPermission):
		e.Message, e.Hint = "permission denied", "run drydock as a user who may read and write it"
	}
	return e
}
