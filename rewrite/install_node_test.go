package rewrite

import (
	"strings"
	"testing"
)

// installs gives the installs of the last RUN of a Dockerfile, and why its
// effects can't be known.
func installs(t *testing.T, src string, files ...string) ([]Install, string) {
	t.Helper()
	d := parse(t, src+"\n")
	e := d.Instructions[len(d.Instructions)-1].Effects(contextOf(files...), "Dockerfile")
	return e.Installs, e.Unknown
}

func TestNodeInstall(t *testing.T) {
	files := []string{"package.json={}", "package-lock.json={}", "yarn.lock=# yarn lockfile v1", "pnpm-lock.yaml=", "bun.lock=", "client/package.json={}", "client/package-lock.json={}"}
	for _, c := range []struct{ run, name, dir, files, assumes, unknown string }{
		{"npm ci", "npm ci", "/app", "package.json package-lock.json yarn.lock", "", ""},
		{"npm clean-install --omit=dev", "npm clean-install", "/app", "package.json package-lock.json yarn.lock", "", ""},
		{"npm install --loglevel error --omit dev", "npm install", "/app", "package.json package-lock.json yarn.lock", "package-lock.json", ""},
		{"npm --prefix client ci", "npm ci", "/app/client", "client/package.json client/package-lock.json", "", ""},
		{"npm ci --prefix=./client", "npm ci", "/app/client", "client/package.json client/package-lock.json", "", ""},
		{"npm -C /app/client ci", "npm ci", "/app/client", "client/package.json client/package-lock.json", "", ""},
		{"cd client && npm ci && cd ..", "npm ci", "/app/client", "client/package.json client/package-lock.json", "", ""},
		{"npm --prefix $X ci", "npm ci", "/app", "", "", "npm works in the computed folder $X"},
		{"npm ci --install-links", "npm ci", "/app", "package.json package-lock.json yarn.lock", "", "npm --install-links may read or write other places"},
		{"yarn", "yarn", "/app", "package.json yarn.lock", "yarn.lock", ""},
		{"yarn --frozen-lockfile --network-timeout 100000", "yarn", "/app", "package.json yarn.lock", "", ""},
		{"yarn --cwd client install", "yarn install", "/app/client", "client/package.json", "", ""},
		{"yarn workspaces focus --production", "yarn workspaces focus", "/app", "package.json yarn.lock", "yarn.lock", "yarn workspaces focus is a command of later versions than Yarn 1"},
		{"pnpm i --frozen-lockfile --prod", "pnpm i", "/app", "package.json pnpm-lock.yaml", "", ""},
		{"pnpm install --filter a... --filter=b", "pnpm install", "/app", "package.json pnpm-lock.yaml", "pnpm-lock.yaml", ""},
		{"pnpm install -r --frozen-lockfile", "pnpm install", "/app", "package.json pnpm-lock.yaml", "", "pnpm --recursive looks for packages in all folders"},
		{"pnpm install --offline --frozen-lockfile", "pnpm install", "/app", "package.json pnpm-lock.yaml", "", "pnpm --offline may read or write other places"},
		{"bun install --production", "bun install", "/app", "package.json package-lock.json yarn.lock pnpm-lock.yaml bun.lock", "bun.lock", ""},
		{"bun ci", "bun ci", "/app", "package.json package-lock.json yarn.lock pnpm-lock.yaml bun.lock", "", ""},
	} {
		got, unknown := installs(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN "+c.run, files...)
		if len(got) != 1 {
			t.Errorf("%s: %d installs, %s", c.run, len(got), unknown)
			continue
		}
		i := got[0]
		assumes, _, _ := strings.Cut(i.Assumes, " ")
		if i.Name != c.name || i.Dir != c.dir || strings.Join(i.Files, " ") != c.files || assumes != c.assumes || unknown != c.unknown {
			t.Errorf("%s: %q in %s reads %v, assumes %q, unknown %q", c.run, i.Name, i.Dir, i.Files, i.Assumes, unknown)
		}
	}
	for _, run := range []string{"npm install express", "npm i -g pnpm", "npm --version", "yarn add x", "yarn -v", "yarn build", "pnpm add x", "pnpm fetch", "bun add x", "bun run x", "npm config set a b"} {
		if got, _ := installs(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN "+run, files...); len(got) > 0 {
			t.Errorf("%s isn't an install of the project: %+v", run, got[0])
		}
	}
}

func TestNodeInstallSurroundings(t *testing.T) {
	for _, c := range []struct{ why, src, unknown string }{
		{"a cache is a place to write", "ENV NPM_CONFIG_CACHE=/cache\nCOPY . .\nRUN npm ci", ""},
		{"a setting of the environment", "ENV npm_config_script_shell=bash\nCOPY . .\nRUN npm ci", "npm_config_script_shell is set"},
		{"a harmless one", "ENV NPM_CONFIG_LOGLEVEL=warn YARN_VERSION=1.22.22\nCOPY . .\nRUN npm ci", ""},
		{"a workspace's own folder, root and all", "COPY . .\nWORKDIR /app/packages/a\nRUN npm ci", "the package is a workspace of package.json"},
		{"a workspace's own folder alone", "COPY packages/a .\nRUN npm ci", ""},
		{"corepack without packageManager", "RUN corepack enable\nCOPY packages/a .\nRUN yarn", "corepack may write packageManager into package.json"},
		{"corepack told not to", "ENV COREPACK_ENABLE_AUTO_PIN=0\nRUN corepack enable\nCOPY packages/a .\nRUN yarn", ""},
		{"corepack's version is the root's", "COPY . .\nWORKDIR /app/other\nRUN yarn", "corepack takes the version of yarn from package.json"},
		{"npm doesn't mind", "COPY . .\nWORKDIR /app/other\nRUN npm ci", ""},
		{"cd in a loop", "COPY . .\nRUN for d in a b; do cd $d && npm ci; done", "drydock doesn't know where its cd leads"},
		{"cd nowhere known", "COPY . .\nRUN cd $X && npm ci", "it changes to the computed folder $X"},
		{"cd in a subshell", "COPY . .\nRUN (cd other && npm ci)", "drydock doesn't know where its cd leads"},
		{"the build too", "COPY . .\nRUN npm ci && npm run build", "npm run build reads the code"},
	} {
		_, unknown := installs(t, "FROM scratch\nWORKDIR /app\n"+c.src, `package.json={"workspaces":["packages/*"],"packageManager":"yarn@1.22.22"}`, "packages/a/package.json={}", "other/package.json={}", "yarn.lock=#")
		if unknown != c.unknown {
			t.Errorf("%s: %q, want %q", c.why, unknown, c.unknown)
		}
	}
}

func TestNodeCommands(t *testing.T) {
	files := []string{"package.json={}", ".npmrc=", "src/index.js=", ".dockerignore=.yarn\n"}
	for _, c := range []struct{ run, want string }{
		{"npm cache clean --force", ""}, {"npm cache verify", ""}, {"npm set progress=false", "the copy brings .npmrc"}, {"npm --version", ""}, {"yarn cache clean", "the copy brings package.json"},
		{"npm config set cache /x", "changes where packages are read or written"}, {"npm config set --location=project a b", "may write into the project"},
		{"npm install -g", "doesn't know what npm"}, {"npm install -g npm@10", ""}, {"yarn global add serve", "the copy brings package.json"},
		{"corepack enable pnpm", ""}, {"corepack prepare yarn@4.1.0 --activate", ""}, {"corepack prepare --activate", "corepack reads package.json"}, {"corepack use pnpm@9", "corepack reads package.json"},
		{"corepack enable --install-directory /x", "may read or write other places"}, {"npm update", "doesn't know what npm"}, {"pnpm store prune", ""},
	} {
		ok, why := commute(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN "+c.run+"\n", contextOf(files...))
		if ok != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %v, %q; want %q", c.run, ok, why, c.want)
		}
	}
}

func TestPubInstall(t *testing.T) {
	files := []string{"app/pubspec.yaml=dependencies: {b: {path: ../b}}", "app/pubspec.lock=", "b/pubspec.yaml=name: b"}
	for _, c := range []struct{ run, files, unknown string }{
		{"dart pub get", "app/pubspec.yaml b/pubspec.yaml app/pubspec.lock", ""}, {"cd /app/app && dart pub get --offline", "app/pubspec.yaml b/pubspec.yaml app/pubspec.lock", ""},
		{"flutter pub get --no-example", "app/pubspec.yaml b/pubspec.yaml app/pubspec.lock", ""}, {"dart pub get --dry-run", "app/pubspec.yaml b/pubspec.yaml app/pubspec.lock", "dart --dry-run may read or write other places"},
	} {
		got, unknown := installs(t, "FROM scratch\nCOPY . /app\nWORKDIR /app/app\nRUN "+c.run, files...)
		if len(got) != 1 || strings.Join(got[0].Files, " ") != c.files || unknown != c.unknown {
			t.Errorf("%s: %+v, %q", c.run, got, unknown)
		}
	}
	if got, _ := installs(t, "FROM scratch\nCOPY . /app\nWORKDIR /app/app\nRUN dart pub upgrade", files...); len(got) > 0 {
		t.Error("pub upgrade is no install")
	}
}
