package repo

// Which version of a language a project asks for, language by language.

import (
	"encoding/json"
	"path"
	"strings"
)

// Languages are what Asked knows. "dotnet-sdk" is the version of the SDK,
// "dotnet" that of the runtime.
var Languages = []string{"python", "node", "go", "ruby", "php", "java", "rust", "dotnet-sdk", "dotnet", "elixir", "erlang"}

// Asked is the version of a language (one of Languages) that the project in
// folder dir (a path as in Exists) asks for; zero when it doesn't, and for any
// other language. As with NodeVersion a file that names one version wins over
// one that names a range, else the first that says anything. Files that version
// managers read (.tool-versions, mise.toml, .ruby-version, …) come first, since
// people write them for the very purpose.
func (r *Repo) Asked(language, dir string) Version {
	dir, ok := clean(dir)
	if !ok {
		return Version{}
	}
	return r.facts.asked.get([2]string{language, dir}, func() Version {
		tools := func(names ...string) func() Version {
			return func() Version { return r.toolVersions(dir, names...) }
		}
		file := func(name string, read func(file string) Version) func() Version {
			return func() Version { return read(path.Join(dir, name)) }
		}
		switch language {
		case "python":
			return r.PythonVersionIn(dir)
		case "node":
			return r.NodeVersion(dir)
		case "go":
			return firstVersion(file(".go-version", r.plainFile("go")), tools("golang", "go"), func() Version { return r.goDirective(dir) })
		case "ruby":
			return firstVersion(file(".ruby-version", r.plainFile("ruby-")), tools("ruby"), func() Version { return r.gemfileRuby(dir) }, file("Gemfile.lock", r.gemfileLockRuby))
		case "php":
			return firstVersion(file(".php-version", r.plainFile("")), tools("php"), file("composer.json", r.composerPHP))
		case "java":
			return firstVersion(file(".java-version", r.javaFile), file(".sdkmanrc", r.javaProperty("java")), tools("java"), file("system.properties", r.javaProperty("java.runtime.version")),
				file("pom.xml", r.pomJava), file("build.gradle", r.gradleJava), file("build.gradle.kts", r.gradleJava), file("app/build.gradle", r.gradleJava), file("app/build.gradle.kts", r.gradleJava))
		case "rust":
			return firstVersion(file("rust-toolchain.toml", r.rustToolchain), file("rust-toolchain", r.rustToolchain), tools("rust"), file("Cargo.toml", r.cargoRust))
		case "dotnet-sdk":
			return firstVersion(file("global.json", r.globalJSON), tools("dotnet", "dotnet-core"), func() Version { return r.targetFramework(dir) })
		case "dotnet":
			return firstVersion(func() Version { return r.targetFramework(dir) }, file("global.json", r.globalJSON), tools("dotnet", "dotnet-core"))
		case "elixir":
			return firstVersion(tools("elixir"), file("mix.exs", r.mixElixir))
		case "erlang":
			return firstVersion(tools("erlang"))
		}
		return Version{}
	})
}

// plainFile reads a file that holds a version and nothing else, with or without
// a prefix.
func (r *Repo) plainFile(prefix string) func(file string) Version {
	return func(file string) Version {
		s, line := r.firstLine(file)
		s = strings.TrimPrefix(strings.TrimPrefix(s, prefix), "v")
		if !plainVersion.MatchString(s) {
			return Version{}
		}
		return Version{Value: s, File: file, Line: line}
	}
}

// goDirective: the go directive is the least version that builds the module
// (https://go.dev/ref/mod#go-mod-file-go).
func (r *Repo) goDirective(dir string) Version {
	g := r.Go(dir)
	if g == nil || g.Err != nil || g.GoVersion == "" {
		return Version{}
	}
	return Version{Constraint: ">=" + g.GoVersion, File: path.Join(dir, "go.mod")}
}

var (
	rubyLine   = lazy(`^ruby[ (]+((?:["']|file:).*)$`)
	rubyQuoted = lazy(`["']([^"']+)["']`)
	rubyLocked = lazy(`^\s+ruby (\d+\.\d+\.\d+)`)
)

// gemfileRuby reads Bundler's ruby line (https://bundler.io/man/gemfile.5.html#RUBY).
func (r *Repo) gemfileRuby(dir string) Version {
	file := path.Join(dir, "Gemfile")
	for i, l := range r.linesOf(file) {
		m := rubyLine.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil || strings.Contains(m[1], "engine") {
			continue
		}
		said, _, _ := strings.Cut(m[1], "#")
		if strings.HasPrefix(said, "file:") {
			if q := rubyQuoted.FindStringSubmatch(said); q != nil {
				return r.plainFile("ruby-")(path.Join(dir, q[1]))
			}
			return Version{}
		}
		var all []string
		for _, q := range rubyQuoted.FindAllStringSubmatch(said, -1) {
			all = append(all, q[1])
		}
		return oneOrRange(strings.Join(all, ", "), file, i+1)
	}
	return Version{}
}

// gemfileLockRuby: "RUBY VERSION" of the lock file.
func (r *Repo) gemfileLockRuby(file string) Version {
	in := false
	for i, l := range r.linesOf(file) {
		if m := rubyLocked.FindStringSubmatch(l); in && m != nil {
			return Version{Value: m[1], File: file, Line: i + 1}
		}
		in = l == "RUBY VERSION"
	}
	return Version{}
}

// composerPHP: config.platform.php is the version that Composer resolves for,
// require.php the range (https://getcomposer.org/doc/06-config.md#platform).
func (r *Repo) composerPHP(file string) Version {
	src, doc := r.json(file)
	if s, _ := dig(doc, "config", "platform", "php").(string); plainVersion.MatchString(s) {
		return Version{Value: s, File: file, Line: jsonLine(src, "platform", "php")}
	}
	s, _ := dig(doc, "require", "php").(string)
	return oneOrRange(s, file, jsonLine(src, "require", "php"))
}

// rustToolchain reads both forms of rustup's file; nightly and stable name no
// version (https://rust-lang.github.io/rustup/overrides.html).
func (r *Repo) rustToolchain(file string) Version {
	src, doc := r.toml(file)
	s, _ := dig(doc, "toolchain", "channel").(string)
	line := keyLine(src, "toolchain", "channel")
	if doc == nil && path.Ext(file) == "" {
		s, line = r.firstLine(file)
	}
	s, _, _ = strings.Cut(s, "-") // 1.75.0-x86_64-unknown-linux-gnu
	if !plainVersion.MatchString(s) {
		return Version{}
	}
	return Version{Value: s, File: file, Line: line}
}

// cargoRust: rust-version is the least version that builds the package
// (https://doc.rust-lang.org/cargo/reference/rust-version.html).
func (r *Repo) cargoRust(file string) Version {
	src, doc := r.toml(file)
	for _, table := range []string{"package", "workspace.package"} {
		if s, _ := dig(doc, append(strings.Split(table, "."), "rust-version")...).(string); plainVersion.MatchString(s) {
			return Version{Constraint: ">=" + s, File: file, Line: keyLine(src, table, "rust-version")}
		}
	}
	return Version{}
}

// globalJSON: https://learn.microsoft.com/dotnet/core/tools/global-json
func (r *Repo) globalJSON(file string) Version {
	src, doc := r.json(file)
	s, _ := dig(doc, "sdk", "version").(string)
	return dotnetLine(s, file, jsonLine(src, "sdk", "version"))
}

// targetFramework: of the one project in dir, or of the one that its solution holds.
func (r *Repo) targetFramework(dir string) Version {
	p, ok := r.DotnetProject(dir)
	if !ok || p.Unknown != "" || len(p.Frameworks) != 1 {
		return Version{}
	}
	v, ok := strings.CutPrefix(p.Frameworks[0], "net")
	if !ok {
		return Version{}
	}
	v, _, _ = strings.Cut(v, "-") // net8.0-windows
	return dotnetLine(v, p.File, 0)
}

// dotnetLine: of 8.0.404 the line 8.0 counts, the rest is the SDK's own count.
func dotnetLine(s, file string, line int) Version {
	s, _, _ = strings.Cut(s, "-")
	f := strings.Split(s, ".")
	if len(f) < 2 || !plainVersion.MatchString(s) {
		return Version{}
	}
	return Version{Value: f[0] + "." + f[1], File: file, Line: line}
}

var elixirLine = lazy(`\belixir:\s*"([^"]+)"`)

// mixElixir: https://hexdocs.pm/elixir/Version.html#module-requirements
func (r *Repo) mixElixir(file string) Version {
	for i, l := range r.linesOf(file) {
		if m := elixirLine.FindStringSubmatch(l); m != nil && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			return oneOrRange(strings.ReplaceAll(strings.ReplaceAll(m[1], " or ", " || "), " and ", ", "), file, i+1)
		}
	}
	return Version{}
}

// oneOrRange: a plain version is one, anything else a range.
func oneOrRange(s, file string, line int) Version {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return Version{}
	case plainVersion.MatchString(s):
		return Version{Value: s, File: file, Line: line}
	}
	return Version{Constraint: s, File: file, Line: line}
}

// linesOf are the lines of a file, nil when it isn't there.
func (r *Repo) linesOf(file string) []string {
	if !r.isFile(file) {
		return nil
	}
	src, err := r.ReadFile(file)
	if err != nil {
		return nil
	}
	return lines(src)
}

// json reads a JSON file; the document is nil when it is missing or malformed.
func (r *Repo) json(file string) (src []byte, doc map[string]any) {
	if !r.isFile(file) {
		return nil, nil
	}
	src, err := r.ReadFile(file)
	if err != nil || json.Unmarshal([]byte(text(src)), &doc) != nil {
		return src, nil
	}
	return src, doc
}

// LanguageOf is the language whose version the tags of an image are ("python",
// "go", … as in Asked); image is a name without registry, as images.Ref.Official
// gives it. "" for the others.
func LanguageOf(image string) string { return languageOf[image] }

var languageOf = map[string]string{
	"python": "python", "node": "node", "golang": "go", "ruby": "ruby", "php": "php", "rust": "rust", "elixir": "elixir", "erlang": "erlang",
	"eclipse-temurin": "java", "amazoncorretto": "java", "openjdk": "java",
	"mcr.microsoft.com/dotnet/sdk": "dotnet-sdk", "mcr.microsoft.com/dotnet/aspnet": "dotnet", "mcr.microsoft.com/dotnet/runtime": "dotnet",
}
