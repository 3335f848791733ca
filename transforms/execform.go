package transforms

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// exec-form starts programs without a shell in between, or lets the shell make
// room for them.
var _ = register(&rewrite.Transform{
	Name:    "exec-form",
	Summary: "Start CMD and ENTRYPOINT without a shell in between",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL3025", "JSONArgsRecommended"},
	Doc: `CMD python app.py runs /bin/sh -c "python app.py". Where that shell stays, as
dash does, it is the container's first process: docker stop sends SIGTERM to it,
it passes none on, and ten seconds later everything is killed in the middle of
its work (https://docs.docker.com/reference/dockerfile/#shell-and-exec-form,
https://docs.docker.com/build/building/best-practices/#entrypoint, BuildKit's
check JSONArgsRecommended, hadolint DL3025).

Where the shell does nothing but split the words, the command becomes a JSON
list of the same words, split as the shell would. Where it is needed, for
variables, redirections or commands in front, the command stays as it is and
gets exec, so that the shell makes room for the program that it starts
(https://docs.docker.com/reference/dockerfile/#shell-form-entrypoint-example).

The program becomes the container's first process, as Docker recommends. One that
handles no signals itself then ends by docker stop no sooner than before, and by
Ctrl-C only with docker run --init.

A CMD changes only where nothing else sees it: the image has no ENTRYPOINT, or
one that is known to run its arguments (tini, an entrypoint script that ends in
exec "$@", that of node).`,
	Assumes: `What can't be seen in the Dockerfile and its context: that an
unknown base image brings neither ENTRYPOINT nor SHELL; that a program made in
the build is one that the kernel can start, not a script without #! line; that
nobody starts the container with arguments, which an ENTRYPOINT in shell form
ignores and one in exec form doesn't; that the commands in front of the last one
leave no daemon behind.`,
	Declines: `Pipes, ||, loops and background jobs, which need their shell
to stay; assignments in front of the command; built-ins of the shell; scripts
with trap or functions; an ENTRYPOINT that would see the difference; lists in
brackets that are no JSON. A script without #! line keeps its shell, and so does
a login shell, which reads a profile. HEALTHCHECK, Windows images and shells
other than POSIX ones are left alone.`,
	Run: runExecForm,
})

func runExecForm(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for _, at := range s.Instructions {
			in := at.Inner()
			if in.Keyword != "cmd" && in.Keyword != "entrypoint" || in.JSON || replaced(at) {
				continue
			}
			e := execForm{p: p, s: s, in: in}
			if e.work(); e.why != "" {
				p.Decline(at, "%s", e.why)
				continue
			}
			if len(e.edits) == 0 {
				continue
			}
			c := rewrite.Change{Title: e.title, Why: e.reason, Gain: "docker stop reaches " + e.program, At: at, Edits: e.edits, Config: rewrite.FieldCmd}
			if in.Keyword == "entrypoint" {
				c.Config = rewrite.FieldEntrypoint
			}
			if in.Trigger() {
				c.Config = rewrite.FieldOnBuild
			}
			if len(e.assumes) > 0 {
				c.Safety, c.Assumes = rewrite.Assumes, strings.Join(e.assumes, "; ")
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// replaced reports whether a later instruction of the stage takes the place of in.
func replaced(in *rewrite.Instruction) bool {
	for n := in.Next(); n != nil; n = n.Next() {
		if n.Keyword == in.Keyword && n.Keyword != "onbuild" {
			return true
		}
	}
	return false
}

// execForm is what becomes of one CMD or ENTRYPOINT.
type execForm struct {
	p  *rewrite.Pass
	s  *rewrite.Stage
	in *rewrite.Instruction
	sh *rewrite.Script

	edits   []rewrite.Edit
	title   string
	reason  string
	program string
	assumes []string
	kept    string // why it keeps its shell in any case
	why     string // it is left alone
}

func (e *execForm) assume(format string, args ...any) {
	e.assumes = append(e.assumes, fmt.Sprintf(format, args...))
}

func (e *execForm) work() {
	text := e.in.Args.Text
	if strings.HasPrefix(text, "[") && (strings.HasSuffix(text, "]") || strings.HasPrefix(text, `["`) || strings.HasPrefix(text, "['")) {
		e.why = "this is no JSON list, so a shell gets it and looks for a program of that name: use double quotes, and nothing behind the last word"
		return
	}
	sh, why := e.in.Shell()
	if sh == nil {
		if strings.HasPrefix(why, "its script does not parse") {
			e.why = why
		}
		return
	}
	if len(sh.File.Stmts) == 0 {
		return
	}
	e.sh = sh
	last, before, why := lastCommand(sh)
	if why != "" {
		e.why = why
		return
	}
	call := last.Cmd.(*syntax.CallExpr)
	args := call.Args
	execed := sh.Source(args[0]) == "exec"
	if execed {
		if args = args[1:]; len(args) == 0 || strings.HasPrefix(sh.Source(args[0]), "-") {
			return
		}
	}
	e.program = sh.Source(args[0])
	e.why = startable(sh, args)
	if e.why != "" || e.in.Keyword == "cmd" && !e.unseen(e.program) {
		if execed {
			e.why = "" // as it should be
		}
		return
	}
	kept := e.kept
	if kept == "" {
		kept = "its words need a shell"
		words, plain := literalWords(args)
		if plain && len(before) == 0 && len(last.Redirs) == 0 && strings.TrimSpace(sh.Text[args[len(args)-1].End().Offset():]) == "" {
			if kept = e.needsShell(words); kept == "" {
				e.json(call, args, words)
				return
			}
		}
	}
	if execed || len(before) > 0 && isHelp(sh.Source(args[len(args)-1])) {
		return // as it should be
	}
	e.assumes = nil
	e.exec(args, before, kept)
}

// isHelp reports whether a command that ends so ends at once.
func isHelp(last string) bool {
	switch last {
	case "-h", "-help", "--help", "-V", "--version":
		return true
	}
	return false
}

// exec puts exec in front of the last command.
func (e *execForm) exec(args []*syntax.Word, before []string, kept string) {
	sp, _ := e.sh.Span(int(args[0].Pos().Offset()), int(args[0].Pos().Offset()))
	e.edits = []rewrite.Edit{{Span: sp, New: "exec "}}
	e.title = "exec " + e.program + ", so that it takes the place of its shell"
	e.reason = "the shell around it gets the signals of docker stop and passes none on (Docker's reference on the shell form, hadolint DL3025); the shell form stays: " + kept
	for _, name := range before {
		if !leavesNothing[name] {
			e.assume("%s leaves nothing running that its shell would have to wait for", cmp.Or(name, "a computed command"))
			return
		}
	}
}

// json writes the words as a JSON list, each in its place, so that lines and
// comments stay.
func (e *execForm) json(call *syntax.CallExpr, args []*syntax.Word, words []string) {
	if len(call.Args) > len(args) { // without exec
		from, to := call.Args[0].Pos().Offset(), args[0].Pos().Offset()
		sp, ok := e.sh.Span(int(from), int(to))
		if !ok {
			return // as good as it is
		}
		e.edits = append(e.edits, rewrite.Edit{Span: sp})
	}
	for i, w := range args {
		sp, ok := e.sh.Span(int(w.Pos().Offset()), int(w.End().Offset()))
		if !ok {
			e.edits, e.why = nil, "a word goes over several lines"
			return
		}
		text := jsonString(words[i])
		if i == 0 {
			text = "[" + text
		}
		if i+1 < len(args) {
			text += ","
		} else {
			text += "]"
		}
		e.edits = append(e.edits, rewrite.Edit{Span: sp, New: text})
	}
	e.title = "start " + words[0] + " without a shell"
	e.reason = "the shell around it does nothing but split the words; it gets the signals of docker stop and passes none on (Docker's reference on exec form, BuildKit's check JSONArgsRecommended, hadolint DL3025)"
}

// lastCommand finds the simple command that a script ends in, and the names of
// the commands in front of it. why tells what keeps the shell in its place.
func lastCommand(sh *rewrite.Script) (last *syntax.Stmt, before []string, why string) {
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Coprocess {
				why = "a background job needs its shell"
			}
		case *syntax.FuncDecl:
			why = "it defines a function"
		}
		return why == ""
	})
	if why != "" {
		return nil, nil, why
	}
	stmts := sh.File.Stmts
	last = stmts[len(stmts)-1]
	for {
		b, ok := last.Cmd.(*syntax.BinaryCmd)
		if !ok || last.Negated {
			break
		}
		switch b.Op {
		case syntax.AndStmt:
			last = b.Y
		case syntax.OrStmt:
			return nil, nil, "the shell has to see whether the first command fails"
		default:
			return nil, nil, "a pipe needs its shell"
		}
	}
	call, ok := last.Cmd.(*syntax.CallExpr)
	if !ok || last.Negated || len(call.Args) == 0 {
		return nil, nil, "it doesn't end in a simple command"
	}
	if len(call.Assigns) > 0 {
		return nil, nil, "an assignment stands in front of the command; say it in ENV"
	}
	for _, c := range sh.Commands() {
		if c.Stmt.Pos().Offset() >= last.Pos().Offset() {
			continue // the last one, and what its words are computed with
		}
		switch c.Name {
		case "trap", "alias", "wait", "exec", "jobs", "fg":
			return nil, nil, c.Name + " needs its shell"
		}
		name := c.Name
		if name == "" && len(c.Args) == 0 {
			name = "export" // an assignment
		}
		before = append(before, name)
	}
	return last, before, ""
}
