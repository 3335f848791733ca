package rewrite

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// ScriptEdit collects edits of one script: words put in, replaced or taken out,
// commands put in front of others or at the end. It keeps account of the
// commands that come and go, as Change.Adds and Change.Drops want them.
type ScriptEdit struct {
	s       *Script
	edits   []Edit
	touched []*touched // commands with edited words
	adds    []string
	drops   []string
	end     []string // commands for the end
	gone    []Command
	failed  bool
}

// touched is a command with what becomes of its words.
type touched struct {
	c       Command
	instead map[int]string   // by word
	out     map[int]bool     // words that go
	before  map[int][]string // what stands in front of a word now
}

// Edit begins edits of the script.
func (s *Script) Edit() *ScriptEdit { return &ScriptEdit{s: s} }

func (e *ScriptEdit) touch(c Command) *touched {
	for _, t := range e.touched {
		if t.c.Stmt == c.Stmt {
			return t
		}
	}
	t := &touched{c: c, instead: map[int]string{}, out: map[int]bool{}, before: map[int][]string{}}
	e.touched = append(e.touched, t)
	return t
}

func (e *ScriptEdit) put(sp Span, text string) {
	e.edits = append(e.edits, Edit{Span: sp, New: text})
}

// at is the source position of an offset into the script's text.
func (e *ScriptEdit) at(off int) int {
	sp, _ := e.s.Span(off, off)
	return sp.Start
}

// after is the source position just behind the byte before an offset.
func (e *ScriptEdit) after(off int) int { return e.at(off-1) + 1 }

// Insert puts words (one or more, as they stand in a script) in front of word i
// of the command; with i = len(c.Words) behind the last one.
func (e *ScriptEdit) Insert(c Command, i int, words string) {
	t := e.touch(c)
	t.before[i] = append(t.before[i], words)
	if i == 0 {
		p := e.at(c.Words[0].Start)
		e.put(Span{p, p}, words+" ")
		return
	}
	p := e.after(c.Words[i-1].End)
	e.put(Span{p, p}, " "+words)
}

// Replace puts text in the place of word i.
func (e *ScriptEdit) Replace(c Command, i int, text string) {
	sp, ok := e.s.Span(c.Words[i].Start, c.Words[i].End)
	if !ok {
		e.failed = true
		return
	}
	e.touch(c).instead[i] = text
	e.put(sp, text)
}

// Remove takes word i out, with the blank beside it.
func (e *ScriptEdit) Remove(c Command, i int) {
	w := c.Words[i]
	e.touch(c).out[i] = true
	if i > 0 {
		if sp, ok := e.s.Span(c.Words[i-1].End, w.End); ok {
			e.put(sp, "")
			return
		}
	}
	if i+1 < len(c.Words) {
		if sp, ok := e.s.Span(w.Start, c.Words[i+1].Start); ok {
			e.put(sp, "")
			return
		}
	}
	if i == 0 {
		e.failed = true
		return
	}
	sp := Span{e.after(c.Words[i-1].End), e.after(w.End)} // alone on its line, which goes with it
	for _, comment := range e.s.in.Comments {
		e.failed = e.failed || sp.Contains(comment)
	}
	e.put(sp, "")
}

// Before puts a command and && in front of c, which must be a link of an &&
// chain or a statement of its own (Script.Link).
//
// Under set -e a failure on the left of && is passed over, save at the script's
// end; there ; ties the two.
func (e *ScriptEdit) Before(c Command, command string) {
	p, tie := e.at(int(c.Stmt.Pos().Offset())), " && "
	e.failed = e.failed || slices.ContainsFunc(c.Stmt.Redirs, e.s.backgrounds)
	if last := len(e.s.File.Stmts) - 1; last > 0 && e.s.errexit() && !holds(e.s.File.Stmts[last], c.Stmt) {
		tie = "; "
		e.failed = e.failed || !slices.Contains(e.s.File.Stmts, c.Stmt) || !e.s.FailsFast() && !e.s.shellErrexit()
	}
	e.put(Span{p, p}, command+tie)
	e.adds = append(e.adds, command)
}

// holds: st is the statement or a link of the && chain that it is.
func holds(chain, st *syntax.Stmt) bool { return slices.Contains(chainLinks(chain, nil), st) }

// Append puts a command at the script's end, so that it runs where the script
// succeeded. Script.Appendable says where that can't be.
func (e *ScriptEdit) Append(command string) { e.end = append(e.end, command) }

// Declare adds to the commands that come and go.
func (e *ScriptEdit) Declare(adds, drops []string) {
	e.adds, e.drops = append(e.adds, adds...), append(e.drops, drops...)
}

// Empty reports whether nothing is to be done.
func (e *ScriptEdit) Empty() bool { return len(e.edits)+len(e.end)+len(e.gone) == 0 }

// Into adds the edits and what they declare to a change; false when one of them
// can't be made.
func (e *ScriptEdit) Into(c *Change) bool {
	e.takeOut()
	if e.failed {
		return false
	}
	for _, t := range e.touched {
		e.drops, e.adds = append(e.drops, t.c.Key), append(e.adds, t.key(e.s))
	}
	for i, command := range e.end {
		e.put(e.s.appendPoint(), e.s.link(command, i > 0))
		e.adds = append(e.adds, command)
	}
	c.Edits = append(c.Edits, e.edits...)
	c.Adds, c.Drops = append(c.Adds, e.adds...), append(c.Drops, e.drops...)
	return true
}

// key is the command's key after the edits.
func (t *touched) key(s *Script) string {
	var out []string
	for _, a := range t.c.Call.Assigns {
		out = append(out, s.Source(a))
	}
	for i, w := range t.c.Words {
		out = append(out, t.before[i]...)
		switch text, ok := t.instead[i]; {
		case ok:
			out = append(out, text)
		case !t.out[i]:
			out = append(out, s.Text[w.Start:w.End])
		}
	}
	out = append(out, t.before[len(t.c.Words)]...)
	for _, r := range t.c.Stmt.Redirs {
		out = append(out, s.Source(r))
	}
	return strings.Join(out, " ")
}

// Link reports whether a command may get another with && in front of it: it is
// a statement of its own or a link of an && chain, at the top of the script.
func (s *Script) Link(c Command) bool {
	var find func(st *syntax.Stmt) bool
	find = func(st *syntax.Stmt) bool {
		if st == c.Stmt {
			return true
		}
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		return ok && b.Op == syntax.AndStmt && !st.Negated && !st.Background && (find(b.X) || find(b.Y))
	}
	return !c.Stmt.Negated && slices.ContainsFunc(s.File.Stmts, find)
}

// FailsFast reports whether the script stops at the first command that fails:
// it begins with set -e.
func (s *Script) FailsFast() bool {
	if len(s.File.Stmts) == 0 {
		return false
	}
	st := s.File.Stmts[0]
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok || b.Op != syntax.AndStmt {
			break
		}
		st = b.X
	}
	call, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) < 2 || literal(call.Args[0]) != "set" {
		return false
	}
	for i, w := range call.Args[1:] {
		v := literal(w)
		if v == "errexit" && i > 0 || strings.HasPrefix(v, "-") && strings.Contains(v, "e") && !strings.HasPrefix(v, "--") {
			return true
		}
	}
	return false
}

// Appendable tells why a command can't be put at the script's end, "" when it
// can: behind a background job, a comment or a here-document there is no place
// for it, and behind exit or exec it would never run.
func (s *Script) Appendable() string {
	if why := s.openEnd(); why != "" {
		return "it " + why
	}
	last := s.File.Stmts[len(s.File.Stmts)-1]
	if last.Background || last.Coprocess {
		return "it ends in a background job"
	}
	if s.errexit() && !plainChain(last) {
		return "it ends in what relies on set -e, which doesn't act on the left of &&"
	}
	why := ""
	syntax.Walk(s.File, func(n syntax.Node) bool {
		if w := s.untied(n); w != "" {
			why = w
		}
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			if name := literal(call.Args[0]); name == "exec" || name == "exit" && (len(call.Args) != 2 || !nonZero(literal(call.Args[1]))) {
				why = "may end early, by " + name
			}
		}
		return why == ""
	})
	if why != "" {
		return "it " + why
	}
	return ""
}

// appendPoint is the source position behind the script's last statement.
func (s *Script) appendPoint() Span {
	end := int(s.File.Stmts[len(s.File.Stmts)-1].End().Offset())
	sp, _ := s.Span(end-1, end)
	return Span{sp.End, sp.End}
}

// lineWidth is up to which length in bytes a RUN of one line stays one. Options
// don't count: another transform may put one in, and the order in which they
// run must not show.
const lineWidth = 80

func width(line string) int {
	n := 0
	for _, w := range strings.Fields(line) {
		if !strings.HasPrefix(w, "-") {
			n += len(w) + 1
		}
	}
	return n
}

// link writes a command to go behind the last one, in the style of the
// instruction, or of the file where the instruction has but one line.
func (s *Script) link(command string, more bool) string {
	in, d := s.in, s.in.doc
	if s.heredoc {
		if _, simple := s.File.Stmts[len(s.File.Stmts)-1].Cmd.(*syntax.CallExpr); simple && s.FailsFast() {
			return "\n" + command
		}
		return " && " + command
	}
	if text := d.Src[in.Head.Start:in.Head.End]; !strings.Contains(text, "\n") && width(text)+width(command) < lineWidth && !more {
		return " && " + command
	}
	indent, leading := d.RunStyle(in)
	esc := string(d.Escape)
	if leading {
		return " " + esc + "\n" + indent + "&& " + command
	}
	return " " + in.AndBreak() + indent + command
}

// AndBreak is && with the line break behind it, as the instruction writes that:
// with a blank in between, or without one everywhere.
func (in *Instruction) AndBreak() string {
	text, esc := in.doc.Src[in.Head.Start:in.Head.End], string(in.doc.Escape)
	if strings.Contains(text, "&&"+esc) && !strings.Contains(text, "&& "+esc) {
		return "&&" + esc + "\n"
	}
	return "&& " + esc + "\n"
}

// RunStyle finds how RUNs are continued: the indentation of further lines, and
// whether && stands at the beginning of a line. The instruction own decides
// where it shows that, else the file; own may be nil. A file that doesn't indent
// doesn't unindent an instruction that does.
func (d *Document) RunStyle(own *Instruction) (indent string, leading bool) {
	owns := ""
	if own != nil && own.EndLine > own.Line && len(own.Heredocs) == 0 {
		indent, lead, trail := runStyle([]*Instruction{own})
		if lead+trail > 0 {
			return indent, lead > trail
		}
		owns = indent
	}
	indent, lead, trail := runStyle(d.Instructions)
	if indent == "" {
		indent = owns
	}
	return indent, lead > trail
}

// Chained joins commands by && on lines of their own, set as the file sets them.
func (d *Document) Chained(commands []string) string {
	indent, leading := d.RunStyle(nil)
	if leading {
		return strings.Join(commands, " \\\n"+indent+"&& ")
	}
	return strings.Join(commands, " && \\\n"+indent)
}

// runStyle counts the indentations of lines that begin a command, of others
// where there are none, and on which side of a line break && stands.
func runStyle(ins []*Instruction) (indent string, lead, trail int) {
	links, others := map[string]int{}, map[string]int{}
	for _, in := range ins {
		if in.Keyword != "run" && in.Keyword != "onbuild" || in.EndLine == in.Line {
			continue
		}
		d := in.doc
		lines := strings.Split(strings.ReplaceAll(d.Src[in.Head.Start:in.Head.End], "\r\n", "\n"), "\n")
		open := false // the line before ends in &&
		for i, l := range lines {
			t := strings.TrimLeft(l, " \t")
			if t == "" || t[0] == '#' {
				continue
			}
			leads := strings.HasPrefix(t, "&&")
			if i > 0 {
				ws := l[:len(l)-len(t)]
				if leads || open {
					links[ws]++
				} else {
					others[ws]++
				}
			}
			body := strings.TrimRight(strings.TrimRight(strings.TrimRight(l, " \t"), string(d.Escape)), " \t")
			if open = strings.HasSuffix(body, "&&"); open {
				trail++
			}
			if leads {
				lead++
			}
		}
	}
	if len(links) == 0 {
		links = others
	}
	indent = "    "
	best := 0
	for ws, n := range links {
		if n > best || n == best && (len(ws) < len(indent) || len(ws) == len(indent) && ws < indent) {
			indent, best = ws, n
		}
	}
	return indent, lead, trail
}
