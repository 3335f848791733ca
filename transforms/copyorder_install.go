package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// installFirst plans: COPY files, install, COPY all.
func installFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction, eff *rewrite.Effects, inst rewrite.Install) (c rewrite.Change, ok bool) {
	marker := path.Join(inst.Dir, "package.json")
	if len(inst.Files) > 0 {
		marker = inst.At(inst.Files[0])
	}
	broad := broadCopy(p, s, run, marker)
	if broad == nil {
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
	be := broad.Effects(p.Repo, p.Name)
	for in := broad.Next(); in != nil; in = in.Next() {
		oe := in.Effects(p.Repo, p.Name)
		if in == run { // the files are there by then, copied just above
			oe, com.Settled = eff, settled
		}
		if ok, why := com.Commute(be, oe); !ok {
			p.Decline(run, "stays behind COPY on line %d, which can't move below line %d: %s", broad.Line, in.Line, why)
			return c, false
		}
		if in == run {
			break
		}
	}
	copies, why := copyLines(p, s, run, broad, early)
	if why != "" {
		p.Decline(run, "stays behind COPY on line %d: %s", broad.Line, why)
		return c, false
	}
	c = rewrite.Change{
		Title: "copy " + list(inst.Files, ", ") + " before " + inst.Name + ", the rest after it",
		Why:   "with all files copied first, every change of any file runs the install again",
		Gain:  "the install comes from the cache until its own files change",
		At:    broad,
		Edits: p.Doc.Move(broad, run),
	}
	if copies != "" {
		c.Edits = append(c.Edits, p.Doc.InsertBefore(run, copies))
	}
	if inst.Assumes != "" {
		c.Safety, c.Assumes = rewrite.Assumes, inst.Assumes
	}
	return c, true
}

// rewritten reports whether a RUN stands between two instructions that may change
// what the first brought to a path of the image.
func rewritten(p *rewrite.Pass, a, b *rewrite.Instruction, at string) bool {
	for in := a.Next(); in != nil && in != b; in = in.Next() {
		if in.Keyword != "run" {
			continue
		}
		e := in.Effects(p.Repo, p.Name)
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
	keyword := keywordLike(broad, "COPY")
	byDir := map[string][]string{}
	var dirs []string
	for _, f := range inst.Files {
		dir := path.Dir(inst.At(f))
		if strings.ContainsAny(f, " \t\"'$\\") {
			return "", "the file name " + f + " needs quoting"
		}
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], f)
	}
	var b strings.Builder
	for _, dir := range dirs {
		if dir != inst.Dir && len(flags) > 0 {
			return "", "its COPY sets the owner of folders"
		}
		dest := strings.TrimSuffix(dir, "/") + "/"
		if rel, ok := strings.CutPrefix(dest, strings.TrimSuffix(s.At(run).Workdir, "/")+"/"); ok {
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
