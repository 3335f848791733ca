// Package registry is the images.Store that asks registries: what tags there
// are, what they name, and what the images are configured to be. It pulls no
// layers. docs/registries.md tells its users what is asked, when, and of whom.
package registry

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"drydock/images"
	"drydock/images/internal/oci"
)

// Options are how a Registry works; the zero value asks the registries that
// images name, without mirrors and without a cache on disk. FromEnvironment
// gives what a program should use.
type Options struct {
	Offline  bool          // every method gives images.ErrOffline; nothing is dialled or written
	Mirrors  []Mirror      // asked in the place of a registry or before it
	CacheDir string        // folder of the cache on disk, made when needed; "" is none
	CacheMax int64         // bytes that the cache may take; 0 is 64 MiB
	Fresh    time.Duration // how long an answer about a tag holds without asking again; 0 is 5 minutes, less than 0 not at all

	Dial    time.Duration // for a connection; 0 is 3 s
	Timeout time.Duration // for a whole question, with what it takes: logins, retries, pages; 0 is 15 s
	Helper  time.Duration // for a credential helper; 0 is 5 s
	MaxWait time.Duration // the longest Retry-After that is waited for; 0 is 5 s
	Backoff time.Duration // before the first of two retries, thrice as long before the second; 0 is 200 ms
	PerHost int           // questions at once to one host; 0 is 4
}

// CacheFolder is where the program keeps all that is only there to save time:
// DRYDOCK_CACHE, without that variable os.UserCacheDir()/drydock. "" for
// DRYDOCK_CACHE=off, or empty, or where there is no home.
func CacheFolder() string {
	dir, set := os.LookupEnv("DRYDOCK_CACHE")
	switch {
	case set && dir == "off":
		return ""
	case set:
		return dir
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "drydock")
}

// FromEnvironment gives Options with the mirrors of DRYDOCK_MIRRORS and the
// cache in the folder registry of CacheFolder.
// The error names what is wrong in DRYDOCK_MIRRORS.
func FromEnvironment() (Options, error) {
	var o Options
	if dir := CacheFolder(); dir != "" {
		o.CacheDir = filepath.Join(dir, "registry")
	}
	var err error
	if o.Mirrors, err = ParseMirrors(os.Getenv("DRYDOCK_MIRRORS")); err != nil {
		return Options{}, fmt.Errorf("DRYDOCK_MIRRORS: %w", err)
	}
	return o, nil
}

// Registry is an images.Store over the registries that references name. It is
// for one run, from many goroutines.
type Registry struct {
	o      Options
	ctx    context.Context
	cache  *cache
	logins logins
	memo   memo

	mu    sync.Mutex
	base  http.RoundTripper // made at the first question
	hosts map[string]*host
	repos map[string]*repo
	notes map[string]bool
}

var _ images.Store = (*Registry)(nil)

// New gives a Registry. It dials and reads nothing; ctx ends every request.
//
// Nothing here writes to a standard stream, except that net/http uses the
// standard logger when a server sends more than it was asked for: a program
// turns that off with log.SetOutput(io.Discard).
func New(ctx context.Context, o Options) *Registry {
	o.CacheMax = or(o.CacheMax, 64<<20)
	o.Fresh = or(o.Fresh, 5*time.Minute)
	o.Dial = or(o.Dial, 3*time.Second)
	o.Timeout = or(o.Timeout, 15*time.Second)
	o.Helper = or(o.Helper, 5*time.Second)
	o.MaxWait = or(o.MaxWait, 5*time.Second)
	o.Backoff = or(o.Backoff, 200*time.Millisecond)
	o.PerHost = max(or(o.PerHost, 4), 1)
	r := &Registry{o: o, ctx: ctx, hosts: map[string]*host{}, repos: map[string]*repo{}, notes: map[string]bool{}}
	r.cache = &cache{dir: o.CacheDir, max: o.CacheMax}
	r.logins.timeout = o.Helper
	return r
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Offline tells that no question will be answered.
func (r *Registry) Offline() bool { return r.o.Offline }

// Name is "registry".
func (r *Registry) Name() string { return "registry" }

// Notes lists what went wrong without making an answer impossible, sorted: a
// mirror that can't be reached, a credential helper that fails.
func (r *Registry) Notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for n := range r.notes {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (r *Registry) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes[oci.Clean(fmt.Sprintf(format, args...))] = true
}

// Resolve implements images.Store: one HEAD request, or GET where the registry
// refuses HEAD or doesn't tell the digest. Of a reference with a digest it asks
// whether that is there.
func (r *Registry) Resolve(ref images.Ref) (images.Descriptor, error) {
	q, err := r.question(ref)
	if err != nil {
		return images.Descriptor{}, err
	}
	return q.resolve()
}

// Tags implements images.Store.
func (r *Registry) Tags(ref images.Ref) ([]string, error) {
	q, err := r.question(ref)
	if err != nil {
		return nil, err
	}
	tags, err := q.tags()
	return slices.Clone(tags), err
}

// Platforms implements images.Store. It reads the index, which Docker Hub
// counts as a pull; the answer is kept for ever, by digest.
func (r *Registry) Platforms(ref images.Ref) ([]string, error) {
	q, err := r.question(ref)
	if err != nil {
		return nil, err
	}
	root, err := q.resolve()
	if err != nil {
		return nil, err
	}
	out, err := oci.Platforms(root, q)
	return out, q.explain(err)
}

// Describe implements images.Store. It reads index, manifest and configuration;
// the answer is kept for ever, by digest.
func (r *Registry) Describe(ref images.Ref, platform string) (images.Description, error) {
	q, err := r.question(ref)
	if err != nil {
		return images.Description{}, err
	}
	root, err := q.resolve()
	if err != nil {
		return images.Description{}, err
	}
	d, err := oci.Describe(root, q, platform)
	return d, q.explain(err)
}
