package ship

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"drydock/images/registry/registrytest"
)

// answer fails requests that write, from the nth on, with a status and an error
// of the distribution specification.
func answer(method, path string, status int, code, message string) registrytest.Option {
	return registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, path) {
			return false
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
		return true
	})
}

// What registries say to a push, and what a user does about it.
func TestRefused(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1", files))
	for _, c := range []struct {
		name   string
		option registrytest.Option
		want   []string
	}{
		{"denied", answer("POST", "/blobs/", 403, "DENIED", "no write access"), []string{"can't be pushed", "answers 403 (DENIED no write access)", "docker login 127.0.0.1:"}},
		{"login wanted", registrytest.Basic("tester", "secret"), []string{"answers 401", "there is no login for it: docker login 127.0.0.1:"}},
		{"no repository", answer("POST", "/blobs/", 404, "NAME_UNKNOWN", "The repository does not exist"), []string{"there is no repository app", "create it"}},
		{"immutable", answer("PUT", "/manifests/", 400, "TAG_INVALID", "The image tag '1' already exists"), []string{"the tag is there and may not be moved"}},
		{"too large", answer("POST", "/blobs/", 413, "SIZE_INVALID", ""), []string{"a layer is larger"}},
		{"rate", answer("POST", "/blobs/", 429, "TOOMANYREQUESTS", "slow down"), []string{"answers 429", "try again later"}},
		{"broken", answer("POST", "/blobs/", 500, "UNKNOWN", "disk"), []string{"answers 500", "the registry fails"}},
		{"no manifests taken", answer("PUT", "/manifests/", 405, "UNSUPPORTED", "read only"), []string{"answers 405", "a registry that takes images"}},
	} {
		reg := registrytest.Start(t, nil, c.option)
		r := request(t, dir, d[0], reg, "app:1")
		r.NoScan = true
		list, err := Run(t.Context(), r)
		if err == nil || list.Passed || len(list.Pushed) > 0 || item(t, list, "pushed") != "no false no tag" {
			t.Errorf("%s: %v %+v", c.name, err, list)
			continue
		}
		for _, want := range append(c.want, reg.Addr+"/app:1 ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", c.name, want, err)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q has more than a line", c.name, err)
		}
	}
	reg := registrytest.Start(t, nil)
	reg.Stop()
	r := request(t, dir, d[0], reg, "app:1")
	r.NoScan = true
	if _, err := Run(t.Context(), r); err == nil || !strings.Contains(err.Error(), "nothing listens at "+reg.Addr) {
		t.Error(err)
	}
}

// The logins that docker keeps are used; wrong ones are told.
func TestLogin(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1", files))
	reg := registrytest.Start(t, nil, registrytest.Basic("tester", "secret"))
	for password, says := range map[string]string{"secret": "", "old": "the login for it is wrong, has expired or may not write to app: docker login " + reg.Addr} {
		r := request(t, dir, d[0], reg, "app:"+password)
		config := t.TempDir()
		write(t, filepath.Join(config, "config.json"), fmt.Sprintf(`{"auths":{%q:{"username":"tester","password":%q}}}`, reg.Addr, password))
		t.Setenv("DOCKER_CONFIG", config)
		r.NoScan = true
		list, err := Run(t.Context(), r)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) || list.Passed != (says == "") {
			t.Errorf("%s: %v %+v", password, err, list)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is told: %v", err)
		}
	}
	if got := reg.Digest("app", "secret"); got != d[0] {
		t.Errorf("the registry has %s", got)
	}
}

// Of several tags those that are done are told.
func TestSomeTags(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1", files))
	reg := registrytest.Start(t, nil, answer("PUT", "/manifests/2", 403, "DENIED", "protected tag"))
	r := request(t, dir, d[0], reg, "app:1", "app:2", "app:3")
	r.NoScan = true
	list, err := Run(t.Context(), r)
	one := reg.Addr + "/app:1@" + d[0]
	if err == nil || !strings.Contains(err.Error(), "/app:2 can't be pushed") || !strings.HasSuffix(err.Error(), "; done: "+one) || item(t, list, "pushed") != "no false only "+one || len(list.Pushed) != 1 {
		t.Errorf("%v %+v", err, list)
	}
}

// A registry that has something else than what was scanned is found out.
func TestAltered(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1", files))
	other := image(t, "linux/amd64", "", files)
	raw, err := other.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	reg := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/manifests/1") {
			return false
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Write(raw)
		return true
	}))
	r := request(t, dir, d[0], reg, "app:1")
	r.NoScan = true
	list, err := Run(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "names another image in the registry: "+digest(t, other)+", where "+d[0]+" was scanned") || list.Passed || len(list.Pushed) > 0 {
		t.Errorf("%v %+v", err, list)
	}
}

// A connection that breaks is tried again; an interrupt isn't.
func TestAgain(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1", files))
	reg := registrytest.Start(t, nil, registrytest.Break(1))
	r := request(t, dir, d[0], reg, "app:1")
	r.NoScan = true
	if list, err := Run(t.Context(), r); err != nil || !list.Passed || reg.Digest("app", "1") != d[0] {
		t.Errorf("%v %+v", err, list)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reg = registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			cancel()
		}
		return r.Method == http.MethodPut
	}))
	r = request(t, dir, d[0], reg, "app:1")
	r.NoScan = true
	if list, err := Run(ctx, r); err != context.Canceled || list.Passed || len(list.Pushed) > 0 {
		t.Errorf("%v %+v", err, list)
	}
}

// Plain HTTP goes to this machine alone, also where go-containerregistry would
// send it.
func TestPlain(t *testing.T) {
	sent := 0
	next := roundTrip(func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("sent") })
	for url, want := range map[string]bool{"http://127.0.0.1:5000/v2/": true, "http://localhost/v2/": true, "http://10.0.0.1/v2/": false, "http://registry.local/v2/": false, "https://10.0.0.1/v2/": true} {
		sent = 0
		if _, err := (onlyEncrypted{next}).RoundTrip(httptest.NewRequest("GET", url, nil)); (sent == 1) != want || errors.Is(err, errPlain) == want {
			t.Errorf("%s: %v", url, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestParseTag(t *testing.T) {
	for in, want := range map[string]string{"app": "docker.io/library/app:latest", "me/app:1": "docker.io/me/app:1", "ghcr.io/o/a:v1.2": "ghcr.io/o/a:v1.2", "localhost:5000/a": "localhost:5000/a:latest"} {
		if got, err := ParseTag(in); err != nil || got.Shown != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for in, want := range map[string]string{"": "is no name", "App": "is no name", "a b": "is no name", "a:b:c": "is no name", "a@sha256:" + strings.Repeat("0", 64): "names a digest"} {
		if got, err := ParseTag(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	if tag, err := ParseTag("app"); err != nil || tag.ref.RegistryStr() != "index.docker.io" {
		t.Error(tag, err)
	}
}
