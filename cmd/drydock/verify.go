package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"drydock/history"
	"drydock/report"
	"drydock/verify"
)

func verifyCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "build and run the image before and after a change, and tell what differs",
		ArgsUsage: "[PATH…] | BEFORE AFTER",
		Description: `Compares the Dockerfile of git's HEAD (or of --before REV) with the one in the
working tree, or with two files the first with the second: builds both, compares
configuration, files, libraries and what the programs do. Nothing is written but
a cache of proofs. docs/verify.md says what is compared, and how.

Exit codes:
   0   nothing breaks, or the Dockerfile is as it was
   1   something breaks
   2   it could not be read, built or run
   64  the command line is wrong`,
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "before", Value: "HEAD", Usage: "compare with the Dockerfile of this git revision (`REV`)"},
			&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`) of every Dockerfile"},
			formatFlag("verify"), htmlFlag(),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
		}, proofFlags()...), append(sourceFlags()[:1], configFlags()...)...),
		Action: func(c *cli.Context) error { return runVerify(c, s) },
	}
}

// verifying is what verify compares with.
type verifying struct {
	rev     string
	file    *target // not nil: the Dockerfile before
	patches bool    // tell the change itself too
}

func runVerify(c *cli.Context, s streams) error {
	format := c.String("format")
	if err := knownForm(c, format); err != nil {
		return err
	}
	if format != "text" && c.String("html") == "-" {
		return usagef("--html - and --format %s both go to standard output: give the page a file", format)
	}
	if format == "markdown" {
		if c.String("html") == "-" {
			return usagef("--html - and --format markdown both go to standard output: give the page a file")
		}
		if err := c.Set("format", "text"); err != nil { // which readSettings knows
			return err
		}
	}
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	set.narrowed(func(r *rules) { r.transforms, r.checks = nil, nil })
	if set.stdin() {
		return usagef(`verify needs files that can be built, not "-"`)
	}
	v := &verifying{rev: c.String("before")}
	if len(set.paths) == 2 && isFile(set.paths[0]) && isFile(set.paths[1]) {
		if c.IsSet("before") {
			return usagef("--before and two Dockerfiles exclude each other")
		}
		v.file, set.paths = &target{path: set.paths[0]}, set.paths[1:]
	}
	j := job{settings: set, streams: s, verify: v}
	page, err := readHTML(c, s, set)
	if err != nil {
		return err
	}
	defer page.drop()
	v.patches = page != nil
	out := page.text(s.out)
	if set.quiet {
		out = io.Discard
	}
	switch {
	case set.json:
		j.render = &report.JSON{W: out}
	case format == "markdown":
		j.render = &report.ProofMarkdown{W: out}
	default:
		j.render = &report.Proofs{W: out, Style: set.style(out)}
	}
	if j.prove, err = readProving(c, s, set.quiet || format != "text"); err != nil {
		return allFailed(j.render, err)
	}
	defer j.prove.close()
	shown := j.render
	j.render = page.beside(shown)
	total, err := j.run(c.Context)
	err = page.finish(err)
	switch {
	case err != nil:
		return allFailed(shown, err)
	case total.Failed == 0 && total.Broken > 0:
		return errFound
	}
	return failure(total)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// verified compares target number i of the site with what it was.
func (s *site) verified(ctx context.Context, t *target) *report.File {
	shown := ""
	if s.dir != "" {
		shown = s.job.places.show(s.dir)
	}
	proof, patches, note, err := s.compared(ctx, t)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return report.Failed(t.path, shown, proofError(t.path, err))
	}
	f := report.Proved(t.path, shown, proof)
	f.ContextWhy, f.Patches = t.contextWhy, patches
	if note != "" {
		f.Notes = append(f.Notes, note)
	}
	return f
}

// compared proves a target against what it was; without a proof the note says why
// there is none. The patches are the change, where it was asked for.
func (s *site) compared(ctx context.Context, t *target) (*verify.Proof, []*report.Patch, string, error) {
	v := s.job.verify
	before, note, err := s.earlier(ctx, t)
	if err != nil || note != "" {
		return nil, nil, note, err
	}
	now := verify.Side{Dockerfile: t.src, Ignore: ignoreText(t, s.read), Context: s.dir}
	if v.file == nil && before.Dockerfile == now.Dockerfile && *before.Ignore == *now.Ignore {
		return nil, nil, "as it was at " + v.rev, nil
	}
	p, err := s.prover(t, before)
	if err != nil {
		return nil, nil, "", err
	}
	defer p.Close()
	var patches []*report.Patch
	if v.patches && before.Dockerfile != now.Dockerfile {
		patches = append(patches, &report.Patch{Path: s.job.places.patchPath(t.abs), Before: before.Dockerfile, After: now.Dockerfile})
	}
	if v.patches && *before.Ignore != *now.Ignore {
		name := ".dockerignore"
		if _, own := s.read(t.name + name); own && t.name != "" {
			name = t.name + name
		}
		patches = append(patches, &report.Patch{Path: s.job.places.patchPath(s.abs(name)), Before: *before.Ignore, After: *now.Ignore})
	}
	proof, err := p.Prove(ctx, now, nil)
	return proof, patches, "", err
}

// earlier is the side before a target: another file's, or a revision's.
func (s *site) earlier(ctx context.Context, t *target) (verify.Side, string, error) {
	v, places := s.job.verify, s.job.places
	if v.file != nil {
		b := *v.file
		b.abs = places.abs(b.path)
		doc, err := b.load()
		if err != nil {
			return verify.Side{}, "", err
		}
		c := places.context(&b, doc)
		if s.job.settings.context != "" {
			c.dir = places.abs(s.job.settings.context)
		}
		if rel, ok := below(c.dir, b.abs); ok && c.dir != "" {
			b.name = filepath.ToSlash(rel)
		}
		return verify.Side{Dockerfile: b.src, Ignore: ignoreText(&b, filesOf(c.dir)), Context: c.dir}, "", nil
	}
	dir := filepath.Dir(t.abs)
	src, exists, err := history.Show(ctx, dir, v.rev, filepath.Base(t.abs))
	if err != nil {
		if errors.Is(err, history.ErrNone) {
			err = &report.Error{Path: t.path, Message: "there is no earlier Dockerfile to compare with: " + err.Error(), Hint: "name two files: drydock verify BEFORE AFTER"}
		}
		return verify.Side{}, "", err
	}
	if !exists {
		return verify.Side{}, "it wasn't there at " + v.rev, nil
	}
	return verify.Side{Dockerfile: string(src), Ignore: ignoreText(t, filesAt(ctx, s.dir, v.rev)), Context: s.dir}, "", nil
}
