package transforms

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// name-stages gives stages that others refer to by number a name.
var _ = register(&rewrite.Transform{
	Name:    "name-stages",
	Summary: "Refer to stages by name, not by number",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL3022"},
	Doc: `COPY --from=0 means another stage as soon as somebody puts one in front of it, and says
nothing about what is copied. Docker's guide names stages for that reason
(https://docs.docker.com/build/building/multi-stage/#name-your-build-stages, hadolint
DL3022).

An unnamed stage gets a name by what it does: the words that the other stages of the file
use where there are some, else build, deps, frontend, download or the name of its image.
Its number goes on meaning the same stage, so --target 0 in another file does too.`,
	Declines: `Where a number means no stage in front of the instruction; in ONBUILD, whose numbers are
those of another file; where a compose or bake file or a script gives the build named
contexts, which would hide a stage of the same name; where a comment tells a linter to let
it pass; and where the line is broken in the middle of the word.`,
	Run: runNameStages,
})

func runNameStages(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	edits := map[*rewrite.Stage][]rewrite.Edit{}
	bad := map[*rewrite.Stage]bool{}
	for _, in := range d.Instructions {
		if in.Stage == nil {
			continue
		}
		for _, n := range numbersIn(in) {
			if in.Keyword == "onbuild" {
				p.Decline(in, "the number is that of a stage in the file that builds on this image")
				continue
			}
			s := d.StageByRef(n.value, in.Stage.Index)
			if s == nil {
				p.Decline(in, "no stage before this one has the number %s", n.value)
				continue
			}
			if why := p.Silenced(in); why != "" {
				p.Decline(in, "%s", why)
				bad[s] = true
			}
			sp, ok := in.SrcSpan(n.start, n.start+len(n.value))
			if !ok {
				p.Decline(in, "the number is broken over lines")
				bad[s] = true
			}
			edits[s] = append(edits[s], rewrite.Edit{Span: sp})
		}
	}
	var out []rewrite.Change
	for _, s := range d.Stages {
		refs := edits[s]
		if len(refs) == 0 || bad[s] {
			continue
		}
		name, title := s.Name, ""
		if name == "" {
			if file := p.Repo.NamedContexts(); file != "" {
				p.Decline(s.From, "%s names build contexts, and one of them may have the name that this stage would get", file)
				continue
			}
			f := s.From.Fields()
			if len(f) != 1 {
				continue
			}
			sp, ok := s.From.WordSpan(f[0])
			if name = stageName(p, s); name == "" || !ok {
				p.Decline(s.From, "there is no good name for it that isn't taken")
				continue
			}
			refs = append(refs, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: " " + rewrite.AsKeyword(s) + " " + name})
			title = fmt.Sprintf("name stage %d %s", s.Index, name)
		} else {
			if d.StageByRef(name, -1) != s {
				p.Decline(s.From, "another stage has the same name")
				continue
			}
			title = fmt.Sprintf("refer to stage %s by its name", name)
			name = s.From.Fields()[2].Text
		}
		for i := range edits[s] {
			refs[i].New = name
		}
		out = append(out, rewrite.Change{
			Title: title,
			Why:   "a number means another stage once one is put in front (Docker's guide to multi-stage builds, hadolint DL3022)",
			Gain:  "the file says what is copied, and stages can come and go",
			At:    s.From,
			Edits: refs,
		})
	}
	return out, nil
}

// number is a stage number in a flag.
type number struct {
	value string
	start int // in the instruction's text
}

// numbersIn are the stage numbers in COPY --from. The from of a RUN --mount takes
// names alone: BuildKit reads from=0 as an image called 0 (dockerfile2llb,
// detectRunMount).
func numbersIn(in *rewrite.Instruction) (out []number) {
	for _, f := range in.Inner().Flags {
		v, ok := strings.CutPrefix(f.Text, "--from=")
		if n, err := strconv.Atoi(v); ok && err == nil && n >= 0 && strings.Trim(v, "0123456789") == "" {
			out = append(out, number{v, f.Start + len("--from=")})
		}
	}
	return out
}

var (
	buildTools    = words(`go npm yarn pnpm bun mvn mvnw gradle gradlew cargo make cmake ninja dotnet sbt ng vite webpack tsc gcc g++ cc javac lein mix gulp grunt hugo meson python python3 pyinstaller stack cabal`)
	installTools  = words(`npm yarn pnpm pip pip3 poetry uv pipenv composer bundle bundler`)
	downloadTools = words(`curl wget git aria2c`)
	frontendTools = words(`npm yarn pnpm bun npx ng`)
)

// stageName chooses a name that nothing else in the file has.
func stageName(p *rewrite.Pass, s *rewrite.Stage) string {
	taken := map[string]bool{"scratch": true, "context": true}
	for _, o := range p.Doc.Stages {
		taken[o.Name], taken[strings.ToLower(o.BaseName())] = true, true
	}
	for _, in := range p.Doc.Instructions {
		if _, _, from, ok := in.Inner().Copy(); ok {
			taken[strings.ToLower(from)] = true
		}
		for _, m := range in.Inner().Mounts() {
			taken[strings.ToLower(m["from"])] = true
		}
	}
	for _, t := range p.Targets() {
		taken[strings.ToLower(t)] = true
	}
	kind, image := stageKind(s), imageWord(s)
	for _, n := range []string{kind, image + "-" + kind, kind + "-" + strconv.Itoa(s.Index)} {
		if n = strings.Trim(n, "-"); n != "" && !taken[n] && n[0] >= 'a' && n[0] <= 'z' {
			return n
		}
	}
	return ""
}

// stageKind says in a word what a stage does.
func stageKind(s *rewrite.Stage) string {
	builds, installs, downloads, frontend := false, false, false, false
	for _, in := range s.Instructions {
		if in.Keyword != "run" {
			continue
		}
		sh, why := in.Shell()
		if why != "" {
			builds = true
			continue
		}
		for _, c := range sh.Commands() {
			name := c.Name[strings.LastIndexByte(c.Name, '/')+1:]
			frontend = frontend || frontendTools[name]
			downloads = downloads || downloadTools[name]
			args := c.Args
			if strings.HasPrefix(name, "python") && len(args) > 2 && args[1] == "-m" { // python -m pip is pip
				args = args[2:]
				name = args[0]
			}
			fetches := installTools[name] && len(args) > 1 && (args[1] == "install" || args[1] == "ci" || args[1] == "sync" || args[1] == "i")
			installs = installs || fetches || installTools[name] && len(args) == 1
			builds = builds || buildTools[name] && !fetches && len(args) > 1 || name == "make"
		}
	}
	final := imageWord(s.Doc().Final())
	switch {
	case frontend && final != "node" && final != "nginx":
		return "frontend"
	case builds:
		return buildName(s.Doc())
	case installs:
		return "deps"
	case downloads:
		return "download"
	case !hasRun(s) && imageWord(s) != "":
		return imageWord(s)
	}
	return buildName(s.Doc())
}

// buildName is build, or builder where the file's other stages are called so.
func buildName(d *rewrite.Document) string {
	for _, s := range d.Stages {
		if strings.HasSuffix(s.Name, "builder") {
			return "builder"
		}
	}
	return "build"
}

func hasRun(s *rewrite.Stage) bool {
	for _, in := range s.Instructions {
		if in.Keyword == "run" {
			return true
		}
	}
	return false
}

// imageWord is the last part of the name of a stage's image, "" where it is no
// good as a name.
func imageWord(s *rewrite.Stage) string {
	base := s.BaseName()
	base = base[strings.LastIndexByte(base, '/')+1:]
	base, _, _ = strings.Cut(base, "@")
	base, _, _ = strings.Cut(base, ":")
	base = strings.ToLower(base)
	if base == "" || base == "scratch" || strings.Trim(base, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || base[0] < 'a' || base[0] > 'z' {
		return ""
	}
	return base
}
