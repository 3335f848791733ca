package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// Ruby with Bundler. The gems (GEM_HOME, /usr/local/bundle in the official
// images, and BUNDLE_PATH where the file moves them) are copied from the build
// stage to the same place of the slim image; so is the application's folder
// where a RUN writes into it (assets:precompile, vendor/bundle). Else the code
// comes from the context as before.
//
// Same tag, so same Debian release and Ruby: extensions of gems load. The
// libraries behind them come from Gemfile.lock (ruby_gems.go), those behind -dev
// packages from the file.
//
// Slim and Alpine images take part where the file installs compilers in them. With the policy
// smallest Ruby goes to distroless cc (ruby_cc.go).
//
// It declines without a Gemfile.lock, for gems whose libraries aren't known, for
// tasks of Rake that may write anywhere, and for RUNs that it doesn't know.

var _ = register(recipe{
	name:    "ruby",
	bases:   words("ruby"),
	words:   words("bundle bundler"),
	anySize: true,
	doc: `- Ruby with Bundler: the gems, and what assets:precompile and the like write, on the
  -slim image, with the libraries behind native gems in Gemfile.lock; with the policy smallest on
  distroless cc, with the image's own Ruby and what it and the gems are linked with.`,
	split: splitRuby,
})

type rubySplit struct {
	*appFolder
	installs   []rubyStep // bundle install
	builds     []rubyStep // commands that write into the application
	gems       []rubyStep // gem install
	writes     string     // why the application's folder comes from the build stage
	assets     bool
	systemGems bool // libraries are linked to the system's by a setting of Bundler
	homeConfig *rewrite.Instruction
	vendored   string         // the folder of gems in the application's, "" for none
	owns       bool           // the runtime stage is distroless cc with the image's own Ruby
	accounts   []rewrite.Step // … to which the build stage's users come
}

type rubyStep struct {
	in   *rewrite.Instruction
	step rewrite.Step
}

func splitRuby(s *split) bool {
	if strings.Contains(s.ref.Tag, "onbuild") || strings.Contains(s.ref.Tag, "windows") {
		return false
	}
	r := &rubySplit{appFolder: &appFolder{split: s}}
	if strings.Contains(s.stageText(), "apk del") {
		return false // it removes what only the build needs itself
	}
	if small(s.stage.BaseName()) {
		if !s.installsCompilers() {
			return false
		}
		s.base, s.sameBase = s.stage.From.Fields()[0].Text, true
	} else if !s.slimBase() {
		return false
	}
	r.leave()
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && !r.run(in) {
			return false
		}
	}
	if len(r.installs) == 0 {
		return false
	}
	s.settleUpdates()
	if !r.folder() || !r.folders() || !r.facts() {
		return false
	}
	if _, ok := s.canStart(); !ok {
		return false
	}
	if why := s.sourceLacks(".rb", ".ru", ".rake"); why != "" {
		return s.decline(r.installs[0].in, "%s", why)
	}
	if !r.layout() {
		return false
	}
	s.why = "the image carries compilers and headers, which only the install of gems needs"
	needed := "and the program starts no program that only the full image has"
	s.gain = "compilers and headers stay behind: about 390 MB for the full image, 75 MB for the slim one (compressed)"
	if small(s.stage.BaseName()) {
		s.gain = "the compilers that the file installs stay behind: 80 MB and more (compressed)"
	}
	other := ""
	if s.p.Policy == Smallest {
		if other = r.own(); other != "" {
			other = ", nor does it run with its own on distroless cc: " + other
		}
	}
	switch {
	case r.owns:
		s.gain = "compilers, headers, the shell and Debian's tools stay behind: distroless cc with Ruby weighs about 20 MB, the full image about 390, the slim one 60 (compressed)"
		needed = "and the program needs no shell and no other program"
	case s.p.Policy != Slim && s.p.Policy != "":
		s.explain("there is no distroless image with Ruby, so it runs on %s%s", s.base, other)
	}
	s.assumes = append(s.assumes, "no gem links or loads a library of the full image but those that are known by its name in "+r.lockFile()+", "+needed)
	return true
}

// installsCompilers: a RUN installs what only builds and leaves it there, so that a
// small image holds a toolchain after all.
func (s *split) installsCompilers() bool {
	for _, in := range s.stage.Instructions {
		all, why := in.Steps()
		if in.Keyword != "run" || why != "" {
			continue
		}
		installs, removes := false, false
		for _, st := range all {
			switch a, ok := readPackages(st); {
			case !ok:
			case a.verb == "install":
				installs = installs || slices.ContainsFunc(a.words, func(w string) bool { return BuildOnly(w) || apkBuild[w] })
			case a.verb == "remove" || a.verb == "purge" || a.verb == "autoremove" || a.verb == "del":
				removes = true
			}
		}
		if installs && !removes {
			return true
		}
	}
	return false
}

// run sorts one RUN.
func (r *rubySplit) run(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return r.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	sort := r.system
	if r.img.PackageManager == "apk" {
		sort = r.systemAlpine
	}
	rest, ok := sort(in, all)
	if !ok {
		return false
	}
	builds, settings := 0, 0
	var files []rewrite.Step
	for _, st := range rest {
		switch kind := r.kind(in, st); kind {
		case "build":
			builds++
			r.last = in
		case "setting":
			settings++
		case "nothing":
		case "file":
			files = append(files, st)
		default:
			return r.decline(in, "%s", kind)
		}
	}
	switch {
	case builds > 0 || settings > 0 && (len(files) > 0 || r.instead[in] != nil):
		r.roles[in] = inBuild
		return r.beside(in, files)
	case settings > 0 && !r.noted(in):
		r.roles[in] = inBoth
	case len(files) > 0 && r.instead[in] != nil:
		return r.again(in, files)
	case len(files) > 0:
		r.roles[in] = inBoth
	}
	return true
}

// beside: file commands in a RUN that builds. Accounts are made again in the
// runtime stage; files must lie in the application, which then comes from the
// build stage.
func (r *rubySplit) beside(in *rewrite.Instruction, files []rewrite.Step) bool {
	var again []rewrite.Step
	for _, st := range files {
		switch {
		case st.Name == "rm" || st.Name == "rmdir": // what is gone isn't copied
		case strings.HasPrefix(st.Name, "user"), strings.HasPrefix(st.Name, "group"), strings.HasPrefix(st.Name, "add"):
			again = append(again, st)
		default:
			r.builds = append(r.builds, rubyStep{in, st})
		}
	}
	return r.again(in, again)
}

// kind says what a command does: build (it writes gems, or into the
// application), setting (of Bundler), file, nothing that lasts; or why it isn't known.
func (r *rubySplit) kind(in *rewrite.Instruction, st rewrite.Step) string {
	name := st.Name
	if strings.HasPrefix(name, "./bin/") || strings.HasPrefix(name, "bin/") {
		name = path.Base(name)
	}
	switch name {
	case "bundle", "bundler":
		return r.bundle(in, st)
	case "gem":
		return r.gem(in, st)
	case "rails", "rake", "bootsnap", "jekyll", "middleman", "nanoc", "hanami", "vite", "webpack", "webpacker", "i18n":
		return r.task(in, st, name, st.Args[1:])
	case "yarn", "npm", "npx", "pnpm", "bun":
		if slices.Contains(st.Args, "-g") || slices.Contains(st.Args, "global") || slices.Contains(st.Args, "--global") || slices.Contains(st.Args, "cache") {
			return "nothing"
		}
		if why := strayPath(st.Args); why != "" {
			return why
		}
		r.builds = append(r.builds, rubyStep{in, st})
		return "build"
	case "corepack":
		return "nothing"
	case "git":
		if len(st.Args) > 1 && st.Args[1] == "config" {
			return "nothing"
		}
	}
	if replayed[st.Name] || rewrite.Harmless(st.Name) {
		return "file"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

// appTasks are tasks of Rake that write into the application's folder only
// (https://guides.rubyonrails.org/asset_pipeline.html#precompiling-assets).
var appTasks = words(`assets:precompile assets:clean assets:clobber webpacker:compile webpacker:clobber shakapacker:compile vite:build css:build javascript:build tailwindcss:build
	tmp:create tmp:clear tmp:cache:clear log:clear i18n:js:export bower:install yarn:install js:routes stats`)

// task judges a program of the application.
func (r *rubySplit) task(in *rewrite.Instruction, st rewrite.Step, name string, args []string) string {
	for _, a := range args {
		if name == "rails" || name == "rake" {
			if !strings.HasPrefix(a, "-") && !strings.Contains(a, "=") && !appTasks[a] {
				return "where " + name + " " + a + " writes isn't known"
			}
			r.assets = r.assets || strings.Contains(a, "assets:") || strings.Contains(a, ":compile") || strings.Contains(a, ":build")
		}
	}
	if why := strayPath(append([]string{name}, args...)); why != "" {
		return why
	}
	r.builds = append(r.builds, rubyStep{in, st})
	return "build"
}

func (r *rubySplit) bundle(in *rewrite.Instruction, st rewrite.Step) string {
	verb, at := "install", len(st.Args)
	for i, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			verb, at = a, i+1
			break
		}
	}
	switch verb {
	case "install":
		r.installs = append(r.installs, rubyStep{in, st})
		return "build"
	case "config":
		if r.configures(st) {
			r.homeConfig = in
		}
		return "setting"
	case "exec":
		if at+1 >= len(st.Args) {
			break
		}
		inner := path.Base(st.Args[at+1])
		switch inner {
		case "rails", "rake", "bootsnap", "jekyll", "middleman", "nanoc", "hanami", "vite", "i18n":
			return r.task(in, st, inner, st.Args[at+2:])
		}
		return "where bundle exec " + st.Args[at+1] + " writes isn't known"
	case "binstubs", "clean", "lock", "cache", "package", "pristine":
		r.builds = append(r.builds, rubyStep{in, st})
		return "build"
	case "check", "list", "info", "show", "version", "env", "platform", "doctor", "audit":
		return "nothing"
	case "update":
		return "bundle update installs other gems than Gemfile.lock names"
	}
	return "the effects of bundle " + verb + " aren't known"
}

// lasting settings of Bundler count when the program runs, too.
var lasting = words(`path deployment without with gemfile bin path.system disable_shared_gems`)

// configures reports whether a setting that lasts goes to the home directory,
// where COPY --from of the gems doesn't bring it: with --global.
func (r *rubySplit) configures(st rewrite.Step) bool {
	text := strings.Join(st.Args, " ")
	r.systemGems = r.systemGems || strings.Contains(text, "use-system-libraries") || strings.Contains(text, "enable-system-libraries")
	return slices.Contains(st.Args, "--global") && slices.ContainsFunc(st.Args, func(a string) bool { return lasting[a] })
}

// noted: Bundler notes the settings of a RUN beside the gems
// (BUNDLE_APP_CONFIG), which it does where it finds a Gemfile, else in the home
// directory (its cli/config.rb).
func (r *rubySplit) noted(in *rewrite.Instruction) bool {
	all, _ := in.Steps()
	for _, st := range all {
		if slices.Contains(st.Args, "--global") {
			return false
		}
		_, by := r.stage.Origin(in, path.Join(st.Dir, "Gemfile"), r.p.Repo, r.p.Name)
		if by == nil && !slices.Contains(st.Args, "--local") {
			return false
		}
	}
	return true
}

func (r *rubySplit) gem(in *rewrite.Instruction, st rewrite.Step) string {
	verb := ""
	if len(st.Args) > 1 {
		verb = st.Args[1]
	}
	switch verb {
	case "install", "i":
		if slices.ContainsFunc(st.Args, func(a string) bool {
			return a == "-i" || strings.HasPrefix(a, "--install-dir") || a == "-n" || strings.HasPrefix(a, "--bindir") || a == "--user-install" || a == "--system"
		}) {
			return "gem install puts gems in another place"
		}
		r.gems = append(r.gems, rubyStep{in, st})
		return "build"
	case "update":
		if slices.Contains(st.Args, "--system") {
			return "gem update --system changes Ruby's own library, beside the gems"
		}
		return "gem update installs other gems than Gemfile.lock names"
	case "uninstall", "cleanup", "pristine":
		return "build"
	case "build", "sources", "--version", "-v", "env", "list", "environment":
		return "nothing"
	}
	return "the effects of gem " + verb + " aren't known"
}
