package render

import (
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"drydock/bulk/result"
	"drydock/report"
	"drydock/rewrite"
)

// Columns are the columns of CSV: documented, in this order, new ones at the end.
// There is one row per Dockerfile, and one with an empty dockerfile for a
// repository without any. Lists are joined with ";" and sorted. Sizes are bytes,
// empty where they aren't known.
var Columns = []string{
	"repository", "status", "reason", "language", "dockerfile", "changed", "error",
	"applied", "offered", "unproven", "declined", "findings", // how many
	"transforms", "checks", // names: of what was applied, of what was found
	"base_before", "base_after", // of the final stage
	"user_before", "user_after", "stages_before", "stages_after", "layers_before", "layers_after",
	"size_before", "size_after", "size_measured", "saving",
	"source", "web", "commit", "branch", "patch", "head", "made", "push", "pull", "pull_did", "seconds",
}

// CSV writes a table for spreadsheets (RFC 4180). Text that a spreadsheet would
// take for a formula has a ' in front, controls are visible escapes.
func CSV(w io.Writer, results Results) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(Columns); err != nil {
		return err
	}
	for r, err := range results {
		if err != nil {
			return err
		}
		for i := range max(1, len(r.Files)) {
			if err := out.Write(csvRow(r, i)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func csvRow(r *result.Result, i int) []string {
	row := []string{cell(r.Name), cell(string(r.Status)), cell(r.Reason), cell(r.Language)}
	if i < len(r.Files) {
		row = append(row, csvFile(r.Files[i])...)
		row = append(row, csvFacts(facts(r, i))...)
	} else {
		row = append(row, make([]string, 10+12)...)
	}
	var pull result.Pull
	if r.Pull != nil {
		pull = *r.Pull
	}
	for _, s := range []string{r.Source, r.Web, r.Commit, r.Base, r.Patch, r.Head, r.Made, r.Push, pull.URL, pull.Did} {
		row = append(row, cell(s))
	}
	return append(row, strconv.FormatFloat(r.Seconds, 'f', 3, 64))
}

func csvFile(f *report.File) []string {
	row := []string{cell(f.Path), strconv.FormatBool(f.Changed), ""}
	if f.Error != nil {
		row[2] = cell(f.Error.Error())
	}
	for _, s := range []rewrite.Status{rewrite.Applied, rewrite.Offered, rewrite.Unproven} {
		row = append(row, strconv.Itoa(len(f.With(s))))
	}
	return append(row, strconv.Itoa(len(f.Declined)), strconv.Itoa(len(f.Findings)), names(appliedIn(f)), names(foundIn(f)))
}

func csvFacts(f result.Facts) []string {
	if f.Before.Stages == 0 && f.After.Stages == 0 {
		return make([]string, 12)
	}
	row := []string{cell(f.Before.Final), cell(f.After.Final), cell(f.Before.User), cell(f.After.User)}
	for _, n := range []int{f.Before.Stages, f.After.Stages, f.Before.Layers, f.After.Layers} {
		row = append(row, strconv.Itoa(n))
	}
	row = append(row, size(f.Before.Size), size(f.After.Size), strconv.FormatBool(f.Before.Measured && f.After.Measured))
	if n, known := saving(f); known {
		return append(row, strconv.FormatInt(n, 10))
	}
	return append(row, "")
}

func size(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// appliedIn counts the transforms whose changes a file has, foundIn the checks that found something.
func appliedIn(f *report.File) map[string]int {
	out := map[string]int{}
	for _, o := range f.With(rewrite.Applied) {
		out[o.Transform]++
	}
	return out
}

func foundIn(f *report.File) map[string]int {
	out := map[string]int{}
	for _, x := range f.Findings {
		out[x.Check]++
	}
	return out
}

func names(m map[string]int) string {
	return cell(strings.Join(slices.Sorted(maps.Keys(m)), ";"))
}

// cell is text as a cell. Spreadsheets take what begins with =, +, - or @ (or a
// tab or carriage return, which plain makes visible) for a formula, also behind
// blanks: OWASP, CSV Injection.
func cell(s string) string {
	s = plain(s)
	if t := strings.TrimLeft(s, " \u00a0"); t != "" && strings.ContainsAny(t[:1], "=+-@") {
		return "'" + s
	}
	return s
}
