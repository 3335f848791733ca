package forge

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/bulk/forge/forgetest"
)

func proposal() Proposal {
	return Proposal{Title: "Smaller image", Body: "Why:\n\n- because\n", Head: "drydock/fix", Base: "main"}
}

func app(s *forgetest.Server) *forgetest.Repo {
	return s.Add(forgetest.Repo{Owner: "lab", Name: "app", Branches: map[string]bool{"main": true, "drydock/fix": true}})
}

func TestPullRequest(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		at := app(s)
		s.People = []string{"ann", "bob"}
		f, _ := open(t, kind, s.URL, s.Token)
		if p, err := f.Find(t.Context(), "lab", "app", "drydock/fix"); p != nil || err != nil {
			t.Fatalf("before there is one: %+v, %v", p, err)
		}
		want := proposal()
		want.Labels, want.Reviewers = []string{"docker", "docker", "automated"}, []string{"@ann"}
		made, err := f.Create(t.Context(), "lab", "app", want)
		if err != nil {
			t.Fatal(err)
		}
		if made.Number != 1 || made.State != Open || made.Title != want.Title || !same(made.Body, want.Body) || made.Head != want.Head || made.Base != "main" || made.Draft ||
			!strings.HasPrefix(made.URL, s.URL) || made.Created.IsZero() || len(made.Notes) > 0 {
			t.Errorf("%+v", made)
		}
		if p := at.Pulls[0]; !slices.Equal(p.Labels, []string{"docker", "automated"}) || !slices.Equal(p.Reviewers, []string{"ann"}) {
			t.Errorf("%+v", p)
		}

		// The same again is the same one, and changes nothing.
		again, err := f.Create(t.Context(), "lab", "app", want)
		if err != nil || again.Number != 1 || again.Changed || len(at.Pulls) != 1 {
			t.Errorf("%+v, %v", again, err)
		}
		s.Requests()
		got, err := f.Update(t.Context(), "lab", "app", 1, want)
		if err != nil || got.Changed || got.Title != want.Title {
			t.Errorf("%+v, %v", got, err)
		}
		for _, r := range s.Requests() {
			if !strings.HasPrefix(r, "GET ") {
				t.Errorf("nothing is to be changed, but %s", r)
			}
		}
		found, err := f.Find(t.Context(), "lab", "app", "drydock/fix")
		made.Notes = nil
		if diff := cmp.Diff(made, found); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}

		want.Title, want.Labels = "Smaller still", []string{"docker", "size"}
		got, err = f.Update(t.Context(), "lab", "app", 1, want)
		if err != nil || !got.Changed || got.Title != want.Title || at.Pulls[0].Title != want.Title || !slices.Equal(at.Pulls[0].Labels, []string{"docker", "automated", "size"}) {
			t.Errorf("%+v, %v: %+v", got, err, at.Pulls[0])
		}
		if !slices.Equal(at.Pulls[0].Reviewers, []string{"ann"}) {
			t.Errorf("reviewers %q", at.Pulls[0].Reviewers)
		}

		for range 2 { // a run that was killed after it comes again with what it knew
			if err := f.Close(t.Context(), "lab", "app", *got, "Nothing is left to change."); err != nil {
				t.Fatal(err)
			}
		}
		if p := at.Pulls[0]; p.State != "closed" || !slices.Equal(p.Comments, []string{"Nothing is left to change."}) || at.Branches["drydock/fix"] || !at.Branches["main"] {
			t.Errorf("%+v, %v", p, at.Branches)
		}
		found, err = f.Find(t.Context(), "lab", "app", "drydock/fix")
		if err != nil || found == nil || found.State != Closed {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// An open one comes before newer ones that are closed, merged ones are told as that,
// and one from a fork's branch of the same name is nobody's.
func TestFind(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		at := app(s)
		f, _ := open(t, kind, s.URL, s.Token)
		find := func() *Pull {
			t.Helper()
			p, err := f.Find(t.Context(), "lab", "app", "drydock/fix")
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		add := func(n int, state string, fork bool) {
			at.Pulls = append(at.Pulls, &forgetest.Pull{Number: n, State: state, Head: "drydock/fix", Base: "main", Fork: fork})
		}
		if add(1, "open", true); find() != nil {
			t.Error("one of a fork is found")
		}
		if add(2, "closed", false); find().Number != 2 || find().State != Closed {
			t.Errorf("%+v", find())
		}
		if add(3, "merged", false); find().Number != 3 || find().State != Merged {
			t.Errorf("%+v", find())
		}
		if add(4, "open", false); find().Number != 4 {
			t.Errorf("%+v", find())
		}
		for n := range 150 { // more than a page
			add(5+n, "closed", false)
		}
		if p := find(); p.Number != 4 || p.State != Open {
			t.Errorf("%+v", p)
		}
	})
}

func TestDraft(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		at := app(s)
		f, _ := open(t, kind, s.URL, s.Token)
		p := proposal()
		p.Draft = true
		made, err := f.Create(t.Context(), "lab", "app", p)
		if err != nil || !made.Draft || made.Title != p.Title {
			t.Fatalf("%+v, %v", made, err)
		}
		p.Title = "Another"
		got, err := f.Update(t.Context(), "lab", "app", 1, p)
		if err != nil || !got.Draft || got.Title != "Another" {
			t.Errorf("%+v, %v", got, err)
		}
		if kind == "gitlab" && at.Pulls[0].Title != "Draft: Another" {
			t.Errorf("%q", at.Pulls[0].Title)
		}
		// Somebody says that it is ready: it isn't made a draft again.
		at.Pulls[0].Draft, at.Pulls[0].Title = false, "Another"
		if got, err := f.Update(t.Context(), "lab", "app", 1, p); err != nil || got.Draft || got.Changed {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestNoDrafts(t *testing.T) {
	s := forgetest.GitHub(t)
	app(s).NoDrafts = true
	f, _ := open(t, "github", s.URL, s.Token)
	p := proposal()
	p.Draft = true
	made, err := f.Create(t.Context(), "lab", "app", p)
	if err != nil || made.Draft || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "no draft") {
		t.Errorf("%+v, %v", made, err)
	}
}

// Reviewers whom nobody knows, and the author, are notes; the others are asked.
func TestReviewers(t *testing.T) {
	s := forgetest.GitHub(t)
	at := app(s)
	s.People = []string{"ann", "team-images"}
	f, _ := open(t, "github", s.URL, s.Token)
	p := proposal()
	p.Reviewers = []string{"ann", "nobody", s.User, "lab/team-images"}
	made, err := f.Create(t.Context(), "lab", "app", p)
	if err != nil {
		t.Fatal(err)
	}
	if got := at.Pulls[0].Reviewers; !slices.Equal(got, []string{"ann", "team-images"}) {
		t.Errorf("asked %q", got)
	}
	if len(made.Notes) != 2 || !strings.HasPrefix(made.Notes[0], "nobody was not asked for a review: Reviews may only be requested from collaborators.") ||
		!strings.HasPrefix(made.Notes[1], s.User+" was not asked for a review: Review cannot be requested from pull request author.") {
		t.Errorf("%q", made.Notes)
	}
	// Who has given a review isn't asked again, and neither is the author.
	at.Pulls[0].Reviewers, at.Pulls[0].Reviewed = []string{"team-images"}, []string{"ann"}
	got, err := f.Update(t.Context(), "lab", "app", 1, p)
	if err != nil || got.Changed || len(got.Notes) != 1 || !slices.Equal(at.Pulls[0].Reviewers, []string{"team-images"}) {
		t.Errorf("%+v, %v, asked %q", got, err, at.Pulls[0].Reviewers)
	}
}

func TestReviewersOfGitLab(t *testing.T) {
	s := forgetest.GitLab(t)
	at := app(s)
	s.People = []string{"ann", "bob"}
	f, _ := open(t, "gitlab", s.URL, s.Token)
	p := proposal()
	p.Reviewers = []string{"@bob", "nobody", "ann"}
	made, err := f.Create(t.Context(), "lab", "app", p)
	if err != nil || !slices.Equal(at.Pulls[0].Reviewers, []string{"bob"}) {
		t.Fatalf("%v, %q", err, at.Pulls[0].Reviewers)
	}
	if len(made.Notes) != 2 || !strings.Contains(made.Notes[0], "knows no such user") || made.Notes[1] != "ann was not asked for a review: this GitLab takes no more reviewers" {
		t.Errorf("%q", made.Notes)
	}
}

// A pull request that can't get its labels is there, with a note.
func TestLabelsForbidden(t *testing.T) {
	s := forgetest.GitHub(t)
	app(s)
	s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/labels") {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"message":"Resource not accessible by personal access token","documentation_url":"https://docs.github.com/rest","status":"403"}`)
			return true
		}
		return false
	}
	f, _ := open(t, "github", s.URL, s.Token)
	p := proposal()
	p.Labels = []string{"a", "b"}
	made, err := f.Create(t.Context(), "lab", "app", p)
	if err != nil || !slices.Equal(made.Notes, []string{"the labels a, b were not added: Resource not accessible by personal access token"}) {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestLongBody(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		at := app(s)
		f, _ := open(t, kind, s.URL, s.Token)
		p := proposal()
		p.Title = strings.Repeat("long ", 100)
		p.Body = strings.Repeat("A paragraph.\n\n", 100000) + "drydock: made this\n"
		made, err := f.Create(t.Context(), "lab", "app", p)
		if err != nil || !strings.Contains(made.Body, cutNote) || !strings.HasSuffix(strings.TrimSpace(made.Body), "drydock: made this") {
			t.Fatalf("%v, %d bytes", err, len(at.Pulls[0].Body))
		}
		// What was left out doesn't make it another one.
		if got, err := f.Update(t.Context(), "lab", "app", 1, p); err != nil || got.Changed {
			t.Errorf("%v, changed %v", err, got.Changed)
		}
	})
}

func TestCreateRefused(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		app(s)
		f, _ := open(t, kind, s.URL, s.Token)
		p := proposal()
		p.Head = "none"
		want := map[string]string{"github": "Validation Failed: PullRequest head invalid", "gitlab": "source_branch does not exist"}[kind]
		if _, err := f.Create(t.Context(), "lab", "app", p); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
		anonymous, _ := open(t, kind, s.URL, "")
		s.Requests()
		_, err := anonymous.Create(t.Context(), "lab", "app", proposal())
		if err == nil || !strings.Contains(err.Error(), variables[kind]) || len(s.Requests()) > 0 {
			t.Errorf("%v", err)
		}
	})
}
