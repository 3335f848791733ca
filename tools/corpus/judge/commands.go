package judge

import (
	"path"
	"slices"
	"sort"
	"strings"
)

var posixShells = []string{"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh"}

// shellScript takes {"/bin/sh", "-c", script} apart; flags are those that set knows. Conda
// may start the shell: {"conda", "run", "-n", "x", "/bin/bash", "-c", script}.
func shellScript(args []string) (shell []string, flags, script string, ok bool) {
	if n := len(args) - 3; n > 1 && args[1] == "run" && slices.Contains([]string{"conda", "mamba", "micromamba"}, path.Base(args[0])) {
		shell, flags, script, ok = shellScript(args[n:])
		return append(slices.Clone(args[:n]), shell...), flags, script, ok
	}
	if len(args) < 3 || !slices.Contains(posixShells, path.Base(args[0])) {
		return nil, "", "", false
	}
	last := len(args) - 1
	var set []string
	command := false
	for i := 1; i < last; i++ {
		a := args[i]
		if strings.HasPrefix(a, "--") {
			continue
		}
		if !strings.HasPrefix(a, "-") {
			return nil, "", "", false
		}
		command = command || strings.Contains(a, "c")
		if a = strings.NewReplacer("c", "", "l", "", "i", "").Replace(a); a != "-" {
			set = append(set, a)
		}
		if strings.Contains(a, "o") && i+1 < last {
			i++
			set = append(set, args[i])
		}
	}
	return args[:last], strings.Join(set, " "), args[last], command
}

func (e Exec) commands() []Command {
	base := State{Env: slices.Clone(e.Env), User: e.User, Cwd: e.Cwd, Mounts: e.Mounts}
	sort.Strings(base.Env)
	if e.Inline != "" {
		return []Command{{Text: "script " + e.Inline, Stage: e.Stage, State: base}}
	}
	shell, flags, script, ok := shellScript(e.Args)
	if !ok {
		words := make([]string, len(e.Args))
		for i, a := range e.Args {
			words[i] = requote(a)
		}
		return []Command{{Text: strings.Join(words, " "), Stage: e.Stage, State: base}}
	}
	base.Shell = strings.Join(shell, " ")
	steps, ok := splitScript(script, e.Cwd, flags)
	if !ok {
		return []Command{{Text: "unparsed " + strings.Join(strings.Fields(script), " "), Stage: e.Stage, State: base}}
	}
	out := make([]Command, len(steps))
	for i, s := range steps {
		st := base
		st.Cwd, st.Opts, st.Flow = s.cwd, s.opts, s.flow
		if len(s.env) > 0 {
			st.Env = override(base.Env, s.env)
		}
		out[i] = Command{Text: s.text, Stage: e.Stage, State: st}
	}
	return out
}

func override(env, more []string) []string {
	set := map[string]bool{}
	for _, kv := range more {
		name, _, _ := strings.Cut(kv, "=")
		set[strings.TrimSuffix(name, "+")] = true
	}
	var out []string
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); !set[name] {
			out = append(out, kv)
		}
	}
	out = append(out, more...)
	sort.Strings(out)
	return out
}
