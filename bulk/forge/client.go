package forge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// mostBytes bounds an answer. A page of a hundred repositories is under 1 MB at GitHub.
	mostBytes = 32 << 20
	// answerTime bounds one request. GitHub itself gives up after 10 seconds.
	answerTime = time.Minute
	hops       = 5
)

// client sends requests to one host's API.
type client struct {
	host  string // for people
	api   string // "https://api.github.com", without a slash at its end
	login login
	sign  func(http.Header, login) // puts the token into a request
	http  *http.Client
	brake brake
	o     Options
	hint  hints
}

// hints are the host's own words for what to do.
type hints struct {
	token  string // how to give one
	scopes string // that it needs
}

func newClient(host, api string, l login, sign func(http.Header, login), h hints, o Options) *client {
	c := &client{host: host, api: strings.TrimRight(api, "/"), login: l, sign: sign, o: o, hint: h}
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	c.brake = brake{now: o.now, sleep: o.sleep, tell: o.Waiting}
	return c
}

// tokenHeaders are those by which a token may be sent. Go keeps all but
// Authorization when it follows a redirect to another host.
var tokenHeaders = []string{"Authorization", "Private-Token", "Job-Token", "Cookie"}

// checkRedirect keeps the token at its own host, and a write from becoming a read:
// after 301, 302 and 303 Go sends a GET in place of what was asked.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) >= hops {
		return errors.New("it redirects again and again")
	}
	if first.Method != req.Method {
		return errMoved
	}
	for _, r := range append(via[1:], req) {
		if r.URL.Scheme == first.URL.Scheme && r.URL.Host == first.URL.Host {
			continue
		}
		if first.Method != http.MethodGet {
			return errMoved
		}
		for _, h := range tokenHeaders {
			req.Header.Del(h)
		}
	}
	return nil
}

var errMoved = errors.New("it was moved")

// call is one request.
type call struct {
	method string
	path   string // escaped, below the API
	query  url.Values
	body   any // sent as JSON
	what   string
	// again tells that it may be sent twice, though the first may have been heard.
	again bool
}

// answer is what a host said: a status below 400.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get reads into v.
func (c *client) get(ctx context.Context, path string, query url.Values, what string, v any) (http.Header, error) {
	a, err := c.send(ctx, call{method: http.MethodGet, path: path, query: query, what: what, again: true})
	if err != nil {
		return nil, err
	}
	return a.header, c.decode(a, what, v)
}

func (c *client) decode(a answer, what string, v any) error {
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		why := "the answer isn't JSON"
		if isPage(a.header) {
			why = "the answer is a web page"
		}
		return c.fail(ErrInvalid, err, what, why, "check the address, and that no proxy or login page stands before the API at "+c.api)
	}
	return nil
}

func isPage(h http.Header) bool { return strings.Contains(h.Get("Content-Type"), "html") }

// send sends one request, waits where the host asks for that, and tries again where
// it is safe. Statuses of 400 and more are errors that hold a *status.
func (c *client) send(ctx context.Context, q call) (answer, error) {
	if q.method != http.MethodGet && c.login.token == "" {
		return answer{}, c.fail(ErrUnauthorized, nil, q.what, "that needs a token", c.noToken())
	}
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return answer{}, fmt.Errorf("%s: %w", q.what, err)
		}
	}
	for tried, waited := 0, 0; ; {
		if err := c.brake.pass(ctx); err != nil {
			return answer{}, c.explain(ctx, err, q)
		}
		a, err := c.once(ctx, q, body)
		now := c.o.now()
		switch limit, found := limitOf(a, err, now, waited); {
		case found && limit.left && limit.until.Sub(now) > c.o.MaxWait: // the next request is told why it fails
		case found && limit.left:
			c.brake.block(limit.until, c.host+" takes no more requests until then: rate limit")
		case found:
			if waited++; waited > rounds || limit.until.Sub(now) > c.o.MaxWait {
				return answer{}, c.fail(ErrRateLimited, nil, q.what, "its rate limit is reached",
					fmt.Sprintf("try again at %s, in %s%s", limit.until.Format("15:04:05 MST"), limit.until.Sub(now).Round(time.Second), c.moreWithToken()))
			}
			c.brake.block(limit.until, c.host+" asks to wait: rate limit")
			continue
		}
		if err == nil && a.status < 400 {
			c.brake.well()
			return a, nil
		}
		if err == nil {
			err = c.newStatus(a)
		}
		if ctx.Err() == nil && retries(err, q) && tried < c.brake.tries() {
			tried++
			if c.brake.pause(ctx, backoff(tried), c.host+" can't be asked just now: "+c.trouble(err)) == nil {
				continue
			}
		}
		return answer{}, c.explain(ctx, err, q)
	}
}

// once sends a request and reads its answer whole.
func (c *client) once(ctx context.Context, q call, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	address := c.api + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the address isn't one")
	}
	req.Header.Set("User-Agent", "drydock")
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.sign(req.Header, c.login)
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostBytes+1))
	if err != nil {
		return answer{}, err
	}
	if len(text) > mostBytes {
		return answer{}, fmt.Errorf("its answer is longer than %d MiB", mostBytes>>20)
	}
	return answer{res.StatusCode, res.Header, text}, nil
}

// retries tells whether a request that failed is sent again: what the host can't do
// just now, where twice is as good as once, and all that never reached it.
func retries(err error, q call) bool {
	var s *status
	if errors.As(err, &s) {
		switch s.code {
		case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return q.again
		}
		return false
	}
	if errors.Is(err, errMoved) || hopeless(err) {
		return false
	}
	var op *net.OpError
	return q.again || errors.As(err, &op) && op.Op == "dial"
}

// status is an answer of 400 or more.
type status struct {
	code   int
	header http.Header
	detail string // what the host says, in one line
	page   bool
}

func (s *status) Error() string {
	text := fmt.Sprintf("it answers %d", s.code)
	if s.detail != "" {
		text += " (" + s.detail + ")"
	}
	return text
}

func (c *client) newStatus(a answer) *status {
	s := &status{code: a.status, header: a.header, page: isPage(a.header)}
	if !s.page {
		s.detail = clean(c.redact(told(a.body)))
	}
	return s
}

// told reads what an error says, in the forms that the hosts use:
//
//	GitHub  {"message": "Validation Failed", "errors": [{"resource": …, "field": …, "code": …, "message": …}]}
//	GitLab  {"message": "404 Project Not Found"}, {"message": ["…"]}, {"message": {"title": ["is too long"]}}, {"error": "…", "error_description": "…"}
//	Gitea   {"message": "…", "url": "…"}
func told(body []byte) string {
	var e struct {
		Message     json.RawMessage   `json:"message"`
		Error       json.RawMessage   `json:"error"`
		Description string            `json:"error_description"`
		Errors      []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		if len(body) < 200 {
			return string(body) // GitLab's "Retry later"
		}
		return ""
	}
	parts := []string{cmp.Or(words(e.Message), e.Description, words(e.Error))}
	for _, raw := range e.Errors {
		var one struct{ Resource, Field, Code, Message string }
		switch {
		case json.Unmarshal(raw, &one) != nil:
			parts = append(parts, words(raw))
		case one.Message != "":
			parts = append(parts, one.Message)
		default:
			parts = append(parts, strings.TrimSpace(one.Resource+" "+one.Field+" "+one.Code))
		}
	}
	return strings.Join(parts, ": ")
}

// words makes text of a value that is text, a list of texts, or lists by field.
func words(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, ", ")
	}
	var fields map[string][]string
	if json.Unmarshal(raw, &fields) == nil {
		var out []string
		for _, name := range sorted(fields) {
			out = append(out, name+" "+strings.Join(fields[name], ", "))
		}
		return strings.Join(out, ", ")
	}
	return ""
}
