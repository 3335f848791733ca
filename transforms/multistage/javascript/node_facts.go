package javascript

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// nodeNative are packages that need libraries or programs which the full image
// has and the slim one hasn't. The value are the Debian packages that mend it, by
// bookworm's names (DebianName), "" for none that would be enough. Sources: the
// packages' installation notes.
var nodeNative = map[string]string{
	"@prisma/client": "openssl", "skia-canvas": "", "canvas": cairo, "node-canvas": cairo, "oracledb": "", "ibm_db": "", "node-rdkafka": "", "nodegit": "", "puppeteer": "", "playwright": "", "playwright-chromium": "", "playwright-core": "", "@playwright/test": "",
	"chromium": "", "phantomjs-prebuilt": "", "phantomjs": "", "nightmare": "", "electron": "", "pg-native": "libpq5", "libpq": "libpq5", "kerberos": "libgssapi-krb5-2", "usb": "libusb-1.0-0 libudev1", "node-hid": "libusb-1.0-0 libudev1",
	"imagemagick": "imagemagick", "easyimage": "imagemagick", "gm": "imagemagick", "simple-git": git, "git-rev": git, "git-rev-sync": git, "git-raw-commits": git, "gitlog": git, "python-shell": "python3", "gl": "", "headless-gl": "", "opencv4nodejs": "", "mapnik": "",
	"node-libcurl": "libcurl4", "magickwand": "", "node-poppler": "poppler-utils", "sqlcipher": "",
	"pem": "openssl", "ps-tree": "procps", "tree-kill": "procps", "find-process": "procps", "ps-list": "procps", "ps-node": "procps", "pidtree": "procps",
	"git-clone": git, "download-git-repo": git, "git-last-commit": git, "git-client": git, "svn-spawn": "subversion", "@napi-rs/canvas": "fonts-dejavu-core",
}

const (
	cairo = "libcairo2 libpango-1.0-0 libpangocairo-1.0-0 libjpeg62-turbo libgif7 librsvg2-2"
	git   = "git ca-certificates openssh-client" // with what git calls
)

// NodeNeeds installs in the runtime stage what dependencies need beside the slim
// image, and names the first that can't be helped so.
func NodeNeeds(s *split.Split, n *repo.Node) string {
	for _, deps := range []map[string]string{n.Dependencies, n.Optional} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			pkgs, ok := nodeNative[name]
			switch {
			case !ok:
			case pkgs == "":
				return name + " needs libraries that the slim image hasn't"
			default:
				why := name + " (" + path.Join(n.Dir, "package.json") + ")"
				if missing := s.Requires(strings.Fields(pkgs), why); missing != "" {
					return name + " needs " + missing + " at run time, and what Debian " + s.Image.Release + " calls that isn't known"
				}
			}
		}
	}
	return ""
}

// facts finds the package.json of every install.
func (n *NodeApp) facts() bool {
	for k := range n.Installs {
		i := &n.Installs[k]
		ctx, by := n.Stage.Origin(i.in, path.Join(i.Step.Dir, "package.json"), n.Pass.Repo, n.Pass.Name)
		if by == nil {
			return n.Decline(i.in, "package.json doesn't come from the build context")
		}
		i.Node = n.Pass.Repo.Node(path.Dir(ctx))
		if strings.Contains(n.Doc.Src, "/etc/ssl") || strings.Contains(n.Doc.Src, "use-openssl-ca") {
			return n.Decline(i.in, "the file names the system's CA certificates, which node's slim image hasn't")
		}
		switch {
		case i.Node == nil || i.Node.Err != nil:
			return n.Decline(i.in, "%s can't be read", ctx)
		}
		if why := n.outside(i); why != "" {
			return n.Decline(i.in, "%s", why)
		}
		for script, body := range i.Node.Scripts {
			if slices.Contains(i.Node.Lifecycle(), script) && escapes().MatchString(body) {
				return n.Decline(i.in, "the %s script may write outside %s: %s", script, n.AppDir, body)
			}
		}
	}
	for _, b := range n.builds {
		for _, i := range n.Installs {
			if name := split.ScriptOf(b.step.Args); name != "" && i.Step.Dir == b.step.Dir && escapes().MatchString(i.Node.Scripts[name]) {
				return n.Decline(b.in, "the %s script may write outside %s: %s", name, n.AppDir, i.Node.Scripts[name])
			}
		}
	}
	return true
}

// escapes: a script that leaves the package's folder, or the image's paths.
var escapes = lazily(`(^|[\s=>"'])(\.\./|/[a-z]|~/|\$HOME)`)

// prune removes the development dependencies at the end of the build stage
// where nothing needs them. It declines when a start command needs what the
// runtime stage won't have.
func (n *NodeApp) prune(cmds []split.Command) bool {
	main := n.main()
	keep, ok := n.uses(main.Node, cmds)
	if !ok {
		return false
	}
	switch {
	case len(main.Node.DevOnly()) == 0 || n.pruned || n.withoutDev(main):
		return true
	case len(n.Installs) > 1:
		keep = cmp.Or(keep, "there are several packages")
	case main.Node.HasWorkspaces:
		keep = cmp.Or(keep, "node_modules holds those of all workspaces")
	case main.Step.Name == "yarn" && n.yarnCompiles(main.Node):
		keep = cmp.Or(keep, "with Yarn 1 removing them is an install, which may take compiled modules along")
	case main.Step.Name == "bun" && n.bunKeeps(main) != "":
		keep = cmp.Or(keep, n.bunKeeps(main))
	case n.pruneCommand(main) == "":
		keep = cmp.Or(keep, map[string]string{"yarn": "Yarn 2 and later removes them with a plugin only"}[main.Step.Name])
	case n.Stage.At(n.lastRun().Next()).Workdir != main.Step.Dir:
		keep = cmp.Or(keep, "the install runs in another folder")
	}
	if keep == "" && n.Pass.Unsafe {
		used, unknown := n.Pass.Repo.NodeUsesDev(main.Node.Dir, n.entries(main.Node, cmds)...)
		switch {
		case len(used) > 0:
			keep = "the source uses " + used[0]
		case unknown != "":
			keep = unknown
		}
	}
	if keep != "" {
		n.Why += "; development dependencies stay: " + keep
		return true
	}
	if main.Step.Name == "bun" && main.Node.Lock != "" {
		n.Assumes = append(n.Assumes, main.Node.Lock+" agrees with package.json, which bun insists on in production")
	}
	if verb := slices.IndexFunc(main.Step.Args, func(a string) bool { return a == "install" || a == "i" || a == "ci" }); main.Step.Name == "bun" && len(n.builds) == 0 && verb > 0 {
		n.Explain("bun installs the development dependencies for no step: --production leaves them out")
		n.Assumes = append(n.Assumes, "no development dependency is needed at run time (none of "+fewer(main.Node.DevOnly())+" is imported)")
		return n.ReplaceWord(main.in, main.Step.Command, verb, main.Step.Args[verb]+" --production")
	}
	if n.omits = n.omitFlag(main); n.omits != "" {
		n.Explain("%s leaves the development dependencies out by %s: no step needs them", main.Step.Name, n.omits)
		n.Assumes = append(n.Assumes, "no development dependency is needed at run time (none of "+fewer(main.Node.DevOnly())+" is imported)")
		return true
	}
	command := n.pruneCommand(main)
	n.Explain("%s removes the development dependencies behind the last build step", command)
	n.Tail = append(n.Tail, n.Keyword("RUN")+" "+command+"\n")
	n.Adds = append(n.Adds, strings.Split(command, " && ")...)
	n.Assumes = append(n.Assumes, "no development dependency is needed at run time (none of "+fewer(main.Node.DevOnly())+" is imported)")
	return true
}

// yarnCompiles: a package of the lock file, or without one of package.json, is
// compiled when it is installed.
func (n *NodeApp) yarnCompiles(node *repo.Node) bool {
	src := node.Src
	if node.Lock != "" {
		src, _ = n.Pass.Repo.ReadFile(node.Lock)
	}
	return split.NativeModule().Match(src)
}

// pruneCommand removes development dependencies after the build, without running
// the scripts of packages again; "" where the package manager has no such
// command. Yarn 1's prune is an install for production (yarn prune says so).
func (n *NodeApp) pruneCommand(i NodeInstall) string {
	switch m := n.major(); {
	case i.Step.Name == "npm" && m > 0 && m <= 14:
		return "npm prune --production"
	case i.Step.Name == "npm":
		return "npm prune --omit=dev --ignore-scripts"
	case i.Step.Name == "pnpm":
		return "pnpm prune --prod --ignore-scripts"
	case i.Step.Name == "yarn" && !n.berry(i.Node):
		return "yarn install --production --ignore-scripts --prefer-offline"
	case i.Step.Name == "bun" && i.Node.LockManager == "bun": // it has no prune
		return "rm -rf node_modules && bun install --production --frozen-lockfile"
	case i.Step.Name == "bun":
		return "rm -rf node_modules && bun install --production"
	}
	return ""
}

// omitFlag has the install leave development dependencies out, where no step needs them: no
// build, no script of the package, and no client of Prisma, which prisma writes when it is
// installed. "" where they are removed behind the build.
func (n *NodeApp) omitFlag(i NodeInstall) string {
	_, prisma := i.Node.Dependencies["@prisma/client"]
	if n.SameBase || n.tailOnly || prisma || len(n.builds) > 0 || len(i.Node.Lifecycle()) > 0 || installWord(i) < 0 {
		return ""
	}
	switch m := n.major(); {
	case i.Step.Name == "npm" && m > 0 && m <= 14, i.Step.Name == "yarn" && !n.berry(i.Node):
		return "--production"
	case i.Step.Name == "npm":
		return "--omit=dev"
	case i.Step.Name == "pnpm":
		return "--prod"
	}
	return ""
}

// installWord is the word of an install that says so, -1 for none.
func installWord(i NodeInstall) int {
	return slices.IndexFunc(i.Step.Args, func(a string) bool { return a == "install" || a == "i" || a == "ci" })
}

// lastRun is the last RUN that stays in the build stage.
func (n *NodeApp) lastRun() *rewrite.Instruction {
	last := n.Last
	for in := last.Next(); in != nil; in = in.Next() {
		if in.Keyword == "run" && n.Roles[in] == split.InBuild {
			last = in
		}
	}
	return last
}

func fewer(names []string) string {
	if len(names) > 4 {
		return strings.Join(names[:3], ", ") + fmt.Sprintf(" and %d more", len(names)-3)
	}
	return strings.Join(names, ", ")
}

// major is Node's major version, 0 when it isn't known.
func (n *NodeApp) major() int {
	v, _, _ := strings.Cut(cmp.Or(n.Image.Version, n.Image.Line), ".")
	m, _ := strconv.Atoi(v)
	return m
}

// withoutDev: the install leaves development dependencies out already.
func (n *NodeApp) withoutDev(i NodeInstall) bool {
	for k, a := range i.Step.Args {
		switch a {
		case "--production", "--prod", "--omit=dev", "--only=production", "--only=prod", "--production=true", "-P":
			return true
		case "--omit", "--only":
			return k+1 < len(i.Step.Args)
		}
	}
	v, _ := n.Env(i.in, i.Step.Command, "NODE_ENV")
	return v == "production" && !slices.Contains(i.Step.Args, "--include=dev") && !slices.Contains(i.Step.Args, "--production=false")
}

// uses says why development dependencies must stay, as far as the start
// commands tell; it declines for programs that nothing brings along.
func (n *NodeApp) uses(node *repo.Node, cmds []split.Command) (keep string, ok bool) {
	for _, b := range n.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				cmds = append(cmds, split.Command{Args: list, Where: b.File})
			}
		}
	}
	for _, c := range cmds {
		args := cmdline.Unwrap(c.Args)
		if len(args) == 0 {
			continue
		}
		if name := split.ScriptOf(args); name != "" {
			if node.Scripts[name] == "" && args[0] != "npm" {
				keep = cmp.Or(keep, c.Where+" runs "+strings.Join(args[:2], " "))
				continue
			}
			if node.Scripts[name] == "" && !(name == "start" && n.Pass.Repo.Exists(path.Join(node.Dir, "server.js"))) {
				continue // it fails as it did before
			}
			if dev := node.ScriptDev(name); len(dev) > 0 {
				keep = cmp.Or(keep, "npm script "+name+" uses "+dev[0])
			}
			more, err := cmdline.ScriptCommands(node.Scripts[name])
			if err != nil {
				keep = cmp.Or(keep, "npm script "+name+" can't be read")
			}
			for _, m := range more {
				if pkg := n.Lacks(m[0]); pkg != "" {
					return "", n.Decline(c.From, "npm script %s runs %s, which the slim image hasn't", name, m[0])
				}
			}
			continue
		}
		switch tool := path.Base(args[0]); tool {
		case "npx", "bunx":
			keep = cmp.Or(keep, c.Where+" runs "+tool)
		case "node", "nodejs", "bun":
			for k, a := range args {
				if (a == "-r" || a == "--preload" || a == "--require" || a == "--import" || a == "--loader" || a == "--experimental-loader") && k+1 < len(args) {
					for _, d := range node.DevOnly() {
						if args[k+1] == d || strings.HasPrefix(args[k+1], d+"/") {
							keep = cmp.Or(keep, c.Where+" loads "+d)
						}
					}
				}
			}
		default:
			if n.globals[tool] && nodeBuildTools[tool] || tool == "ng" && n.globals["@angular/cli"] || tool == "tsc" && n.globals["typescript"] || tool == "nest" && n.globals["@nestjs/cli"] {
				return "", n.Decline(c.From, "%s runs %s, which is installed globally", c.Where, tool)
			}
			bin := strings.Contains(args[0], "node_modules/.bin") || strings.Contains(n.Stage.At(nil).Env["PATH"], "node_modules/.bin")
			if _, own := node.Dependencies[tool]; bin && !own || slices.Contains(node.DevOnly(), tool) {
				keep = cmp.Or(keep, c.Where+" runs "+tool)
			}
		}
	}
	return keep, true
}

// entries are the source files that node starts, nil when one isn't in the
// context (a build writes it) or none is named.
func (n *NodeApp) entries(node *repo.Node, cmds []split.Command) []string {
	var out []string
	add := func(args []string) bool {
		args = cmdline.Unwrap(args)
		if len(args) > 2 && args[0] == "bun" && args[1] == "run" {
			args = args[1:]
		} else if len(args) < 2 || path.Base(args[0]) != "node" && args[0] != "bun" {
			return false
		}
		for _, a := range args[1:] {
			if !strings.HasPrefix(a, "-") {
				rel := strings.TrimPrefix(strings.TrimPrefix(a, n.AppDir+"/"), "./")
				if !n.Pass.Repo.Exists(path.Join(node.Dir, rel)) {
					return false
				}
				out = append(out, rel)
				return true
			}
		}
		return false
	}
	for _, c := range cmds {
		if name := split.ScriptOf(cmdline.Unwrap(c.Args)); name != "" {
			more, _ := cmdline.ScriptCommands(node.Scripts[name])
			for _, m := range more {
				if !add(m) {
					return nil
				}
			}
			continue
		}
		if !add(c.Args) {
			return nil
		}
	}
	return out
}

// ciFlags are flags of npm install that npm ci understands alike.
var ciFlags = words(`--production --omit=dev --only=production --only=prod --legacy-peer-deps --no-audit --no-fund --silent --quiet -q -s --unsafe-perm --unsafe-perm=true --verbose --no-progress --no-optional --ignore-scripts --prefer-offline --loglevel=error --loglevel=warn --include=dev`)

// cleanInstall turns npm install into npm ci where a lock file agrees with
// package.json (https://docs.npmjs.com/cli/commands/npm-ci).
func (n *NodeApp) cleanInstall() bool {
	for k, i := range n.Installs {
		verb := installWord(i)
		if verb < 0 {
			continue
		}
		word := i.Step.Args[verb]
		if n.takesCI(i, word) {
			word = "ci"
			n.Assumes = append(n.Assumes, i.Node.Lock+" agrees with package.json, as it does today, so that npm ci accepts it")
		}
		if n.omits != "" && k == 0 {
			word += " " + n.omits
		}
		if word != i.Step.Args[verb] && !n.ReplaceWord(i.in, i.Step.Command, verb, word) {
			return false
		}
	}
	return true
}

// takesCI reports whether an npm install may be an npm ci.
func (n *NodeApp) takesCI(i NodeInstall, word string) bool {
	if i.Step.Name != "npm" || word == "ci" || i.Node.LockManager != "npm" {
		return false
	}
	if slices.ContainsFunc(i.Step.Args[1:], func(a string) bool { return strings.HasPrefix(a, "-") && !ciFlags[a] }) {
		return false
	}
	if m := n.major(); m > 0 && m <= 14 {
		return false // npm 6 can't read newer lock files
	}
	if _, by := n.Stage.Origin(i.in, path.Join(i.Step.Dir, path.Base(i.Node.Lock)), n.Pass.Repo, n.Pass.Name); by == nil {
		return false
	}
	ok, _ := i.Node.LockInSync()
	return ok
}
