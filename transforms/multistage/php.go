package multistage

import (
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// PHP of the official images. There is no slim variant: the image itself keeps
// a compiler ($PHPIZE_DEPS), so both stages stand on the same tag. What stays
// behind are the -dev packages that the file installs, Composer with its cache,
// git, unzip and Node for the assets.
//
// Every extension is carried over: the folder of extensions and conf.d come from
// the build stage, the libraries behind the -dev packages are installed. So does
// the application's folder, where Composer or a framework writes into it.
//
// It says nothing where a RUN removes its -dev packages itself, on Alpine
// (.build-deps is the custom there), and where the split would save nothing. It
// declines for -dev packages whose library it can't name and for RUNs that it
// doesn't know.

var _ = register(recipe{
	name:  "php",
	bases: words("php"),
	words: words("composer composer.phar docker-php-ext-install pecl"),
	tools: composerImage,
	doc: `- PHP: the compiled extensions with their libraries, and the application with vendor/,
  on the same tag, without -dev packages, Composer and git.`,
	split: splitPHP,
})

const (
	phpExtensions = "/usr/local/lib/php/extensions"
	phpConf       = "/usr/local/etc/php/conf.d"
)

// composerImage: the image that holds Composer.
func composerImage(ref string) bool {
	image, err := images.ParseRef(ref)
	return err == nil && (image.Repository() == "composer" || image.Repository() == "composer/composer")
}

type phpSplit struct {
	*appFolder
	ext    *rewrite.Instruction // the last RUN that builds extensions
	builds []rubyStep           // commands that write into the application
	tools  bool                 // Composer comes in
}

func splitPHP(s *split) bool {
	if strings.Contains(s.stageText(), "apt-mark ") || strings.Contains(s.stageText(), "--auto-remove") {
		return false // it removes what only the build needs in the RUN that installs it
	}
	p := &phpSplit{appFolder: &appFolder{split: s}}
	s.base, s.sameBase = s.stage.From.Fields()[0].Text, true
	p.leave()
	saves := ""
	for _, in := range s.stage.Instructions {
		if _, _, from, ok := in.Copy(); ok && from != "" && s.doc.StageByRef(from, s.stage.Index) == nil {
			p.composerRole(in)
		}
		if in.Keyword != "run" {
			continue
		}
		if all, why := in.Steps(); why == "" {
			for _, st := range all {
				a, ok := readApt(st)
				for _, w := range a.words {
					if ok && a.verb == "install" && saves == "" && (BuildOnly(w) || s.buildTools[w]) {
						saves = w
					}
				}
			}
		}
		if !p.run(in) {
			return false
		}
	}
	if p.last == nil || saves == "" && !p.tools {
		return false
	}
	s.settleUpdates()
	if p.ext != nil {
		p.others = []string{phpExtensions, phpConf}
	}
	if !p.layout() || !p.starts() {
		return false
	}
	s.why = "-dev packages, Composer and git are of use to the build alone"
	s.gain = "-dev packages, Composer's cache and git stay behind: 20 to 150 MB (compressed)"
	if s.p.Policy != Slim && s.p.Policy != "" {
		s.explain("there is no distroless image with PHP, and no slim one: it runs on %s", s.base)
	}
	s.explain("both stages stand on %s: the php images have no slim variant", s.base)
	s.assumes = append(s.assumes, "no extension needs more at run time than the library behind the -dev packages that the file installs, and the program starts no program that stays behind")
	return true
}

// leave names the packages that only Composer and the assets use: they stay
// behind where nothing that runs calls them.
func (p *phpSplit) leave() {
	text := p.stageText()
	p.buildTools = map[string]bool{}
	if p.composes() {
		for prog, pkg := range map[string]string{"git": "git", "unzip": "unzip", "zip": "zip", "7z": "p7zip-full", "hg": "mercurial", "svn": "subversion"} {
			if !p.calls(prog, ".php") {
				p.buildTools[pkg] = true
			}
		}
	}
	if assetRun().MatchString(text) && !p.calls("node", ".php") && !p.calls("npm", ".php") && !p.calls("yarn", ".php") {
		for _, pkg := range []string{"nodejs", "npm", "yarn", "yarnpkg"} {
			p.buildTools[pkg] = true
		}
	}
}

// composes: a RUN has Composer work on the application. Where none does, Composer and
// what it calls are there for work in the container: with the project mounted, say.
func (p *phpSplit) composes() bool {
	for _, in := range p.stage.Instructions {
		if in.Keyword == "run" && composerWorks().MatchString(in.Args.Text) {
			return true
		}
	}
	return false
}

var composerWorks = lazily(`\bcomposer(\.phar)?"?\s+(-\S+\s+)*(install|i|update|u|require|remove|dump-?autoload|dump-env|run|run-script|create-project)\b`)

// composerRole places the instruction that brings Composer.
func (p *phpSplit) composerRole(in *rewrite.Instruction) {
	switch {
	case !p.composes():
		p.roles[in] = inRuntime
	case p.calls("composer", ".php"):
		p.roles[in], p.tools = inBoth, true
	default:
		p.roles[in], p.tools = inBuild, true
	}
}

var assetRun = lazily(`(?m)\b(npm|yarn|pnpm)\s+(run\s+)?(build|prod|production)\b|(^|&&|;|RUN)\s*node\s`)

// starts: what runs is there. The images of Apache and FPM start their server
// without a CMD.
func (p *phpSplit) starts() bool {
	cmds, ok := p.started()
	if !ok {
		return false
	}
	if len(cmds) == 0 && (strings.Contains(p.ref.Tag, "apache") || strings.Contains(p.ref.Tag, "fpm")) {
		return p.composeStarts()
	}
	_, ok = p.canStart()
	return ok
}
