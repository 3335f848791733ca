// Package multistage is multi-stage: it splits a stage that builds an application and runs
// it into a build stage and a small runtime stage. A recipe, one file in a package of its
// ecosystem, says where each instruction goes (package split); the driver lists the recipes.
package multistage

import (
	"context"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/compiled"
	"drydock/transforms/multistage/dotnet"
	"drydock/transforms/multistage/elixir"
	"drydock/transforms/multistage/java"
	"drydock/transforms/multistage/javascript"
	"drydock/transforms/multistage/php"
	"drydock/transforms/multistage/python"
	"drydock/transforms/multistage/ruby"
	"drydock/transforms/multistage/site"
	"drydock/transforms/multistage/split"
)

// Transform is multi-stage, which package transforms registers.
func Transform() *rewrite.Transform {
	t := &rewrite.Transform{
		Name:      "multi-stage",
		Summary:   "Build in one stage, run in a small one",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A full python, node or golang image carries compilers, headers and version
control for the build; the program needs none of that when it runs
(https://docs.docker.com/build/building/multi-stage/).

The instructions of the last stage become the build stage; a runtime stage on a
small base is added, with the same ENV, WORKDIR, EXPOSE, ENTRYPOINT and CMD and
with everything at the same paths.

`,
		Assumes: `The program needs nothing of the full image but what the recipe carries over.
Nothing but a trial build and run proves a split, so every change writes down
what it rests on.`,
		Declines: `Where a fact speaks against it, which is then named: a package that
needs libraries or programs of the full image and isn't known, a start command or
health check that uses curl, git or a compiler, a program that starts others, and
every RUN whose effects aren't known.`,
		Policies: []rewrite.Policy{
			{Name: split.Slim, Summary: "the slim variant of an interpreter's image, or a JRE; distroless for static binaries"},
			{Name: split.Distroless, Summary: "distroless also for interpreters, where no shell is needed"},
			{Name: split.Smallest, Summary: "distroless, with the libraries of a compiled program, the image's own Python or Ruby, or a Java runtime that jlink makes, and scratch for static binaries that need nothing of an image"},
		},
		Run: Run,
	}
	for _, r := range recipes {
		t.Doc += r.Doc + "\n"
	}
	t.Doc += `
System packages are installed again in the runtime stage, save compilers and
headers; the libraries behind those headers are. For Python, Ruby and PHP a RUN that names a
further source of packages (Chrome's, NodeSource's), fetches a program that needs no library
(kubectl, jq) or makes locales is repeated whole, behind an install of what it calls.`
	return t
}

// Run gives the split of the last stage, for transforms that leave to multi-stage what it splits.
func Run(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) == 0 || d.Escape != '\\' {
		return nil, nil
	}
	stage := d.Final()
	ref, err := images.ParseRef(stage.BaseName())
	if err != nil {
		return nil, nil
	}
	r, ok := RecipeFor(stage, ref, nil)
	if !ok {
		return nil, nil
	}
	s := split.New(p, stage, ref)
	s.Tools, s.Reads, s.Refetch = r.Tools, r.Reads, r.Refetch
	s.Quiet = r.Quiet != nil && r.Quiet(stage)
	if !s.Prepare() || !r.Split(s) || s.Workplace() {
		return nil, nil
	}
	if c, ok := s.Finish(); ok {
		return []rewrite.Change{c}, nil
	}
	return nil, nil
}

// Ecosystem names the recipe that takes a document's last stage, "" for none.
func Ecosystem(d *rewrite.Document) string {
	ref, err := images.ParseRef(d.Final().BaseName())
	if err != nil {
		return ""
	}
	r, _ := RecipeFor(d.Final(), ref, nil)
	return r.Name
}

// RecipeFor is the first recipe that takes a stage on ref, of those with the given
// names; nil for all.
func RecipeFor(s *rewrite.Stage, ref images.Ref, among map[string]bool) (split.Recipe, bool) {
	for _, r := range recipes {
		if (among == nil || among[r.Name]) && r.Takes(s, ref) {
			return r, true
		}
	}
	return split.Recipe{}, false
}

// recipes are asked in this order: first the ones whose result another program than the
// language's serves, then by name.
var recipes = []split.Recipe{
	site.Recipe,
	javascript.Bun,
	python.Conda,
	compiled.Cpp,
	javascript.Deno,
	dotnet.Recipe,
	elixir.Recipe,
	compiled.Go,
	java.Recipe,
	java.War,
	java.Javac,
	javascript.Node,
	php.Recipe,
	python.Recipe,
	ruby.Recipe,
	compiled.Rust,
}
