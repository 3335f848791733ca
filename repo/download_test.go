package repo

import (
	"strings"
	"testing"
)

// reads checks what a fetch reads and the reason why that isn't known; want is a
// part of it, "" for none.
func reads(t *testing.T, what string, files []string, unknown string, want []string, why string) {
	t.Helper()
	if (why == "") != (unknown == "") || !strings.Contains(unknown, why) {
		t.Errorf("%s: unknown %q, want %q", what, unknown, why)
	}
	if why == "" {
		equal(t, what, files, want)
	}
}

func TestGoDownloadReads(t *testing.T) {
	app := "module m/app\nrequire m/lib v0.0.0\nreplace m/lib => ../lib\n"
	for _, c := range []struct {
		what  string
		files []string
		work  string
		want  []string
		why   string
	}{
		{"a module alone", []string{"app/go.mod", "module m/app", "app/go.sum", ""}, "", []string{"app/go.mod", "app/go.sum"}, ""},
		{"a replaced module", []string{"app/go.mod", app, "lib/go.mod", "module m/lib\nreplace x/y => ../gone\n"}, "", []string{"app/go.mod", "lib/go.mod"}, ""},
		{"one that isn't there", []string{"app/go.mod", app}, "", nil, "lib, which has no go.mod"},
		{"one out of the context", []string{"app/go.mod", strings.Replace(app, "../lib", "../../lib", 1)}, "", nil, "no go.mod"},
		{"an absolute folder", []string{"app/go.mod", strings.Replace(app, "../lib", "/lib", 1), "lib/go.mod", "module m/lib"}, "", nil, "no go.mod"},
		{"a workspace", []string{"go.work", "go 1.21\nuse (\n./app\n./lib\n)\n", "go.work.sum", "", "app/go.mod", app, "lib/go.mod", "module m/lib", "lib/go.sum", ""}, "go.work",
			[]string{"go.work", "go.work.sum", "app/go.mod", "lib/go.mod", "lib/go.sum"}, ""},
		{"whose modules need each other", []string{"go.work", "go 1.21\nuse (\n./app\n./lib\n)\n", "app/go.mod", "module m/app\nrequire m/lib v0.0.0\n", "lib/go.mod", "module m/lib"}, "go.work", nil, "asks the proxy"},
		{"which replaces", []string{"go.work", "go 1.21\nuse ./app\nreplace m/lib => ./lib\n", "app/go.mod", "module m/app\nrequire m/lib v0.0.0\n", "lib/go.mod", "module m/lib"}, "go.work",
			[]string{"go.work", "app/go.mod", "lib/go.mod"}, ""},
		{"which doesn't use it", []string{"go.work", "go 1.21\nuse ./lib\n", "app/go.mod", "module m/app", "lib/go.mod", "module m/lib"}, "go.work", nil, "doesn't use app"},
		{"of which a module is gone", []string{"go.work", "go 1.21\nuse (\n./app\n./gone\n)\n", "app/go.mod", "module m/app"}, "go.work", nil, "uses ./gone"},
	} {
		g := load(c.files...).Go("app")
		if c.work != "" && g.WorkFile() != c.work {
			t.Errorf("%s: work file %q", c.what, g.WorkFile())
		}
		files, why := g.DownloadReads(c.work)
		reads(t, c.what, files, why, c.want, c.why)
	}
}

func TestMaven(t *testing.T) {
	pom := func(body string) string {
		return "<project><groupId>g</groupId><artifactId>a</artifactId>" + body + "</project>"
	}
	child := func(id, body string) string {
		return "<project><parent><groupId>g</groupId><artifactId>a</artifactId></parent><artifactId>" + id + "</artifactId>" + body + "</project>"
	}
	dep := func(group, id, more string) string {
		return "<dependency><groupId>" + group + "</groupId><artifactId>" + id + "</artifactId>" + more + "</dependency>"
	}
	modules := "<modules><module>x</module><module>y/pom-y.xml</module></modules>"
	for _, c := range []struct {
		what       string
		files      []string
		want       []string
		why        string
		unresolved string
	}{
		{"one POM", []string{"pom.xml", pom(dep("o", "x", ""))}, []string{"pom.xml"}, "", ""},
		{"in an old encoding", []string{"pom.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + pom("<name>\xe4</name>")}, []string{"pom.xml"}, "", ""},
		{"modules", []string{"pom.xml", pom(modules), "x/pom.xml", child("x", ""), "y/pom-y.xml", child("y", "")}, []string{"pom.xml", "x/pom.xml", "y/pom-y.xml"}, "", ""},
		{"a module that is gone", []string{"pom.xml", pom(modules), "x/pom.xml", child("x", "")}, nil, "the module y/pom-y.xml", ""},
		{"modules that need each other", []string{"pom.xml", pom(modules), "x/pom.xml", child("x", ""), "y/pom-y.xml", child("y", dep("${project.groupId}", "x", ""))}, []string{"pom.xml", "x/pom.xml", "y/pom-y.xml"}, "", "needs the module x"},
		{"modules that only manage each other", []string{"pom.xml", pom(modules + "<dependencyManagement><dependencies>" + dep("g", "x", "") + "</dependencies></dependencyManagement>"), "x/pom.xml", child("x", ""), "y/pom-y.xml", child("y", "")}, []string{"pom.xml", "x/pom.xml", "y/pom-y.xml"}, "", ""},
		{"a local jar", []string{"pom.xml", pom(dep("o", "x", "<systemPath>${basedir}/x.jar</systemPath>"))}, nil, "has a dependency in", ""},
		{"a local repository", []string{"pom.xml", pom("<repositories><repository><url>file://${project.basedir}/repo</url></repository></repositories>")}, nil, "has a repository in", ""},
		{"an extension", []string{"pom.xml", pom("<build><extensions><extension><artifactId>jgitver</artifactId></extension></extensions></build>")}, nil, "loads the extension jgitver", ""},
		{"the wrapper", []string{"pom.xml", pom(""), ".mvn/wrapper/maven-wrapper.properties", "", ".mvn/jvm.config", "-Xmx1g"}, []string{"pom.xml", ".mvn/jvm.config", ".mvn/wrapper/maven-wrapper.properties"}, "", ""},
		{"settings named in .mvn", []string{"pom.xml", pom(""), ".mvn/maven.config", "-s settings.xml"}, nil, "names settings.xml", ""},
		{"a packaging of Tycho's", []string{"pom.xml", pom("<packaging>eclipse-plugin</packaging>")}, nil, "the packaging", ""},
		{"a parent elsewhere", []string{"pom.xml", "<project><parent><artifactId>p</artifactId><relativePath>../p/pom.xml</relativePath></parent></project>"}, nil, "has its parent in", ""},
		{"no XML", []string{"pom.xml", "<project"}, nil, "can't be read", ""},
	} {
		m := load(c.files...).Maven("pom.xml")
		reads(t, c.what, m.Files, m.Unknown, c.want, c.why)
		if (c.unresolved == "") != (m.Unresolved == "") || !strings.Contains(m.Unresolved, c.unresolved) {
			t.Errorf("%s: unresolved %q, want %q", c.what, m.Unresolved, c.unresolved)
		}
	}
	m := load("pom.xml", pom(""), "x/pom.xml", child("x", "")).Maven("x/pom.xml")
	equal(t, "files of a module", m.Files, []string{"x/pom.xml", "pom.xml"})
	equal(t, "its parents", m.Parents, []string{"pom.xml"})
}

func TestCargo(t *testing.T) {
	pkg := "[package]\nname = \"a\"\n"
	for _, c := range []struct {
		what          string
		files         []string
		want, sources []string
		why           string
	}{
		{"a package", []string{"Cargo.toml", pkg, "src/main.rs", "", "Cargo.lock", ""}, []string{"Cargo.toml", "Cargo.lock"}, []string{"src/main.rs"}, ""},
		{"with paths", []string{"Cargo.toml", pkg + "[[bin]]\nname = \"a\"\npath = \"a.rs\"\n"}, []string{"Cargo.toml"}, nil, ""},
		{"with a bench", []string{"Cargo.toml", pkg + "[[bench]]\nname = \"b\"\n", "src/lib.rs", "", "benches/b.rs", ""}, []string{"Cargo.toml"}, []string{"benches/b.rs"}, ""},
		{"with a bench that is gone", []string{"Cargo.toml", pkg + "[[bench]]\nname = \"b\"\n", "src/lib.rs", ""}, nil, nil, "isn't where Cargo looks"},
		{"a workspace", []string{"Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/c\"]\n", "crates/a/Cargo.toml", pkg + "[dependencies]\nd = { path = \"../../d\" }\n", "crates/a/src/lib.rs", "",
			"crates/c/Cargo.toml", pkg, "d/Cargo.toml", pkg, "d/src/lib.rs", "", ".cargo/config.toml", "", "rust-toolchain", "stable"},
			[]string{"Cargo.toml", "crates/a/Cargo.toml", "d/Cargo.toml", "rust-toolchain", ".cargo/config.toml"}, []string{"crates/a/src/lib.rs", "d/src/lib.rs"}, ""},
		{"a path out of the context", []string{"Cargo.toml", pkg + "[target.'cfg(unix)'.dependencies]\nd = { path = \"../d\" }\n", "src/lib.rs", ""}, nil, nil, "isn't in the build context"},
		{"a patch", []string{"Cargo.toml", pkg + "[patch.crates-io]\nd = { path = \"d\" }\n", "src/lib.rs", "", "d/Cargo.toml", pkg, "d/src/lib.rs", ""}, []string{"Cargo.toml", "d/Cargo.toml"}, []string{"src/lib.rs", "d/src/lib.rs"}, ""},
		{"no TOML", []string{"Cargo.toml", "[package"}, nil, nil, "can't be read"},
	} {
		r := load(c.files...).Cargo(".")
		reads(t, c.what, r.Files, r.Unknown, c.want, c.why)
		if c.why == "" {
			equal(t, c.what+": sources", r.Sources, c.sources)
		}
	}
	if r := load("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n", "a/Cargo.toml", pkg, "a/src/lib.rs", "").Cargo("a"); r.Dir != "." {
		t.Errorf("the workspace of a is %q", r.Dir)
	}
	if !load("Cargo.toml", pkg, "src/lib.rs", "", ".cargo/config.toml", "[source.x]\ndirectory = \"vendor\"\n").Cargo(".").Vendored {
		t.Error("the crates are vendored")
	}
}

func TestDotnet(t *testing.T) {
	sdk := func(body string) string { return `<Project Sdk="Microsoft.NET.Sdk">` + body + `</Project>` }
	ref := `<ItemGroup><ProjectReference Include="..\Core\Core.csproj" /></ItemGroup>`
	for _, c := range []struct {
		what   string
		target string
		files  []string
		want   []string
		why    string
	}{
		{"a project and what it refers to", "Web", []string{"Web/Web.csproj", sdk(ref), "Core/Core.csproj", sdk(""), "Directory.Build.props", "<Project><Import Project=\"eng/x.props\"/></Project>", "eng/x.props", "<Project/>", "global.json", "{}"},
			[]string{"Web/Web.csproj", "Core/Core.csproj", "Directory.Build.props", "eng/x.props", "global.json"}, ""},
		{"a solution", "A.sln", []string{"A.sln", "Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"Core\", \"Core\\Core.csproj\", \"{1}\"\r\nProject(\"{2150E333-8FDC-42A3-9474-1A3956D46DE8}\") = \"d\", \"d\", \"{2}\"\r\n", "Core/Core.csproj", sdk("")},
			[]string{"A.sln", "Core/Core.csproj"}, ""},
		{"a solution in XML", "A.slnx", []string{"A.slnx", `<Solution><Folder Name="/x/"><Project Path="Core/Core.csproj"/></Folder></Solution>`, "Core/Core.csproj", sdk("")}, []string{"A.slnx", "Core/Core.csproj"}, ""},
		{"a project that is gone", "Web", []string{"Web/Web.csproj", sdk(ref)}, nil, "isn't in the build context"},
		{"a computed reference", "Web", []string{"Web/Web.csproj", sdk(`<ProjectReference Include="$(X)/a.csproj"/>`)}, nil, "refers to $(X)"},
		{"a folder of its own", "Web", []string{"Web/Web.csproj", sdk(`<Import Project="$(MSBuildThisFileDirectory)..\a.props"/>`), "a.props", "<Project/>"}, []string{"Web/Web.csproj", "a.props"}, ""},
		{"an optional import", "Web", []string{"Web/Web.csproj", sdk(`<Import Project="local.props" Condition="Exists('local.props')"/>`)}, []string{"Web/Web.csproj"}, ""},
		{"a condition on files", "Web", []string{"Web/Web.csproj", sdk(`<PropertyGroup Condition="Exists('x')"/>`)}, nil, "looks for files"},
		{"a version from a file", "Web", []string{"Web/Web.csproj", sdk(`<Version>$([System.IO.File]::ReadAllText("v"))</Version>`)}, nil, "reads files"},
		{"a target for the restore", "Web", []string{"Web/Web.csproj", sdk(`<Target Name="x" BeforeTargets="CollectPackageReferences"/>`)}, nil, "a target for the restore"},
		{"an old project", "Web", []string{"Web/Web.csproj", "<Project ToolsVersion=\"12.0\"/>"}, nil, "SDK-style"},
		{"a local source", "Web", []string{"Web/Web.csproj", sdk(""), "nuget.config", `<configuration><packageSources><add key="l" value="./p"/></packageSources></configuration>`}, nil, "names the package source"},
	} {
		d := load(c.files...).Dotnet(c.target)
		reads(t, c.what, d.Files, d.Unknown, c.want, c.why)
	}
	if load("a.csproj", "", "a.sln", "").Dotnet(".") != nil {
		t.Error("which of two projects is meant isn't known")
	}
}

func TestMixGradleSbt(t *testing.T) {
	m := load("mix.exs", "deps: [{:jason, \"~> 1.4\"}]", "mix.lock", "", "config/config.exs", "import_config \"#{config_env()}.exs\"", "config/prod.exs", "", "config/runtime.exs", "File.read!(\"x\")").Mix(".")
	reads(t, "mix", m.Files, m.Unknown, []string{"mix.exs", "mix.lock", "config/config.exs", "config/prod.exs"}, "")
	m = load("mix.exs", "apps_path: \"apps\"", "apps/a/mix.exs", "", "apps/b/mix.exs", "version: File.read!(\"V\")").Mix(".")
	reads(t, "an umbrella", m.Files, m.Unknown, nil, "apps/b/mix.exs calls File.read!")
	m = load("mix.exs", "{:x, path: \"../x\"}").Mix(".")
	reads(t, "a local package", m.Files, m.Unknown, nil, "the local path ../x")

	wrapper := []string{"gradlew", "", "gradle/wrapper/gradle-wrapper.jar", "", "gradle/wrapper/gradle-wrapper.properties", "distributionUrl=https\\://example.org/g.zip\n"}
	g := load(append(wrapper, "build.gradle.kts", "plugins { java }", "gradle.properties", "", "gradle/libs.versions.toml", "")...).Gradle(".")
	reads(t, "the wrapper", g.Wrapper, g.WrapperUnknown, []string{"gradlew", "gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties", "gradle.properties"}, "")
	reads(t, "gradle", g.Files, g.Unknown, append([]string{"build.gradle.kts"}, append(g.Wrapper, "gradle/libs.versions.toml")...), "")
	g = load(append(wrapper[:4:4], "gradle/wrapper/gradle-wrapper.properties", "distributionUrl=../g.zip", "build.gradle", "", "buildSrc/x.groovy", "")...).Gradle(".")
	reads(t, "a local distribution", g.Wrapper, g.WrapperUnknown, nil, "takes Gradle from ../g.zip")
	reads(t, "buildSrc", g.Files, g.Unknown, nil, "buildSrc is compiled")
	g = load("settings.gradle", "include 'a'", "build.gradle", "").Gradle(".")
	reads(t, "modules", g.Files, g.Unknown, nil, "settings.gradle may read other files")

	s := load("build.sbt", "lazy val root = (project in file(\".\"))", "project/plugins.sbt", "", "project/build.properties", "sbt.version=1.10.0", "src/main/scala/A.scala", "").Sbt(".")
	reads(t, "sbt", s.Files, s.Unknown, []string{"build.sbt", "project/plugins.sbt", "project/build.properties"}, "")
	s = load("build.sbt", "lazy val a = project in file(\"a\")").Sbt(".")
	reads(t, "projects", s.Files, s.Unknown, nil, "may read other files")
}
