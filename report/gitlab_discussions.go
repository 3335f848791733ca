package report

import (
	"fmt"
	"io"
)

// GitLabDiscussions renders an array of bodies for POST
// /projects/ID/merge_requests/IID/discussions, one for each place that drydock would
// change. The three commits of position (base_sha, start_sha, head_sha) are the caller's
// to add, who knows the merge request; for a line that it doesn't change GitLab wants
// old_line, too.
//
// Source: docs.gitlab.com/api/discussions, and "Suggest changes" for the block.
type GitLabDiscussions struct {
	W       io.Writer
	Options FormOptions
	list    jsonList
}

type gitlabDiscussion struct {
	Body     string         `json:"body"`
	Position gitlabPosition `json:"position"`
}

type gitlabPosition struct {
	Type    string `json:"position_type"`
	OldPath string `json:"old_path"`
	NewPath string `json:"new_path"`
	NewLine int    `json:"new_line"`
}

// maxAbove is how many lines above its own a suggestion may replace at GitLab.
const maxAbove = 100

// File writes the discussions of one file.
func (g *GitLabDiscussions) File(f *File) error {
	all, _ := f.suggestions()
	n := places(all)
	for _, s := range all {
		if s.End-s.Start > maxAbove {
			continue
		}
		path := g.Options.place(s.Path)
		d := gitlabDiscussion{s.body(f, fmt.Sprintf("suggestion:-%d+0", s.End-s.Start), n), gitlabPosition{"text", path, path, s.End}}
		if err := g.list.add(g.W, d); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the array.
func (g *GitLabDiscussions) Close(Total) error { return g.list.close(g.W) }
