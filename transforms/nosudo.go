package transforms

import (
	"context"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// no-sudo drops sudo where the user is root anyway.
var _ = register(&rewrite.Transform{
	Name:      "no-sudo",
	Summary:   "Drop sudo from commands that root runs anyway",
	Phase:     rewrite.PhaseSpelling,
	Rules:     []string{"DL3004"},
	AllAssume: true,
	Doc: `In a build RUN is root until USER says otherwise, so sudo gives no right that
isn't there; it puts a process in between, which handles signals and terminals in
its own way (https://docs.docker.com/build/building/best-practices/#user, hadolint
DL3004). The word and its options go, the command stays as it is. The package
sudo stays installed: something else may use it.`,
	Assumes: `The command needs no clean environment. sudo hides the image's ENV
and ARG from what it runs and looks for programs in a list of its own
(secure_path, https://www.sudo.ws/docs/man/sudoers.man/#Command_environment);
without it the command sees them, which is mostly what was meant.`,
	Declines: `Where the user isn't root, or the base image that decides isn't
known; sudo -u and -g, which run as somebody else (gosu or USER is the way);
-i and -s, which start a shell; where ENV sets PATH or HOME, so that another
program or another folder may be meant; built-ins of the shell, which sudo can't
run; echo and printf with backslashes or options, which differ between shell and
program; sudo within a $(…) or broken over lines.`,
	Run: runNoSudo,
})

func runNoSudo(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !strings.Contains(p.Doc.Src, "sudo") {
		return nil, nil
	}
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for _, at := range s.Instructions {
			in := at.Inner()
			if in.Keyword != "run" || !strings.Contains(in.Raw(), "sudo") {
				continue
			}
			sh, _ := in.Shell()
			if sh == nil {
				continue
			}
			c := rewrite.Change{
				Why:     "RUN is root here, so sudo gives no right that isn't there (hadolint DL3004)",
				Gain:    "one program less to rely on",
				Safety:  rewrite.Assumes,
				Assumes: "what sudo ran needs no clean environment: it sees the image's variables now",
				At:      at,
			}
			if in.Trigger() {
				c.Config = rewrite.FieldOnBuild
			}
			n, told := 0, ""
			for _, cmd := range sh.Commands() {
				if cmd.Name != "sudo" {
					continue
				}
				if why := dropSudo(in, sh, cmd, &c); why == "" {
					n++
				} else if why != notRoot && why != told {
					p.Decline(at, "%s", why)
					told = why
				}
			}
			if n > 0 {
				c.Title = "drop sudo from " + plural(n, "command") + " of root"
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// notRoot: sudo is needed.
const notRoot = "the user isn't root"

// dropSudo takes sudo out of a command; it tells why not.
func dropSudo(in *rewrite.Instruction, sh *rewrite.Script, cmd rewrite.Command, c *rewrite.Change) string {
	st := in.State()
	unknown := st.User == "" && !st.Known
	if !st.Root() && !unknown {
		return notRoot
	}
	first, why := underSudo(cmd)
	if why != "" {
		return why
	}
	if unknown {
		return "sudo stays: which user " + baseName(in.Stage) + " starts with isn't known"
	}
	name := first
	for isAssignment(sh, cmd, name) {
		name++
	}
	if name >= len(cmd.Args) {
		return "sudo runs nothing here"
	}
	if why := runsWithoutSudo(sh, cmd, name); why != "" {
		return why
	}
	_, home := st.Env["HOME"]
	_, dirs := st.Env["PATH"]
	switch {
	case dirs || strings.Contains(sh.Text, "PATH="):
		return "sudo stays: with the PATH set here, " + cmd.Args[name] + " may be another program"
	case !st.Known && slices.ContainsFunc(cmd.Args[1:first], setsHome):
		return "sudo stays: it sets HOME to that of root, and whether the base image sets another one isn't known"
	case home || strings.Contains(sh.Text, "HOME="):
		return "sudo stays: it sets HOME to that of root, and HOME is another one here"
	case strings.Contains(sh.Text, "umask"):
		return "sudo stays: it has a umask of its own"
	}
	for _, o := range sh.Commands() {
		sp := rewrite.NodeSpan(o.Stmt)
		if o.Stmt != cmd.Stmt && o.Call != nil && sp.Contains(cmd.Words[0]) {
			return "sudo stays: it stands within another command"
		}
	}
	sp, ok := sh.Span(cmd.Words[0].Start, cmd.Words[first].Start)
	if !ok {
		return "sudo stays: a line break stands between it and its command"
	}
	c.Edits = append(c.Edits, rewrite.Edit{Span: sp})
	var key []string
	for _, a := range cmd.Call.Assigns {
		key = append(key, sh.Source(a))
	}
	for _, w := range cmd.Call.Args[first:] {
		key = append(key, sh.Source(w))
	}
	for _, r := range cmd.Stmt.Redirs {
		key = append(key, sh.Source(r))
	}
	c.Drops, c.Adds = append(c.Drops, cmd.Key), append(c.Adds, strings.Join(key, " "))
	return ""
}

// setsHome: an option of sudo is -H.
func setsHome(w string) bool {
	return w == "--set-home" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "H")
}

// underSudo is the index of the first word behind sudo and its options.
func underSudo(cmd rewrite.Command) (first int, why string) {
	i := 1
	for ; i < len(cmd.Args); i++ {
		switch w := cmd.Args[i]; {
		case w == "--":
			return i + 1, ""
		case w == "-u" || w == "--user":
			if i+1 >= len(cmd.Args) || cmd.Args[i+1] != "root" {
				return 0, "sudo stays: it runs a command as another user; gosu, setpriv or USER do so without it"
			}
			i++
		case w == "-uroot" || w == "--user=root" || w == "--preserve-env" || w == "--set-home" || w == "--non-interactive":
		case strings.HasPrefix(w, "-u") || strings.HasPrefix(w, "--user"):
			return 0, "sudo stays: it runs a command as another user; gosu, setpriv or USER do so without it"
		case len(w) > 1 && w[0] == '-' && strings.Trim(w[1:], "nEHP") == "":
		case strings.HasPrefix(w, "-"):
			return 0, "sudo stays: " + w + " does more than to run a command"
		default:
			return i, ""
		}
	}
	return i, ""
}

// isAssignment reports whether word i is one of sudo's VAR=value, as a shell
// takes it in front of a command too.
func isAssignment(sh *rewrite.Script, cmd rewrite.Command, i int) bool {
	if i >= len(cmd.Words) {
		return false
	}
	name, _, ok := strings.Cut(sh.Text[cmd.Words[i].Start:cmd.Words[i].End], "=")
	return ok && syntax.ValidName(name)
}

// runsWithoutSudo tells why a shell would not run word i of a command as sudo
// does.
func runsWithoutSudo(sh *rewrite.Script, cmd rewrite.Command, i int) string {
	name := cmd.Args[i]
	if v, ok := literalWord(cmd.Call.Args[i]); !ok || strings.Contains(v, "=") {
		return "sudo stays: what it runs is computed"
	}
	if shellBuiltins[name] || syntax.IsKeyword(name) || name == "[[" {
		return "sudo stays: " + name + " is built into the shell, so sudo can't have meant it"
	}
	if name == "echo" || name == "printf" {
		for j, w := range cmd.Args[i+1:] {
			if src := sh.Source(cmd.Call.Args[i+1+j]); strings.Contains(src, `\`) || j == 0 && strings.HasPrefix(w, "-") {
				return "sudo stays: the " + name + " of a shell and the program " + name + " differ in backslashes and options"
			}
		}
	}
	defined := false
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		f, ok := n.(*syntax.FuncDecl)
		defined = defined || ok && f.Name.Value == path.Base(name)
		return !defined
	})
	if defined {
		return "sudo stays: " + name + " is a function here"
	}
	return ""
}
