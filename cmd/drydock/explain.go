package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"drydock/checks"
	"drydock/docs"
	"drydock/transforms"
)

func explainCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "tell what a transform or check does and why, with an example, and when it declines",
		ArgsUsage:   "[NAME…]",
		Description: "Without NAME it explains every transform and check.",
		Action: func(c *cli.Context) error {
			names := c.Args().Slice()
			if len(names) == 0 {
				for _, t := range transforms.All() {
					names = append(names, t.Name)
				}
				for _, k := range checks.All() {
					names = append(names, k.Name)
				}
			}
			for i, n := range names {
				if transforms.ByName(n) == nil && checks.ByName(n) == nil {
					return unknownName(n)
				}
				page, err := docs.Page(n)
				if err != nil {
					return err // the tests hold that each name has one
				}
				if i > 0 {
					fmt.Fprintln(s.out)
				}
				fmt.Fprint(s.out, page)
			}
			return nil
		},
	}
}
