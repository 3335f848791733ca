package transforms

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// pipefail lets a pipe fail where its left side does.
var _ = register(&rewrite.Transform{
	Name:      "pipefail",
	Summary:   "Let a pipe in RUN fail when its left side fails",
	Phase:     rewrite.PhaseSpelling,
	Rules:     []string{"DL4006"},
	AllAssume: true,
	Doc: `A pipe gives the status of its last command: curl … | tar xz where the
download breaks off, or … | tee where the first command fails, leaves a green
build with half an image
(https://docs.docker.com/build/building/best-practices/#using-pipes, hadolint
DL4006).

Where /bin/sh knows the option (bash on Fedora, CentOS, RHEL and their kin, ash on
Alpine) or SHELL names a shell that does, the RUN begins with set -o pipefail. On
Debian and Ubuntu /bin/sh is dash, which stops at that option; there SHELL makes
bash run the RUN and those behind it
(https://docs.docker.com/reference/dockerfile/#shell).`,
	Assumes: `The left side of each pipe succeeds today: a build that passed
although one failed stops now, as it should. Where SHELL is set, that images built
on this one are content with bash for their RUN.`,
	Declines: `Where the right side stops reading early (head, grep -q, true), so
that a left side in good order dies of SIGPIPE; where the left side is one that
fails in good order (grep without a match, find, yes); where the status is looked
at already (||, if, !). On Debian and Ubuntu, also where a RUN behind it is one
that bash reads otherwise than dash (echo with a backslash, ==, {a,b}, …), and
where CMD, ENTRYPOINT, HEALTHCHECK or ONBUILD would get another shell. Where the
image isn't known, and with it its shell.`,
	Run: runPipefail,
})

func runPipefail(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !strings.Contains(p.Doc.Src, "|") {
		return nil, nil
	}
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		told := false
		for _, in := range s.Instructions {
			if in.Keyword != "run" || !strings.Contains(in.Raw(), "|") || strings.Contains(in.Raw(), "pipefail") || p.Silenced(in) != "" {
				continue
			}
			sh, _ := in.Shell()
			if sh == nil || !masksFailure(sh) {
				continue
			}
			st := in.State()
			how := shellOf(st)
			if how == failsPipes {
				continue
			}
			if why := pipesThatStop(sh); why != "" {
				p.Decline(in, "no pipefail: %s", why)
				continue
			}
			c := rewrite.Change{
				Why:     "a pipe has the status of its last command, so that a failure on the left goes unnoticed (Docker's best practices, hadolint DL4006)",
				Gain:    "a broken download breaks the build, not the image",
				Safety:  rewrite.Assumes,
				Assumes: "the left side of each pipe here succeeds today",
				At:      in,
			}
			if how == unknownShell {
				p.Decline(in, "no pipefail: whether the shell of %s knows it can't be said", baseName(s))
				break // as with the RUNs behind it
			}
			if how == knowsOption {
				if !setOption(sh, &c) {
					p.Decline(in, "no pipefail: there is no place for set -o pipefail in front of it")
					continue
				}
				out = append(out, c)
				continue
			}
			if why := wantsSh(p, s, in); why != "" {
				if !told {
					p.Decline(in, "no pipefail: /bin/sh is dash here, and SHELL can't name bash: %s", why)
				}
				told = true
				continue
			}
			keyword := "SHELL"
			if p.Doc.Src[in.Head.Start] == 'r' {
				keyword = "shell"
			}
			c.Title = "run it in bash with pipefail"
			c.Assumes += ", and no image built on this one needs dash"
			c.Config = rewrite.FieldShell
			c.Edits = []rewrite.Edit{above(p.Doc, in, keyword+` ["/bin/bash", "-o", "pipefail", "-c"]`+"\n")}
			out = append(out, c)
			break // bash runs those behind it too
		}
	}
	return out, nil
}

// What the shell of a RUN does with pipefail.
type pipeShell int

const (
	unknownShell pipeShell = iota
	knowsOption
	failsPipes // it is set
	isDash
)

func shellOf(st rewrite.State) pipeShell {
	if len(st.Shell) > 0 {
		for _, w := range st.Shell {
			if w == "pipefail" {
				return failsPipes
			}
		}
		switch path.Base(st.Shell[0]) {
		case "bash", "zsh", "ksh", "ash":
			return knowsOption
		}
		if st.Shell[0] != "/bin/sh" && st.Shell[0] != "sh" || !plainShell(st.Shell) {
			return unknownShell
		}
		// SHELL ["/bin/sh", …] is meant: only an option in the RUN will do.
		if how := binSh(st); how != isDash {
			return how
		}
		return unknownShell
	}
	return binSh(st)
}

// binSh is what /bin/sh of the base image is.
func binSh(st rewrite.State) pipeShell {
	if !st.Known || !st.Base.Shell {
		return unknownShell
	}
	switch st.Base.Distro {
	case "fedora", "centos", "rhel", "rockylinux", "almalinux", "oraclelinux", "amazonlinux", "alpine":
		return knowsOption
	case "debian", "ubuntu":
		return isDash
	}
	return unknownShell
}

// setOption puts set -o pipefail in front of the script, or into the set that
// it begins with.
func setOption(sh *rewrite.Script, c *rewrite.Change) bool {
	first := sh.File.Stmts[0]
	for _, cmd := range sh.Commands() {
		if cmd.Name != "set" || len(cmd.Args) < 2 || !strings.HasPrefix(sh.Text[first.Pos().Offset():], "set -") || cmd.Stmt.Pos() != first.Pos() {
			continue
		}
		for i, w := range cmd.Args[1:] {
			if strings.HasSuffix(w, "o") && i+2 < len(cmd.Args) || w == "-" || w == "--" {
				return false
			}
		}
		e := sh.Edit()
		e.Insert(cmd, len(cmd.Words), "-o pipefail")
		c.Title = "set pipefail"
		return e.Into(c)
	}
	if first.Background {
		return false
	}
	sp, _ := sh.Span(int(first.Pos().Offset()), int(first.Pos().Offset()))
	c.Title = "set pipefail"
	link := " && "
	if at := int(first.Pos().Offset()); sh.Heredoc() && (at == 0 || sh.Text[at-1] == '\n') {
		link = "\n"
	}
	c.Edits = append(c.Edits, rewrite.Edit{Span: sp, New: "set -o pipefail" + link})
	c.Adds = append(c.Adds, "set -o pipefail")
	return true
}

// wantsSh tells what in the stage from in on, and in the stages built on it,
// rests on /bin/sh; "" when bash with pipefail may take its place.
func wantsSh(p *rewrite.Pass, s *rewrite.Stage, from *rewrite.Instruction) string {
	if from.State().Env["BASH_ENV"] != "" {
		return "bash reads $BASH_ENV first"
	}
	for _, t := range p.Doc.Stages {
		if !t.Descends(s) {
			continue
		}
		for _, in := range t.Instructions {
			if t == s && in.Index < from.Index {
				if in.Trigger() || in.Keyword == "onbuild" {
					return "an ONBUILD on line " + strconv.Itoa(in.Line) + " may get it too"
				}
				continue
			}
			switch c := in.Cmd.(type) {
			case *instructions.ShellCommand:
				return "line " + strconv.Itoa(in.Line) + " sets another SHELL"
			case *instructions.OnbuildCommand:
				return "an ONBUILD on line " + strconv.Itoa(in.Line) + " would get it too"
			case *instructions.CmdCommand:
				if c.PrependShell {
					return "the CMD on line " + strconv.Itoa(in.Line) + " is in shell form and would get it too"
				}
			case *instructions.EntrypointCommand:
				if c.PrependShell {
					return "the ENTRYPOINT on line " + strconv.Itoa(in.Line) + " is in shell form and would get it too"
				}
			case *instructions.HealthCheckCommand:
				if len(c.Health.Test) > 0 && c.Health.Test[0] == "CMD-SHELL" {
					return "the HEALTHCHECK on line " + strconv.Itoa(in.Line) + " is in shell form and would get it too"
				}
			case *instructions.RunCommand:
				if in.JSON {
					continue
				}
				sh, why := in.Shell()
				if sh == nil {
					return "line " + strconv.Itoa(in.Line) + " can't be read: " + why
				}
				if why := pipesThatStop(sh); why != "" {
					return "line " + strconv.Itoa(in.Line) + ": " + why
				}
				if why := dashOnly(sh); why != "" {
					return "line " + strconv.Itoa(in.Line) + " has " + why + ", which bash reads otherwise"
				}
			}
		}
	}
	return ""
}

// topPipes calls f for each pipe whose status the script looks at: those at the
// top of it, in && chains, and in the assignments of variables there.
func topPipes(sh *rewrite.Script, f func(*syntax.BinaryCmd)) {
	fast := sh.FailsFast()
	var visit func(st *syntax.Stmt)
	visit = func(st *syntax.Stmt) {
		switch b := st.Cmd.(type) {
		case *syntax.BinaryCmd:
			switch {
			case st.Negated || st.Background:
			case b.Op == syntax.AndStmt:
				visit(b.X)
				visit(b.Y)
			case b.Op == syntax.Pipe:
				f(b)
			}
		case *syntax.Subshell:
			visit(b.Stmts[len(b.Stmts)-1])
		case *syntax.Block:
			visit(b.Stmts[len(b.Stmts)-1])
		}
	}
	for i, st := range sh.File.Stmts {
		if fast || i == len(sh.File.Stmts)-1 {
			visit(st)
		}
	}
}
