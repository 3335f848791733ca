package rewrite

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// Variables that turn a known tool into an unknown one.

// steering are variables that make package managers read or write elsewhere.
var steering = []string{"PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_FIND_LINKS", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_SRC", "PIP_CONFIG_FILE", "PIP_BUILD_CONSTRAINT", "PYTHONUSERBASE", "PYTHONPATH",
	"NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG", "npm_config_userconfig", "npm_config_globalconfig", "NODE_OPTIONS", "GOFLAGS", "GOWORK", "GOENV", "LD_PRELOAD", "BASH_ENV"}

// steered names the steering variable that is set, "" for none.
func steered(st State) string {
	for _, k := range steering {
		if v, ok := st.lookup().Get(k); ok && v != "" && !(k == "LD_PRELOAD" && systemLibraries(v)) {
			return k
		}
	}
	return ""
}

// systemLibraries: all that LD_PRELOAD names lies where the system's libraries do.
func systemLibraries(v string) bool {
	for _, l := range strings.FieldsFunc(v, func(r rune) bool { return r == ':' || r == ' ' }) {
		if strings.Contains(l, "$") || strings.Contains(l, "/") && !strings.HasPrefix(l, "/usr/lib") && !strings.HasPrefix(l, "/usr/local/lib/") && !strings.HasPrefix(l, "/lib/") {
			return false
		}
	}
	return true
}

// harmless are variables of package managers that decide neither what an
// install of the project reads nor which folder it writes to.
var harmless = lazyWords(`
POETRY_VIRTUALENVS_CREATE POETRY_VIRTUALENVS_IN_PROJECT POETRY_NO_INTERACTION POETRY_VERSION POETRY_NO_ANSI POETRY_INSTALLER_PARALLEL POETRY_INSTALLER_MAX_WORKERS POETRY_REQUESTS_TIMEOUT
POETRY_VIRTUALENVS_OPTIONS_NO_PIP POETRY_VIRTUALENVS_OPTIONS_NO_SETUPTOOLS POETRY_VIRTUALENVS_OPTIONS_ALWAYS_COPY POETRY_VIRTUALENVS_OPTIONS_SYSTEM_SITE_PACKAGES POETRY_VIRTUALENVS_PREFER_ACTIVE_PYTHON
UV_COMPILE_BYTECODE UV_LINK_MODE UV_NO_CACHE UV_SYSTEM_PYTHON UV_BREAK_SYSTEM_PACKAGES UV_PYTHON UV_PYTHON_DOWNLOADS UV_PYTHON_PREFERENCE UV_NO_PROGRESS UV_HTTP_TIMEOUT UV_HTTP_RETRIES UV_REQUEST_TIMEOUT UV_VERSION
UV_FROZEN UV_LOCKED UV_NO_DEV UV_CONCURRENT_DOWNLOADS UV_CONCURRENT_BUILDS UV_CONCURRENT_INSTALLS UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_INDEX_STRATEGY UV_PRERELEASE UV_NO_MANAGED_PYTHON UV_MANAGED_PYTHON UV_NATIVE_TLS UV_TOOL_BIN_DIR UV_NO_EDITABLE
PIPENV_VENV_IN_PROJECT PIPENV_NOSPIN PIPENV_HIDE_EMOJIS PIPENV_IGNORE_VIRTUALENVS PIPENV_DONT_LOAD_ENV PIPENV_VERBOSITY PIPENV_TIMEOUT PIPENV_INSTALL_TIMEOUT PIPENV_YES PIPENV_VERSION PIPENV_MAX_RETRIES PIPENV_CUSTOM_VENV_NAME PIPENV_VERBOSE PIPENV_COLORBLIND
COMPOSER_ALLOW_SUPERUSER COMPOSER_MEMORY_LIMIT COMPOSER_PROCESS_TIMEOUT COMPOSER_NO_INTERACTION COMPOSER_DISABLE_XDEBUG_WARN COMPOSER_NO_DEV COMPOSER_NO_AUDIT COMPOSER_MAX_PARALLEL_HTTP COMPOSER_IPRESOLVE COMPOSER_FUND COMPOSER_ROOT_VERSION COMPOSER_AUTH COMPOSER_VERSION
BUNDLE_WITHOUT BUNDLE_WITH BUNDLE_JOBS BUNDLE_RETRY BUNDLE_FROZEN BUNDLE_DEPLOYMENT BUNDLE_SILENCE_ROOT_WARNING BUNDLE_SILENCE_DEPRECATIONS BUNDLE_FORCE_RUBY_PLATFORM BUNDLE_GITHUB__COM BUNDLE_VERSION BUNDLER_VERSION BUNDLE_NO_PRUNE BUNDLE_TIMEOUT
CONDA_DIR CONDA_VERSION CONDA_AUTO_UPDATE_CONDA CONDA_ALWAYS_YES CONDA_OVERRIDE_CUDA CONDA_CHANNEL_PRIORITY CONDA_DEFAULT_ENV MAMBA_NO_BANNER MAMBA_DOCKERFILE_ACTIVATE
`)

// folders are variables that name a folder to write to.
var folders = lazyWords(`POETRY_HOME POETRY_CACHE_DIR POETRY_VIRTUALENVS_PATH POETRY_CONFIG_DIR POETRY_DATA_DIR UV_PROJECT_ENVIRONMENT UV_CACHE_DIR UV_PYTHON_INSTALL_DIR UV_TOOL_DIR UV_INSTALL_DIR
PIPENV_CACHE_DIR WORKON_HOME COMPOSER_HOME COMPOSER_CACHE_DIR COMPOSER_VENDOR_DIR COMPOSER_BIN_DIR BUNDLE_PATH BUNDLE_APP_CONFIG BUNDLE_BIN BUNDLE_USER_HOME BUNDLE_USER_CACHE GEM_HOME GEM_PATH CONDA_PREFIX CONDA_PKGS_DIRS MAMBA_ROOT_PREFIX`)

// lazyWords makes a set of a list when it is first asked for.
func lazyWords(list string) func(string) bool {
	set := sync.OnceValue(func() map[string]bool {
		out := map[string]bool{}
		for _, w := range strings.Fields(list) {
			out[w] = true
		}
		return out
	})
	return func(w string) bool { return set()[w] }
}

// known is the value of a variable that the file or, as far as its facts tell,
// the base image sets.
func (st State) known(name string) (string, bool) {
	if v, ok := st.lookup().Get(name); ok {
		return v, true
	}
	if !st.Known {
		return "", false
	}
	v, ok := st.Base.Env[name]
	return v, ok
}

// variables goes through what is set for a package manager: folders it writes
// to, and why anything else makes its doings unknown.
func (m *manager) variables(st State) (writes []string, unknown string) {
	keys := st.lookup().Keys()
	if st.Known {
		keys = slices.AppendSeq(keys, maps.Keys(st.Base.Env))
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		v, _ := st.known(k)
		if v == "" || harmless(k) || !slices.ContainsFunc(m.vars, func(p string) bool { return strings.HasPrefix(k, p) }) {
			continue
		}
		if !folders(k) {
			return writes, k + " is set"
		}
		p, ok := st.Abs(v)
		if !ok {
			return writes, k + " is computed"
		}
		writes = append(writes, p)
	}
	return writes, ""
}

// assigned are the beginnings of names that steer the commands of a script
// which sets them.
var assigned = []string{"PIP_", "NPM_", "npm_", "YARN_", "PNPM_", "GO", "HOME", "PATH", "PYTHON", "VIRTUAL_ENV", "XDG_", "NODE_OPTIONS", "NODE_PATH", "LD_", "CDPATH", "PWD", "BASH_ENV", "ENV",
	"POETRY_", "UV_", "PIPENV_", "PDM_", "WORKON_HOME", "CONDA_", "MAMBA_", "COMPOSER", "BUNDLE_", "GEM_", "RUBY", "PHP_INI_"}

// assigns names a variable that a script sets and that may steer its own
// commands, "" for none.
func (s *Script) assigns() string {
	name := ""
	syntax.Walk(s.File, func(n syntax.Node) bool {
		a, ok := n.(*syntax.Assign)
		if !ok || a.Name == nil {
			return true
		}
		switch k := a.Name.Value; k {
		case "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GO111MODULE", "GOOS", "GOARCH":
		case "BUNDLE_DEPLOYMENT", "POETRY_VIRTUALENVS_IN_PROJECT", "PIPENV_VENV_IN_PROJECT":
			name = k // harmless where ENV sets it, since there it is seen
		default:
			for _, p := range assigned {
				if (k == p || strings.HasPrefix(k, p) && p != "ENV" && p != "PATH") && !harmless(k) {
					name = k
				}
			}
		}
		return true
	})
	return name
}
