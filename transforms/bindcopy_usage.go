package transforms

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// readers take a file without changing it.
var readers = []string{
	"pip", "pip3", "apt-get", "apt", "dpkg", "rpm", "yum", "dnf", "apk", "tar", "unzip", "cat", "cp", "install", "test", "[", "grep", "xargs", "gpg", "apt-key", "conda", "mamba",
	"micromamba", "npm", "gem", "uv", "sha256sum", "sha512sum", "md5sum", "echo", "ls", "head", "tail", "awk", "python", "python3", "psql", "mysql",
}

// usage tells how the step uses a file: whether it must be writable, which
// program isn't known to read only, why it can't be lent.
func (b *loan) usage(f lent) (rw bool, unknown, why string) {
	rw = f.dir
	deleted := false
	for _, c := range b.script.Commands() {
		if len(c.Args) == 0 {
			continue
		}
		if c.Name == "rm" || c.Name == "rmdir" {
			for _, a := range c.Args[1:] {
				o, ok := b.operand(a)
				switch {
				case !ok:
				case path.Clean(o) == f.path && c.Name == "rm":
					deleted = true
				case rmLieOf(o, f.path) == rmAround, strings.ContainsAny(o, "*?[{") && rmLieOf(o, f.path) == rmInside && !f.dir:
					return rw, "", c.Name + " of " + a + " would fail on the mount point"
				}
			}
			continue
		}
		named := false
		for i, a := range c.Args {
			o, ok := b.operand(strings.TrimPrefix(a, "@"))
			if ok && strings.HasPrefix(o, "/") && rewrite.Inside(f.path, path.Clean(o)) && path.Clean(o) != f.path && among(c.Name, "find", "chown", "chmod", "mv") {
				return rw, "", c.Name + " works on " + a + ", which holds it"
			}
			if !strings.Contains(a, path.Base(f.path)) {
				continue
			}
			named = true
			if i == 0 && !f.dir {
				unknown = "the script"
			}
		}
		if !named {
			for _, r := range c.Stmt.Redirs {
				named = named || strings.Contains(b.script.Source(r), f.path)
			}
			if !named {
				continue
			}
		}
		switch {
		case deleted:
			return rw, "", "a command behind the rm names it"
		case c.Name == "chmod":
			rw = true
		case f.dir && c.Name != "mv" && c.Name != "ln":
		case among(c.Name, "mv", "ln", "gunzip", "bunzip2", "unxz", "gzip", "bzip2", "xz", "dos2unix", "chown", "touch", "tee", "patch", "truncate"),
			among(c.Name, "sed", "perl", "yq") && slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "-i") || a == "--in-place" || a == "-pi" }):
			return rw, "", c.Name + " does more than read it"
		case f.dir:
		case !among(strings.TrimRight(c.Name, "0123456789."), readers...) && !among(c.Name, readers...):
			unknown = cmp.Or(unknown, c.Name, "a program")
		}
		for _, r := range c.Stmt.Redirs {
			if src := b.script.Source(r); strings.Contains(src, path.Base(f.path)) && strings.Contains(src, ">") {
				return rw, "", "the step writes to it"
			}
		}
	}
	return rw, unknown, ""
}

// dropFrom takes the operands that name what is lent out of an rm.
func (b *loan) dropFrom(e *rewrite.ScriptEdit, c rewrite.Command) {
	var gone []int
	kept := 0
	for i, a := range c.Args {
		if i == 0 || strings.HasPrefix(a, "-") {
			continue
		}
		o, ok := b.operand(a)
		if ok && slices.ContainsFunc(b.files, func(f lent) bool { return path.Clean(o) == f.path }) {
			gone = append(gone, i)
		} else {
			kept++
		}
	}
	switch {
	case len(gone) > 0 && kept == 0:
		e.Drop(c)
	default:
		for _, i := range slices.Backward(gone) {
			e.Remove(c, i)
		}
	}
}
