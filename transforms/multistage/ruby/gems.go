package ruby

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// gemNeeds says what a gem needs of the system at run time that the full image
// (buildpack-deps) has and the slim one hasn't. What slim has is left out: the
// libraries that Ruby itself links (OpenSSL, libffi, libyaml, GMP, zlib) and
// libstdc++, which apt links (docker-library/ruby, Dockerfile.template: it
// keeps what ldd finds).
type gemNeeds struct {
	pkg    string // Debian package, or with dev the -dev package whose library it is
	dev    bool
	from   string // from this version on
	below  string // below this version
	system bool   // only where Bundler is told to use the system's libraries
	not    string // why no package would be enough
}

// gemTable: sources are the gems' extconf.rb and installation notes.
var gemTable = map[string][]gemNeeds{
	"pg": {{pkg: "libpq5"}}, "sequel_pg": {{pkg: "libpq5"}}, "do_postgres": {{pkg: "libpq5"}},
	"mysql2": {{pkg: "libmariadb3"}}, "mysql": {{pkg: "libmariadb3"}}, "do_mysql": {{pkg: "libmariadb3"}}, "ruby-mysql2": {{pkg: "libmariadb3"}},
	"sqlite3": {{pkg: "libsqlite3-0", below: "1.5"}, {pkg: "libsqlite3-0", system: true}}, "do_sqlite3": {{pkg: "libsqlite3-0"}}, "extralite": {{pkg: "libsqlite3-0"}},
	"nokogiri":    {{pkg: "libxml2", below: "1.11"}, {pkg: "libxslt1.1", below: "1.11"}, {pkg: "libxml2", system: true}, {pkg: "libxslt1.1", system: true}},
	"libxml-ruby": {{pkg: "libxml2"}}, "libxslt-ruby": {{pkg: "libxslt1.1"}},
	"rmagick": {{pkg: "libmagickwand-dev", dev: true}}, "mini_magick": {{pkg: "imagemagick"}},
	"terrapin": {{pkg: "imagemagick"}, {pkg: "file"}}, "cocaine": {{pkg: "imagemagick"}, {pkg: "file"}}, "paperclip": {{pkg: "imagemagick"}, {pkg: "file"}}, "dragonfly": {{pkg: "imagemagick"}},
	"charlock_holmes": {{pkg: "libicu-dev", dev: true}}, "icu": {{pkg: "libicu-dev", dev: true}}, "ffi-icu": {{pkg: "libicu-dev", dev: true}},
	"curb": {{pkg: "libcurl4"}}, "ethon": {{pkg: "libcurl4"}}, "patron": {{pkg: "libcurl4"}},
	"ruby-filemagic": {{pkg: "libmagic1"}}, "gssapi": {{pkg: "libgssapi-krb5-2"}}, "rkerberos": {{pkg: "libkrb5-3"}}, "gdbm": {{pkg: "libgdbm6"}},
	"readline-ext": {{pkg: "libreadline8"}}, "rb-readline": nil, "curses": {{pkg: "libncursesw6"}},
	"mimemagic": {{pkg: "shared-mime-info", from: "0.3.6"}},
	"git":       {{pkg: "git"}}, "grit": {{pkg: "git"}}, "gollum-lib": {{pkg: "git"}}, "gitlab_git": {{pkg: "git"}},
	"rugged":  {{not: "links whatever of libssh2 and PCRE it finds when it is compiled"}},
	"rdkafka": {{not: "links whatever of SASL, zstd and lz4 it finds when it is compiled"}}, "karafka-rdkafka": {{not: "links whatever of SASL, zstd and lz4 it finds when it is compiled"}},
	"ruby-oci8": {{not: "needs Oracle's client libraries"}}, "wkhtmltopdf-binary": {{not: "brings a program that needs X libraries of the full image"}}, "wkhtmltoimage-binary": {{not: "brings a program that needs X libraries of the full image"}},
	"cairo": {{not: "links GTK's libraries"}}, "pango": {{not: "links GTK's libraries"}}, "glib2": {{not: "links GTK's libraries"}}, "gtk2": {{not: "links GTK's libraries"}}, "gtk3": {{not: "links GTK's libraries"}}, "rsvg2": {{not: "links GTK's libraries"}}, "poppler": {{not: "links GTK's libraries"}}, "gobject-introspection": {{not: "links GTK's libraries"}},
	"capybara-webkit": {{not: "links Qt"}}, "qtbindings": {{not: "links Qt"}}, "ruby-opencv": {{not: "links OpenCV"}}, "memcached": {{not: "links SASL as it finds it when it is compiled"}}, "magic": {{pkg: "libmagic1"}},
	"ruby-ldap": {{not: "links OpenLDAP"}}, "tiny_tds": {{pkg: "freetds-dev", dev: true, below: "3"}}, "maxmind_geoip2": {{not: "links libmaxminddb"}}, "hiredis": nil,
}

// context is the folder of the build context that the Gemfile comes from.
func (r *App) context() string {
	ctx, by := r.Stage.Origin(r.installs[0].In, path.Join(r.gemfileDir(r.installs[0]), "Gemfile"), r.Pass.Repo, r.Pass.Name)
	if by == nil {
		return ""
	}
	return path.Dir(ctx)
}

func (r *App) lockFile() string { return path.Join(r.context(), "Gemfile.lock") }

// facts reads Gemfile.lock for what the gems need.
func (r *App) facts() bool {
	for _, i := range r.installs {
		if r.gemfileDir(i) != r.gemfileDir(r.installs[0]) {
			return r.Decline(i.In, "it installs the gems of several Gemfiles")
		}
	}
	in := r.installs[0].In
	dir := r.context()
	if dir == "" {
		return r.Decline(in, "%s", r.NotBrought("Gemfile"))
	}
	if _, by := r.Stage.Origin(in, path.Join(r.gemfileDir(r.installs[0]), "Gemfile.lock"), r.Pass.Repo, r.Pass.Name); by == nil {
		return r.Decline(in, "without a Gemfile.lock it isn't known which gems come in, and what libraries they need")
	}
	lock := r.Pass.Repo.BundlerLock(dir)
	if lock == nil {
		return r.Decline(in, "Gemfile.lock can't be read")
	}
	for _, p := range lock.Paths {
		if why := r.localGem(dir, p); why != "" {
			return r.Decline(in, "%s", why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Gems)) {
		if !r.Need(in, name, lock.Gems[name].Version, lock.File+":"+strconv.Itoa(lock.Gems[name].Line)) {
			return false
		}
	}
	for _, g := range r.gems {
		for _, a := range g.Step.Args[2:] {
			if !strings.HasPrefix(a, "-") && gemTable[a] != nil && !r.Need(g.In, a, "", "line "+cmdline.LineOf(g.In)) {
				return false
			}
		}
	}
	if _, data := lock.Gems["tzinfo-data"]; r.Image.Release == "trixie" && !data {
		if g, ok := lock.Gems["tzinfo"]; ok { // Debian's images have no zoneinfo since 13
			r.Require("tzdata", "tzinfo ("+lock.File+":"+strconv.Itoa(g.Line)+")")
		}
	}
	return true
}

// debianNames are the releases whose packages the table names.
var debianNames = words(`buster bullseye bookworm trixie`)

// Need requires what a gem needs; it declines where no package would be enough.
func (r *App) Need(in *rewrite.Instruction, name, version, where string) bool {
	if distro.Small(r.Stage.BaseName()) {
		return true // it has what the file installs, and that stays
	}
	for _, n := range gemTable[name] {
		if n.system && !r.SystemGems || n.below != "" && version != "" && !cmdline.VersionLess(version, n.below) || n.from != "" && version != "" && cmdline.VersionLess(version, n.from) {
			continue
		}
		libs := []string{n.pkg}
		if n.dev {
			var unknown string
			libs, unknown = r.Libraries(n.pkg)
			if unknown != "" || len(libs) == 0 {
				return r.Decline(in, "%s (%s) needs the library of %s, whose name on this release isn't known", name, where, n.pkg)
			}
		}
		if n.not != "" {
			return r.Decline(in, "%s (%s) %s", name, where, n.not)
		}
		if !debianNames[r.Image.Release] {
			return r.Decline(in, "%s (%s) needs %s, which Debian %s may call otherwise", name, where, n.pkg, r.Image.Release)
		}
		for _, lib := range libs {
			if known, ok := distro.DebianName(lib, r.Image.Release); ok {
				lib = known
			}
			r.Require(lib, name+" ("+where+")")
		}
	}
	return true
}

// localGem declines for gems of the project that ask git what they hold
// whenever they are loaded.
func (r *App) localGem(dir, p string) string {
	if path.IsAbs(p) || strings.HasPrefix(path.Join(dir, p), "..") {
		return "Gemfile.lock takes a gem from " + p
	}
	for _, f := range r.Pass.Repo.Glob(path.Join(dir, p, "*.gemspec")) {
		src, err := r.Pass.Repo.ReadFile(f)
		if err != nil {
			return f + " can't be read"
		}
		if strings.Contains(string(src), "git ") && !r.Apt.Runtime["git"] {
			return f + " runs git whenever the gem is loaded"
		}
	}
	return ""
}

// execJS are gems that need a JavaScript runtime whenever they are loaded.
var execJS = []string{"execjs", "uglifier", "coffee-script", "autoprefixer-rails", "react-rails", "commonjs"}

// leave names the packages that only the build uses: git, which fetches gems,
// where nothing that runs calls it, and Node and Yarn where a RUN precompiles
// assets and nothing asks for a JavaScript runtime later.
func (r *App) leave() {
	r.BuildTools = map[string]bool{}
	lock := r.anyLock()
	if lock == nil {
		return
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(g string) bool { _, ok := lock.Gems[g]; return ok })
	}
	if !has("git", "grit", "gollum-lib", "gitlab_git") && len(lock.Paths) == 0 && !r.Calls("git", ".rb") {
		r.BuildTools["git"] = true
	}
	if !rakeAssets().MatchString(r.StageText()) || has(execJS...) || slices.ContainsFunc([]string{"node", "npm", "npx", "yarn"}, func(p string) bool { return r.Calls(p, ".rb") }) {
		return
	}
	for _, pkg := range []string{"nodejs", "npm", "yarn", "yarnpkg", "node-gyp", "python-is-python3"} {
		r.BuildTools[pkg] = true
	}
	if nodePackages().MatchString(r.StageText()) {
		r.Explain("Node stays behind: only the assets need it, and no gem in %s loads execjs", lock.File)
	}
}

// anyLock is the Gemfile.lock of the project, as far as that is clear before
// the instructions are read.
func (r *App) anyLock() *repo.BundlerLock {
	if lock := r.Pass.Repo.BundlerLock("."); lock != nil {
		return lock
	}
	return r.Pass.Repo.BundlerLock(path.Dir(r.Pass.Name))
}

var nodePackages = lazily(`\b(nodejs|yarn|npm)\b`)

var rakeAssets = lazily(`\b(rails|rake)\b[^&|;\n]*\b(assets:precompile|webpacker:compile|shakapacker:compile|vite:build)`)
