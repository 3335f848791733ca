package images

// Next over tags of 500 odd forms: what it may never do is told here by rules
// that share no code with it.

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	oddVersions = rapid.OneOf(
		rapid.StringMatching(`v?[0-3]\.[0-9]{1,2}(\.[0-9]{1,2})?`),
		rapid.StringMatching(`[0-9]{1,2}`),
		rapid.StringMatching(`20(19|2[0-6])\.(0[1-9]|1[0-2]|[1-9])(\.[0-9]{1,2})?`),
		rapid.StringMatching(`20(2[0-6])(0[1-9]|1[0-2])(0[1-9]|1[0-9])`),
		rapid.StringMatching(`[0-9]{1,2}\.[0-9]\.[0-9](_|-|\.)([0-9]|build[0-9]|b[0-9]{2})`),
		rapid.StringMatching(`[0-9]\.[0-9]{1,2}\.[0-9](rc|a|b|beta|\.dev|\.Final|-M)[0-9]`),
		rapid.StringMatching(`8u[0-9]{1,3}(-b0[0-9])?`),
		rapid.StringMatching(`[0-9a-f]{7,12}`),
		rapid.StringMatching(`[0-9]{30,128}`),
		rapid.StringMatching(`0{1,3}[0-9]\.0[0-9]\.00[0-9]`),
		rapid.SampledFrom([]string{"latest", "edge", "main", "nightly", "stable", "lts", "V1.2.3", "RELEASE.2024-01-01T00-00-00Z", "bookworm", "trixie", "bullseye", "amd64", "1", "1.2", "1.2.3"}),
	)
	oddSuffixes = rapid.OneOf(
		rapid.Just(""), rapid.Just(""), rapid.Just(""),
		rapid.SampledFrom([]string{"-slim", "-alpine", "-alpine3.18", "-alpine3.22", "-alpine3.24", "-bookworm", "-trixie", "-bullseye", "-buster", "-slim-bookworm", "-slim-trixie",
			"-slim-bullseye", "-bookworm-slim", "-fpm", "-fpm-alpine", "-jre", "-jdk", "-jre-jammy", "-jre-noble", "-amd64", "-arm64v8", "-windowsservercore-ltsc2022", "-rc1", "-RC.2", "-beta",
			"-alpha.1", "-SNAPSHOT", "-nightly-20240101", "-dev", "-pre", "-4", "-20240131", "-1a2b3c4", "-cli", "-ubi9", "-r3", "-debug", "-m2"}),
	)
	oddTag = rapid.Custom(func(t *rapid.T) string {
		return oddVersions.Draw(t, "version") + oddSuffixes.Draw(t, "suffix")
	})
	oddRepository = rapid.SampledFrom([]string{"reg.example/team/app", "python", "node", "alpine", "debian", "ubuntu", "golang", "eclipse-temurin", "php", "postgres", "traefik", "mcr.microsoft.com/dotnet/aspnet", "maven"})

	preWord   = regexp.MustCompile(`(?i)(^|[-._0-9])(rc|alpha|beta|snapshot|nightly|pre|preview|dev|ea|edge)([-._0-9]|$)|[0-9](a|b|rc)[0-9]`)
	anyNumber = regexp.MustCompile(`[0-9]+`)
	javaBuild = regexp.MustCompile(`(u[0-9]+)-(b[0-9])`)
	release   = regexp.MustCompile(`-(alpine[0-9.]+|buster|bullseye|bookworm|trixie|jammy|noble)`)
)

// numbersOf are the numbers of a tag's version: up to the first hyphen.
func numbersOf(tag string) (out []*big.Int) {
	version, _, _ := strings.Cut(javaBuild.ReplaceAllString(tag, "$1$2"), "-")
	for _, w := range anyNumber.FindAllString(version, -1) {
		n, _ := new(big.Int).SetString(w, 10)
		out = append(out, n)
	}
	return out
}

func older(a, b string) bool {
	x, y := numbersOf(a), numbersOf(b)
	for i := range min(len(x), len(y)) {
		if d := x[i].Cmp(y[i]); d != 0 {
			return d < 0
		}
	}
	return len(x) < len(y)
}

// variantOf is the suffix without releases of systems, of Alpine its name left.
func variantOf(tag string) string {
	_, suffix, ok := strings.Cut(javaBuild.ReplaceAllString(tag, "$1$2"), "-")
	if !ok {
		return ""
	}
	return release.ReplaceAllStringFunc("-"+suffix, func(w string) string {
		if strings.HasPrefix(w, "-alpine") {
			return "-alpine"
		}
		return ""
	})
}

func TestNextNeverHarms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		repository := oddRepository.Draw(t, "repository")
		tags := rapid.SliceOfNDistinct(oddTag, 2, 40, rapid.ID[string]).Draw(t, "tags")
		day := rapid.SampledFrom([]string{Date, "2026-11-28", "2027-06-01"}).Draw(t, "day")
		level := rapid.SampledFrom([]Level{LevelPatch, LevelMinor, LevelMajor}).Draw(t, "level")
		from := rapid.SampledFrom(tags).Draw(t, "from")
		r, err := ParseRef(repository + ":" + from)
		if err != nil {
			t.Skip(err)
		}
		store := &fakeStore{tags: map[string]map[string]string{r.Repository(): {}}}
		for i, tag := range tags {
			store.tags[r.Repository()][tag] = fmt.Sprint("digest", i)
		}
		src := Live(store, day)
		p, ok := src.Next(r, Want{}, level)
		if !ok {
			if p.Why == "" {
				t.Fatalf("%s: no reason", r)
			}
			return
		}
		to := p.Ref.Tag
		switch {
		case !slices.Contains(tags, to):
			t.Fatalf("%s: %s is no tag there", r, to)
		case preWord.MatchString(to):
			t.Fatalf("%s: %s is a pre-release", r, to)
		case numericStart(to) && !older(from, to):
			t.Fatalf("%s: %s is older", r, to)
		case variantOf(to) != variantOf(from):
			t.Fatalf("%s: %s is another variant", r, to)
		case numericStart(to) && strings.HasPrefix(to, "v") != strings.HasPrefix(from, "v"):
			t.Fatalf("%s: %s has lost or got a v", r, to)
		case numericStart(to) && len(numbersOf(to)) != len(numbersOf(from)) && familyOf(repository) == nil:
			t.Fatalf("%s: %s has another form", r, to)
		case level == LevelPatch && release.FindString(from) != release.FindString(to):
			t.Fatalf("%s: %s is another release", r, to)
		case level == LevelMinor && numericStart(to) && numbersOf(to)[0].Cmp(numbersOf(from)[0]) != 0:
			t.Fatalf("%s: %s has another first number", r, to)
		}
		if again, ok := src.Next(p.Ref, Want{}, level); ok {
			t.Fatalf("%s: goes to %s, and then to %s", r, to, again.Ref.Tag)
		}
		// More tags never lead to an older one, and the order of tags doesn't count.
		store.tags[r.Repository()][oddTag.Draw(t, "more")] = "more"
		if more, ok := src.Next(r, Want{}, level); !ok || numericStart(to) && older(more.Ref.Tag, to) {
			t.Fatalf("%s: goes to %s, with one tag more to %s (%v)", r, to, more.Ref.Tag, ok)
		}
		slices.Reverse(tags)
		f, tag, _ := movable(r)
		if back, _ := f.next(tag, Want{}, level, tags, day); back != to {
			t.Fatalf("%s: goes to %s, in another order to %s", r, to, back)
		}
	})
}

// What project and tags allow together.
func TestNextHolds(t *testing.T) {
	tags := strings.Fields(`3.2.2 3.2.4 3.2.9 3.3.1 3.4.5 3.4 3.3 3.2 3.2.2-slim-bookworm 3.2.9-slim-bookworm 3.4.5-slim-trixie 3.4.1-slim-bookworm 3.2.2-bullseye 3.3.1-bullseye 3.4.5-bullseye 3.4.4-trixie`)
	for _, c := range []struct {
		in    string
		want  Want
		level Level
		to    string // or the reason
	}{
		{"3.2.2", Want{Version: "3.2.2", Source: "Gemfile"}, LevelMajor, "3.4.5 is newer, but not what the project asks for (Gemfile: 3.2.2)"},
		{"3.2.2", Want{Version: "ruby-3.2.2", Source: ".ruby-version"}, LevelPatch, "3.2.9 is newer, but not what the project asks for (.ruby-version: ruby-3.2.2)"},
		{"3.2.4", Want{Version: "3.2.2", Source: "Gemfile"}, LevelPatch, "3.2.9"},
		{"3.2.2", Want{Version: "3.2"}, LevelMajor, "3.2.9"},
		{"3.2", Want{Version: "3.2.2"}, LevelMajor, "3.4 is newer, but not what the project asks for (3.2.2)"},
		{"3.2.2", Want{Constraint: "= 3.2.2"}, LevelMajor, "3.4.5 is newer, but not what the project asks for (= 3.2.2)"},
		{"3.2.2", Want{Constraint: "~> 3.2.2"}, LevelMajor, "3.2.9"},
		{"3.2.2", Want{Constraint: "~> 3.2, < 3.4"}, LevelMajor, "3.3.1"},
		{"3.2.2", Want{Constraint: "who knows"}, LevelMajor, "3.2.9"},
		{"3.2.2", Want{Version: "system"}, LevelMajor, "3.2.9"},
		{"3.2.2", Want{Version: "latest"}, LevelMajor, "3.4.5"},
		// The newest line counts first, then the release of the system.
		{"3.2.2-slim-bookworm", Want{}, LevelPatch, "3.2.9-slim-bookworm"},
		{"3.2.2-slim-bookworm", Want{}, LevelMinor, "3.4.1-slim-bookworm"},
		// Debian 11 has ended: tags on it stay in registries.
		{"3.2.2-bullseye", Want{}, LevelMinor, "3.4.4-trixie"},
	} {
		f := familyOf("ruby")
		to, why := f.next(c.in, c.want, c.level, tags, "2026-11-28")
		if got := orElse(to, why); got != c.to {
			t.Errorf("%s, %+v, level %d: %q (%s), want %q", c.in, c.want, c.level, to, why, c.to)
		}
	}
	for in, want := range map[string]string{ // in a repository of which nothing is known
		"1.2.3":          "nothing newer than 1.2.3 is known",
		"1.2.3-SNAPSHOT": "tag 1.2.3-SNAPSHOT is a pre-release",
		"1.2.3-rc.1":     "tag 1.2.3-rc.1 is a pre-release",
		"main":           "tag main holds no version",
		"V1.2.3":         "tag V1.2.3 holds no version",
		"20240131":       "tag 20240131 is a date or a number, no version",
		"1.2.3.Final":    "1.2.3.Final isn't a version of a form that can be compared",
		"4f2a9c1d":       "4f2a9c1d isn't a version of a form that can be compared",
		"latest":         "tag latest moves by itself",
		"1.2_1":          "nothing newer than 1.2_1 is known",
	} {
		_, why := unknownFamily("x").next(in, Want{}, LevelMajor, strings.Fields("1.2.3 1.2.3-SNAPSHOT 1.2.4-SNAPSHOT 20240131.1.1 2024.1.31 20240131 20240201 1.3.0-beta 1.3.0_1 1.3.1"), Date)
		if in == "1.2_1" || in == "1.2.3" {
			continue
		}
		if why != want {
			t.Errorf("%s: %s, want %s", in, why, want)
		}
	}
	// Long-term support, where no tag says it.
	for in, want := range map[string]string{"eclipse-temurin:21-jre": "25-jre", "eclipse-temurin:17-jre": "25-jre", "mcr.microsoft.com/dotnet/aspnet:8.0": "10.0"} {
		r := ref(t, in)
		f := familyOf(r.Repository())
		to, why := f.next(r.Tag, Want{}, LevelMajor, []string{"25-jre", "26-jre", "27-jre", "21-jre", "9.0", "10.0", "11.0"}, Date)
		if to != want {
			t.Errorf("%s: %q (%s), want %s", in, to, why, want)
		}
	}
}

// A hundred thousand tags are a matter of a second, not of minutes.
func TestManyTags(t *testing.T) {
	tags := map[string]string{"latest": "x"}
	for i := range 100_000 {
		tags[fmt.Sprintf("%d.%d.%d-build.%d", i%7, i%100, i, i)] = "y"
	}
	store := &fakeStore{tags: map[string]map[string]string{"reg.example/team/app": tags}, platforms: []string{"linux/amd64"}}
	start := time.Now()
	src := Live(store, Date)
	src.Pin(ref(t, "reg.example/team/app"), Want{}, MostPrecise)
	src.Next(ref(t, "reg.example/team/app:1.2.3"), Want{}, LevelMajor)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
