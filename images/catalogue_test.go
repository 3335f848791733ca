package images

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func day(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// Every entry has a source and valid dates, none later than the catalogue's
// but for ends of life to come.
func TestCatalogueEntries(t *testing.T) {
	for _, name := range repositories() {
		data, err := files.ReadFile(fileOf(name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseFamily(name, string(data))
		if err != nil {
			t.Error(err)
			continue
		}
		if n := strings.Count(string(data), "\n"); n > 400 {
			t.Errorf("%s: %d lines", name, n)
		}
		if f.source == "" || !day(f.date) || f.date > Date || f.depth == 0 || f.base == "" {
			t.Errorf("%s: source %q of %q, depth %d, base %q", name, f.source, f.date, f.depth, f.base)
		}
		if f.datesSource != "" && !day(f.datesDate) || f.retired != "" && !day(f.retired) {
			t.Errorf("%s: dates %q of %q, retired %q", name, f.datesSource, f.datesDate, f.retired)
		}
		dated := false
		for i, l := range f.lines {
			dated = dated || l.released != "" || l.eol != ""
			if l.released != "" && !day(l.released) || l.eol != "" && !day(l.eol) || l.released != "" && l.eol != "" && l.released > l.eol {
				t.Errorf("%s: line %s has dates %q and %q", name, l.name, l.released, l.eol)
			}
			if i > 0 && compare(f.lines[i-1].name, l.name) <= 0 {
				t.Errorf("%s: line %s stands after %s", name, l.name, f.lines[i-1].name)
			}
		}
		if dated && f.datesSource == "" {
			t.Errorf("%s: dates without a source", name)
		}
		for n, p := range f.past {
			if n == "" || p.seen != "" && (!day(p.seen) || p.seen > Date) {
				t.Errorf("%s: past of %q: last seen %q", name, n, p.seen)
			}
			for kind, steps := range p.steps {
				for _, s := range steps {
					if _, _, ok := releaseOf(s.release); s.release != "" && !ok {
						t.Errorf("%s: %s %s: unknown release %q", name, n, kind, s.release)
					}
				}
			}
		}
		for _, r := range f.rows {
			if r.gone != "" && (!day(r.gone) || r.gone > Date) {
				t.Errorf("%s: %+v", name, r)
			}
		}
		for tag := range f.byTag {
			if p := f.lex(tag); !p.known {
				t.Errorf("%s:%s isn't of the grammar: %+v", name, tag, p)
			}
			if _, err := ParseRef(name + ":" + tag); err != nil {
				t.Error(err)
			}
			img, ok := f.image(tag)
			if !ok || img.Source == "" || !day(img.Date) || img.Distro == "" || img.Distro != "none" && img.Distro != "busybox" && img.Libc == "" {
				t.Errorf("%s:%s: %v %+v", name, tag, ok, img)
			}
		}
	}
	if !day(Date) {
		t.Error(Date)
	}
}

func TestLines(t *testing.T) {
	for name, want := range map[string]string{
		"python":  "3.14 3.13 3.12 3.11 3.10",
		"node":    "26 24 22",
		"golang":  "1.27 1.26",
		"debian":  "13",
		"ubuntu":  "26.04 24.04 22.04",
		"alpine":  "3.24 3.23 3.22 3.21",
		"php":     "8.5 8.4 8.3 8.2",
		"openjdk": "",
		"centos":  "",
		"nothing": "",
	} {
		var got []string
		for _, l := range Lines(name) {
			got = append(got, l.Name)
			if l.EndOfLife != "" && l.EndOfLife <= Date || l.Released == "" || l.Tag == "" || l.Version == "" {
				t.Errorf("%s: %+v", name, l)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", name, s, want)
		}
	}
	if l := Lines("debian")[0]; fmt.Sprint(l) != "{13 trixie 13.6 2025-08-09 2028-08-09}" {
		t.Errorf("debian: %v", l)
	}
}

// The package serves many workers at once.
func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, s := range []string{"julia", "haskell:9", "perl:slim", "user/app"} {
				r, _ := ParseRef(s)
				Catalogue().Image(r)
				Catalogue().Pin(r, Want{}, MostPrecise)
				Catalogue().Slim(r)
			}
		})
	}
	wg.Wait()
}

func TestFileSizes(t *testing.T) {
	es, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if data, err := os.ReadFile(e.Name()); err == nil && strings.Count(string(data), "\n") > 400 {
			t.Errorf("%s has more than 400 lines", e.Name())
		}
	}
}

func TestBadStatements(t *testing.T) {
	for _, s := range []string{"nonsense", "source x", "line 1", "now 1 2", "depth x", "cmd [", "env X", "nonroot x", "repository other", "tags2 x"} {
		if _, err := parseFamily("x", "repository x\n"+s+"\n"); err == nil || !strings.HasPrefix(err.Error(), "catalogue/x.txt:2:1: ") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// The dates of endoflife.date's cycle 1.0 are those of 1.0, not of all that starts
// with 1.
func TestLinesHaveTheirOwnDates(t *testing.T) {
	for _, name := range repositories() {
		f := familyOf(name)
		seen := map[string]string{}
		for i := range f.lines {
			l := &f.lines[i]
			key := firstNumber(l.name) + " " + l.released + " " + l.eol
			if l.released == "" {
				continue
			}
			if other := seen[key]; other != "" {
				t.Errorf("%s: lines %s and %s have the same dates", name, other, l.name)
			}
			seen[key] = l.name
		}
	}
	if lt, _ := LifetimeOf(ref(t, "nginx:1.13"), Date); !lt.Ended || lt.EndOfLife != "" {
		t.Errorf("%+v", lt)
	}
}
