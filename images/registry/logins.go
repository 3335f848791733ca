package registry

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Keychain finds logins where docker and podman keep them, for programs that speak
// to registries through go-containerregistry: the files and credential helpers that
// a Registry asks, with the same bounds.
type Keychain struct{ found logins }

var _ authn.ContextKeychain = (*Keychain)(nil)

// NewKeychain gives a Keychain that waits that long for a credential helper; 0 is
// 15 s. Nothing is read yet.
func NewKeychain(helper time.Duration) *Keychain {
	k := &Keychain{}
	k.found.timeout = or(helper, 15*time.Second)
	return k
}

// Resolve implements authn.Keychain.
func (k *Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain. Without a login it gives
// authn.Anonymous; what went wrong is in Problem.
func (k *Keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	host := target.RegistryStr()
	path := ""
	if s := target.String(); len(s) > len(host) {
		path = s[len(host)+1:]
	}
	l, _ := k.found.find(ctx, host, path)
	if l.none() {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(l.AuthConfig), nil
}

// Problem is why there may be no login for a host ("registry.example.com",
// "index.docker.io"), "" when nothing went wrong.
func (k *Keychain) Problem(host string) string { return k.found.problem(host) }

// LoginCommand is what a user types to log in there: "docker login HOST".
func LoginCommand(host string) string { return loginCommand(host) }

// Loopback tells whether host[:port] is this machine, to which plain HTTP may go.
func Loopback(host string) bool { return loopback(host) }
