package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// What speaks against Python's own interpreter on distroless cc.

var (
	// ownMissing are modules that the gathered Python hasn't, or not all that they need: curses
	// wants descriptions of terminals.
	ownMissing = lazily(`(?m)^\s*(?:import|from)\s+(pip|ensurepip|tkinter|_tkinter|turtle|turtledemo|idlelib|nis|curses)\b`)
	// loadsByName finds libraries that nothing is linked with: find_library asks ldconfig, a
	// compiler and ld, none of which is there (https://docs.python.org/3/library/ctypes.html).
	loadsByName = lazily(`\b(find_library)\s*\(|\b(?:CDLL|PyDLL|LoadLibrary|dlopen)\s*\(\s*(?:name\s*=\s*)?["']([^"']*)`)
	// imageVariables are set by Python's images and not carried over.
	imageVariables = lazily(`\b(?:PYTHON_VERSION|PYTHON_SHA256|PYTHON_PIP_VERSION)\b`)
	inCCFile       = lazily(`^` + distro.InCC + `\.so(\.\d+)*$`)
)

// startsSystem are packages that start a shell or the system's programs, or that
// find a library of the system by its name and fail without; each project's source.
// Those that need what the slim image hasn't either stand in nativeNeeds.
var startsSystem = words(`ansible ansible-core ansible-runner apache-airflow buildbot circus fabric honcho invoke jupyter jupyterhub jupyterlab notebook jupyter-server luigi mlflow nox pexpect plumbum ptyprocess
	pyspark ray robotframework salt sh snakemake supervisor tox xonsh`)

var findsLibrary = map[string]string{
	"psycopg":           "libpq",   // psycopg/pq/misc.py: find_libpq_full_path
	"psycopg2cffi":      "libpq",   // by cffi
	"oscrypto":          "OpenSSL", // oscrypto/_openssl/_libcrypto_ctypes.py
	"python-bitcoinlib": "OpenSSL", // bitcoin/core/key.py
	"shapely":           "libc",    // before 2: shapely/geos.py
}

// unowned tells why the program needs more than its own Python on distroless cc.
func (py *App) unowned() string {
	if py.whole != "" {
		return py.whole
	}
	for _, in := range py.Stage.Instructions {
		if why := distro.LacksUser(in); why != "" && py.Roles[in] != split.InBuild {
			return why
		}
	}
	if why := cmp.Or(py.NeedsShell(py.ownStarts, ".py"), py.StartedOutside(py.ownStarts)); why != "" {
		return why
	}
	for _, p := range py.Asked {
		if startsSystem[p.Name] {
			return Says(p) + p.Name + " starts programs of the system"
		}
		lib := findsLibrary[p.Name]
		if pin := ExactPin().FindStringSubmatch(p.Spec); p.Name == "shapely" && (pin == nil || !cmdline.VersionLess(pin[1], "2")) ||
			slices.ContainsFunc(bundled[p.Name], func(e string) bool { return slices.Contains(p.Extras, e) }) {
			lib = ""
		}
		if lib != "" {
			return Says(p) + p.Name + " looks for " + lib + " by its name"
		}
	}
	if py.Pass.Unsafe && py.Stage.At(nil).User == "" {
		if writes := py.Pass.Repo.Writes(py.Pass.Name, false); writes != "" {
			return writes + ", for which it would stay root, while a user can be made on the slim image"
		}
	}
	return py.sourceUnowned()
}

// sourceUnowned reads the source for what the interpreter's own image hasn't.
func (py *App) sourceUnowned() string {
	return py.readSource(func(f, src string) string {
		if m := ownMissing().FindStringSubmatchIndex(src); m != nil {
			return f + ":" + cmdline.LineAt(src, m[2]) + " imports " + src[m[2]:m[3]] + ", of which not all is there"
		}
		for _, m := range loadsByName().FindAllStringSubmatchIndex(src, -1) {
			if m[2] >= 0 || !inCCFile().MatchString(src[m[4]:m[5]]) {
				return f + ":" + cmdline.LineAt(src, m[0]) + " loads a library by its name"
			}
		}
		if at := imageVariables().FindStringIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(src, at[0]) + " reads " + src[at[0]:at[1]] + ", which only Python's images set"
		}
		return ""
	})
}

// ownStarts: the gathered Python, or a script that pip writes beside it, starts by
// these words.
func (py *App) ownStarts(words []string) bool {
	if inner, ok := launch(words); ok { // CMD starts it without the manager
		words = inner
	}
	name := path.Base(words[0])
	switch dir := path.Dir(words[0]); {
	case dir != "." && dir != "/usr/local/bin" && (py.venv == "" || dir != py.venv+"/bin"), strings.HasPrefix(words[0], "./"):
		return false
	case pythonProgram().MatchString(name) || modules[name] != "":
		return true
	}
	if slices.ContainsFunc(py.Asked, func(p repo.Package) bool { return p.Name == pep503(name) }) {
		return true
	}
	for _, home := range py.homes {
		if p := py.Pass.Repo.Pyproject(home); p != nil && slices.Contains(p.Scripts, name) {
			return true
		}
		if src, err := py.Pass.Repo.ReadFile(path.Join(home, "setup.py")); err == nil && setupScript(string(src), name) {
			return true
		}
	}
	return false
}

// setupScript: setup.py names a console script.
func setupScript(src, name string) bool {
	for _, m := range consoleScript().FindAllStringSubmatch(src, -1) {
		if m[1] == name {
			return true
		}
	}
	return false
}

var consoleScript = lazily(`["']\s*([\w.-]+)\s*=\s*[\w.]+:[\w.]+\s*["']`)
