package transforms

import (
	"context"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// copy-chown gives files their owner and mode as they are copied, where a RUN
// behind the COPY does it.
var _ = register(&rewrite.Transform{
	Name:    "copy-chown",
	Summary: "Set owner and mode with COPY --chown and --chmod, not in a RUN behind it",
	Phase:   rewrite.PhaseLayers,
	Doc: `A chown or chmod in a RUN writes the file once more: it is in the image twice, in the
layer of the COPY and in the layer of the RUN. COPY --chown and --chmod write it once
(https://docs.docker.com/reference/dockerfile/#copy---chown---chmod).

The files are named one by one, by the COPY and by the chown or chmod that begins the
RUN right behind it. The names of users are looked up at the COPY as the RUN would
(BuildKit's solver/llbsolver/ops/user_linux.go); chown without a group leaves the group,
which is 0 behind a COPY from the build context. A symbolic mode (+x) is written as such
where # syntax= allows it, else as the mode that the file in the build context gets by
it.

A chown -R of the folder that a COPY fills becomes COPY --chown and a chown of the
folder alone: COPY doesn't change the owner of a folder that is there already.`,
	Assumes: `The file's mode in the build context is the one it has here (for +x without a # syntax=
line); a source without an extension is a file; below a folder that is given away with
chown -R lies only what the COPY brings.`,
	Declines: `Where +x is asked for a file whose mode isn't known; where COPY would make the folder
and give that away too; where # syntax= names a version without COPY --chmod; where a
step before may have put files below the folder of a chown -R. All else is left alone:
patterns, sources that are folders, modes with special bits, ADD, COPY --link, an owner
that is computed, steps in between that may have to do with the files.`,
	Run: runCopyChown,
})

func runCopyChown(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for i, in := range s.Instructions {
			if in.Keyword != "run" || len(in.Flags) > 0 || !strings.Contains(in.Args.Text, "chown") && !strings.Contains(in.Args.Text, "chmod") {
				continue
			}
			links := chainOf(in)
			for n := range links {
				g, ok := readGrant(links[n].cmd)
				if !ok {
					break // what stands before it may make the file, or the user
				}
				g.run, g.links, g.n = in, links, n
				if c := g.intoCopy(p, s.Instructions[:i]); c != nil {
					out = append(out, *c)
				}
			}
		}
	}
	return out, nil
}

// chainLink is a command of an && chain that is the whole script.
type chainLink struct {
	stmt *syntax.Stmt
	cmd  rewrite.Command
}

// chainOf lists the links of a script that is one && chain, up to the first that
// is no simple command; nil for other scripts.
func chainOf(in *rewrite.Instruction) (out []chainLink) {
	s, why := in.Shell()
	if why != "" || s.Heredoc() || len(s.File.Stmts) != 1 {
		return nil
	}
	var links []*syntax.Stmt
	st := s.File.Stmts[0]
	if st.Background || strings.TrimSpace(s.Text[st.End().Offset():]) != "" {
		return nil
	}
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok {
			break
		}
		if b.Op != syntax.AndStmt || st.Negated {
			return nil
		}
		links, st = append(links, b.Y), b.X
	}
	links = append(links, st)
	for i := len(links) - 1; i >= 0; i-- {
		l := chainLink{stmt: links[i]}
		for _, c := range s.Commands() {
			if c.Stmt == links[i] {
				l.cmd = c
			}
		}
		out = append(out, l)
	}
	return out
}

// grant is a chown or chmod: whom or what it gives to which paths.
type grant struct {
	cmd       rewrite.Command
	chown     bool
	recursive bool
	to        string // owner or mode, as written
	paths     []int  // words of cmd

	run   *rewrite.Instruction
	links []chainLink
	n     int // place in links
}

func readGrant(c rewrite.Command) (g grant, ok bool) {
	if c.Call == nil || c.Name != "chown" && c.Name != "chmod" || len(c.Stmt.Redirs) > 0 || c.Stmt.Negated || len(c.Call.Assigns) > 0 {
		return g, false
	}
	g.cmd, g.chown = c, c.Name == "chown"
	for i, a := range c.Args {
		switch {
		case i == 0:
		case a == "-R" || a == "--recursive":
			g.recursive = true
		case a == "-v" || a == "-f" || a == "-c" || a == "--":
		case strings.HasPrefix(a, "-"):
			return g, false
		case g.to == "":
			g.to = a
		default:
			g.paths = append(g.paths, i)
		}
	}
	return g, g.to != "" && len(g.paths) > 0
}

// intoCopy moves the grant into the COPY that brings its files.
func (g *grant) intoCopy(p *rewrite.Pass, before []*rewrite.Instruction) *rewrite.Change {
	for _, l := range g.links[:g.n] {
		if l.cmd.Name == g.cmd.Name {
			return nil // the last one counts: one after the other
		}
	}
	for i := len(before) - 1; i >= 0; i-- {
		in := before[i]
		switch in.Keyword {
		case "copy":
			t, ok := landing(in, p)
			if !ok {
				return nil
			}
			if words := g.names(t); words != nil {
				return g.change(p, in, t, words)
			}
			if g.recursive && t.folder != "" && len(g.paths) == 1 && g.path(g.paths[0]) == t.folder {
				return g.folderChange(p, in, before[:i], t)
			}
			if g.touches(t) {
				return nil
			}
		case "label", "expose", "cmd", "entrypoint", "healthcheck", "stopsignal", "maintainer", "user", "onbuild":
		case "workdir": // it may make a folder that a chown -R finds
			if made := before[i].Next().State().Workdir; g.recursive && (made == "" || g.below(made)) {
				return nil
			}
		case "env", "arg":
			if strings.Contains(g.cmd.Key, "$") {
				return nil
			}
		default:
			return nil
		}
	}
	return nil
}

// path is the absolute path that a word of the grant names, "" when that isn't
// sure.
func (g *grant) path(word int) string {
	w := g.cmd.Args[word]
	st := g.run.State()
	if argIn(w, st) != "" || strings.ContainsAny(w, "\"'\\") {
		return ""
	}
	abs, ok := st.Abs(st.Expand(w))
	if !ok {
		return ""
	}
	return abs
}

// below reports whether a path lies in a folder of the grant, or may.
func (g *grant) below(abs string) bool {
	for _, w := range g.paths {
		if p := g.path(w); p == "" || p != abs && rewrite.Inside(abs, p) {
			return true
		}
	}
	return false
}

// names lists the words of the grant that name the files of the COPY: all of
// them, or nil.
func (g *grant) names(t target) []int {
	if len(t.files) == 0 {
		return nil
	}
	var out []int
	for _, f := range t.files {
		found := false
		for _, w := range g.paths {
			if abs := g.path(w); abs != "" && (abs == f.path || abs == f.below) {
				out, found = append(out, w), true
			}
		}
		if !found {
			return nil
		}
	}
	return out
}

// touches reports whether what the COPY brings may be one of the grant's files.
func (g *grant) touches(t target) bool {
	for _, w := range g.paths {
		abs := g.path(w)
		if abs == "" {
			return true
		}
		if len(t.files) == 0 && (rewrite.Inside(abs, t.dest) || rewrite.Inside(t.dest, abs)) {
			return true
		}
		for _, f := range t.files {
			if rewrite.Inside(f.path, abs) || rewrite.Inside(f.below, abs) || accountsFile(f.path) {
				return true
			}
		}
	}
	return len(t.files) == 0 && rewrite.Inside("/etc/passwd", t.dest)
}

func accountsFile(p string) bool { return p == "/etc/passwd" || p == "/etc/group" }

// change writes the flag and takes the words out of the grant.
func (g *grant) change(p *rewrite.Pass, in *rewrite.Instruction, t target, words []int) *rewrite.Change {
	flag, assumes, why := g.flag(p, in, t)
	switch {
	case why != "":
		p.Decline(g.run, "%s", why)
		return nil
	case flag == "":
		return nil
	}
	if assumes == "" {
		assumes = t.assumes
	}
	c := &rewrite.Change{
		Title:   fmt.Sprintf("COPY %s instead of RUN %s", flag, g.cmd.Name),
		Why:     g.cmd.Name + " in a RUN writes the file a second time, in a layer of its own",
		Gain:    "the file is in the image once",
		Assumes: assumes,
		At:      in,
	}
	if assumes != "" {
		c.Safety = rewrite.Assumes
	}
	if flag == "-" {
		c.Title, c.At = "drop chown "+g.to+" behind COPY", g.run
		c.Why = "what COPY brings from the build context belongs to root already"
	} else {
		at := in.SrcPos(in.Args.Start)
		c.Edits = []rewrite.Edit{{Span: rewrite.Span{Start: at, End: at}, New: flag + " "}}
	}
	if !g.drop(p, in, c, words) {
		return nil
	}
	return c
}

// drop takes words out of the grant, or the whole command or RUN where nothing
// is left of it. A comment above the RUN goes with it to the COPY.
func (g *grant) drop(p *rewrite.Pass, to *rewrite.Instruction, c *rewrite.Change, words []int) bool {
	s, _ := g.run.Shell()
	if len(words) < len(g.paths) {
		e := s.Edit()
		for _, w := range words {
			e.Remove(g.cmd, w)
		}
		return e.Into(c)
	}
	c.Drops = append(c.Drops, g.cmd.Key)
	if len(g.links) == 1 {
		if len(g.run.Comments) > 0 || strings.Contains(p.Doc.Src[g.run.Lead():g.run.Span.Start], "hadolint") {
			return false
		}
		if lead := g.run.Lead(); lead < g.run.Span.Start {
			at := to.Span.Start
			c.Edits = append(c.Edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: p.Doc.Lines(rewrite.Span{Start: lead, End: g.run.Span.Start})})
		}
		c.Edits = append(c.Edits, p.Doc.Delete(g.run))
		return true
	}
	// From the end of the link before, or up to the link behind.
	from, end := int(g.links[g.n].stmt.Pos().Offset()), int(g.links[g.n].stmt.End().Offset())
	if g.n > 0 {
		from = int(g.links[g.n-1].stmt.End().Offset())
	} else {
		end = int(g.links[1].stmt.Pos().Offset())
	}
	sp := rewrite.Span{Start: g.run.SrcPos(g.run.Args.Start + from), End: g.run.SrcPos(g.run.Args.Start + end)}
	if g.n > 0 {
		sp = rewrite.Span{Start: g.run.SrcPos(g.run.Args.Start+from-1) + 1, End: g.run.SrcPos(g.run.Args.Start+end-1) + 1}
	}
	if strings.Contains(p.Doc.Src[sp.Start:sp.End], "#") {
		return false
	}
	c.Edits = append(c.Edits, rewrite.Edit{Span: sp})
	return true
}
