package python

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// uv's commands.
func (py *App) uv(in *rewrite.Instruction, st rewrite.Step, args []string) (mine, ok bool) {
	if v, set := py.Env(in, st.Command, "UV_PROJECT_ENVIRONMENT"); set && args[0] == "sync" {
		dir, known := abs2(st.Dir, v)
		if !known || dir == "/usr/local" || dir == "/usr" {
			return true, py.Decline(in, "UV_PROJECT_ENVIRONMENT=%s is no folder of its own", v)
		}
		return true, py.useVenv(in, dir) && py.uvSync(in, st, args[1:])
	}
	switch {
	case args[0] == "sync" && st.Dir == "":
		return true, py.Decline(in, "where uv sync runs isn't known")
	case args[0] == "sync":
		return true, py.useVenv(in, path.Join(st.Dir, ".venv")) && py.uvSync(in, st, args[1:])
	case args[0] == "venv":
		rest := slices.DeleteFunc(slices.Clone(args[1:]), func(a string) bool { return strings.HasPrefix(a, "-") })
		if len(rest) == 0 {
			rest = []string{".venv"}
		}
		if len(args)-1 > len(rest) {
			return true, py.Decline(in, "the effects of uv venv %s aren't known", strings.Join(args[1:], " "))
		}
		return true, py.makesVenv(in, st, rest)
	case args[0] == "pip" && len(args) > 1 && args[1] == "install":
		return true, py.uvPip(in, st, args[2:])
	case args[0] == "cache" || args[0] == "--version" || args[0] == "version":
		return true, true
	case args[0] == "run":
		return py.launched(in, st)
	}
	return true, py.Decline(in, "the effects of uv %s aren't known", args[0])
}

// launched: a command that a manager runs in its environment.
func (py *App) launched(in *rewrite.Instruction, st rewrite.Step) (mine, ok bool) {
	inner, known := launch(st.Args)
	step := st
	step.Args = inner
	if known && len(inner) > 0 {
		step.Name = path.Base(inner[0])
		if manages(step) {
			py.writers, py.writer, py.imports = append(py.writers, step), in, true
			return true, true
		}
	}
	return true, py.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
}

var uvSyncFlags = words(`--frozen --locked --no-dev --dev --all-extras --all-groups --no-default-groups --no-editable --inexact --exact --compile-bytecode --no-cache -n --quiet -q --verbose -v --no-progress --no-install-project --no-install-workspace --all-packages --no-python-downloads --no-managed-python --native-tls`)

var uvSyncValues = words(`--extra --group --no-group --only-group --link-mode --index-url --extra-index-url --default-index --index-strategy --cache-dir --no-install-package`)

func (py *App) uvSync(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	dev := true
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case uvSyncValues[name]:
			if !joined {
				i++
			}
		case !uvSyncFlags[args[i]]:
			return py.Decline(in, "the effects of uv sync %s aren't known", args[i])
		}
		dev = dev && args[i] != "--no-dev" && args[i] != "--no-default-groups"
	}
	if _, no := py.Env(in, st.Command, "UV_NO_DEV"); no {
		dev = false
	}
	for _, n := range []string{"UV_PYTHON", "UV_PYTHON_PREFERENCE", "UV_MANAGED_PYTHON", "UV_PYTHON_INSTALL_DIR"} {
		if v, ok := py.Env(in, st.Command, n); ok && !(n == "UV_PYTHON" && (strings.TrimPrefix(v, "python") == py.Minor() || strings.HasPrefix(v, "/usr/local/bin/python"))) && v != "only-system" {
			return py.Decline(in, "%s=%s decides which Python uv uses", n, v)
		}
	}
	return py.project(in, st, st.Dir, "uv.lock", dev, slices.Contains(args, "--no-install-project") || slices.Contains(args, "--no-install-workspace")) && py.rightPython(in, st.Dir)
}

// rightPython declines where uv would fetch another Python than the image's, to
// which the environment's links would then lead.
func (py *App) rightPython(in *rewrite.Instruction, dir string) bool {
	ctx, ok := py.fromContext(in, dir, "pyproject.toml")
	have := py.Minor()
	if have == "" {
		have = pythonMinor().FindString(py.Image.Version)
	}
	if !ok || have == "" {
		return py.Decline(in, "which Python uv uses isn't known")
	}
	v := py.Pass.Repo.PythonVersionIn(path.Dir(ctx))
	if v.Value != "" && v.Value != have && !strings.HasPrefix(v.Value, have+".") {
		return py.Decline(in, "%s asks for Python %s, which uv fetches into a folder of its own", v.File, v.Value)
	}
	if strings.Count(v.Value, ".") > 1 {
		return py.Decline(in, "%s asks for Python %s exactly, which uv may fetch into a folder of its own", v.File, v.Value)
	}
	for _, m := range lowerBound().FindAllStringSubmatch(v.Constraint, -1) {
		if cmdline.VersionLess(have, m[1]) {
			return py.Decline(in, "%s asks for Python %s, which uv fetches into a folder of its own", v.File, v.Constraint)
		}
	}
	for _, m := range upperBound().FindAllStringSubmatch(v.Constraint, -1) {
		if !cmdline.VersionLess(have, m[1]) {
			return py.Decline(in, "%s asks for Python %s, which uv fetches into a folder of its own", v.File, v.Constraint)
		}
	}
	return true
}

var (
	lowerBound = lazily(`(?:>=|~=|\^)\s*(\d+\.\d+)`)
	upperBound = lazily(`<\s*(\d+\.\d+)`)
)

// uvPip: uv pip install, into the system's Python or an environment.
func (py *App) uvPip(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	_, system := py.Env(in, st.Command, "UV_SYSTEM_PYTHON")
	rest := slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		system = system || a == "--system"
		return a == "--system" || a == "--compile-bytecode" || a == "--link-mode=copy" || a == "-n"
	})
	n := len(py.installs)
	if !py.Install(in, st, rest) {
		return false
	}
	kind := "uv"
	if dir, _ := py.Env(in, st.Command, "VIRTUAL_ENV"); !system && (dir != "" && dir == py.venv || py.venv == path.Join(st.Dir, ".venv") || py.active == in) {
		kind = "venv"
	} else if !system {
		return py.Decline(in, "into which environment uv pip install puts packages isn't known")
	}
	for i := range py.installs[n:] {
		py.installs[n+i].kind = kind
	}
	return true
}
