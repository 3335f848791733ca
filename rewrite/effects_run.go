package rewrite

import (
	"cmp"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/repo"
)

// system is where package managers and account tools read and write.
var system = []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/include", "/usr/local", "/usr/games", "/etc", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/tmp", "/run",
	"/var/lib", "/var/cache", "/var/log", "/var/mail", "/var/spool", "/var/www", "/var/tmp", "/var/run", "/srv"}

// languages is where pip, npm and gem put packages of the system's interpreter,
// their caches and their temporary files. The home directory is the caller's.
var languages = []string{"/usr/local", "/usr/bin", "/usr/lib", "/usr/share", "/usr/include", "/usr/etc", "/opt/conda", "/opt/venv", "/opt/virtualenv", "/tmp", "/var/tmp", "/root", "/var/lib/gems"}

// homes are the caches below the home directory of the user in force; a
// VIRTUAL_ENV is a place to install to.
func homes(st State) []string {
	var out []string
	if v := st.Env["VIRTUAL_ENV"]; strings.HasPrefix(v, "/") {
		out = append(out, path.Clean(v))
	}
	home := st.Env["HOME"]
	if user, _, _ := strings.Cut(st.User, ":"); home == "" && user != "" && user != "root" {
		home = "/home/" + user
	}
	if strings.HasPrefix(home, "/") {
		for _, d := range []string{".cache", ".local", ".npm", ".yarn", ".config", "go", ".pnpm-store", ".composer", ".bundle", ".gem", ".conda", ".condarc"} {
			out = append(out, path.Join(home, d))
		}
	}
	return out
}

// systemTools read and write the system directories only; arguments that look
// like paths count as read.
var systemTools = map[string]bool{
	"apt-get": true, "apt": true, "apt-key": true, "apt-cache": true, "add-apt-repository": true, "dpkg": true, "dpkg-reconfigure": true, "apk": true,
	"yum": true, "dnf": true, "microdnf": true, "zypper": true, "rpm": true, "update-ca-certificates": true, "locale-gen": true, "update-locale": true,
	"useradd": true, "adduser": true, "groupadd": true, "addgroup": true, "usermod": true, "update-alternatives": true, "debconf-set-selections": true, "corepack": true,
}

// fileTools take names of files among their arguments: `dpkg -i app.deb`.
var fileTools = map[string]bool{"dpkg": true, "rpm": true, "apt-key": true, "debconf-set-selections": true}

// accountTools make users, and their homes with them.
var accountTools = map[string]bool{"useradd": true, "adduser": true, "usermod": true}

// pathTools read and write just the paths among their arguments.
var pathTools = map[string]bool{"mkdir": true, "touch": true, "chmod": true, "chown": true, "chgrp": true, "rm": true, "ln": true, "cp": true, "mv": true, "install": true, "rmdir": true}

// idle commands touch no file by themselves.
var idle = map[string]bool{"echo": true, "printf": true, "true": true, ":": true, "set": true, "exit": true, "sleep": true, "false": true, "nproc": true, "getconf": true}

// runEffects reads a RUN's script. A command that isn't in a table makes the
// effects unknown.
func (in *Instruction) runEffects(e *Effects, st State, rp *repo.Repo, name string) {
	e.UsesAll, e.text = true, in.Raw()
	for _, m := range in.Mounts() {
		if m["type"] == "bind" {
			e.Unknown = "it mounts files of the context or of a stage"
			return
		}
	}
	s, why := in.Shell()
	if why != "" {
		e.Unknown = why
		return
	}
	if st.Workdir == "" {
		e.Unknown = "its working directory isn't known"
		return
	}
	if name := s.assigns(); name != "" {
		e.Unknown = "it sets " + name + " for its commands"
		return
	}
	for _, c := range s.Commands() {
		if why := in.commandEffects(e, s, c, st, rp, name); why != "" {
			e.Unknown = why
			return
		}
	}
	syntax.Walk(s.File, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.FuncDecl); ok {
			e.Unknown = "it defines a shell function"
		}
		return true
	})
}

// emptiesCache: the manager deletes what it keeps below the home directory.
func emptiesCache(c Command) bool {
	return (c.Name == "npm" || c.Name == "yarn") && c.Args[0] == c.Name && len(c.Args) > 2 && c.Args[1] == "cache" && c.Args[2] == "clean"
}

func (in *Instruction) commandEffects(e *Effects, s *Script, c Command, st State, rp *repo.Repo, name string) (unknown string) {
	for _, r := range c.Stmt.Redirs {
		if r.Word == nil || r.Hdoc != nil {
			continue
		}
		target := literal(r.Word)
		if target == "/dev/null" || strings.HasPrefix(s.Source(r), "2>&1") || r.Op == syntax.DplOut || r.Op == syntax.DplIn {
			continue
		}
		p, ok := st.Abs(target)
		if target == "" || !ok {
			return "it redirects to a computed path"
		}
		e.Writes = append(e.Writes, p)
		e.Reads = append(e.Reads, p)
		e.needs(p, st)
	}
	if len(c.Args) == 0 {
		return ""
	}
	if strings.Contains(c.Args[0], "/") { // a program of its own, which may be an installation of its own
		p, ok := st.Abs(c.Args[0])
		if !ok {
			return "it runs the computed path " + c.Args[0]
		}
		e.programs = append(e.programs, p)
		if d := path.Dir(p); !standing[d] {
			e.Reads = append(e.Reads, d)
		}
		if d := path.Dir(path.Dir(p)); d != "/" && d != "/usr" && d != "/usr/local" {
			e.Reads, e.Writes = append(e.Reads, d), append(e.Writes, d)
		}
	}
	if i, ok := in.install(c, st, rp, name); ok {
		e.Network, e.Scripts = true, true
		e.Installs = append(e.Installs, i)
		e.Writes = append(append(e.Writes, i.Writes...), homes(st)...)
		if i.Unknown != "" {
			return i.Unknown
		}
		if k := steered(st); k != "" {
			return k + " is set"
		}
		e.Reads = append(e.Reads, i.Reads...)
		for _, f := range i.Files {
			rel := f
			if i.Ctx != "." && i.Ctx != "" {
				rel = strings.TrimPrefix(f, i.Ctx+"/")
			}
			e.Reads = append(e.Reads, path.Join(i.Dir, rel))
		}
		return ""
	}
	switch {
	case idle[c.Name]:
	case emptiesCache(c):
		if k := steered(st); k != "" {
			return k + " is set"
		}
		e.Writes = append(append(e.Writes, "/root", "/tmp", "/usr/local/share"), homes(st)...)
	case systemTools[c.Name]:
		e.Network = true
		e.Reads = append(e.Reads, system...)
		e.Writes = append(e.Writes, system...)
		if accountTools[c.Name] {
			e.Writes = append(e.Writes, "/home")
		}
		if all := strings.Join(c.Args, " "); c.Name == "corepack" && all != "corepack enable" && !strings.Contains(all, "@") {
			return "corepack reads package.json"
		}
		for _, a := range c.Args[1:] {
			if strings.HasPrefix(a, "-") {
				if _, v, ok := strings.Cut(a, "="); ok && strings.HasPrefix(v, "/") {
					a = v
				} else {
					continue
				}
			}
			if !strings.ContainsAny(a, "/.") && !fileTools[c.Name] {
				continue // a package's name
			}
			p, ok := st.Abs(a)
			switch {
			case !ok && (strings.HasPrefix(a, "./") || strings.HasPrefix(a, "/") || fileTools[c.Name]):
				return "it uses the computed path " + a
			case !ok:
			case accountTools[c.Name] && strings.HasPrefix(a, "/"):
				e.Writes = append(e.Writes, p) // a home
				fallthrough
			default:
				e.Reads = append(e.Reads, p)
			}
		}
	case pathTools[c.Name]:
		if c.Name == "chown" || c.Name == "chgrp" || c.Name == "install" {
			e.Reads = append(e.Reads, accounts...)
		}
		parents := false // mkdir -p
		for _, a := range c.Args[1:] {
			parents = parents || c.Name == "mkdir" && (a == "--parents" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "p"))
		}
		whom := c.Name == "chmod" || c.Name == "chown" || c.Name == "chgrp" // the first word is an owner or a mode
		for _, a := range c.Args[1:] {
			if strings.HasPrefix(a, "-") {
				continue
			}
			if whom {
				whom = false
				continue
			}
			if i := strings.IndexAny(a, "*?["); i > 0 && strings.HasPrefix(a, "/") {
				a = path.Dir(a[:i] + "x")
			}
			p, ok := st.Abs(a)
			if !ok {
				return "it uses the computed path " + a
			}
			e.Reads = append(e.Reads, p)
			e.Writes = append(e.Writes, p)
			if parents {
				e.makes = append(e.makes, p)
			} else {
				e.needs(p, st)
			}
		}
	case named(c):
		e.Network, e.Scripts = true, true
		if k := steered(st); k != "" {
			return k + " is set"
		}
		for _, k := range []string{"NPM_CONFIG_PREFIX", "npm_config_prefix", "GEM_HOME", "BUNDLE_PATH"} {
			if v, ok := st.lookup().Get(k); ok && v != "" {
				return k + " is set"
			}
		}
		e.Writes = append(e.Writes, pathFolders(st)...)
		if c.Name == "yarn" || c.Name == "pnpm" {
			e.Reads = append(e.Reads, nodeReads(st.Workdir)...)
		}
		e.Reads = append(append(e.Reads, languages...), "/etc")
		e.Writes = append(append(e.Writes, languages...), homes(st)...)
	default:
		if why, known := e.tool(c, st); known {
			return why
		}
		if why, known := e.webInstaller(s, c, st); known {
			return why
		}
		return "drydock doesn't know what " + cmp.Or(c.Name, c.Args[0]) + " reads and writes"
	}
	return ""
}

// named: installs of packages by name into the system, which read nothing of
// the project.
func named(c Command) bool {
	if len(c.Args) < 3 {
		return false
	}
	args := c.Args
	if strings.HasPrefix(c.Name, "python") && len(args) > 4 && args[1] == "-m" && args[2] == "pip" {
		args = args[2:]
	}
	global := false
	for _, a := range args[2:] {
		if name, v, ok := strings.Cut(a, "=="); ok && strings.HasPrefix(v, "$") && !strings.ContainsAny(name, "$/") && strings.Trim(v, "${}ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == "" {
			a = name // of some version
		}
		if a == "-g" || a == "--global" {
			global = true
			continue
		}
		if strings.HasPrefix(a, "-r") || strings.HasPrefix(a, "-e") || strings.HasPrefix(a, "-c") || strings.HasPrefix(a, "-t") || strings.HasPrefix(a, "--t") || strings.HasPrefix(a, "--prefix") || strings.HasPrefix(a, "--root") ||
			strings.HasPrefix(a, ".") || strings.ContainsAny(a, "/$") && !strings.HasPrefix(a, "@") && !strings.HasPrefix(a, "-") {
			return false
		}
		for _, p := range []string{"-f", "-i", "--find-links", "--editable", "--src", "--cache-dir", "--config", "--build", "-C", "--cwd", "--dir", "--local"} {
			if strings.HasPrefix(a, p) && a != "-iq" && a != "--cache-dir" {
				return false
			}
		}
		for _, s := range []string{".whl", ".gz", ".tgz", ".zip", ".tar", ".bz2", ".gem", ".txt"} {
			if strings.HasSuffix(a, s) {
				return false // a file
			}
		}
	}
	switch path.Base(args[0]) {
	case "pip", "pip3":
		return args[1] == "install"
	case "npm", "yarn", "pnpm":
		return global && (args[1] == "install" || args[1] == "i" || args[1] == "add" || args[1] == "global")
	case "gem":
		return args[1] == "install"
	}
	return false
}

// nodeReads are the files beside which npm, Yarn or pnpm look for what to do.
// An .npmrc that git leaves out comes with COPY . . all the same.
func nodeReads(dir string) []string {
	var out []string
	for _, f := range []string{"package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpm-workspace.yaml", "npm-shrinkwrap.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"} {
		out = append(out, path.Join(dir, f))
	}
	return out
}
