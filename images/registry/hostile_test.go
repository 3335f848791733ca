package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

func absent(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("%s was made", name)
	}
}

const index = "application/vnd.oci.image.index.v1+json"

// send makes an option that answers GET (and HEAD with GET's headers) of paths
// that end so.
func send(end string, headers map[string]string, body func() []byte) registrytest.Option {
	return registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, end) {
			return false
		}
		for k, v := range headers {
			w.Header().Set(k, v)
		}
		if r.Method != http.MethodHead {
			w.Write(body())
		}
		return true
	})
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

func digest(body []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(body)) }

// Answers of a manifest that aren't one.
func TestHostileManifests(t *testing.T) {
	registrytest.NoLogins(t)
	zeros := "sha256:" + strings.Repeat("0", 64)
	entries := strings.Repeat(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"`+zeros+`","size":1},`, 600)
	for _, c := range []struct {
		name    string
		headers map[string]string
		body    func() []byte
		says    string
	}{
		{"a page to log in", map[string]string{"Content-Type": "text/html; charset=utf-8"}, text("<!doctype html><title>Log in\x1b[31m</title>"), "it is a web page"},
		{"a page without a type", nil, text("\n <html>"), "it is a web page"},
		{"truncated JSON", map[string]string{"Content-Type": index}, text(`{"schemaVersion":2,"manifests":[{`), "a manifest isn't JSON"},
		{"nothing", nil, text(""), "a manifest isn't JSON"},
		{"other JSON", map[string]string{"Content-Type": "application/json"}, text(`{"ok":true}`), "neither that of an index nor that of an image"},
		{"both", map[string]string{"Content-Type": index}, text(`{"schemaVersion":2,"manifests":[],"layers":[]}`), "neither"},
		{"the wrong type", map[string]string{"Content-Type": index, "Docker-Content-Digest": "x"}, text(`{"schemaVersion":2,"config":{},"layers":[]}`), "and isn't"},
		{"two types", nil, text(`{"schemaVersion":2,"mediaType":"` + index + `","config":{},"layers":[]}`), "and isn't"},
		{"schema 1", map[string]string{"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws", "Docker-Content-Digest": zeros}, text(`{"schemaVersion":1}`), "schema 1"},
		{"schema 1 in disguise", nil, text(`{"schemaVersion":1,"config":{}}`), "schema 1"},
		{"a wrong digest", map[string]string{"Content-Type": "text/plain", "Docker-Content-Digest": zeros}, text(`{"schemaVersion":2,"manifests":[]}`), "have another digest"},
		{"without end", nil, func() []byte { return bytes.Repeat([]byte(" "), 5<<20) }, "longer than 4 MiB"},
		{"no image in it", nil, text(`{"schemaVersion":2,"manifests":[]}`), "the index names no image"},
		{"too many", nil, text(`{"schemaVersion":2,"manifests":[` + strings.TrimSuffix(entries, ",") + `]}`), "more than 512 entries"},
		{"digests that are paths", nil, text(`{"schemaVersion":2,"manifests":[{"mediaType":"` + index + `","digest":"sha256:../../../etc/passwd","size":1}]}`), "an index can't be read"},
		{"a chart", nil, text(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"` + zeros + `","size":2},"layers":[]}`), "isn't a container image"},
		{"a large configuration", nil, text(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + zeros + `","size":99999999999},"layers":[]}`), "99999999999 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// By digest the registry sends what the tag named.
			reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/manifests/sha256:") || r.Method != http.MethodGet {
					return false
				}
				w.Write(c.body())
				return true
			}), send("/manifests/3.12", c.headers, c.body))
			s := store(t, reg, registry.Options{})
			_, err := s.Describe(ref(t, "python:3.12"), "linux/amd64")
			wants(t, err, images.ErrInvalid, c.says, "library/python:3.12: ")
			if strings.Contains(err.Error(), "[31m") && strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%q", err)
			}
		})
	}
}

// Bytes that aren't those of the digest are never believed.
func TestSwapped(t *testing.T) {
	registrytest.NoLogins(t)
	for _, kind := range []string{"/manifests/sha256:", "/blobs/sha256:"} {
		reg := registrytest.Start(t, python(), registrytest.Wrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, kind) {
					w = swap{w}
				}
				next.ServeHTTP(w, r)
			})
		}))
		_, err := store(t, reg, registry.Options{CacheDir: t.TempDir()}).Describe(ref(t, "python:3.12"), "linux/amd64")
		wants(t, err, images.ErrInvalid, "have another digest", "don't use that registry before it is known why")
	}
}

type swap struct{ http.ResponseWriter }

func (s swap) Write(b []byte) (int, error) {
	return s.ResponseWriter.Write(bytes.ReplaceAll(b, []byte("a"), []byte("b")))
}

// A manifest that tells another size of its configuration.
func TestOtherSize(t *testing.T) {
	registrytest.NoLogins(t)
	body := []byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + digest([]byte("{}")) + `","size":3},"layers":[]}`)
	lies := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.URL.Path, "/blobs/"):
			fmt.Fprint(w, "{}")
		case r.Method == http.MethodHead:
			w.Header().Set("Docker-Content-Digest", digest(body))
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		default:
			w.Write(body)
		}
		return true
	}))
	_, err := store(t, lies, registry.Options{}).Describe(ref(t, "python:odd"), "")
	wants(t, err, images.ErrInvalid, "the configuration of the image has 2 bytes, and should have 3")
}

// HEAD of a digest that tells another one.
func TestOtherDigest(t *testing.T) {
	registrytest.NoLogins(t)
	other := "sha256:" + strings.Repeat("1", 64)
	reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Docker-Content-Digest", other)
		w.Header().Set("Content-Type", index)
		return true
	}))
	_, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python@"+digest([]byte("x"))))
	wants(t, err, images.ErrInvalid, "it answers with another digest")
}

// Indexes within indexes are read, three of them. (A circle can't be made: it would
// need a digest of itself.)
func TestNested(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	top := reg.Digest("library/python", "3.12")
	for depth := 1; depth <= 6; depth++ {
		body := []byte(`{"schemaVersion":2,"mediaType":"` + index + `","manifests":[{"mediaType":"` + index + `","digest":"` + top + `","size":1}]}`)
		top = digest(body)
		reg.PutManifest("library/python", "nested", index, body)
		p, err := store(t, reg, registry.Options{}).Platforms(ref(t, "python:nested"))
		if depth > 2 { // and the one of 3.12
			wants(t, err, images.ErrInvalid, "indexes are nested too deeply")
		} else if err != nil || !slices.Equal(p, amd64arm64) {
			t.Errorf("%d deep: %q, %v", depth, p, err)
		}
	}
}

// Platforms that strangers write are names, or nothing.
func TestPlatformNames(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	amd := reg.PlatformDigest("library/python", "3.12", "linux/amd64")
	body, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": amd, "size": 1,
		"platform": map[string]string{"os": "linux\x1b[31m\n", "architecture": "amd64"},
	}}})
	reg.PutManifest("library/python", "odd", index, body)
	p, err := store(t, reg, registry.Options{}).Platforms(ref(t, "python:odd"))
	if err != nil || !slices.Equal(p, []string{"linux/amd64"}) { // as the configuration says
		t.Errorf("%q, %v", p, err)
	}
}

// Tag lists that aren't, don't end or lead away.
func TestHostileTags(t *testing.T) {
	registrytest.NoLogins(t)
	elsewhere := registrytest.Start(t, python())
	paged := registrytest.Start(t, python(), registrytest.Paged(2))
	var n atomic.Int64
	link := func(to string) registrytest.Option {
		return send("/tags/list", map[string]string{"Link": "<" + to + `>; rel="next"`}, text(`{"tags":["1"]}`))
	}
	for _, c := range []struct {
		name   string
		option registrytest.Option
		says   string
	}{
		{"a page to log in", send("/tags/list", map[string]string{"Content-Type": "text/html"}, text("<html>")), "a web page"},
		{"truncated", send("/tags/list", nil, text(`{"tags":["1","2`)), "isn't one"},
		{"no tags", send("/tags/list", nil, text(`{"errors":[]}`)), "isn't one"},
		{"numbers", send("/tags/list", nil, text(`{"tags":[1,2]}`)), "isn't one"},
		{"an object", send("/tags/list", nil, text(`{"tags":{"a":1}}`)), "isn't one"},
		{"a circle", link("/v2/library/python/tags/list?n=1000"), "goes in a circle"},
		{"another host", link("http://" + elsewhere.Addr + "/v2/library/python/tags/list"), "leads to " + elsewhere.Addr},
		{"another host without scheme", link("//" + elsewhere.Addr + "/x"), "leads to "},
		{"another scheme", link("file:///etc/passwd"), "leads to"},
		{"a login", registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Link", "<http://u:p@"+r.Host+"/v2/x>")
			fmt.Fprint(w, `{"tags":[]}`)
			return true
		}), "leads to"},
		{"a page of a host that it redirects to", registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://"+paged.Addr+r.URL.Path, http.StatusFound)
			return true
		}), "leads to " + paged.Addr},
		{"not a link", send("/tags/list", map[string]string{"Link": "next"}, text(`{"tags":[]}`)), "its link to the next tags isn't one"},
		{"without end", registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Link", fmt.Sprintf(`<?last=%d>; rel="next"`, n.Add(1)))
			fmt.Fprint(w, `{"tags":["1"]}`)
			return true
		}), "too many pages"},
		{"too long", send("/tags/list", nil, func() []byte { return bytes.Repeat([]byte(" "), 33<<20) }), "longer than 32 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := registrytest.Start(t, nil, c.option)
			tags, err := store(t, reg, registry.Options{}).Tags(ref(t, "python"))
			wants(t, err, images.ErrInvalid, c.says)
			if tags != nil {
				t.Errorf("a part of the list is given: %q", tags)
			}
		})
	}
	if got := elsewhere.Requests(); len(got) > 0 {
		t.Errorf("the other host was asked %q", got)
	}

	reg := registrytest.Start(t, nil, send("/tags/list", nil, text(`{"tags":["ok","ok","-x",".y","a b","a\u001b[31m","", "../../x","`+strings.Repeat("l", 129)+`","1.0_x-y"]}`)))
	if tags, err := store(t, reg, registry.Options{}).Tags(ref(t, "python")); err != nil || !slices.Equal(tags, []string{"1.0_x-y", "ok"}) {
		t.Errorf("%q, %v", tags, err)
	}
	reg = registrytest.Start(t, nil, send("/tags/list", nil, text(`{"name":"x","tags":null}`)))
	if tags, err := store(t, reg, registry.Options{}).Tags(ref(t, "python")); err != nil || tags == nil || len(tags) != 0 {
		t.Errorf("%q, %v", tags, err)
	}
}

// Redirects: to another registry they are followed without the login, not from
// https to plain HTTP, not for ever.
func TestRedirects(t *testing.T) {
	dir := registrytest.NoLogins(t)
	var seen atomic.Value
	there := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		seen.Store(r.Header.Get("Authorization"))
		return false
	}))
	here := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://"+there.Addr+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}), registrytest.Basic("me", "secret-word"))
	writeLogin(t, dir, here.Addr, "me", "secret-word")
	d, err := store(t, here, registry.Options{}).Describe(ref(t, "python:3.12"), "linux/amd64")
	if err != nil || d.Digest != there.Digest("library/python", "3.12") {
		t.Errorf("%+v, %v", d, err)
	}
	if got, ok := seen.Load().(string); !ok || got != "" {
		t.Errorf("the other host got the login %q", got)
	}

	round := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		return true
	}))
	_, err = store(t, round, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrInvalid, "it redirects too often")

	away := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://registry.example/v2/", http.StatusFound)
		return true
	}))
	_, err = store(t, away, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrInvalid, "plain HTTP to registry.example isn't allowed")
}

// Unencrypted answers where https is due are an error, and so are certificates
// that nobody signed.
func TestTLS(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.TLS())
	_, err := withMirrors(t, "docker.io=!https://"+reg.Addr, registry.Options{}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnreachable, "its certificate isn't trusted", "DRYDOCK_MIRRORS")
}

// A registry that sends more than it was asked doesn't make us write to the
// standard error of the process, nor wait.
func TestErrorPages(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(404)
		fmt.Fprintf(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"a\u001b[2Jb\n\u202ec %s"}]}`, strings.Repeat("x", 1<<20))
		return true
	}))
	start := time.Now()
	_, err := store(t, reg, registry.Options{}).Tags(ref(t, "python"))
	wants(t, err, images.ErrNotFound, "it answers 404")
	if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\u202e") || time.Since(start) > time.Second {
		t.Errorf("%d bytes after %v: %.300q", len(err.Error()), time.Since(start), err)
	}
	small := registrytest.Start(t, nil, registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(404)
		fmt.Fprint(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"a\u001b[2Jb\n\u202ec"}]}`)
		return true
	}))
	_, err = store(t, small, registry.Options{}).Tags(ref(t, "python"))
	wants(t, err, images.ErrNotFound, "it answers 404 (NAME_UNKNOWN a[2Jb c)")
}
