package transforms

import (
	"context"

	"drydock/rewrite"
)

// copy-order copies the files that a dependency install reads before the
// install, and the rest of the code after it.
var _ = register(&rewrite.Transform{
	Name:    "copy-order",
	Summary: "Copy dependency files before the install and the code after it",
	Phase:   rewrite.PhaseOrder,
	Doc: `A COPY of the whole project in front of the dependency install makes every
change of any file run the install again
(https://docs.docker.com/build/cache/optimize/#order-your-layers).

The files that the install really reads (followed through -r and -c includes,
workspace members, lock files, patches, settings such as .npmrc) are copied first, then comes the install, then the COPY as
it was: everything it brought it still brings, to the same place.

Where the build itself fetches (go build, mvn package, dotnet publish, cargo build, sbt
assembly), the files that declare the dependencies are copied first, those of replaced
modules, workspaces and referenced projects included, and the fetch gets a layer of its
own: go mod download, mvn dependency:go-offline, dotnet restore, cargo fetch, sbt update.
Of Gradle only the distribution that its wrapper names can be fetched so.

Two more that cost every build: system packages installed behind a COPY of code
that they don't need go in front of it, and build arguments that change with
every build (GIT_SHA, BUILD_DATE, VERSION without a default), with the ENV and LABEL that
use them, go below the steps that download something, since a RUN sees each
argument declared above it
(https://docs.docker.com/build/cache/invalidation/#build-arguments).

Where git history changes the files of one COPY much more often than those of a
heavy one right behind it, the two change places: the heavy layer stays the same.

It moves a COPY only past instructions with which it commutes.`,
	Declines: `When the install reads more than that set: lifecycle scripts that build or that
nobody knows, local paths outside the workspaces, code generators, build scripts
that read files; when that takes more COPY lines than people write; when a tool
can't resolve the dependencies without the code (Maven modules that need each other, Go
workspaces whose modules do, Gradle); without a lock file of Cargo's; when the copied tree
could overwrite what the install wrote (node_modules without a .dockerignore entry);
or when something in between is not known.`,
	Assumes: `"npm install", "pipenv install", "uv sync" and "bundle install" may rewrite the
lock file where nothing forbids it: manifest and lock agree. A fetch of its own:
dependencies that the build doesn't need can be fetched too.`,
	Run: runCopyOrder,
})

func runCopyOrder(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	for _, s := range p.Doc.Stages {
		if c, ok := sinkVolatile(p, s); ok {
			return []rewrite.Change{c}, nil
		}
	}
	if !p.Repo.Known() {
		return nil, nil
	}
	for _, s := range p.Doc.Stages {
		if c, ok := stableFirst(p, s); ok {
			return []rewrite.Change{c}, nil
		}
	}
	for _, s := range p.Doc.Stages {
		for _, in := range s.Instructions {
			if in.Keyword != "run" {
				continue
			}
			eff := p.Effects(in)
			for _, inst := range together(eff.Installs) {
				if eff.Unknown != "" && fetchedBefore(in) {
					continue // it builds too
				}
				if c, ok := installFirst(p, s, in, eff, inst); ok {
					return []rewrite.Change{c}, nil
				}
			}
			if c, ok := fetchFirst(p, s, in); ok {
				return []rewrite.Change{c}, nil
			}
			if c, ok := codeLater(p, in, eff); ok {
				return []rewrite.Change{c}, nil
			}
		}
	}
	return nil, nil
}

// broadCopy is the COPY, or ADD of a folder, that brings the install's files together with more.
func broadCopy(p *rewrite.Pass, s *rewrite.Stage, in *rewrite.Instruction, file string) *rewrite.Instruction {
	_, by := s.Origin(in, file, p.Repo, p.Name)
	if by == nil || by.Stage != s || by.Index > in.Index {
		return nil
	}
	for _, src := range by.ContextSources() {
		if src == "." || p.Repo.IsDir(src) {
			return by
		}
	}
	return nil
}
