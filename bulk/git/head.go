package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"drydock/said"
)

// git is a run of git in the repository, as its own configuration has it, that
// brings nothing from a network.
func (r *Repo) git(args ...string) call {
	return call{dir: r.Dir, args: args, env: []string{"GIT_NO_LAZY_FETCH=1"}}
}

// Head tells what the repository stands at; the error wraps ErrEmpty.
//
// For a work tree it is one git status. In doubt Clean is false: the price of that
// is a Checkout.
func (r *Repo) Head(ctx context.Context) (Head, error) {
	if r.Bare {
		return r.bareHead(ctx)
	}
	c := r.git("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignored=traditional",
		"--ignore-submodules=all", "--no-renames", "--no-ahead-behind")
	off, err := r.filtersOff(ctx)
	if err != nil {
		return Head{}, err
	}
	c.config = append(off, setting{"core.untrackedCache", "keep"})
	out, err := c.run(ctx)
	if err != nil {
		return Head{}, err
	}
	var h Head
	clean := true
	for field := range bytes.SplitSeq(out, []byte{0}) {
		line := string(field)
		if v, ok := strings.CutPrefix(line, "# branch.oid "); ok {
			h.Commit = v
		} else if v, ok := strings.CutPrefix(line, "# branch.head "); ok && v != "(detached)" {
			h.Branch = v
		} else if line != "" && !strings.HasPrefix(line, "# ") {
			clean = false
		}
	}
	if h.Commit == "" || h.Commit == "(initial)" {
		return Head{Branch: h.Branch}, r.unborn(h.Branch)
	}
	if clean {
		plain, err := r.plain(ctx)
		if err != nil {
			return Head{}, err
		}
		h.Clean = plain
	}
	return h, nil
}

func (r *Repo) bareHead(ctx context.Context) (h Head, err error) {
	branch, err := r.git("symbolic-ref", "--quiet", "HEAD").line(ctx)
	if err != nil && !exited(err, 1) {
		return h, err
	}
	if name, ok := strings.CutPrefix(branch, "refs/heads/"); ok {
		h.Branch = name
	}
	h.Commit, err = r.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}").line(ctx)
	if exited(err, 1) {
		return h, r.unborn(h.Branch)
	}
	return h, err
}

// unborn is the error for a HEAD without a commit: either there is none yet, or the
// branch is there and broken.
func (r *Repo) unborn(branch string) error {
	if _, err := os.Lstat(filepath.Join(r.Main, "refs", "heads", filepath.FromSlash(branch))); branch == "" || err == nil {
		return fmt.Errorf("%s: the repository is damaged: HEAD can't be read: git fsck tells more", said.Printable(r.Dir))
	}
	return fmt.Errorf("%s: %w", said.Printable(r.Dir), ErrEmpty)
}

// filtersOff switches off the filters that the repository's own configuration
// defines: they are programs, and git status runs them for what it has to compare.
func (r *Repo) filtersOff(ctx context.Context) ([]setting, error) {
	if !strings.Contains(r.config, "filter") && !strings.Contains(r.config, "include") {
		return nil, nil
	}
	out, err := r.git("config", "--null", "--name-only", "--get-regexp", `^filter\.`).run(ctx)
	if err != nil {
		if exited(err, 1) { // none
			return nil, nil
		}
		return nil, err
	}
	var off []setting
	for key := range strings.SplitSeq(string(out), "\x00") {
		if strings.HasSuffix(key, ".required") {
			off = append(off, setting{key, "false"})
		} else if key != "" {
			off = append(off, setting{key, ""})
		}
	}
	return off, nil
}

// differing finds settings of a repository by which git itself writes other bytes,
// or other kinds of files, than Checkout does.
var differing = expression(`(?m)^[^#;]*\b(autocrlf|eol|symlinks\s*=\s*(false|no|off|0)|attributesfile|include|precomposeunicode\s*=\s*(true|yes|on|1))\b`)

// converting finds attributes by which a file in a work tree may have other bytes than the
// commit, or other ones than Checkout gives it (gitattributes(5)).
var converting = expression(`filter|eol|crlf|encoding|ident`)

// sha256Format finds the setting of a repository whose objects are named by SHA-256; SHA-1
// may stand there too.
var sha256Format = expression(`(?m)^\s*(\[.*\]\s*)?objectformat\s*=\s*"?sha256`)

// plain tells whether a work tree without changes has the very files of its commit.
func (r *Repo) plain(ctx context.Context) (bool, error) {
	if differing().MatchString(r.config) {
		return false, nil
	}
	size := 20
	if sha256Format().MatchString(r.config) {
		size = 32
	}
	attributes, ok, err := plainIndex(filepath.Join(r.Git, "index"), size)
	if err != nil || !ok {
		return false, err
	}
	names := []string{filepath.Join(r.Main, "info", "attributes")}
	for _, a := range attributes {
		names = append(names, filepath.Join(r.Dir, filepath.FromSlash(a)))
	}
	u, err := userSettings(ctx)
	if err == nil && u.conditional {
		u, err = settingsOf(ctx, r.git())
	}
	if err != nil || u.converts {
		return false, err
	}
	for _, name := range append(names, u.attributes...) {
		if text, err := os.ReadFile(name); err == nil && converting().Match(text) {
			return false, nil
		}
	}
	return true, nil
}

// user is what a user's and the system's configuration say about work trees.
type user struct {
	converts    bool     // line ends are changed everywhere
	conditional bool     // it may say something else in a repository (includeIf)
	attributes  []string // files of attributes for all repositories
}

// users keeps userSettings by what they are found with: the same for every repository of a run.
var users sync.Map

func userSettings(ctx context.Context) (user, error) {
	key := ""
	for _, v := range []string{"HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"} {
		key += os.Getenv(v) + "\x00"
	}
	if u, ok := users.Load(key); ok {
		return u.(user), nil
	}
	u, err := settingsOf(ctx, call{dir: string(filepath.Separator)})
	if err == nil {
		users.Store(key, u)
	}
	return u, err
}

// settingsOf reads them as they are where c runs.
func settingsOf(ctx context.Context, c call) (u user, err error) {
	c.args = []string{"config", "--null", "--list"}
	out, err := c.run(ctx)
	if err != nil {
		return u, err
	}
	for field := range strings.SplitSeq(string(out), "\x00") {
		switch name, value, _ := strings.Cut(field, "\n"); {
		case strings.HasPrefix(name, "includeif."):
			u.conditional = true
		case name == "core.autocrlf" || name == "core.eol":
			u.converts = u.converts || value != "false" && value != "native" && value != "lf"
		case name == "core.attributesfile":
			u.attributes = append(u.attributes, value)
		}
	}
	home, _ := os.UserHomeDir()
	for i, a := range u.attributes {
		if rest, ok := strings.CutPrefix(a, "~/"); ok {
			u.attributes[i] = filepath.Join(home, rest)
		}
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	u.attributes = append(u.attributes, filepath.Join(config, "git", "attributes"), "/etc/gitattributes")
	return u, nil
}
