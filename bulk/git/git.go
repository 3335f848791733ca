// Package git runs the git program for bulk: it reads a repository at a commit and
// writes commits, branches and patches without touching anybody's work tree, index
// or HEAD. What it adds to a repository are objects and, as one atomic step, a
// branch.
package git

import (
	"errors"
	"time"
)

// ErrNotGit is wrapped where a folder is no git repository, ErrEmpty where it has
// no commit, ErrSame where a commit would change nothing.
var (
	ErrNotGit = errors.New("not a git repository")
	ErrEmpty  = errors.New("the repository has no commit")
	ErrSame   = errors.New("nothing to commit: the files are so already")
)

// Repo is a git repository on this machine, bare or with a work tree.
type Repo struct {
	Dir  string // absolute: the top of the work tree, or the bare repository
	Git  string // absolute: the folder of this work tree's own HEAD (git rev-parse --absolute-git-dir)
	Main string // absolute: the folder that its work trees share (git rev-parse --git-common-dir)
	Bare bool
	Temp string // folder for temporary folders, "" for the system's

	config string // its configuration files, in lower case
	url    string // that it was cloned from, without a login
	auth   Auth
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
	// nothing staged, no untracked file, not even an ignored one (a lock file that isn't
	// committed would tell a tale), no sparse checkout, no submodule, no link, no filter such as
	// LFS. It may then be read in place. False for a bare one, and in doubt.
	Clean bool
}

// CloneOptions say how much of a remote repository is brought.
type CloneOptions struct {
	Auth   Auth
	Branch string // "" for the remote's HEAD
	Depth  int    // commits; 1 at least
}

// Edit is a file to be written; its mode stays, a new one is an ordinary file.
type Edit struct{ Path, Text string }

// Commit describes one commit.
type Commit struct {
	Parent    string
	Message   string
	Author    Person // the zero value: as git's configuration has it
	Committer Person // the zero value: as git's configuration has it, else the author
	When      time.Time
	Edits     []Edit
	SignOff   bool // add a Signed-off-by line of the committer to the message, which must end with trailers
	Sign      bool // with the key of user.signingKey; a signed commit's id differs each time
}

// Person is a name with an address.
type Person struct{ Name, Email string }
