package imagefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// packageName is the package of a specifier: "@scope/name" of "@scope/name/lib/x".
func packageName(specifier string) string {
	first, rest, ok := strings.Cut(specifier, "/")
	if strings.HasPrefix(specifier, "@") && ok {
		second, _, _ := strings.Cut(rest, "/")
		return first + "/" + second
	}
	return first
}

// moduleName is the name by which a program loads a module's folder or file.
func moduleName(p string) string {
	if i := strings.LastIndex(p, "node_modules/"); i >= 0 {
		return p[i+len("node_modules/"):]
	}
	name, _, _ := strings.Cut(path.Base(p), ".")
	return name
}

// resolve is the folder of the package that a JavaScript file loads by name: node_modules of the folders above it;
// "" for none.
func (i *Image) resolve(from, name string) string {
	for d := path.Dir(from); ; d = path.Dir(d) {
		if path.Base(d) != "node_modules" {
			if real, n := i.Tree.follow(path.Join(d, "node_modules", name)); n != nil || i.isDir(real) {
				return real
			}
		}
		if d == "." {
			return ""
		}
	}
}

// dependencies finds modules that a module which stayed depends on. A module of which files are gone was traced to
// what runs (Next's standalone does that), and doesn't need all that it declares.
func (c *comparison) dependencies() {
	for _, p := range c.after.sorted() {
		n := c.after.Tree[p]
		if path.Base(p) != "package.json" || n.Text == nil || path.Dir(p) != modulePath(p) || !strings.Contains(p, "node_modules/") || !c.isApp[p] && c.before.Tree[p] == nil {
			continue
		}
		var m struct {
			Dependencies map[string]string `json:"dependencies"`
			Optional     map[string]string `json:"optionalDependencies"`
		}
		if json.Unmarshal(n.Text, &m) != nil {
			continue
		}
		var names []string
		for name := range m.Dependencies {
			if _, optional := m.Optional[name]; !optional && !strings.HasPrefix(name, "@types/") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			if was := c.before.resolve(p, name); was != "" && c.after.resolve(p, name) == "" && c.whole(path.Dir(p)) {
				c.add(true, finding.Module, "/"+was, fmt.Sprintf("the module %s is gone, and %s needs it", name, moduleName(path.Dir(p))), name)
			}
		}
	}
}

// whole: after has all files of a module's folder, but for its own modules.
func (c *comparison) whole(dir string) bool {
	for _, p := range c.before.below(dir) {
		if n := c.before.Tree[p]; n.Type == '0' && modulePath(p) == dir && !noise(p) && c.after.Tree[p] == nil {
			return false
		}
	}
	return true
}

// pythonFolders are those in which Python finds installed packages.
var pythonFolders = rewrite.Lazily(`(^|.*/)python[0-9.]+/(site|dist)-packages/`) // Debian's own is python3

// pythonModules are the top-level modules in all folders of packages, and where they are. The interpreter's own base
// doesn't count: only paths for which take is true.
func (i *Image) pythonModules(take func(p string) bool) map[string]string {
	out := map[string]string{}
	for _, p := range i.sorted() {
		m := pythonFolders().FindString(p)
		if m == "" || i.Tree[p].Type == '5' || !take(p) {
			continue
		}
		first, rest, isFolder := strings.Cut(p[len(m):], "/")
		ext := path.Ext(first)
		switch {
		case isFolder && ext == "" && !strings.HasSuffix(rest, ".pyc"):
			out[first] = m + first
		case !isFolder && (ext == ".py" || ext == ".so"):
			name, _, _ := strings.Cut(first, ".")
			out[name] = m + first
		}
	}
	return out
}

func (i *Image) pythonModule(name string) string {
	return i.pythonModules(func(string) bool { return true })[name]
}

// pythonGone are the modules that came above before's base and that after has nowhere, and their paths.
func (c *comparison) pythonGone() map[string]string {
	above := c.above()
	was := c.before.pythonModules(func(p string) bool { return above[p] })
	if len(was) == 0 {
		return nil
	}
	for name := range c.after.pythonModules(func(string) bool { return true }) {
		delete(was, name)
	}
	return was
}

// named finds the application's own dependencies that a file names without requiring them: a database's driver, a page's
// view engine ({client: "pg"}). What a bundler wrote holds its modules, so one that is still there beside the file must show that it didn't.
func (s *scanner) named(p string, text []byte) {
	if generated().MatchString(p) {
		return
	}
	var m struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	for d := path.Dir(p); ; d = path.Dir(d) {
		if n := s.c.before.file(path.Join(d, "package.json")); n != nil {
			if json.Unmarshal(n.Text, &m) != nil {
				return
			}
			break
		}
		if d == "." {
			return
		}
	}
	var lost []string
	stays := false
	for name := range m.Dependencies {
		if s.c.before.resolve(p, name) == "" {
			continue
		}
		if s.c.after.resolve(p, name) == "" {
			lost = append(lost, name)
		} else {
			stays = true
		}
	}
	if !stays {
		return
	}
	slices.Sort(lost)
	for _, name := range lost {
		for _, q := range []string{`"`, `'`, "`"} {
			if bytes.Contains(text, []byte(q+name+q)) {
				was := s.c.before.resolve(p, name)
				s.c.add(true, finding.Module, "/"+was, "the module "+name+" is gone, and /"+p+" names it", name)
				break
			}
		}
	}
}
