package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"drydock/bulk/git"
)

// gitLab is gitlab.com or a GitLab of one's own. It speaks the REST API, version 4:
// https://docs.gitlab.com/api/rest/
type gitLab struct {
	*client
	site site
}

func newGitLab(e environment, o Options) (Forge, error) {
	file := glabFile(e)
	conf, err := readSettings(file)
	if err != nil {
		return nil, err
	}
	given, from := o.URL, "--forge-url"
	named := "" // the host that the environment names: tokens there are for it
	for _, name := range []string{"GITLAB_HOST", "GITLAB_URI", "CI_SERVER_URL"} {
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
	if given == "" {
		given, from = cmp.Or(conf.in("host").text(), "gitlab.com"), file
	}
	s, err := parseSite(given, from)
	if err != nil {
		return nil, err
	}
	s.Path = strings.TrimSuffix(s.Path, "/api/v4")
	l, err := gitLabLogin(e, s, named, conf, file)
	if err != nil {
		return nil, err
	}
	if err := l.sendable(); err != nil {
		return nil, err
	}
	api := s.under(s.Path + "/api/v4")
	if at := conf.in("hosts").in(s.host()); at.in("api_host").text() != "" {
		a, err := parseSite(cmp.Or(at.in("api_protocol").text(), s.Scheme)+"://"+at.in("api_host").text(), file)
		if err != nil {
			return nil, err
		}
		api = a.under(a.Path + "/api/v4")
	}
	h := hints{token: "set GITLAB_TOKEN, or log in with glab auth login --hostname " + s.host(), scopes: "the scope api, and write_repository to push"}
	sign := func(h http.Header, l login) {
		switch {
		case l.job:
			h.Set("Job-Token", l.token)
		case l.token != "": // of a person, project or group, and OAuth's: https://docs.gitlab.com/api/rest/authentication/
			h.Set("Authorization", "Bearer "+l.token)
		}
	}
	return &gitLab{newClient(s.host(), api, l, sign, h, o), s}, nil
}

func glabFile(e environment) string {
	dir := e.folder("GLAB_CONFIG_DIR", "glab-cli")
	if runtime.GOOS == "darwin" && e.get("GLAB_CONFIG_DIR") == "" && e.get("XDG_CONFIG_HOME") == "" && e.get("HOME") != "" {
		dir = filepath.Join(e.get("HOME"), "Library", "Application Support", "glab-cli")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "config.yml")
}

// gitLabLogin follows glab. A job's token is GitLab's own and goes to its host only.
func gitLabLogin(e environment, s site, named string, conf settings, file string) (login, error) {
	var out login
	if l, ok := e.first("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN"); ok {
		if named == "" || named == s.host() {
			return l, nil
		}
		out.other = l.from + " is for " + named + ", which the environment names"
	}
	if t := conf.in("hosts").in(s.host()).in("token").text(); t != "" {
		return login{token: t, from: file}, nil
	}
	if l, ok := e.first("CI_JOB_TOKEN"); ok {
		server, err := parseSite(e.value("CI_SERVER_URL"), "CI_SERVER_URL")
		if err == nil && server.host() == s.host() {
			l.job = true
			return l, nil
		}
	}
	return out, nil
}

func (g *gitLab) Name() string { return "gitlab" }

func (g *gitLab) Auth() git.Auth {
	switch {
	case g.login.token == "":
		return git.Auth{}
	case g.login.job:
		return git.Auth{User: "gitlab-ci-token", Token: g.login.token}
	}
	return git.Auth{User: "oauth2", Token: g.login.token}
}

type gitLabProject struct {
	ID        int
	Path      string
	Namespace struct {
		FullPath string `json:"full_path"`
	}
	PathWithNamespace string `json:"path_with_namespace"`
	DefaultBranch     string `json:"default_branch"` // null in an empty one
	Topics            []string
	Archived          bool
	Empty             bool              `json:"empty_repo"`
	Access            string            `json:"repository_access_level"` // disabled: a project without repository
	Fork              *struct{ ID int } `json:"forked_from_project"`
	Leaving           *string           `json:"marked_for_deletion_on"`
}

// List asks for a group's projects with those of its subgroups, and where there is no
// such group for a user's. Languages cost one more request a project, so they are
// read only for a filter that asks.
func (g *gitLab) List(ctx context.Context, owner string, f Filter) iter.Seq2[Repository, error] {
	q := url.Values{"per_page": {"100"}, "order_by": {"id"}, "sort": {"asc"}}
	if !f.Archived {
		q.Set("archived", "false")
	}
	group := url.Values{"include_subgroups": {"true"}, "with_shared": {"false"}}
	for k, v := range q {
		group[k] = v
	}
	what := "the projects of " + owner
	read := func(p gitLabProject) (Repository, error) {
		r, err := g.repository(p)
		cheap := f
		cheap.Languages = nil
		if err != nil || len(f.Languages) == 0 || !cheap.keeps(r) {
			return r, err
		}
		r.Language, err = g.language(ctx, p)
		return r, err
	}
	return listing(owner, f, read, pages[gitLabProject](ctx, g.client, "/groups/"+url.PathEscape(owner)+"/projects", group, what),
		func() iter.Seq2[gitLabProject, error] {
			return pages[gitLabProject](ctx, g.client, "/users/"+url.PathEscape(owner)+"/projects", q, what)
		})
}

// language is the one that most of a project is written in.
func (g *gitLab) language(ctx context.Context, p gitLabProject) (string, error) {
	var shares map[string]float64 // in percent
	if _, err := g.get(ctx, fmt.Sprintf("/projects/%d/languages", p.ID), nil, "the languages of "+p.PathWithNamespace, &shares); err != nil {
		if code(err)/100 == 4 { // its repository may not be seen
			return "", nil
		}
		return "", err
	}
	best := ""
	for _, name := range sorted(shares) {
		if best == "" || shares[name] > shares[best] {
			best = name
		}
	}
	return best, nil
}

func (g *gitLab) repository(p gitLabProject) (Repository, error) {
	owner := p.Namespace.FullPath
	if err := checkName(owner, p.Path); err != nil {
		return Repository{}, g.fail(ErrInvalid, nil, "its list of projects", err.Error(), "")
	}
	return Repository{
		Owner: owner, Name: p.Path, CloneURL: g.site.cloneURL(owner, p.Path), Branch: p.DefaultBranch, Topics: p.Topics,
		Archived: p.Archived || p.Leaving != nil, Fork: p.Fork != nil, Empty: p.Empty || p.Access == "disabled",
	}, nil
}

func (g *gitLab) projectPath(owner, name string) string {
	return "/projects/" + url.PathEscape(owner+"/"+name)
}

func (g *gitLab) Get(ctx context.Context, owner, name string) (Repository, error) {
	if err := checkName(owner, name); err != nil {
		return Repository{}, err
	}
	var p gitLabProject
	if _, err := g.get(ctx, g.projectPath(owner, name), nil, owner+"/"+name, &p); err != nil {
		return Repository{}, err
	}
	r, err := g.repository(p)
	if err != nil {
		return Repository{}, err
	}
	if r.Language, err = g.language(ctx, p); err != nil && !errors.Is(err, ErrNotFound) {
		return Repository{}, err
	}
	return r, nil
}
