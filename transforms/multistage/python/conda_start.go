package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// What starts in a container of conda, and what takes the place of conda there.

var (
	// activation is what a script does in front of its program: it reads conda's
	// functions and activates an environment.
	activation = lazily(`^\s*(?:(?:source|\.)\s+(?:(?:/opt/conda/bin/)?activate|(/opt/conda/envs/[\w.-]+)/bin/activate)(?:\s+([\w./-]+))?|(?:source|\.)\s+(?:/opt/conda/etc/profile\.d/(?:conda|mamba)\.sh|(?:~|/root|\$HOME)/\.(?:bashrc|profile|bash_profile))|(?:conda|mamba|micromamba)\s+activate(?:\s+([\w./-]+))?|conda\s+init\s+bash|eval\s+"\$\((?:conda|mamba|/opt/conda/bin/conda)\s+shell\.(?:bash|posix)\s+hook\)"|eval\s+"\$\(micromamba\s+shell\s+hook\s+[\w=\s-]+\)")\s*(?:&&|;|\n)\s*`)
	// runsInside is a script of one command, which conda run starts.
	runsInside = lazily(`^\s*(?:exec\s+)?(?:conda|mamba|micromamba)\s+run((?:\s+(?:--no-capture-output|--live-stream|-s|(?:-n|--name|-p|--prefix)[= ]\s*[\w./-]+))*)\s+([^-&;|<>(\s][^&;|<>()\x60\n]*)$`)
	// ofCondas: a script says something of conda.
	ofCondas = lazily(`\b(?:conda|mamba|micromamba)\b|(?:^|[\s;&(])(?:source|\.)\s+\S*activate\b|\bCONDA_(?:EXE|PYTHON_EXE|SHLVL|ROOT|DIR)\b`)
)

// condaStart is what one instruction starts, taken apart.
type condaStart struct {
	env     string   // the environment that is activated, "" for none
	words   []string // the program, or nil for a script
	script  string
	changed bool // conda stood in front of it
	handsOn bool // it starts whatever CMD, or the command line of docker run, says
}

// start takes a CMD, an ENTRYPOINT or a HEALTHCHECK apart; false after a decline.
func (c *condaSplit) start(in *rewrite.Instruction, line []string, shell bool) (out condaStart, ok bool) {
	words := line
	kind := strings.ToUpper(in.Keyword)
	sh := c.Stage.At(in).Shell
	known := c.Stage.At(in).Env["BASH_ENV"] != ""
	if shell {
		out.script = line[0]
		call, conda := condaShell(sh)
		switch {
		case conda:
			if out.env, _, ok = c.called(in, call[1:]); !ok {
				return out, c.Decline(in, "in which environment %s starts isn't known", kind)
			}
			out.changed = true
		case slices.ContainsFunc(sh, isLogin):
			out.env, out.changed, known = cmp.Or(c.loginEnv(nil), condaRoot), true, true
		}
		if m := runsInside().FindStringSubmatch(out.script); m != nil {
			if out.env, _, ok = c.called(in, append([]string{"run"}, strings.Fields(m[1])...)); !ok {
				return out, c.Decline(in, "in which environment %s starts isn't known", kind)
			}
			out.script, out.changed = m[2], true
		}
	} else {
		if condaPrograms[path.Base(words[0])] && len(words) > 1 && words[1] == "run" {
			if out.env, words, ok = c.called(in, words[1:]); !ok {
				return out, c.Decline(in, "in which environment %s starts isn't known", kind)
			}
			out.changed = true
			if len(words) == 0 && in.Keyword == "entrypoint" && c.hasCmd() {
				out.handsOn = true
				return out, true
			}
			if len(words) == 0 {
				return out, c.Decline(in, "%s leaves to conda whatever the container is started with", kind)
			}
		}
		out.words = words
		if len(words) >= 3 && rewrite.PosixShell(words[0]) && strings.HasPrefix(words[1], "-") {
			i := slices.IndexFunc(words, func(w string) bool {
				return strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "c")
			})
			if i < 1 || i != len(words)-2 {
				return out, c.Decline(in, "the script of %s can't be read", kind)
			}
			if slices.ContainsFunc(words[:i+1], func(w string) bool { return isLogin(w) || w == "-i" }) {
				out.env, out.changed, known = cmp.Or(c.loginEnv(nil), out.env, condaRoot), true, true
			}
			out.words, out.script = nil, words[i+1]
		}
	}
	for out.words == nil {
		m := activation().FindStringSubmatchIndex(out.script)
		if m == nil {
			break
		}
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return out.script[m[2*i]:m[2*i+1]]
		}
		text := out.script[m[0]:m[1]]
		name := cmp.Or(group(2), group(3), group(1))
		switch {
		case (strings.HasPrefix(strings.TrimSpace(text), "conda activate") || strings.HasPrefix(strings.TrimSpace(text), "mamba activate")) && !known:
			return out, c.Decline(in, "the shell of %s doesn't know conda activate", kind)
		case name != "":
			if out.env = c.named(in, name); out.env == "" {
				return out, c.Decline(in, "which environment %s activates isn't known", kind)
			}
		case strings.Contains(text, "rc") || strings.Contains(text, "profile") && !strings.Contains(text, "profile.d"):
			out.env, known = cmp.Or(c.loginEnv(nil), condaRoot), true
		case strings.Contains(text, "activate"):
			out.env = condaRoot
		default:
			known = true
		}
		out.script, out.changed = out.script[m[1]:], true
	}
	if at := c.saysConda(out.script + " " + strings.Join(out.words, " ")); at != "" {
		return out, c.Decline(in, "%s has %s, which the runtime stage hasn't", kind, strings.TrimSpace(at))
	}
	return out, true
}

// hasCmd: CMD says what starts.
func (c *condaSplit) hasCmd() bool {
	return slices.ContainsFunc(c.Stage.Instructions, func(in *rewrite.Instruction) bool {
		line, _ := cmdline.StartLine(in)
		return in.Keyword == "cmd" && len(line) > 0
	})
}

// starts rewrites what starts in the container where conda starts it.
func (c *condaSplit) starts() bool {
	if c.micro {
		return true // the image and its entry point stay
	}
	var programs []condaStart
	var of []*rewrite.Instruction
	entry, cmd, handsOn := false, (*rewrite.Instruction)(nil), ""
	for _, in := range c.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if len(line) == 0 {
			continue
		}
		st, ok := c.start(in, line, shell)
		if !ok {
			return false
		}
		switch {
		case st.handsOn:
			handsOn, entry = st.env, false
			c.Edits = append(c.Edits, c.Deletions([]rewrite.Span{in.Attached()})...)
			c.Roles[in] = split.InBuild
			c.Config |= rewrite.FieldEntrypoint
			c.Explain("ENTRYPOINT is left out: it starts whatever the container is started with in the environment, whose folder is on the PATH")
			continue
		case in.Keyword == "entrypoint":
			handsOn, entry = "", true
		case in.Keyword == "cmd":
			cmd = in
		}
		programs, of = append(programs, st), append(of, in)
	}
	for _, b := range c.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if at := c.saysConda(strings.Join(list, " ")); at != "" {
				return c.Decline(c.Stage.From, "%s starts the container with %s, which the runtime stage hasn't", b.File, strings.TrimSpace(at))
			}
		}
	}
	for i, st := range programs {
		if of[i].Keyword == "cmd" && of[i] != cmd {
			continue
		}
		if of[i].Keyword == "cmd" && st.env == "" {
			st.env = handsOn
		}
		if !c.inside(of[i], st, entry) || st.changed && !c.restart(of[i], st) {
			return false
		}
	}
	if c.Ref.Repository() == "condaforge/miniforge3" || c.Ref.Repository() == "condaforge/mambaforge" {
		return entry || c.tini(cmd)
	}
	return true
}

// inside holds that a program starts from the environment and from nothing else of conda.
func (c *condaSplit) inside(in *rewrite.Instruction, st condaStart, entry bool) bool {
	kind := strings.ToUpper(in.Keyword)
	if st.env != "" && st.env != c.prefix {
		return c.Decline(in, "%s starts in the environment %s, and %s is made", kind, st.env, c.prefix)
	}
	c.active = c.active || st.env != ""
	if in.Keyword == "cmd" && entry && in.JSON && st.env == "" {
		return true // arguments of the entry point
	}
	commands := [][]string{st.words}
	if st.words == nil {
		var err error
		if commands, err = cmdline.ScriptCommands(st.script); err != nil {
			return c.Decline(in, "the script of %s can't be read: %v", kind, err)
		}
	}
	for _, args := range commands {
		args = cmdline.Unwrap(args)
		if len(args) == 0 {
			continue
		}
		p := args[0]
		switch {
		case workers[path.Base(p)] || rewrite.PosixShell(p) && len(args) == 1 && len(commands) == 1:
			return c.Decline(in, "%s starts %s, in which people work: they may use conda, and whatever the image holds", kind, path.Base(p))
		case rewrite.Inside(p, c.prefix):
			continue
		case rewrite.Inside(p, condaRoot):
			return c.Decline(in, "%s starts %s, which is conda's own", kind, p)
		case strings.Contains(p, "/") || rewrite.PosixShell(p) || rewrite.Harmless(p) || p == "cd" || p == "exec":
			for _, a := range args {
				if why := c.scriptOfConda(a); why != "" {
					return c.Decline(in, "%s", why)
				}
			}
			if st.env != "" || c.onPath(nil) || rewrite.Harmless(p) || p == "cd" || p == "exec" {
				continue
			}
			return c.Decline(in, "what %s starts finds conda's own Python, and not that of %s, which ENV doesn't put on the PATH", p, c.prefix)
		case st.env == "" && !c.onPath(nil):
			return c.Decline(in, "%s starts %s of conda's own environment: ENV doesn't put %s/bin on the PATH", kind, p, c.prefix)
		}
		_, named := c.listed[strings.ToLower(p)]
		if _, python := c.listed["python"]; !python && !named {
			return c.Decline(in, "the environment isn't asked for Python by name, so that %s may be that of conda's own", p)
		}
	}
	return true
}

// workers are programs in which people run others.
var workers = words(`jupyter jupyter-lab jupyter-notebook jupyter-lab.sh jupyterhub jupyterhub-singleuser start-notebook.sh ipython code-server rserver marimo`)

// scriptOfConda: a word is a script of the project that calls conda.
func (c *condaSplit) scriptOfConda(word string) string {
	abs, ok := c.Stage.At(nil).Abs(word)
	if !ok || strings.HasPrefix(word, "-") {
		return ""
	}
	ctx, by := c.Stage.Origin(nil, abs, c.Pass.Repo, c.Pass.Name)
	if by == nil || c.Pass.Repo.IsDir(ctx) || !strings.HasSuffix(ctx, ".sh") && path.Ext(ctx) != "" {
		return ""
	}
	src, err := c.Pass.Repo.ReadFile(ctx)
	if err != nil {
		return ""
	}
	text := strings.ReplaceAll(string(src), c.prefix+"/", strings.Repeat("_", len(c.prefix)+1))
	if at := ofCondas().FindStringIndex(text); at != nil {
		return ctx + ":" + cmdline.LineAt(string(src), at[0]) + " calls conda or activates an environment, and the runtime stage hasn't conda"
	}
	return ""
}

// saysConda is what a command line says of conda, "" for nothing; the environment's own
// programs aside.
func (c *condaSplit) saysConda(line string) string {
	return ofCondas().FindString(strings.ReplaceAll(line, c.prefix+"/", ""))
}

// restart writes an instruction without conda.
func (c *condaSplit) restart(in *rewrite.Instruction, st condaStart) bool {
	if in.Keyword == "healthcheck" {
		return c.Decline(in, "HEALTHCHECK starts conda, which the runtime stage hasn't")
	}
	word, _, _ := strings.Cut(c.Doc.Src[in.Span.Start:in.Span.End], " ")
	words := st.words
	if words == nil {
		script := strings.TrimSpace(st.script)
		f := strings.Fields(strings.TrimPrefix(script, "exec "))
		simple := len(f) > 0 && !slices.ContainsFunc(f, func(w string) bool { return !cmdline.Plain(w) || strings.Contains(w, "~") }) && !strings.Contains(f[0], "=")
		switch {
		case script == "" || strings.Contains(script, "\n"):
			return c.Decline(in, "what %s starts can't be written in one line", strings.ToUpper(in.Keyword))
		case simple && in.Keyword == "cmd":
			words = f
		default: // an entry point that was a script still takes no arguments
			words = []string{"/bin/bash", "-c", script}
		}
	}
	rest := cmdline.LikeList("", words)
	c.Say(in, word+" "+rest)
	c.Config |= rewrite.FieldCmd
	if in.Keyword == "entrypoint" {
		c.Config |= rewrite.FieldEntrypoint
	}
	c.Explain("%s starts %s itself: conda stays in the build stage, and the environment's folder is on the PATH", strings.ToUpper(in.Keyword), rest)
	return true
}

// tini keeps the entry point of miniforge's image, which hands signals on and reaps
// processes.
func (c *condaSplit) tini(cmd *rewrite.Instruction) bool {
	if cmd == nil {
		return true
	}
	if !c.Require("tini", "the entry point that "+c.Stage.BaseName()+" has") {
		return c.Decline(cmd, "%s starts it with tini, and the base has no apt to install that with", c.Stage.BaseName())
	}
	text, ok := c.Text[cmd]
	if !ok {
		text = strings.TrimRight(c.Doc.Src[cmd.Span.Start:cmd.Span.End], "\r\n")
	}
	c.Say(cmd, c.Keyword("ENTRYPOINT")+` ["tini", "--"]`+"\n"+text)
	c.Config |= rewrite.FieldEntrypoint | rewrite.FieldCmd
	return true
}

// NeedsShell: behind a SHELL the runtime stage still runs scripts.
func (c *condaSplit) needsShell(sh *rewrite.Instruction) bool {
	for in := sh.Next(); in != nil; in = in.Next() {
		switch in.Keyword {
		case "shell":
			return false
		case "run":
			if c.Roles[in] == split.InBoth || c.Roles[in] == split.InRuntime || c.Instead[in] != nil {
				return true
			}
		case "cmd", "entrypoint", "healthcheck":
			if _, said := c.Text[in]; said {
				continue
			}
			if h, ok := in.Cmd.(*instructions.HealthCheckCommand); ok && (h.Health == nil || len(h.Health.Test) < 2) {
				continue
			}
			if _, shell := cmdline.StartLine(in); shell {
				return true
			}
		}
	}
	return false
}
