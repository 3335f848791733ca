package images

import "errors"

// Store holds images: a registry or an OCI layout. Its methods may block for
// as long as the store's own time-outs allow; they never hang. They are for many
// goroutines at once. Errors wrap one of the errors below and read "what failed:
// why: what to do".
type Store interface {
	// Name is what messages call it: "registry", "OCI layout ./out".
	Name() string
	// Resolve gives what ref names now: one HEAD request of a registry, which
	// Docker Hub doesn't count as a pull.
	Resolve(ref Ref) (Descriptor, error)
	// Tags lists the tags of ref's repository in no order.
	Tags(ref Ref) ([]string, error)
	// Platforms lists what the image that ref names is for ("linux/arm64/v8"),
	// attestations left out.
	Platforms(ref Ref) ([]string, error)
	// Describe reads manifest and configuration of one platform; "" is Linux on
	// the machine's own architecture, else linux/amd64, else the first.
	Describe(ref Ref, platform string) (Description, error)
}

// Descriptor is what a tag names.
type Descriptor struct {
	Digest    string // "sha256:…"
	MediaType string // of the index or manifest
	Index     bool   // it is an index of several platforms' images
}

// Description is one platform's image.
type Description struct {
	Descriptor        // what the reference names
	Platform   string // "linux/amd64"
	Manifest   string // digest of this platform's manifest
	Size       int64  // compressed bytes: configuration and layers
	Layers     int
	Created    string // day, YYYY-MM-DD; "" when not told, or not true (1970)

	User                 string
	Workdir              string
	Entrypoint, Cmd, Env []string
	StopSignal           string
	Expose, Volumes      []string // sorted
	OnBuild              []string
	Labels               map[string]string
}

// The kinds of failure of a Store.
var (
	ErrOffline      = errors.New("no registry is asked")              // --offline, or a Source without a Store
	ErrUnreachable  = errors.New("the registry can't be reached")     // no network, no name, no answer in time, 5xx after retries
	ErrNotFound     = errors.New("there is no such image")            // 404
	ErrUnauthorized = errors.New("the registry asks for a login")     // 401, 403: often also "no such repository"
	ErrRateLimited  = errors.New("the registry's rate limit is used") // 429 after waiting
	ErrInvalid      = errors.New("the answer isn't one of a registry")
	ErrPlatform     = errors.New("the image isn't there for a platform")
)
