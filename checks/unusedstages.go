package checks

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// unused-stages finds stages that end in no image. Why it proposes no removal:
// docs/decisions/0009-unused-stages-are-a-finding.md.
var _ = register(&rewrite.Check{
	Name:    "unused-stages",
	Summary: "A stage that no other stage uses and nothing builds",
	Doc: `No later stage is built from it or copies from it, and no compose, bake or CI file,
Makefile or script names it as a target. BuildKit passes over such a stage
(https://docs.docker.com/build/building/multi-stage/#differences-between-legacy-builder-and-buildkit),
so that an error in it goes unseen; the classic builder and kaniko build it each time. It
is a leftover, or the COPY --from that should use it names another stage.`,
	Passes: `A stage whose name or comment says that it is a target (test, dev, lint, ci, release
and the like), one that could be run (it sets CMD, ENTRYPOINT, EXPOSE or HEALTHCHECK) or
exported (it starts from scratch), one that a comment or a README speaks of, one that a
computed reference (FROM build-${TARGETARCH}) may mean, and every stage where a target is
computed or no stage of many uses another.`,
	Run: func(_ context.Context, p *rewrite.Pass) error {
		d := p.Doc
		if len(d.Stages) < 2 {
			return nil
		}
		used, known := usedStages(p)
		if !known {
			return nil
		}
		for _, s := range d.Stages[:len(d.Stages)-1] {
			if used[s] || isTarget(p, s) {
				continue
			}
			what := fmt.Sprintf("stage %d", s.Index)
			if s.Name != "" {
				what = "stage " + s.Name
			}
			p.Report(s.From, rewrite.Finding{
				Message: what + " is used by nothing",
				Hint:    "drop it, copy from it, or say in a comment who builds it with --target",
			})
		}
		return nil
	},
})

// usedStages are those that a later stage or a file of the project names; known
// is false where a target is computed or a file can't be read.
func usedStages(p *rewrite.Pass) (used map[*rewrite.Stage]bool, known bool) {
	used = map[*rewrite.Stage]bool{}
	for _, b := range p.Repo.Builds() {
		if b.Err != "" {
			return nil, false
		}
	}
	for _, t := range p.Targets() {
		if strings.ContainsAny(t, "$<{") {
			return nil, false
		}
		used[p.Doc.StageByRef(t, -1)] = true
	}
	uses := len(used)
	name := func(ref string, limit int) {
		if !strings.Contains(ref, "$") {
			used[p.Doc.StageByRef(ref, limit)] = true
			return
		}
		may := variable.ReplaceAllString(regexp.QuoteMeta(strings.ToLower(strings.Trim(ref, `"'`))), ".*")
		re, err := regexp.Compile("^" + may + "$")
		for _, s := range p.Doc.Stages[:limit] {
			used[s] = used[s] || err != nil || re.MatchString(s.Name)
		}
	}
	for _, s := range p.Doc.Stages {
		name(s.From.Cmd.(*instructions.Stage).BaseName, s.Index)
		used[s.Parent()] = true
		for _, in := range s.Instructions {
			if _, _, from, _ := in.Copy(); from != "" {
				name(from, s.Index)
			}
			for _, m := range in.Mounts() {
				name(m["from"], s.Index)
			}
		}
	}
	delete(used, nil)
	// Many stages of which none uses another aren't steps to one image.
	return used, len(used) > uses || len(p.Doc.Stages) == 2
}

// variable is a variable in a quoted pattern.
var variable = regexp.MustCompile(`\\\$(\\\{[^}]*\}|\w+)`)

// purposes are words in names of stages that people build by name.
var purposes = rewrite.Words(`test tests testing tester unittest e2e integration lint linter check checks checker verify validate validation coverage audit scan
	dev develop development devel debug debugger local ide shell devcontainer envs hot watch
	ci cd prod production release final runtime run runner serve server app image deploy target stage staging
	docs doc documentation export exporter output out artifact artifacts bin binary binaries package packages dist update vendor vendored generate generated gen format fmt bench benchmark
	cli web api worker nightly beta rootless minimal slim full alpine debian`)

// isTarget: the stage is there to be built by name, as far as anybody says.
func isTarget(p *rewrite.Pass, s *rewrite.Stage) bool {
	parts := strings.FieldsFunc(s.Name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	if slices.ContainsFunc(parts, func(w string) bool { return purposes[w] }) || s.BaseName() == "scratch" {
		return true
	}
	for _, in := range s.Instructions {
		switch in.Keyword {
		case "cmd", "entrypoint", "expose", "healthcheck", "onbuild":
			return true
		}
	}
	d := p.Doc
	if strings.Contains(strings.ToLower(d.Src[s.From.Lead():s.From.Span.Start]), "target") {
		return true
	}
	if s.Name == "" {
		return false
	}
	for _, l := range strings.Split(d.Src, "\n") {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "#") && wordIn(strings.ToLower(l), s.Name) {
			return true
		}
	}
	for _, e := range p.Repo.ReadDir(".") {
		if ext := strings.ToLower(path.Ext(e.Name())); ext == ".md" || ext == ".rst" || ext == ".txt" || ext == ".adoc" {
			src, err := p.Repo.ReadFile(e.Name())
			if err == nil && strings.Contains(string(src), "--target") && wordIn(strings.ToLower(string(src)), s.Name) {
				return true
			}
		}
	}
	return false
}

// wordIn reports whether a text holds a word with no letter or digit beside it.
func wordIn(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		if (i == 0 || !wordByte(text[i-1])) && (i+len(word) == len(text) || !wordByte(text[i+len(word)])) {
			return true
		}
		from = i + 1
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
}
