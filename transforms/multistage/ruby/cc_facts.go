package ruby

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
)

// What speaks against Ruby's own interpreter on distroless cc.

// rubyPrograms are programs of gems that start from CMD, with the gem that brings each. They
// start no other program, and keep nothing on disk that the file doesn't tell them to; each project's source.
var rubyPrograms = map[string][]string{
	"puma": {"puma"}, "pumactl": {"puma"}, "rackup": {"rackup", "rack"}, "thin": {"thin"}, "unicorn": {"unicorn"}, "falcon": {"falcon"}, "iodine": {"iodine"},
	"sidekiq": {"sidekiq"}, "shoryuken": {"shoryuken"}, "karafka": {"karafka"}, "clockwork": {"clockwork"}, "good_job": {"good_job"}, "que": {"que"}, "racecar": {"racecar"}, "hutch": {"hutch"},
	"rake": {"rake"}, "rails": {"railties"},
}

// startsByItself are gems that start a shell or the system's programs, whatever the
// program does with them, or for all that they are there for; each project's source.
var startsByItself = words(`appoptics_apm appsignal backup bluepill cheetah childprocess cocaine eye foreman god macaddr mixlib-shellout open4 passenger posix-spawn pygments.rb resque scout_apm skylight solarwinds_apm systemu terrapin tty-command whenever`)

// ffiOwn are gems that call by ffi only libraries which they bring, or the C library.
var ffiOwn = words(`ffi-compiler libddwaf listen llhttp-ffi rb-inotify sassc scrypt sys-filesystem`)

var (
	// rubyStarts finds calls of programs. What a database or a regular expression executes has
	// a receiver.
	rubyStarts = lazily("(?:^|[^\\w.:@$\"'?!-])(?:Kernel\\.|Process\\.)?(?:system|exec|spawn|syscall)(?:\\s*\\(|[ \\t]+[\"'%*\\[:\\w])|\\b(?:Open3|PTY|TTY::Command)\\b|\\bpopen|`|%x[^\\w\\s]|\\b(?:open|read|readlines|foreach)[\\s(]+[\"']\\|")
	rakeStarts = lazily(`(?m)^\s*(?:sh|ruby)[\s(]+["':]`)
	rubyLoads  = lazily(`\b(?:Fiddle|FFI)\b|require\s*\(?\s*["'](?:fiddle|ffi)|\bffi_lib\b|\bdlopen\b`)
	// rubyMissing need descriptions of terminals, or programs.
	rubyMissing = lazily(`(?m)^\s*require\s*\(?\s*["'](curses|tk|shell|pty)["'/]`)
	// rubyVariables are set by Ruby's images and not carried over.
	rubyVariables = lazily(`\bENV\b[^\w\n]*(?:fetch\W+|key\?\W+)?(RUBY_(?:VERSION|MAJOR|DOWNLOAD_\w+))\b`)
	rubyRoot      = lazily(`\bDocker::|/var/run/docker\.sock|\bDir\.chroot\b|\bProcess(?:::\w+)?\.(?:[ug]id=|change_privilege|setuid)|\bFile(?:Utils)?\.chown`)
	envRuby       = lazily(`^#!\s*(?:/usr/bin/env (?:-S )?ruby|/usr/local/bin/ruby)\b`)
)

func (r *App) locked() *repo.BundlerLock { return r.Pass.Repo.BundlerLock(r.context()) }

// unowned tells why the program needs more than its own Ruby on distroless cc.
func (r *App) unowned() string {
	user := r.Stage.At(nil).User
	for _, in := range r.Stage.Instructions {
		for _, w := range in.Assignments() {
			if in.Keyword == "env" && strings.HasPrefix(w.Text, "LD_") {
				return w.Text + " tells the loader to look for libraries"
			}
		}
	}
	if user == "" {
		if why := r.named(); why != "" || len(r.accounts) > 0 {
			return cmp.Or(why, "it makes users and runs as root")
		}
	}
	if why := cmp.Or(r.NeedsShell(r.ownStarts), r.StartedOutside(r.ownStarts)); why != "" {
		return why
	}
	if why := r.gemsUnowned(user); why != "" {
		return why
	}
	if !r.Pass.Unsafe {
		return ""
	}
	if writes := r.Pass.Repo.Writes(r.Pass.Name, false); writes != "" && user == "" {
		return writes + ", for which it would stay root, while a user can be made on the slim image"
	}
	return r.sourceUnowned()
}

// gemsUnowned looks through the locked gems.
func (r *App) gemsUnowned(user string) string {
	lock := r.locked()
	has := func(name string) bool { _, ok := lock.Gems[name]; return ok }
	for _, name := range slices.Sorted(maps.Keys(lock.Gems)) {
		g := lock.Gems[name]
		at := lock.File + ":" + strconv.Itoa(g.Line)
		switch {
		case startsByItself[name]:
			return name + " (" + at + ") starts programs of the system"
		case slices.Contains(execJS, name) && !has("mini_racer"):
			return name + " (" + at + ") needs a JavaScript runtime"
		case slices.Contains(g.Needs, "ffi") && !ffiOwn[name]:
			return name + " (" + at + ") calls a library by ffi, which looks for it by its name"
		case name == "railties" && user == "":
			return "Rails (" + at + ") writes to log and tmp beside the code, for which it would stay root, while a user can be made on the slim image"
		case name == "sqlite3" && user == "" && (has("activerecord") || has("sequel") || has("rom-sql")):
			return "sqlite3 (" + at + ") writes a database, for which it would stay root, while a user can be made on the slim image"
		}
	}
	for _, g := range r.gems {
		for _, a := range g.Step.Args[2:] {
			if startsByItself[a] || slices.Contains(execJS, a) {
				return "line " + cmdline.LineOf(g.In) + " installs " + a + ", which starts programs of the system"
			}
		}
	}
	return ""
}

// sourceUnowned reads the source for what the interpreter's own image hasn't.
func (r *App) sourceUnowned() string {
	exts := []string{".rb", ".ru"}
	rake := r.startsRake()
	if rake {
		exts = append(exts, ".rake")
	}
	if why := r.Sources(exts, r.fileUnowned); why != "" {
		return why
	}
	files := []string{"Gemfile"}
	if rake {
		files = append(files, "Rakefile")
	}
	for _, in := range r.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		for _, w := range line {
			if p, ok := r.Stage.At(nil).Abs(w); ok && !strings.HasPrefix(w, "-") && path.Ext(w) == "" {
				if ctx, by := r.Stage.Origin(nil, p, r.Pass.Repo, r.Pass.Name); by != nil {
					files = append(files, ctx)
				}
			}
		}
	}
	for _, f := range files {
		if f == "Gemfile" || f == "Rakefile" {
			f = path.Join(r.context(), f)
		}
		if src, err := r.Pass.Repo.ReadFile(f); err == nil && !r.Pass.Repo.IsDir(f) {
			if why := r.fileUnowned(f, string(src)); why != "" {
				return why
			}
		}
	}
	return ""
}

// startsRake: tasks of Rake may run in the container.
func (r *App) startsRake() bool {
	for _, in := range r.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); slices.ContainsFunc(line, func(w string) bool { return path.Base(w) == "rake" || path.Base(w) == "rails" }) {
			return true
		}
	}
	return false
}

// fileUnowned reads one file; lines of comments say nothing.
func (r *App) fileUnowned(f, src string) string {
	for n, l := range strings.Split(src, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), "#") {
			continue
		}
		at := f + ":" + strconv.Itoa(n+1)
		switch {
		case rubyStarts().MatchString(l), path.Ext(f) != ".rb" && rakeStarts().MatchString(l):
			return at + " may start other programs"
		case rubyLoads().MatchString(l):
			return at + " loads a library by its name"
		case rubyMissing().MatchString(l):
			return at + " requires " + rubyMissing().FindStringSubmatch(l)[1] + ", of which not all is there"
		case rubyVariables().MatchString(l):
			return at + " reads " + rubyVariables().FindStringSubmatch(l)[1] + ", which only Ruby's images set"
		case rubyRoot().MatchString(l) && r.Stage.At(nil).User == "":
			return at + " does what only root may"
		}
	}
	return ""
}

// ownStarts: the gathered Ruby, or a script of a gem or of the project that begins with
// it, starts by these words.
func (r *App) ownStarts(words []string) bool {
	name, dir := path.Base(words[0]), path.Dir(words[0])
	ofRuby := !strings.Contains(words[0], "/") || dir == "/usr/local/bin"
	switch {
	case ofRuby && name == "ruby":
		return true
	case ofRuby && (name == "bundle" || name == "bundler"):
		if len(words) == 2 { // ENTRYPOINT ["bundle", "exec"]
			words = append(words[:2:2], r.arguments()...)
		}
		return len(words) > 2 && words[1] == "exec" && !strings.HasPrefix(words[2], "-") && path.Base(words[2]) != "bundle" && r.ownStarts(words[2:])
	case ofRuby || slices.ContainsFunc(r.Others, func(o string) bool { return dir == path.Join(o, "bin") }):
		return slices.ContainsFunc(rubyPrograms[name], func(g string) bool {
			_, locked := r.locked().Gems[g]
			return locked || slices.ContainsFunc(r.gems, func(s artefacts.Step) bool { return slices.Contains(s.Step.Args, g) })
		})
	}
	p, ok := r.Stage.At(nil).Abs(words[0])
	if !ok {
		return false
	}
	ctx, by := r.Stage.Origin(nil, p, r.Pass.Repo, r.Pass.Name)
	if by == nil {
		return false
	}
	src, err := r.Pass.Repo.ReadFile(ctx)
	return err == nil && envRuby().Match(src)
}

// arguments are those of CMD, where that is in exec form.
func (r *App) arguments() (line []string) {
	for _, in := range r.Stage.Instructions {
		if in.Keyword == "cmd" {
			shell := false
			if line, shell = cmdline.StartLine(in); shell {
				line = nil
			}
		}
	}
	return line
}
