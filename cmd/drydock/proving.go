package main

// What --verify, verify and ship share: the builder, how to build and how to run.

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"drydock/history"
	"drydock/images/registry"
	"drydock/report"
	"drydock/rewrite"
	"drydock/verify"
	"drydock/verify/builder"
	"drydock/verify/probe"
)

// list is a flag that may stand several times, with commas in its values.
type list []string

func (l *list) Set(v string) error { *l = append(*l, v); return nil }
func (l *list) String() string     { return strings.Join(*l, " ") }

// values reads such a flag.
func values(c *cli.Context, name string) []string {
	if l, ok := c.Generic(name).(*list); ok && l != nil {
		return *l
	}
	return nil
}

// builderFlags choose the builder and are handed on to it.
func builderFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "builder", EnvVars: []string{"DRYDOCK_BUILDER"}, Value: "auto", Usage: "what builds (`NAME`): auto, buildctl, buildctl:ADDRESS, buildx, buildx:NAME or podman"},
		&cli.StringFlag{Name: "target", Usage: "the `STAGE` to build; the last one, or what a compose or bake file says, without it"},
		&cli.StringFlag{Name: "platform", Usage: "build for `OS/ARCH`"},
		&cli.GenericFlag{Name: "build-arg", Value: &list{}, Usage: "`NAME=VALUE` for an ARG, over what a compose or bake file says; may stand several times, as those that follow"},
		&cli.GenericFlag{Name: "secret", Value: &list{}, Usage: "a secret of the build: `id=NAME,src=FILE`"},
		&cli.GenericFlag{Name: "ssh", Value: &list{}, Usage: "an SSH agent of the build: `default` or ID=SOCKET"},
		&cli.GenericFlag{Name: "build-context", Value: &list{}, Usage: "a further build context: `NAME=FOLDER` or image"},
	}
}

// probeFlags say how the image is run.
func probeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "probe", Value: &list{}, Usage: "also ask the program for `'GET /PATH'`"},
		&cli.StringFlag{Name: "probe-cmd", Usage: "run this in the place of CMD (`'WORD…'`)"},
		&cli.GenericFlag{Name: "probe-env", Value: &list{}, Usage: "set `NAME=VALUE` while the program runs"},
		&cli.DurationFlag{Name: "probe-timeout", Value: time.Minute, Usage: "how long (`TIME`) until the program must listen or end"},
		&cli.BoolFlag{Name: "reprove", Usage: "build and run also what was proven in the last days"},
	}
}

func proofFlags() []cli.Flag { return append(builderFlags(), probeFlags()...) }

// proving is how images are built and run.
type proving struct {
	builder *builder.Builder
	opt     verify.Options
	shows   *builder.Progress
}

// readProving reads the flags and finds the builder.
func readProving(c *cli.Context, s streams, quiet bool) (*proving, error) {
	p := &proving{}
	p.opt.Build = builder.Options{
		Target: c.String("target"), Platform: c.String("platform"), BuildArgs: values(c, "build-arg"),
		Secrets: values(c, "secret"), SSH: values(c, "ssh"), Contexts: values(c, "build-context"),
	}
	for _, a := range p.opt.Build.BuildArgs {
		if a == "" || a[0] == '=' {
			return nil, usagef("--build-arg %s: write NAME=VALUE", a)
		}
	}
	for _, a := range p.opt.Build.Contexts {
		if name, value, ok := strings.Cut(a, "="); !ok || name == "" || value == "" {
			return nil, usagef("--build-context %s: write NAME=FOLDER", a)
		}
	}
	for _, g := range values(c, "probe") {
		if _, err := probe.ParseGet(g); err != nil {
			return nil, usagef("--probe: %v", err)
		}
		p.opt.Probe.Gets = append(p.opt.Probe.Gets, g)
	}
	if c.IsSet("probe-cmd") {
		if p.opt.Probe.Cmd = strings.Fields(c.String("probe-cmd")); len(p.opt.Probe.Cmd) == 0 {
			return nil, usagef("--probe-cmd needs a command")
		}
	}
	for _, e := range values(c, "probe-env") {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return nil, usagef("--probe-env %s: write NAME=VALUE", e)
		}
		p.opt.Probe.Env = append(p.opt.Probe.Env, e)
	}
	wait := c.Duration("probe-timeout")
	if wait < time.Second || wait > time.Hour {
		return nil, usagef("--probe-timeout %v: between 1s and 1h", wait)
	}
	p.opt.Probe.Seconds = int(wait.Seconds())
	if dir := registry.CacheFolder(); dir != "" {
		p.opt.Own, p.opt.Layers = dir, filepath.Join(dir, "layers")
		if !c.Bool("reprove") {
			p.opt.Cache = &verify.Cache{Dir: filepath.Join(dir, "proofs")}
		}
	}
	var err error
	if p.builder, err = builder.Find(c.Context, c.String("builder")); err != nil {
		return nil, err
	}
	if !quiet {
		p.shows = builder.NewProgress(s.err, isTerminal(s.err), terminalWidth)
		p.opt.See = p.shows.Observer()
	}
	return p, nil
}

func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

func (p *proving) close() {
	if p.shows != nil {
		p.shows.Close()
	}
	_ = p.builder.Close() // names in the builder's own store; it says so itself when it keeps them
}

// fixProving is readProving for fix; nil without --verify.
func fixProving(c *cli.Context, s streams, set settings) (*proving, error) {
	if !c.Bool("verify") {
		for _, f := range proofFlags() {
			if name := f.Names()[0]; c.IsSet(name) && name != "builder" { // which the environment may set
				return nil, usagef("--%s is for --verify", name)
			}
		}
		return nil, nil
	}
	return readProving(c, s, set.quiet || set.forms.program())
}

// buildOptions are the options for one Dockerfile: what the command line says, over
// what the first compose or bake file says that builds it with a target or arguments.
func (p *proving) buildOptions(places *places, t *target, context string) builder.Options {
	out := p.opt.Build
	out.BuildArgs = slices.Clone(out.BuildArgs)
	top := places.top(t)
	for _, b := range places.repo(top).Builds() {
		if !isOf(b, t, top) || filepath.Join(top, filepath.FromSlash(b.Context)) != context {
			continue
		}
		if out.Target == "" && !strings.Contains(b.Target, "${") {
			out.Target = b.Target
		}
		for _, name := range slices.Sorted(maps.Keys(b.Values)) {
			given := func(a string) bool { own, _, _ := strings.Cut(a, "="); return own == name }
			if !slices.ContainsFunc(p.opt.Build.BuildArgs, given) {
				out.BuildArgs = append(out.BuildArgs, name+"="+b.Values[name])
			}
		}
		if out.Target != "" || len(b.Values) > 0 {
			break
		}
	}
	return out
}

// filesOf reads the files of a folder as they are.
func filesOf(dir string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return string(text), err == nil
	}
}

// filesAt reads the files of a folder as they were at a git revision.
func filesAt(ctx context.Context, dir, rev string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		text, exists, err := history.Show(ctx, dir, rev, name)
		return string(text), exists && err == nil
	}
}

// ignoreText is the text of the ignore file in force for a Dockerfile: the one
// beside it, also where that lies outside the context, else the context's own.
func ignoreText(t *target, read func(string) (string, bool)) *string {
	if t.name != "" {
		if text, ok := read(t.name + ".dockerignore"); ok {
			return &text
		}
	} else if b, err := os.ReadFile(t.abs + ".dockerignore"); err == nil {
		text := string(b)
		return &text
	}
	text, _ := read(".dockerignore")
	return &text
}

// prover makes the prover for a target with what it was.
func (s *site) prover(t *target, before verify.Side) (*verify.Prover, error) {
	p := s.job.prove
	if s.dir == "" {
		return nil, &report.Error{Path: t.path, Message: "it has no build context, so it can't be built", Hint: "name the folder with --context DIR"}
	}
	opt := p.opt
	opt.Build = p.buildOptions(s.job.places, t, s.dir)
	v, err := verify.New(p.builder, t.path, before, opt)
	if err != nil {
		return nil, &report.Error{Path: t.path, Message: "there is no place for temporary files: " + err.Error(), Hint: "let TMPDIR name a folder that can be written"}
	}
	return v, nil
}

// proven is what the transforms make of the target, as far as it was proven.
func (s *site) proven(ctx context.Context, i int, t *target) (*rewrite.Result, *verify.Proof, error) {
	v, err := s.prover(t, verify.Side{Dockerfile: t.src, Ignore: ignoreText(t, s.read), Context: s.dir})
	if err != nil {
		return nil, nil, err
	}
	defer v.Close()
	kept, err := v.Keep(ctx, func(ctx context.Context, src string, files map[string]string, refuse func(rewrite.Outcome) bool) (*rewrite.Result, error) {
		twin, at := *t, *s
		twin.src = src
		for _, name := range names(files) {
			at.repo = at.repo.With(name, []byte(files[name]))
		}
		opt := s.options(t)
		opt.Unsafe = true
		opt.Select = func(o rewrite.Outcome) bool { return !refuse(o) }
		res, err := at.engine(ctx, i, &twin, opt)
		if err == nil && s.job.write && !s.job.stdin() && res.Before != res.After {
			err = canWrite(fileChange{path: t.abs, show: t.path, before: t.src}) // told now, not after minutes of building
		}
		return res, err
	})
	if err != nil {
		return nil, nil, proofError(t.path, err)
	}
	return kept.Result, kept.Proof, nil
}

// proofError says what to do about a proof that couldn't be made.
func proofError(path string, err error) error {
	var before *verify.BeforeError
	var failed *builder.Error
	var changed *verify.ChangedError
	e := &report.Error{Path: path, Message: err.Error(), Hint: "the file was left alone"}
	switch {
	case errors.As(err, &before):
		e.Hint = "the file was left alone: mend the build first, or give what it needs with --build-arg, --secret, --target or --context"
	case errors.As(err, &changed):
		e.Hint = "the file was left alone: run drydock again; what changes by itself (logs, caches) belongs in .dockerignore"
	case errors.As(err, &failed): // it says what to do
	case errors.Is(err, syscall.ENOSPC):
		e.Message = builder.ErrOwnSpace.Error()
		e.Hint = "the file was left alone: make room at " + os.TempDir() + ", or let TMPDIR name another folder"
	default:
		return err
	}
	return e
}
