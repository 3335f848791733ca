// Package forgetest holds doubles of GitHub and GitLab on loopback, for tests: the
// calls that package forge makes, with pages, limits and errors in the words of the
// real ones, and git over HTTP for repositories that have a folder.
//
// Sources: the REST documentation of both (docs.github.com/rest,
// docs.gitlab.com/api), and answers as users quote them in public issues.
package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Repo is a repository of a double.
type Repo struct {
	Owner, Name, Branch, Language  string
	Topics                         []string
	Archived, Fork, Private, Empty bool
	NoDrafts                       bool
	Dir                            string          // bare repository that is served for clone and push; "" for none
	Branches                       map[string]bool // where there is no Dir
	Pulls                          []*Pull
	id                             int
}

// Pull is a pull request of a double.
type Pull struct {
	Number            int
	Title, Body       string
	State             string // open, closed, merged
	Head, Base        string
	Draft, Fork       bool
	Labels, Reviewers []string
	Reviewed          []string // who gave a review, and is asked no longer
	Comments          []string
	Created           time.Time
}

// Server is a double.
type Server struct {
	URL    string // of the web pages, as --forge-url takes it
	Token  string // that it accepts
	User   string // whose it is
	Orgs   []string
	People []string // who may review
	Job    bool     // GitLab: the token is a job's

	// Intercept, when set, sees every request to the API first and may answer it itself.
	Intercept func(w http.ResponseWriter, r *http.Request) bool

	t    testing.TB
	mu   sync.Mutex
	rs   []*Repo
	seen []string
}

func serve(t testing.TB, api func(*Server) http.Handler) *Server {
	s := &Server{Token: "t0ken-of-a-test", User: "robot", t: t}
	handler := api(s)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, ".git/") {
			s.serveGit(w, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if s.Intercept != nil && s.Intercept(w, r) {
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// Add makes a repository there.
func (s *Server) Add(r Repo) *Repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Branch == "" {
		r.Branch = "main"
	}
	r.id = 1000 + len(s.rs)
	s.rs = append(s.rs, &r)
	return &r
}

// Do runs f while no request is served.
func (s *Server) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Requests gives what was asked of the API since the last time: "GET /api/v3/user".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.seen
	s.seen = nil
	return out
}

func (s *Server) find(owner, name string) *Repo {
	for _, r := range s.rs {
		if strings.EqualFold(r.Owner, owner) && strings.EqualFold(r.Name, name) {
			return r
		}
	}
	return nil
}

func (r *Repo) has(branch string) bool {
	if r.Dir == "" {
		return r.Branches[branch]
	}
	return exec.Command("git", "-C", r.Dir, "rev-parse", "-q", "--verify", "refs/heads/"+branch).Run() == nil
}

func (r *Repo) drop(branch string) {
	delete(r.Branches, branch)
	if r.Dir != "" {
		exec.Command("git", "-C", r.Dir, "update-ref", "-d", "refs/heads/"+branch).Run()
	}
}

func (r *Repo) pull(number string) *Pull {
	n, _ := strconv.Atoi(number)
	for _, p := range r.Pulls {
		if p.Number == n {
			return p
		}
	}
	return nil
}

// open is the one that a second one for the same branches would double.
func (r *Repo) open(head, base string) *Pull {
	for _, p := range r.Pulls {
		if p.State == "open" && p.Head == head && p.Base == base && !p.Fork {
			return p
		}
	}
	return nil
}

func (r *Repo) make(p Pull) *Pull {
	p.Number, p.State = len(r.Pulls)+1, "open"
	p.Created = time.Date(2026, 1, 1, 0, 0, p.Number, 0, time.UTC)
	r.Pulls = append(r.Pulls, &p)
	return &p
}

func (p *Pull) add(labels []string) {
	for _, l := range labels {
		if l != "" && !slices.Contains(p.Labels, l) {
			p.Labels = append(p.Labels, l)
		}
	}
}

func say(w http.ResponseWriter, code int, v any) {
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func read(r *http.Request, v any) {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		panic(fmt.Sprintf("%s %s: %v", r.Method, r.URL, err))
	}
}

// page cuts a list as both hosts do. The link's path is at, which need not be the
// path that was asked: GitHub names organisations by number there.
func page[T any](w http.ResponseWriter, r *http.Request, base, at string, list []T) []T {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	last := max((len(list)+size-1)/size, 1)
	link := func(p int, rel string) string {
		q.Set("page", strconv.Itoa(p))
		return fmt.Sprintf(`<%s%s?%s>; rel="%s"`, base, at, q.Encode(), rel)
	}
	var links []string
	if n > 1 {
		links = append(links, link(n-1, "prev"))
	}
	if n < last {
		links = append(links, link(n+1, "next"), link(last, "last"))
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	from := min((n-1)*size, len(list))
	return list[from:min(from+size, len(list))]
}

// serveGit is git's own server for smart HTTP; a push needs the token.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	path, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	i := strings.LastIndexByte(path, '/')
	s.mu.Lock()
	var repo *Repo
	if i > 0 {
		repo = s.find(path[:i], path[i+1:])
	}
	s.mu.Unlock()
	_, password, _ := r.BasicAuth()
	login := password == s.Token
	push := strings.Contains(rest, "git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	if !login && (push || password != "" || repo != nil && repo.Private) {
		w.Header().Set("WWW-Authenticate", `Basic realm="forgetest"`)
		http.Error(w, "login", http.StatusUnauthorized)
		return
	}
	if repo == nil || repo.Dir == "" {
		http.NotFound(w, r)
		return
	}
	where, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"), Env: []string{
		"GIT_PROJECT_ROOT=" + repo.Dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_PROTOCOL=" + r.Header.Get("Git-Protocol"),
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_CONFIG_KEY_1=uploadpack.allowFilter", "GIT_CONFIG_VALUE_1=true",
	}}
	if login {
		h.Env = append(h.Env, "REMOTE_USER="+s.User) // allows receive-pack
	}
	at := *r
	u := *r.URL
	u.Path = "/" + rest
	at.URL = &u
	h.ServeHTTP(w, &at)
}
