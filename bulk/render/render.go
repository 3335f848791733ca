// Package render makes the reports of bulk of a stream of results: a summary for the
// terminal, CSV, JSON lines, SARIF and one HTML page. Memory doesn't grow with the
// number of repositories. What results hold comes from strangers: every renderer
// writes it such that it is text and nothing else.
package render

import (
	"fmt"
	"iter"
	"strings"

	"drydock/bulk/result"
	"drydock/report"
	"drydock/said"
)

// Results are the results of a run, sorted by name. A renderer may go through them
// more than once; the first error ends it.
type Results = iter.Seq2[*result.Result, error]

// Of are results that are in memory.
func Of(results []*result.Result) Results {
	return func(yield func(*result.Result, error) bool) {
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// complete is a copy of a result in which every list is there and every diff is
// filled in, as the JSON form promises.
func complete(r *result.Result) *result.Result {
	c := *r
	c.Files = make([]*report.File, 0, len(r.Files))
	for _, f := range r.Files {
		f := *f
		f.Diff = f.WholeDiff()
		c.Files = append(c.Files, &f)
	}
	if c.Facts == nil {
		c.Facts = []result.Facts{}
	}
	return &c
}

// facts are those of file i, the zero value where the result has none.
func facts(r *result.Result, i int) result.Facts {
	if i < len(r.Facts) {
		return r.Facts[i]
	}
	return result.Facts{}
}

// plain makes text of strangers harmless for a terminal and a spreadsheet: one line
// without controls.
func plain(s string) string { return said.Printable(s) }

// reason is why a repository was left alone, without the folder or address that its
// name stands for.
func reason(r *result.Result) string { return strings.TrimPrefix(r.Reason, r.Source+": ") }

// saving are the bytes that a Dockerfile's image is smaller, known only where both
// sizes are and they are of the same kind.
func saving(f result.Facts) (bytes int64, known bool) {
	if f.Before.Size <= 0 || f.After.Size <= 0 || f.Before.Measured != f.After.Measured {
		return 0, false
	}
	return f.Before.Size - f.After.Size, true
}

// megabytes writes bytes as people compare images: 403 MB, 1.2 GB.
func megabytes(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	f := float64(n)
	switch {
	case n < 1000:
		return fmt.Sprintf("%s%d B", sign, n)
	case f < 999.5e3:
		return fmt.Sprintf("%s%.0f kB", sign, f/1e3)
	case f < 9.95e6:
		return fmt.Sprintf("%s%.1f MB", sign, f/1e6)
	case f < 999.5e6:
		return fmt.Sprintf("%s%.0f MB", sign, f/1e6)
	case f < 9.95e9:
		return fmt.Sprintf("%s%.1f GB", sign, f/1e9)
	case f < 999.5e9:
		return fmt.Sprintf("%s%.0f GB", sign, f/1e9)
	}
	return fmt.Sprintf("%s%.1f TB", sign, f/1e12)
}
