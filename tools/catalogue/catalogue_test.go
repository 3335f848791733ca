package main

// The tool against a registry in this process that holds what the catalogue
// says, and against ones that differ from it in one thing each.

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

type contents = map[string]map[string]registrytest.Image

// path is where a registry has a repository of the catalogue.
func path(name string) string {
	if strings.HasPrefix(name, "gcr.io/") {
		return strings.TrimPrefix(name, "gcr.io/")
	}
	if !strings.Contains(name, "/") {
		return "library/" + name
	}
	return name
}

// faithful is what a registry holds where the catalogue is right.
func faithful(t *testing.T, names ...string) contents {
	t.Helper()
	out := contents{}
	for _, name := range names {
		repo, err := images.ParseRef(name)
		if err != nil {
			t.Fatal(err)
		}
		out[path(name)] = map[string]registrytest.Image{}
		for _, tags := range images.Listed(name) {
			img, ok := images.Catalogue().Image(repo.WithTag(tags[0]))
			if !ok {
				t.Fatal(tags)
			}
			c := v1.Config{User: img.User, WorkingDir: img.Workdir, Entrypoint: img.Entrypoint, Cmd: img.Cmd, StopSignal: img.StopSignal}
			for _, k := range slices.Sorted(maps.Keys(img.Env)) {
				c.Env = append(c.Env, k+"="+img.Env[k])
			}
			c.Env = append(c.Env, "PATH="+img.EnvPath)
			for _, p := range img.Expose {
				if c.ExposedPorts == nil {
					c.ExposedPorts = map[string]struct{}{}
				}
				if !strings.Contains(p, "/") {
					p += "/tcp"
				}
				c.ExposedPorts[p] = struct{}{}
			}
			for _, v := range img.Volumes {
				if c.Volumes == nil {
					c.Volumes = map[string]struct{}{}
				}
				c.Volumes[v] = struct{}{}
			}
			for _, tag := range tags {
				out[path(name)][tag] = registrytest.Image{Content: name + tags[0], Config: c, Platforms: []string{"linux/amd64", "linux/arm64"}}
			}
		}
	}
	return out
}

// sized gives images the size that the catalogue tells, as the registry's hold
// no layers to speak of, times factor.
type sized struct {
	images.Store
	factor float64
}

func (s sized) Describe(ref images.Ref, platform string) (images.Description, error) {
	d, err := s.Store.Describe(ref, platform)
	if img, ok := images.Catalogue().Image(ref); ok && err == nil && img.Size > 0 {
		d.Size = int64(float64(img.Size) * s.factor)
	}
	return d, err
}

func audited(t *testing.T, reg *registrytest.Registry, factor float64, sample int, names ...string) (string, int) {
	t.Helper()
	mirrors, err := registry.ParseMirrors(reg.Mirrors("docker.io", "gcr.io"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := check(sized{registry.New(context.Background(), registry.Options{Mirrors: mirrors, Backoff: 1}), factor}, names, sample, &out)
	return out.String(), code
}

func TestCatalogueThatHolds(t *testing.T) {
	names := []string{"python", "nginx", "docker/dockerfile", "gcr.io/distroless/static-debian13"}
	reg := registrytest.Start(t, faithful(t, names...))
	for _, factor := range []float64{1, 0.75, 1.25} {
		if out, code := audited(t, reg, factor, 0, names...); code != 0 || !strings.Contains(out, "holds; 4 of 4 repositories") {
			t.Errorf("factor %v: %d\n%s", factor, code, out)
		}
	}
	// A sample asks for less.
	reg.Reset()
	if out, code := audited(t, reg, 1, 1, names...); code != 0 {
		t.Errorf("%d\n%s", code, out)
	}
	if n := reg.Count("GET /v2/library/python/manifests/"); n == 0 || n > 4 {
		t.Errorf("%d manifests of python read for a sample of one", n)
	}
}

func TestWhatIsWrongIsTold(t *testing.T) {
	tagsOf := func(c contents, name string) map[string]registrytest.Image { return c[path(name)] }
	for name, x := range map[string]struct {
		change func(contents)
		factor float64
		code   int
		want   string
	}{
		"a tag is gone": {func(c contents) { delete(tagsOf(c, "python"), "3.12-slim") }, 1, 1, "python:3.12-slim is listed and doesn't exist"},
		"two images": {func(c contents) {
			i := tagsOf(c, "python")["3.12.14-trixie"]
			i.Content = "another"
			tagsOf(c, "python")["3.12.14-trixie"] = i
		}, 1, 1, "3.12.14 and 3.12.14-trixie are said to be one image"},
		"a patch has come": {func(c contents) {
			i := tagsOf(c, "python")["3.12"]
			i.Content = "3.12.15"
			tagsOf(c, "python")["3.12"] = i
		}, 1, 0, "3.12 is no longer 3.12.14"},
		"a new line": {func(c contents) { tagsOf(c, "python")["3.16"] = registrytest.Image{} }, 1, 0, "3.16"},
		"a line gone": {func(c contents) {
			maps.DeleteFunc(tagsOf(c, "python"), func(t string, _ registrytest.Image) bool { return strings.HasPrefix(t, "3.11") })
		}, 1, 1, "line 3.11 is said to be supported and has no tag"},
		"the command": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.Cmd = []string{"bash"} })
		}, 1, 1, `command is ["bash"], not ["python3"]`},
		"the user": {func(c contents) { all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.User = "app" }) }, 1, 1, "user is app, not none"},
		"root spelt": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.User, i.Config.WorkingDir = "root", "/" })
		}, 1, 0, "holds"},
		"entry point": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.Entrypoint = []string{"/e"} })
		}, 1, 1, `entry point is ["/e"], not none`},
		"folder": {func(c contents) { all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.WorkingDir = "/w" }) }, 1, 1, "working directory is /w, not none"},
		"PATH": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.Env = []string{"PATH=/bin"} })
		}, 1, 1, "PATH is /bin, not /usr/local/bin:"},
		"a variable": {func(c contents) { all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.Env = nil }) }, 1, 1, "PYTHON_VERSION is none, not 3."},
		"ports and volumes": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) {
				i.Config.ExposedPorts, i.Config.Volumes = map[string]struct{}{"80/tcp": {}, "53/udp": {}}, map[string]struct{}{"/data": {}}
			})
		}, 1, 1, "ports is 53/udp 80, not none"},
		"stop signal": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.StopSignal = "SIGINT" })
		}, 1, 1, "stop signal is SIGINT, not none"},
		"onbuild": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Config.OnBuild = []string{"COPY . ."} })
		}, 1, 1, "ONBUILD is"},
		"platform": {func(c contents) {
			all(tagsOf(c, "python"), func(i *registrytest.Image) { i.Platforms, i.Index = []string{"linux/s390x"}, true })
		}, 1, 1, "isn't there for linux/amd64"},
		"size":               {func(contents) {}, 1.4, 1, "compressed size is 581.0 MB, not about 415.0 MB"},
		"no such repository": {func(c contents) { delete(c, path("python")) }, 1, 1, "python: "},
	} {
		t.Run(name, func(t *testing.T) {
			c := faithful(t, "python")
			x.change(c)
			out, code := audited(t, registrytest.Start(t, c), x.factor, 0, "python")
			if code != x.code || !strings.Contains(out, x.want) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, x.code, x.want, out)
			}
		})
	}
}

func all(tags map[string]registrytest.Image, change func(*registrytest.Image)) {
	for t, i := range tags {
		change(&i)
		tags[t] = i
	}
}

func TestNothingReached(t *testing.T) {
	reg := registrytest.Start(t, contents{})
	reg.Stop()
	out, code := audited(t, reg, 1, 1, "python", "node")
	if code != exitNothing || !strings.Contains(out, "nothing could be asked: ") || strings.Count(out, "not asked: ") != 2 {
		t.Errorf("%d\n%s", code, out)
	}
}

// A registry that stops answering half-way doesn't make the catalogue wrong.
func TestPartlyReached(t *testing.T) {
	reg := registrytest.Start(t, faithful(t, "python"), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	}))
	out, code := audited(t, reg, 1, 1, "python")
	if code != 0 || !strings.Contains(out, "asked in part: ") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestUsage(t *testing.T) {
	t.Setenv("DRYDOCK_CACHE", "off")
	for _, args := range [][]string{{"-nope"}, {"-sample", "-1"}, {"nothing/such"}, {"-sample", "x"}} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), args, &out, &errs); code != exitUsage || out.Len() > 0 {
			t.Errorf("%q: %d %s", args, code, out.String())
		}
	}
	t.Setenv("DRYDOCK_MIRRORS", "nonsense")
	if code := run(context.Background(), nil, &bytes.Buffer{}, &bytes.Buffer{}); code != exitUsage {
		t.Error(code)
	}
}
