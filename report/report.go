// Package report shows what drydock found and did: one model of the outcome,
// rendered as text, as JSON or as a patch. Renderers write to an io.Writer;
// nothing here exits, logs, or knows the command line.
package report

import (
	"context"
	"errors"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify"
)

// Version is the version of the JSON form. It grows when a field changes its
// meaning or goes; new fields may come without that.
const Version = 1

// File is one Dockerfile with everything that drydock says about it. The JSON
// names are documented and stable.
type File struct {
	// Path is the Dockerfile as the user would name it from where drydock runs; or the
	// configuration that findings are about.
	Path string `json:"path"`
	// Context is the build context's folder, "" when there is none.
	Context string `json:"context"`
	// ContextWhy tells in words why it is that folder, or why there is none where
	// the files of the repository don't agree; "" for the Dockerfile's own folder.
	ContextWhy string `json:"contextWhy,omitempty"`
	// Changed tells that drydock changes the Dockerfile or a file beside it.
	Changed bool `json:"changed"`
	// Outcomes are the changes in the order in which they were made.
	Outcomes []Outcome `json:"outcomes"`
	// Declined are the cases that a transform saw and rightly left alone.
	Declined []Decline `json:"declined"`
	// Findings are what the checks found and no transform mends.
	Findings []Finding `json:"findings"`
	// Diff is the unified diff of all changes, "" without one.
	Diff string `json:"diff"`
	// Replay is what git history says of the cache; left out when it wasn't asked.
	Replay *Replay `json:"replay,omitempty"`
	// Bases are what may take the place of its base images; left out when it wasn't asked.
	Bases []*Bases `json:"bases,omitempty"`
	// Proof is what building and running both gave; left out when it wasn't asked,
	// or there was nothing to prove.
	Proof *verify.Proof `json:"proof,omitempty"`
	// Error tells why the file was left alone; null when it was read.
	Error *Error `json:"error"`

	// Patches are the changed files, the Dockerfile first.
	Patches []*Patch `json:"-"`
	// Steps are the applied changes one by one, for those who make a commit of each.
	Steps []Step `json:"-"`
	// Notes are remarks for the reader, in words.
	Notes []string `json:"-"`
	// Written tells that the changes stand in the files now.
	Written bool `json:"-"`
	// Beside tells that it is no Dockerfile, and isn't counted as one.
	Beside bool `json:"-"`
}

// Outcome is one change. Lines are 1-based lines of the file as it was before
// drydock; 0 means the whole file.
type Outcome struct {
	Status    string `json:"status"`    // applied, offered (waits for --unsafe), unproven (--verify found that it breaks the image) or dropped (a defect of drydock)
	Transform string `json:"transform"` // that makes it, as drydock explain takes it
	Title     string `json:"title"`     // what it does
	Why       string `json:"why"`       // why that is better
	Assumes   string `json:"assumes"`   // what it rests on, "" for nothing
	Gain      string `json:"gain"`      // what it brings, "" where that isn't known
	// Plan explains a change of many parts: what goes where, and why, a sentence each.
	Plan   []string `json:"plan,omitempty"`
	Safety string   `json:"safety"`         // safe or assumes
	Line   int      `json:"line"`           // 1-based line of the Dockerfile before, 0 for the whole file
	File   string   `json:"file"`           // "" for the Dockerfile, else a path in the context
	Gate   string   `json:"gate,omitempty"` // for dropped: the promise that the change would have broken; for unproven: what broke
	// BuildContext is what a change of the ignore file does to the build context.
	BuildContext *rewrite.ContextChange `json:"buildContext,omitempty"`
	// Image is what a change of a base image does.
	Image *rewrite.ImageChange `json:"image,omitempty"`
	// Severity is how much the change matters: error, warning or note. SeverityOf has
	// them by transform; left out where an older version wrote the file.
	Severity string `json:"severity,omitempty"`
}

// Step is one applied change.
type Step struct {
	Outcome Outcome
	// Files are the texts of the files that it changes, after it; by paths as in Patch.
	Files map[string]string
}

// Decline is a case left alone, with the reason. Line is a 1-based line of the
// file as it stands after the run: as fix wrote it, and as it was for diff and
// check. 0 means the whole file.
type Decline struct {
	Transform string `json:"transform"` // that left it alone
	Line      int    `json:"line"`      // 1-based line of the file after the run, 0 for the whole file
	Reason    string `json:"reason"`    // why it was left alone
}

// Finding is what a check found. Line is a line as in Decline, but never 0.
type Finding struct {
	Check   string `json:"check"`   // with "/RULE" behind it for a check with several rules
	Line    int    `json:"line"`    // 1-based line of the file after the run
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to do about it
	// Severity is as in Outcome.
	Severity string `json:"severity,omitempty"`
}

// Error says what is wrong with a file, where, and what to do about it.
// Line and Col are 1-based; 0 when the whole file is meant.
type Error struct {
	Path    string `json:"path"`    // the file, as in File
	Line    int    `json:"line"`    // 1-based, 0 for the whole file
	Col     int    `json:"col"`     // 1-based, in bytes; 0 for the whole line
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to do about it
}

func (e *Error) Error() string {
	return (&rewrite.Error{Path: e.Path, Line: e.Line, Col: e.Col, Msg: e.Message, Hint: e.Hint}).Error()
}

// AsError makes an Error of any error about the file path.
func AsError(path string, err error) *Error {
	var mine *Error
	var engine *rewrite.Error
	switch {
	case errors.As(err, &mine):
		return mine
	case errors.As(err, &engine):
		return &Error{Path: engine.Path, Line: engine.Line, Col: engine.Col, Message: engine.Msg, Hint: engine.Hint}
	}
	// A panic's stack follows on further lines; one line says enough.
	msg, _, _ := strings.Cut(err.Error(), "\n")
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{Path: path, Message: "interrupted", Hint: "the file was left alone"}
	}
	return &Error{Path: path, Message: strings.TrimPrefix(msg, path+": "), Hint: "the file was left alone; please report it"}
}

// New describes a result of the engine; path and context are as in File,
// written tells that the result is what stands in the file now. The
// patches of files other than the Dockerfile are the caller's to add, who knows
// where they lie.
func New(path, context string, res *rewrite.Result, written bool) *File {
	f := &File{Path: path, Context: context, Changed: res.Changed(), Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Written: written}
	for _, o := range res.Outcomes {
		line := o.Line
		if o.Before != "" {
			line = OriginalLine(res.Before, o.Before, line)
		}
		f.Outcomes = append(f.Outcomes, Outcome{
			Status: string(o.Status), Transform: o.Transform, Title: o.Title, Why: o.Why, Assumes: o.Assumes,
			Gain: o.Gain, Plan: o.Plan, Safety: o.Safety.String(), Line: line, File: o.File, Gate: o.Gate, BuildContext: o.Context, Image: o.Image, Severity: SeverityOf(o.Transform),
		})
	}
	for _, d := range res.Declined {
		d := Decline{d.Transform, d.Line, d.Reason}
		if !written {
			d.Line = OriginalLine(res.Before, res.After, d.Line)
		}
		if !slices.Contains(f.Declined, d) {
			f.Declined = append(f.Declined, d)
		}
	}
	found := res.Remaining
	if written {
		found = res.Findings
	}
	for _, x := range found {
		f.Findings = append(f.Findings, Finding{x.Check, x.Line, x.Message, x.Hint, SeverityOf(x.Check)})
	}
	if res.Before != res.After {
		f.Patches = []*Patch{{Path: path, Before: res.Before, After: res.After}}
	}
	return f
}

// Failed describes a file that could not be taken.
func Failed(path, context string, err error) *File {
	return &File{Path: path, Context: context, Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Error: AsError(path, err)}
}

// Found describes a file other than a Dockerfile that the findings put into it are about.
func Found(path string) *File {
	return &File{Path: path, Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Beside: true}
}

// Replayed describes a file of which only the history was asked.
func Replayed(path, context string, r *Replay) *File {
	return &File{Path: path, Context: context, Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Replay: r}
}

// Looked describes a file, or an image, of which only the candidates for a base
// were asked.
func Looked(path, context string, bases []*Bases) *File {
	return &File{Path: path, Context: context, Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Bases: bases}
}

// Proved describes a file that was compared with what it was; proof is nil when
// there was nothing to compare.
func Proved(path, context string, proof *verify.Proof) *File {
	return &File{Path: path, Context: context, Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}, Proof: proof}
}

// With lists the outcomes of one status.
func (f *File) With(status rewrite.Status) []Outcome {
	var out []Outcome
	for _, o := range f.Outcomes {
		if o.Status == string(status) {
			out = append(out, o)
		}
	}
	return out
}

// Total counts what a run did.
type Total struct {
	Files, Changed, Failed int
	Findings               int // in all files
	Notes                  int // findings that are notes, among them
	Broken                 int // files whose proof failed
}

// Add counts one file.
func (t *Total) Add(f *File) {
	if !f.Beside {
		t.Files++
	}
	if f.Error != nil {
		t.Failed++
	} else if f.Changed {
		t.Changed++
	}
	t.Findings += len(f.Findings)
	for _, x := range f.Findings {
		if x.Severity == SeverityNote {
			t.Notes++
		}
	}
	if f.Proof != nil && !f.Proof.Holds() {
		t.Broken++
	}
}

// Renderer writes files as they come and whatever closes the output.
type Renderer interface {
	File(*File) error
	Close(Total) error
}
