package compiled_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

// goFiles is a Go project around the given lines of a Dockerfile.
func goFiles(base, lines, main string) map[string]string {
	return map[string]string{"Dockerfile": "FROM " + base + "\nWORKDIR /src\nCOPY . .\n" + lines, "go.mod": splittest.GoMod, "main.go": main}
}

const goBuild = "RUN go build -o /app .\n"

// Programs that need a shell, a package or an account run on the distribution
// that the build stands on.
func TestGoSystemBase(t *testing.T) {
	exec := func(call string) string {
		return "package main\n\nimport (\n\t\"context\"\n\t\"os/exec\"\n)\n\nvar ctx = context.Background()\n\nfunc main() { " + call + " }\n"
	}
	for _, c := range []struct {
		name, base, lines, main string
		want                    string // the runtime stage
	}{
		{"a package of apt", "golang:1.22-bookworm", "RUN apt-get update && apt-get install -y ffmpeg\n" + goBuild + "CMD [\"/app\"]\n", exec(`exec.CommandContext(ctx, "ffmpeg", "-i", "x").Run()`),
			"FROM debian:bookworm-slim\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends ffmpeg && \\\n    rm -rf /var/lib/apt/lists/*\nWORKDIR /src\nCOPY --from=build /app /app\nCMD [\"/app\"]\n"},
		{"a program of the slim image", "golang:1.22-bookworm", goBuild + "CMD [\"/app\"]\n", exec(`exec.Command("sh", "-c", "sort x | uniq").Run()`),
			"FROM debian:bookworm-slim\nWORKDIR /src\nCOPY --from=build /app /app\nCMD [\"/app\"]\n"},
		{"a folder that a RUN makes", "golang:1.22-bookworm", "RUN mkdir -p /data\n" + goBuild + "CMD [\"/app\"]\n", splittest.GoMain,
			"FROM debian:bookworm-slim\nWORKDIR /src\nRUN mkdir -p /data\nCOPY --from=build /app /app\nCMD [\"/app\"]\n"},
		{"an account of Alpine", "golang:1.22-alpine3.21", "RUN adduser -D pilot\n" + goBuild + "USER pilot\nCMD [\"/app\"]\n", splittest.GoMain,
			"FROM alpine:3.21\nWORKDIR /src\nRUN adduser -D pilot\nCOPY --from=build /app /app\nUSER pilot\nCMD [\"/app\"]\n"},
		{"a health check by wget of busybox", "golang:1.22-alpine3.21", goBuild + "HEALTHCHECK CMD wget -q localhost || exit 1\nCMD [\"/app\"]\n", splittest.GoMain,
			"FROM alpine:3.21\nWORKDIR /src\nCOPY --from=build /app /app\nHEALTHCHECK CMD wget -q localhost || exit 1\nCMD [\"/app\"]\n"},
		{"a health check by a package of apk", "golang:1.22-alpine3.21", "RUN apk add curl\n" + goBuild + "HEALTHCHECK CMD curl -f localhost\nCMD [\"/app\"]\n", splittest.GoMain,
			"FROM alpine:3.21\nRUN apk add --no-cache curl\nWORKDIR /src\nCOPY --from=build /app /app\nHEALTHCHECK CMD curl -f localhost\nCMD [\"/app\"]\n"},
		{"variables in the command", "golang:1.22-bookworm", goBuild + "ENV PORT=80\nCMD exec /app -port $PORT\n", splittest.GoMain,
			"FROM debian:bookworm-slim\nWORKDIR /src\nCOPY --from=build /app /app\nENV PORT=80\nCMD exec /app -port $PORT\n"},
		{"tini, and an account of the image", "golang:1.22-bookworm", "RUN apt-get update && apt-get install -y tini\n" + goBuild + "USER daemon\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"/app\"]\n", splittest.GoMain,
			"FROM debian:bookworm-slim\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends tini && \\\n    rm -rf /var/lib/apt/lists/*\nWORKDIR /src\nCOPY --from=build /app /app\nUSER daemon\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"/app\"]\n"},
		{"cgo on Alpine", "golang:1.22-alpine3.21", "RUN apk add build-base\n" + goBuild + "CMD [\"/app\"]\n", "package main\n\n// int f() { return 1; }\nimport \"C\"\n\nfunc main() { println(C.f()) }\n",
			"FROM alpine:3.21\nWORKDIR /src\nCOPY --from=build /app /app\nCMD [\"/app\"]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, goFiles(c.base, c.lines, c.main))
			_, runtime, _ := strings.Cut(res.After, "\n\n")
			if d := cmp.Diff(c.want, runtime); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

// A RUN that makes the working directory and more goes above WORKDIR, behind
// which its mkdir would fail.
func TestGoMakesWorkdir(t *testing.T) {
	res := splittest.Files(t, map[string]string{
		"Dockerfile": "FROM golang:1.22-bookworm\nRUN mkdir /src && chmod 750 /src\nWORKDIR /src\nCOPY . .\nRUN apt-get update && apt-get install -y tini\n" + goBuild + "ENTRYPOINT [\"tini\", \"--\", \"/app\"]\n",
		"go.mod":     splittest.GoMod, "main.go": splittest.GoMain,
	})
	want := "RUN mkdir /src && chmod 750 /src\nWORKDIR /src\nCOPY --from=build /app /app\nENTRYPOINT"
	if !strings.Contains(res.After, want) {
		t.Errorf("want %q in\n%s\ndeclined: %s", want, res.After, splittest.Reasons(res))
	}
}

func TestGoRun(t *testing.T) {
	for cmd, want := range map[string][2]string{ // RUN at the end of the build stage, CMD
		`CMD ["go", "run", "main.go", "-v"]`:           {"RUN CGO_ENABLED=0 go build -trimpath -ldflags=\"-s -w\" -o /usr/local/bin/main main.go\n", `CMD ["main", "-v"]`},
		`ENTRYPOINT ["go", "run", "-tags", "x", "./"]`: {"RUN CGO_ENABLED=0 go build -trimpath -ldflags=\"-s -w\" -o /usr/local/bin/buoy -tags x ./\n", `ENTRYPOINT ["buoy"]`},
		`CMD go run .`: {"RUN CGO_ENABLED=0 go build -trimpath -ldflags=\"-s -w\" -o /usr/local/bin/buoy .\n", `CMD ["buoy"]`},
	} {
		res := splittest.Files(t, goFiles("golang:1.22", cmd+"\n", splittest.GoMain))
		if !strings.Contains(res.After, want[0]) || !strings.HasSuffix(res.After, "\n"+want[1]+"\n") {
			t.Errorf("%s: declined %q\n%s", cmd, splittest.Reasons(res), res.After)
		}
	}
}

func TestGoSmallest(t *testing.T) {
	for _, c := range []struct{ main, want string }{
		{splittest.GoMain, "FROM scratch\nWORKDIR /src\nCOPY --from=build /app /app\nUSER 65532:65532\n"},
		{"package main\n\nimport \"os\"\n\nfunc main() { os.CreateTemp(\"\", \"\") }\n", "FROM gcr.io/distroless/static"},
		{"package main\n\nimport \"time\"\n\nfunc main() { time.LoadLocation(\"UTC\") }\n", "FROM gcr.io/distroless/static"},
		{"package main\n\nimport \"os/user\"\n\nfunc main() { user.Current() }\n", "FROM gcr.io/distroless/static"},
		{"package main\n\nimport \"os\"\n\nfunc main() { os.Create(\"log\") }\n", "FROM scratch\nWORKDIR /src\nCOPY --from=build /app /app\nCMD"},
	} {
		files := goFiles("golang:1.22", goBuild+"CMD [\"/app\"]\n", c.main)
		files["POLICY"] = "smallest"
		if res := splittest.Files(t, files); !strings.Contains(res.After, c.want) {
			t.Errorf("%s\nwant %s\n%s %s", c.main, c.want, res.After, splittest.Reasons(res))
		}
	}
}

func TestGoCross(t *testing.T) {
	build := "ARG TARGETOS TARGETARCH\nRUN GOOS=$TARGETOS GOARCH=${TARGETARCH} go build -o /app .\nCMD [\"/app\"]\n"
	res := splittest.Files(t, goFiles("golang:1.22", build, splittest.GoMain))
	if !strings.HasPrefix(res.After, "FROM --platform=$BUILDPLATFORM golang:1.22 AS build\n") || !strings.Contains(res.After, "\nFROM gcr.io/distroless/static") {
		t.Errorf("%s %s", res.After, splittest.Reasons(res))
	}
	cgo := "package main\n\nimport \"C\"\n\nfunc main() {}\n"
	for _, r := range []string{splittest.Files(t, goFiles("golang:1.22-bookworm", build, cgo)).After, splittest.Files(t, goFiles("golang:1.22", strings.Replace(build, "GOARCH=${TARGETARCH} ", "", 1), splittest.GoMain)).After} {
		if strings.Contains(r, "BUILDPLATFORM") || !strings.Contains(r, "distroless") {
			t.Errorf("the platform is the builder's:\n%s", r)
		}
	}
}

func TestGoDeclines(t *testing.T) {
	exec := "package main\n\nimport \"os/exec\"\n\nfunc main() { exec.Command(\"terraform\").Run() }\n"
	for _, c := range []struct{ base, lines, main, want string }{
		{"golang:1.22", goBuild + "CMD [\"/other\"]\n", splittest.GoMain, "CMD runs /other, which no build step writes there"},
		{"golang:1.22", goBuild + "CMD [\"/app\"]\n", exec, "main.go:3 runs terraform, which no build step writes there"},
		{"golang:1.22", "RUN go build -o /app . && useradd pilot\nUSER pilot\nCMD [\"/app\"]\n", splittest.GoMain, "which RUN makes the user pilot isn't known"},
		{"golang:1.22", "RUN go build -o /app . && mkdir /data\nCMD [\"/app\"]\n", splittest.GoMain, "it makes /data"},
		{"golang:1.22", goBuild + "CMD [\"go\", \"test\", \"./...\"]\n", splittest.GoMain, "it compiles when it starts (go test)"},
		{"golang:1.22", "CMD [\"go\", \"run\", \"-exec\", \"x\", \".\"]\n", splittest.GoMain, "go run -exec is beyond this recipe"},
		{"golang:1.22", goBuild + "ENTRYPOINT [\"gosu\", \"daemon\", \"/app\"]\n", splittest.GoMain, "ENTRYPOINT runs gosu"},
		{"golang:1.22-alpine3.21", goBuild + "HEALTHCHECK CMD curl -f localhost\nCMD [\"/app\"]\n", splittest.GoMain, "HEALTHCHECK runs curl"},
		{"golang:1.22", goBuild + "CMD $START\n", splittest.GoMain, "nothing that the build writes is started"},
		{"golang:1.22", "RUN apt-get update && apt-get install -y libopenni-dev\n" + goBuild + "CMD [\"/app\"]\n", "package main\n\n// #cgo LDFLAGS: -lOpenNI\nimport \"C\"\n\nfunc main() {}\n", "which package holds the library of libopenni-dev isn't known"},
		{"golang:1.22", goBuild + "ENTRYPOINT [\"./run.sh\"]\n", splittest.GoMain, "ENTRYPOINT runs ./run.sh"},
	} {
		res := splittest.Files(t, goFiles(c.base, c.lines, c.main))
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s%s\nchanged: %v\ndeclined with %q, want %q", c.lines, c.main, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

// What other modules of a workspace hold is source of the build, and go.work too.
func TestGoWorkspace(t *testing.T) {
	res := splittest.Files(t, map[string]string{
		"Dockerfile":  "FROM golang:1.22\nWORKDIR /src\nCOPY go.work ./\nCOPY tide tide\nCOPY app app\nRUN go build -o /usr/local/bin/app ./app\nCMD [\"app\"]\n",
		"go.work":     "go 1.22\n\nuse (\n\t./app\n\t./tide\n)\n",
		"tide/go.mod": "module example.com/tide\n\ngo 1.22\n", "tide/tide.go": "package tide\n\nconst High = \"05:12\"\n",
		"app/go.mod": "module example.com/app\n\ngo 1.22\n", "app/main.go": "package main\n\nimport \"example.com/tide\"\n\nfunc main() { println(tide.High) }\n",
	})
	want := "FROM gcr.io/distroless/static-debian13:nonroot\nWORKDIR /src\nCOPY --from=build /usr/local/bin/app /usr/local/bin/app\nCMD [\"app\"]\n"
	if _, runtime, _ := strings.Cut(res.After, "\n\n"); runtime != want {
		t.Errorf("%s\n%s", res.After, splittest.Reasons(res))
	}
}

// A program that looks for its own source keeps the paths in the binary.
func TestGoFindsItsSource(t *testing.T) {
	main := "package main\n\nimport \"runtime\"\n\nfunc main() { _, f, _, _ := runtime.Caller(0); println(f) }\n"
	for _, lines := range []string{goBuild + "CMD [\"/app\"]\n", "CMD [\"go\", \"run\", \".\"]\n"} {
		res := splittest.Files(t, goFiles("golang:1.22", lines, main))
		if !res.Changed() || strings.Contains(res.After, "-trimpath") {
			t.Errorf("%s\ndeclined: %s", res.After, splittest.Reasons(res))
		}
	}
}

// Go knows -trimpath since 1.13 (https://go.dev/doc/go1.13#trimpath).
func TestGoTrimpath(t *testing.T) {
	for base, want := range map[string]bool{"golang:1.12": false, "golang:1.12.17-stretch": false, "golang:1.13": true, "golang:1": true, "golang:latest": true} {
		for _, lines := range []string{goBuild + "CMD [\"/app\"]\n", "CMD [\"go\", \"run\", \".\"]\n"} {
			res := splittest.Files(t, goFiles(base, lines, splittest.GoMain))
			if !res.Changed() || strings.Contains(res.After, "-trimpath") != want {
				t.Errorf("%s\ndeclined: %s", res.After, splittest.Reasons(res))
			}
		}
	}
}

// WORKDIR is written as it was: its trailing slash is part of the configuration.
func TestGoWorkdirAsWritten(t *testing.T) {
	res := splittest.Files(t, map[string]string{"Dockerfile": "FROM golang:1.22\nWORKDIR /src/\nCOPY . .\n" + goBuild + "CMD [\"/app\"]\n", "go.mod": splittest.GoMod, "main.go": splittest.GoMain})
	if strings.Count(res.After, "WORKDIR /src/\n") != 2 {
		t.Errorf("%s\ndeclined: %s", res.After, splittest.Reasons(res))
	}
}
