package forgetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// GitLab starts a double of GitLab: its API is below /api/v4. Groups are the
// namespaces below one of Orgs.
func GitLab(t testing.TB) *Server { return serve(t, gitLab) }

func gitLab(s *Server) http.Handler {
	no := func(w http.ResponseWriter, code int, message any) { say(w, code, map[string]any{"message": message}) }
	mux := http.NewServeMux()
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v4"+path, f)
	}
	project := func(f func(w http.ResponseWriter, r *http.Request, at *Repo)) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			id := r.PathValue("id")
			for _, x := range s.rs {
				if full := x.Owner + "/" + x.Name; (strings.EqualFold(full, id) || fmt.Sprint(x.id) == id) && (!x.Private || s.loggedIn(r)) {
					f(w, r, x)
					return
				}
			}
			no(w, 404, "404 Project Not Found")
		}
	}
	merge := func(f func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull)) func(w http.ResponseWriter, r *http.Request) {
		return project(func(w http.ResponseWriter, r *http.Request, at *Repo) {
			if p := at.pull(r.PathValue("n")); p != nil {
				f(w, r, at, p)
				return
			}
			no(w, 404, "404 Not found")
		})
	}
	list := func(w http.ResponseWriter, r *http.Request, keep func(*Repo) bool) {
		var out []any
		for _, x := range s.rs {
			if keep(x) && (!x.Private || s.loggedIn(r)) && (r.URL.Query().Get("archived") != "false" || !x.Archived) {
				out = append(out, s.gitLabProject(x))
			}
		}
		say(w, 200, append([]any{}, page(w, r, s.URL, r.URL.Path, out)...))
	}
	handle("GET /groups/{id}/projects", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if !slices.ContainsFunc(s.Orgs, func(o string) bool { return o == id || strings.HasPrefix(id, o+"/") }) {
			no(w, 404, "404 Group Not Found")
			return
		}
		list(w, r, func(x *Repo) bool {
			return x.Owner == id || r.URL.Query().Get("include_subgroups") == "true" && strings.HasPrefix(x.Owner, id+"/")
		})
	})
	handle("GET /users/{id}/projects", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		mine := func(x *Repo) bool { return x.Owner == id }
		if slices.Contains(s.Orgs, id) || id != s.User && !slices.ContainsFunc(s.rs, mine) {
			no(w, 404, "404 User Not Found")
			return
		}
		list(w, r, mine)
	})
	handle("GET /users", func(w http.ResponseWriter, r *http.Request) {
		out := []any{}
		if i := slices.Index(s.People, r.URL.Query().Get("username")); i >= 0 {
			out = append(out, map[string]any{"id": 100 + i, "username": s.People[i]})
		}
		say(w, 200, out)
	})
	handle("GET /projects/{id}", project(func(w http.ResponseWriter, r *http.Request, at *Repo) { say(w, 200, s.gitLabProject(at)) }))
	handle("GET /projects/{id}/languages", project(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		out := map[string]float64{}
		if at.Language != "" {
			out = map[string]float64{at.Language: 66.69, "Shell": 22.98, "Dockerfile": 10.33}
		}
		say(w, 200, out)
	}))
	handle("GET /projects/{id}/merge_requests", project(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		q := r.URL.Query()
		var out []any
		for _, p := range slices.Backward(at.Pulls) {
			m := s.gitLabMerge(at, p)
			if (q.Get("source_branch") == "" || q.Get("source_branch") == p.Head) && (q.Get("state") == "all" || q.Get("state") == m["state"]) {
				out = append(out, m)
			}
		}
		say(w, 200, append([]any{}, page(w, r, s.URL, r.URL.EscapedPath(), out)...))
	}))
	handle("POST /projects/{id}/merge_requests", project(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		var in struct {
			Source string `json:"source_branch"`
			Target string `json:"target_branch"`
			Title  string
			Body   string `json:"description"`
			Labels string
			People []int `json:"reviewer_ids"`
		}
		read(r, &in)
		switch old := at.open(in.Source, in.Target); {
		case !at.has(in.Source):
			no(w, 400, map[string]any{"source_branch": []string{"does not exist"}})
		case old != nil:
			no(w, 409, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", old.Number)})
		case len(in.Title) > 255:
			no(w, 400, map[string]any{"title": []string{"is too long (maximum is 255 characters)"}})
		default:
			p := at.make(Pull{Title: in.Title, Body: in.Body, Head: in.Source, Base: in.Target})
			p.add(strings.Split(in.Labels, ","))
			s.review(p, in.People)
			say(w, 201, s.gitLabMerge(at, p))
		}
	}))
	handle("GET /projects/{id}/merge_requests/{n}", merge(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) { say(w, 200, s.gitLabMerge(at, p)) }))
	handle("PUT /projects/{id}/merge_requests/{n}", merge(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct {
			Title  *string
			Body   *string `json:"description"`
			Event  string  `json:"state_event"`
			Labels string  `json:"add_labels"`
			People []int   `json:"reviewer_ids"`
		}
		read(r, &in)
		set(&p.Title, in.Title)
		set(&p.Body, in.Body)
		p.add(strings.Split(in.Labels, ","))
		if in.People != nil {
			s.review(p, in.People)
		}
		if in.Event == "close" {
			p.State = "closed"
		}
		say(w, 200, s.gitLabMerge(at, p))
	}))
	handle("GET /projects/{id}/merge_requests/{n}/notes", merge(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		say(w, 200, append([]any{}, page(w, r, s.URL, r.URL.EscapedPath(), notes(p))...))
	}))
	handle("POST /projects/{id}/merge_requests/{n}/notes", merge(func(w http.ResponseWriter, r *http.Request, at *Repo, p *Pull) {
		var in struct{ Body string }
		read(r, &in)
		p.Comments = append(p.Comments, in.Body)
		say(w, 201, map[string]any{"id": len(p.Comments), "body": in.Body})
	}))
	handle("DELETE /projects/{id}/repository/branches/{branch}", project(func(w http.ResponseWriter, r *http.Request, at *Repo) {
		if b := r.PathValue("branch"); at.has(b) {
			at.drop(b)
			w.WriteHeader(204)
			return
		}
		no(w, 404, "404 Branch Not Found")
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { say(w, 404, map[string]any{"error": "404 Not Found"}) })

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Ratelimit-Limit", "2000")
		w.Header().Set("Ratelimit-Remaining", "1999")
		w.Header().Set("Ratelimit-Reset", fmt.Sprint(time.Now().Add(time.Minute).Unix()))
		given := r.Header.Get("Authorization") + r.Header.Get("Private-Token") + r.Header.Get("Job-Token")
		switch {
		case given != "" && !s.loggedIn(r):
			no(w, 401, "401 Unauthorized")
		case given == "" && r.Method != http.MethodGet:
			no(w, 401, "401 Unauthorized")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func (s *Server) loggedIn(r *http.Request) bool {
	if s.Job {
		return r.Header.Get("Job-Token") == s.Token
	}
	return r.Header.Get("Private-Token") == s.Token || r.Header.Get("Authorization") == "Bearer "+s.Token
}

// review sets the reviewers; without a licence GitLab keeps the first one.
func (s *Server) review(p *Pull, ids []int) {
	p.Reviewers = nil
	for _, id := range ids {
		if id-100 < len(s.People) && len(p.Reviewers) == 0 {
			p.Reviewers = append(p.Reviewers, s.People[id-100])
		}
	}
}

func (s *Server) gitLabProject(r *Repo) map[string]any {
	full := r.Owner + "/" + r.Name
	var branch, fork any = r.Branch, nil
	if r.Empty {
		branch = nil
	}
	if r.Fork {
		fork = map[string]any{"id": 1}
	}
	return map[string]any{
		"id": r.id, "name": strings.ToUpper(r.Name), "path": r.Name, "path_with_namespace": full, "namespace": map[string]any{"full_path": r.Owner},
		"web_url": s.URL + "/" + full, "http_url_to_repo": "https://elsewhere.example/" + full + ".git", // forge must not take it
		"default_branch": branch, "topics": append([]string{}, r.Topics...), "archived": r.Archived, "empty_repo": r.Empty, "forked_from_project": fork,
		"repository_access_level": "enabled", "marked_for_deletion_on": nil,
	}
}

func (s *Server) gitLabMerge(r *Repo, p *Pull) map[string]any {
	state := map[string]string{"open": "opened"}[p.State]
	if state == "" {
		state = p.State
	}
	from := r.id
	if p.Fork {
		from = 1
	}
	people := []any{}
	for _, u := range p.Reviewers {
		people = append(people, map[string]any{"id": 100 + slices.Index(s.People, u), "username": u})
	}
	return map[string]any{
		"iid": p.Number, "id": 5000 + p.Number, "web_url": fmt.Sprintf("%s/%s/%s/-/merge_requests/%d", s.URL, r.Owner, r.Name, p.Number), "state": state,
		"title": p.Title, "description": p.Body, "source_branch": p.Head, "target_branch": p.Base, "source_project_id": from, "target_project_id": r.id,
		"created_at": p.Created, "draft": strings.HasPrefix(p.Title, "Draft:"), "labels": append([]string{}, p.Labels...), "reviewers": people,
	}
}
