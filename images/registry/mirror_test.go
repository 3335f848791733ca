package registry_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

func TestParseMirrors(t *testing.T) {
	got, err := registry.ParseMirrors(" docker.io=127.0.0.1:5000, ghcr.io=http://127.0.0.1:5001/ghcr/,,Index.docker.io=!mirror.example/hub,quay.io=https://127.0.0.1:5002,gcr.io=http://plain.example:80/a/b,localhost:5000=[::1]:99")
	want := []registry.Mirror{
		{Host: "docker.io", Target: "127.0.0.1:5000", Plain: true}, {Host: "ghcr.io", Target: "127.0.0.1:5001", Prefix: "ghcr", Plain: true},
		{Host: "docker.io", Target: "mirror.example", Prefix: "hub", Only: true}, {Host: "quay.io", Target: "127.0.0.1:5002", Secure: true},
		{Host: "gcr.io", Target: "plain.example:80", Prefix: "a/b", Plain: true}, {Host: "localhost:5000", Target: "[::1]:99", Plain: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"x", "=", "a=", "=b", "a=b c", "a=user@b", "a=b/../c", "a=b/Up", "a=b?c", "a=ftp://b", "a=!", "a=http://", "a\x1b=b"} {
		if got, err := registry.ParseMirrors(bad); err == nil || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q gives %+v, %v", bad, got, err)
		}
	}
}

// A mirror is asked first; the registry itself when the mirror can't be reached
// or hasn't got it, and for no other reason.
func TestMirrors(t *testing.T) {
	registrytest.NoLogins(t)
	origin := registrytest.Start(t, map[string]map[string]registrytest.Image{"o/app": {"1": {}, "2": {}}})
	mirror := registrytest.Start(t, map[string]map[string]registrytest.Image{"o/app": {"1": {Content: "the mirror's"}}})
	app := origin.Addr + "/o/app:"

	s := withMirrors(t, origin.Addr+"="+mirror.Addr, registry.Options{})
	if d, err := s.Resolve(ref(t, app+"1")); err != nil || d.Digest != mirror.Digest("o/app", "1") || len(origin.Requests()) > 0 {
		t.Errorf("%+v, %v, %q", d, err, origin.Requests())
	}
	if d, err := s.Resolve(ref(t, app+"2")); err != nil || d.Digest != origin.Digest("o/app", "2") || len(s.Notes()) > 0 {
		t.Errorf("%+v, %v, %q", d, err, s.Notes())
	}
	_, err := s.Resolve(ref(t, app+"3"))
	wants(t, err, images.ErrNotFound, origin.Addr+": o/app:3: ")

	only := withMirrors(t, origin.Addr+"=!"+mirror.Addr, registry.Options{})
	origin.Reset()
	_, err = only.Resolve(ref(t, app+"2"))
	wants(t, err, images.ErrNotFound, mirror.Addr+" (mirror of "+origin.Addr+"): ")
	if got := origin.Requests(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}

	for name, option := range map[string]registrytest.Option{
		"broken": registrytest.Break(100), "500": registrytest.Fail(-1, 500),
	} {
		sick := registrytest.Start(t, nil, option)
		s := withMirrors(t, origin.Addr+"="+sick.Addr, registry.Options{})
		if d, err := s.Resolve(ref(t, app+"2")); err != nil || d.Digest != origin.Digest("o/app", "2") {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		for _, tag := range []string{"1", "4", "5"} { // one note, however many images
			s.Resolve(ref(t, app+tag))
		}
		if n := s.Notes(); len(n) != 1 || !strings.Contains(n[0], sick.Addr+" (mirror of ") || !strings.HasSuffix(n[0], "; "+origin.Addr+" is asked") {
			t.Errorf("%s: notes %q", name, n)
		}
	}
	for kind, option := range map[error]registrytest.Option{
		images.ErrUnauthorized: registrytest.Fail(-1, 403), images.ErrRateLimited: registrytest.Fail(-1, 429), images.ErrInvalid: registrytest.Fail(-1, 418),
	} {
		origin.Reset()
		sick := registrytest.Start(t, nil, option)
		_, err := withMirrors(t, origin.Addr+"="+sick.Addr, registry.Options{}).Resolve(ref(t, app+"2"))
		wants(t, err, kind, sick.Addr)
		if got := origin.Requests(); len(got) > 0 {
			t.Errorf("%v: asked %q", kind, got)
		}
	}

	// A mirror that says nothing leaves time for the registry.
	start := time.Now()
	s = withMirrors(t, origin.Addr+"="+silent(t), registry.Options{Timeout: time.Second})
	if d, err := s.Resolve(ref(t, app+"2")); err != nil || d.Digest != origin.Digest("o/app", "2") || time.Since(start) > time.Second {
		t.Errorf("%+v, %v, after %v", d, err, time.Since(start))
	}
}

func TestMirrorPrefix(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, map[string]map[string]registrytest.Image{"hub/library/python": {"3.12": {}}, "ghcr/o/app": {"1": {}}})
	s := withMirrors(t, "docker.io=!"+reg.Addr+"/hub,ghcr.io=!http://"+reg.Addr+"/ghcr", registry.Options{})
	for name, repository := range map[string]string{"python:3.12": "hub/library/python", "ghcr.io/o/app:1": "ghcr/o/app"} {
		r := ref(t, name)
		if d, err := s.Describe(r, ""); err != nil || d.Digest != reg.Digest(repository, r.Tag) {
			t.Errorf("%+v, %v", d, err)
		}
		if tags, err := s.Tags(r); err != nil || len(tags) != 1 {
			t.Errorf("%q, %v", tags, err)
		}
	}
}

// A mirror gets its own login, never that of the registry.
func TestMirrorLogin(t *testing.T) {
	dir := registrytest.NoLogins(t)
	mirror := registrytest.Start(t, python(), registrytest.Basic("me", "secret-word"))
	var got string
	spy := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		got += r.Header.Get("Authorization")
		w.Header().Set("Www-Authenticate", `Basic realm="x"`)
		w.WriteHeader(401)
		return true
	}))
	writeLogin(t, dir, mirror.Addr, "me", "secret-word")
	works(t, mirror, store(t, mirror, registry.Options{}))
	writeLogin(t, dir, "https://index.docker.io/v1/", "me", "secret-word")
	_, err := store(t, spy, registry.Options{}).Resolve(ref(t, "python:3.12"))
	if wants(t, err, images.ErrUnauthorized); got != "" {
		t.Errorf("the mirror got %q", got)
	}
}

// A registry on this machine is asked by https, and by plain HTTP when that
// fails; another one isn't.
func TestLoopback(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	s := withMirrors(t, "", registry.Options{})
	if d, err := s.Resolve(ref(t, reg.Addr+"/library/python:3.12")); err != nil || d.Digest != reg.Digest("library/python", "3.12") {
		t.Errorf("%+v, %v", d, err)
	}
}

// again runs the test in a process of its own, with other variables: Go reads
// those about proxies and certificates once.
func again(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "NO_PROXY=", "no_proxy=", "http_proxy=", "HTTP_PROXY=", "DOCKER_CONFIG="+t.TempDir())
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return string(out)
}

// HTTP_PROXY is used as Go's transport does.
func TestProxy(t *testing.T) {
	if os.Getenv("REGISTRYTEST_CHILD") != "" {
		s := withMirrors(t, "docker.io=!http://registry.example", registry.Options{})
		d, err := s.Resolve(ref(t, "python:3.12"))
		t.Logf("digest %s, %v", d.Digest, err)
		return
	}
	var host string
	reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		host = r.URL.Host
		return false
	}))
	out := again(t, "REGISTRYTEST_CHILD=1", "HTTP_PROXY=http://"+reg.Addr)
	if !strings.Contains(out, "digest "+reg.Digest("library/python", "3.12")) || host != "registry.example" {
		t.Errorf("asked for host %q: %s", host, out)
	}
	reg.Stop()
	if out := again(t, "REGISTRYTEST_CHILD=1", "HTTP_PROXY=http://"+reg.Addr); !strings.Contains(out, "the proxy can't be reached: ") {
		t.Error(out)
	}
}

// https with a certificate that the system trusts; redirects don't leave it.
func TestHTTPS(t *testing.T) {
	if addr := os.Getenv("REGISTRYTEST_CHILD"); addr != "" {
		for _, name := range []string{"python:3.12", addr + "/library/python:3.12"} { // as a mirror, and by itself
			s := withMirrors(t, "docker.io=!https://"+addr, registry.Options{})
			d, err := s.Describe(ref(t, name), "linux/amd64")
			t.Logf("%s is %s, %v", name, d.Digest, err)
		}
		_, err := withMirrors(t, "docker.io=!https://"+addr, registry.Options{}).Resolve(ref(t, "python:away"))
		t.Logf("away: %v", err)
		return
	}
	var protocol string
	k := &registrytest.Tokens{}
	reg := registrytest.Start(t, python(), registrytest.Bearer(k), registrytest.TLS(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		protocol = r.Proto
		if strings.HasSuffix(r.URL.Path, "away") {
			http.Redirect(w, r, "http://"+r.Host+"/v2/", http.StatusFound)
			return true
		}
		return false
	}))
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, reg.Certificate(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := again(t, "REGISTRYTEST_CHILD="+reg.Addr, "SSL_CERT_FILE="+file)
	want := reg.Digest("library/python", "3.12")
	for _, s := range []string{"python:3.12 is " + want + ", <nil>", reg.Addr + "/library/python:3.12 is " + want + ", <nil>", "it redirects to plain HTTP"} {
		if !strings.Contains(out, s) {
			t.Errorf("it doesn't say %q: %s", s, out)
		}
	}
	if protocol != "HTTP/2.0" || k.Issued() != 2 {
		t.Errorf("spoken is %s, %d tokens", protocol, k.Issued())
	}
}

func TestWhere(t *testing.T) {
	for list, want := range map[string]string{
		"":                                       "docker.io/library/python:3.12 false",
		"docker.io=127.0.0.1:5000":               "127.0.0.1:5000/library/python:3.12 true",
		"docker.io=!mirror.example/hub":          "mirror.example/hub/library/python:3.12 false",
		"docker.io=http://mirror.example:80/hub": "mirror.example:80/hub/library/python:3.12 true",
	} {
		mirrors, err := registry.ParseMirrors(list)
		if err != nil {
			t.Fatal(err)
		}
		name, plain := registry.New(t.Context(), registry.Options{Mirrors: mirrors}).Where(images.Ref{Path: "python", Tag: "3.12"})
		if got := fmt.Sprint(name, " ", plain); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
}
