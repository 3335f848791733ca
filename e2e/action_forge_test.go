//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// actionForge is a double of the parts of GitHub's API that deploy/github/action.sh asks.
type actionForge struct {
	url      string
	mu       sync.Mutex
	comments []map[string]any // of the pull request
	files    []map[string]any
	reviews  []map[string]any // bodies that were sent
	lines    []map[string]any // comments of the reviews
	calls    []string
	refuse   bool // every write: 403, as for a pull request from a fork
}

const actionToken = "t0ken-of-a-test"

func newActionForge(t *testing.T) *actionForge {
	f := &actionForge{}
	bot := map[string]any{"login": "github-actions[bot]", "type": "Bot"}
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, code int, v any) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v)
	}
	read := func(r *http.Request) map[string]any {
		var v map[string]any
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		return v
	}
	page := func(w http.ResponseWriter, r *http.Request, all []map[string]any) {
		n, _ := strconv.Atoi(r.FormValue("page"))
		size, _ := strconv.Atoi(r.FormValue("per_page"))
		from := min((n-1)*size, len(all))
		say(w, 200, append([]map[string]any{}, all[from:min(from+size, len(all))]...))
	}
	const repo = "/repos/acme/x"
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 403, map[string]any{"message": "Resource not accessible by integration"})
	})
	mux.HandleFunc("GET "+repo+"/issues/7/comments", func(w http.ResponseWriter, r *http.Request) { page(w, r, f.comments) })
	mux.HandleFunc("POST "+repo+"/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
		c := map[string]any{"id": 1000 + len(f.comments), "body": read(r)["body"], "user": bot}
		f.comments = append(f.comments, c)
		say(w, 201, c)
	})
	mux.HandleFunc("PATCH "+repo+"/issues/comments/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, c := range f.comments {
			if fmt.Sprint(c["id"]) == r.PathValue("id") {
				c["body"] = read(r)["body"]
				say(w, 200, c)
				return
			}
		}
		say(w, 404, map[string]any{"message": "Not Found"})
	})
	mux.HandleFunc("GET "+repo+"/pulls/7/files", func(w http.ResponseWriter, r *http.Request) { page(w, r, f.files) })
	mux.HandleFunc("GET "+repo+"/pulls/7/comments", func(w http.ResponseWriter, r *http.Request) { page(w, r, f.lines) })
	mux.HandleFunc("POST "+repo+"/pulls/7/reviews", func(w http.ResponseWriter, r *http.Request) {
		v := read(r)
		f.reviews = append(f.reviews, v)
		for _, c := range v["comments"].([]any) {
			c := c.(map[string]any)
			f.lines = append(f.lines, map[string]any{"path": c["path"], "line": c["line"], "body": strings.ReplaceAll(c["body"].(string), "\n", "\r\n"), "user": bot})
		}
		say(w, 200, map[string]any{"id": 1})
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls = append(f.calls, r.Method+" "+r.URL.Path)
		switch {
		case r.Header.Get("Authorization") != "Bearer "+actionToken:
			say(w, 401, map[string]any{"message": "Bad credentials"})
		case f.refuse && r.Method != http.MethodGet:
			_, _ = io.Copy(io.Discard, r.Body)
			say(w, 403, map[string]any{"message": "Resource not accessible by integration"})
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// writes are the calls that change something, since the last time.
func (f *actionForge) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.DeleteFunc(f.calls, func(c string) bool { return strings.HasPrefix(c, "GET ") })
	f.calls = nil
	return out
}
