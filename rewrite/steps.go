package rewrite

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Step is one command of a RUN whose script is a plain list.
type Step struct {
	Command
	Dir string // where it runs, after the cd before it; "" when that isn't known
}

// Steps reads a RUN as a list of commands joined by &&, ; or line breaks.
// Branches, loops, pipes and subshells have effects that can't be told from
// their commands alone; why names the first of them.
func (in *Instruction) Steps() (out []Step, why string) { return in.StepsWith(nil) }

// StepsWith is Steps for a caller that knows pipes of two commands: pipe gives such a
// one a name, as the only word of its Step, and "" for one that it doesn't know.
func (in *Instruction) StepsWith(pipe func(left, right Command) string) (out []Step, why string) {
	sh, why := in.Shell()
	if why != "" {
		return nil, why
	}
	return sh.steps(in.Stage.At(in).Workdir, pipe)
}

// Steps reads a script, as Instruction.Steps does that of a RUN, that begins in the
// folder dir ("" where that isn't known).
func (s *Script) Steps(dir string) (out []Step, why string) { return s.steps(dir, nil) }

func (s *Script) steps(dir string, pipe func(left, right Command) string) (out []Step, why string) {
	r := stepReader{sh: s, pipe: pipe, dir: dir, byStmt: map[*syntax.Stmt]Command{}}
	for _, c := range s.Commands() {
		r.byStmt[c.Stmt] = c
	}
	for _, st := range s.File.Stmts {
		if why := r.stmt(st); why != "" {
			return nil, why
		}
	}
	return r.out, ""
}

type stepReader struct {
	sh     *Script
	dir    string
	pipe   func(left, right Command) string
	byStmt map[*syntax.Stmt]Command
	out    []Step
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
			if c, ok := r.byStmt[cmd.Y]; ok && leavesNothing[c.Name] && len(c.Stmt.Redirs) == 0 {
				return r.stmt(cmd.X)
			}
			return "it has an alternative (||)"
		case syntax.Pipe:
			left, right := r.byStmt[cmd.X], r.byStmt[cmd.Y]
			if r.pipe == nil || left.Stmt == nil || right.Stmt == nil || len(left.Stmt.Redirs)+len(right.Stmt.Redirs) > 0 {
				break
			}
			if name := r.pipe(left, right); name != "" {
				right.Name, right.Args, right.Stmt = name, []string{name}, st
				r.out = append(r.out, Step{right, r.dir})
				return ""
			}
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
	r.out = append(r.out, Step{c, r.dir})
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

// Harmless reports whether the program called name leaves nothing behind.
func Harmless(name string) bool { return leavesNothing[name] }

var leavesNothing = Words(`echo printf true : set exit sleep false ls pwd test [ date whoami id env which command uname cat`)
