package main

import (
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

func fixCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "fix",
		Usage:     "rewrite Dockerfiles in place and tell what changed and why",
		ArgsUsage: "[PATH…]",
		Description: `Makes the changes that need no assumption; with --unsafe also those that
rest on one. What waits behind --unsafe is listed at the end, and so is what
the checks find in the rewritten file (drydock check has all of them). With "-" the
rewritten Dockerfile goes to standard output and the summary to standard
error; files beside it are not written then.

With --verify it makes those too, builds and runs the image as it was and as it
is, and keeps what is proven; see docs/verify.md. A Dockerfile that doesn't
build as it is stays as it is.

` + exitCodes,
		Flags: append(sharedFlags(
			&cli.BoolFlag{Name: "p", Aliases: []string{"patch"}, Usage: "ask for each change, as git add -p does"},
			&cli.BoolFlag{Name: "verify", Usage: "build and run the image before and after; keep the changes that are proven, repair what can be, drop the rest"},
			noReplayFlag(), htmlFlag(),
		), proofFlags()...),
		Action: func(c *cli.Context) error { return runFix(c, s) },
	}
}

func runFix(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	set.narrowed(noCheckOnly)
	if c.IsSet("only") && len(set.own.transforms)+len(set.own.checks) == 0 {
		return usagef("what --only names runs in drydock check alone")
	}
	j := job{settings: set, streams: s, write: true, offer: true}
	if !c.Bool("no-replay") {
		j.quote = newQuoting()
	}
	page, err := readHTML(c, s, set)
	if err != nil {
		return err
	}
	defer page.drop()
	out := page.text(s.out)
	if set.stdin() {
		out = s.err
	}
	render := set.renderer(out, func(w io.Writer) report.Renderer {
		return &report.Summary{W: w, Style: set.style(w)}
	})
	if c.Bool("p") && c.Bool("verify") {
		return usagef("-p and --verify exclude each other: verify what you chose with drydock verify")
	}
	if j.prove, err = fixProving(c, s, set); err != nil {
		return set.forms.finish(allFailed(render, err))
	}
	if j.prove != nil {
		defer j.prove.close()
		j.offer = false // what rests on an assumption was tried
	}
	if c.Bool("p") {
		switch {
		case set.stdin():
			return usagef(`-p reads the answers from standard input: name a file instead of "-"`)
		case set.forms.program():
			return usagef("-p asks in text: leave --format %s out, or give it a file", set.forms.stdout)
		}
		// The engine's look at what --unsafe would bring would ask again.
		j.offer = false
		j.ask = newSession(c.Context, s, set.style(s.out))
	}
	j.render = page.beside(render)
	total, err := j.run(c.Context)
	if err = page.finish(err); err != nil {
		err = allFailed(render, err)
	}
	if err = set.forms.finish(err); err != nil {
		return err
	}
	return failure(total)
}

// allFailed tells JSON's readers too of an error that is about the whole run. A mistake
// in the command line is for those who write it.
func allFailed(render report.Renderer, err error) error {
	var usage usageError
	if !errors.As(err, &usage) {
		if err := failed(render, err); err != nil {
			return err
		}
	}
	return err
}

// failed tells a renderer whose form has a place for it why the run failed.
func failed(render report.Renderer, why error) error {
	if r, ok := render.(interface{ Fail(error) error }); ok {
		return r.Fail(why)
	}
	return nil
}

// failure is the error for a run in which files failed.
func failure(t report.Total) error {
	if t.Failed > 0 {
		return errFailed
	}
	return nil
}
