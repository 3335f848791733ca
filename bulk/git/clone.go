package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"drydock/bulk/lock"
	"drydock/said"
)

// mark is a file in every clone of ours: nothing else is ever replaced. It says
// what was brought.
const mark = "drydock-clone"

// Clone brings a remote repository into dir, or what is new since the last time:
// bare, shallow and without the content of files, which Checkout fetches. Where the
// server can't do that, files, and at last the history, come along. Submodules
// never. A login in url is used and not stored. dir is safe against a kill at any
// moment and against a second process; a damaged clone is made anew. The error
// wraps ErrEmpty.
func Clone(ctx context.Context, url, dir string, o CloneOptions) (*Repo, error) {
	a, err := parse(url, o.Auth)
	if err != nil {
		return nil, err
	}
	if o.Branch != "" {
		if err := CheckBranch(o.Branch); err != nil {
			return nil, err
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return nil, err
	}
	held, err := hold(ctx, dir+".lock")
	if err != nil {
		return nil, err
	}
	defer held.Close()
	if err := tidy(dir); err != nil {
		return nil, err
	}
	tip, err := a.tip(ctx, o.Branch)
	if err != nil {
		return nil, err
	}
	c := cloning{a, tip, max(1, o.Depth)}
	if _, err := os.Stat(dir); err == nil {
		if r, err := c.update(ctx, dir); err == nil || ctx.Err() != nil {
			return r, err
		}
	}
	return c.anew(ctx, dir)
}

// hold locks a file, once no other process has it. The file stays: whoever removed
// it could remove one that the next process holds.
func hold(ctx context.Context, name string) (*os.File, error) {
	for {
		f, err := lock.Open(name, os.O_RDWR|os.O_CREATE)
		if !errors.Is(err, lock.ErrHeld) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: waiting for another process: %w", said.Printable(name), context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tidy takes away what a killed Clone left beside dir, and refuses a folder that
// isn't ours.
func tidy(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		_ = os.Rename(dir+".old", dir)
	} else if _, err := os.Stat(filepath.Join(dir, mark)); err != nil && !empty(dir) {
		return fmt.Errorf("%s: not a clone of drydock's: choose another folder for the cache", said.Printable(dir))
	}
	return errors.Join(os.RemoveAll(dir+".old"), os.RemoveAll(dir+".new"))
}

// tip is a commit of a remote, and the branch, "" where its HEAD is detached.
type tip struct{ branch, id string }

// tip asks a remote for a branch, or for where its HEAD stands.
func (a address) tip(ctx context.Context, branch string) (t tip, err error) {
	want := "HEAD"
	if branch != "" {
		want = "refs/heads/" + branch
	}
	out, err := a.call("ls-remote", "--symref", "--exit-code", remote, want).run(ctx)
	if exited(err, 2) && branch != "" {
		return t, fmt.Errorf("%s: no branch %s there", said.Printable(a.url), branch)
	} else if exited(err, 2) {
		return t, fmt.Errorf("%s: %w", said.Printable(a.url), ErrEmpty)
	} else if err != nil {
		return t, err
	}
	t.branch = branch
	for line := range strings.Lines(string(out)) {
		value, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if name != want {
			continue // the pattern fits deeper names too
		}
		if ref, ok := strings.CutPrefix(value, "ref: "); ok {
			if head, ok := strings.CutPrefix(ref, "refs/heads/"); ok && CheckBranch(head) == nil && branch == "" {
				t.branch = head
			}
		} else {
			t.id = value
		}
	}
	if !objectID().MatchString(t.id) {
		return t, fmt.Errorf("%s: %w", said.Printable(a.url), ErrEmpty)
	}
	return t, nil
}

var objectID = expression(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// cloning is one Clone.
type cloning struct {
	address
	tip   tip
	depth int
}

// said is what the mark of a clone says: with what it is up to date.
func (c cloning) said() string {
	return fmt.Sprintf("%s\n%s\n%d\n", c.url, c.tip.id, c.depth)
}

func (c cloning) head() string {
	if c.tip.branch == "" {
		return "refs/drydock/head"
	}
	return "refs/heads/" + c.tip.branch
}

// update fetches what is new. Its error means that the clone is no good.
func (c cloning) update(ctx context.Context, dir string) (*Repo, error) {
	before, err := os.ReadFile(filepath.Join(dir, mark))
	if err != nil {
		return nil, err
	}
	if url, _, _ := strings.Cut(string(before), "\n"); url != c.url {
		return nil, errors.New("a clone of something else")
	}
	if _, err := Open(ctx, dir); err != nil {
		return nil, err
	}
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	if err != nil {
		return nil, err
	}
	if string(before) != c.said() || string(head) != "ref: "+c.head()+"\n" {
		if err := c.fetch(ctx, dir); err != nil {
			return nil, err
		}
	}
	r, err := c.open(ctx, dir)
	if err != nil {
		return nil, err
	}
	ls := r.git("ls-tree", "-r", "-t", "HEAD") // reads every tree
	return r, ls.stream(ctx, io.Discard)
}

// anew clones beside dir and puts it in place.
func (c cloning) anew(ctx context.Context, dir string) (*Repo, error) {
	fresh := dir + ".new"
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := c.create(fresh); err != nil {
		return nil, err
	}
	if err := c.fetch(ctx, fresh); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(dir); err == nil {
		if err := os.Rename(dir, dir+".old"); err != nil {
			return nil, err
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir + ".old"); err != nil {
		return nil, err
	}
	return c.open(ctx, dir)
}

// create makes an empty bare repository.
func (c cloning) create(dir string) error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o777); err != nil {
			return err
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if len(c.tip.id) == 64 {
		config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(c.url)
	config += "[remote \"origin\"]\n\turl = \"" + escaped + "\"\n"
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o666),
		os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: "+c.head()+"\n"), 0o666))
}

// lacking finds what a server says that has no filters, or no shallow clones.
var lacking = expression(`(?i)filter|shallow|dumb http|does not support`)

// fetch brings the commit, as little of it as the server can, and makes it HEAD.
func (c cloning) fetch(ctx context.Context, dir string) error {
	from := "refs/heads/" + c.tip.branch
	if c.tip.branch == "" {
		from = "HEAD"
	}
	depth := fmt.Sprintf("--depth=%d", c.depth)
	var err error
	for _, less := range [][]string{{depth, "--filter=blob:none"}, {depth}, {}} {
		args := append([]string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance", "--update-head-ok"}, less...)
		run := c.login(call{dir: dir, at: c.url, args: append(args, "origin", "+"+from+":"+c.head())})
		run.config = append(run.config, setting{"protocol.version", "2"})
		run.env = append(run.env, "GIT_DIR="+dir)
		_, err = run.run(ctx)
		var f *failure
		if !errors.As(err, &f) || !lacking().MatchString(f.said) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: "+c.head()+"\n"), 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, mark), []byte(c.said()), 0o666)
}

func (c cloning) open(ctx context.Context, dir string) (*Repo, error) {
	r, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	r.url, r.auth = c.url, c.auth
	return r, nil
}
