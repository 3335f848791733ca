package imagefs

import (
	"archive/tar"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A user is whom a container runs as.
type user struct {
	name   string // as the configuration or /etc/passwd has it
	uid    int
	groups []int
	home   string // "" when unknown
	listed bool   // in /etc/passwd
	number bool   // the configuration gives a number
}

// user resolves the configuration's USER as Docker does: "", name, uid, each with ":group". A named group, or a
// number, stands in place of the user's own groups.
func (i *Image) user() user {
	name, group, hasGroup := strings.Cut(i.Config.Config.User, ":")
	if name == "" {
		name = "0"
	}
	u := user{name: name, uid: -1}
	if n, err := strconv.Atoi(name); err == nil {
		u.uid, u.number = n, true
	}
	gid := 0
	for f := range i.records("etc/passwd", 7) {
		n, err := strconv.Atoi(f[2])
		if err != nil || f[0] != name && (!u.number || n != u.uid) {
			continue
		}
		g, err := strconv.Atoi(f[3])
		if err != nil {
			continue
		}
		u.name, u.uid, gid, u.home, u.listed = f[0], n, g, f[5], true
		break
	}
	if u.uid < 0 && name == "root" {
		u.uid = 0
	}
	if hasGroup {
		gid = -1
		if n, err := strconv.Atoi(group); err == nil {
			gid = n
		}
		for f := range i.records("etc/group", 4) {
			if n, err := strconv.Atoi(f[2]); err == nil && f[0] == group {
				gid = n
			}
		}
		u.groups = []int{gid}
		return u
	}
	u.groups = []int{gid}
	for f := range i.records("etc/group", 4) {
		if n, err := strconv.Atoi(f[2]); err == nil && slices.Contains(strings.Split(f[3], ","), u.name) {
			u.groups = append(u.groups, n)
		}
	}
	return u
}

// Home is where $HOME of the program leads: what the configuration's environment says, else the user's home in
// /etc/passwd, else "/", as container engines set it.
func (i *Image) Home() string {
	if home, ok := i.env("HOME"); ok && home != "" {
		return path.Clean(home)
	}
	if home := i.user().home; home != "" {
		return path.Clean(home)
	}
	return "/"
}

// records are the lines of a file such as /etc/passwd with that many fields.
func (i *Image) records(name string, fields int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		n := i.file(name)
		if n == nil {
			return
		}
		for line := range strings.Lines(string(n.Text)) {
			if f := strings.Split(strings.TrimRight(line, "\r\n"), ":"); len(f) == fields && !yield(f) {
				return
			}
		}
	}
}

// Permissions, as the lowest three bits of a mode have them.
const (
	mayRead  = 4
	mayWrite = 2
	mayRun   = 1
)

// may tells whether u has these permissions on n; root needs only that somebody may run it. A folder without a node
// is root's, as builders make it.
func (u user) may(n *Node, want int64) bool {
	mode, uid, gid := int64(0o755), 0, 0
	if n != nil {
		mode, uid, gid = n.Mode, n.UID, n.GID
	}
	switch {
	case u.uid == 0:
		return want&mayRun == 0 || n == nil || n.Type == tar.TypeDir || mode&0o111 != 0
	case u.uid == uid:
		mode >>= 6
	case slices.Contains(u.groups, gid):
		mode >>= 3
	}
	return mode&want == want
}

// reaches tells whether u may search every folder above a real path.
func (i *Image) reaches(u user, real string) bool {
	if u.uid == 0 {
		return true
	}
	for d := real; d != "."; {
		d = path.Dir(d)
		if !u.may(i.Tree[d], mayRun) {
			return false
		}
	}
	return true
}

// allows tells whether u has these permissions on the file at p, links followed.
func (i *Image) allows(u user, p string, want int64) bool {
	real, n := i.Tree.follow(p)
	return n != nil && u.may(n, want) && i.reaches(u, real)
}

// Writable tells whether the image's user may create files in that folder, by
// modes, owners and the user's groups in /etc/group. For a folder that isn't
// there: whether the user may create it.
func (i *Image) Writable(p string) bool { return i.writable(i.user(), p) }

func (i *Image) writable(u user, p string) bool {
	real, n := i.Tree.follow(p)
	for n == nil && real != "." && !i.isDir(real) {
		real = path.Dir(real)
		n = i.Tree[real]
	}
	if n != nil && n.Type != tar.TypeDir {
		return false
	}
	return u.may(n, mayWrite|mayRun) && i.reaches(u, real)
}
