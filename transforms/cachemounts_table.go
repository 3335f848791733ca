package transforms

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// keeper is a package manager that keeps what it downloads. The sources of the
// directories are in the table of the documentation.
type keeper struct {
	name  string
	tools []string // words that a script holds which uses it
	// names finds the manager in a command; first is the word behind its name.
	names func(c rewrite.Command) (first int, ok bool)
	// fetch: a command with these arguments downloads; cleans: it empties the cache.
	fetch, cleans func(args []string) bool
	// where gives the directories to mount in a step; none for nothing to do.
	where   func(p *rewrite.Pass, r *cacheStep, st rewrite.State, home string) (dirs []string, why string)
	edit    func(e *rewrite.ScriptEdit, r *cacheStep, u cacheUse) // what a command needs besides; may be nil
	vars    []string                                              // variables that move the cache
	movers  []string                                              // flags that do
	defeats []string                                              // flags that keep it from using the cache
	locked  bool                                                  // it can't share the directory with another build
	root    bool                                                  // it is for root only
	shallow bool                                                  // it needs no other folder around the mount
	// store: later steps may read what an earlier one downloaded: all whose
	// arguments reads takes. offline are words that forbid a download, runtime
	// those in a start command that need it.
	store            bool
	reads            func(args []string) bool
	offline, runtime []string
}

// adapt edits a command that downloads: flags that defeat the cache go.
func (k *keeper) adapt(e *rewrite.ScriptEdit, r *cacheStep, u cacheUse) {
	if !k.fetch(u.args) {
		return
	}
	for i := len(u.Args) - 1; i >= u.first; i-- {
		if among(u.Args[i], k.defeats...) {
			e.Remove(u.Command, i)
		}
	}
	if k.edit != nil {
		k.edit(e, r, u)
	}
}

// byName recognises commands by name.
func byName(names ...string) func(rewrite.Command) (int, bool) {
	return func(c rewrite.Command) (int, bool) { return 1, among(c.Name, names...) }
}

// byWrapper recognises commands by name, run by a shell too: sh ./mvnw.
func byWrapper(names ...string) func(rewrite.Command) (int, bool) {
	return func(c rewrite.Command) (int, bool) {
		if (c.Name == "sh" || c.Name == "bash") && len(c.Args) > 1 && among(path.Base(c.Args[1]), names...) {
			return 2, true
		}
		return 1, among(c.Name, names...)
	}
}

// byModule recognises a tool that is called by name or as python -m name; a
// version may follow the name.
func byModule(name string) func(rewrite.Command) (int, bool) {
	return func(c rewrite.Command) (int, bool) {
		if rest, ok := strings.CutPrefix(c.Name, name); ok && strings.Trim(rest, "0123456789.") == "" {
			return 1, true
		}
		return 3, strings.HasPrefix(c.Name, "python") && len(c.Args) > 3 && c.Args[1] == "-m" && c.Args[2] == name
	}
}

// verbIs: the first word that is no flag is one of these.
func verbIs(list ...string) func([]string) bool {
	return func(args []string) bool { return among(firstVerb(args), list...) }
}

func firstVerb(args []string) string {
	if i := verbIndex(args); i < len(args) {
		return args[i]
	}
	return ""
}

// verbIndex is the place of the first word that is no flag nor the value of one.
func verbIndex(args []string) int {
	i := 0
	for i < len(args) && strings.HasPrefix(args[i], "-") {
		if among(args[i], "-o", "-t", "-c", "-C", "--prefix", "--cwd", "--dir", "--filter", "-X", "--repository", "--directory", "--project") {
			i++
		}
		i++
	}
	return i
}

// verbPair: the first two words that are no flags.
func verbPair(args []string, a string, b ...string) bool {
	i := verbIndex(args)
	return i < len(args) && args[i] == a && among(firstVerb(args[i+1:]), b...)
}

// keepers are the managers whose caches nobody needs once a step is done, then
// the stores.
var keepers = slices.Concat(systemKeepers, languageKeepers, storeKeepers)

const (
	aptCache = "/var/cache/apt"
	aptLists = "/var/lib/apt/lists"
	// aptKeep is where apt keeps packages out of reach of the hook in official
	// images, /etc/apt/apt.conf.d/docker-clean, which deletes
	// /var/cache/apt/archives/*.deb after each install.
	aptKeep = "-oDir::Cache::archives=/var/cache/apt/keep"
	// apkCache makes apk keep packages too: without it, and without the link
	// /etc/apk/cache, it keeps its index only (apk-tools, src/database.c).
	apkCache = "--cache-dir=/var/cache/apk"
)

var systemKeepers = []*keeper{
	{
		name: "apt", tools: []string{"apt-get", "apt "}, names: byName("apt-get", "apt"), locked: true, root: true,
		fetch:  verbIs("install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "reinstall"),
		cleans: verbIs("clean", "autoclean", "distclean"),
		where: func(p *rewrite.Pass, r *cacheStep, _ rewrite.State, _ string) ([]string, string) {
			if strings.Count(p.Doc.Src, "Dir::Cache") != strings.Count(p.Doc.Src, aptKeep) || strings.Contains(p.Doc.Src, "Dir::State") {
				return nil, "the file sets apt's directories itself"
			}
			dirs := []string{aptCache}
			if dropsLists(r) {
				dirs = append(dirs, aptLists)
			}
			return dirs, ""
		},
		edit: func(e *rewrite.ScriptEdit, r *cacheStep, u cacheUse) {
			if strings.Contains(r.in.Doc().Src, "docker-clean") || slices.Contains(u.Args, aptKeep) {
				return
			}
			words := aptKeep
			if u.Name == "apt" {
				words += " -oAPT::Keep-Downloaded-Packages=true" // apt(8) deletes them itself
			}
			e.Insert(u.Command, 1, words)
		},
	},
	{
		name: "apk", tools: []string{"apk"}, names: byName("apk"), locked: true, root: true,
		fetch:  verbIs("add", "update", "upgrade", "fix"),
		cleans: func(a []string) bool { return verbPair(a, "cache", "clean", "purge") },
		movers: []string{"--cache-dir", "--root", "-p"},
		where: func(p *rewrite.Pass, r *cacheStep, _ rewrite.State, _ string) ([]string, string) {
			if strings.Contains(p.Doc.Src, "/etc/apk/cache") {
				return nil, "the file sets apk's cache up itself"
			}
			if !slices.ContainsFunc(r.uses, func(u cacheUse) bool { return among(firstVerb(u.args), "add", "upgrade", "fix") }) {
				return nil, ""
			}
			return []string{"/var/cache/apk"}, ""
		},
		edit: func(e *rewrite.ScriptEdit, r *cacheStep, u cacheUse) {
			at := u.first + verbIndex(u.args) + 1
			for i, a := range u.Args {
				if a == "--no-cache" {
					e.Replace(u.Command, i, "--update-cache "+apkCache)
					return
				}
			}
			updated := slices.ContainsFunc(u.args, func(a string) bool { return among(a, "update", "-U", "--update-cache", "--update") })
			for _, o := range r.uses {
				updated = updated || o.Words[0].Start < u.Words[0].Start && firstVerb(o.args) == "update"
			}
			if !updated { // the index that an earlier step left is hidden by the mount
				e.Insert(u.Command, at, "--update-cache "+apkCache)
				return
			}
			e.Insert(u.Command, at, apkCache)
		},
	},
	{
		name: "dnf", tools: []string{"dnf", "yum"}, names: byName("dnf", "yum"), locked: true, root: true,
		fetch:  verbIs("install", "update", "upgrade", "groupinstall", "builddep", "reinstall", "localinstall", "distro-sync", "swap"),
		cleans: verbIs("clean"),
		movers: []string{"--installroot"},
		where: func(_ *rewrite.Pass, _ *cacheStep, st rewrite.State, _ string) ([]string, string) {
			major, _, _ := strings.Cut(st.Base.Release, ".")
			n, err := strconv.Atoi(major)
			if !st.Known || err != nil {
				return nil, "which release of dnf or yum the base image has isn't known, and each keeps its cache elsewhere"
			}
			switch d := st.Base.Distro; {
			case d == "fedora" && n >= 41:
				return []string{"/var/cache/libdnf5"}, ""
			case d == "fedora", d == "amazonlinux" && n >= 2022, d != "amazonlinux" && n >= 8:
				return []string{"/var/cache/dnf"}, ""
			}
			return []string{"/var/cache/yum"}, ""
		},
		edit: func(e *rewrite.ScriptEdit, r *cacheStep, u cacheUse) {
			if !strings.Contains(strings.Join(u.Args, " "), "keepcache") {
				e.Insert(u.Command, 1, "--setopt=keepcache=1")
			}
		},
	},
}

// dropsLists: the step deletes apt's lists behind the last command of apt, so
// nobody needs them later.
func dropsLists(r *cacheStep) bool {
	deleted, used, updates := -1, -1, false
	for i, c := range r.script.Commands() {
		switch c.Name {
		case "rm":
			if slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "/") && rmLieOf(a, aptLists) == rmInside }) {
				deleted = i
			}
		case "apt-get", "apt":
			if !among(firstVerb(c.Args[1:]), "clean", "autoclean", "autoremove", "purge", "remove") {
				used = i
			}
			updates = updates || firstVerb(c.Args[1:]) == "update"
		}
	}
	return updates && deleted > used || r.has(aptLists)
}

var languageKeepers = []*keeper{
	{
		name: "pip", tools: []string{"pip"}, names: byModule("pip"), shallow: true,
		fetch:  verbIs("install", "wheel", "download"),
		cleans: func(a []string) bool { return verbPair(a, "cache", "purge", "remove") },
		vars:   []string{"PIP_CACHE_DIR", "PIP_NO_CACHE_DIR", "PIP_CONFIG_FILE"}, movers: []string{"--cache-dir"}, defeats: []string{"--no-cache-dir", "--no-cache"},
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			if v, _ := envOf(st, "PIP_NO_CACHE_DIR"); v != "" {
				return nil, "PIP_NO_CACHE_DIR is set"
			}
			if strings.Contains(p.Doc.Src, "global.no-cache-dir") || strings.Contains(p.Doc.Src, "pip.conf") {
				return nil, "the file configures pip"
			}
			return oneDir(st, home, "pip", "PIP_CACHE_DIR")
		},
	},
	{
		name: "uv", tools: []string{"uv "}, names: byModule("uv"), shallow: true,
		fetch: func(a []string) bool {
			return among(firstVerb(a), "sync", "add", "lock", "run", "build") || verbPair(a, "pip", "install", "sync", "compile") || verbPair(a, "tool", "install", "run")
		},
		cleans: func(a []string) bool { return verbPair(a, "cache", "clean", "prune") || firstVerb(a) == "clean" },
		vars:   []string{"UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE"}, movers: []string{"--cache-dir"}, defeats: []string{"--no-cache", "-n", "--no-cache-dir"},
		where: func(_ *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			if v, _ := envOf(st, "UV_NO_CACHE"); v != "" {
				return nil, "UV_NO_CACHE is set"
			}
			if v, _ := envOf(st, "UV_LINK_MODE"); v == "symlink" {
				return nil, "UV_LINK_MODE=symlink makes the cache the installation"
			}
			return oneDir(st, home, "uv", "UV_CACHE_DIR")
		},
	},
	{
		name: "poetry", tools: []string{"poetry"}, names: byModule("poetry"),
		fetch:  verbIs("install", "update", "add", "lock", "sync"),
		cleans: func(a []string) bool { return verbPair(a, "cache", "clear") },
		vars:   []string{"POETRY_CACHE_DIR"}, defeats: []string{"--no-cache"},
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			if strings.Contains(p.Doc.Src, "config cache-dir") {
				return nil, "the file configures poetry's cache"
			}
			dirs, why := oneDir(st, home, "pypoetry", "POETRY_CACHE_DIR")
			if why != "" || len(dirs) == 0 {
				return nil, why
			}
			return []string{path.Join(dirs[0], "cache"), path.Join(dirs[0], "artifacts")}, ""
		},
	},
	{
		name: "npm", tools: []string{"npm"}, names: byName("npm"), shallow: true,
		fetch:  verbIs("ci", "install", "i", "add", "update", "clean-install", "install-clean"),
		cleans: func(a []string) bool { return verbPair(a, "cache", "clean", "clear", "rm") },
		vars:   []string{"npm_config_cache", "NPM_CONFIG_CACHE"}, movers: []string{"--cache"},
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			if rc, _ := p.Repo.ReadFile(".npmrc"); strings.Contains(string(rc), "cache") || strings.Contains(p.Doc.Src, "set cache") {
				return nil, "npm is configured to keep its cache elsewhere"
			}
			dir, why := envFolder(st, "npm_config_cache", "NPM_CONFIG_CACHE")
			return []string{cmp.Or(dir, belowHome(home, ".npm"))}, why
		},
	},
	{
		name: "yarn", tools: []string{"yarn"}, names: byName("yarn"), shallow: true,
		fetch: func(a []string) bool {
			return len(a) == 0 || among(firstVerb(a), "", "install", "add", "global") && !among("--version", a...)
		},
		cleans: func(a []string) bool { return verbPair(a, "cache", "clean") },
		vars:   []string{"YARN_CACHE_FOLDER"}, movers: []string{"--cache-folder"},
		where: func(p *rewrite.Pass, r *cacheStep, st rewrite.State, home string) ([]string, string) {
			if why := modernYarn(p, r); why != "" {
				return nil, why
			}
			if dir, why := envFolder(st, "YARN_CACHE_FOLDER"); dir != "" || why != "" {
				return []string{dir}, why
			}
			if dir, why := envFolder(st, "XDG_CACHE_HOME"); dir != "" || why != "" {
				return []string{path.Join(dir, "yarn")}, why
			}
			if home == "/root" { // Yarn 1's user-home-dir.js
				return []string{"/usr/local/share/.cache/yarn"}, ""
			}
			return []string{belowHome(home, ".cache/yarn")}, ""
		},
	},
	{
		name: "bun", tools: []string{"bun "}, names: byName("bun"),
		fetch: verbIs("install", "i", "add"),
		vars:  []string{"BUN_INSTALL_CACHE_DIR", "BUN_INSTALL"}, movers: []string{"--cache-dir"},
		where: func(_ *rewrite.Pass, r *cacheStep, st rewrite.State, home string) ([]string, string) {
			if strings.Contains(r.script.Text, "symlink") {
				return nil, "it links to the cache"
			}
			if dir, why := envFolder(st, "BUN_INSTALL_CACHE_DIR"); dir != "" || why != "" {
				return []string{dir}, why
			}
			dir, why := envFolder(st, "BUN_INSTALL")
			return []string{belowHome(cmp.Or(dir, belowHome(home, ".bun")), "install/cache")}, why
		},
	},
	{
		name: "bundler", tools: []string{"bundle"}, names: byName("bundle", "bundler"),
		fetch: func(a []string) bool { return among(firstVerb(a), "install", "update") },
		vars:  []string{"BUNDLE_PATH", "GEM_HOME", "BUNDLE_DEPLOYMENT"}, movers: []string{"--path", "--deployment"},
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, _ string) ([]string, string) {
			if strings.Contains(p.Doc.Src, "BUNDLE_PATH") || strings.Contains(p.Doc.Src, "deployment") || strings.Contains(p.Doc.Src, "DEPLOYMENT") ||
				strings.Contains(p.Doc.Src, "bundle config") && strings.Contains(p.Doc.Src, " path ") || strings.Contains(p.Doc.Src, "vendor/") {
				return nil, "the gems are installed to a place of their own, below which the cache depends on Ruby's version"
			}
			dir, why := envFolder(st, "GEM_HOME")
			if dir == "" {
				return nil, cmp.Or(why, "GEM_HOME isn't known")
			}
			return []string{path.Join(dir, "cache")}, ""
		},
	},
	{
		name: "composer", tools: []string{"composer"}, names: byName("composer", "composer.phar"),
		fetch: func(a []string) bool {
			return among(firstVerb(a), "install", "update", "require", "create-project") || verbPair(a, "global", "require", "install")
		},
		cleans: verbIs("clear-cache", "clearcache", "cc"),
		vars:   []string{"COMPOSER_CACHE_DIR", "COMPOSER_HOME"}, defeats: []string{"--no-cache"},
		where: func(_ *rewrite.Pass, _ *cacheStep, st rewrite.State, _ string) ([]string, string) {
			if dir, why := envFolder(st, "COMPOSER_CACHE_DIR"); dir != "" || why != "" {
				return []string{dir}, why
			}
			dir, why := envFolder(st, "COMPOSER_HOME")
			if dir == "" {
				return nil, cmp.Or(why, "where Composer keeps its cache depends on the base image; set COMPOSER_CACHE_DIR")
			}
			return []string{path.Join(dir, "cache")}, ""
		},
	},
}

// oneDir is a directory named by a variable, else one of the user's caches.
func oneDir(st rewrite.State, home, name, variable string) ([]string, string) {
	dir, why := envFolder(st, variable)
	if dir != "" || why != "" {
		return []string{dir}, why
	}
	cache, why := xdgCache(st, home)
	return []string{belowHome(cache, name)}, why
}
