package slimbase_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/split"
	"drydock/transforms/multistage/splittest"
	"drydock/transforms/slimbase"
)

// Each row is a Dockerfile with the files beside it: what stands in the result, or
// the reason why nothing is done.
func TestSlimBase(t *testing.T) {
	py, lock := map[string]string{"a.py": "1\n"}, `{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": %s}}`
	node := func(entry, scripts string) map[string]string {
		return map[string]string{"package.json": `{"scripts": {` + scripts + `}}`, "package-lock.json": strings.Replace(lock, "%s", entry, 1), "s.js": "1\n"}
	}
	const npm = "FROM node:20\nWORKDIR /a\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"s.js\"]\n"
	for _, c := range []struct {
		policy, dockerfile string
		files              map[string]string
		want               string
	}{
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim\n"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN apt-get update && apt-get purge -y git\nCMD [\"python\", \"/a.py\"]\n", py, "it removes git, which the slim image hasn't"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install requests 'pandas>=2'\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim\n"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install mpi4py\nCMD [\"python\", \"/a.py\"]\n", py, "mpi4py isn't known to have wheels"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install --no-binary :all: lxml\nCMD [\"python\", \"/a.py\"]\n", py, "--no-binary compiles"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install git+https://example.org/x.git\nCMD [\"python\", \"/a.py\"]\n", py, "isn't known to have wheels"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install .\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n", "setup.py": "1\n"}, "the full image stays"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nENTRYPOINT [\"python\"]\nCMD [\"/a.py\"]\n", map[string]string{"a.py": "1\n", "compose.yaml": "services:\n  a:\n    build: .\n    healthcheck:\n      test: curl -f localhost\n"}, "apt-get install -y --no-install-recommends curl"},
		{split.Slim, npm, node(`{}`, ""), "FROM node:20-slim\n"},
		{split.Slim, npm, node(`{"hasInstallScript": true}`, ""), "a runs a script when it is installed"},
		{split.Slim, npm, node(`{"resolved": "git+ssh://git@example.org/a.git"}`, ""), "git fetches a"},
		{split.Slim, npm, node(`{}`, `"postinstall": "make -C lib"`), "the script postinstall runs make"},
		{split.Slim, strings.Replace(npm, "RUN npm ci", "RUN yarn install", 1), node(`{}`, ""), "the lock file of yarn doesn't tell"},
		{split.Slim, "FROM node:20\nRUN apt-get update && apt-get install -y --no-install-recommends wget\nCOPY s.js /\nCMD [\"node\", \"/s.js\"]\n", node(`{}`, ""), "wget ca-certificates"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"/usr/bin/python3\", \"/a.py\"]\n", py, "CMD runs python3, which the slim image hasn't"},
		{split.Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"/a.py\"]\n", map[string]string{"a.py": "#!/usr/bin/python3\n1\n"}, "a.py is a script for /usr/bin/python3"},
		{split.Slim, strings.Replace(npm, `["node", "s.js"]`, `["npm", "start"]`, 1), node(`{}`, `"prestart": "make", "start": "node s.js"`), "the script prestart runs make"},
		{split.Slim, "FROM python:3.12 AS base\nFROM base AS tools\nRUN apt-get update && apt-get install -y curl\nFROM base\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim AS base\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends curl"},
		{split.Slim, "FROM python:3.12\nRUN apt-get update && apt-get install -y -t bookworm-backports tini\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", py, "install -y -t bookworm-backports tini\n"},
		{split.Slim, "FROM golang:1.22\nCOPY x /\nCMD [\"/x\"]\n", nil, "FROM golang:1.22\n"},
		{split.Slim, "FROM python:3.12 AS test\nCOPY a.py /\nCMD [\"gcc\", \"/a.py\"]\nFROM python:3.12-slim\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12 AS test"},
		{split.Alpine, "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-alpine\n"},
		{split.Alpine, "FROM python:3.12\nRUN apt-get update\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "is another system"},
		{split.Alpine, "FROM python:3.12\nRUN useradd u\nCOPY a.py /\nUSER u\nCMD [\"python\", \"/a.py\"]\n", py, "useradd takes other options"},
		{split.Alpine, "FROM python:3.12\nCOPY a.py x.so /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n", "x.so": "\x7fELF"}, "x.so may hold code for glibc"},
		{split.Alpine, "FROM python:3.12\nENV TZ=Europe/Oslo\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "TZ needs time zones"},
		{split.Alpine, "FROM eclipse-temurin:21\nCOPY a.jar /\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", py, "a jar may hold native code"},
		{split.Smallest, "FROM eclipse-temurin:21\nCOPY a.jar /\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", py, "FROM eclipse-temurin:21-jre\n"},
		{split.Alpine, "FROM httpd:2.4\nCOPY site /usr/local/apache2/htdocs\n", map[string]string{"site/index.html": "<p>1"}, "FROM httpd:2.4-alpine\n"},
	} {
		res := splittest.Rebased(t, slimbase.Transform(), c.policy, c.dockerfile, c.files)
		if !strings.Contains(res.After+splittest.Reasons(res), c.want) {
			t.Errorf("%s: want %q\n%s\n%s", c.dockerfile, c.want, splittest.Reasons(res), res.After)
		}
	}
}

// The plan tells what is lost, where it was looked for, and what is installed.
func TestSlimBasePlan(t *testing.T) {
	res := splittest.Rebased(t, slimbase.Transform(), split.Smallest, "# the full python, for git\nFROM python:3.12\nRUN apt-get update && apt-get install -y tini\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n"})
	if len(res.Outcomes) != 1 {
		t.Fatal(splittest.Reasons(res))
	}
	plan := strings.Join(res.Outcomes[0].Plan, "\n")
	for _, want := range []string{
		"python:3.12-slim holds the same version on the same release as python:3.12",
		"not Alpine's: python:3.12-alpine is another system, whose packages may have other names",
		"curl is installed beside, for HEALTHCHECK",
		"no longer there: compilers, headers, -dev packages, git, mercurial, subversion, wget, ssh,",
		"the start command, HEALTHCHECK, the source (.py)",
		"the comment on line 1 still speaks of python",
	} {
		if !strings.Contains(plan, want) {
			t.Errorf("no %q in\n%s", want, plan)
		}
	}
	if !strings.Contains(res.After, "install -y tini curl\n") {
		t.Error(res.After)
	}
}
