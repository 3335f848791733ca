// Package review is `drydock review`: changes shown one by one on a terminal, decided
// upon, and written once at the end.
//
// What is decided is a list of decisions (Log). What it leads to is always worked
// out by the engine anew (Work), so that what is shown is what is written, and a
// change that rested on a rejected one goes with it. Session holds both and knows
// no terminal; the rest of the package is its screen.
package review

import (
	gocontext "context"
	"errors"
	"runtime"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"drydock/report"
)

// Engine is what the screen needs of the program around it. Its functions are
// called from several goroutines, but never twice at a time for one group.
type Engine interface {
	// Find lists the Dockerfiles.
	Find(gocontext.Context) ([]Target, error)
	// Group works the files of a group out by an order, one after another, and hands each over
	// when it is ready. An end of the context ends it.
	Group(ctx gocontext.Context, o Order, ready func(i int, w *Worked))
	// Quote says what git history tells of a file's changes, as it is to be in
	// report.File.Replay; it may take a second.
	Quote(ctx gocontext.Context, i int, w *Worked) *report.Replay
	// Stale lists the files that aren't on disk any more as they were read.
	Stale([]*Worked) []int
	// Configure completes an entry: which configuration file takes it, and the lines that
	// come into it on top of those earlier. The error says why none can, in one line.
	Configure(e Entry, earlier []Entry) (Entry, error)
	// Write writes what was decided, every file or none.
	Write([]*Worked, []Entry) error
}

// ErrInterrupted says that the review was left with Ctrl-C, or ended by a signal;
// nothing was written.
var ErrInterrupted = errors.New("interrupted; nothing was changed")

// Options are how a review looks and begins.
type Options struct {
	Colour bool
	Editor []string // program and arguments to which the file's name is added
}

// focus is which pane the keys are for.
type focus int

const (
	onList focus = iota
	onDetail
)

// ui is the screen, as package bubbletea wants it.
type ui struct {
	ctx    gocontext.Context
	engine Engine
	opt    Options
	send   func(tea.Msg)

	s       *Session // nil as long as the Dockerfiles are looked for
	jobs    jobs
	err     error
	written bool

	width, height int
	focus         focus
	byKind        bool
	declined      bool
	whole         bool
	beside        bool // side by side where there is room
	help          bool
	helpTop       int // the first of its lines on the screen

	rows    []Row
	at      int  // the row that is chosen
	moved   bool // a key was pressed
	top     int  // the first row on the screen
	scroll  int  // the first line of the detail on the screen
	detail  []line
	shown   detailKey
	ask     *question
	query   string
	message string
	warn    bool
	writing bool // w was pressed: asked as soon as everything is worked out

	before Snapshot // before the last decision, until it is told what it brought
	step   []Decision
	told   string
	quotes map[*Worked]bool // asked for
}

// detailKey is what the lines of the detail were made of.
type detailKey struct {
	key    string
	w      *Worked
	replay bool
	lay    layout
	n      Counts
}

type (
	foundMsg struct {
		targets []Target
		err     error
	}
	workedMsg struct {
		order Order
		file  int
		w     *Worked
	}
	groupMsg  struct{ group int }
	quotedMsg struct {
		w     *Worked
		quote *report.Replay
	}
)

func newUI(ctx gocontext.Context, e Engine, opt Options) *ui {
	return &ui{ctx: ctx, engine: e, opt: opt, width: 80, height: 24, beside: true, quotes: map[*Worked]bool{}, send: func(tea.Msg) {}}
}

// Init begins with the search for Dockerfiles.
func (u *ui) Init() tea.Cmd {
	return func() tea.Msg {
		targets, err := u.engine.Find(u.ctx)
		return foundMsg{targets, err}
	}
}

// Update takes a key, a new size, or something that was worked out.
func (u *ui) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		u.width, u.height = msg.Width, msg.Height
	case foundMsg:
		if u.err = msg.err; u.err != nil {
			return u, tea.Quit
		}
		u.s = NewSession(msg.targets)
		u.begin(groups(len(u.s.need)))
	case workedMsg:
		u.worked(msg)
	case groupMsg:
		u.jobs.ended(msg.group)
		u.next()
	case quotedMsg:
		msg.w.File.Replay = msg.quote
	case tea.KeyPressMsg:
		cmd = u.key(msg)
	case tea.PasteMsg:
		if u.ask != nil && u.ask.text != nil {
			u.ask.insert(msg.Content)
		}
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			u.scroll -= 3
		} else if msg.Button == tea.MouseWheelDown {
			u.scroll += 3
		}
	case editedMsg:
		cmd = u.edited(msg)
	}
	u.layOut()
	return u, tea.Batch(cmd, u.quote(), u.ready())
}

func groups(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// worked takes a file; the chosen row stays the chosen one.
func (u *ui) worked(msg workedMsg) {
	key := u.chosenKey()
	u.s.Take(msg.order, msg.file, msg.w)
	u.list(key)
	if u.before != nil && u.s.Settled() {
		u.say(u.told, u.s.Since(u.before, u.step))
		u.before = nil
	}
}

// ready asks the question that w waits with.
func (u *ui) ready() tea.Cmd {
	if u.writing && u.s != nil && u.s.Settled() {
		u.writing = false
		u.askToWrite()
	}
	return nil
}

// quote asks for the history of the chosen file, once everything is worked out.
func (u *ui) quote() tea.Cmd {
	r, ok := u.chosen()
	if !ok || r.File < 0 || !u.s.Settled() {
		return nil
	}
	w := u.s.Works[r.File]
	if w == nil || !w.Changed() || u.quotes[w] {
		return nil
	}
	u.quotes[w] = true
	return func() tea.Msg { return quotedMsg{w, u.engine.Quote(u.ctx, r.File, w)} }
}

// list makes the rows anew and chooses the one called key, or the next that is left.
func (u *ui) list(key string) {
	u.rows = u.s.Rows(u.byKind, u.declined)
	if !u.moved {
		key = "" // nobody has chosen yet
	}
	for i, r := range u.rows {
		if u.s.Key(r) == key {
			u.at = i
			return
		}
	}
	u.at = max(0, min(u.at, len(u.rows)-1))
	if !u.moved {
		u.at = max(0, slices.IndexFunc(u.rows, func(r Row) bool { return r.Kind == ChangeRow }))
	}
}

func (u *ui) chosen() (Row, bool) {
	if u.s == nil || u.at >= len(u.rows) {
		return Row{}, false
	}
	return u.rows[u.at], true
}

func (u *ui) chosenKey() string {
	if r, ok := u.chosen(); ok {
		return u.s.Key(r)
	}
	return ""
}

// say puts up a message that stays until the next key.
func (u *ui) say(parts ...string) {
	u.message, u.warn = strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; "), false
}

func (u *ui) complain(text string) { u.message, u.warn = text, true }

// decide adds a step and has what it concerns worked out again.
func (u *ui) decide(step ...Decision) {
	if len(step) == 0 {
		return
	}
	before := u.s.Snapshot()
	u.follow(before, step, Tell(step), u.s.Decide(step...))
}

func (u *ui) follow(before Snapshot, step []Decision, told string, groups []int) {
	u.before, u.step, u.told = before, step, told
	u.say(told)
	u.begin(groups)
}

// jobs are the groups at work and those that wait.
type jobs struct {
	queue  []int
	cancel map[int]gocontext.CancelFunc
	again  map[int]bool // at work by an order that is out of date
}

// begin has groups worked out, before all others.
func (u *ui) begin(groups []int) {
	j := &u.jobs
	for _, g := range groups {
		if cancel := j.cancel[g]; cancel != nil {
			cancel()
			j.again[g] = true
		}
	}
	j.queue = slices.DeleteFunc(j.queue, func(g int) bool { return slices.Contains(groups, g) })
	if r, ok := u.chosen(); ok && r.File >= 0 { // what is looked at comes first
		if i := slices.Index(groups, u.s.Targets[r.File].Group); i > 0 {
			groups = slices.Concat(groups[i:i+1], groups[:i], groups[i+1:])
		}
	}
	j.queue = append(slices.DeleteFunc(slices.Clone(groups), func(g int) bool { return j.cancel[g] != nil }), j.queue...)
	u.next()
}

// next starts groups as long as there are processors.
func (u *ui) next() {
	j := &u.jobs
	if j.cancel == nil {
		j.cancel, j.again = map[int]gocontext.CancelFunc{}, map[int]bool{}
	}
	for len(j.queue) > 0 && len(j.cancel) < runtime.GOMAXPROCS(0) {
		g := j.queue[0]
		j.queue = j.queue[1:]
		ctx, cancel := gocontext.WithCancel(u.ctx)
		j.cancel[g] = cancel
		order := u.s.Order(g)
		go func() {
			defer cancel()
			u.engine.Group(ctx, order, func(i int, w *Worked) { u.send(workedMsg{order, i, w}) })
			u.send(groupMsg{g})
		}()
	}
}

// ended notes that a group is done, or to be begun again.
func (j *jobs) ended(g int) {
	delete(j.cancel, g)
	if j.again[g] {
		delete(j.again, g)
		j.queue = append([]int{g}, j.queue...)
	}
}

// Show shows the review on a terminal until it is left; the session is as it was then,
// nil when it came to none. The error is ErrInterrupted, the engine's where it
// can't begin, or about the terminal.
func Show(ctx gocontext.Context, e Engine, opt Options, terminal ...tea.ProgramOption) (s *Session, written bool, err error) {
	ctx, cancel := gocontext.WithCancel(ctx)
	defer cancel()
	u := newUI(ctx, e, opt)
	p := tea.NewProgram(u, append(terminal, tea.WithContext(ctx), tea.WithoutSignalHandler())...)
	u.send = p.Send
	_, err = p.Run()
	switch {
	case u.err != nil:
		err = u.err
	case ctx.Err() != nil:
		err = ErrInterrupted
	}
	return u.s, u.written, err
}
