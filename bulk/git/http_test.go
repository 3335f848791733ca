package git

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drydock/said"
)

const token = "t0ken-that-nobody-may-see"

// server is a git server over HTTP that wants a token, by git's own http-backend.
type server struct {
	*httptest.Server
	root string
	mu   sync.Mutex
	seen []string // Authorization headers
}

func (s *server) headers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func serve(t *testing.T, elsewhere string) *server {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{root: t.TempDir()}
	backend := &cgi.Handler{Path: path, Args: []string{"http-backend"}, Dir: s.root, Env: []string{
		"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ann", "HOME=" + os.Getenv("HOME"), "GIT_CONFIG_NOSYSTEM=1",
	}, InheritEnv: []string{"PATH"}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Header.Get("Authorization"))
		s.mu.Unlock()
		user, password, _ := r.BasicAuth()
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved"):
			http.Redirect(w, r, elsewhere+r.URL.RequestURI(), http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/page"):
			_, _ = w.Write([]byte("<html>\n<p>Sign in</p>\n</html>\n"))
		case strings.HasPrefix(r.URL.Path, "/forbidden"):
			http.Error(w, "no", http.StatusForbidden)
		case strings.HasPrefix(r.URL.Path, "/down"):
			http.Error(w, "no", http.StatusBadGateway)
		case password != token || user == "":
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		default:
			if v := r.Header.Get("Git-Protocol"); v != "" {
				r.Header.Set("Git-Protocol", v)
			}
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// spied puts a git first on PATH that writes down what it was called with.
func spied(t *testing.T) (log string) {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$*\" >> '%s'\nexec '%s' \"$@\"\n", log, path)
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

// A token opens its own server, and stands nowhere but in the requests to that.
func TestTokens(t *testing.T) {
	other := serve(t, "")
	s := serve(t, other.URL)
	up := made(t, map[string]string{"Dockerfile": "FROM a\n"})
	sh(t, "", "clone", "-q", "--bare", up, filepath.Join(s.root, "app.git"))
	log := spied(t)
	o := CloneOptions{Auth: Auth{Token: token}}
	cache := filepath.Join(t.TempDir(), "c")
	r, err := Clone(t.Context(), s.URL+"/app.git", cache, o)
	if err != nil {
		t.Fatal(err)
	}
	h := head(t, r)
	dir := t.TempDir()
	if err := r.Checkout(t.Context(), h.Commit, dir); err != nil {
		t.Fatal(err)
	}
	id := mk(t, r, commitOf(h.Commit, "Dockerfile", "FROM b\n"))
	if err := r.Push(t.Context(), "", "drydock", id, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := r.RemoteBranch(t.Context(), "", "drydock"); got != id || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if yes, err := r.Ours(t.Context(), "", h.Commit, id, "Drydock"); !yes || err != nil {
		t.Errorf("ours: %v, %v", yes, err)
	}
	// A login in the address is used as well, and isn't kept.
	with := strings.Replace(s.URL, "http://", "http://ann:"+token+"@", 1) + "/app.git"
	if _, err := Clone(t.Context(), with, filepath.Join(t.TempDir(), "d"), CloneOptions{}); err != nil {
		t.Error(err)
	}
	for path, why := range map[string]string{
		"/moved/app.git": "use the new address", "/forbidden/app.git": "may not do that", "/page/app.git": "isn't a git server",
		"/down/app.git": "run again later", "/none.git": "no such repository",
	} {
		_, err := Clone(t.Context(), s.URL+path, filepath.Join(t.TempDir(), "e"), o)
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", path, err, why)
		}
	}
	for _, wrong := range []Auth{{Token: "wrong-" + token}, {}, {User: "ann"}} {
		_, err := Clone(t.Context(), s.URL+"/app.git", filepath.Join(t.TempDir(), "f"), CloneOptions{Auth: wrong})
		if err == nil || !strings.Contains(err.Error(), "wants a login") || strings.Contains(err.Error(), token) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	if _, err := Clone(t.Context(), closed.URL+"/x.git", filepath.Join(t.TempDir(), "g"), o); err == nil || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("closed: %v", err)
	}
	if seen := other.headers(); len(seen) > 0 {
		t.Errorf("another server was asked, with %q", seen)
	}
	// A push of this repository to another server doesn't carry the token there.
	if err := r.Push(t.Context(), other.URL+"/app.git", "x", id, ""); err == nil {
		t.Error("pushed")
	}
	if seen := strings.Join(other.headers(), ""); seen != "" {
		t.Errorf("another server got %q", seen)
	}
	said, err := os.ReadFile(log)
	if err != nil || len(said) == 0 {
		t.Fatal("git wasn't seen", err)
	}
	kept, err := os.ReadFile(filepath.Join(cache, "config"))
	if err != nil {
		t.Fatal(err)
	}
	mark, err := os.ReadFile(filepath.Join(cache, mark))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(said), string(kept), string(mark)} {
		if strings.Contains(text, token) {
			t.Errorf("the token stands in %s", text)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"https://h/x.git": "https://h/x.git", "HTTPS://u:p@H.example:1/x": "https://H.example:1/x", "git@h:x/y.git": "git@h:x/y.git", "ssh://git@h/x": "ssh://git@h/x",
		"/a/b": "/a/b", "file:///a/b": "file:///a/b", "git://h/x": "git://h/x",
	} {
		if got, _, err := Address(text); got != want || err != nil {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-x", "ext::sh -c x", "fd::7", "::x", "ftp://h/x", "javascript://x", "https://", "https:///x", "ssh://h/a\nb", "hh:x\x1b[0m", "http://[::1"} {
		if got, _, err := Address(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		} else if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q", err)
		}
	}
}

func TestRedactAndPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"clone https://u:p@ss@h/x?a=1 done": "clone https://h/x?a=1 done", "https://tok@h/x": "https://h/x", "ssh://git@h/x": "ssh://git@h/x", "ssh://git:pw@h/x": "ssh://git@h/x",
		"Authorization: Basic YWJj": "Authorization: ***", "Private-Token: abc": "Private-Token: ***", "x?private_token=abc&y": "x?private_token=***&y", "a@b": "a@b",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"plain ü": "plain ü", "a\nb\x1b[1m": `a\nb\x1b[1m`, "x\u202ey": `x\u202ey`, "bad\xff": "bad\ufffd"} {
		if got := said.Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What git and the servers say comes out as one line that says what to do.
func TestExplain(t *testing.T) {
	for said, want := range map[string]string{
		"remote: error: GH006: Protected branch update failed for refs/heads/x.\nTo https://h\n ! [remote rejected] x -> x (protected branch hook declined)\nerror: failed to push": "the branch is protected",
		"remote: Permission to a/b.git denied to bob.\nfatal: unable to access 'https://h/': The requested URL returned error: 403":                                                 "check its permissions",
		"remote: Repository not found.\nfatal: repository 'https://tok@h/x/' not found":                                                                                             "no such repository",
		"fatal: could not read Username for 'https://h': terminal prompts disabled":                                                                                                 "check the token",
		"git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.":                                                                                      "ssh-add",
		"Host key verification failed.\nfatal: Could not read from remote repository.":                                                                                              "host's key",
		"fatal: unable to access 'https://h/': Could not resolve host: h":                                                                                                           "can't be resolved",
		"fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate":                                                                                    "certificate",
		" ! [rejected] x -> x (stale info)":             "run again",
		"! [remote rejected] x -> x (non-fast-forward)": "not a fast-forward",
		"remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://h/': The requested URL returned error: 403": "archived",
		"fatal: detected dubious ownership in repository at '/srv/x'\nTo add an exception for this directory, call:\n":                          "git config --global --add safe.directory",
		"refusing to allow a Personal Access Token to create or update workflow `.github/workflows/x.yml` without `workflow` scope":             "workflow scope",
		"fatal: write error: No space left on device":                                     "no space left",
		"error: gpg failed to sign the data\nfatal: failed to write commit object":        "can't be signed",
		"fatal: some new words of git with https://u:" + token + "@h/x in them\nand more": "some new words of git with https://h/x in them",
	} {
		err := &failure{at: "/srv/x", verb: "push", said: said, err: errors.New("exit status 128")}
		if got := err.Error(); !strings.Contains(got, want) || strings.ContainsAny(got, "\n\r") || strings.Contains(got, token) || strings.Contains(got, "tok@") {
			t.Errorf("%s\nis told as %s", said, got)
		}
	}
}

func TestCheckBranch(t *testing.T) {
	for _, name := range []string{
		"drydock", "drydock/fix-1", "a.b", "ü", "a@b", "@a", "a/b/c", "x{y}", "", "HEAD", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", `a\b`, "a.", ".a", "a/.b", "a.lock", "a.lock/b", "a//b",
		"/a", "a/", "a@{b", "a\x7fb", "a\nb", "a\x1b", "a;b", "$(x)",
	} {
		err := exec.CommandContext(t.Context(), "git", "check-ref-format", "--branch", name).Run()
		if got := CheckBranch(name); (got == nil) != (err == nil) {
			t.Errorf("%q: %v, git says %v", name, got, err)
		}
	}
}
