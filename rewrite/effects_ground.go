package rewrite

import (
	"cmp"
	"path"
	"strings"
)

// What an instruction stands on without naming it: the programs that a RUN
// starts, the folders that must be there, the owner that a folder gets from
// whoever makes it first.

// programs is where a shell and the tools of a distribution lie. A COPY that
// brings one of these can't change places with a RUN.
var programs = []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/include",
	"/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/local/lib64", "/usr/local/libexec", "/usr/local/share", "/usr/local/include", "/usr/local/go",
	"/etc/passwd", "/etc/group", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.cache", "/etc/ld.so.preload",
	"/etc/alternatives", "/etc/environment", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gitconfig", "/etc/npmrc", "/etc/pip.conf", "/root/.npmrc", "/root/.gitconfig", "/root/.netrc", "/root/.ssh", "/root/.config"}

// accounts are the files that turn a user's name into a number.
var accounts = []string{"/etc/passwd", "/etc/group"}

// merged are folders that distributions make links of
// (https://systemd.io/THE_CASE_FOR_THE_USR_MERGE/; /var/run in FHS 3.0).
var merged = [][2]string{{"/bin", "/usr/bin"}, {"/sbin", "/usr/sbin"}, {"/lib", "/usr/lib"}, {"/lib64", "/usr/lib64"}, {"/var/run", "/run"}}

// real is the path behind such a link.
func real(p string) string {
	if len(p) < 4 || strings.IndexByte("bslv", p[1]) < 0 {
		return p
	}
	for _, m := range merged {
		if Inside(p, m[0]) {
			return m[1] + p[len(m[0]):]
		}
	}
	return p
}

// links are the other names of a path: the context may hold it under these.
func links(p string) []string {
	out := []string{p}
	for _, m := range merged {
		if Inside(p, m[1]) {
			out = append(out, m[0]+p[len(m[1]):])
		}
	}
	return out
}

// ground notes what a RUN stands on and brings all paths to one form.
func (e *Effects) ground(st State) {
	e.workdir = st.Workdir
	if e.UsesAll {
		e.programs = append(e.programs, pathFolders(st)...)
	}
	for _, list := range [][]string{e.Reads, e.Writes, e.programs, e.makes} {
		for i := range list {
			list[i] = real(list[i])
		}
	}
	for i := range e.Trees {
		e.Trees[i].Dest = real(e.Trees[i].Dest)
	}
	if e.UsesAll {
		e.programs = append(e.programs, programs...)
	}
}

// pathFolders are the installations that PATH, as the file sets it, names
// beside the system's own: /venv for /venv/bin.
func pathFolders(st State) []string {
	var out []string
	v, _ := st.lookup().Get("PATH")
	for _, d := range strings.Split(v, ":") {
		if !strings.HasPrefix(d, "/") || strings.Contains(d, "$") {
			continue
		}
		d = path.Clean(d)
		if b := path.Base(d); b == "bin" || b == "sbin" {
			d = path.Dir(d)
		}
		switch d {
		case "/", "/usr", "/usr/local":
		default:
			out = append(out, d)
		}
	}
	return out
}

// standing are folders that every image has.
var standing = map[string]bool{"/": true, "/bin": true, "/etc": true, "/home": true, "/lib": true, "/media": true, "/mnt": true, "/opt": true, "/root": true, "/run": true, "/sbin": true, "/srv": true, "/tmp": true,
	"/usr": true, "/usr/bin": true, "/usr/lib": true, "/usr/local": true, "/usr/local/bin": true, "/usr/local/lib": true, "/usr/local/share": true, "/usr/sbin": true, "/usr/share": true, "/usr/src": true,
	"/var": true, "/var/cache": true, "/var/lib": true, "/var/log": true, "/var/run": true, "/var/tmp": true}

// stands reports whether a folder is there for sure.
func Stands(dir, workdir string) bool {
	return standing[dir] || workdir != "" && Inside(workdir, dir)
}

// needs notes that a path's folder must be there before.
func (e *Effects) needs(p string, st State) {
	if dir := path.Dir(p); !Stands(dir, st.Workdir) {
		e.Reads = append(e.Reads, dir)
	}
}

// owner names whom a folder belongs to that the instruction makes on the way.
func (in *Instruction) owner(st State) string {
	switch in.Keyword {
	case "copy", "add":
		own, _ := in.Flag("chown")
		mode, _ := in.Flag("chmod")
		switch own {
		case "root", "root:root", "0", "0:0":
			own = ""
		}
		return strings.TrimSpace(own + " " + mode)
	}
	if st.Root() || st.User == "" && !st.Known {
		return ""
	}
	return cmp.Or(st.User, st.Base.User)
}

// together is the longest folder that lies on the way to both paths.
func together(a, b string) string {
	for !Inside(b, a) {
		a = path.Dir(a)
	}
	return a
}

// numeric reports whether --chown needs no look into the accounts.
func numeric(owner string) bool {
	return strings.Trim(owner, "0123456789:") == ""
}
