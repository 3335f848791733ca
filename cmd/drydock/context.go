package main

// Which folder is a Dockerfile's build context.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/report"
	"drydock/rewrite"
)

// chosen is a build context with the reason for it.
type chosen struct {
	dir string // absolute, "" when the files of the repository don't agree on one
	why string // in words, "" for the Dockerfile's own folder
}

// context finds the build context of a Dockerfile: what compose and bake files
// say, else what CI files, Makefiles and scripts build; else the nearest folder,
// from its own up to the top of the repository, that holds everything the
// Dockerfile copies; else its own folder.
func (p *places) context(t *target, doc *rewrite.Document) chosen {
	own, top, sources := filepath.Dir(t.abs), p.top(t), literalSources(doc)
	rp := p.repo(top)
	named := p.named(rp.Builds(), t, top)
	if len(named) == 0 {
		named = p.named(rp.Invocations(), t, top)
	}
	// A folder that lacks what is copied fails the build: nobody uses it.
	if fit := slices.DeleteFunc(slices.Clone(named), func(n naming) bool { return !holds(n.dir, sources) }); len(fit) > 0 {
		named = fit
	}
	for _, n := range named {
		if n.dir != named[0].dir {
			return chosen{why: fmt.Sprintf("%s builds it from %s and %s from %s, so what lies in the build context isn't known; choose one with --context",
				named[0].from, p.show(named[0].dir), n.from, p.show(n.dir))}
		}
	}
	if len(named) > 0 {
		return p.because(own, named[0].dir, named[0].from+" builds it from there")
	}
	// docker/*.conf may match nothing, but a folder docker tells where it was meant to be.
	for _, sources := range [][]string{append(patternFolders(doc), sources...), sources} {
		for dir := own; ; dir = filepath.Dir(dir) {
			if holds(dir, sources) && (dir == own || aside(slashRel(dir, own)) || !holds(own, slices.DeleteFunc(slices.Clone(sources), whole))) {
				return p.because(own, dir, "it holds what the Dockerfile copies, its own folder doesn't")
			}
			if _, ok := below(top, dir); !ok || dir == top {
				break
			}
		}
	}
	return chosen{dir: own}
}

func (p *places) because(own, dir, why string) chosen {
	if dir == own {
		why = ""
	}
	return chosen{dir, why}
}

// isOf tells whether a build of the repository at top is of this Dockerfile.
func isOf(b repo.Build, t *target, top string) bool {
	return b.Dockerfile != "" && filepath.ToSlash(filepath.Clean(b.Dockerfile)) == slashRel(top, t.abs)
}

// naming is a context that a file of the repository names.
type naming struct{ dir, from string }

// named lists the contexts in which these builds use the Dockerfile.
func (p *places) named(builds []repo.Build, t *target, top string) []naming {
	var out []naming
	for _, b := range builds {
		if !isOf(b, t, top) || !filepath.IsLocal(filepath.FromSlash(b.Context)) {
			continue
		}
		dir := filepath.Join(top, filepath.FromSlash(b.Context))
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			out = append(out, naming{dir, fmt.Sprintf("%s:%d", b.File, b.Line)})
		}
	}
	return out
}

// given takes the folder that --context or a configuration gives, as why says. The error says that the Dockerfile can't
// be built from it: nothing that it copies is there, but all of it is in the
// folder that drydock would have chosen.
func (p *places) given(t *target, doc *rewrite.Document, dir, why string) (chosen, error) {
	sources := slices.DeleteFunc(literalSources(doc), func(s string) bool { return s == "." })
	if len(sources) == 0 || slices.ContainsFunc(sources, func(s string) bool { return holds(dir, []string{s}) }) {
		return chosen{dir, why}, nil
	}
	if c := p.context(t, doc); c.dir != "" && c.dir != dir && holds(c.dir, sources) {
		return chosen{}, &report.Error{
			Path:    t.path,
			Message: fmt.Sprintf("it can't be built from %s: %s isn't there", p.show(dir), strings.Join(sources, ", ")),
			Hint:    fmt.Sprintf("the build context is %s: leave %s out or name another folder", p.show(c.dir), why),
		}
	}
	return chosen{dir, why}, nil
}

// literalSources are the context paths that the Dockerfile copies, those with
// patterns and variables left out: they may match nothing.
func literalSources(doc *rewrite.Document) []string {
	var out []string
	for _, in := range doc.Instructions {
		for _, s := range in.ContextSources() {
			if !strings.ContainsAny(s, "$*?[") {
				out = append(out, s)
			}
		}
	}
	return out
}

// patternFolders are the folders in front of the patterns that the Dockerfile copies.
func patternFolders(doc *rewrite.Document) []string {
	var out []string
	for _, in := range doc.Instructions {
		for _, s := range in.ContextSources() {
			if at := strings.IndexAny(s, "*?["); at > 0 && !strings.Contains(s, "$") {
				if slash := strings.LastIndexByte(s[:at], '/'); slash > 0 {
					out = append(out, s[:slash])
				}
			}
		}
	}
	return out
}

func holds(dir string, sources []string) bool {
	for _, s := range sources {
		if s == "." {
			if !holdsMore(dir) {
				return false
			}
		} else if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(s))); err != nil {
			return false
		}
	}
	return true
}

func whole(source string) bool { return source == "." }

// asideNames are folders in which a project keeps its Dockerfiles apart from
// what they copy.
var asideNames = []string{
	"docker", "dockerfile", "dockerfiles", "container", "containers", "build", "builds", "deploy", "deployment", "deployments", "devops", "ops", "ci", "infra",
	"package", "packaging", "scripts", "script", "tools", "hack", "contrib", "release", "devcontainer", "k8s", "compose", "etc", "config", "images", "prod", "production", "dev",
}

// aside reports whether a path leads through such a folder. Elsewhere a
// Dockerfile with COPY . that is alone in its folder is one of a collection,
// and not built from the folder above.
func aside(rel string) bool {
	return slices.ContainsFunc(strings.Split(rel, "/"), func(part string) bool {
		return slices.Contains(asideNames, strings.TrimPrefix(strings.ToLower(part), "."))
	})
}

// holdsMore tells whether `COPY .` makes sense in a folder: docker/Dockerfile
// alone in its folder is built from the one above.
func holdsMore(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		n := e.Name()
		if !isDockerfile(n) && n != ".git" && n != ".gitignore" && !strings.HasSuffix(n, ".dockerignore") && !strings.HasPrefix(n, "README") {
			return true
		}
	}
	return false
}
