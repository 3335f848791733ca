package ship

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"drydock/images/registry"
	"drydock/said"
)

// A Tag is where an image goes.
type Tag struct {
	Shown string // as the user knows it: "docker.io/library/app:latest"
	ref   name.Tag
}

// ParseTag reads IMAGE[:TAG] as docker does; without a tag it is latest. The error
// says what is wrong about it: a digest can't be chosen, it is what the image has.
func ParseTag(s string) (Tag, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Tag{}, fmt.Errorf("%q is no name of an image: %w: write [REGISTRY/]NAME[:TAG]", s, err)
	}
	if _, ok := named.(reference.Digested); ok {
		return Tag{}, fmt.Errorf("%q names a digest, which the image gets by itself: write [REGISTRY/]NAME[:TAG]", s)
	}
	full := reference.TagNameOnly(named).String()
	ref, err := name.NewTag(full)
	if err != nil {
		return Tag{}, fmt.Errorf("%q is no name of an image: %w: write [REGISTRY/]NAME[:TAG]", s, err)
	}
	return Tag{full, ref}, nil
}

// Pushed is a tag that names the image in its registry.
type Pushed struct {
	Tag    string `json:"tag"`
	Digest string `json:"digest"` // as the registry has it
}

// A Pusher pushes. The zero value works.
type Pusher struct {
	// Logins tell the login for a registry; nil is what docker and podman know.
	Logins *registry.Keychain
	// Pause is how long it waits before a second try, and thrice as long before a
	// third; 0 is 1 s.
	Pause time.Duration
	base  http.RoundTripper // for tests
}

// push makes every tag name the image or index of that digest, which lies alone
// in the layout, and then asks the registry what each tag names. The blobs of a
// repository are sent once. The tags that are done are given with an error too.
func (p *Pusher) push(ctx context.Context, dir string, root v1.Descriptor, tags []Tag) ([]Pushed, error) {
	if p.Logins == nil {
		p.Logins = registry.NewKeychain(0)
	}
	what, err := taggable(dir, root)
	if err != nil {
		return nil, err
	}
	wait := p.Pause
	if wait == 0 {
		wait = time.Second
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(p.transport()), remote.WithAuthFromKeychain(p.Logins), remote.WithUserAgent("drydock"),
		remote.WithRetryBackoff(remote.Backoff{Duration: wait, Factor: 3, Jitter: 0.1, Steps: 3})}
	pusher, err := remote.NewPusher(options...)
	if err != nil {
		return nil, err
	}
	var done []Pushed
	for _, t := range tags {
		if err := pusher.Push(ctx, t.ref, what); err != nil {
			return done, p.explain(ctx, t, "can't be pushed", err)
		}
		// The manifest itself, not a header about it.
		got, err := remote.Get(t.ref, options...)
		if err != nil {
			return done, p.explain(ctx, t, "was pushed, but what the registry has can't be read", err)
		}
		if got.Digest != root.Digest {
			return done, fmt.Errorf("%s was pushed, but names another image in the registry: %s, where %s was scanned: someone else pushed that tag meanwhile, or the registry alters images", t.Shown, got.Digest, root.Digest)
		}
		done = append(done, Pushed{t.Shown, got.Digest.String()})
	}
	return done, nil
}

// taggable is the image or index that stands in a layout's index.json.
func taggable(dir string, root v1.Descriptor) (remote.Taggable, error) {
	p, err := layout.FromPath(dir)
	if err != nil {
		return nil, err
	}
	if !root.MediaType.IsIndex() {
		return p.Image(root.Digest)
	}
	top, err := p.ImageIndex()
	if err != nil {
		return nil, err
	}
	return top.ImageIndex(root.Digest)
}

// transport dials registries. Plain HTTP goes to this machine alone:
// go-containerregistry would take it for a whole private network.
func (p *Pusher) transport() http.RoundTripper {
	if p.base == nil {
		p.base = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 5 * time.Minute, // a registry checks a whole layer before it answers
			IdleConnTimeout:       30 * time.Second,
			ForceAttemptHTTP2:     true,
		}
	}
	return onlyEncrypted{p.base}
}

type onlyEncrypted struct{ next http.RoundTripper }

var errPlain = errors.New("plain HTTP")

func (o onlyEncrypted) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !registry.Loopback(req.URL.Host) {
		return nil, errPlain
	}
	return o.next.RoundTrip(req)
}

// explain tells in one line why a push failed and what to do.
func (p *Pusher) explain(ctx context.Context, t Tag, what string, err error) error {
	host := t.ref.RegistryStr()
	say := func(why, do string) error { return fmt.Errorf("%s %s: %s: %s", t.Shown, what, why, do) }
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return p.byAnswer(answer, host, t, say)
	}
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate):
		return say(host+" has a certificate that isn't trusted", "add its authority to the system")
	case errors.Is(err, errPlain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return say(host+" speaks plain HTTP", "images go over plain HTTP to this machine alone: give the registry a certificate")
	case errors.As(err, &dns):
		return say("the name "+dns.Name+" isn't known", "check the image's name and the network")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("nothing listens at "+host, "check the image's name, or start the registry")
	}
	var u *url.Error
	for errors.As(err, &u) { // whose URL may hold a token
		err = u.Err
	}
	return say(firstLine(err.Error()), "check the network and try again: what was sent is kept")
}

// byAnswer reads what a registry answered
// (https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes).
func (p *Pusher) byAnswer(a *transport.Error, host string, t Tag, say func(why, do string) error) error {
	code, told := "", ""
	if len(a.Errors) > 0 {
		code, told = string(a.Errors[0].Code), firstLine(strings.TrimSpace(string(a.Errors[0].Code)+" "+a.Errors[0].Message))
	}
	why := fmt.Sprintf("%s answers %d", host, a.StatusCode)
	if told != "" {
		why += " (" + told + ")"
	}
	login := registry.LoginCommand(host)
	repository := t.ref.RepositoryStr()
	switch {
	case a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden:
		do := "there is no login for it: " + login
		if problem := p.Logins.Problem(host); problem != "" {
			do = problem + ": mend that, or " + login
		} else if l, err := p.Logins.Resolve(t.ref.Context()); err == nil {
			if c, err := l.Authorization(); err == nil && (c.Username != "" || c.IdentityToken != "" || c.RegistryToken != "") {
				do = "the login for it is wrong, has expired or may not write to " + repository + ": " + login + ", or ask for the right to push"
			}
		}
		return say(why, do)
	case a.StatusCode == http.StatusNotFound || code == string(transport.NameUnknownErrorCode):
		return say(why, "there is no repository "+repository+", and pushing doesn't make one there: create it")
	case strings.Contains(strings.ToLower(told), "immutable") || code == "TAG_INVALID":
		return say(why, "the tag is there and may not be moved: choose another one")
	case a.StatusCode == http.StatusRequestEntityTooLarge:
		return say(why, "a layer is larger than the registry, or a proxy before it, takes: raise its limit")
	case a.StatusCode == http.StatusTooManyRequests:
		return say(why, "try again later")
	case a.StatusCode >= 500:
		return say(why, "the registry fails: look at its log, or try again later")
	}
	return say(why, "check that "+host+" is a registry that takes images")
}

// firstLine is a message's first line, without control characters, bounded.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = said.Line(s)
	return strings.ToValidUTF8(s[:min(len(s), 300)], "")
}
