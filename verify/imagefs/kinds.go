package imagefs

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// What a path tells about a file.

// noiseFolders hold what no program misses: caches, logs, documents, records of package managers, and what a running
// container has in their place.
var noiseFolders = []string{
	"var/cache/", "var/log/", "var/tmp/", "var/lib/apt/", "var/lib/dpkg/", "var/lib/rpm/", "var/lib/dnf/", "var/lib/systemd/", "var/lib/pam/", "var/lib/ucf/", "var/lib/yum/",
	"var/lib/python/", "var/lib/xml-core/", "var/lib/sgml-base/", "var/backups/", "var/lib/apk/", "lib/apk/", "usr/lib/apk/", "etc/apk/", "etc/apt/", "etc/dpkg/",
	"tmp/", "run/", "var/run/", "proc/", "sys/", "dev/",
	"usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/", "usr/share/lintian/", "usr/share/bug/", "usr/share/mime/", "usr/share/icons/", "usr/local/share/man/", "usr/local/share/doc/", "usr/local/man/",
	"etc/alternatives/", "etc/ssl/certs/", "etc/systemd/", "etc/cron.daily/", "etc/logrotate.d/", "etc/rc0.d/", "usr/lib/systemd/",
	"root/.cache/", "root/.npm/", "root/.config/pip/", "root/.local/share/pnpm/", "root/.local/state/", "root/.yarn/", "root/.composer/", "root/.gem/", "root/.bundle/", "root/.m2/", "root/.gradle/", "root/.cargo/registry/", "root/.nuget/",
	"root/.config/go/", "root/.config/yarn/", "root/.config/configstore/", "root/.local/share/virtualenv/", "root/.local/share/NuGet/", "root/.dotnet/",
	"go/pkg/", "root/go/pkg/", "usr/local/cargo/registry/", "usr/local/cargo/git/", "usr/local/share/.cache/", "usr/local/bundle/cache/", "usr/lib/python3/dist-packages/__pycache__/",
}

// noiseFiles are rewritten by account and library tools, or by the engine.
var noiseFiles = []string{
	"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
	"etc/ld.so.cache", "etc/mtab", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/.pwd.lock", "etc/machine-id", "etc/ca-certificates.conf", "etc/ca-certificates.conf.dpkg-old", "etc/localtime", "etc/timezone",
	".dockerenv", "root/.wget-hsts", "root/.bash_history", "root/.python_history", "root/.node_repl_history", "root/.viminfo", "root/.lesshst", "root/.rnd", "root/.gitconfig",
}

// triggers are files that packages' scripts make of what is installed.
var triggers = rewrite.Lazily(`^(usr/(lib|share)/.*\.(cache|compiled|jsa)|usr/lib/python3/.*|usr/share/perl.*|usr/lib/ssl/.*|usr/share/(mime|icons|fonts|sgml|xml|info|applications|glib-2\.0)/.*)$`)

// noiseParts are folders of caches and of version control, anywhere.
var noiseParts = rewrite.Lazily(`(^|/)(__pycache__|\.cache|\.git|\.hg|\.svn|\.github|\.gitlab|\.circleci|\.vscode|\.idea|\.npm|_cacache|_logs|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.nyc_output|\.eslintcache|\.gradle|\.turbo|\.parcel-cache|\.tox|\.nox)(/|$)`)

// noiseNames are documents, descriptions of the build, and marks that installers leave.
var noiseNames = rewrite.Lazily(`^(?i:.*\.(pyc|pyo|log|pid|swp|tsbuildinfo)|` +
	`(readme|licen[cs]e|copying|changelog|authors|contributors|contributing|code_of_conduct|codeowners)([.-](md|markdown|txt|rst|adoc|mit|apache|bsd|[a-z]{2}\.md))?|` +
	`(.*\.)?dockerfile|dockerfile\..*|\.?docker-?compose.*|compose\.ya?ml|\.dockerignore|\.(git|npm|hg|eslint|prettier)(ignore|attributes|modules|keep)|\.editorconfig|\.ds_store|` +
	`\.travis\.yml|jenkinsfile|vagrantfile|\.pre-commit-config\.yaml|\.package-lock\.json|\.yarn-integrity|\.yarn-state\.yml|\.modules\.yaml|\.pnpm-workspace-state.*|` +
	`direct_url\.json|gem_make\.out|mkmf\.log|\.coverage)$|^(NOTICE|HISTORY|SECURITY|INSTALL|NEWS|TODO|PATENTS|CHANGES)(\.(md|txt|rst))?$|^(INSTALLER|REQUESTED|RECORD)$`)

// transient: a running container has something else there, or it is a package manager's, a cache or a document.
func transient(p string) bool {
	return slices.Contains(noiseFiles, p) || slices.ContainsFunc(noiseFolders, func(d string) bool { return strings.HasPrefix(p, d) })
}

// noise: no program misses the file.
func noise(p string) bool {
	if transient(p) {
		return true
	}
	if ext := path.Ext(p); (ext == ".md" || ext == ".rst" || ext == ".markdown") && modulePath(p) != "" {
		return true
	}
	return noiseParts().MatchString(p) || triggers().MatchString(p) || noiseNames().MatchString(path.Base(p))
}

// modules are folders that a language's installer fills.
var modules = rewrite.Lazily(`(^|/)(node_modules|site-packages|dist-packages|bower_components|vendor/bundle|gems)/`)

// modulePath is the module that a file belongs to: "app/node_modules/@scope/name"; "" for a file of no module.
func modulePath(p string) string {
	all := modules().FindAllStringIndex(p, -1)
	if len(all) == 0 {
		return ""
	}
	end := all[len(all)-1][1]
	name, rest, _ := strings.Cut(p[end:], "/")
	if strings.HasPrefix(name, "@") {
		inner, _, _ := strings.Cut(rest, "/")
		name = path.Join(name, inner)
	}
	return p[:end] + name
}

// compiled are sources that a build turns into something else, and what describes builds.
var compiled = rewrite.Lazily(`(?i)(\.(go|rs|c|cc|cpp|cxx|h|hpp|hh|java|kt|kts|scala|groovy|gradle|cs|csproj|sln|fs|vb|ts|tsx|mts|cts|jsx|vue|svelte|astro|scss|sass|less|styl|coffee|elm|hs|ml|mli|ex|erl|zig|nim|swift|d|o|a|la|class|pyx|pxd|s|asm|y|l|proto|cmake|in|am|ac|m4|map|hbs\.d|mk|mod|sum|lock|toml|whl|egg|gem|gemspec)|(^|/)(makefile|cmakelists\.txt|configure|config\.(log|status)|package(-lock)?\.json|npm-shrinkwrap\.json|pnpm-(lock|workspace)\.yaml|yarn\.lock|\.npmrc|\.yarnrc(\.yml)?|tsconfig[^/]*\.json|jsconfig\.json|nest-cli\.json|angular\.json|composer\.(json|lock)|gemfile(\.lock)?|rakefile|pom\.xml|mvnw(\.cmd)?|gradlew(\.bat)?|requirements[^/]*\.txt|constraints[^/]*\.txt|pipfile(\.lock)?|setup\.(py|cfg)|manifest\.in|tox\.ini|pytest\.ini|noxfile\.py|conftest\.py|mkdocs\.yml|\.eslintrc[^/]*|\.prettierrc[^/]*|\.babelrc[^/]*|\.mocharc[^/]*|[^/]*\.config\.(js|cjs|mjs|ts)|gulpfile\.js|gruntfile\.js|karma\.conf\.js|go\.work))$`)

// tests are files that only a test reads.
var tests = rewrite.Lazily(`(?i)(^|/)(tests?|__tests__|__mocks__|specs?|testdata|e2e|cypress|stories|examples?|docs?|benchmarks?|coverage)/|(^|/)test_[^/]*\.py$|_test\.[a-z]+$|[._](test|spec|stories)\.[a-z]+$`)

// builtAnew are files of which two builds of one source may differ: archives hold times, binaries paths and stamps.
var builtAnew = rewrite.Lazily(`(?i)\.(jar|war|ear|class|zip|whl|egg|gz|tgz|bz2|xz|zst|tar|a|o|so|dll|exe|wasm|node|dylib|db|sqlite3?|map|beam|mo|rdb|bin|dat|pickle|pkl|doctree|inv)$`)
