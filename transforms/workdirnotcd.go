package transforms

import (
	"context"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// workdir-not-cd drops a cd to the directory that a RUN is in anyway, and puts a
// WORKDIR in the place of the same cd in several RUNs.
var _ = register(&rewrite.Transform{
	Name:    "workdir-not-cd",
	Summary: "Use WORKDIR instead of RUN cd where nothing else moves",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL3003"},
	Doc: `RUN cd /src && make says in every instruction where it works; WORKDIR says it once, and
COPY and later RUNs follow
(https://docs.docker.com/build/building/best-practices/#workdir, hadolint DL3003).

Three cases are rewritten: a cd to the directory that is in force already goes; a
WORKDIR that names the directory to which the RUNs just above it go moves above them;
two or more RUNs in a row that begin with the same cd, with another absolute WORKDIR
behind them, get a WORKDIR of their own. The directory exists in a build that works, so
WORKDIR makes nothing.

hadolint asks for more: a WORKDIR for every cd. But WORKDIR holds on for all that
follows and is the directory in which the container starts: elsewhere a second WORKDIR
would be needed to go back, two instructions for one cd.`,
	Declines: `Where the script goes back with cd -, where a comment stands behind the cd, where a
mount is relative to the working directory and where hadolint is told to ignore DL3003.
All other cds are left alone: to relative paths and variables, which shell and BuildKit
read differently, in the middle of a chain, in a subshell, in heredocs and in ONBUILD.`,
	Run: runWorkdirNotCd,
})

func runWorkdirNotCd(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for i, in := range s.Instructions {
			cd := leadingCd(in)
			switch {
			case cd == nil:
				continue
			case cd.alone:
				p.Decline(in, "the cd ends with its RUN and changes nothing: is WORKDIR %s meant?", cd.dir)
				continue
			}
			c := rewrite.Change{Title: "drop cd " + cd.dir, Why: "it is the working directory already", At: in}
			group := []*firstCd{cd}
			if !alreadyIn(in, cd.dir) {
				var target *rewrite.Instruction
				group, target = cdGroup(s.Instructions[i:], cd.dir)
				if target == nil {
					continue
				}
				c.Title, c.Why = "WORKDIR "+cd.dir+" instead of cd", "WORKDIR says once where the steps work (hadolint DL3003)"
				switch to, ok := fixedWorkdir(target); {
				case ok && to == cd.dir && target.Lead() != target.Span.Start:
					continue // the comment may be about what follows
				case ok && to == cd.dir:
					c.Edits = []rewrite.Edit{p.Doc.Delete(target), above(p.Doc, in, p.Doc.Lines(target.Span))}
				case ok && len(group) > 1:
					c.Edits = []rewrite.Edit{above(p.Doc, in, likeCase(in.Text[:strings.IndexAny(in.Text, " \t")], "workdir")+" "+cd.dir+"\n")}
				default:
					continue
				}
			}
			if why := cannotDrop(p, group); why != "" {
				p.Decline(in, "%s", why)
				continue
			}
			for _, g := range group {
				c.Edits = append(c.Edits, rewrite.Edit{Span: g.span})
				c.Drops = append(c.Drops, g.key)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// alreadyIn reports whether dir is the working directory, by a WORKDIR of this file
// or because nothing sets one. A slash at its end would show in $PWD.
func alreadyIn(in *rewrite.Instruction, dir string) bool {
	w, why := workdirBefore(in)
	return why == "" && w.dir == dir && !w.base && (!strings.HasPrefix(w.text, "/") || w.text == path.Clean(w.text))
}

// firstCd is a cd with which a RUN begins.
type firstCd struct {
	in    *rewrite.Instruction
	s     *rewrite.Script
	dir   string
	key   string
	list  bool         // ; stands behind it: what follows runs also where it fails
	alone bool         // nothing stands behind it
	span  rewrite.Span // of cd up to the next command
}

// leadingCd finds the cd to an absolute directory with which a RUN begins.
func leadingCd(in *rewrite.Instruction) *firstCd {
	if in.Keyword != "run" || !strings.HasPrefix(in.Args.Text, "cd ") {
		return nil
	}
	s, why := in.Shell()
	if why != "" || s.Heredoc() || len(s.File.Stmts) == 0 {
		return nil
	}
	st := s.File.Stmts[0]
	next := 0
	if len(s.File.Stmts) > 1 {
		next = int(s.File.Stmts[1].Pos().Offset())
	}
	list := len(s.File.Stmts) > 1
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok {
			break
		}
		if b.Op != syntax.AndStmt || st.Negated || st.Background {
			return nil
		}
		st, next = b.X, int(b.Y.Pos().Offset())
	}
	c := s.Commands()[0]
	if c.Stmt != st || st.Negated || st.Background || len(st.Redirs) > 0 || c.Name != "cd" || len(c.Args) != 2 || len(c.Call.Assigns) > 0 {
		return nil
	}
	dir := c.Args[1]
	if !strings.HasPrefix(dir, "/") || strings.ContainsAny(dir, "$`*?[]{}~\\\"' #") {
		return nil
	}
	return &firstCd{in: in, s: s, dir: path.Clean(dir), key: c.Key, list: list, alone: next == 0,
		span: rewrite.Span{Start: in.SrcPos(in.Args.Start), End: in.SrcPos(in.Args.Start + next)}}
}

// cdGroup collects the RUNs that begin with a cd to dir, and the WORKDIR behind
// them; in between stands nothing that asks for the working directory.
func cdGroup(ins []*rewrite.Instruction, dir string) (group []*firstCd, target *rewrite.Instruction) {
	for _, in := range ins {
		switch in.Keyword {
		case "run":
			cd := leadingCd(in)
			if cd == nil || cd.dir != dir || cd.list || cd.alone {
				return group, nil
			}
			group = append(group, cd)
		case "workdir":
			return group, in
		case "copy", "add":
			if _, dest, _, _ := in.Copy(); !strings.HasPrefix(dest, "/") {
				return group, nil
			}
		case "env", "arg", "label", "expose", "user", "cmd", "entrypoint", "healthcheck", "stopsignal", "maintainer":
		default:
			return group, nil
		}
	}
	return group, nil
}

// cannotDrop tells why a cd of the group has to stay.
func cannotDrop(p *rewrite.Pass, group []*firstCd) string {
	for _, g := range group {
		if strings.Contains(g.s.Text, "cd -") || strings.Contains(g.s.Text, "OLDPWD") || strings.Contains(g.s.Text, "~-") {
			return "the script goes back to the directory before its cd"
		}
		if why := p.Silenced(g.in); why != "" {
			return why
		}
		if strings.Contains(g.in.Doc().Src[g.span.Start:g.span.End], "#") {
			return "a comment stands behind the cd"
		}
		for _, m := range g.in.Mounts() {
			if !strings.HasPrefix(m["target"], "/") && m["type"] != "secret" && m["type"] != "ssh" {
				return "a mount is relative to the working directory"
			}
		}
	}
	return ""
}
