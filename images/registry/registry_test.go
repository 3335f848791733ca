package registry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

var amd64arm64 = []string{"linux/amd64", "linux/arm64/v8"}

// python is what most tests start with: 3.12 and 3.12.14 are one image for two
// platforms, 3.13 has Docker's media types, single is no index.
func python() map[string]map[string]registrytest.Image {
	same := registrytest.Image{Content: "3.12.14", Platforms: amd64arm64, Attested: true, Config: v1.Config{
		User: "app", WorkingDir: "/srv", Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, Cmd: []string{"python3"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}, "443/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
		Labels: map[string]string{"a": "b"}, StopSignal: "SIGINT", OnBuild: []string{"RUN true"}, Entrypoint: []string{"tini", "--"},
	}}
	return map[string]map[string]registrytest.Image{"library/python": {
		"3.12": same, "3.12.14": same, "single": {Created: time.Unix(0, 0)},
		"3.13":        {Docker: true, Platforms: []string{"linux/arm/v7", "linux/amd64", "windows/amd64"}},
		"single-list": {Docker: true},
	}}
}

func ref(t testing.TB, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// store is a Registry in which reg alone is Docker Hub; nothing is kept on disk
// unless o says so.
func store(t *testing.T, reg *registrytest.Registry, o registry.Options) *registry.Registry {
	t.Helper()
	return withMirrors(t, reg.Mirrors(), o)
}

func withMirrors(t *testing.T, list string, o registry.Options) *registry.Registry {
	t.Helper()
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	var err error
	if o.Mirrors, err = registry.ParseMirrors(list); err != nil {
		t.Fatal(err)
	}
	return registry.New(t.Context(), o)
}

// wants fails unless err is of the kind, in one line that holds the texts.
func wants(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q doesn't say %q", err, s)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r\x1b\x07\x00") {
		t.Errorf("error %q isn't a clean line", err)
	}
}

func TestResolve(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	s := store(t, reg, registry.Options{})
	want := reg.Digest("library/python", "3.12")
	for _, name := range []string{"python:3.12", "docker.io/library/python:3.12.14", "index.docker.io/library/python:3.12", "python:3.12@" + want, "python@" + want} {
		d, err := s.Resolve(ref(t, name))
		if err != nil || d.Digest != want || !d.Index || d.MediaType != "application/vnd.oci.image.index.v1+json" {
			t.Errorf("%s is %+v, %v; the registry says %s", name, d, err, want)
		}
		for _, p := range amd64arm64 {
			if d.Digest == reg.PlatformDigest("library/python", "3.12", p) {
				t.Errorf("%s is the digest of %s alone", name, p)
			}
		}
	}
	// Of five references three are different, and each is one HEAD.
	if got := reg.Requests(); len(got) != 3 || reg.Count("HEAD /v2/library/python/manifests/") != 3 {
		t.Errorf("asked %q", got)
	}
	for tag, index := range map[string]bool{"3.13": true, "single": false, "single-list": false} {
		d, err := s.Resolve(ref(t, "python:"+tag))
		if err != nil || d.Digest != reg.Digest("library/python", tag) || d.Index != index {
			t.Errorf("%s is %+v, %v", tag, d, err)
		}
	}
	_, err := s.Resolve(ref(t, "python:2"))
	wants(t, err, images.ErrNotFound, reg.Addr+" (mirror of docker.io): library/python:2: there is no such image: it answers 404: check name and tag")
	_, err = s.Resolve(ref(t, "python@sha256:"+strings.Repeat("0", 64)))
	wants(t, err, images.ErrNotFound)
	_, err = s.Tags(ref(t, "nothing"))
	wants(t, err, images.ErrNotFound, "library/nothing: ")
}

// What can't name an image is refused before anybody is asked.
func TestNoImage(t *testing.T) {
	reg := registrytest.Start(t, nil)
	s := store(t, reg, registry.Options{})
	for _, r := range []images.Ref{
		{}, {Path: "scratch"}, {Path: "python", Tag: "${V}"}, {Path: "../../etc", Tag: "x"}, {Path: "Up"}, {Path: "a//b"}, {Path: "a/../b"},
		{Path: "python", Tag: "-x"}, {Path: "python", Tag: "a b"}, {Path: "python", Digest: "sha256:12"}, {Path: "python", Digest: "sha256:../../x"},
		{Domain: "docker.io/..", Path: "x"}, {Domain: "user@host", Path: "x"}, {Domain: "a b", Path: "x"}, {Path: "python?x=y"},
	} {
		_, err := s.Resolve(r)
		wants(t, err, images.ErrNotFound)
		_, err = s.Describe(r, "")
		wants(t, err, images.ErrNotFound)
	}
	if got := reg.Requests(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}
}

func TestPlatforms(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	s := store(t, reg, registry.Options{})
	for name, want := range map[string][]string{
		"python:3.12": amd64arm64, "python:3.13": {"linux/amd64", "linux/arm/v7", "windows/amd64"},
		"python:single": {"linux/amd64"}, "python@" + reg.PlatformDigest("library/python", "3.12", "linux/arm64/v8"): {"linux/arm64/v8"},
	} {
		got, err := s.Platforms(ref(t, name))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is for %q, %v", name, got, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	s := store(t, reg, registry.Options{})
	got, err := s.Describe(ref(t, "python:3.12"), "linux/arm64")
	if err != nil {
		t.Fatal(err)
	}
	want := images.Description{
		Descriptor: images.Descriptor{Digest: reg.Digest("library/python", "3.12"), MediaType: "application/vnd.oci.image.index.v1+json", Index: true},
		Platform:   "linux/arm64/v8", Manifest: reg.PlatformDigest("library/python", "3.12", "linux/arm64/v8"),
		Layers: 2, Created: "2026-08-01", User: "app", Workdir: "/srv", Entrypoint: []string{"tini", "--"}, Cmd: []string{"python3"},
		Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, StopSignal: "SIGINT", Expose: []string{"443/tcp", "80/tcp"},
		Volumes: []string{"/data"}, OnBuild: []string{"RUN true"}, Labels: map[string]string{"a": "b"},
	}
	if got.Size < 60 || got.Size > 5000 { // two layers of a line each, and the configuration
		t.Errorf("size is %d", got.Size)
	}
	want.Size = got.Size
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ name, platform, want string }{
		{"python:3.13", "linux/arm", "linux/arm/v7"}, {"python:3.13", "linux/arm/v8", "linux/arm/v7"}, {"python:3.13", "linux/x86_64", "linux/amd64"},
		{"python:3.12", "linux/aarch64", "linux/arm64/v8"}, {"python:3.12", "linux/arm64/v9", "linux/arm64/v8"}, {"python:single", "", "linux/amd64"},
		{"python@" + want.Manifest, "", "linux/arm64/v8"},
	} {
		if d, err := s.Describe(ref(t, c.name), c.platform); err != nil || d.Platform != c.want {
			t.Errorf("%s for %q is that of %q, %v", c.name, c.platform, d.Platform, err)
		}
	}
	if d, err := s.Describe(ref(t, "python:single"), ""); err != nil || d.Created != "" {
		t.Errorf("the first second of 1970 is told as %q, %v", d.Created, err)
	}
	for name, platform := range map[string]string{"python:3.12": "linux/s390x", "python:3.13": "linux/arm/v6", "python:single": "linux/arm64"} {
		_, err := s.Describe(ref(t, name), platform)
		wants(t, err, images.ErrPlatform, "it isn't for "+platform+", but for linux/a")
	}
}

func TestTags(t *testing.T) {
	registrytest.NoLogins(t)
	many := map[string]registrytest.Image{}
	var want []string
	for _, a := range "0123456789" {
		for _, b := range "abcdefghij" {
			many["v"+string(a)+string(b)] = registrytest.Image{Content: "same"}
			want = append(want, "v"+string(a)+string(b))
		}
	}
	reg := registrytest.Start(t, map[string]map[string]registrytest.Image{"library/many": many, "o/app": {"latest": {}}}, registrytest.Paged(7))
	s := withMirrors(t, reg.Mirrors("docker.io", "ghcr.io"), registry.Options{})
	got, err := s.Tags(ref(t, "many:v0a"))
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if n := reg.Count("GET /v2/library/many/tags/list"); n != 15 {
		t.Errorf("%d pages", n)
	}
	if got, err := s.Tags(ref(t, "ghcr.io/o/app")); err != nil || !slices.Equal(got, []string{"latest"}) {
		t.Errorf("%q, %v", got, err)
	}
	got[0] = "mine" // what the caller does with its slice is its own affair
	if again, _ := s.Tags(ref(t, "ghcr.io/o/app")); slices.Contains(again, "mine") {
		t.Error("the caller's slice is the store's")
	}
}

// A tag that moves names another digest as soon as the answer isn't fresh.
func TestMoved(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	never := store(t, reg, registry.Options{Fresh: -1})
	kept := store(t, reg, registry.Options{})
	old, _ := never.Resolve(ref(t, "python:3.12"))
	kept.Resolve(ref(t, "python:3.12"))
	moved := reg.Push("library/python", "3.12", registrytest.Image{Content: "3.12.15", Platforms: amd64arm64})
	if d, err := never.Resolve(ref(t, "python:3.12")); err != nil || d.Digest != moved || moved == old.Digest {
		t.Errorf("%+v, %v, moved from %s to %s", d, err, old.Digest, moved)
	}
	if d, err := kept.Resolve(ref(t, "python:3.12")); err != nil || d.Digest != old.Digest {
		t.Errorf("within a run the answer changes: %+v, %v", d, err)
	}
	if d, err := never.Describe(ref(t, "python:3.12@"+old.Digest), "linux/amd64"); err != nil || d.Digest != old.Digest {
		t.Errorf("the digest names %+v, %v", d, err)
	}
}

// One question of many goroutines is one request.
func TestOnce(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	s := store(t, reg, registry.Options{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.Resolve(ref(t, "python:3.12")); err != nil {
				t.Error(err)
			}
			if _, err := s.Describe(ref(t, "python:3.12"), "linux/amd64"); err != nil {
				t.Error(err)
			}
			if _, err := s.Tags(ref(t, "python")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// HEAD of the tag; GET of index, manifest, configuration and tags.
	if got := reg.Requests(); len(got) != 5 {
		t.Errorf("%d requests: %q", len(got), got)
	}
}

func TestEnded(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	ctx, cancel := context.WithCancel(context.Background())
	mirrors, err := registry.ParseMirrors(reg.Mirrors())
	if err != nil {
		t.Fatal(err)
	}
	s := registry.New(ctx, registry.Options{Mirrors: mirrors})
	cancel()
	_, err = s.Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnreachable, "the run was ended")
	wants(t, err, context.Canceled)
	if got := reg.Requests(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}
}
