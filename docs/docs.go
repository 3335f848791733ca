// Package docs holds the pages about transforms that `drydock explain` prints.
// They are written by `make golden` from the transforms and their fixtures.
package docs

import "embed"

//go:embed transforms/*.md
var pages embed.FS

// Page is the Markdown page about the transform of that name.
func Page(name string) (string, error) {
	b, err := pages.ReadFile("transforms/" + name + ".md")
	return string(b), err
}
