package transforms

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// installFirst plans: COPY files, install, COPY all.
func installFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction, eff *rewrite.Effects, inst rewrite.Install) (c rewrite.Change, ok bool) {
	markers := []string{path.Join(inst.Dir, "package.json")}
	if len(inst.Files) > 0 {
		markers = nil
		for _, f := range inst.Files {
			markers = append(markers, inst.At(f))
		}
	}
	var broad *rewrite.Instruction
	for n := 0; n < len(markers) && broad == nil; n++ {
		broad = broadCopy(p, s, run, markers[n])
	}
	if broad == nil || onlyReads(p, broad, inst) {
		return c, false
	}
	if eff.Unknown != "" {
		p.Decline(run, "stays behind COPY on line %d: %s", broad.Line, eff.Unknown)
		return c, false
	}
	settled := make([]string, 0, len(inst.Files))
	early := inst // with the files that no COPY above broad brings yet
	early.Files = nil
	for _, f := range inst.Files {
		at := inst.At(f)
		if ctx, by := s.Origin(run, at, p.Repo, p.Name); ctx != f || by != broad {
			if by != nil && by != broad && ctx == f {
				continue // a COPY of its own brings it
			}
			p.Decline(run, "stays behind COPY on line %d: %s isn't brought by it", broad.Line, f)
			return c, false
		}
		settled = append(settled, at)
		if ctx, by := s.Origin(broad, at, p.Repo, p.Name); by == nil || by.Stage != s || ctx != f || rewritten(p, by, broad, at) {
			early.Files = append(early.Files, f)
		}
	}
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
	be := p.Effects(broad)
	before := run // what the files are copied above
	for in := broad.Next(); in != nil; in = in.Next() {
		oe := p.Effects(in)
		if in == run { // the files are there by then
			oe, com.Settled = eff, settled
		}
		ok, why := com.Commute(be, oe)
		if !ok && com.Settled == nil { // it may need just these, as "bundle config" needs the Gemfile
			com.Settled = settled
			if ok, _ = com.Commute(be, oe); ok {
				before = in
			}
		}
		if !ok {
			p.Decline(run, "stays behind COPY on line %d, which can't move below line %d: %s", broad.Line, in.Line, why)
			return c, false
		}
		if in == run {
			break
		}
	}
	copies, why := copyLines(p, s, before, broad, early)
	if why != "" {
		p.Decline(run, "stays behind COPY on line %d: %s", broad.Line, why)
		return c, false
	}
	c = rewrite.Change{
		Title: "copy " + list(inst.Files, ", ") + " before " + inst.Name + ", the rest after it",
		Why:   "with all files copied first, every change of any file runs the install again",
		Gain:  "the install comes from the cache until its own files change",
		At:    broad,
	}
	switch {
	case copies == "":
		c.Edits = behind(p.Doc, broad, run)
	case before == broad.Next() && heads(p.Doc, broad):
		c.Edits = []rewrite.Edit{p.Doc.Replace(broad, copies), p.Doc.InsertAfter(run, p.Doc.Lines(broad.Span))}
	default:
		c.Edits = append(behind(p.Doc, broad, run), under(p.Doc, before, copies))
	}
	if inst.Assumes != "" {
		c.Safety, c.Assumes = rewrite.Assumes, inst.Assumes
	}
	return c, true
}

// together makes one install of those of a RUN, seen from the folder that they
// have in common, so that one set of files stands before all of them. Installs
// whose folders were copied from different places stay apart.
func together(installs []rewrite.Install) []rewrite.Install {
	if len(installs) == 0 {
		return nil
	}
	all := installs[0]
	all.Dir, all.Ctx = base(all)
	all.Files = nil
	var assumes []string
	for _, i := range installs {
		if dir, ctx := base(i); dir != all.Dir || ctx != all.Ctx {
			return installs
		}
		for _, f := range i.Files {
			if !slices.Contains(all.Files, f) {
				all.Files = append(all.Files, f)
			}
		}
		if i.Assumes != "" && !slices.Contains(assumes, i.Assumes) {
			assumes = append(assumes, i.Assumes)
		}
	}
	all.Assumes = strings.Join(assumes, "; ")
	return []rewrite.Install{all}
}

// base is the highest folder of the image, with its folder of the context, from
// which all below has the same name in both.
func base(i rewrite.Install) (dir, ctx string) {
	dir, ctx = i.Dir, i.Ctx
	for ctx != "" && ctx != "." && dir != "/" && path.Base(dir) == path.Base(ctx) {
		dir, ctx = path.Dir(dir), path.Dir(ctx)
	}
	return dir, ctx
}

// onlyReads reports whether a COPY brings nothing but folders that the install
// reads as a whole, so that it stands where it belongs.
func onlyReads(p *rewrite.Pass, broad *rewrite.Instruction, inst rewrite.Install) bool {
	for _, src := range broad.ContextSources() {
		if !slices.Contains(inst.Files, src) {
			return false
		}
	}
	return true
}

// rewritten reports whether a RUN stands between two instructions that may change
// what the first brought to a path of the image.
func rewritten(p *rewrite.Pass, a, b *rewrite.Instruction, at string) bool {
	for in := a.Next(); in != nil && in != b; in = in.Next() {
		if in.Keyword != "run" {
			continue
		}
		e := p.Effects(in)
		if e.Unknown != "" || slices.ContainsFunc(e.Writes, func(w string) bool { return rewrite.Inside(at, w) }) {
			return true
		}
	}
	return false
}

// copyLines writes a COPY for each folder of files, with the flags of the COPY
// that brought them so far.
func copyLines(p *rewrite.Pass, s *rewrite.Stage, run, broad *rewrite.Instruction, inst rewrite.Install) (string, string) {
	var flags []string
	for _, f := range broad.Flags {
		name, _, _ := strings.Cut(f.Text, "=")
		switch name {
		case "--chown", "--chmod", "--link":
			flags = append(flags, f.Text)
		default:
			return "", "its COPY has " + name
		}
	}
	keyword := rewrite.KeywordLike(broad, "COPY")
	byDir := map[string][]string{}
	var dirs []string
	for _, f := range inst.Files {
		dir := path.Dir(inst.At(f))
		if p.Repo.IsDir(f) {
			dir = inst.At(f) // its contents land there
		}
		if strings.ContainsAny(f, " \t\"'$\\*?[") {
			return "", "the file name " + f + " needs quoting"
		}
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], f)
	}
	if len(dirs) > maxCopies {
		return "", "the install reads files in " + strconv.Itoa(len(dirs)) + " folders, too many for a COPY each"
	}
	var b strings.Builder
	for _, dir := range dirs {
		// Folders that a COPY makes belong to its --chown, as the broad COPY leaves
		// them; their mode is 0755 whatever --chmod says.
		if dir != inst.Dir && slices.ContainsFunc(flags, func(f string) bool { return !strings.HasPrefix(f, "--chown=") }) {
			return "", "its COPY sets the mode of folders"
		}
		dest := strings.TrimSuffix(dir, "/") + "/"
		workdir := s.At(run).Workdir
		if rel, ok := strings.CutPrefix(dest, strings.TrimSuffix(workdir, "/")+"/"); ok && (rel == "" || workdir != "/") {
			dest = "./" + rel
			if rel == "" && len(byDir[dir]) == 1 {
				dest = "."
			} else if rel != "" {
				dest = rel
			}
		}
		slices.Sort(byDir[dir])
		words := append(append([]string{keyword}, flags...), byDir[dir]...)
		b.WriteString(strings.Join(append(words, dest), " ") + "\n")
	}
	return b.String(), ""
}

// maxCopies is how many COPY lines people write to bring the manifests of a
// workspace, one for each folder: karakeep's Dockerfile has twenty.
const maxCopies = 20
