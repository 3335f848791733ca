//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

// Package images/registry against a real registry: Docker's, which the lab
// runs. E2E_REGISTRY names another one, with plain HTTP and without logins, to
// which the tests may push: repositories under e2e/.
func labRegistry(t *testing.T) string {
	t.Helper()
	addr := os.Getenv("E2E_REGISTRY")
	if addr == "" && os.Getenv("LAB") == "" {
		t.Skip("no registry: E2E_REGISTRY and LAB aren't set")
	}
	if addr == "" {
		addr = "127.0.0.1:5000"
	}
	return addr
}

// labStore asks the lab's registry for docker.io's images, and nobody else.
func labStore(t *testing.T, addr string, o registry.Options) *registry.Registry {
	t.Helper()
	var err error
	if o.Mirrors, err = registry.ParseMirrors("docker.io=!http://" + addr); err != nil {
		t.Fatal(err)
	}
	return registry.New(t.Context(), o)
}

// labGet asks the registry itself, with nothing of ours or of a library's; nil
// means that it answers 404.
func labGet(t *testing.T, method, addr, path string, into any) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json,application/vnd.docker.distribution.manifest.list.v2+json,"+
		"application/vnd.oci.image.manifest.v1+json,application/vnd.docker.distribution.manifest.v2+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, res.Status)
	}
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return res.Header
}

func hubRef(t *testing.T, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every tag of every repository there: lists and digests are what the registry
// says to whoever asks it by hand, and every image can be described.
func TestRegistryWhole(t *testing.T) {
	addr := labRegistry(t)
	s := labStore(t, addr, registry.Options{})
	var catalog struct{ Repositories []string }
	labGet(t, http.MethodGet, addr, "/v2/_catalog?n=1000", &catalog)
	asked := 0
	for _, repository := range catalog.Repositories {
		if strings.HasPrefix(repository, "e2e/") {
			continue // of tests that push
		}
		var list struct{ Tags []string }
		known := labGet(t, http.MethodGet, addr, "/v2/"+repository+"/tags/list", &list) != nil
		slices.Sort(list.Tags)
		r := images.Ref{Domain: "docker.io", Path: repository}
		tags, err := s.Tags(r)
		if !known { // a push that never ended leaves a name in the catalog, and no more
			if !errors.Is(err, images.ErrNotFound) {
				t.Errorf("%s has %q, %v; the registry says 404", repository, tags, err)
			}
			continue
		}
		slices.Sort(tags)
		if err != nil || !slices.Equal(tags, list.Tags) {
			t.Errorf("%s has %q, %v; the registry says %q", repository, tags, err, list.Tags)
		}
		for _, tag := range tags {
			asked++
			h := labGet(t, http.MethodHead, addr, "/v2/"+repository+"/manifests/"+tag, nil)
			d, err := s.Resolve(r.WithTag(tag))
			if err != nil || d.Digest != h.Get("Docker-Content-Digest") || d.MediaType != h.Get("Content-Type") {
				t.Errorf("%s:%s is %+v, %v; the registry says %s, %s", repository, tag, d, err, h.Get("Docker-Content-Digest"), h.Get("Content-Type"))
			}
			got, err := s.Describe(r.WithTag(tag), "")
			if err != nil || got.Size <= 0 || got.Layers == 0 || got.Digest != d.Digest || !strings.HasPrefix(got.Platform, "linux/") {
				t.Errorf("%s:%s is described as %+v, %v", repository, tag, got, err)
			}
		}
	}
	if asked == 0 {
		t.Fatal("the registry is empty: lab/images fills it")
	}
	t.Logf("%d tags of %d repositories", asked, len(catalog.Repositories))
}

// pushImage writes an image, or an index, as any program would.
func pushImage(t *testing.T, addr, repository, tag string, image registrytest.Image, options ...remote.Option) string {
	t.Helper()
	reg, err := name.NewRegistry(addr, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	made, err := image.Build()
	if err != nil {
		t.Fatal(err)
	}
	at := reg.Repo(repository).Tag(tag)
	switch m := made.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(at, m, append(options, remote.WithContext(t.Context()))...)
	case v1.Image:
		err = remote.Write(at, m, append(options, remote.WithContext(t.Context()))...)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := made.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// scratchRepository is one of this run's own.
func scratchRepository(t *testing.T) string {
	return fmt.Sprintf("e2e/registry-%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", t.Name(), time.Now().UnixNano())))[:len("e2e/registry-")+16]
}

// A tag that moves, two tags of one digest, and a cache that sees both.
func TestRegistryMoves(t *testing.T) {
	addr, repository := labRegistry(t), scratchRepository(t)
	first := pushImage(t, addr, repository, "1", registrytest.Image{Content: "first"})
	if again := pushImage(t, addr, repository, "1.0", registrytest.Image{Content: "first"}); again != first {
		t.Fatalf("one image has two digests, %s and %s", first, again)
	}
	o := registry.Options{CacheDir: t.TempDir()}
	s := labStore(t, addr, o)
	for _, tag := range []string{"1", "1.0"} {
		if d, err := s.Resolve(hubRef(t, repository+":"+tag)); err != nil || d.Digest != first || d.Index {
			t.Errorf("%s is %+v, %v, want %s", tag, d, err, first)
		}
	}
	second := pushImage(t, addr, repository, "1", registrytest.Image{Content: "second"})
	if d, err := labStore(t, addr, o).Resolve(hubRef(t, repository+":1")); err != nil || d.Digest != first {
		t.Errorf("within minutes the cache says %+v, %v", d, err)
	}
	o.Fresh = -1
	later := labStore(t, addr, o)
	for range 2 { // the second time the registry is asked with the ETag of the first
		for tag, want := range map[string]string{"1": second, "1.0": first} {
			if d, err := later.Resolve(hubRef(t, repository+":"+tag)); err != nil || d.Digest != want {
				t.Errorf("%s is %+v, %v, want %s", tag, d, err, want)
			}
		}
		if tags, err := later.Tags(hubRef(t, repository)); err != nil || !slices.Equal(tags, []string{"1", "1.0"}) {
			t.Errorf("tags %q, %v", tags, err)
		}
	}
	for _, gone := range []string{repository + ":2", repository + "-none:1", repository + "@sha256:" + strings.Repeat("0", 64)} {
		if _, err := later.Resolve(hubRef(t, gone)); err == nil || !strings.Contains(err.Error(), "there is no such image") {
			t.Errorf("%s: %v", gone, err)
		}
	}
}

// Indexes of OCI and of Docker, with attestations, are read back as they were
// made.
func TestRegistryIndex(t *testing.T) {
	addr, repository := labRegistry(t), scratchRepository(t)
	platforms := []string{"linux/amd64", "linux/arm/v7", "linux/arm64/v8"}
	for tag, image := range map[string]registrytest.Image{
		"oci":    {Platforms: platforms, Attested: true, Config: v1.Config{User: "app", Env: []string{"A=b"}}},
		"docker": {Platforms: platforms, Docker: true, Config: v1.Config{User: "app", Env: []string{"A=b"}}},
	} {
		image.Content = tag
		digest := pushImage(t, addr, repository, tag, image)
		s := labStore(t, addr, registry.Options{})
		r := hubRef(t, repository+":"+tag)
		if d, err := s.Resolve(r); err != nil || d.Digest != digest || !d.Index {
			t.Errorf("%s is %+v, %v, want %s", tag, d, err, digest)
		}
		if got, err := s.Platforms(r); err != nil || !slices.Equal(got, platforms) {
			t.Errorf("%s is for %q, %v", tag, got, err)
		}
		for asked, want := range map[string]string{"linux/arm64": "linux/arm64/v8", "linux/arm": "linux/arm/v7", "linux/amd64": "linux/amd64"} {
			d, err := s.Describe(r, asked)
			if err != nil || d.Platform != want || d.Digest != digest || d.Manifest == digest || d.User != "app" || !slices.Equal(d.Env, []string{"A=b"}) {
				t.Errorf("%s for %s is %+v, %v", tag, asked, d, err)
			}
		}
		if d, err := s.Describe(hubRef(t, repository+"@"+digest), ""); err != nil || d.Digest != digest {
			t.Errorf("by its digest it is %+v, %v", d, err)
		}
	}
}

// The second mirror answers where nothing listens at the first.
func TestRegistryGone(t *testing.T) {
	addr := labRegistry(t)
	s := registry.New(t.Context(), registry.Options{Mirrors: []registry.Mirror{
		{Host: "docker.io", Target: freeAddress(t), Plain: true}, {Host: "docker.io", Target: addr, Plain: true, Only: true}}})
	tags, err := s.Tags(hubRef(t, "debian"))
	if err != nil || len(tags) == 0 || len(s.Notes()) != 1 {
		t.Errorf("the second mirror says %q, %v, notes %q", tags, err, s.Notes())
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// password is that of the user tester of ownRegistry.
const password = "made-for-a-test"

// ownRegistry runs Docker's registry for this test, which wants a login, as its documentation sets it up (htpasswd).
func ownRegistry(t *testing.T) (addr string) {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatal("docker-registry isn't there: lab/up installs it")
	}
	dir := t.TempDir()
	addr = freeAddress(t)
	write(t, filepath.Join(dir, "htpasswd"), "tester:$2a$04$5YPHa3gVM7kbVwBbv5zxBuKq0fYPUQfbzdUgdV2o1ZJoEDjOPfo9.\n")
	write(t, filepath.Join(dir, "config.yml"), fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %[1]s/data}}\nhttp: {addr: %[2]q}\nlog: {level: error}\n"+
		"auth: {htpasswd: {realm: test, path: %[1]s/htpasswd}}\n", dir, addr))
	cmd := exec.CommandContext(t.Context(), program, "serve", filepath.Join(dir, "config.yml"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// A registry that wants a login: without one, with a wrong one, with the right one.
func TestRegistryLogin(t *testing.T) {
	dir, addr := t.TempDir(), ownRegistry(t)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_AUTH_CONFIG", "")
	login := func(word string) {
		write(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"auths":{%q:{"username":"tester","password":%q}}}`, addr, word))
	}
	login(password)
	digest := pushImage(t, addr, "e2e/private", "1", registrytest.Image{}, remote.WithAuth(&authn.Basic{Username: "tester", Password: password}))
	r := hubRef(t, addr+"/e2e/private:1")
	o := registry.Options{CacheDir: filepath.Join(dir, "cache")}
	for range 2 { // from the registry, and from the cache
		d, err := registry.New(t.Context(), o).Describe(r, "")
		if err != nil || d.Digest != digest {
			t.Errorf("%+v, %v", d, err)
		}
	}
	login("wrong")
	write(t, filepath.Join(dir, "none", "config.json"), "{}")
	for folder, says := range map[string]string{dir: "the login for it is refused", filepath.Join(dir, "none"): "docker login " + addr} {
		t.Setenv("DOCKER_CONFIG", folder)
		_, err := registry.New(t.Context(), registry.Options{}).Resolve(r)
		if !errors.Is(err, images.ErrUnauthorized) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v", err)
		}
	}
	t.Setenv("DOCKER_CONFIG", filepath.Join(dir, "none"))
	if _, err := registry.New(t.Context(), o).Resolve(r); !errors.Is(err, images.ErrUnauthorized) {
		t.Errorf("what was got with the login is there for everybody: %v", err)
	}
}
