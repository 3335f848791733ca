// Package docs holds the pages about transforms and checks that `drydock
// explain` prints. `make golden` writes them from the code and its fixtures.
package docs

import "embed"

//go:embed transforms/*.md checks/*.md
var pages embed.FS

// ReportSchema is the JSON schema (draft 2020-12) of the form json, made from package
// report by its tests.
//
//go:embed schema/report.json
var ReportSchema string

// Page is the Markdown page about the transform or check of that name.
func Page(name string) (string, error) {
	b, err := pages.ReadFile("transforms/" + name + ".md")
	if err != nil {
		b, err = pages.ReadFile("checks/" + name + ".md")
	}
	return string(b), err
}
