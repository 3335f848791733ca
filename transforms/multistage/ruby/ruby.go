// Package ruby has the recipe for Ruby.
package ruby

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Ruby with Bundler. The gems (GEM_HOME, /usr/local/bundle in the official
// images, and BUNDLE_PATH where the file moves them) are copied from the build
// stage to the same place of the slim image; so is the application's folder
// where a RUN writes into it (assets:precompile, vendor/bundle). Else the code
// comes from the context as before.
//
// Same tag, so same Debian release and Ruby: extensions of gems load. The
// libraries behind them come from Gemfile.lock (gems.go), those behind -dev
// packages from the file.
//
// Slim and Alpine images take part where the file installs compilers in them. With the policy
// smallest Ruby goes to distroless cc (cc.go).
//
// It declines without a Gemfile.lock, for gems whose libraries aren't known, for
// tasks of Rake that may write anywhere, and for RUNs that it doesn't know.

// Recipe is the recipe for Ruby.
var Recipe = split.Recipe{
	Name:    "ruby",
	Bases:   words("ruby"),
	Words:   words("bundle bundler"),
	AnySize: true,
	Doc: `- Ruby with Bundler: the gems, and what assets:precompile and the like write, on the
  -slim image, with the libraries behind native gems in Gemfile.lock; with the policy smallest on
  distroless cc, with the image's own Ruby and what it and the gems are linked with.`,
	Refetch: true,
	Split:   splitRuby,
}

// App is a stage that installs gems.
type App struct {
	*artefacts.Folder
	installs   []artefacts.Step // bundle install
	builds     []artefacts.Step // commands that write into the application
	gems       []artefacts.Step // gem install
	writes     string           // why the application's folder comes from the build stage
	assets     bool
	SystemGems bool // libraries are linked to the system's by a setting of Bundler
	homeConfig *rewrite.Instruction
	vendored   string         // the folder of gems in the application's, "" for none
	owns       bool           // the runtime stage is distroless cc with the image's own Ruby
	accounts   []rewrite.Step // … to which the build stage's users come
}

func splitRuby(s *split.Split) bool {
	if strings.Contains(s.Ref.Tag, "onbuild") || strings.Contains(s.Ref.Tag, "windows") {
		return false
	}
	r := &App{Folder: &artefacts.Folder{Split: s}}
	if strings.Contains(s.StageText(), "apk del") {
		return false // it removes what only the build needs itself
	}
	if distro.Small(s.Stage.BaseName()) {
		if !installsCompilers(s) {
			return false
		}
		s.Base, s.SameBase = s.Stage.From.Fields()[0].Text, true
	} else if !s.SlimBase() {
		return false
	}
	r.leave()
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !r.run(in) {
			return false
		}
	}
	if len(r.installs) == 0 {
		return false
	}
	s.SettleUpdates()
	if !r.folder() || !r.folders() || !r.facts() {
		return false
	}
	if _, ok := s.CanStart(); !ok {
		return false
	}
	if why := s.SourceLacks(".rb", ".ru", ".rake"); why != "" {
		return s.Decline(r.installs[0].In, "%s", why)
	}
	if !r.layout() {
		return false
	}
	s.Why = "the image carries compilers and headers, which only the install of gems needs"
	needed := "and the program starts no program that only the full image has"
	s.Gain = "compilers and headers stay behind: about 390 MB for the full image, 75 MB for the slim one (compressed)"
	if distro.Small(s.Stage.BaseName()) {
		s.Gain = "the compilers that the file installs stay behind: 80 MB and more (compressed)"
	}
	other := ""
	if s.Pass.Policy == split.Smallest {
		if other = r.own(); other != "" {
			other = ", nor does it run with its own on distroless cc: " + other
		}
	}
	switch {
	case r.owns:
		s.Gain = "compilers, headers, the shell and Debian's tools stay behind: distroless cc with Ruby weighs about 20 MB, the full image about 390, the slim one 60 (compressed)"
		needed = "and the program needs no shell and no other program"
	case s.Pass.Policy != split.Slim && s.Pass.Policy != "":
		s.Explain("there is no distroless image with Ruby, so it runs on %s%s", s.Base, other)
	}
	s.Assumes = append(s.Assumes, "no gem links or loads a library of the full image but those that are known by its name in "+r.lockFile()+", "+needed)
	return true
}

// installsCompilers: a RUN installs what only builds and leaves it there, so that a
// small image holds a toolchain after all.
func installsCompilers(s *split.Split) bool {
	for _, in := range s.Stage.Instructions {
		all, why := in.Steps()
		if in.Keyword != "run" || why != "" {
			continue
		}
		installs, removes := false, false
		for _, st := range all {
			switch a, ok := distro.ReadPackages(st); {
			case !ok:
			case a.Verb == "install":
				installs = installs || slices.ContainsFunc(a.Words, func(w string) bool { return distro.BuildOnly(w) || distro.ApkBuild[w] })
			case a.Verb == "remove" || a.Verb == "purge" || a.Verb == "autoremove" || a.Verb == "del":
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
func (r *App) run(in *rewrite.Instruction) bool {
	all, ok := r.Steps(in)
	if !ok {
		return false
	}
	sort := r.System
	if r.Image.PackageManager == "apk" {
		sort = r.SystemAlpine
	}
	rest, ok := sort(in, all)
	if !ok {
		return false
	}
	builds, settings := 0, 0
	var files, again []rewrite.Step
	for _, st := range rest {
		switch kind := r.kind(in, st); kind {
		case "build":
			builds++
			r.Last = in
		case "setting":
			settings++
		case "nothing":
		case "again":
			again = append(again, st)
		case "file":
			files = append(files, st)
		default:
			return r.Decline(in, "%s", kind)
		}
	}
	if len(again) > 0 && (builds+settings+len(files) > 0 || !r.Again(in, again)) {
		return r.Decline(in, "it installs programs of npm, which the runtime stage needs too, and does more")
	}
	switch {
	case builds > 0 || settings > 0 && (len(files) > 0 || r.Instead[in] != nil):
		r.Roles[in] = split.InBuild
		return r.beside(in, files)
	case settings > 0 && !r.noted(in):
		r.Roles[in] = split.InBoth
	case len(files) > 0 && r.Instead[in] != nil:
		return r.Again(in, files)
	case len(files) > 0:
		r.Roles[in] = split.InBoth
	}
	return true
}

// beside: file commands in a RUN that builds. Accounts are made again in the
// runtime stage; files must lie in the application, which then comes from the
// build stage.
func (r *App) beside(in *rewrite.Instruction, files []rewrite.Step) bool {
	var again []rewrite.Step
	for _, st := range files {
		switch {
		case st.Name == "rm" || st.Name == "rmdir": // what is gone isn't copied
		case strings.HasPrefix(st.Name, "user"), strings.HasPrefix(st.Name, "group"), strings.HasPrefix(st.Name, "add"):
			again = append(again, st)
		default:
			r.builds = append(r.builds, artefacts.Step{In: in, Step: st})
		}
	}
	return r.Again(in, again)
}

// kind says what a command does: build (it writes gems, or into the
// application), setting (of Bundler), file, nothing that lasts; or why it isn't known.
func (r *App) kind(in *rewrite.Instruction, st rewrite.Step) string {
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
		if st.Name == "npm" && r.global(st) {
			return "again"
		}
		if slices.Contains(st.Args, "-g") || slices.Contains(st.Args, "global") || slices.Contains(st.Args, "--global") || slices.Contains(st.Args, "cache") {
			return "nothing"
		}
		if why := cmdline.StrayPath(st.Args); why != "" {
			return why
		}
		r.builds = append(r.builds, artefacts.Step{In: in, Step: st})
		return "build"
	case "corepack":
		if !r.BuildTools["nodejs"] && slices.Contains(st.Args, "enable") {
			return "again"
		}
		return "nothing"
	case "git":
		if len(st.Args) > 1 && st.Args[1] == "config" {
			return "nothing"
		}
	}
	if cmdline.Replayed[st.Name] || rewrite.Harmless(st.Name) {
		return "file"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

// global: npm installs programs, such as yarn, where Node stays in the runtime stage:
// Webpacker starts yarn when it compiles on demand (rails/webpacker, lib/webpacker/webpack_runner.rb).
func (r *App) global(st rewrite.Step) bool {
	verbs := slices.ContainsFunc(st.Args[1:], func(a string) bool { return a == "i" || a == "install" || a == "add" })
	return verbs && !r.BuildTools["nodejs"] && slices.ContainsFunc(st.Args, func(a string) bool { return a == "-g" || a == "--global" })
}

// appTasks are tasks of Rake that write into the application's folder only
// (https://guides.rubyonrails.org/asset_pipeline.html#precompiling-assets).
var appTasks = words(`assets:precompile assets:clean assets:clobber webpacker:compile webpacker:clobber shakapacker:compile vite:build css:build javascript:build tailwindcss:build
	tmp:create tmp:clear tmp:cache:clear log:clear i18n:js:export bower:install yarn:install js:routes stats`)

// task judges a program of the application.
func (r *App) task(in *rewrite.Instruction, st rewrite.Step, name string, args []string) string {
	for _, a := range args {
		if name == "rails" || name == "rake" {
			if !strings.HasPrefix(a, "-") && !strings.Contains(a, "=") && !appTasks[a] {
				return "where " + name + " " + a + " writes isn't known"
			}
			r.assets = r.assets || strings.Contains(a, "assets:") || strings.Contains(a, ":compile") || strings.Contains(a, ":build")
		}
	}
	if why := cmdline.StrayPath(append([]string{name}, args...)); why != "" {
		return why
	}
	r.builds = append(r.builds, artefacts.Step{In: in, Step: st})
	return "build"
}

func (r *App) bundle(in *rewrite.Instruction, st rewrite.Step) string {
	verb, at := "install", len(st.Args)
	for i, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			verb, at = a, i+1
			break
		}
	}
	switch verb {
	case "install":
		r.installs = append(r.installs, artefacts.Step{In: in, Step: st})
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
		r.builds = append(r.builds, artefacts.Step{In: in, Step: st})
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
func (r *App) configures(st rewrite.Step) bool {
	text := strings.Join(st.Args, " ")
	r.SystemGems = r.SystemGems || strings.Contains(text, "use-system-libraries") || strings.Contains(text, "enable-system-libraries")
	return slices.Contains(st.Args, "--global") && slices.ContainsFunc(st.Args, func(a string) bool { return lasting[a] })
}

// noted: Bundler notes the settings of a RUN beside the gems
// (BUNDLE_APP_CONFIG), which it does where it finds a Gemfile, else in the home
// directory (its cli/config.rb).
func (r *App) noted(in *rewrite.Instruction) bool {
	all, _ := in.Steps()
	for _, st := range all {
		if slices.Contains(st.Args, "--global") {
			return false
		}
		_, by := r.Stage.Origin(in, path.Join(st.Dir, "Gemfile"), r.Pass.Repo, r.Pass.Name)
		if by == nil && !slices.Contains(st.Args, "--local") {
			return false
		}
	}
	return true
}

func (r *App) gem(in *rewrite.Instruction, st rewrite.Step) string {
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
		r.gems = append(r.gems, artefacts.Step{In: in, Step: st})
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
