package transforms

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// target is where a COPY puts what.
type target struct {
	dest    string // absolute
	folder  string // dest, where it is a folder that gets the contents of one
	context bool   // from the build context
	files   []landed
	assumes string // that a source is a file
}

// landed is a file that a COPY brings. A destination that turns out to be a
// folder gets it below: then a chmod names it there.
type landed struct {
	src, path, below string
}

// landing works out what a plain COPY brings; ok is false where even the
// destination isn't known. files is empty unless all sources are files.
func landing(in *rewrite.Instruction, p *rewrite.Pass) (t target, ok bool) {
	sources, dest, from, _ := in.Copy()
	st := in.State()
	if argIn(dest, st) != "" {
		return t, false
	}
	full := st.Expand(dest)
	if t.dest, ok = st.Abs(full); !ok {
		return t, false
	}
	t.context = from == ""
	into := strings.HasSuffix(full, "/") || full == "." || len(sources) > 1 || t.dest == st.Workdir || rewrite.Stands(t.dest, st.Workdir)
	var files []landed
	for _, s := range sources {
		base := path.Base(strings.TrimSuffix(s, "/"))
		below := path.Join(t.dest, base)
		f := landed{src: s, path: t.dest, below: below}
		if into {
			f.path = below
		}
		switch {
		case strings.ContainsAny(s, "$*?[\"'") || strings.HasSuffix(s, "/") || base == "." || base == ".." || t.context && p.Repo.IsDir(s):
			if t.context && len(sources) == 1 && (s == "." || s == "./" || strings.HasSuffix(s, "/") || p.Repo.IsDir(s)) && !strings.ContainsAny(s, "$*?[") {
				t.folder = t.dest
			}
			return t, true
		case t.context && p.Repo.Exists(s):
		case plainName(s) && path.Ext(s) != "":
		case into && strings.HasSuffix(full, "/"): // the contents of a folder would not land under its name
		default:
			t.assumes = s + " is a file"
		}
		if !into && path.Base(t.dest) != base && path.Ext(t.dest) == "" {
			t.assumes = t.dest + " is a file"
		}
		files = append(files, f)
	}
	t.files = files
	return t, true
}

// flag is the COPY flag that does what the grant does; "-" for none.
func (g *grant) flag(p *rewrite.Pass, in *rewrite.Instruction, t target) (flag, assumes, why string) {
	if g.recursive && t.assumes != "" {
		return "", "", ""
	}
	name := "chmod"
	if g.chown {
		name = "chown"
	}
	if _, set := in.Flag(name); set {
		return "", "", ""
	}
	for _, other := range []string{"link", "parents"} {
		if _, set := in.Flag(other); set {
			return "", "", ""
		}
	}
	if g.chown {
		owner := g.owner(t)
		switch {
		case owner == "":
			return "", "", ""
		case t.context && (owner == "root:root" || owner == "0:0" || owner == "root:0"):
			return "-", "", ""
		case !foldersStand(in, t):
			return "", "", "COPY --chown would give the folder that it makes to " + owner + " too"
		}
		return "--chown=" + owner, "", ""
	}
	mode, assumes, why := g.mode(p, t)
	switch {
	case mode == "" || why != "":
		return "", "", why
	case p.Doc.Escape != '\\' || !allowsChmod(p.Doc):
		return "", "", "the file's # syntax= is older than COPY --chmod"
	case mode[0] >= '0' && mode[0] <= '9' && mode != "755" && mode != "0755" && !foldersStand(in, t):
		return "", "", "COPY --chmod would give the folder that it makes the mode " + mode + " too"
	}
	return "--chmod=" + mode, assumes, ""
}

// foldersStand reports whether the folders of the files are there before the
// COPY, which gives its owner and mode to those that it makes.
func foldersStand(in *rewrite.Instruction, t target) bool {
	for _, f := range t.files {
		dir := path.Dir(f.path)
		if rewrite.Stands(dir, in.State().Workdir) {
			continue
		}
		made := false
		for _, i := range in.Stage.Instructions {
			if i == in {
				break
			}
			if _, dest, _, ok := i.Copy(); ok && i.Inner() == i {
				st := i.State()
				abs, ok := st.Abs(st.Expand(dest))
				made = made || ok && argIn(dest, st) == "" && (path.Dir(abs) == dir || abs == dir && strings.HasSuffix(dest, "/"))
			}
			made = made || i.Keyword == "workdir" && rewrite.Inside(i.Stage.At(i.Next()).Workdir, dir) && i.Next() != nil
		}
		if !made {
			return false
		}
	}
	return true
}

// owner is the value of --chown that gives the files the owner that the chown
// gives them, "" when there is none.
func (g *grant) owner(t target) string {
	o := g.to
	if strings.Contains(o, "$") {
		st := g.run.State()
		if strings.Contains(st.Expand(o), "$") || strings.ContainsAny(o, "\"'\\`(") {
			return ""
		}
	} else if strings.Trim(o, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:") != "" {
		return ""
	}
	user, group, hasGroup := strings.Cut(o, ":")
	if !hasGroup { // the old form user.group; a user's name may hold a dot
		if u, g, dot := strings.Cut(o, "."); dot && u == g && !strings.Contains(o, "$") {
			user, group, hasGroup = u, g, true
		}
	}
	switch {
	case user == "" || strings.ContainsAny(user, "."):
		return ""
	case hasGroup && group != "":
		return user + ":" + group
	case hasGroup: // the user's login group
		if strings.Trim(user, "0123456789") == "" || strings.Contains(user, "$") {
			return ""
		}
		return user
	case t.context: // the group stays, and that is root's
		return user + ":0"
	}
	return ""
}

// mode is the value of --chmod for the chmod's mode.
func (g *grant) mode(p *rewrite.Pass, t target) (mode, assumes, why string) {
	m := g.to
	if strings.Trim(m, "01234567") == "" {
		if n, err := strconv.ParseUint(m, 8, 32); err != nil || n > 0o777 || len(m) < 3 {
			return "", "", ""
		}
		return m, "", ""
	}
	who, perms, ok := strings.Cut(m, "+")
	if !ok || strings.Trim(who, "ugoa") != "" || perms == "" || strings.Trim(perms, "rwx") != "" || who == "" && strings.Contains(perms, "w") { // the umask has a say
		return "", "", ""
	}
	if version, named := p.Doc.Syntax(); named && symbolicChmod(version) {
		return m, "", ""
	}
	all := fs.FileMode(0)
	for _, f := range t.files {
		fi, err := fs.Stat(p.Repo.FS(), path.Clean(strings.TrimLeft(f.src, "/")))
		if !t.context || err != nil || fi.IsDir() || all != 0 && all != fi.Mode().Perm() {
			return "", "", fmt.Sprintf("COPY --chmod needs the whole mode, and that of %s isn't known", f.src)
		}
		all = fi.Mode().Perm()
	}
	bits := fs.FileMode(0)
	for i, c := range "xwr" {
		if strings.ContainsRune(perms, c) {
			bits |= 1 << i
		}
	}
	set := all
	for i, c := range "ogu" {
		if who == "" || strings.ContainsRune(who, 'a') || strings.ContainsRune(who, c) {
			set |= bits << (3 * i)
		}
	}
	return fmt.Sprintf("%o", set), fmt.Sprintf("%s has the mode %04o in the build context, as it has here", t.files[0].src, all), ""
}

// symbolicChmod reports whether a version of Dockerfile's syntax takes --chmod=+x:
// since 1.14 (its release notes).
func symbolicChmod(version string) bool { return syntaxAtLeast(version, 14) }

func allowsChmod(d *rewrite.Document) bool {
	version, named := d.Syntax()
	return !named || syntaxAtLeast(version, 3)
}

// syntaxAtLeast compares with 1.minor; a major alone and latest mean the newest.
func syntaxAtLeast(version string, minor int) bool {
	major, rest, dotted := strings.Cut(version, ".")
	if !dotted {
		return version == "latest" || version == "1"
	}
	m, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(m)
	return err == nil && major == "1" && n >= minor
}

// folderChange turns a chown -R of the folder that a COPY fills into COPY --chown
// and a chown of the folder itself.
func (g *grant) folderChange(p *rewrite.Pass, in *rewrite.Instruction, before []*rewrite.Instruction, t target) *rewrite.Change {
	if !g.chown {
		return nil
	}
	owner := g.owner(t)
	for _, f := range []string{"chown", "link", "parents"} {
		if _, set := in.Flag(f); set {
			return nil
		}
	}
	switch {
	case owner == "" || owner == "root:root" || owner == "0:0":
		return nil
	case rewrite.Stands(t.folder, "") || path.Dir(t.folder) == "/home":
		p.Decline(g.run, "chown -R of %s changes more than COPY brings", t.folder)
		return nil
	}
	if !foldersStand(in, target{files: []landed{{path: t.folder}}}) {
		p.Decline(g.run, "COPY --chown would give the folders that it makes above %s to %s too", t.folder, owner)
		return nil
	}
	for s := in.Stage.Parent(); s != nil; s = s.Parent() {
		before = append(s.Instructions[:len(s.Instructions):len(s.Instructions)], before...)
	}
	for _, i := range before {
		if why := fills(i, t.folder); why != "" {
			p.Decline(g.run, "%s may have put files below %s, which chown -R changes too", why, t.folder)
			return nil
		}
	}
	at := in.SrcPos(in.Args.Start)
	c := &rewrite.Change{
		Title:   "COPY --chown=" + owner + " instead of RUN chown -R",
		Why:     "chown -R in a RUN writes every file a second time, in a layer of its own",
		Gain:    "what is copied is in the image once",
		Safety:  rewrite.Assumes,
		Assumes: "the base image has nothing below " + t.folder,
		At:      in,
		Edits:   []rewrite.Edit{{Span: rewrite.Span{Start: at, End: at}, New: "--chown=" + owner + " "}},
	}
	s, _ := g.run.Shell()
	e := s.Edit()
	for i, a := range g.cmd.Args {
		if a == "-R" || a == "--recursive" {
			e.Remove(g.cmd, i)
		}
	}
	if !e.Into(c) {
		return nil
	}
	return c
}

// fills names the instruction if it may put files below the folder.
func fills(in *rewrite.Instruction, folder string) string {
	st := in.State()
	switch in.Keyword {
	case "run":
		if st.Workdir == "" || rewrite.Inside(st.Workdir, folder) || strings.Contains(in.Text, folder) {
			return fmt.Sprintf("the RUN of line %d", in.Line)
		}
	case "copy", "add":
		_, dest, _, _ := in.Copy()
		abs, ok := st.Abs(st.Expand(dest))
		if !ok || rewrite.Inside(abs, folder) || rewrite.Inside(folder, abs) {
			return fmt.Sprintf("the %s of line %d", strings.ToUpper(in.Keyword), in.Line)
		}
	}
	return ""
}
