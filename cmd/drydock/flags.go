package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"drydock/report"
)

// settings are the flags that fix, diff and check share, read and checked.
type settings struct {
	own     rules          // for a Dockerfile without a configuration
	narrow  []func(*rules) // what the verb makes of any rules
	asked   asked          // what the command line says that a configuration doesn't change
	config  string         // --config, "" when not given
	alone   bool           // --no-config
	json    bool
	forms   outputs // of fix, diff and check
	quiet   bool
	offline bool   // no registry is asked
	layout  string // OCI layout that is asked first, "" for none
	fresh   bool   // no answer of a registry is taken from the cache without asking again
	facts   bool   // registries are asked for more than digests
	context string // --context, "" when not given
	color   string
	paths   []string
}

func sharedFlags(extra ...cli.Flag) []cli.Flag {
	return append(slices.Concat(extra, sourceFlags(), configFlags()),
		&cli.BoolFlag{Name: "unsafe", Usage: "also make changes that rest on an assumption, which is told"},
		&cli.StringSliceFlag{Name: "only", Usage: "run these transforms and checks alone (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "skip", Usage: "leave these transforms and checks out (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "with", Usage: "also run these transforms and checks, which run only when asked for (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "policy", Usage: "how a transform works (`NAME=POLICY,…`); see drydock explain NAME"},
		&cli.StringFlag{Name: "base", Usage: "`KIND` of runtime image: slim (default), alpine, distroless or smallest; the policy of multi-stage, slim-base and distroless, which runs only for the last two"},
		&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`) of every Dockerfile; without it compose, bake and CI files tell, then the COPY sources"},
		formsFlag(),
		outputFlag(),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
	)
}

func readSettings(c *cli.Context) (settings, error) {
	s := settings{quiet: c.Bool("quiet"), offline: c.Bool("offline"), layout: c.String("layout"), facts: c.Bool("registry"), color: c.String("color"), paths: c.Args().Slice()}
	if err := knownColor(s.color); err != nil {
		return s, err
	}
	var err error
	if _, several := c.Generic("format").(*list); several {
		s.forms, err = readOutputs(c)
		s.json = s.forms.stdout == "json"
	} else {
		s.json, err = wantsJSON(c)
	}
	if err != nil {
		return s, err
	}
	if s.offline && c.IsSet("registry") && s.facts {
		return s, usagef("--offline and --registry exclude each other")
	}
	if s.asked, err = readAsked(c); err != nil {
		return s, err
	}
	if err := s.readConfig(c); err != nil {
		return s, err
	}
	s.own = s.rules(nil, "")
	if c.IsSet("context") {
		if s.context = c.String("context"); s.context == "" {
			return s, usagef("--context needs a folder")
		}
	}
	if len(s.paths) == 0 {
		s.paths = []string{"."}
	}
	if slices.Contains(s.paths, "-") && len(s.paths) > 1 {
		return s, usagef(`"-" stands alone: give either standard input or paths`)
	}
	return s, nil
}

func knownColor(when string) error {
	if !slices.Contains([]string{"auto", "always", "never"}, when) {
		return usagef("--color %s: choose auto, always or never", when)
	}
	return nil
}

func unknownName(name string) error {
	return usagef("no transform or check is called %q: there are %s", name, strings.Join(ruleNames(), ", "))
}

// stdin tells that the Dockerfile comes from standard input.
func (s settings) stdin() bool { return s.paths[0] == "-" }

// style is the colouring for what is written to w.
func (s settings) style(w io.Writer) report.Style {
	switch s.color {
	case "always":
		return report.Style{On: true}
	case "never":
		return report.Style{}
	}
	return report.Style{On: isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
