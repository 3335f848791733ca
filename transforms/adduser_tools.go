package transforms

import (
	"fmt"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Tools of a project that write next to its code when the container starts: into
// folders that root has made, in the image.

// besideCode are they, with the words that make them write. Prisma refuses to work
// where it can't write below node_modules
// (https://github.com/prisma/prisma, packages/fetch-engine/src/download.ts).
var besideCode = lazily(`(?:^|[ ;&|(/])(prisma (?:migrate|db|generate|studio)|nest (?:start|build)|tsc(?:-watch)?|tsup|ng (?:serve|build)|` +
	`next (?:build|dev|start)|nuxt (?:build|dev|generate)|nuxi (?:build|dev|generate)|react-scripts (?:start|build)|craco (?:start|build)|react-app-rewired (?:start|build)|umi (?:dev|build)|rsbuild (?:dev|build)|docusaurus (?:start|build)|vuepress (?:dev|build)|vitepress (?:dev|build)|vue-cli-service (?:serve|build)|` +
	`vite(?: (?:build|dev|serve))?|gatsby (?:develop|build|serve)|astro (?:build|dev)|remix (?:build|dev|vite:\w+)|strapi (?:develop|start|build)|webpack(?:-dev-server)?|parcel|rollup|` +
	`(?:npm|pnpm|bun) (?:install|i|ci|add)|yarn (?:install|add)|` +
	`manage\.py (?:makemigrations|compilemessages)|flask db (?:init|migrate|revision)|alembic (?:init|revision)|` +
	`rails (?:s|server|db:\S+|c|console|r|runner)|rake db:\S+)(?:[ ;&|)]|$)`)

// beats finds Celery's scheduler, which keeps its clock in celerybeat-schedule in the working
// directory, unless the schedule lies elsewhere
// (https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#starting-the-scheduler).
var (
	beats     = lazily(`(?:^|[ ;&|(/])celery (?:[^;&|]* )?(?:beat|-B|--beat)(?:[ ;&|)]|$)`)
	scheduled = lazily(` (?:-s|--schedule|-S|--scheduler)[ =]\S`)
)

// besides names what of a command writes next to the code; "" for nothing.
func besides(text string) string {
	if m := besideCode().FindStringSubmatch(text); m != nil {
		return m[1]
	}
	if beats().MatchString(text) && !scheduled().MatchString(text) {
		return "celery beat"
	}
	return ""
}

// writesBesideCode tells that what starts in the container writes next to the code: a
// command of the file or of a compose service, or a script of package.json that one
// of them runs. "" for nothing.
func writesBesideCode(p *rewrite.Pass, s *rewrite.Stage) string {
	node := p.Repo.Node(".")
	look := func(at, text string) string {
		text = plainCommand(text)
		if m := besides(text); m != "" {
			return fmt.Sprintf("%s %s, which writes next to the code", at, m)
		}
		for _, run := range scriptsOf(node, text) {
			if m := besides(plainCommand(run.Command)); m != "" {
				return fmt.Sprintf("package.json starts %s (%s), which writes next to the code", m, run.Name)
			}
		}
		return ""
	}
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			if in.Keyword != "cmd" && in.Keyword != "entrypoint" {
				continue
			}
			if why := look("it starts", in.Args.Text); why != "" {
				return why
			}
		}
	}
	for _, b := range p.Services(s) {
		if why := look(fmt.Sprintf("%s:%d starts", b.File, b.Line), strings.Join(append(b.Entrypoint, b.Command...), " ")); why != "" {
			return why
		}
	}
	return ""
}

// appFolder is the working directory with all that lies in it, for a tool that writes next
// to the code. COPYs alone must bring it: they can give it to the user, where a chown -R
// would store it twice. why tells what stands against it.
func appFolder(p *rewrite.Pass, s *rewrite.Stage, a account, beside string) (f folder, why string) {
	dir := s.At(nil).Workdir
	if s.Parent() != nil || !a.shell || dir == "" || rewrite.Stands(dir, "") || !plainPath().MatchString(dir) || a.home != "" && rewrite.Inside(a.home, dir) {
		return f, beside
	}
	f = folder{path: dir, made: true, late: true, why: beside}
	for _, in := range s.Instructions {
		_, dest, _, copies := in.Copy()
		if in.Keyword == "run" && (len(f.trees) > 0 || strings.Contains(in.Text, dir)) && !globalInstall().MatchString(in.Args.Text) || in.Keyword == "volume" {
			return f, beside
		}
		if !copies {
			continue
		}
		st := s.At(in)
		to, ok := st.Abs(st.Expand(dest))
		_, owned := in.Flag("chown")
		if !ok || rewrite.Inside(dir, to) && to != dir || rewrite.Inside(to, dir) && (owned || in.Keyword != "copy") {
			return f, beside
		}
		if rewrite.Inside(to, dir) {
			f.trees = append(f.trees, in)
		}
	}
	if len(f.trees) == 0 {
		return f, beside
	}
	return f, mounted(p, s, []folder{f})
}

// globalInstall: a RUN that installs programs of npm outside of the project, and no more.
var globalInstall = lazily(`^\s*(npm (install|i|add) ([^;&|]* )?(-g|--global)( [^;&|]*)?|yarn global add [^;&|]*|pnpm add (-g|--global) [^;&|]*|corepack enable)(&& (npm|yarn) cache clean( --force)?)?\s*$`)

func scriptsOf(n *repo.Node, text string) []repo.NodeScript {
	if n == nil {
		return nil
	}
	return n.Started(text)
}

// plainCommand is a command with its words set apart by one blank, JSON's signs and
// the folder of a package's programs gone.
func plainCommand(text string) string {
	text = strings.NewReplacer(`"`, " ", `'`, " ", ",", " ", "[", " ", "]", " ", "\\\n", " ", "node_modules/.bin/", "", "./", "").Replace(text)
	return strings.Join(strings.Fields(text), " ")
}
