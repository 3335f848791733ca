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
	giteaBody  = 1 << 20 // it has no limit of its own; databases and proxies have
	giteaTitle = 255
	giteaDraft = "WIP: "
	// giteaClosed is how many closed ones Find looks through, the newest first: Gitea
	// can't be asked for those of one branch.
	giteaClosed = 300
)

// giteaMarks are what Gitea reads as a draft at the start of a title, as it comes
// (repository.pull-request, WORK_IN_PROGRESS_PREFIXES).
var giteaMarks = []string{"WIP:", "[WIP]"}

type giteaPull struct {
	Number    int
	HTMLURL   string `json:"html_url"`
	State     string
	Title     string
	Body      string
	Draft     bool
	Merged    bool
	Created   time.Time `json:"created_at"`
	Head      giteaRef
	Base      giteaRef
	Labels    []struct{ Name string }
	Reviewers []gitHubUser            `json:"requested_reviewers"`
	Teams     []struct{ Name string } `json:"requested_reviewers_teams"`
	User      gitHubUser
}

// giteaRef is a branch: label is its name, ref refs/pull/N/head once it is gone.
type giteaRef struct {
	Label  string
	RepoID int64 `json:"repo_id"`
}

func (p giteaPull) pull() *Pull {
	out := &Pull{
		Number: p.Number, URL: clean(p.HTMLURL), State: State(p.State), Title: p.Title, Body: p.Body,
		Head: p.Head.Label, Base: p.Base.Label, Draft: p.Draft, Created: p.Created,
	}
	if rest, marked := draftMark(p.Title, giteaMarks...); marked {
		out.Title, out.Draft = rest, true
	}
	if p.Merged {
		out.State = Merged
	}
	return out
}

func (p giteaPull) labels() (out []string) {
	for _, l := range p.Labels {
		out = append(out, l.Name)
	}
	return out
}

func (g *gitea) pullPath(owner, name string, number int) string {
	return g.repoPath(owner, name) + "/pulls/" + strconv.Itoa(number)
}

func (g *gitea) Find(ctx context.Context, owner, name, branch string) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	for _, state := range []string{"open", "closed"} {
		seen := 0
		for p, err := range giteaPages[giteaPull](ctx, g, g.repoPath(owner, name)+"/pulls", url.Values{"state": {state}}, "the pull requests of "+owner+"/"+name) {
			if err != nil {
				return nil, err
			}
			if p.Head.Label == branch && p.Head.RepoID == p.Base.RepoID {
				return p.pull(), nil
			}
			if seen++; state == "closed" && seen == giteaClosed {
				break
			}
		}
	}
	return nil, nil
}

func (g *gitea) fitted(p Proposal) Proposal {
	p.Title, p.Body = title(p.Title, giteaTitle-len(giteaDraft)), fit(p.Body, giteaBody)
	return p
}

func (g *gitea) Create(ctx context.Context, owner, name string, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := "a pull request of " + owner + "/" + name
	body := map[string]any{"title": p.Title, "body": p.Body, "head": p.Head, "base": p.Base}
	if p.Draft {
		body["title"] = giteaDraft + p.Title
	}
	// A second one for the same branches is refused, so that it can be sent again.
	a, err := g.send(ctx, call{http.MethodPost, g.repoPath(owner, name) + "/pulls", nil, body, what, true})
	if code(err) == http.StatusConflict {
		return existing(ctx, g, owner, name, p, err)
	}
	if err != nil {
		return nil, err
	}
	var made giteaPull
	if err := g.decode(a, what, &made); err != nil {
		return nil, err
	}
	var n notes
	out := made.pull()
	err = g.dress(ctx, owner, name, made.Number, p.Labels, p.Reviewers, &n)
	out.Notes = n
	return out, err
}

// dress adds labels and reviewers.
func (g *gitea) dress(ctx context.Context, owner, name string, number int, labels, reviewers []string, n *notes) error {
	what := owner + "/" + name + "#" + strconv.Itoa(number)
	if labels = lacking(labels, nil); len(labels) > 0 {
		ids, err := g.labels(ctx, owner, name, labels, n)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			_, err = g.send(ctx, call{http.MethodPost, g.repoPath(owner, name) + "/issues/" + strconv.Itoa(number) + "/labels", nil, map[string]any{"labels": ids}, what, true})
		}
		if err != nil {
			if err := n.take(err, "the labels %s were not added", strings.Join(labels, ", ")); err != nil {
				return err
			}
		}
	}
	users, slugs := teams(reviewers)
	ask := func(key, who string) error {
		_, err := g.send(ctx, call{http.MethodPost, g.pullPath(owner, name, number) + "/requested_reviewers", nil, map[string]any{key: []string{who}}, what, true})
		if err != nil {
			return n.take(err, "%s was not asked for a review", who)
		}
		return nil
	}
	for _, u := range users { // one whom Gitea doesn't take spoils the request of all
		if err := ask("reviewers", u); err != nil {
			return err
		}
	}
	for _, t := range slugs {
		if err := ask("team_reviewers", t); err != nil {
			return err
		}
	}
	return nil
}

// labels gives the numbers of labels of the repository or its organisation, and makes
// those that aren't there: Gitea leaves out names that it doesn't know without a word.
func (g *gitea) labels(ctx context.Context, owner, name string, names []string, n *notes) ([]int64, error) {
	type label struct {
		ID   int64
		Name string
	}
	known := map[string]int64{}
	what := "the labels of " + owner + "/" + name
	for _, at := range []string{"/orgs/" + url.PathEscape(owner) + "/labels", g.repoPath(owner, name) + "/labels"} {
		for l, err := range giteaPages[label](ctx, g, at, nil, what) {
			if code(err)/100 == 4 && strings.HasPrefix(at, "/orgs/") {
				break // the owner is a user, or the token may not look
			}
			if err != nil {
				return nil, err
			}
			known[strings.ToLower(l.Name)] = l.ID
		}
	}
	var out []int64
	for _, want := range names {
		id, ok := known[strings.ToLower(want)]
		if !ok {
			a, err := g.send(ctx, call{http.MethodPost, g.repoPath(owner, name) + "/labels", nil, map[string]any{"name": want, "color": "#0e8a8a"}, what, false})
			if err != nil {
				if err := n.take(err, "the label %s could not be made", want); err != nil {
					return nil, err
				}
				continue
			}
			var made label
			if err := g.decode(a, what, &made); err != nil {
				return nil, err
			}
			id = made.ID
		}
		out = append(out, id)
	}
	return out, nil
}

func (g *gitea) Update(ctx context.Context, owner, name string, number int, p Proposal) (*Pull, error) {
	if err := checkName(owner, name); err != nil {
		return nil, err
	}
	p = g.fitted(p)
	what := owner + "/" + name + "#" + strconv.Itoa(number)
	var now giteaPull
	if _, err := g.get(ctx, g.pullPath(owner, name, number), nil, what, &now); err != nil {
		return nil, err
	}
	out := now.pull()
	asked, err := g.reviewed(ctx, owner, name, now, p.Reviewers, what)
	if err != nil {
		return nil, err
	}
	do := planFor(out, p, giteaDraft, "body", now.labels(), asked)
	return g.carryOut(ctx, do, out, p, g.pullPath(owner, name, number), what, func(n *notes) error {
		return g.dress(ctx, owner, name, number, do.labels, do.reviewers, n)
	})
}

// reviewed are those who were asked for a review, or gave one, as the proposal writes them.
func (g *gitea) reviewed(ctx context.Context, owner, name string, p giteaPull, wanted []string, what string) ([]string, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	asked, groups := []string{p.User.Login}, []string{}
	for _, u := range p.Reviewers {
		asked = append(asked, u.Login)
	}
	for _, t := range p.Teams {
		groups = append(groups, t.Name)
	}
	type review struct{ User *gitHubUser }
	for r, err := range giteaPages[review](ctx, g, g.pullPath(owner, name, p.Number)+"/reviews", nil, what) {
		if err != nil {
			return nil, err
		}
		if r.User != nil {
			asked = append(asked, r.User.Login)
		}
	}
	return heard(wanted, asked, groups), nil
}

func (g *gitea) Close(ctx context.Context, owner, name string, pull Pull, text string) error {
	if err := checkName(owner, name); err != nil {
		return err
	}
	what := owner + "/" + name + "#" + strconv.Itoa(pull.Number)
	return g.closePull(ctx, pull, fit(text, giteaBody), g.repoPath(owner, name)+"/issues/"+strconv.Itoa(pull.Number)+"/comments",
		call{http.MethodPatch, g.pullPath(owner, name, pull.Number), nil, map[string]any{"state": "closed"}, what, true},
		call{http.MethodDelete, g.repoPath(owner, name) + "/branches/" + escapeRef(pull.Head), nil, nil, "the branch " + pull.Head + " of " + owner + "/" + name, true})
}
