package repo

import (
	"fmt"
	"testing"
)

func TestAsked(t *testing.T) {
	for _, c := range []struct{ language, file, text, want string }{
		{"ruby", ".ruby-version", "ruby-3.2.2\n", "3.2.2  .ruby-version:1"},
		{"ruby", ".ruby-version", "jruby-9.4\n", ""},
		{"ruby", "Gemfile", "source \"x\"\nruby \"3.3.1\"\n", "3.3.1  Gemfile:2"},
		{"ruby", "Gemfile", "ruby '>= 3.1', '< 3.4' # c '9'\n", " >= 3.1, < 3.4 Gemfile:1"},
		{"ruby", "Gemfile", "ruby(\"~> 3.2\")\n", " ~> 3.2 Gemfile:1"},
		{"ruby", "Gemfile", "ruby '2.5', engine: 'jruby', engine_version: '9.2'\n", ""},
		{"ruby", "Gemfile", "ruby ENV['V']\n", ""},
		{"ruby", "Gemfile.lock", "GEM\n\nRUBY VERSION\n   ruby 3.2.2p53\n", "3.2.2  Gemfile.lock:4"},
		{"php", "composer.json", "{\"require\": {\n\"php\": \"^8.2\"}}", " ^8.2 composer.json:2"},
		{"php", "composer.json", `{"require":{"php":">=7"},"config":{"platform":{"php":"8.1.2"}}}`, "8.1.2  composer.json:1"},
		{"php", "composer.json", `{"require":[]}`, ""},
		{"java", ".java-version", "temurin-17.0.8+7\n", "17  .java-version:1"},
		{"java", ".java-version", "openjdk64-11.0.1\n", "11  .java-version:1"},
		{"java", ".java-version", "1.8\n", "8  .java-version:1"},
		{"java", ".java-version", "graalvm64-17.0.1\n", ""},
		{"java", ".sdkmanrc", "# c\njava=21.0.1-tem\n", "21  .sdkmanrc:2"},
		{"java", ".sdkmanrc", "java=22.3.r17-grl\n", ""},
		{"java", "system.properties", "java.runtime.version = 17\n", "17  system.properties:1"},
		{"java", ".tool-versions", "java zulu-11.60.19\n", "11  .tool-versions:1"},
		{"java", "pom.xml", "<project><properties><java.version>17</java.version><maven.compiler.release>21</maven.compiler.release></properties></project>", "21  pom.xml:0"},
		{"java", "pom.xml", "<project><properties><x>8</x><maven.compiler.target>${x}</maven.compiler.target><maven.compiler.source>1.8</maven.compiler.source></properties></project>", "8  pom.xml:0"},
		{"java", "pom.xml", "<project><build><plugins><plugin><artifactId>maven-compiler-plugin</artifactId><configuration><release>11</release></configuration></plugin></plugins></build></project>", "11  pom.xml:0"},
		{"java", "pom.xml", "<project></project>", ""},
		{"java", "build.gradle.kts", "java {\n toolchain { languageVersion = JavaLanguageVersion.of(21) }\n}\n", "21  build.gradle.kts:2"},
		{"java", "build.gradle", "// sourceCompatibility = 8\nsourceCompatibility = JavaVersion.VERSION_1_8\n", "8  build.gradle:2"},
		{"java", "build.gradle", "sourceCompatibility = '17'\n", "17  build.gradle:1"},
		{"java", "app/build.gradle.kts", "kotlin { jvmToolchain(17) }\n", "17  app/build.gradle.kts:1"},
		{"rust", "rust-toolchain.toml", "[toolchain]\nchannel = \"1.75.0\"\n", "1.75.0  rust-toolchain.toml:2"},
		{"rust", "rust-toolchain", "1.75\n", "1.75  rust-toolchain:1"},
		{"rust", "rust-toolchain", "[toolchain]\nchannel = \"1.70\"\n", "1.70  rust-toolchain:2"},
		{"rust", "rust-toolchain", "nightly-2024-01-01\n", ""},
		{"rust", "Cargo.toml", "[package]\nname = \"x\"\nrust-version = \"1.70\"\n", " >=1.70 Cargo.toml:3"},
		{"rust", "Cargo.toml", "[workspace.package]\nrust-version = \"1.70\"\n", " >=1.70 Cargo.toml:2"},
		{"rust", "Cargo.toml", "[package]\nrust-version.workspace = true\n", ""},
		{"dotnet-sdk", "global.json", "{\"sdk\": {\"version\": \"8.0.404\", \"rollForward\": \"latestFeature\"}}", "8.0  global.json:1"},
		{"dotnet-sdk", "global.json", "{\"sdk\": {\"version\": \"9.0.100-rc.1\"}}", "9.0  global.json:1"},
		{"dotnet", "a.csproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>`, "8.0  a.csproj:0"},
		{"dotnet", "a.csproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFrameworks>net8.0;net9.0</TargetFrameworks></PropertyGroup></Project>`, ""},
		{"dotnet", "a.csproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>netstandard2.0</TargetFramework></PropertyGroup></Project>`, ""},
		{"elixir", ".tool-versions", "erlang 26.2\nelixir 1.16.2-otp-26\n", "1.16.2  .tool-versions:2"},
		{"erlang", ".tool-versions", "erlang 26.2\nelixir 1.16.2-otp-26\n", "26.2  .tool-versions:1"},
		{"elixir", "mix.exs", "def project do\n [elixir: \"~> 1.15 or ~> 1.16\"]\n", " ~> 1.15 || ~> 1.16 mix.exs:2"},
		{"go", ".go-version", "1.22.1\n", "1.22.1  .go-version:1"},
		{"go", ".tool-versions", "golang 1.21\n", "1.21  .tool-versions:1"},
		{"go", "go.mod", "module x\n\ngo 1.22\n", " >=1.22 go.mod:0"},
		{"node", "mise.toml", "[tools]\nnode = \"22\"\n", "22  mise.toml:2"},
		{"python", ".mise.toml", "[tools]\npython = [\"3.12\", \"3.11\"]\n", "3.12  .mise.toml:2"},
		{"ruby", ".config/mise.toml", "[tools]\nruby = { version = \"3.3\" }\n", "3.3  .config/mise.toml:2"},
		{"java", "mise.toml", "[tools]\njava = \"temurin-21\"\n", "21  mise.toml:2"},
		{"node", "mise.toml", "[tools]\nnode = \"lts\"\n", ""},
		{"cobol", ".tool-versions", "cobol 1\n", ""},
	} {
		r := load(c.file, c.text)
		v := r.Asked(c.language, ".")
		got := ""
		if v.File != "" {
			got = fmt.Sprintf("%s %s %s:%d", v.Value, v.Constraint, v.File, v.Line)
		}
		if got != c.want {
			t.Errorf("%s of %s %q: %q, want %q", c.language, c.file, c.text, got, c.want)
		}
		if below := load("x/y/"+c.file, c.text).Asked(c.language, "x/y"); below.Value != v.Value || below.Constraint != v.Constraint {
			t.Errorf("%s of %s in a folder: %+v", c.language, c.file, below)
		}
	}
	for _, l := range Languages {
		for _, dir := range []string{".", "../x", "nowhere"} {
			if v := load("a", "").Asked(l, dir); v != (Version{}) {
				t.Errorf("%s of nothing: %+v", l, v)
			}
		}
	}
	// A parent POM, and the order of the files.
	r := load("pom.xml", "<project><modules><module>a</module></modules><properties><java.version>17</java.version></properties></project>",
		"a/pom.xml", "<project><parent><groupId>g</groupId><artifactId>p</artifactId></parent></project>", ".ruby-version", "3.3\n", "Gemfile", "ruby '3.2'\n")
	if v := r.Asked("java", "a"); v.Value != "17" || v.File != "pom.xml" {
		t.Errorf("parent: %+v", v)
	}
	if v := r.Asked("ruby", "."); v.Value != "3.3" {
		t.Errorf("order: %+v", v)
	}
}
