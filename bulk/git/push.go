package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Remote is the address of a remote ("" for the clone's own, else that of `git
// remote get-url NAME`); "" when there is none. It may hold a login, which git's
// configuration has: Redact it before it is shown.
func (r *Repo) Remote(ctx context.Context, name string) (url string, err error) {
	if name == "" || r.url != "" && name == "origin" {
		return r.url, nil
	}
	if name[0] == '-' {
		return "", fmt.Errorf("%q can't be the name of a remote", name)
	}
	url, err = r.git("remote", "get-url", name).line(ctx)
	var f *failure
	if errors.As(err, &f) && strings.Contains(f.said, "No such remote") {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if !strings.Contains(url, ":") && !filepath.IsAbs(url) {
		url = filepath.Join(r.Dir, url) // git takes it from the work tree
	}
	return url, nil
}

// RemoteBranch asks a remote what a branch stands at there, "" when there is none.
func (r *Repo) RemoteBranch(ctx context.Context, url, branch string) (commit string, err error) {
	a, err := r.address(url)
	if err == nil {
		err = CheckBranch(branch)
	}
	if err != nil {
		return "", err
	}
	ref := "refs/heads/" + branch
	out, err := a.call("ls-remote", remote, ref).run(ctx)
	for line := range strings.Lines(string(out)) {
		if id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); name == ref && objectID().MatchString(id) {
			return id, err
		}
	}
	return "", err
}

// Push makes a branch of a remote stand at commit, provided that it stands at old
// there ("" for none): git push --force-with-lease, without hooks and configuration of this
// repository. A branch that stands at commit already is no error.
func (r *Repo) Push(ctx context.Context, url, branch, commit, old string) error {
	if err := CheckBranch(branch); err != nil {
		return err
	}
	s, remove, err := r.scratch()
	if err != nil {
		return err
	}
	defer remove()
	ref := "refs/heads/" + branch
	c, err := s.to(url, "push", "--porcelain", "--no-verify", "--force-with-lease="+ref+":"+old, remote, commit+":"+ref)
	if err != nil {
		return err
	}
	out, err := c.run(ctx)
	var f *failure
	if errors.As(err, &f) {
		// Which branch was refused and why stands on the standard output.
		for line := range strings.Lines(string(out)) {
			if line[0] == '!' {
				f.said = refusal().ReplaceAllString(strings.TrimSpace(line), "") + "\n" + f.said
			}
		}
	}
	return err
}

// refusal is what stands before the reason: "!\tcommit:refs/heads/x\t".
var refusal = expression(`^!\t\S*\t`)
