package rewrite

import (
	"path"
	"strings"

	"drydock/repo"
)

// What npm, Yarn, pnpm, bun and corepack do around an install.

// emptiesCache: the manager deletes what it keeps below the home directory.
func emptiesCache(c Command) bool {
	if len(c.Args) < 3 || c.Args[0] != c.Name {
		return false
	}
	switch c.Name + " " + c.Args[1] + " " + c.Args[2] {
	case "npm cache clean", "npm cache verify", "yarn cache clean", "pnpm store prune", "bun pm cache":
		return true
	}
	return false
}

// nodeCommand notes the effects of a command of these tools; ok is false when
// it isn't one of them.
func (e *Effects) nodeCommand(c Command, st State) (ok bool, unknown string) {
	switch c.Name {
	case "npm", "yarn", "pnpm", "bun", "corepack":
	default:
		return false, ""
	}
	verb, rest := "", []string(nil)
	if len(c.Args) > 1 {
		verb, rest = c.Args[1], c.Args[2:]
	}
	switch {
	case len(c.Args) == 2 && (verb == "--version" || verb == "-v"):
		if c.Name != "npm" && c.Name != "bun" {
			e.Reads = append(e.Reads, nodeReads(st.Workdir)...) // it may start another version
		}
	case c.Name == "corepack":
		return true, e.corepack(verb, rest, st)
	case emptiesCache(c):
		writes, set := nodeEnv(st)
		if k := steered(st); k != "" {
			set = k
		}
		if set != "" {
			return true, set + " is set"
		}
		e.Writes = append(append(append(e.Writes, "/root", "/tmp", "/usr/local/share"), homes(st)...), writes...)
		if c.Name == "yarn" { // the project's own, with Yarn 2 and later
			e.Writes = append(e.Writes, path.Join(st.Workdir, ".yarn/cache"))
			e.Reads = append(e.Reads, nodeReads(st.Workdir)...)
		}
	case verb == "set" && c.Name == "npm":
		return true, e.nodeSetting(c, rest, st)
	case verb == "config" && len(rest) > 0 && (rest[0] == "set" || rest[0] == "delete") && c.Name != "bun":
		return true, e.nodeSetting(c, rest[1:], st)
	case verb == "run" || verb == "run-script" || verb == "build" || verb == "test" || verb == "exec":
		return true, strings.Join(c.Args[:min(3, len(c.Args))], " ") + " reads the code"
	default:
		return false, ""
	}
	return true, ""
}

// nodeSetting: a setting for all projects, in the home directory; later
// versions of Yarn write it into the project.
func (e *Effects) nodeSetting(c Command, args []string, st State) (unknown string) {
	user := false // whether it is told to write into the home directory
	for n, a := range args {
		key, _, _ := strings.Cut(a, "=")
		switch {
		case a == "-g" || a == "--global" || a == "-H" || a == "--home" || a == "--location=global" || a == "--location=user":
			user = true
		case strings.HasPrefix(a, "-"):
			return strings.Join(c.Args, " ") + " may write into the project"
		case n == 0 && repo.MovingSetting(key) || strings.Contains(key, "$"):
			return strings.Join(c.Args, " ") + " changes where packages are read or written"
		}
	}
	if k := steered(st); k != "" {
		return k + " is set"
	}
	e.Writes = append(append(e.Writes, "/root", "/usr/local/etc", "/etc"), homes(st)...)
	if home, ok := st.lookup().Get("HOME"); ok {
		e.Writes = append(e.Writes, path.Join(home, ".npmrc"), path.Join(home, ".yarnrc"), path.Join(home, ".yarnrc.yml"))
	}
	e.Reads = append(e.Reads, path.Join(st.Workdir, ".npmrc"))
	if c.Name == "yarn" && !user {
		e.Writes = append(e.Writes, path.Join(st.Workdir, ".yarnrc.yml"))
		e.Reads = append(e.Reads, nodeReads(st.Workdir)...)
	}
	return ""
}

// corepack puts yarn and pnpm beside itself and fetches the versions that it is
// told; without one it looks into package.json
// (https://github.com/nodejs/corepack#utility-commands).
func (e *Effects) corepack(verb string, args []string, st State) (unknown string) {
	named := verb == "enable" || verb == "disable"
	for _, a := range args {
		switch {
		case a == "--activate" || a == "yarn" || a == "pnpm" || a == "npm" || a == "-g" || a == "--global":
		case strings.HasPrefix(a, "-") || strings.ContainsAny(a, "/$"):
			return "corepack " + a + " may read or write other places"
		case strings.Contains(a, "@"):
			named = true
		}
	}
	if verb != "enable" && verb != "disable" && verb != "prepare" && verb != "install" || !named || verb == "install" && len(args) == 0 {
		return "corepack reads package.json"
	}
	if v, ok := st.lookup().Get("COREPACK_HOME"); ok {
		p, ok := st.Abs(v)
		if !ok {
			return "COREPACK_HOME is computed"
		}
		e.Writes = append(e.Writes, p)
	}
	e.Network = true
	e.Reads = append(e.Reads, system...)
	e.Writes = append(append(append(e.Writes, system...), "/root"), homes(st)...)
	return ""
}

// nodeReads are the files beside which Yarn or pnpm look for their version and
// their settings, whatever they do. An .npmrc that git leaves out comes with
// COPY . . all the same.
func nodeReads(dir string) []string {
	var out []string
	for _, f := range []string{"package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml"} {
		out = append(out, path.Join(dir, f))
	}
	return out
}
