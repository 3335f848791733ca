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
		marker = imagePath(inst, inst.Files[0])
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
		if strings.HasPrefix(relFile(inst, f), "..") {
			p.Decline(run, "stays behind COPY on line %d: the install reads %s, outside its own folder", broad.Line, f)
			return c, false
		}
		at := imagePath(inst, f)
		if ctx, by := s.Origin(run, at, p.Repo, p.Name); ctx != f || by != broad {
			if by != nil && by != broad && ctx == f {
				continue // a COPY of its own brings it
			}
			p.Decline(run, "stays behind COPY on line %d: %s isn't brought by it", broad.Line, f)
			return c, false
		}
		settled = append(settled, at)
		if ctx, by := s.Origin(broad, at, p.Repo, p.Name); by == nil || by.Stage != s || ctx != f || rewritten(by, broad) {
			early.Files = append(early.Files, f)
		}
	}
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name}
	be := broad.Effects(p.Repo, p.Name)
	before := run // what the files are copied above
	for in := broad.Next(); in != nil; in = in.Next() {
		oe := in.Effects(p.Repo, p.Name)
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
		Title: "copy " + strings.Join(inst.Files, ", ") + " before " + inst.Name + ", the rest after it",
		Why:   "with all files copied first, every change of any file runs the install again",
		Gain:  "the install comes from the cache until its own files change",
		At:    broad,
		Edits: p.Doc.Move(broad, run),
	}
	if copies != "" {
		c.Edits = append(c.Edits, p.Doc.InsertBefore(before, copies))
	}
	if inst.Assumes != "" {
		c.Safety, c.Assumes = rewrite.Assumes, inst.Assumes
	}
	return c, true
}

// rewritten reports whether a RUN stands between two instructions, which may
// change what the first brought.
func rewritten(a, b *rewrite.Instruction) bool {
	for in := a.Next(); in != nil && in != b; in = in.Next() {
		if in.Keyword == "run" {
			return true
		}
	}
	return false
}

// relFile is a context file relative to the folder that the install runs in.
func relFile(inst rewrite.Install, f string) string {
	if inst.Ctx == "." || inst.Ctx == "" {
		return f
	}
	if rel, ok := strings.CutPrefix(f, inst.Ctx+"/"); ok {
		return rel
	}
	return "../" + f
}

func imagePath(inst rewrite.Install, f string) string {
	return path.Join(inst.Dir, relFile(inst, f))
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
		dir := path.Dir(imagePath(inst, f))
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
