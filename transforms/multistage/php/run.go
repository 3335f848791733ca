package php

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// run sorts one RUN.
func (p *phpSplit) run(in *rewrite.Instruction) bool {
	if p.bringsComposer(in) {
		p.composerRole(in)
		return true
	}
	all, ok := p.Steps(in)
	if !ok {
		return false
	}
	rest, ok := p.System(in, all)
	if !ok {
		return false
	}
	builds, exts := 0, 0
	var files []rewrite.Step
	for _, st := range rest {
		switch kind := p.kind(in, st); kind {
		case "app":
			builds++
			p.Last = in
		case "ext":
			exts++
			p.Last, p.ext = in, in
		case "file":
			files = append(files, st)
		case "nothing":
		default:
			return p.Decline(in, "%s", kind)
		}
	}
	if builds+exts == 0 && p.Instead[in] == nil {
		if len(files) > 0 {
			p.Roles[in] = split.InBoth
		}
		return true
	}
	p.Roles[in] = split.InBuild
	return p.beside(in, files, builds > 0)
}

// beside: file commands in a RUN that builds, or that installs other packages
// in the runtime stage. What they do to the image is done again there; what
// they do to the application comes with its folder.
func (p *phpSplit) beside(in *rewrite.Instruction, files []rewrite.Step, app bool) bool {
	var again []rewrite.Step
	for _, st := range files {
		switch {
		case st.Name == "rm" || st.Name == "rmdir": // what is gone isn't copied
		case st.Name == "echo" || st.Name == "printf" || st.Name == "tee" || st.Name == "cat":
			inConf := true
			for _, r := range st.Stmt.Redirs {
				inConf = inConf && r.Word != nil && strings.HasPrefix(cmdline.PlainWord(r.Word), phpConf)
			}
			if !inConf || len(st.Stmt.Redirs) == 0 {
				return p.Decline(in, "it writes a file with %s beside other work", st.Name)
			}
			p.Last, p.ext = in, in
		case strings.HasPrefix(st.Name, "a2"), strings.HasPrefix(st.Name, "user"), strings.HasPrefix(st.Name, "group"), strings.HasPrefix(st.Name, "add"):
			again = append(again, st)
		case app:
			p.builds = append(p.builds, artefacts.Step{In: in, Step: st})
		case p.systemFiles(st):
			again = append(again, st)
		default:
			return p.Decline(in, "%s changes files beside other work", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
	}
	return p.Again(in, again)
}

// systemFiles: it changes files that the image brings: of Apache, and php.ini.
func (p *phpSplit) systemFiles(st rewrite.Step) bool {
	n := 0
	for _, a := range st.Args[1:] {
		a = strings.Replace(a, "$PHP_INI_DIR", "/usr/local/etc/php", 1)
		a = strings.Replace(a, "${PHP_INI_DIR}", "/usr/local/etc/php", 1)
		a = strings.Trim(a, `"`)
		switch {
		case strings.HasPrefix(a, "/etc/apache2/"), strings.HasPrefix(a, "/usr/local/etc/php"):
			n++
		case strings.HasPrefix(a, "/") && st.Name != "sed":
			return false
		}
	}
	return n > 0 && (st.Name == "sed" || st.Name == "mv" || st.Name == "cp" || st.Name == "ln")
}

// bringsComposer: a RUN that does nothing but install Composer
// (https://getcomposer.org/download/).
func (p *phpSplit) bringsComposer(in *rewrite.Instruction) bool {
	sh, why := in.Shell()
	if why != "" || !strings.Contains(in.Text, "getcomposer.org") && !strings.Contains(in.Text, "composer.phar") && !strings.Contains(in.Text, "composer-setup") {
		return false
	}
	for _, c := range sh.Commands() {
		text := strings.Join(c.Args, " ")
		switch {
		case (c.Name == "curl" || c.Name == "wget") && strings.Contains(text, "getcomposer.org"):
		case c.Name == "php" && (len(c.Args) == 1 || strings.HasPrefix(c.Args[1], "--") || c.Args[1] == "-r" && strings.Contains(text, "composer") || strings.HasPrefix(path.Base(c.Args[1]), "composer-setup")):
		case (c.Name == "mv" || c.Name == "chmod" || c.Name == "rm" || c.Name == "ln") && strings.Contains(text, "composer"):
		case c.Name == "composer" && len(c.Args) == 2 && strings.HasPrefix(c.Args[1], "-"):
		default:
			return false
		}
	}
	return true
}

// kind says what a command does: app (it writes into the application), ext (it
// builds an extension), file, nothing that lasts; or why it isn't known.
func (p *phpSplit) kind(in *rewrite.Instruction, st rewrite.Step) string {
	app := func(args []string) string {
		if why := cmdline.StrayPath(args); why != "" {
			return why
		}
		p.builds = append(p.builds, artefacts.Step{In: in, Step: st})
		return "app"
	}
	args := st.Args
	switch path.Base(st.Name) {
	case "docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable":
		return "ext"
	case "docker-php-source":
		return "nothing"
	case "pecl":
		if len(args) > 1 && (args[1] == "install" || args[1] == "bundle") {
			return "ext"
		}
		return "nothing"
	case "composer", "composer.phar":
		return p.composer(app, args)
	case "php":
		for len(args) > 1 && strings.HasPrefix(args[1], "-d") {
			args = slices.Delete(slices.Clone(args), 1, min(2, len(args)))
		}
		if len(args) > 1 {
			switch base := path.Base(args[1]); base {
			case "composer", "composer.phar":
				return p.composer(app, args[1:])
			case "artisan", "console":
				return framework(app, args[1:])
			}
		}
	case "artisan", "console":
		return framework(app, args)
	case "npm", "yarn", "pnpm", "npx", "node":
		if slices.Contains(args, "-g") || slices.Contains(args, "global") || slices.Contains(args, "cache") {
			return "nothing"
		}
		return app(args)
	case "corepack":
		return "nothing"
	case "service": // what it starts ends with the RUN
		if len(args) == 3 && args[1] == "apache2" {
			return "nothing"
		}
	case "git":
		if len(args) > 1 && args[1] == "config" {
			return "nothing"
		}
	}
	if cmdline.Replayed[st.Name] || rewrite.Harmless(st.Name) || strings.HasPrefix(st.Name, "a2en") || strings.HasPrefix(st.Name, "a2dis") {
		return "file"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

// composer judges a call of Composer.
func (p *phpSplit) composer(app func([]string) string, args []string) string {
	p.tools = true
	verb := ""
	for _, a := range args[1:] {
		if verb == "" && !strings.HasPrefix(a, "-") {
			verb = a
		}
		if a == "-d" || strings.HasPrefix(a, "--working-dir") {
			return "Composer works in another folder (" + a + ")"
		}
	}
	switch verb {
	case "install", "i", "update", "u", "require", "remove", "dump-autoload", "dumpautoload", "dump-env", "run-script", "run", "symfony:dump-env":
		return app(args)
	case "config", "clear-cache", "clearcache", "self-update", "selfupdate", "diagnose", "validate", "check-platform-reqs", "show", "about", "audit", "":
		return "nothing"
	case "global":
		return "composer global installs programs in the home directory"
	}
	return "the effects of composer " + verb + " aren't known"
}

// appCommands are those of Laravel's artisan and Symfony's console that write
// into the application's folder only (bootstrap/cache, storage, var, public).
var appCommands = words(`config:cache route:cache view:cache event:cache optimize config:clear route:clear view:clear event:clear cache:clear optimize:clear clear-compiled key:generate storage:link vendor:publish package:discover
	filament:optimize icons:cache ziggy:generate livewire:publish
	cache:warmup assets:install importmap:install asset-map:compile tailwind:build sass:build ckeditor:install lexik:jwt:generate-keypair`)

func framework(app func([]string) string, args []string) string {
	verb := ""
	for _, a := range args[1:] {
		if verb == "" && !strings.HasPrefix(a, "-") {
			verb = a
		}
	}
	if !appCommands[verb] {
		return "where " + path.Base(args[0]) + " " + verb + " writes isn't known"
	}
	return app(args)
}

// layout decides what the runtime stage takes from where.
func (p *phpSplit) layout() bool {
	if p.ext != nil {
		p.Instead[p.ext] = append([]string{}, p.withExtensions()...)
	}
	if len(p.builds) == 0 {
		if p.Last == nil {
			return false
		}
		p.Explain("the extensions in %s come from the build stage, with their settings in %s", phpExtensions, phpConf)
		return p.place1()
	}
	p.Last = p.builds[0].In
	p.AppDir = p.builds[0].Step.Dir
	for _, b := range p.builds {
		if b.In.Index > p.Last.Index {
			p.Last = b.In
		}
		if b.Step.Dir == "" {
			return p.Decline(b.In, "the working directory isn't known")
		}
		if rewrite.Inside(p.AppDir, b.Step.Dir) {
			p.AppDir = b.Step.Dir
		}
	}
	if wd := p.Stage.At(nil).Workdir; wd != "" && rewrite.Inside(p.AppDir, wd) && !cmdline.SystemDir(wd) {
		p.AppDir = wd
	}
	if cmdline.SystemDir(p.AppDir) || p.AppDir == "/var/www" && p.Stage.At(nil).Workdir != p.AppDir {
		return p.Decline(p.Last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", p.AppDir)
	}
	for _, b := range p.builds {
		if !rewrite.Inside(b.Step.Dir, p.AppDir) || cmdline.Replayed[b.Step.Name] && !p.Within(b.Step) {
			return p.Decline(b.In, "%s works outside %s", strings.Join(b.Step.Args[:min(3, len(b.Step.Args))], " "), p.AppDir)
		}
	}
	if !p.Place(func(in *rewrite.Instruction) bool {
		return p.InstallsSystem(in) || p.configures(in) || p.bringsComposer(in)
	}) {
		return false
	}
	p.CopyFolder()
	p.Explain("%s comes from the build stage, with vendor/ and what %s writes", p.AppDir, strings.Join(p.builds[len(p.builds)-1].Step.Args[:min(3, len(p.builds[len(p.builds)-1].Step.Args))], " "))
	if p.ext != nil {
		p.Explain("the extensions come from the build stage, so that php -m lists the same")
	}
	return true
}

// withExtensions are the lines in the place of the last RUN that builds
// extensions: the libraries first, then what links them.
func (p *phpSplit) withExtensions() []string {
	copies := []string{p.CopyFrom(phpExtensions, phpExtensions), p.CopyFrom(phpConf, phpConf)}
	lines := p.Instead[p.ext]
	at := 0
	for at < len(lines) && strings.Contains(lines[at], "apt-get install") {
		at++
	}
	return slices.Concat(lines[:at], copies, lines[at:])
}

// configures: a RUN that sets up Apache or PHP by file commands.
func (p *phpSplit) configures(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	for _, st := range all {
		if !strings.HasPrefix(st.Name, "a2") && !p.systemFiles(st) {
			return false
		}
	}
	return why == ""
}

// place1: the application comes from the context as before; COPYs and file
// commands that touch the settings of extensions come with them.
func (p *phpSplit) place1() bool {
	for _, in := range p.Stage.Instructions {
		if in.Index > p.Last.Index {
			break
		}
		if in.Keyword != "copy" && in.Keyword != "add" && (in.Keyword != "run" || p.Roles[in] != split.InBoth || p.configures(in) || p.InstallsSystem(in)) || p.Roles[in] != split.InBoth {
			continue
		}
		trees, writes, why := p.Touched(in)
		if why != "" {
			continue
		}
		for _, t := range trees {
			writes = append(writes, t.Dest)
		}
		if len(writes) > 0 && !slices.ContainsFunc(writes, func(w string) bool {
			return !slices.ContainsFunc(p.Others, func(o string) bool { return rewrite.Inside(w, o) })
		}) {
			p.Roles[in] = split.InBuild
		}
	}
	return true
}
