package rewrite

import (
	"path"
	"strings"
)

// Installs of Elixir's mix, Cargo, Gradle and sbt: their commands that do
// nothing but fetch.

var (
	_ = registerManager(&manager{tools: []string{"mix"}, install: mixInstall})
	_ = registerManager(&manager{tools: []string{"cargo"}, install: cargoInstall})
	_ = registerManager(&manager{tools: []string{"gradle", "gradlew"}, install: gradleInstall})
	_ = registerManager(&manager{tools: []string{"sbt"}, install: sbtInstall})
)

// mixInstall: mix deps.get, and mix deps.compile, which reads nothing more of
// the project (https://hexdocs.pm/mix/Mix.Tasks.Deps.Compile.html).
func mixInstall(i *Install, c installCall) bool {
	if len(c.args) < 2 || c.args[1] != "deps.get" && c.args[1] != "deps.compile" {
		return false
	}
	i.Name = "mix " + c.args[1]
	i.Writes = []string{path.Join(i.Dir, "deps"), path.Join(i.Dir, "_build"), "/root", "/opt/mix", "/opt/hex", "/tmp"}
	i.writesTo(c.st, "MIX_HOME", "HEX_HOME", "MIX_DEPS_PATH", "MIX_BUILD_PATH", "MIX_BUILD_ROOT")
	if !i.brings(c, "mix.exs") {
		return true
	}
	m := c.repo.Mix(i.Ctx)
	i.keep(c, m.Files)
	if m.Unknown != "" {
		i.Unknown = m.Unknown
	}
	if i.Assumes = "mix.lock agrees with mix.exs, so that deps.get doesn't rewrite it"; !m.Lock {
		i.Assumes = ""
		i.Writes = append(i.Writes, path.Join(i.Dir, "mix.lock"))
	}
	return true
}

func cargoInstall(i *Install, c installCall) bool {
	if len(c.args) < 2 || c.args[1] != "fetch" {
		return false
	}
	i.Unknown = "Cargo reads no manifest without a source file beside it"
	return true
}

func gradleInstall(i *Install, c installCall) bool {
	for _, a := range c.args[1:] {
		if !strings.HasPrefix(a, "-") && a != "dependencies" {
			return false
		}
	}
	if !strings.Contains(strings.Join(c.args, " "), "dependencies") {
		return false
	}
	i.Name = path.Base(c.args[0]) + " dependencies"
	i.Writes = []string{path.Join(i.Dir, ".gradle"), path.Join(i.Dir, "build"), "/root/.gradle", "/home/gradle/.gradle", "/tmp"}
	for _, f := range []string{"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"} {
		ctx, ok := c.origin(path.Join(i.Dir, f))
		if !ok {
			continue
		}
		i.Ctx = path.Dir(ctx)
		g := c.repo.Gradle(i.Ctx)
		i.keep(c, g.Files)
		i.Assumes = "the build scripts read nothing of the project that they don't name"
		if g.Unknown != "" {
			i.Unknown = g.Unknown
		}
		return true
	}
	i.Unknown = "its build script doesn't come from the build context"
	return true
}

func sbtInstall(i *Install, c installCall) bool {
	if len(c.args) < 2 || c.args[len(c.args)-1] != "update" {
		return false
	}
	for _, a := range c.args[1 : len(c.args)-1] {
		if !strings.HasPrefix(a, "-") {
			return false
		}
	}
	i.Name = "sbt update"
	i.Writes = []string{path.Join(i.Dir, "target"), path.Join(i.Dir, "project/target"), path.Join(i.Dir, "project/project"), "/root", "/tmp"}
	if !i.brings(c, "build.sbt") {
		return true
	}
	s := c.repo.Sbt(i.Ctx)
	i.keep(c, s.Files)
	i.Assumes = "the build definition reads nothing of the project that it doesn't name"
	if s.Unknown != "" {
		i.Unknown = s.Unknown
	}
	return true
}
