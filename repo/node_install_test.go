package repo

import (
	"strings"
	"testing"
)

func TestNodeInstallUnknown(t *testing.T) {
	for _, c := range []struct{ why, manager, pkg, more, unknown string }{
		{"plain", "npm", `{"dependencies":{"a":"^1","b":"github:x/y","c":"npm:d@1"}}`, "", ""},
		{"harmless scripts", "npm", `{"scripts":{"build":"tsc","start":"node ."}}`, "", ""},
		{"file", "npm", `{"dependencies":{"a":"file:../a"}}`, "", "dependency a is a local path: file:../a"},
		{"path", "npm", `{"devDependencies":{"a":"./a"}}`, "", "dependency a is a local path: ./a"},
		{"tarball", "npm", `{"dependencies":{"a":"a-1.0.tgz"}}`, "", "dependency a is a local path: a-1.0.tgz"},
		{"remote tarball", "npm", `{"dependencies":{"a":"https://x/a-1.0.tgz"}}`, "", ""},
		{"override", "npm", `{"overrides":{"a":{"b":"file:b"}}}`, "", "dependency a>b is a local path: file:b"},
		{"gyp", "npm", `{}`, "binding.gyp|{}", "binding.gyp makes the install compile the package"},
		{"gyp off", "npm", `{"gypfile":false}`, "binding.gyp|{}", ""},
		{"puppeteer", "npm", `{"dependencies":{"puppeteer":"5"}}`, "", ""},
		{"puppeteer configured", "npm", `{"dependencies":{"puppeteer":"5"}}`, ".puppeteerrc.cjs|x", "dependency puppeteer: its install script reads .puppeteerrc and puppeteer.config files"},
		{"nx", "npm", `{"devDependencies":{"nx":"19"}}`, "nx.json|{}", "dependency nx: its install script reads the projects of nx.json"},
		{"npmrc", "npm", `{}`, ".npmrc|registry=https://r.io/\n//r.io/:_authToken=${T}\n", ""},
		{"npmrc with a file", "npm", `{}`, ".npmrc|x=1\nfoo=./ca.pem\n", ".npmrc:2 points at ./ca.pem"},
		{"npmrc elsewhere", "npm", `{}`, ".npmrc|script-shell=bash\n", ".npmrc:1 sets script-shell"},
		{"locked link", "npm", `{}`, `package-lock.json|{"packages":{"x":{"resolved":"x","link": true}}}`, "package-lock.json locks a local path"},
		{"broken", "npm", `{`, "", "package.json: unexpected end of JSON input"},
		{"workspaces", "npm", `{"workspaces":["p/*"]}`, `p/a/package.json|{"name":"a"}`, ""},
		{"a program of a workspace", "npm", `{"workspaces":["p/*"]}`, `p/a/package.json|{"bin":"cli.js"};p/a/cli.js|x`, "the install links the program p/a/cli.js only if it is there already"},
		{"a script of a workspace", "npm", `{"workspaces":["p/*"]}`, `p/a/package.json|{"scripts":{"prepare":"tsc"}}`, "the prepare script of p/a/package.json runs at install: tsc"},
		{"a workspace by file:", "npm", `{"workspaces":["p/*"],"dependencies":{"a":"file:p/a"}}`, `p/a/package.json|{};package-lock.json|{"packages":{"node_modules/a":{"resolved":"p/a","link": true}}}`, ""},
		{"the same with yarn", "yarn", `{"workspaces":["p/*"],"dependencies":{"a":"file:p/a"}}`, `p/a/package.json|{};yarn.lock|# v1`, "dependency a is a local path: file:p/a"},
		{"workspace:", "pnpm", `{"dependencies":{"a":"workspace:*"}}`, `pnpm-workspace.yaml|packages: [p];p/package.json|{"name":"a"}`, ""},
		{"pnpm settings", "pnpm", `{}`, "pnpm-workspace.yaml|onlyBuiltDependencies: [x]", ""},
		{"pnpm settings and packages", "pnpm", `{}`, "pnpm-workspace.yaml|onlyBuiltDependencies: [x];p/package.json|{}", "pnpm-workspace.yaml names no packages, and pnpm's versions differ in what that means"},
		{"pnpm elsewhere", "pnpm", `{}`, "pnpm-workspace.yaml|storeDir: .store", "pnpm-workspace.yaml sets storeDir"},
		{"pnpm copies workspaces", "pnpm", `{}`, "pnpm-workspace.yaml|injectWorkspacePackages: true", "pnpm-workspace.yaml sets injectWorkspacePackages"},
		{"pnpm's default", "pnpm", `{}`, "pnpm-workspace.yaml|sharedWorkspaceLockfile: true", ""},
		{"a lock file each", "pnpm", `{}`, ".npmrc|shared-workspace-lockfile=false", ".npmrc:1 sets shared-workspace-lockfile"},
		{"pnpmfile", "pnpm", `{}`, ".pnpmfile.cjs|require('./x')", ".pnpmfile.cjs may load other files at install"},
		{"injected", "pnpm", `{"dependenciesMeta":{"a":{"injected":true}}}`, "", "dependenciesMeta has a workspace copied into node_modules"},
		{"yarn's own program is gone", "yarn", `{}`, ".yarnrc.yml|yarnPath: .yarn/releases/yarn-4.cjs", ".yarn/releases/yarn-4.cjs, which is to be Yarn itself, isn't there"},
		{"yarn's cache", "yarn", `{"packageManager":"yarn@4.1.0"}`, ".yarn/cache/x.zip|x", "Yarn reads .yarn/cache at install"},
		{"a plugin", "yarn", `{}`, ".yarnrc.yml|plugins: [.yarn/plugins/mine.cjs]", "the Yarn plugin .yarn/plugins/mine.cjs may read more at install"},
		{"two Yarns", "yarn", `{}`, ".yarnrc.yml|nodeLinker: node-modules;yarn.lock|# yarn lockfile v1", "yarn.lock is of Yarn 1, and .yarnrc.yml is for later versions"},
		{"yarn 1 folder", "yarn", `{}`, ".yarnrc|--modules-folder lib", ".yarnrc:1 sets modules-folder"},
		{"bun's cache", "bun", `{}`, "bunfig.toml|[install.cache]\ndir='x'", "bunfig.toml sets install.cache"},
		{"nested workspaces", "yarn", `{"workspaces":["p"]}`, `p/package.json|{"workspaces":["q"]}`, "p/package.json has workspaces of its own"},
	} {
		pairs := []string{"package.json", c.pkg}
		for f := range strings.SplitSeq(c.more, ";") {
			if name, src, ok := strings.Cut(f, "|"); ok {
				pairs = append(pairs, name, src)
			}
		}
		equal(t, c.why, load(pairs...).Node(".").Install(NodeCall{Manager: c.manager}).Unknown, c.unknown)
	}
}

func TestNodeInstallFiles(t *testing.T) {
	for _, c := range []struct{ why, manager, pkg, more, files string }{
		{"npm", "npm", `{}`, "package-lock.json|{};.npmrc|;index.js|;.yarnrc|", "package.json package-lock.json .npmrc"},
		{"npm keeps yarn.lock", "npm", `{}`, "package-lock.json|{};yarn.lock|", "package.json package-lock.json yarn.lock"},
		{"yarn 1", "yarn", `{}`, ".yarnrc|yarn-path \".yarn/releases/y.cjs\";.yarn/releases/y.cjs|;yarn.lock|# v1;package-lock.json|", "package.json yarn.lock .yarnrc .yarn/releases"},
		{"yarn 4", "yarn", `{"resolutions":{"a":"patch:a@npm%3A1#~/.yarn/patches/a.patch"}}`,
			".yarnrc.yml|yarnPath: .yarn/releases/y.cjs\nplugins:\n  - path: .yarn/plugins/@yarnpkg/plugin-version.cjs;.yarn/releases/y.cjs|;.yarn/plugins/@yarnpkg/plugin-version.cjs|;.yarn/patches/a.patch|;yarn.lock|__metadata:",
			"package.json yarn.lock .yarnrc.yml .yarn/releases .yarn/plugins .yarn/patches"},
		{"pnpm", "pnpm", `{"pnpm":{"patchedDependencies":{"a@1":"patches/a.patch"}}}`, "pnpm-lock.yaml|;patches/a.patch|;yarn.lock|", "package.json pnpm-lock.yaml patches"},
		{"bun", "bun", `{"patchedDependencies":{"a@1":"patches/a.patch"}}`, "bun.lock|;patches/a.patch|", "package.json bun.lock patches"},
		{"workspaces", "npm", `{"workspaces":["apps/*","packages/**","!packages/old"]}`,
			"apps/a/package.json|{};apps/.b/package.json|{};apps/node_modules/package.json|{};apps/c/x|;packages/d/e/package.json|{};packages/old/package.json|{};packages/d/.npmrc|", "package.json apps/a/package.json packages/d/e/package.json"},
		{"what is in a folder isn't the folder", "npm", `{"workspaces":["p/**","!p/a/**"]}`, "p/a/package.json|{};p/a/b/package.json|{}", "package.json p/a/package.json"},
		{"yarn 1 knows no negation", "yarn", `{"workspaces":{"packages":["{a,b}","!b"]}}`, "a/package.json|{};b/package.json|{};yarn.lock|# v1", "package.json yarn.lock a/package.json b/package.json"},
		{"prisma", "npm", `{"dependencies":{"@prisma/client":"5"}}`, `prisma/schema.prisma|generator c {` + "\n" + `provider = "prisma-client-js"` + "\n" + `}`, "package.json prisma"},
		{"patch-package", "npm", `{"scripts":{"postinstall":"patch-package"}}`, "patches/a.patch|", "package.json patches"},
	} {
		pairs := []string{"package.json", c.pkg}
		for f := range strings.SplitSeq(c.more, ";") {
			name, src, _ := strings.Cut(f, "|")
			pairs = append(pairs, name, src)
		}
		got := load(pairs...).Node(".").Install(NodeCall{Manager: c.manager})
		equal(t, c.why, strings.Join(got.Files, " ")+got.Unknown, c.files)
	}
	got := load("w/package.json", "{}", "w/package-lock.json", "{}", "package.json", "{}").Node("w").Install(NodeCall{Manager: "npm"})
	equal(t, "a folder", got.Files, []string{"w/package.json", "w/package-lock.json"})
}

func TestLifecycleScripts(t *testing.T) {
	more := []string{"scripts/quiet.js", "const path = require('path')\nif (!/pnpm/.test(process.env.npm_execpath)) process.exit(1)\n",
		"scripts/loud.js", "require('fs').writeFileSync('x', '')", "scripts/import.mjs", "import os from 'node:os'\nconsole.log(os.arch())\n", "scripts/import2.mjs", "import x from './y.mjs'\n",
		"patches/a.patch", "", "prisma/schema.prisma", "generator client {\n  provider = \"prisma-client-js\"\n}\n",
		"erd/schema.prisma", "generator erd {\n  provider = \"prisma-erd-generator\"\n}\n", "out/schema.prisma", "generator c {\n  provider = \"prisma-client\"\n  output = \"../src/gen\"\n}\n"}
	for _, c := range []struct{ script, files, looks, writes string }{
		{"husky", "", ".git", ""}, {"husky install", "", ".git", ""}, {"is-ci || husky install .husky", "", ".git", ""}, {"husky || true", "", ".git", ""}, {"HUSKY=0 husky", "", ".git", ""},
		{"npx --no-install husky@8 install", "", ".git", ""}, {"[ -n \"$CI\" ] || husky", "", ".git", ""}, {"if [ \"$NODE_ENV\" != production ]; then husky; fi", "", ".git", ""},
		{"simple-git-hooks", "", ".git", ""}, {"npx only-allow pnpm", "", "", ""}, {"npx -y only-allow yarn", "", "", ""}, {"echo done", "", "", ""}, {"opencollective || exit 0", "", "", ""},
		{"patch-package", "patches", "", ""}, {"patch-package --patch-dir ./patches && husky", "patches", ".git", ""}, {"yarn run hooks", "", ".git", ""}, {"yarn husky install", "", ".git", ""},
		{"node ./scripts/quiet.js", "scripts/quiet.js", "", ""}, {"node scripts/quiet", "scripts/quiet.js", "", ""}, {"node scripts/import.mjs", "scripts/import.mjs", "", ""},
		{`node -e "if (process.env.npm_execpath.indexOf('yarn') === -1) throw new Error('yarn')"`, "", "", ""},
		{"prisma generate", "prisma", ".env prisma.config.ts schema.prisma prisma/schema", ""}, {"npx prisma generate --schema=out/schema.prisma", "out/schema.prisma", ".env out/.env prisma.config.ts", "src/gen"},
	} {
		n := load(append([]string{"package.json", `{"scripts":{"postinstall":` + quoteJSON(c.script) + `,"hooks":"husky"}}`}, more...)...).Node(".")
		got, plain := n.Install(NodeCall{Manager: "npm"}), n.Install(NodeCall{Manager: "npm", NoScripts: true})
		equal(t, c.script+": unknown", got.Unknown, "")
		equal(t, c.script+": files", strings.Join(got.Files[len(plain.Files):], " "), c.files)
		for l := range strings.FieldsSeq(c.looks) {
			if !strings.Contains(" "+strings.Join(got.Looks, " ")+" ", " "+l+" ") {
				t.Errorf("%s doesn't look for %s: %v", c.script, l, got.Looks)
			}
		}
		equal(t, c.script+": writes", strings.Join(got.Writes[:len(got.Writes)-len(plain.Writes)], " "), c.writes)
	}
	for _, script := range []string{"tsc", "npm run build", "node scripts/loud.js", "node scripts/import2.mjs", "node gone.js", "nuxt prepare", "svelte-kit sync", "lerna bootstrap", "node-gyp rebuild", "electron-builder install-app-deps",
		"husky add .husky/x", "patch-package left-pad", "prisma generate --schema=erd/schema.prisma", "prisma migrate deploy", "echo x > y", "echo $(cat x)", "[ -f x ] && husky", "PATH=. husky", "$X", "\"", "cd x && husky", "yarn loop",
		"node -e \"require('fs')\"", "node -r ./x scripts/quiet.js", "npx -p x husky", "ngcc"} {
		n := load(append([]string{"package.json", `{"scripts":{"postinstall":` + quoteJSON(script) + `,"loop":"yarn loop","build":"tsc"}}`}, more...)...).Node(".")
		if got := n.Install(NodeCall{Manager: "npm"}); got.Unknown == "" {
			t.Errorf("%s isn't known to read only %v", script, got.Files)
		}
	}
	ts := load("package.json", `{"scripts":{"postinstall":"prisma generate"}}`, "tsconfig.json", "{}", "prisma/schema.prisma", "generator c {\n  provider = \"prisma-client\"\n  output = \"../gen\"\n}\n").Node(".")
	equal(t, "prisma-client", ts.Install(NodeCall{Manager: "npm"}).Unknown, "the Prisma generator prisma-client reads tsconfig.json and what it extends")
	berry := load("package.json", `{"packageManager":"yarn@4.0.0","scripts":{"prepare":"tsc"}}`).Node(".")
	equal(t, "prepare isn't run by later Yarns", berry.Install(NodeCall{Manager: "yarn"}).Unknown, "")
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func TestPub(t *testing.T) {
	for _, c := range []struct{ why, spec, more, files, unknown string }{
		{"plain", "name: x\ndependencies:\n  a: ^1.0.0\n", "pubspec.lock|", "pubspec.yaml pubspec.lock", ""},
		{"overrides", "name: x\n", "pubspec_overrides.yaml|dependency_overrides: {a: {path: a}};a/pubspec.yaml|name: a", "pubspec.yaml pubspec_overrides.yaml a/pubspec.yaml", ""},
		{"path", "dependencies:\n  a:\n    path: ./a\n", "a/pubspec.yaml|dependencies: {b: {path: ../b}};b/pubspec.yaml|name: b;a/lib/a.dart|", "pubspec.yaml a/pubspec.yaml b/pubspec.yaml", ""},
		{"outside", "dependencies: {a: {path: ../a}}", "", "pubspec.yaml", "../a/pubspec.yaml cannot be read"},
		{"workspace", "workspace: [a]\n", "a/pubspec.yaml|resolution: workspace", "pubspec.yaml a/pubspec.yaml", ""},
		{"pattern", "workspace: ['a/*']\n", "", "pubspec.yaml", "pubspec.yaml names its workspace by the pattern a/*"},
		{"member", "resolution: workspace\n", "", "pubspec.yaml", "pubspec.yaml belongs to a workspace, whose packages are resolved together"},
		{"flutter", "dependencies: {flutter: {sdk: flutter}}", "web/index.html|", "pubspec.yaml", ""},
		{"flutter for Android", "dependencies: {flutter: {sdk: flutter}}", "android/x|", "pubspec.yaml", "flutter pub get writes the plugins into android"},
		{"translations", "dependencies: {flutter: {sdk: flutter}}\nflutter: {generate: true}", "", "pubspec.yaml", "flutter pub get generates code for translations"},
		{"broken", "a: [", "", "", "pubspec.yaml cannot be read"},
	} {
		pairs := []string{"pubspec.yaml", c.spec}
		for f := range strings.SplitSeq(c.more, ";") {
			if name, src, ok := strings.Cut(f, "|"); ok {
				pairs = append(pairs, name, src)
			}
		}
		got := load(pairs...).Pub(".")
		equal(t, c.why, strings.Join(got.Files, " "), c.files)
		equal(t, c.why, got.Unknown, c.unknown)
	}
}
