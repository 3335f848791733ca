package git

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"drydock/said"
)

// Carries tells whether the commit tip itself has the trailer key. A commit that isn't
// here is fetched from url and thrown away again.
func (r *Repo) Carries(ctx context.Context, url, tip, trailer string) (bool, error) {
	s, remove, err := r.having(ctx, url, tip)
	if err != nil {
		return false, err
	}
	defer remove()
	log := s.git("log", "-1", "--no-show-signature", "--format=%(trailers:key="+trailer+",valueonly)", "--end-of-options", tip)
	log.env = append(log.env, s.own())
	out, err := log.line(ctx)
	return strings.TrimSpace(out) != "", err
}

// Same tells whether the files at paths are the same in the commits here and tip, also
// that they are missing in both. tip is fetched as in Carries, without the content of files.
func (r *Repo) Same(ctx context.Context, url, here, tip string, paths []string) (bool, error) {
	s, remove, err := r.having(ctx, url, tip)
	if err != nil {
		return false, err
	}
	defer remove()
	diff := s.git(append([]string{"diff-tree", "-r", "--name-only", "-z", "--no-renames", here, tip, "--"}, paths...)...)
	diff.env = append(diff.env, s.own())
	out, err := diff.run(ctx)
	return len(out) == 0, err
}

// having is a scratch repository that has commit tip.
func (r *Repo) having(ctx context.Context, url, tip string) (*scratch, func(), error) {
	if !objectID().MatchString(tip) {
		return nil, nil, fmt.Errorf("%s: not the full name of a commit: %q", said.Printable(r.Dir), tip)
	}
	s, remove, err := r.scratch()
	if err != nil {
		return nil, nil, err
	}
	check := s.git("cat-file", "--batch-check")
	check.in = strings.NewReader(tip + "^{tree}\n")
	out, err := check.run(ctx)
	if err == nil && bytes.Contains(out, []byte(" missing\n")) {
		var c call
		if c, err = s.to(url, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--depth=1", "--filter=blob:none", remote, tip); err == nil {
			c.env = append(c.env, s.own())
			_, err = c.run(ctx)
		}
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return s, remove, nil
}
