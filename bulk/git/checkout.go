package git

import (
	"bufio"
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

// Files lists the paths of a commit, without reading a file's content. Submodules
// aren't files.
func (r *Repo) Files(ctx context.Context, commit string) ([]string, error) {
	out, err := r.git("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit).run(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if meta, name, ok := strings.Cut(entry, "\t"); ok && !strings.HasPrefix(meta, "160000 ") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Checkout writes the files of a commit into an empty folder, with .git in it such
// that git, read-only, knows the history there. Line ends are as .gitattributes asks
// for, whatever the user's configuration says. Filters (LFS) don't run: pointers stay
// pointers. Submodules are empty folders. Links that lead out of the folder are left out: whoever
// reads in it sees nothing of this machine. Files that a partial clone lacks are
// fetched, all at once.
func (r *Repo) Checkout(ctx context.Context, commit, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil {
		return err
	} else if len(entries) > 0 {
		return fmt.Errorf("%s: not empty: a checkout needs an empty folder", said.Printable(dir))
	}
	s, err := r.scratchIn(dir)
	if err != nil {
		return err
	}
	if err := s.bring(ctx, commit); err != nil {
		return err
	}
	head := filepath.Join(dir, ".git", "HEAD")
	if err := os.WriteFile(head, []byte(commit+"\n"), 0o666); err != nil {
		return err
	}
	if _, err := s.git("read-tree", "-m", "-u", "--no-recurse-submodules", commit).run(ctx); err != nil {
		return err
	}
	return enclose(dir)
}

// enclose removes the links below a folder that lead out of it. One that leads nowhere does
// no harm.
func enclose(dir string) error {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	var out []string // removed at the end: until then each shows where it leads
	err = filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		to, err := filepath.EvalSymlinks(name)
		if err != nil {
			return nil
		}
		if rel, err := filepath.Rel(top, to); err != nil || !filepath.IsLocal(rel) {
			out = append(out, name)
		}
		return nil
	})
	for _, name := range out {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// partial tells whether objects may lie at a remote only.
func (r *Repo) partial() bool {
	return strings.Contains(r.config, "promisor") || strings.Contains(r.config, "partialclone")
}

// bring fetches the files of a commit that a partial clone lacks.
func (s *scratch) bring(ctx context.Context, commit string) error {
	if !s.of.partial() {
		return nil
	}
	out, err := s.git("rev-list", "--objects", "--no-object-names", "--missing=print", commit+"^{tree}").run(ctx)
	if err != nil {
		return err
	}
	var missing bytes.Buffer
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "?"); ok {
			missing.WriteString(id + "\n")
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	from, err := s.of.promisor(ctx)
	if err != nil {
		return err
	}
	c, err := s.to(from, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin", remote)
	if err != nil {
		return err
	}
	// What we have tells the server nothing about what we lack (as git's own promisor-remote.c has it).
	c.config = append(c.config, setting{"fetch.negotiationAlgorithm", "noop"})
	c.in = &missing
	_, err = c.run(ctx)
	return err
}

// promisor is the address that a partial clone gets its missing objects from.
func (r *Repo) promisor(ctx context.Context) (string, error) {
	if r.url != "" {
		return r.url, nil
	}
	out, err := r.git("config", "--null", "--name-only", "--get-regexp", `^remote\..*\.promisor$`).run(ctx)
	if err != nil && !exited(err, 1) {
		return "", err
	}
	name, _, _ := strings.Cut(string(out), "\x00")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "remote."), ".promisor")
	url, err := r.Remote(ctx, name)
	if err == nil && (name == "" || url == "") {
		err = fmt.Errorf("%s: a partial clone without its remote: files are missing", said.Printable(r.Dir))
	}
	return url, err
}
