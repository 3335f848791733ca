package forge

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drydock/bulk/forge/forgetest"
)

// answers gives every request the same answer.
func answers(s *forgetest.Server, code int, body string, kv ...string) {
	s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		for i := 0; i < len(kv); i += 2 {
			w.Header().Set(kv[i], kv[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
		return true
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		kind, token string
		code        int
		body        string
		header      []string
		is          error
		says        []string
	}{
		"refused": {"github", "bad", 401, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`, nil, ErrUnauthorized,
			[]string{"the token is refused: it answers 401 (Bad credentials): renew the one in GH_ENTERPRISE_TOKEN"}},
		"refused by gitlab": {"gitlab", "bad", 401, `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`, nil, ErrUnauthorized,
			[]string{"Token was revoked", "renew the one in GITLAB_TOKEN"}},
		"no token": {"gitlab", "", 401, `{"message":"401 Unauthorized"}`, nil, ErrUnauthorized, []string{"set GITLAB_TOKEN"}},
		"classic scopes": {"github", "tok3n", 403, `{"message":"Must have admin rights to Repository."}`, []string{"X-OAuth-Scopes", "read:org, gist", "X-Accepted-OAuth-Scopes", "repo"}, ErrUnauthorized,
			[]string{"the token in GH_ENTERPRISE_TOKEN has the scopes read:org, gist; it needs repo"}},
		"fine-grained": {"github", "tok3n", 403, `{"message":"Resource not accessible by personal access token"}`, []string{"X-Accepted-GitHub-Permissions", "pull_requests=write"}, ErrUnauthorized,
			[]string{"needs pull_requests=write"}},
		"single sign-on": {"github", "tok3n", 403, `{"message":"Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."}`,
			[]string{"X-GitHub-SSO", "required; url=https://github.com/orgs/lab/sso?authorization_request=AB"}, ErrUnauthorized, []string{"Configure SSO"}},
		"gitlab scopes": {"gitlab", "tok3n", 403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}`, nil, ErrUnauthorized,
			[]string{"higher privileges", "needs the scope api"}},
		"gitea scopes": {"gitea", "tok3n", 403, `{"message":"token does not have at least one of required scope(s), required=[write:repository], token scope=read:user","url":"http://h/api/swagger"}`, nil, ErrUnauthorized,
			[]string{"required=[write:repository]"}},
		"missing":  {"github", "tok3n", 404, `{"message":"Not Found"}`, nil, ErrNotFound, []string{"lab/app", "may see it"}},
		"page":     {"github", "tok3n", 200, `<html><title>Please log in</title>`, []string{"Content-Type", "text/html"}, ErrInvalid, []string{"the answer is a web page", "no proxy or login page"}},
		"proxy":    {"gitlab", "tok3n", 407, `<html>Squid</html>`, []string{"Content-Type", "text/html"}, ErrInvalid, []string{"407 with a web page"}},
		"hostile":  {"gitea", "tok3n", 422, `{"message":"a\u001b[31m red\nline \u202e back"}`, nil, ErrInvalid, []string{"(a[31m red line back)"}},
		"echo":     {"gitea", "s3cret", 422, `{"message":"you sent s3cret"}`, nil, ErrInvalid, []string{"you sent ***"}},
		"not ours": {"gitea", "tok3n", 200, `[1,2`, nil, ErrInvalid, []string{"the answer isn't JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := forgetest.GitHub(t)
			answers(s, c.code, c.body, c.header...)
			f, _ := open(t, c.kind, s.URL, c.token)
			_, err := f.Get(t.Context(), "lab", "app")
			if !errors.Is(err, c.is) {
				t.Fatalf("%v", err)
			}
			for _, want := range append(c.says, strings.TrimPrefix(s.URL, "http://")+": lab/app: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q misses %q", err, want)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b\u202e") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for address, want := range map[string]string{
		"http://" + nobody: "nothing listens there",
		secure.URL:         "its certificate isn't trusted",
		strings.Replace(plain.URL, "http:", "https:", 1): "it speaks plain HTTP: if it is to be trusted, write its address with http://",
	} {
		f, _ := open(t, "gitea", address, "s3cret")
		_, err := f.Get(t.Context(), "lab", "app")
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A redirect to another host, or another port, is followed without the token, also when
// it comes back; one to another page of the same host keeps it.
func TestRedirectKeepsToken(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			for _, job := range []bool{false, kind == "gitlab"} {
				var got []http.Header
				var home *httptest.Server
				away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					got = append(got, r.Header)
					http.Redirect(w, r, home.URL+"/back", http.StatusFound)
				}))
				defer away.Close()
				home = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/back":
						got = append(got, r.Header)
						fmt.Fprint(w, `{}`)
					case "/near":
						if !strings.Contains(fmt.Sprint(r.Header), "s3cret") {
							t.Error("the token is lost within the host")
						}
						http.Redirect(w, r, away.URL+"/x", http.StatusMovedPermanently)
					default:
						http.Redirect(w, r, "/near", http.StatusMovedPermanently)
					}
				}))
				defer home.Close()
				c := &clock{}
				env := map[string]string{variables[kind]: "s3cret"}
				if job {
					env = map[string]string{"CI_JOB_TOKEN": "s3cret", "CI_SERVER_URL": home.URL}
				}
				o := c.options(env)
				o.URL = home.URL
				f, err := New(kind, o)
				if err != nil {
					t.Fatal(err)
				}
				f.Get(t.Context(), "lab", "app") // what comes back is nonsense
				if len(got) != 2 {
					t.Fatalf("%d requests after the redirect", len(got))
				}
				for _, h := range got {
					if strings.Contains(fmt.Sprint(h), "s3cret") {
						t.Errorf("the token was sent: %v", h)
					}
				}
			}
		})
	}
}

// A write that is redirected would become a read, or go to a stranger.
func TestRedirectOfWrite(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		app(s)
		strangers := 0
		away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers++ }))
		defer away.Close()
		f, _ := open(t, kind, s.URL, s.Token)
		for _, to := range []struct {
			code int
			host string
		}{{301, s.URL}, {302, away.URL}, {307, away.URL}} {
			answers(s, to.code, "", "Location", to.host+"/moved")
			if _, err := f.Create(t.Context(), "lab", "app", proposal()); err == nil || !strings.Contains(err.Error(), "it was moved") {
				t.Errorf("%d: %v", to.code, err)
			}
		}
		if strangers > 0 {
			t.Error("a stranger was asked")
		}
		answers(s, 302, "", "Location", s.URL+"/round")
		if _, err := f.Get(t.Context(), "lab", "app"); err == nil || !strings.Contains(err.Error(), "redirects again and again") {
			t.Errorf("%v", err)
		}
	})
}

// A repository that was renamed is found, and written to where the host says 307.
func TestRenamed(t *testing.T) {
	s := forgetest.GitHub(t)
	app(s).Name = "new"
	s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/lab/app") {
			return false
		}
		w.Header().Set("Location", strings.Replace(r.URL.Path, "/lab/app", "/lab/new", 1))
		w.WriteHeader(307)
		return true
	}
	f, _ := open(t, "github", s.URL, s.Token)
	if r, err := f.Get(t.Context(), "lab", "app"); err != nil || r.Name != "new" {
		t.Errorf("%+v, %v", r, err)
	}
	if p, err := f.Create(t.Context(), "lab", "app", proposal()); err != nil || p.Number != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// What is wrapped tells no more than the line itself.
func TestNoTokenInTheChain(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		f, _ := open(t, kind, s.URL, "s3cret")
		answers(s, 400, `{"message":"you sent s3cret"}`)
		_, bad := f.Get(t.Context(), "lab", "app")
		answers(s, 302, "", "Location", "http://127.0.0.1:1/?q=s3cret")
		_, gone := f.Get(t.Context(), "lab", "app")
		for _, err := range []error{bad, gone} {
			if err == nil {
				t.Fatal("no error")
			}
			walk(err, func(e error) {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), "s3cret") {
					t.Errorf("%#v", e)
				}
			})
		}
	})
}

func walk(err error, f func(error)) {
	if err == nil {
		return
	}
	f(err)
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		walk(u.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			walk(e, f)
		}
	}
}
