package registrytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Option changes how the registry answers. Options wrap each other: the last one
// is asked first.
type Option struct {
	wrap func(http.Handler) http.Handler
	tls  bool
}

// Wrap puts a handler of the test's own before the registry.
func Wrap(wrap func(next http.Handler) http.Handler) Option { return Option{wrap: wrap} }

// Handle lets the test answer requests itself: answer gives false for those
// that it leaves to the registry.
func Handle(answer func(http.ResponseWriter, *http.Request) bool) Option {
	return Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answer(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	})
}

// TLS serves https, HTTP/2 too, with a certificate that nobody trusts: see
// Certificate.
func TLS() Option { return Option{tls: true} }

// Fail answers the first n requests for manifests, blobs and tag lists (all of
// them when n < 0) with status and, where given, headers ("Retry-After", "1").
func Fail(n int, status int, headers ...string) Option {
	var left atomic.Int64
	left.Store(int64(n))
	return Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if ping(r) || n >= 0 && left.Add(-1) < 0 {
			return false
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.Error(w, `{"errors":[{"code":"UNKNOWN","message":"made by the test"}]}`, status)
		return true
	})
}

// Break closes the connection of the first n requests for manifests, blobs and
// tag lists without an answer.
func Break(n int) Option {
	var left atomic.Int64
	left.Store(int64(n))
	return Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if ping(r) || left.Add(-1) < 0 {
			return false
		}
		panic(http.ErrAbortHandler)
	})
}

// Basic asks for that login by basic authentication.
func Basic(user, password string) Option {
	return Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			return false
		}
		w.Header().Set("Www-Authenticate", `Basic realm="registrytest"`)
		unauthorized(w)
		return true
	})
}

// Tokens is a registry's token service (GET /token), which Bearer puts before
// the registry: https://distribution.github.io/distribution/spec/auth/token/.
type Tokens struct {
	User, Password string // "" gives tokens to everybody
	Private        bool   // without a login the token opens nothing
	Once           bool   // each token is good for one request: then it has expired

	mu     sync.Mutex
	issued int
	good   map[string]string // token -> scope
}

// Issued is the number of tokens given.
func (k *Tokens) Issued() int { k.mu.Lock(); defer k.mu.Unlock(); return k.issued }

// Bearer asks for tokens of k.
func Bearer(k *Tokens) Option {
	k.good = map[string]string{}
	return Handle(k.answer)
}

func (k *Tokens) answer(w http.ResponseWriter, r *http.Request) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.URL.Path == "/token" {
		user, password, login := r.BasicAuth()
		if login && (user != k.User || password != k.Password) || !login && k.User != "" && !k.Private {
			unauthorized(w)
			return true
		}
		k.issued++
		token := fmt.Sprintf("token-%d", k.issued)
		scope := r.URL.Query().Get("scope")
		if k.Private && !login {
			scope = ""
		}
		k.good[token] = scope
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
		return true
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	scope, ok := k.good[token]
	if k.Once {
		delete(k.good, token)
	}
	want := "repository:" + repository(r.URL.Path) + ":pull"
	if ok && (ping(r) || scope == want) {
		return false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	challenge := `Bearer realm="` + scheme + "://" + r.Host + `/token",service="registrytest"`
	if !ping(r) {
		challenge += `,scope="` + want + `"`
	}
	w.Header().Set("Www-Authenticate", challenge)
	unauthorized(w)
	return true
}

func unauthorized(w http.ResponseWriter) {
	http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
}

// NoHead refuses HEAD with that status.
func NoHead(status int) Option {
	return Handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(status)
		}
		return r.Method == http.MethodHead
	})
}

// Paged gives tag lists in pages of n tags, with a Link to the next one.
func Paged(n int) Option {
	return Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/tags/list") {
				next.ServeHTTP(w, r)
				return
			}
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, httptest.NewRequest(http.MethodGet, r.URL.Path, nil))
			var list struct {
				Name string   `json:"name"`
				Tags []string `json:"tags"`
			}
			if whole.Code != http.StatusOK || json.Unmarshal(whole.Body.Bytes(), &list) != nil {
				w.WriteHeader(whole.Code)
				w.Write(whole.Body.Bytes())
				return
			}
			from, _ := strconv.Atoi(r.URL.Query().Get("from"))
			from = min(from, len(list.Tags))
			to := min(from+n, len(list.Tags))
			if to < len(list.Tags) {
				w.Header().Set("Link", fmt.Sprintf(`<%s?from=%d>; rel="next"`, r.URL.Path, to))
			}
			list.Tags = list.Tags[from:to]
			json.NewEncoder(w).Encode(list)
		})
	})
}

// ETags gives each answer of 200 an ETag, and 304 to who has it.
func ETags() Option {
	return Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := httptest.NewRecorder()
			next.ServeHTTP(got, r)
			h := w.Header()
			for k, v := range got.Header() {
				h[k] = v
			}
			if got.Code == http.StatusOK {
				tag := h.Get("Docker-Content-Digest")
				if tag == "" {
					tag = fmt.Sprintf("%x", sha256.Sum256(got.Body.Bytes()))
				}
				h.Set("Etag", `"`+tag+`"`)
				if r.Header.Get("If-None-Match") == h.Get("Etag") {
					h.Del("Content-Length")
					w.WriteHeader(http.StatusNotModified)
					return
				}
			}
			w.WriteHeader(got.Code)
			bytes.NewReader(got.Body.Bytes()).WriteTo(w)
		})
	})
}

func ping(r *http.Request) bool { return r.URL.Path == "/v2/" }

// repository is library/python of /v2/library/python/manifests/3.12.
func repository(path string) string {
	path = strings.TrimPrefix(path, "/v2/")
	for _, kind := range []string{"/manifests/", "/blobs/", "/tags/"} {
		if i := strings.LastIndex(path, kind); i >= 0 {
			return path[:i]
		}
	}
	return ""
}
