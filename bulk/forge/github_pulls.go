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
	gitHubBody  = 65536 // "body is too long (maximum is 65536 characters)"
	gitHubTitle = 256
)

type gitHubUser struct{ Login string }

type gitHubPull struct {
	Number    int
	HTMLURL   string `json:"html_url"`
	State     string
	Title     string
	Body      string
	Draft     bool
	CreatedAt time.Time  `json:"created_at"`
	MergedAt  *time.Time `json:"merged_at"`
	Head      gitHubRef
	Base      gitHubRef
	Labels    []struct{ Name string }
	Reviewers []gitHubUser            `json:"requested_reviewers"`
	Teams     []struct{ Slug string } `json:"requested_teams"`
	User      gitHubUser
}

type gitHubRef struct {
	Ref  string
	Repo *struct { // null when a fork was deleted
		FullName string `json:"full_name"`
	}
}

func (p gitHubPull) pull() *Pull {
	out := &Pull{
		Number: p.Number, URL: clean(p.HTMLURL), State: State(p.State), Title: p.Title, Body: p.Body,
		Head: p.Head.Ref, Base: p.Base.Ref, Draft: p.Draft, Created: p.CreatedAt,
	}
	if p.MergedAt != nil {
		out.State = Merged
	}
	return out
}

func (p gitHubPull) labels() (out []string) {
	for _, l := range p.Labels {
		out = append(out, l.Name)
	}
	return out
}

// own tells a branch of the repository from one of the same name in a fork.
func (p gitHubPull) own() bool {
	return p.Head.Repo != nil && p.Base.Repo != nil && strings.EqualFold(p.Head.Repo.FullName, p.Base.Repo.FullName)
}

func (g *gitHub) pullPath(owner, name string, number int) string {
	return g.repoPath(owner, name) + "/pulls/" + strconv.Itoa(number)
}

func (g *gitHub) issuePath(owner, name string, number int) string {
	return g.repoPath(owner, name) + "/issues/" + strconv.Itoa(number)
}

// Find asks for those of all states, newest first. With more than a page of closed
// ones the open ones are asked for by themselves.
func (g *gitHub) Find(ctx context.Context, owner, name, branch string) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	what := "the pull requests of " + owner + "/" + name
	var best *Pull
	for _, state := range []string{"all", "open"} {
		q := url.Values{"head": {owner + ":" + branch}, "state": {state}, "sort": {"created"}, "direction": {"desc"}, "per_page": {"100"}}
		var list []gitHubPull
		h, err := g.get(ctx, g.repoPath(owner, name)+"/pulls", q, what, &list)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.own() && p.Head.Ref == branch {
				best = newest(best, p.pull())
			}
		}
		if best != nil && best.State == Open || nextPage(h) == nil {
			break
		}
	}
	return best, nil
}

func (g *gitHub) fitted(p Proposal) Proposal {
	p.Title, p.Body = title(p.Title, gitHubTitle), fit(p.Body, gitHubBody)
	return p
}

func (g *gitHub) Create(ctx context.Context, owner, name string, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := "a pull request of " + owner + "/" + name
	body := map[string]any{"title": p.Title, "body": p.Body, "head": p.Head, "base": p.Base}
	if p.Draft {
		body["draft"] = true
	}
	var n notes
	// A second one for the same branches is refused, so that it can be sent again.
	post := call{http.MethodPost, g.repoPath(owner, name) + "/pulls", nil, body, what, true}
	a, err := g.send(ctx, post)
	if p.Draft && says(err, "draft pull requests are not supported") {
		delete(body, "draft")
		if a, err = g.send(ctx, post); err == nil {
			n.add("it is no draft: this repository has none")
		}
	}
	if code(err) == http.StatusUnprocessableEntity && says(err, "already exists") {
		return existing(ctx, g, owner, name, p, err)
	}
	if err != nil {
		return nil, err
	}
	var made gitHubPull
	if err := g.decode(a, what, &made); err != nil {
		return nil, err
	}
	out := made.pull()
	err = g.dress(ctx, owner, name, made.Number, p.Labels, p.Reviewers, &n)
	out.Notes = n
	return out, err
}

// dress adds labels and reviewers. GitHub makes the labels that it doesn't know.
func (g *gitHub) dress(ctx context.Context, owner, name string, number int, labels, reviewers []string, n *notes) error {
	what := owner + "/" + name + "#" + strconv.Itoa(number)
	if labels = lacking(labels, nil); len(labels) > 0 {
		_, err := g.send(ctx, call{http.MethodPost, g.issuePath(owner, name, number) + "/labels", nil, map[string]any{"labels": labels}, what, true})
		if err != nil {
			if err := n.take(err, "the labels %s were not added", strings.Join(labels, ", ")); err != nil {
				return err
			}
		}
	}
	users, slugs := teams(reviewers)
	if len(users)+len(slugs) == 0 {
		return nil
	}
	request := func(users, slugs []string) error {
		_, err := g.send(ctx, call{http.MethodPost, g.pullPath(owner, name, number) + "/requested_reviewers", nil,
			map[string]any{"reviewers": append([]string{}, users...), "team_reviewers": append([]string{}, slugs...)}, what, true})
		return err
	}
	err := request(users, slugs)
	if err == nil {
		return nil
	}
	if len(users)+len(slugs) == 1 || code(err) != http.StatusUnprocessableEntity {
		return n.take(err, "%s was not asked for a review", strings.Join(append(users, slugs...), ", "))
	}
	for _, u := range users { // one whom GitHub doesn't take spoils the request of all
		if err := request([]string{u}, nil); err != nil {
			if err := n.take(err, "%s was not asked for a review", u); err != nil {
				return err
			}
		}
	}
	for _, t := range slugs {
		if err := request(nil, []string{t}); err != nil {
			if err := n.take(err, "the team %s was not asked for a review", t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *gitHub) Update(ctx context.Context, owner, name string, number int, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := owner + "/" + name + "#" + strconv.Itoa(number)
	var now gitHubPull
	if _, err := g.get(ctx, g.pullPath(owner, name, number), nil, what, &now); err != nil {
		return nil, err
	}
	out := now.pull()
	asked, err := g.reviewed(ctx, owner, name, now, p.Reviewers, what)
	if err != nil {
		return nil, err
	}
	do := planFor(out, p, "", "body", now.labels(), asked)
	return g.carryOut(ctx, do, out, p, g.pullPath(owner, name, number), what, func(n *notes) error {
		return g.dress(ctx, owner, name, number, do.labels, do.reviewers, n)
	})
}

// reviewed are those who were asked for a review, as the proposal writes them: one who
// has given it is no longer among the requested ones, and isn't asked again.
func (g *gitHub) reviewed(ctx context.Context, owner, name string, p gitHubPull, wanted []string, what string) ([]string, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	asked := []string{p.User.Login}
	for _, u := range p.Reviewers {
		asked = append(asked, u.Login)
	}
	var slugs []string
	for _, t := range p.Teams {
		slugs = append(slugs, t.Slug)
	}
	type review struct{ User *gitHubUser }
	for r, err := range pages[review](ctx, g.client, g.pullPath(owner, name, p.Number)+"/reviews", url.Values{"per_page": {"100"}}, what) {
		if err != nil {
			return nil, err
		}
		if r.User != nil {
			asked = append(asked, r.User.Login)
		}
	}
	return heard(wanted, asked, slugs), nil
}

func (g *gitHub) Close(ctx context.Context, owner, name string, pull Pull, text string) error {
	if err := checkName(owner, name); err != nil {
		return err
	}
	what := owner + "/" + name + "#" + strconv.Itoa(pull.Number)
	return g.closePull(ctx, pull, fit(text, gitHubBody), g.issuePath(owner, name, pull.Number)+"/comments",
		call{http.MethodPatch, g.pullPath(owner, name, pull.Number), nil, map[string]any{"state": "closed"}, what, true},
		call{http.MethodDelete, g.repoPath(owner, name) + "/git/refs/heads/" + escapeRef(pull.Head), nil, nil, "the branch " + pull.Head + " of " + owner + "/" + name, true})
}
