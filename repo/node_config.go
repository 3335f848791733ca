package repo

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// What the configuration files of npm, Yarn, pnpm and bun make an install read
// and write besides.

// movingKeys are settings that make an install read or write other places, or
// run other programs: names of all of them, without dashes and in lower case.
var movingKeys = map[string]bool{
	// https://docs.npmjs.com/cli/using-npm/config
	"prefix": true, "cache": true, "globalconfig": true, "userconfig": true, "installlinks": true, "nodeoptions": true, "scriptshell": true, "location": true, "installstrategy": true, "globalstyle": true,
	"cafile": true, "certfile": true, "keyfile": true,
	// https://pnpm.io/settings
	"storedir": true, "modulesdir": true, "virtualstoredir": true, "lockfiledir": true, "sharedworkspacelockfile": true, "injectworkspacepackages": true, "statedir": true, "cachedir": true,
	"pnpmfile": true, "globalpnpmfile": true, "shellemulator": true, "globaldir": true, "globalbindir": true,
	// Yarn 1: https://classic.yarnpkg.com/docs/yarnrc
	"modulesfolder": true, "install.modulesfolder": true, "cwd": true, "cachefolder": true, "yarnofflinemirror": true, "linkfolder": true, "globalfolder": true,
	// https://yarnpkg.com/configuration/yarnrc
	"constraintspath": true, "enableconstraintschecks": true, "enableofflinemode": true, "injectenvironmentfiles": true, "installstatepath": true, "lockfilefilename": true, "patchfolder": true,
	"pnpunpluggedfolder": true, "pnpdatapath": true, "virtualfolder": true, "deferredversionfolder": true, "httpscafilepath": true, "httpscertfilepath": true, "httpskeyfilepath": true, "ignorepath": true, "rcfilename": true,
	// https://bun.sh/docs/runtime/bunfig
	"preload": true, "security": true,
}

// MovingSetting reports whether a setting of npm, Yarn, pnpm or bun, in any
// spelling of its name, makes an install read or write other places.
func MovingSetting(key string) bool {
	return movingKeys[strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))]
}

// settings reads the configuration files beside package.json.
func (i *nodeInstall) settings() {
	kind := i.call.Manager
	if i.berry {
		kind = "berry"
	}
	n := i.root
	if n.pnpmErr != nil && kind == "pnpm" {
		i.unknown("pnpm-workspace.yaml cannot be read: " + n.pnpmErr.Error())
	}
	if kind != "npm" {
		i.look(path.Join(n.Dir, ".corepack.env"))
	}
	for _, name := range rcFiles[kind] {
		f := path.Join(n.Dir, name)
		i.file(f)
		if !n.repo.isFile(f) {
			continue
		}
		src, err := n.repo.ReadFile(f)
		if err != nil {
			i.unknown(f + " cannot be read")
			continue
		}
		switch name {
		case ".npmrc", ".yarnrc":
			i.rcLines(f, src)
		case ".yarnrc.yml":
			i.yarnrcYML(f, src)
		case "bunfig.toml":
			i.bunfig(f, src)
		case "pnpm-workspace.yaml":
			for key, v := range n.pnpm {
				if MovingSetting(key) && v != (key == "sharedWorkspaceLockfile") || key == "nodeLinker" && v == "pnp" { // but for the defaults
					i.unknown(f + " sets " + key)
				}
			}
		default:
			if bytes.Contains(src, []byte("require")) || bytes.Contains(src, []byte("import")) {
				i.unknown(f + " may load other files at install")
			}
		}
	}
	for _, m := range i.members {
		f := path.Join(m.Dir, ".npmrc")
		if src, err := n.repo.ReadFile(f); err == nil && kind != "berry" {
			i.rcLines(f, src)
		}
	}
}

// rcLines reads .npmrc, key=value, and .yarnrc, key "value".
func (i *nodeInstall) rcLines(f string, src []byte) {
	for k, l := range lines(src) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, ";") {
			continue
		}
		end := strings.IndexAny(l, "= \t")
		if end < 0 {
			end = len(l)
		}
		key, value := strings.Trim(l[:end], `"[]`), strings.Trim(strings.TrimLeft(l[end:], "= \t"), `"'`)
		switch key = strings.TrimPrefix(key, "--"); {
		case key == "yarn-path":
			i.program(path.Join(path.Dir(f), value))
		case MovingSetting(key) || key == "node-linker" && value == "pnp":
			i.unknown(place(f, k+1) + " sets " + key)
		default:
			i.pointsAt(f, k+1, l)
		}
	}
}

// pointsAt: a word of a line that names a file of the package.
func (i *nodeInstall) pointsAt(f string, line int, l string) {
	for _, w := range strings.FieldsFunc(l, func(c rune) bool { return strings.ContainsRune(" \t=\"':,[]", c) }) {
		local := strings.HasPrefix(w, "./") || strings.HasPrefix(w, "../")
		if local || (strings.ContainsAny(w, "/.") && !strings.HasPrefix(w, "/") && i.root.repo.isFile(join(i.root.Dir, w))) {
			i.unknown(place(f, line) + " points at " + w)
		}
	}
}

// program notes Yarn's own program, committed with the project.
func (i *nodeInstall) program(f string) {
	if !i.root.repo.isFile(f) {
		i.unknown(f + ", which is to be Yarn itself, isn't there")
		return
	}
	i.folderOf(f)
}

// yarnrcYML: https://yarnpkg.com/configuration/yarnrc
func (i *nodeInstall) yarnrcYML(f string, src []byte) {
	var doc map[string]any
	if err := guard(func() error { return yaml.Unmarshal([]byte(text(src)), &doc) }); err != nil {
		i.unknown(f + " cannot be read: " + short(err.Error()))
		return
	}
	if p := str(doc["yarnPath"]); p != "" {
		i.program(path.Join(i.root.Dir, p))
	}
	if !i.berry {
		return // Yarn 1 takes no more from it
	}
	plugins, _ := doc["plugins"].([]any)
	for _, p := range plugins {
		file := str(p)
		if m, ok := p.(map[string]any); ok {
			file = str(m["path"])
		}
		name, official := strings.CutPrefix(path.Base(file), "plugin-")
		name = strings.TrimSuffix(name, ".cjs")
		if !official || !strings.Contains(file, "@yarnpkg/") || name == "constraints" || name == "exec" {
			i.unknown("the Yarn plugin " + short(file) + " may read more at install")
			continue
		}
		// The plugins' folder as a whole, not its folder for @yarnpkg alone.
		i.folderOf(path.Join(i.root.Dir, file))
		if dir := path.Join(i.root.Dir, ".yarn/plugins"); i.root.repo.isFile(path.Join(i.root.Dir, file)) && strings.HasPrefix(path.Join(i.root.Dir, file), dir+"/") {
			i.Files = slices.DeleteFunc(i.Files, func(have string) bool { return strings.HasPrefix(have, dir+"/") })
			i.file(dir)
		}
	}
	for key, v := range doc {
		if MovingSetting(key) && v != false {
			i.unknown(f + " sets " + key)
		}
	}
	i.look(path.Join(i.root.Dir, ".env.yarn")) // injectEnvironmentFiles' default
}

// bunfig: https://bun.sh/docs/runtime/bunfig#package-manager
func (i *nodeInstall) bunfig(f string, src []byte) {
	var doc map[string]any
	if err := guard(func() error { return toml.Unmarshal([]byte(text(src)), &doc) }); err != nil {
		i.unknown(f + " cannot be read: " + short(err.Error()))
		return
	}
	install, _ := doc["install"].(map[string]any)
	for key := range install {
		if MovingSetting(key) {
			i.unknown(f + " sets install." + key)
		}
	}
}

// written: node_modules of every workspace, or Plug'n'Play's files.
func (i *nodeInstall) written() {
	n := i.root
	at := func(names ...string) {
		for _, f := range names {
			i.Writes = append(i.Writes, path.Join(n.Dir, f))
		}
	}
	linker := "node-modules"
	if i.berry {
		linker = i.linker()
		at(".yarn/install-state.gz", ".yarn/build-state.yml", ".yarn/unplugged", ".yarn/cache")
		if !n.repo.IsDir(path.Join(n.Dir, ".yarn")) {
			at(".yarn")
		}
		for _, d := range []string{".yarn/cache", ".yarn/unplugged"} {
			if d = path.Join(n.Dir, d); n.repo.IsDir(d) && !n.repo.GitIgnored(d) {
				i.unknown("Yarn reads " + d + " at install")
			}
		}
	}
	if linker == "pnp" {
		at(".pnp.cjs", ".pnp.loader.mjs", ".pnp.data.json")
		return
	}
	for _, m := range append([]*Node{n}, i.members...) {
		i.Writes = append(i.Writes, path.Join(m.Dir, "node_modules"))
	}
}

func (i *nodeInstall) linker() string {
	src, err := i.root.repo.ReadFile(path.Join(i.root.Dir, ".yarnrc.yml"))
	var doc struct {
		Linker string `yaml:"nodeLinker"`
	}
	if err == nil {
		err = guard(func() error { return yaml.Unmarshal([]byte(text(src)), &doc) })
	}
	if err != nil || doc.Linker == "" {
		return "pnp"
	}
	return doc.Linker
}
