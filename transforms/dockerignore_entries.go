package transforms

// The entries that dockerignore knows: one a line.

import (
	"path"
	"slices"

	"drydock/repo"
	"drydock/rewrite"
)

// ignoreEntry is a thing that may lie in a build context.
type ignoreEntry struct {
	group string // the comment above it
	name  string // of the file or folder; a pattern for files of many names
	what  string // what it is and why the image doesn't need it
	// deep: it may lie in any folder, so that the pattern begins with "**/".
	deep bool
	file bool // it is a file; else a folder
	// major: worth a change of the ignore file by itself.
	major bool
	// places are the folders in which it lies or will lie ("." is the context's
	// root), none where the project has nothing of the kind.
	places func(f *ignoreFacts) []string
	// needed tells in words why it has to stay, "" when nothing asks for it.
	needed func(f *ignoreFacts) string
}

const (
	ofGit      = "Version control"
	ofBuild    = "Installed or built in the image"
	ofCaches   = "Caches, logs and test results"
	ofSettings = "Settings and secrets of this machine"
	ofEditors  = "Editors and desktops"
	ofDocker   = "Docker and CI"
)

var ignoreEntries = []ignoreEntry{
	{ofGit, ".git", "the history, which changes with every commit", false, false, true, exists(".git"), gitNeeded},

	{ofBuild, "node_modules", "installed in the image; the host's copy would overwrite it", true, false, true, nodePackages, nodeModulesNeeded},
	{ofBuild, ".venv", "a virtual environment of the host", false, false, true, pythonProjects, venvNeeded},
	{ofBuild, "venv", "a virtual environment of the host", false, false, true, venv("venv"), venvNeeded},
	{ofBuild, "env", "a virtual environment of the host", false, false, true, venv("env"), venvNeeded},
	{ofBuild, "dist", "made again by the build", false, false, true, madeByNode("dist"), nil},
	{ofBuild, "build", "made again by the build", false, false, true, madeByNode("build"), nil},
	{ofBuild, "out", "made again by the build", false, false, true, madeByNode("out", "next"), nil},
	{ofBuild, ".next", "made again by next build", false, false, true, madeByNode(".next", "next"), nil},
	{ofBuild, ".nuxt", "made again by nuxt build", false, false, true, madeByNode(".nuxt", "nuxt"), nil},
	{ofBuild, ".output", "made again by nuxt build", false, false, true, madeByNode(".output", "nuxt"), nil},
	{ofBuild, ".svelte-kit", "made again by the build", false, false, true, madeByNode(".svelte-kit", "@sveltejs/kit"), nil},
	{ofBuild, ".angular", "Angular's cache", false, false, true, madeByNode(".angular", "@angular/cli"), nil},
	{ofBuild, "target", "made again by cargo", false, false, true, cargoTargets, nil},
	{ofBuild, "target", "made again by Maven", false, false, true, made("target", []string{"pom.xml"}, "mvn", "mvnw"), nil},
	{ofBuild, "target", "made again by sbt", false, false, true, made("target", []string{"build.sbt"}, "sbt"), nil},
	{ofBuild, "build", "made again by Gradle", false, false, true, made("build", gradleFiles, "gradle", "gradlew"), nil},
	{ofBuild, ".gradle", "Gradle's cache", false, false, true, topmost(".gradle", made(".gradle", gradleFiles, "gradle", "gradlew")), nil},
	{ofBuild, "bin", "made again by dotnet", false, false, true, made("bin", dotnetFiles, "dotnet"), nil},
	{ofBuild, "obj", "made again by dotnet", false, false, true, made("obj", dotnetFiles, "dotnet"), nil},
	{ofBuild, "vendor", "installed in the image by Composer", false, false, true, made("vendor", []string{"composer.json"}, "composer"), nil},
	{ofBuild, "vendor/bundle", "installed in the image by Bundler", false, false, true, made("vendor/bundle", []string{"Gemfile"}, "bundle"), nil},
	{ofBuild, "_build", "made again by mix", false, false, true, made("_build", []string{"mix.exs"}, "mix"), nil},
	{ofBuild, "deps", "installed in the image by mix", false, false, true, made("deps", []string{"mix.exs"}, "mix"), nil},

	{ofCaches, "__pycache__", "byte code of the host's Python", true, false, true, pythonWith("__pycache__"), nil},
	{ofCaches, "*.pyc", "byte code of the host's Python", true, true, false, pythonWith("__pycache__"), nil},
	{ofCaches, ".pytest_cache", "the cache of pytest", true, false, false, pythonWith(".pytest_cache"), nil},
	{ofCaches, ".mypy_cache", "the cache of mypy", true, false, false, pythonTool("mypy", ".mypy_cache"), nil},
	{ofCaches, ".ruff_cache", "the cache of ruff", true, false, false, pythonTool("ruff", ".ruff_cache"), nil},
	{ofCaches, ".tox", "environments for tests", false, false, true, existsOr(".tox", "tox.ini"), nil},
	{ofCaches, ".nox", "environments for tests", false, false, true, existsOr(".nox", "noxfile.py"), nil},
	{ofCaches, "htmlcov", "a coverage report", false, false, false, unversioned("htmlcov"), nil},
	{ofCaches, "coverage", "a coverage report", false, false, false, coverage, nil},
	{ofCaches, ".nyc_output", "a coverage report", false, false, false, unversioned(".nyc_output"), nil},
	{ofCaches, ".turbo", "the cache of turbo", true, false, true, ofNode(existsOr(".turbo", "turbo.json")), nil},
	{ofCaches, ".parcel-cache", "the cache of Parcel", false, false, true, ofNode(unversioned(".parcel-cache")), nil},
	{ofCaches, "npm-debug.log*", "logs", true, true, false, nodePackages, nil},
	{ofCaches, "*.log", "logs", true, true, false, unversionedFile("*.log", "x.log"), nil},
	{ofCaches, "testdata", "data of Go tests", true, false, false, testdata, testdataNeeded},

	{ofSettings, ".env", "secrets of a developer's machine; git leaves it out too", false, true, true, unversionedFile(".env", ".env"), envNeeded},
	{ofSettings, ".env.local", "settings of a developer's machine; git leaves it out too", false, true, false, unversionedFile(".env.local", ".env.local"), envNeeded},
	{ofSettings, ".terraform", "providers of Terraform, made by terraform init", true, false, true, terraform, terraformNeeded},
	{ofSettings, "*.tfstate*", "the state of Terraform, with its secrets", true, true, true, terraform, terraformNeeded},
	{ofSettings, ".vagrant", "a virtual machine", false, false, true, existsOr(".vagrant", "Vagrantfile"), nil},

	{ofEditors, ".idea", "editor settings", false, false, false, existsOrUnversioned(".idea"), nil},
	{ofEditors, ".vscode", "editor settings", false, false, false, existsOrUnversioned(".vscode"), nil},
	{ofEditors, ".DS_Store", "desktop files", true, true, false, unversionedFile(".DS_Store", ".DS_Store"), nil},

	{ofDocker, "Dockerfile*", "the builder reads it by itself", false, true, false, dockerfiles, nil},
	{ofDocker, ".dockerignore", "the builder reads it by itself", false, true, false, func(*ignoreFacts) []string { return root }, nil},
	{ofDocker, "docker-compose*.yml", "compose reads it on the host", false, true, false, matchesFile("docker-compose*.yml"), nil},
	{ofDocker, "docker-compose*.yaml", "compose reads it on the host", false, true, false, matchesFile("docker-compose*.yaml"), nil},
	{ofDocker, "compose*.yml", "compose reads it on the host", false, true, false, matchesFile("compose*.yml"), nil},
	{ofDocker, "compose*.yaml", "compose reads it on the host", false, true, false, matchesFile("compose*.yaml"), nil},
	{ofDocker, ".github", "read by GitHub", false, false, false, exists(".github"), nil},
}

var (
	root        = []string{"."}
	gradleFiles = []string{"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"}
	dotnetFiles = []string{"*.csproj", "*.fsproj", "*.vbproj"}
)

// exists: the context holds it.
func exists(name string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string { return f.where(f.p.Repo.Exists(name)) }
}

// existsOr: the context holds it, or the settings of the tool that makes it.
func existsOr(name, settings string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		return f.where(f.unversioned(name, true) && (f.p.Repo.Exists(name) || f.p.Repo.Exists(settings)))
	}
}

func existsOrUnversioned(name string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		return f.where(f.p.Repo.Exists(name) || f.p.Repo.GitIgnored(name))
	}
}

// unversioned: git leaves the folder out.
func unversioned(name string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string { return f.where(f.unversioned(name, true)) }
}

// unversionedFile: git leaves out a file of that name.
func unversionedFile(pattern, sample string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		return f.where(f.p.Repo.GitIgnored(sample) && !slices.ContainsFunc(f.files, func(file string) bool {
			ok, _ := path.Match(pattern, path.Base(file))
			return ok && !f.p.Repo.GitIgnored(file)
		}))
	}
}

// matchesFile: files of the root match, and no folder does.
func matchesFile(pattern string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		found := f.p.Repo.Glob(pattern)
		return f.where(len(found) > 0 && !slices.ContainsFunc(found, f.p.Repo.IsDir))
	}
}

func dockerfiles(f *ignoreFacts) []string {
	return f.where(f.p.Name == "Dockerfile" && len(matchesFile("Dockerfile*")(f)) > 0)
}

// made: git leaves the folder out beside one of the manifests, and every
// Dockerfile that copies it runs the tool that makes it.
func made(name string, manifests []string, tools ...string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		var out []string
		for _, dir := range f.beside(manifests...) {
			if f.unversioned(path.Join(dir, name), true) && f.everyTaker(path.Join(dir, name), func(d *rewrite.Document) bool { return anyRun(d, tools...) }) {
				out = append(out, dir)
			}
		}
		return out
	}
}

// madeByNode: git leaves the folder out beside a package.json with a build
// script, and every Dockerfile that copies it runs that. The package depends
// on one of the libraries, if any are named.
func madeByNode(name string, libraries ...string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		var out []string
		for _, dir := range f.beside("package.json") {
			n := f.p.Repo.Node(dir)
			if n == nil || n.Err != nil || n.Scripts["build"] == "" || !f.unversioned(path.Join(dir, name), true) {
				continue
			}
			uses := len(libraries) == 0 || slices.ContainsFunc(libraries, func(l string) bool { return depends(n, l) })
			if uses && f.everyTaker(path.Join(dir, name), runsNodeBuild) {
				out = append(out, dir)
			}
		}
		return out
	}
}

func depends(n *repo.Node, library string) bool {
	return n.Dependencies[library] != "" || n.DevDependencies[library] != ""
}

func runsNodeBuild(d *rewrite.Document) bool {
	return anyRun(d, "npm", "yarn", "pnpm", "bun") && anyRun(d, "build")
}

// nodePackages lists the folders in which packages are or will be installed:
// the workspaces of the root too, and folders that a RUN names.
func nodePackages(f *ignoreFacts) []string {
	all := f.beside("package.json")
	tops := f.tops(slices.Clone(all), "node_modules")
	for _, dir := range all {
		n := f.p.Repo.Node(dir)
		if !slices.Contains(tops, dir) && (n != nil && n.WorkspaceRoot == "." || f.namedInRun(dir)) {
			tops = append(tops, dir)
		}
	}
	return tops
}

// cargoTargets: packages of a workspace build into its target.
func cargoTargets(f *ignoreFacts) []string {
	return slices.DeleteFunc(topmost("target", made("target", []string{"Cargo.toml"}, "cargo"))(f), func(dir string) bool {
		for up := dir; up != "."; {
			if up = path.Dir(up); f.says(path.Join(up, "Cargo.toml"), "[workspace]") {
				return true
			}
		}
		return false
	})
}

// topmost leaves folders below out in which nothing lies yet.
func topmost(name string, places func(*ignoreFacts) []string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string { return f.tops(places(f), name) }
}

func ofNode(places func(*ignoreFacts) []string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		if len(nodePackages(f)) == 0 {
			return nil
		}
		return places(f)
	}
}

// python lists the folders that hold a Python project.
func python(f *ignoreFacts) []string {
	return f.beside("requirements.txt", "setup.py", "pyproject.toml", "Pipfile", "app.py", "main.py", "manage.py")
}

// pythonProjects lists the folders where tools make a virtual environment.
func pythonProjects(f *ignoreFacts) []string {
	dirs := f.beside("requirements.txt", "setup.py", "pyproject.toml", "Pipfile")
	if len(dirs) == 0 && slices.Contains(python(f), ".") {
		dirs = root
	}
	return f.tops(slices.Clone(dirs), ".venv")
}

// pythonWith lists the folders of Python projects in which such a thing lies or
// will lie.
func pythonWith(name string) func(f *ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		out := f.tops(python(f), name)
		if name != "__pycache__" || len(out) == 0 {
			return out
		}
		return f.beside("*.py") // byte code lies beside each source
	}
}

func pythonTool(tool, cache string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		return f.where(slices.Contains(python(f), ".") && (f.p.Repo.Exists(cache) || f.says("pyproject.toml", "tool."+tool) || f.p.Repo.Exists(tool+".ini") || f.p.Repo.Exists(tool+".toml")))
	}
}

func venv(name string) func(*ignoreFacts) []string {
	return func(f *ignoreFacts) []string {
		isOne := f.p.Repo.Exists(name + "/pyvenv.cfg")
		return f.where(slices.Contains(python(f), ".") && (isOne || !f.p.Repo.Exists(name) && (f.p.Repo.GitIgnored(name+"/bin") || name == "venv")))
	}
}

func coverage(f *ignoreFacts) []string {
	return f.where(f.unversioned("coverage", true) && !f.p.Repo.Exists("coverage/__init__.py"))
}

// testdata: the go tool skips folders of that name.
func testdata(f *ignoreFacts) []string {
	if len(f.beside("go.mod")) == 0 {
		return nil
	}
	var out []string
	dirs, _ := f.p.Repo.Dirs()
	for _, d := range dirs {
		if path.Base(d) == "testdata" {
			out = append(out, path.Dir(d))
		}
	}
	return out
}

func terraform(f *ignoreFacts) []string { return f.beside("*.tf") }
