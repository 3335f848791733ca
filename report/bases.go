package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Bases is what may take the place of an image. The JSON names are documented
// (docs/bases.md) and stable.
type Bases struct {
	// Stage is the name or number of the stage that stands on the image, Line its
	// FROM; "" and 0 when an image was asked about.
	Stage string `json:"stage"`
	Line  int    `json:"line"` // 1-based line of its FROM
	// Image is the base as it is.
	Image string `json:"image"`
	// Needs are what the stage was found to need, in words.
	Needs []string `json:"needs"`
	Rows  []Base   `json:"candidates"` // what may take its place, the image itself first
	// Recommended is one of the candidates, "" for none; Why tells the reason.
	Recommended string `json:"recommended"`
	Why         string `json:"why"` // why that one
	// How is the command that makes the change, "" for none.
	How string `json:"how"`
}

// Base is one candidate.
type Base struct {
	Image      string         `json:"image"`               // reference
	Kind       string         `json:"kind"`                // now, slim, alpine, jre, distroless, scratch or newer
	Size       int64          `json:"size"`                // compressed bytes, 0 when not known
	Libc       string         `json:"libc"`                // glibc, musl, none, "" unknown
	Shell      *bool          `json:"shell"`               // it has /bin/sh; null when not known
	Packages   string         `json:"packages"`            // apt, apk, …; "" none or unknown
	User       string         `json:"user"`                // the default one
	NonRoot    string         `json:"nonRoot"`             // a user that isn't root and exists, "" for none known
	Updated    string         `json:"updated"`             // day the image was made, "" unknown
	EndOfLife  string         `json:"endOfLife"`           // day its line's support ends, "" unknown
	Ended      bool           `json:"ended"`               // its line is no longer supported
	Source     string         `json:"source"`              // who says so
	Vulns      map[string]int `json:"vulnerabilities"`     // by severity; null when not scanned
	ScanError  string         `json:"scanError,omitempty"` // why the scanner told nothing
	Fits       *bool          `json:"fits"`                // null: not asked, or not known
	Verdict    string         `json:"verdict"`             // whether it fits, and why, in words
	VulnsShort string         `json:"-"`
}

// BasesTable renders the candidates of each image as a table.
type BasesTable struct {
	W     io.Writer
	Style Style
}

// File writes the tables of one file.
func (t *BasesTable) File(f *File) error {
	if f.Error != nil || len(f.Bases) == 0 {
		return nil
	}
	var b strings.Builder
	for _, x := range f.Bases {
		t.table(&b, f, x)
	}
	_, err := io.WriteString(t.W, b.String())
	return err
}

func (t *BasesTable) table(b *strings.Builder, f *File, x *Bases) {
	head := x.Image
	if x.Line > 0 {
		head = fmt.Sprintf("%s:%d: stage %s on %s", f.Path, x.Line, x.Stage, x.Image)
	}
	fmt.Fprintf(b, "%s\n", t.Style.Bold(head))
	for _, n := range x.Needs {
		fmt.Fprintf(b, "  %s\n", t.Style.Dim(n))
	}
	scanned := false
	for _, r := range x.Rows {
		scanned = scanned || r.Vulns != nil || r.ScanError != ""
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(cells ...string) {
		fmt.Fprintln(w, "  "+strings.Join(cells, "\t"))
	}
	cells := []string{"IMAGE", "SIZE", "LIBC", "SHELL", "PACKAGES", "USER", "UPDATED", "SUPPORT"}
	if scanned {
		cells = append(cells, "VULNERABILITIES")
	}
	line(append(cells, "")...)
	for _, r := range x.Rows {
		cells := []string{r.Image, Megabytes(r.Size), known(r.Libc), yesNo(r.Shell), known(r.Packages), r.user(), known(r.Updated), r.support()}
		if scanned {
			cells = append(cells, r.vulns())
		}
		line(append(cells, oneLine(r.Verdict))...)
	}
	_ = w.Flush() // a Builder takes all
	rows := strings.SplitAfter(text.String(), "\n")
	for i, row := range rows {
		row = strings.TrimRight(row, " \n") + row[len(strings.TrimRight(row, "\n")):]
		if i > 0 && i <= len(x.Rows) && x.Rows[i-1].Image == x.Recommended {
			row = t.Style.Green(strings.TrimSuffix(row, "\n")) + "\n"
		}
		b.WriteString(row)
	}
	if x.Why != "" {
		what := "no change is recommended"
		if x.Recommended != "" {
			what = "recommended: " + x.Recommended
		}
		fmt.Fprintf(b, "  %s: %s\n", t.Style.Bold(what), oneLine(x.Why))
	}
	if x.How != "" {
		fmt.Fprintf(b, "  %s\n", x.How)
	}
	b.WriteByte('\n')
}

// Close writes nothing.
func (t *BasesTable) Close(Total) error { return nil }

// Megabytes is a size as people read it: "74 MB", "0.8 MB", "?" for 0. A
// megabyte is a million bytes, as Docker prints it.
func Megabytes(n int64) string {
	switch mb := float64(n) / 1e6; {
	case n == 0:
		return "?"
	case mb < 10:
		return fmt.Sprintf("%.1f MB", mb)
	default:
		return fmt.Sprintf("%.0f MB", mb)
	}
}

func known(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "?"
	case *b:
		return "yes"
	}
	return "no"
}

func (r Base) user() string {
	if r.User == "" && r.NonRoot != "" {
		return "root (has " + r.NonRoot + ")"
	}
	if r.User == "" {
		return "root"
	}
	return r.User
}

func (r Base) support() string {
	switch {
	case r.Ended:
		return strings.TrimSpace("ended " + r.EndOfLife)
	case r.EndOfLife != "":
		return "until " + r.EndOfLife
	}
	return "-"
}

func (r Base) vulns() string {
	if r.ScanError != "" {
		return "not scanned"
	}
	return r.VulnsShort
}
