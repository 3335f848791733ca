package forge

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	gitLabBody  = 1 << 20 // "description is too long (maximum is 1048576 characters)"
	gitLabNote  = 1000000
	gitLabTitle = 255
	gitLabDraft = "Draft: "
)

// gitLabMarks are what GitLab reads as a draft at the start of a title.
var gitLabMarks = []string{"Draft:", "[Draft]", "(Draft)"}

type gitLabUser struct {
	ID       int
	Username string
}

type gitLabMerge struct {
	IID       int
	WebURL    string `json:"web_url"`
	State     string // opened, closed, merged, and locked while it is being merged
	Title     string
	Body      string    `json:"description"`
	Source    string    `json:"source_branch"`
	Target    string    `json:"target_branch"`
	From      int       `json:"source_project_id"`
	Into      int       `json:"target_project_id"`
	Created   time.Time `json:"created_at"`
	Draft     bool
	Labels    []string
	Reviewers []gitLabUser
}

// pull gives it with a title that has no mark of a draft.
func (m gitLabMerge) pull() *Pull {
	out := &Pull{
		Number: m.IID, URL: clean(m.WebURL), Title: m.Title, Body: m.Body, Head: m.Source, Base: m.Target,
		Draft: m.Draft, Created: m.Created,
	}
	if m.Draft {
		out.Title, _ = draftMark(m.Title, gitLabMarks...)
	}
	switch m.State {
	case "opened", "locked":
		out.State = Open
	default:
		out.State = State(m.State)
	}
	return out
}

func (g *gitLab) mergePath(owner, name string, number int) string {
	return g.projectPath(owner, name) + "/merge_requests/" + strconv.Itoa(number)
}

func (g *gitLab) Find(ctx context.Context, owner, name, branch string) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	var best *Pull
	for _, state := range []string{"all", "opened"} {
		q := url.Values{"source_branch": {branch}, "state": {state}, "scope": {"all"}, "order_by": {"created_at"}, "sort": {"desc"}, "per_page": {"100"}}
		var list []gitLabMerge
		h, err := g.get(ctx, g.projectPath(owner, name)+"/merge_requests", q, "the merge requests of "+owner+"/"+name, &list)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if m.From == m.Into && m.Source == branch {
				best = newest(best, m.pull())
			}
		}
		if best != nil && best.State == Open || nextPage(h) == nil {
			break
		}
	}
	return best, nil
}

func (g *gitLab) fitted(p Proposal) Proposal {
	p.Title, p.Body = title(p.Title, gitLabTitle-len(gitLabDraft)), fit(p.Body, gitLabBody)
	return p
}

func (g *gitLab) Create(ctx context.Context, owner, name string, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := "a merge request of " + owner + "/" + name
	var n notes
	ids, known, err := g.users(ctx, p.Reviewers, &n)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"source_branch": p.Head, "target_branch": p.Base, "title": p.Title, "description": p.Body}
	if p.Draft {
		body["title"] = gitLabDraft + p.Title
	}
	if l := lacking(p.Labels, nil); len(l) > 0 {
		body["labels"] = strings.Join(l, ",") // GitLab makes those that it doesn't know
	}
	if len(ids) > 0 {
		body["reviewer_ids"] = ids
	}
	// A second one for the same branch is refused, so that it can be sent again.
	a, err := g.send(ctx, call{http.MethodPost, g.projectPath(owner, name) + "/merge_requests", nil, body, what, true})
	if code(err) == http.StatusConflict {
		return existing(ctx, g, owner, name, p, err)
	}
	if err != nil {
		return nil, err
	}
	var made gitLabMerge
	if err := g.decode(a, what, &made); err != nil {
		return nil, err
	}
	out := made.pull()
	g.untaken(made, p.Labels, known, &n)
	out.Notes = n
	return out, nil
}

// untaken notes what GitLab left out without a word: without a licence one reviewer is
// taken, and labels only from members who may make them.
func (g *gitLab) untaken(m gitLabMerge, labels, reviewers []string, n *notes) {
	var have []string
	for _, u := range m.Reviewers {
		have = append(have, u.Username)
	}
	if l := lacking(reviewers, have); len(l) > 0 {
		n.add("%s was not asked for a review: this GitLab takes no more reviewers", strings.Join(l, ", "))
	}
	if l := lacking(labels, m.Labels); len(l) > 0 {
		n.add("the labels %s were not added: the token may not make them", strings.Join(l, ", "))
	}
}

// users looks up the numbers of users; the names that are known come back too.
func (g *gitLab) users(ctx context.Context, names []string, n *notes) (ids []int, known []string, err error) {
	for _, name := range lacking(names, nil) {
		name = strings.TrimPrefix(name, "@")
		var found []gitLabUser
		if _, err := g.get(ctx, "/users", url.Values{"username": {name}}, "the user "+name, &found); err != nil {
			if err := n.take(err, "%s was not asked for a review", name); err != nil {
				return nil, nil, err
			}
			continue
		}
		if len(found) == 0 {
			n.add("%s was not asked for a review: %s knows no such user", name, g.host)
			continue
		}
		ids, known = append(ids, found[0].ID), append(known, found[0].Username)
	}
	return ids, known, nil
}

func (g *gitLab) Update(ctx context.Context, owner, name string, number int, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := owner + "/" + name + "!" + strconv.Itoa(number)
	var now gitLabMerge
	if _, err := g.get(ctx, g.mergePath(owner, name, number), nil, what, &now); err != nil {
		return nil, err
	}
	out := now.pull()
	var names []string
	var ids []int
	for _, u := range now.Reviewers {
		names, ids = append(names, u.Username), append(ids, u.ID)
	}
	for i, r := range p.Reviewers {
		if i == 0 {
			p.Reviewers = append([]string{}, p.Reviewers...)
		}
		p.Reviewers[i] = strings.TrimPrefix(r, "@")
	}
	do := planFor(out, p, gitLabDraft, "description", now.Labels, names)
	var n notes
	more, known, err := g.users(ctx, do.reviewers, &n)
	if err != nil {
		return nil, err
	}
	if len(do.labels) > 0 {
		do.fields["add_labels"] = strings.Join(do.labels, ",")
	}
	if len(more) > 0 {
		do.fields["reviewer_ids"] = append(ids, more...)
	}
	if len(do.fields) > 0 {
		a, err := g.send(ctx, call{http.MethodPut, g.mergePath(owner, name, number), nil, do.fields, what, true})
		if err != nil {
			return nil, err
		}
		var then gitLabMerge
		if err := g.decode(a, what, &then); err != nil {
			return nil, err
		}
		g.untaken(then, do.labels, known, &n)
		_, titled := do.fields["title"]
		_, described := do.fields["description"]
		out = then.pull()
		out.Changed = titled || described || len(then.Labels) > len(now.Labels) || len(then.Reviewers) > len(now.Reviewers)
	}
	out.Notes = n
	return out, nil
}

func (g *gitLab) Close(ctx context.Context, owner, name string, pull Pull, text string) error {
	if err := checkName(owner, name); err != nil {
		return err
	}
	what := owner + "/" + name + "!" + strconv.Itoa(pull.Number)
	at := g.mergePath(owner, name, pull.Number)
	return g.closePull(ctx, pull, fit(text, gitLabNote), at+"/notes",
		call{http.MethodPut, at, nil, map[string]any{"state_event": "close"}, what, true},
		call{http.MethodDelete, g.projectPath(owner, name) + "/repository/branches/" + url.PathEscape(pull.Head), nil, nil, "the branch " + pull.Head + " of " + owner + "/" + name, true})
}
