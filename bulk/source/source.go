// Package source finds the repositories to work on.
package source

import (
	"drydock/bulk/forge"
)

// Repo is one repository to work on.
type Repo struct {
	Name string // unique in a run and stable: OWNER/NAME at a forge, the path below the folder that was given
	Dir  string // work tree, bare repository, or a folder outside of git; "" for a remote one
	URL  string // to clone, without credentials; "" for a local one

	Owner, Slug string // at the forge: owner and name
	Forge       forge.Forge
	Branch      string // to start from, "" for HEAD
	Language    string
	Topics      []string

	Skip string // why it is left alone, in words
	Err  error  // why it can't be worked on
}
