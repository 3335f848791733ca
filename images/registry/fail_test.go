package registry_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

// What registries answer when they don't give the image, and what is said.
func TestStatus(t *testing.T) {
	registrytest.NoLogins(t)
	date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		name     string
		option   registrytest.Option
		kind     error
		says     string
		requests int
	}{
		{"400", registrytest.Fail(-1, 400), images.ErrInvalid, "it answers 400 (UNKNOWN made by the test): check that", 2}, // HEAD, and GET instead
		{"401", registrytest.Fail(-1, 401), images.ErrUnauthorized, "docker login 127.0.0.1:", 1},
		{"403", registrytest.Fail(-1, 403), images.ErrUnauthorized, "what is private and what is missing look alike", 1},
		{"404", registrytest.Fail(-1, 404), images.ErrNotFound, "check name and tag", 1},
		{"418", registrytest.Fail(-1, 418), images.ErrInvalid, "it answers 418: check that", 1},
		{"429 without a time", registrytest.Fail(-1, 429), images.ErrRateLimited, "try again later, or docker login 127.0.0.1:", 1},
		{"429 seconds", registrytest.Fail(-1, 429, "Retry-After", "1260"), images.ErrRateLimited, "the registry's rate limit is used: try again in 21m0s", 1},
		{"429 date", registrytest.Fail(-1, 429, "Retry-After", date), images.ErrRateLimited, "try again in ", 1},
		{"429 for ever", registrytest.Fail(-1, 429, "Retry-After", "99999999999999"), images.ErrRateLimited, "try again in 24h0m0s", 1},
		{"429 again and again", registrytest.Fail(-1, 429, "Retry-After", "0"), images.ErrRateLimited, "try again in 1s", 3},
		{"500", registrytest.Fail(-1, 500), images.ErrUnreachable, "it answers 500: try again later, or use --offline", 3},
		{"503", registrytest.Fail(-1, 503), images.ErrUnreachable, "it answers 503", 3},
		{"connections break", registrytest.Break(100), images.ErrUnreachable, "the connection broke", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := registrytest.Start(t, python(), c.option)
			s := store(t, reg, registry.Options{})
			_, err := s.Resolve(ref(t, "python:3.12"))
			wants(t, err, c.kind, c.says, "library/python:3.12: ")
			if got := reg.Requests(); len(got) != c.requests {
				t.Errorf("%d requests: %q", len(got), got)
			}
		})
	}
}

// What passes is asked again: at most twice.
func TestRetry(t *testing.T) {
	registrytest.NoLogins(t)
	for name, option := range map[string]registrytest.Option{
		"500 twice": registrytest.Fail(2, 500), "503 with a time": registrytest.Fail(1, 503, "Retry-After", "0"), "502": registrytest.Fail(1, 502),
		"reset": registrytest.Break(2), "429 with a short time": registrytest.Fail(1, 429, "Retry-After", "0"),
		"429 with a date that has passed": registrytest.Fail(2, 429, "Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.Start(t, python(), option)
			d, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12"))
			if err != nil || d.Digest != reg.Digest("library/python", "3.12") {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

// A wait that the registry asks for is kept, and only asked for once.
func TestRetryAfterIsWaitedFor(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Fail(1, 429, "Retry-After", "1"))
	start := time.Now()
	if _, err := store(t, reg, registry.Options{}).Resolve(ref(t, "python:3.12")); err != nil || time.Since(start) < time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	reg = registrytest.Start(t, python(), registrytest.Fail(1, 429, "Retry-After", "1"))
	_, err := store(t, reg, registry.Options{MaxWait: 900 * time.Millisecond}).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrRateLimited, "try again in 1s")
	reg = registrytest.Start(t, python(), registrytest.Fail(-1, 429, "Retry-After", "60"))
	s := store(t, reg, registry.Options{})
	for _, tag := range []string{"3.12", "3.13", "single"} {
		_, err := s.Resolve(ref(t, "python:"+tag))
		wants(t, err, images.ErrRateLimited, "library/python:"+tag, "try again in 1m0s")
	}
	if got := reg.Requests(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
}

// A connection that breaks within an answer is tried once more, and told.
func TestBreaksWithin(t *testing.T) {
	registrytest.NoLogins(t)
	var left atomic.Int64
	breaks := registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead || left.Add(-1) < 0 {
			return false
		}
		w.Header().Set("Content-Length", "5000")
		fmt.Fprint(w, `{"schemaVersion":2,`)
		return true
	})
	reg := registrytest.Start(t, python(), breaks)
	left.Store(1)
	if _, err := store(t, reg, registry.Options{}).Describe(ref(t, "python:3.12"), "linux/amd64"); err != nil {
		t.Error(err)
	}
	left.Store(1000)
	_, err := store(t, reg, registry.Options{}).Describe(ref(t, "python:3.12"), "linux/amd64")
	wants(t, err, images.ErrUnreachable, "library/python:3.12: ", "the connection broke")
	_, err = store(t, reg, registry.Options{}).Tags(ref(t, "python"))
	wants(t, err, images.ErrUnreachable, "library/python: ", "the connection broke")
}

// silent is an address where connections are taken and nothing is said.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// A host that doesn't answer costs one time-out in a run, however many
// questions there are, and none in the next run.
func TestDown(t *testing.T) {
	registrytest.NoLogins(t)
	o := registry.Options{Timeout: 400 * time.Millisecond, CacheDir: t.TempDir() + "/cache"}
	mirrors := "docker.io=!" + silent(t)
	s := withMirrors(t, mirrors, o)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := s.Resolve(ref(t, fmt.Sprintf("python:3.%d", i)))
			wants(t, err, images.ErrUnreachable, "no answer within 400ms", fmt.Sprintf("library/python:3.%d: ", i))
		})
	}
	wg.Wait()
	if _, err := s.Tags(ref(t, "node")); err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	start = time.Now()
	_, err := withMirrors(t, mirrors, o).Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrUnreachable, "no answer within 400ms, at ", "it isn't asked before ", "to ask now, remove "+o.CacheDir)
	if d := time.Since(start); d > 200*time.Millisecond {
		t.Errorf("the next run waits %v", d)
	}
}

// Nothing listens: that is said at once, and isn't kept for the next run.
func TestRefused(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	reg.Stop()
	o := registry.Options{CacheDir: t.TempDir() + "/cache"}
	start := time.Now()
	for range 2 {
		_, err := store(t, reg, o).Resolve(ref(t, "python:3.12"))
		wants(t, err, images.ErrUnreachable, "nothing listens there: check the network, or use --offline")
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
}

// A body that drips ends with the time-out.
func TestDrip(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			return false
		}
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		return true
	}))
	start := time.Now()
	_, err := store(t, reg, registry.Options{Timeout: 300 * time.Millisecond}).Tags(ref(t, "python"))
	wants(t, err, images.ErrUnreachable, "no answer within 300ms")
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// Not more than PerHost questions are under way at a host.
func TestPerHost(t *testing.T) {
	registrytest.NoLogins(t)
	var now, most atomic.Int64
	reg := registrytest.Start(t, python(), registrytest.Handle(func(http.ResponseWriter, *http.Request) bool {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
		return false
	}))
	s := store(t, reg, registry.Options{PerHost: 3})
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() { s.Resolve(ref(t, fmt.Sprintf("python:%d", i))) })
	}
	wg.Wait()
	if m := most.Load(); m != 3 {
		t.Errorf("%d requests at once", m)
	}
}

// The time-out is for one question; waiting for one's turn isn't the host's fault.
func TestTurnsAreNoTimeout(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Handle(func(http.ResponseWriter, *http.Request) bool {
		time.Sleep(50 * time.Millisecond)
		return false
	}))
	s := store(t, reg, registry.Options{PerHost: 1, Timeout: 300 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			_, err := s.Resolve(ref(t, fmt.Sprintf("python:%d", i)))
			wants(t, err, images.ErrNotFound)
		})
	}
	wg.Wait()
}

// Three answers of 5xx in a row are enough for a run.
func TestSick(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python(), registrytest.Fail(-1, 503))
	s := store(t, reg, registry.Options{})
	for i := range 10 {
		_, err := s.Resolve(ref(t, fmt.Sprintf("python:%d", i)))
		wants(t, err, images.ErrUnreachable, fmt.Sprintf("library/python:%d: ", i), "it answers 503")
	}
	if n := len(reg.Requests()); n != 9 {
		t.Errorf("%d requests", n)
	}
}

// HEAD refused, or without a digest: GET, whose bytes give it.
func TestNoHead(t *testing.T) {
	registrytest.NoLogins(t)
	bare := registrytest.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(without{w, "Docker-Content-Digest"}, r)
		})
	})
	untyped := registrytest.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(without{w, "Content-Type"}, r) })
	})
	for name, option := range map[string]registrytest.Option{"405": registrytest.NoHead(405), "501": registrytest.NoHead(501), "no digest": bare, "no type": untyped} {
		reg := registrytest.Start(t, python(), option)
		s := store(t, reg, registry.Options{})
		for _, tag := range []string{"3.12", "3.13", "single", "single-list"} {
			d, err := s.Resolve(ref(t, "python:"+tag))
			if err != nil || d.Digest != reg.Digest("library/python", tag) || d.Index != (tag[0] == '3') {
				t.Errorf("%s: %s is %+v, %v", name, tag, d, err)
			}
		}
	}
}

// without is a ResponseWriter that drops a header.
type without struct {
	http.ResponseWriter
	name string
}

func (w without) WriteHeader(code int) {
	w.Header().Del(w.name)
	if w.name == "Content-Type" {
		w.Header()["Content-Type"] = nil // no guess of net/http's
	}
	w.ResponseWriter.WriteHeader(code)
}

func TestOffline(t *testing.T) {
	reg := registrytest.Start(t, python())
	dir := t.TempDir() + "/cache"
	s := store(t, reg, registry.Options{Offline: true, CacheDir: dir})
	_, err := s.Resolve(ref(t, "python:3.12"))
	wants(t, err, images.ErrOffline, "docker.io: python:3.12: no registry is asked: this is --offline: run without it")
	_, err = s.Tags(ref(t, "ghcr.io/o/app"))
	wants(t, err, images.ErrOffline)
	_, err = s.Platforms(ref(t, "python:3.12"))
	wants(t, err, images.ErrOffline)
	_, err = s.Describe(images.Ref{}, "")
	wants(t, err, images.ErrOffline)
	if got := reg.Requests(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}
	absent(t, dir)
}

// New dials nothing, reads nothing and is quick.
func TestNew(t *testing.T) {
	dir := t.TempDir() + "/cache"
	n := testing.AllocsPerRun(100, func() { registry.New(context.Background(), registry.Options{CacheDir: dir}) })
	if n > 20 {
		t.Errorf("%v allocations", n)
	}
	absent(t, dir)
}
