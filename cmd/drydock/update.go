package main

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// updateTransform does the work of update.
const updateTransform = "update-base"

func updateCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "move pinned base images forward, and tell why",
		ArgsUsage: "[PATH…]",
		Description: `Rewrites the references of FROM, COPY --from, RUN --mount and # syntax= to newer
tags and digests, as far as --level goes, and prints a table of all of them; with
--diff it prints the patch in place of writing (the table goes to standard
error). Registries tell which tags there are; the built-in catalogue tells which
lines are supported, and answers alone with --offline.

` + exitCodes,
		Flags: append(append(sourceFlags()[:2], configFlags()...),
			&cli.StringFlag{Name: "level", Value: "patch", Usage: "how far to go: " + strings.Join(levels(), ", ") + " (`LEVEL`)"},
			&cli.BoolFlag{Name: "diff", Usage: "print the patch and leave the files as they are"},
			&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`) of every Dockerfile"},
			formatFlag("update"),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors, and with --diff the patch"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
		),
		Action: func(c *cli.Context) error { return runUpdate(c, s) },
	}
}

// levels are the policies of the transform.
func levels() []string {
	var out []string
	for _, p := range transforms.ByName(updateTransform).Policies {
		out = append(out, p.Name)
	}
	return out
}

func runUpdate(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	level, dry := c.String("level"), c.Bool("diff")
	if !slices.Contains(levels(), level) {
		return usagef("--level %s: choose %s", level, strings.Join(levels(), ", "))
	}
	set.fresh = true
	set.narrowed(func(r *rules) {
		if own := r.policies[updateTransform]; own == "" || c.IsSet("level") {
			r.policies = map[string]string{updateTransform: level}
		}
		r.transforms, r.checks, r.unsafe, r.assume = []*rewrite.Transform{transforms.ByName(updateTransform)}, nil, true, nil
	})
	j := job{settings: set, streams: s, write: !dry}
	table := s.out
	if dry || set.stdin() {
		table = s.err
	}
	if set.quiet {
		table = io.Discard
	}
	j.render = &report.Updates{W: table, Style: set.style(table), Wrote: j.write && !set.stdin()}
	switch {
	case set.json:
		j.render = &report.JSON{W: s.out}
	case dry:
		style := set.style(s.out)
		j.render = report.Both{&report.Diff{W: s.out, Style: style}, j.render}
	}
	total, err := j.run(c.Context)
	if err != nil {
		return err
	}
	if dry {
		return found(total)
	}
	return failure(total)
}
