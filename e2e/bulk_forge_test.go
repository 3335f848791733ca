//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"drydock/bulk/forge"
)

// forgeServer is a real Gitea on loopback.
type forgeServer struct {
	url, token string

	program, config string // of one of this test's own
	cmd             *exec.Cmd
}

// labForge is the Gitea of the lab (lab/forge).
func labForge(t *testing.T) *forgeServer {
	t.Helper()
	s := &forgeServer{url: strings.TrimRight(os.Getenv("FORGE_URL"), "/"), token: os.Getenv("FORGE_TOKEN")}
	if s.url == "" {
		t.Skip("no forge: FORGE_URL isn't set")
	}
	return s
}

// ownForge runs the lab's Gitea with data and a port of its own, so that it can be stopped.
func ownForge(t *testing.T) *forgeServer {
	t.Helper()
	lab := filepath.Join(os.Getenv("LAB"), "forge")
	program := filepath.Join(lab, "gitea")
	text, err := os.ReadFile(filepath.Join(lab, "app.ini"))
	if os.Getenv("LAB") == "" || err != nil {
		t.Skipf("no Gitea in %s", lab)
	}
	dir := t.TempDir()
	addr := freeAddress(t)
	port := addr[strings.LastIndexByte(addr, ':')+1:]
	ini := strings.NewReplacer(filepath.Join(lab, "data"), dir, "3300", port, "[server]", "[server]\nGRACEFUL_HAMMER_TIME = 1s").Replace(string(text))
	s := &forgeServer{url: "http://" + addr, program: program, config: filepath.Join(dir, "app.ini")}
	t.Cleanup(s.stop)
	write(t, s.config, ini)
	s.admin(t, "migrate")
	s.admin(t, "admin", "user", "create", "--admin", "--username", "lab", "--random-password", "--email", "lab@example.test", "--must-change-password=false")
	s.token = s.newToken(t, "lab", "all")
	s.start(t)
	return s
}

// command isn't ended with the test's context: clean-ups ask the server still.
func (s *forgeServer) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, append([]string{"-c", s.config}, args...)...)
	cmd.Env = append(os.Environ(), "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true")
	return cmd
}

func (s *forgeServer) admin(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("gitea %q: %v\n%s", args, err, out)
	}
	return string(out)
}

var fortyHex = regexp.MustCompile(`(?m)^[0-9a-f]{40}$`)

// newToken makes a token of a user with some scopes.
func (s *forgeServer) newToken(t *testing.T, user, scopes string) string {
	t.Helper()
	out := s.admin(t, "admin", "user", "generate-access-token", "--username", user, "--token-name", fmt.Sprint(scopes, time.Now().UnixNano()), "--scopes", scopes, "--raw")
	token := fortyHex.FindString(out)
	if token == "" {
		t.Fatalf("no token in %q", out)
	}
	return token
}

func (s *forgeServer) start(t *testing.T) {
	t.Helper()
	s.cmd = s.command("web")
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if res, err := http.Get(s.url + "/api/v1/version"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("Gitea doesn't start")
		}
	}
}

func (s *forgeServer) stop() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	s.cmd = nil
}

// api asks the forge; in and out are JSON, and may be nil.
func (s *forgeServer) api(t *testing.T, method, path string, in, out any) {
	t.Helper()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+"/api/v1"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, path, res.Status, text, err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

type object = map[string]any

// merge merges a pull request. Gitea looks whether it can be in its own time: the answer is 404 or 405 until then.
func (s *forgeServer) merge(t *testing.T, owner, name string, number int) {
	t.Helper()
	var said string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/api/v1/repos/%s/%s/pulls/%d/merge", s.url, owner, name, number), strings.NewReader(`{"Do": "merge"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "token "+s.token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
		said = res.Status + " " + string(text)
	}
	t.Fatalf("%s/%s#%d isn't merged: %s", owner, name, number, said)
}

// settled waits until the forge has seen that a branch was deleted. It closes the pull requests of that branch then, which
// may be long after it said that the branch is gone, and closed one that was made in the meantime.
func (s *forgeServer) settled(t *testing.T, owner, name, branch string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var feed []struct {
			Did string `json:"op_type"`
			Ref string `json:"ref_name"`
		}
		s.api(t, http.MethodGet, fmt.Sprintf("/repos/%s/%s/activities/feeds?limit=50", owner, name), nil, &feed)
		for _, f := range feed {
			if f.Did == "delete_branch" && strings.TrimPrefix(f.Ref, "refs/heads/") == branch {
				return
			}
		}
	}
	t.Fatalf("%s/%s: the forge has not seen that %s was deleted", owner, name, branch)
}

// organisation makes one of this run's own.
func (s *forgeServer) organisation(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("e2e-%x", time.Now().UnixNano())
	s.api(t, http.MethodPost, "/orgs", object{"username": name, "visibility": "public"}, nil)
	t.Cleanup(func() {
		var list []struct{ Name string }
		for s.api(t, http.MethodGet, "/orgs/"+name+"/repos?limit=50", nil, &list); len(list) > 0; s.api(t, http.MethodGet, "/orgs/"+name+"/repos?limit=50", nil, &list) {
			for _, r := range list {
				s.api(t, http.MethodDelete, "/repos/"+name+"/"+r.Name, nil, nil)
			}
		}
		s.api(t, http.MethodDelete, "/orgs/"+name, nil, nil)
	})
	return name
}

// repositories makes n of them in an organisation, called app-00 and so on, and pushes
// the files that files gives for each, by path, as one commit of branch main. It gives their names.
func (s *forgeServer) repositories(t *testing.T, org string, n int, files func(i int) map[string]string) []string {
	t.Helper()
	var names []string
	for i := range n {
		name := fmt.Sprintf("app-%02d", i)
		s.api(t, http.MethodPost, "/orgs/"+org+"/repos", object{"name": name, "default_branch": "main"}, nil)
		s.push(t, org, name, "main", files(i))
		for try := 0; ; try++ { // Gitea takes note of a push in its own time; until then the repository is empty
			var now struct{ Empty bool }
			if s.api(t, http.MethodGet, "/repos/"+org+"/"+name, nil, &now); !now.Empty {
				break
			}
			if try == 300 {
				t.Fatalf("Gitea doesn't take note of the push to %s", name)
			}
			time.Sleep(100 * time.Millisecond)
		}
		names = append(names, name)
	}
	return names
}

// push makes one commit on top of main, or the first one, and pushes it as a branch.
func (s *forgeServer) push(t *testing.T, owner, name, branch string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	address := s.url + "/" + owner + "/" + name + ".git"
	s.git(t, dir, "init", "-q", "-b", "work")
	if branch != "main" {
		s.git(t, dir, "fetch", "-q", "--depth=1", address, "main")
		s.git(t, dir, "checkout", "-q", "-B", "work", "FETCH_HEAD")
	}
	for path, text := range files {
		write(t, filepath.Join(dir, path), text)
	}
	s.git(t, dir, "add", "-A")
	s.git(t, dir, "commit", "-q", "-m", "change")
	s.git(t, dir, "push", "-q", "--force", address, "work:refs/heads/"+branch)
}

// git runs git with the token in its environment.
func (s *forgeServer) git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=tester", "GIT_AUTHOR_EMAIL=tester@example.test", "GIT_COMMITTER_NAME=tester", "GIT_COMMITTER_EMAIL=tester@example.test",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("lab:"+s.token)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// open gives drydock's view of the forge, with another token where one is given.
func (s *forgeServer) open(t *testing.T, token string) forge.Forge {
	t.Helper()
	env := map[string]string{"GITEA_TOKEN": token, "HOME": t.TempDir()}
	f, err := forge.New("gitea", forge.Options{URL: s.url, Getenv: func(name string) string { return env[name] },
		Waiting: func(d time.Duration, why string) { t.Logf("waits %s: %s", d, why) }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func plainDockerfile(i int) map[string]string {
	return map[string]string{"Dockerfile": fmt.Sprintf("FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\nCMD [\"curl\", \"%d\"]\n", i)}
}

func listed(t *testing.T, f forge.Forge, owner string, filter forge.Filter) map[string]forge.Repository {
	t.Helper()
	out := map[string]forge.Repository{}
	for r, err := range f.List(t.Context(), owner, filter) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[r.Name]; twice || r.Owner != owner {
			t.Errorf("%+v", r)
		}
		out[r.Name] = r
	}
	return out
}

func TestForgeList(t *testing.T) {
	s := labForge(t)
	org := s.organisation(t)
	s.repositories(t, org, 3, plainDockerfile)
	for i := range 55 { // more than a page
		s.api(t, http.MethodPost, "/orgs/"+org+"/repos", object{"name": fmt.Sprintf("empty-%02d", i)}, nil)
	}
	s.api(t, http.MethodPut, "/repos/"+org+"/app-01/topics", object{"topics": []string{"docker", "api"}}, nil)
	s.api(t, http.MethodPatch, "/repos/"+org+"/app-02", object{"archived": true}, nil)
	s.api(t, http.MethodPatch, "/repos/"+org+"/empty-07", object{"private": true}, nil)
	f := s.open(t, s.token)
	list := listed(t, f, org, forge.Filter{Archived: true})
	if len(list) != 58 {
		t.Fatalf("%d repositories", len(list))
	}
	want := forge.Repository{Owner: org, Name: "app-01", CloneURL: s.url + "/" + org + "/app-01.git", Branch: "main", Topics: []string{"docker", "api"}}
	got := list["app-01"]
	slices.Sort(got.Topics)
	slices.Sort(want.Topics)
	got.Language = "" // Gitea counts them when it has time
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v", got)
	}
	if e := list["empty-00"]; !e.Empty || e.Branch != "" || !list["app-02"].Archived || list["app-00"].Empty {
		t.Errorf("%+v", e)
	}
	if n := len(listed(t, f, org, forge.Filter{})); n != 57 {
		t.Errorf("%d without the archived one", n)
	}
	if l := listed(t, f, org, forge.Filter{Topics: []string{"docker"}}); len(l) != 1 || l["app-01"].Name == "" {
		t.Errorf("%+v", l)
	}
	if n := len(listed(t, s.open(t, ""), org, forge.Filter{Archived: true})); n != 57 {
		t.Errorf("%d without a token", n)
	}
	// What is cloned from is where we found it.
	a := f.Auth()
	if a.Token != s.token || a.User == "" {
		t.Errorf("%q", a.User)
	}
	s.git(t, t.TempDir(), "ls-remote", "-q", list["app-00"].CloneURL)
	// A user's are found by the same name.
	var me struct{ Login string }
	s.api(t, http.MethodGet, "/user", nil, &me)
	mine := "mine-" + org
	s.api(t, http.MethodPost, "/user/repos", object{"name": mine, "private": true}, nil)
	defer s.api(t, http.MethodDelete, "/repos/"+me.Login+"/"+mine, nil, nil)
	if _, ok := listed(t, f, me.Login, forge.Filter{})[mine]; !ok {
		t.Error("the user's own repository isn't found")
	}
	if r, err := f.Get(t.Context(), org, "app-00"); err != nil || r.Branch != "main" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, err := range f.List(t.Context(), org+"-none", forge.Filter{}) {
		if !errors.Is(err, forge.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
}

func TestForgePullRequest(t *testing.T) {
	s := labForge(t)
	org := s.organisation(t)
	s.repositories(t, org, 1, plainDockerfile)
	f := s.open(t, s.token)
	p := forge.Proposal{Title: "Smaller image", Body: "Why:\n\n- *because* <b>it</b> & so\n", Head: "drydock/fix", Base: "main",
		Labels: []string{"docker", "size & speed"}, Reviewers: []string{"nobody-" + org, os.Getenv("FORGE_USER")}}
	find := func() *forge.Pull {
		t.Helper()
		got, err := f.Find(t.Context(), org, "app-00", p.Head)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if find() != nil {
		t.Fatal("there is one before it is made")
	}
	if _, err := f.Create(t.Context(), org, "app-00", p); err == nil {
		t.Fatal("made without a branch")
	} else {
		t.Log(err)
	}
	s.push(t, org, "app-00", p.Head, map[string]string{"Dockerfile": "FROM debian:12-slim\n"})
	made, err := f.Create(t.Context(), org, "app-00", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("notes %q", made.Notes)
	if made.State != forge.Open || made.Title != p.Title || made.Head != p.Head || made.Base != "main" || made.Draft || len(made.Notes) != 2 || made.Created.IsZero() || !strings.HasPrefix(made.URL, s.url) {
		t.Errorf("%+v", made)
	}
	labels := func() []string {
		var now struct{ Labels []struct{ Name string } }
		s.api(t, http.MethodGet, fmt.Sprintf("/repos/%s/app-00/pulls/%d", org, made.Number), nil, &now)
		var out []string
		for _, l := range now.Labels {
			out = append(out, l.Name)
		}
		slices.Sort(out)
		return out
	}
	if got := labels(); !slices.Equal(got, []string{"docker", "size & speed"}) {
		t.Errorf("labels %q", got)
	}
	again, err := f.Create(t.Context(), org, "app-00", p)
	if err != nil || again.Number != made.Number || again.Changed {
		t.Errorf("%+v, %v", again, err)
	}
	if got := find(); got == nil || got.Number != made.Number || got.Body != p.Body {
		t.Errorf("%+v", got)
	}
	p.Reviewers = nil
	if got, err := f.Update(t.Context(), org, "app-00", made.Number, p); err != nil || got.Changed {
		t.Errorf("%+v, %v", got, err)
	}
	p.Title, p.Labels = "Smaller still", append(p.Labels, "third")
	got, err := f.Update(t.Context(), org, "app-00", made.Number, p)
	if err != nil || !got.Changed || find().Title != "Smaller still" || !slices.Equal(labels(), []string{"docker", "size & speed", "third"}) {
		t.Errorf("%+v, %v, %q", got, err, labels())
	}
	for range 2 {
		if err := f.Close(t.Context(), org, "app-00", *got, "Nothing is left to change."); err != nil {
			t.Fatal(err)
		}
	}
	var comments []struct{ Body string }
	s.api(t, http.MethodGet, fmt.Sprintf("/repos/%s/app-00/issues/%d/comments", org, made.Number), nil, &comments)
	if closed := find(); closed == nil || closed.State != forge.Closed || closed.Head != p.Head || len(comments) != 1 {
		t.Errorf("%+v, comments %q", closed, comments)
	}
	if out := s.git(t, t.TempDir(), "ls-remote", s.url+"/"+org+"/app-00.git", "refs/heads/"+p.Head); out != "" {
		t.Errorf("the branch is there: %s", out)
	}

	// The next one, as a draft, for the same branch.
	s.settled(t, org, "app-00", p.Head)
	s.push(t, org, "app-00", p.Head, map[string]string{"Dockerfile": "FROM debian:13-slim\n"})
	p.Draft = true
	draft, err := f.Create(t.Context(), org, "app-00", p)
	if err != nil || !draft.Draft || draft.Number == made.Number || draft.Title != p.Title {
		t.Fatalf("%+v, %v", draft, err)
	}
	p.Title = "Smallest"
	if got, err := f.Update(t.Context(), org, "app-00", draft.Number, p); err != nil || !got.Draft || find().Title != "Smallest" || !find().Draft {
		t.Errorf("%+v, %v", got, err)
	}
	s.api(t, http.MethodPatch, fmt.Sprintf("/repos/%s/app-00/pulls/%d", org, draft.Number), object{"title": "Smallest"}, nil)
	if got, err := f.Update(t.Context(), org, "app-00", draft.Number, p); err != nil || got.Draft || got.Changed {
		t.Errorf("a ready one is a draft again: %+v, %v", got, err)
	}
	s.merge(t, org, "app-00", draft.Number)
	if got := find(); got == nil || got.State != forge.Merged || got.Number != draft.Number {
		t.Errorf("%+v", got)
	}
}

// A token that is refused, and one that lacks a scope, are told by their variable; the
// token itself is told nowhere.
func TestForgeRefused(t *testing.T) {
	s := ownForge(t)
	org := s.organisation(t)
	s.repositories(t, org, 1, plainDockerfile)
	s.push(t, org, "app-00", "fix", map[string]string{"Dockerfile": "FROM debian:12-slim\n"})
	p := forge.Proposal{Title: "t", Body: "b", Head: "fix", Base: "main"}
	reads := s.newToken(t, "lab", "read:repository,read:organization,read:user")
	wrong := strings.Repeat("0123456789", 4)
	for token, want := range map[string]string{wrong: "renew the one in GITEA_TOKEN", reads: "write:repository", "": "set GITEA_TOKEN"} {
		f := s.open(t, token)
		_, err := f.Create(t.Context(), org, "app-00", p)
		if !errors.Is(err, forge.ErrUnauthorized) || !strings.Contains(err.Error(), want) || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%v", err)
		}
		t.Log(err)
		_, err = f.Get(t.Context(), org, "app-00")
		if (err != nil) != (token == wrong) {
			t.Errorf("reading: %v", err)
		}
	}
}

// The forge goes away half-way and comes back: every repository gets its pull request, once.
func TestForgeRestart(t *testing.T) {
	s := ownForge(t)
	org := s.organisation(t)
	names := s.repositories(t, org, 6, plainDockerfile)
	for _, name := range names {
		s.push(t, org, name, "fix", map[string]string{"Dockerfile": "FROM debian:12-slim\n"})
	}
	f := s.open(t, s.token)
	p := forge.Proposal{Title: "t", Body: "b", Head: "fix", Base: "main", Labels: []string{"docker"}}
	done, stopped := make(chan error, len(names)), make(chan struct{})
	go func() {
		for i, name := range names {
			if i == 3 {
				<-stopped
			}
			_, err := f.Create(t.Context(), org, name, p)
			done <- err
		}
	}()
	for i := range names {
		if i == 3 {
			s.stop()
			close(stopped)
			time.Sleep(time.Second)
			s.start(t)
		}
		if err := <-done; err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, name := range names {
		var pulls []struct{ Labels []struct{ Name string } }
		s.api(t, http.MethodGet, "/repos/"+org+"/"+name+"/pulls?state=all", nil, &pulls)
		if len(pulls) != 1 || len(pulls[0].Labels) != 1 {
			t.Errorf("%s has %+v", name, pulls)
		}
	}
}
