package replay

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"drydock/repo"
	"drydock/rewrite"
)

// contents finds what decides over the bytes at or below the image path p of a
// finished stage. BuildKit compares those bytes in a COPY --from and in a bind
// mount of a stage (ops/file.go and ops/exec.go: ComputeDigestFunc), whatever else
// happened in that stage. They follow from the last step that may have written
// there, and from what later steps copied there.
//
// A RUN whose effects drydock doesn't know may write anywhere; only a single
// file that a COPY brought is taken to be left alone by it.
func (c *planner) contents(sp *stagePlan, p string) []input {
	p = path.Clean(p)
	file := c.singleFile(sp, p)
	var out []input
	for _, st := range slices.Backward(sp.steps) {
		switch st.in.Keyword {
		case "copy", "add":
			more, known := c.lands(sp, st, p)
			if !known {
				return append(out, input{after: st})
			}
			out = append(out, more...)
			if c.replaces(st, p) {
				return out
			}
		case "run":
			if made := c.recipe(st, p); made != nil {
				return append(out, made...)
			}
			e := st.in.Effects(c.repo, c.name)
			writes := slices.ContainsFunc(e.Writes, func(w string) bool { return overlap(w, p) })
			if writes || e.Unknown != "" && !file {
				return append(out, input{after: st})
			}
		}
	}
	if sp.parent != nil {
		out = append(out, c.contents(sp.parent, p)...)
	}
	return out
}

// recipe is what cargo chef prepare makes its file of: the manifests. It is there
// to give the same bytes until those change, so taking it for new ones at each run
// would miss its point.
func (c *planner) recipe(st *step, p string) []input {
	for _, args := range commands(st.in) {
		at := slices.Index(args, "--recipe-path")
		if at < 0 || at+1 >= len(args) || !slices.Contains(args, "prepare") || args[0] != "cargo" {
			continue
		}
		if abs, ok := st.in.State().Abs(args[at+1]); ok && abs == p {
			manifests := newSource(".")
			manifests.include, _ = patternmatcher.New([]string{"**/Cargo.toml", "**/Cargo.lock"})
			return c.context([]*source{manifests}, false)
		}
	}
	return nil
}

// singleFile tells that p is one file of the context that a COPY of the stage
// brings.
func (c *planner) singleFile(sp *stagePlan, p string) bool {
	if ctx, by := sp.stage.Origin(nil, p, c.repo, c.name); by != nil {
		return !c.repo.IsDir(ctx)
	}
	return false
}

// lands finds what a COPY or ADD puts at or below p; known is false where that
// can't be told.
func (c *planner) lands(sp *stagePlan, st *step, p string) (in []input, known bool) {
	sources, dest, stage, _ := st.in.Copy()
	state := st.in.State()
	to, ok := state.Abs(state.Expand(dest))
	if !ok {
		return nil, false
	}
	if !overlap(to, p) {
		return nil, true
	}
	if stage != "" {
		return c.landsFrom(c.earlier(sp.stage, st.in, stage), sources, to, p)
	}
	e := st.in.Effects(c.repo, c.name)
	if e.Unknown != "" || len(st.in.Heredocs) > 0 {
		return nil, false
	}
	for _, t := range e.Trees {
		ctx := ""
		switch {
		case t.Unknown:
			return nil, false
		case rewrite.Inside(t.Dest, p): // all of it lies at or below p
			ctx = t.Ctx
		case t.Dir && rewrite.Inside(p, t.Dest):
			ctx = rewrite.ContextPath(t.Ctx + "/" + strings.TrimPrefix(p, t.Dest))
		case rewrite.Inside(p, t.Dest): // a file where there may be a folder
			return nil, false
		default:
			continue
		}
		in = append(in, c.context([]*source{newSource(ctx)}, false)...)
	}
	return in, true
}

// replaces tells that p is one file and that a COPY puts it there, whatever was
// there before.
func (c *planner) replaces(st *step, p string) bool {
	if _, _, from, _ := st.in.Copy(); from != "" {
		return false
	}
	return slices.ContainsFunc(st.in.Effects(c.repo, c.name).Trees, func(t rewrite.Tree) bool { return !t.Dir && !t.Unknown && t.Dest == p })
}

// landsFrom goes on in the stage that a COPY --from takes from, nil for an image.
func (c *planner) landsFrom(x *stagePlan, sources []string, to, p string) (in []input, known bool) {
	switch {
	case x == nil:
		return nil, true // always the same
	case len(sources) != 1 || repo.Wild(sources[0]) || strings.Contains(sources[0], "$"):
		return nil, false
	case rewrite.Inside(to, p):
		return c.contents(x, path.Join("/", sources[0])), true
	}
	return c.contents(x, path.Join("/", sources[0], strings.TrimPrefix(p, to))), true
}

func overlap(a, b string) bool { return rewrite.Inside(a, b) || rewrite.Inside(b, a) }
