// Package php has the recipe for PHP.
package php

import (
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

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

// Recipe is the recipe for PHP.
var Recipe = split.Recipe{
	Name:  "php",
	Bases: words("php"),
	Words: words("composer composer.phar docker-php-ext-install pecl"),
	Tools: composerImage,
	Doc: `- PHP: the compiled extensions with their libraries, and the application with vendor/,
  on the same tag, without -dev packages, Composer and git.`,
	Refetch: true,
	Split:   splitPHP,
}

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
	*artefacts.Folder
	ext    *rewrite.Instruction // the last RUN that builds extensions
	builds []artefacts.Step     // commands that write into the application
	tools  bool                 // Composer comes in
}

func splitPHP(s *split.Split) bool {
	if strings.Contains(s.StageText(), "apt-mark ") || strings.Contains(s.StageText(), "--auto-remove") {
		return false // it removes what only the build needs in the RUN that installs it
	}
	p := &phpSplit{Folder: &artefacts.Folder{Split: s}}
	s.Base, s.SameBase = s.Stage.From.Fields()[0].Text, true
	p.leave()
	saves := ""
	for _, in := range s.Stage.Instructions {
		if _, _, from, ok := in.Copy(); ok && from != "" && s.Doc.StageByRef(from, s.Stage.Index) == nil {
			p.composerRole(in)
		}
		if in.Keyword != "run" {
			continue
		}
		if all, why := in.Steps(); why == "" {
			for _, st := range all {
				a, ok := distro.ReadApt(st)
				for _, w := range a.Words {
					if ok && a.Verb == "install" && saves == "" && (distro.BuildOnly(w) || s.BuildTools[w]) {
						saves = w
					}
				}
			}
		}
		if !p.run(in) {
			return false
		}
	}
	if p.Last == nil || saves == "" && !p.tools {
		return false
	}
	s.SettleUpdates()
	if p.ext != nil {
		p.Others = []string{phpExtensions, phpConf}
	}
	if !p.layout() || !p.starts() {
		return false
	}
	s.Why = "-dev packages, Composer and git are of use to the build alone"
	s.Gain = "-dev packages, Composer's cache and git stay behind: 20 to 150 MB (compressed)"
	if s.Pass.Policy != split.Slim && s.Pass.Policy != "" {
		s.Explain("there is no distroless image with PHP, and no slim one: it runs on %s", s.Base)
	}
	s.Explain("both stages stand on %s: the php images have no slim variant", s.Base)
	s.Assumes = append(s.Assumes, "no extension needs more at run time than the library behind the -dev packages that the file installs, and the program starts no program that stays behind")
	return true
}

// leave names the packages that only Composer and the assets use: they stay
// behind where nothing that runs calls them.
func (p *phpSplit) leave() {
	text := p.StageText()
	p.BuildTools = map[string]bool{}
	if p.composes() {
		for prog, pkg := range map[string]string{"git": "git", "unzip": "unzip", "zip": "zip", "7z": "p7zip-full", "hg": "mercurial", "svn": "subversion"} {
			if !p.Calls(prog, ".php") {
				p.BuildTools[pkg] = true
			}
		}
	}
	if assetRun().MatchString(text) && !p.Calls("node", ".php") && !p.Calls("npm", ".php") && !p.Calls("yarn", ".php") {
		for _, pkg := range []string{"nodejs", "npm", "yarn", "yarnpkg"} {
			p.BuildTools[pkg] = true
		}
	}
}

// composes: a RUN has Composer work on the application. Where none does, Composer and
// what it calls are there for work in the container: with the project mounted, say.
func (p *phpSplit) composes() bool {
	for _, in := range p.Stage.Instructions {
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
		p.Roles[in] = split.InRuntime
	case p.Calls("composer", ".php"):
		p.Roles[in], p.tools = split.InBoth, true
	default:
		p.Roles[in], p.tools = split.InBuild, true
	}
}

var assetRun = lazily(`(?m)\b(npm|yarn|pnpm)\s+(run\s+)?(build|prod|production)\b|(^|&&|;|RUN)\s*node\s`)

// starts: what runs is there. The images of Apache and FPM start their server
// without a CMD.
func (p *phpSplit) starts() bool {
	cmds, ok := p.Started()
	if !ok {
		return false
	}
	if len(cmds) == 0 && (strings.Contains(p.Ref.Tag, "apache") || strings.Contains(p.Ref.Tag, "fpm")) {
		return p.ComposeStarts()
	}
	_, ok = p.CanStart()
	return ok
}
