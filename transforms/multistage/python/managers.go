package python

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Poetry and pipenv, and what takes their place when the container starts.

// poetry's commands. Where it installs without an environment of its own, it is
// given one, since beside Python itself its own packages can't be told from the
// application's.
func (py *App) poetry(in *rewrite.Instruction, st rewrite.Step, args []string) (mine, ok bool) {
	switch args[0] {
	case "config":
		words := slices.DeleteFunc(slices.Clone(args[1:]), func(a string) bool { return strings.HasPrefix(a, "-") })
		if len(words) != 2 || slices.Contains(args, "--local") {
			return true, py.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
		}
		switch words[0] {
		case "virtualenvs.create":
			py.create = words[1]
		case "virtualenvs.in-project":
			py.inProject = words[1]
		case "installer.max-workers", "installer.parallel", "virtualenvs.prefer-active-python", "warnings.export":
		default:
			if !strings.HasPrefix(words[0], "http-basic.") && !strings.HasPrefix(words[0], "repositories.") && !strings.HasPrefix(words[0], "virtualenvs.options.no-") {
				return true, py.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
			}
		}
		return true, true
	case "install", "sync":
		return true, py.poetryInstall(in, st, args[1:])
	case "check", "cache", "about":
		return true, true
	case "run":
		return py.launched(in, st)
	}
	return true, py.Decline(in, "the effects of poetry %s aren't known", args[0])
}

var poetryFlags = words(`--no-root --no-dev --only --without --with --no-interaction -n --no-ansi --ansi --sync --compile --all-extras --all-groups --extras -E -v -vv -vvv --verbose -q --quiet --no-cache --remove-untracked --no-directory main dev test docs`)

func (py *App) poetryInstall(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	dev, value := true, false
	for _, a := range args {
		name, v, joined := strings.Cut(a, "=")
		if !strings.HasPrefix(a, "-") && !value || strings.HasPrefix(a, "-") && !poetryFlags[name] {
			return py.Decline(in, "the effects of poetry install %s aren't known", a)
		}
		dev = dev && name != "--no-dev" && name != "--only" && !(name == "--without" && (!joined || strings.Contains(v, "dev")))
		value = !joined && (name == "--only" || name == "--without" || name == "--with" || name == "--extras" || name == "-E")
	}
	if st.Dir == "" {
		return py.Decline(in, "where poetry runs isn't known")
	}
	ctx, ok := py.fromContext(in, st.Dir, "pyproject.toml")
	if !ok {
		return py.Decline(in, "%s", py.NotBrought("pyproject.toml"))
	}
	facts := py.Pass.Repo.Poetry(path.Dir(ctx))
	if facts == nil {
		return py.Decline(in, "pyproject.toml can't be read")
	}
	if facts.InProject != "" && py.inProject == "" {
		py.inProject = facts.InProject
	}
	for name, to := range map[string]*string{"POETRY_VIRTUALENVS_CREATE": &py.create, "POETRY_VIRTUALENVS_IN_PROJECT": &py.inProject} {
		if v, ok := py.Env(in, st.Command, name); ok {
			*to = v
		}
	}
	for _, n := range []string{"POETRY_VIRTUALENVS_PATH", "POETRY_HOME"} {
		if v, ok := py.Env(in, st.Command, n); ok && (n != "POETRY_HOME" || !strings.HasPrefix(v, "/") || rewrite.Inside(v, st.Dir) || strings.Contains(v, "$")) {
			return py.Decline(in, "%s=%s decides where Poetry keeps its files", n, v)
		}
	}
	v, active := py.Env(in, st.Command, "VIRTUAL_ENV")
	switch {
	case active && v == py.venv || py.venv != "" && py.active == in:
	case isYes(py.inProject):
		if !py.useVenv(in, path.Join(st.Dir, ".venv")) {
			return false
		}
	case isNo(py.create):
		dir := py.freeDir("/venv", "/opt/venv", "/opt/app-venv")
		if !py.useVenv(in, dir) || !py.assign(in, st, "VIRTUAL_ENV="+dir) {
			return false
		}
		if !py.made {
			py.made = true
			py.Edits = append(py.Edits, py.Doc.InsertBefore(in, py.Keyword("RUN")+" python -m venv "+dir+"\n"))
			py.Adds = append(py.Adds, "python -m venv "+dir)
			py.Explain("poetry installs into the virtual environment %s instead of beside Python itself, where its own packages can't be told from the application's", dir)
		}
	default:
		if !py.useVenv(in, path.Join(st.Dir, ".venv")) || !py.assign(in, st, "POETRY_VIRTUALENVS_IN_PROJECT=true") {
			return false
		}
		py.Explain("poetry keeps its virtual environment in %s, a path that doesn't depend on a hash", path.Join(st.Dir, ".venv"))
	}
	return py.project(in, st, st.Dir, "poetry.lock", dev, slices.Contains(args, "--no-root") || !facts.Package)
}

func isYes(v string) bool { return v == "1" || strings.EqualFold(v, "true") }
func isNo(v string) bool  { return v == "0" || strings.EqualFold(v, "false") }

// freeDir is the first folder that nothing in the file or context names.
func (py *App) freeDir(dirs ...string) string {
	if py.venv != "" && py.made {
		return py.venv
	}
	for _, d := range dirs {
		if !strings.Contains(py.Doc.Src, d+" ") && !strings.Contains(py.Doc.Src, d+"/") && !strings.Contains(py.Doc.Src, d+"\n") && !py.Pass.Repo.Exists(d) {
			return d
		}
	}
	return dirs[len(dirs)-1]
}

// assign puts a variable in front of a command.
func (py *App) assign(in *rewrite.Instruction, st rewrite.Step, env string) bool {
	return py.AddWords(in, st.Command, 0, nil, env)
}

var pipenvFlags = words(`--system --deploy --ignore-pipfile --dev -d --clear --verbose -v --quiet -q --sequential --keep-outdated --skip-lock --three`)

// pipenv's commands. pip does its work, so that a prefix does for --system.
func (py *App) pipenv(in *rewrite.Instruction, st rewrite.Step, args []string) (mine, ok bool) {
	switch args[0] {
	case "run":
		return py.launched(in, st)
	case "--version", "check", "verify":
		return true, true
	case "install", "sync":
	default:
		return true, py.Decline(in, "the effects of pipenv %s aren't known", args[0])
	}
	for _, a := range args[1:] {
		if !pipenvFlags[a] {
			return true, py.Decline(in, "the effects of pipenv %s %s aren't known", args[0], a)
		}
	}
	if st.Dir == "" {
		return true, py.Decline(in, "where pipenv runs isn't known")
	}
	dev := slices.Contains(args, "--dev") || slices.Contains(args, "-d")
	if !py.project(in, st, st.Dir, "Pipfile.lock", dev, true) {
		return true, false
	}
	if slices.Contains(args, "--system") {
		py.installs[len(py.installs)-1].kind = "pipenv"
		return true, true
	}
	if v, set := py.Env(in, st.Command, "WORKON_HOME"); set {
		return true, py.Decline(in, "WORKON_HOME=%s decides where pipenv keeps its environment", v)
	}
	if !py.useVenv(in, path.Join(st.Dir, ".venv")) {
		return true, false
	}
	if _, set := py.Env(in, st.Command, "PIPENV_VENV_IN_PROJECT"); !set {
		py.Explain("pipenv keeps its virtual environment in %s, a path that doesn't depend on a hash", py.venv)
		return true, py.assign(in, st, "PIPENV_VENV_IN_PROJECT=1")
	}
	return true, true
}

// launch takes "uv run", "poetry run" and "pipenv run" off a command. ok is false
// for flags that do more.
func launch(args []string) (inner []string, ok bool) {
	if len(args) < 3 || !managerTools[path.Base(args[0])] || args[1] != "run" {
		return args, true
	}
	tool, rest := path.Base(args[0]), args[2:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		switch rest[0] {
		case "--frozen", "--no-sync", "--locked", "--no-dev", "--", "-q", "--quiet", "--offline", "--no-cache":
			rest = rest[1:]
		default:
			return args, false
		}
	}
	if tool == "uv" && len(rest) > 0 && strings.HasSuffix(rest[0], ".py") {
		rest = append([]string{"python"}, rest...)
	}
	return rest, len(rest) > 0
}

// starts rewrites what starts in the container where a manager that the runtime
// stage hasn't starts it: ["poetry", "run", X] becomes [X].
func (py *App) starts() bool {
	for _, in := range py.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if len(line) == 0 {
			continue
		}
		if shell {
			text := line[0]
			if f := strings.Fields(text); len(f) > 2 && managerTools[f[0]] && f[1] == "run" && in.Keyword != "healthcheck" {
				inner, ok := launch(f)
				rest := strings.Join(inner, " ")
				if !ok || py.script(in, inner[0]) != "" || !strings.HasSuffix(strings.Join(f, " "), strings.TrimPrefix(rest, "python ")) || strings.Contains(in.Args.Text, "\n") || strings.Contains(rest, " run ") {
					return py.Decline(in, "what %s starts isn't known", strings.Join(f[:min(4, len(f))], " "))
				}
				py.starter(in, rest)
			}
			continue
		}
		if len(line) < 3 || !managerTools[path.Base(line[0])] || line[1] != "run" {
			continue
		}
		inner, ok := launch(line)
		why := ""
		if ok {
			why = py.script(in, inner[0])
		}
		if !ok || why != "" || in.Keyword == "healthcheck" || in.Keyword == "entrypoint" && len(inner) == 0 {
			if why == "" {
				why = "what " + strings.Join(line[:3], " ") + " starts isn't known"
			}
			return py.Decline(in, "%s", why)
		}
		quoted := make([]string, len(inner))
		for i, w := range inner {
			b, _ := json.Marshal(w)
			quoted[i] = string(b)
		}
		py.starter(in, "["+strings.Join(quoted, ", ")+"]")
	}
	return true
}

func (py *App) starter(in *rewrite.Instruction, rest string) {
	word, _, _ := strings.Cut(py.Doc.Src[in.Span.Start:in.Span.End], " ")
	py.Say(in, word+" "+rest)
	py.Config |= rewrite.FieldCmd
	if !py.relaunched {
		py.Assumes = append(py.Assumes, "the package manager does nothing when the container starts but to start the program in the environment")
	}
	py.relaunched = true
	if in.Keyword == "entrypoint" {
		py.Config |= rewrite.FieldEntrypoint
	}
	py.Explain("%s starts %s itself: the package manager stays in the build stage, and the environment's folder is on the PATH", strings.ToUpper(in.Keyword), rest)
}

// script: a name that a manager's run looks up in its manifest.
func (py *App) script(in *rewrite.Instruction, name string) string {
	for _, f := range []string{"Pipfile", "pyproject.toml"} {
		ctx, by := py.Stage.Origin(nil, path.Join(py.Stage.At(nil).Workdir, f), py.Pass.Repo, py.Pass.Name)
		if by == nil {
			continue
		}
		src, err := py.Pass.Repo.ReadFile(ctx)
		if err != nil {
			continue
		}
		_, scripts, found := strings.Cut(string(src), "scripts]")
		if scripts, _, _ = strings.Cut(scripts, "\n["); found && hasScript(scripts, name) && (f == "Pipfile" || !py.Local) {
			return name + " is a script of " + ctx
		}
	}
	if _, by := py.Stage.Origin(nil, path.Join(py.Stage.At(nil).Workdir, ".env"), py.Pass.Repo, py.Pass.Name); by != nil && strings.Contains(in.Args.Text, "pipenv") {
		return "pipenv run reads .env"
	}
	return ""
}

// hasScript: a table of scripts, as text, has an entry of that name.
func hasScript(table, name string) bool {
	for _, l := range strings.Split(table, "\n") {
		if key, _, ok := strings.Cut(l, "="); ok && strings.Trim(key, " \t\"'") == name {
			return true
		}
	}
	return false
}
