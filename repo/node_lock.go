package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LockInSync reports whether the lock file agrees with package.json, so that
// "npm ci" or "yarn install --frozen-lockfile" would not refuse. When it is
// false the reason says what differs or why it cannot be decided. True is a
// strong sign, no proof: npm also checks the dependencies of dependencies.
//
// npm's lock versions 2 and 3 record the root's declared dependencies, which
// must be equal to package.json's; version 1 records resolved versions, which
// must satisfy package.json's ranges. yarn.lock has an entry per "name@range".
//
// Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json and
// npm's lib/utils/validate-lockfile.js
func (n *Node) LockInSync() (bool, string) {
	switch {
	case n.Err != nil:
		return false, n.Err.Error()
	case n.Lock == "":
		return false, "there is no lock file"
	case n.HasWorkspaces || n.WorkspaceRoot != "":
		return false, "with workspaces the lock file cannot be compared with one package.json"
	case n.Overridden:
		return false, "overrides or resolutions in package.json make the comparison undecidable"
	}
	for _, l := range n.Locks {
		if l != n.Lock && !(n.LockManager == "npm" && strings.HasSuffix(l, "package-lock.json")) {
			return false, fmt.Sprintf("there are several lock files: %s and %s", n.Lock, l)
		}
	}
	src, err := n.repo.ReadFile(n.Lock)
	if err != nil {
		return false, n.Lock + " cannot be read"
	}
	switch n.LockManager {
	case "npm":
		return n.npmLockInSync(src)
	case "yarn":
		return n.yarnLockInSync(src)
	}
	return false, n.Lock + ": comparing this kind of lock file is not supported"
}

type npmLock struct {
	Version      int                      `json:"lockfileVersion"`
	Packages     map[string]npmLockEntry  `json:"packages"`
	Dependencies map[string]npmLockEntry1 `json:"dependencies"`
}

type npmLockEntry struct {
	Version      string            `json:"version"`
	Dependencies map[string]string `json:"dependencies"`
	Dev          map[string]string `json:"devDependencies"`
	Optional     map[string]string `json:"optionalDependencies"`
	Peer         map[string]string `json:"peerDependencies"`
}

type npmLockEntry1 struct {
	Version string `json:"version"`
}

func (n *Node) npmLockInSync(src []byte) (bool, string) {
	var lock npmLock
	if err := json.Unmarshal(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), &lock); err != nil {
		return false, fmt.Sprintf("%s cannot be understood: %v", n.Lock, err)
	}
	if lock.Version < 2 || lock.Packages == nil {
		return n.npmLock1InSync(lock)
	}
	root, ok := lock.Packages[""]
	if !ok {
		return false, n.Lock + " does not record the dependencies of package.json"
	}
	for _, t := range []struct {
		key        string
		want, have map[string]string
	}{
		// npm moves what is also optional out of dependencies when it writes the lock.
		{"dependencies", without(n.Dependencies, n.Optional), without(root.Dependencies, n.Optional)},
		{"devDependencies", n.DevDependencies, root.Dev},
		{"optionalDependencies", n.Optional, root.Optional},
		{"peerDependencies", n.Peer, root.Peer},
	} {
		if why := differs(t.want, t.have); why != "" {
			return false, fmt.Sprintf("%s is out of date: %s %s", n.Lock, t.key, why)
		}
	}
	for _, deps := range []map[string]string{n.Dependencies, n.DevDependencies} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			_, locked := lock.Packages["node_modules/"+name]
			if _, optional := n.Optional[name]; !locked && !optional {
				return false, fmt.Sprintf("%s is out of date: it does not lock %s", n.Lock, name)
			}
		}
	}
	return true, ""
}

func (n *Node) npmLock1InSync(lock npmLock) (bool, string) {
	for _, deps := range []map[string]string{n.Dependencies, n.DevDependencies, n.Optional} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			locked, ok := lock.Dependencies[name]
			if _, optional := n.Optional[name]; !ok && optional {
				continue
			}
			if !ok {
				return false, fmt.Sprintf("%s is out of date: it does not lock %s", n.Lock, name)
			}
			satisfied, known := satisfies(locked.Version, deps[name])
			if !known {
				return false, fmt.Sprintf("%s is of version 1, and whether it satisfies %s@%s cannot be decided", n.Lock, name, short(deps[name]))
			}
			if !satisfied {
				return false, fmt.Sprintf("%s is out of date: it locks %s %s, package.json asks for %s", n.Lock, name, short(locked.Version), short(deps[name]))
			}
		}
	}
	return true, ""
}

func (n *Node) yarnLockInSync(src []byte) (bool, string) {
	have := map[string]bool{}
	for _, l := range lines(src) {
		if l == "" || l[0] == ' ' || l[0] == '#' || !strings.HasSuffix(l, ":") {
			continue
		}
		for key := range strings.SplitSeq(strings.Trim(strings.TrimSuffix(l, ":"), `"`), ", ") {
			have[strings.Trim(key, `"`)] = true
		}
	}
	for _, deps := range []map[string]string{n.Dependencies, n.DevDependencies, n.Optional} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			spec := deps[name]
			if o, ok := n.Optional[name]; ok {
				spec = o
			}
			if !have[name+"@"+spec] && !have[name+"@npm:"+spec] {
				return false, fmt.Sprintf("%s is out of date: it has no entry for %s@%s", n.Lock, name, short(spec))
			}
		}
	}
	return true, ""
}

// ScriptPackages are the packages of npm's lock file that run scripts of their own
// when they are installed, by which they compile or download, and those that git
// fetches; sorted. known is false where the lock file doesn't tell: npm's does from
// version 2 on (hasInstallScript), those of other managers don't.
//
// Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
func (n *Node) ScriptPackages() (scripts, git []string, known bool) {
	if n.LockManager != "npm" || n.Lock == "" {
		return nil, nil, false
	}
	src, err := n.repo.ReadFile(n.Lock)
	if err != nil {
		return nil, nil, false
	}
	var lock struct {
		Version  int `json:"lockfileVersion"`
		Packages map[string]struct {
			Scripts  bool   `json:"hasInstallScript"`
			Resolved string `json:"resolved"`
		} `json:"packages"`
	}
	if json.Unmarshal(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), &lock) != nil || lock.Version < 2 || lock.Packages == nil {
		return nil, nil, false
	}
	for at, p := range lock.Packages {
		i := strings.LastIndex(at, "node_modules/")
		if i < 0 {
			continue // the project's own
		}
		name := at[i+len("node_modules/"):]
		if p.Scripts && !slices.Contains(scripts, name) {
			scripts = append(scripts, name)
		}
		if strings.HasPrefix(p.Resolved, "git") && !slices.Contains(git, name) {
			git = append(git, name)
		}
	}
	slices.Sort(scripts)
	slices.Sort(git)
	return scripts, git, true
}

func without(m, drop map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if _, ok := drop[k]; !ok {
			out[k] = v
		}
	}
	return out
}

// differs names the first difference between package.json's table and the lock's.
func differs(want, have map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v, ok := have[k]; !ok {
			return "lacks " + k
		} else if v != want[k] {
			return fmt.Sprintf("has %s %s where package.json has %s", k, short(v), short(want[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[k]; !ok {
			return "still has " + k
		}
	}
	return ""
}
