package dotnet_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

const (
	csproj = `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>`
	csMain = "System.Console.WriteLine(1);\n"
)

func TestDotnetTexts(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"without -o, a package of the system", map[string]string{
			"Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:8.0.404-bookworm-slim AS app\nRUN apt-get update && apt-get install -y libgdiplus\nWORKDIR /app\nCOPY . .\nRUN dotnet publish -c Release\nUSER $APP_UID\nENTRYPOINT [\"dotnet\", \"bin/Release/net8.0/publish/x.dll\"]\n",
			"x.csproj":   csproj, "Program.cs": csMain,
		}, `FROM mcr.microsoft.com/dotnet/sdk:8.0.404-bookworm-slim AS builder
RUN apt-get update && apt-get install -y libgdiplus
WORKDIR /app
COPY . .
RUN dotnet publish -c Release

FROM mcr.microsoft.com/dotnet/runtime:8.0-bookworm-slim AS app
RUN apt-get update && apt-get install -y libgdiplus
WORKDIR /app
COPY --from=builder /app/bin/Release/net8.0/publish /app/bin/Release/net8.0/publish
USER $APP_UID
ENTRYPOINT ["dotnet", "bin/Release/net8.0/publish/x.dll"]
`},
		{"settings in the working directory; a package that may need ASP.NET Core", map[string]string{
			"Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /src\nCOPY . .\nRUN dotnet publish x.csproj --output=/out\nENV ASPNETCORE_URLS=http://+:80\nCMD [\"dotnet\", \"/out/x.dll\"]\n",
			"x.csproj":   strings.Replace(csproj, "</PropertyGroup>", `</PropertyGroup><ItemGroup><PackageReference Include="Hangfire"/></ItemGroup>`, 1), "Program.cs": csMain, "appsettings.json": "{}", "wwwroot/x.css": "",
		}, `FROM mcr.microsoft.com/dotnet/sdk:8.0 AS builder
WORKDIR /src
COPY . .
RUN dotnet publish x.csproj --output=/out

FROM mcr.microsoft.com/dotnet/aspnet:8.0
WORKDIR /src
COPY --from=builder /src/appsettings.json /src/appsettings.json
COPY --from=builder /src/wwwroot /src/wwwroot
COPY --from=builder /out /out
ENV ASPNETCORE_URLS=http://+:80
CMD ["dotnet", "/out/x.dll"]
`},
		{"it brings its runtime along", map[string]string{
			"Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:8.0-alpine\nWORKDIR /src\nCOPY . .\nRUN dotnet publish -r linux-musl-x64 --self-contained -o /out\nENTRYPOINT [\"/out/x\"]\n",
			"x.csproj":   strings.Replace(csproj, "</PropertyGroup>", `<InvariantGlobalization>true</InvariantGlobalization></PropertyGroup>`, 1), "Program.cs": csMain,
		}, `FROM mcr.microsoft.com/dotnet/sdk:8.0-alpine AS builder
WORKDIR /src
COPY . .
RUN dotnet publish -r linux-musl-x64 --self-contained -o /out

FROM mcr.microsoft.com/dotnet/runtime-deps:8.0-alpine
WORKDIR /src
COPY --from=builder /out /out
ENTRYPOINT ["/out/x"]
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

func TestDotnetDeclines(t *testing.T) {
	dotnet := func(lines string, more ...string) map[string]string {
		m := map[string]string{"Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /src\nCOPY . .\n" + lines, "x.csproj": csproj, "Program.cs": csMain}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	build, cmd := "RUN dotnet publish -o /out\n", "CMD [\"dotnet\", \"/out/x.dll\"]\n"
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{dotnet("RUN dotnet build\n" + cmd), "no RUN publishes the program"},
		{dotnet(build + "CMD [\"dotnet\", \"/out/y.dll\"]\n"), "but x.csproj makes x.dll"},
		{dotnet(build + "CMD [\"dotnet\", \"/app/x.dll\"]\n"), "no dotnet publish is known to write it there"},
		{dotnet("RUN dotnet publish -o .\nCMD [\"dotnet\", \"x.dll\"]\n"), "published among its sources"},
		{dotnet("RUN dotnet publish -o $OUT\n" + cmd), "computed folder $OUT"},
		{dotnet("RUN dotnet ef database update\n" + build + cmd), "the effects of dotnet ef aren't known"},
		{dotnet(build + "USER berth\n" + cmd), "no user berth"},
		{dotnet(build+cmd, "x.csproj", strings.Replace(csproj, "net8.0", "net6.0", 1)), "built for net6.0, and the image holds .NET 8.0"},
		{dotnet(build+cmd, "x.csproj", strings.Replace(csproj, "net8.0", "$(Tfm)", 1)), "sets TargetFramework depending on something else"},
		{dotnet(build+cmd, "Run.cs", "Process.Start(\"git\");\n"), "Run.cs:1 starts other programs"},
		{dotnet(build+cmd, "y.csproj", csproj), "which project of . is published isn't known"},
		{map[string]string{"Dockerfile": "FROM mcr.microsoft.com/dotnet/sdk:latest\nWORKDIR /src\nCOPY . .\n" + build + cmd, "x.csproj": csproj}, "isn't said by its tag"},
	} {
		res := splittest.Files(t, c.files)
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.files["Dockerfile"], res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}
