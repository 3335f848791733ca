package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

func checkCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "list what fix would change, one finding per line",
		ArgsUsage: "[PATH…]",
		Description: `Each line reads path:line: transform: what — why [assumes: …]. Findings that
wait for --unsafe are listed, and count for the exit code only when --unsafe
is given: after fix, check with the same flags gives 0.

` + exitCodes,
		Flags: sharedFlags(
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
	j := job{settings: set, streams: s, offer: true}
	j.render = &report.List{W: s.out, Style: set.style(s.out), Declined: c.Bool("declined")}
	if set.json {
		j.render = &report.JSON{W: s.out}
	} else if set.quiet {
		j.render, j.offer = &report.List{W: io.Discard}, false
	}
	total, err := j.run(c.Context)
	if err != nil {
		return err
	}
	return found(total)
}
