package transforms

import (
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// weigh tells what the build context weighs and what the builder is sent of it,
// with the ignore file as it is and as it will be; nil where that can't be
// known.
func weigh(p *rewrite.Pass, was, will *repo.Ignore) *rewrite.ContextChange {
	files, complete := p.Repo.Sent(was)
	if will.Err != nil || len(files) == 0 {
		return nil
	}
	asked, all := askedFor(p)
	c := &rewrite.ContextChange{Complete: complete}
	add := func(before, after *rewrite.Weight, f repo.File) {
		before.Add(f.Size)
		if !will.Excluded(f.Path) {
			after.Add(f.Size)
		}
	}
	for _, f := range files {
		add(&c.Before, &c.After, f)
		if all || slices.ContainsFunc(asked, func(s string) bool { return f.Path == s || strings.HasPrefix(f.Path, s+"/") }) {
			add(&c.SentBefore, &c.SentAfter, f)
		}
	}
	return c
}

// askedFor lists the context paths that the Dockerfile's COPY, ADD and bind
// mounts name; BuildKit sends nothing else. all tells that it is everything.
//
// Source: dispatchStages of dockerfile2llb, whose ctxPaths become FollowPaths.
func askedFor(p *rewrite.Pass) (paths []string, all bool) {
	for _, in := range p.Doc.Instructions {
		for _, s := range in.ContextSources() {
			if in.Stage != nil {
				s = in.State().Expand(s)
			}
			if s == "." || strings.Contains(s, "$") {
				return nil, true
			}
			for _, name := range p.Repo.Glob(s) {
				real, links, _ := p.Repo.Real(name)
				paths = append(append(paths, real), links...)
			}
		}
	}
	return paths, false
}
