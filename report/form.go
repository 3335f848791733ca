package report

import (
	"io"
	"slices"
)

// Form is one way to write what drydock found and did.
type Form struct {
	Name string // as --format takes it
	For  string // who reads it, in a few words
	// Verbs are those that can write it.
	Verbs []string
	// Stream tells that files are written as they come. Other forms begin with a
	// summary, and wait for the end.
	Stream bool
	// New makes a renderer; nil for a form that each verb writes in its own way.
	New func(io.Writer, FormOptions) Renderer
}

// FormOptions are what renderers need to know beside the files.
type FormOptions struct {
	Version string // of drydock, "" for none
	// Place names a file (File.Path, Patch.File) as the reader of the form does, such as
	// relative to the top of the repository; nil leaves paths as they are.
	Place func(path string) string
}

// Forms are all forms, in the order in which help and documentation have them.
func Forms() []Form {
	lists := []string{"fix", "diff", "check"}
	every := []string{"fix", "diff", "check", "verify", "update", "bases", "replay", "ship", "list", "config"}
	return []Form{
		{Name: "text", For: "people", Verbs: every, Stream: true},
		{Name: "json", For: "programs: everything, by the schema in docs/schema/report.json", Verbs: every, Stream: true,
			New: func(w io.Writer, _ FormOptions) Renderer { return &JSON{W: w} }},
		{Name: "markdown", For: "the comment on a pull request, or a job's summary", Verbs: []string{"fix", "diff", "check", "verify", "ship"},
			New: func(w io.Writer, o FormOptions) Renderer { return &Markdown{W: w, Options: o} }},
		{Name: "sarif", For: "code scanning: SARIF 2.1.0, with fixes", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer {
				return &SARIF{W: w, Version: o.Version, Place: o.place, Most: GitHubResults}
			}},
		{Name: "github", For: "annotations in GitHub Actions", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer { return &GitHub{W: w, Options: o} }},
		{Name: "github-review", For: "GitHub's API: a review with a suggestion for each place", Verbs: lists,
			New: func(w io.Writer, o FormOptions) Renderer { return &GitHubReview{W: w, Options: o} }},
		{Name: "gitlab", For: "GitLab's code quality report", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer { return &GitLab{W: w, Options: o} }},
		{Name: "gitlab-discussions", For: "GitLab's API: a discussion with a suggestion for each place", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer { return &GitLabDiscussions{W: w, Options: o} }},
		{Name: "junit", For: "test reports in Jenkins, GitLab and others", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer { return &JUnit{W: w} }},
		{Name: "checkstyle", For: "linters' reports in Jenkins, reviewdog and others", Verbs: lists, Stream: true,
			New: func(w io.Writer, o FormOptions) Renderer { return &Checkstyle{W: w} }},
	}
}

// FormNames are the names of the forms that a verb writes.
func FormNames(verb string) []string {
	var out []string
	for _, f := range Forms() {
		if slices.Contains(f.Verbs, verb) {
			out = append(out, f.Name)
		}
	}
	return out
}

// FormByName finds a form; ok is false when there is none of that name.
func FormByName(name string) (f Form, ok bool) {
	for _, f := range Forms() {
		if f.Name == name {
			return f, true
		}
	}
	return Form{}, false
}
