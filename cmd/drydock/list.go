package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

func listCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the transforms in the order in which they run",
		Flags: []cli.Flag{formatFlag()},
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			switch {
			case err != nil:
				return err
			case c.NArg() > 0:
				return usagef("list takes no argument: see drydock explain NAME")
			case asJSON:
				return listJSON(s)
			}
			w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tPHASE\tWHAT IT DOES")
			for _, t := range transforms.All() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, phases[t.Phase], t.Summary)
			}
			return w.Flush()
		},
	}
}

// listed is a transform in JSON.
type listed struct {
	Name    string `json:"name"`
	Phase   string `json:"phase"`
	Summary string `json:"summary"`
	Doc     string `json:"doc"`
}

func listJSON(s streams) error {
	out := []listed{}
	for _, t := range transforms.All() {
		out = append(out, listed{t.Name, phases[t.Phase], t.Summary, t.Doc})
	}
	text, err := report.Encode(out)
	if err != nil {
		return err
	}
	_, err = s.out.Write(text)
	return err
}

var phases = map[rewrite.Phase]string{
	rewrite.PhaseBase:    "base",
	rewrite.PhaseContext: "context",
	rewrite.PhaseOrder:   "order",
	rewrite.PhaseStages:  "stages",
	rewrite.PhaseLayers:  "layers",
	rewrite.PhaseUser:    "user",
}
