// Package builder runs image builds with the program that the user has: docker
// buildx, buildctl or podman.
package builder

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"drydock/leftover"
)

// A Builder is a program that answered. Several builds may run at once.
type Builder struct {
	Kind      string   // one of Kinds
	Name      string   // of the buildx builder, or the address of buildctl's; "" for the current one and for podman
	Driver    string   // of buildx: docker, docker-container, kubernetes, remote
	Platforms []string // that it says it builds for: "linux/amd64"; nil: it doesn't say

	mu   sync.Mutex
	tags map[string]string // digest of an exported image -> its name in the program's own store
	load bool              // a docker driver that refused to export: images go by its own store
}

// Kinds are the programs that are known, in the order in which they are tried.
var Kinds = []string{"buildctl", "buildx", "podman"}

// ErrNone: no builder answers.
var ErrNone = errors.New("no builder answers")

// A Request is one build.
type Request struct {
	Name       string  // what is built, for progress and messages: "before"
	Dockerfile string  // its text; the user's file is never written
	Ignore     *string // the ignore rules' text in place of those in Context; nil: those in Context
	Context    string  // the build context's folder
	Options
	// Images are further named contexts: digests of manifests in Layout.
	Images map[string]string
	// Folders are further named contexts: folders.
	Folders map[string]string
	// Layout is the folder of an OCI layout; images are taken from there and, with
	// Export, put there.
	Layout  string
	Export  bool
	NoCache bool
	Quiet   bool // the observer hears nothing of this one: a probe
}

// Options are what the user passes through; strings are as buildx has them.
type Options struct {
	Target    string
	Platform  string   // one, "" for the builder's own
	BuildArgs []string // NAME=VALUE, or NAME: from the environment
	Secrets   []string // id=NAME,src=FILE …
	SSH       []string // default …
	Contexts  []string // NAME=VALUE
}

// A Result is what came out.
type Result struct {
	Digest string        // of the manifest or index in Layout, when exported
	Took   time.Duration // wall time
	Steps  []Step        // the graph's vertices, in the order in which they were told
}

// A Step is one vertex of BuildKit's graph, or one instruction that podman told
// of. BuildKit may work on a vertex several times (it asks for a base image's
// manifest, then unpacks it); the times are those of the longest.
type Step struct {
	Name      string // "[builder 3/5] RUN pip install …"
	Cached    bool
	Started   time.Time // zero: it never started
	Completed time.Time // zero: it didn't end, or goes on once more
	Error     string
	Output    string // its end, at most 64 KiB; an Event's Step has none
}

// An Event tells how a build goes on. The last one of a build has a Step without
// a name: the build is over.
type Event struct {
	Build string // Request.Name
	Step  Step   // the one that changed
	Done  int    // steps that are completed
	Total int    // steps known so far
}

// An Observer hears of a build's progress; nil hears nothing. It is called from
// one goroutine per build.
type Observer func(Event)

// The reasons why a build fails that aren't the Dockerfile's: errors.Is tells.
var (
	ErrGone     = errors.New("the builder went away")
	ErrSpace    = errors.New("the builder's disk is full")
	ErrOwnSpace = errors.New("the disk for temporary files is full")
	ErrRegistry = errors.New("a registry refused")
	ErrUse      = errors.New("the builder can't be used") // it wasn't run, or gave no image
)

// An Error is a build that failed.
type Error struct {
	Build  string // Request.Name
	Cause  error  // one of the above, a context's error; nil: the Dockerfile's own step failed
	Step   string // the step that failed, "" for none
	Line   int    // in the Dockerfile, where BuildKit tells; 0
	Output string // the end of the step's output, or of the program's complaint: 30 lines at most

	said string // the program's complaint in one line
	todo string // what to do about it
	ran  bool   // the program ran and said that the build failed
}

func (e *Error) Unwrap() error { return e.Cause }

// Build runs one build. When ctx ends the program gets an interrupt and time to
// tell the builder, and is then killed; nothing is left behind.
// The error is an *Error, with a Result as far as it got.
func (b *Builder) Build(ctx context.Context, r Request, see Observer) (*Result, error) {
	begin := time.Now()
	r.Name = cmp.Or(r.Name, "build")
	if r.Quiet {
		see = nil
	}
	res := &Result{}
	tmp, remove, err := leftover.Folder("", "drydock-build-")
	if err != nil {
		return res, &Error{Build: r.Name, Cause: ErrUse, Output: err.Error(), said: err.Error(), todo: "TMPDIR names a folder for temporary files"}
	}
	defer remove()
	if err = writeFiles(tmp, r); err == nil {
		switch b.Kind {
		case "buildctl", "buildx":
			err = b.buildkit(ctx, r, tmp, res, see)
		case "podman":
			err = b.podman(ctx, r, tmp, res, see)
		default:
			err = &Error{said: "no such builder: " + b.Kind}
		}
	}
	res.Took = time.Since(begin)
	if see != nil {
		see(Event{Build: r.Name, Done: completed(res.Steps), Total: len(res.Steps)})
	}
	if err == nil {
		return res, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Output: err.Error(), said: err.Error()}
		if has(e.said, noSpace) {
			e.Cause, e.todo = ErrOwnSpace, roomFor(r)
		}
	}
	if e.Cause == nil && !e.ran {
		e.Cause = ErrUse
	}
	e.Build = r.Name
	// What the end of ctx did to the program is no news of its own.
	if ctx.Err() != nil {
		e.Cause, e.todo = ctx.Err(), ""
	}
	return res, e
}

// Close removes what the builds left in the program's own store: the names of
// images that a docker driver or podman exported. The other builders keep none.
func (b *Builder) Close() error { return b.untag() }
