package checks

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/rewrite"
)

// buildkit tells what `docker build --check` tells. How its rules are run:
// docs/decisions/0004-build-checks.md.
var _ = register(&rewrite.Check{
	Name:      "buildkit",
	Summary:   "BuildKit's own build checks, as docker build --check has them",
	CheckOnly: true,
	Doc: "BuildKit's rules (https://docs.docker.com/reference/build-checks/ lists them) with its own names,\n" +
		"messages and links, without a builder and without the network; over thousands of\n" +
		"public files drydock finds what `docker build --check` finds. Findings carry the\n" +
		"rule, as in buildkit/JSONArgsRecommended. `# check=skip=…` at the top of the file\n" +
		"and above an instruction silences rules as in Docker, and so does\n" +
		"`# drydock:ignore=buildkit/RULE`. `# check=error=true` changes nothing: drydock check\n" +
		"exits with 1 either way. Most of what BuildKit would refuse to build\n" +
		"has the finding buildkit/BuildError.\n\n" +
		"Runs in drydock check only, which is there for findings.",
	Passes: "Rules that need to know more than the file: UndefinedVar where the base image isn't in drydock's catalogue, since\n" +
		"the image may set the variable; InvalidBaseImagePlatform. CopyIgnoredFile needs the build context. Experimental rules speak when\n" +
		"`# check=experimental=…` asks for them. SecretsUsedInArgOrEnv is left to the check secrets where that\n" +
		"speaks of the same variable.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		warnings, err := buildChecks(p, nil)
		if given := unsetArgs(p.Doc); err != nil && len(given) > 0 {
			// A build passes at least the arguments that have no default.
			warnings, err = buildChecks(p, given)
		}
		for _, w := range warnings {
			in := p.Doc.InstructionAt(w.line)
			if w.rule == linter.RuleUndefinedVar.Name && in.Stage != nil && !in.Stage.At(nil).Known {
				continue // the base image may set it
			}
			f := rewrite.Finding{Check: "buildkit/" + w.rule, Message: w.message, Hint: "see " + w.url, Line: w.line}
			if w.rule == linter.RuleSecretsUsedInArgOrEnv.Name {
				_, about, _ := strings.Cut(w.message, "(")
				f.About = strings.TrimSuffix(about, ")")
			}
			p.Report(in, f)
		}
		findIgnoredCopies(p)
		if err != nil {
			findRefusal(p, err)
		}
		return nil
	},
})

// findRefusal reports what a build would fail with.
func findRefusal(p *rewrite.Pass, err error) {
	line := 1
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		line = at.Locations[0][0].Start.Line
	}
	in := p.Doc.InstructionAt(line)
	unfilled := strings.Contains(err.Error(), "should not be blank") || strings.Contains(err.Error(), "invalid reference format")
	if unfilled && in.Keyword == "from" && strings.Contains(in.Args.Text, "$") {
		return // a build arg is to fill it in: that is InvalidDefaultArgInFrom
	}
	p.Report(in, rewrite.Finding{
		Check: "buildkit/" + buildError, Line: line, Hint: "see https://docs.docker.com/reference/dockerfile/",
		Message: "BuildKit refuses to build this: " + strings.Join(strings.Fields(err.Error()), " "),
	})
}

// warning is what a rule says.
type warning struct {
	rule, message, url string
	line               int
}

// buildChecks runs the rules on the file as a build with these build args
// would; the error is what the build would fail with.
func buildChecks(p *rewrite.Pass, buildArgs map[string]string) ([]warning, error) {
	var out []warning
	src := []byte(p.Doc.Src)
	options, _, _, _ := parser.ParseDirective("check", src)
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return nil, err
	}
	config.Warn = func(rule, _, url, message string, at []parser.Range) {
		line := 1
		if len(at) > 0 {
			line = max(at[0].Start.Line, 1)
		}
		out = append(out, warning{rule, message, url, line})
	}
	b := &builder{pass: p, lint: linter.New(config), buildArgs: buildArgs, os: "linux"}
	if windows(p.Doc) {
		b.os = "windows"
	}
	err = b.file(src)
	slices.SortStableFunc(out, func(a, b warning) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.rule+a.message, b.rule+b.message)
	})
	return out, err
}

// windows tells a file for Windows images, where C:\ is absolute.
func windows(d *rewrite.Document) bool {
	if d.Escape == '`' {
		return true
	}
	for _, s := range d.Stages {
		base := strings.ToLower(s.BaseName())
		if strings.Contains(base, "windows") || strings.Contains(base, "nanoserver") {
			return true
		}
		for _, in := range s.Instructions {
			if a := in.Args.Text; in.Keyword == "workdir" && len(a) > 2 && a[1] == ':' && (a[2] == '\\' || a[2] == '/') {
				return true
			}
		}
	}
	return false
}

// unsetArgs gives a value to each ARG in front of the first FROM without a default.
func unsetArgs(d *rewrite.Document) map[string]string {
	out := map[string]string{}
	for _, in := range d.Instructions {
		if in.Stage != nil {
			break
		}
		if c, ok := in.Cmd.(*instructions.ArgCommand); ok {
			for _, a := range c.Args {
				if a.Value == nil {
					out[a.Key] = "unset"
				}
			}
		}
	}
	return out
}
