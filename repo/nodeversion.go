package repo

import (
	"path"
	"strings"
)

// ltsMajor maps Node's release names to majors.
// Source: https://github.com/nodejs/Release/blob/main/CODENAMES.md
var ltsMajor = map[string]string{
	"argon": "4", "boron": "6", "carbon": "8", "dubnium": "10", "erbium": "12", "fermium": "14",
	"gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24",
}

var oneNode = lazy(`^=?\s*v?(\d+(?:\.\d+){0,2})((?:\.[xX*]){0,2})$`)

// NodeVersion returns the Node.js version that the package in dir asks for.
// The first of .nvmrc, .node-version, .tool-versions (each in dir, then in the
// folders above), volta.node and engines.node that names one version wins;
// failing that, the first range. "18.x" in engines counts as version 18, and
// "lts/*" as a range.
func (r *Repo) NodeVersion(dir string) Version {
	dir, ok := clean(dir)
	if !ok {
		return Version{}
	}
	return r.facts.nodeVersion.get(dir, func() Version {
		var sources []func() Version
		for _, up := range parents(dir) {
			sources = append(sources,
				func() Version { return r.nodeVersionFile(path.Join(up, ".nvmrc")) },
				func() Version { return r.nodeVersionFile(path.Join(up, ".node-version")) },
				func() Version { return r.toolVersions(up, "nodejs", "node") },
			)
		}
		return firstVersion(append(sources, func() Version { return r.packageNode(dir) })...)
	})
}

// nodeVersionFile: https://github.com/nvm-sh/nvm#nvmrc
func (r *Repo) nodeVersionFile(file string) Version {
	s, line := r.firstLine(file)
	if s == "" {
		return Version{}
	}
	v := Version{File: file, Line: line}
	name := strings.ToLower(s)
	if m := oneNode.FindStringSubmatch(name); m != nil {
		v.Value = m[1]
	} else if major := ltsMajor[strings.TrimPrefix(name, "lts/")]; major != "" {
		v.Value = major
	} else if len(s) <= 40 {
		v.Constraint = s // "lts/*", "node", "stable"
	}
	return v
}

func (r *Repo) packageNode(dir string) Version {
	n := r.Node(dir)
	if n == nil {
		return Version{}
	}
	file := path.Join(dir, "package.json")
	if volta, ok := n.raw["volta"].(map[string]any); ok {
		if s := str(volta["node"]); plainVersion.MatchString(s) {
			return Version{Value: s, File: file, Line: jsonLine(n.Src, "volta", "node")}
		}
	}
	s := strings.TrimSpace(n.Engines["node"])
	if s == "" {
		return Version{}
	}
	v := Version{File: file, Line: jsonLine(n.Src, "engines", "node")}
	if m := oneNode.FindStringSubmatch(s); m != nil {
		v.Value = m[1]
	} else {
		v.Constraint = s
	}
	return v
}

// jsonLine finds the line of "key" after the first line that opens "object".
// It is a label for people, 0 when not found.
func jsonLine(src []byte, object, key string) int {
	inside := false
	for i, l := range lines(src) {
		if at := strings.Index(l, `"`+object+`"`); at >= 0 {
			inside, l = true, l[at:]
		}
		if inside && strings.Contains(l, `"`+key+`"`) {
			return i + 1
		}
	}
	return 0
}
