package rewrite

import (
	"path"
	"slices"
)

var _ = registerManager(&manager{tools: []string{"uv"}, vars: []string{"UV_"}, install: uvInstall})

// uvFlags are those of uv sync that read and write nothing else.
const uvFlags flags = `--frozen --locked --no-dev --only-dev --dev --all-extras --all-groups --extra= --no-extra= --group= --no-group= --only-group= --no-default-groups --no-editable --inexact --exact --compile-bytecode --no-cache -n --quiet -q --verbose -v
	--no-progress --python= -p= --no-install-project --no-install-workspace --no-install-local --no-install-package= --all-packages --link-mode= --python-preference= --no-python-downloads --no-managed-python --managed-python --active --reinstall --upgrade -U
	--index-url= --extra-index-url= --default-index= --no-build --no-binary --native-tls --index-strategy= --prerelease= --resolution= --cache-dir= --no-build-isolation`

// uvSettings are what uv reads from its working directory or the nearest folder
// above (https://docs.astral.sh/uv/concepts/configuration-files/).
var uvSettings = []string{"uv.toml", "pyproject.toml", ".python-version", ".python-versions"}

func uvInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	switch {
	case len(args) > 0 && args[0] == "sync":
		i.Name = "uv sync"
		i.uvSync(c, uvFlags.read(args[1:]))
		return true
	case len(args) > 1 && args[0] == "pip" && args[1] == "install":
		i.Name = "uv pip install"
		line := pipFlags.read(args[2:])
		if !i.requirements(c, line) {
			return false
		}
		i.uvPip(c, line)
		return true
	case len(args) > 1 && args[0] == "pip" && args[1] == "sync":
		i.Name = "uv pip sync"
		line := pipFlags.read(args[2:])
		files := line.words
		line.words = nil
		line.flags["-r"] = append(line.flags["-r"], files...)
		i.requirements(c, line)
		i.uvPip(c, line)
		return true
	}
	return false
}

// uvPip adds what uv pip reads beyond pip: its settings, and the virtual
// environment .venv of the folder or one above, unless told where to install.
func (i *Install) uvPip(c installCall, line commandLine) {
	i.uvAbove(c.st.Workdir)
	if ctx, ok := c.origin(path.Join(c.st.Workdir, "pyproject.toml")); ok && c.repo.Exists(ctx) {
		if why := c.repo.UVSettings(path.Dir(ctx)); why != "" {
			i.unknown("%s", why)
		}
		if i.Dir != c.st.Workdir || i.Ctx != path.Dir(ctx) {
			i.unknown("uv reads %s in another folder", ctx)
		}
	}
	for _, f := range uvSettings {
		if ctx, ok := c.origin(path.Join(c.st.Workdir, f)); ok && c.repo.Exists(ctx) && !slices.Contains(i.Files, ctx) {
			i.Files = append(i.Files, ctx)
		}
	}
	if line.has("--system", "--python", "-p", "--target", "-t", "--prefix") || c.st.Env["UV_SYSTEM_PYTHON"] != "" || c.st.Env["VIRTUAL_ENV"] != "" {
		return
	}
	i.Writes = append(i.Writes, upwards(c.st.Workdir, ".venv")...)
}

// uvAbove: uv looks for its settings in the folders above, too.
func (i *Install) uvAbove(dir string) {
	for _, d := range upFrom(dir) {
		for _, f := range uvSettings {
			i.Reads = append(i.Reads, path.Join(d, f))
		}
	}
}

func (i *Install) uvSync(c installCall, line commandLine) {
	i.Writes = append(slices.Clone(languages), path.Join(i.Dir, "uv.lock"))
	if v, ok := c.st.lookup().Get("UV_PROJECT_ENVIRONMENT"); !ok || v == "" {
		i.Writes = append(i.Writes, path.Join(i.Dir, ".venv"))
	}
	if line.unknown != "" {
		i.unknown("uv sync %s may read or write other places", line.unknown)
	}
	for _, p := range line.values("--cache-dir") {
		abs, ok := c.st.Abs(p)
		if !ok {
			i.unknown("the cache folder %s is computed", p)
		}
		i.Writes = append(i.Writes, abs)
	}
	i.uvAbove(i.Dir)
	i.looksFor("uv.lock")
	if !i.brings(c, "pyproject.toml") {
		return
	}
	u := c.repo.UV(i.Ctx)
	if u == nil {
		i.unknown("pyproject.toml can't be read")
		return
	}
	i.Files = u.Files
	frozen := line.has("--frozen") || isTrue(c.st, "UV_FROZEN")
	locked := line.has("--locked") || isTrue(c.st, "UV_LOCKED")
	none := line.has("--no-install-workspace", "--no-install-local")
	switch {
	case u.Package && !none && !line.has("--no-install-project"):
		i.unknown("uv sync builds the project, which reads %s; with --no-install-project here, and a second uv sync behind the COPY, the dependencies could come first", buildReads(c.repo.PythonBuild(i.Ctx)))
	case u.Built != "" && !none:
		i.unknown("uv sync builds the workspace member %s from its code; with --no-install-workspace here, and a second uv sync behind the COPY, the dependencies could come first", u.Built)
	case u.Unknown != "":
		i.unknown("%s", u.Unknown)
	case u.Dynamic != "" && !frozen:
		i.unknown("%s, so that uv builds it to check the lock", u.Dynamic)
	}
	switch {
	case frozen || locked:
		i.Writes = slices.DeleteFunc(i.Writes, func(w string) bool { return path.Base(w) == "uv.lock" })
	case line.has("--upgrade", "-U"):
		i.unknown("uv sync --upgrade writes uv.lock")
	case u.Lock != "":
		i.Writes = slices.DeleteFunc(i.Writes, func(w string) bool { return path.Base(w) == "uv.lock" })
		i.Assumes = u.Lock + " agrees with pyproject.toml, so that the install doesn't rewrite it"
	}
}

func isTrue(st State, name string) bool {
	v, _ := st.lookup().Get(name)
	return v == "1" || v == "true" || v == "True"
}

// declared: uv pip install -r pyproject.toml reads the dependencies declared there.
func (i *Install) declared(c installCall, ctx string) {
	i.Files = append(i.Files, ctx)
	u := c.repo.UV(path.Dir(ctx))
	switch {
	case path.Base(ctx) != "pyproject.toml" || u == nil:
		i.unknown("%s -r %s builds the project, which reads its code", i.Name, ctx)
	case u.Dynamic != "":
		i.unknown("%s", u.Dynamic)
	case u.Unknown != "":
		i.unknown("%s", u.Unknown)
	case len(u.Members) > 0:
		i.unknown("%s holds a workspace", ctx)
	}
}
