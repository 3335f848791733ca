package transforms

import (
	"fmt"
	"slices"
	"strings"

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
	lines := p.Doc.Lines(run.Attached())
	if setOff(p.Doc, run) { // so it is from what it moves above
		lines += "\n"
		if run.Lead() < run.Span.Start && !setOff(p.Doc, first) {
			lines = "\n" + lines
		}
	}
	return rewrite.Change{
		Title: fmt.Sprintf("install packages before the files of line %d are copied", first.Line),
		Why:   "behind a COPY the packages are installed again whenever one of its files changes",
		Gain:  "the packages come from the cache until their list changes",
		At:    run,
		Edits: []rewrite.Edit{p.Doc.Delete(run), p.Doc.InsertBefore(first, lines)},
	}, true
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

// setOff: a blank line stands above an instruction and its comments.
func setOff(d *rewrite.Document, in *rewrite.Instruction) bool {
	above := strings.ReplaceAll(d.Src[:in.Lead()], "\r", "")
	return strings.HasSuffix(above, "\n\n")
}
