package javascript_test

import (
	"maps"
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

// What of Node's recipe isn't worth a directory of fixtures: each case is the
// Dockerfile, files beside it, and what the result, its plan or the reason of the
// decline must hold.
func TestNode(t *testing.T) {
	const install = "FROM node:20\nWORKDIR /app\nCOPY . .\n"
	pkg := func(start string) string {
		return `{"name": "x", "scripts": {"start": "` + start + `"}, "dependencies": {"express": "4.18.2"}}`
	}
	for _, c := range []struct {
		name, dockerfile string
		files            map[string]string
		want, not        string // of the file that results, or of the reasons; "" for nothing
		plan             string
	}{
		{"pnpm in one RUN with the install, needed at the start",
			install + "RUN npm i -g pnpm && pnpm install\nCMD [\"pnpm\", \"start\"]\n",
			map[string]string{"package.json": pkg("node x.js && true")},
			"installed in one RUN with the application", "FROM node:20-slim", ""},
		{"pnpm needed at the start is installed again",
			install + "RUN npm i -g pnpm@9\nRUN pnpm install\nCMD [\"pnpm\", \"start\"]\n",
			map[string]string{"package.json": pkg("node x.js && true")},
			"FROM node:20-slim\nWORKDIR /app\nRUN npm i -g pnpm@9\n", "CMD [\"node\"", "pnpm is installed in the runtime stage too"},
		{"variables in front of node",
			install + "RUN corepack enable && pnpm install\nCMD pnpm start\n",
			map[string]string{"package.json": pkg("NODE_ENV=production node x.js")},
			`CMD ["env", "NODE_ENV=production", "node", "x.js"]`, "", "CMD calls node itself"},
		{"the program reads what npm sets",
			install + "RUN corepack enable && pnpm install\nCMD [\"pnpm\", \"start\"]\n",
			map[string]string{"package.json": pkg("node x.js"), "x.js": "console.log(process.env.npm_package_version)\n"},
			"x.js:1 reads the environment that npm sets", "FROM node:20-slim", ""},
		{"packages in a virtual store elsewhere",
			install + "RUN npm i -g pnpm && pnpm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": pkg("node x.js"), ".npmrc": "virtual-store-dir=/store\n"},
			".npmrc sets virtual-store-dir", "FROM node:20-slim", ""},
		{"Yarn 4 with node_modules keeps development dependencies",
			install + "RUN corepack enable && yarn install --immutable\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "packageManager": "yarn@4.5.0", "dependencies": {"a": "1"}, "devDependencies": {"typescript": "5.0.0"}}`, ".yarnrc.yml": "nodeLinker: node-modules\n"},
			"FROM node:20-slim", "--production", ""},
		{"bun",
			install + "RUN npm i -g bun@1.1.0\nRUN bun install\nCMD [\"bun\", \"run\", \"start\"]\n",
			map[string]string{"package.json": pkg("bun x.ts")},
			"FROM node:20-slim\nWORKDIR /app\nRUN npm i -g bun@1.1.0\n", "", ""},
		{"a workspace whose root is in the image too",
			"FROM node:20\nWORKDIR /repo/web\nCOPY package.json /repo/\nCOPY web .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": `{"name": "r", "workspaces": ["web"]}`, "web/package.json": pkg("node x.js")},
			"web/package.json is a workspace of package.json", "FROM node:20-slim", ""},
		{"prisma needs openssl",
			install + "RUN npm install && npx prisma generate\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "dependencies": {"@prisma/client": "5.0.0"}}`},
			"apt-get install -y --no-install-recommends openssl", "", "openssl is installed in the runtime stage for @prisma/client"},
		{"canvas brings cairo's libraries",
			install + "RUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "dependencies": {"canvas": "2.11.2"}}`},
			"libcairo2 libgif7 libjpeg62-turbo libpango-1.0-0 libpangocairo-1.0-0 librsvg2-2", "", ""},
		{"husky's prepare script stays out of the prune",
			install + "RUN npm install && npm run build\nCMD [\"node\", \"dist/x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "scripts": {"build": "tsc", "prepare": "husky"}, "dependencies": {"express": "4.18.2"}, "devDependencies": {"typescript": "5.0.0", "husky": "9.0.0"}}`},
			"RUN npm prune --omit=dev --ignore-scripts\n", "", ""},
		{"alpine: virtual build packages that go again",
			"FROM node:20-alpine\nRUN apk add --no-cache g++ make python3 tzdata vips-dev\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": pkg("node x.js")},
			"RUN apk add --no-cache tzdata vips\n", "-slim", "only the build stage installs"},
		{"alpine: the source calls python",
			"FROM node:20-alpine\nRUN apk add --no-cache g++ make python3\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": pkg("node x.js"), "x.js": "require('child_process').spawn('python3', ['x.py'])\n"},
			"x.js:1 names python, which is installed for node-gyp", "AS builder", ""},
		{"alpine: prisma takes OpenSSL from python's packages",
			"FROM node:20-alpine\nRUN apk add --no-cache g++ make python3\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "dependencies": {"@prisma/client": "5.0.0"}}`},
			"add openssl to apk add", "AS builder", ""},
		{"yarn 1 with a compiled module keeps development dependencies",
			install + "RUN yarn install && yarn build\nCMD [\"node\", \"dist/x.js\"]\n",
			map[string]string{"package.json": `{"name": "x", "scripts": {"build": "tsc"}, "dependencies": {"bcrypt": "5.1.1"}, "devDependencies": {"typescript": "5.0.0"}}`},
			"FROM node:20-slim", "--production", ""},
		{"alpine without a build is nothing to talk about",
			"FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"package.json": pkg("node x.js")}, "", "AS builder", ""},
		{"distroless: the program starts others",
			install + "RUN npm install\nCMD [\"node\", \"x.js\"]\n",
			map[string]string{"POLICY": "distroless", "package.json": pkg("node x.js"), "x.js": "require('child_process').exec('ls')\n"},
			"FROM node:20-slim", "distroless", "x.js:1 starts other programs"},
		{"distroless: it stays root where it writes",
			install + "RUN npm install\nCMD [\"npm\", \"start\"]\n",
			map[string]string{"POLICY": "distroless", "package.json": pkg("node x.js"), "x.js": "require('fs').writeFileSync('log', 'x')\n"},
			"FROM gcr.io/distroless/nodejs20-debian12:latest\nWORKDIR /app\nCOPY --from=builder /app /app\nCMD [\"x.js\"]\n", "", "it stays root"},
		{"distroless: node as the entry point",
			install + "RUN npm install\nENTRYPOINT [\"node\"]\nCMD [\"x.js\"]\n",
			map[string]string{"POLICY": "distroless", "package.json": pkg("node x.js"), "x.js": splittest.JSApp},
			"ENTRYPOINT [\"/nodejs/bin/node\"]\nCMD [\"x.js\"]\n", "", ""},
		{"nginx: serve without -s has pages of its own",
			install + "RUN npm install && npm run build\nCMD [\"npx\", \"serve\", \"dist\"]\n",
			map[string]string{"POLICY": "smallest", "package.json": `{"name": "x", "scripts": {"build": "vite build"}, "dependencies": {"serve": "14"}, "devDependencies": {"vite": "5"}}`},
			"FROM node:20-slim", "nginx:", "without -s serve has pages of its own"},
		{"nginx: vite preview and its own folder",
			install + "RUN npm install && npm run build\nCMD [\"npm\", \"run\", \"preview\"]\n",
			map[string]string{"POLICY": "smallest", "vite.config.js": "export default { build: { outDir: 'public_html' } }\n", "package.json": `{"name": "x", "scripts": {"build": "vite build", "preview": "vite preview --host --port 8080"}, "devDependencies": {"vite": "5"}}`},
			"COPY --from=builder /app/public_html /usr/share/nginx/html", "", "at port 8080"},
		{"next: the source reads files that aren't traced",
			install + "RUN npm install && npm run build\nCMD [\"npx\", \"next\", \"start\"]\n",
			map[string]string{"next.config.js": "module.exports = { output: 'standalone' }\n", "lib.js": "fs.readFileSync(dir + '/x.md')\n", "package.json": `{"name": "x", "scripts": {"build": "next build"}, "dependencies": {"next": "14.0.0"}}`},
			"COPY --from=builder /app /app", "standalone", "lib.js:1 reads files that Next may not trace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := maps.Clone(c.files)
			files["Dockerfile"] = c.dockerfile
			res := splittest.Files(t, files)
			got, plan := splittest.Reasons(res), ""
			if res.Changed() {
				got = res.After
			}
			for _, o := range res.Outcomes {
				plan += strings.Join(o.Plan, "\n")
			}
			if !strings.Contains(got, c.want) || c.want == "" && got != "" || c.not != "" && strings.Contains(got, c.not) || !strings.Contains(plan, c.plan) {
				t.Errorf("got\n%s\nplan:\n%s", got, plan)
			}
		})
	}
}
