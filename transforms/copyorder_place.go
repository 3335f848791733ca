package transforms

import (
	"slices"
	"strconv"

	"drydock/repo"
	"drydock/rewrite"
)

// fetchPlace is where a fetch can stand: in front of the COPY that brings the
// code, or that COPY moves down to where the build's own environment begins.
type fetchPlace struct {
	broad   *rewrite.Instruction // the COPY of the code
	below   *rewrite.Instruction // broad moves below this one; nil: it stays
	missing []string             // files that no COPY brings before
	gains   bool                 // the code comes before the build and the fetch can come before the code
	decline string
}

// first is the first instruction behind the fetch.
func (at fetchPlace) first() *rewrite.Instruction {
	if at.below != nil {
		return at.below.Next()
	}
	return at.broad
}

func (at fetchPlace) edits(p *rewrite.Pass, lines string) []rewrite.Edit {
	if at.below == nil {
		if paragraph(p.Doc, at.broad) {
			lines += "\n"
		}
		return []rewrite.Edit{p.Doc.InsertBefore(at.broad, lines)}
	}
	return []rewrite.Edit{p.Doc.Delete(at.broad), p.Doc.InsertAfter(at.below, lines+p.Doc.Lines(at.broad.Attached()))}
}

// place looks for the place of a fetch that reads the plan's files: all that may
// decide what is fetched has to come before it.
func (f *fetcher) place(call fetchCall, plan fetchPlan) (at fetchPlace) {
	p, run := call.p, call.run
	s := run.Stage
	var last *rewrite.Instruction // that brings one of the files
	by := map[string]*rewrite.Instruction{}
	for _, file := range plan.inst.Files {
		_, in := s.Origin(run, plan.inst.At(file), p.Repo, p.Name)
		if in == nil || in.Stage != s {
			continue // a stage before has it
		}
		by[file] = in
		if last == nil || in.Index > last.Index {
			last = in
		}
	}
	if last == nil {
		return at
	}
	at.broad = last
	if bringsOnly(p, last, plan.inst.Files) {
		for in := last.Next(); ; in = in.Next() {
			if in == nil || in == run {
				return at // the code came before: nothing to gain
			}
			if len(in.ContextSources()) > 0 && in.Keyword != "run" && !bringsOnly(p, in, plan.inst.Files) {
				at.broad = in
				break
			}
		}
	}
	at.gains = true
	for _, file := range plan.inst.Files {
		if ctx, in := s.Origin(at.broad, plan.inst.At(file), p.Repo, p.Name); in != nil && ctx == file {
			continue // a COPY in front brings it already, and this one again
		}
		if by[file] == at.broad {
			at.missing = append(at.missing, file)
		}
	}
	if at.decline = f.disturbed(run, call, plan); at.decline != "" {
		return at
	}
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
	broad := p.Effects(at.broad)
	for in := at.broad.Next(); in != nil && in != run; in = in.Next() {
		if f.disturbed(in, call, plan) != "" {
			at.below = in
		}
	}
	for in := at.broad.Next(); at.below != nil && in != at.below.Next(); in = in.Next() {
		if ok, why := com.Commute(broad, p.Effects(in)); !ok {
			at.decline = "the COPY on line " + strconv.Itoa(at.broad.Line) + " can't move below line " + strconv.Itoa(in.Line) + ": " + why
			return at
		}
	}
	if ok, why := com.Commute(broad, &rewrite.Effects{Writes: plan.writes}); len(plan.writes) > 0 && !ok {
		at.decline = why
	}
	return at
}

// bringsOnly: a COPY brings nothing but files of a list.
func bringsOnly(p *rewrite.Pass, in *rewrite.Instruction, files []string) bool {
	all, known := brought(p, in)
	return known && len(all) > 0 && !slices.ContainsFunc(all, func(f repo.File) bool { return !slices.Contains(files, f.Path) })
}

// brought are the files of the context that a COPY brings; known is false where
// that isn't known in full.
func brought(p *rewrite.Pass, in *rewrite.Instruction) (files []repo.File, known bool) {
	sent, complete := p.Repo.Sent(p.Repo.Ignore(p.Name))
	if !complete {
		return nil, false
	}
	names, byName := make([]string, 0, len(sent)), make(map[string]repo.File, len(sent))
	for _, f := range sent {
		names = append(names, f.Path)
		byName[f.Path] = f
	}
	list, why := in.Brings(names, p.Repo, p.Name)
	for _, b := range list {
		files = append(files, byName[b.Ctx])
	}
	return files, why == ""
}
