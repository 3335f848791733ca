package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"drydock/said"
)

// Open finds the repository whose top is dir, or which dir is. It runs no git
// where the folder is of the common shape. The error wraps ErrNotGit where neither
// dir/.git nor dir is a repository, also when a folder above is one.
func Open(ctx context.Context, dir string) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir) // git tells real paths
	}
	if err != nil {
		return nil, err
	}
	r := &Repo{Dir: dir, Git: filepath.Join(dir, ".git")}
	info, err := os.Stat(r.Git)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !isRepository(dir) {
			return nil, fmt.Errorf("%s: %w", said.Printable(dir), ErrNotGit)
		}
		r.Git, r.Bare = dir, true
	case err != nil:
		return nil, err
	case !info.IsDir():
		if r.Git, err = gitFile(r.Git); err != nil {
			return nil, err
		}
	}
	if r.Main, err = common(r.Git); err != nil {
		return nil, err
	}
	if !r.Bare && !isHead(r.Git) || !isRepository(r.Main) {
		if empty(filepath.Join(dir, ".git")) {
			return nil, fmt.Errorf("%s: .git is an empty folder: %w", said.Printable(dir), ErrNotGit)
		}
		return nil, fmt.Errorf("%s: .git is damaged: git doesn't take it for a repository", said.Printable(dir))
	}
	return r, r.configured(ctx)
}

// configured reads the repository's configuration as far as it says where things are.
func (r *Repo) configured(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(r.Main, "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	more, err := os.ReadFile(filepath.Join(r.Git, "config.worktree"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.config = strings.ToLower(string(text) + "\n" + string(more))
	if !unusual().MatchString(r.config) || r.Bare {
		return nil
	}
	out, err := r.git("rev-parse", "--is-bare-repository", "--show-cdup").run(ctx)
	if err != nil {
		return err
	}
	switch bare, up, _ := strings.Cut(string(out), "\n"); {
	case bare == "true": // a folder that keeps its bare repository in .git
		r.Dir, r.Bare = r.Git, true
	case strings.TrimSuffix(up, "\n") != "":
		return fmt.Errorf("%s: its work tree lies elsewhere (core.worktree in %s)", said.Printable(r.Dir), said.Printable(filepath.Join(r.Main, "config")))
	}
	return nil
}

// unusual finds settings that put the work tree elsewhere, or may.
var unusual = expression(`(?m)^[^#;]*(worktree\s*=|bare\s*=\s*(true|yes|on|1)|bare\s*$|include)`)

// isRepository tells whether git takes dir for a repository (gitrepository-layout(5)).
func isRepository(dir string) bool {
	for _, sub := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return isHead(dir)
}

// isHead tells whether dir/HEAD is one that git accepts: it looks further up otherwise.
func isHead(dir string) bool {
	name := filepath.Join(dir, "HEAD")
	if to, err := os.Readlink(name); err == nil {
		return strings.HasPrefix(to, "refs/")
	}
	text, err := os.ReadFile(name)
	return err == nil && headText().Match(text)
}

var headText = expression(`^(ref:\s*refs/|[0-9a-fA-F]{40}([0-9a-fA-F]{24})?(\s|$))`)

// gitFile reads where a .git file of a linked work tree or a submodule points.
func gitFile(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	to, ok := strings.CutPrefix(string(text), "gitdir: ")
	to = strings.TrimRight(to, "\r\n")
	if !ok || to == "" {
		return "", fmt.Errorf("%s: not a .git file: it must say gitdir: PATH", said.Printable(name))
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(name), to)
	}
	if _, err := os.Stat(to); err != nil {
		return "", fmt.Errorf("%s: it points to %s, which isn't there: git worktree repair, or git submodule update --init",
			said.Printable(name), said.Printable(to))
	}
	return filepath.EvalSymlinks(to)
}

// common is the folder that the work trees of a repository share.
func common(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	} else if err != nil {
		return "", err
	}
	to := string(bytes.TrimRight(text, "\r\n"))
	if !filepath.IsAbs(to) {
		to = filepath.Join(dir, to)
	}
	if to, err = filepath.EvalSymlinks(to); err != nil {
		return "", fmt.Errorf("%s: its repository isn't there: %w", said.Printable(dir), err)
	}
	return to, nil
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// Kind tells the folders of a work tree apart without running git.
type Kind int

// The kinds of a folder.
const (
	NoRepository Kind = iota
	WorkTree          // with .git as a folder
	Linked            // work tree of another one's repository (git worktree add)
	Submodule         // work tree of a submodule
	BareRepository
)

// Look tells what dir is, without running git and without judging whether it is
// sound; main is, for a linked work tree, the folder that it shares.
func Look(dir string) (kind Kind, main string) {
	name := filepath.Join(dir, ".git")
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		if isRepository(dir) {
			return BareRepository, dir
		}
		return NoRepository, ""
	case info.IsDir():
		if empty(name) {
			return NoRepository, ""
		}
		return WorkTree, name
	case !info.Mode().IsRegular():
		return WorkTree, name // a link: git follows it
	}
	to, err := gitFile(name)
	if err != nil {
		return WorkTree, name // Open says what is wrong
	}
	if main, err = common(to); err == nil && main != to {
		return Linked, main
	}
	// A submodule's repository lies in .git/modules of the one around it.
	for up := filepath.Dir(to); up != filepath.Dir(up); up = filepath.Dir(up) {
		if filepath.Base(up) == "modules" && isHead(filepath.Dir(up)) {
			return Submodule, to
		}
	}
	return WorkTree, to // git init --separate-git-dir
}
