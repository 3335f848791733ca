package main

// What may be done to one Dockerfile: the command line over its configuration.

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"drydock/checks"
	"drydock/config"
	"drydock/report"
	"drydock/rewrite"
	"drydock/said"
	"drydock/transforms"
)

func configFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "read this configuration `FILE` in place of the .drydock.yaml files around a Dockerfile"},
		&cli.BoolFlag{Name: "no-config", Usage: "read no configuration"},
	}
}

// rules are what may be done to one Dockerfile.
type rules struct {
	unsafe     bool
	transforms []*rewrite.Transform
	checks     []*rewrite.Check
	policies   map[string]string // by transform
	assume     map[string]bool   // as rewrite.Options.Assume
	ignores    []rewrite.Ignore
	given      []given           // the configuration's entries among them
	severities map[string]string // by transform, check or CHECK/RULE
	context    config.Value      // the build context of its configuration; not set without
	notes      []string          // for the reader: ignores that have ended
	whole      bool              // everything runs that runs without being asked for
}

// asked is what the command line says about rules.
type asked struct {
	only, skip, with []string
	policies         map[string]string
	base             bool // --base was given
	unsafe           *bool
}

// readAsked reads --only, --skip, --with, --policy, --base and --unsafe. --base stands for
// the policy of each transform that knows the kind, and asks for those that run only then.
func readAsked(c *cli.Context) (a asked, err error) {
	a = asked{only: c.StringSlice("only"), skip: c.StringSlice("skip"), with: c.StringSlice("with"), base: c.IsSet("base")}
	for _, n := range slices.Concat(a.only, a.skip, a.with) {
		if transforms.ByName(n) == nil && checks.ByName(n) == nil {
			return a, unknownName(n)
		}
	}
	if len(a.only) > 0 && !slices.ContainsFunc(slices.Concat(a.only, a.with), func(n string) bool { return !slices.Contains(a.skip, n) }) {
		return a, usagef("--skip leaves nothing of --only %s: leave one of them out", strings.Join(a.only, ","))
	}
	if a.policies, err = policies(c.StringSlice("policy")); err != nil {
		return a, err
	}
	if c.IsSet("unsafe") {
		unsafe := c.Bool("unsafe")
		a.unsafe = &unsafe
	}
	if !a.base {
		return a, nil
	}
	kind := c.String("base")
	if !slices.Contains(config.BaseKinds(), kind) {
		return a, usagef("--base %s: choose %s", kind, strings.Join(config.BaseKinds(), ", "))
	}
	for _, name := range config.BaseTransforms {
		if t := transforms.ByName(name); config.KnowsBase(t, kind) {
			a.policies[name] = kind
			if t.OptIn && len(a.only) == 0 {
				a.with = append(a.with, name)
			}
		}
	}
	return a, nil
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

// takes tells whether something is to run, which a configuration may have set.
func (a asked) takes(name string, optIn bool, set config.Value) bool {
	run := !optIn
	if set.Set() {
		run = set.On()
	}
	wanted := len(a.only) == 0 && run || slices.Contains(a.only, name) || slices.Contains(a.with, name)
	return wanted && !slices.Contains(a.skip, name)
}

// rules merges the command line over a Dockerfile's configuration, nil for none; day is today.
func (s *settings) rules(e *config.Effective, day string) rules {
	r := rules{policies: s.asked.policies, whole: true}
	set := map[string]config.Rule(nil)
	if e != nil {
		set = e.Rules
		r.unsafe = e.Safety.Text == config.Unsafe
		r.configured(e, day)
		if s.asked.base {
			set = withoutBase(set)
		}
		r.policies = map[string]string{}
	}
	if s.asked.unsafe != nil {
		r.unsafe = *s.asked.unsafe
	}
	for _, t := range transforms.All() {
		if s.asked.takes(t.Name, t.OptIn, set[t.Name].Run) {
			r.transforms = append(r.transforms, t)
		} else if !t.OptIn {
			r.whole = false
		}
		if p := set[t.Name].Policy; p.Set() {
			r.policies[t.Name] = p.Text
		}
	}
	if e != nil {
		for name, policy := range s.asked.policies {
			r.policies[name] = policy
		}
	}
	for _, k := range checks.All() {
		if s.asked.takes(k.Name, k.OptIn, set[k.Name].Run) {
			r.checks = append(r.checks, k)
		} else if !k.OptIn {
			r.whole = false
		}
	}
	for _, f := range s.narrow {
		f(&r)
	}
	if r.tellsIdle() {
		r.notes = nil // the check tells it
	}
	return r
}

// configured takes over what the command line has no word for.
func (r *rules) configured(e *config.Effective, day string) {
	r.assume, r.severities, r.context = map[string]bool{}, map[string]string{}, e.Context
	for name, set := range e.Rules {
		if set.Safety.Set() {
			r.assume[name] = set.Safety.Text == config.Unsafe
		}
		if set.Severity.Set() {
			r.severities[name] = set.Severity.Text
		}
		if strings.Contains(name, "/") && set.Run.Set() && !set.Run.On() {
			r.ignores = append(r.ignores, rewrite.Ignore{Rule: name, Where: set.Run.From(), Reason: "off"})
		}
	}
	for _, i := range e.Ignores {
		if i.Ended(day) {
			r.notes = append(r.notes, fmt.Sprintf("%s ignores %s no longer: it ended on %s (%s)", i.From.From(), i.Rule, i.Until, said.Printable(i.Reason)))
			r.given = append(r.given, given{i, -1})
			continue
		}
		r.given = append(r.given, given{i, len(r.ignores)})
		r.ignores = append(r.ignores, rewrite.Ignore{Rule: i.Rule, Words: i.Instruction, Where: i.From.From(), Reason: said.Printable(i.Reason)})
	}
}

// withoutBase leaves out what a configuration says of base images, for --base.
func withoutBase(set map[string]config.Rule) map[string]config.Rule {
	out := map[string]config.Rule{}
	for name, r := range set {
		if slices.Contains(config.BaseTransforms, name) {
			r.Policy = config.Value{}
			if transforms.ByName(name).OptIn {
				r.Run = config.Value{}
			}
		}
		out[name] = r
	}
	return out
}

// narrowed says what a verb makes of the rules of any Dockerfile, whatever is configured.
func (s *settings) narrowed(f func(*rules)) {
	s.narrow = append(s.narrow, f)
	f(&s.own)
}

// noChecks is for verbs that show changes alone.
func noChecks(r *rules) { r.checks = nil }

// noCheckOnly leaves out the checks that speak in drydock check alone.
func noCheckOnly(r *rules) {
	r.checks = slices.DeleteFunc(r.checks, func(k *rewrite.Check) bool { return k.CheckOnly })
}

// options are the engine's.
func (r *rules) options(offer bool, day string) rewrite.Options {
	return rewrite.Options{Unsafe: r.unsafe, Offer: offer, Policies: r.policies, Assume: r.assume, Ignores: r.ignores, Checks: r.checks, Today: day, Names: ignorable(), Whole: r.whole}
}

// severity is Regrade's: of CHECK/RULE too.
func (r *rules) severity(rule string) string {
	if s := r.severities[rule]; s != "" {
		return s
	}
	name, _, _ := strings.Cut(rule, "/")
	return r.severities[name]
}

// ignorable are the names that an ignore may bear.
var ignorable = sync.OnceValue(func() []string {
	out := slices.Clone(ruleNames())
	for _, rule := range checks.BuildKitRules() {
		out = append(out, "buildkit/"+rule)
	}
	return out
})

// ruleNames are the names of all transforms and checks.
var ruleNames = sync.OnceValue(func() []string {
	var out []string
	for _, t := range transforms.All() {
		out = append(out, t.Name)
	}
	for _, c := range checks.All() {
		out = append(out, c.Name)
	}
	return out
})

// readConfig reads --config and --no-config. A mistake in the file is told at once.
func (s *settings) readConfig(c *cli.Context) error {
	s.alone = c.Bool("no-config")
	if !c.IsSet("config") {
		return nil
	}
	name := c.String("config")
	switch {
	case s.alone:
		return usagef("--config and --no-config exclude each other")
	case name == "":
		return usagef("--config needs a file")
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	s.config = abs
	return new(config.Finder).Use(abs, name, filepath.Dir(abs))
}

// finder finds the configurations of a run; nil where none is read.
func (s *settings) finder(p *places, folder string) *config.Finder {
	if s.alone {
		return nil
	}
	f := &config.Finder{Show: p.show, Top: func(dir string) string {
		if _, in := below(folder, dir); folder != "" && in {
			return folder
		}
		if root := p.gitRoot(dir); root != "" {
			return root
		}
		if _, in := below(p.cwd, dir); in {
			return p.cwd
		}
		return "" // the root folder
	}}
	if s.config != "" {
		_ = f.Use(s.config, p.show(s.config), p.cwd) // readConfig told what is wrong
	}
	return f
}

// configure gives a target its rules.
func (j *job) configure(t *target) {
	t.rules = &j.own
	if j.configs == nil {
		return
	}
	abs := t.abs
	if j.stdin() {
		abs = filepath.Join(j.places.abs(j.settings.context), "Dockerfile")
	}
	e, mistakes := j.configs.For(abs)
	switch {
	case len(mistakes) > 0:
		j.tellMistakes(mistakes)
		if t.err == nil {
			t.err = misconfigured(t.path, mistakes)
		}
		if j.misconfigured == nil {
			j.misconfigured = errors.New(misconfigured("", mistakes).Message)
		}
	case e != nil:
		r := j.settings.rules(e, j.day)
		t.rules = &r
		j.idle.expect(e, &r)
		if e.Excluded.Set() && !j.stdin() {
			t.excluded = e.Excluded
		}
	}
}

// tellMistakes prints what is wrong with configurations, each line once.
func (j *job) tellMistakes(ms config.Mistakes) {
	for _, m := range ms {
		if line := m.Error(); !j.told[line] {
			if j.told == nil {
				j.told = map[string]bool{}
			}
			j.told[line] = true
			fmt.Fprintln(j.err, line)
		}
	}
}

// misconfigured is the error about a Dockerfile whose configuration can't be used.
func misconfigured(path string, ms config.Mistakes) *report.Error {
	message := "its configuration can't be used: " + ms[0].Error()
	if more := len(ms) - 1; more == 1 {
		message += "; and one more mistake"
	} else if more > 1 {
		message += fmt.Sprintf("; and %d more mistakes", more)
	}
	return &report.Error{Path: path, Message: message, Hint: "mend it, or say --no-config; the Dockerfile was left alone"}
}
