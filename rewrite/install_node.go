package rewrite

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
)

var _ = registerManager(&manager{tools: []string{"npm", "yarn", "pnpm", "bun"}, install: nodeInstall})

// nodeFlags are flags of an install that don't change where or what is read.
var nodeFlags = Words(`
	--production --prod -P -p --dev -D --no-optional --include-workspace-root --workspaces --omit --include --only
	--no-audit --audit --no-fund --fund --silent -s --quiet -q --verbose -d -dd -ddd --loglevel --no-progress --progress --no-color --color --reporter --inline-builds --no-summary
	--legacy-peer-deps --strict-peer-deps --no-strict-peer-dependencies --strict-peer-dependencies --shamefully-hoist --force -f --unsafe-perm --foreground-scripts --no-bin-links --no-update-notifier
	--frozen-lockfile --no-frozen-lockfile --pure-lockfile --immutable --no-immutable --no-lockfile --no-package-lock --no-save --prefer-frozen-lockfile --lockfile-only --check-cache --immutable-cache
	--non-interactive --ignore-scripts --ignore-optional --ignore-engines --ignore-platform --engine-strict --check-files --skip-integrity-check --prefer-offline --prefer-online --no-cache --all -A
	--registry --network-timeout --network-concurrency --fetch-retries --fetch-timeout --fetch-retry-mintimeout --fetch-retry-maxtimeout --maxsockets --child-concurrency --concurrent-scripts --mutex --strict-ssl
	--cpu --os --libc --arch --target_arch --platform --python --filter -F --workspace -w --workspace-root --recursive -r --no-verify --omit-dev --mode --link-workspace-packages --config.strict-peer-dependencies`)

// nodeValues are those of them that take the next word as their value.
var nodeValues = Words(`--loglevel --reporter --registry --network-timeout --network-concurrency --fetch-retries --fetch-timeout --fetch-retry-mintimeout --fetch-retry-maxtimeout --maxsockets --child-concurrency
	--concurrent-scripts --mutex --cpu --os --libc --arch --target_arch --platform --python --filter -F --workspace --omit --include --only --mode`)

// nodeFrozen are flags with which an install doesn't write the lock file.
var nodeFrozen = Words(`--frozen-lockfile --immutable --pure-lockfile --no-lockfile --no-package-lock --no-save`)

// nodeInstalls are the verbs of an install of the project, by program.
var nodeInstalls = map[string]map[string]bool{
	"npm":  Words("ci clean-install install-clean ic install i in"),
	"yarn": Words("install"),
	"pnpm": Words("install i"),
	"bun":  Words("install i ci"),
}

// nodeClean are those that never write the lock file.
var nodeClean = Words("ci clean-install install-clean ic")

// nodeFolder are the flags that name the folder of the project, by program.
var nodeFolder = map[string]map[string]bool{
	"npm": Words("--prefix -C"), "yarn": Words("--cwd"), "pnpm": Words("-C --dir --prefix"), "bun": Words("--cwd"),
}

// nodeArgs are the arguments of npm, yarn, pnpm or bun.
type nodeArgs struct {
	verb    string
	rest    []string // words behind the verb that are no flags
	flags   []string // without their values
	dir     string   // the folder of the project as written, "" for where it runs
	unknown string   // a flag that isn't known
}

func readNodeArgs(tool string, args []string) nodeArgs {
	var a nodeArgs
	for n := 0; n < len(args); n++ {
		flag, value, has := strings.Cut(args[n], "=")
		next := func() string {
			if !has && n+1 < len(args) {
				n++
				value = args[n]
			}
			return value
		}
		switch {
		case !strings.HasPrefix(flag, "-") && a.verb == "":
			a.verb = args[n]
		case !strings.HasPrefix(flag, "-"):
			a.rest = append(a.rest, args[n])
		case nodeFolder[tool][flag]:
			a.dir = next()
		default:
			a.flags = append(a.flags, flag)
			if nodeValues[flag] || tool == "npm" && flag == "-w" {
				next()
			}
			if !nodeFlags[flag] {
				a.unknown = args[n]
			}
		}
	}
	return a
}

func (a nodeArgs) has(flags ...string) bool {
	return slices.ContainsFunc(a.flags, func(f string) bool { return slices.Contains(flags, f) })
}

func nodeInstall(i *Install, c installCall) bool {
	tool := path.Base(c.args[0])
	a := readNodeArgs(tool, c.args[1:])
	switch {
	case a.has("-g", "--global", "--version", "-v", "--help", "-h"):
		return false
	case tool == "yarn" && a.verb == "workspaces" && len(a.rest) > 0 && a.rest[0] == "focus":
		i.Name, a.rest = "yarn workspaces focus", nil
	case tool == "yarn" && a.verb == "":
		i.Name = "yarn"
	case nodeInstalls[tool][a.verb]:
		i.Name = tool + " " + a.verb
	default:
		return false
	}
	if len(a.rest) > 0 {
		return false // it installs what it names
	}
	if a.dir != "" {
		dir, ok := c.st.Abs(a.dir)
		if !ok {
			i.Unknown = tool + " works in the computed folder " + a.dir
			return true
		}
		i.Dir = dir
	}
	i.Unknown = i.nodeFacts(c, tool, a)
	return true
}

// nodeFacts fills in what an install reads and writes, and tells why that
// can't be known.
func (i *Install) nodeFacts(c installCall, tool string, a nodeArgs) (unknown string) {
	i.Writes = []string{path.Join(i.Dir, "node_modules"), "/root", "/tmp", "/usr/local/share", "/usr/local/bin"}
	ctx, ok := c.origin(path.Join(i.Dir, "package.json"))
	if !ok {
		return "package.json doesn't come from the build context"
	}
	i.Ctx = path.Dir(ctx)
	n := c.repo.Node(i.Ctx)
	if n == nil {
		return "there is no package.json in " + i.Ctx
	}
	facts := n.Install(repo.NodeCall{Manager: tool, NoScripts: a.has("--ignore-scripts")})
	frozen := nodeClean[a.verb] || slices.ContainsFunc(a.flags, func(f string) bool { return nodeFrozen[f] })
	i.take(c, facts.InstallFacts, "package.json", frozen)
	writes, set := nodeEnv(c.st)
	i.Writes = append(i.Writes, writes...)
	switch {
	case a.unknown != "":
		return tool + " " + a.unknown + " may read or write other places"
	case set != "":
		return set + " is set"
	case facts.Unknown != "":
		return facts.Unknown
	case tool == "pnpm" && a.has("-r", "--recursive") && !c.repo.Exists(path.Join(i.Ctx, "pnpm-workspace.yaml")):
		return "pnpm --recursive looks for packages in all folders"
	case i.Name == "yarn workspaces focus" && !facts.Berry:
		return "yarn workspaces focus is a command of later versions than Yarn 1"
	case (tool == "yarn" || tool == "pnpm") && n.PackageManager == "" && c.mentions("corepack") && c.st.Env["COREPACK_ENABLE_AUTO_PIN"] != "0":
		return "corepack may write packageManager into package.json"
	}
	return i.nodeAbove(c, tool, n)
}

// nodeAbove looks at the folders above: the root of a workspace, Yarn's and
// corepack's settings.
func (i *Install) nodeAbove(c installCall, tool string, n *repo.Node) (unknown string) {
	names := map[string][]string{"yarn": {".npmrc", ".yarnrc", ".yarnrc.yml", "yarn.lock"}, "pnpm": {"pnpm-workspace.yaml"}}[tool]
	ctx, known := i.Ctx, true
	for dir := i.Dir; dir != "/"; {
		dir, known = path.Dir(dir), known && ctx != "."
		ctx = path.Dir(ctx)
		for _, f := range names {
			i.Reads = append(i.Reads, path.Join(dir, f))
		}
		manifest := path.Join(dir, "package.json")
		from, sent := c.origin(manifest)
		switch up := c.repo.Node(path.Dir(from)); {
		case !sent || up == nil:
			i.Reads = append(i.Reads, manifest)
		case known && up.Dir == n.WorkspaceRoot:
			return "the package is a workspace of " + from
		case !known && up.HasWorkspaces:
			return "the package may be a workspace of " + from
		case up.PackageManager != "" && tool != "npm":
			return "corepack takes the version of " + tool + " from " + from
		case up.Err != nil:
			i.Reads = append(i.Reads, manifest)
		}
	}
	return ""
}

// nodeEnv reads the settings of the package managers in the environment:
// caches are places that they write to, other places aren't followed.
func nodeEnv(st State) (writes []string, unknown string) {
	env := st.lookup()
	for _, k := range env.Keys() {
		v, _ := env.Get(k)
		key, ok := strings.ToLower(k), false
		for _, prefix := range []string{"npm_config_", "pnpm_config_", "yarn_"} {
			if rest, cut := strings.CutPrefix(key, prefix); cut {
				key, ok = strings.ReplaceAll(rest, "_", ""), true
			}
		}
		switch {
		case v == "":
		case ok && (key == "cache" || key == "cachefolder" || key == "storedir" || key == "globalfolder") ||
			slices.Contains([]string{"PNPM_HOME", "COREPACK_HOME", "BUN_INSTALL", "BUN_INSTALL_CACHE_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"}, k):
			p, ok := st.Abs(v)
			if !ok {
				return writes, k
			}
			writes = append(writes, p)
		case k == "COREPACK_ENV_FILE" || ok && (key == "yarnpath" || key == "plugins" || key != "prefix" && repo.MovingSetting(key)):
			unknown = max(unknown, k)
		}
	}
	return writes, unknown
}
