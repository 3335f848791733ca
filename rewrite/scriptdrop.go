package rewrite

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Drop takes a whole command out of the script, with the comments above it and
// the && or ; that ties it to the one before. Into says false where that can't
// be: the command is no link of an && chain and no statement at the top, nothing
// would be left, or the script would end with another status.
func (e *ScriptEdit) Drop(c Command) { e.gone = append(e.gone, c) }

// takeOut makes the edits of Drop, all at once: neighbours go in one piece.
func (e *ScriptEdit) takeOut() {
	if len(e.gone) == 0 || e.failed {
		return
	}
	found := 0
	goes := func(st *syntax.Stmt) bool {
		return slices.ContainsFunc(e.gone, func(c Command) bool { return c.Stmt == st })
	}
	var whole []bool // of the statements at the top: all of it goes
	for i, st := range e.s.File.Stmts {
		links := chainLinks(st, nil)
		keep := slices.DeleteFunc(slices.Clone(links), goes)
		found += len(links) - len(keep)
		whole = append(whole, len(keep) == 0)
		if len(keep) > 0 {
			// Under set -e a failure inside an && list is passed over, at its end it isn't.
			e.failed = e.failed || i < len(e.s.File.Stmts)-1 && goes(links[len(links)-1]) && e.s.mayFailFast()
			e.cutRuns(links, goes)
		}
	}
	if found != len(e.gone) || !slices.Contains(whole, false) {
		e.failed = true
		return
	}
	if slices.Contains(whole, true) {
		stmts := e.s.File.Stmts
		last := len(stmts) - 1
		if whole[last] && !e.lastsAlike(whole) {
			e.failed = true
			return
		}
		e.cutRuns(stmts, func(st *syntax.Stmt) bool { return whole[slices.Index(stmts, st)] })
	}
	for _, c := range e.gone {
		e.drops = append(e.drops, c.Key)
	}
}

// mayFailFast: set -e may be in force somewhere in the script.
func (s *Script) mayFailFast() bool {
	if strings.Contains(s.Text, "set -") {
		return true
	}
	return slices.ContainsFunc(s.in.State().Shell, func(a string) bool {
		return strings.HasPrefix(a, "-") && strings.Contains(a, "e")
	})
}

// lastsAlike: where the last statements go, the script still fails when it did.
// The one that is last now must be a plain command under set -e: an && list that
// fails doesn't stop such a script in the middle, but does at its end.
func (e *ScriptEdit) lastsAlike(whole []bool) bool {
	n := len(whole) - 1
	for whole[n] {
		n--
	}
	st := e.s.File.Stmts[n]
	_, plain := st.Cmd.(*syntax.CallExpr)
	return plain && !st.Negated && !st.Background && e.s.FailsFast()
}

// chainLinks are the statements of an && chain in order; a statement that is no
// such chain is its own only link.
func chainLinks(st *syntax.Stmt, out []*syntax.Stmt) []*syntax.Stmt {
	if b, ok := st.Cmd.(*syntax.BinaryCmd); ok && b.Op == syntax.AndStmt && !st.Negated && !st.Background {
		return chainLinks(b.Y, chainLinks(b.X, out))
	}
	return append(out, st)
}

// cutRuns deletes the statements that go: with what stands between them and the
// one before or, where none is left before them, the one after.
func (e *ScriptEdit) cutRuns(sts []*syntax.Stmt, goes func(*syntax.Stmt) bool) {
	for i := 0; i < len(sts); i++ {
		if !goes(sts[i]) {
			continue
		}
		j := i
		for j+1 < len(sts) && goes(sts[j+1]) {
			j++
		}
		end := int(sts[j].End().Offset())
		switch {
		case i == 0:
			to := e.at(int(sts[j+1].Pos().Offset()))
			if line, rest, _ := strings.Cut(e.s.in.doc.Src[e.after(end):to], "\n"); strings.Contains(rest, "#") && !e.s.heredoc {
				// The comments speak of what stays: the line goes up to its continuation.
				to = e.after(end) + max(strings.LastIndexByte(line, e.s.in.doc.Escape), 0)
			}
			e.put(Span{e.at(int(sts[0].Pos().Offset())), to}, "")
		case e.s.heredoc:
			from := int(sts[i-1].End().Offset())
			rest, _, _ := strings.Cut(e.s.Text[from:], "\n")
			if strings.HasPrefix(strings.TrimSpace(rest), "#") {
				from += len(rest) // a comment behind the command above stays with it
			}
			e.put(Span{e.at(from), e.after(end)}, "")
		default:
			from := int(sts[i-1].End().Offset())
			if semi := sts[i-1].Semicolon; semi.IsValid() && j == len(sts)-1 {
				from = len(strings.TrimRight(e.s.Text[:semi.Offset()], " \t")) // it may stand on a line of its own
			}
			e.put(Span{e.after(from), e.after(end)}, "")
		}
		i = j
	}
}
