package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"drydock/bulk"
	"drydock/bulk/result"
)

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// seen is what a terminal shows: "\x1b[nA\x1b[J" goes up n lines and clears what is below.
func (b *lockedBuffer) seen(t *testing.T) (rows []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	up := regexp.MustCompile(`^\x1b\[(\d+)A\x1b\[J`)
	for text := b.b.String(); text != ""; {
		if m := up.FindStringSubmatch(text); m != nil {
			var n int
			fmt.Sscan(m[1], &n)
			if n > len(rows) {
				t.Fatalf("goes up %d lines of %d", n, len(rows))
			}
			rows, text = rows[:len(rows)-n], text[len(m[0]):]
			continue
		}
		row, rest, _ := strings.Cut(text, "\n")
		rows, text = append(rows, row), rest
	}
	return rows
}

// The bar and the repositories below it are drawn over themselves, however many they are, and what went wrong stands above.
func TestBulkProgressTerminal(t *testing.T) {
	var out lockedBuffer
	p := newBulkProgress(&out, true, func() int { return 80 })
	p.ticks = make(chan any)
	draw := func() {
		for range 3 { // the third is taken when the first is drawn
			p.ticks <- time.Time{}
		}
	}
	p.found(136)
	last := func(want int) []string {
		t.Helper()
		draw()
		rows := out.seen(t)
		// A frame follows the last: one of them may just be drawn.
		if len(rows) > 0 && rows[len(rows)-1] == "" {
			rows = rows[:len(rows)-1]
		}
		n := 0
		for _, row := range rows {
			if strings.Contains(row, "/136") {
				n++
			}
			if w := runewidth.StringWidth(row); w > 79 {
				t.Errorf("%d columns: %q", w, row)
			}
		}
		if n > 1 || len(rows) > want {
			t.Errorf("%d bars, %d rows of %d:\n%s", n, len(rows), want, strings.Join(rows, "\n"))
		}
		return rows
	}
	for i := range 12 {
		p.event(bulk.Event{Kind: bulk.Stage, Name: fmt.Sprint("repo", i), Text: "read", Found: 136})
		last(1 + min(i+1, bulkOpen+1))
	}
	for i := range 11 {
		p.event(bulk.Event{Kind: bulk.Done, Name: fmt.Sprint("repo", i), Found: 136, Result: &result.Result{Name: fmt.Sprint("repo", i), Status: result.Changed}})
	}
	p.event(bulk.Event{Kind: bulk.Done, Name: "before", Found: 136, Resumed: true})
	p.event(bulk.Event{Kind: bulk.Done, Name: "repo11", Found: 136, Result: &result.Result{Name: "repo11", Source: "/src/repo11", Status: result.Failed, Reason: "/src/repo11: damaged"}})
	last(2)
	p.now = func() time.Time { return p.begun.Add(time.Minute) }
	if got, want := p.line(79), "[=>               ] 13/136  11 changed, 0 unchanged, 0 skipped, 1 failed, 0.2/s"; got != want {
		t.Errorf("the bar is\n%q, want\n%q", got, want)
	}
	p.close()
	if rows := strings.TrimSpace(strings.Join(out.seen(t), "\n")); rows != "repo11: failed: damaged" {
		t.Errorf("in the end stands\n%s", rows)
	}
}

// A log is told of a server that asks for patience, not of each pause of a second.
func TestBulkProgressWaits(t *testing.T) {
	var out bytes.Buffer
	p := newBulkProgress(&out, false, func() int { return 80 })
	p.event(bulk.Event{Kind: bulk.Wait, Text: "the pause between two pull requests", For: time.Second})
	p.event(bulk.Event{Kind: bulk.Wait, Text: "the server asks for it", For: time.Minute})
	if got, want := out.String(), "waiting 1m0s: the server asks for it\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
