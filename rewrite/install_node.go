package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"npm", "yarn", "pnpm"}, install: nodeInstall})

// nodeFlags are install flags of npm, yarn and pnpm that don't change where or
// what is read.
var nodeFlags = map[string]bool{
	"--production": true, "--only=production": true, "--only=prod": true, "--omit=dev": true, "--include=dev": true, "--no-audit": true, "--no-fund": true, "--silent": true, "--quiet": true,
	"-s": true, "-q": true, "--no-optional": true, "--legacy-peer-deps": true, "--force": true, "-f": true, "--frozen-lockfile": true, "--pure-lockfile": true, "--immutable": true, "--prod": true, "-P": true,
	"--no-progress": true, "--non-interactive": true, "--ignore-scripts": true, "--prefer-offline": true, "--no-package-lock": true, "--unsafe-perm": true, "--loglevel=error": true, "--loglevel=warn": true,
	"--verbose": true, "--dev": true, "--production=true": true, "--production=false": true, "--network-timeout=100000": true, "--ignore-optional": true, "--ignore-engines": true, "--unsafe-perm=true": true, "--no-cache": true, "-D": true,
}

func nodeInstall(i *Install, c installCall) bool {
	tool, args, verb := path.Base(c.args[0]), c.args[1:], "install"
	rest := args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, rest = args[0], args[1:]
	}
	switch {
	case tool == "npm" && (verb == "ci" || verb == "install" || verb == "i"):
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			return false
		}
	case tool == "yarn" && verb == "install", tool == "pnpm" && (verb == "install" || verb == "i"):
	default:
		return false
	}
	for _, a := range rest {
		switch {
		case a == "-g" || a == "--global" || !strings.HasPrefix(a, "-"):
			return false
		case !nodeFlags[a]:
			i.Unknown = tool + " " + a + " may read or write other places"
		}
	}
	i.Writes = []string{path.Join(i.Dir, "node_modules"), "/root", "/tmp", "/usr/local/share", "/usr/local/bin"}
	i.Reads = nodeReads(i.Dir)
	ctx, ok := c.origin(path.Join(i.Dir, "package.json"))
	if !ok {
		i.Unknown = "package.json doesn't come from the build context"
		return true
	}
	i.Ctx = path.Dir(ctx)
	n := c.repo.Node(i.Ctx)
	if n == nil {
		i.Unknown = "there is no package.json in " + i.Ctx
		return true
	}
	files, unknown := n.InstallReads()
	i.Files = files
	if unknown != "" {
		i.Unknown = unknown
	}
	if tool == "npm" && verb != "ci" || tool == "yarn" && !slices.Contains(rest, "--frozen-lockfile") && !slices.Contains(rest, "--immutable") {
		if n.Lock != "" {
			i.Assumes = n.Lock + " agrees with package.json, so that the install doesn't rewrite it"
		}
		if n.Lock == "" && tool == "npm" {
			i.Writes = append(i.Writes, path.Join(i.Dir, "package-lock.json"))
		}
		if n.Lock == "" && tool == "yarn" {
			i.Writes = append(i.Writes, path.Join(i.Dir, "yarn.lock"))
		}
	}
	return true
}
