package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"drydock/said"
)

// CheckBranch tells whether name can be a branch, as git check-ref-format --branch
// does, without running git. Names of HEAD's kind are refused too.
func CheckBranch(name string) error {
	bad := name == "" || name == "HEAD" || name == "@" || name[0] == '-' || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.ContainsAny(name, " ~^:?*[\\") ||
		strings.ContainsFunc(name, unicode.IsControl) || strings.HasPrefix(name, "refs/")
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("%q can't be the name of a branch: letters, digits, '-', '_' and '/' always can", name)
	}
	return nil
}

// Branch tells what a branch of this repository stands at, "" when there is none.
func (r *Repo) Branch(ctx context.Context, name string) (commit string, err error) {
	if err := CheckBranch(name); err != nil {
		return "", err
	}
	commit, err = r.git("rev-parse", "--verify", "--quiet", "refs/heads/"+name+"^{commit}").line(ctx)
	if exited(err, 1) {
		return "", nil
	}
	return commit, err
}

// SetBranch makes branch name stand at commit, provided that it stands at old ("" for
// none) and no work tree has it checked out, is about to (a branch without a commit),
// rebases or bisects it.
func (r *Repo) SetBranch(ctx context.Context, name, commit, old string) error {
	if err := CheckBranch(name); err != nil {
		return err
	}
	if at, err := r.inUse(ctx, name); err != nil {
		return err
	} else if at != "" {
		return fmt.Errorf("%s: branch %s is in use in the work tree %s: choose another --branch, or leave it there with git switch",
			said.Printable(r.Dir), name, said.Printable(at))
	}
	if old == "" {
		old = strings.Repeat("0", len(commit))
	}
	_, err := r.git("update-ref", "--no-deref", "-m", "drydock bulk", "refs/heads/"+name, commit, old).run(ctx)
	var f *failure
	if errors.As(err, &f) && movedRef().MatchString(f.said) {
		return fmt.Errorf("%s: branch %s has moved since it was looked at: run again", said.Printable(r.Dir), name)
	}
	return err
}

// movedRef finds what update-ref says of a branch that isn't where it was.
var movedRef = expression(`but expected|reference already exists`)

// inUse finds the work tree that uses a branch.
func (r *Repo) inUse(ctx context.Context, name string) (string, error) {
	out, err := r.git("worktree", "list", "--porcelain", "-z").run(ctx)
	if err != nil {
		return "", err
	}
	ref, at := "refs/heads/"+name, ""
	for field := range strings.SplitSeq(string(out), "\x00") {
		if dir, ok := strings.CutPrefix(field, "worktree "); ok {
			at = dir
		} else if field == "branch "+ref {
			return at, nil
		}
	}
	// A rebase and a bisect detach HEAD and come back to the branch.
	dirs := []string{r.Main}
	linked, _ := os.ReadDir(filepath.Join(r.Main, "worktrees"))
	for _, e := range linked {
		dirs = append(dirs, filepath.Join(r.Main, "worktrees", e.Name()))
	}
	for _, dir := range dirs {
		for file, is := range map[string]string{"rebase-merge/head-name": ref, "rebase-apply/head-name": ref, "BISECT_START": name} {
			if text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file))); err == nil && strings.TrimSpace(string(text)) == is {
				if text, err := os.ReadFile(filepath.Join(dir, "gitdir")); err == nil {
					return filepath.Dir(strings.TrimSpace(string(text))), nil
				}
				return r.Dir, nil
			}
		}
	}
	return "", nil
}
