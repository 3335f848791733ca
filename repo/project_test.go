package repo

import (
	"strings"
	"testing"
)

func TestPythonBuild(t *testing.T) {
	r := load("p/pyproject.toml", `[project]
name = "x"
readme = {file = "docs/README.rst", content-type = "text/x-rst"}
license = {file = "LICENSE"}
license-files = ["COPYING*"]
dynamic = ["version"]
[build-system]
requires = ["setuptools", "setuptools_scm"]
build-backend = "setuptools.build_meta"
[tool.setuptools.dynamic]
version = {attr = "x.__version__"}
dependencies = {file = ["requirements.in"]}
`, "p/setup.cfg", "[metadata]\nlong_description = file: README.md, CHANGES.md\nlicense_files = NOTICE\n")
	b := r.PythonBuild("p")
	equal(t, "files", b.Files, []string{"p/pyproject.toml", "p/setup.cfg", "p/docs/README.rst", "p/LICENSE", "p/requirements.in", "p/COPYING*", "p/README.md", "p/CHANGES.md", "p/NOTICE"})
	equal(t, "code", b.Code, "the code that sets x.__version__")
	if !b.Git || b.Config != "p/pyproject.toml" {
		t.Errorf("%+v", b)
	}
	p := r.Pyproject("p")
	equal(t, "dynamic", p.Dynamic, []string{"version"})
	if !p.Builds || p.Backend != "setuptools.build_meta" || r.Pyproject(".") != nil {
		t.Errorf("%+v", p)
	}
	if load("pyproject.toml", "[[[").Pyproject(".").Err == nil {
		t.Error("a broken file")
	}
}

// Each case is what an install reads, and a part of the reason why it reads
// more ("" where it doesn't).
func TestProjects(t *testing.T) {
	poetry := func(r *Repo) ([]string, string) { p := r.Poetry("."); return p.Files, p.Unknown }
	uv := func(r *Repo) ([]string, string) { u := r.UV("."); return u.Files, u.Unknown }
	pipenv := func(r *Repo) ([]string, string) { p := r.Pipenv("."); return p.Files, p.Unknown }
	conda := func(r *Repo) ([]string, string) { c := r.CondaEnv("e/environment.yml"); return c.Files, c.Unknown }
	composer := func(r *Repo) ([]string, string) { c := r.Composer("."); return c.Files, c.Unknown }
	bundler := func(r *Repo) ([]string, string) { b := r.Bundler("."); return b.Files, b.Unknown + b.Moves }
	for _, c := range []struct {
		name  string
		facts func(*Repo) ([]string, string)
		files []string
		reads string
		want  string
	}{
		{"poetry", poetry, []string{"pyproject.toml", "[tool.poetry]\n", "poetry.lock", "", "poetry.toml", "[virtualenvs]\nin-project = true\n"}, "pyproject.toml poetry.lock poetry.toml", ""},
		{"poetry-core reads the license", poetry, []string{"pyproject.toml", "[project]\nlicense = {file = \"LICENSE\"}\n", "LICENSE", ""}, "pyproject.toml LICENSE", ""},
		{"poetry path", poetry, []string{"pyproject.toml", "[tool.poetry.dependencies]\na = {path = \"../a\", develop = true}\n"}, "pyproject.toml", "local path, a: ../a"},
		{"poetry path of a group", poetry, []string{"pyproject.toml", "[tool.poetry.group.dev.dependencies]\na = [{version = \"1\"}, {path = \"a\"}]\n"}, "pyproject.toml", "local path, a: a"},
		{"poetry lock", poetry, []string{"pyproject.toml", "", "poetry.lock", "[package.source]\ntype = \"directory\"\n"}, "pyproject.toml poetry.lock", "locks a local path"},
		{"poetry plugins", poetry, []string{"pyproject.toml", "[tool.poetry.requires-plugins]\np = \"*\"\n"}, "pyproject.toml", "plugins"},
		{"poetry settings", poetry, []string{"pyproject.toml", "", "poetry.toml", "[virtualenvs]\npath = \"x\"\n"}, "pyproject.toml poetry.toml", "virtualenvs.path"},
		{"a standard path", poetry, []string{"pyproject.toml", "[project]\ndependencies = [\"a @ file:///a\"]\n"}, "pyproject.toml", "a @ file:///a"},

		{"uv", uv, []string{"pyproject.toml", "[project]\nname = \"x\"\n", "uv.lock", "", "uv.toml", "", ".python-version", "3.12"}, "pyproject.toml uv.lock uv.toml .python-version", ""},
		{"uv path", uv, []string{"pyproject.toml", "[tool.uv.sources]\na = {path = \"lib/a\"}\n"}, "pyproject.toml", "local path, a: lib/a"},
		{"uv git", uv, []string{"pyproject.toml", "[tool.uv.sources]\na = {git = \"https://example.com/a\"}\n"}, "pyproject.toml", ""},
		{"uv index", uv, []string{"pyproject.toml", "[[tool.uv.index]]\nurl = \"./wheels\"\n"}, "pyproject.toml", "takes packages from ./wheels"},
		{"uv lock", uv, []string{"pyproject.toml", "", "uv.lock", "source = { directory = \"x\" }\n"}, "pyproject.toml uv.lock", "locks a local path"},
		{"uv lock of a member", uv, []string{"pyproject.toml", "", "uv.lock", "source = { editable = \"x\" }\n"}, "pyproject.toml uv.lock", "locks the local path x"},
		{"uv workspace", uv, []string{"pyproject.toml", "[tool.uv.workspace]\nmembers = [\"p/*\"]\nexclude = [\"p/b\"]\n", "p/a/pyproject.toml", "", "p/b/pyproject.toml", "", "uv.lock", "source = { editable = \"p/a\" }\n"}, "pyproject.toml uv.lock p/a/pyproject.toml", ""},
		{"uv workspace without a file", uv, []string{"pyproject.toml", "[tool.uv.workspace]\nmembers = [\"p/*\"]\n", "p/a/x", ""}, "pyproject.toml", "p/a has no pyproject.toml"},

		{"pipenv", pipenv, []string{"Pipfile", "[packages]\na = \"*\"\n", "Pipfile.lock", "{}"}, "Pipfile Pipfile.lock", ""},
		{"pipenv path", pipenv, []string{"Pipfile", "[dev-packages]\na = {path = \".\", editable = true}\n"}, "Pipfile", "local path, a: ."},
		{"pipenv editable", pipenv, []string{"Pipfile", "[packages]\na = {git = \"https://example.com/a\", editable = true}\n"}, "Pipfile", "editable package, a"},
		{"pipenv group", pipenv, []string{"Pipfile", "[docs]\na = {file = \"a.whl\"}\n"}, "Pipfile", "local path, a: a.whl"},
		{"pipenv lock", pipenv, []string{"Pipfile", "", "Pipfile.lock", `{"_meta": {}, "default": {"a": {"path": "./a"}}}`}, "Pipfile Pipfile.lock", "locks a local path, a: ./a"},
		{"pipenv broken", pipenv, []string{"Pipfile", "[["}, "Pipfile", "cannot be read"},

		{"conda", conda, []string{"e/environment.yml", "dependencies:\n  - conda-forge::numpy=2\n  - pip:\n    - -r r.txt\n    - six\n", "e/r.txt", "idna\n"}, "e/environment.yml e/r.txt", ""},
		{"conda without pip", conda, []string{"e/environment.yml", "name: x\ndependencies: [python]\n"}, "e/environment.yml", ""},
		{"conda editable", conda, []string{"e/environment.yml", "dependencies:\n  - pip:\n    - -e ..\n"}, "e/environment.yml", "names the local path .."},
		{"conda editable of git", conda, []string{"e/environment.yml", "dependencies:\n  - pip:\n    - -e git+https://example.com/a#egg=a\n"}, "e/environment.yml", "checks out"},
		{"conda file", conda, []string{"e/environment.yml", "dependencies:\n  - ./x.conda\n"}, "e/environment.yml", "asks for ./x.conda"},
		{"conda missing include", conda, []string{"e/environment.yml", "dependencies:\n  - pip:\n    - -r none.txt\n"}, "e/environment.yml", "e/none.txt cannot be read"},
		{"conda broken", conda, []string{"e/environment.yml", "dependencies: [\n"}, "e/environment.yml", "cannot be read"},

		{"composer", composer, []string{"composer.json", "{}", "composer.lock", "{}", "auth.json", "{}"}, "composer.json composer.lock auth.json", ""},
		{"composer path", composer, []string{"composer.json", `{"repositories": [{"type": "path", "url": "packages/*"}]}`}, "composer.json", "local path packages/*"},
		{"composer path in an object", composer, []string{"composer.json", `{"repositories": {"x": {"type": "vcs", "url": "../x"}}}`}, "composer.json", "local path ../x"},
		{"composer lock", composer, []string{"composer.json", "{}", "composer.lock", `{"packages": [{"name": "a/b", "dist": {"type": "path"}}]}`}, "composer.json composer.lock", "locks a local path for a/b"},
		{"composer vendor", composer, []string{"composer.json", `{"config": {"vendor-dir": "/v"}}`}, "composer.json", "config.vendor-dir"},
		{"composer broken", composer, []string{"composer.json", "{"}, "composer.json", "cannot be read"},

		{"bundler", bundler, []string{"Gemfile", "# all\nsource 'https://example.com'\nruby file: '.ruby-version'\n\ngem 'a', # why\n  '~> 1', require: false\ngroup :dev do\n  gem \"b\"\nend\n", "Gemfile.lock", "GEM\n", ".ruby-version", "3.3"}, "Gemfile Gemfile.lock .ruby-version", ""},
		{"bundler conditions", bundler, []string{"Gemfile", "if ENV['X']\n  gem 'a'\nelse\n  gem 'b', require: 'b/c'\nend\n"}, "Gemfile", ""},
		{"bundler gemspec", bundler, []string{"Gemfile", "gemspec\n"}, "Gemfile", "Gemfile:1 may read other files: gemspec"},
		{"bundler path", bundler, []string{"Gemfile", "gem 'a', path: 'a'\n"}, "Gemfile", "may read other files"},
		{"bundler eval_gemfile", bundler, []string{"Gemfile", "eval_gemfile 'x'\n"}, "Gemfile", "may read other files"},
		{"bundler File.read", bundler, []string{"Gemfile", "ruby File.read('.ruby-version')\n"}, "Gemfile", "may read other files"},
		{"bundler require", bundler, []string{"Gemfile", "gem 'a' if require 'x'\n"}, "Gemfile", "may read other files"},
		{"bundler two statements", bundler, []string{"Gemfile", "gem 'a'; foo\n"}, "Gemfile", "may read other files"},
		{"bundler hides it in a comment sign", bundler, []string{"Gemfile", "gem 'a', ' #', path: 'x'\n"}, "Gemfile", "may read other files"},
		{"bundler Ruby", bundler, []string{"Gemfile", "foo 'x'\n"}, "Gemfile", "isn't a plain list of gems"},
		{"bundler missing version", bundler, []string{"Gemfile", "ruby file: '.ruby-version'\n"}, "Gemfile", "reads .ruby-version"},
		{"bundler lock", bundler, []string{"Gemfile", "gem 'a'\n", "Gemfile.lock", "PATH\n  remote: .\n"}, "Gemfile Gemfile.lock", "locks a local path"},
		{"bundler cache", bundler, []string{"Gemfile", "gem 'a'\n", "vendor/cache/a.gem", ""}, "Gemfile", "installs from vendor/cache"},
		{"bundler settings", bundler, []string{"Gemfile", "gem 'a'\n", ".bundle/config", "---\nBUNDLE_PATH: \"x\"\n"}, "Gemfile", "sets BUNDLE_PATH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, why := c.facts(load(c.files...))
			if got := strings.Join(files, " "); got != c.reads {
				t.Errorf("reads %q, want %q", got, c.reads)
			}
			if (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
				t.Errorf("reason %q, want %q", why, c.want)
			}
		})
	}
}

func TestUVPackages(t *testing.T) {
	for doc, want := range map[string]bool{"[project]\n": false, "[build-system]\n": true, "[build-system]\n[tool.uv]\npackage = false\n": false, "[tool.uv]\npackage = true\n": true} {
		equal(t, doc, load("pyproject.toml", doc).UV(".").Package, want)
	}
	u := load("pyproject.toml", "[project]\ndynamic = [\"version\"]\n").UV(".")
	equal(t, "dynamic", u.Dynamic, "pyproject.toml leaves version to the build")
	u = load("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"a\"]\n", "a/pyproject.toml", "").UV("a")
	equal(t, "a member", u.Unknown, "pyproject.toml holds the workspace that this project is a part of")
}

func TestComposerRuns(t *testing.T) {
	lock := `{"packages": [{"name": "a/p", "type": "composer-plugin"}]}`
	for _, c := range []struct{ doc, lock, scripts, autoload, plugins string }{
		{`{"autoload": {"psr-4": {"A\\": "src/"}}}`, "{}", "", "", ""},
		{`{"scripts": {"test": "phpunit", "post-install-cmd": ["@php x.php"]}}`, "{}", "post-install-cmd in composer.json runs at install: @php x.php", "", ""},
		{`{"autoload": {"classmap": ["db"]}}`, "{}", "", "autoload classmap names db", ""},
		{`{"config": {"optimize-autoloader": true}}`, "{}", "", "config.optimize-autoloader is set", ""},
		{`{}`, lock, "", "", "the plugin a/p may read"},
		{`{}`, strings.Replace(lock, "a/p", "pestphp/pest-plugin", 1), "", "", ""},
		{`{}`, "", "", "", "there is no composer.lock"},
	} {
		files := []string{"composer.json", c.doc}
		if c.lock != "" {
			files = append(files, "composer.lock", c.lock)
		}
		f := load(files...).Composer(".")
		for _, p := range [][2]string{{f.Scripts, c.scripts}, {f.Autoload, c.autoload}, {f.Plugins, c.plugins}} {
			if (p[0] == "") != (p[1] == "") || !strings.Contains(p[0], p[1]) {
				t.Errorf("%s: %q, want %q", c.doc, p[0], p[1])
			}
		}
	}
}
