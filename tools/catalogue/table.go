package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printTable writes a line for each repository, and below it what is wrong and
// what moved.
func printTable(w io.Writer, audits []*audit) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "repository\ttags\tcompared\twrong\tmoved\tnew lines\tgone lines\t")
	for _, a := range audits {
		verdict := ""
		switch {
		case a.failed != nil && !a.asked:
			verdict = "not asked: " + a.failed.Error()
		case a.failed != nil:
			verdict = "asked in part: " + a.failed.Error()
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", a.name, a.tags, a.compared, len(a.wrong), len(a.moved), list(a.newLines), list(a.goneLines), verdict)
	}
	t.Flush()
	section := func(title string, of func(*audit) []string) {
		head := true
		for _, a := range audits {
			for _, l := range of(a) {
				if head {
					fmt.Fprintf(w, "\n%s\n", title)
					head = false
				}
				fmt.Fprintln(w, "  "+l)
			}
		}
	}
	section("wrong:", func(a *audit) []string { return a.wrong })
	section("moved on since the catalogue's date:", func(a *audit) []string { return a.moved })
}

func list(s []string) string {
	if len(s) == 0 {
		return "-"
	}
	return strings.Join(s, ",")
}
