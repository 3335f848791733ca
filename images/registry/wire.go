package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"drydock/images"
)

// host is what this run knows of a registry's host.
type host struct {
	r     *Registry
	name  string
	plain bool          // plain HTTP, without trying https
	slots chan struct{} // questions at once

	mu     sync.Mutex
	down   error                // it didn't answer: don't ask again
	failed int                  // answers of 5xx in a row
	quiet  time.Time            // it asked not to be asked before
	told   bool                 // quiet is what it said, not a guess
	asked  bool                 // the cache doesn't say that it was down lately
	scheme string               // "" not known yet
	first  *transport.Challenge // how it wants logins; nil not known
}

func (r *Registry) host(e endpoint) *host {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hosts[e.host]
	if h == nil {
		h = &host{r: r, name: e.host, slots: make(chan struct{}, r.o.PerHost)}
		secure := false
		for _, m := range r.o.Mirrors {
			if m.Target == e.host {
				h.plain, secure = h.plain || m.Plain, secure || m.Secure
			}
		}
		switch {
		case h.plain:
			h.scheme = "http"
		case secure, !loopback(e.host):
			h.scheme = "https"
		}
		r.hosts[e.host] = h
	}
	return h
}

// wire sends requests: what every one of them passes, those for tokens and the
// redirected ones too. It holds no logins.
type wire struct{ r *Registry }

// transport makes what dials, at the first request.
func (r *Registry) transport() http.RoundTripper {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == nil {
		t := &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: r.o.Dial}).DialContext,
			TLSHandshakeTimeout:    2 * r.o.Dial,
			MaxIdleConnsPerHost:    r.o.PerHost,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		}
		context.AfterFunc(r.ctx, t.CloseIdleConnections)
		r.base = transport.NewUserAgent(t, "drydock")
	}
	return r.base
}

// RoundTrip refuses plain HTTP where it isn't wanted, tries again what may be
// tried again, and waits when asked to.
func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := w.r.allowed(req); err != nil {
		return nil, err
	}
	pause := w.r.o.Backoff
	for try := 0; ; try++ {
		res, err := w.r.transport().RoundTrip(req)
		last := try == 2 || req.Method != http.MethodGet && req.Method != http.MethodHead
		wait := pause
		switch {
		case err != nil && (last || !broken(err)):
			return nil, err
		case err != nil:
		case res.StatusCode == http.StatusTooManyRequests:
			asked, told := retryAfter(res.Header.Get("Retry-After"), time.Now())
			drop(res)
			if wait = asked; !told || last || wait > w.r.o.MaxWait || !inTime(req.Context(), wait) {
				if !told {
					asked = time.Minute
				}
				return nil, &limited{until: time.Now().Add(asked), told: told}
			}
		case res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented && !last:
			if asked, told := retryAfter(res.Header.Get("Retry-After"), time.Now()); told && asked <= w.r.o.MaxWait {
				wait = max(wait, asked)
			}
			if !inTime(req.Context(), wait) {
				return res, nil
			}
			drop(res)
		default:
			return res, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-req.Context().Done():
			timer.Stop()
			return nil, req.Context().Err()
		}
		pause *= 3
	}
}

// allowed tells whether req may be sent: plain HTTP goes to this machine and to
// the hosts that DRYDOCK_MIRRORS names with http://.
func (r *Registry) allowed(req *http.Request) error {
	r.mu.Lock()
	h := r.hosts[req.URL.Host]
	r.mu.Unlock()
	if req.URL.Scheme == "http" && !loopback(req.URL.Host) && (h == nil || !h.plain) {
		return &refused{fmt.Sprintf("plain HTTP to %s isn't allowed", req.URL.Host)}
	}
	return nil
}

// broken tells of an error that another try may not meet: the connection was
// there and broke.
func broken(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" || isTimeout(err) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// retryAfter reads seconds or a date: RFC 9110, 10.2.3.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if s, err := strconv.ParseInt(value, 10, 64); err == nil && s >= 0 {
		return time.Duration(min(s, 86400)) * time.Second, true
	}
	if t, err := http.ParseTime(value); err == nil {
		return min(max(t.Sub(now), 0), 24*time.Hour), true
	}
	return 0, false
}

func inTime(ctx context.Context, wait time.Duration) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(end) > wait)
}

// drop reads a little of what is left, so that the connection serves again, and
// closes.
func drop(res *http.Response) {
	io.CopyN(io.Discard, res.Body, 4<<10)
	res.Body.Close()
}

// follow is the rule for redirects: registries send manifests and blobs to other
// hosts. Never to plain HTTP (see allowed), never from the outside to an address
// of this machine or of a private network.
func follow(req *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return &refused{"it redirects too often"}
	}
	from, to := via[0].URL, req.URL
	if to.Host != from.Host && inside(to.Hostname()) && !inside(from.Hostname()) {
		return &refused{fmt.Sprintf("it redirects to %s, which is inside", to.Host)}
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return &refused{"it redirects to plain HTTP"}
	}
	return nil
}

// open finds out how to speak to the host; the caller holds one of its slots.
func (h *host) open(ctx context.Context, e endpoint) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.down != nil:
		return h.down
	case time.Now().Before(h.quiet):
		return &limited{until: h.quiet, told: h.told}
	}
	if !h.asked {
		if err := h.r.cache.isDown(e, ""); err != nil {
			return err
		}
		h.asked = true
	}
	if h.scheme != "" {
		return nil
	}
	// Only a loopback host comes here: https, or plain HTTP when that fails.
	reg, err := name.NewRegistry(h.name, name.Insecure)
	if err != nil {
		return &refused{"its name isn't one of a host"}
	}
	c, err := transport.Ping(ctx, reg, wire{h.r})
	if err != nil {
		return err
	}
	h.scheme, h.first = "https", c
	if c.Insecure {
		h.scheme = "http"
	}
	return nil
}

// learn remembers what an answer tells about the host. Three questions in a row
// that end in 5xx or a broken connection are as good as no answer.
func (h *host) learn(err error, took time.Duration, e endpoint) {
	var f *failure
	var l *limited
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.As(err, &l) {
		h.quiet, h.told = l.until, l.told
	}
	if !errors.As(err, &f) || f.kind != images.ErrUnreachable {
		h.failed = 0
		return
	}
	if f.down {
		h.down = f
		h.r.cache.markDown(e, f, took)
	} else if h.failed++; h.failed >= 3 {
		h.down = f
	}
}
