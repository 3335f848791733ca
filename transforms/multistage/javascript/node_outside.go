package javascript

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"drydock/repo"
	"drydock/rewrite"
)

// What an install keeps outside the folder of the application: copying the
// folder is only enough where that is nothing.

// outside tells what the program needs of an install that isn't in the folder.
func (n *NodeApp) outside(i *NodeInstall) string {
	if root := i.Node.WorkspaceRoot; root != "" {
		rel := strings.TrimPrefix(i.Node.Dir, root+"/")
		dir := i.Step.Dir
		for range strings.Split(rel, "/") {
			dir = path.Dir(dir)
		}
		manifest := path.Join(root, "package.json")
		if ctx, by := n.Stage.Origin(i.in, path.Join(dir, "package.json"), n.Pass.Repo, n.Pass.Name); by != nil && ctx == manifest && !rewrite.Inside(dir, n.AppDir) {
			return path.Join(i.Node.Dir, "package.json") + " is a workspace of " + manifest + ", whose node_modules lie outside " + n.AppDir
		}
	}
	if key, file := n.movesModules(i.Node); key != "" {
		return file + " sets " + key + ", so that packages lie outside " + n.AppDir
	}
	if i.Step.Name == "yarn" && n.berry(i.Node) {
		return n.plugAndPlay(i.Node)
	}
	return ""
}

// movers are settings that put packages, or what links to them, elsewhere
// (https://pnpm.io/settings, https://classic.yarnpkg.com/docs/yarnrc).
var movers = words(`virtualstoredir modulesdir enableglobalvirtualstore modulesfolder prefix`)

// movesModules finds such a setting in the files beside package.json.
func (n *NodeApp) movesModules(node *repo.Node) (key, file string) {
	for _, name := range []string{".npmrc", ".yarnrc", "pnpm-workspace.yaml"} {
		f := path.Join(node.Dir, name)
		src, err := n.Pass.Repo.ReadFile(f)
		if err != nil {
			continue
		}
		for _, l := range strings.Split(string(src), "\n") {
			k := strings.TrimPrefix(strings.TrimLeft(l, `" `), "--")
			if end := strings.IndexAny(k, "=: \t"); end >= 0 {
				k = k[:end]
			}
			if movers[strings.ToLower(strings.ReplaceAll(strings.TrimSpace(k), "-", ""))] {
				return k, f
			}
		}
	}
	return "", ""
}

// berry: Yarn 2 or later.
func (n *NodeApp) berry(node *repo.Node) bool {
	for _, f := range []string{".yarnrc.yml", ".pnp.cjs"} {
		if n.Pass.Repo.Exists(path.Join(node.Dir, f)) {
			return true
		}
	}
	if v, ok := strings.CutPrefix(node.PackageManager, "yarn@"); ok && !strings.HasPrefix(v, "1.") {
		return true
	}
	if node.LockManager == "yarn" {
		src, err := n.Pass.Repo.ReadFile(node.Lock)
		return err != nil || strings.Contains(string(src[:min(len(src), 2000)]), "__metadata:")
	}
	return false
}

// plugAndPlay: with Plug'n'Play the program reads packages from Yarn's cache,
// which since Yarn 4 is below the home directory unless told otherwise
// (https://yarnpkg.com/configuration/yarnrc#enableGlobalCache).
func (n *NodeApp) plugAndPlay(node *repo.Node) string {
	file := path.Join(node.Dir, ".yarnrc.yml")
	var rc struct {
		Linker string `yaml:"nodeLinker"`
		Global *bool  `yaml:"enableGlobalCache"`
		Cache  string `yaml:"cacheFolder"`
	}
	src, err := n.Pass.Repo.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(src, &rc)
	}
	switch {
	case err == nil && (rc.Linker == "node-modules" || rc.Linker == "pnpm"):
		return ""
	case err == nil && rc.Linker != "" && rc.Linker != "pnp":
		return file + " sets nodeLinker: " + rc.Linker
	case err == nil && rc.Global != nil && !*rc.Global && rc.Cache == "":
		return "" // .pnp.cjs and .yarn/cache come with the folder
	}
	return "Yarn's Plug'n'Play reads packages from a cache in the home directory: " + file + " says neither nodeLinker: node-modules nor enableGlobalCache: false"
}
