package review

import (
	"fmt"
	"slices"
	"strings"

	"drydock/report"
)

// RowKind is what a row of the list stands for.
type RowKind int

// The kinds of rows.
const (
	FileRow RowKind = iota
	KindRow         // a transform with its changes in all files
	ChangeRow
	FindingRow
	DeclineRow
)

// Row is one line of the list.
type Row struct {
	Kind      RowKind
	File      int    // -1 for a KindRow
	Transform string // for a KindRow; "" for the one of the findings
	Index     int    // of the change, finding or decline in its file
	Deep      bool   // it stands below a heading of its kind
}

// Rows lists everything, by file or by transform. Files without anything to say
// are left out; those that can't be read stand last.
func (s *Session) Rows(byKind, declined bool) []Row {
	if byKind {
		return s.rowsByKind(declined)
	}
	var out, failed []Row
	for i, w := range s.Works {
		if w == nil {
			continue
		}
		if w.Err != nil {
			failed = append(failed, Row{Kind: FileRow, File: i})
			continue
		}
		n := len(out)
		out = append(out, Row{Kind: FileRow, File: i})
		for k := range w.Changes {
			out = append(out, Row{Kind: ChangeRow, File: i, Index: k, Deep: true})
		}
		for k := range w.File.Findings {
			out = append(out, Row{Kind: FindingRow, File: i, Index: k, Deep: true})
		}
		if declined {
			for k := range w.File.Declined {
				out = append(out, Row{Kind: DeclineRow, File: i, Index: k, Deep: true})
			}
		}
		if len(out) == n+1 && !w.Changed() {
			out = out[:n]
		}
	}
	return append(out, failed...)
}

func (s *Session) rowsByKind(declined bool) []Row {
	var out, failed []Row
	byKind := map[string][]Row{}
	add := func(kind string, r Row) { byKind[kind] = append(byKind[kind], r) }
	for i, w := range s.Works {
		if w == nil {
			continue
		}
		if w.Err != nil {
			failed = append(failed, Row{Kind: FileRow, File: i})
		}
		for k, c := range w.Changes {
			add(c.Transform, Row{Kind: ChangeRow, File: i, Index: k, Deep: true})
		}
		for k := range w.File.Findings {
			add("", Row{Kind: FindingRow, File: i, Index: k, Deep: true})
		}
		if declined {
			for k, d := range w.File.Declined {
				add(d.Transform, Row{Kind: DeclineRow, File: i, Index: k, Deep: true})
			}
		}
	}
	var kinds []string
	for k := range byKind {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		if (a == "") != (b == "") { // what nobody can decide stands last
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	})
	for _, k := range kinds {
		out = append(out, Row{Kind: KindRow, File: -1, Transform: k})
		out = append(out, byKind[k]...)
	}
	return append(out, failed...)
}

// Change is the change of a row, nil for other rows.
func (s *Session) Change(r Row) *Change {
	if r.Kind != ChangeRow || s.Works[r.File] == nil || r.Index >= len(s.Works[r.File].Changes) {
		return nil
	}
	return &s.Works[r.File].Changes[r.Index]
}

// Finding is the finding of a row; nil for other rows.
func (s *Session) Finding(r Row) *report.Finding {
	if r.Kind != FindingRow {
		return nil
	}
	return &s.Works[r.File].File.Findings[r.Index]
}

// Decline is what a row says was left alone; nil for other rows.
func (s *Session) Decline(r Row) *report.Decline {
	if r.Kind != DeclineRow {
		return nil
	}
	return &s.Works[r.File].File.Declined[r.Index]
}

// Key names a row so that it is found again after files were worked out anew.
func (s *Session) Key(r Row) string {
	switch r.Kind {
	case FileRow:
		return fmt.Sprint("file ", r.File)
	case KindRow:
		return "kind " + r.Transform
	case ChangeRow:
		c := s.Change(r)
		return fmt.Sprint("change ", r.File, " ", c.Line, " ", c.ID.Name)
	case FindingRow:
		f := s.Finding(r)
		return fmt.Sprint("finding ", r.File, " ", f.Line, " ", f.Check, " ", f.Message)
	}
	d := s.Decline(r)
	return fmt.Sprint("decline ", r.File, " ", d.Line, " ", d.Transform, " ", d.Reason)
}

// Text is what a search looks through.
func (s *Session) Text(r Row) string {
	path := ""
	if r.File >= 0 {
		path = s.Targets[r.File].Path
	}
	switch r.Kind {
	case FileRow:
		return path
	case KindRow:
		return r.Transform
	case ChangeRow:
		c := s.Change(r)
		return strings.Join([]string{path, c.Transform, c.Title, c.Why, c.Assumes, c.Gain}, "\n")
	case FindingRow:
		f := s.Finding(r)
		return strings.Join([]string{path, f.Check, f.Message, f.Hint}, "\n")
	}
	d := s.Decline(r)
	return strings.Join([]string{path, d.Transform, d.Reason}, "\n")
}

// Under lists the decisions that give every change below a row a verdict: those of a
// file, of a transform in all files, or the change itself.
func (s *Session) Under(r Row, v Verdict) []Decision {
	switch r.Kind {
	case ChangeRow:
		return []Decision{s.One(r.File, *s.Change(r), v)}
	case KindRow:
		if r.Transform == "" || r.Transform == EditName {
			return nil
		}
		return []Decision{{Kind: All, File: -1, Transform: r.Transform, Verdict: v}}
	case FileRow:
		var out []Decision
		for _, c := range s.Works[r.File].Changes {
			if c.Verdict != v {
				out = append(out, s.One(r.File, c, v))
			}
		}
		return out
	}
	return nil
}
