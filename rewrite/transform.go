package rewrite

import (
	"context"
	"fmt"

	"drydock/images"
	"drydock/repo"
)

// Safety says how much a change is sure of.
type Safety int

const (
	// Safe: what the program inside sees cannot differ.
	Safe Safety = iota
	// Assumes: right under the assumption written in Change.Assumes.
	Assumes
)

func (s Safety) String() string {
	if s == Safe {
		return "safe"
	}
	return "assumes"
}

// Phase orders transforms: earlier phases make room for later ones.
type Phase int

// The phases in the order in which they run.
const (
	PhaseBase     Phase = iota // which image a stage starts from
	PhaseContext               // what is sent to the builder
	PhaseSpelling              // how a single instruction is written
	PhaseOrder                 // the order of instructions
	PhaseStages                // build and runtime kept apart
	PhaseLayers                // how many layers
	PhasePackages              // what stays in them
	PhaseUser                  // who runs it
	PhaseMounts                // what a step borrows from the builder
)

// Transform is one kind of rewrite. Its metadata is data: help, explanations
// and documentation come from it.
type Transform struct {
	Name     string // kebab-case, unique
	Summary  string // one line
	Doc      string // what it does and why; Markdown with sources
	Declines string // when it leaves its case alone; Markdown
	Assumes  string // what its changes for --unsafe rest on; "" when all are safe
	Phase    Phase
	// Rules are those of other linters that speak of the same: where a comment
	// tells them to pass over an instruction, it is as it is on purpose.
	Rules []string
	// OptIn: it runs only when it is asked for by name.
	OptIn bool
	// AllAssume: each of its changes rests on an assumption, so that without
	// Options.Unsafe there is nothing to ask it.
	AllAssume bool
	// Apart: its changes of different instructions don't bear on each other, so
	// that the engine may make those of one Run together.
	Apart bool
	// Policies are the ways in which it can work, the default first; none for
	// a transform that knows one way.
	Policies []Policy
	// Run proposes changes of the document in the pass. Each change stands alone:
	// the engine applies one, rescans and asks again. Where the transform sees its
	// case but must not act it calls Pass.Decline.
	Run func(context.Context, *Pass) ([]Change, error)
}

// Policy is one way in which a transform can work.
type Policy struct {
	Name    string `json:"name"`    // as Options.Policies has it
	Summary string `json:"summary"` // what it means, in a line
}

// Pass is what a transform sees.
type Pass struct {
	Doc    *Document
	Repo   *repo.Repo    // the build context; never nil
	Images images.Source // facts about images; never nil
	// Name is the Dockerfile's path within the context, "" when it lies outside.
	Name string
	// Siblings are the other Dockerfiles built from the same context.
	Siblings []*Document
	// Unsafe tells that changes which rest on an assumption will be kept.
	Unsafe  bool
	History History // nil where there is none
	// Policy is the name of the transform's policy in force, "" when it has none.
	Policy string

	beside   map[string]bool // transforms of the run
	declined []Decline
	rules    []string // of the transform
	effects  map[*Instruction]*Effects
	findings []Finding
	run      *run // nil where transforms run
}

// Effects are the instruction's effects in this context, worked out once. They
// are shared: callers must not change them.
func (p *Pass) Effects(in *Instruction) *Effects {
	e := p.effects[in]
	if e == nil {
		if p.effects == nil {
			p.effects = map[*Instruction]*Effects{}
		}
		e = in.Effects(p.Repo, p.Name)
		p.effects[in] = e
	}
	return e
}

// Beside reports whether the transform of that name takes part in this run too,
// so that one can leave a case to another which does more with it.
func (p *Pass) Beside(name string) bool { return p.beside[name] }

// Quietly is a pass over the same document for another policy ("" for none),
// whose declines and findings nobody sees.
func (p *Pass) Quietly(policy string) *Pass {
	twin := *p
	twin.Policy, twin.declined, twin.findings = policy, nil, nil
	return &twin
}

// Decline is a case that a transform saw and rightly left alone.
type Decline struct {
	Transform string
	Line      int // 1-based, 0 for the whole file
	Reason    string
	Form      string // the reason without its particulars, to count by: Decline's format
}

// Decline notes why the transform leaves an instruction (nil: the file) alone.
func (p *Pass) Decline(in *Instruction, format string, args ...any) {
	d := Decline{Reason: fmt.Sprintf(format, args...), Form: format}
	if in != nil {
		d.Line = in.Line
	}
	p.declined = append(p.declined, d)
}

// Change is an atomic set of edits with its reason.
type Change struct {
	Title   string // what, in a few words: "pin python to 3.13"
	Why     string // why, with the source of the rule
	Assumes string // the assumption in words; "" for a safe change
	Gain    string // what it brings, in words; may be ""
	// Plan explains a change of many parts: what goes where, and why, a sentence each.
	Plan   []string
	Safety Safety
	At     *Instruction // where it is reported; nil for the whole file
	Edits  []Edit
	// Context is what a change of the ignore file does to the build context; nil
	// for other changes, and where it isn't known.
	Context *ContextChange
	// Image is what a change of a base image does; nil for other changes.
	Image *ImageChange

	// What the change means to alter; whatever else differs fails the gates.
	Config ConfigFields
	Adds   []string // commands, as Command.Key
	Drops  []string // commands, as Command.Key
	Hides  []string // variables that a RUN no longer sees
	// Brings are packages among those that Drops installed which the new base has
	// by itself.
	Brings []string
	// Narrows are the folders of other stages of which the last one gets parts.
	Narrows []Narrowed
	// Demoted is the name of a stage that is no longer the last one, after it was
	// seen that nothing outside the file builds it by its name.
	Demoted string
}

// ImageChange is one image in the place of another.
type ImageChange struct {
	From string `json:"from"` // reference, variables replaced
	To   string `json:"to"`   // reference that takes its place
}

// Status is what became of a change.
type Status string

// The outcomes of a change.
const (
	Applied Status = "applied"
	Offered Status = "offered" // waits for --unsafe
	Dropped Status = "dropped" // failed a gate: a defect of ours
	// Unproven: built and run, it breaks the image; package verify left it out.
	Unproven Status = "unproven"
)

// Outcome is one change with what became of it.
type Outcome struct {
	Status    Status
	Transform string
	Title     string
	Why       string
	Assumes   string
	Gain      string
	Plan      []string
	Safety    Safety
	Line      int    // line in the file at the time of the change, 0 for the whole file
	File      string // "" for the Dockerfile, else the context path
	Gate      string // for Dropped: which gate said what
	Config    ConfigFields
	Adds      []string
	Drops     []string
	Hides     []string
	Brings    []string
	Narrows   []Narrowed
	Context   *ContextChange // as in Change
	Image     *ImageChange   // as in Change

	// Before and After are the Dockerfile's text around this one change.
	Before, After string
	// Other maps context paths that the change writes to their new text.
	Other map[string]string

	// IgnoreAt are the lines, as Line, of the instructions at which an ignore keeps it away,
	// the best first; none for the whole file.
	IgnoreAt []int
}

// Input is one Dockerfile with what is known around it.
type Input struct {
	Path     string // for messages
	Src      string
	Name     string // path within the context, "" when outside
	Repo     *repo.Repo
	Images   images.Source
	Siblings []*Document
	History  History // nil where there is none
}

// History tells how often the files of the build context change.
type History interface {
	// Changed is in how many of the last commits something at or below a context
	// path changed.
	Changed(path string) (commits, of int)
}

// Options choose what Run may do.
type Options struct {
	Unsafe bool
	// Offer also works out what Unsafe would add, as outcomes of status Offered.
	Offer bool
	// Policies name the policy of a transform, by the transform's name; without
	// an entry its first one is in force.
	Policies map[string]string
	// Assume tells of single transforms, by name, whether assumptions may be made: true
	// as if Unsafe were set, false never. Without an entry Unsafe says it.
	Assume map[string]bool
	// Ignores keep transforms and checks away.
	Ignores []Ignore
	// Today is the day as time.DateOnly writes it, by which ignore comments end; "" where
	// none does.
	Today string
	// Names are those that an ignore comment may name besides those of the run, and the
	// rules (CHECK/RULE) of checks whose rules have names; Whole
	// tells that nothing was left out of it. Both are for Pass.IdleIgnores.
	Names []string
	Whole bool
	// Checks look at the file before and after the run.
	Checks []*Check
	// Select, when set, decides whether one change is applied (interactive use).
	Select func(Outcome) bool
}

// unsafe tells whether changes of a transform that rest on an assumption are kept.
func (o Options) unsafe(transform string) bool {
	if a, ok := o.Assume[transform]; ok {
		return a
	}
	return o.Unsafe
}

// Result is what Run made of a file.
type Result struct {
	Path          string
	Before, After string
	// Files maps context paths written besides the Dockerfile to their new text.
	Files    map[string]string
	Outcomes []Outcome
	Declined []Decline
	// Notes are for the reader, in words: ignore comments that came to an end, where no
	// check tells of them.
	Notes []string
	// Ignores tell what became of Options.Ignores, one for each, where a check asks for
	// ignores that do nothing; else it is empty.
	Ignores []Use
	// Findings are what the checks see in After, with its lines. Remaining are
	// those that they see in Before, with its lines, and that After still has.
	Findings, Remaining []Finding
}

// Changed reports whether anything is to be written.
func (r *Result) Changed() bool { return r.Before != r.After || len(r.Files) > 0 }

// Count is the number of outcomes with that status.
func (r *Result) Count(s Status) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.Status == s {
			n++
		}
	}
	return n
}
