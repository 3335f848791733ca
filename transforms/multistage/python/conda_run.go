package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// What the RUNs of a conda image do, command by command, and in which environment.

// condaShell: a SHELL that runs scripts in an environment, as in
// SHELL ["conda", "run", "-n", "x", "/bin/bash", "-c"]. call is what stands in front of the shell.
func condaShell(words []string) (call []string, ok bool) {
	if len(words) < 4 || !condaPrograms[path.Base(words[0])] || words[1] != "run" || words[len(words)-1] != "-c" || !rewrite.PosixShell(words[len(words)-2]) {
		return nil, false
	}
	return words[:len(words)-2], true
}

// isLogin: an option of a shell that makes it read what a login does.
func isLogin(w string) bool {
	return w == "--login" || len(w) > 1 && w[0] == '-' && w[1] != '-' && strings.Contains(w, "l")
}

// run sorts one RUN.
func (c *condaSplit) run(in *rewrite.Instruction) bool {
	shell := c.Stage.At(in).Shell
	env := "" // the environment that the RUN begins in
	script, why := in.Shell()
	if call, ok := condaShell(shell); ok {
		prefix, _, known := c.called(in, call[1:])
		if !known || len(in.Heredocs) > 0 {
			return c.Decline(in, "in which environment %s runs this isn't known", strings.Join(call, " "))
		}
		var err error
		env = prefix
		if script, err = rewrite.ParseScript(in.Args.Text); err != nil {
			why = "its script does not parse: " + err.Error()
		} else {
			why = ""
		}
	} else if slices.ContainsFunc(shell, isLogin) {
		env = c.loginEnv(in)
	} else if c.micro && (c.Stage.At(in).Args["MAMBA_DOCKERFILE_ACTIVATE"] == "1" || c.Stage.At(in).Env["MAMBA_DOCKERFILE_ACTIVATE"] == "1") {
		env = c.byDefault(in)
	}
	var all []rewrite.Step
	if why == "" {
		all, why = script.Steps(c.Stage.At(in).Workdir)
	}
	if why != "" {
		return c.Decline(in, "the effects of this RUN aren't known: %s", why)
	}
	if strings.Contains(in.Text, "activate.d") {
		return c.Decline(in, "it writes a script for the environment's activation, which the runtime stage doesn't run")
	}
	rest, ok := c.System(in, all)
	if !ok {
		return false
	}
	u := &condaUse{in: in, env: env, known: slices.ContainsFunc(shell, isLogin) || c.micro || c.Stage.At(in).Env["BASH_ENV"] != ""}
	for _, st := range rest {
		if !c.step(u, st) {
			return false
		}
	}
	switch {
	case u.installs:
		c.Roles[in], c.last, c.App.last = split.InBuild, in, in
		if u.replays > 0 && len(shell) > 0 && script != nil {
			if _, conda := condaShell(shell); conda {
				return c.Decline(in, "it installs packages and changes other files in one RUN")
			}
		}
		return u.replays == 0 || c.repeat(in, u.replayed)
	case u.replays > 0:
		c.Roles[in] = split.InBoth
		c.moves = append(c.moves, in)
	case c.Roles[in] == split.InBuild: // it leaves nothing behind, or updates apt's index
		c.App.last = in
	}
	return true
}

// condaUse is what has been seen of a RUN.
type condaUse struct {
	in       *rewrite.Instruction
	env      string // the environment that is active
	known    bool   // the shell knows conda activate
	installs bool   // it changes what the build stage alone has, or the environment
	replays  int
	replayed []rewrite.Step
}

// step sorts one command.
func (c *condaSplit) step(u *condaUse, st rewrite.Step) bool {
	in := u.in
	if condaPrograms[st.Name] {
		return c.conda(u, st)
	}
	switch {
	case st.Name == "." || st.Name == "source":
		return c.sources(u, st)
	case rewrite.PosixShell(st.Name) && len(st.Args) > 2:
		return c.inner(u, st)
	}
	if onlyStartFiles(st) {
		if at := strings.LastIndex(st.Key, "activate "); at >= 0 {
			name := strings.FieldsFunc(st.Key[at+len("activate "):], func(r rune) bool { return strings.ContainsRune(" \t\"';&|>\\", r) })
			if len(name) > 0 {
				c.login = c.named(in, name[0])
			}
		}
		u.installs = true
		return true
	}
	env := u.env
	if strings.Contains(st.Args[0], "/") {
		env = path.Dir(path.Dir(c.Stage.At(in).Expand(st.Args[0])))
	} else if env == "" && c.onPath(in) {
		env = c.prefix
	}
	verb, args, isPip := PipArgs(st)
	switch {
	case isPip && verb == "install":
		return c.pip(u, st, args, env)
	case isPip && (verb == "cache" || verb == "config" || verb == "freeze" || verb == "list" || verb == "check" || verb == "--version" || verb == ""):
		u.installs = true
	case isPip:
		return c.Decline(in, "the effects of pip %s aren't known", verb)
	case manages(st):
		u.installs = true
		c.writers, c.writer, c.imports = append(c.writers, st), in, true
	case isPython(st) && len(st.Args) == 3 && st.Args[1] == "-c" && onlyImports().MatchString(st.Args[2]):
		u.installs = true
	case isPython(st) && len(st.Args) > 3 && st.Args[1] == "-m" && st.Args[2] == "spacy" && st.Args[3] == "download":
		return c.changes(u, env, "spacy download") // pip installs the model
	case c.ofConda(st):
		u.installs = true
	case cmdline.Replayed[st.Name]:
		c.touching = append(c.touching, condaTouch{in, cmdline.Operands(st)})
		u.replays++
		u.replayed = append(u.replayed, st)
	case rewrite.Harmless(st.Name):
		u.replays += len(st.Stmt.Redirs)
		u.replayed = append(u.replayed, st)
	default:
		return c.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
	}
	return true
}

func isPython(st rewrite.Step) bool { return st.Name == "python" || st.Name == "python3" }

// onlyImports: a check that packages can be imported.
var onlyImports = lazily(`^\s*(?:(?:import|from)\s[\w., *]+|print\([^()]*(?:\([^()]*\))?[^()]*\)|assert\s[\w.() ]+)(?:\s*[;\n]\s*(?:(?:import|from)\s[\w., *]+|print\([^()]*(?:\([^()]*\))?[^()]*\)|assert\s[\w.() ]+))*\s*;?\s*$`)

// onlyStartFiles: a command writes into a file that shells or conda read when they start.
func onlyStartFiles(st rewrite.Step) bool {
	file := func(w string) bool {
		switch path.Base(strings.Trim(w, `"'`)) {
		case ".bashrc", ".bash_profile", ".profile", "bash.bashrc", ".condarc", ".mambarc":
			return true
		}
		return false
	}
	if st.Name == "sed" {
		return file(st.Args[len(st.Args)-1])
	}
	if !rewrite.Harmless(st.Name) || len(st.Stmt.Redirs) == 0 {
		return false
	}
	for _, r := range st.Stmt.Redirs {
		if r.Word == nil || r.Hdoc != nil || !file(cmdline.PlainWord(r.Word)) {
			return false
		}
	}
	return true
}

// ofConda: a command tidies up below conda's folder.
func (c *condaSplit) ofConda(st rewrite.Step) bool {
	switch st.Name {
	case "find":
		if len(st.Args) < 2 || !rewrite.Inside(path.Clean(st.Args[1]), condaRoot) && (c.prefix == "" || path.Clean(st.Args[1]) != c.prefix) {
			return false
		}
		return !slices.ContainsFunc(st.Args, func(a string) bool {
			return strings.HasPrefix(a, "-exec") || strings.HasPrefix(a, "-fprint") || a == "-ok"
		}) || slices.Contains(st.Args, "rm") || slices.Contains(st.Args, "strip")
	case "rm":
		for _, w := range cmdline.Operands(st) {
			dir, ok := abs2(st.Dir, w[:len(strings.TrimRight(w, "*"))])
			if !ok || !rewrite.Inside(dir, condaRoot) && !c.Files[dir] {
				return false
			}
		}
		return len(cmdline.Operands(st)) > 0
	case "ln":
		words := cmdline.Operands(st)
		return len(words) == 2 && rewrite.Inside(words[0], condaRoot+"/etc/profile.d")
	}
	return false
}

// sources: . and source, which activate an environment or make conda's functions known.
func (c *condaSplit) sources(u *condaUse, st rewrite.Step) bool {
	u.installs = true
	if len(st.Args) < 2 {
		return c.Decline(u.in, "what %s reads isn't known", st.Name)
	}
	f := st.Args[1]
	switch {
	case path.Base(f) == "activate" && (f == "activate" || strings.HasPrefix(f, condaRoot)):
		switch {
		case len(st.Args) > 2:
			u.env = c.named(u.in, st.Args[2])
		case c.prefix != "" && f == c.prefix+"/bin/activate":
			u.env = c.prefix
		default:
			u.env = condaRoot
		}
	case strings.HasSuffix(f, "etc/profile.d/conda.sh") || strings.HasSuffix(f, "etc/profile.d/mamba.sh"):
		u.known = true
	case path.Base(f) == ".bashrc" || path.Base(f) == ".profile":
		u.known = true
		u.env = cmp.Or(c.loginEnv(u.in), u.env)
	default:
		return c.Decline(u.in, "what %s does isn't known", f)
	}
	return true
}

// loginEnv is the environment that a login shell activates: the one that a RUN wrote
// into ~/.bashrc. Ubuntu's own .bashrc, and those of other users than root, end at once
// where no person sits before the shell.
func (c *condaSplit) loginEnv(in *rewrite.Instruction) string {
	if st := c.Stage.At(in); strings.HasPrefix(c.Ref.Repository(), "condaforge/") || st.User != "" && !st.Root() {
		return ""
	}
	return c.login
}

// inner: bash -c "…".
func (c *condaSplit) inner(u *condaUse, st rewrite.Step) bool {
	text, login := "", false
	for i := 1; i < len(st.Args); i++ {
		a := st.Args[i]
		if !strings.HasPrefix(a, "-") || i+1 >= len(st.Args) {
			break
		}
		login = login || isLogin(a) || a == "-i"
		if !strings.HasPrefix(a, "--") && strings.Contains(a, "c") {
			text = st.Args[i+1]
			if i+2 < len(st.Args) {
				text = ""
			}
			break
		}
	}
	sh, err := rewrite.ParseScript(text)
	if text == "" || err != nil {
		return c.Decline(u.in, "the script of %s can't be read", st.Name)
	}
	all, why := sh.Steps(st.Dir)
	if why != "" {
		return c.Decline(u.in, "the effects of this RUN aren't known: %s", why)
	}
	within := &condaUse{in: u.in, env: u.env, known: login}
	if login {
		within.env = c.loginEnv(u.in)
	}
	for _, step := range all {
		if a, isApt := distro.ReadApt(step); isApt {
			return c.Decline(u.in, "it calls apt (%s) in a script of another shell", a.Verb)
		}
		if !c.step(within, step) {
			return false
		}
	}
	if within.replays > 0 {
		return c.Decline(u.in, "it changes files in a script of another shell")
	}
	u.installs = u.installs || within.installs
	return true
}

// pip notes one pip install.
func (c *condaSplit) pip(u *condaUse, st rewrite.Step, args []string, env string) bool {
	n, tools := len(c.installs), len(c.tools)
	if !c.Install(u.in, st, args) {
		return false
	}
	u.installs = true
	c.tools = c.tools[:tools]
	if len(c.installs) == n && len(args) > 0 {
		return true // pip itself
	}
	for i := range c.installs[n:] {
		c.installs[n+i].kind = "venv"
	}
	if name := c.elsewhere(u.in, st); name != "" {
		return c.Decline(u.in, "%s decides where packages end up", name)
	}
	return c.changes(u, env, "pip")
}

// elsewhere names the variable that sends pip's packages to another place, "" for none.
func (c *condaSplit) elsewhere(in *rewrite.Instruction, st rewrite.Step) string {
	at := c.Stage.At(in)
	for _, name := range []string{"PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_ROOT", "PYTHONUSERBASE", "PIP_CONFIG_FILE", "PYTHONHOME"} {
		_, env := at.Env[name]
		_, arg := at.Args[name]
		own := st.Call != nil && slices.ContainsFunc(st.Call.Assigns, func(a *syntax.Assign) bool { return a.Name != nil && a.Name.Value == name })
		if env || arg || own {
			return name
		}
	}
	return ""
}

// changes: packages are installed into an environment.
func (c *condaSplit) changes(u *condaUse, env, tool string) bool {
	u.installs = true
	if st := c.Stage.At(u.in); st.User != "" && !st.Root() && !c.micro {
		return c.Decline(u.in, "%s runs as user %s, to whom the environment belongs then", tool, st.User)
	}
	if c.prefix == "" && c.micro && env == condaRoot {
		return c.makes(u, env, "", tool)
	}
	switch {
	case c.prefix == "":
		return c.Decline(u.in, "%s installs into conda's own environment (base), where packages can't be told from what conda itself needs: an environment of their own (conda create -n NAME) can be copied", tool)
	case env != c.prefix:
		return c.Decline(u.in, "%s installs into another environment than %s", tool, c.prefix)
	}
	return true
}

// makes: an environment is made; there may be one.
func (c *condaSplit) makes(u *condaUse, env, name, tool string) bool {
	switch {
	case slices.ContainsFunc(u.in.Mounts(), func(m map[string]string) bool {
		return m["type"] != "bind" && m["target"] != "" && rewrite.Inside(env, path.Clean(m["target"]))
	}):
		return c.Decline(u.in, "%s lies in a mount, which the image doesn't hold", env)
	case c.prefix != "" && c.prefix != env:
		return c.Decline(u.in, "it makes several environments, %s and %s", c.prefix, env)
	case cmdline.SystemDir(env), rewrite.Inside(env, "/tmp"), env == condaRoot && !c.micro, env == condaRoot+"/envs":
		return c.Decline(u.in, "%s holds more than an environment", env)
	}
	c.prefix, c.name = env, name
	if c.micro {
		c.owner = "$MAMBA_USER:$MAMBA_USER"
		if st := c.Stage.At(u.in); st.User == "root" {
			c.owner = ""
		}
	}
	return c.changes(u, env, tool)
}

// condaPackage is a package that an environment is asked to hold.
type condaPackage = repo.Package
