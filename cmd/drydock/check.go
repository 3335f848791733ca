package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

func checkCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "list what fix would change and what it can't mend, one finding per line",
		ArgsUsage: "[PATH…]",
		Description: `Each line reads path:line: transform: what — why [assumes: …], or
path:line: check: what — what to do for a finding that has no fix. Changes that
wait for --unsafe are listed, and count for the exit code only when --unsafe
is given: after fix, check with the same flags lists findings without a fix
alone. To silence one write "# drydock:ignore=CHECK reason" above the
instruction; to leave a check out, --skip CHECK.

` + exitCodes,
		Flags: sharedFlags(
			htmlFlag(),
			&cli.BoolFlag{Name: "declined", Aliases: []string{"v"}, Usage: "also list what was left alone, with the reason"},
		),
		Action: func(c *cli.Context) error { return runCheck(c, s) },
	}
}

func runCheck(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	page, err := readHTML(c, s, set)
	if err != nil {
		return err
	}
	defer page.drop()
	j := job{settings: set, streams: s, idle: &idleEntries{}, offer: !set.quiet || set.forms.program() || len(set.forms.files) > 0 || page != nil}
	j.render = page.beside(set.renderer(page.text(s.out), func(w io.Writer) report.Renderer {
		return &report.List{W: w, Style: set.style(w), Declined: c.Bool("declined")}
	}))
	total, err := j.run(c.Context)
	if err = set.forms.finish(page.finish(err)); err != nil {
		return err
	}
	if total.Failed == 0 && total.Findings > total.Notes {
		return errFound
	}
	return found(total)
}
