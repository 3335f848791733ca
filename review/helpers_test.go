package review

import (
	gocontext "context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	tea "charm.land/bubbletea/v2"

	"drydock/checks"
	"drydock/repo"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// yard is an engine over texts in memory; every file has its own context.
type yard struct {
	paths, texts []string
	unsafe       bool
	only         []string // transforms; all without it
	stale        []int
	failure      error
	quote        *report.Replay

	ignores []rewrite.Ignore // of a configuration
	byHand  error            // what Configure says

	mu      sync.Mutex
	wrote   map[string]string
	entries []Entry
}

func (y *yard) Find(gocontext.Context) ([]Target, error) {
	out := make([]Target, len(y.paths))
	for i := range out {
		out[i] = Target{Path: y.paths[i], Disk: y.texts[i], Group: i}
	}
	return out, nil
}

func (y *yard) Group(ctx gocontext.Context, o Order, ready func(int, *Worked)) {
	ready(o.Group, y.work(o.Plan(o.Group, y.texts[o.Group]), o.Group))
}

func (y *yard) transforms() []*rewrite.Transform {
	return slices.DeleteFunc(transforms.All(), func(t *rewrite.Transform) bool {
		return t.OptIn || len(y.only) > 0 && !slices.Contains(y.only, t.Name)
	})
}

func (y *yard) context() *repo.Repo {
	return repo.Load(fstest.MapFS{"app.py": {Data: []byte("x")}, "requirements.txt": {Data: []byte("flask\n")}})
}

// work works a file out for real.
func (y *yard) work(p Plan, i int) *Worked {
	ts, fs := y.transforms(), y.context()
	return Work(Site{
		Run: func(text string, files map[string]string, opt rewrite.Options) (*rewrite.Result, error) {
			rp := fs
			for name, text := range files {
				rp = rp.With(name, []byte(text))
			}
			return rewrite.Run(gocontext.Background(), rewrite.Input{Path: y.paths[i], Src: text, Name: "Dockerfile", Repo: rp}, ts, opt)
		},
		Options: rewrite.Options{Unsafe: y.unsafe, Checks: checks.All(), Ignores: y.ignores},
		Path:    y.paths[i], Context: ".",
		Read: func(name string) (string, bool) { b, err := fs.ReadFile(name); return string(b), err == nil },
		Show: func(name string) string { return name },
	}, p)
}

func (y *yard) Quote(gocontext.Context, int, *Worked) *report.Replay { return y.quote }
func (y *yard) Stale([]*Worked) []int                                { return y.stale }

func (y *yard) Configure(e Entry, earlier []Entry) (Entry, error) {
	if y.byHand != nil {
		return e, y.byHand
	}
	e.Config, e.New = ".drydock.yaml", len(earlier) == 0
	e.Lines = []string{"  - rule: " + e.Transform, "    path: /" + y.paths[e.File], "    instruction: " + e.Words, "    reason: " + e.Reason}
	if e.New {
		e.Lines = append([]string{"ignores:"}, e.Lines...)
	}
	return e, nil
}

func (y *yard) Write(works []*Worked, entries []Entry) error {
	if y.failure != nil {
		return y.failure
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.wrote, y.entries = map[string]string{}, entries
	for i, w := range works {
		if w != nil && w.After != w.Disk {
			y.wrote[y.paths[i]] = w.After
		}
	}
	return nil
}

// fixed is what `drydock fix` would make of file i.
func (y *yard) fixed(t *testing.T, i int) string {
	t.Helper()
	ts, fs := y.transforms(), y.context()
	res, err := rewrite.Run(gocontext.Background(), rewrite.Input{Path: y.paths[i], Src: y.texts[i], Name: "Dockerfile", Repo: fs}, ts, rewrite.Options{Unsafe: y.unsafe})
	if err != nil {
		t.Fatal(err)
	}
	return res.After
}

func readYard(t *testing.T) *yard {
	t.Helper()
	y := &yard{}
	names, err := filepath.Glob("testdata/yard/*")
	if err != nil || len(names) == 0 {
		t.Fatal("no testdata/yard", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		y.paths, y.texts = append(y.paths, filepath.Base(name)+"/Dockerfile"), append(y.texts, string(b))
	}
	return y
}

// session is a session in which everything is worked out.
func (y *yard) session() *Session {
	targets, _ := y.Find(gocontext.Background())
	s := NewSession(targets)
	y.settle(s, groups(len(targets)))
	return s
}

func (y *yard) settle(s *Session, groups []int) {
	for _, g := range groups {
		o := s.Order(g)
		y.Group(gocontext.Background(), o, func(i int, w *Worked) { s.Take(o, i, w) })
	}
}

// screen is a ui whose engine answers before the next key.
type screen struct {
	*ui
	quit bool
	msgs chan tea.Msg
}

func newScreen(t *testing.T, y *yard, width, height int) *screen {
	t.Helper()
	u := newUI(t.Context(), y, Options{Editor: []string{"true"}})
	sc := &screen{ui: u, msgs: make(chan tea.Msg, 100)}
	u.send = func(m tea.Msg) { sc.msgs <- m }
	sc.take(tea.WindowSizeMsg{Width: width, Height: height})
	sc.run(u.Init())
	sc.rest(t)
	return sc
}

func (sc *screen) take(m tea.Msg) {
	if m != nil {
		_, cmd := sc.Update(m)
		sc.run(cmd)
	}
}

func (sc *screen) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			sc.run(c)
		}
	case tea.QuitMsg:
		sc.quit = true
	default:
		sc.take(m)
	}
}

// rest takes what the engine hands over until it has nothing left to do.
func (sc *screen) rest(t *testing.T) {
	t.Helper()
	for len(sc.jobs.cancel) > 0 || len(sc.jobs.queue) > 0 || len(sc.msgs) > 0 {
		sc.take(<-sc.msgs)
	}
}

// press presses keys one after another.
func (sc *screen) press(t *testing.T, keys ...string) {
	t.Helper()
	for _, k := range keys {
		m := tea.KeyPressMsg{}
		switch k {
		case "enter":
			m.Code = tea.KeyEnter
		case "esc":
			m.Code = tea.KeyEscape
		case "tab":
			m.Code = tea.KeyTab
		case "space":
			m.Code, m.Text = tea.KeySpace, " "
		case "pgdown":
			m.Code = tea.KeyPgDown
		case "ctrl+c":
			m.Code, m.Mod = 'c', tea.ModCtrl
		case "ctrl+r":
			m.Code, m.Mod = 'r', tea.ModCtrl
		default:
			for _, r := range k {
				sc.take(tea.KeyPressMsg{Code: r, Text: string(r)})
				sc.rest(t)
			}
			continue
		}
		sc.take(m)
		sc.rest(t)
	}
}

var errDisk = errors.New("api/Dockerfile: cannot be written: permission denied: make the file and its folder writable")
