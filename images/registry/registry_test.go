package registry_test

import (
	"context"
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

// images of the tests: python:3.12 and 3.12.14 are the same, for two platforms.
func python() map[string]map[string]registrytest.Image {
	same := registrytest.Image{Content: "3.12.14", Platforms: []string{"linux/amd64", "linux/arm64/v8"}, Attested: true,
		Config: v1.Config{Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, Cmd: []string{"python3"}}}
	return map[string]map[string]registrytest.Image{"library/python": {
		"3.12": same, "3.12.14": same, "3.13": {Docker: true, Platforms: []string{"linux/amd64", "linux/arm/v7"}}, "single": {},
	}}
}

func ref(t *testing.T, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// store is a Registry in which reg is Docker Hub; nothing is kept on disk unless
// o says so.
func store(t *testing.T, reg *registrytest.Registry, o registry.Options) *registry.Registry {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("REGISTRY_AUTH_FILE", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var err error
	if o.Mirrors, err = registry.ParseMirrors(reg.Mirrors()); err != nil {
		t.Fatal(err)
	}
	return registry.New(context.Background(), o)
}

func TestResolve(t *testing.T) {
	reg := registrytest.Start(t, python())
	s := store(t, reg, registry.Options{})
	a, err := s.Resolve(ref(t, "python:3.12"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Resolve(ref(t, "docker.io/library/python:3.12.14"))
	if err != nil {
		t.Fatal(err)
	}
	if want := reg.Digest("library/python", "3.12"); a.Digest != want || b.Digest != want || !a.Index {
		t.Errorf("3.12 is %v, 3.12.14 is %v, the registry says %s", a, b, want)
	}
	if got := reg.Requests(); len(got) != 2 || got[0] != "HEAD /v2/library/python/manifests/3.12" {
		t.Errorf("asked %q", got)
	}
	d, err := s.Describe(ref(t, "python:3.12"), "linux/arm64")
	t.Logf("%+v %v", d, err)
	p, err := s.Platforms(ref(t, "python:3.13"))
	t.Log(p, err)
	tags, err := s.Tags(ref(t, "python"))
	t.Log(tags, err)
	_, err = s.Resolve(ref(t, "python:2"))
	t.Log(err, errors.Is(err, images.ErrNotFound))
	_, err = s.Describe(ref(t, "python:3.12"), "linux/s390x")
	t.Log(err, errors.Is(err, images.ErrPlatform))
}
