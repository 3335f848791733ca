package repo

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// installFiles are the files beside package.json that an install reads, lock
// files apart, by whoever reads them.
var installFiles = []string{
	".npmrc",                 // npm, pnpm, Yarn 1, bun
	".yarnrc", ".yarnrc.yml", // Yarn 1; Yarn 2 and later
	".pnpmfile.cjs", ".pnpmfile.mjs", // https://pnpm.io/pnpmfile
	"pnpmfile.js", "pnpm-workspace.yaml", // the former pnpm < 6
	"bunfig.toml",
}

// installReaders are packages whose own install script reads the project that
// depends on them, so that they need more than package.json beside them.
var installReaders = map[string]string{
	// https://www.prisma.io/docs/orm/prisma-client/setup-and-configuration/generating-prisma-client
	"@prisma/client": "it generates its code from prisma/schema.prisma when it is installed",
	// https://github.com/ds300/patch-package
	"postinstall-postinstall": "it runs the postinstall script again",
	// https://pptr.dev/guides/configuration
	"puppeteer": "its install script reads .puppeteerrc and puppeteer.config files",
}

// InstallReads returns the context-relative files that "npm ci", "npm install",
// or Yarn's, pnpm's and bun's install reads in Dir: package.json, lock files and
// configuration. unknown is the first reason why more than these may be read;
// then the source has to be there before the install.
func (n *Node) InstallReads() (files []string, unknown string) {
	files = append(files, path.Join(n.Dir, "package.json"))
	files = append(files, n.Locks...)
	for _, f := range installFiles {
		if f = path.Join(n.Dir, f); n.repo.isFile(f) {
			files = append(files, f)
		}
	}
	for _, why := range []func() string{
		func() string {
			if n.Err != nil {
				return n.Err.Error()
			}
			return ""
		},
		n.scriptsNeedSource, n.workspacesNeedSource, n.depsNeedSource, n.configNeedsMore, n.lockNeedsSource,
	} {
		if unknown = why(); unknown != "" {
			break
		}
	}
	return files, unknown
}

func (n *Node) scriptsNeedSource() string {
	if l := n.Lifecycle(); len(l) > 0 {
		return fmt.Sprintf("the %s script of package.json runs at install: %s", l[0], short(n.Scripts[l[0]]))
	}
	if n.Gyp {
		return "binding.gyp makes npm compile the package at install"
	}
	return ""
}

func (n *Node) workspacesNeedSource() string {
	if n.HasWorkspaces {
		return "package.json has workspaces, whose folders are linked at install"
	}
	if n.WorkspaceRoot != "" {
		return "the package is a workspace of " + path.Join(n.WorkspaceRoot, "package.json")
	}
	return ""
}

func (n *Node) depsNeedSource() string {
	for _, deps := range []map[string]string{n.Dependencies, n.DevDependencies, n.Optional, n.overrides()} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			if localSpec(deps[name]) {
				return fmt.Sprintf("dependency %s is a local path: %s", name, short(deps[name]))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(installReaders)) {
		_, dep := n.Dependencies[name]
		_, dev := n.DevDependencies[name]
		_, opt := n.Optional[name]
		if !dep && !dev && !opt {
			continue
		}
		if name == "puppeteer" && !n.hasPrefix(".puppeteerrc", "puppeteer.config") && n.raw["puppeteer"] == nil {
			continue
		}
		return fmt.Sprintf("dependency %s: %s", name, installReaders[name])
	}
	if _, ok := n.Dependencies["msw"]; ok && n.raw["msw"] != nil {
		return "dependency msw: it writes into the folders that msw in package.json names"
	}
	if _, ok := n.DevDependencies["msw"]; ok && n.raw["msw"] != nil {
		return "dependency msw: it writes into the folders that msw in package.json names"
	}
	return n.patched
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

// configNeedsMore: what .npmrc, .yarnrc and Yarn's folder .yarn point at.
func (n *Node) configNeedsMore() string {
	for _, dir := range []string{".yarn/releases", ".yarn/plugins", ".yarn/patches", ".yarn/cache", ".yarn/unplugged"} {
		if d := path.Join(n.Dir, dir); n.repo.IsDir(d) && !n.repo.GitIgnored(d) {
			return "Yarn reads " + d + " at install"
		}
	}
	for _, f := range []string{".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"} {
		f = path.Join(n.Dir, f)
		if !n.repo.isFile(f) {
			continue
		}
		src, err := n.repo.ReadFile(f)
		if err != nil {
			return f + " cannot be read"
		}
		for i, l := range lines(src) {
			l = strings.TrimSpace(l)
			if strings.HasPrefix(l, "#") || strings.HasPrefix(l, ";") {
				continue
			}
			for _, w := range strings.FieldsFunc(l, func(c rune) bool { return strings.ContainsRune(" \t=\"':,[]", c) }) {
				local := strings.HasPrefix(w, "./") || strings.HasPrefix(w, "../")
				if local || (strings.ContainsAny(w, "/.") && !strings.HasPrefix(w, "/") && n.repo.isFile(join(n.Dir, w))) {
					return place(f, i+1) + " points at " + w
				}
			}
		}
	}
	if f := path.Join(n.Dir, ".pnpmfile.cjs"); n.repo.isFile(f) {
		src, err := n.repo.ReadFile(f)
		if err != nil || bytes.Contains(src, []byte("require(")) {
			return f + " may load other files at install"
		}
	}
	return ""
}

// lockNeedsSource: links and local archives that only the lock file knows.
func (n *Node) lockNeedsSource() string {
	if n.LockManager != "npm" {
		return ""
	}
	src, err := n.repo.ReadFile(n.Lock)
	if err != nil {
		return n.Lock + " cannot be read"
	}
	for _, s := range []string{`"resolved": "file:`, `"resolved":"file:`, `"version": "file:`, `"version":"file:`, `"link": true`, `"link":true`} {
		if bytes.Contains(src, []byte(s)) {
			return n.Lock + " locks a local path"
		}
	}
	return ""
}

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
