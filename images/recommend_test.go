package images

// Nothing that the catalogue recommends is past its end of life: on its own
// date, and on days up to two years later, when the file is old.

import (
	"testing"
	"time"
)

// laterDays are the catalogue's date and a day a month for two years.
func laterDays(t *testing.T) []string {
	start, err := time.Parse(time.DateOnly, Date)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for m := range 25 {
		out = append(out, start.AddDate(0, m, 0).Format(time.DateOnly))
	}
	return out
}

func TestLinesAreSupported(t *testing.T) {
	for _, name := range repositories() {
		for _, l := range Lines(name) {
			if l.EndOfLife != "" && l.EndOfLife <= Date {
				t.Errorf("%s: line %s ended on %s", name, l.Name, l.EndOfLife)
			}
		}
	}
}

func TestPinTakesSupportedLines(t *testing.T) {
	days := laterDays(t)
	pinned, declined := 0, 0
	for _, name := range repositories() {
		f := familyOf(name)
		for tag := range f.byTag {
			if p := f.lex(tag); f.precise(&p) {
				continue
			}
			r, err := ParseRef(name + ":" + tag)
			if err != nil {
				t.Fatal(err)
			}
			for _, day := range days {
				p, ok := CatalogueOn(day).Pin(r, Want{}, MostPrecise)
				if !ok {
					declined++
					if p.Why == "" {
						t.Errorf("%s on %s: declined without a reason", r, day)
					}
					continue
				}
				pinned++
				lt, known := LifetimeOf(p.Ref, day)
				img, ok := Catalogue().Image(p.Ref)
				if !known || lt.Ended || !ok || img.EndOfLife != "" && img.EndOfLife <= day {
					t.Errorf("%s on %s: pinned to %s, which ended on %q (%v)", r, day, p.Ref, lt.EndOfLife, known)
				}
			}
		}
	}
	if pinned < 10000 || declined < 1000 {
		t.Errorf("%d pins, %d declined: the test looks at nothing", pinned, declined)
	}
}

// Slim stays on the line, so it leads nobody to an older one.
func TestSlimKeepsTheLine(t *testing.T) {
	n := 0
	for _, name := range repositories() {
		f := familyOf(name)
		for tag := range f.byTag {
			r, err := ParseRef(name + ":" + tag)
			if err != nil {
				t.Fatal(err)
			}
			to, _, ok := Catalogue().Slim(r)
			if !ok {
				continue
			}
			n++
			a, _ := Catalogue().Image(r)
			b, known := Catalogue().Image(to)
			if !known || a.Line != b.Line || a.EndOfLife != b.EndOfLife {
				t.Errorf("%s: slim %s is of line %q, not %q", r, to, b.Line, a.Line)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d slim counterparts", n)
	}
}

func TestDistrolessIsKeptUp(t *testing.T) {
	for kind := range distrolessKinds {
		r, ok := Distroless(kind)
		if !ok {
			continue
		}
		for _, day := range laterDays(t) {
			if lt, known := LifetimeOf(r, day); known && lt.Ended {
				t.Errorf("%s: %s ended on %s", kind, r, lt.EndOfLife)
			}
		}
	}
}

// LifetimeOf's advice is supported on the day it is given.
func TestNextLinesAreSupported(t *testing.T) {
	n := 0
	for _, name := range repositories() {
		f := familyOf(name)
		for i := range f.lines {
			for _, day := range laterDays(t) {
				r := Ref{Path: name, Tag: f.lines[i].name}
				lt, ok := LifetimeOf(r, day)
				for _, tag := range []string{lt.Next, lt.Newest} {
					if !ok || tag == "" {
						continue
					}
					n++
					if to, known := LifetimeOf(r.WithTag(tag), day); !known || to.Ended {
						t.Errorf("%s on %s: %s is no supported line", r, day, tag)
					}
				}
			}
		}
	}
	if n < 1000 {
		t.Errorf("%d lines named", n)
	}
}

// The newest line of each repository is known in full.
func TestNewestLinesAreComplete(t *testing.T) {
	n := 0
	for _, name := range repositories() {
		f := familyOf(name)
		ls := Lines(name)
		if len(ls) == 0 {
			continue
		}
		tag := ls[0].Tag
		for i := 0; f.listed(tag) == nil; i++ { // rakudo-star:2026.06-bookworm
			for t, row := range f.byTag {
				if f.rows[row].line == ls[0].Name {
					tag = max(tag, t)
				}
			}
			if i > 0 {
				t.Fatalf("%s: no listed tag of line %s", name, ls[0].Name)
			}
		}
		n++
		img, ok := f.image(tag)
		if !ok || img.Distro == "" || img.Libc == "" && img.Distro != "busybox" || len(img.Entrypoint)+len(img.Cmd) == 0 || img.EnvPath == "" {
			t.Errorf("%s:%s: %+v", name, tag, img)
		}
		if img.PackageManager != "" && !img.Shell {
			t.Errorf("%s:%s has %s and no shell", name, tag, img.PackageManager)
		}
	}
	if n < 80 {
		t.Errorf("%d repositories", n)
	}
}
