package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"drydock/images"
	"drydock/images/internal/oci"
)

// failure is an error of one of the kinds in package images, told in one line.
type failure struct {
	text        string
	kind, cause error
	what        string // was asked
	why, do     string
	down        bool // the host didn't answer: don't ask it again
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// fail makes "docker.io: library/python:3.12: there is no such image: why: what to do".
func fail(kind, cause error, host, what, why, do string) *failure {
	parts := []string{oci.Clean(host), oci.Clean(what), kind.Error(), oci.Clean(why), oci.Clean(do)}
	text := parts[0]
	for _, p := range parts[1:] {
		if p != "" {
			text += ": " + p
		}
	}
	return &failure{text: text, kind: kind, cause: cause, what: what, why: why, do: do}
}

// reason is why, for a note that is about no image: ": nothing listens there".
func reason(err error) string {
	var f *failure
	if errors.As(err, &f) && f.why != "" {
		return ": " + f.why
	}
	return ""
}

// limited is a registry that asks to be left alone.
type limited struct {
	until time.Time
	told  bool // by the registry; else it is a guess
}

func (l *limited) Error() string { return "rate limit" }

// refused is a request that we won't send, or an answer that we won't follow.
type refused struct{ why string }

func (r *refused) Error() string { return r.why }

// status is an answer that isn't 200.
type status struct {
	code   int
	detail string // what the registry says about it
	at     string // "" or the token service
}

func (s *status) Error() string { return fmt.Sprintf("%d %s", s.code, http.StatusText(s.code)) }

// statusOf reads the error that the body tells, if any:
// distribution-spec, "Error Codes".
func statusOf(code int, body []byte) *status {
	s := &status{code: code}
	var told struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &told) == nil && len(told.Errors) > 0 {
		s.detail = oci.Clean(strings.TrimSuffix(told.Errors[0].Code+" "+told.Errors[0].Message, " "))
	}
	return s
}

// failed tells what went wrong when e was asked for what. It had limit to
// answer; login tells whether it was sent one.
func (r *Registry) failed(err error, e endpoint, what string, limit time.Duration, login bool) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	if ctx := r.ctx.Err(); ctx != nil {
		return fail(images.ErrUnreachable, ctx, e.shown, what, "the run was ended", "start it again")
	}
	told := func(kind error, why, do string) *failure { return fail(kind, err, e.shown, what, why, do) }

	var no *refused
	var rate *limited
	var st *status
	var lib *transport.Error
	if errors.As(err, &lib) {
		st = &status{code: lib.StatusCode, at: "asked for a login, "}
		if lib.Request != nil && lib.Request.URL.Path == "/v2/" {
			st.at = "asked for /v2/, "
		}
		if len(lib.Errors) > 0 {
			st.detail = string(lib.Errors[0].Code) + " " + lib.Errors[0].Message
		}
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate): // before what plain HTTP gave in its place
		return r.noAnswer(err, e, what, limit)
	case errors.As(err, &no):
		return told(images.ErrInvalid, no.why, "check what that registry is")
	case errors.As(err, &rate):
		do := "try again later"
		if rate.told {
			do = "try again in " + max(time.Until(rate.until).Round(time.Second), time.Second).String()
		}
		if !login {
			do += ", or " + loginCommand(e.host) + " for a higher limit"
		}
		return told(images.ErrRateLimited, "", do)
	case st != nil, errors.As(err, &st):
		return r.byStatus(st, err, e, what, login)
	case errors.Is(err, images.ErrInvalid):
		return &failure{text: oci.Clean(e.shown) + ": " + oci.Clean(what) + ": " + err.Error(), kind: images.ErrInvalid, cause: err, what: what}
	}
	return r.noAnswer(err, e, what, limit)
}

func (r *Registry) byStatus(st *status, err error, e endpoint, what string, login bool) error {
	why := st.at + fmt.Sprintf("it answers %d", st.code)
	if st.detail != "" {
		why += " (" + oci.Clean(st.detail) + ")"
	}
	told := func(kind error, do string) *failure { return fail(kind, err, e.shown, what, why, do) }
	switch {
	case st.code == http.StatusNotFound && st.at == "":
		return told(images.ErrNotFound, "check name and tag")
	case st.code == http.StatusUnauthorized, st.code == http.StatusForbidden:
		do := loginCommand(e.host) + ", or check the name: what is private and what is missing look alike"
		if login {
			do = "the login for it is refused or doesn't reach that far: " + loginCommand(e.host) + ", or check the name"
		}
		if note := r.logins.problem(e.host); note != "" {
			do = note + ": " + do
		}
		return told(images.ErrUnauthorized, do)
	case st.code == http.StatusTooManyRequests:
		return told(images.ErrRateLimited, "try again later")
	case st.code >= 500, st.code == http.StatusRequestTimeout:
		return told(images.ErrUnreachable, "try again later, or use --offline")
	}
	return told(images.ErrInvalid, "check that "+e.host+" is a registry")
}

func (r *Registry) noAnswer(err error, e endpoint, what string, limit time.Duration) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var op *net.OpError
	var syntax *json.SyntaxError
	why, do := "", "check the network, or use --offline"
	down, kind := true, images.ErrUnreachable
	switch {
	case errors.As(err, &certificate):
		why, do = "its certificate isn't trusted", "add its authority to the system, or name it with http:// in DRYDOCK_MIRRORS if it speaks plain HTTP"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		why, do = "it speaks plain HTTP", "if it is to be trusted, DRYDOCK_MIRRORS="+e.host+"=!http://"+e.host
	case errors.As(err, &op) && op.Op == "proxyconnect":
		why, do = "the proxy can't be reached: "+plain(op.Err), "check HTTPS_PROXY and HTTP_PROXY, or use --offline"
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout() && !errors.As(err, &dns):
		why = "no connection within " + r.o.Dial.String()
	case errors.As(err, &dns) && dns.IsNotFound:
		why = "the name " + dns.Name + " isn't known"
	case errors.As(err, &dns):
		why = "the name " + dns.Name + " can't be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "nothing listens there"
	case isTimeout(err), errors.Is(err, context.DeadlineExceeded):
		why = "no answer within " + limit.Round(100*time.Millisecond).String()
		down = limit >= r.o.Timeout/3 // else it had the rest of a question's time
	case errors.As(err, &syntax):
		why, do, kind, down = "the answer isn't JSON", "check that "+e.host+" is a registry", images.ErrInvalid, false
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		why, down = "the connection broke", false
	case strings.Contains(err.Error(), "no token in bearer response"): // holds what was sent
		why, kind, down = "the token service sends no token", images.ErrInvalid, false
	case strings.Contains(err.Error(), "malformed"):
		why, do, kind, down = "it doesn't speak HTTP as it should", "check that "+e.host+" is a registry", images.ErrInvalid, false
	default:
		why = plain(err)
	}
	f := fail(kind, err, e.shown, what, why, do)
	f.down = down
	return f
}

// plain is an error's text without the request: its URL may hold a token.
func plain(err error) string {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return oci.Clean(err.Error())
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func loginCommand(host string) string {
	if host == name.DefaultRegistry {
		return "docker login"
	}
	return "docker login " + host
}
