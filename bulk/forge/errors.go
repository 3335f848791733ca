package forge

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// What errors wrap.
var (
	ErrNotFound     = errors.New("there is no such thing")
	ErrUnauthorized = errors.New("not allowed")
	ErrRateLimited  = errors.New("rate limit")
	ErrUnreachable  = errors.New("can't be reached")
	ErrInvalid      = errors.New("not understood")
)

// failure is an error in one line: "github.com: lab/app: why: what to do".
type failure struct {
	text        string
	kind, cause error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// fail makes the error of a call. No part of it can hold the token. Of causes only
// those are kept that hold no address: a server may have made it.
func (c *client) fail(kind, cause error, what, why, do string) error {
	var parts []string
	for _, p := range []string{c.host, what, why, do} {
		if p = clean(c.redact(p)); p != "" {
			parts = append(parts, p)
		}
	}
	if code(cause) == 0 && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		cause = nil
	}
	return &failure{strings.Join(parts, ": "), kind, cause}
}

func (c *client) redact(s string) string {
	if c.login.token == "" {
		return s
	}
	return strings.ReplaceAll(s, c.login.token, "***")
}

// explain tells what went wrong with a call.
func (c *client) explain(ctx context.Context, err error, q call) error {
	if ended := ctx.Err(); ended != nil {
		return c.fail(ErrUnreachable, ended, q.what, "the run was ended", "start it again")
	}
	var s *status
	if errors.As(err, &s) {
		return c.byStatus(s, q)
	}
	if errors.Is(err, errMoved) {
		return c.fail(ErrInvalid, nil, q.what, "it was moved", "name it as it is called now")
	}
	why, do := c.network(err)
	return c.fail(ErrUnreachable, nil, q.what, why, do)
}

func (c *client) byStatus(s *status, q call) error {
	why := s.Error()
	if s.page {
		return c.fail(ErrInvalid, s, q.what, why+" with a web page", "check the address, and that no proxy or login page stands before the API at "+c.api)
	}
	has := c.login.token != ""
	switch {
	case says(s, "archived"), s.code == http.StatusLocked:
		return c.fail(ErrInvalid, s, q.what, why, "leave it out, or unarchive it")
	case says(s, "not permitted to create or approve pull requests"):
		return c.fail(ErrUnauthorized, s, q.what, why, "allow it in the settings of the organisation or repository, Actions, General, or give a person's token: "+c.hint.token)
	case c.login.job && (s.code == http.StatusUnauthorized || s.code == http.StatusForbidden || s.code == http.StatusNotFound):
		return c.fail(ErrUnauthorized, s, q.what, why, "a job's token may do little: set GITLAB_TOKEN to one of a project, group or person")
	}
	switch s.code {
	case http.StatusUnauthorized:
		if !has {
			return c.fail(ErrUnauthorized, s, q.what, why, c.noToken())
		}
		return c.fail(ErrUnauthorized, s, q.what, "the token is refused: "+why, "renew the one in "+c.login.from)
	case http.StatusForbidden:
		if !has {
			return c.fail(ErrUnauthorized, s, q.what, why, c.noToken())
		}
		return c.fail(ErrUnauthorized, s, q.what, why, c.scopes(s))
	case http.StatusNotFound, http.StatusGone:
		do := "check the name"
		if has {
			do += ", and that the token in " + c.login.from + " may see it"
			if q.method != http.MethodGet {
				do += " and write to it: it needs " + c.hint.scopes
			}
		} else {
			do += ", or give a token: " + c.noToken()
		}
		return c.fail(ErrNotFound, s, q.what, why, do)
	}
	if s.code >= 500 || s.code == http.StatusRequestTimeout {
		return c.fail(ErrUnreachable, s, q.what, why, "try again later")
	}
	return c.fail(ErrInvalid, s, q.what, why, "")
}

// scopes tells which right a token lacks. GitHub says it in headers: classic tokens
// X-Accepted-OAuth-Scopes, fine-grained ones X-Accepted-GitHub-Permissions, and
// X-GitHub-SSO where a token must be allowed for the organisation first.
func (c *client) scopes(s *status) string {
	from := "the token in " + c.login.from
	if sso := s.header.Get("X-Github-Sso"); strings.HasPrefix(sso, "required") {
		return from + " must be authorised for the organisation's single sign-on: in the settings of the token, Configure SSO"
	}
	has, needs := s.header.Get("X-Oauth-Scopes"), cmp.Or(s.header.Get("X-Accepted-Oauth-Scopes"), s.header.Get("X-Accepted-Github-Permissions"))
	if needs != "" {
		if has != "" {
			return fmt.Sprintf("%s has the scopes %s; it needs %s", from, has, needs)
		}
		return from + " needs " + needs
	}
	return from + " needs " + c.hint.scopes
}

// noToken says how to give one.
func (c *client) noToken() string {
	if c.login.other != "" {
		return c.login.other + ": " + c.hint.token
	}
	return c.hint.token
}

func (c *client) moreWithToken() string {
	if c.login.token == "" {
		return ", or for more requests an hour " + c.noToken()
	}
	return ""
}

// network tells why a host can't be reached.
func (c *client) network(err error) (why, do string) {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var op *net.OpError
	do = "check the network and the address " + c.api
	switch {
	case errors.As(err, &certificate):
		return "its certificate isn't trusted: " + plain(certificate.Err), "add its authority to the system, or to the file that SSL_CERT_FILE names"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it speaks plain HTTP", "if it is to be trusted, write its address with http://"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy can't be reached: " + plain(op.Err), "check HTTPS_PROXY and HTTP_PROXY"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name " + dns.Name + " isn't known", do
	case errors.As(err, &dns):
		return "the name " + dns.Name + " can't be looked up", do
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there", do
	case errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return "no answer within " + answerTime.String(), do
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection broke", "try again later"
	}
	return plain(err), do
}

// trouble is why in a few words, for those who wait.
func (c *client) trouble(err error) string {
	var s *status
	if errors.As(err, &s) {
		return s.Error()
	}
	why, _ := c.network(err)
	return c.redact(why)
}

// hopeless tells what another try doesn't mend.
func hopeless(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	return errors.As(err, &certificate) || errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") ||
		errors.As(err, &dns) && dns.IsNotFound
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// plain is an error's text without the request: a redirect's address may hold anything.
func plain(err error) string {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return clean(err.Error())
}

// clean makes one printable line of at most 300 bytes of what a server says.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t', c == '\r':
			return ' '
		case unicode.Is(unicode.C, c), unicode.Is(unicode.Zl, c), unicode.Is(unicode.Zp, c):
			return -1
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		cut := 297
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// code is the status of an error, 0 without one.
func code(err error) int {
	var s *status
	if errors.As(err, &s) {
		return s.code
	}
	return 0
}

// says tells whether the host's own words in an error hold a text, in any case of letters.
func says(err error, text string) bool {
	var s *status
	return errors.As(err, &s) && strings.Contains(strings.ToLower(s.detail), strings.ToLower(text))
}
