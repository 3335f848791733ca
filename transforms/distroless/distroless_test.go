package distroless_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/distroless"
	"drydock/transforms/multistage/split"
	"drydock/transforms/multistage/splittest"
)

const plainMain = "package main\n\nfunc main() { println(1) }\n"

var plainGo = map[string]string{"go.mod": "module x\n\ngo 1.22\n", "main.go": plainMain}

// Each row is a last stage behind a build by CGO_ENABLED=0: what stands in the
// result, or the reason why nothing is done.
func TestDistrolessStages(t *testing.T) {
	const build = "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /out/x .\n"
	for _, c := range []struct{ stage, has, why string }{
		{"FROM alpine:3.20\nCOPY --from=build /out /app\nCMD [\"/app/x\"]\n", "FROM gcr.io/distroless/static-debian13:nonroot\nWORKDIR /\nCOPY", ""},
		{"FROM alpine:3.20\nWORKDIR /app\nCOPY --from=build /out/x /out/y ./\nCMD [\"./x\"]\n", "WORKDIR /app", ""},
		{"FROM debian:bookworm\nCOPY --from=build /out/x /\nUSER 1000\nCMD [\"/x\"]\n", "USER 1000", ""},
		{"FROM alpine:3.20\nRUN addgroup -S a && adduser -S -G a a && mkdir -p /data && chown a:a /data\nCOPY --from=build /out/x /x\nUSER a:a\nCMD [\"/x\"]\n", "WORKDIR /data\nWORKDIR /\n", ""},
		{"FROM alpine:3.20\nRUN adduser -D a\nWORKDIR /app\nCOPY --from=build /out/x .\nRUN chown -R a /app\nUSER a\nCMD [\"./x\"]\n", "COPY --chown=nonroot:nonroot --from=build", ""},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /x\nRUN chmod +x /x\nCMD [\"/x\"]\n", "COPY --from=build /out/x /x\nCMD", ""},
		{"FROM alpine:3.20\nRUN --mount=type=cache,target=/var/cache/apk apk --update add ca-certificates && addgroup -g 1000 a && adduser -u 1000 -G a -D a\nCOPY --from=build /out/x /x\nUSER 1000:1000\nCMD [\"/x\"]\n", "COPY --from=build /out/x /x\nUSER 1000:1000\n", ""},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /root/x\nCMD [\"/root/x\"]\n", "static-debian13:latest", ""},
		{"FROM alpine:3.20\nWORKDIR /app\nCOPY --from=build /out/x .\nRUN mkdir /app/data\nCMD [\"./x\"]\n", "COPY --from=build /out/x .\nWORKDIR /app/data\nWORKDIR /app\n", ""},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /x\nUSER root\nCMD [\"/x\"]\n", "static-debian13:latest", ""},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /x\nRUN setcap cap_net_bind_service=+ep /x\nCMD [\"/x\"]\n", "", "it runs setcap cap_net_bind_service=+ep"},
		{"FROM alpine:3.20\nRUN apk add --no-cache libc6-compat\nCOPY --from=build /out/x /x\nCMD [\"/x\"]\n", "", "it installs libc6-compat"},
		{"FROM alpine:3.20\nRUN echo 1 > /etc/version\nCOPY --from=build /out/x /x\nCMD [\"/x\"]\n", "", "it writes a file with a shell"},
		{"FROM alpine:3.20\nCOPY ca.crt /usr/local/share/ca-certificates/\nRUN update-ca-certificates\nCOPY --from=build /out/x /x\nCMD [\"/x\"]\n", "", "it adds ca.crt to the certificates"},
		{"FROM alpine:3.20\nCOPY --from=build /out/ /\nCMD [\"/x\"]\n", "", "isn't known, and it goes over /"},
		{"FROM alpine:3.20\nCOPY --from=build /usr/lib/libz.so.1 /usr/lib/\nCOPY --from=build /out/x /x\nCMD [\"/x\"]\n", "", "it copies into /usr/lib, where libraries lie"},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /x\nENTRYPOINT [\"/sbin/tini\", \"--\", \"/x\"]\n", "", "ENTRYPOINT starts /sbin/tini"},
		{"FROM alpine:3.20\nCOPY --from=build /out/x /x\n", "", "no CMD or ENTRYPOINT says what runs"},
		{"FROM alpine:3.20\nCOPY --from=busybox:1.36 /bin/sh /x\nCMD [\"/x\"]\n", "", "no stage is known to build that"},
	} {
		files := map[string]string{"ca.crt": "an invented certificate\n"}
		for n, s := range plainGo {
			files[n] = s
		}
		res := splittest.Rebased(t, distroless.Transform(), split.Distroless, build+c.stage, files)
		if got := splittest.Reasons(res); c.why == "" && !strings.Contains(res.After, c.has) || !strings.Contains(got, c.why) || (c.why == "") != res.Changed() {
			t.Errorf("%s: %q\n%s", c.stage, got, res.After)
		}
	}
}

// What a build may link decides on the image; what isn't proven declines.
func TestDistrolessKinds(t *testing.T) {
	for _, c := range []struct{ build, base, main, want string }{
		{"FROM golang:1.22-alpine AS b\nCOPY . .\nRUN go build -o /x", "alpine:3.20", plainMain, "static-debian13:nonroot"},
		{"FROM golang:1.19-alpine AS b\nCOPY . .\nRUN go build -o /x", "alpine:3.16", plainMain, "may build with cgo on Alpine"},
		{"FROM golang:1.22-bookworm AS b\nENV CGO_ENABLED=0\nCOPY . .\nRUN go build -o /x", "debian:bookworm", plainMain, "static-debian13:nonroot"},
		{"FROM golang:1.22-bookworm AS b\nCOPY . .\nRUN go build -o /x", "debian:bookworm", plainMain, "base-debian12:nonroot"},
		{"FROM golang:1.24-trixie AS b\nCOPY . .\nRUN go build -o /x", "debian:trixie", plainMain, "base-debian13:nonroot"},
		{"FROM golang:1.22-bookworm AS b\nCOPY . .\nRUN make build", "debian:bookworm", plainMain, "line 3: the build context holds no makefile for /go, so what make writes isn't known"},
		{"FROM golang:1.22-bookworm AS b\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /x", "debian:bookworm", "package main\n\nimport \"os/exec\"\n\nfunc main() { _ = exec.Command(\"date\").Run() }\n", "main.go:3 starts date"},
		{"FROM node:22 AS b\nCOPY . .\nRUN npx pkg -o /x .", "debian:bookworm", plainMain, "how the stage b builds its program isn't known"},
	} {
		res := splittest.Rebased(t, distroless.Transform(), split.Distroless, c.build+"\nFROM "+c.base+"\nCOPY --from=b /x /x\nCMD [\"/x\"]\n", map[string]string{"go.mod": "module x\n\ngo 1.19\n", "main.go": c.main})
		if !strings.Contains(res.After+splittest.Reasons(res), c.want) {
			t.Errorf("%s, %s: want %q\n%s\n%s", c.build, c.base, c.want, splittest.Reasons(res), res.After)
		}
	}
}

func TestDistrolessInterpreters(t *testing.T) {
	for _, c := range []struct {
		dockerfile string
		files      map[string]string
		want       string
	}{
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY s.js .\nCMD [\"node\",\"s.js\",\"-v\"]\n", map[string]string{"s.js": "1\n"}, "FROM gcr.io/distroless/nodejs22-debian13:nonroot\nWORKDIR /a\nCOPY s.js .\nCMD [\"s.js\",\"-v\"]"},
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY s.js .\nENTRYPOINT [\"node\", \"s.js\"]\n", map[string]string{"s.js": "1\n"}, `ENTRYPOINT ["/nodejs/bin/node", "s.js"]`},
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY s.js .\nCMD [\"node\", \"s.js\"]\n", map[string]string{"s.js": "1\n", "compose.yaml": "services:\n  a:\n    build: .\n    command: node s.js -v\n"}, "compose.yaml:2 runs node s.js -v in the container"},
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY . .\nCMD [\"npm\", \"start\"]\n", map[string]string{"package.json": `{"scripts": {"start": "NODE_ENV=production node s.js"}}`, "s.js": "1\n"}, "the script start of package.json sets variables"},
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY . .\nCMD [\"pm2-runtime\", \"s.js\"]\n", map[string]string{"s.js": "1\n"}, "CMD runs pm2-runtime s.js"},
		{"FROM node:22-bookworm-slim\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"s.js\"]\n", map[string]string{"package.json": `{"dependencies": {"@prisma/client": "5"}}`, "s.js": "1\n"}, "needs openssl, which distroless hasn't"},
		{"FROM python:3.12-slim\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "1\n"}, "no distroless image has Python 3.12"},
		{"FROM python:3.13-slim\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "import subprocess\n"}, "a.py:1 may start other programs"},
		{"FROM python:3.13 AS b\nRUN pip install flask\nFROM python:3.13-slim\nCOPY --from=b /usr/local /usr/local\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "import flask\n"}, "COPY --from=b /usr/local/lib/python3.13/site-packages /usr/local/lib/python3.13/dist-packages"},
		{"FROM python:3.13 AS b\nRUN pip install flask\nFROM python:3.13-slim\nCOPY --from=b /usr/local/bin /usr/local/bin\nCOPY a.py /\nCMD [\"python\", \"/a.py\"]\n", map[string]string{"a.py": "import flask\n"}, "it copies into /usr/local/bin"},
		{"FROM eclipse-temurin:21-jre\nCOPY a.jar /\nENV JAVA_HOME=/opt/java/openjdk\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", nil, "it sets JAVA_HOME"},
		{"FROM eclipse-temurin:21-jre\nCOPY a.jar /\nHEALTHCHECK CMD [\"java\", \"-version\"]\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", nil, "HEALTHCHECK runs java"},
		{"FROM eclipse-temurin:19-jre\nCOPY a.jar /\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n", nil, "there is no distroless image java19"},
	} {
		res := splittest.Rebased(t, distroless.Transform(), split.Distroless, c.dockerfile, c.files)
		if !strings.Contains(res.After+splittest.Reasons(res), c.want) {
			t.Errorf("%s: want %q\n%s\n%s", c.dockerfile, c.want, splittest.Reasons(res), res.After)
		}
	}
}

// What is maintained is judged on the source's day.
func TestDistrolessDay(t *testing.T) {
	for _, c := range []struct{ day, dockerfile, want string }{
		{"2026-08-21", "FROM golang:1.22-bookworm AS b\nCOPY . .\nRUN go build -o /x\nFROM debian:bookworm\nCOPY --from=b /x /x\nCMD [\"/x\"]\n", "base-debian12:nonroot"},
		{"2026-11-28", "FROM golang:1.22-bookworm AS b\nCOPY . .\nRUN go build -o /x\nFROM debian:bookworm\nCOPY --from=b /x /x\nCMD [\"/x\"]\n", "base-debian13:nonroot"},
		{"2026-11-28", "FROM node:20-bookworm-slim\nWORKDIR /a\nCOPY s.js .\nCMD [\"node\", \"s.js\"]\n", "nodejs20-debian12:nonroot"}, // both have ended
		{"2026-11-28", "FROM node:24-bookworm-slim\nWORKDIR /a\nCOPY s.js .\nCMD [\"node\", \"s.js\"]\n", "nodejs24-debian13:nonroot"},
		{"2026-11-28", "FROM python:3.11-slim-bookworm\nCOPY s.py /\nCMD [\"python\", \"/s.py\"]\n", "has not been maintained since 2026-04-30"},
	} {
		files := fstest.MapFS{"go.mod": {Data: []byte("module x\n\ngo 1.22\n")}, "main.go": {Data: []byte(plainMain)}, "s.js": {Data: []byte("1\n")}, "s.py": {Data: []byte("1\n")}}
		in := rewrite.Input{Path: "Dockerfile", Src: c.dockerfile, Name: "Dockerfile", Repo: repo.Load(files), Images: images.CatalogueOn(c.day)}
		res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{distroless.Transform()}, rewrite.Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(res.After+splittest.Reasons(res), c.want) {
			t.Errorf("on %s, %s: want %s: %s\n%s", c.day, c.dockerfile, c.want, splittest.Reasons(res), res.After)
		}
	}
}

// Certificates come from the stage that builds the program, by its number where it has no name.
func TestDistrolessCertificates(t *testing.T) {
	file := "FROM golang:1.22-alpine AS zero\n" + strings.Repeat("FROM zero\n", 11) +
		"FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /x .\nFROM alpine:3.20\nRUN apk add --no-cache ca-certificates\nCOPY --from=12 /x /x\nCMD [\"/x\"]\n"
	res := splittest.Rebased(t, distroless.Transform(), split.Smallest, file, plainGo)
	if want := "FROM scratch\nCOPY --from=12 /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n"; !strings.Contains(res.After, want) {
		t.Errorf("want %q\n%s\n%s", want, splittest.Reasons(res), res.After)
	}
}
