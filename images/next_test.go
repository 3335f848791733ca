package images

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var levels = []Level{LevelDigest, LevelPatch, LevelMinor, LevelMajor}

// Where the catalogue lets each level go: digest, patch, minor, major.
func TestNext(t *testing.T) {
	for in, want := range map[string]string{
		"python:3.12.3":               "- 3.12.14 3.14.7 3.14.7",
		"python:3.12":                 "- - 3.14 3.14",
		"python:3.12.3-slim-bookworm": "- 3.12.14-slim-bookworm 3.14.7-slim-bookworm 3.14.7-slim-bookworm",
		"python:3.8-slim":             "- - 3.14-slim 3.14-slim",
		"python:3.8.1-alpine3.11":     "- - 3.14.7-alpine3.24 3.14.7-alpine3.24",
		"python:2.7":                  "- - - 3.14",
		"python:3.14.7":               "- - - -",
		"python":                      "- - - -",
		"python:3":                    "- - - -",
		"python:3.15.0rc1":            "- - - -",
		"node:16":                     "- - - 24",
		"node:16-alpine":              "- - - 24-alpine",
		"node:20.1.0":                 "- - - 24.19.0",
		"node:22.1.0-bookworm-slim":   "- 22.23.2-bookworm-slim 22.23.2-bookworm-slim 24.19.0-bookworm-slim",
		"node:26":                     "- - - -",
		"golang:1.20-alpine3.18":      "- - 1.27-alpine3.24 1.27-alpine3.24",
		"golang:1.26":                 "- - 1.27 1.27",
		"ubuntu:20.04":                "- - - 26.04",
		"ubuntu:22.10":                "- - - 26.04",
		"ubuntu:noble":                "- - - resolute",
		"debian:12-slim":              "- - - 13-slim",
		"debian:bookworm":             "- - - trixie",
		"debian:buster-slim":          "- - - trixie-slim",
		"debian:trixie-20240101-slim": "- trixie-20260803-slim trixie-20260803-slim trixie-20260803-slim",
		"alpine:3.18":                 "- - 3.24 3.24",
		"alpine:3.18.4":               "- - 3.24.1 3.24.1",
		"postgres:13":                 "- - - 18",
		"postgres:9.6":                "- - - 18",
		"mysql:5.7":                   "- - - 9.7",
		"openjdk:17":                  "- - - -",
		"traefik:v2.10":               "- - - v3.7",
		"scratch":                     "- - - -",
		"gcr.io/distroless/static":    "- - - -",
		"user/app:1.2":                "- - - -",
	} {
		var got []string
		for _, l := range levels {
			p, ok := Catalogue().Next(ref(t, in), Want{}, l)
			switch {
			case !ok:
				got = append(got, "-")
				if p.Why == "" {
					t.Errorf("%s: no reason", in)
				}
				continue
			case p.Why == "" || p.Source == "":
				t.Errorf("%s: %+v", in, p)
			}
			got = append(got, p.Ref.Tag)
			if again, ok := Catalogue().Next(p.Ref, Want{}, l); ok {
				t.Errorf("%s: %s moves again, to %s", in, p.Ref, again.Ref)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", in, s, want)
		}
	}
}

func TestNextReasons(t *testing.T) {
	for _, c := range []struct {
		in    string
		level Level
		want  Want
		day   string
		why   string
	}{
		{"python:3.8", LevelMinor, Want{}, Date, "line 3.8 of python reached its end of life on 2024-10-07; 3.14 is the newest line of 3, supported until 2030-10-31"},
		{"python:3.8", LevelPatch, Want{}, Date, "line 3.8 of python has reached its end of life on 2024-10-07; --level major leaves it"},
		{"python:3.12.3", LevelPatch, Want{}, Date, "3.12.14 is the newest patch of 3.12 (docker-library/official-images, 2026-08-21)"},
		{"python:3.10", LevelMinor, Want{}, "2026-11-28", "line 3.10 of python reached its end of life on 2026-10-31; 3.14 is the newest line of 3, supported until 2030-10-31"},
		{"python:3.11", LevelMajor, Want{Version: "3.11", Source: ".python-version"}, Date, "3.14 is newer, but not what the project asks for (.python-version: 3.11)"},
		{"node:20", LevelMajor, Want{}, Date, "line 20 of node reached its end of life on 2026-04-30; 24 is the newest line of long-term support, supported until 2028-04-30"},
		{"python:3.12", LevelPatch, Want{}, Date, "tag 3.12 takes the patches of its line by itself"},
		{"python", LevelMajor, Want{}, Date, "tag latest moves by itself"},
		{"openjdk:17", LevelMajor, Want{}, Date, "openjdk was given up on 2022-07-29 (docker-library/official-images): use eclipse-temurin"},
	} {
		p, _ := CatalogueOn(c.day).Next(ref(t, c.in), c.want, c.level)
		if p.Why != c.why {
			t.Errorf("%s, level %d: %s\nwant %s", c.in, c.level, p.Why, c.why)
		}
	}
	p, _ := Catalogue().Next(ref(t, "python:3.9"), Want{Constraint: ">=3.9,<3.13", Source: "pyproject.toml"}, LevelMajor)
	if p.Ref.Tag != "3.12" || !strings.Contains(p.Why, "3.12 is the newest line that the project allows") {
		t.Errorf("%+v", p)
	}
}

func TestLiveNext(t *testing.T) {
	sum := func(c byte) string { return "sha256:" + strings.Repeat(string(c), 64) }
	h := hub()
	h.tags["python"]["3.12"], h.tags["python"]["3.15.0"] = sum('a'), sum('b')
	for in, want := range map[string]string{
		"python:3.12.3":                            "- python:3.12.14 python:3.15.0 python:3.15.0",
		"python:3.12@" + sum('a'):                  "- - python:3.15@d315 python:3.15@d315",
		"python:3.12@" + sum('c'):                  "python:3.12@" + sum('a') + " python:3.12@" + sum('a') + " python:3.15@d315 python:3.15@d315",
		"python:3.12.3@" + sum('c'):                "python:3.12.3@old python:3.12.14@d312 python:3.15.0@" + sum('b') + " python:3.15.0@" + sum('b'),
		"python@" + sum('a'):                       "- - - -",
		"python:latest@" + sum('a'):                "python:latest@d315 python:latest@d315 python:latest@d315 python:latest@d315",
		"reg.example:5000/team/base:1.9.0":         "- - - reg.example:5000/team/base:2.4.1",
		"reg.example:5000/team/base:2.3.0":         "- - reg.example:5000/team/base:2.4.1 reg.example:5000/team/base:2.4.1",
		"reg.example:5000/nowhere:1.0@" + sum('a'): "- - - -",
	} {
		var got []string
		for _, l := range levels {
			p, ok := Live(h, Date).Next(Ref{}, Want{}, l)
			if ok || p.Why == "" {
				t.Fatalf("empty reference: %+v", p)
			}
			if p, ok = Live(h, Date).Next(ref(t, in), Want{}, l); !ok {
				got = append(got, "-")
				if p.Why == "" {
					t.Errorf("%s: no reason", in)
				}
				continue
			}
			got = append(got, p.Ref.String())
			if p.Why == "" {
				t.Errorf("%s: %+v", in, p)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", in, s, want)
		}
	}
}

func TestNextWithoutNetwork(t *testing.T) {
	h := hub()
	h.down = fmt.Errorf("docker.io: %w", ErrUnreachable)
	s := Live(h, Date)
	if p, ok := s.Next(ref(t, "python:3.12.3"), Want{}, LevelPatch); !ok || p.Ref.Tag != "3.12.14" || len(s.Notes()) != 1 {
		t.Errorf("%+v %q", p, s.Notes())
	}
	for _, l := range levels {
		if p, ok := s.Next(ref(t, "python:3.12.3@sha256:"+strings.Repeat("a", 64)), Want{}, l); ok || !strings.Contains(p.Why, ErrUnreachable.Error()) {
			t.Errorf("%+v", p)
		}
	}
	if _, err := s.Digest(ref(t, "python"), nil); !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}

func TestNextDistroless(t *testing.T) {
	for in, want := range map[string]string{
		"gcr.io/distroless/static-debian11:nonroot": "gcr.io/distroless/static-debian13:nonroot",
		"gcr.io/distroless/cc-debian12":             "gcr.io/distroless/cc-debian13",
		"gcr.io/distroless/nodejs22-debian12:debug": "gcr.io/distroless/nodejs22-debian13:debug",
		"gcr.io/distroless/nodejs20-debian12":       "", // not published for a newer one
		"gcr.io/distroless/static-debian13":         "",
		"gcr.io/distroless/python3":                 "",
	} {
		h := hub()
		for _, src := range []Source{Catalogue(), Live(h, Date)} {
			p, ok := src.Next(ref(t, in), Want{}, LevelMajor)
			if p.Ref.String() != want || ok != (want != "") || p.Why == "" {
				t.Errorf("%s: %v %+v", in, ok, p)
			}
			if p, ok := src.Next(ref(t, in), Want{}, LevelMinor); ok || p.Why == "" {
				t.Errorf("%s: %v %+v", in, ok, p)
			}
		}
	}
	h := hub()
	h.tags["gcr.io/distroless/static-debian13"] = map[string]string{"nonroot": "new"}
	if p, ok := Live(h, Date).Next(ref(t, "gcr.io/distroless/static-debian12:nonroot@sha256:"+strings.Repeat("a", 64)), Want{}, LevelMajor); !ok || p.Ref.String() != "gcr.io/distroless/static-debian13:nonroot@new" {
		t.Errorf("%v %+v", ok, p)
	}
}
