// Package result is what bulk found out about a repository: one model, which the
// journal keeps and every report is made of.
package result

import (
	"fmt"

	"drydock/report"
	"drydock/rewrite"
)

// Version is the version of the JSON form, as report.Version is.
const Version = 1

// Status is how work on a repository ended.
type Status string

// The statuses.
const (
	Unchanged Status = "unchanged" // nothing to change
	Changed   Status = "changed"   // there are changes; see Commits, Patch and Pull for what was done with them
	Skipped   Status = "skipped"   // rightly left alone: Reason
	Failed    Status = "failed"    // could not be worked on: Reason
)

// Result is one repository. The JSON names are documented and stable.
type Result struct {
	Name     string   `json:"name"`             // unique in a run
	Source   string   `json:"source"`           // the folder, or the address without credentials
	Web      string   `json:"web,omitempty"`    // for people, where a forge tells it
	Commit   string   `json:"commit,omitempty"` // that was looked at; "" outside of git
	Base     string   `json:"base,omitempty"`   // its branch; "" when detached
	Language string   `json:"language,omitempty"`
	Topics   []string `json:"topics,omitempty"`
	Status   Status   `json:"status"`
	Reason   string   `json:"reason,omitempty"`
	// Files are its Dockerfiles, with paths relative to the repository.
	Files []*report.File `json:"files"`
	// Facts are about the same Dockerfiles, in the same order.
	Facts   []Facts  `json:"facts"`
	Patch   string   `json:"patch,omitempty"` // file that was written
	Split   int      `json:"split,omitempty"` // commits that were made; 0 where the branch had the same change already
	Head    string   `json:"head,omitempty"`  // branch that was made
	Made    string   `json:"made,omitempty"`  // its last commit
	Push    string   `json:"push,omitempty"`  // pushed, or unchanged: the same change was there already
	Pull    *Pull    `json:"pull,omitempty"`  // pull request
	Notes   []string `json:"notes,omitempty"`
	Seconds float64  `json:"seconds"`
}

// Facts tell of one Dockerfile what charts are made of. Before and after are equal
// when it isn't changed.
type Facts struct {
	Before Shape `json:"before"`
	After  Shape `json:"after"`
}

// Shape is what a Dockerfile makes.
type Shape struct {
	Stages int      `json:"stages"`
	Bases  []string `json:"bases"` // references that FROM names, variables replaced, without stages
	Final  string   `json:"final"` // the base that the image stands on
	User   string   `json:"user"`  // that the image runs as, "" when the base says
	Layers int      `json:"layers"`
	// Size is of the image in bytes: measured where Measured, else what the
	// catalogue says of its final base, compressed. 0 when it isn't known.
	Size     int64 `json:"size"`
	Measured bool  `json:"measured"`
}

// Pull is a pull request and what was done with it.
type Pull struct {
	Number int    `json:"number,omitempty"`
	URL    string `json:"url,omitempty"`
	// Did is opened, updated, unchanged, closed, waiting (--max-open) or declined (someone
	// closed or merged it before, with the same change).
	Did string `json:"did"`
}

// Changes says in words how much is changed: "3 changes in 2 Dockerfiles".
func (r *Result) Changes() string {
	changes, files := 0, 0
	for _, f := range r.Files {
		if n := len(f.With(rewrite.Applied)); n > 0 {
			files++
			changes += n
		}
	}
	return fmt.Sprintf("%s in %s", count(changes, "change"), count(files, "Dockerfile"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
