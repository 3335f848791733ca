package python

import (
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Where the packages of a Python image end up, and how they get into the runtime
// stage: below a prefix of their own (pip, uv pip --system, pipenv --system), in a
// virtual environment that is copied whole at the same path (uv sync, poetry,
// pipenv, or one that the Dockerfile makes), or with all of /usr/local where
// neither works (setup.py, editable installs of setuptools' old way).

// pythonTools install packages and aren't packages of the application.
var pythonTools = words(`uv poetry pipenv virtualenv pipx poetry-core poetry-plugin-export pip-tools`)

// managerTools are the programs that the runtime stage goes without.
var managerTools = words(`uv uvx poetry pipenv virtualenv pipx`)

// managed: a RUN of the stage calls another package manager than pip, or makes a
// virtual environment.
func managed(stage *rewrite.Stage) bool {
	for _, in := range stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		for _, w := range []string{"uv sync", "uv pip", "uv venv", "poetry install", "poetry sync", "pipenv install", "pipenv sync", "poetry export", "uv export", "pipenv requirements", "-m venv", "virtualenv "} {
			if strings.Contains(in.Args.Text, w) {
				return true
			}
		}
		if strings.Contains(in.Args.Text, "poetry") && strings.Contains(in.Args.Text, " install") {
			return true
		}
	}
	return false
}

// uvImage: the image that uv's documentation copies the program from.
func uvImage(from string) bool {
	return strings.HasPrefix(from, "ghcr.io/astral-sh/uv:") || strings.HasPrefix(from, "ghcr.io/astral-sh/uv@") || from == "ghcr.io/astral-sh/uv"
}

// manager sorts a command of uv, poetry, pipenv, venv or setup.py; mine is false
// for other commands. builds: it belongs to the install.
func (py *App) manager(in *rewrite.Instruction, st rewrite.Step) (mine, ok bool) {
	name, args := managerCall(st)
	if e, is := exportOf(st); is {
		return true, py.export(in, st, e)
	}
	switch {
	case py.fetchedInstaller(in, st):
		return true, true
	case st.Name == managerInstaller, st.Name == "ln" && managerTools[path.Base(st.Args[len(st.Args)-1])]:
		return true, true // the runtime stage goes without
	case (st.Name == "python" || st.Name == "python3") && len(st.Args) > 3 && st.Args[1] == "-m" && (st.Args[2] == "venv" || st.Args[2] == "virtualenv"):
		return true, py.makesVenv(in, st, st.Args[3:])
	case st.Name == "virtualenv":
		return true, py.makesVenv(in, st, st.Args[1:])
	case (st.Name == "." || st.Name == "source") && len(st.Args) == 2 && strings.HasSuffix(st.Args[1], "/bin/activate"):
		dir, known := abs2(st.Dir, strings.TrimSuffix(st.Args[1], "/bin/activate"))
		if !known || dir != py.venv {
			return true, py.Decline(in, "%s activates a virtual environment that isn't made here", st.Args[1])
		}
		py.active = in
		return true, true
	case (st.Name == "python" || st.Name == "python3") && len(st.Args) > 2 && st.Args[1] == "setup.py":
		return true, py.setup(in, st)
	case len(args) == 0:
		return false, true
	case name == "uv":
		return py.uv(in, st, args)
	case name == "poetry":
		return py.poetry(in, st, args)
	case name == "pipenv":
		return py.pipenv(in, st, args)
	}
	return false, true
}

func skipFlags(args []string) []string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	return args
}

// abs2 joins a path with the folder that a command runs in.
func abs2(dir, p string) (string, bool) {
	if p == "" || strings.ContainsAny(p, "$`*?~") || !strings.HasPrefix(p, "/") && dir == "" {
		return "", false
	}
	return cmdline.Abs(dir, p), true
}

// makesVenv notes the virtual environment that the file itself makes.
func (py *App) makesVenv(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	if len(words) != 1 {
		return py.Decline(in, "where %s makes a virtual environment isn't known", strings.Join(st.Args, " "))
	}
	dir, ok := abs2(st.Dir, py.Stage.At(in).Expand(words[0]))
	if !ok || slices.Contains(args, "--system-site-packages") {
		return py.Decline(in, "where %s makes a virtual environment, and with what, isn't known", strings.Join(st.Args, " "))
	}
	return py.useVenv(in, dir)
}

// useVenv notes the virtual environment that packages go to; there may be one.
func (py *App) useVenv(in *rewrite.Instruction, dir string) bool {
	if py.venv != "" && py.venv != dir {
		return py.Decline(in, "packages go to several virtual environments, %s and %s", py.venv, dir)
	}
	if cmdline.SystemDir(dir) || rewrite.Inside(dir, "/tmp") {
		return py.Decline(in, "%s holds more than a virtual environment", dir)
	}
	py.venv = dir
	return true
}

// project notes an install of a project's declared packages, and of the project
// unless bare.
func (py *App) project(in *rewrite.Instruction, st rewrite.Step, dir, lock string, dev, bare bool) bool {
	manifest := "pyproject.toml"
	if lock == "Pipfile.lock" {
		manifest = "Pipfile"
	}
	ctx, ok := py.fromContext(in, dir, manifest)
	if !ok {
		return py.Decline(in, "%s", py.NotBrought(manifest))
	}
	home := path.Dir(ctx)
	py.installs = append(py.installs, pipInstall{in, st, "venv"})
	for _, f := range []string{lock, "poetry.toml", "uv.toml"} {
		py.Files[path.Join(dir, f)] = true
	}
	py.Manifests[path.Join(dir, manifest)] = true
	py.Files[path.Join(dir, manifest)] = true
	asked, _ := py.Pass.Repo.PythonLocked(path.Join(home, lock), dev)
	py.Asked = append(py.Asked, asked...)
	if bare || lock == "Pipfile.lock" {
		return true
	}
	py.Local = true
	py.homes = append(py.homes, home)
	if why := py.ownCode(home); why != "" {
		return py.Decline(in, "%s", why)
	}
	return true
}

// FromContext is the context path of a file in a folder of the image, which a COPY
// or a mount of the RUN brings.
func (py *App) fromContext(in *rewrite.Instruction, dir, name string) (ctx string, ok bool) {
	if ctx, by := py.Stage.Origin(in, path.Join(dir, name), py.Pass.Repo, py.Pass.Name); by != nil {
		return ctx, true
	}
	for _, m := range in.Mounts() { // --mount=type=bind,source=pyproject.toml,target=pyproject.toml
		if target, known := abs2(dir, m["target"]); known && target == path.Join(dir, name) && m["source"] != "" && m["from"] == "" {
			return path.Clean(strings.TrimPrefix(m["source"], "/")), true
		}
	}
	return "", false
}

var compiledCode = lazily(`ext_modules|\bExtension\(|cythonize|CMakeExtension|rust_extensions|pybind11|cffi_modules`)

// ownCode tells why installing the project in folder home does more than to put
// Python files into site-packages.
func (py *App) ownCode(home string) string {
	setup := path.Join(home, "setup.py")
	if src, err := py.Pass.Repo.ReadFile(setup); err == nil && compiledCode().Match(src) {
		return setup + " compiles code of its own"
	}
	p := py.Pass.Repo.Pyproject(home)
	if p == nil {
		return ""
	}
	if p.Err != nil {
		return p.Err.Error()
	}
	switch p.Backend {
	case "", "setuptools.build_meta", "setuptools.build_meta:__legacy__", "hatchling.build", "poetry.core.masonry.api", "flit_core.buildapi", "pdm.backend", "uv_build":
	default:
		return p.File + " builds with " + p.Backend + ", which may compile code"
	}
	if src, err := py.Pass.Repo.ReadFile(p.File); err == nil {
		for _, s := range []string{"tool.hatch.build.hooks", "tool.hatch.build.targets.wheel.hooks", "tool.poetry.build", "ext-modules"} {
			if strings.Contains(string(src), s) {
				return p.File + " has " + s + ", which may compile code"
			}
		}
	}
	return ""
}

// setup: python setup.py install or develop writes eggs and links, which only a
// copy of all of /usr/local carries over.
func (py *App) setup(in *rewrite.Instruction, st rewrite.Step) bool {
	verb := st.Args[2]
	if verb != "install" && verb != "develop" || len(st.Args) > 3 {
		return py.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
	}
	py.installs = append(py.installs, pipInstall{in, st, ""})
	py.whole = st.Args[1] + " " + verb + " puts links and eggs into site-packages"
	if !py.localInstall(in, st, ".", false) {
		return false
	}
	if verb == "develop" {
		py.links(in, st.Dir)
	}
	return true
}

// oldEditable is an editable install of a project without a build system, which
// pip leaves to setuptools' develop where there is a setuptools.
type oldEditable struct {
	in  *rewrite.Instruction
	dir string
}

// localInstall notes an install of a folder of the context.
func (py *App) localInstall(in *rewrite.Instruction, st rewrite.Step, dir string, editable bool) bool {
	dir, _, _ = strings.Cut(dir, "[") // extras
	p0, ok := abs2(st.Dir, dir)
	ctx, by := "", (*rewrite.Instruction)(nil)
	if ok {
		ctx, by = py.Stage.Origin(in, p0, py.Pass.Repo, py.Pass.Name)
	}
	if by == nil || !py.Pass.Repo.IsDir(ctx) && !strings.HasSuffix(ctx, ".whl") {
		return py.Decline(in, "%s, which is installed, doesn't come from the build context", dir)
	}
	py.Local = true
	py.homes = append(py.homes, ctx)
	if py.Pass.Repo.IsDir(ctx) && !py.Pass.Repo.Exists(path.Join(ctx, "pyproject.toml")) && !py.Pass.Repo.Exists(path.Join(ctx, "setup.py")) {
		return py.Decline(in, "%s, which is installed, has neither pyproject.toml nor setup.py", dir)
	}
	if why := py.ownCode(ctx); why != "" {
		return py.Decline(in, "%s", why)
	}
	if p := py.Pass.Repo.Pyproject(ctx); editable && (p == nil || !p.Builds) {
		py.old = append(py.old, oldEditable{in, p0})
	}
	asked, _ := py.Pass.Repo.PythonLocked(path.Join(ctx, "no lock"), false)
	py.Asked = append(py.Asked, asked...)
	for _, f := range []string{"setup.py", "setup.cfg"} {
		py.Asked = append(py.Asked, py.mentioned(path.Join(ctx, f))...)
	}
	return true
}

// links: setuptools' develop leaves the metadata (NAME.egg-info) in the project's
// folder, which the runtime stage therefore takes from the build stage.
func (py *App) links(in *rewrite.Instruction, dir string) {
	step := rewrite.Step{Dir: dir}
	step.Name, step.Args = "python", []string{"python", "setup.py", "develop"}
	py.writers, py.writer = append(py.writers, step), in
}

// mentioned are packages with needs that a file names in any place, which is as
// much as can be told of a program like setup.py.
func (py *App) mentioned(file string) (out []repo.Package) {
	src, err := py.Pass.Repo.ReadFile(file)
	if err != nil {
		return nil
	}
	for n, l := range strings.Split(string(src), "\n") {
		for _, w := range strings.FieldsFunc(l, func(r rune) bool { return strings.ContainsRune(" \t\"',[]()=<>~!;", r) }) {
			if name := pep503(w); nativeNeeds[name] != "" || WheelSince[name] != nil {
				out = append(out, repo.Package{Name: name, Spec: strings.TrimSpace(l), File: file, Line: n + 1})
			}
		}
	}
	return out
}

// inVenv: a call of pip is one of the virtual environment, by its path, by PATH or
// because the RUN has activated it.
func (py *App) inVenv(in *rewrite.Instruction, st rewrite.Step) bool {
	if py.venv == "" {
		return false
	}
	if strings.Contains(st.Args[0], "/") {
		return path.Dir(st.Args[0]) == py.venv+"/bin"
	}
	return py.active == in || py.onPath(in)
}

// onPath: the virtual environment's programs come first on the PATH that ENV sets.
func (py *App) onPath(in *rewrite.Instruction) bool {
	first, _, _ := strings.Cut(py.Stage.At(in).Env["PATH"], ":")
	return first == py.venv+"/bin"
}

// kinds settles which way packages go; it tells why there is none.
func (py *App) kinds() string {
	n := map[string]int{}
	for _, i := range py.installs {
		n[i.kind]++
	}
	if py.whole == "" && py.Editable && n["venv"] == 0 && (py.imports || !py.modern()) {
		py.whole = "a package is installed in editable form, which writes links that Python reads in its own folder alone"
	}
	if !py.modern() {
		for _, o := range py.old {
			py.links(o.in, o.dir)
		}
	}
	switch {
	case py.relaunched && py.venv == "":
		return "packages go beside Python itself, but what the container starts runs in an environment that is made then"
	case n["venv"] > 0 && len(n) > 1:
		return "packages go to the virtual environment " + py.venv + " and beside it"
	case n["venv"] > 0 && py.whole != "":
		return py.whole + ", beside the virtual environment"
	case n["pipenv"] > 0 && len(n) > 1:
		return "pipenv and pip install packages side by side"
	case n["venv"] > 0:
		return py.ownPaths()
	}
	return ""
}

// modern: editable installs are files in site-packages (PEP 660), not those of
// setuptools' develop, which wants to be told where Python reads links. It is
// called where there is no build system in pyproject.toml and a setuptools is
// installed, as in Python's images before 3.12.
func (py *App) modern() bool {
	v := py.Minor()
	return len(py.old) == 0 || v != "" && !cmdline.VersionLess(v, "3.12") && len(py.tools) == 0
}

// ownPaths tells what speaks against an environment that the build stage makes: a
// shell that sets its own PATH, and paths of Python's own folder.
func (py *App) ownPaths() string {
	if py.onPath(nil) {
		return ""
	}
	for _, in := range py.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		for _, w := range line {
			if w == "-l" || w == "-lc" || w == "--login" || strings.HasPrefix(w, "/usr/local/bin/") && !strings.HasSuffix(w, ".sh") {
				return strings.ToUpper(in.Keyword) + " has " + w + ", where the environment's PATH doesn't count"
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(py.Apt.Runtime)) {
		if pkg == "cron" || pkg == "supervisor" || pkg == "openssh-server" {
			return pkg + " starts programs with a PATH of its own"
		}
	}
	if !py.made || !py.Pass.Unsafe {
		return ""
	}
	for _, w := range []string{"/usr/local/bin", "/usr/local/lib"} {
		if at, _ := py.Pass.Repo.Says(w); at != "" {
			return at + " names " + w + ", where packages aren't any more"
		}
	}
	return ""
}

// bringPackages carries the packages over.
func (py *App) bringPackages() bool {
	last := py.installs[len(py.installs)-1].in
	switch {
	case py.whole != "":
		py.carry(last, py.CopyFrom("/usr/local", "/usr/local"))
		py.Explain("all of /usr/local is copied from the build stage, Python included: %s", py.whole)
		return true
	case py.venv == "":
		return py.prefix()
	}
	if ctx, by := py.Stage.Origin(nil, py.venv, py.Pass.Repo, py.Pass.Name); by != nil && py.Pass.Repo.Exists(ctx) {
		return py.Decline(by, "%s of the build context is copied over the virtual environment", ctx)
	}
	var lines []string
	if py.writer == nil || !rewrite.Inside(py.venv, py.written) {
		lines = append(lines, py.CopyFrom(py.venv, py.venv))
	}
	if !py.onPath(nil) && (py.made || py.relaunched) {
		lines = append(lines, py.Keyword("ENV")+" PATH="+py.venv+"/bin:$PATH")
		py.Config |= rewrite.FieldEnv
	}
	if py.writer != nil && rewrite.Inside(py.venv, py.written) {
		py.Instead[py.writer] = append(py.Instead[py.writer], lines...)
	} else {
		py.carry(last, lines...)
	}
	py.Explain("the virtual environment %s is copied whole, to the same path: the scripts in it name it", py.venv)
	return true
}
