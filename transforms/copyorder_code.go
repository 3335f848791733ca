package transforms

import (
	"fmt"
	"slices"

	"drydock/rewrite"
)

// codeLater plans to move a step that installs named packages in front of the
// COPYs of the context above it, when it needs nothing of them.
func codeLater(p *rewrite.Pass, run *rewrite.Instruction, eff *rewrite.Effects) (c rewrite.Change, ok bool) {
	if eff.Unknown != "" || len(eff.Installs) > 0 || len(run.Flags) > 0 || !downloads(run, eff) {
		return c, false
	}
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
	var first *rewrite.Instruction // the first COPY that it passes
	for i := run.Index - 1; i >= 0; i-- {
		in := p.Doc.Instructions[i]
		if in.Stage != run.Stage || in.Keyword == "from" {
			break
		}
		if ok, _ := com.Commute(p.Effects(in), eff); !ok {
			break
		}
		if len(in.ContextSources()) > 0 && in.Keyword != "run" {
			first = in
		}
	}
	if first == nil {
		return c, false
	}
	edits := below(p.Doc, first, run)
	if edits == nil {
		lines := p.Doc.Lines(run.Attached())
		if setOff(p.Doc, run) { // so it is from what it moves above
			lines += "\n"
			if commented(run) && !setOff(p.Doc, first) {
				lines = "\n" + lines
			}
		}
		edits = []rewrite.Edit{p.Doc.Delete(run), p.Doc.InsertBefore(first, lines)}
	}
	return rewrite.Change{
		Title: fmt.Sprintf("install packages before the files of line %d are copied", first.Line),
		Why:   "behind a COPY the packages are installed again whenever one of its files changes",
		Gain:  "the packages come from the cache until their list changes",
		At:    run,
		Edits: edits,
	}, true
}

// below moves what stands from first to run behind run, which is the same as moving run in front of it, where run begins a
// paragraph with a comment that more than run belongs to: its comment stays there with it. It's nil elsewhere.
func below(d *rewrite.Document, first, run *rewrite.Instruction) (edits []rewrite.Edit) {
	next := run.Next()
	if !commented(run) || !setOff(d, run) || next == nil || commented(next) || setOff(d, next) {
		return nil
	}
	var lines string
	for in := first; in != run; in = in.Next() {
		if commented(in) || in != first && setOff(d, in) {
			return nil
		}
		lines += d.Lines(in.Attached())
		edits = append(edits, d.Delete(in))
	}
	return append(edits, d.InsertAfter(run, lines))
}

// downloads: a RUN installs packages, of the project or by name.
func downloads(run *rewrite.Instruction, eff *rewrite.Effects) bool {
	return eff.Network && (len(eff.Installs) > 0 || slices.ContainsFunc(readRun(run).calls, func(k call) bool {
		switch k.verb {
		case "install", "i", "in", "add", "global add", "upgrade", "update", "groupinstall":
			return true
		}
		return false
	}))
}
