package imagefs

import (
	"path"
	"strings"
)

const dpkgDir = "var/lib/dpkg/"

// A Package is one that dpkg lists as installed.
type Package struct {
	Name string
	// Manual: somebody asked for it, or the base had it; false for a dependency or recommendation that apt brought.
	Manual bool
	Files  []string // and folders
}

// Packages reads dpkg's and apt's records: none when t has no dpkg. Keys are names such as "jq".
func (t Tree) Packages() map[string]*Package {
	out := map[string]*Package{}
	arch := map[string]string{}
	for _, p := range t.stanzas(dpkgDir + "status") {
		if strings.HasSuffix(p["Status"], " installed") {
			out[p["Package"]] = &Package{Name: p["Package"], Manual: true}
			arch[p["Package"]] = p["Architecture"]
		}
	}
	for _, p := range t.stanzas("var/lib/apt/extended_states") {
		if pkg := out[p["Package"]]; pkg != nil && p["Auto-Installed"] == "1" {
			pkg.Manual = false
		}
	}
	for name, pkg := range out {
		list := t[dpkgDir+"info/"+name+".list"]
		if list == nil {
			list = t[dpkgDir+"info/"+name+":"+arch[name]+".list"]
		}
		if list == nil {
			continue
		}
		for f := range strings.Lines(string(list.Text)) {
			pkg.Files = append(pkg.Files, t.real(strings.Trim(f, "/\n")))
		}
	}
	return out
}

// real resolves the one kind of link that packages write through: /lib and its likes, which point into /usr.
func (t Tree) real(p string) string {
	first, rest, _ := strings.Cut(p, "/")
	if n := t[first]; n != nil && n.Link != "" {
		return path.Join(strings.TrimPrefix(n.Link, "/"), rest)
	}
	return p
}

// stanzas reads a file of "Key: value" paragraphs; continuation lines are left out.
func (t Tree) stanzas(name string) []map[string]string {
	if t[name] == nil {
		return nil
	}
	var out []map[string]string
	var p map[string]string
	for line := range strings.Lines(string(t[name].Text)) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ": ")
		switch {
		case line == "\n":
			p = nil
		case ok && !strings.HasPrefix(key, " "):
			if p == nil {
				p = map[string]string{}
				out = append(out, p)
			}
			p[key] = value
		}
	}
	return out
}
