package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"drydock/checks"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// settings are the flags that fix, diff and check share, read and checked.
type settings struct {
	unsafe     bool
	transforms []*rewrite.Transform
	checks     []*rewrite.Check  // those chosen; which of them run is the verb's to say
	policies   map[string]string // by transform
	json       bool
	forms      outputs // of fix, diff and check
	quiet      bool
	offline    bool   // no registry is asked
	layout     string // OCI layout that is asked first, "" for none
	fresh      bool   // no answer of a registry is taken from the cache without asking again
	facts      bool   // registries are asked for more than digests
	context    string // --context, "" when not given
	color      string
	paths      []string
}

func sharedFlags(extra ...cli.Flag) []cli.Flag {
	return append(append(extra, sourceFlags()...),
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

// baseTransforms choose the image that a stage stands on.
var baseTransforms = []string{"multi-stage", "slim-base", "distroless"}

// baseKinds are what --base may say: the policies of these transforms.
func baseKinds() []string {
	var out []string
	for _, name := range baseTransforms {
		for _, p := range transforms.ByName(name).Policies {
			if !slices.Contains(out, p.Name) {
				out = append(out, p.Name)
			}
		}
	}
	return out
}

// knowsBase tells whether --base kind is a policy of t. Another C library is only
// for those who name it, so smallest is none of slim-base.
func knowsBase(t *rewrite.Transform, kind string) bool {
	return slices.ContainsFunc(t.Policies, func(p rewrite.Policy) bool { return p.Name == kind }) && !(t.Name == "slim-base" && kind == "smallest")
}

// asked are the values of --policy and --with, with what --base stands for among
// them: of each transform that knows the kind the policy, and those that run only
// when they are asked for.
func asked(c *cli.Context) (policies, with []string, err error) {
	policies, with = c.StringSlice("policy"), c.StringSlice("with")
	if !c.IsSet("base") {
		return policies, with, nil
	}
	kind := c.String("base")
	if !slices.Contains(baseKinds(), kind) {
		return nil, nil, usagef("--base %s: choose %s", kind, strings.Join(baseKinds(), ", "))
	}
	for _, name := range baseTransforms {
		t := transforms.ByName(name)
		if knowsBase(t, kind) {
			policies = append(policies, name+"="+kind)
			if t.OptIn && len(c.StringSlice("only")) == 0 {
				with = append(with, name)
			}
		}
	}
	return policies, with, nil
}

func readSettings(c *cli.Context) (settings, error) {
	s := settings{unsafe: c.Bool("unsafe"), quiet: c.Bool("quiet"), offline: c.Bool("offline"), layout: c.String("layout"), facts: c.Bool("registry"), color: c.String("color"), paths: c.Args().Slice()}
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
	chosen, with, err := asked(c)
	if err != nil {
		return s, err
	}
	pick, err := newChoice(c.StringSlice("only"), c.StringSlice("skip"), with)
	if err != nil {
		return s, err
	}
	s.transforms, s.checks = pick.transforms(), pick.checks()
	if s.policies, err = policies(chosen); err != nil {
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

func knownColor(when string) error {
	if !slices.Contains([]string{"auto", "always", "never"}, when) {
		return usagef("--color %s: choose auto, always or never", when)
	}
	return nil
}

// choice is what --only, --skip and --with say: names of transforms and checks.
type choice struct{ only, skip, with []string }

func newChoice(only, skip, with []string) (choice, error) {
	for _, n := range slices.Concat(only, skip, with) {
		if transforms.ByName(n) == nil && checks.ByName(n) == nil {
			return choice{}, unknownName(n)
		}
	}
	return choice{only, skip, with}, nil
}

// takes tells whether something is to run.
func (c choice) takes(name string, optIn bool) bool {
	wanted := len(c.only) == 0 && !optIn || slices.Contains(c.only, name) || slices.Contains(c.with, name)
	return wanted && !slices.Contains(c.skip, name)
}

func (c choice) transforms() []*rewrite.Transform {
	return slices.DeleteFunc(transforms.All(), func(t *rewrite.Transform) bool { return !c.takes(t.Name, t.OptIn) })
}

func (c choice) checks() []*rewrite.Check {
	return slices.DeleteFunc(checks.All(), func(k *rewrite.Check) bool { return !c.takes(k.Name, k.OptIn) })
}

// policies reads NAME=POLICY words.
func policies(words []string) (map[string]string, error) {
	out := map[string]string{}
	for _, w := range words {
		name, policy, _ := strings.Cut(w, "=")
		t := transforms.ByName(name)
		if t == nil {
			return nil, unknownName(name)
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

func unknownName(name string) error {
	var names []string
	for _, t := range transforms.All() {
		names = append(names, t.Name)
	}
	for _, c := range checks.All() {
		names = append(names, c.Name)
	}
	return usagef("no transform or check is called %q: there are %s", name, strings.Join(names, ", "))
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
