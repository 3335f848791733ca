package review

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"drydock/report"
)

var update = flag.Bool("update", false, "write testdata/frames anew")

// Every frame is what a reader sees; look at them when they change.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		colour        bool
		keys          []string
	}{
		{"first", 80, 24, false, nil},
		{"first-colour", 80, 24, true, nil},
		{"first-wide", 120, 40, false, nil},
		{"first-beside", 150, 30, false, []string{"j"}},
		{"first-small", 40, 12, false, nil},
		{"too-small", 39, 9, false, nil},
		{"rejected", 80, 24, false, []string{"j", "r"}},
		{"pending", 80, 24, false, []string{"/", "appuser", "enter"}},
		{"kinds", 80, 24, false, []string{"t"}},
		{"kind", 80, 24, false, []string{"t", "g"}},
		{"whole-file", 80, 24, false, []string{"f", "tab", "pgdown"}},
		{"file", 80, 40, true, []string{"g"}},
		{"declined", 80, 24, false, []string{"d", "/", "wide", "enter", "j", "j", "j", "j"}},
		{"strange", 80, 24, true, []string{"/", "wide", "enter", "f"}},
		{"failed", 80, 24, false, []string{"G"}},
		{"reason", 60, 14, false, []string{"i", "because"}},
		{"where", 80, 24, false, []string{"i", "the team wants it", "enter"}},
		{"where-small", 40, 10, false, []string{"i", "the team wants it and has said why at length", "enter", "j"}},
		{"ignored", 80, 24, false, []string{"i", "the team wants it", "enter", "c"}},
		{"write", 60, 14, false, []string{"w"}},
		{"quit", 60, 14, false, []string{"r", "q"}},
		{"help", 80, 24, false, []string{"?"}},
		{"help-small", 40, 10, false, []string{"?", "j", "j"}},
		{"nothing-found", 80, 24, false, []string{"/", "zebra", "enter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScreen(t, readYard(t), c.width, c.height)
			sc.opt.Colour = c.colour
			sc.press(t, c.keys...)
			got := sc.draw()
			whole(t, got, c.width, c.height)
			if !c.colour {
				got = ansi.Strip(got)
			} else {
				got = strings.ReplaceAll(got, "\x1b", "^")
			}
			var b strings.Builder
			for l := range strings.Lines(got + "\n") {
				b.WriteString(strings.TrimRight(l, " \n") + "\n")
			}
			file := filepath.Join("testdata", "frames", c.name)
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("the frame differs (go test ./review -update, then look):\n%s\nwant:\n%s", b.String(), want)
			}
		})
	}
}

// whole wants a screen that is as wide and as high as the terminal, and has no control
// characters but those of its colours.
func whole(t *testing.T, screen string, width, height int) {
	t.Helper()
	lines := strings.Split(screen, "\n")
	if len(lines) != height {
		t.Errorf("%d lines, want %d", len(lines), height)
	}
	for i, l := range lines {
		text := ansi.Strip(l)
		if n := ansi.StringWidth(text); n != width {
			t.Errorf("line %d is %d cells wide, want %d: %q", i+1, n, width, text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
			t.Errorf("line %d has control characters: %q", i+1, text)
		}
	}
}

// The screen is whole at every size, whatever is shown on it, and a smaller one
// loses no row for good.
func TestEverySize(t *testing.T) {
	sc := newScreen(t, readYard(t), 80, 24)
	for _, size := range [][2]int{{1, 1}, {40, 10}, {41, 11}, {79, 23}, {139, 40}, {140, 12}, {220, 70}} {
		sc.take(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		sc.press(t, "g")
		for range sc.rows {
			whole(t, sc.draw(), size[0], size[1])
			sc.press(t, "j")
		}
		for _, keys := range [][]string{{"f", "tab", "pgdown", "G", "tab", "f"}, {"t", "g"}, {"t", "d", "G"}, {"d", "?"}, {"x", "/", "long " + strings.Repeat("水", 200), "enter"}} {
			sc.press(t, keys...)
			whole(t, sc.draw(), size[0], size[1])
		}
	}
}

func TestKeys(t *testing.T) {
	y := readYard(t)
	sc := newScreen(t, y, 100, 30)
	first := func() Change { r, _ := sc.chosen(); return *sc.s.Change(r) }
	if first().Verdict != Accepted {
		t.Fatalf("%+v", first())
	}
	sc.press(t, "space")
	if first().Verdict != Rejected {
		t.Error("space rejects")
	}
	sc.press(t, "space")
	if first().Verdict != Accepted {
		t.Error("space accepts again")
	}
	sc.press(t, "r")
	if first().Verdict != Rejected {
		t.Error("r rejects")
	}
	sc.press(t, "u")
	if first().Verdict != Accepted {
		t.Error("u brings it back")
	}
	sc.press(t, "ctrl+r")
	if first().Verdict != Rejected {
		t.Error("ctrl+r makes it again")
	}
	sc.press(t, "a")
	if first().Verdict != Accepted {
		t.Error("a accepts")
	}
	// All of a kind, in every file.
	sc.press(t, "/", "env-key", "enter", "R")
	n := 0
	for _, w := range sc.s.Works {
		for _, c := range w.Changes {
			if c.Transform == "env-key-value" {
				if n++; c.Verdict != Rejected {
					t.Errorf("%s: %v", c.Title, c.Verdict)
				}
			}
		}
	}
	if n < 4 {
		t.Errorf("%d changes of the kind", n)
	}
	sc.press(t, "u")
	if got := sc.s.Count().Rejected; got != 0 {
		t.Errorf("%d rejected after undo", got)
	}
	// n goes round, N goes back.
	at := sc.at
	sc.press(t, "n")
	if sc.at == at || !strings.Contains(sc.s.Text(sc.rows[sc.at]), "env-key") {
		t.Error("n goes to the next one")
	}
	sc.press(t, "N")
	if sc.at != at {
		t.Error("N goes back")
	}
}

// w asks once, n leaves everything, y writes exactly what is shown.
func TestWrite(t *testing.T) {
	y := readYard(t)
	sc := newScreen(t, y, 100, 30)
	sc.press(t, "r", "w", "n")
	if y.wrote != nil || sc.quit {
		t.Fatal("n writes nothing")
	}
	y.failure = errDisk
	sc.press(t, "w", "y")
	if sc.quit || !strings.Contains(sc.message, "permission denied") {
		t.Fatalf("a failure is told and loses nothing: %q", sc.message)
	}
	y.failure = nil
	y.stale = []int{slices.Index(y.paths, "twins/Dockerfile")}
	sc.press(t, "w")
	if !strings.Contains(sc.ask.prompt, "twins/Dockerfile changed on disk since") {
		t.Fatalf("stale files are named: %q", sc.ask.prompt)
	}
	sc.press(t, "y")
	if !sc.quit || !sc.written {
		t.Fatal("y writes and leaves")
	}
	for i, w := range sc.s.Works {
		text, wrote := y.wrote[y.paths[i]]
		if want := w.Changed() && !slices.Contains(y.stale, i); wrote != want || wrote && text != w.After {
			t.Errorf("%s: written %v, want %v: %q", y.paths[i], wrote, want, text)
		}
	}
}

func TestLeave(t *testing.T) {
	for _, c := range []struct {
		keys []string
		quit bool
		err  error
	}{
		{[]string{"q"}, true, nil},
		{[]string{"r", "q"}, false, nil},
		{[]string{"r", "q", "n"}, false, nil},
		{[]string{"r", "q", "y"}, true, nil},
		{[]string{"r", "ctrl+c"}, true, ErrInterrupted},
		{[]string{"r", "w", "ctrl+c"}, true, ErrInterrupted},
	} {
		y := readYard(t)
		sc := newScreen(t, y, 80, 24)
		sc.press(t, c.keys...)
		if sc.quit != c.quit || !errors.Is(sc.err, c.err) || y.wrote != nil {
			t.Errorf("%q: left %v, %v, wrote %v", c.keys, sc.quit, sc.err, y.wrote)
		}
	}
}

// What comes back from the editor must parse; the error says where.
func TestEdited(t *testing.T) {
	y := readYard(t)
	sc := newScreen(t, y, 100, 30)
	r, _ := sc.chosen()
	bring := func(text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sc.take(editedMsg{file: r.File, dir: dir, was: "FROM a\n"})
		sc.rest(t)
	}
	bring("FROM a\n")
	if len(sc.s.Log.Decisions()) != 0 || sc.message != "nothing was edited" {
		t.Errorf("%q", sc.message)
	}
	bring("FROM alpine:3.20\nRUNN x\n")
	if sc.ask == nil || !strings.Contains(sc.ask.prompt, ":2:1: unknown instruction") {
		t.Fatalf("%+v", sc.ask)
	}
	sc.press(t, "n")
	bring("FROM alpine:3.20\nENV A b\n")
	if w := sc.s.Works[r.File]; w.After != "FROM alpine:3.20\nENV A=b\n" {
		t.Errorf("%q", w.After)
	}
}

// What git history says comes later, and is shown then.
func TestQuote(t *testing.T) {
	y := readYard(t)
	y.quote = &report.Replay{Summary: "of 40 commits 12 would have been built faster"}
	sc := newScreen(t, y, 100, 30)
	sc.press(t, "j")
	if !strings.Contains(sc.draw(), "12 would have been built faster") {
		t.Error(sc.draw())
	}
}

// Keys never wait for the engine: decisions of files that are still at work are taken, and
// w asks when everything is worked out.
func TestWhileAtWork(t *testing.T) {
	y := readYard(t)
	sc := newScreen(t, y, 80, 24)
	sc.take(tea.KeyPressMsg{Code: 'r', Text: "r"}) // nothing is taken from the engine
	if r, _ := sc.chosen(); sc.s.Current(r.File) || sc.s.Decided(r.File, sc.s.Change(r)) != Rejected {
		t.Fatal("the decision shows at once")
	}
	sc.take(tea.KeyPressMsg{Code: 'w', Text: "w"})
	if sc.ask != nil {
		t.Fatal("asked while the list is out of date")
	}
	sc.rest(t)
	if sc.ask == nil {
		t.Fatal("asked when it is settled")
	}
}

func TestWrap(t *testing.T) {
	for _, text := range []string{"", "one", "one two three four five", strings.Repeat("x", 50), "水水水水水水水水水水水水", "  indented words that go on", "a" + strings.Repeat(" ", 30) + "b"} {
		for cells := 1; cells < 24; cells++ {
			lines := line{{text, style{}}}.wrap(cells, plain("  "))
			var b strings.Builder
			for i, l := range lines {
				if n := l.width(); n > max(cells, 10) {
					t.Errorf("%q at %d: line of %d", text, cells, n)
				}
				s := l.String()
				if i > 0 {
					s = strings.TrimPrefix(s, "  ")
				}
				b.WriteString(s)
			}
			if got, want := strings.ReplaceAll(b.String(), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
				t.Errorf("%q at %d: %q", text, cells, got)
			}
		}
	}
}

func TestHighlight(t *testing.T) {
	const text = "# syntax=docker/dockerfile:1\nFROM --platform=$TARGET alpine AS b\nRUN <<EOF\n# in\necho \"a $B\"\nEOF\nRUN a && \\\n  # note\n  b --flag 'c'\nHEALTHCHECK CMD x\nCOPY <<-X /f\n\tRUN no\n\tX\nCMD [\"x\"]\n"
	lines := strings.Split(text, "\n")
	var got []string
	for i, ps := range highlight(text) {
		for _, p := range ps {
			got = append(got, fmt.Sprintf("%d %d %s", i+1, p.token, lines[i][p.from:p.to]))
		}
	}
	want := []string{
		"1 5 # syntax=docker/dockerfile:1",
		"2 1 FROM", "2 2 --platform", "2 4 $TARGET", "2 1 AS",
		"3 1 RUN", "3 6 <<EOF", "4 5 # in", "5 3 \"a $B\"", "6 6 EOF",
		"7 1 RUN", "7 6 &", "7 6 &", "7 6 \\", "8 5 # note", "9 2 --flag", "9 3 'c'",
		"10 1 HEALTHCHECK", "10 1 CMD",
		"11 1 COPY", "11 6 <<-X", "12 3 \tRUN no", "13 6 \tX",
		"14 1 CMD", "14 3 \"x\"",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
