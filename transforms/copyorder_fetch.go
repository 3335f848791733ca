package transforms

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// fetcher is a build tool that fetches the dependencies in the build itself, so
// that a layer of their own needs a command of its own in front of it.
type fetcher struct {
	what   string                     // what is fetched: "Go modules"
	marker string                     // the file in the working directory that declares them
	builds func(rewrite.Command) bool // a command that fetches and builds
	// uses: a command that has to do with the tool's modules; one in front of the
	// build means that a layer of their own is there, or isn't meant to be.
	uses func(rewrite.Command) bool
	// disturbs are words of a RUN between COPY and build that may decide what is
	// fetched; ENV, ARG and USER there do in any case.
	disturbs []string
	plan     func(p *rewrite.Pass, run *rewrite.Instruction, dir string) fetchPlan
}

// fetchPlan is how a fetcher fetches what a context folder declares.
type fetchPlan struct {
	command string   // "go mod download"
	files   []string // all context paths that it reads
	assumes string
	skip    bool   // there is nothing to fetch
	decline string // why it can't be done; "" where it can
}

var fetchers []*fetcher

// fetchFirst plans, for a build behind a COPY of the code: COPY the files that
// declare the dependencies, RUN the fetch, COPY all.
func fetchFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction) (c rewrite.Change, ok bool) {
	sh, why := run.Shell()
	if why != "" {
		return c, false
	}
	for _, f := range fetchers {
		if slices.ContainsFunc(sh.Commands(), f.builds) {
			if c, ok := f.first(p, s, run); ok {
				return c, true
			}
		}
	}
	return c, false
}

func (f *fetcher) first(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction) (c rewrite.Change, ok bool) {
	st := s.At(run)
	if st.Workdir == "" {
		return c, false
	}
	broad := broadCopy(p, s, run, path.Join(st.Workdir, f.marker))
	if broad == nil || f.usedBefore(s, run) {
		return c, false
	}
	marker, _ := s.Origin(run, path.Join(st.Workdir, f.marker), p.Repo, p.Name)
	dir := path.Dir(marker)
	plan := f.plan(p, run, dir)
	if plan.skip || len(run.Mounts()) > 0 { // or caches or secrets are in use already
		return c, false
	}
	if plan.decline == "" && s.At(broad).Workdir != st.Workdir {
		plan.decline = "the working directory changes behind the COPY"
	}
	if plan.decline == "" {
		plan.decline = f.disturbed(broad, run)
	}
	inst := rewrite.Install{Dir: st.Workdir, Ctx: dir, Files: plan.files}
	copies := ""
	if plan.decline == "" {
		for _, file := range inst.Files {
			if got, by := s.Origin(run, imagePath(inst, file), p.Repo, p.Name); got != file || by != broad {
				return c, false // copied before already
			}
		}
		copies, plan.decline = copyLines(p, s, broad, broad, inst)
	}
	if plan.decline != "" {
		p.Decline(run, "no layer of their own for the %s: %s", f.what, plan.decline)
		return c, false
	}
	c = rewrite.Change{
		Title: "download the " + f.what + " before the code is copied",
		Why:   "the build behind COPY fetches everything again after any change of the code",
		Gain:  "the " + f.what + " come from the cache until " + strings.Join(plan.files, " or ") + " change",
		At:    broad,
		Edits: []rewrite.Edit{p.Doc.InsertBefore(broad, copies+keywordLike(run, "RUN")+" "+plan.command+"\n")},
		Adds:  []string{plan.command},
	}
	if plan.assumes != "" {
		c.Safety, c.Assumes = rewrite.Assumes, plan.assumes
	}
	return c, true
}

// usedBefore: the tool has fetched or built something in front of the build.
func (f *fetcher) usedBefore(s *rewrite.Stage, run *rewrite.Instruction) bool {
	for _, in := range s.Instructions {
		if in == run {
			return false
		}
		if sh, why := in.Shell(); why == "" && slices.ContainsFunc(sh.Commands(), f.uses) {
			return true
		}
	}
	return false
}

// disturbed tells what between the COPY and the build may decide what is fetched.
func (f *fetcher) disturbed(broad, run *rewrite.Instruction) string {
	for in := broad.Next(); in != nil && in != run; in = in.Next() {
		switch in.Keyword {
		case "env", "arg", "user":
		case "run":
			if !slices.ContainsFunc(f.disturbs, func(w string) bool { return strings.Contains(in.Text, w) }) {
				continue
			}
		default:
			continue
		}
		return "line " + strconv.Itoa(in.Line) + " may decide what is downloaded"
	}
	return ""
}
