package repo

import (
	"strings"
	"testing"
	"time"
)

// manifests are the names whose readers must stand any bytes.
var manifests = []string{
	".dockerignore", ".gitignore", "requirements.txt", ".python-version", "runtime.txt", "pyproject.toml", "Pipfile", ".tool-versions",
	"package.json", "package-lock.json", "yarn.lock", "pnpm-workspace.yaml", ".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "prisma/schema.prisma", "pubspec.yaml", "pubspec_overrides.yaml", ".nvmrc", "index.js", "go.mod", "go.sum", "go.work", "main.go",
	"compose.yml", "docker-bake.json", "docker-bake.hcl", "Makefile", ".github/workflows/ci.yml",
	"pom.xml", "a/pom.xml", ".mvn/maven.config", ".mvn/extensions.xml", "Cargo.toml", "a/Cargo.toml", ".cargo/config.toml", "a.csproj", "Directory.Build.props", "NuGet.config", "a.sln", "b.slnx",
	"mix.exs", "config/config.exs", "build.gradle", "gradlew", "gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties", "build.sbt", "project/plugins.sbt",
}

// askAll asks for every fact.
func askAll(r *Repo) {
	r.Files()
	i := r.Ignore("Dockerfile")
	i.Excluded("a/b")
	i.ExcludesTree("a/b")
	r.GitIgnored("a/b")
	r.Requirements("requirements.txt")
	r.PythonVersion()
	r.NodeVersion(".")
	r.NodeUsesDev(".")
	r.NodeUsesDev(".", "index.js")
	if n := r.Node("."); n != nil {
		n.Lifecycle()
		for _, m := range []string{"npm", "yarn", "pnpm", "bun"} {
			n.Install(NodeCall{Manager: m})
		}
		n.LockInSync()
		n.ScriptDev("start")
	}
	if g := r.Go("."); g != nil {
		g.Mains()
		g.Package(".")
	}
	r.Pub(".")
	if g := r.Go("."); g != nil {
		g.DownloadReads("")
		g.DownloadReads(g.WorkFile())
	}
	if m := r.Maven("pom.xml"); m != nil {
		m.Mentions("revision")
	}
	r.Cargo(".")
	r.Cargo("a")
	r.Dotnet("a.csproj")
	r.Dotnet("a.sln")
	r.Dotnet("b.slnx")
	r.Mix(".")
	r.Gradle(".")
	r.Sbt(".")
	r.Builds()
	r.Mentions()
	r.Says("curl")
}

func everywhere(src []byte) *Repo {
	var pairs []string
	for _, name := range manifests {
		pairs = append(pairs, name, string(src))
	}
	return load(pairs...)
}

func TestHostileInput(t *testing.T) {
	for _, src := range []string{
		"", "\x00", "\xef\xbb\xbf", "\xff\xfe", "\xfe\xff\x00", "\r\r\n", "{", "[", `{"a":`, strings.Repeat("{\"a\":", 20_000), strings.Repeat("[", 20_000),
		strings.Repeat("a: ", 50_000), strings.Repeat("-r requirements.txt\n", 2_000), strings.Repeat("a", 1<<20), strings.Repeat("require('a');", 50_000), strings.Repeat("\\\n", 10_000),
		strings.Repeat("(", 20_000), "package main\nvar x = " + strings.Repeat("(", 20_000), "package main\nvar x = \"a\"" + strings.Repeat("+\"a\"", 20_000),
		"package main\n\n//go:build " + strings.Repeat("!", 5000) + "a\n", "//go:build " + strings.Repeat("(", 5000), strings.Repeat("target \"a\" {", 20_000),
		strings.Repeat("!", 1000), strings.Repeat("**/", 1000), strings.Repeat("[a", 1000), "\\", "a\\", "${", strings.Repeat("${A:-", 5000),
		`{"scripts":{"start":"npm run start"},"overrides":` + strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 501),
		"a = " + strings.Repeat("[", 20_000), "target \"a\" { inherits = [\"a\",\"a\",\"a\",\"a\",\"a\"] }\n",
	} {
		start := time.Now()
		askAll(everywhere([]byte(src)))
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%.40q took %v", src, d)
		} else if testing.Verbose() {
			t.Logf("%.40q %v", src, d)
		}
	}
}

func FuzzFacts(f *testing.F) {
	for _, s := range []string{"a\n!b\n", "-r b.txt\nflask[x]==1 --hash=sha256:a", `{"name":"x","dependencies":{"a":"^1"},"target":{"a":{"inherits":["a"]}}}`,
		"module m\ngo 1.22\nreplace a => ./a", "package main\nimport \"os\"\nfunc main(){os.Open(\"a\"+x)}", "services:\n  a: &a\n    <<: *a\n    build: {context: ., args: [A=1]}",
		"target \"a\" {\n args = { A = \"${B}\" }\n}\n", "build-args: |\n  A=1\n --target x", "[project]\nrequires-python = \">=3.9\"", "<project><modules><module>a</module></modules><parent><relativePath>a</relativePath></parent></project>", "[workspace]\nmembers = [\"a\"]\n[dependencies]\nb = { path = \"../b\" }",
		"<Project Sdk=\"x\"><Import Project=\"a.csproj\"/><ProjectReference Include=\"..\\a.csproj\"/></Project>", "import x from './y'; require(`a${b}`)"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { askAll(everywhere(src)) })
}
