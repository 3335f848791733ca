package transforms

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// manager is a package manager whose cache a word or a command keeps out.
type manager struct {
	family string
	fills  map[string]bool // the subcommands that leave something in the cache
	places []string        // parts of the cache's path: what is mounted there
	trash  []string        // the same as deletions have them, where they differ
	vars   []string        // variables that switch the cache off or move it
	off    []string        // options that do so
	word   string          // the option that keeps it out, behind the subcommand
	clean  string          // or else the subcommand that empties it
	cleans []string        // how that is spelled by others
	old    map[string]bool // releases whose version of the manager doesn't know the word
	why    string
	gain   string
}

// What came too late for some releases: pip 6 of December 2014, RubyGems 2.0,
// apk-tools 2.6.6 of Alpine 3.3.
var (
	oldPip = words(`ubuntu:12.04 ubuntu:precise ubuntu:14.04 ubuntu:trusty debian:wheezy debian:jessie phusion:baseimage:0.9`)
	oldGem = words(`ubuntu:12.04 ubuntu:precise ubuntu:14.04 ubuntu:trusty debian:squeeze debian:wheezy centos:6 rhel:6`)
	oldApk = words(`alpine:2.6 alpine:2.7 alpine:3.1 alpine:3.2`)
)

// managers, each with its own documentation's word on its cache.
var managers = []manager{
	{family: "apk", fills: words(`add upgrade`), places: []string{"/var/cache/apk", "/etc/apk/cache"}, off: []string{"--no-cache", "--cache-dir", "--no-network"},
		word: "--no-cache", old: oldApk, why: "with --no-cache apk fetches the index itself and keeps nothing of it (hadolint DL3019)", gain: "2 MB less"},
	{family: "pip", fills: words(`install wheel`), places: []string{".cache", "pip"}, trash: []string{".cache", "cache/pip"}, vars: []string{"PIP_NO_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME"},
		off: []string{"--no-cache-dir", "--cache-dir", "--no-cache", "--help"}, word: "--no-cache-dir", old: oldPip, cleans: []string{"pip cache purge", "pip3 cache purge"},
		why: "pip keeps all that it downloads or builds below ~/.cache/pip, where nothing in the image reads it (hadolint DL3042)", gain: "no second copy of the downloads"},
	{family: "uv", fills: words(`sync add`), places: []string{".cache", "uv"}, trash: []string{".cache"}, vars: []string{"UV_NO_CACHE", "UV_CACHE_DIR", "UV_LINK_MODE", "XDG_CACHE_HOME"},
		off: []string{"--no-cache", "--no-cache-dir", "-n", "--cache-dir", "--offline"}, word: "--no-cache", cleans: []string{"uv cache clean", "uv cache prune"},
		why: "uv keeps all that it downloads below ~/.cache/uv; where no cache mount is used its guide for Docker says --no-cache"},
	{family: "gem", fills: words(`install i`), vars: nil, off: []string{"--no-document", "-N", "--no-ri", "--no-rdoc", "--document", "--no-doc", "--help"}, word: "--no-document", old: oldGem,
		why: "gem install also makes and keeps the documentation of each gem (RubyGems command reference, gem install)"},
	{family: "dnf", fills: words(`install update upgrade reinstall localinstall groupinstall groupupdate group module swap distro-sync builddep build-dep upgrade-minimal update-minimal downgrade`),
		places: []string{"/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/*", "/var/cache"}, off: []string{"--installroot", "-C", "--cacheonly", "--downloadonly", "--assumeno", "--downloaddir"},
		clean: "clean all", cleans: []string{" clean"}, why: "what dnf and yum fetched about the repositories stays below /var/cache (hadolint DL3032, DL3040)", gain: "20 to 200 MB less"},
	{family: "zypper", fills: words(`install in update up dist-upgrade dup patch`), places: []string{"/var/cache/zypp", "/var/cache/*", "/var/cache"}, off: []string{"--root", "-R", "--dry-run", "-D", "--installroot"},
		clean: "clean --all", cleans: []string{" clean", " cc"}, why: "what zypper fetched about the repositories stays below /var/cache/zypp (hadolint DL3036)"},
	{family: "npm", fills: words(`install i in ins inst add ci clean-install update up upgrade install-test it install-ci-test cit`), places: []string{".npm", "_cacache", "npm-cache", "npm_cache", "/root/.cache", "/cache"}, trash: []string{".npm", "_cacache", "npm-cache"},
		vars: []string{"npm_config_cache", "NPM_CONFIG_CACHE"}, off: []string{"--cache", "--offline", "--prefer-offline", "--dry-run", "--package-lock-only", "--no-cache"},
		clean: "cache clean --force", cleans: []string{"cache clean", "cache verify", "cache rm", "cache clear", "cache-clean"}, why: "npm keeps each tarball that it fetched below ~/.npm as well (npm-cache)", gain: "no second copy of the tarballs"},
	{family: "yarn", fills: words(`install add upgrade up`), places: []string{".cache", "yarn", ".yarn"}, trash: []string{".cache", ".yarn", "yarn-cache", "cache/yarn"}, vars: []string{"YARN_CACHE_FOLDER", "YARN_ENABLE_GLOBAL_CACHE", "YARN_OFFLINE_MIRROR"}, off: []string{"--cache-folder", "--offline", "--prefer-offline", "--no-cache", "--help", "--version"},
		clean: "cache clean", cleans: []string{"cache clean", "cache-clean"}, why: "yarn 1 keeps each package unpacked below ~/.cache/yarn as well (hadolint DL3060)", gain: "no second copy of the packages"},
	{family: "conda", fills: words(`install create update upgrade`), places: []string{"pkgs", "conda"}, trash: []string{"pkgs"}, off: []string{"--offline", "--dry-run", "-d", "--download-only"},
		clean: "clean --all --yes", cleans: []string{" clean "}, why: "conda keeps each package's archive and the channels' indexes below pkgs (conda clean)", gain: "no second copy of the archives"},
	{family: "composer", fills: words(`install i update u upgrade require r create-project`), places: []string{".composer", ".cache", "composer/cache", "/cache"}, vars: []string{"COMPOSER_CACHE_DIR"}, off: []string{"--no-cache", "--dry-run", "--help"},
		clean: "clear-cache", cleans: []string{"clear-cache", "clearcache", "composer cc"}, why: "composer keeps each archive that it fetched in its cache folder as well (composer clear-cache)", gain: "no second copy of the archives"},
}

// last is the part of a subcommand that tells what it does: install of
// "global install".
func last(verb string) string { return verb[strings.LastIndexByte(verb, ' ')+1:] }

func (m *manager) filling(k call) bool {
	if toolOf(k.tool) != m.family {
		return false
	}
	switch v := k.verb; {
	case m.fills[v]:
		return true
	case strings.HasPrefix(v, "global ") && (m.family == "yarn" || m.family == "composer"):
		return m.fills[last(v)]
	case strings.HasPrefix(v, "env ") && m.family == "conda":
		return m.fills[last(v)]
	case v == "pip install" || v == "pip sync":
		return m.family == "uv"
	case v == "" && m.family == "yarn": // yarn alone is yarn install
		return len(k.Args) == k.at+1 || strings.HasPrefix(k.Args[k.at+1], "--")
	}
	return false
}

// elsewhere reports whether a mount, a variable or an option keeps the cache
// out of the layer or moves it.
func (m *manager) elsewhere(r *packageRun, k call) bool {
	return len(m.places) > 0 && r.mounted(m.places...) || k.flag(m.off...) || slices.ContainsFunc(m.vars, r.sets)
}

// options puts in the words that keep caches from being written.
func (pp *packagePass) options(r *packageRun) {
	for i := range managers {
		m := &managers[i]
		if m.word == "" || !slices.ContainsFunc(r.calls, m.filling) {
			continue
		}
		if r.from(m.old) {
			pp.Decline(r.at, "the %s of that release doesn't know %s yet", m.family, m.word)
			continue
		}
		if m.family == "apk" {
			pp.apk(r, m)
			continue
		}
		c := rewrite.Change{Title: m.family + " with " + m.word, Why: m.why, Gain: m.gain}
		if m.family == "gem" {
			if pp.gemDone(r) {
				continue
			}
			c.Assumes = "nobody reads the documentation of gems in the container, and RubyGems is 2.0 or later"
		}
		e := r.s.Edit()
		for _, k := range r.calls {
			if !m.filling(k) || m.elsewhere(r, k) || m.emptied(r, k.n) || len(k.Args) == k.verbAt+1 {
				continue
			}
			e.Insert(k.Command, k.verbAt+1, m.word)
		}
		pp.propose(r, e, c)
	}
}

// emptied reports whether a command behind number n empties the cache.
func (m *manager) emptied(r *packageRun, n int) bool {
	trash := m.trash
	if trash == nil {
		trash = m.places
	}
	if r.deletedAfter(n, trash...) {
		return true
	}
	for _, c := range r.cmds[n+1:] {
		text := strings.Join(c.Args, " ") + " "
		if cleaner(c) || slices.ContainsFunc(m.cleans, func(w string) bool { return strings.Contains(text, w) && (len(c.Args) > 1) }) && sameFamily(c, m.family) {
			return true
		}
	}
	return false
}

// sameFamily: the command names a member of the family.
func sameFamily(c rewrite.Command, family string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return toolOf(path.Base(a)) == family }) || strings.HasPrefix(c.Name, "python")
}

// gemDone: official Ruby images and .gemrc files say --no-document already, and
// the RubyGems of old Rubies doesn't know it.
func (pp *packagePass) gemDone(r *packageRun) bool {
	st := r.in.State()
	if st.Known && (st.Base.Repository == "ruby" || st.Base.Repository == "jruby") {
		return true
	}
	src := pp.Doc.Src
	return strings.Contains(src, "gemrc") || strings.Contains(src, "ruby1.9") || strings.Contains(src, "ruby1.8")
}

// apk makes one option of --update, apk update and the missing cleanup.
func (pp *packagePass) apk(r *packageRun, m *manager) {
	if strings.Contains(pp.Doc.Src, "/etc/apk/cache") {
		return
	}
	e := r.s.Edit()
	fetched, all := false, true // an apk update before; each call has --no-cache then
	var update *call
	for i, k := range r.calls {
		if k.tool != "apk" {
			continue
		}
		switch {
		case k.verb == "update":
			if fetched = true; update == nil {
				update = &r.calls[i]
			} else {
				all = false
			}
		case m.filling(k):
			if m.elsewhere(r, k) {
				all = all && k.flag("--no-cache")
				continue
			}
			if m.emptied(r, k.n) && (fetched || k.flag("--update", "--update-cache", "-U")) {
				fetched, all = true, false
				continue
			}
			if w := slices.IndexFunc(k.Args, func(a string) bool { return a == "--update" || a == "--update-cache" || a == "-U" }); w > k.at {
				e.Replace(k.Command, w, m.word)
			} else {
				e.Insert(k.Command, k.verbAt+1, m.word)
			}
		case k.verb != "del":
			all = false // it may read the index
		}
	}
	if update != nil && all {
		for _, c := range r.cmds[update.n+1:] {
			if name, v := pp.script(r, c); v == scriptUnknown || strings.Contains(name, "apk") {
				all = false
			}
		}
		if all && r.s.Link(update.Command) && pp.apkIndexFree(r) {
			e.Drop(update.Command)
		}
	}
	if e.Empty() {
		return
	}
	if line := pp.apkRelied(r); line > 0 {
		pp.Decline(r.at, "the index of apk stays: line %d installs from it", line)
		return
	}
	pp.propose(r, e, rewrite.Change{Title: "apk with --no-cache", Why: m.why, Gain: m.gain})
}

// apkIndexFree: nothing behind the RUN can need the index that an apk update in
// it fetched.
func (pp *packagePass) apkIndexFree(r *packageRun) bool {
	if r.in.Trigger() {
		return true
	}
	for _, in := range pp.Doc.Instructions[r.at.Index+1:] {
		if in.Inner().Keyword != "run" || !in.Stage.Descends(r.in.Stage) {
			continue
		}
		later := readRun(in)
		for _, c := range later.cmds {
			if _, v := pp.script(&later, c); v == scriptUnknown {
				return false
			}
		}
	}
	return true
}

// apkRelied is the line of a later step that installs without an index of its
// own and can't be given --no-cache here; 0 for none.
func (pp *packagePass) apkRelied(r *packageRun) int {
	if r.in.Trigger() {
		return 0
	}
	for _, in := range pp.Doc.Instructions[r.at.Index+1:] {
		if in.Stage == nil || !in.Stage.Descends(r.in.Stage) {
			continue
		}
		inner := in.Inner()
		raw := in.Raw()
		if inner.Keyword != "run" && inner.Keyword != "cmd" && inner.Keyword != "entrypoint" || !strings.Contains(raw, "apk") {
			continue
		}
		if !strings.Contains(raw, "apk add") && !strings.Contains(raw, "apk upgrade") {
			if inner.Keyword == "run" && (strings.Contains(raw, "apk search") || strings.Contains(raw, "apk fetch") || strings.Contains(raw, "apk info")) && !strings.Contains(raw, "apk update") && !strings.Contains(raw, "--no-cache") {
				return in.Line
			}
			continue
		}
		if !strings.Contains(raw, "--no-cache") && !strings.Contains(raw, "--update") && !strings.Contains(raw, "-U") && !strings.Contains(raw, "apk update") {
			return in.Line
		}
	}
	return 0
}

// cleanups puts the commands behind a script that empty caches.
func (pp *packagePass) cleanups(r *packageRun) {
	for i := range managers {
		m := &managers[i]
		if m.clean == "" {
			continue
		}
		n := -1
		for j, k := range r.calls {
			if m.filling(k) && !m.elsewhere(r, k) {
				n = j
			}
		}
		if n < 0 || m.emptied(r, r.calls[n].n) {
			continue
		}
		k := r.calls[n]
		if why := pp.uncleanable(r, m, k); why != "" {
			pp.Decline(r.at, "the cache of %s stays: %s", k.tool, why)
			continue
		}
		e := r.s.Edit()
		e.Append(k.as() + r.s.Text[k.Words[k.at].Start:k.Words[k.at].End] + " " + m.clean)
		pp.propose(r, e, rewrite.Change{Title: fmt.Sprintf("empty the cache of %s in the RUN that filled it", k.tool), Why: m.why, Gain: m.gain})
	}
	pp.buildCaches(r)
}

// uncleanable says why a command of the manager can't stand at the script's
// end, "" when it can.
func (pp *packagePass) uncleanable(r *packageRun, m *manager, k call) string {
	if why := r.s.Appendable(); why != "" {
		return "nothing can be put behind the script: " + why
	}
	if !r.s.Link(k.Command) {
		return k.tool + " runs only under a condition, in a loop, a pipe or a shell of its own"
	}
	if len(k.Args) > 0 && k.Args[0] != "sudo" && callers[path.Base(k.Args[0])] && path.Base(k.Args[0]) != "env" && path.Base(k.Args[0]) != "time" && path.Base(k.Args[0]) != "timeout" {
		return "it is started by " + k.Args[0]
	}
	if w := k.Args[k.at]; strings.Contains(w, "/") && !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "$") {
		return "the path of " + k.tool + " is relative"
	}
	if k.assigned("PATH") || k.assigned("HOME") {
		return "it is run with a PATH or HOME of its own"
	}
	for _, c := range r.cmds[k.n+1:] {
		if removesProgram(c, m.family, k.tool) {
			return k.tool + " may be gone at the end of the script"
		}
	}
	if m.family == "yarn" {
		if why := pp.yarnOne(r); why != "" {
			return why
		}
	}
	if m.family == "conda" && strings.Contains(pp.Doc.Src, "softlink") {
		return "packages are linked into the cache"
	}
	for _, in := range pp.Doc.Instructions {
		if raw := in.Raw(); in.Index > r.at.Index && strings.Contains(raw, k.tool) && (strings.Contains(raw, "offline") || m.family == "dnf" && fromCache(in)) {
			return fmt.Sprintf("line %d works offline", in.Line)
		}
		if _, _, from, ok := in.Copy(); ok && from != "" && slices.ContainsFunc(m.places, func(p string) bool { return strings.Contains(in.Args.Text, p) && strings.HasPrefix(p, ".") }) {
			return fmt.Sprintf("line %d copies it", in.Line)
		}
	}
	return ""
}

// fromCache: dnf -C installs from what an earlier step fetched.
func fromCache(in *rewrite.Instruction) bool {
	if in.Inner().Keyword != "run" {
		return false
	}
	return slices.ContainsFunc(readRun(in).calls, func(k call) bool { return toolOf(k.tool) == "dnf" && k.flag("-C", "--cacheonly") })
}

// removesProgram: packages or files are removed, among which a program may be.
// A package manager doesn't remove itself.
func removesProgram(c rewrite.Command, family, tool string) bool {
	own := family == "dnf" || family == "zypper"
	if k, ok := callOf(c); ok {
		switch toolOf(k.tool) {
		case "apk":
			return k.verb == "del"
		case "apt-get", "dnf", "zypper":
			removes := k.verb == "remove" || k.verb == "rm" || k.verb == "purge" || k.verb == "erase" || k.verb == "autoremove" || k.verb == "auto-remove"
			return removes && (!own || slices.Contains(k.Args[k.verbAt:], tool))
		case "npm", "pip":
			return !own && (strings.Contains(k.verb, "uninstall") || strings.HasPrefix(k.verb, "r"))
		}
		return false
	}
	if c.Name == "nvm" || c.Name == "n" || c.Name == "dpkg" {
		return !own
	}
	if !deletesFiles(c) || c.Name == "cd" {
		return false
	}
	return slices.ContainsFunc(c.Args[1:], func(a string) bool {
		switch path.Ext(a) {
		case ".sh", ".gz", ".bz2", ".xz", ".tgz", ".zip", ".deb", ".rpm", ".py", ".json", ".log":
			return false
		}
		if own {
			return strings.Contains(a, "bin/"+tool)
		}
		return strings.Contains(a, tool) || strings.Contains(a, "/bin/") || strings.HasPrefix(a, "/opt") || strings.HasPrefix(a, "/usr/local") || strings.Contains(a, "$")
	})
}
