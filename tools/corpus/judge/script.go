package judge

import (
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// step is one simple command of a script, with what the script itself adds to
// the state it runs in.
type step struct {
	text string
	cwd  string
	env  []string // exported by the script, and variables of the script it refers to
	opts string
	flow string // under what condition it runs, and whether its failure fails the RUN
}

var variants = []syntax.LangVariant{syntax.LangBash, syntax.LangPOSIX, syntax.LangMirBSDKorn}

func parseScript(src string) *syntax.File {
	for _, lang := range variants {
		f, err := syntax.NewParser(syntax.Variant(lang)).Parse(strings.NewReader(src), "")
		if err == nil {
			return f
		}
	}
	return nil
}

// splitScript cuts a script to simple commands; false: it does not parse.
func splitScript(src, cwd, flags string) ([]step, bool) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	f := parseScript(src)
	if f == nil {
		return nil, false
	}
	w := &walker{p: newPrinter()}
	s := newScope(cwd)
	s.set(strings.Fields(flags))
	w.list(f.Stmts, s, mode{prop: true, errx: true})
	return w.out, true
}

// mode is the situation of a statement.
type mode struct {
	prop  bool     // its failure becomes the failure of the script
	errx  bool     // set -e, if on, acts here
	piped bool     // in a pipeline
	guard []string // conditions around it
}

func (m mode) with(guard string) mode {
	m.guard = append(append([]string(nil), m.guard...), guard)
	return m
}

// tested is the mode of a condition: neither status nor set -e counts.
func (m mode) tested(guard string) mode {
	m = m.with(guard)
	m.prop, m.errx = false, false
	return m
}

type walker struct {
	p   *printer
	out []step
}

func (w *walker) list(list []*syntax.Stmt, s *scope, m mode) {
	for i, st := range list {
		in := m
		if i < len(list)-1 {
			in.prop = false
		}
		w.stmt(st, s, in)
	}
}

func (w *walker) stmt(st *syntax.Stmt, s *scope, m mode) {
	if st.Negated {
		m = m.tested("not")
	}
	if st.Background {
		m = m.tested("background")
		s = s.clone()
	}
	switch c := st.Cmd.(type) {
	case nil, *syntax.CallExpr, *syntax.DeclClause, *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause:
		w.simple(st, s, m)
		return
	default:
		if r := w.p.redirects(st.Redirs); r != "" {
			w.substsRedirs(st.Redirs, s, m)
			m = m.with("redirected " + r)
		}
		w.compound(c, s, m)
	}
}

func (w *walker) compound(cmd syntax.Command, s *scope, m mode) {
	switch c := cmd.(type) {
	case *syntax.Block:
		w.list(c.Stmts, s, m)
	case *syntax.Subshell:
		m.prop = m.prop || (m.errx && s.errexit)
		w.list(c.Stmts, s.clone(), m)
	case *syntax.BinaryCmd:
		w.binary(c, s, m)
	case *syntax.IfClause:
		w.ifs(c, s, m)
	case *syntax.WhileClause:
		kind := "while "
		if c.Until {
			kind = "until "
		}
		w.list(c.Cond, s, m.tested("loop condition"))
		w.list(c.Do, s, m.with(kind+w.p.stmts(c.Cond)))
	case *syntax.ForClause:
		w.substs(c.Loop, s, m)
		w.list(c.Do, s, m.with("for "+w.loop(c.Loop)))
	case *syntax.CaseClause:
		w.substs(c.Word, s, m)
		for _, it := range c.Items {
			var pats []string
			for _, p := range it.Patterns {
				pats = append(pats, w.p.word(p))
			}
			w.list(it.Stmts, s, m.with("case "+w.p.word(c.Word)+" in "+strings.Join(pats, "|")))
		}
	case *syntax.FuncDecl:
		name := ""
		if c.Name != nil {
			name = c.Name.Value
		}
		w.stmt(c.Body, s.clone(), m.with("function "+name))
	case *syntax.TimeClause:
		if c.Stmt != nil {
			w.stmt(c.Stmt, s, m)
		}
	case *syntax.CoprocClause:
		w.stmt(c.Stmt, s.clone(), m.tested("coproc"))
	default:
		w.out = append(w.out, step{text: w.p.node(cmd), cwd: s.cwd, flow: strings.Join(m.guard, " / ")})
	}
}

func (w *walker) loop(l syntax.Loop) string {
	it, ok := l.(*syntax.WordIter)
	if !ok {
		return w.p.node(&syntax.ForClause{Loop: l})
	}
	out := []string{it.Name.Value, "in"}
	for _, x := range it.Items {
		out = append(out, w.p.word(x))
	}
	return strings.Join(out, " ")
}

func (w *walker) binary(c *syntax.BinaryCmd, s *scope, m mode) {
	left := m
	left.errx = false
	switch c.Op {
	case syntax.AndStmt:
		w.stmt(c.X, s, left)
		right := m
		if !m.prop { // with prop, "after success" is what RUN after RUN means anyway
			right = m.with("if ok: " + w.p.node(c.X))
		}
		w.stmt(c.Y, s, right)
	case syntax.OrStmt:
		w.stmt(c.X, s, m.tested("or-left"))
		w.stmt(c.Y, s, m.with("if failed: "+w.p.node(c.X)))
	default: // pipes: every side is its own shell
		if !s.pipefail {
			left.prop = false
		}
		left.piped = true
		right := m.with("pipe-right")
		right.piped = true
		w.stmt(c.X, s.clone(), left.with("pipe-left"))
		w.stmt(c.Y, s.clone(), right)
	}
}

func (w *walker) ifs(c *syntax.IfClause, s *scope, m mode) {
	if len(c.Cond) == 0 { // else
		w.list(c.Then, s, m)
		return
	}
	cond := w.p.stmts(c.Cond)
	w.list(c.Cond, s, m.tested("if-condition"))
	w.list(c.Then, s, m.with("then: "+cond))
	if c.Else != nil {
		w.ifs(c.Else, s, m.with("else: "+cond))
	}
}

func (w *walker) simple(st *syntax.Stmt, s *scope, m mode) {
	if st.Cmd != nil {
		w.substs(st.Cmd, s, m)
	}
	w.substsRedirs(st.Redirs, s, m)
	text := w.p.simple(st)
	if c, ok := st.Cmd.(*syntax.CallExpr); !ok || !isSet(c) {
		w.out = append(w.out, step{
			text: text, cwd: s.cwd, env: w.env(st, s), opts: w.options(s, m), flow: flow(s, m),
		})
	}
	s.apply(w.p, st.Cmd, text)
}

// isSet: "set" does nothing but change the state, and that is tracked.
func isSet(c *syntax.CallExpr) bool {
	return len(c.Args) > 0 && len(c.Assigns) == 0 && c.Args[0].Lit() == "set"
}

func (w *walker) options(s *scope, m mode) string {
	o := s.options()
	if s.pipefail && m.piped {
		o += "; pipefail"
	}
	return o
}

func flow(s *scope, m mode) string {
	parts := m.guard
	if s.exited {
		parts = append(append([]string(nil), parts...), "after exit")
	}
	if !m.prop && !(m.errx && s.errexit) {
		parts = append(append([]string(nil), parts...), "failure tolerated")
	}
	return strings.Join(parts, " / ")
}

func (w *walker) env(st *syntax.Stmt, s *scope) []string {
	var out []string
	for _, v := range s.exports {
		out = append(out, v)
	}
	if len(s.vars) > 0 {
		seen := map[string]bool{}
		syntax.Walk(st, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
				if v, ok := s.vars[p.Param.Value]; ok && !seen[p.Param.Value] {
					seen[p.Param.Value] = true
					out = append(out, v)
				}
			}
			return true
		})
	}
	sort.Strings(out)
	return out
}

// substs visits the command substitutions below n.
func (w *walker) substs(n syntax.Node, s *scope, m mode) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.CmdSubst:
			w.list(x.Stmts, s.clone(), m.tested("substituted"))
			return false
		case *syntax.ProcSubst:
			w.list(x.Stmts, s.clone(), m.tested("substituted"))
			return false
		}
		return true
	})
}

func (w *walker) substsRedirs(rs []*syntax.Redirect, s *scope, m mode) {
	for _, r := range rs {
		if r.Word != nil {
			w.substs(r.Word, s, m)
		}
		if r.Hdoc != nil {
			w.substs(r.Hdoc, s, m)
		}
	}
}
