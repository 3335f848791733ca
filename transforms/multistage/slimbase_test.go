package multistage

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

func TestJRE(t *testing.T) {
	for from, want := range map[string]string{
		"eclipse-temurin:17":                          "eclipse-temurin:17-jre",
		"eclipse-temurin:17-jdk":                      "eclipse-temurin:17-jre",
		"eclipse-temurin:17.0.9_9-jdk-jammy":          "eclipse-temurin:17.0.9_9-jre-jammy",
		"docker.io/library/eclipse-temurin:21-alpine": "docker.io/library/eclipse-temurin:21-jre-alpine",
		"openjdk:8":                                    "openjdk:8-jre",
		"openjdk:8u292-jdk":                            "openjdk:8u292-jre",
		"openjdk:8-jdk-alpine":                         "openjdk:8-jre-alpine",
		"openjdk:11.0.3-jdk-slim":                      "openjdk:11.0.3-jre-slim",
		"openjdk:11-jdk-slim-buster":                   "openjdk:11-jre-slim-buster",
		"openjdk:17-jdk-slim":                          "eclipse-temurin:17-jre",
		"openjdk:17.0.2":                               "eclipse-temurin:17-jre",
		"openjdk:25-ea-jdk":                            "",
		"openjdk:17-jdk-alpine":                        "",
		"maven:3.9-eclipse-temurin-21":                 "eclipse-temurin:21-jre",
		"maven:3.9.6-eclipse-temurin-17-alpine":        "eclipse-temurin:17-jre-alpine",
		"maven:3.9.9-eclipse-temurin-21-noble":         "eclipse-temurin:21-jre-noble",
		"maven:3.6.3-jdk-11":                           "eclipse-temurin:11-jre",
		"maven:3":                                      "",
		"gradle:8-jdk17":                               "eclipse-temurin:17-jre",
		"gradle:8.5-jdk21-alpine":                      "eclipse-temurin:21-jre-alpine",
		"amazoncorretto:21":                            "",
		"amazoncorretto:17-alpine-jdk":                 "",
		"openjdk:21-oraclelinux8":                      "eclipse-temurin:21-jre",
		"openjdk:8-windowsservercore-ltsc2022-unknown": "",
	} {
		ref, err := images.ParseRef(from)
		if err != nil {
			t.Fatal(err)
		}
		s := &split{ref: ref}
		to, why := s.jre()
		if (why == "") != (want != "") || why == "" && to.String() != want {
			t.Errorf("%s: %s (%s), want %q", from, to, why, want)
		}
	}
}

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
		{Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim\n"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN apt-get update && apt-get purge -y git\nCMD [\"python\", \"/a.py\"]\n", py, "it removes git, which the slim image hasn't"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install requests 'pandas>=2'\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim\n"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install mpi4py\nCMD [\"python\", \"/a.py\"]\n", py, "mpi4py isn't known to have wheels"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install --no-binary :all: lxml\nCMD [\"python\", \"/a.py\"]\n", py, "--no-binary compiles"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install git+https://example.org/x.git\nCMD [\"python\", \"/a.py\"]\n", py, "isn't known to have wheels"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nRUN pip install .\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n", "setup.py": "1\n"}, "the full image stays"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nENTRYPOINT [\"python\"]\nCMD [\"/a.py\"]\n", map[string]string{"a.py": "1\n", "compose.yaml": "services:\n  a:\n    build: .\n    healthcheck:\n      test: curl -f localhost\n"}, "apt-get install -y --no-install-recommends curl"},
		{Slim, npm, node(`{}`, ""), "FROM node:20-slim\n"},
		{Slim, npm, node(`{"hasInstallScript": true}`, ""), "a runs a script when it is installed"},
		{Slim, npm, node(`{"resolved": "git+ssh://git@example.org/a.git"}`, ""), "git fetches a"},
		{Slim, npm, node(`{}`, `"postinstall": "make -C lib"`), "the script postinstall runs make"},
		{Slim, strings.Replace(npm, "RUN npm ci", "RUN yarn install", 1), node(`{}`, ""), "the lock file of yarn doesn't tell"},
		{Slim, "FROM node:20\nRUN apt-get update && apt-get install -y --no-install-recommends wget\nCOPY s.js /\nCMD [\"node\", \"/s.js\"]\n", node(`{}`, ""), "wget ca-certificates"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"/usr/bin/python3\", \"/a.py\"]\n", py, "CMD runs python3, which the slim image hasn't"},
		{Slim, "FROM python:3.12\nCOPY a.py /\nCMD [\"/a.py\"]\n", map[string]string{"a.py": "#!/usr/bin/python3\n1\n"}, "a.py is a script for /usr/bin/python3"},
		{Slim, strings.Replace(npm, `["node", "s.js"]`, `["npm", "start"]`, 1), node(`{}`, `"prestart": "make", "start": "node s.js"`), "the script prestart runs make"},
		{Slim, "FROM python:3.12 AS base\nFROM base AS tools\nRUN apt-get update && apt-get install -y curl\nFROM base\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-slim AS base\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends curl"},
		{Slim, "FROM python:3.12\nRUN apt-get update && apt-get install -y -t bookworm-backports tini\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", py, "install -y -t bookworm-backports tini\n"},
		{Slim, "FROM golang:1.22\nCOPY x /\nCMD [\"/x\"]\n", nil, "FROM golang:1.22\n"},
		{Slim, "FROM python:3.12 AS test\nCOPY a.py /\nCMD [\"gcc\", \"/a.py\"]\nFROM python:3.12-slim\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12 AS test"},
		{Alpine, "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "FROM python:3.12-alpine\n"},
		{Alpine, "FROM python:3.12\nRUN apt-get update\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "is another system"},
		{Alpine, "FROM python:3.12\nRUN useradd u\nCOPY a.py /\nUSER u\nCMD [\"python\", \"/a.py\"]\n", py, "useradd takes other options"},
		{Alpine, "FROM python:3.12\nCOPY a.py x.so /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n", "x.so": "\x7fELF"}, "x.so may hold code for glibc"},
		{Alpine, "FROM python:3.12\nENV TZ=Europe/Oslo\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", py, "TZ needs time zones"},
		{Alpine, "FROM eclipse-temurin:21\nCOPY a.jar /\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", py, "a jar may hold native code"},
		{Smallest, "FROM eclipse-temurin:21\nCOPY a.jar /\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", py, "FROM eclipse-temurin:21-jre\n"},
		{Alpine, "FROM httpd:2.4\nCOPY site /usr/local/apache2/htdocs\n", map[string]string{"site/index.html": "<p>1"}, "FROM httpd:2.4-alpine\n"},
	} {
		res := rebased(t, SlimBase(), c.policy, c.dockerfile, c.files)
		if !strings.Contains(res.After+reasons(res), c.want) {
			t.Errorf("%s: want %q\n%s\n%s", c.dockerfile, c.want, reasons(res), res.After)
		}
	}
}

// The plan tells what is lost, where it was looked for, and what is installed.
func TestSlimBasePlan(t *testing.T) {
	res := rebased(t, SlimBase(), Smallest, "# the full python, for git\nFROM python:3.12\nRUN apt-get update && apt-get install -y tini\nCOPY a.py /\nHEALTHCHECK CMD curl -f localhost\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n"})
	if len(res.Outcomes) != 1 {
		t.Fatal(reasons(res))
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

// sized is a source that knows how much images weigh.
type sized struct{ images.Source }

func (s sized) Image(ref images.Ref) (images.Image, bool) {
	img, ok := s.Source.Image(ref)
	img.Size = map[string]int64{"3.12": 403_000_000, "3.12-slim": 43_500_000}[ref.Tag]
	return img, ok
}

func TestSlimBaseSizes(t *testing.T) {
	src := "FROM python:3.12\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n"
	in := rewrite.Input{Path: "Dockerfile", Src: src, Name: "Dockerfile", Repo: repo.Load(fstest.MapFS{"a.py": {Data: []byte("1\n")}}), Images: sized{images.Catalogue()}}
	res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{SlimBase()}, rewrite.Options{Unsafe: true})
	if err != nil || len(res.Outcomes) != 1 {
		t.Fatal(err, res.Declined)
	}
	if gain := res.Outcomes[0].Gain; !strings.Contains(gain, "the base weighs 44 MB, and 403 MB before") {
		t.Error(gain)
	}
}
