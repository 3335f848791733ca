//go:build linux

package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/rewrite"
	"drydock/tools/corpus/differential/sandbox"
)

// defaultPath is system.DefaultPathEnvUnix of BuildKit.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shell is one way to run a script: a real shell under a name.
type shell struct {
	name string // for the report
	exe  string // dash or bash
}

var (
	dash     = shell{"dash", "dash"}
	bash     = shell{"bash", "bash"}
	bashAsSh = shell{"bash as sh", "bash"}
)

// shells gives the real shells that stand for the one that SHELL names; why
// tells why there is none. Nothing says what /bin/sh is in the base image: dash in
// Debian, bash in Red Hat's. So both run. Only dash stands for busybox's ash, but
// dash 0.5.12 has no pipefail.
func shells(words []string) (list []shell, why string) {
	if len(words) == 0 {
		return []shell{dash, bashAsSh}, ""
	}
	pipefail := slices.Contains(words, "pipefail")
	switch name := path.Base(words[0]); name {
	case "bash":
		return []shell{bash}, ""
	case "sh", "ash", "dash":
		if pipefail {
			return []shell{bashAsSh}, ""
		}
		if name == "sh" {
			return []shell{dash, bashAsSh}, ""
		}
		return []shell{dash}, ""
	}
	return nil, "no " + path.Base(words[0]) + " at hand"
}

// steps are the processes that a builder would start for the instructions.
func steps(ins []*rewrite.Instruction, sh shell) ([]sandbox.Step, error) {
	var out []sandbox.Step
	for _, in := range ins {
		st := in.State()
		cmd, ok := in.Cmd.(*instructions.RunCommand)
		if !ok {
			return nil, fmt.Errorf("line %d is no RUN", in.Line)
		}
		s := sandbox.Step{Dir: st.Workdir, Env: environment(st)}
		if s.Dir == "" {
			s.Dir = "/workdir" // the base's, unknown
		}
		if cmd.PrependShell {
			script, err := script(cmd)
			if err != nil {
				return nil, err
			}
			words := st.Shell
			if len(words) == 0 {
				words = []string{"/bin/sh", "-c"}
			}
			s.Shell = sh.exe
			s.Args = append(slices.Clone(words), script)
			if sh == bashAsSh {
				s.Args[0] = "/bin/sh" // the name makes bash a POSIX shell
			}
		} else {
			s.Args = cmd.CmdLine
		}
		out = append(out, s)
	}
	return out, nil
}

// script is what the shell gets, heredocs included: dispatchRun of BuildKit's
// dockerfile2llb.
func script(cmd *instructions.RunCommand) (string, error) {
	text := strings.Join(cmd.CmdLine, " ")
	if len(cmd.Files) == 0 {
		return text, nil
	}
	if parser.MustParseHeredoc(text) == nil {
		for _, f := range cmd.Files {
			text += "\n" + f.Data + f.Name
		}
		return text, nil
	}
	data := cmd.Files[0].Data
	if cmd.Files[0].Chomp {
		data = parser.ChompHeredocContent(data)
	}
	if strings.HasPrefix(data, "#!") {
		return "", fmt.Errorf("a heredoc names its own interpreter")
	}
	return data, nil
}

// environment is what ENV and ARG give, and what a builder adds. Variables of
// the base image aren't known; a PATH that extends it extends the usual one.
func environment(st rewrite.State) []string {
	env := map[string]string{"PATH": defaultPath, "HOME": "/root", "HOSTNAME": "buildkitsandbox"}
	for _, m := range []map[string]string{st.Args, st.Env} {
		for k := range m {
			// Expand knows which of an ENV and an ARG of one name wins.
			if v := st.Expand("${" + k + "}"); v != "${"+k+"}" {
				env[k] = v
			}
		}
	}
	p := strings.NewReplacer("${PATH}", defaultPath, "$PATH", defaultPath).Replace(env["PATH"])
	if !slices.Contains(strings.Split(p, ":"), "/usr/bin") {
		p += ":/usr/bin" // where the recorder is
	}
	env["PATH"] = p
	out := make([]string, 0, len(env))
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}
