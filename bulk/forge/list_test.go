package forge

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/bulk/forge/forgetest"
)

func TestListPages(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Orgs = []string{"lab"}
		var want []string
		for i := range 250 {
			s.Add(forgetest.Repo{Owner: "lab", Name: fmt.Sprintf("app-%03d", i)})
			want = append(want, fmt.Sprintf("lab/app-%03d", i))
		}
		f, _ := open(t, kind, s.URL, s.Token)
		list := all(t, f.List(t.Context(), "lab", Filter{}))
		if diff := cmp.Diff(want, names(list)); diff != "" {
			t.Error(diff)
		}
		if r := list[7]; r.CloneURL != s.URL+"/lab/app-007.git" || r.Branch != "main" {
			t.Errorf("%+v: the address is to be made of ours", r)
		}
		if n := len(s.Requests()); n != 3 {
			t.Errorf("%d requests for three pages", n)
		}
		// Who needs only the first ones doesn't ask for more.
		for range f.List(t.Context(), "lab", Filter{}) {
			break
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("%d requests for the first repository", n)
		}
	})
}

func TestListFilters(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Orgs = []string{"lab"}
		s.Add(forgetest.Repo{Owner: "lab", Name: "go", Language: "Go", Topics: []string{"docker", "api"}})
		s.Add(forgetest.Repo{Owner: "lab", Name: "py", Language: "Python", Topics: []string{"api"}})
		s.Add(forgetest.Repo{Owner: "lab", Name: "old", Language: "Go", Archived: true})
		s.Add(forgetest.Repo{Owner: "lab", Name: "fork", Language: "Go", Fork: true})
		s.Add(forgetest.Repo{Owner: "lab", Name: "new", Empty: true})
		s.Add(forgetest.Repo{Owner: "lab", Name: "secret", Private: true})
		f, _ := open(t, kind, s.URL, s.Token)
		for _, c := range []struct {
			filter Filter
			want   []string
		}{
			{Filter{}, []string{"lab/go", "lab/py", "lab/new", "lab/secret"}},
			{Filter{Archived: true}, []string{"lab/go", "lab/py", "lab/old", "lab/new", "lab/secret"}},
			{Filter{Forks: true}, []string{"lab/go", "lab/py", "lab/fork", "lab/new", "lab/secret"}},
			{Filter{Topics: []string{"Docker", "none"}}, []string{"lab/go"}},
			{Filter{Languages: []string{"python", "GO"}}, []string{"lab/go", "lab/py"}},
			{Filter{Languages: []string{"python"}, Topics: []string{"docker"}}, []string{}},
		} {
			list := all(t, f.List(t.Context(), "lab", c.filter))
			if diff := cmp.Diff(c.want, names(list)); diff != "" {
				t.Errorf("%+v: %s", c.filter, diff)
			}
			for _, r := range list {
				if r.Empty != (r.Name == "new") || r.Empty && r.Branch != "" {
					t.Errorf("%+v", r)
				}
			}
		}
		anonymous, _ := open(t, kind, s.URL, "")
		if got := names(all(t, anonymous.List(t.Context(), "lab", Filter{}))); !slices.Equal(got, []string{"lab/go", "lab/py", "lab/new"}) {
			t.Errorf("without a token %q", got)
		}
	})
}

// A name that is no organisation's may be a user's, whose private repositories are
// for that user.
func TestListUser(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Add(forgetest.Repo{Owner: "robot", Name: "mine", Private: true})
		s.Add(forgetest.Repo{Owner: "ann", Name: "hers"})
		f, _ := open(t, kind, s.URL, s.Token)
		for owner, want := range map[string][]string{"robot": {"robot/mine"}, "ann": {"ann/hers"}} {
			if got := names(all(t, f.List(t.Context(), owner, Filter{}))); !slices.Equal(got, want) {
				t.Errorf("%s has %q", owner, got)
			}
		}
		for _, err := range f.List(t.Context(), "nobody", Filter{}) {
			if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "nobody") {
				t.Errorf("%v", err)
			}
		}
		for _, owner := range []string{"", "..", "a b", "a\nb"} {
			s.Requests()
			for _, err := range f.List(t.Context(), owner, Filter{}) {
				if err == nil || len(s.Requests()) > 0 {
					t.Errorf("%q was asked for: %v", owner, err)
				}
			}
		}
	})
}

func TestListSubgroups(t *testing.T) {
	s := forgetest.GitLab(t)
	s.Orgs = []string{"lab"}
	s.Add(forgetest.Repo{Owner: "lab", Name: "top"})
	s.Add(forgetest.Repo{Owner: "lab/team/inner", Name: "deep"})
	s.Add(forgetest.Repo{Owner: "labour", Name: "other"})
	f, _ := open(t, "gitlab", s.URL, s.Token)
	if got := names(all(t, f.List(t.Context(), "lab", Filter{}))); !slices.Equal(got, []string{"lab/top", "lab/team/inner/deep"}) {
		t.Errorf("%q", got)
	}
	if got := names(all(t, f.List(t.Context(), "lab/team", Filter{}))); !slices.Equal(got, []string{"lab/team/inner/deep"}) {
		t.Errorf("%q", got)
	}
	r, err := f.Get(t.Context(), "lab/team/inner", "deep")
	if err != nil || r.CloneURL != s.URL+"/lab/team/inner/deep.git" {
		t.Errorf("%+v, %v", r, err)
	}
}

// Languages cost GitLab a request each: they aren't asked for unless a filter needs them.
func TestListLanguagesOfGitLab(t *testing.T) {
	s := forgetest.GitLab(t)
	s.Orgs = []string{"lab"}
	s.Add(forgetest.Repo{Owner: "lab", Name: "a", Language: "Go"})
	s.Add(forgetest.Repo{Owner: "lab", Name: "b", Language: "Go", Fork: true})
	f, _ := open(t, "gitlab", s.URL, s.Token)
	all(t, f.List(t.Context(), "lab", Filter{}))
	if seen := s.Requests(); len(seen) != 1 {
		t.Errorf("%q", seen)
	}
	if list := all(t, f.List(t.Context(), "lab", Filter{Languages: []string{"go"}})); len(list) != 1 || list[0].Language != "Go" {
		t.Errorf("%+v", list)
	}
	if seen := s.Requests(); len(seen) != 2 {
		t.Errorf("a fork that is left out was asked for: %q", seen)
	}
}

func TestGet(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Add(forgetest.Repo{Owner: "lab", Name: "app", Branch: "trunk", Language: "Go", Topics: []string{"x"}})
		f, _ := open(t, kind, s.URL, s.Token)
		r, err := f.Get(t.Context(), "lab", "app")
		want := Repository{Owner: "lab", Name: "app", CloneURL: s.URL + "/lab/app.git", Branch: "trunk", Language: "Go", Topics: []string{"x"}}
		if diff := cmp.Diff(want, r); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		if _, err := f.Get(t.Context(), "lab", "none"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		s.Requests()
		for _, name := range []string{"", "..", "a/b", "a?x", "a#b", "a\x1b[0m", `a\b`} {
			if _, err := f.Get(t.Context(), "lab", name); err == nil || len(s.Requests()) > 0 {
				t.Errorf("%q was asked for: %v", name, err)
			}
		}
	})
}

// A server that gives names which are no names ends its own list and nothing else.
func TestListHostile(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Orgs = []string{"lab"}
		s.Add(forgetest.Repo{Owner: "lab", Name: "good"})
		s.Add(forgetest.Repo{Owner: "lab", Name: "../../etc"})
		f, _ := open(t, kind, s.URL, s.Token)
		var got []string
		var failed error
		for r, err := range f.List(t.Context(), "lab", Filter{}) {
			if err != nil {
				failed = err
				continue
			}
			got = append(got, r.Name)
		}
		if !slices.Equal(got, []string{"good"}) || !errors.Is(failed, ErrInvalid) {
			t.Errorf("%q, %v", got, failed)
		}
	})
}

// The next page is asked for at the address that we were given, whatever the host
// calls itself; a link to the page that was just read ends the list.
func TestListLinks(t *testing.T) {
	for link, want := range map[string]string{
		`<https://evil.example/repos?page=2>; rel="next"`:                                     "page=2",
		`<https://h/repos?page=1>; rel="prev", <https://h/repos?per_page=9&page=3>; rel=next`: "page=3&per_page=9",
		`<https://h/x?cursor=a%2Cb>; foo="bar"; REL="last next"`:                              "cursor=a%2Cb",
		`<https://h/x?page=2>; rel="last"`:                                                    "",
		`garbage, <, <>; rel="next", ;;;`:                                                     "",
	} {
		if got := nextPage(http.Header{"Link": {link}}).Encode(); got != want {
			t.Errorf("%s gives %q, want %q", link, got, want)
		}
	}
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		s.Orgs = []string{"lab"}
		for i := range 101 {
			s.Add(forgetest.Repo{Owner: "lab", Name: fmt.Sprint("a", i)})
		}
		asked := 0
		s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if asked++; asked == 2 {
				w.Header().Set("Link", "<http://x/y?"+r.URL.RawQuery+`>; rel="next"`)
				w.Write([]byte(`[{"name":"b","path":"b","owner":{"login":"lab"},"namespace":{"full_path":"lab"},"size":1}]`))
				return true
			}
			return false
		}
		f, _ := open(t, kind, s.URL, s.Token)
		if got := len(all(t, f.List(t.Context(), "lab", Filter{}))); got != 101 || asked != 2 {
			t.Errorf("%d repositories in %d requests", got, asked)
		}
	})
}

// A list that has a next page for ever, as behind a proxy that drops the query, comes to an end.
func TestListWithoutEnd(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Link", fmt.Sprintf(`<http://x.example/?page=%d>; rel="next"`, n+1))
		fmt.Fprint(w, `[{"id":1,"name":"app","path":"app","owner":{"login":"lab"},"namespace":{"full_path":"lab"},"path_with_namespace":"lab/app","default_branch":"main"}]`)
	}))
	defer s.Close()
	for _, kind := range []string{"github", "gitlab", "gitea"} {
		n = 0
		f, _ := open(t, kind, s.URL, s.URL+"-token")
		var last error
		for _, err := range f.List(t.Context(), "lab", Filter{}) {
			if last = err; n > 99 {
				break
			}
		}
		if last == nil || !strings.Contains(last.Error(), "the same page") {
			t.Errorf("%s: after %d pages: %v", kind, n, last)
		}
	}
}
