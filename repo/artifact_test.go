package repo

import "testing"

func TestMavenArtifact(t *testing.T) {
	r := load(
		"pom.xml", `<project><groupId>g</groupId><artifactId>parent</artifactId><version>3</version><packaging>pom</packaging><modules><module>web</module><module>cli</module></modules>
			<properties><name.of.it>berths</name.of.it></properties>
			<build><pluginManagement><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId><executions><execution><goals><goal>repackage</goal></goals></execution></executions></plugin></plugins></pluginManagement></build></project>`,
		"web/pom.xml", `<project><parent><groupId>g</groupId><artifactId>parent</artifactId><version>3</version></parent><artifactId>web</artifactId>
			<dependencies><dependency><artifactId>junit</artifactId><scope>test</scope></dependency><dependency><artifactId>gson</artifactId></dependency></dependencies>
			<build><finalName>${name.of.it}-${project.version}</finalName><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>`,
		"cli/pom.xml", `<project><parent><groupId>g</groupId><artifactId>parent</artifactId><version>3</version></parent><artifactId>cli</artifactId>
			<build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><configuration><archive><manifest><addClasspath>true</addClasspath><classpathPrefix>lib/</classpathPrefix></manifest></archive></configuration></plugin></plugins></build></project>`,
		"boot/pom.xml", `<project><parent><artifactId>spring-boot-starter-parent</artifactId><version>3.5.7</version></parent><artifactId>boot</artifactId><version>${revision}</version>
			<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>`,
		"war/pom.xml", `<project><parent><artifactId>company</artifactId><version>1</version></parent><artifactId>war</artifactId><packaging>war</packaging></project>`,
	)
	root := r.Maven("pom.xml")
	for _, c := range []struct {
		m    *Maven
		want MavenArtifact
	}{
		{root, MavenArtifact{POM: "web/pom.xml", Name: "berths-3", Packaging: "jar", Bundled: "spring-boot-maven-plugin", Needs: "gson"}},
		{root, MavenArtifact{POM: "cli/pom.xml", Name: "cli-3", Packaging: "jar", Manifest: true, Prefix: "lib/"}},
		{r.Maven("boot/pom.xml"), MavenArtifact{POM: "boot/pom.xml", Packaging: "jar", Bundled: "spring-boot-maven-plugin"}},
		{r.Maven("war/pom.xml"), MavenArtifact{POM: "war/pom.xml", Name: "war-1", Packaging: "war", Parent: "company"}},
	} {
		got, ok := c.m.Artifact(c.want.POM)
		if !ok {
			t.Errorf("%s: no artefact", c.want.POM)
		}
		equal(t, c.want.POM, got, c.want)
	}
	if _, ok := root.Artifact("nowhere/pom.xml"); ok {
		t.Error("an artefact of a POM that isn't read")
	}
}

func TestDotnetProject(t *testing.T) {
	r := load(
		"web/Web.csproj", `<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net8.0</TargetFramework><AssemblyName>Berths</AssemblyName></PropertyGroup><ItemGroup><ProjectReference Include="..\lib\Lib.csproj"/><PackageReference Include="Dapper"/><PackageReference Include="Analyzer" PrivateAssets="all"/></ItemGroup></Project>`,
		"lib/Lib.csproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><AssemblyName>Other</AssemblyName><TargetFramework>netstandard2.0</TargetFramework></PropertyGroup><ItemGroup><PackageReference Include="Polly"/></ItemGroup></Project>`,
		"cli/x.fsproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFrameworks>net6.0;net8.0</TargetFrameworks><PublishAot>true</PublishAot><InvariantGlobalization>true</InvariantGlobalization></PropertyGroup></Project>`,
		"odd/x.csproj", `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup Condition="'$(X)' == ''"><AssemblyName>y</AssemblyName></PropertyGroup></Project>`,
	)
	for _, want := range []DotnetProject{
		{File: "web/Web.csproj", Assembly: "Berths", Frameworks: []string{"net8.0"}, Web: true, Executable: true, Packages: []string{"Dapper", "Polly"}},
		{File: "cli/x.fsproj", Assembly: "x", Frameworks: []string{"net6.0", "net8.0"}, SelfContained: true, Invariant: true, Executable: true},
		{File: "odd/x.csproj", Assembly: "y", Unknown: "odd/x.csproj sets AssemblyName depending on something else"},
	} {
		got, ok := r.DotnetProject(want.File)
		if !ok {
			t.Errorf("%s: no project", want.File)
		}
		equal(t, want.File, got, want)
	}
	if _, ok := r.DotnetProject("lib/none.csproj"); ok {
		t.Error("a project that isn't there")
	}
}
