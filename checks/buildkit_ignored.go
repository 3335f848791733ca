package checks

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"

	"drydock/rewrite"
)

// findIgnoredCopies is BuildKit's rule CopyIgnoredFile, which BuildKit itself
// can run only behind a builder's gateway: dockerfile2llb asks its client for
// the .dockerignore. This is validateCopySourcePath of that package.
func findIgnoredCopies(p *rewrite.Pass) {
	ignore := p.Repo.Ignore(p.Name)
	if !ignore.Exists || ignore.Err != nil || len(ignore.Patterns) == 0 {
		return
	}
	matcher, err := patternmatcher.New(ignore.Patterns)
	if err != nil || matcher.Exclusions() {
		return // a later "!" may bring a part of it back
	}
	options, _, _, _ := parser.ParseDirective("check", []byte(p.Doc.Src))
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return
	}
	var in *rewrite.Instruction
	config.Warn = func(rule, _, url, message string, at []parser.Range) {
		p.Report(in, rewrite.Finding{Check: "buildkit/" + rule, Message: message, Hint: "see " + url, Line: at[0].Start.Line})
	}
	rules := linter.New(config)
	for _, s := range p.Doc.Stages {
		for _, in = range s.Instructions {
			cmd, ok := in.Cmd.(instructions.Command)
			sources, _, from, copies := in.Copy()
			if !ok || !copies || from != "" {
				continue
			}
			for _, src := range sources {
				src = s.At(in).Expand(src)
				if strings.Contains(src, "$") || in.Keyword == "add" && (strings.Contains(src, "://") || strings.HasPrefix(src, "git@")) {
					continue
				}
				src = path.Clean(src)
				if (src == "." || src == "/") && !ignoresAll(matcher) {
					continue
				}
				if excluded, err := matcher.MatchesOrParentMatches(src); err == nil && excluded {
					what := map[bool]string{true: "Add", false: "Copy"}[in.Keyword == "add"]
					comments := cmd.(interface{ Comments() []string }).Comments()
					rules.WithMergedConfigFromComments(comments).Run(&linter.RuleCopyIgnoredFile, cmd.Location(), linter.RuleCopyIgnoredFile.Format(what, src))
				}
			}
		}
	}
}

func ignoresAll(m *patternmatcher.PatternMatcher) bool {
	for _, p := range m.Patterns() {
		if s := p.String(); !p.Exclusion() && (s == "*" || s == "**" || s == "**/*") {
			return true
		}
	}
	return false
}
