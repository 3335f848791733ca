package builder

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func after(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

// events are those of one build: a base image, a long step, a step that is cached.
func events(build string) []Event {
	return []Event{
		{build, Step{Name: "[internal] load metadata for docker.io/library/python:3.12", Started: noon}, 2, 9},
		{build, Step{Name: "[internal] load metadata for docker.io/library/python:3.12", Started: noon, Completed: after(0.4)}, 3, 9},
		{build, Step{Name: "[builder 2/5] WORKDIR /app", Started: noon, Completed: after(2), Cached: true}, 4, 9},
		{build, Step{Name: "[builder 3/5] RUN pip install --no-cache-dir -r requirements.txt && python -m compileall .", Started: after(2)}, 5, 9},
		{build, Step{Name: "[builder 3/5] RUN pip install --no-cache-dir -r requirements.txt && python -m compileall .", Started: after(2), Completed: after(14.3)}, 6, 9},
		{build, Step{Name: "[builder 4/5] RUN make", Started: after(15), Completed: after(18), Error: "exit code: 2"}, 7, 9},
		{build, Step{}, 7, 9},
	}
}

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, false, func() int { t.Error("asks for the width of a file"); return 0 })
	for _, e := range events("before") {
		p.Observer()(e)
	}
	p.Close()
	want := "before: 6/9 RUN pip install --no-cache-dir -r requirements.txt && pytho… 12.3 s\nbefore: 7/9 RUN make 3.0 s, failed\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// screen is what a terminal shows of text: "\x1b[nA" goes up n lines and "\x1b[J"
// clears what is below.
func screen(t *testing.T, text string) string {
	t.Helper()
	var rows []string
	for text != "" {
		if up := regexp.MustCompile(`^\x1b\[(\d+)A\x1b\[J`).FindStringSubmatch(text); up != nil {
			n := int(up[1][0] - '0')
			if len(up[1]) != 1 || n > len(rows) {
				t.Fatalf("goes up %s lines of %d", up[1], len(rows))
			}
			rows, text = rows[:len(rows)-n], text[len(up[0]):]
			continue
		}
		row, rest, _ := strings.Cut(text, "\n")
		if strings.Contains(row, "\x1b") {
			t.Fatalf("another escape: %q", row)
		}
		rows, text = append(rows, row), rest
	}
	return strings.Join(rows, "\n")
}

// terminal is a Progress with a clock and a refresh that the test moves.
type terminal struct {
	*Progress
	mu    sync.Mutex
	out   bytes.Buffer
	clock time.Time
	tick  chan any
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *terminal) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// draw refreshes: the third request is taken when the first is drawn, since one waits in between.
func (s *terminal) draw() {
	for range 3 {
		s.tick <- noon
	}
}

func newTerminal(width int) *terminal {
	s := &terminal{clock: noon, tick: make(chan any)}
	s.Progress = NewProgress(s, true, func() int { return width })
	s.refresh = s.tick
	s.now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.clock }
	return s
}

func (s *terminal) at(clock time.Time) { s.mu.Lock(); s.clock = clock; s.mu.Unlock() }

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		width      int
		live, over string
	}{
		{80, "before  [===>    ] 5/9  12.3s  RUN pip install --no-cache-dir -r requirements.…", "before  failed, 9 steps, 1 cached, 20.0 s"},
		{40, "before  [===>    ] 5/9  12.3s  RUN pip…", "before  failed, 9 steps, 1 cached, 20.…"},
		{30, "before 5/9  12.3s  RUN pip i…", "before  failed, 9 steps, 1 c…"},
	} {
		s := newTerminal(c.width)
		all := events("before")
		for _, e := range all[:4] {
			s.Observer()(e)
		}
		s.at(after(12.3))
		s.draw()
		got := screen(t, s.text())
		if got != c.live {
			t.Errorf("%d columns: got\n%s\nwant\n%s", c.width, got, c.live)
		}
		if n := runewidth.StringWidth(got); n >= c.width {
			t.Errorf("%d columns: a line of %d", c.width, n)
		}
		s.at(after(20))
		for _, e := range all[4:] {
			s.Observer()(e)
		}
		s.Close()
		if got := screen(t, s.text()); got != c.over {
			t.Errorf("%d columns, at the end: got\n%s\nwant\n%s", c.width, got, c.over)
		}
	}
}

// Two builds have two bars; one that is over in under a second leaves nothing, and
// Close takes one away that never ended.
func TestTerminalTwoBuilds(t *testing.T) {
	s := newTerminal(80)
	for _, e := range events("before")[:2] {
		s.Observer()(e)
	}
	for _, e := range events("after")[:1] {
		s.Observer()(e)
	}
	s.draw()
	want := "before  [==>     ] 3/9\nafter   [=>      ] 2/9  0.0s  load metadata for docker.io/library/python:3.12"
	if got := screen(t, s.text()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.Observer()(Event{Build: "after"})
	s.draw()
	s.Close()
	s.Observer()(events("late")[0])
	if got := screen(t, s.text()); got != "" {
		t.Errorf("left over: %q", got)
	}
}

// A build of which nothing is told draws nothing, and what a Dockerfile holds
// doesn't reach the terminal as an escape.
func TestTerminalQuiet(t *testing.T) {
	s := newTerminal(80)
	s.Observer()(Event{Build: "before"})
	s.Close()
	if s.text() != "" {
		t.Errorf("got %q", s.text())
	}
	if got := short("[1/2] RUN printf '\x1b[2J\x07'", 60); got != "RUN printf '[2J'" {
		t.Errorf("got %q", got)
	}
}

// A build that somebody stopped isn't told as built.
func TestTerminalStopped(t *testing.T) {
	s := newTerminal(80)
	all := events("before")
	for _, e := range all[:4] {
		s.Observer()(e)
	}
	s.at(after(20))
	stopped := all[3]
	stopped.Step.Completed, stopped.Step.Error = after(20), "context canceled"
	s.Observer()(stopped)
	s.Observer()(Event{Build: "before"})
	s.Close()
	if got, want := screen(t, s.text()), "before  stopped, 9 steps, "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
