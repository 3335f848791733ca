package checks

// The order in which BuildKit's dockerfile2llb (v0.34, convert.go) goes through
// a file, as far as its rules see it: expansions, environments and stages,
// without building anything. tools/corpus holds it against the original.

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"drydock/images"
	"drydock/rewrite"
)

// variables is an environment in the order of its latest assignments: a
// shell.EnvGetter.
type variables struct {
	keys   []string
	values map[string]string
}

func (v *variables) Get(k string) (string, bool) {
	s, ok := v.values[k]
	return s, ok
}

func (v *variables) Keys() []string { return v.keys }

func (v *variables) set(k, value string) {
	if i := slices.Index(v.keys, k); i >= 0 {
		v.keys = slices.Delete(v.keys, i, i+1)
	}
	v.keys = append(v.keys, k)
	if v.values == nil {
		v.values = map[string]string{}
	}
	v.values[k] = value
}

func (v *variables) clone() *variables {
	out := &variables{}
	for _, k := range v.keys {
		out.set(k, v.values[k])
	}
	return out
}

// builder goes through one file.
type builder struct {
	pass      *rewrite.Pass
	lint      *linter.Linter
	lex       *shell.Lex
	buildArgs map[string]string
	os        string

	globals *variables
	known   []string // names of ARGs in front of the first FROM and of globals
	stages  []*buildStage
	byName  map[string]*buildStage
}

// buildStage is dockerfile2llb's dispatchState.
type buildStage struct {
	instructions.Stage
	base       *buildStage
	deps       []*buildStage
	env        *variables
	args       []instructions.KeyValuePairOptional
	shell      bool // SHELL is set
	workdirSet bool
	cmd        *instructions.CmdCommand
	entrypoint *instructions.EntrypointCommand
	health     *instructions.HealthCheckCommand
}

// file is toDispatchState.
func (b *builder) file(src []byte) error {
	res, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return err
	}
	for _, w := range res.Warnings {
		if w.URL == linter.RuleNoEmptyContinuation.URL {
			b.lint.Run(&linter.RuleNoEmptyContinuation, []parser.Range{*w.Location}, linter.RuleNoEmptyContinuation.Format())
		}
	}
	stages, args, err := instructions.Parse(res.AST, b.lint)
	if err != nil {
		return err
	}
	b.stageNames(stages)
	b.commandCasing(stages)

	b.lex = shell.NewLex(res.EscapeToken)
	b.globals = &variables{}
	target := stages[len(stages)-1].Name
	if target == "" {
		target = "default"
	}
	platform := b.os + "/amd64"
	for _, kv := range [][2]string{
		{"BUILDPLATFORM", platform}, {"BUILDOS", b.os}, {"BUILDOSVERSION", ""}, {"BUILDARCH", "amd64"}, {"BUILDVARIANT", ""},
		{"TARGETPLATFORM", platform}, {"TARGETOS", b.os}, {"TARGETOSVERSION", ""}, {"TARGETARCH", "amd64"}, {"TARGETVARIANT", ""}, {"TARGETSTAGE", target},
	} {
		b.globals.set(kv[0], kv[1])
	}
	b.defaultBases(stages, args)
	if b.globals, err = b.metaArgs(args, b.buildArgs); err != nil {
		return err
	}
	for _, a := range args {
		for _, kv := range a.Args {
			b.known = append(b.known, kv.Key)
		}
	}
	b.known = append(b.known, b.globals.keys...)

	b.byName = map[string]*buildStage{}
	for _, st := range stages {
		if err := b.from(st); err != nil {
			return err
		}
	}
	for i, s := range b.stages {
		if err := b.dependencies(s, i); err != nil {
			return err
		}
	}
	for _, s := range b.stages {
		if s.base == nil && s.BaseName != "scratch" {
			if _, err := reference.ParseNormalizedNamed(s.BaseName); err != nil {
				return parser.WithLocation(fmt.Errorf("failed to parse stage name %q: %w", s.BaseName, err), s.Location)
			}
		}
	}
	reachable := reach(b.stages[len(b.stages)-1], nil)
	for _, s := range b.stages {
		commands := s.Commands
		if s.base != nil && slices.Contains(reachable, s) {
			triggers, err := triggersOf(s)
			if err != nil {
				return parser.SetLocation(err, s.Location)
			}
			commands = append(triggers, commands...)
		}
		if err := b.stage(s, commands); err != nil {
			return err
		}
	}
	return nil
}

// metaArgs is buildMetaArgs: the ARGs in front of the first FROM.
func (b *builder) metaArgs(args []instructions.ArgCommand, given map[string]string) (*variables, error) {
	env := b.globals.clone()
	for _, a := range args {
		for _, kv := range a.Args {
			v, ok := given[kv.Key]
			if !ok {
				if kv.Value == nil {
					continue
				}
				res, err := b.lex.ProcessWordWithMatches(*kv.Value, env)
				if err != nil {
					return nil, parser.WithLocation(err, a.Location())
				}
				v = res.Result
			}
			env.set(kv.Key, v)
		}
	}
	return env, nil
}

// from is a turn of buildDispatchStates.
func (b *builder) from(st instructions.Stage) error {
	lint := b.lint.WithMergedConfigFromComments(st.Comments)
	name, err := b.lex.ProcessWordWithMatches(st.BaseName, b.globals)
	b.undeclared(name.Unmatched, st.Location, lint)
	if err != nil {
		return parser.WithLocation(err, st.Location)
	}
	if name.Result == "" {
		return parser.WithLocation(fmt.Errorf("base name (%s) should not be blank", st.BaseName), st.Location)
	}
	st.BaseName = name.Result
	if v := st.Platform; v != "" {
		platform, err := b.lex.ProcessWordWithMatches(v, b.globals)
		b.undeclared(platform.Unmatched, st.Location, lint)
		b.platform(st, platform, lint)
		if err != nil {
			return parser.WithLocation(err, st.Location)
		}
		if platform.Result == "" {
			return parser.WithLocation(fmt.Errorf("empty platform value from expression %s", v), st.Location)
		}
	}
	s := &buildStage{Stage: st, base: b.byName[st.BaseName]}
	b.stages = append(b.stages, s)
	if st.Name != "" {
		b.byName[strings.ToLower(st.Name)] = s
	}
	return nil
}

// dependencies is toCommand: which stages a stage copies and mounts from.
func (b *builder) dependencies(s *buildStage, index int) error {
	for _, c := range s.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			if c.From == "" {
				continue
			}
			res, err := b.lex.ProcessWordWithMatches(c.From, shell.EnvsFromSlice(nil))
			if err != nil {
				return parser.WithLocation(err, c.Location())
			}
			if res.Result != c.From {
				return parser.WithLocation(fmt.Errorf("variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround"), c.Location())
			}
			dep := b.byName[strings.ToLower(c.From)]
			if n, err := strconv.Atoi(c.From); err == nil {
				if n < 0 || n >= len(b.stages) {
					return parser.WithLocation(fmt.Errorf("invalid stage index %d", n), c.Location())
				}
				dep = b.stages[n]
			}
			if dep == nil {
				continue
			}
			if slices.Index(b.stages, dep) >= index {
				return parser.WithLocation(fmt.Errorf("cannot copy from stage %q, it needs to be defined before current stage %q", c.From, s.Name), c.Location())
			}
			s.deps = append(s.deps, dep)
		case *instructions.RunCommand:
			for _, m := range instructions.GetMounts(c) {
				if dep := b.byName[strings.ToLower(m.From)]; m.From != "" && dep != nil {
					s.deps = append(s.deps, dep)
				}
			}
		}
	}
	return nil
}

// reach lists a stage and what it is built from.
func reach(s *buildStage, seen []*buildStage) []*buildStage {
	if s == nil || slices.Contains(seen, s) {
		return seen
	}
	seen = reach(s.base, append(seen, s))
	for _, d := range s.deps {
		seen = reach(d, seen)
	}
	return seen
}

// triggersOf reads the ONBUILD instructions of the stage that s starts from;
// they speak at its FROM.
func triggersOf(s *buildStage) ([]instructions.Command, error) {
	var out []instructions.Command
	for _, c := range s.base.Commands {
		on, ok := c.(*instructions.OnbuildCommand)
		if !ok {
			continue
		}
		res, err := parser.Parse(strings.NewReader(on.Expression))
		if err != nil {
			return nil, err
		}
		if len(res.AST.Children) != 1 {
			return nil, fmt.Errorf("onbuild trigger should be a single expression")
		}
		n := res.AST.Children[0]
		n.StartLine, n.EndLine = s.Location[0].Start.Line, s.Location[len(s.Location)-1].End.Line
		cmd, err := instructions.ParseCommand(n)
		if err != nil {
			return nil, err
		}
		out = append(out, cmd)
	}
	return out, nil
}

// baseEnv is the environment that a stage starts with.
func (b *builder) baseEnv(s *buildStage) *variables {
	if s.base != nil {
		return s.base.env.clone()
	}
	env := &variables{}
	if s.BaseName != "scratch" {
		if ref, err := images.ParseRef(s.BaseName); err == nil {
			if img, ok := b.pass.Images.Image(ref); ok {
				for k, v := range img.Env {
					env.set(k, v)
				}
				if img.EnvPath != "" {
					env.set("PATH", img.EnvPath)
				}
			}
		}
	}
	if _, ok := env.Get("PATH"); !ok && b.os != "windows" {
		env.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	slices.Sort(env.keys)
	return env
}
