package checks

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// script is a shell script that an instruction runs.
type script struct {
	*rewrite.Script
	in  *rewrite.Instruction
	own bool // it is the instruction's own, so that its places are known
}

// line is the line of an offset into the script.
func (s script) line(off int) int {
	if !s.own {
		return s.in.Line
	}
	sp, _ := s.Span(off, off+1)
	line, _ := s.in.Doc().Pos(sp.Start)
	return line
}

// nesting bounds how deep sh -c within sh -c is followed.
const nesting = 3

// scripts lists what an instruction runs: its shell form or heredoc, an exec
// form as the one command that it is, and what any of them hand to sh -c.
// Where the shell isn't POSIX, or a script doesn't parse, there is none.
func scripts(in *rewrite.Instruction) []script {
	var out []script
	if s, why := in.Shell(); why == "" {
		out = append(out, script{s, in, true})
	} else if args := execForm(in); len(args) > 0 {
		words := make([]string, len(args))
		for i, a := range args {
			q, err := syntax.Quote(a, syntax.LangBash)
			if err != nil {
				return nil
			}
			words[i] = q
		}
		if s, err := rewrite.ParseScript(strings.Join(words, " ")); err == nil {
			out = append(out, script{s, in, false})
		}
	} else if body, ok := fedToShell(in); ok {
		if s, err := rewrite.ParseScript(body); err == nil {
			out = append(out, script{s, in, false})
		}
	}
	for i, depth := 0, 0; i < len(out) && depth < nesting; depth++ {
		for n := len(out); i < n; i++ {
			for _, c := range out[i].Commands() {
				if text, ok := handedOn(c); ok {
					if s, err := rewrite.ParseScript(text); err == nil {
						out = append(out, script{s, in, false})
					}
				}
			}
		}
	}
	return out
}

// execForm gives the words of an exec form, nil for anything else.
func execForm(in *rewrite.Instruction) []string {
	if !in.JSON && in.Keyword != "healthcheck" {
		return nil
	}
	switch c := in.Cmd.(type) {
	case *instructions.RunCommand:
		return c.CmdLine
	case *instructions.CmdCommand:
		return c.CmdLine
	case *instructions.EntrypointCommand:
		return c.CmdLine
	case *instructions.HealthCheckCommand:
		if c.Health != nil && len(c.Health.Test) > 1 && c.Health.Test[0] == "CMD" {
			return c.Health.Test[1:]
		}
	}
	return nil
}

// fedToShell gives the body of `RUN bash -e <<EOF`.
func fedToShell(in *rewrite.Instruction) (string, bool) {
	words := strings.Fields(in.Args.Text)
	if in.Keyword != "run" || in.JSON || len(in.Heredocs) != 1 || len(words) < 2 || !shells(path.Base(words[0])) || in.Doc().Escape == '`' {
		return "", false
	}
	b := in.Heredocs[0].Body
	return in.Doc().Src[b.Start:b.End], true
}

// handedOn is the script of `sh -c SCRIPT`.
func handedOn(c rewrite.Command) (string, bool) {
	args := unwrap(c.Args)
	if len(args) < 3 || !shells(path.Base(args[0])) {
		return "", false
	}
	for i, a := range args[1 : len(args)-1] {
		if !strings.HasPrefix(a, "-") {
			return "", false
		}
		if !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") {
			text := args[i+2]
			// A word with expansions comes as source: within quotes it is the script
			// all the same.
			if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
				text = strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`").Replace(text[1 : len(text)-1])
			}
			return text, true
		}
	}
	return "", false
}

func shells(name string) bool {
	switch name {
	case "sh", "bash", "dash", "ash", "zsh", "ksh":
		return true
	}
	return false
}

// unwrap drops what only runs the command behind it: sudo, env, exec and the like.
func unwrap(args []string) []string {
	for len(args) > 1 {
		var valued string // flags that take a value
		switch path.Base(args[0]) {
		case "sudo":
			valued = "-u -g -h -p -C -D -R -T"
		case "env":
			valued = "-u -C -S"
		case "exec", "command", "time", "nohup", "eatmydata", "busybox", "builtin":
		case "nice":
			valued = "-n"
		case "gosu", "su-exec", "chroot", "timeout", "fakechroot":
			args = args[1:] // its own argument stands first
		default:
			return args
		}
		rest := args[1:]
		for len(rest) > 0 && (strings.HasPrefix(rest[0], "-") || assignment(rest[0])) {
			if len(rest) > 1 && len(rest[0]) == 2 && strings.Contains(valued, rest[0]) {
				rest = rest[1:]
			}
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return args
		}
		args = rest
	}
	return args
}

// assignment tells NAME=value.
func assignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/-.:")
}
