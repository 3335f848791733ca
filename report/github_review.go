package report

import (
	"io"
	"strings"
)

// GitHubReview renders the body of POST /repos/OWNER/NAME/pulls/NUMBER/reviews: a
// review that comments, with a suggestion for each place that drydock would change.
// Before it is sent comments on lines that the pull request's diff doesn't show have to
// be left out, for GitHub refuses the whole review otherwise; deploy/github/action.sh
// does so.
//
// Source: docs.github.com/rest/pulls/reviews, and "Incorporating feedback in your pull
// request" for suggestions.
type GitHubReview struct {
	W       io.Writer
	Options FormOptions

	comments []githubComment
	left     int
}

type githubReview struct {
	Event    string          `json:"event"`
	Body     string          `json:"body"`
	Comments []githubComment `json:"comments"`
}

type githubComment struct {
	Path      string `json:"path"`
	Line      int    `json:"line"` // the last one
	Side      string `json:"side"`
	StartLine int    `json:"start_line,omitempty"` // the first one, where there are several
	StartSide string `json:"start_side,omitempty"`
	Body      string `json:"body"`
}

// maxBody is how many characters GitHub takes in a comment.
const maxBody = 65_536

// File keeps the comments on one file.
func (g *GitHubReview) File(f *File) error {
	all, left := f.suggestions()
	g.left += left
	n := places(all)
	for _, s := range all {
		c := githubComment{Path: g.Options.place(s.Path), Line: s.End, Side: "RIGHT", Body: s.body(f, "suggestion", n)}
		if s.Start < s.End {
			c.StartLine, c.StartSide = s.Start, "RIGHT"
		}
		if len(c.Body) > maxBody {
			g.left++
			continue
		}
		g.comments = append(g.comments, c)
	}
	return nil
}

// Close writes the review.
func (g *GitHubReview) Close(t Total) error {
	r := githubReview{Event: "COMMENT", Comments: g.comments}
	if r.Comments == nil {
		r.Comments = []githubComment{}
	}
	var b strings.Builder
	b.WriteString("drydock suggests " + Count(len(g.comments), "change", "changes") + ".")
	if g.left > 0 {
		b.WriteString(" " + Count(g.left, "more place", "more places") + " can't be suggested here, such as new files and files with CRLF line ends: run drydock fix.")
	}
	r.Body = b.String()
	text, err := Encode(r)
	if err == nil {
		_, err = g.W.Write(text)
	}
	return err
}
