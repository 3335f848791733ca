package transforms

import (
	"context"
	"fmt"
	"strings"

	"drydock/rewrite"
)

// one-cmd drops what a later instruction of the stage replaces.
var _ = register(&rewrite.Transform{
	Name:    "one-cmd",
	Summary: "Drop a CMD, ENTRYPOINT or HEALTHCHECK that a later one replaces",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL4003", "DL4004", "DL3012", "MultipleInstructionsDisallowed"},
	Doc: `Of several CMD in a stage only the last takes effect, and so it is with
ENTRYPOINT and HEALTHCHECK
(https://docs.docker.com/reference/dockerfile/#cmd, BuildKit's check
MultipleInstructionsDisallowed, hadolint DL4003, DL4004 and DL3012). The earlier
ones do nothing and mislead the reader, so they go, and with them the comments
that stand right above them.

A CMD in front of an ENTRYPOINT is not such a one: it gives the arguments. Nor
is the CMD of a stage from which another one is built.`,
	Declines: `Where a CMD has no effect for another reason, an ENTRYPOINT in
shell form that ignores it: which of the two is meant has to be said. Where a comment
of more than three lines stands above it, which may say more, and where a
comment tells a linter to let it pass.`,
	Run: runOneCmd,
})

func runOneCmd(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for i, in := range s.Instructions {
			if in.Keyword != "cmd" && in.Keyword != "entrypoint" && in.Keyword != "healthcheck" {
				continue
			}
			last := in
			for _, n := range s.Instructions[i+1:] {
				if n.Keyword == in.Keyword {
					last = n
				}
			}
			name := strings.ToUpper(in.Keyword)
			if last == in {
				if in.Keyword == "cmd" && ignoredBy(s) != nil && in.Args.Text != "[]" {
					p.Decline(in, "the ENTRYPOINT on line %d is in shell form and ignores this CMD: write it as a JSON list, or drop one of them", ignoredBy(s).Line)
				}
				continue
			}
			if comment := p.Doc.Src[in.Lead():in.Span.Start]; strings.Count(comment, "\n") > 3 {
				p.Decline(in, "the %s on line %d replaces it; drop it by hand with what of the comment above it is no longer true", name, last.Line)
				continue
			}
			out = append(out, rewrite.Change{
				Title: fmt.Sprintf("drop %s, which the one on line %d replaces", name, last.Line),
				Why:   "only the last " + name + " of a stage takes effect (Docker's reference, BuildKit's check MultipleInstructionsDisallowed)",
				At:    in,
				Edits: []rewrite.Edit{p.Doc.Delete(in)},
			})
		}
	}
	return out, nil
}

// ignoredBy is the stage's own ENTRYPOINT when it is in shell form and looks at
// no argument.
func ignoredBy(s *rewrite.Stage) *rewrite.Instruction {
	for i := len(s.Instructions) - 1; i >= 0; i-- {
		in := s.Instructions[i]
		if in.Keyword != "entrypoint" {
			continue
		}
		if in.JSON || strings.HasPrefix(in.Args.Text, "[") || strings.Contains(in.Args.Text, "$@") || strings.Contains(in.Args.Text, "$*") || strings.Contains(in.Args.Text, "$0") || strings.Contains(in.Args.Text, "$1") {
			return nil
		}
		return in
	}
	return nil
}
