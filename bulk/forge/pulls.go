package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// notes gathers what could not be done for a pull request that is there.
type notes []string

// take makes a note of an error that is about people or labels; others it gives back.
// A pull request without its label is better than one that is told as failed.
func (n *notes) take(err error, format string, args ...any) error {
	if c := code(err); c < 400 || c >= 500 || c == http.StatusUnauthorized {
		return err
	}
	var s *status
	errors.As(err, &s)
	*n = append(*n, clean(fmt.Sprintf(format, args...)+": "+cmp.Or(s.detail, s.Error())))
	return nil
}

func (n *notes) add(format string, args ...any) { *n = append(*n, clean(fmt.Sprintf(format, args...))) }

// teams parts reviewers: those written like ORG/TEAM are teams, by the last part.
func teams(reviewers []string) (users, groups []string) {
	for _, r := range reviewers {
		r = strings.TrimPrefix(strings.TrimSpace(r), "@")
		if i := strings.LastIndexByte(r, '/'); i >= 0 {
			groups = append(groups, r[i+1:])
		} else if r != "" && !has(users, r) {
			users = append(users, r)
		}
	}
	return users, groups
}

// plan is what Update does to a pull request.
type plan struct {
	fields    map[string]any // of the request, empty when title and body are right
	labels    []string       // that it lacks
	reviewers []string
}

// lacking gives the words of want that have doesn't hold.
func lacking(want, have []string) []string {
	var out []string
	for _, w := range want {
		if w = strings.TrimSpace(w); w != "" && !has(have, w) && !has(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// planFor compares a pull request with what it shall say; bodyKey is the host's name
// for the body. p is cut to the host's measures already.
func planFor(pull *Pull, p Proposal, mark, bodyKey string, labels, reviewers []string) plan {
	out := plan{fields: map[string]any{}, labels: lacking(p.Labels, labels), reviewers: lacking(p.Reviewers, reviewers)}
	if !same(pull.Title, p.Title) {
		out.fields["title"] = p.Title
		if pull.Draft {
			out.fields["title"] = mark + p.Title
		}
	}
	if !same(pull.Body, p.Body) {
		out.fields[bodyKey] = p.Body
	}
	return out
}

// carryOut does what a plan says where labels and reviewers have calls of their own, as GitHub and Gitea
// have it: at is the pull request, dress adds what do.labels and do.reviewers say.
func (c *client) carryOut(ctx context.Context, do plan, out *Pull, p Proposal, at, what string, dress func(*notes) error) (*Pull, error) {
	if do.empty() {
		return out, nil
	}
	if len(do.fields) > 0 {
		if _, err := c.send(ctx, call{http.MethodPatch, at, nil, do.fields, what, true}); err != nil {
			return nil, err
		}
		out.Title, out.Body, out.Changed = p.Title, p.Body, true
	}
	var n notes
	err := dress(&n)
	out.Notes, out.Changed = n, out.Changed || len(n) < len(do.labels)+len(do.reviewers)
	return out, err
}

func (p plan) empty() bool { return len(p.fields) == 0 && len(p.labels) == 0 && len(p.reviewers) == 0 }

// heard gives those of wanted who were asked already, written as there: users by
// name, teams (ORG/TEAM) by the last part.
func heard(wanted, users, groups []string) []string {
	var out []string
	for _, w := range wanted {
		u, g := teams([]string{w})
		if len(u) == 1 && has(users, u[0]) || len(g) == 1 && has(groups, g[0]) {
			out = append(out, strings.TrimSpace(w))
		}
	}
	return out
}

// comment writes one unless it is there: a run that was killed after it comes again.
// there looks; write is a request that can't be sent twice, so that after a broken
// connection it is looked for first.
func comment(ctx context.Context, there func() (bool, error), write func() error) error {
	for try := 0; ; try++ {
		found, err := there()
		if err != nil || found {
			return err
		}
		err = write()
		if err == nil || ctx.Err() != nil || !errors.Is(err, ErrUnreachable) || try == 2 {
			return err
		}
	}
}

// closePull says why, closes, and deletes the branch, each unless it was done before.
// shut and drop are the requests for the last two, with paths and bodies of the host.
func (c *client) closePull(ctx context.Context, pull Pull, text, comments string, shut, drop call) error {
	if pull.State == Open {
		err := comment(ctx, func() (bool, error) { return c.said(ctx, comments, text, shut.what) }, func() error {
			_, err := c.send(ctx, call{http.MethodPost, comments, nil, map[string]any{"body": text}, shut.what, false})
			return err
		})
		if err != nil {
			return err
		}
		if _, err := c.send(ctx, shut); err != nil {
			return err
		}
	}
	if pull.Head == "" || pull.Head == pull.Base {
		return nil
	}
	_, err := c.send(ctx, drop)
	if errors.Is(err, ErrNotFound) || says(err, "reference does not exist") {
		return nil
	}
	return err
}

// said tells whether a comment of that text is there.
func (c *client) said(ctx context.Context, path, text, what string) (bool, error) {
	type note struct{ Body string }
	for n, err := range pages[note](ctx, c, path, url.Values{"per_page": {"100"}}, what) {
		if err != nil {
			return false, err
		}
		if same(n.Body, text) {
			return true, nil
		}
	}
	return false, nil
}

// existing gives the pull request that stands in the way of a second one, brought up
// to date; why is what the host said.
func existing(ctx context.Context, f Forge, owner, name string, p Proposal, why error) (*Pull, error) {
	found, err := f.Find(ctx, owner, name, p.Head)
	if err != nil {
		return nil, err
	}
	if found == nil || found.State != Open {
		return nil, why
	}
	return f.Update(ctx, owner, name, found.Number, p)
}

// escapeRef keeps the slashes of a branch's name.
func escapeRef(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// newest picks the pull request that Find gives: an open one, else the first.
func newest(best, p *Pull) *Pull {
	if best == nil || best.State != Open && p.State == Open {
		return p
	}
	return best
}
