package rewrite

import (
	"path"
	"slices"
	"strings"
)

// What commands read and write that prepare an install: they configure a package
// manager, make a virtual environment, add extensions of an interpreter.

// tools by name; each notes its effects, or tells why they can't be known.
var tools map[string]func(e *Effects, args []string, st State) (unknown string)

func init() {
	tools = map[string]func(*Effects, []string, State) string{
		"poetry": poetryTool, "bundle": bundleTool, "bundler": bundleTool, "uv": uvTool, "composer": composerTool, "gem": gemTool, "pip": pipTool, "pip3": pipTool,
		"python": pythonTool, "python3": pythonTool, "virtualenv": venvTool, "conda": condaTool, "mamba": condaTool, "micromamba": condaTool,
		"pecl": phpTool, "pear": phpTool, "install-php-extensions": phpTool, "phpenmod": phpTool, "phpdismod": phpTool,
		"a2enmod": apacheTool, "a2dismod": apacheTool, "a2ensite": apacheTool, "a2dissite": apacheTool, "a2enconf": apacheTool, "a2disconf": apacheTool,
		"curl": curlTool, "wget": wgetTool,
	}
	for _, n := range []string{"docker-php-ext-install", "docker-php-ext-enable", "docker-php-ext-configure", "docker-php-source"} {
		tools[n] = phpTool
	}
}

// tool looks a command up; known is false for one that isn't in the table.
func (e *Effects) tool(c Command, st State) (unknown string, known bool) {
	name := path.Base(c.Name)
	if strings.HasPrefix(name, "python3.") {
		name = "python3"
	}
	f := tools[name]
	if f == nil {
		return "", false
	}
	args := c.Args[1:]
	if strings.HasPrefix(name, "python") && len(args) > 1 && args[0] == "-m" {
		if name, args = args[1], args[2:]; name == "venv" {
			name = "virtualenv"
		}
		if f = tools[name]; f == nil || name == "python" || name == "python3" {
			return "", false
		}
	}
	if len(args) == 0 {
		return "", false
	}
	if unknown = f(e, args, st); unknown == "" {
		if name == "gem" {
			name = "bundle" // they share their variables
		}
		if m := managers[name]; m != nil {
			var writes []string
			writes, unknown = m.variables(st)
			e.Writes = append(e.Writes, writes...)
		}
	}
	return unknown, unknown != unknownTool
}

// unknownTool leaves a command to the general answer.
const unknownTool = "-"

// home: it keeps something below the home directory or in a language's own places.
func (e *Effects) home(st State) {
	e.Reads = append(e.Reads, languages...)
	e.Writes = append(append(e.Writes, languages...), homes(st)...)
}

func version(args []string) bool {
	return len(args) == 1 && (args[0] == "--version" || args[0] == "-V" || args[0] == "-v")
}

func poetryTool(e *Effects, args []string, st State) string {
	if version(args) {
		return ""
	}
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") && a != "--local" })
	if len(args) == 0 || args[0] != "config" {
		return unknownTool
	}
	e.home(st)
	return poetryConfig(args)
}

func bundleTool(e *Effects, args []string, st State) string {
	if version(args) {
		return ""
	}
	key, _, global := bundleConfig(append([]string{"bundle"}, args...))
	if key == "" {
		return unknownTool
	}
	e.home(st)
	if global {
		return ""
	}
	e.Reads = append(e.Reads, path.Join(st.Workdir, "Gemfile"), path.Join(st.Workdir, "gems.rb"))
	if v, ok := st.known("BUNDLE_APP_CONFIG"); !ok || v == "" {
		e.Writes = append(e.Writes, path.Join(st.Workdir, ".bundle"))
	}
	return ""
}

// uvTool: its settings are looked for in the working directory and above.
func uvTool(e *Effects, args []string, st State) string {
	if version(args) {
		return ""
	}
	i := &Install{}
	i.uvAbove(st.Workdir)
	switch {
	case args[0] == "venv":
		line := flags(`--python= -p= --seed --clear --allow-existing --relocatable --system-site-packages --prompt= --quiet -q --no-cache --link-mode=`).read(args[1:])
		if line.unknown != "" || len(line.words) > 1 {
			return unknownTool
		}
		to := ".venv"
		if len(line.words) > 0 {
			to = line.words[0]
		}
		abs, ok := st.Abs(to)
		if !ok {
			return "it makes a virtual environment in the computed path " + to
		}
		e.Writes = append(e.Writes, abs)
	case len(args) > 2 && args[0] == "python" && args[1] == "install" && !strings.HasPrefix(args[2], "-"):
	case len(args) > 2 && args[0] == "pip" && args[1] == "install" && named(Command{Name: "pip", Args: append([]string{"pip"}, args[1:]...)}):
		i.uvPip(installCall{st: st, origin: func(string) (string, bool) { return "", false }}, pipFlags.read(args[2:]))
		e.Writes = append(append(e.Writes, i.Writes...), pathFolders(st)...)
	default:
		return unknownTool
	}
	e.Network = true
	e.Reads = append(e.Reads, i.Reads...)
	e.home(st)
	return ""
}

func composerTool(e *Effects, args []string, st State) string {
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	switch {
	case len(args) == 0, args[0] == "clear-cache", args[0] == "clearcache":
	case args[0] == "self-update" || args[0] == "selfupdate":
		e.Writes = append(e.Writes, "/usr/bin")
	default:
		return unknownTool
	}
	e.Network = true
	e.home(st)
	return ""
}

func gemTool(e *Effects, args []string, st State) string {
	if strings.Join(args, " ") != "update --system" {
		return unknownTool
	}
	e.Network = true
	e.home(st)
	return ""
}

// pipSettings decide where packages come from, and nothing else.
var pipSettings = map[string]bool{"global.index-url": true, "global.extra-index-url": true, "global.trusted-host": true, "global.timeout": true, "global.no-cache-dir": true, "global.disable-pip-version-check": true, "global.break-system-packages": true}

func pipTool(e *Effects, args []string, st State) string {
	words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--user" || a == "--global" || a == "--site" })
	set := len(words) == 4 && words[0] == "config" && words[1] == "set" && pipSettings[words[2]] && !strings.Contains(words[3], "file:")
	if !set && strings.Join(args, " ") != "cache purge" && !version(args) {
		return unknownTool
	}
	e.home(st)
	e.Writes = append(e.Writes, "/etc/pip.conf")
	return ""
}

func pythonTool(_ *Effects, args []string, _ State) string {
	if version(args) {
		return ""
	}
	return unknownTool
}

func venvTool(e *Effects, args []string, st State) string {
	line := flags(`--python= -p= --system-site-packages --copies --symlinks --clear --upgrade-deps --prompt= --without-pip --quiet -q --no-download --download --always-copy`).read(args)
	if line.unknown != "" || len(line.words) == 0 {
		return unknownTool
	}
	for _, w := range line.words {
		abs, ok := st.Abs(w)
		if !ok {
			return "it makes a virtual environment in the computed path " + w
		}
		e.Reads, e.Writes = append(e.Reads, abs), append(e.Writes, abs)
	}
	e.Network = true
	e.home(st)
	return ""
}

// condaTool: packages by name and what keeps conda itself in order.
func condaTool(e *Effects, args []string, st State) string {
	for _, a := range args {
		if strings.ContainsAny(a, "/$") && !strings.Contains(a, "::") || strings.HasSuffix(a, ".yml") || strings.HasSuffix(a, ".yaml") || strings.HasSuffix(a, ".txt") || strings.HasPrefix(a, "--file") || a == "-f" && args[0] != "clean" || strings.HasSuffix(a, ".bz2") || strings.HasSuffix(a, ".conda") {
			return unknownTool
		}
	}
	switch args[0] {
	case "install", "create", "update", "remove", "clean", "config", "--version", "info":
	default:
		return unknownTool
	}
	e.Network = true
	e.Reads = append(append(e.Reads, condaHomes...), pathFolders(st)...)
	e.Writes = append(append(append(e.Writes, condaHomes...), pathFolders(st)...), homes(st)...)
	return ""
}

// phpPlaces are where PHP's source, extensions and settings lie, and where the
// packages to build them go.
var phpPlaces = []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/include", "/usr/local", "/etc", "/lib", "/lib64", "/bin", "/sbin", "/tmp", "/var/tmp", "/var/lib", "/var/cache", "/var/log", "/run",
	"/usr/src/php", "/usr/src/php.tar.xz", "/root"}

// phpTool: extensions of PHP by name, built from its source or fetched.
func phpTool(e *Effects, args []string, _ State) string {
	for _, a := range args {
		if strings.HasPrefix(a, "-j") { // -j$(nproc)
			continue
		}
		if strings.ContainsAny(a, "$`") || strings.HasPrefix(a, ".") || strings.HasPrefix(a, "/") || strings.HasPrefix(a, "@") || strings.HasSuffix(a, ".tgz") || strings.HasSuffix(a, ".xml") {
			return unknownTool
		}
	}
	e.Network = true
	e.Reads = append(e.Reads, phpPlaces...)
	e.Writes = append(e.Writes, phpPlaces...)
	return ""
}

func apacheTool(e *Effects, args []string, _ State) string {
	for _, a := range args {
		if strings.ContainsAny(a, "/$`*") {
			return unknownTool
		}
	}
	e.Reads = append(e.Reads, "/etc/apache2", "/usr/share/apache2", "/var/lib/apache2", "/usr/lib/apache2")
	e.Writes = append(e.Writes, "/etc/apache2", "/var/lib/apache2", "/var/log/apache2", "/run", "/var/lock")
	return ""
}
