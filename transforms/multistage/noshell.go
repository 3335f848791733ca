package multistage

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
	"drydock/rewrite"
)

// needsShell tells why the runtime stage can't be an image without a shell and
// without a package manager, "" when it can: every RUN of the runtime stage
// needs a shell, and so do shell forms and scripts. program reports whether
// such an image can start the program that a command begins with. Source calls
// of other programs (by file extension, ".py") need what the image hasn't.
//
// A recipe asks it when every role is settled.
func (s *split) needsShell(program func(words []string) bool, exts ...string) string {
	if len(s.apt.required) > 0 {
		return "the runtime stage installs " + s.apt.required[0]
	}
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && s.roles[in] != inBuild {
			return "line " + lineOf(in) + " runs in the runtime stage too"
		}
		for _, l := range append(append([]string{}, s.instead[in]...), s.ahead[in]...) {
			if strings.HasPrefix(strings.ToUpper(l), "RUN") {
				return "the runtime stage runs commands in the place of line " + lineOf(in)
			}
		}
		if in.Keyword == "shell" {
			return "SHELL names one"
		}
		line, shell := startLine(in)
		switch {
		case len(line) == 0:
		case shell:
			return strings.ToUpper(in.Keyword) + " is in shell form"
		case in.Keyword == "cmd" && s.hasEntrypoint(): // arguments
		case !program(line):
			return strings.ToUpper(in.Keyword) + " runs " + line[0]
		}
	}
	for _, l := range s.first {
		if strings.HasPrefix(strings.ToUpper(l), "RUN") {
			return "the runtime stage runs commands"
		}
	}
	for _, b := range s.runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if len(list) > 0 && !(list[0] == "NONE" || list[0] == "CMD" && len(list) > 1 && program(list[1:])) {
				return b.File + " runs " + strings.Join(list[:min(3, len(list))], " ") + " in the container"
			}
		}
	}
	return s.spawns(exts)
}

// hasEntrypoint: CMD holds arguments.
func (s *split) hasEntrypoint() bool {
	for _, in := range s.stage.Instructions {
		if in.Keyword == "entrypoint" {
			return true
		}
	}
	return false
}

// startLine is what CMD, ENTRYPOINT or HEALTHCHECK starts; none for others.
func startLine(in *rewrite.Instruction) (line []string, shell bool) {
	switch c := in.Cmd.(type) {
	case *instructions.CmdCommand:
		return c.CmdLine, c.PrependShell
	case *instructions.EntrypointCommand:
		return c.CmdLine, c.PrependShell
	case *instructions.HealthCheckCommand:
		if h := c.Health; h != nil && len(h.Test) > 1 {
			return h.Test[1:], h.Test[0] == "CMD-SHELL"
		}
	}
	return nil, false
}

// spawns names the first place of the source that starts another program.
func (s *split) spawns(exts []string) string {
	if !s.p.Unsafe || len(exts) == 0 {
		return ""
	}
	return s.sourceSays(spawn[exts[0]](), " starts other programs", exts)
}

// sourceSays names the first place of the source, tests aside, that a pattern
// matches, with what it says of the place behind it; "" for none.
func (s *split) sourceSays(re *regexp.Regexp, what string, exts []string) string {
	return s.sources(exts, func(f, src string) string {
		if at := re.FindStringIndex(src); at != nil {
			return f + ":" + lineAt(src, at[0]) + what
		}
		return ""
	})
}

// sources asks about each file of the project with one of the extensions that
// the build context holds, tests and very long files aside, until one gives an
// answer.
func (s *split) sources(exts []string, ask func(file, src string) string) string {
	files, complete := s.p.Repo.Files()
	if !complete {
		return "the project is too big to be searched for programs that it runs"
	}
	ig, tests := s.p.Repo.Ignore(s.p.Name), s.runsTests()
	for _, f := range files {
		if !slices.Contains(exts, path.Ext(f)) || repo.TestFile(f) && !tests || ig.Excluded(f) {
			continue
		}
		src, err := s.p.Repo.ReadFile(f)
		if err != nil || len(src) > repo.MaxScanBytes {
			continue
		}
		if why := ask(f, string(src)); why != "" {
			return why
		}
	}
	return ""
}

// runsTests: the stage starts a test runner, so that the tests are its program.
func (s *split) runsTests() bool {
	for _, in := range s.stage.Instructions {
		if line, _ := startLine(in); in.Keyword != "healthcheck" && testRunner().MatchString(strings.Join(line, " ")) {
			return true
		}
	}
	return false
}

var testRunner = lazily(`\b(pytest|tox|nox|unittest|behave|jest|mocha|vitest|cypress|rspec|prove|(npm|yarn|pnpm) (run )?test\S*|manage\.py test)\b`)

func lineOf(in *rewrite.Instruction) string { return strconv.Itoa(in.Line) }

// lineAt is the number of the line at a byte of the text.
func lineAt(text string, at int) string { return strconv.Itoa(strings.Count(text[:at], "\n") + 1) }
