package forge

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"drydock/bulk/git"
)

// gitHub is github.com, a tenant of ghe.com, or GitHub Enterprise Server. It speaks
// the REST API, version 2022-11-28: https://docs.github.com/rest
type gitHub struct {
	*client
	site site
}

func newGitHub(e environment, o Options) (Forge, error) {
	hosts := func() (settings, error) {
		return readSettings(filepath.Join(e.folder("GH_CONFIG_DIR", "gh"), "hosts.yml"))
	}
	given, from := o.URL, "--forge-url"
	api := strings.TrimRight(e.value("GITHUB_API_URL"), "/")
	for _, name := range []string{"GH_HOST", "GITHUB_API_URL", "GITHUB_SERVER_URL"} {
		if given == "" {
			given, from = e.value(name), name
		}
	}
	if given == "" {
		given = "github.com"
		if s, err := hosts(); err == nil && len(s.keys()) == 1 {
			given, from = s.keys()[0], "gh's hosts.yml"
		}
	}
	s, err := parseSite(given, from)
	if err != nil {
		return nil, err
	}
	s = gitHubSite(s)
	address := gitHubAPI(s)
	atAPI := "" // the host of GITHUB_API_URL, where GITHUB_TOKEN of GitHub Actions is at home
	if api != "" {
		a, err := parseSite(api, "GITHUB_API_URL")
		if err != nil {
			return nil, err
		}
		if atAPI = gitHubSite(a).host(); atAPI == s.host() {
			address = api
		}
	}
	l, err := gitHubLogin(e, s.host(), atAPI, hosts)
	if err != nil {
		return nil, err
	}
	if err := l.sendable(); err != nil {
		return nil, err
	}
	h := hints{token: "set GH_TOKEN or GITHUB_TOKEN, or log in with gh auth login", scopes: "the scope repo, or for a fine-grained token contents and pull requests, read and write"}
	if !gitHubOwn(s.host()) && s.host() != atAPI {
		h.token = "set GH_ENTERPRISE_TOKEN, or log in with gh auth login --hostname " + s.host()
	}
	sign := func(h http.Header, l login) {
		h.Set("Accept", "application/vnd.github+json")
		h.Set("X-Github-Api-Version", "2022-11-28")
		if l.token != "" {
			h.Set("Authorization", "Bearer "+l.token)
		}
	}
	return &gitHub{newClient(s.host(), address, l, sign, h, o), s}, nil
}

// gitHubOwn tells the hosts that GitHub runs: gh takes GH_TOKEN for these alone.
func gitHubOwn(host string) bool { return host == "github.com" || strings.HasSuffix(host, ".ghe.com") }

// gitHubSite is where people look, given that or the address of the API.
func gitHubSite(s site) site {
	u := *s.URL
	u.Host, u.Path = strings.TrimPrefix(s.host(), "www."), ""
	if rest, ok := strings.CutPrefix(u.Host, "api."); ok && gitHubOwn(rest) {
		u.Host = rest
	}
	return site{&u}
}

func gitHubAPI(s site) string {
	if gitHubOwn(s.host()) {
		return s.Scheme + "://api." + s.host()
	}
	return s.under("/api/v3")
}

// gitHubLogin follows gh (gh help environment).
func gitHubLogin(e environment, host, atAPI string, hosts func() (settings, error)) (login, error) {
	own := []string{"GH_TOKEN", "GITHUB_TOKEN"}
	enterprise := []string{"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}
	mine, others := enterprise, own
	switch {
	case gitHubOwn(host):
		mine, others = own, enterprise
	case host == atAPI:
		mine, others = append(enterprise, own...), nil
	}
	if l, ok := e.first(mine...); ok {
		return l, nil
	}
	s, err := hosts()
	if err != nil {
		return login{}, err
	}
	if at := s.in(host); at.there() {
		name := filepath.Join(e.folder("GH_CONFIG_DIR", "gh"), "hosts.yml")
		if t := at.in("oauth_token").text(); t != "" {
			return login{token: t, from: name}, nil
		}
		if t := at.in("users").in(at.in("user").text()).in("oauth_token").text(); t != "" {
			return login{token: t, from: name}, nil
		}
		if t := e.gh(context.Background(), host); t != "" {
			return login{token: t, from: "gh auth token"}, nil
		}
	}
	if l, ok := e.first(others...); ok {
		return login{other: l.from + " isn't for " + host}, nil
	}
	return login{}, nil
}

func (g *gitHub) Name() string { return "github" }

func (g *gitHub) Auth() git.Auth {
	if g.login.token == "" {
		return git.Auth{}
	}
	return git.Auth{User: "x-access-token", Token: g.login.token}
}

type gitHubRepo struct {
	Name          string
	Owner         struct{ Login string }
	DefaultBranch string `json:"default_branch"`
	Language      string
	Topics        []string
	Archived      bool
	Disabled      bool
	Fork          bool
	Size          int // KB; 0 in an empty one, and for a while in a new one
}

// List asks for an organisation's repositories, and where there is no such
// organisation for a user's. A user's private ones are given to that user alone.
func (g *gitHub) List(ctx context.Context, owner string, f Filter) iter.Seq2[Repository, error] {
	who := "/" + url.PathEscape(owner) + "/repos"
	org := url.Values{"per_page": {"100"}, "type": {"all"}, "sort": {"full_name"}}
	if !f.Forks {
		org.Set("type", "sources")
	}
	ask := func(path string, q url.Values) iter.Seq2[gitHubRepo, error] {
		return pages[gitHubRepo](ctx, g.client, path, q, "the repositories of "+owner)
	}
	read := func(r gitHubRepo) (Repository, error) { return g.repository(ctx, r) }
	return listing(owner, f, read, ask("/orgs"+who, org), func() iter.Seq2[gitHubRepo, error] {
		if g.isMe(ctx, owner) {
			return ask("/user/repos", url.Values{"per_page": {"100"}, "affiliation": {"owner"}, "sort": {"full_name"}})
		}
		return ask("/users"+who, url.Values{"per_page": {"100"}, "type": {"owner"}, "sort": {"full_name"}})
	})
}

// isMe tells whether the token is of that user. Tokens of apps are of nobody.
func (g *gitHub) isMe(ctx context.Context, owner string) bool {
	var me struct{ Login string }
	if g.login.token == "" {
		return false
	}
	_, err := g.get(ctx, "/user", nil, "the user of the token", &me)
	return err == nil && strings.EqualFold(me.Login, owner)
}

func (g *gitHub) repository(ctx context.Context, r gitHubRepo) (Repository, error) {
	if err := checkName(r.Owner.Login, r.Name); err != nil {
		return Repository{}, g.fail(ErrInvalid, nil, "its list of repositories", err.Error(), "")
	}
	out := Repository{
		Owner: r.Owner.Login, Name: r.Name, CloneURL: g.site.cloneURL(r.Owner.Login, r.Name), Branch: r.DefaultBranch,
		Language: r.Language, Topics: r.Topics, Archived: r.Archived || r.Disabled, Fork: r.Fork,
	}
	if r.Size == 0 { // the default branch is named in an empty one too
		var branches []struct{ Name string }
		_, err := g.get(ctx, g.repoPath(out.Owner, out.Name)+"/branches", url.Values{"per_page": {"1"}}, out.Owner+"/"+out.Name, &branches)
		switch {
		case err != nil && code(err)/100 != 4: // one that can't be read is for the clone to tell
			return Repository{}, err
		case err == nil && len(branches) == 0:
			out.Empty, out.Branch = true, ""
		}
	}
	return out, nil
}

func (g *gitHub) repoPath(owner, name string) string {
	return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

func (g *gitHub) Get(ctx context.Context, owner, name string) (Repository, error) {
	if err := checkName(owner, name); err != nil {
		return Repository{}, err
	}
	var r gitHubRepo
	if _, err := g.get(ctx, g.repoPath(owner, name), nil, owner+"/"+name, &r); err != nil {
		return Repository{}, err
	}
	return g.repository(ctx, r)
}
