package imagefs

import (
	"archive/tar"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// What a run that nobody asks for more doesn't show: a file, a library or a command that only some request needs, a
// folder that only an upload writes to.

// goneFor: what before's program could find at an absolute path and after's can't. Who names a whole path means it, so only
// what a running container has in its place, and what other checks look at, is left out.
func (c *comparison) goneFor(p string) bool {
	real, n := c.before.Tree.follow(p)
	return n != nil && n.Type == tar.TypeReg && !transient(real) && c.after.file(p) == nil
}

// quotedPath is a file that a text names by its whole path, in quotes.
var quotedPath = rewrite.Lazily("[\"'`](/(?:usr|etc|opt|srv|var|lib|bin|sbin|home|root)/[A-Za-z0-9_@%+./-]+)[\"'`]")

// quotedLibrary is a library that a text names: ctypes.CDLL("libmagic.so.1"); ffi.load.
var quotedLibrary = rewrite.Lazily("[\"'`](lib[A-Za-z0-9_+-]+\\.so(?:\\.[0-9]+)*)[\"'`]")

// foundLibrary is one that Python looks for without its version.
var foundLibrary = rewrite.Lazily(`\bfind_library\(\s*["']([A-Za-z0-9_+.-]+)["']`)

// quotedCommand is a list that begins with a command and an option: cmd = ["git", "--version"].
var quotedCommand = rewrite.Lazily("\\[\\s*[\"']([A-Za-z0-9_.+-]+)[\"']\\s*,\\s*[\"']-")

// literals finds files, libraries and commands that a text names as only programs do, that before has and after hasn't.
func (s *scanner) literals(p string, text []byte) {
	c := s.c
	for _, m := range quotedPath().FindAllSubmatch(text, -1) {
		if at := path.Clean(string(m[1])); c.goneFor(at) {
			if c.before.runnable(c.was, at) && c.after.lookPath(c.is, path.Base(at)) != "" {
				continue // a tool that lies elsewhere now: such texts try several places
			}
			c.add(true, finding.File, at, fmt.Sprintf("%s is gone, and /%s names it", at, p), at)
		}
	}
	lacks := func(soname string) {
		if c.before.Library(soname) != "" && c.after.Library(soname) == "" {
			c.add(true, finding.Library, "/"+p, fmt.Sprintf("/%s names %s, which the new image lacks", p, soname), soname)
		}
	}
	for _, m := range quotedLibrary().FindAllSubmatch(text, -1) {
		lacks(string(m[1]))
	}
	for _, m := range foundLibrary().FindAllSubmatch(text, -1) {
		for _, soname := range c.before.versions("lib" + string(m[1]) + ".so.") {
			lacks(soname)
		}
	}
	for _, m := range quotedCommand().FindAllSubmatch(text, -1) {
		if name := string(m[1]); c.before.command(c.was, name) != "" && c.after.command(c.is, name) == "" {
			c.add(true, finding.Command, "/"+p, "/"+p+" starts "+name+", which the new image lacks", name)
		}
	}
}

// versions are the sonames that begin with prefix and have one number more, in the folders of packages' libraries.
func (i *Image) versions(prefix string) []string {
	set := map[string]bool{}
	for _, p := range i.sorted() {
		if base := path.Base(p); strings.HasPrefix(base, prefix) && strings.Trim(base[len(prefix):], "0123456789") == "" && i.Library(base) != "" {
			set[base] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// writes are calls that make a file or a folder with a literal name. The first group is a folder, the second a file.
var writes = rewrite.Lazily("\\b(?:os\\.makedirs|os\\.mkdir|mkdirSync|fs\\.mkdir|fsp?\\.promises\\.mkdir)\\(\\s*[rbf]?[\"'`]([A-Za-z0-9_./-]+)|" +
	"\\b(?:sqlite3\\.connect|new Database|writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream)\\(\\s*[rbf]?[\"'`]([A-Za-z0-9_./-]+)[\"'`]|" +
	"\\bopen\\(\\s*[rbf]?[\"']([A-Za-z0-9_./-]+)[\"']\\s*,\\s*(?:mode=)?[\"'][rbt]*[wax+]")

// written finds files and folders that a text makes where before's user may and after's may not.
func (s *scanner) written(p string, text []byte) {
	c := s.c
	if c.is.uid == 0 {
		return
	}
	for _, m := range writes().FindAllSubmatch(text, -1) {
		name := string(m[1]) + string(m[2]) + string(m[3]) // two of them are empty
		at := c.after.inWorkdir(name)
		dir := path.Dir(at)
		if len(m[1]) > 0 {
			dir = at
			if c.after.isDir(at) && c.before.isDir(at) {
				continue // it is there: nothing is made
			}
		}
		if noise(rooted(at)+"/") || strings.HasPrefix(at, "/dev/") || !c.before.writable(c.was, dir) || c.after.writable(c.is, dir) ||
			c.after.file(at) != nil && c.after.allows(c.is, at, mayWrite) && len(m[1]) == 0 && !strings.HasSuffix(at, "db") && !strings.Contains(at, "sqlite") {
			continue
		}
		c.add(true, finding.Permission, at, fmt.Sprintf("/%s writes %s, and the new image's user %q may not", p, at, c.is.name), dir)
	}
}

// keepers are files that stand in a folder so that git keeps it.
var keepers = []string{".gitkeep", ".keep", ".gitignore", ".placeholder"}

// emptyFolders finds folders above before's base with nothing in them, which are there to be written to, and volumes, where
// before's user may write and after's may not.
func (c *comparison) emptyFolders() {
	if c.is.uid == 0 {
		return
	}
	var found []string
	layers := c.before.layers
	for _, l := range layers[max(0, min(c.want.Bottom, len(layers))):] {
		for _, e := range l.entries {
			n, a := c.before.Tree[e.path], c.after.Tree[e.path]
			if n == nil || a == nil || n.Type != tar.TypeDir || a.Type != tar.TypeDir || slices.Contains(found, "/"+e.path) || e.path == "." ||
				strings.HasPrefix(e.path, "root") || strings.HasPrefix(e.path, "home/") || strings.HasPrefix(e.path, "usr/") || strings.HasPrefix(e.path, "etc/") ||
				noise(e.path+"/") || modulePath(e.path+"/") != "" || !c.hollow(e.path) {
				continue
			}
			found = append(found, "/"+e.path)
		}
	}
	for v := range c.before.Config.Config.Volumes {
		if _, ok := c.after.Config.Config.Volumes[v]; ok && !slices.Contains(found, path.Clean(v)) {
			found = append(found, path.Clean(v))
		}
	}
	if slices.Sort(found); len(found) == 0 {
		return
	}
	packaged := c.before.packagedFolders(found)
	for _, dir := range found {
		if !packaged[dir] && c.before.writable(c.was, dir) && !c.after.writable(c.is, dir) {
			c.add(c.after.isDir(dir), finding.Permission, dir, fmt.Sprintf("%s is there to be written to, and the new image's user %q may not", dir, c.is.name), dir)
		}
	}
}

// hollow: a folder has nothing in it, in neither image.
func (c *comparison) hollow(dir string) bool {
	for _, i := range []*Image{c.before, c.after} {
		for _, e := range i.entries(dir) {
			if !slices.Contains(keepers, e) {
				return false
			}
		}
		for _, p := range i.below(dir) {
			if n := i.Tree[p]; n != nil && n.Type == tar.TypeDir {
				return false // its folders are looked at themselves
			}
		}
	}
	return true
}

// packagedFolders are those of some folders that a package brings.
func (i *Image) packagedFolders(dirs []string) map[string]bool {
	out := map[string]bool{}
	for _, list := range i.below("var/lib/dpkg/info") {
		if path.Ext(list) != ".list" {
			continue
		}
		for line := range strings.Lines(string(i.Tree[list].Text)) {
			if line = strings.TrimSuffix(line, "\n"); slices.Contains(dirs, line) {
				out[line] = true
			}
		}
	}
	return out
}

// privileges finds executables that lost their capabilities, which COPY doesn't take along everywhere, or run as their
// owner no more. A base's own don't count.
func (c *comparison) privileges() {
	layers := c.before.layers
	seen := map[string]bool{}
	for _, l := range layers[max(0, min(c.want.Bottom, len(layers))):] {
		for _, e := range l.entries {
			b, a := c.before.Tree[e.path], c.after.Tree[e.path]
			if seen[e.path] || b == nil || a == nil || b.Type != tar.TypeReg || a.Type != tar.TypeReg {
				continue
			}
			seen[e.path] = true
			if had := b.Xattrs["security.capability"]; had != "" && a.Xattrs["security.capability"] != had {
				c.add(true, finding.Permission, "/"+e.path, fmt.Sprintf("/%s has lost its file capabilities (setcap)", e.path))
			}
			if bit := b.Mode &^ a.Mode & 0o6000; bit != 0 && b.Mode&0o111 != 0 {
				c.add(true, finding.Permission, "/"+e.path, fmt.Sprintf("/%s has lost its set-id bit: mode %04o, it was %04o", e.path, a.Mode, b.Mode))
			}
		}
	}
}

// utc are names of the zone that an image without any has.
var utc = []string{"", "UTC", "Etc/UTC", "GMT", "UTC0", "Etc/GMT", "Universal", "Zulu", "Etc/Universal", "Etc/Zulu"}

// localTime: /etc/localtime leads to another zone, where TZ doesn't name one.
func (c *comparison) localTime() {
	for _, i := range []*Image{c.before, c.after} {
		if tz, _ := i.env("TZ"); tz != "" {
			return // config compares it
		}
	}
	was, is := c.before.localZone(), c.after.localZone()
	if was == is {
		return
	}
	own := !c.want.Base
	layers := c.before.layers
	for _, l := range layers[max(0, min(c.want.Bottom, len(layers))):] {
		own = own || slices.ContainsFunc(l.entries, func(e entry) bool { return e.path == "etc/localtime" })
	}
	name := func(i *Image) string {
		if n := i.Tree["etc/localtime"]; n != nil && n.Link != "" {
			_, zone, _ := strings.Cut(n.Link, "zoneinfo/")
			return or(zone, n.Link)
		}
		return "UTC"
	}
	c.add(own, finding.TimeZones, "/etc/localtime", fmt.Sprintf("local time is another: /etc/localtime is %s, it was %s", name(c.after), name(c.before)))
}

// localZone is the sum of the zone that local time has, "" for UTC.
func (i *Image) localZone() string {
	n := i.file("etc/localtime")
	if n == nil {
		return ""
	}
	if l := i.Tree["etc/localtime"]; l != nil && l.Type == tar.TypeSymlink {
		if _, zone, ok := strings.Cut(l.Link, "zoneinfo/"); ok && slices.Contains(utc, zone) {
			return ""
		}
	}
	for _, z := range utc[1:] {
		if u := i.file("usr/share/zoneinfo/" + z); u != nil && u.SHA256 == n.SHA256 {
			return ""
		}
	}
	return n.SHA256
}

// locales: the environment names a locale that before has and after hasn't. C and its kin are in the C library.
func (c *comparison) locales() {
	for _, kv := range c.after.Config.Config.Env {
		name, value, _ := strings.Cut(kv, "=")
		if name != "LANG" && !strings.HasPrefix(name, "LC_") {
			continue
		}
		if c.before.hasLocale(value) && !c.after.hasLocale(value) {
			c.add(true, finding.File, "/"+localeDir, fmt.Sprintf("%s is %s, a locale that the new image lacks", name, value), "/"+localeDir)
		}
	}
	if !c.want.Base {
		return
	}
	// A base's LANG decides how java and ruby write letters; python and node write UTF-8 without it.
	utf8 := func(i *Image) bool {
		for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
			if v, _ := i.env(name); v != "" {
				return strings.Contains(strings.ToLower(strings.ReplaceAll(v, "-", "")), "utf8")
			}
		}
		return false
	}
	if r := c.runtime(); utf8(c.before) && !utf8(c.after) {
		c.add(r == "java" || r == "ruby", finding.Config, "", "neither LANG nor LC_ALL names UTF-8 any more; the base before did", "LANG")
	}
}

const localeDir = "usr/lib/locale"

func (i *Image) hasLocale(value string) bool {
	name, charset, _ := strings.Cut(value, ".")
	if slices.Contains([]string{"", "C", "POSIX"}, name) {
		return false
	}
	if n := i.file(localeDir + "/locale-archive"); n != nil && n.Size > 0 {
		return true
	}
	charset = strings.ToLower(strings.ReplaceAll(charset, "-", ""))
	return i.isDir(localeDir+"/"+value) || charset != "" && i.isDir(localeDir+"/"+name+"."+charset)
}

// classPath finds parts of java's class path that are gone: a class of theirs may be loaded late.
func (c *comparison) classPath(what string, argv []string) {
	if len(argv) == 0 || runtimeOf(argv[0]) != "java" {
		return
	}
	value, _ := c.after.env("CLASSPATH")
	for k, w := range argv[:len(argv)-1] {
		if w == "-cp" || w == "-classpath" || w == "--class-path" {
			value = argv[k+1]
			break
		}
	}
	for _, part := range strings.Split(value, ":") {
		at := c.after.inWorkdir(strings.TrimSuffix(part, "*"))
		there := func(i *Image) bool { return i.file(at) != nil || len(i.entries(at)) > 0 }
		if part != "" && !strings.Contains(part, "$") && there(c.before) && !there(c.after) {
			c.add(true, finding.File, at, fmt.Sprintf("%s a program with %s on its class path, which is gone", what, at), at)
		}
	}
}

// numbered are runtimes whose versions images tell in a variable, and how many numbers of it a program can depend on.
var numbered = map[string]struct {
	variable string
	numbers  int
}{"node": {"NODE_VERSION", 1}, "ruby": {"RUBY_VERSION", 2}, "php": {"PHP_VERSION", 2}}

// pythonFile is what an interpreter's file is called.
var pythonFile = rewrite.Lazily(`^python(\d+\.\d+)$`)

// runtimeVersion compares the runtimes' versions: python's from its file's name, others' from what their images say.
func (c *comparison) runtimeVersion() {
	r := c.runtime()
	version := func(i *Image, u user) string {
		if r == "python" {
			for _, name := range []string{"python", "python3"} {
				real, _ := i.Tree.follow(i.command(u, name))
				if m := pythonFile().FindStringSubmatch(path.Base(real)); m != nil {
					return m[1]
				}
			}
			return ""
		}
		v, _ := i.env(numbered[r].variable)
		parts := strings.Split(v, ".")
		return strings.Join(parts[:min(len(parts), numbered[r].numbers)], ".")
	}
	if was, is := version(c.before, c.was), version(c.after, c.is); was != is && was != "" && is != "" {
		c.add(true, finding.Config, "", fmt.Sprintf("%s is of version %s, it was %s", r, is, was))
	}
}

// namedFiles: a variable of after's names a file that before has and after hasn't: REQUESTS_CA_BUNDLE, a configuration.
func (c *comparison) namedFiles() {
	for _, kv := range c.after.Config.Config.Env {
		name, value, _ := strings.Cut(kv, "=")
		if slices.Contains(lists, name) || buildVariable().MatchString(name) {
			continue
		}
		value = strings.TrimPrefix(value, "file://")
		if path.IsAbs(value) && c.before.file(value) != nil && c.after.file(value) == nil {
			c.add(true, finding.File, path.Clean(value), fmt.Sprintf("ENV %s names %s, which the new image lacks", name, value), path.Clean(value))
		}
	}
}
