package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drydock/bulk/forge/forgetest"
)

// once answers the first n requests for a path itself.
func firstTimes(n int, part string, f func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if n == 0 || !strings.Contains(r.Method+" "+r.URL.Path, part) {
			return false
		}
		n--
		f(w)
		return true
	}
}

// hangUp breaks the connection in the middle of an answer.
func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	c.Close()
}

func TestWaits(t *testing.T) {
	header := func(code int, body string, kv ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(kv); i += 2 {
				w.Header().Set(kv[i], kv[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	in := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	// The host's clock is an hour before ours; what it says of itself counts.
	ahead := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		kind   string
		answer func(http.ResponseWriter)
		least  time.Duration
		most   time.Duration
	}{
		"primary": {"github", header(403, `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/rest"}`,
			"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", in(40*time.Minute)), 39 * time.Minute, 41 * time.Minute},
		"primary, 429": {"github", header(429, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", in(time.Minute)), 58 * time.Second, 62 * time.Second},
		"clock": {"github", header(403, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(ahead.Add(5*time.Minute).Unix()), "Date", ahead.UTC().Format(http.TimeFormat)),
			4 * time.Minute, 6 * time.Minute},
		"secondary": {"github", header(403, `{"message":"You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later."}`,
			"Retry-After", "60", "X-RateLimit-Remaining", "4000"), 61 * time.Second, 61 * time.Second},
		"secondary without a word": {"github", header(403, `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
			"X-RateLimit-Remaining", "4000"), time.Minute, time.Minute},
		"gitlab": {"gitlab", header(429, "Retry later\n", "Content-Type", "text/plain", "RateLimit-Remaining", "0", "RateLimit-Reset", in(30*time.Second)), 28 * time.Second, 32 * time.Second},
		"date":   {"gitlab", header(429, "", "Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat), "Date", time.Now().UTC().Format(http.TimeFormat)), 19 * time.Second, 22 * time.Second},
		"503":    {"gitlab", header(503, "<html>GitLab is not responding</html>", "Retry-After", "5", "Content-Type", "text/html"), 6 * time.Second, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := doubles[c.kind](t)
			app(s)
			s.Intercept = firstTimes(1, "POST ", c.answer)
			f, clock := open(t, c.kind, s.URL, s.Token)
			if p, err := f.Create(t.Context(), "lab", "app", proposal()); err != nil || p.Number != 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			var slept time.Duration
			for _, d := range clock.slept {
				slept += d
			}
			if slept < c.least || slept > c.most || len(clock.told) != 1 {
				t.Errorf("waited %s, told %q", slept, clock.told)
			}
		})
	}
}

// The last request of an hour is served; the next one waits, without asking.
func TestLastRequest(t *testing.T) {
	s := forgetest.GitHub(t)
	app(s)
	f, clock := open(t, "github", s.URL, s.Token)
	s.Intercept = firstTimes(1, "GET ", func(w http.ResponseWriter) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(10*time.Minute).Unix()))
		fmt.Fprint(w, `{"name":"app","owner":{"login":"lab"},"size":1}`)
	})
	if _, err := f.Get(t.Context(), "lab", "app"); err != nil || len(clock.slept) > 0 {
		t.Fatalf("%v, %v", err, clock.slept)
	}
	if _, err := f.Get(t.Context(), "lab", "app"); err != nil || len(clock.slept) != 1 || clock.slept[0] < 9*time.Minute || len(s.Requests()) != 2 {
		t.Errorf("%v, %v", err, clock.slept)
	}
}

// A wait that is too long, or one that never ends, is an error that says until when.
func TestWaitBounded(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		app(s)
		until := "7200"
		s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", until)
			w.WriteHeader(429)
			return true
		}
		f, clock := open(t, kind, s.URL, s.Token)
		if _, err := f.Get(t.Context(), "lab", "app"); !errors.Is(err, ErrRateLimited) || len(clock.slept) > 0 || !strings.Contains(err.Error(), "try again at") {
			t.Errorf("%v, %v", err, clock.slept)
		}
		until = "1"
		s.Requests()
		if _, err := f.Get(t.Context(), "lab", "app"); !errors.Is(err, ErrRateLimited) {
			t.Errorf("%v", err)
		}
		if n := len(s.Requests()); n != rounds+1 {
			t.Errorf("%d requests", n)
		}
	})
}

// What the host can't do just now is tried again, a POST too where a second one is refused.
func TestTriesAgain(t *testing.T) {
	for name, trouble := range map[string]func(http.ResponseWriter){
		"502":     func(w http.ResponseWriter) { w.WriteHeader(502) },
		"hung up": hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, kind string, s *forgetest.Server) {
				at := app(s)
				f, clock := open(t, kind, s.URL, s.Token)
				if _, err := f.Get(t.Context(), "lab", "app"); err != nil { // it has answered before
					t.Fatal(err)
				}
				for _, part := range []string{"GET ", "POST "} {
					s.Do(func() { s.Intercept = firstTimes(4, part, trouble) })
					if p, err := f.Create(t.Context(), "lab", "app", proposal()); err != nil || p.Number != 1 || len(at.Pulls) != 1 {
						t.Fatalf("%+v, %v", p, err)
					}
				}
				for i, d := range clock.slept[:3] {
					if least := 500 * time.Millisecond << i; d < least || d > least*3/2 {
						t.Errorf("waits %v", clock.slept)
					}
				}
				if len(clock.told) == 0 || len(clock.told) > 2 {
					t.Errorf("told %q", clock.told)
				}
			})
		})
	}
}

// A host that never answers isn't waited for long; one that did before is.
func TestGivesUp(t *testing.T) {
	s := forgetest.GitHub(t)
	app(s)
	f, clock := open(t, "github", s.URL, s.Token)
	down := func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(500); return true }
	s.Intercept = down
	if _, err := f.Get(t.Context(), "lab", "app"); !errors.Is(err, ErrUnreachable) || len(clock.slept) != first || !strings.Contains(err.Error(), "500") {
		t.Errorf("%v after %v", err, clock.slept)
	}
	s.Do(func() { s.Intercept = nil })
	if _, err := f.Get(t.Context(), "lab", "app"); err != nil {
		t.Fatal(err)
	}
	s.Do(func() { s.Intercept = down })
	clock.slept = nil
	if _, err := f.Get(t.Context(), "lab", "app"); !errors.Is(err, ErrUnreachable) || len(clock.slept) != tries {
		t.Errorf("%v after %v", err, clock.slept)
	}
}

// The connection breaks after a comment was taken: it isn't written twice. It breaks
// before: it is written.
func TestCommentOnce(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		for _, heard := range []bool{true, false} {
			at := app(s)
			at.Name = fmt.Sprint("app-", heard)
			f, _ := open(t, kind, s.URL, s.Token)
			p, err := f.Create(t.Context(), "lab", at.Name, proposal())
			if err != nil {
				t.Fatal(err)
			}
			at.Pulls[0].Comments = make([]string, 120) // more than a page of what others said
			for i := range at.Pulls[0].Comments {
				at.Pulls[0].Comments[i] = fmt.Sprint("other ", i)
			}
			n := 0
			s.Do(func() {
				s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost || n > 0 {
						return false
					}
					n++
					if heard {
						at.Pulls[0].Comments = append(at.Pulls[0].Comments, "Nothing left.")
					}
					hangUp(w)
					return true
				}
			})
			if err := f.Close(t.Context(), "lab", at.Name, *p, "Nothing left."); err != nil {
				t.Fatal(err)
			}
			if c := at.Pulls[0].Comments; len(c) != 121 || c[120] != "Nothing left." || at.Pulls[0].State != "closed" {
				t.Errorf("heard %v: %d comments, %s", heard, len(c), at.Pulls[0].State)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	both(t, func(t *testing.T, kind string, s *forgetest.Server) {
		app(s)
		ctx, cancel := context.WithCancel(t.Context())
		s.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			cancel()
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
			return true
		}
		f, _ := open(t, kind, s.URL, s.Token)
		if _, err := f.Get(ctx, "lab", "app"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "start it again") {
			t.Errorf("%v", err)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
		// The wait itself ends too.
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
