package python

import (
	"cmp"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// The commands of conda, mamba, micromamba and conda-lock
// (https://docs.conda.io/projects/conda/en/stable/commands/).

// condaCall is what a call names.
type condaCall struct {
	name, prefix string
	files, words []string
	unknown      string
}

var (
	condaValues = words(`-n --name -p --prefix -f --file -c --channel --solver --experimental-solver --channel-priority --repodata-fn --root-prefix -r --conda --mamba --micromamba --max-attempts`)
	condaBools  = words(`-y --yes -q --quiet -v -vv -vvv --verbose --prune --force --force-reinstall --override-channels --no-deps --only-deps --freeze-installed --update-deps --update-specs --no-update-deps --all --update-all --strict-channel-priority --no-channel-priority --copy --always-copy --no-pin --no-default-packages --json --insecure -k --no-rc --no-env --use-local --no-dev --no-dev-dependencies --log-level --allow-uninstall --no-allow-uninstall --safety-checks --no-py-pin --no-pyc --no-capture-output --live-stream -s --no-banner`)
)

// condaArgs reads the arguments behind the verb.
func (c *condaSplit) condaArgs(in *rewrite.Instruction, args []string) (call condaCall) {
	expand := c.Stage.At(in).Expand
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, v, joined := strings.Cut(a, "=")
		short := len(a) > 2 && a[0] == '-' && a[1] != '-' && strings.Trim(a[1:len(a)-1], "yqvk") == "" && strings.ContainsAny(a[len(a)-1:], "npfc")
		switch {
		case !strings.HasPrefix(a, "-"):
			call.words = append(call.words, expand(a))
			continue
		case condaBools[a] || len(a) > 1 && a[1] != '-' && strings.Trim(a[1:], "yqvk") == "":
			continue
		case short:
			name, joined = "-"+a[len(a)-1:], false
		case !condaValues[name]:
			call.unknown = a
			return call
		}
		if !joined {
			if i++; i >= len(args) {
				call.unknown = a
				return call
			}
			v = args[i]
		}
		if (name == "-n" || name == "--name" || name == "-p" || name == "--prefix") && c.argued(in, v) {
			call.unknown = a + " " + v + " (a build argument names the environment, which COPY wouldn't follow)"
			return call
		}
		v = expand(v)
		switch name {
		case "-n", "--name":
			call.name = v
		case "-p", "--prefix":
			call.prefix = v
		case "-f", "--file":
			call.files = append(call.files, v)
		case "-r", "--root-prefix":
			call.unknown = a
		}
	}
	return call
}

// argued: a build argument decides what a word says.
func (c *condaSplit) argued(in *rewrite.Instruction, word string) bool {
	for _, n := range cmdline.VariableNames(word) {
		if _, env := c.Stage.At(in).Env[n]; !env {
			return true
		}
		for _, e := range c.Stage.Instructions {
			if env, ok := e.Cmd.(*instructions.EnvCommand); ok {
				for _, kv := range env.Env {
					if kv.Key == n && strings.Contains(kv.Value, "$") {
						return true
					}
				}
			}
		}
	}
	return false
}

// named is the folder of the environment that a name or a path stands for; "" where
// that isn't known.
func (c *condaSplit) named(in *rewrite.Instruction, name string) string {
	name = strings.Trim(c.Stage.At(in).Expand(name), `"'`)
	switch {
	case name == "base" || name == "root":
		return condaRoot
	case strings.HasPrefix(name, "/"):
		return path.Clean(name)
	case name == "" || strings.ContainsAny(name, "$`*~/ "):
		return ""
	}
	return condaRoot + "/envs/" + name
}

// target is the environment that a call works on. name is "" for one that its path tells.
func (c *condaSplit) target(u *condaUse, st rewrite.Step, call condaCall) (prefix, name string) {
	switch {
	case call.prefix != "":
		p, _ := abs2(st.Dir, call.prefix)
		return p, ""
	case call.name != "":
		return c.named(u.in, call.name), call.name
	case u.env != "":
		return u.env, ""
	}
	if n := c.Stage.At(u.in).Env["CONDA_DEFAULT_ENV"]; n != "" && !c.micro {
		return c.named(u.in, n), n
	}
	if c.micro {
		return c.byDefault(u.in), ""
	}
	return condaRoot, "base"
}

// byDefault is the environment that micromamba's image activates (_activate_current_env.sh).
func (c *condaSplit) byDefault(in *rewrite.Instruction) string {
	if n := c.Stage.At(in).Env["ENV_NAME"]; n != "" {
		return c.named(in, n)
	}
	return condaRoot
}

// condaTools are packages of which conda's own environment is given, to make others with.
var condaTools = words(`conda mamba conda-libmamba-solver conda-lock conda-pack conda-build libmamba libmambapy libmamba-solver boa conda-merge conda-devenv conda-env ca-certificates certifi openssl pip setuptools wheel micromamba mamba-org menuinst`)

// conda sorts one call.
func (c *condaSplit) conda(u *condaUse, st rewrite.Step) bool {
	in := u.in
	u.installs = true
	args := st.Args[1:]
	for len(args) > 0 && (condaBools[args[0]] || args[0] == "--version" || args[0] == "-V") {
		if args[0] == "--version" || args[0] == "-V" {
			return true
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return true
	}
	verb := args[0]
	args = args[1:]
	if verb == "env" && len(args) > 0 {
		verb, args = "env "+args[0], args[1:]
	}
	if st.Name == "conda-lock" {
		verb = "lock " + verb
	}
	switch verb {
	case "clean", "init", "info", "list", "search", "env list", "env export", "notices", "tos", "shell", "self-update", "doctor", "env info", "repoquery":
		return true
	case "deactivate":
		u.env = ""
		return true
	case "activate":
		if len(args) != 1 {
			u.env = condaRoot
			return true
		}
		if !u.known {
			return c.Decline(in, "the shell doesn't know conda activate before it has read conda.sh")
		}
		if u.env = c.named(in, args[0]); u.env == "" {
			return c.Decline(in, "which environment %s activates isn't known", strings.Join(st.Args, " "))
		}
		return true
	case "config":
		if line := strings.Join(args, " "); strings.Contains(line, "softlink") || strings.Contains(line, "envs_dirs") || strings.Contains(line, "root_prefix") {
			return c.Decline(in, "%s decides where conda keeps an environment's files", strings.Join(st.Args, " "))
		}
		return true
	case "run":
		prefix, rest, ok := c.called(in, append([]string{"run"}, args...))
		if !ok || len(rest) == 0 {
			return c.Decline(in, "in which environment %s runs isn't known", strings.Join(st.Args[:min(4, len(st.Args))], " "))
		}
		step := st
		step.Name, step.Args = path.Base(rest[0]), rest
		within := &condaUse{in: in, env: prefix}
		if !c.step(within, step) {
			return false
		}
		if within.replays > 0 {
			return c.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
		}
		return true
	case "env create", "env update", "create", "install", "update", "upgrade", "lock install", "remove", "uninstall":
	default:
		return c.Decline(in, "the effects of %s %s aren't known", st.Name, verb)
	}
	call := c.condaArgs(in, args)
	if call.unknown != "" {
		return c.Decline(in, "the effects of %s %s %s aren't known", st.Name, verb, call.unknown)
	}
	files := call.files
	switch {
	case verb == "lock install":
		files, call.words = append(files, call.words...), nil
		if len(files) == 0 {
			files = []string{"conda-lock.yml"}
		}
	case strings.HasPrefix(verb, "env ") && len(files) == 0:
		files = []string{"environment.yml"}
	}
	var asks []*repo.CondaAsks
	for _, f := range files {
		a, ok := c.condaFile(u, st, f)
		if !ok {
			return false
		}
		if call.name == "" && call.prefix == "" && a.Name != "" && (strings.HasPrefix(verb, "env ") || st.Name == "micromamba" && verb == "create") {
			call.name = a.Name
		}
		asks = append(asks, a)
	}
	prefix, name := c.target(u, st, call)
	if prefix == "" {
		return c.Decline(in, "which environment %s works on isn't known", strings.Join(st.Args[:min(4, len(st.Args))], " "))
	}
	if prefix == condaRoot && !c.micro {
		for _, w := range call.words {
			if !condaTools[repo.CondaName(w)] {
				return c.Decline(in, "%s goes to conda's own environment (base), where it can't be told from what conda itself needs: an environment of its own (conda create -n NAME) can be copied", repo.CondaName(w))
			}
		}
		if len(files) > 0 {
			return c.Decline(in, "the packages of %s go to conda's own environment (base), where they can't be told from what conda itself needs: an environment of their own (conda create -n NAME) can be copied", files[0])
		}
		return true
	}
	if verb == "remove" || verb == "uninstall" {
		return c.changes(u, prefix, st.Name)
	}
	if !c.holds(u, call.words, asks) {
		return false
	}
	if verb == "env create" || verb == "create" || verb == "lock install" || c.micro && c.prefix == "" || verb == "env update" && c.prefix == "" {
		return c.makes(u, prefix, name, st.Name)
	}
	return c.changes(u, prefix, st.Name)
}

// condaFile reads a file that a call names.
func (c *condaSplit) condaFile(u *condaUse, st rewrite.Step, f string) (*repo.CondaAsks, bool) {
	if strings.Contains(f, "://") {
		return nil, c.Decline(u.in, "%s reads %s, whose packages aren't known", st.Name, f)
	}
	dir, ok := abs2(st.Dir, f)
	if !ok {
		return nil, c.Decline(u.in, "%s reads the computed file %s", st.Name, f)
	}
	ctx, ok := c.fromContext(u.in, path.Dir(dir), path.Base(dir))
	if !ok {
		return nil, c.Decline(u.in, "%s doesn't come from the build context", f)
	}
	a := c.Pass.Repo.CondaAsks(ctx)
	if a.Unknown != "" {
		return nil, c.Decline(u.in, "%s", a.Unknown)
	}
	c.Files[dir] = true
	for _, inc := range c.Pass.Repo.CondaEnv(ctx).Files { // requirements that its pip section includes
		if rel, ok := strings.CutPrefix(inc, strings.TrimPrefix(path.Dir(ctx)+"/", "./")); ok {
			c.Files[path.Join(path.Dir(dir), rel)] = true
		}
	}
	return a, true
}

// holds notes the packages that an environment is asked to hold.
func (c *condaSplit) holds(u *condaUse, specs []string, asks []*repo.CondaAsks) bool {
	for _, w := range specs {
		if strings.ContainsAny(w, "$`*") && !strings.ContainsAny(w, "=<>") || strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") || strings.Contains(w, "://") || strings.HasSuffix(w, ".conda") || strings.HasSuffix(w, ".bz2") {
			return c.Decline(u.in, "what %s installs isn't known", w)
		}
		p := repo.Package{Name: repo.CondaName(w), Spec: w}
		c.listed[p.Name] = p
	}
	for _, a := range asks {
		for _, p := range a.Packages {
			c.listed[p.Name] = p
		}
		if a.Variables {
			c.listed[" variables"] = repo.Package{File: a.Packages[0].File}
		}
		c.Asked = append(c.Asked, a.Pip...)
	}
	return true
}

// called reads the arguments of conda run, with "run" in front: the environment, and what runs in it.
func (c *condaSplit) called(in *rewrite.Instruction, args []string) (prefix string, rest []string, ok bool) {
	for i := 1; i < len(args); i++ {
		a := args[i]
		name, v, joined := strings.Cut(a, "=")
		switch {
		case a == "--no-capture-output" || a == "--live-stream" || a == "-s" || a == "-v" || a == "--verbose" || a == "--no-banner":
			continue
		case name == "-n" || name == "--name" || name == "-p" || name == "--prefix":
			if !joined {
				if i++; i >= len(args) {
					return "", nil, false
				}
				v = args[i]
			}
			if v = c.Stage.At(in).Expand(v); name == "-p" || name == "--prefix" {
				prefix, ok = abs2(c.Stage.At(in).Workdir, v)
			} else {
				prefix = c.named(in, v)
				ok = prefix != ""
			}
			if !ok {
				return "", nil, false
			}
		case strings.HasPrefix(a, "-"):
			return "", nil, false
		default:
			return cmp.Or(prefix, condaRoot), args[i:], true
		}
	}
	return cmp.Or(prefix, condaRoot), nil, true
}

// condaLaunch is what a command starts: behind conda run, and nothing where it only
// activates an environment.
func condaLaunch(args []string) []string {
	if len(args) == 0 || !condaPrograms[path.Base(args[0])] {
		return args
	}
	if len(args) > 1 && args[1] == "run" {
		rest := args[2:]
		for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
			if n := rest[0]; (n == "-n" || n == "--name" || n == "-p" || n == "--prefix") && len(rest) > 1 {
				rest = rest[1:]
			}
			rest = rest[1:]
		}
		return rest
	}
	if len(args) > 1 && (args[1] == "activate" || args[1] == "init" || strings.HasPrefix(args[1], "shell")) {
		return nil
	}
	return args
}
