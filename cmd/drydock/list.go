package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"drydock/checks"
	"drydock/docs"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

func listCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the transforms in the order in which they run, then the checks",
		Flags: []cli.Flag{
			formatFlag("list"),
			&cli.BoolFlag{Name: "schema", Usage: "print the JSON schema of what fix, diff, check, verify, update, bases and replay write with --format json"},
		},
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			switch {
			case err != nil:
				return err
			case c.NArg() > 0:
				return usagef("list takes no argument: see drydock explain NAME")
			case c.Bool("schema"):
				_, err := io.WriteString(s.out, docs.ReportSchema)
				return err
			case asJSON:
				return listJSON(s)
			}
			w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tPHASE\tWHAT IT DOES")
			for _, t := range transforms.All() {
				summary := t.Summary
				if t.OptIn {
					summary += " (--with " + t.Name + ")"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, phases[t.Phase], summary)
			}
			for _, k := range checks.All() {
				summary := k.Summary
				if k.OptIn {
					summary += " (--with " + k.Name + ")"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", k.Name, phaseOfChecks, summary)
			}
			return w.Flush()
		},
	}
}

// phaseOfChecks stands for the phase of a check, which runs behind them all.
const phaseOfChecks = "check"

// listed is a transform or a check in JSON; what a check passes over is in
// Declines.
type listed struct {
	Name     string           `json:"name"`
	Phase    string           `json:"phase"`
	Summary  string           `json:"summary"`
	Doc      string           `json:"doc"`
	Declines string           `json:"declines"`
	Assumes  string           `json:"assumes"` // "" when all its changes are safe
	OptIn    bool             `json:"opt_in"`  // runs only when asked for by --with or --only
	Policies []rewrite.Policy `json:"policies,omitempty"`
}

func listJSON(s streams) error {
	out := []listed{}
	for _, t := range transforms.All() {
		out = append(out, listed{t.Name, phases[t.Phase], t.Summary, t.Doc, t.Declines, t.Assumes, t.OptIn, t.Policies})
	}
	for _, k := range checks.All() {
		out = append(out, listed{Name: k.Name, Phase: phaseOfChecks, Summary: k.Summary, Doc: k.Doc, Declines: k.Passes, OptIn: k.OptIn})
	}
	text, err := report.Encode(out)
	if err != nil {
		return err
	}
	_, err = s.out.Write(text)
	return err
}

var phases = map[rewrite.Phase]string{
	rewrite.PhaseBase:     "base",
	rewrite.PhaseContext:  "context",
	rewrite.PhaseSpelling: "spelling",
	rewrite.PhaseOrder:    "order",
	rewrite.PhaseStages:   "stages",
	rewrite.PhaseLayers:   "layers",
	rewrite.PhasePackages: "packages",
	rewrite.PhaseUser:     "user",
	rewrite.PhaseMounts:   "mounts",
}
