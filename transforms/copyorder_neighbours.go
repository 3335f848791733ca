package transforms

import (
	"fmt"

	"drydock/rewrite"
)

// What it takes for two COPYs to change places: the layer that is saved weighs
// as much, and history speaks as clearly.
const (
	worthMoving  = 1_000_000 // bytes of the COPY that changes seldom
	leastCommits = 20        // that history holds
	leastChanges = 5         // of the COPY that changes often
	oftener      = 5         // times as often as the other one
)

// stableFirst plans to let neighbouring COPYs change places where git history
// changes the files of the first much more often, and those of the second weigh
// something: the second then keeps its layer, which need not be pushed and
// pulled again.
func stableFirst(p *rewrite.Pass, s *rewrite.Stage) (c rewrite.Change, ok bool) {
	if p.History == nil {
		return c, false
	}
	for _, often := range s.Instructions {
		seldom := often.Next()
		if seldom == nil || !copiesContext(often) || !copiesContext(seldom) || weight(p, seldom) < worthMoving {
			continue
		}
		com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
		if ok, _ := com.Commute(p.Effects(often), p.Effects(seldom)); !ok {
			continue
		}
		n, of := changes(p, often)
		m, _ := changes(p, seldom)
		if of < leastCommits || n < leastChanges || n < oftener*(m+1) {
			continue
		}
		return rewrite.Change{
			Title: fmt.Sprintf("copy line %d before line %d", seldom.Line, often.Line),
			Why:   fmt.Sprintf("of the last %d commits %d change what line %d copies, %d what line %d does", of, n, often.Line, m, seldom.Line),
			Gain:  "its layer stays the same, and need not be pushed and pulled again",
			At:    seldom,
			Edits: p.Doc.Move(often, seldom),
		}, true
	}
	return c, false
}

// copiesContext: a COPY or ADD that takes files of the context.
func copiesContext(in *rewrite.Instruction) bool {
	return (in.Keyword == "copy" || in.Keyword == "add") && len(in.ContextSources()) > 0
}

// weight is how many bytes a COPY takes from the context, 0 where that isn't known.
func weight(p *rewrite.Pass, in *rewrite.Instruction) (bytes int64) {
	files, known := brought(p, in)
	if !known {
		return 0
	}
	for _, f := range files {
		bytes += f.Size
	}
	return bytes
}

// changes counts the commits that change what a COPY takes; of several sources
// the one that changes most stands for all.
func changes(p *rewrite.Pass, in *rewrite.Instruction) (n, of int) {
	for _, src := range in.ContextSources() {
		m, all := p.History.Changed(src)
		n, of = max(n, m), all
	}
	return n, of
}
