package checks

import (
	"context"
	"fmt"
	"strings"

	"drydock/rewrite"
)

// unused-ignore finds comments that keep nothing away. Entries of a configuration, which
// may be for many Dockerfiles, are judged where a run knows all of them (cmd/drydock/idle.go).
var _ = register(&rewrite.Check{
	Name:      "unused-ignore",
	Summary:   "Ignores, in comments and configurations, of something that isn't there",
	CheckOnly: true,
	Idle:      true,
	Doc: "A `# drydock:ignore=NAME` or `# drydock:ignore-file=NAME` that nothing answers to: no\n" +
		"transform and no check has that name, it has nothing to say there any more, or the\n" +
		"day behind `until=` has passed. What is left behind hides the next case, and a\n" +
		"misspelt name silences nothing, though whoever wrote it thinks so (ESLint and Ruff\n" +
		"tell it too: https://docs.astral.sh/ruff/rules/unused-noqa/). Entries below `ignores`\n" +
		"in `.drydock.yaml` are found as well, at their line in that file, when drydock check looks at\n" +
		"the whole folder that the file is for.\n\n" +
		"Runs in drydock check only. `# hadolint ignore=…` and `# check=skip=…` are never\n" +
		"found: they are for other tools.",
	Passes: "Names of transforms and checks that didn't run (`--only`, `--skip`, those that run only when asked for, what a\n" +
		"configuration turns off); a comment at an instruction that the transform leaves alone for a reason of its own; comments without\n" +
		"a name, when anything was left out of the run.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		for _, i := range p.IdleIgnores() {
			message, hint := "nothing is there for the ignore of "+i.Name, "delete the comment, or the name in it"
			switch {
			case i.Name == "*":
				message, hint = "nothing is there for the ignore", "delete the comment"
			case i.Unknown && strings.HasPrefix(i.Name, "buildkit/"):
				message, hint = fmt.Sprintf("no rule of BuildKit's is called %q", i.Name), "https://docs.docker.com/reference/build-checks/ lists them"
			case i.Unknown:
				message, hint = fmt.Sprintf("no transform or check is called %q", i.Name), "drydock list has the names"
			case i.Ended != "":
				message, hint = fmt.Sprintf("the ignore of %s ended on %s", i.Name, i.Ended), "see to the matter, or give it another day"
			case i.BadDay != "":
				message, hint = fmt.Sprintf("until=%s is no day, so that the ignore of %s never ends", i.BadDay, i.Name), "write until=YYYY-MM-DD"
			}
			p.Report(p.Doc.InstructionAt(i.Line), rewrite.Finding{Line: i.Line, Message: message, Hint: hint})
		}
		return nil
	},
})
