package imagefs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// starts checks what the configuration starts: ENTRYPOINT with CMD, and HEALTHCHECK. Only what works in before counts.
func (c *comparison) starts() {
	c.started = map[string]bool{}
	b, a := &c.before.Config.Config, &c.after.Config.Config
	was, is := slices.Concat(b.Entrypoint, b.Cmd), slices.Concat(a.Entrypoint, a.Cmd)
	switch {
	case len(was) == 0:
	case len(is) == 0:
		c.add(true, finding.Command, "", "the new image has neither ENTRYPOINT nor CMD: nothing starts")
	case c.repeatsRuntime():
	default:
		c.start("ENTRYPOINT and CMD start", was, is)
	}
	if h := a.Healthcheck; h != nil && len(h.Test) > 1 && b.Healthcheck != nil && len(b.Healthcheck.Test) > 1 {
		old := b.Healthcheck.Test
		switch {
		case h.Test[0] == "CMD":
			c.start("HEALTHCHECK starts", old[1:], h.Test[1:])
		case c.before.runnable(c.was, orShell(b.Shell)[0]) && !c.after.runnable(c.is, orShell(a.Shell)[0]):
			c.add(true, finding.Command, orShell(a.Shell)[0], fmt.Sprintf("HEALTHCHECK is in the shell form, and the new image has no %s", orShell(a.Shell)[0]), path.Base(orShell(a.Shell)[0]))
		default:
			c.script("HEALTHCHECK", h.Test[1], 0)
		}
	}
}

// runtimes are the programs that are given a script to run.
var runtimes = rewrite.Lazily(`^(python|pypy|node|nodejs|java|ruby|perl|php|deno|bun|sh|bash|dash|ash)[0-9.]*$`)

// runtime is the name of a runtime without its version: "python"; "" for other programs.
func runtimeOf(name string) string {
	if m := runtimes().FindStringSubmatch(path.Base(name)); m != nil {
		return strings.TrimSuffix(m[1], "js")
	}
	return ""
}

// repeatsRuntime: the ENTRYPOINT is a language's runtime already, as distroless images have it, and CMD names it
// again: it would look for a script of that name.
func (c *comparison) repeatsRuntime() bool {
	a := &c.after.Config.Config
	if len(a.Entrypoint) == 0 || len(a.Cmd) == 0 {
		return false
	}
	again := func(entrypoint, cmd []string) string {
		if len(entrypoint) == 0 || len(cmd) == 0 {
			return ""
		}
		if r := runtimeOf(entrypoint[0]); r != "" && runtimeOf(cmd[0]) == r {
			return r
		}
		return ""
	}
	r := again(a.Entrypoint, a.Cmd)
	if r == "" || again(c.before.Config.Config.Entrypoint, c.before.Config.Config.Cmd) != "" || c.after.file(c.after.inWorkdir(a.Cmd[0])) != nil {
		return false
	}
	c.add(true, finding.Config, "", fmt.Sprintf("CMD %s names %q, but the new image's ENTRYPOINT %s is that already: it would look for a script %s",
		words(a.Cmd), a.Cmd[0], words(a.Entrypoint), c.after.inWorkdir(a.Cmd[0])), a.Cmd[0])
	return true
}

// start checks a command in the exec form: its program, what that passes on to, and its script.
func (c *comparison) start(what string, was, is []string) {
	if c.before.command(c.was, was[0]) == "" {
		return // it doesn't start in before either
	}
	if !c.program(what, is[0]) {
		return
	}
	if text := shellText(is); text != "" {
		c.script(what, text, 0)
		return
	}
	at := c.after.command(c.is, is[0])
	// Programs that start their arguments: docker-entrypoint.sh ends with exec "$@".
	rest := is[1:]
	if wrapped := wrapped(is); len(wrapped) < len(is) {
		rest = wrapped
		if len(wrapped) > 0 {
			c.passedOn(what, wrapped[0])
			is = wrapped
		}
	} else if n := c.after.file(at); n != nil && isShell(n.Script) && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		c.passedOn(what, rest[0])
		is = rest
		if text := shellText(is); text != "" {
			c.script(what, text, 0)
			return
		}
	}
	c.classPath(what, is)
	s := scriptArgument(is)
	old := scriptArgument(afterWrappers(c.before, was))
	if s == "" || old == "" || !c.before.hasScript(old) {
		return
	}
	if !c.after.hasScript(s) {
		p := c.after.inWorkdir(s)
		c.add(true, finding.File, p, fmt.Sprintf("%s %s, which the new image lacks", what, p), p)
		return
	}
	c.follow(c.after.inWorkdir(s), 0)
}

// passedOn checks a program that another one starts, where before has it.
func (c *comparison) passedOn(what, name string) {
	if c.before.command(c.was, name) != "" {
		c.program(what, name)
	}
}

// program checks that after has a program, for its user, with the interpreter that it wants.
func (c *comparison) program(what, name string) bool {
	at := c.after.command(c.is, name)
	if at == "" {
		p := c.after.inWorkdir(name)
		switch {
		case !strings.Contains(name, "/"):
			c.add(true, finding.Command, "", fmt.Sprintf("%s %s, which isn't on the new image's PATH", what, name), name)
		case c.after.file(p) != nil:
			c.add(true, finding.Command, p, fmt.Sprintf("%s %s, which user %s may not execute in the new image", what, p, c.is.name), name)
		default:
			c.add(true, finding.Command, p, fmt.Sprintf("%s %s, which the new image lacks", what, p), path.Base(name))
		}
		return false
	}
	n := c.after.file(at)
	if n.Script != "" {
		if missing := c.interpreterGone(at, n.Script); missing != "" {
			c.add(true, finding.Interpreter, at, fmt.Sprintf("%s %s, a script for %s, which the new image lacks", what, at, missing), missing)
			return false
		}
		for _, in := range interpreters(n.Script) {
			c.follow(c.after.command(c.is, in), 0)
		}
	}
	c.follow(at, 0)
	return true
}

// interpreterGone is an interpreter of the first line of after's script at p that after lacks, "" for none. It counts
// where before's script there had its own, whatever that was called: a virtual environment that moved; or where before
// has the interpreter.
func (c *comparison) interpreterGone(p, line string) string {
	missing := c.after.lacksInterpreter(c.is, line)
	if missing == "" {
		return ""
	}
	if b := c.before.file(p); b != nil {
		if b.Script == "" || c.before.lacksInterpreter(c.was, b.Script) != "" {
			return ""
		}
		return missing
	}
	if c.before.command(c.was, missing) == "" {
		return ""
	}
	return missing
}

// lacksInterpreter is the first interpreter of a script's first line that isn't there, "" for none.
func (i *Image) lacksInterpreter(u user, line string) string {
	for _, name := range interpreters(line) {
		if i.command(u, name) == "" {
			return name
		}
	}
	return ""
}

// interpreters are the programs that a script's first line needs: env's own argument too.
func interpreters(line string) []string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	out := words[:1]
	if path.Base(words[0]) != "env" {
		return out
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
			return append(slices.Clone(out), w)
		}
	}
	return out
}

// shellText is the script of ["/bin/sh","-c",SCRIPT], "" for other commands.
func shellText(argv []string) string {
	if len(argv) >= 3 && isShell(argv[0]) && strings.HasPrefix(argv[1], "-") && strings.HasSuffix(argv[1], "c") && !strings.HasPrefix(argv[1], "--") {
		return argv[2]
	}
	return ""
}

// isShell: the first line of a script, or a program's path, is a POSIX shell.
func isShell(line string) bool {
	all := interpreters(line)
	return len(all) > 0 && slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(all[len(all)-1]))
}

// wrapped is argv without programs that only start another one.
func wrapped(argv []string) []string {
	for {
		next := unwrapped(argv)
		if len(next) == len(argv) {
			return argv
		}
		argv = next
	}
}

// unwrapped is argv without the first such program.
func unwrapped(argv []string) []string {
	if len(argv) == 0 {
		return argv
	}
	skip := 1
	switch path.Base(argv[0]) {
	case "tini", "tini-static", "dumb-init", "catatonit", "nohup", "env", "exec", "time", "setsid", "ionice", "nice":
	case "gosu", "su-exec":
		skip = 2
	default:
		return argv
	}
	argv = argv[min(skip, len(argv)):]
	for len(argv) > 0 && (strings.HasPrefix(argv[0], "-") || strings.Contains(argv[0], "=")) {
		argv = argv[1:]
	}
	return argv
}

// afterWrappers is what a start comes to in an image.
func afterWrappers(i *Image, argv []string) []string {
	if w := wrapped(argv); len(w) < len(argv) {
		return w
	}
	if n := i.file(i.command(i.user(), argv[0])); n != nil && isShell(n.Script) && len(argv) > 1 && scriptArgument(argv) == "" {
		return argv[1:]
	}
	return argv
}

// withValue are options of runtimes that take the next word.
var withValue = []string{"-r", "--require", "--import", "--loader", "--experimental-loader", "-X", "-W", "-cp", "-classpath", "--class-path", "-I", "-d", "-c"}

// scriptArgument is the script that a runtime is given: "app.py" of python -u app.py; "" for none, and for modules.
func scriptArgument(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	r := runtimeOf(argv[0])
	if r == "" {
		return ""
	}
	args := argv[1:]
	if r == "deno" || r == "bun" {
		if len(args) > 0 && args[0] == "run" {
			args = args[1:]
		}
	}
	for k := 0; k < len(args); k++ {
		switch w := args[k]; {
		case r == "java":
			if w == "-jar" && k+1 < len(args) {
				return args[k+1]
			}
		case r == "python" && (w == "-m" || w == "-c"), r == "node" && (w == "-e" || w == "-p"), r == "perl" && w == "-e", r == "php" && w == "-r":
			return ""
		case isShell(argv[0]) && strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c"):
			return ""
		case slices.Contains(withValue, w):
			k++
		case strings.HasPrefix(w, "-"):
		case strings.ContainsAny(w, "$*?"), strings.Contains(w, "://"):
			return ""
		default:
			return w
		}
	}
	return ""
}

// hasScript: the path is there, as node finds it without its extension too.
func (i *Image) hasScript(s string) bool {
	p := i.inWorkdir(s)
	for _, ext := range []string{"", ".js", ".mjs", ".cjs", ".json", ".ts"} {
		if i.file(p+ext) != nil {
			return true
		}
	}
	return i.isDir(p)
}
