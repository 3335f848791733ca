package main

// The command line: verbs, flags, exit codes. Each verb has its own file.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/docker/cli/cli-plugins/metadata"
	"github.com/urfave/cli/v2"

	"drydock/config"
	"drydock/said"
)

// streams are what a run reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// The exit codes, documented in exitCodes.
const (
	exitOK     = 0
	exitFound  = 1
	exitFailed = 2
	exitUsage  = 64 // EX_USAGE of sysexits.h
)

const exitCodes = `Exit codes:
   0   nothing to do, or done
   1   diff or check found something that fix would change, or check something
       that has no fix
   2   a file or its configuration could not be read, understood or written; the
       others were handled
   64  the command line is wrong`

var (
	errFound  = errors.New("something was found")
	errFailed = errors.New("some files failed") // already told, file by file
)

// usageError is a mistake in the command line.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	app := newApp(s)
	answered, err := asideFrom(app, args, s)
	if !answered {
		args = arrange(app, args)
		if err = givenTwice(app, args); err == nil {
			err = app.RunContext(ctx, args)
		}
	}
	var usage usageError
	var mistakes config.Mistakes
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &mistakes):
		fmt.Fprintln(s.err, mistakes)
		return exitFailed
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "drydock: %v; see %s --help\n", err, app.HelpName)
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = errors.New("interrupted; nothing was changed")
	}
	fmt.Fprintf(s.err, "drydock: %v\n", err)
	return exitFailed
}

func newApp(s streams) *cli.App {
	onUsage := func(_ *cli.Context, err error, _ bool) error { return usagef("%v", err) }
	app := &cli.App{
		Name:      "drydock",
		Usage:     "rewrite Dockerfiles: smaller images, better caching, safer containers",
		UsageText: "drydock VERB [flags] [PATH…]",
		Description: `PATH is a Dockerfile, a folder (searched for Dockerfile, Dockerfile.*,
*.Dockerfile, Containerfile and Containerfile.*, .gitignore respected) or "-"
for standard input. Without PATH it is the current folder. Flags may stand
before or after paths; what follows "--" is a path.

` + exitCodes,
		Version:         version(),
		HideHelpCommand: true,
		Reader:          s.in,
		Writer:          s.out,
		ErrWriter:       s.err,
		ExitErrHandler:  func(*cli.Context, error) {},
		OnUsageError:    onUsage,
		Commands:        []*cli.Command{fixCommand(s), diffCommand(s), reviewCommand(s), checkCommand(s), verifyCommand(s), updateCommand(s), basesCommand(s), replayCommand(s), shipCommand(s), bulkCommand(s), configCommand(s), explainCommand(s), listCommand(s)},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return cli.ShowAppHelp(c)
			}
			var verbs []string
			for _, v := range c.App.VisibleCommands() {
				verbs = append(verbs, v.Name)
			}
			return usagef("%q is no verb: write drydock %s, then paths", c.Args().First(), either(verbs))
		},
	}
	app.Commands = append(app.Commands, completionCommand(s), manCommand(s, app))
	for _, c := range app.Commands {
		c.OnUsageError = onUsage
		c.HideHelpCommand = true
	}
	return app
}

// asideFrom answers what programs ask, not people: the shells at Tab, and docker. answered
// tells that there is nothing more to do.
func asideFrom(app *cli.App, args []string, s streams) (answered bool, err error) {
	app.HelpName = app.Name
	docker := len(args) > 0 && isPlugin(args[0])
	if docker {
		app.HelpName = "docker drydock"
		app.UsageText = "docker " + app.UsageText
	}
	switch {
	case len(args) < 2:
	case args[1] == completeWord:
		return true, complete(app, args[2:], s.out)
	case docker && args[1] == metadata.MetadataSubcommandName:
		return true, writeMetadata(s.out)
	}
	return false, nil
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

// arrange puts the flags behind a verb before its paths, where the flag package
// wants them, so that `drydock fix Dockerfile --unsafe` means what it says.
func arrange(app *cli.App, args []string) []string {
	at := slices.IndexFunc(args, func(a string) bool { return app.Command(a) != nil })
	if at < 1 || slices.ContainsFunc(args[1:at], func(a string) bool { return !strings.HasPrefix(a, "-") }) {
		return args
	}
	takesValue := map[string]bool{}
	for _, f := range app.Command(args[at]).Flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, n := range f.Names() {
			takesValue[n] = !isBool
		}
	}
	var flags, paths []string
	for rest := args[at+1:]; len(rest) > 0; rest = rest[1:] {
		a := rest[0]
		if a == "--" {
			paths = append(paths, rest[1:]...)
			break
		}
		if a == "--help" || a == "-h" {
			return append(slices.Clone(args[:at+1]), a) // with a path behind it cli looks for a topic of that name
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			paths = append(paths, a)
			continue
		}
		if takesValue[strings.TrimLeft(a, "-")] {
			if len(rest) == 1 || isFlag(takesValue, rest[1]) {
				return append(slices.Clone(args[:at+1]), a) // cli says that it needs a value, before any work
			}
			flags = append(flags, a, rest[1])
			rest = rest[1:]
			continue
		}
		flags = append(flags, a)
	}
	out := append(slices.Clone(args[:at+1]), flags...)
	return append(append(out, "--"), paths...)
}

// givenTwice refuses a flag that stands twice with two values where it holds one: of two pages
// the flag package would write the last. --color is what aliases set and users overrule.
// args are arranged: flags first.
func givenTwice(app *cli.App, args []string) error {
	at := slices.IndexFunc(args, func(a string) bool { return app.Command(a) != nil })
	if at < 1 {
		return nil
	}
	flags := map[string]cli.Flag{}
	for _, f := range app.Command(args[at]).Flags {
		for _, n := range f.Names() {
			flags[n] = f
		}
	}
	seen := map[string]string{}
	for rest := args[at+1:]; len(rest) > 0 && rest[0] != "--"; rest = rest[1:] {
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		f, known := flags[name]
		if _, isBool := f.(*cli.BoolFlag); !known || isBool {
			continue
		}
		if !joined && len(rest) > 1 {
			rest = rest[1:]
			value = rest[0]
		}
		name = f.Names()[0]
		if _, one := f.(*cli.StringFlag); !one || name == "color" {
			continue
		}
		if before, again := seen[name]; again && before != value {
			return usagef("--%s stands twice, with %s and %s: give one of them", name, said.Printable(before), said.Printable(value))
		}
		seen[name] = value
	}
	return nil
}

// isFlag tells that a word is one of these flags, or the end of all: no value of a flag
// before it. `diff --html --offline` must not write a page called --offline.
func isFlag(flags map[string]bool, word string) bool {
	if word == "--" {
		return true
	}
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	_, known := flags[name]
	return known && strings.HasPrefix(word, "-")
}
