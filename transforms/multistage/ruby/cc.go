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

// Ruby's own interpreter on distroless cc, for --base smallest: there is no distroless
// image with Ruby. The official image's Ruby lies in /usr/local; a stage of its own
// gathers it with the libraries that it and its extensions are linked with (split/own_runtime.go),
// and the gems' extensions bring theirs along from the build stage.
//
// Ruby keeps its path, so Bundler and the scripts of gems work as on the slim image. env
// comes along, by which those scripts begin (Bundler's lib/bundler/source/rubygems.rb:
// env_shebang). The image's settings for RubyGems and Bundler are repeated.
//
// RUNs of the runtime stage that only make accounts, or change the application's folder where
// that is copied, run in the build stage instead; passwd and group come from there.
//
// It declines where a shell or the system's programs are needed and where libraries are
// looked for by name (cc_facts.go).

// own turns to distroless cc with the image's own Ruby, or tells why not.
func (r *App) own() string {
	if r.Image.PackageManager == "apk" {
		return "Alpine's Ruby needs musl, which distroless hasn't"
	}
	if v := r.Image.Line; v == "" || cmdline.VersionLess(v, "3.1") {
		return r.Stage.BaseName() + " isn't known to be Ruby 3.1 or later, as which it works with OpenSSL 3"
	}
	o, why := r.OwnRuntime("Ruby", "ruby", "interpreter")
	if why != "" {
		return why
	}
	libs, restore, why := r.NotInstalled()
	undo := func() {}
	if why == "" {
		undo, why = r.runsBefore()
	}
	if why == "" {
		why = r.unowned()
	}
	if why != "" {
		undo()
		restore()
		return why
	}
	r.Base, r.owns = r.AsUser(o.Ref), true
	r.Explain("the base is %s, to which the stage %s brings Ruby, its standard library and the libraries that it is linked with", r.Base, o.Stage)
	r.ExplainOwn(o)
	r.gather(o)
	r.besideGems(libs)
	r.bringAccounts()
	if !r.BeginsInWorkdir() {
		r.First = append(r.First, r.Keyword("WORKDIR")+" /")
	}
	r.repeatEnv()
	r.Assumes = append(r.Assumes, "no gem starts a program of the system or looks for a library by its name")
	return ""
}

// gather writes the stage that puts Ruby, without symbols and what no program needs, the
// libraries that it is linked with and its locale below /runtime. The official slim images
// take what ldd finds below /usr/local too, and keep the symbols
// (https://github.com/docker-library/ruby, Dockerfile.template).
func (r *App) gather(o split.OwnRuntime) {
	const extensions = "$(find . -name '*.so')"
	files := distro.LinkedFiles("$3 ~ /^\\// && !seen[$3]++", "/tmp/libraries")
	commands := []string{
		"rm -rf gems/*/cache gems/*/doc",
		"ldd /usr/local/bin/ruby " + extensions + " >/tmp/libraries",
		"mkdir -p /runtime/usr/bin /runtime/usr/lib/locale /runtime/usr/local/lib",
		"cp -L $(" + files + ") /runtime/usr/lib/",
	}
	inner := []string{files, "find . -name '*.so'"}
	if !distro.Small(o.Image) { // slim images have no strip
		inner = append(inner, "find . -name '*.so'")
		commands = append(commands, "strip --strip-unneeded /usr/local/bin/ruby "+extensions+" /runtime/usr/lib/libruby*")
	}
	commands = append(commands, "cp -a /usr/local/bin /runtime/usr/local/", "cp -a /usr/local/lib/ruby /runtime/usr/local/lib/",
		"cp -a /usr/bin/env /runtime/usr/bin/",                  // by which scripts of gems begin
		"cp -a /usr/lib/locale/C.utf8 /runtime/usr/lib/locale/") // without it strings are ASCII
	r.Gathered(o, "/usr/local/lib/ruby", "Ruby, the libraries that it is linked with, env and its locale, none of which distroless cc has", commands, inner...)
}

// besideGems copies the libraries that extensions of gems are linked with: those of the table
// (gems.go) and, since ldd tells, those of gems that no table knows.
func (r *App) besideGems(libs []string) {
	if len(libs) == 0 && r.linksNothing() {
		return
	}
	folders := slices.Clone(r.Others)
	if r.vendored != "" {
		folders = append(folders, r.vendored)
	}
	// what Ruby itself is linked with is there already
	r.BesideLibraries("gems", libs, folders, ` && $3 !~ /\/lib(crypt|gmp|z)\./`)
}

// plainGems have no extension, or one that is linked with nothing but what distroless cc and
// Ruby have; each gem's extconf.rb.
var plainGems = words(`activesupport addressable base64 bcrypt bigdecimal builder bundler cgi concurrent-ruby connection_pool date dotenv drb dry-configurable dry-core dry-inflector
	dry-logic dry-types erb erubi et-orbi faraday faraday-net_http fugit grape hanami-router http_parser.rb i18n json jwt kramdown liquid logger mail metaclass mime-types mime-types-data mini_mime minitest
	msgpack multi_json mustermann mutex_m mustermann-grape net-http net-protocol nio4r oj pg_query public_suffix puma racc rack rack-protection rack-session rack-test rackup rake redcarpet redis redis-client
	roda rouge ruby2_keywords rufus-scheduler securerandom sequel sidekiq sinatra sinatra-contrib slim stringio strscan temple tilt timeout tzinfo tzinfo-data unicorn uri webrick websocket-driver websocket-extensions zeitwerk`)

// linksNothing: every gem is known to need no library beside.
func (r *App) linksNothing() bool {
	for name := range r.locked().Gems {
		if !plainGems[name] {
			return false
		}
	}
	for _, g := range r.gems {
		for _, a := range g.Step.Args[2:] {
			if !strings.HasPrefix(a, "-") && !plainGems[a] {
				return false
			}
		}
	}
	return true
}

// repeatEnv says again what the image sets for RubyGems, Bundler and strings.
func (r *App) repeatEnv() {
	var pairs []string
	set := r.Stage.At(nil).Env
	for _, n := range []string{"LANG", "GEM_HOME", "BUNDLE_SILENCE_ROOT_WARNING", "BUNDLE_APP_CONFIG"} {
		v := r.Image.Env[n]
		if n == "BUNDLE_SILENCE_ROOT_WARNING" && !strings.HasSuffix(r.Base, ":latest") {
			continue // it isn't root
		}
		if v != "" && set[n] == "" {
			pairs = append(pairs, n+"="+v)
		}
	}
	if home := r.Image.Env["GEM_HOME"]; home != "" {
		pairs = append(pairs, "PATH="+home+"/bin:$PATH")
	}
	if len(pairs) > 0 {
		r.BaseEnv = r.Keyword("ENV") + " " + strings.Join(pairs, " \\\n    ")
	}
}

// runsBefore gives RUNs of the runtime stage to the build stage where their effect is
// copied from there: accounts, and files in the application's folder. undo takes that back.
func (r *App) runsBefore() (undo func(), why string) {
	var moved []*rewrite.Instruction
	undo = func() {
		for _, in := range moved {
			r.Roles[in] = split.InBoth
		}
		r.accounts = nil
	}
	folder := &artefacts.Folder{Split: r.Split, AppDir: r.AppDir}
	for _, in := range r.Stage.Instructions {
		if in.Keyword != "run" || r.Roles[in] != split.InBoth {
			continue
		}
		all, why := in.Steps()
		if why != "" {
			return undo, why
		}
		files := false
		for _, st := range all {
			switch {
			case st.Name == "useradd" || st.Name == "groupadd":
				if _, _, why := madeUser(st); why != "" {
					return undo, why
				}
				r.accounts = append(r.accounts, st)
			case r.writes != "" && cmdline.Replayed[st.Name] && folder.Within(st) && !r.folderItself(st):
				files = true
			default:
				return undo, "line " + cmdline.LineOf(in) + " runs in the runtime stage too"
			}
		}
		if files && r.copiedBetween(in) {
			return undo, "line " + cmdline.LineOf(in) + " may change files that a COPY above it brings to the runtime stage"
		}
		r.Roles[in] = split.InBuild
		moved = append(moved, in)
	}
	for _, in := range moved {
		r.Explain("line %s runs in the build stage alone, and what it makes is copied: there is no shell to run it", cmdline.LineOf(in))
	}
	return undo, ""
}

// madeUser is whom useradd makes, and whether with a home folder in /home; why tells that the
// folder is another. groupadd makes nobody.
func madeUser(st rewrite.Step) (name string, home bool, why string) {
	elsewhere := words(`-b -d -k --base-dir --home --home-dir --skel`)
	for i := 1; i < len(st.Args); i++ {
		a := st.Args[i]
		var options []string // -rm -g clerk, -rmg clerk, --gid clerk, --gid=clerk
		joined := false
		switch {
		case strings.HasPrefix(a, "--"):
			option, _, found := strings.Cut(a, "=")
			options, joined = []string{option}, found
		case strings.HasPrefix(a, "-"):
			for k, letter := range a[1:] {
				options = append(options, "-"+string(letter))
				if cmdline.AccountValues["-"+string(letter)] {
					joined = k+2 < len(a)
					break
				}
			}
		case !cmdline.Plain(a):
			return "", false, "the user " + a + " is computed"
		default:
			name = a
		}
		for _, o := range options {
			if elsewhere[o] {
				return "", false, st.Name + " is given " + o + ", and which home folder that makes isn't known"
			}
			home = home || o == "-m" || o == "--create-home"
			if cmdline.AccountValues[o] && !joined {
				i++
			}
		}
	}
	return name, home && st.Name == "useradd" && name != "", ""
}

// folderItself: a command changes the application's folder itself, whose owner and mode COPY
// --from doesn't keep.
func (r *App) folderItself(st rewrite.Step) bool {
	return slices.ContainsFunc(cmdline.Operands(st), func(w string) bool { return path.Clean(cmdline.Abs(st.Dir, w)) == r.AppDir })
}

// copiedBetween: between the last build step and a RUN behind it a COPY brings files.
func (r *App) copiedBetween(run *rewrite.Instruction) bool {
	for in := r.Last.Next(); in != nil && in.Index < run.Index; in = in.Next() {
		if in.Keyword == "copy" || in.Keyword == "add" {
			return true
		}
	}
	return false
}

// bringAccounts copies the accounts of the build stage, where the file names one that
// distroless hasn't, and the home folders that were made for them.
func (r *App) bringAccounts() {
	if len(r.accounts) == 0 && r.named() == "" {
		return
	}
	r.First = append(r.First, r.Keyword("COPY")+" --from="+r.Builder+" /etc/passwd /etc/group /etc/")
	for _, st := range r.accounts {
		if name, home, _ := madeUser(st); home {
			r.First = append(r.First, r.Keyword("COPY")+" --from="+r.Builder+" --chown="+name+" /home/"+name+" /home/"+name)
		}
	}
	r.Explain("the users and groups are those of the build stage, by the same numbers")
}

// named is the first user or group that the file names and distroless hasn't.
func (r *App) named() string {
	for _, in := range r.Stage.Instructions {
		if why := distro.LacksUser(in); why != "" && r.Roles[in] != split.InBuild {
			return why
		}
	}
	return ""
}
