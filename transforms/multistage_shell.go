package transforms

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// step is one command of a RUN whose script is a plain list.
type step struct {
	rewrite.Command
	Dir string // where it runs, after the cd before it; "" when that isn't known
}

// steps reads a RUN as a list of commands joined by &&, ; or line breaks.
// Branches, loops, pipes and subshells have effects that can't be told from
// their commands alone; why names the first of them.
func steps(in *rewrite.Instruction) (out []step, why string) {
	sh, why := in.Shell()
	if why != "" {
		return nil, why
	}
	r := stepReader{sh: sh, dir: in.Stage.At(in).Workdir, byStmt: map[*syntax.Stmt]rewrite.Command{}}
	for _, c := range sh.Commands() {
		r.byStmt[c.Stmt] = c
	}
	for _, st := range sh.File.Stmts {
		if why := r.stmt(st); why != "" {
			return nil, why
		}
	}
	return r.out, ""
}

type stepReader struct {
	sh     *rewrite.Script
	dir    string
	byStmt map[*syntax.Stmt]rewrite.Command
	out    []step
}

func (r *stepReader) stmt(st *syntax.Stmt) string {
	if st.Background || st.Coprocess || st.Negated {
		return "it has a background or negated command"
	}
	switch cmd := st.Cmd.(type) {
	case *syntax.CallExpr:
		return r.call(st, cmd)
	case *syntax.BinaryCmd:
		switch cmd.Op {
		case syntax.AndStmt:
			if why := r.stmt(cmd.X); why != "" {
				return why
			}
			return r.stmt(cmd.Y)
		case syntax.OrStmt: // "… || true" and the like
			if c, ok := r.byStmt[cmd.Y]; ok && harmless[c.Name] && len(c.Stmt.Redirs) == 0 {
				return r.stmt(cmd.X)
			}
			return "it has an alternative (||)"
		}
		return "it has a pipe"
	case nil:
		return ""
	}
	return "it has branches, loops, subshells or declarations"
}

func (r *stepReader) call(st *syntax.Stmt, call *syntax.CallExpr) string {
	c := r.byStmt[st]
	if len(call.Args) == 0 {
		return "it sets shell variables"
	}
	for _, a := range call.Args {
		bad := false
		syntax.Walk(a, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.CmdSubst:
				bad = bad || !pureSubst(r.sh.Source(n))
			case *syntax.ProcSubst:
				bad = true
			}
			return true
		})
		if bad {
			return "it computes the arguments of " + c.Name
		}
	}
	if c.Name == "cd" {
		switch {
		case len(c.Args) != 2 || strings.ContainsAny(c.Args[1], "$`*?~"):
			return "it changes to a computed directory"
		case strings.HasPrefix(c.Args[1], "/"):
			r.dir = path.Clean(c.Args[1])
		case r.dir != "":
			r.dir = path.Join(r.dir, c.Args[1])
		}
		return ""
	}
	if c.Name == "" {
		return "it runs a computed command"
	}
	r.out = append(r.out, step{c, r.dir})
	return ""
}

// pureSubst: substitutions that only ask git or the clock, for version stamps.
func pureSubst(src string) bool {
	body := strings.TrimSpace(strings.Trim(strings.TrimPrefix(src, "$("), "`)"))
	for _, p := range []string{"git ", "date", "cat ", "nproc", "uname", "go env", "go version"} {
		if strings.HasPrefix(body, p) && !strings.ContainsAny(body, ">;&") {
			return true
		}
	}
	return false
}

// keyWords are the parts that Command.Key is joined from.
func keyWords(sh *rewrite.Script, c rewrite.Command) (assigns, args, redirs []string) {
	for _, a := range c.Call.Assigns {
		assigns = append(assigns, sh.Source(a))
	}
	for _, a := range c.Call.Args {
		args = append(args, sh.Source(a))
	}
	for _, r := range c.Stmt.Redirs {
		redirs = append(redirs, sh.Source(r))
	}
	return assigns, args, redirs
}

func joinKey(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return strings.Join(all, " ")
}

// addWords puts words behind word i of a command, and env assignments in front
// of it, and notes both keys for the gate.
func (s *split) addWords(in *rewrite.Instruction, c rewrite.Command, i int, after []string, env string) bool {
	sh, _ := in.Shell()
	assigns, args, redirs := keyWords(sh, c)
	old := joinKey(assigns, args, redirs)
	if len(after) > 0 {
		sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
		if !ok {
			return s.decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.edits = append(s.edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: " " + strings.Join(after, " ")})
		args = append(append(append([]string{}, args[:i+1]...), after...), args[i+1:]...)
	}
	if env != "" {
		at, ok := sh.Span(c.Words[0].Start, c.Words[0].End)
		if !ok {
			return s.decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.edits = append(s.edits, rewrite.Edit{Span: rewrite.Span{Start: at.Start, End: at.Start}, New: env + " "})
		assigns = append(assigns, env)
	}
	s.drops = append(s.drops, old)
	s.adds = append(s.adds, joinKey(assigns, args, redirs))
	return true
}

// replaceWord puts another word in the place of word i; more edits of the same
// command aren't possible then.
func (s *split) replaceWord(in *rewrite.Instruction, c rewrite.Command, i int, word string) bool {
	sh, _ := in.Shell()
	sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
	if !ok {
		return s.decline(in, "a word of %s is broken over lines", c.Name)
	}
	assigns, args, redirs := keyWords(sh, c)
	s.edits = append(s.edits, rewrite.Edit{Span: sp, New: word})
	s.drops = append(s.drops, joinKey(assigns, args, redirs))
	args[i] = word
	s.adds = append(s.adds, joinKey(assigns, args, redirs))
	return true
}

// env gives a variable as the command sees it: from its own assignments, else
// from ENV and ARG.
func (s *split) env(in *rewrite.Instruction, c rewrite.Command, name string) (string, bool) {
	if c.Call != nil {
		for _, a := range c.Call.Assigns {
			if a.Name != nil && a.Name.Value == name {
				sh, _ := in.Shell()
				_, v, _ := strings.Cut(sh.Source(a), "=")
				return strings.Trim(v, `"'`), true
			}
		}
	}
	st := in.Stage.At(in)
	if v, ok := st.Env[name]; ok {
		return v, true
	}
	v, ok := st.Args[name]
	return v, ok
}

// harmless commands leave nothing behind.
var harmless = words(`echo printf true : set exit sleep false ls pwd test [ date whoami id env which command uname cat`)
