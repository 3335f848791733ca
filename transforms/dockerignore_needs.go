package transforms

// What in a build asks for things that dockerignore would leave out. Each
// function gives the reason in words, "" for none.

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"drydock/rewrite"
)

// nodeModulesNeeded: a Dockerfile that copies the folder installs nothing, so it
// ships the host's node_modules.
func nodeModulesNeeded(f *ignoreFacts) string {
	for _, dir := range nodePackages(f) {
		if !f.everyTaker(path.Join(dir, "node_modules"), installsNode) && f.anyTaker(path.Join(dir, "node_modules"), func(*rewrite.Document) bool { return true }) {
			return "no RUN installs the packages"
		}
	}
	return ""
}

func installsNode(d *rewrite.Document) bool {
	return anyRun(d, "yarn", "lerna", "rush") || anyRun(d, "npm", "pnpm", "bun", "nx") && anyRun(d, "install", "ci", "i", "add", "clean-install", "fetch")
}

// venvNeeded: a Dockerfile speaks of a virtual environment that none of its RUNs
// makes, so it means the host's.
func venvNeeded(f *ignoreFacts) string {
	for _, d := range f.docs {
		if strings.Contains(d.Src, "venv") && !anyRun(d, "venv", "virtualenv", "uv", "poetry", "pipenv", "pdm") {
			return "a Dockerfile names one that no RUN makes"
		}
	}
	return ""
}

// envReaders are libraries whose build puts what .env holds into its result.
var envReaders = []string{"vite", "next", "nuxt", "react-scripts", "@vue/cli-service", "gatsby", "astro", "parcel", "@sveltejs/kit", "expo", "dotenv-webpack", "@remix-run/dev"}

var sourcesEnv = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)(^|[\s;&(])(source|\.|cat|xargs[^\n]*<|grep[^\n]*)\s+(\./|[\w$/{}"-]*/)?\.env\b`)
})

func envNeeded(f *ignoreFacts) string {
	for _, d := range f.docs {
		for _, in := range d.Instructions {
			switch in.Inner().Keyword {
			case "run", "cmd", "entrypoint", "healthcheck":
				if slices.ContainsFunc(scriptWords(in), func(w string) bool { return path.Base(w) == ".env" || strings.HasSuffix(w, "=.env") }) {
					return strings.ToUpper(in.Keyword) + " names it"
				}
			}
		}
	}
	for _, dir := range nodePackages(f) {
		n := f.p.Repo.Node(dir)
		if n == nil || !f.anyTaker(path.Join(dir, ".env"), runsNodeBuild) {
			continue
		}
		for _, l := range envReaders {
			if depends(n, l) {
				return "the build with " + l + " reads it"
			}
		}
	}
	for _, file := range f.files {
		if strings.HasSuffix(file, ".sh") && strings.Count(file, "/") < 2 {
			if src, err := f.p.Repo.ReadFile(file); err == nil && sourcesEnv().Match(src) {
				return file + " reads it"
			}
		}
	}
	return ""
}

func terraformNeeded(f *ignoreFacts) string {
	for _, d := range f.docs {
		if strings.Contains(d.Src, "terraform") {
			return "a Dockerfile works with terraform"
		}
	}
	return ""
}

// testdataNeeded: tests run in the image, or Go code that isn't a test names
// the folder.
func testdataNeeded(f *ignoreFacts) string {
	for _, d := range f.docs {
		if anyRun(d, "test", "gotestsum", "make", "bazel", "mage", "task") {
			return "a RUN may run tests"
		}
	}
	if file := f.goFileWith("testdata"); file != "" {
		return file + " names it"
	}
	return ""
}

// goFileWith is a Go file, no test, that holds a text.
func (f *ignoreFacts) goFileWith(text string) string {
	for _, file := range f.files {
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && !strings.Contains("/"+file, "/vendor/") && f.says(file, text) {
			return file
		}
	}
	return ""
}

var asksGit = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bgit["',\s]+(-[cC]\s*\S+\s+)?(describe|rev-parse|rev-list|log|show|show-ref|tag|ls-files|ls-tree|status|diff|branch|symbolic-ref|name-rev|submodule|lfs|archive|for-each-ref|config)\b`)
})

// gitNeeded tells what in the build asks git about the work tree.
func gitNeeded(f *ignoreFacts) string {
	for _, d := range f.docs {
		for _, in := range d.Instructions {
			if in.Inner().Keyword == "run" && asksGit().MatchString(strings.ReplaceAll(in.Raw(), "git config --global", "")) {
				return "a RUN uses git"
			}
			for _, s := range in.ContextSources() {
				if s == ".git" || strings.HasPrefix(s, ".git/") {
					return "a COPY names it"
				}
			}
			if in.Keyword == "run" && strings.Contains(in.Raw(), "-buildvcs") && !strings.Contains(in.Raw(), "-buildvcs=false") {
				return "go build puts the commit into the binary"
			}
		}
	}
	for _, r := range gitReaders {
		for _, file := range f.p.Repo.Glob(r.file) {
			src, err := f.p.Repo.ReadFile(file)
			if err != nil {
				continue
			}
			for _, m := range r.marks {
				if strings.Contains(string(src), m) {
					return file + " mentions " + strings.TrimSpace(m)
				}
			}
			if asksGit().Match(src) && (!r.script || f.started(file)) {
				return file + " asks git"
			}
		}
	}
	if len(f.beside("go.mod")) > 0 && slices.ContainsFunc(f.docs, func(d *rewrite.Document) bool { return anyRun(d, "go", "make", "mage", "task") }) {
		// go build stamps vcs.revision and vcs.time, which a program may show.
		for _, mark := range []string{`"vcs.`, "debug.ReadBuildInfo"} {
			if file := f.goFileWith(mark); file != "" {
				return file + " reads the commit that go build puts into the binary"
			}
		}
	}
	return ""
}

// gitReaders are project files with the words by which they show that a build
// asks git for a version or a list of files; commands of git count in all.
var gitReaders = []struct {
	file   string
	marks  []string
	script bool // it counts only where something starts it
}{
	{file: "pyproject.toml", marks: []string{"setuptools_scm", "setuptools-scm", "hatch-vcs", "versioneer", "versioningit", "pdm.version", `source = "scm"`, "poetry-dynamic-versioning", "dunamai", "flit_scm", "miniver", "setuptools-git", "pbr", "vcs-versioning", "uv-dynamic-versioning"}},
	{file: "setup.py", marks: []string{"setuptools_scm", "versioneer", "pbr", "git"}},
	{file: "setup.cfg", marks: []string{"setuptools_scm", "versioneer", "pbr"}},
	{file: "package.json", marks: []string{"git ", "git-rev", "husky", "lint-staged", "simple-git", "semantic-release", "git-describe", "isomorphic-git", "git-last-commit"}},
	{file: "*.config.*", marks: []string{"git-rev", "simple-git"}},
	{file: ".gitmodules", marks: []string{"submodule"}},
	{file: "Makefile"},
	{file: "GNUmakefile"},
	{file: "*.mk"},
	{file: "*.sh", script: true},
	{file: "scripts/*", script: true},
	{file: "script/*", script: true},
	{file: "hack/*.sh", script: true},
	{file: "bin/*", script: true},
	{file: "build/*.sh", script: true},
	{file: "Taskfile.y*ml"},
	{file: "justfile"},
	{file: "magefile.go"},
	{file: "CMakeLists.txt", marks: []string{"find_package(Git"}},
	{file: "meson.build", marks: []string{"vcs_tag"}},
	{file: "build.gradle", marks: []string{"git"}},
	{file: "build.gradle.kts", marks: []string{"git"}},
	{file: "*/build.gradle", marks: []string{"gitVersion", "git-properties"}},
	{file: "*/build.gradle.kts", marks: []string{"gitVersion", "git-properties"}},
	{file: "build.sbt", marks: []string{"sbt-git", "git."}},
	{file: "project/plugins.sbt", marks: []string{"sbt-git", "sbt-dynver"}},
	{file: "build.rs", marks: []string{"git", "vergen"}},
	{file: "*/build.rs", marks: []string{"git", "vergen"}},
	{file: "*/*/build.rs", marks: []string{"git", "vergen"}},
	{file: "Cargo.toml", marks: []string{"vergen", "git-version", "built =", "shadow-rs", "git2"}},
	{file: "*/Cargo.toml", marks: []string{"vergen", "git-version", "shadow-rs"}},
	{file: ".goreleaser.yml", marks: []string{"goreleaser"}},
	{file: ".goreleaser.yaml", marks: []string{"builds"}},
	{file: "pom.xml", marks: []string{"git-commit-id", "buildnumber-maven", "jgitver", "maven-git", "jgit"}},
	{file: "*/pom.xml", marks: []string{"git-commit-id", "buildnumber-maven"}},
	{file: ".mvn/extensions.xml", marks: []string{"git"}},
	{file: "*.gemspec"},
	{file: "*/*.gemspec"},
	{file: "Rakefile"},
	{file: "mix.exs"},
	{file: "composer.json", marks: []string{"git "}},
	{file: "Directory.Build.props", marks: []string{"MinVer", "GitVersion", "Nerdbank.GitVersioning", "SourceLink"}},
	{file: "Directory.Packages.props", marks: []string{"MinVer", "GitVersion", "Nerdbank.GitVersioning"}},
	{file: "version.json", marks: []string{"Nerdbank"}},
	{file: "*.csproj", marks: []string{"MinVer", "GitVersion", "Nerdbank.GitVersioning", "SourceLink"}},
	{file: "*/*.csproj", marks: []string{"MinVer", "GitVersion", "Nerdbank.GitVersioning"}},
}

// started reports whether something may start a script of the context: the
// Dockerfile names it, a compose file, a file by which builds are driven, or
// another script.
func (f *ignoreFacts) started(script string) bool {
	name, dir := path.Base(script), path.Dir(script)+"/"
	for _, d := range f.docs {
		for _, in := range d.Instructions {
			if raw := in.Raw(); in.Keyword != "copy" && in.Keyword != "add" && (strings.Contains(raw, name) || strings.Contains(raw, dir+"*") || strings.Contains(raw, dir+"$")) {
				return true
			}
		}
	}
	for _, pattern := range append([]string{"*compose*.y*ml"}, gitReaderFiles()...) {
		for _, file := range f.p.Repo.Glob(pattern) {
			if file != script && f.says(file, name) {
				return true
			}
		}
	}
	return false
}

func gitReaderFiles() (patterns []string) {
	for _, r := range gitReaders {
		patterns = append(patterns, r.file)
	}
	return patterns
}

// anyRun reports whether a RUN has one of the words; "./gradlew" is gradlew.
func anyRun(d *rewrite.Document, names ...string) bool {
	for _, in := range d.Instructions {
		if in.Inner().Keyword != "run" {
			continue
		}
		for _, w := range scriptWords(in) {
			if slices.Contains(names, path.Base(w)) || strings.HasPrefix(w, "build:") && slices.Contains(names, "build") {
				return true
			}
		}
	}
	return false
}

// scriptWords are the words of an instruction, heredocs included, whatever the
// shell makes of them.
func scriptWords(in *rewrite.Instruction) []string {
	text := in.Args.Text
	for _, h := range in.Heredocs {
		text += "\n" + in.Doc().Src[h.Body.Start:h.Body.End]
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\r;&|()\"'[],", r) })
}
