package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

func diffCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "print what fix would change as a patch",
		ArgsUsage: "[PATH…]",
		Description: `The patch names files relative to the current folder, new files such as
.dockerignore included: run git apply or patch -p1 in the same folder. In a
pipe it is a patch and nothing else; on a terminal it is coloured and the
reason of each change stands above, in lines that patch tools skip. The page of
--html tells more: findings, and what waits for --unsafe.

` + exitCodes,
		Flags:  sharedFlags(noReplayFlag(), htmlFlag()),
		Action: func(c *cli.Context) error { return runDiff(c, s) },
	}
}

func runDiff(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	if c.IsSet("only") && len(set.own.transforms) == 0 {
		return usagef("diff shows changes, and checks make none: see drydock check")
	}
	page, err := readHTML(c, s, set)
	if err != nil {
		return err
	}
	defer page.drop()
	if page != nil {
		set.narrowed(noCheckOnly)
	} else {
		set.narrowed(noChecks)
	}
	style := set.style(s.out)
	text := func(w io.Writer) report.Renderer {
		if w != s.out {
			return &report.Diff{W: w}
		}
		return &report.Diff{W: w, Style: style, Why: style.On || isTerminal(w)}
	}
	j := job{settings: set, streams: s, offer: page != nil, render: page.beside(set.renderer(page.text(s.out), text))}
	if !c.Bool("no-replay") && (set.forms.has("json") || set.forms.has("markdown") || page != nil || style.On || isTerminal(s.out)) {
		j.quote = newQuoting() // a patch in a pipe has no place for it
	}
	total, err := j.run(c.Context)
	if err = set.forms.finish(page.finish(err)); err != nil {
		return err
	}
	return found(total)
}

// found is the error for a run that only looked: failures weigh more than
// findings.
func found(t report.Total) error {
	if t.Failed == 0 && t.Changed > 0 {
		return errFound
	}
	return failure(t)
}
