// Package forge talks to GitHub, GitLab and Gitea: which repositories an owner has,
// and pull requests (merge requests). A token is read from the environment or from
// what gh and glab have stored; it is sent to its own host only and is never part
// of an error, a log or an address.
package forge

import (
	"context"
	"iter"
	"time"

	"drydock/bulk/git"
)

// Repository is one repository of an owner.
type Repository struct {
	Owner, Name string
	CloneURL    string // https, without credentials
	Branch      string // the default one, "" in an empty repository
	Language    string // as the forge tells it, "" when it doesn't
	Topics      []string
	Archived    bool
	Fork        bool
	Empty       bool
}

// Filter says which repositories are left out.
type Filter struct {
	Archived, Forks bool     // true: take them too
	Topics          []string // one of them at least, where given
	Languages       []string // one of them, where given, in any case of letters
}

// State is what became of a pull request.
type State string

// The states of a pull request.
const (
	Open   State = "open"
	Closed State = "closed"
	Merged State = "merged"
)

// Pull is a pull request.
type Pull struct {
	Number      int
	URL         string // for people
	State       State
	Title, Body string
	Head, Base  string // branches
	Draft       bool
	Created     time.Time

	// Changed tells, of what Update gave, that there was something to change; Notes
	// are what Create and Update could not do, in words: a reviewer whom nobody knows.
	Changed bool
	Notes   []string
}

// Proposal is what a pull request shall say.
type Proposal struct {
	Title, Body string
	Head, Base  string
	Draft       bool
	Labels      []string
	Reviewers   []string
}

// Forge is one host with one owner's repositories or more. Calls wait for the
// host's rate limits and are tried again where that is safe.
type Forge interface {
	// Name is what a source begins with: github, gitlab or gitea.
	Name() string
	// Auth is for git's own requests to the host.
	Auth() git.Auth
	// List gives the repositories of an organisation, group (with its subgroups) or user.
	List(ctx context.Context, owner string, f Filter) iter.Seq2[Repository, error]
	// Get gives one repository.
	Get(ctx context.Context, owner, name string) (Repository, error)
	// Find gives the newest pull request from a branch of the repository itself, nil when there is none.
	// Open ones come before all others.
	Find(ctx context.Context, owner, name, branch string) (*Pull, error)
	// Create opens one. A second call for the same head finds the first one's.
	Create(ctx context.Context, owner, name string, p Proposal) (*Pull, error)
	// Update changes title and body, where they differ, and adds labels and reviewers that it lacks.
	// Whether it is a draft stays as it is: people may have said that it is ready.
	Update(ctx context.Context, owner, name string, number int, p Proposal) (*Pull, error)
	// Close closes one with a comment, and deletes its branch.
	Close(ctx context.Context, owner, name string, pull Pull, comment string) error
}
