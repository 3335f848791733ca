package split

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/cmdline"
)

// NeedsShell tells why the runtime stage can't be an image without a shell and
// without a package manager, "" when it can: every RUN of the runtime stage
// needs a shell, and so do shell forms and scripts. program reports whether
// such an image can start the program that a command begins with. Source calls
// of other programs (by file extension, ".py") need what the image hasn't.
//
// A recipe asks it when every role is settled.
func (s *Split) NeedsShell(program func(words []string) bool, exts ...string) string {
	if len(s.Apt.Required) > 0 {
		return "the runtime stage installs " + s.Apt.Required[0]
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && s.Roles[in] != InBuild {
			return "line " + cmdline.LineOf(in) + " runs in the runtime stage too"
		}
		for _, l := range append(append([]string{}, s.Instead[in]...), s.Ahead[in]...) {
			if strings.HasPrefix(strings.ToUpper(l), "RUN") {
				return "the runtime stage runs commands in the place of line " + cmdline.LineOf(in)
			}
		}
		if in.Keyword == "shell" {
			return "SHELL names one"
		}
		line, shell := cmdline.StartLine(in)
		switch {
		case len(line) == 0:
		case shell:
			return strings.ToUpper(in.Keyword) + " is in shell form"
		case in.Keyword == "cmd" && s.HasEntrypoint(): // arguments
		case !program(line):
			return strings.ToUpper(in.Keyword) + " runs " + line[0]
		}
	}
	for _, l := range s.First {
		if strings.HasPrefix(strings.ToUpper(l), "RUN") {
			return "the runtime stage runs commands"
		}
	}
	for _, b := range s.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if len(list) > 0 && !(list[0] == "NONE" || list[0] == "CMD" && len(list) > 1 && program(list[1:])) {
				return b.File + " runs " + strings.Join(list[:min(3, len(list))], " ") + " in the container"
			}
		}
	}
	return s.spawns(exts)
}

// HasEntrypoint: CMD holds arguments.
func (s *Split) HasEntrypoint() bool {
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "entrypoint" {
			return true
		}
	}
	return false
}

// spawns names the first place of the source that starts another program.
func (s *Split) spawns(exts []string) string {
	if !s.Pass.Unsafe || len(exts) == 0 {
		return ""
	}
	return s.SourceSays(spawn[exts[0]](), " starts other programs", exts)
}

// SourceSays names the first place of the source, tests aside, that a pattern
// matches, with what it says of the place behind it; "" for none.
func (s *Split) SourceSays(re *regexp.Regexp, what string, exts []string) string {
	return s.Sources(exts, func(f, src string) string {
		if at := re.FindStringIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(src, at[0]) + what
		}
		return ""
	})
}

// Sources asks about each file of the project with one of the extensions that
// the build context holds, tests and very long files aside, until one gives an
// answer.
func (s *Split) Sources(exts []string, ask func(file, src string) string) string {
	files, complete := s.Pass.Repo.Files()
	if !complete {
		return "the project is too big to be searched for programs that it runs"
	}
	ig, tests := s.Pass.Repo.Ignore(s.Pass.Name), s.runsTests()
	for _, f := range files {
		if !slices.Contains(exts, path.Ext(f)) || repo.TestFile(f) && !tests || ig.Excluded(f) {
			continue
		}
		src, err := s.Pass.Repo.ReadFile(f)
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
func (s *Split) runsTests() bool {
	for _, in := range s.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); in.Keyword != "healthcheck" && testRunner().MatchString(strings.Join(line, " ")) {
			return true
		}
	}
	return false
}

var testRunner = lazily(`\b(pytest|tox|nox|unittest|behave|jest|mocha|vitest|cypress|rspec|prove|(npm|yarn|pnpm) (run )?test\S*|manage\.py test)\b`)
