package imagefs

import (
	"archive/tar"
	"path"
	"strings"
)

// Owner is the package (dpkg or apk) that brings a path, "" for none: "libxml2". Links of folders are followed. A link
// that no package brings (ldconfig made it) belongs to the package of what it leads to.
func (i *Image) Owner(p string) string {
	i.ownersOnce.Do(func() { i.owners = i.ownerIndex() })
	at := i.Tree.parent(p)
	if o := i.owners[at]; o != "" {
		return o
	}
	if n := i.Tree[at]; n != nil && n.Type == tar.TypeSymlink {
		real, _ := i.Tree.follow(at)
		return i.owners[real]
	}
	return ""
}

// ownerIndex reads the package databases once. Folders aren't in it: many packages bring them. Only the links of a
// file's parent folders are resolved: the file itself may be a -dev package's link to a library's file.
func (i *Image) ownerIndex() map[string]string {
	out := map[string]string{}
	folders := map[string]string{}
	add := func(p, pkg string) {
		dir, base := path.Split(strings.Trim(p, "/"))
		real, ok := folders[dir]
		if !ok {
			real, _ = i.Tree.follow(dir)
			folders[dir] = real
		}
		if at := path.Join(real, base); base != "" {
			if n := i.Tree[at]; n == nil || n.Type != tar.TypeDir {
				out[at] = pkg
			}
		}
	}
	for _, list := range i.below("var/lib/dpkg/info") {
		name, ok := strings.CutSuffix(path.Base(list), ".list")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, ":") // libjq1:amd64
		for line := range strings.Lines(string(i.Tree[list].Text)) {
			add(strings.TrimSuffix(line, "\n"), name)
		}
	}
	for _, db := range []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"} {
		n := i.file(db)
		if n == nil {
			continue
		}
		pkg, dir := "", ""
		for line := range strings.Lines(string(n.Text)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			switch key {
			case "P":
				pkg = value
			case "F":
				dir = value
			case "R":
				add(dir+"/"+value, pkg)
			}
		}
	}
	return out
}

// PackageManager is "apt", "apk", "dnf", or "" for an image without one.
func (i *Image) PackageManager() string {
	for _, m := range []struct{ name, program string }{{"apt", "apt-get"}, {"apk", "apk"}, {"dnf", "dnf"}, {"dnf", "microdnf"}, {"dnf", "yum"}} {
		for _, dir := range []string{"usr/bin/", "bin/", "sbin/", "usr/sbin/"} {
			if i.file(dir+m.program) != nil {
				return m.name
			}
		}
	}
	return ""
}
