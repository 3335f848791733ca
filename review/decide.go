package review

import (
	"slices"
	"strings"

	"drydock/report"
	"drydock/rewrite"
)

// Verdict is what becomes of a change.
type Verdict int

// The verdicts. Pending is a change that rests on an assumption nobody accepted.
const (
	Pending Verdict = iota
	Accepted
	Rejected
)

// Kind is what a Decision is about.
type Kind int

// The kinds of decisions.
const (
	One    Kind = iota // one change of one file
	All                // every change of a transform, in all files
	Edit               // the file's text is what somebody made of it
	Ignore             // a comment in the file, or an entry of a configuration, keeps the transform away
)

// EditName stands where a change has its transform's name, for what was edited by
// hand.
const EditName = "edit"

// Decision is one thing that was decided. Decisions are values; what they lead to
// is worked out from all of them, so that to undo is to take the last away.
type Decision struct {
	Kind      Kind
	File      int // number of the file; unused for All
	Transform string
	Verdict   Verdict // for One and All
	Change    ID      // for One and Ignore
	Text      string  // for Edit: the file as it shall be
	Line      int     // for Ignore: of the text on disk, 0 for the whole file
	Reason    string  // for Ignore
	Entry     *Entry  // for Ignore: of a configuration; nil for a comment
	Title     string  // of the change, for messages
	was       *Change // for One: as it was shown
}

// ID tells a change from others of its file, also where it moved because others
// were made or left out.
type ID struct {
	Name string // transform, title and the lines that are taken and given
	Line int    // of the text on disk
	// Twins are the lines of other changes with the same name, which the decision is
	// not about.
	Twins []int
}

// is tells whether the change called name is meant. line is asked only where
// twins make it matter.
func (id ID) is(name string, line func() int) bool {
	return id.Name == name && (len(id.Twins) == 0 || !slices.Contains(id.Twins, line()))
}

// name is ID.Name of a change; before gives the other files as they stood.
func name(o rewrite.Outcome, before func(string) string) string {
	var b strings.Builder
	b.WriteString(o.Transform + "\x00" + o.Title)
	changed := func(old, now string) {
		b.WriteByte(0)
		for _, d := range rewrite.DiffLines(old, now) {
			if d.Op != ' ' {
				b.WriteByte(d.Op)
				b.WriteString(d.Text)
			}
		}
	}
	changed(o.Before, o.After)
	for _, f := range sorted(o.Other) {
		b.WriteString("\x00" + f)
		changed(before(f), o.Other[f])
	}
	return b.String()
}

// Log is what was decided, step by step. The zero value is one without decisions.
type Log struct {
	steps [][]Decision
	at    int // steps that hold; those behind it were undone
}

// Add takes a step of one or more decisions; what was undone before is forgotten.
func (l *Log) Add(step ...Decision) {
	l.steps = append(l.steps[:l.at:l.at], step)
	l.at++
}

// Undo takes the last step back and returns it, nil when there is none.
func (l *Log) Undo() []Decision {
	if l.at == 0 {
		return nil
	}
	l.at--
	return l.steps[l.at]
}

// Redo makes the step again that was undone last, nil when there is none.
func (l *Log) Redo() []Decision {
	if l.at == len(l.steps) {
		return nil
	}
	l.at++
	return l.steps[l.at-1]
}

// Decisions are those that hold, oldest first.
func (l *Log) Decisions() []Decision { return slices.Concat(l.steps[:l.at]...) }

// Plan is what the decisions say of one file.
type Plan struct {
	Disk string // the file as it was read
	Text string // the file to start from
	// Edited tells that Text is somebody's, not the one on disk with comments to
	// ignore something.
	Edited bool
	// Ignores are what the configuration will say too.
	Ignores   []rewrite.Ignore
	decisions []Decision // about single changes and kinds
}

// PlanFor is the plan of file number i, which reads disk.
func PlanFor(decisions []Decision, i int, disk string) Plan {
	p := Plan{Disk: disk, Text: disk}
	for _, d := range holding(decisions) {
		switch {
		case d.Kind == All:
			p.decisions = append(p.decisions, d)
		case d.File != i:
		case d.Kind == Edit:
			p.Text, p.Edited = d.Text, true
		case d.Kind == Ignore && d.Entry != nil:
			p.Ignores = append(p.Ignores, d.Entry.Ignore())
		case d.Kind == Ignore:
			p.Text = WithComment(p.Text, report.OriginalLine(p.Text, disk, d.Line), d.Transform, d.Reason)
		case d.Transform == EditName: // the edit was taken back
			if d.Verdict == Rejected {
				p.Text, p.Edited = disk, false
			}
		default:
			p.decisions = append(p.decisions, d)
		}
	}
	return p
}

// verdict is what was decided about a change last, standard without a decision.
func (p *Plan) verdict(transform string, name func() string, line func() int, standard Verdict) Verdict {
	for i := len(p.decisions) - 1; i >= 0; i-- {
		d := &p.decisions[i]
		if d.Transform == transform && (d.Kind == All || d.Change.is(name(), line)) {
			return d.Verdict
		}
	}
	return standard
}

// WithComment puts `# drydock:ignore=NAME reason` above the instruction on a line,
// or for line 0 `# drydock:ignore-file=NAME reason` above the first one. A file
// that doesn't parse stays as it is.
func WithComment(text string, line int, transform, reason string) string {
	doc, err := rewrite.Parse("", text, nil)
	if err != nil || len(doc.Instructions) == 0 {
		return text
	}
	at := doc.Instructions[0].Span.Start
	if line > 0 {
		for _, in := range doc.Instructions {
			if in.Line <= line {
				at = in.Span.Start
			}
		}
	}
	return text[:at] + Comment(line, transform, reason) + doc.EOL + text[at:]
}

// Comment is the comment that WithComment puts in.
func Comment(line int, transform, reason string) string {
	comment := "# drydock:ignore="
	if line <= 0 {
		comment = "# drydock:ignore-file="
	}
	// A line break in the reason would end the comment.
	return strings.TrimRight(comment+transform+" "+strings.Join(strings.Fields(reason), " "), " ")
}

func sorted(files map[string]string) []string {
	var out []string
	for f := range files {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}
