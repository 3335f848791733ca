package rewrite

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
)

var _ = registerManager(&manager{tools: []string{"bundle", "bundler"}, vars: []string{"BUNDLE_", "BUNDLER_", "GEM_", "RUBYOPT", "RUBYLIB"}, install: bundleInstall})

// bundleFlags are those of bundle install that read and write nothing else.
const bundleFlags flags = `-j= --jobs= --retry= --without= --with= --quiet --frozen --full-index --local --clean --no-cache --no-prune --redownload --force --prefer-local --verbose --no-color --deployment --path= --system -V --gemfile=`

func bundleInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	if len(args) > 0 && args[0] == "install" {
		args = args[1:]
	} else if len(args) > 0 && !strings.HasPrefix(args[0], "-") || slices.ContainsFunc(args, func(a string) bool { return a == "-v" || a == "--version" || a == "-h" || a == "--help" }) {
		return false
	}
	i.Name = "bundle install"
	line := bundleFlags.read(args)
	if line.unknown != "" || slices.ContainsFunc(line.words, func(w string) bool { return strings.ContainsAny(w, "/.") }) {
		i.unknown("bundle install %s may read or write other places", line.unknown)
	}
	for _, g := range line.values("--gemfile") {
		abs, ok := c.st.Abs(g)
		if !ok || path.Base(abs) != "Gemfile" {
			i.unknown("Bundler reads %s", g)
		}
		i.Dir = path.Dir(abs)
	}
	i.Writes = append(append(slices.Clone(languages), "/usr/share/rubygems-integration", "/opt/rubies"), pathFolders(c.st)...)
	i.looksFor("Gemfile", "Gemfile.lock", "gems.rb")
	if !isSet(c.st, "BUNDLE_APP_CONFIG") && line.has("--deployment", "--path", "--without", "--with", "--frozen", "--clean", "--system", "--no-prune") { // older Bundlers note these
		i.Writes = append(i.Writes, path.Join(i.Dir, ".bundle"))
	}
	frozen := line.has("--deployment", "--frozen") || isSet(c.st, "BUNDLE_FROZEN") || isSet(c.st, "BUNDLE_DEPLOYMENT")
	if !isSet(c.st, "BUNDLE_PATH") && (line.has("--deployment") || isSet(c.st, "BUNDLE_DEPLOYMENT")) {
		i.Writes = append(i.Writes, path.Join(i.Dir, "vendor/bundle"))
	}
	i.bundlePaths(c, line.values("--path"))
	for _, cmd := range c.ran("bundle") {
		frozen = i.bundleConfigured(c, cmd) || frozen
	}
	if !i.brings(c, "Gemfile") {
		return true
	}
	b := c.repo.Bundler(i.Ctx)
	if b == nil {
		i.unknown("Gemfile can't be read")
		return true
	}
	i.Files = slices.Clone(b.Files)
	if !isSet(c.st, "BUNDLE_APP_CONFIG") { // the official images set it
		i.bundleSettings(b)
	}
	if b.Unknown != "" {
		i.unknown("%s", b.Unknown)
	}
	switch {
	case b.Lock == "":
		i.Writes = append(i.Writes, path.Join(i.Dir, "Gemfile.lock"))
	case !frozen:
		i.Assumes = b.Lock + " agrees with Gemfile and has the platform of the image, so that the install doesn't rewrite it"
	}
	return true
}

// bundleSettings: the application's own settings are read from its folder .bundle.
func (i *Install) bundleSettings(b *repo.Bundler) {
	if b.Settings == "" {
		i.looksFor(".bundle")
		return
	}
	i.Files = append(i.Files, b.Settings)
	i.looksFor(".bundle/config", ".bundle/plugin")
	if b.Moves != "" {
		i.unknown("%s", b.Moves)
	}
}

func isSet(st State, name string) bool {
	v, _ := st.known(name)
	return v != "" && v != "0" && v != "false"
}

func (i *Install) bundlePaths(c installCall, paths []string) {
	for _, p := range paths {
		abs, ok := c.st.Abs(p)
		if !ok {
			i.unknown("the folder %s for gems is computed", p)
		}
		i.Writes = append(i.Writes, abs)
	}
}

// bundleKeys are settings that change neither what is read nor where it goes.
var bundleKeys = map[string]bool{"without": true, "with": true, "jobs": true, "retry": true, "frozen": true, "force_ruby_platform": true, "silence_root_warning": true, "no-cache": true, "no_prune": true,
	"timeout": true, "deployment": true, "path": true, "specific_platform": true, "disable_checksum_validation": true, "no-prune": true}

// bundleConfig reads "bundle config [set] [--global] KEY VALUE"; key is "" for
// anything else. Without --global Bundler notes a setting with the application,
// if there is a Gemfile, else in the home directory (its cli/config.rb).
func bundleConfig(args []string) (key, value string, global bool) {
	var words []string
	for _, a := range args[1:] {
		switch {
		case a == "--global":
			global = true
		case a == "--local":
		case strings.HasPrefix(a, "-"):
			return "", "", false
		default:
			words = append(words, a)
		}
	}
	if len(words) == 0 || words[0] != "config" {
		return "", "", false
	}
	if words = words[1:]; len(words) > 0 && words[0] == "set" {
		words = words[1:]
	}
	if len(words) < 2 || !bundleKeys[words[0]] && !strings.HasPrefix(words[0], "build.") {
		return "", "", false
	}
	return words[0], strings.Join(words[1:], " "), global
}

// bundleConfigured takes account of an earlier command of Bundler; frozen when
// it keeps the lock file as it is.
func (i *Install) bundleConfigured(c installCall, cmd Command) (frozen bool) {
	if len(cmd.Args) < 2 || cmd.Args[1] != "config" {
		return false
	}
	key, value, _ := bundleConfig(cmd.Args)
	on := value != "false" && value != "0"
	switch key {
	case "":
		i.unknown("%s may change what Bundler reads and writes", strings.Join(cmd.Args, " "))
	case "path":
		i.bundlePaths(c, []string{value})
	case "deployment":
		if on && !isSet(c.st, "BUNDLE_PATH") {
			i.Writes = append(i.Writes, path.Join(i.Dir, "vendor/bundle"))
		}
		return on
	case "frozen":
		return on
	}
	return false
}
