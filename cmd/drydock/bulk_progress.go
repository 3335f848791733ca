package main

// What bulk shows while it runs: on a terminal one bar with the repositories at work
// below it, elsewhere a line for each repository that something is to be said of, and
// now and then how far it is.

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"drydock/bulk"
	"drydock/bulk/result"
	"drydock/said"
)

// bulkProgress counts and shows. Its methods may be called from any goroutine.
type bulkProgress struct {
	w        io.Writer
	terminal bool
	width    func() int
	now      func() time.Time
	every    time.Duration // between two counts where there is no bar

	mu     sync.Mutex
	begun  time.Time
	total  int // known so far; more may come
	open   []openRepo
	counts map[result.Status]int
	done   int
	prior  int // done in an earlier run
	told   time.Time
	last   string // why it waits
	bars   *mpb.Progress
	ticks  chan any // of tests; nil: mpb refreshes by itself
	bar    *mpb.Bar
}

// bulkOpen is how many repositories at work are named at most.
const bulkOpen = 8

// openRepo is a repository at work.
type openRepo struct{ name, stage string }

func newBulkProgress(w io.Writer, terminal bool, width func() int) *bulkProgress {
	return &bulkProgress{w: w, terminal: terminal, width: width, now: time.Now, every: 10 * time.Second, counts: map[result.Status]int{}}
}

// found tells that n repositories are known by now.
func (p *bulkProgress) found(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = max(p.total, n)
	p.start()
}

// start makes the bar, once; p is locked.
func (p *bulkProgress) start() {
	if !p.begun.IsZero() {
		return
	}
	p.begun = p.now()
	p.told = p.begun
	if !p.terminal {
		return
	}
	options := []mpb.ContainerOption{mpb.WithConsoleWriter(bulkConsole{cupwriter.New(p.w, true), p.columns}), mpb.WithAutoRefresh()}
	if p.ticks != nil {
		options = append(options, mpb.WithManualRefresh(p.ticks))
	}
	p.bars = mpb.New(options...)
	line := mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		_, err := io.WriteString(w, runewidth.Truncate(p.line(s.AvailableWidth), max(s.AvailableWidth, 0), "…"))
		return err
	})
	// A filler is for one line: mpb goes up by as many as have written something.
	below := make([]mpb.BarFiller, bulkOpen+2)
	for i := range below {
		below[i] = mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
			all := p.lines()
			if i >= len(all) {
				return nil
			}
			_, err := io.WriteString(w, runewidth.Truncate(all[i], max(s.AvailableWidth, 0), "…")+"\n")
			return err
		})
	}
	p.bar = p.bars.New(0, bulkFiller{line}, mpb.BarFillerTrim(), mpb.BarRemoveOnComplete(), mpb.BarBtmExtender(below...))
}

// stage tells what is done with a repository; "" when it is over.
func (p *bulkProgress) stage(name, stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start()
	p.last = ""
	for i := range p.open {
		if p.open[i].name == name {
			if stage == "" {
				p.open = append(p.open[:i], p.open[i+1:]...)
			} else {
				p.open[i].stage = stage
			}
			return
		}
	}
	if stage != "" {
		p.open = append(p.open, openRepo{name, stage})
	}
}

// finished takes a result in.
func (p *bulkProgress) finished(e bulk.Event) {
	p.stage(e.Name, "")
	p.above(p.count(e))
}

// count takes a result in and gives what is to be told of it, "" for nothing.
func (p *bulkProgress) count(e bulk.Event) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.total = max(p.total, p.done)
	if e.Resumed {
		p.prior++
		return ""
	}
	r := e.Result
	p.counts[r.Status]++
	text := bulkLine(r)
	trouble := r.Status == result.Failed || r.Status == result.Skipped && len(r.Files) > 0 // something was to be done, and wasn't
	switch {
	case p.terminal && trouble:
		return text
	case p.terminal:
		return ""
	case trouble || r.Status == result.Changed:
	case p.now().Sub(p.told) >= p.every:
		text = p.summary()
	default:
		return ""
	}
	p.told = p.now()
	return fmt.Sprintf("[%d/%d] %s", p.done, p.total, text)
}

// above writes a line above the bar. p.mu must be free: mpb takes the line when the frame is drawn that it is at,
// and drawing asks for p.mu.
func (p *bulkProgress) above(text string) {
	if text == "" {
		return
	}
	p.mu.Lock()
	bars := p.bars
	if bars == nil {
		defer p.mu.Unlock()
		fmt.Fprintln(p.w, text)
		return
	}
	p.mu.Unlock()
	fmt.Fprintln(bars, text)
}

// waits tells that a server asked for patience.
func (p *bulkProgress) waits(why string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start()
	p.last = fmt.Sprintf("waiting %s: %s", max(d.Round(time.Second), time.Second), said.Printable(why))
	if !p.terminal && d >= p.every { // a pause of a second between two pull requests is no news
		fmt.Fprintln(p.w, p.last)
	}
}

// event is bulk.Options.Events.
func (p *bulkProgress) event(e bulk.Event) {
	p.found(e.Found)
	switch e.Kind {
	case bulk.Begun:
		p.stage(e.Name, "begun")
	case bulk.Stage:
		p.stage(e.Name, e.Text)
	case bulk.Wait:
		p.waits(e.Text, e.For)
	case bulk.Note:
		p.note(e.Text)
	case bulk.Done:
		p.finished(e)
	}
}

// note tells something about the run.
func (p *bulkProgress) note(text string) {
	p.mu.Lock()
	p.start()
	p.mu.Unlock()
	p.above("drydock: " + said.Printable(text))
}

// close takes the bar away.
func (p *bulkProgress) close() {
	p.mu.Lock()
	bar, bars := p.bar, p.bars
	p.bar = nil
	p.mu.Unlock()
	if bar != nil {
		bar.Abort(true)
		bars.Wait()
	}
}

// bulkLine says what came of a repository.
func bulkLine(r *result.Result) string {
	name := said.Printable(r.Name)
	switch r.Status {
	case result.Changed:
		text := fmt.Sprintf("%s: %s", name, r.Changes())
		if r.Pull != nil {
			text += fmt.Sprintf(", pull request %s", said.Printable(strings.TrimSpace(r.Pull.Did+" "+r.Pull.URL)))
		} else if r.Push != "" {
			text += ", pushed"
		}
		return text
	case result.Unchanged:
		return name + ": nothing to change"
	}
	return fmt.Sprintf("%s: %s: %s", name, r.Status, said.Printable(strings.TrimPrefix(r.Reason, r.Source+": ")))
}

func (p *bulkProgress) summary() string {
	text := fmt.Sprintf("%d changed, %d unchanged, %d skipped, %d failed", p.counts[result.Changed], p.counts[result.Unchanged], p.counts[result.Skipped], p.counts[result.Failed])
	if took := p.now().Sub(p.begun).Seconds(); took >= 1 && p.done > p.prior {
		text += fmt.Sprintf(", %.3g/s", float64(p.done-p.prior)/took)
	}
	return text
}

// line is the bar: "[=====>    ] 312/1000  42 changed, …". On a narrow terminal the bar is what gives way.
func (p *bulkProgress) line(columns int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%d/%d  %s", p.done, p.total, p.summary())
	width := min(20, columns-len(text)-3)
	if width < 4 {
		return text
	}
	full := 0
	if p.total > 0 {
		full = p.done * width / p.total
	}
	bar := strings.Repeat("=", full)
	if full < width {
		bar += ">" + strings.Repeat(" ", width-full-1)
	}
	return fmt.Sprintf("[%s] %s", bar, text)
}

// lines are the repositories at work, below the bar.
func (p *bulkProgress) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for i, o := range p.open {
		if i == bulkOpen {
			out = append(out, fmt.Sprintf("  and %d more", len(p.open)-bulkOpen))
			break
		}
		out = append(out, fmt.Sprintf("  %s  %s", o.stage, said.Printable(o.name)))
	}
	if p.last != "" {
		out = append(out, "  "+p.last)
	}
	return out
}

// columns is the terminal's width, one less: some wrap a line that fills it.
func (p *bulkProgress) columns() int {
	if n := p.width(); n > 1 {
		return n - 1
	}
	return 79
}

type bulkFiller struct{ filler mpb.BarFiller }

func (f bulkFiller) Build() mpb.BarFiller { return f.filler }

// bulkConsole is a terminal whose width is asked of the caller.
type bulkConsole struct {
	*cupwriter.Writer
	columns func() int
}

func (c bulkConsole) IsTerminal() bool { return true }

func (c bulkConsole) GetTermSize() (width, height int, err error) {
	return c.columns(), math.MaxInt32, nil
}
