package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

// writeLogin writes docker's config.json with one login.
func writeLogin(t *testing.T, dir, host, user, password string) {
	t.Helper()
	write(t, filepath.Join(dir, "config.json"), map[string]any{"auths": map[string]any{
		host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))},
	}})
}

func write(t *testing.T, name string, v any) {
	t.Helper()
	body, err := json.Marshal(v)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err == nil {
		err = os.WriteFile(name, body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// works asks everything that there is to ask.
func works(t *testing.T, reg *registrytest.Registry, s *registry.Registry) {
	t.Helper()
	d, err := s.Describe(ref(t, "python:3.12"), "linux/amd64")
	if err != nil || d.Digest != reg.Digest("library/python", "3.12") {
		t.Errorf("%+v, %v", d, err)
	}
	if tags, err := s.Tags(ref(t, "python")); err != nil || len(tags) != 5 {
		t.Errorf("%q, %v", tags, err)
	}
}

func TestBasic(t *testing.T) {
	dir := registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Basic("me", "secret-word"))
	_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "it answers 401: docker login "+reg.Addr+", or check the name")
	writeLogin(t, dir, reg.Addr, "me", "another-word")
	_, err = store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "the login for it is refused")
	if strings.Contains(err.Error(), "word") {
		t.Errorf("the message tells the password: %v", err)
	}
	writeLogin(t, dir, reg.Addr, "me", "secret-word")
	reg.Reset()
	works(t, reg, store(t, reg, registry.Options{}))
	if n := len(reg.Requests()); n != 6 { // the first one is asked twice: without the login, and with it
		t.Errorf("%d requests: %q", n, reg.Requests())
	}
}

func TestBearer(t *testing.T) {
	dir := registrytest.NoLogins(t)
	open := &registrytest.Tokens{}
	reg := registrytest.Start(t, python(), registrytest.Bearer(open))
	works(t, reg, store(t, reg, registry.Options{}))
	if open.Issued() != 1 {
		t.Errorf("%d tokens for one repository", open.Issued())
	}

	private := &registrytest.Tokens{User: "me", Password: "secret-word"}
	reg = registrytest.Start(t, python(), registrytest.Bearer(private))
	_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "asked for a login, it answers 401")
	writeLogin(t, dir, reg.Addr, "me", "another-word")
	_, err = store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "the login for it is refused")
	writeLogin(t, dir, reg.Addr, "me", "secret-word")
	works(t, reg, store(t, reg, registry.Options{}))

	// Docker Hub's way: everybody gets a token, which opens nothing.
	write(t, filepath.Join(dir, "config.json"), map[string]any{})
	hub := &registrytest.Tokens{User: "me", Password: "secret-word", Private: true}
	reg = registrytest.Start(t, python(), registrytest.Bearer(hub))
	_, err = store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "what is private and what is missing look alike")
	if n := len(reg.Requests()); n > 4 {
		t.Errorf("%d requests: %q", n, reg.Requests())
	}
}

// A token that expires is got anew, by many goroutines at once too.
func TestExpiredToken(t *testing.T) {
	registrytest.NoLogins(t)
	k := &registrytest.Tokens{Once: true}
	reg := registrytest.Start(t, python(), registrytest.Bearer(k))
	works(t, reg, store(t, reg, registry.Options{PerHost: 1}))
	if k.Issued() != 5 {
		t.Errorf("%d tokens", k.Issued())
	}

	slow := &registrytest.Tokens{}
	reg = registrytest.Start(t, python(), registrytest.Bearer(slow))
	s := store(t, reg, registry.Options{Fresh: -1})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.Resolve(ref(t, fmt.Sprintf("python:%d", i))); err == nil {
				t.Error("there is such a tag")
			}
		})
	}
	wg.Wait()
	if slow.Issued() != 1 {
		t.Errorf("%d tokens for one repository", slow.Issued())
	}
}

// An identity token is sent to the token service by POST (OAuth 2).
func TestIdentityToken(t *testing.T) {
	dir := registrytest.NoLogins(t)
	var form string
	reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			r.ParseForm()
			form = r.Method + " " + r.PostForm.Get("grant_type") + " " + r.PostForm.Get("refresh_token") + " " + r.PostForm.Get("scope")
			fmt.Fprint(w, `{"access_token":"good","refresh_token":"next"}`)
			return true
		}
		if r.Header.Get("Authorization") == "Bearer good" {
			return false
		}
		w.Header().Set("Www-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
		w.WriteHeader(401)
		return true
	}))
	write(t, filepath.Join(dir, "config.json"), map[string]any{"auths": map[string]any{reg.Addr: map[string]string{"identitytoken": "mine"}}})
	works(t, reg, store(t, reg, registry.Options{}))
	if want := "POST refresh_token mine repository:library/python:pull"; form != want {
		t.Errorf("sent %q, want %q", form, want)
	}
}

// What a challenge may not do with the login.
func TestHostileChallenges(t *testing.T) {
	dir := registrytest.NoLogins(t)
	other := registrytest.Start(t, nil)
	for realm, says := range map[string]string{
		"http://token.example/token":               "it wants the login sent to http://token.example/token, unencrypted",
		"http://" + other.Addr + "/token":          "unencrypted",
		"https://169.254.169.254/latest/meta-data": "its token service can't be used",
		"ftp://token.example":                      "unencrypted",
		"":                                         "",
		"https://user:pa\x7fss@[::1]:99999/token\"x": "",
	} {
		reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Www-Authenticate", `Bearer realm="`+realm+`",service="s"`)
			w.WriteHeader(401)
			return true
		}))
		writeLogin(t, dir, reg.Addr, "me", "secret-word")
		_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
		wants(t, err, images.ErrInvalid, says)
	}
	if got := other.Requests(); len(got) > 0 {
		t.Errorf("the other host was asked %q", got)
	}
	for name, body := range map[string]string{"HTML": "<html>secret-word", "no token": `{"x":"secret-word"}`, "nothing": ""} {
		reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				fmt.Fprint(w, body)
				return true
			}
			w.Header().Set("Www-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
			w.WriteHeader(401)
			return true
		}))
		_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
		wants(t, err, images.ErrInvalid)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the message tells what was sent: %v", name, err)
		}
	}
}

// helper makes a credential helper of a script's text.
func helper(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestHelper(t *testing.T) {
	dir := registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Basic("me", "secret-word"))
	config := filepath.Join(dir, "config.json")
	calls := filepath.Join(dir, "calls")
	helper(t, "good", `read host; echo "$1 $host" >>`+calls+`; echo noise >&2; echo '{"Username":"me","Secret":"secret-word"}'`)
	for _, c := range []map[string]any{
		{"credsStore": "good"}, {"credHelpers": map[string]string{reg.Addr: "good"}, "credsStore": "absent"},
	} {
		write(t, config, c)
		works(t, reg, store(t, reg, registry.Options{}))
	}
	if got, _ := os.ReadFile(calls); string(got) != "get "+reg.Addr+"\nget "+reg.Addr+"\n" {
		t.Errorf("the helper was asked %q", got)
	}

	helper(t, "slow", "sleep 30")
	helper(t, "bad", "echo secret-word; exit 1")
	helper(t, "none", `echo "credentials not found in native keychain"; exit 1`)
	helper(t, "odd", "echo secret-word")
	helper(t, "long", "cat /dev/zero")
	for name, says := range map[string]string{
		"slow": "docker-credential-slow gave no answer within 200ms", "bad": "docker-credential-bad failed", "absent": "docker-credential-absent isn't there",
		"odd": "docker-credential-odd gave an answer that can't be read", "../x": "isn't a name", "long": "docker-credential-long failed", "none": "docker login",
	} {
		write(t, config, map[string]any{"credsStore": name})
		patience := 20 * time.Second // a loaded machine starts a helper late
		if name == "slow" {
			patience = 200 * time.Millisecond
		}
		s := store(t, reg, registry.Options{Helper: patience})
		start := time.Now()
		for range 3 {
			_, err := s.Resolve(ref(t, "python:3.12"))
			wants(t, err, images.ErrUnauthorized, says)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the message tells what the helper said: %v", err)
			}
		}
		if d := time.Since(start); d > 25*time.Second { // the slow one sleeps longer
			t.Errorf("%s took %v", name, d)
		}
		if notes := s.Notes(); (name == "none") != (len(notes) == 0) {
			t.Errorf("%s: notes %q", name, notes)
		}
	}

	// Public images are there for who has a broken helper.
	open := registrytest.Start(t, python(), registrytest.Bearer(&registrytest.Tokens{}))
	write(t, config, map[string]any{"credsStore": "bad"})
	s := store(t, open, registry.Options{})
	works(t, open, s)
	if notes := s.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "the credential helper docker-credential-bad failed; asked without a login") {
		t.Errorf("notes %q", notes)
	}
	// And who isn't asked for a login asks no helper.
	open = registrytest.Start(t, python())
	s = store(t, open, registry.Options{})
	works(t, open, s)
	if notes := s.Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
}

// Logins are found where docker and podman keep them.
func TestLoginFiles(t *testing.T) {
	dir := registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Basic("me", "secret-word"))
	good := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("me:secret-word"))}
	bad := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("me:no"))}
	auths := func(kv ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return map[string]any{"auths": m}
	}
	try := func(name string, opens bool) {
		t.Helper()
		_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
		if opens && err != nil || !opens && err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	config := filepath.Join(dir, "config.json")
	write(t, config, auths("https://"+reg.Addr+"/v1/", good))
	try("an old address", true)
	write(t, config, auths(reg.Addr+"/library/python", good, reg.Addr, bad))
	try("podman's name of a repository", true)
	write(t, config, auths(reg.Addr+"/library", good))
	try("podman's name of a folder", true)
	write(t, config, auths(reg.Addr+"/other", good, reg.Addr+"/library/pythonx", good))
	try("a login of other repositories", false)
	write(t, config, "not a config")
	_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnauthorized, "config.json can't be read")

	os.Remove(config)
	try("none", false)
	podman := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "containers", "auth.json")
	write(t, podman, auths(reg.Addr, good))
	try("podman's file", true)
	write(t, podman, auths(reg.Addr, bad))
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	write(t, filepath.Join(run, "containers", "auth.json"), auths(reg.Addr, good))
	try("podman's file of this session", true)
	write(t, filepath.Join(run, "containers", "auth.json"), auths(reg.Addr, bad))
	t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(run, "mine.json"))
	write(t, filepath.Join(run, "mine.json"), auths(reg.Addr, good))
	try("REGISTRY_AUTH_FILE", true)
	write(t, config, auths(reg.Addr, bad))
	try("docker's file is before podman's", false)
	write(t, config, auths("other.example", bad))
	try("podman's, where docker has none", true)
	write(t, config, auths(reg.Addr, bad))
	body, _ := json.Marshal(auths(reg.Addr, good))
	t.Setenv("DOCKER_AUTH_CONFIG", string(body))
	try("DOCKER_AUTH_CONFIG", true)
}

// needs answers 401 to who hasn't that Authorization.
func needs(authorization string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == authorization {
			return false
		}
		scheme, _, _ := strings.Cut(authorization, " ")
		w.Header().Set("Www-Authenticate", scheme+` realm="http://`+r.Host+`/token"`)
		w.WriteHeader(401)
		return true
	}
}
