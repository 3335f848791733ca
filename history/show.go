package history

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// Show reads a file of a folder as it was at a revision ("HEAD", a branch, a tag, a
// commit): its bytes, and whether it was there. name is relative to dir, with
// slashes, and may lead out of it within the repository. The error is for a folder outside of git
// (ErrNone) and a revision that doesn't exist.
func Show(ctx context.Context, dir, rev, name string) (text []byte, exists bool, err error) {
	g := git{dir}
	if _, _, err := g.locate(ctx); err != nil {
		return nil, false, err
	}
	commit, err := g.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if ctx.Err() != nil {
		return nil, false, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: no revision %s in its repository", dir, rev)
	}
	path := name
	if !strings.HasPrefix(name, "../") {
		path = "./" + name
	}
	object := string(bytes.TrimSpace(commit)) + ":" + path
	kind, err := g.output(ctx, "cat-file", "-t", object)
	if ctx.Err() != nil {
		return nil, false, err
	}
	if err != nil || string(bytes.TrimSpace(kind)) != "blob" {
		return nil, false, nil
	}
	text, err = g.output(ctx, "cat-file", "blob", object)
	return text, err == nil, err
}
