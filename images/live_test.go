package images

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// fakeStore holds tags by repository: tag to digest. Digests are short words
// here. It counts what is asked.
type fakeStore struct {
	tags      map[string]map[string]string
	platforms []string
	describe  Description
	down      error
	asked     int
}

func (f *fakeStore) Name() string { return "registry" }

func (f *fakeStore) Resolve(ref Ref) (Descriptor, error) {
	f.asked++
	if f.down != nil {
		return Descriptor{}, f.down
	}
	d, ok := f.tags[ref.Repository()][orElse(ref.Tag, "latest")]
	if !ok {
		return Descriptor{}, fmt.Errorf("%s: %w", ref, ErrNotFound)
	}
	return Descriptor{Digest: d, Index: true}, nil
}

func (f *fakeStore) Tags(ref Ref) ([]string, error) {
	f.asked++
	if f.down != nil {
		return nil, f.down
	}
	return slices.Sorted(maps.Keys(f.tags[ref.Repository()])), nil
}

func (f *fakeStore) Platforms(Ref) ([]string, error) { return f.platforms, f.down }

func (f *fakeStore) Describe(Ref, string) (Description, error) { return f.describe, f.down }

// hub is what a registry might hold some months after the catalogue.
func hub() *fakeStore {
	tags := map[string]map[string]string{}
	add := func(repository, digest string, names ...string) {
		if tags[repository] == nil {
			tags[repository] = map[string]string{}
		}
		for _, n := range names {
			tags[repository][n] = digest
		}
	}
	add("python", "d315", "latest", "3", "3.15", "3.15.0", "trixie", "3.15.0-trixie", "3.15-trixie", "3-trixie")
	add("python", "s315", "slim", "3-slim", "3.15-slim", "3.15.0-slim", "slim-trixie", "3.15.0-slim-trixie")
	add("python", "b315", "bookworm", "3.15-bookworm", "3.15.0-bookworm")
	add("python", "a315", "alpine", "3.15-alpine", "3.15.0-alpine", "3.15.0-alpine3.24", "alpine3.24")
	add("python", "d314", "3.14", "3.14.9", "3.14.9-trixie", "3.14-trixie")
	add("python", "s314", "3.14-slim", "3.14.9-slim", "3.14.9-slim-trixie")
	add("python", "s314b", "3.14.9-slim-bookworm")
	add("python", "d312", "3.12", "3.12.14", "3.12.14-trixie")
	add("python", "rc", "3.16-rc", "3.16.0a1", "rc")
	add("python", "old", "3.12.3", "3.8", "3.8.20")
	add("node", "n26", "latest", "26", "26.9.0", "26.9.0-trixie", "current")
	add("node", "n24", "lts", "24", "24.20.1", "24.20.1-bookworm", "krypton", "lts-krypton")
	add("node", "n20", "20", "20.20.2")
	add("debian", "trixie", "latest", "13", "13.7", "trixie", "trixie-20261101")
	add("debian", "stable", "stable", "stable-20261101")
	add("ubuntu", "u26", "latest", "26.04", "resolute", "resolute-20261101")
	add("ubuntu", "u2610", "rolling", "26.10", "stonking")
	add("traefik", "t38", "latest", "v3.8", "v3.8.1", "3.8", "3.8.1", "v3")
	add("reg.example:5000/team/base", "b2", "latest", "2.4.1", "2.4", "2")
	add("reg.example:5000/team/base", "b1", "1.9.0", "2.3.0", "2.5.0-rc1", "20260101", "deadbeef")
	add("reg.example:5000/team/odd", "o", "latest", "main")
	return &fakeStore{tags: tags, platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v7"}}
}

func TestLivePin(t *testing.T) {
	for in, want := range map[string][2]string{ // most precise, release line
		"python":                            {"python:3.15.0-trixie", "python:3.15"},
		"python:latest":                     {"python:3.15.0-trixie", "python:3.15"},
		"docker.io/library/python:3":        {"docker.io/library/python:3.15.0-trixie", "docker.io/library/python:3.15"},
		"python:slim":                       {"python:3.15.0-slim-trixie", "python:3.15-slim"},
		"python:bookworm":                   {"python:3.15.0-bookworm", "python:3.15-bookworm"},
		"python:alpine":                     {"python:3.15.0-alpine3.24", "python:3.15-alpine"},
		"node":                              {"node:26.9.0-trixie", "node:26"},
		"node:lts":                          {"node:24.20.1-bookworm", "node:24"},
		"node:current":                      {"node:26.9.0-trixie", "node:26"},
		"debian":                            {"debian:13.7", "debian:trixie"},
		"ubuntu":                            {"ubuntu:26.04", "ubuntu:26.04"},
		"ubuntu:rolling":                    {"ubuntu:26.10", "ubuntu:26.10"},
		"traefik":                           {"traefik:v3.8.1", "traefik:v3.8"},
		"reg.example:5000/team/base":        {"reg.example:5000/team/base:2.4.1", "reg.example:5000/team/base:2.4"},
		"reg.example:5000/team/base:latest": {"reg.example:5000/team/base:2.4.1", "reg.example:5000/team/base:2.4"},
	} {
		for i, to := range []Precision{MostPrecise, ReleaseLine} {
			h := hub()
			p, ok := Live(h, Date).Pin(ref(t, in), Want{}, to)
			if got := p.Ref.String(); got != want[i] || ok != (want[i] != "") || ok && !p.Proven {
				t.Errorf("%s, precision %d: %v %s (%s), want %s", in, to, ok, got, p.Why, want[i])
			}
			if h.asked > maxProofs+2 {
				t.Errorf("%s: asked %d times", in, h.asked)
			}
			if again, ok := Live(h, Date).Pin(p.Ref, Want{}, to); ok {
				t.Errorf("%s: pinned again, to %s", p.Ref, again.Ref)
			}
		}
	}
}

// debian:stable is an image of its own; private repositories may have no tag
// with a version.
func TestLivePinUnproven(t *testing.T) {
	h := hub()
	if p, ok := Live(h, Date).Pin(ref(t, "debian:stable"), Want{}, MostPrecise); !ok || p.Proven || p.Ref.String() != "debian:trixie" {
		t.Errorf("%v %+v", ok, p)
	}
	if p, ok := Live(h, Date).Pin(ref(t, "reg.example:5000/team/odd"), Want{}, MostPrecise); ok || !strings.Contains(p.Why, "no tag with a version") {
		t.Errorf("%v %+v", ok, p)
	}
	// The catalogue's line must be there.
	delete(h.tags["debian"], "trixie")
	if p, ok := Live(h, Date).Pin(ref(t, "debian:stable"), Want{}, MostPrecise); ok || !strings.Contains(p.Why, "no such image") {
		t.Errorf("%v %+v", ok, p)
	}
	// A registry that lacks what everybody has is a mirror of a few images.
	s := Live(h, Date)
	if p, ok := s.Pin(ref(t, "public.ecr.aws/docker/library/node"), Want{}, MostPrecise); !ok || p.Proven || p.Ref.Tag != "26" || len(s.Notes()) != 1 {
		t.Errorf("%v %+v %q", ok, p, s.Notes())
	}
	if p, ok := Live(h, Date).Pin(ref(t, "python:nonsense"), Want{}, MostPrecise); ok {
		t.Errorf("%+v", p)
	}
}

func TestLivePinWanted(t *testing.T) {
	for _, c := range []struct {
		in, version, constraint, want string
		proven                        bool
	}{
		{"python", "", ">=3.9", "python:3.15.0-trixie", true},
		{"python", "3.12", "", "python:3.12", false},
		{"python:slim", "", ">=3.10,<3.15", "python:3.14-slim", false},
		{"python", "", ">=4", "", false},
		{"node", "24", "", "node:24", false},
	} {
		p, ok := Live(hub(), Date).Pin(ref(t, c.in), Want{c.version, c.constraint, "manifest:1"}, MostPrecise)
		if p.Ref.String() != c.want || ok != (c.want != "") || p.Proven != c.proven {
			t.Errorf("%s for %s%s: %v %+v", c.in, c.version, c.constraint, ok, p)
		}
	}
}

func TestLivePinFailures(t *testing.T) {
	for _, err := range []error{ErrOffline, ErrUnreachable, ErrUnauthorized, ErrRateLimited, ErrInvalid} {
		h := hub()
		h.down = fmt.Errorf("docker.io: %w", err)
		s := Live(h, Date)
		p, ok := s.Pin(ref(t, "python"), Want{}, MostPrecise)
		if !ok || p.Proven || p.Ref.String() != "python:3.14" || len(s.Notes()) != 1 || !strings.Contains(s.Notes()[0], "catalogue of 2026-08-21") {
			t.Errorf("%v: %v %+v, %q", err, ok, p, s.Notes())
		}
		if p, ok := s.Pin(ref(t, "reg.example:5000/team/base"), Want{}, MostPrecise); ok || p.Why == "" {
			t.Errorf("%v: %v %+v", err, ok, p)
		}
		if n := len(s.Notes()); n != 1 {
			t.Errorf("%d notes", n)
		}
	}
	h := hub()
	for _, in := range []string{"python:3.12", "python:3.12.3-slim", "scratch", "python@" + digest, "python:3@" + digest, "python:$V", "gcr.io/distroless/static"} {
		if p, ok := Live(h, Date).Pin(ref(t, in), Want{}, MostPrecise); ok {
			t.Errorf("%s: %+v", in, p)
		}
	}
	if h.asked > 0 {
		t.Errorf("asked %d times about what needs no answer", h.asked)
	}
}

func TestLiveDigest(t *testing.T) {
	s := Live(hub(), Date)
	if d, err := s.Digest(ref(t, "python:3.14"), []string{"linux/amd64", "linux/arm64", "linux/arm"}); err != nil || d != "d314" {
		t.Error(d, err)
	}
	if _, err := s.Digest(ref(t, "python:3.14"), []string{"linux/s390x"}); !errors.Is(err, ErrPlatform) || !strings.Contains(err.Error(), "linux/s390x isn't among linux/amd64, linux/arm64/v8, linux/arm/v7") {
		t.Error(err)
	}
	if _, err := s.Digest(ref(t, "python:2"), nil); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := Catalogue().Digest(ref(t, "python"), nil); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
}

func TestLiveImage(t *testing.T) {
	h := hub()
	h.describe = Description{Descriptor: Descriptor{Digest: "d"}, Platform: "linux/amd64", Size: 42, Created: "2026-11-01", User: "0", Workdir: "/srv",
		Entrypoint: []string{"/start"}, Env: []string{"PATH=/x:/bin", "A=b=c"}, Expose: []string{"80"}}
	plain, _ := Live(h, Date).Image(ref(t, "python:3.12"))
	if plain.Size == 42 || plain.Source == "registry" {
		t.Errorf("facts without being asked for: %+v", plain)
	}
	img, ok := Live(h, Date).WithFacts().Image(ref(t, "python:3.12"))
	if !ok || img.Size != 42 || img.User != "" || img.Workdir != "/srv" || img.EnvPath != "/x:/bin" || img.Env["A"] != "b=c" || img.Cmd != nil || img.Libc != "glibc" || len(img.Platforms) != 3 {
		t.Errorf("%+v", img)
	}
	if img, ok := Live(h, Date).WithFacts().Image(ref(t, "reg.example:5000/team/base:2")); !ok || img.Entrypoint[0] != "/start" || img.Libc != "" || img.PackageManager != "" {
		t.Errorf("%+v", img)
	}
	h.down = ErrUnreachable
	s := Live(h, Date).WithFacts()
	if img, ok := s.Image(ref(t, "python:3.12")); !ok || img.Cmd == nil || len(s.Notes()) != 1 {
		t.Errorf("%+v %q", img, s.Notes())
	}
}

func TestLiveSlim(t *testing.T) {
	s := Live(hub(), Date)
	for in, want := range map[string]string{
		"python:3.15.0-trixie": "python:3.15.0-slim-trixie",
		"python:3.14":          "python:3.14-slim",
		"python:3.15.0":        "", // which release it stands on isn't written
	} {
		if got, why, ok := s.Slim(ref(t, in)); got.String() != want || ok != (want != "") {
			t.Errorf("%s: %s %q", in, got, why)
		}
	}
}

type offlineStore struct{ *fakeStore }

func (offlineStore) Offline() bool { return true }

func TestProves(t *testing.T) {
	for _, c := range []struct {
		src  Source
		want bool
	}{{Catalogue(), false}, {Live(hub(), Date), true}, {Live(offlineStore{hub()}, Date), false}} {
		if got := Proves(c.src); got != c.want {
			t.Errorf("%T: %v", c.src, got)
		}
	}
}

// Of several stores the first that has the image answers.
func TestFirst(t *testing.T) {
	near, far := &fakeStore{tags: map[string]map[string]string{"python": {"latest": "mine", "3.14.7": "mine"}}}, hub()
	s := Live(First(near, far), Date)
	if p, ok := s.Pin(ref(t, "python"), Want{}, MostPrecise); !ok || p.Ref.Tag != "3.14.7" || !p.Proven {
		t.Errorf("%+v", p)
	}
	if d, err := s.Digest(ref(t, "node:24"), nil); err != nil || d != "n24" {
		t.Error(d, err)
	}
	far.down = ErrOffline
	if p, ok := s.Pin(ref(t, "node"), Want{}, MostPrecise); !ok || p.Proven || p.Ref.Tag != "26" || len(s.Notes()) != 1 {
		t.Errorf("%+v %q", p, s.Notes())
	}
}
