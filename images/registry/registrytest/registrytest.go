// Package registrytest runs a registry inside a test: go-containerregistry's own,
// on loopback, filled with images of the test's choice, with a log of what was
// asked and, as options, the ways in which real registries behave badly. Tests
// alone import it.
package registrytest

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a running one.
type Registry struct {
	Addr string // "127.0.0.1:40001", plain HTTP (https under TLS)

	t      testing.TB
	store  http.Handler // without wrappers and log
	server *httptest.Server
	mu     sync.Mutex
	log    []string
}

// Start runs a registry for as long as the test, with images by repository
// ("library/python") and tag. Images that are equal as values, with Content
// set, have equal digests, so a tag that moves with another has the same Image.
func Start(t testing.TB, repositories map[string]map[string]Image, options ...Option) *Registry {
	t.Helper()
	r := &Registry{t: t, store: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	for repository, tags := range repositories {
		for tag, image := range tags {
			r.Push(repository, tag, image)
		}
	}
	handler, secure := r.store, false
	for _, o := range options {
		if o.wrap != nil {
			handler = o.wrap(handler)
		}
		secure = secure || o.tls
	}
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.log = append(r.log, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		handler.ServeHTTP(w, req)
	}))
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		r.server.EnableHTTP2 = true
		r.server.StartTLS()
	} else {
		r.server.Start()
	}
	t.Cleanup(func() { r.server.CloseClientConnections(); r.server.Close() })
	r.Addr = r.server.Listener.Addr().String()
	return r
}

// NoLogins keeps the machine's own logins out of a test. It gives the folder
// where docker's config.json would be.
func NoLogins(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_AUTH_CONFIG", "")
	t.Setenv("REGISTRY_AUTH_FILE", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	return dir
}

// Stop ends the registry before the test does: nobody listens then.
func (r *Registry) Stop() { r.server.CloseClientConnections(); r.server.Close() }

// Certificate is that of a registry with the option TLS, in PEM: SSL_CERT_FILE
// makes a process trust it.
func (r *Registry) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
}

// Mirrors is the value of DRYDOCK_MIRRORS with which this registry, and it
// alone, answers for the hosts; docker.io when none is given.
func (r *Registry) Mirrors(hosts ...string) string {
	if len(hosts) == 0 {
		hosts = []string{"docker.io"}
	}
	var out []string
	for _, h := range hosts {
		out = append(out, h+"=!"+r.Addr)
	}
	return strings.Join(out, ",")
}

// Requests lists what was asked since the start or the last Reset, in order:
// "GET /v2/", "HEAD /v2/library/python/manifests/3.12". Queries are left out.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// Count is the number of requests that begin with prefix ("HEAD ", "" for all).
func (r *Registry) Count(prefix string) (n int) {
	for _, q := range r.Requests() {
		if strings.HasPrefix(q, prefix) {
			n++
		}
	}
	return n
}

// Reset empties the log.
func (r *Registry) Reset() { r.mu.Lock(); r.log = nil; r.mu.Unlock() }

// Push makes tag name the image and gives the digest. It passes neither log nor
// options. An image without Content is made of the names of repository and tag.
func (r *Registry) Push(repository, tag string, image Image) (digest string) {
	r.t.Helper()
	if image.Content == "" {
		image.Content = repository + ":" + tag
	}
	made, err := image.Build()
	if err == nil {
		switch m := made.(type) {
		case v1.ImageIndex:
			err = remote.WriteIndex(r.ref(repository, tag), m, r.direct()...)
		case v1.Image:
			err = remote.Write(r.ref(repository, tag), m, r.direct()...)
		}
	}
	if err != nil {
		r.t.Fatalf("registrytest: pushing %s:%s: %v", repository, tag, err)
	}
	return r.Digest(repository, tag)
}

// PutManifest stores bytes of the test's choice as a manifest, tag or digest
// being its name: what no honest builder makes.
func (r *Registry) PutManifest(repository, name, mediaType string, body []byte) {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodPut, "/v2/"+repository+"/manifests/"+name, strings.NewReader(string(body)))
	req.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	if r.store.ServeHTTP(w, req); w.Code != http.StatusCreated {
		r.t.Fatalf("registrytest: putting %s:%s: %d %s", repository, name, w.Code, w.Body)
	}
}

// Delete takes the tag away.
func (r *Registry) Delete(repository, tag string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	if r.store.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/v2/"+repository+"/manifests/"+tag, nil)); w.Code != http.StatusAccepted {
		r.t.Fatalf("registrytest: deleting %s:%s: %d", repository, tag, w.Code)
	}
}

// Digest is what the tag names now: an index's digest where there is one.
func (r *Registry) Digest(repository, tag string) string {
	r.t.Helper()
	d, err := remote.Head(r.ref(repository, tag), r.direct()...)
	if err != nil {
		r.t.Fatalf("registrytest: %s:%s: %v", repository, tag, err)
	}
	return d.Digest.String()
}

// PlatformDigest is the digest of one platform's manifest within the index
// that tag names ("linux/arm64/v8").
func (r *Registry) PlatformDigest(repository, tag, platform string) string {
	r.t.Helper()
	index, err := remote.Index(r.ref(repository, tag), r.direct()...)
	if err != nil {
		r.t.Fatalf("registrytest: %s:%s: %v", repository, tag, err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		r.t.Fatalf("registrytest: %s:%s: %v", repository, tag, err)
	}
	for _, d := range m.Manifests {
		if d.Platform != nil && d.Platform.String() == platform {
			return d.Digest.String()
		}
	}
	r.t.Fatalf("registrytest: %s:%s isn't there for %s", repository, tag, platform)
	return ""
}

func (r *Registry) ref(repository, tag string) name.Tag {
	// Any host will do: direct never dials it.
	reg, err := name.NewRegistry("127.0.0.1:1", name.Insecure)
	if err != nil {
		r.t.Fatal(err)
	}
	return reg.Repo(repository).Tag(tag)
}

// direct reaches the store without the network, wrappers and log.
func (r *Registry) direct() []remote.Option {
	return []remote.Option{remote.WithTransport(inner{r.store}), remote.WithContext(context.Background())}
}

type inner struct{ h http.Handler }

func (i inner) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req = req.Clone(req.Context())
		req.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.h.ServeHTTP(w, req)
	res := w.Result()
	res.Request = req
	return res, nil
}
