package forgetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// GitHub starts a double of GitHub Enterprise Server: its API is below /api/v3.
func GitHub(t testing.TB) *Server { return serve(t, gitHub) }

const docs = "https://docs.github.com/rest"

func gitHub(s *Server) http.Handler {
	no := func(w http.ResponseWriter, code int, message string, errors ...any) {
		v := map[string]any{"message": message, "documentation_url": docs, "status": fmt.Sprint(code)}
		if len(errors) > 0 {
			v["errors"] = errors
		}
		say(w, code, v)
	}
	mux := http.NewServeMux()
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v3"+path, f)
	}
	repo := func(f func(w http.ResponseWriter, r *http.Request, at *Repo)) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			at := s.find(r.PathValue("owner"), r.PathValue("name"))
			if at == nil || at.Private && r.Header.Get("Authorization") == "" {
				no(w, 404, "Not Found")
				return
			}
			f(w, r, at)
		}
	}
	pull := func(f func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull)) func(w http.ResponseWriter, r *http.Request) {
		return repo(func(w http.ResponseWriter, r *http.Request, at *Repo) {
			if p := at.pull(r.PathValue("n")); p != nil {
				f(w, r, at, p)
				return
			}
			no(w, 404, "Not Found")
		})
	}
	list := func(w http.ResponseWriter, r *http.Request, at string, keep func(*Repo) bool) {
		var out []any
		for _, x := range s.rs {
			if keep(x) && (r.URL.Query().Get("type") != "sources" || !x.Fork) {
				out = append(out, s.gitHubRepo(x))
			}
		}
		say(w, 200, append([]any{}, page(w, r, s.URL, at, out)...))
	}
	owned := func(owner string, private bool) func(*Repo) bool {
		return func(r *Repo) bool { return strings.EqualFold(r.Owner, owner) && (private || !r.Private) }
	}

	handle("GET /user", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			no(w, 401, "Requires authentication")
			return
		}
		say(w, 200, map[string]any{"login": s.User, "type": "User"})
	})
	handle("GET /user/repos", func(w http.ResponseWriter, r *http.Request) { list(w, r, "/api/v3/user/repos", owned(s.User, true)) })
	handle("GET /users/{owner}/repos", func(w http.ResponseWriter, r *http.Request) {
		owner := r.PathValue("owner")
		if slices.Contains(s.Orgs, owner) || !slices.ContainsFunc(s.rs, owned(owner, true)) && owner != s.User {
			no(w, 404, "Not Found")
			return
		}
		list(w, r, "/api/v3/user/4711/repos", owned(owner, false))
	})
	handle("GET /orgs/{owner}/repos", func(w http.ResponseWriter, r *http.Request) {
		owner := r.PathValue("owner")
		if !slices.Contains(s.Orgs, owner) {
			no(w, 404, "Not Found")
			return
		}
		list(w, r, "/api/v3/organizations/42/repos", owned(owner, r.Header.Get("Authorization") != ""))
	})
	handle("GET /repos/{owner}/{name}", repo(func(w http.ResponseWriter, r *http.Request, at *Repo) { say(w, 200, s.gitHubRepo(at)) }))
	handle("GET /repos/{owner}/{name}/branches", repo(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		if at.Empty {
			say(w, 200, []any{})
			return
		}
		say(w, 200, []any{map[string]any{"name": at.Branch}})
	}))

	handle("GET /repos/{owner}/{name}/pulls", repo(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		q := r.URL.Query()
		var out []any
		for _, p := range slices.Backward(at.Pulls) {
			state := p.State
			if state == "merged" {
				state = "closed"
			}
			if who := at.Owner; !p.Fork && (q.Get("head") == "" || q.Get("head") == who+":"+p.Head) && (q.Get("state") == "all" || q.Get("state") == state) {
				out = append(out, s.gitHubPull(at, p))
			}
		}
		say(w, 200, append([]any{}, page(w, r, s.URL, r.URL.Path, out)...))
	}))
	handle("POST /repos/{owner}/{name}/pulls", repo(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		var in struct {
			Title, Body, Head, Base string
			Draft                   bool
		}
		read(r, &in)
		invalid := func(field, code, message string) {
			e := map[string]any{"resource": "PullRequest", "code": code}
			if field != "" {
				e["field"] = field
			}
			if message != "" {
				e["message"] = message
			}
			no(w, 422, "Validation Failed", e)
		}
		switch {
		case !at.has(in.Head):
			invalid("head", "invalid", "")
		case !at.has(in.Base):
			invalid("base", "invalid", "")
		case in.Draft && at.NoDrafts:
			no(w, 422, "Draft pull requests are not supported in this repository.")
		case at.open(in.Head, in.Base) != nil:
			invalid("", "custom", "A pull request already exists for "+at.Owner+":"+in.Head+".")
		case len(in.Body) > 65536:
			invalid("body", "custom", "body is too long (maximum is 65536 characters)")
		default:
			say(w, 201, s.gitHubPull(at, at.make(Pull{Title: in.Title, Body: in.Body, Head: in.Head, Base: in.Base, Draft: in.Draft})))
		}
	}))
	handle("GET /repos/{owner}/{name}/pulls/{n}", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) { say(w, 200, s.gitHubPull(at, p)) }))
	handle("GET /repos/{owner}/{name}/pulls/{n}/reviews", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		out := []any{map[string]any{"user": nil, "state": "COMMENTED"}} // somebody whose account is gone
		for _, u := range p.Reviewed {
			out = append(out, map[string]any{"user": map[string]any{"login": u}, "state": "APPROVED"})
		}
		say(w, 200, out)
	}))
	handle("PATCH /repos/{owner}/{name}/pulls/{n}", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct{ Title, Body, State *string }
		read(r, &in)
		set(&p.Title, in.Title)
		set(&p.Body, in.Body)
		set(&p.State, in.State)
		say(w, 200, s.gitHubPull(at, p))
	}))
	handle("POST /repos/{owner}/{name}/issues/{n}/labels", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct{ Labels []string }
		read(r, &in)
		p.add(in.Labels)
		say(w, 200, labels(p.Labels))
	}))
	handle("POST /repos/{owner}/{name}/pulls/{n}/requested_reviewers", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct {
			Reviewers []string
			Teams     []string `json:"team_reviewers"`
		}
		read(r, &in)
		for _, u := range append(in.Reviewers, in.Teams...) {
			if u == s.User {
				no(w, 422, "Review cannot be requested from pull request author.")
				return
			}
			if !slices.Contains(s.People, u) {
				no(w, 422, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+at.Owner+"/"+at.Name+" repository.")
				return
			}
		}
		p.Reviewers = append(append(p.Reviewers, in.Reviewers...), in.Teams...)
		say(w, 201, s.gitHubPull(at, p))
	}))
	handle("GET /repos/{owner}/{name}/issues/{n}/comments", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		say(w, 200, append([]any{}, page(w, r, s.URL, r.URL.Path, notes(p))...))
	}))
	handle("POST /repos/{owner}/{name}/issues/{n}/comments", pull(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct{ Body string }
		read(r, &in)
		p.Comments = append(p.Comments, in.Body)
		say(w, 201, map[string]any{"body": in.Body})
	}))
	handle("DELETE /repos/{owner}/{name}/git/refs/heads/{branch...}", repo(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		if b := r.PathValue("branch"); at.has(b) {
			at.drop(b)
			w.WriteHeader(204)
			return
		}
		no(w, 422, "Reference does not exist")
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { no(w, 404, "Not Found") })

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Ratelimit-Limit", "5000")
		w.Header().Set("X-Ratelimit-Remaining", "4999")
		w.Header().Set("X-Ratelimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		w.Header().Set("X-Ratelimit-Resource", "core")
		a := r.Header.Get("Authorization")
		switch {
		case r.Header.Get("User-Agent") == "":
			w.Header().Set("Content-Type", "text/plain")
			http.Error(w, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header", http.StatusForbidden)
		case a != "" && a != "Bearer "+s.Token && a != "token "+s.Token:
			no(w, 401, "Bad credentials")
		case a == "" && r.Method != http.MethodGet:
			no(w, 401, "Requires authentication")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func set(to *string, v *string) {
	if v != nil {
		*to = *v
	}
}

func labels(names []string) []any {
	out := []any{}
	for _, n := range names {
		out = append(out, map[string]any{"name": n, "color": "ededed"})
	}
	return out
}

func notes(p *Pull) []any {
	out := []any{}
	for i, c := range p.Comments {
		out = append(out, map[string]any{"id": i + 1, "body": c})
	}
	return out
}

func (s *Server) gitHubRepo(r *Repo) map[string]any {
	size := 100
	if r.Empty {
		size = 0
	}
	full := r.Owner + "/" + r.Name
	var language any
	if r.Language != "" {
		language = r.Language
	}
	return map[string]any{
		"id": r.id, "name": r.Name, "full_name": full, "owner": map[string]any{"login": r.Owner}, "private": r.Private, "fork": r.Fork,
		"html_url": s.URL + "/" + full, "clone_url": "https://elsewhere.example/" + full + ".git", // forge must not take it
		"default_branch": r.Branch, "language": language, "topics": append([]string{}, r.Topics...), "archived": r.Archived, "disabled": false, "size": size,
	}
}

func (s *Server) gitHubPull(r *Repo, p *Pull) map[string]any {
	full := r.Owner + "/" + r.Name
	state, merged := p.State, any(nil)
	if state == "merged" {
		state, merged = "closed", p.Created.Add(time.Hour)
	}
	from := full
	if p.Fork {
		from = "somebody/" + r.Name
	}
	var people, groups []any
	for _, u := range p.Reviewers {
		if strings.HasPrefix(u, "team-") {
			groups = append(groups, map[string]any{"slug": u})
		} else {
			people = append(people, map[string]any{"login": u})
		}
	}
	return map[string]any{
		"number": p.Number, "html_url": fmt.Sprintf("%s/%s/pull/%d", s.URL, full, p.Number), "state": state, "title": p.Title, "body": p.Body,
		"draft": p.Draft, "created_at": p.Created, "merged_at": merged, "labels": labels(p.Labels), "user": map[string]any{"login": s.User},
		"head":                map[string]any{"ref": p.Head, "repo": map[string]any{"full_name": from}},
		"base":                map[string]any{"ref": p.Base, "repo": map[string]any{"full_name": full}},
		"requested_reviewers": append([]any{}, people...), "requested_teams": append([]any{}, groups...),
	}
}
