package repo

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// NodeCall is how an install is called, as far as that decides what it reads.
type NodeCall struct {
	Manager   string // "npm", "yarn", "pnpm" or "bun"
	NoScripts bool   // --ignore-scripts
}

// NodeInstall is what an install in the folder of a package.json reads and
// writes. All paths are relative to the context.
type NodeInstall struct {
	InstallFacts
	Berry bool // Yarn 2 or later
}

// InstallFacts are what an install reads and writes, as context paths.
type InstallFacts struct {
	// Files are the files, and the folders as a whole, that are there and read.
	Files []string
	// Looks are files that change what it does if they are there, and that it
	// is better without: nobody copies them for its sake.
	Looks []string
	// Writes are files and folders that it makes or changes, the lock file and the caches of the
	// home directory aside.
	Writes []string
	// Lock is the manager's own lock file, "" if there is none; NewLock is where
	// it would write one.
	Lock, NewLock string
	Unknown       string // why more may be read or written, "" if not
}

// rcFiles are the configuration files beside package.json, by who reads them.
// Yarn 1 takes yarnPath from .yarnrc.yml too.
var rcFiles = map[string][]string{
	"npm":   {".npmrc"},
	"yarn":  {".npmrc", ".yarnrc", ".yarnrc.yml"},
	"berry": {".yarnrc.yml"},
	"pnpm":  {".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"}, // https://pnpm.io/pnpmfile
	"bun":   {".npmrc", "bunfig.toml"},
}

// readsLock are whose lock files a manager reads: npm keeps a yarn.lock up to
// date (arborist's shrinkwrap.js), bun takes over what others locked.
var readsLock = map[string]string{"npm": "npm yarn", "yarn": "yarn", "pnpm": "pnpm", "bun": "npm yarn pnpm bun"}

var newLock = map[string]string{"npm": "package-lock.json", "yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock"}

// nodeInstall collects a NodeInstall.
type nodeInstall struct {
	NodeInstall
	root    *Node
	call    NodeCall
	berry   bool
	members []*Node
}

// Install tells what an install in Dir, of Dir's package and its workspaces,
// reads and writes. Whatever it reads or would read is there: Files, Looks and
// the root's lock files are complete unless Unknown says why not.
func (n *Node) Install(call NodeCall) NodeInstall {
	key := fmt.Sprint(n.Dir, "\x00", call.Manager, call.NoScripts)
	return n.repo.facts.nodeInstall.get(key, func() NodeInstall {
		i := &nodeInstall{root: n, call: call}
		i.collect()
		return i.NodeInstall
	})
}

func (i *nodeInstall) collect() {
	n := i.root
	if i.call.Manager == "yarn" {
		i.Berry = i.yarnIsBerry()
		i.berry = i.Berry
	}
	i.file(path.Join(n.Dir, "package.json"))
	for _, l := range lockFiles {
		f := path.Join(n.Dir, l.name)
		if !slices.Contains(strings.Fields(readsLock[i.call.Manager]), l.manager) {
			continue
		}
		i.file(f)
		if i.Lock == "" && l.manager == i.call.Manager && n.repo.isFile(f) {
			i.Lock = f
		}
	}
	i.NewLock = path.Join(n.Dir, newLock[i.call.Manager])
	var why string
	i.members, why = n.members(i.call.Manager, i.berry)
	i.unknown(why)
	i.settings()
	for k, m := range append([]*Node{n}, i.members...) {
		if m.Err != nil {
			i.unknown(m.Err.Error())
			continue
		}
		if k > 0 {
			i.file(path.Join(m.Dir, "package.json"))
			i.file(path.Join(m.Dir, ".npmrc"))
		}
		i.linksBins(m)
		i.dependencies(m)
		if !i.call.NoScripts {
			i.scripts(m)
			i.readers(m)
		}
	}
	i.overridden()
	i.lockedPaths()
	i.written()
}

// unknown keeps the first reason.
func (i *nodeInstall) unknown(why string) {
	if why != "" {
		setOnce(&i.Unknown, why)
	}
}

// file notes a file that is read if it is there.
func (i *nodeInstall) file(f string) {
	if !i.root.repo.Exists(f) {
		i.look(f)
	} else if !slices.Contains(i.Files, f) {
		i.Files = append(i.Files, f)
	}
}

func (i *nodeInstall) look(f string) {
	if !slices.Contains(i.Looks, f) {
		i.Looks = append(i.Looks, f)
	}
}

// folder notes a folder that is read as a whole; false when it is more than a
// folder of its own for that.
func (i *nodeInstall) folder(d string) bool {
	d = path.Clean(d)
	if i.within(d) && i.root.repo.IsDir(d) && (d == i.root.Dir || i.root.repo.isFile(path.Join(d, "package.json"))) {
		return false
	}
	if i.root.repo.isLink(d) {
		i.unknown(d + " is a link to a folder")
	}
	i.file(d)
	return true
}

// folderOf notes the folder of a file, or the file alone where its folder
// holds other things.
func (i *nodeInstall) folderOf(f string) {
	if !i.root.repo.isFile(f) || !i.folder(path.Dir(f)) {
		i.file(f)
	}
}

// within reports whether a context path lies in the package's folder.
func (i *nodeInstall) within(p string) bool {
	return i.root.Dir == "." && p != ".." && !strings.HasPrefix(p, "../") || p == i.root.Dir || strings.HasPrefix(p, i.root.Dir+"/")
}

// yarnIsBerry tells Yarn 1 from later versions.
func (i *nodeInstall) yarnIsBerry() bool {
	n := i.root
	if v, ok := strings.CutPrefix(n.PackageManager, "yarn@"); ok {
		return !strings.HasPrefix(v, "1.") && !strings.HasPrefix(v, "0.")
	}
	src, err := n.repo.ReadFile(path.Join(n.Dir, "yarn.lock"))
	config := n.repo.isFile(path.Join(n.Dir, ".yarnrc.yml"))
	if err == nil && !bytes.Contains(src, []byte("__metadata:")) {
		if config && len(src) > 0 {
			i.unknown("yarn.lock is of Yarn 1, and .yarnrc.yml is for later versions")
		}
		return config
	}
	return err == nil || config
}

// linksBins: programs of a workspace are linked into node_modules/.bin and made
// executable if they are there at install, else left out (npm's bin-links,
// link-gently.js). Yarn and bun link those of the root too.
func (i *nodeInstall) linksBins(m *Node) {
	if m == i.root && (i.call.Manager == "npm" || i.call.Manager == "pnpm") {
		return
	}
	if dirs, _ := m.raw["directories"].(map[string]any); dirs["bin"] != nil {
		i.unknown("the install links all files of a folder, directories.bin in " + path.Join(m.Dir, "package.json"))
	}
	bins, _ := m.raw["bin"].(map[string]any)
	if b := str(m.raw["bin"]); b != "" {
		bins = map[string]any{"": b}
	}
	for _, name := range slices.Sorted(maps.Keys(bins)) {
		f := path.Join(m.Dir, str(bins[name]))
		if m.repo.isFile(f) {
			i.unknown(fmt.Sprintf("the install links the program %s only if it is there already", f))
		}
		i.look(f)
	}
}

// dependencies looks for specs that name something on disk.
func (i *nodeInstall) dependencies(m *Node) {
	for _, deps := range []map[string]string{m.Dependencies, m.DevDependencies, m.Optional} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			i.spec(m, name, deps[name])
		}
	}
	meta, _ := m.raw["dependenciesMeta"].(map[string]any)
	for _, v := range meta {
		if v, _ := v.(map[string]any); v["injected"] == true {
			i.unknown("dependenciesMeta has a workspace copied into node_modules")
		}
	}
	if publish, _ := m.raw["publishConfig"].(map[string]any); i.call.Manager == "pnpm" && publish["directory"] != nil {
		i.unknown("pnpm links the folder that publishConfig in " + path.Join(m.Dir, "package.json") + " names")
	}
}

func (i *nodeInstall) spec(m *Node, name, spec string) {
	if !localSpec(spec) {
		return
	}
	protocol, rest, _ := strings.Cut(strings.TrimSpace(spec), ":")
	switch protocol {
	case "workspace":
		if i.call.Manager != "npm" && (len(i.members) > 0 || i.call.Manager == "bun") {
			return
		}
	case "link", "portal":
		if i.isMember(path.Join(m.Dir, rest)) {
			return
		}
	case "file":
		// npm makes a link of a folder, which the lock must say too; the others copy it.
		if i.call.Manager == "npm" && i.Lock != "" && i.isMember(path.Join(m.Dir, strings.TrimPrefix(rest, "//"))) {
			return
		}
	case "patch":
		if i.berry && i.patch(m, rest) {
			return
		}
	}
	i.unknown(fmt.Sprintf("dependency %s is a local path: %s", name, short(spec)))
}

func (i *nodeInstall) isMember(dir string) bool {
	return slices.ContainsFunc(i.members, func(m *Node) bool { return m.Dir == dir })
}

// patch notes the files of Yarn's patch protocol: name@range#file, with ~ for
// the root of the project and & between files
// (https://yarnpkg.com/protocol/patch).
func (i *nodeInstall) patch(m *Node, spec string) bool {
	_, files, ok := strings.Cut(spec, "#")
	files, _, _ = strings.Cut(files, "::")
	for f := range strings.SplitSeq(files, "&") {
		f = strings.TrimPrefix(strings.TrimPrefix(f, "optional!"), "~optional!")
		switch {
		case strings.HasPrefix(f, "builtin<") || strings.HasPrefix(f, "~builtin<"):
		case strings.HasPrefix(f, "~/"):
			i.folderOf(path.Join(i.root.Dir, f[2:]))
		case strings.HasPrefix(f, "./") || strings.HasPrefix(f, "../"):
			i.folderOf(path.Join(m.Dir, f))
		default:
			return false
		}
	}
	return ok
}

// overridden: overrides and patches, which only the root declares.
func (i *nodeInstall) overridden() {
	specs := i.root.overrides()
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		i.spec(i.root, name, specs[name])
	}
	patched := map[string]string{}
	add := func(v any) {
		m, _ := stringMap(v)
		maps.Copy(patched, m)
	}
	switch i.call.Manager {
	case "pnpm":
		pnpm, _ := i.root.raw["pnpm"].(map[string]any)
		add(pnpm["patchedDependencies"])
		add(i.root.pnpm["patchedDependencies"])
	case "bun":
		add(i.root.raw["patchedDependencies"])
	}
	for _, name := range slices.Sorted(maps.Keys(patched)) {
		i.folderOf(path.Join(i.root.Dir, patched[name]))
	}
}

// overrides flattens overrides and resolutions to the specs in them.
func (n *Node) overrides() map[string]string {
	out := map[string]string{}
	var add func(prefix string, v any, depth int)
	add = func(prefix string, v any, depth int) {
		switch v := v.(type) {
		case string:
			out[prefix] = v
		case map[string]any:
			for k, e := range v {
				if depth < 20 {
					add(strings.TrimPrefix(prefix+">"+k, ">"), e, depth+1)
				}
			}
		}
	}
	add("", n.raw["overrides"], 0)
	add("", n.raw["resolutions"], 0)
	if pnpm, ok := n.raw["pnpm"].(map[string]any); ok {
		add("", pnpm["overrides"], 0)
	}
	add("", n.pnpm["overrides"], 0)
	return out
}

var (
	filePath    = lazy(`(?i)^(\.|~/|/|[a-z]:[/\\])`)
	fileArchive = lazy(`(?i)\.(tgz|tar\.gz|tar)$`)
)

// localSpec reports whether a dependency's spec names something on disk.
//
// Source: npm-package-arg's isFileSpec; Yarn's and pnpm's protocols link:,
// portal:, patch:, exec:, workspace:, catalog: is in pnpm-workspace.yaml.
func localSpec(s string) bool {
	l := strings.ToLower(strings.TrimSpace(s))
	for _, p := range []string{"file:", "link:", "portal:", "patch:", "exec:", "workspace:"} {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return filePath.MatchString(l) || (fileArchive.MatchString(l) && !strings.Contains(l, "://"))
}

// lockedPaths: links and local archives that only npm's lock file knows.
func (i *nodeInstall) lockedPaths() {
	if i.call.Manager != "npm" || i.Lock == "" {
		return
	}
	src, err := i.root.repo.ReadFile(i.Lock)
	if err != nil {
		i.unknown(i.Lock + " cannot be read")
		return
	}
	for _, s := range []string{`"resolved": "file:`, `"resolved":"file:`, `"version": "file:`, `"version":"file:`} {
		if bytes.Contains(src, []byte(s)) {
			i.unknown(i.Lock + " locks a local path")
		}
	}
	for _, s := range []string{`"link": true`, `"link":true`} {
		for rest := src; ; {
			before, after, ok := bytes.Cut(rest, []byte(s))
			if !ok {
				break
			}
			entry := before[bytes.LastIndexByte(before, '{')+1:]
			if m := lockedLink.FindStringSubmatch(string(entry)); m == nil || !i.isMember(path.Join(i.root.Dir, m[1])) {
				i.unknown(i.Lock + " locks a local path")
			}
			rest = after
		}
	}
}

var lockedLink = lazy(`"resolved"\s*:\s*"([^"\\]+)"`)

// hasPrefix reports whether a file in Dir starts with one of the names.
func (n *Node) hasPrefix(names ...string) bool {
	for _, e := range n.repo.ReadDir(n.Dir) {
		for _, name := range names {
			if strings.HasPrefix(e.Name(), name) {
				return true
			}
		}
	}
	return false
}

// short cuts a quoted text for a reason to a length people read.
func short(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
