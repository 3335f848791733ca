package multistage

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// nodeNative are packages that need libraries or programs which the full image
// has and the slim one hasn't. The value are the Debian packages that mend it, by
// bookworm's names (debianName), "" for none that would be enough. Sources: the
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

// nodeNeeds installs in the runtime stage what dependencies need beside the slim
// image, and names the first that can't be helped so.
func (s *split) nodeNeeds(n *repo.Node) string {
	for _, deps := range []map[string]string{n.Dependencies, n.Optional} {
		for _, name := range slices.Sorted(keys(deps)) {
			pkgs, ok := nodeNative[name]
			switch {
			case !ok:
			case pkgs == "":
				return name + " needs libraries that the slim image hasn't"
			default:
				why := name + " (" + path.Join(n.Dir, "package.json") + ")"
				if missing := s.requires(strings.Fields(pkgs), why); missing != "" {
					return name + " needs " + missing + " at run time, and what Debian " + s.img.Release + " calls that isn't known"
				}
			}
		}
	}
	return ""
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// facts finds the package.json of every install.
func (n *nodeSplit) facts() bool {
	for k := range n.installs {
		i := &n.installs[k]
		ctx, by := n.stage.Origin(i.in, path.Join(i.step.Dir, "package.json"), n.p.Repo, n.p.Name)
		if by == nil {
			return n.decline(i.in, "package.json doesn't come from the build context")
		}
		i.node = n.p.Repo.Node(path.Dir(ctx))
		if strings.Contains(n.doc.Src, "/etc/ssl") || strings.Contains(n.doc.Src, "use-openssl-ca") {
			return n.decline(i.in, "the file names the system's CA certificates, which node's slim image hasn't")
		}
		switch {
		case i.node == nil || i.node.Err != nil:
			return n.decline(i.in, "%s can't be read", ctx)
		}
		if why := n.outside(i); why != "" {
			return n.decline(i.in, "%s", why)
		}
		for script, body := range i.node.Scripts {
			if slices.Contains(i.node.Lifecycle(), script) && escapes().MatchString(body) {
				return n.decline(i.in, "the %s script may write outside %s: %s", script, n.app, body)
			}
		}
	}
	for _, b := range n.builds {
		for _, i := range n.installs {
			if name := scriptOf(b.step.Args); name != "" && i.step.Dir == b.step.Dir && escapes().MatchString(i.node.Scripts[name]) {
				return n.decline(b.in, "the %s script may write outside %s: %s", name, n.app, i.node.Scripts[name])
			}
		}
	}
	return true
}

// escapes: a script that leaves the package's folder, or the image's paths.
var escapes = lazily(`(^|[\s=>"'])(\.\./|/[a-z]|~/|\$HOME)`)

var runVerb = lazily(`^(run|run-script)$`)

// scriptOf is the npm script that a command runs, "" for none.
func scriptOf(args []string) string {
	if len(args) < 2 || args[0] != "npm" && args[0] != "yarn" && args[0] != "pnpm" && args[0] != "bun" {
		return ""
	}
	var words []string
	for _, a := range args[1:] {
		if a == "--" {
			break
		}
		if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
	}
	switch {
	case args[0] == "bun" && bunFile(words) != "":
	case len(words) > 1 && runVerb().MatchString(words[0]):
		return words[1]
	case len(words) > 0 && (args[0] != "npm" || words[0] == "start" || words[0] == "test" || words[0] == "stop" || words[0] == "restart"):
		return words[0]
	}
	return ""
}

// prune removes the development dependencies at the end of the build stage
// where nothing needs them. It declines when a start command needs what the
// runtime stage won't have.
func (n *nodeSplit) prune(cmds []command) bool {
	main := n.main()
	keep, ok := n.uses(main.node, cmds)
	if !ok {
		return false
	}
	switch {
	case len(main.node.DevOnly()) == 0 || n.pruned || n.withoutDev(main):
		return true
	case len(n.installs) > 1:
		keep = cmp.Or(keep, "there are several packages")
	case main.node.HasWorkspaces:
		keep = cmp.Or(keep, "node_modules holds those of all workspaces")
	case main.step.Name == "yarn" && n.yarnCompiles(main.node):
		keep = cmp.Or(keep, "with Yarn 1 removing them is an install, which may take compiled modules along")
	case main.step.Name == "bun" && n.bunKeeps(main) != "":
		keep = cmp.Or(keep, n.bunKeeps(main))
	case n.pruneCommand(main) == "":
		keep = cmp.Or(keep, map[string]string{"yarn": "Yarn 2 and later removes them with a plugin only"}[main.step.Name])
	case n.stage.At(n.lastRun().Next()).Workdir != main.step.Dir:
		keep = cmp.Or(keep, "the install runs in another folder")
	}
	if keep == "" && n.p.Unsafe {
		used, unknown := n.p.Repo.NodeUsesDev(main.node.Dir, n.entries(main.node, cmds)...)
		switch {
		case len(used) > 0:
			keep = "the source uses " + used[0]
		case unknown != "":
			keep = unknown
		}
	}
	if keep != "" {
		n.why += "; development dependencies stay: " + keep
		return true
	}
	if main.step.Name == "bun" && main.node.Lock != "" {
		n.assumes = append(n.assumes, main.node.Lock+" agrees with package.json, which bun insists on in production")
	}
	if verb := slices.IndexFunc(main.step.Args, func(a string) bool { return a == "install" || a == "i" || a == "ci" }); main.step.Name == "bun" && len(n.builds) == 0 && verb > 0 {
		n.explain("bun installs the development dependencies for no step: --production leaves them out")
		n.assumes = append(n.assumes, "no development dependency is needed at run time (none of "+fewer(main.node.DevOnly())+" is imported)")
		return n.replaceWord(main.in, main.step.Command, verb, main.step.Args[verb]+" --production")
	}
	command := n.pruneCommand(main)
	n.explain("%s removes the development dependencies behind the last build step", command)
	n.tail = append(n.tail, n.keyword("RUN")+" "+command+"\n")
	n.adds = append(n.adds, strings.Split(command, " && ")...)
	n.assumes = append(n.assumes, "no development dependency is needed at run time (none of "+fewer(main.node.DevOnly())+" is imported)")
	return true
}

// yarnCompiles: a package of the lock file, or without one of package.json, is
// compiled when it is installed.
func (n *nodeSplit) yarnCompiles(node *repo.Node) bool {
	src := node.Src
	if node.Lock != "" {
		src, _ = n.p.Repo.ReadFile(node.Lock)
	}
	return nativeModule().Match(src)
}

var nativeModule = lazily(`(?i)\b(node-gyp|node-gyp-build|node-pre-gyp|prebuild-install|node-addon-api|nan|bindings|bcrypt|argon2|sqlite3|better-sqlite3|canvas|sharp|node-sass|re2|zeromq|libpq|cpu-features|isolated-vm)["@]`)

// pruneCommand removes development dependencies after the build, without running
// the scripts of packages again; "" where the package manager has no such
// command. Yarn 1's prune is an install for production (yarn prune says so).
func (n *nodeSplit) pruneCommand(i nodeInstall) string {
	switch m := n.major(); {
	case i.step.Name == "npm" && m > 0 && m <= 14:
		return "npm prune --production"
	case i.step.Name == "npm":
		return "npm prune --omit=dev --ignore-scripts"
	case i.step.Name == "pnpm":
		return "pnpm prune --prod --ignore-scripts"
	case i.step.Name == "yarn" && !n.berry(i.node):
		return "yarn install --production --ignore-scripts --prefer-offline"
	case i.step.Name == "bun" && i.node.LockManager == "bun": // it has no prune
		return "rm -rf node_modules && bun install --production --frozen-lockfile"
	case i.step.Name == "bun":
		return "rm -rf node_modules && bun install --production"
	}
	return ""
}

// lastRun is the last RUN that stays in the build stage.
func (n *nodeSplit) lastRun() *rewrite.Instruction {
	last := n.last
	for in := last.Next(); in != nil; in = in.Next() {
		if in.Keyword == "run" && n.roles[in] == inBuild {
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
func (n *nodeSplit) major() int {
	v, _, _ := strings.Cut(cmp.Or(n.img.Version, n.img.Line), ".")
	m, _ := strconv.Atoi(v)
	return m
}

// withoutDev: the install leaves development dependencies out already.
func (n *nodeSplit) withoutDev(i nodeInstall) bool {
	for k, a := range i.step.Args {
		switch a {
		case "--production", "--prod", "--omit=dev", "--only=production", "--only=prod", "--production=true", "-P":
			return true
		case "--omit", "--only":
			return k+1 < len(i.step.Args)
		}
	}
	v, _ := n.env(i.in, i.step.Command, "NODE_ENV")
	return v == "production" && !slices.Contains(i.step.Args, "--include=dev") && !slices.Contains(i.step.Args, "--production=false")
}

// uses says why development dependencies must stay, as far as the start
// commands tell; it declines for programs that nothing brings along.
func (n *nodeSplit) uses(node *repo.Node, cmds []command) (keep string, ok bool) {
	for _, b := range n.runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint} {
			if len(list) > 0 {
				cmds = append(cmds, command{args: list, where: b.File})
			}
		}
	}
	for _, c := range cmds {
		args := unwrap(c.args)
		if len(args) == 0 {
			continue
		}
		if name := scriptOf(args); name != "" {
			if node.Scripts[name] == "" && args[0] != "npm" {
				keep = cmp.Or(keep, c.where+" runs "+strings.Join(args[:2], " "))
				continue
			}
			if node.Scripts[name] == "" && !(name == "start" && n.p.Repo.Exists(path.Join(node.Dir, "server.js"))) {
				continue // it fails as it did before
			}
			if dev := node.ScriptDev(name); len(dev) > 0 {
				keep = cmp.Or(keep, "npm script "+name+" uses "+dev[0])
			}
			more, err := scriptCommands(node.Scripts[name])
			if err != nil {
				keep = cmp.Or(keep, "npm script "+name+" can't be read")
			}
			for _, m := range more {
				if pkg := n.lacks(m[0]); pkg != "" {
					return "", n.decline(c.from, "npm script %s runs %s, which the slim image hasn't", name, m[0])
				}
			}
			continue
		}
		switch tool := path.Base(args[0]); tool {
		case "npx", "bunx":
			keep = cmp.Or(keep, c.where+" runs "+tool)
		case "node", "nodejs", "bun":
			for k, a := range args {
				if (a == "-r" || a == "--preload" || a == "--require" || a == "--import" || a == "--loader" || a == "--experimental-loader") && k+1 < len(args) {
					for _, d := range node.DevOnly() {
						if args[k+1] == d || strings.HasPrefix(args[k+1], d+"/") {
							keep = cmp.Or(keep, c.where+" loads "+d)
						}
					}
				}
			}
		default:
			if n.globals[tool] && nodeBuildTools[tool] || tool == "ng" && n.globals["@angular/cli"] || tool == "tsc" && n.globals["typescript"] || tool == "nest" && n.globals["@nestjs/cli"] {
				return "", n.decline(c.from, "%s runs %s, which is installed globally", c.where, tool)
			}
			bin := strings.Contains(args[0], "node_modules/.bin") || strings.Contains(n.stage.At(nil).Env["PATH"], "node_modules/.bin")
			if _, own := node.Dependencies[tool]; bin && !own || slices.Contains(node.DevOnly(), tool) {
				keep = cmp.Or(keep, c.where+" runs "+tool)
			}
		}
	}
	return keep, true
}

// entries are the source files that node starts, nil when one isn't in the
// context (a build writes it) or none is named.
func (n *nodeSplit) entries(node *repo.Node, cmds []command) []string {
	var out []string
	add := func(args []string) bool {
		args = unwrap(args)
		if len(args) > 2 && args[0] == "bun" && args[1] == "run" {
			args = args[1:]
		} else if len(args) < 2 || path.Base(args[0]) != "node" && args[0] != "bun" {
			return false
		}
		for _, a := range args[1:] {
			if !strings.HasPrefix(a, "-") {
				rel := strings.TrimPrefix(strings.TrimPrefix(a, n.app+"/"), "./")
				if !n.p.Repo.Exists(path.Join(node.Dir, rel)) {
					return false
				}
				out = append(out, rel)
				return true
			}
		}
		return false
	}
	for _, c := range cmds {
		if name := scriptOf(unwrap(c.args)); name != "" {
			more, _ := scriptCommands(node.Scripts[name])
			for _, m := range more {
				if !add(m) {
					return nil
				}
			}
			continue
		}
		if !add(c.args) {
			return nil
		}
	}
	return out
}

// ciFlags are flags of npm install that npm ci understands alike.
var ciFlags = words(`--production --omit=dev --only=production --only=prod --legacy-peer-deps --no-audit --no-fund --silent --quiet -q -s --unsafe-perm --unsafe-perm=true --verbose --no-progress --no-optional --ignore-scripts --prefer-offline --loglevel=error --loglevel=warn --include=dev`)

// cleanInstall turns npm install into npm ci where a lock file agrees with
// package.json (https://docs.npmjs.com/cli/commands/npm-ci).
func (n *nodeSplit) cleanInstall() bool {
	for _, i := range n.installs {
		verb := slices.IndexFunc(i.step.Args, func(a string) bool { return a == "install" || a == "i" })
		if i.step.Name != "npm" || verb < 0 || i.node.LockManager != "npm" {
			continue
		}
		if slices.ContainsFunc(i.step.Args[1:], func(a string) bool { return strings.HasPrefix(a, "-") && !ciFlags[a] }) {
			continue
		}
		if m := n.major(); m > 0 && m <= 14 {
			continue // npm 6 can't read newer lock files
		}
		if _, by := n.stage.Origin(i.in, path.Join(i.step.Dir, path.Base(i.node.Lock)), n.p.Repo, n.p.Name); by == nil {
			continue
		}
		if ok, _ := i.node.LockInSync(); !ok {
			continue
		}
		if !n.replaceWord(i.in, i.step.Command, verb, "ci") {
			return false
		}
		n.assumes = append(n.assumes, i.node.Lock+" agrees with package.json, as it does today, so that npm ci accepts it")
	}
	return true
}
