// Package bulk rewrites the Dockerfiles of many repositories: it finds them, works
// on several at once, and keeps a journal by which a run that was killed goes on.
package bulk

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"drydock/bulk/git"
	"drydock/bulk/result"
	"drydock/bulk/source"
	"drydock/report"
)

// Work looks at the Dockerfiles below a folder and changes nothing: paths of the
// files and of their patches are relative to it. facts stand beside files.
type Work func(ctx context.Context, dir string) (files []*report.File, facts []result.Facts, err error)

// Options say what a run does. Without PatchDir and Branch it only looks.
type Options struct {
	// Repos are the repositories, listed while the run is under way. An error in the list
	// doesn't stop the work on those that it gave.
	Repos iter.Seq2[source.Repo, error]
	Work  Work
	// IsDockerfile tells by a file's name, without folders, whether Work takes it.
	IsDockerfile func(name string) bool

	Workers int           // 1 at least
	Timeout time.Duration // for one repository; 0 for none

	Journal string // file; required
	Key     string // what flags and sources amount to: a run goes on with the same one only
	Shard   int    // as --shard has it, 0 of 0 without
	Shards  int
	Version string // of drydock

	Cache string // folder of clones, "" when there are no remote repositories
	Temp  string // folder for temporary folders, "" for the system's
	Depth int    // commits that a clone brings; 0 is 1

	PatchDir string // write a patch of each changed repository into it

	Branch    string // commit to it
	Message   string // template of commit messages, "" for Message of this package
	Author    git.Person
	Committer git.Person
	SignOff   bool
	Sign      bool // as commit.gpgsign says
	Split     bool // one commit per transform

	Push   bool
	Remote string // of local repositories, "" for origin

	Pulls *Pulls // open pull requests; it needs Push

	// Reproduce is the command that shows the same changes to a Dockerfile whose path is put
	// behind it; "" is drydock diff.
	Reproduce string

	Events func(Event) // called by one goroutine at a time; may be nil
}

// Pulls say how pull requests are opened.
type Pulls struct {
	Title, Body string // templates, "" for Title and Body of this package
	Draft       bool
	Labels      []string
	Reviewers   []string
	// MaxOpen bounds those that are open at once over the repositories of the run; 0 is
	// no bound. The ones that are open already count.
	MaxOpen    int
	Pause      time.Duration // between two openings
	CloseEmpty bool          // close those whose repository has nothing left to change
	Reopen     bool          // open one again that somebody closed
}

// EventKind is what an event tells.
type EventKind string

// The kinds of events.
const (
	Listed EventKind = "listed" // Found is now the number of all repositories
	Begun  EventKind = "begun"
	Stage  EventKind = "stage" // Text is what is done now
	Wait   EventKind = "wait"  // nothing is done for For; Text is why
	Done   EventKind = "done"  // Result is how it ended
	Note   EventKind = "note"  // Text is about the run
)

// Event tells how a run gets on.
type Event struct {
	Kind    EventKind
	Name    string // of the repository
	Text    string
	For     time.Duration
	Result  *result.Result
	Resumed bool // Done: by a process before this one

	Found    int // repositories so far
	Finished int // of them
}

// ListError wraps the error of a list that broke off: what it gave was worked on,
// and the run isn't finished.
type ListError struct{ Err error }

func (e *ListError) Error() string {
	return fmt.Sprintf("the list of repositories is not complete: %s: run the same command again to go on", e.Err)
}
func (e *ListError) Unwrap() error { return e.Err }

// check finds what is wrong with options before anything is done.
func (o *Options) check() error {
	switch {
	case o.Journal == "":
		return fmt.Errorf("a run needs a journal: name its file")
	case o.Push && o.Branch == "":
		return fmt.Errorf("there is nothing to push without a branch: name one with --branch")
	case o.Pulls != nil && !o.Push:
		return fmt.Errorf("a pull request needs its branch at the forge: add --push")
	}
	o.Workers = max(o.Workers, 1)
	o.Depth = max(o.Depth, 1)
	if o.Remote == "" {
		o.Remote = "origin"
	}
	if o.Reproduce == "" {
		o.Reproduce = "drydock diff"
	}
	for _, dir := range []*string{&o.PatchDir, &o.Cache, &o.Temp} {
		if *dir != "" {
			abs, err := filepath.Abs(*dir)
			if err != nil {
				return err
			}
			*dir = abs
		}
	}
	return nil
}

// Summary counts what a run came to, with what processes before this one did for it.
type Summary struct {
	Repositories                        int
	Unchanged, Changed, Skipped, Failed int
	Resumed                             int // repositories that were done before

	Dockerfiles int
	Rewritten   int // Dockerfiles with changes
	Unreadable  int // Dockerfiles that could not be taken
	Changes     int // applied
	Findings    int

	Patches, Commits, Branches, Pushed int
	Pulls                              map[string]int // by result.Pull.Did
}

// add counts a repository.
func (s *Summary) add(r *result.Result) {
	s.Repositories++
	switch r.Status {
	case result.Unchanged:
		s.Unchanged++
	case result.Changed:
		s.Changed++
	case result.Skipped:
		s.Skipped++
	case result.Failed:
		s.Failed++
	}
	for _, f := range r.Files {
		s.Dockerfiles++
		s.Findings += len(f.Findings)
		s.Changes += len(f.With("applied"))
		if f.Error != nil {
			s.Unreadable++
		} else if f.Changed {
			s.Rewritten++
		}
	}
	if r.Patch != "" {
		s.Patches++
	}
	if r.Made != "" {
		s.Branches++
		s.Commits += r.Split
	}
	if r.Push != "" {
		s.Pushed++
	}
	if r.Pull != nil {
		s.Pulls[r.Pull.Did]++
	}
}
