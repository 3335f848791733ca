package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Node is what package.json and the files beside it say about one folder.
type Node struct {
	Dir, Name, Main string
	Type            string // "module", "commonjs" or ""
	PackageManager  string // as written: "pnpm@9.1.0+sha512..."
	Scripts         map[string]string
	Dependencies    map[string]string
	DevDependencies map[string]string
	Optional        map[string]string
	Peer            map[string]string
	Engines         map[string]string
	Workspaces      []string // patterns, from package.json or pnpm-workspace.yaml
	HasWorkspaces   bool
	WorkspaceRoot   string   // folder above Dir whose workspaces take Dir in; "" if none
	Overridden      bool     // overrides, resolutions or the like change what is installed
	Lock            string   // context-relative path of the lock file in force, "" if none
	LockManager     string   // "npm", "yarn", "pnpm" or "bun": whose lock file Lock is
	Locks           []string // every lock file in Dir; more than one leaves Lock a guess
	Npmrc           bool     // there is a .npmrc in Dir
	Gyp             bool     // there is a binding.gyp that npm would build by itself
	Src             []byte   // the bytes of package.json
	Err             error    // package.json cannot be read: the maps hold what could be

	repo    *Repo
	own     []string       // workspace patterns of package.json alone
	raw     map[string]any // other keys, for those rules that need one
	pnpm    map[string]any // what pnpm-workspace.yaml says; nil without one
	pnpmErr error
}

// lockFiles in the order in which they win within one manager
// (https://docs.npmjs.com/cli/configuring-npm/npm-shrinkwrap-json).
var lockFiles = []struct{ name, manager string }{
	{"npm-shrinkwrap.json", "npm"}, {"package-lock.json", "npm"}, {"yarn.lock", "yarn"},
	{"pnpm-lock.yaml", "pnpm"}, {"bun.lock", "bun"}, {"bun.lockb", "bun"},
}

// Node returns the facts about the package in folder dir (a path as in
// Exists); nil when there is no package.json.
func (r *Repo) Node(dir string) *Node {
	dir, ok := clean(dir)
	if !ok {
		return nil
	}
	return r.facts.node.get(dir, func() *Node {
		file := path.Join(dir, "package.json")
		if !r.isFile(file) {
			return nil
		}
		n := &Node{Dir: dir, repo: r}
		src, err := r.ReadFile(file)
		if err == nil {
			n.Src = src
			err = n.parse(src)
		}
		if err != nil {
			n.Err = fmt.Errorf("%s: %w", file, err)
		}
		n.findLock(r)
		n.Npmrc = r.isFile(path.Join(dir, ".npmrc"))
		n.Gyp = r.isFile(path.Join(dir, "binding.gyp")) && n.raw["gypfile"] != false &&
			n.Scripts["install"] == "" && n.Scripts["preinstall"] == ""
		n.pnpmWorkspace(r)
		n.WorkspaceRoot = r.workspaceRoot(dir)
		return n
	})
}

func (n *Node) parse(src []byte) error {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")) // npm strips it too
	if err := json.Unmarshal(src, &n.raw); err != nil {
		return err
	}
	n.Name, n.Main, n.Type = str(n.raw["name"]), str(n.raw["main"]), str(n.raw["type"])
	n.PackageManager = str(n.raw["packageManager"])
	var bad error
	table := func(key string, must bool) map[string]string {
		m, ok := stringMap(n.raw[key])
		if !ok && must && bad == nil {
			bad = fmt.Errorf("%q is not an object of strings", key)
		}
		return m
	}
	n.Scripts = table("scripts", true)
	n.Dependencies = table("dependencies", true)
	n.DevDependencies = table("devDependencies", true)
	n.Optional = table("optionalDependencies", true)
	n.Peer = table("peerDependencies", true)
	n.Engines = table("engines", false) // an array in packages of 2012
	if w := n.raw["workspaces"]; w != nil && w != false {
		n.HasWorkspaces = true
		if m, ok := w.(map[string]any); ok {
			w = m["packages"]
		}
		n.own = stringList(w)
		n.Workspaces = n.own
	}
	pnpm, _ := n.raw["pnpm"].(map[string]any)
	for _, m := range []any{n.raw["overrides"], n.raw["resolutions"], pnpm["overrides"], pnpm["packageExtensions"]} {
		if m, ok := m.(map[string]any); ok && len(m) > 0 {
			n.Overridden = true
		}
	}
	return bad
}

func (n *Node) findLock(r *Repo) {
	declared, _, _ := strings.Cut(n.PackageManager, "@")
	for _, l := range lockFiles {
		file := path.Join(n.Dir, l.name)
		if !r.isFile(file) {
			continue
		}
		n.Locks = append(n.Locks, file)
		if n.Lock == "" || (l.manager == declared && n.LockManager != declared) {
			n.Lock, n.LockManager = file, l.manager
		}
	}
}

// pnpmWorkspace reads pnpm-workspace.yaml, which since pnpm 10 also holds
// settings (https://pnpm.io/pnpm-workspace_yaml).
func (n *Node) pnpmWorkspace(r *Repo) {
	file := path.Join(n.Dir, "pnpm-workspace.yaml")
	if !r.isFile(file) {
		return
	}
	src, err := r.ReadFile(file)
	n.pnpm = map[string]any{}
	if err == nil {
		err = guard(func() error { return yaml.Unmarshal([]byte(text(src)), &n.pnpm) })
	}
	if err != nil {
		n.HasWorkspaces, n.pnpm, n.pnpmErr = true, map[string]any{}, err // workspaces cannot be ruled out
		return
	}
	if packages := stringList(n.pnpm["packages"]); len(packages) > 0 {
		n.HasWorkspaces, n.Workspaces = true, append(slices.Clip(n.Workspaces), packages...)
	}
	overrides, _ := n.pnpm["overrides"].(map[string]any)
	n.Overridden = n.Overridden || len(overrides) > 0
}

// workspaceRoot finds the nearest package above dir whose workspaces patterns
// match it; an unreadable pattern list matches everything.
func (r *Repo) workspaceRoot(dir string) string {
	if dir == "." {
		return ""
	}
	for _, up := range parents(dir)[1:] {
		n := r.Node(up)
		if n == nil || !n.HasWorkspaces {
			continue
		}
		rel := dir
		if up != "." {
			rel = strings.TrimPrefix(dir, up+"/")
		}
		if len(n.Workspaces) == 0 {
			return up
		}
		for _, p := range n.Workspaces {
			p = strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
			if ok, err := path.Match(p, rel); ok || err != nil {
				return up
			}
			if before, _, ok := strings.Cut(p, "**"); ok && strings.HasPrefix(rel, before) {
				return up
			}
		}
	}
	return ""
}

// Lifecycle returns the scripts of this package that an install in Dir runs,
// in the order npm runs them.
//
// Source: npm's lib/commands/ci.js and install.js; "dependencies" is from
// arborist's reify.js; pnpm:devPreinstall from https://pnpm.io/scripts.
func (n *Node) Lifecycle() []string {
	var out []string
	for _, s := range []string{"pnpm:devPreinstall", "predependencies", "dependencies", "postdependencies",
		"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"} {
		if strings.TrimSpace(n.Scripts[s]) != "" {
			out = append(out, s)
		}
	}
	return out
}

func str(v any) string { s, _ := v.(string); return s }

// stringMap keeps the string values of a JSON object; ok is false when v is
// something else, or holds something else.
func stringMap(v any) (m map[string]string, ok bool) {
	if v == nil {
		return nil, true
	}
	in, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	m = make(map[string]string, len(in))
	for k, e := range in {
		s, isString := e.(string)
		if !isString {
			ok = false
			continue
		}
		m[k] = s
	}
	return m, ok
}

func stringList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
