package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// settings are the flags that fix, diff and check share, read and checked.
type settings struct {
	unsafe     bool
	transforms []*rewrite.Transform
	policies   map[string]string // by transform
	json       bool
	quiet      bool
	context    string // --context, "" when not given
	color      string
	paths      []string
}

func sharedFlags(extra ...cli.Flag) []cli.Flag {
	return append(extra,
		&cli.BoolFlag{Name: "unsafe", Usage: "also make changes that rest on an assumption, which is told"},
		&cli.StringSliceFlag{Name: "only", Usage: "run these transforms alone (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "skip", Usage: "leave these transforms out (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "with", Usage: "also run these transforms, which run only when asked for (`NAME,…`)"},
		&cli.StringSliceFlag{Name: "policy", Usage: "how a transform works (`NAME=POLICY,…`); see drydock explain NAME"},
		&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`) of every Dockerfile; without it compose files, then the COPY sources tell"},
		formatFlag(),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
	)
}

func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Value: "text", Usage: "`FORM` of the output: text or json"}
}

func readSettings(c *cli.Context) (settings, error) {
	s := settings{unsafe: c.Bool("unsafe"), quiet: c.Bool("quiet"), color: c.String("color"), paths: c.Args().Slice()}
	if !slices.Contains([]string{"auto", "always", "never"}, s.color) {
		return s, usagef("--color %s: choose auto, always or never", s.color)
	}
	var err error
	if s.json, err = wantsJSON(c); err != nil {
		return s, err
	}
	if s.transforms, err = chosen(c.StringSlice("only"), c.StringSlice("skip"), c.StringSlice("with")); err != nil {
		return s, err
	}
	if s.policies, err = policies(c.StringSlice("policy")); err != nil {
		return s, err
	}
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

func wantsJSON(c *cli.Context) (bool, error) {
	switch f := c.String("format"); f {
	case "text", "json":
		return f == "json", nil
	default:
		return false, usagef("--format %s: choose text or json", f)
	}
}

// chosen are the transforms to run after --only, --skip and --with.
func chosen(only, skip, with []string) ([]*rewrite.Transform, error) {
	for _, n := range slices.Concat(only, skip, with) {
		if transforms.ByName(n) == nil {
			return nil, unknownTransform(n)
		}
	}
	var out []*rewrite.Transform
	for _, t := range transforms.All() {
		wanted := len(only) == 0 && !t.OptIn || slices.Contains(only, t.Name) || slices.Contains(with, t.Name)
		if wanted && !slices.Contains(skip, t.Name) {
			out = append(out, t)
		}
	}
	return out, nil
}

// policies reads NAME=POLICY words.
func policies(words []string) (map[string]string, error) {
	out := map[string]string{}
	for _, w := range words {
		name, policy, _ := strings.Cut(w, "=")
		t := transforms.ByName(name)
		if t == nil {
			return nil, unknownTransform(name)
		}
		var names []string
		for _, p := range t.Policies {
			names = append(names, p.Name)
		}
		switch {
		case len(names) == 0:
			return nil, usagef("--policy %s: %s works in one way only", w, name)
		case !slices.Contains(names, policy):
			return nil, usagef("--policy %s: choose %s", w, name+"="+strings.Join(names, " or "+name+"="))
		}
		out[name] = policy
	}
	return out, nil
}

func unknownTransform(name string) error {
	var names []string
	for _, t := range transforms.All() {
		names = append(names, t.Name)
	}
	return usagef("no transform is called %q: there are %s", name, strings.Join(names, ", "))
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
