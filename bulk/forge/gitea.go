package forge

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"drydock/bulk/git"
)

// gitea is a Gitea or a Forgejo. It speaks their API, version 1:
// https://docs.gitea.com/api
type gitea struct {
	*client
	site site
}

func newGitea(e environment, o Options) (Forge, error) {
	logins, file, err := teaLogins(e)
	if err != nil {
		return nil, err
	}
	given, from, named := o.URL, "--forge-url", ""
	for _, name := range []string{"GITEA_URL", "GITEA_SERVER_URL"} {
		v := e.value(name)
		if v == "" {
			continue
		}
		s, err := parseSite(v, name)
		if err != nil {
			return nil, err
		}
		if named == "" {
			named = s.host()
		}
		if given == "" {
			given, from = v, name
		}
	}
	for _, l := range logins {
		if given == "" && (len(logins) == 1 || l.in("default").text() == "true") {
			given, from = l.in("url").text(), file
		}
	}
	if given == "" {
		return nil, errors.New("gitea: which server: set GITEA_URL, or give --forge-url https://git.example.com")
	}
	s, err := parseSite(given, from)
	if err != nil {
		return nil, err
	}
	l := giteaLogin(e, s, named, logins, file)
	if err := l.sendable(); err != nil {
		return nil, err
	}
	sign := func(h http.Header, l login) {
		if l.token != "" {
			h.Set("Authorization", "token "+l.token)
		}
	}
	h := hints{token: "set GITEA_TOKEN, or log in with tea login add --url " + s.String(), scopes: "write:repository and write:issue, and read:organization and read:user to list"}
	return &gitea{newClient(s.host(), s.under(s.Path+"/api/v1"), l, sign, h, o), s}, nil
}

// teaLogins are what tea keeps in its config.yml, and the file.
func teaLogins(e environment) ([]settings, string, error) {
	dir := e.folder("", "tea")
	if dir == "" {
		return nil, "", nil
	}
	file := filepath.Join(dir, "config.yml")
	if old := filepath.Join(e.get("HOME"), ".tea", "tea.yml"); !exists(file) && exists(old) {
		file = old
	}
	s, err := readSettings(file)
	return s.in("logins").list(), file, err
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

func giteaLogin(e environment, s site, named string, logins []settings, file string) login {
	var out login
	if l, ok := e.first("GITEA_TOKEN", "GITEA_SERVER_TOKEN"); ok {
		if named == "" || named == s.host() {
			return l
		}
		out.other = l.from + " is for " + named + ", which the environment names"
	}
	for _, l := range logins {
		at, err := parseSite(l.in("url").text(), file)
		if err == nil && at.host() == s.host() && at.Scheme == s.Scheme && l.in("token").text() != "" {
			return login{token: l.in("token").text(), from: file}
		}
	}
	return out
}

func (g *gitea) Name() string { return "gitea" }

// Auth names no user: Gitea takes a token as the password of any.
func (g *gitea) Auth() git.Auth {
	if g.login.token == "" {
		return git.Auth{}
	}
	return git.Auth{User: "x-access-token", Token: g.login.token}
}

type giteaRepo struct {
	Name          string
	Owner         struct{ Login string }
	DefaultBranch string `json:"default_branch"` // named in an empty one too
	Language      string
	Topics        []string
	Archived      bool
	Fork          bool
	Empty         bool
}

// giteaPages reads a list by the number of its pages. Gitea sets X-Total-Count on
// each list and Link on some only; how long a page may be is the server's to say.
func giteaPages[T any](ctx context.Context, g *gitea, path string, query url.Values, what string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{"limit": {"50"}}
		for k, v := range query {
			q[k] = v
		}
		for page, seen := 1, 0; ; page++ {
			q.Set("page", strconv.Itoa(page))
			var list []T
			h, err := g.get(ctx, path, q, what, &list)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
			}
			seen += len(list)
			total, err := strconv.Atoi(h.Get("X-Total-Count"))
			if len(list) == 0 || err != nil && nextPage(h) == nil || err == nil && seen >= total {
				return
			}
		}
	}
}

// List asks for an organisation's repositories, and where there is no such
// organisation for a user's.
func (g *gitea) List(ctx context.Context, owner string, f Filter) iter.Seq2[Repository, error] {
	ask := func(of string) iter.Seq2[giteaRepo, error] {
		return giteaPages[giteaRepo](ctx, g, of+url.PathEscape(owner)+"/repos", nil, "the repositories of "+owner)
	}
	return listing(owner, f, g.repository, ask("/orgs/"), func() iter.Seq2[giteaRepo, error] { return ask("/users/") })
}

func (g *gitea) repository(r giteaRepo) (Repository, error) {
	if err := checkName(r.Owner.Login, r.Name); err != nil {
		return Repository{}, g.fail(ErrInvalid, nil, "its list of repositories", err.Error(), "")
	}
	out := Repository{
		Owner: r.Owner.Login, Name: r.Name, CloneURL: g.site.cloneURL(r.Owner.Login, r.Name), Branch: r.DefaultBranch,
		Language: r.Language, Topics: r.Topics, Archived: r.Archived, Fork: r.Fork, Empty: r.Empty,
	}
	if out.Empty {
		out.Branch = ""
	}
	return out, nil
}

func (g *gitea) repoPath(owner, name string) string {
	return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

func (g *gitea) Get(ctx context.Context, owner, name string) (Repository, error) {
	if err := checkName(owner, name); err != nil {
		return Repository{}, err
	}
	var r giteaRepo
	if _, err := g.get(ctx, g.repoPath(owner, name), nil, owner+"/"+name, &r); err != nil {
		return Repository{}, err
	}
	return g.repository(r)
}
