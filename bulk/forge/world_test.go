package forge

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"drydock/bulk/forge/forgetest"
)

// clock is a time that passes only where somebody waits for it.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	told  []string
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept, c.now = append(c.slept, d), c.now.Add(d)
	return ctx.Err()
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) options(env map[string]string) Options {
	return Options{
		Getenv:  func(name string) string { return env[name] },
		Waiting: func(d time.Duration, why string) { c.told = append(c.told, why) },
		gh:      func(context.Context, string) string { return "" },
		now:     c.time, sleep: c.sleep,
	}
}

// variables name the token of each forge on a host of one's own.
var variables = map[string]string{"github": "GH_ENTERPRISE_TOKEN", "gitlab": "GITLAB_TOKEN", "gitea": "GITEA_TOKEN"}

// doubles are the forges that have one.
var doubles = map[string]func(testing.TB) *forgetest.Server{"github": forgetest.GitHub, "gitlab": forgetest.GitLab}

// open gives the forge at an address, with a token unless it is "".
func open(t *testing.T, kind, address, token string) (Forge, *clock) {
	t.Helper()
	c := &clock{now: time.Now()}
	o := c.options(map[string]string{variables[kind]: token})
	o.URL = address
	f, err := New(kind, o)
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

// both runs a test against each double.
func both(t *testing.T, f func(t *testing.T, kind string, s *forgetest.Server)) {
	for kind, start := range doubles {
		t.Run(kind, func(t *testing.T) { f(t, kind, start(t)) })
	}
}

func all(t *testing.T, list iter.Seq2[Repository, error]) []Repository {
	t.Helper()
	var out []Repository
	for r, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func names(list []Repository) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Owner+"/"+r.Name)
	}
	return out
}
