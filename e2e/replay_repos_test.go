//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A replayRepo is a repository with a history of our own.
type replayRepo struct {
	name    string
	flags   []string // of fix
	few     int      // commits without E2E_ALL
	first   map[string]string
	commits []string // after the first: a subject and what it does, see apply
}

// make writes the repository with the first n commits.
func (r replayRepo) make(t *testing.T, n int) string {
	dir := filepath.Join(t.TempDir(), r.name)
	git(t, ".", "init", "--quiet", dir)
	for name, text := range r.first {
		// NONCE: COPY --link builds on nothing, so its cache would be that of an earlier run.
		write(t, filepath.Join(dir, name), strings.ReplaceAll(text, "NONCE", strconv.FormatInt(time.Now().UnixNano(), 36)))
	}
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message=begin")
	for _, c := range r.commits[:n-1] {
		subject, ops, _ := strings.Cut(c, ": ")
		for _, op := range strings.Split(ops, "; ") {
			apply(t, dir, op)
		}
		git(t, dir, "add", "--all")
		git(t, dir, "commit", "--quiet", "--allow-empty", "--message="+subject)
	}
	return dir
}

// apply does one thing: `= FILE TEXT` writes a line, `+ FILE TEXT` adds one, `- FILE` deletes, `> OLD NEW` renames, `x FILE`
// and `X FILE` set and clear the executable bit, `l LINK TARGET` links, `revert N` undoes the commit N before HEAD.
func apply(t *testing.T, dir, op string) {
	w := strings.SplitN(op, " ", 3)
	at := func(i int) string { return filepath.Join(dir, w[i]) }
	var err error
	switch w[0] {
	case "":
	case "=":
		write(t, at(1), w[2]+"\n")
	case "+":
		var old []byte
		old, err = os.ReadFile(at(1))
		write(t, at(1), string(old)+w[2]+"\n")
	case "-":
		err = os.Remove(at(1))
	case ">":
		if err = os.MkdirAll(filepath.Dir(at(2)), 0o755); err == nil {
			err = os.Rename(at(1), at(2))
		}
	case "x":
		err = os.Chmod(at(1), 0o755)
	case "X":
		err = os.Chmod(at(1), 0o644)
	case "l":
		_ = os.Remove(at(1))
		err = os.Symlink(w[2], at(1))
	case "revert":
		git(t, dir, "revert", "--no-edit", "--no-commit", "HEAD~"+w[1])
	default:
		err = fmt.Errorf("no such operation")
	}
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
}

var replayRepos = []replayRepo{
	{
		name: "python", flags: []string{"--unsafe", "--skip", "multi-stage"}, few: 8,
		first: map[string]string{
			"Dockerfile": `FROM python:3.12
WORKDIR /srv
COPY . .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
ENV TIDES_PORT=8000
EXPOSE 8000
CMD ["python", "-m", "tides"]
`,
			"requirements.txt":  "# nothing to install yet\n",
			"tides/__main__.py": "print('high water')\n",
			"tides/table.py":    "HOURS = 12\n",
			"README.md":         "# Tides\n",
		},
		commits: []string{
			"readme: + README.md More about tides.",
			"source: + tides/table.py MINUTES = 25",
			"nothing:",
			"requirements: + requirements.txt # perhaps numpy",
			"new module: = tides/moon.py PHASES = 8",
			"ignore file: = .dockerignore README.md; + .dockerignore docs",
			"ignored readme: + README.md Still more.",
			"executable: x tides/__main__.py",
			"revert of the requirements: revert 4",
			"docs: = docs/index.md # Docs",
			"rename: > tides/moon.py tides/phases.py",
			"requirements again: + requirements.txt # perhaps numpy",
			"no longer executable: X tides/__main__.py",
			"Dockerfile: + Dockerfile # port 8000",
			"ignore less: = .dockerignore docs",
			"readme seen: + README.md Now it counts.",
			"link: l tides/latest.py table.py",
			"link elsewhere: l tides/latest.py phases.py",
			"source: + tides/table.py SECONDS = 14",
			"revert of the source: revert 0",
			"empty folder by the ignore file: = data/raw.csv 1,2; = .dockerignore docs; + .dockerignore **/*.csv",
			"more data: = data/more.csv 3,4",
			"data gone: - data/raw.csv; - data/more.csv",
			"requirements with a mode: x requirements.txt",
			"and without: X requirements.txt",
			"both: + requirements.txt # scipy; + tides/table.py DAYS = 29",
			"negation: = .dockerignore *; + .dockerignore !tides; + .dockerignore !requirements.txt",
			"readme out again: + README.md Out.",
			"source: + tides/phases.py NAMES = ['new', 'full']",
		},
	},
	{
		name: "node", flags: []string{"--unsafe"}, few: 8,
		first: map[string]string{
			"Dockerfile": `FROM node:20 AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund
RUN npm run build

FROM node:20-slim
WORKDIR /app
COPY package.json ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/config ./config
CMD ["node", "dist/server.mjs"]
`,
			"package.json":      `{"name": "locks", "version": "1.0.0", "private": true, "type": "module", "scripts": {"build": "node build.mjs"}}` + "\n",
			"package-lock.json": `{"name": "locks", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {"": {"name": "locks", "version": "1.0.0"}}}` + "\n",
			"build.mjs": `import { mkdirSync, copyFileSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
mkdirSync("dist", { recursive: true });
copyFileSync("src/server.mjs", "dist/server.mjs");
writeFileSync("dist/stamp", randomUUID()); // like most builds it never gives the same bytes twice
`,
			"src/server.mjs":    "console.log('open');\n",
			"config/locks.json": "{}\n",
			"README.md":         "# Locks\n",
		},
		commits: []string{
			"source: + src/server.mjs console.log('closed');",
			"readme: + README.md About locks.",
			"config: = config/locks.json {\"gates\": 2}",
			"package: = package.json {\"name\": \"locks\", \"version\": \"1.0.1\", \"private\": true, \"type\": \"module\", \"scripts\": {\"build\": \"node build.mjs\"}}",
			"new file: = src/gate.mjs export default 1;",
			"nothing:",
			"revert of the source: revert 5",
			"ignore file: = .dockerignore node_modules; + .dockerignore *.md",
			"readme out: + README.md Out.",
			"config mode: x config/locks.json",
			"lock file: + package-lock.json  ",
			"rename: > src/gate.mjs src/sluice.mjs",
			"package back: revert 8",
			"config gone and back: = config/more.json {}",
			"config link: l config/default.json locks.json",
			"ignore less: = .dockerignore node_modules",
			"readme in: + README.md In.",
			"source: + src/sluice.mjs // wider",
			"build script: + build.mjs // done",
			"delete: - config/more.json",
			"lock file again: + package-lock.json  ",
			"style: = src/style.css a {}",
			"no style: revert 0",
			"config moved: > config/locks.json config/gates.json",
			"config back: > config/gates.json config/locks.json",
			"tests: = test/server.test.mjs // none",
			"dockerfile: + Dockerfile # two stages",
			"source: + src/server.mjs console.log('open again');",
			"readme: + README.md The end.",
		},
	},
	{
		name: "rules", flags: []string{"--only", "one-cmd"}, few: 30, // fix has nothing to do
		first: map[string]string{
			"Dockerfile": `FROM debian:bookworm-slim AS tools
WORKDIR /tools
COPY tools/*.sh ./
ONBUILD COPY VERSION /VERSION
ONBUILD RUN cp /VERSION /built && cat /proc/sys/kernel/random/uuid >> /built

FROM scratch AS data
COPY data /data

FROM tools AS work
RUN --mount=type=bind,source=scripts,target=/s cat /s/* > /scripts.txt
RUN --mount=type=bind,from=data,source=/data,target=/d cat /d/* > /all.csv
COPY --link assets /assets
RUN cat /assets/* /proc/sys/kernel/random/uuid > /id
WORKDIR /late
COPY notes.txt extra/

FROM debian:bookworm-slim
COPY --from=tools /tools /tools
COPY --from=work /late/extra/notes.txt /notes.txt
COPY --from=work /id /id
COPY --from=data /data/a.csv /a.csv
COPY pages/index.txt /page.txt
COPY --exclude=*.log logs /logs
COPY --parents src/./*/*.txt /texts/
COPY *.json /json/
ADD --chmod=600 VERSION <<MORE /versions/
more
MORE
`,
			"tools/a.sh": "true\n", "VERSION": "1\n", "data/a.csv": "1\n", "data/b.csv": "2\n", "scripts/one": "1\n", "assets/logo": "NONCE\n",
			"notes.txt": "note\n", "html/index.txt": "page\n", "logs/a.log": "log\n", "logs/a.txt": "text\n", "src/a/a.txt": "a\n", "src/a/a.c": "c\n",
			"one.json": "{}\n", "README.md": "# Rules\n",
		},
		commits: []string{
			"pages: l pages html",
			"asset: + assets/logo oo",
			"data b: + data/b.csv 3",
			"data a: + data/a.csv 3",
			"version: = VERSION 2",
			"script: + scripts/one 2",
			"tool: + tools/a.sh false",
			"notes: + notes.txt more",
			"excluded log: + logs/a.log line",
			"log text: + logs/a.txt line",
			"page: + html/index.txt words",
			"c file: + src/a/a.c int;",
			"text: + src/a/a.txt b",
			"text in a new folder: = src/b/b.txt b",
			"text too deep: = src/b/c/c.txt c",
			"json: = two.json {}",
			"json gone: - two.json",
			"readme: + README.md More.",
			"tool of another kind: = tools/b.py pass",
			"tool mode: x tools/a.sh",
			"page link away: = other/index.txt page; + other/index.txt words; l pages other",
			"page link broken: l pages nowhere",
			"page link back: l pages html",
			"asset link: l assets/small logo",
			"script renamed: > scripts/one scripts/two",
			"no scripts: - scripts/two",
			"script again: = scripts/one 1",
			"ignore: = .dockerignore scripts/two; + .dockerignore logs; + .dockerignore !logs/a.txt",
			"end: + README.md The end.",
		},
	},
}
