package multistage_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

// Every case of fixtures/multi-stage either splits, or is named declined-… or
// nothing-… and stays as it is.
func TestMultiStageFixtures(t *testing.T) {
	dirs, _ := filepath.Glob("../../fixtures/multi-stage/*")
	for _, dir := range dirs {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			res := splittest.Dir(t, dir)
			left := strings.HasPrefix(name, "declined-") || strings.HasPrefix(name, "nothing-")
			if res.Changed() == left {
				t.Errorf("changed: %v; declined: %s", res.Changed(), splittest.Reasons(res))
			}
			if strings.HasPrefix(name, "declined-") && len(res.Declined) == 0 { // golden/ has the reason
				t.Error("it says nothing about why")
			}
			if strings.HasPrefix(name, "nothing-") && len(res.Declined) > 0 {
				t.Errorf("there is nothing to say, yet: %s", splittest.Reasons(res))
			}
		})
	}
}

func TestMultiStageTexts(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"python: the four variables where a later RUN imports", map[string]string{
			"Dockerfile":       "FROM python:3.12\nWORKDIR /app\nRUN pip install --upgrade pip\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nRUN pip install gunicorn\nCOPY app.py .\nCMD [\"gunicorn\", \"app:app\"]\n",
			"requirements.txt": "flask\n", "app.py": splittest.FlaskApp,
		}, `FROM python:3.12 AS builder
WORKDIR /app
RUN pip install --upgrade pip
COPY requirements.txt .
ENV PIP_PREFIX=/install \
    PYTHONPATH=/install/lib/python3.12/site-packages \
    PATH=/install/bin:$PATH
RUN pip install --no-cache-dir -r requirements.txt
RUN pip install --no-cache-dir gunicorn

FROM python:3.12-slim
WORKDIR /app
COPY --from=builder /install /usr/local
COPY app.py .
CMD ["gunicorn", "app:app"]
`},
		{"python: PIP_NO_CACHE_DIR is said already; file commands of the install's RUN run again", map[string]string{
			"Dockerfile":       "FROM python:3.12\nENV PIP_NO_CACHE_DIR=1\nCOPY wait.sh /usr/local/bin/\nRUN mkdir /app && pip install flask && chmod +x /usr/local/bin/wait.sh\nWORKDIR /app\nCOPY app.py .\nCMD wait.sh && python app.py",
			"requirements.txt": "flask\n", "app.py": splittest.FlaskApp, "wait.sh": "#!/bin/sh\nsleep 1\n",
		}, `FROM python:3.12 AS builder
ENV PIP_NO_CACHE_DIR=1
COPY wait.sh /usr/local/bin/
ENV PIP_PREFIX=/install
RUN mkdir /app && pip install flask && chmod +x /usr/local/bin/wait.sh

FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1
COPY wait.sh /usr/local/bin/
RUN mkdir /app && chmod +x /usr/local/bin/wait.sh
COPY --from=builder /install /usr/local
WORKDIR /app
COPY app.py .
CMD wait.sh && python app.py`},
		{"python: apt without -y would ask on the slim image", map[string]string{
			"Dockerfile": "FROM python:3.12\nRUN apt-get update && apt-get install unzip\nRUN pip install flask\nCOPY app.py .\nCMD [\"python\", \"app.py\"]\n", "app.py": splittest.FlaskApp,
		}, `FROM python:3.12 AS builder
RUN apt-get update && apt-get install unzip
ENV PIP_PREFIX=/install
RUN pip install --no-cache-dir flask

FROM python:3.12-slim
RUN apt-get update && \
    apt-get install -y unzip && \
    rm -rf /var/lib/apt/lists/*
COPY --from=builder /install /usr/local
COPY app.py .
CMD ["python", "app.py"]
`},
		{"node: prune, the stage's own name stays with the image", map[string]string{
			"Dockerfile":   "FROM --platform=linux/amd64 node:20 AS web\nARG VERSION=1\nARG TOKEN\nLABEL version=$VERSION\nWORKDIR /app\nCOPY . .\nRUN npm install && npm run build\nVOLUME /data\nCMD npm start\n",
			"package.json": splittest.PkgDev, "x.ts": "export {}\n",
		}, `FROM --platform=linux/amd64 node:20 AS builder
ARG VERSION=1
ARG TOKEN
WORKDIR /app
COPY . .
RUN npm install && npm run build
RUN npm prune --omit=dev --ignore-scripts

FROM --platform=linux/amd64 node:20-slim AS web
ARG VERSION=1
LABEL version=$VERSION
WORKDIR /app
COPY --from=builder /app /app
VOLUME /data
CMD npm start
`},
		{"node 14: npm 6 knows no --omit, and no npm ci for new lock files", map[string]string{
			"Dockerfile": "FROM node:14\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD [\"node\", \"x.js\"]\n", "package.json": splittest.PkgDev, "x.js": splittest.JSApp,
		}, `FROM node:14 AS builder
WORKDIR /app
COPY . .
RUN npm install --production

FROM node:14-slim
WORKDIR /app
COPY --from=builder /app /app
CMD ["node", "x.js"]
`},
		{"node: code after the last build step comes from the context", map[string]string{
			"Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY package.json .\nRUN yarn install --production\nCOPY . .\nEXPOSE 3000\nCMD [\"yarn\", \"start\"]\n", "package.json": splittest.PkgJSON, "x.js": splittest.JSApp,
		}, `FROM node:20 AS builder
WORKDIR /app
COPY package.json .
RUN yarn install --production

FROM node:20-slim
WORKDIR /app
COPY --from=builder /app /app
COPY . .
EXPOSE 3000
CMD ["yarn", "start"]
`},
		{"go: flags of the user stay, a folder as output, files that ENV and CMD name", map[string]string{
			"Dockerfile": "FROM golang:1.22\nENV CONFIG=/src/conf/buoy.json\nWORKDIR /src\nCOPY . .\nRUN mkdir -p /out && CGO_ENABLED=0 GOOS=linux go build -a -ldflags '-w -X main.v=1' -o /out ./cmd/buoy\nUSER 1000\nENTRYPOINT [\"/out/buoy\", \"-words=words.txt\"]\n",
			"go.mod":     splittest.GoMod, "cmd/buoy/main.go": splittest.GoMain, "conf/buoy.json": "{}", "words.txt": "ahoy\n",
		}, `FROM golang:1.22 AS build
ENV CONFIG=/src/conf/buoy.json
WORKDIR /src
COPY . .
RUN mkdir -p /out && CGO_ENABLED=0 GOOS=linux go build -trimpath -a -ldflags '-s -w -X main.v=1' -o /out ./cmd/buoy

FROM gcr.io/distroless/static-debian13:nonroot
WORKDIR /src
ENV CONFIG=/src/conf/buoy.json
COPY --from=build /src/conf/buoy.json /src/conf/buoy.json
COPY --from=build /src/words.txt /src/words.txt
COPY --from=build /out/buoy /out/buoy
USER 1000
ENTRYPOINT ["/out/buoy", "-words=words.txt"]
`},
		{"go: what is copied after the build", map[string]string{
			"Dockerfile": "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /buoy .\nCOPY words.txt .\nWORKDIR /run\nCMD [\"/buoy\"]\n", "go.mod": splittest.GoMod, "main.go": splittest.GoMain, "words.txt": "ahoy\n",
		}, `FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /buoy .

FROM gcr.io/distroless/static-debian13:nonroot
WORKDIR /src
COPY --from=build /buoy /buoy
COPY words.txt .
WORKDIR /run
CMD ["/buoy"]
`},
		{"go: the module's name without -o, a debug build keeps its flags", map[string]string{
			"Dockerfile": "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -gcflags=\"all=-N -l\"\nCMD [\"./buoy\"]\n", "go.mod": strings.Replace(splittest.GoMod, "buoy", "buoy/v2", 1), "main.go": splittest.GoMain,
		}, `FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -gcflags="all=-N -l"

FROM gcr.io/distroless/static-debian13:nonroot
WORKDIR /src
COPY --from=build /src/buoy /src/buoy
CMD ["./buoy"]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			if d := cmp.Diff(c.want, res.After); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

func TestMultiStageDeclines(t *testing.T) {
	python := func(lines string) map[string]string {
		return map[string]string{"Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\n" + lines, "requirements.txt": "flask\n", "app.py": splittest.FlaskApp, "run.sh": "#!/bin/sh\nmake -s\nexec python app.py\n"}
	}
	node := func(lines string) map[string]string {
		return map[string]string{"Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\n" + lines, "package.json": splittest.PkgJSON, "x.js": splittest.JSApp}
	}
	golang := func(lines string) map[string]string {
		return map[string]string{"Dockerfile": "FROM golang:1.22\nWORKDIR /src\nCOPY . .\n" + lines, "go.mod": splittest.GoMod, "main.go": splittest.GoMain}
	}
	install := "RUN pip install -r requirements.txt\n"
	cmd := "CMD [\"python\", \"app.py\"]\n"
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{python(install + "ENTRYPOINT [\"./run.sh\"]\n"), "run.sh runs make"},
		{python(install + "ONBUILD COPY . .\n" + cmd), "ONBUILD"},
		{python("USER 1000\n" + install + cmd), "pip runs as user 1000"},
		{python("RUN pip install .\n" + cmd), "neither pyproject.toml nor setup.py"},
		{python("RUN pip install git+ssh://git@example.com/x\n" + cmd), "over ssh"},
		{python("RUN curl -s https://example.com/x | sh\n" + install + cmd), "a pipe"},
		{python("RUN make\n" + install + cmd), "the effects of make aren't known"},
		{python("RUN apt-get update && apt-get install -y libopenni-dev\n" + install + cmd), "libopenni-dev"},
		{python("ENV PIP_TARGET=/x\n" + install + cmd), "PIP_TARGET"},
		{python("COPY --from=busybox /bin/busybox /bin/\n" + install + cmd), "it copies from busybox"},
		{python(install), "no CMD or ENTRYPOINT"},
		{python("RUN python -m venv /venv && /venv/bin/pip install flask && pip install gunicorn\n" + cmd), "virtual environment /venv and beside it"},
		{node("RUN npm install\nCMD make && node x.js\n"), "CMD runs make"},
		{node("RUN npm install\nRUN chmod 777 /app\nRUN node x.js\nCMD [\"node\", \"x.js\"]\n"), "owner or mode of /app itself"},
		{node("RUN npm install express\nCMD [\"node\", \"x.js\"]\n"), "which package.json may not name"},
		{node("RUN npm install -g typescript\nRUN npm install\nCMD [\"tsc\", \"-w\"]\n"), "installed globally"},
		{golang("RUN go build -race -o /app .\nCMD [\"/app\"]\n"), "-race"},
		{golang("RUN make build\nRUN go build -o /app .\nCMD [\"/app\"]\n"), "holds no makefile for /src, so what make writes isn't known"},
	} {
		res := splittest.Files(t, c.files)
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.files["Dockerfile"], res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

// Development dependencies stay where something needs them.
func TestMultiStageKeepsDev(t *testing.T) {
	for cmd, want := range map[string]string{
		`CMD ["npm", "run", "dev"]`:    "npm script dev uses nodemon",
		`CMD ["npx", "nodemon", "x"]`:  "CMD runs npx",
		`CMD ["node", "x.js"]`:         "the source uses nodemon",
		`CMD node_modules/.bin/tsc -w`: "CMD runs tsc",
	} {
		res := splittest.Files(t, map[string]string{"Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\n" + cmd + "\n", "package.json": splittest.PkgDev, "x.js": "require('nodemon')\n"})
		if !res.Changed() || strings.Contains(res.After, "prune") || !strings.Contains(res.Outcomes[0].Why, want) {
			t.Errorf("%s: declined %q, want %q in %+v\n%s", cmd, splittest.Reasons(res), want, res.Outcomes, res.After)
		}
	}
}

// A RUN that only makes the working directory stays behind; one that does more, or whose
// folder is used before WORKDIR makes it, is repeated.
func TestRepeatedMkdir(t *testing.T) {
	const rest = "COPY package.json .\nRUN npm install\nCOPY . .\nCMD [\"node\", \"x.js\"]\n"
	for lines, repeated := range map[string]bool{
		"RUN mkdir /app\nWORKDIR /app\n":                                false,
		"RUN mkdir -p /srv/app\nWORKDIR /srv/app\n":                     false,
		"RUN mkdir /app && chown node /app\nWORKDIR /app\n":             true,
		"RUN mkdir /app\nRUN chown node:node /app\nWORKDIR /app\n":      true,
		"USER node\nRUN mkdir /home/node/app\nWORKDIR /home/node/app\n": true,
	} {
		res := splittest.Files(t, map[string]string{"Dockerfile": "FROM node:22\n" + lines + rest, "package.json": splittest.PkgDev, "x.js": splittest.JSApp})
		_, runtime, ok := strings.Cut(res.After, "FROM node:22-slim")
		if got := strings.Contains(runtime, "mkdir"); !ok || got != repeated {
			t.Errorf("%s\nrepeated: %v, want %v\n%s\ndeclined: %s", lines, got, repeated, res.After, splittest.Reasons(res))
		}
	}
}
