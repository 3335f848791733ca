package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"drydock/rewrite"
)

// Updates renders what `update` found as one table of all base images: those
// that move, and those that stay, with the reason.
type Updates struct {
	W     io.Writer
	Style Style
	Wrote bool // the files are changed, not only looked at

	rows        []updateRow
	moved, kept int
}

type updateRow struct {
	line                    int
	place, image, next, why string
}

// File takes one file's images into the table.
func (u *Updates) File(f *File) error {
	var rows []updateRow
	arrived := map[string]int{} // what moved stands where it came to, and stays there
	for _, o := range f.Outcomes {
		if o.Image == nil || o.Status != string(rewrite.Applied) {
			continue
		}
		u.moved++
		arrived[o.Image.To]++
		rows = append(rows, updateRow{o.Line, fmt.Sprintf("%s:%d", f.Path, max(o.Line, 1)), o.Image.From, shortDigest(o.Image.To), oneLine(o.Why)})
	}
	for _, d := range f.Declined {
		image, why, ok := strings.Cut(d.Reason, ": ")
		if !ok {
			image, why = "", d.Reason
		}
		if arrived[image] > 0 {
			arrived[image]--
			continue
		}
		u.kept++
		rows = append(rows, updateRow{d.Line, fmt.Sprintf("%s:%d", f.Path, max(d.Line, 1)), image, "", oneLine(why)})
	}
	slices.SortStableFunc(rows, func(a, b updateRow) int { return a.line - b.line })
	u.rows = append(u.rows, rows...)
	return nil
}

// Close writes the table and the totals.
func (u *Updates) Close(t Total) error {
	if t.Files == 0 {
		return nil
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(u.rows) > 0 {
		fmt.Fprintln(w, "WHERE\tIMAGE\tNEXT\tWHY")
	}
	for _, r := range u.rows {
		next := r.next
		if next == "" {
			next = "stays"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.place, shortDigest(r.image), next, r.why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text := b.String()
	if head, rest, ok := strings.Cut(text, "\n"); ok {
		text = u.Style.Bold(head) + "\n" + rest
	}
	verb := "would move"
	if u.Wrote {
		verb = "moved"
	}
	_, err := fmt.Fprintf(u.W, "%s%s in %s: %d %s, %d stay\n", text, Count(u.moved+u.kept, "image", "images"), Count(t.Files, "file", "files"), u.moved, verb, u.kept)
	return err
}

// shortDigest cuts the digest of a reference for people to read.
func shortDigest(ref string) string {
	at := strings.Index(ref, "@sha256:")
	if n := at + len("@sha256:") + 12; at >= 0 && len(ref) > n {
		return ref[:n] + "…"
	}
	return ref
}

// Both renders to several renderers.
type Both []Renderer

// File renders a file with each.
func (b Both) File(f *File) error {
	var all error
	for _, r := range b {
		all = errors.Join(all, r.File(f))
	}
	return all
}

// Close ends all.
func (b Both) Close(t Total) error {
	var all error
	for _, r := range b {
		all = errors.Join(all, r.Close(t))
	}
	return all
}

// Fail tells those that can of an error that is about the whole run.
func (b Both) Fail(why error) error {
	var all error
	for _, r := range b {
		if f, ok := r.(interface{ Fail(error) error }); ok {
			all = errors.Join(all, f.Fail(why))
		}
	}
	return all
}
