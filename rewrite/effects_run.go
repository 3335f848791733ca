package rewrite

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/repo"
)

// system is where package managers and account tools write.
var system = []string{"/usr", "/etc", "/var", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/root", "/tmp", "/run"}

// systemTools read and write the system directories only; arguments that look
// like paths count as read.
var systemTools = map[string]bool{
	"apt-get": true, "apt": true, "apt-key": true, "apt-cache": true, "add-apt-repository": true, "dpkg": true, "dpkg-reconfigure": true, "apk": true,
	"yum": true, "dnf": true, "microdnf": true, "zypper": true, "rpm": true, "update-ca-certificates": true, "locale-gen": true, "update-locale": true, "ldconfig": true,
	"useradd": true, "adduser": true, "groupadd": true, "addgroup": true, "usermod": true, "update-alternatives": true, "debconf-set-selections": true, "corepack": true,
}

// pathTools read and write just the paths among their arguments.
var pathTools = map[string]bool{"mkdir": true, "touch": true, "chmod": true, "chown": true, "chgrp": true, "rm": true, "ln": true, "cp": true, "mv": true, "install": true, "rmdir": true}

// idle commands touch no file by themselves.
var idle = map[string]bool{"echo": true, "printf": true, "true": true, ":": true, "set": true, "exit": true, "sleep": true, "false": true}

// runEffects reads a RUN's script. A command that isn't in a table makes the
// effects unknown.
func (in *Instruction) runEffects(e *Effects, st State, rp *repo.Repo, name string) {
	e.UsesAll = true
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
	}
	if len(c.Args) == 0 {
		return ""
	}
	if i, ok := in.install(c, st.Workdir, rp, name); ok {
		e.Network = true
		e.Installs = append(e.Installs, i)
		e.Writes = append(e.Writes, i.Writes...)
		if i.Unknown != "" {
			return i.Unknown
		}
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
	case systemTools[c.Name]:
		e.Network = true
		e.Reads = append(e.Reads, system...)
		e.Writes = append(e.Writes, system...)
		for _, a := range c.Args[1:] {
			if strings.HasPrefix(a, "./") || strings.HasPrefix(a, "/") {
				p, ok := st.Abs(a)
				if !ok {
					return "it uses the computed path " + a
				}
				e.Reads = append(e.Reads, p)
			}
		}
	case pathTools[c.Name]:
		for n, a := range c.Args[1:] {
			if strings.HasPrefix(a, "-") || n == 0 && (c.Name == "chmod" || c.Name == "chown" || c.Name == "chgrp") {
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
		}
	case named(c):
		e.Network = true
		e.Reads = append(e.Reads, "/usr", "/etc")
		e.Writes = append(e.Writes, "/usr", "/root", "/tmp", "/var", "/opt")
	default:
		return "drydock doesn't know what " + first(c.Name, c.Args[0]) + " reads and writes"
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
		if a == "-g" || a == "--global" {
			global = true
			continue
		}
		if strings.HasPrefix(a, "-r") || strings.HasPrefix(a, "-e") || strings.HasPrefix(a, "-c") || strings.HasPrefix(a, "-t") || strings.HasPrefix(a, "--t") || strings.HasPrefix(a, "--prefix") || strings.HasPrefix(a, "--root") ||
			strings.HasPrefix(a, ".") || strings.ContainsAny(a, "/$") && !strings.HasPrefix(a, "@") && !strings.HasPrefix(a, "-") {
			return false
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

func first(a ...string) string {
	for _, s := range a {
		if s != "" {
			return s
		}
	}
	return ""
}
