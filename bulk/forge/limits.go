package forge

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tries  = 7 // of a request, after the first: about a minute with the waits between them
	first  = 3 // the same, as long as the host has never answered: it may be a wrong address
	rounds = 5 // waits for a rate limit in one request
	// blind is the wait for a secondary limit that says nothing of its end:
	// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
	// asks for a minute at least, and for more each time.
	blind = time.Minute
)

// backoff is the wait before try n, 1 the first: half a second, doubled each time,
// up to half of it more so that workers don't come back all at once.
func backoff(n int) time.Duration {
	d := 500 * time.Millisecond << min(n-1, 5)
	return d + rand.N(d/2)
}

// limit is a host's wish to be left alone.
type limit struct {
	until time.Time
	left  bool // the request itself was served; it was the last one
}

// limitOf reads the limits that an answer tells. now is the local time, waited how
// often the request has waited already.
//
// Sources: GitHub "Rate limits for the REST API" (x-ratelimit-remaining and -reset, a
// Unix time; retry-after in seconds; 403 or 429); GitLab "Rate limits" (429,
// RateLimit-Remaining, RateLimit-Reset, Retry-After); RFC 9110, 10.2.3 for dates.
func limitOf(a answer, err error, now time.Time, waited int) (limit, bool) {
	if err != nil {
		return limit{}, false
	}
	h := a.header
	refused := a.status == http.StatusTooManyRequests || a.status == http.StatusForbidden
	if !refused && a.status >= 400 && a.status != http.StatusServiceUnavailable {
		return limit{}, false
	}
	theirs := now // by the host's clock, which needn't be ours
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		theirs = d
	}
	if a.status >= 400 {
		if after, ok := retryAfter(h.Get("Retry-After"), theirs); ok {
			return limit{until: now.Add(after)}, true
		}
	}
	if a.status == http.StatusServiceUnavailable {
		return limit{}, false
	}
	if reset, ok := resetOf(h); ok && (refused || a.status < 400) {
		return limit{until: now.Add(max(reset.Sub(theirs), 0) + time.Second), left: !refused}, true
	}
	if a.status == http.StatusTooManyRequests || refused && secondary(a.body) {
		return limit{until: now.Add(blind << min(waited, 4))}, true
	}
	return limit{}, false
}

// resetOf is when a limit ends that has nothing remaining.
func resetOf(h http.Header) (time.Time, bool) {
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit-"} {
		if h.Get(prefix+"Remaining") != "0" {
			continue
		}
		if sec, err := strconv.ParseInt(h.Get(prefix+"Reset"), 10, 64); err == nil && sec > 1e9 {
			return time.Unix(sec, 0), true
		}
	}
	return time.Time{}, false
}

func retryAfter(s string, theirs time.Time) (time.Duration, bool) {
	if sec, err := strconv.ParseInt(s, 10, 32); err == nil && sec >= 0 {
		return time.Duration(sec)*time.Second + time.Second, true
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(theirs), 0) + time.Second, true
	}
	return 0, false
}

// secondary tells GitHub's other 403, which may come without any header.
func secondary(body []byte) bool {
	text := strings.ToLower(told(body))
	return strings.Contains(text, "secondary rate limit") || strings.Contains(text, "abuse detection") || strings.Contains(text, "rate limit exceeded")
}

// brake holds all requests to one host while it wants none.
type brake struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	tell  func(time.Duration, string)

	mu    sync.Mutex
	until time.Time
	down  bool // the host's trouble was told and goes on
	knows bool // the host has answered
}

// block makes requests wait until then. It is told once, not by each of them.
func (b *brake) block(until time.Time, why string) {
	b.mu.Lock()
	now := b.now()
	news := until.After(b.until.Add(time.Second)) && until.After(now)
	if until.After(b.until) {
		b.until = until
	}
	b.mu.Unlock()
	if news && b.tell != nil {
		b.tell(until.Sub(now), why)
	}
}

// pass waits for as long as requests are blocked.
func (b *brake) pass(ctx context.Context) error {
	for {
		b.mu.Lock()
		left := b.until.Sub(b.now())
		b.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := b.sleep(ctx, left); err != nil {
			return err
		}
	}
}

// pause is the wait of one request.
func (b *brake) pause(ctx context.Context, d time.Duration, why string) error {
	b.mu.Lock()
	news := !b.down
	b.down = true
	b.mu.Unlock()
	if news && b.tell != nil {
		b.tell(d, why)
	}
	return b.sleep(ctx, d)
}

// well notes that the host answers.
func (b *brake) well() {
	b.mu.Lock()
	b.down, b.knows = false, true
	b.mu.Unlock()
}

// tries is how often a request is sent again.
func (b *brake) tries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.knows {
		return tries
	}
	return first
}

// sleep waits, unless the run is ended.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
