package builder

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
)

// Progress shows how builds go on: on a terminal a live bar for each, elsewhere a
// line for each step that took over a second.
type Progress struct {
	w        io.Writer
	terminal bool
	width    func() int
	now      func() time.Time
	refresh  <-chan any // nil: by time

	mu     sync.Mutex
	bars   *mpb.Progress // made with the first bar
	builds map[string]*shown
}

// shown is one build on the terminal. The bar's goroutine reads it too.
type shown struct {
	bar    *mpb.Bar
	name   string
	begun  time.Time
	mu     sync.Mutex
	done   int
	total  int
	cached int
	failed bool
	ended  bool      // somebody stopped it
	open   []running // in the order in which they started
}

// running is a step under way. It is timed by our clock: the builder may have another.
type running struct {
	name  string
	since time.Time
}

// NewProgress shows builds on w. terminal: w understands cursor movements; width
// then gives its columns. Nothing is done before the first event.
func NewProgress(w io.Writer, terminal bool, width func() int) *Progress {
	return &Progress{w: w, terminal: terminal, width: width, now: time.Now, builds: map[string]*shown{}}
}

// Observer is what builds tell. It may be given to several that run at once; their
// names must differ.
func (p *Progress) Observer() Observer {
	if p.terminal {
		return p.live
	}
	return p.plain
}

// Close takes bars away that are still there. The Progress shows nothing after it.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.builds {
		s.bar.Abort(true)
	}
	p.builds = nil
	if p.bars != nil {
		p.bars.Wait()
	}
}

// plain writes a line when a step has taken over a second.
func (p *Progress) plain(e Event) {
	s := e.Step
	if s.Name == "" || s.Cached || s.Started.IsZero() || s.Completed.IsZero() {
		return
	}
	took := s.Completed.Sub(s.Started)
	if took <= time.Second {
		return
	}
	end := ""
	if s.Error != "" {
		end = ", failed"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s: %d/%d %s %s%s\n", e.Build, e.Done, e.Total, short(s.Name, 60), seconds(took), end)
}

// live moves a build's bar.
func (p *Progress) live(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.builds == nil {
		return
	}
	s := p.builds[e.Build]
	if e.Step.Name == "" {
		if s != nil {
			delete(p.builds, e.Build)
			p.over(s)
		}
		return
	}
	if s == nil {
		s = &shown{name: e.Build, begun: p.now()}
		p.builds[e.Build] = s
		p.add(s)
	}
	s.step(e, p.now())
	// A step that BuildKit finds in the middle must not complete the bar: over does.
	s.bar.SetTotal(int64(max(e.Total, 1)), false)
	s.bar.SetCurrent(int64(e.Done))
}

func (s *shown) step(e Event, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.total = e.Done, e.Total
	name := short(e.Step.Name, 200)
	at := -1
	for i, r := range s.open {
		if r.name == name {
			at = i
		}
	}
	runs := !e.Step.Started.IsZero() && e.Step.Completed.IsZero()
	switch {
	case runs && at < 0:
		s.open = append(s.open, running{name, now})
	case !runs && at >= 0:
		s.open = append(s.open[:at], s.open[at+1:]...)
	}
	if e.Step.Cached && !e.Step.Completed.IsZero() {
		s.cached++
	}
	s.failed = s.failed || e.Step.Error != "" && !canceled(e.Step.Error)
	s.ended = s.ended || canceled(e.Step.Error)
}

// over replaces a build's bar with one line that stays. A build of less than a
// second leaves none.
func (p *Progress) over(s *shown) {
	if took := p.now().Sub(s.begun); took > time.Second {
		what := "built"
		switch {
		case s.failed:
			what = "failed"
		case s.ended || s.done < s.total:
			what = "stopped"
		}
		line := fmt.Sprintf("%s  %s, %d steps, %d cached, %s", runewidth.FillRight(s.name, len("before")), what, s.total, s.cached, seconds(took))
		// Before the bar goes: with the last one goes the last refresh.
		fmt.Fprintln(p.bars, runewidth.Truncate(line, p.columns(), "…"))
	}
	s.bar.Abort(true)
}

// The bar's own width with its brackets, and the columns below which there is none.
const (
	barWidth  = 10
	barWanted = 36
)

func (p *Progress) add(s *shown) {
	if p.bars == nil {
		options := []mpb.ContainerOption{mpb.WithConsoleWriter(console{cupwriter.New(p.w, true), p.columns}), mpb.WithAutoRefresh()}
		if p.refresh != nil {
			options = append(options, mpb.WithManualRefresh(p.refresh))
		}
		p.bars = mpb.New(options...)
	}
	bar := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]").Build()
	filler := mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		columns := stat.AvailableWidth
		text := " " + s.text(p.now())
		name := runewidth.FillRight(s.name, len("before")) + "  " // "after" is drawn below
		if columns >= barWanted {
			if _, err := io.WriteString(w, runewidth.Truncate(name, columns, "")); err != nil {
				return err
			}
			stat.RequestedWidth = barWidth
			if err := bar.Fill(w, stat); err != nil {
				return err
			}
			columns -= barWidth + runewidth.StringWidth(name)
		} else {
			text = s.name + text
		}
		_, err := io.WriteString(w, runewidth.Truncate(text, max(columns, 0), "…"))
		return err
	})
	// A total of 0 keeps the bar from completing by itself.
	s.bar = p.bars.New(0, fillerBuilder{filler}, mpb.BarFillerTrim(), mpb.BarRemoveOnComplete())
}

// text is what stands after a bar: "5/9  12.3s  RUN pip install".
func (s *shown) text(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%d/%d", s.done, s.total)
	if len(s.open) == 0 {
		return text
	}
	// What the user wrote before what BuildKit does for itself, and the latest of those.
	at := s.open[len(s.open)-1]
	for _, r := range s.open {
		if !strings.HasPrefix(r.name, "load ") && !strings.HasPrefix(r.name, "exporting ") {
			at = r
		}
	}
	return fmt.Sprintf("%s  %.1fs  %s", text, now.Sub(at.since).Seconds(), at.name)
}

// columns is the terminal's width, one less: some wrap a line that fills it.
func (p *Progress) columns() int {
	if n := p.width(); n > 1 {
		return n - 1
	}
	return 79
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

type fillerBuilder struct{ filler mpb.BarFiller }

func (f fillerBuilder) Build() mpb.BarFiller { return f.filler }

// console is a terminal whose width is asked of the caller. It may be a buffer.
type console struct {
	*cupwriter.Writer
	columns func() int
}

func (c console) IsTerminal() bool { return true }

// GetTermSize bounds the lines by nothing: there are few builds at a time.
func (c console) GetTermSize() (width, height int, err error) { return c.columns(), math.MaxInt32, nil }
