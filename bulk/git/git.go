// Package git runs the git program for bulk: it reads a repository at a commit and
// writes commits, branches and patches without touching anybody's work tree, index
// or HEAD. What it adds to a repository are objects and, as one atomic step, a
// branch.
package git

import (
	"context"
	"errors"
	"time"
)

// ErrNotGit is wrapped where a folder is no git repository, ErrEmpty where it has
// no commit.
var (
	ErrNotGit = errors.New("not a git repository")
	ErrEmpty  = errors.New("no commit")
)

// Repo is a git repository on this machine, bare or with a work tree.
type Repo struct {
	Dir  string // absolute: the top of the work tree, or the bare repository
	Git  string // absolute: the folder of this work tree's own HEAD (git rev-parse --absolute-git-dir)
	Main string // absolute: the folder that its work trees share (git rev-parse --git-common-dir)
	Bare bool
	auth Auth
}

// Auth lets git ask a server. It is given in the environment of git's processes,
// never in arguments, addresses or files. The zero value asks as git's own
// configuration says.
type Auth struct{ User, Token string }

// Head is what a repository stands at.
type Head struct {
	Commit string // hexadecimal
	Branch string // "" when HEAD is detached
	// Clean tells that the work tree holds what the commit holds: nothing changed,
	// nothing staged, no untracked file that isn't ignored, no sparse checkout, no
	// submodule or LFS file that makes it differ. It may then be read in place. False for a bare one.
	Clean bool
}

// Open finds the repository whose top is dir, or which dir is.
func Open(ctx context.Context, dir string) (*Repo, error) { panic("git") }

// CloneOptions say how much of a remote repository is brought.
type CloneOptions struct {
	Auth   Auth
	Branch string // "" for the remote's HEAD
	Depth  int    // commits; 1 at least
}

// Clone brings a remote repository into dir, or what is new since the last time,
// shallow and without blobs (git clone --bare --filter=blob:none), falling back to
// a shallow clone with blobs where the server doesn't do that. dir is safe against
// a kill at any moment: a half clone isn't taken for a clone.
func Clone(ctx context.Context, url, dir string, o CloneOptions) (*Repo, error) { panic("git") }

// Head tells what the repository stands at; the error wraps ErrEmpty.
func (r *Repo) Head(ctx context.Context) (Head, error) { panic("git") }

// Files lists the paths of a commit, without reading a file's content.
func (r *Repo) Files(ctx context.Context, commit string) ([]string, error) { panic("git") }

// Checkout writes the files of a commit into an empty folder, with .git in it such
// that git, read-only, knows the history there. Filters that the
// repository asks for (LFS) don't run: pointers stay pointers. Submodules are empty folders.
func (r *Repo) Checkout(ctx context.Context, commit, dir string) error { panic("git") }

// Edit is a file to be written; its mode stays, a new one is an ordinary file.
type Edit struct{ Path, Text string }

// Commit describes one commit.
type Commit struct {
	Parent    string
	Message   string
	Author    Person // the zero value: as git's configuration has it
	Committer Person
	When      time.Time
	Edits     []Edit
	Sign      bool // as commit.gpgsign says
}

// Person is a name with an address.
type Person struct{ Name, Email string }

// Make writes a commit, which no branch names yet, and gives its id. The same
// description gives the same id. Text passes the filters of .gitattributes
// (line ends) as git add does.
func (r *Repo) Make(ctx context.Context, c Commit) (id string, err error) { panic("git") }

// Branch tells what a branch of this repository stands at, "" when there is none.
func (r *Repo) Branch(ctx context.Context, name string) (commit string, err error) { panic("git") }

// SetBranch makes branch name stand at commit, provided that it stands at old ("" for
// none) and no work tree has it checked out.
func (r *Repo) SetBranch(ctx context.Context, name, commit, old string) error { panic("git") }

// Patch is what `git am` takes to make the commits after from up to to.
func (r *Repo) Patch(ctx context.Context, from, to string) ([]byte, error) { panic("git") }

// Remote is the address of a remote ("" for the clone's own, else that of `git
// remote get-url NAME`); "" when there is none.
func (r *Repo) Remote(ctx context.Context, name string) (url string, err error) { panic("git") }

// RemoteBranch asks a remote what a branch stands at there, "" when there is none.
func (r *Repo) RemoteBranch(ctx context.Context, url, branch string) (commit string, err error) {
	panic("git")
}

// Push makes a branch of a remote stand at commit, provided that it stands at old
// there ("" for none): git push --force-with-lease, without hooks of this repository.
func (r *Repo) Push(ctx context.Context, url, branch, commit, old string) error { panic("git") }

// Ours tells whether every commit that branch tip has beyond base carries the
// trailer key, so that nobody's work is lost when it is replaced. Missing commits are fetched.
func (r *Repo) Ours(ctx context.Context, url, base, tip, trailer string) (bool, error) { panic("git") }
