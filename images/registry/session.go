package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"drydock/images/internal/oci"
)

// repo is a repository of a registry, and the login for it. As a RoundTripper it
// adds the login to requests for its own host, and gets one when asked for it.
type repo struct {
	*host
	e      endpoint
	client http.Client

	once  sync.Once
	login login

	mu    sync.Mutex
	token string
}

func (r *Registry) repo(e endpoint) *repo {
	h := r.host(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	key := e.host + "/" + e.path
	p := r.repos[key]
	if p == nil {
		p = &repo{host: h, e: e}
		p.client = http.Client{Transport: p, CheckRedirect: follow}
		r.repos[key] = p
	}
	return p
}

// who is the login for the repository; asking for it may run a credential
// helper, once.
func (p *repo) who() login {
	p.once.Do(func() {
		var problem string
		if p.login, problem = p.r.logins.find(p.r.ctx, p.e.host, p.e.path); problem != "" {
			p.r.note("%s: %s; asked without a login", p.e.host, problem)
		}
	})
	return p.login
}

// RoundTrip implements http.RoundTripper. The login is sent when the registry
// has asked for one, as BuildKit does.
func (p *repo) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != p.e.host || req.URL.Scheme != p.scheme {
		return wire{p.r}.RoundTrip(req) // redirected: the login isn't for that host
	}
	known, token := p.state()
	fresh := token == ""
	if fresh && bearer(known) {
		var err error
		if token, err = p.renew(req.Context(), known, ""); err != nil {
			return nil, err
		}
	}
	res, err := wire{p.r}.RoundTrip(p.authorized(req, known, token))
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	asked := p.parse(res)
	if asked == nil {
		return res, nil
	}
	p.remember(asked)
	switch {
	case bearer(asked) && (!fresh || !bearer(known)):
		if token, err = p.renew(req.Context(), asked, token); err != nil {
			drop(res)
			return nil, err
		}
	case basic(asked) && !basic(known) && p.who().basic():
	default:
		return res, nil // the login, or nobody's, doesn't open it
	}
	drop(res)
	return wire{p.r}.RoundTrip(p.authorized(req, asked, token))
}

// authorized is req with the login that the registry wants.
func (p *repo) authorized(req *http.Request, c *transport.Challenge, token string) *http.Request {
	switch {
	case bearer(c):
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+token)
	case basic(c):
		if who := p.who(); who.basic() {
			req = req.Clone(req.Context())
			req.SetBasicAuth(who.Username, who.Password)
		}
	}
	return req
}

func bearer(c *transport.Challenge) bool { return c != nil && strings.EqualFold(c.Scheme, "bearer") }
func basic(c *transport.Challenge) bool  { return c != nil && strings.EqualFold(c.Scheme, "basic") }

// parse reads how the answer wants a login (RFC 9110, 11.6.1): go-containerregistry
// does it while it asks GET /v2/, so it is given this answer for that.
func (p *repo) parse(res *http.Response) *transport.Challenge {
	reg, err := name.NewRegistry(p.e.host)
	if err != nil || res.Header.Get("Www-Authenticate") == "" {
		return nil
	}
	c, err := transport.Ping(context.Background(), reg, given{res.Header})
	if err != nil {
		return nil
	}
	c.Insecure = p.scheme == "http"
	return c
}

type given struct{ header http.Header }

func (g given) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" {
		return nil, errors.New("asked once")
	}
	return &http.Response{StatusCode: http.StatusUnauthorized, Header: g.header, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

// renew gets a token in the place of old, unless another goroutine has just done
// so.
func (p *repo) renew(ctx context.Context, c *transport.Challenge, old string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token != old {
		return p.token, nil
	}
	who := p.who()
	if who.RegistryToken != "" && old == "" {
		p.token = who.RegistryToken
		return p.token, nil
	}
	if c.Parameters["realm"] == "" {
		return "", &refused{"it asks for a token and names no token service"}
	}
	if u, err := url.Parse(c.Parameters["realm"]); err != nil || !strings.EqualFold(u.Scheme, "https") && u.Host != p.e.host && !who.none() {
		return "", &refused{"it wants the login sent to " + oci.Clean(c.Parameters["realm"]) + ", unencrypted"}
	}
	reg, err := name.NewRegistry(p.e.host)
	if err != nil {
		return "", err
	}
	scope := reg.Repo(p.e.path).Scope(transport.PullScope)
	t, err := transport.Exchange(ctx, reg, authn.FromConfig(who.AuthConfig), wire{p.r}, []string{scope}, c)
	if err != nil {
		if strings.Contains(err.Error(), "realm") && !strings.Contains(err.Error(), "no token") {
			return "", &refused{"its token service can't be used: " + plain(err)}
		}
		return "", err
	}
	if p.token = t.Token; t.AccessToken != "" {
		p.token = t.AccessToken
	}
	return p.token, nil
}

// state is how the host wants logins, nil when it isn't known, and the token.
func (p *repo) state() (*transport.Challenge, string) {
	p.mu.Lock()
	token := p.token
	p.mu.Unlock()
	p.host.mu.Lock()
	defer p.host.mu.Unlock()
	if p.first != nil && p.first.Scheme == "" {
		return nil, token
	}
	return p.first, token
}

// remember keeps how the host wants logins, for its other repositories.
func (h *host) remember(c *transport.Challenge) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first = c
}

// sent tells whether a login took part in what the registry answered.
func (p *repo) sent() bool {
	c, _ := p.state()
	return c != nil && !p.who().none()
}
