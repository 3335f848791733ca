package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/rewrite"
	"drydock/transforms"
)

func explainCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "tell why a transform does what it does, and when it declines",
		ArgsUsage:   "[NAME…]",
		Description: "Without NAME it explains every transform.",
		Action: func(c *cli.Context) error {
			ts := transforms.All()
			if c.NArg() > 0 {
				ts = nil
			}
			for _, n := range c.Args().Slice() {
				t := transforms.ByName(n)
				if t == nil {
					return unknownTransform(n)
				}
				ts = append(ts, t)
			}
			for i, t := range ts {
				if i > 0 {
					fmt.Fprintln(s.out)
				}
				explain(s.out, t)
			}
			return nil
		},
	}
}

func explain(w io.Writer, t *rewrite.Transform) {
	fmt.Fprintf(w, "%s: %s\n\n%s\n", t.Name, t.Summary, strings.TrimSpace(t.Doc))
}
