package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"drydock/images"
	"drydock/images/internal/oci"
)

// question is what one call of the Store has to find out about one reference. It
// is an oci.Blobs.
type question struct {
	r         *Registry
	host      string // "docker.io"
	path      string // "library/python"
	name      string // "3.12" or "sha256:…"
	byDigest  bool
	shown     string        // "library/python:3.12"
	endpoints []endpoint    // whom to ask, in order
	left      time.Duration // of the time-out: waiting for a turn doesn't count
	wasAsked  string        // who gave the last answer
}

func (r *Registry) question(ref images.Ref) (*question, error) {
	host, path, err := place(ref)
	if r.o.Offline {
		return nil, fail(images.ErrOffline, nil, canonical(ref.Domain), ref.String(), "this is --offline", "run without it")
	}
	if err != nil {
		return nil, err
	}
	q := &question{r: r, host: host, path: path, name: ref.Tag, left: r.o.Timeout, endpoints: r.endpoints(host, path), wasAsked: host}
	switch {
	case ref.Digest != "":
		q.name, q.byDigest, q.shown = ref.Digest, true, path+"@"+ref.Digest
	default:
		if q.name == "" {
			q.name = "latest"
		}
		q.shown = path + ":" + q.name
	}
	return q, nil
}

// explain puts what was asked before an error of package oci.
func (q *question) explain(err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	kind := images.ErrInvalid
	if errors.Is(err, images.ErrPlatform) {
		kind = images.ErrPlatform
	}
	return &failure{text: q.wasAsked + ": " + q.shown + ": " + err.Error(), kind: kind, cause: err}
}

// ask puts one question to the endpoints: mirrors first, the registry itself
// when a mirror can't be reached or hasn't got it.
func ask[T any](q *question, what string, do func(context.Context, *repo) (T, error)) (T, error) {
	var none T
	for i, e := range q.endpoints {
		last := i == len(q.endpoints)-1
		v, err := askOne(q, e, what, last, do)
		if err == nil {
			q.wasAsked = e.shown
			return v, nil
		}
		missing := errors.Is(err, images.ErrNotFound)
		if last || q.r.ctx.Err() != nil || !missing && !errors.Is(err, images.ErrUnreachable) {
			return none, err
		}
		if !missing {
			q.r.note("%s: %v%s; %s is asked", e.shown, images.ErrUnreachable, reason(err), q.endpoints[i+1].shown)
		}
	}
	return none, errors.New("registry: no endpoint")
}

func askOne[T any](q *question, e endpoint, what string, last bool, do func(context.Context, *repo) (T, error)) (T, error) {
	var none T
	p := q.r.repo(e)
	select { // its turn
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-q.r.ctx.Done():
		return none, q.r.failed(q.r.ctx.Err(), e, what, 0, false)
	}
	time0, limit := time.Now(), q.left
	if !last {
		limit /= 2 // so that the next one can be asked too
	}
	ctx, cancel := context.WithTimeout(q.r.ctx, limit)
	defer cancel()
	v, err := do(ctx, p)
	took := time.Since(time0)
	q.left = max(q.left-took, time.Millisecond)
	if err == nil {
		p.learn(nil, took, e)
		return v, nil
	}
	err = q.r.failed(err, e, what, limit, p.sent())
	p.learn(err, took, e)
	return none, again(err, e, what)
}

// again makes the error of a host that is known to be down one about what.
func again(err error, e endpoint, what string) error {
	var f *failure
	if errors.As(err, &f) && f.what != what {
		return fail(f.kind, f.cause, e.shown, what, f.why, f.do)
	}
	return err
}

const accept = string(types.OCIImageIndex + "," + types.DockerManifestList + "," + types.OCIManifestSchema1 + "," + types.DockerManifestSchema2)

// answer is one of status 200 or 304, read to its end.
type answer struct {
	code   int
	header http.Header
	body   []byte
	from   *url.URL // who sent it, redirects followed
}

// get sends one request, for a path of the registry. When the connection breaks
// within the body it is sent once more.
func (p *repo) get(ctx context.Context, method, path, accepts string, most int64, old entry) (answer, error) {
	if err := p.open(ctx, p.e); err != nil {
		return answer{}, err
	}
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, p.scheme+"://"+p.e.host+path, nil)
		if err != nil {
			return answer{}, &refused{"the address isn't one"}
		}
		if accepts != "" {
			req.Header.Set("Accept", accepts)
		}
		if old.ETag != "" {
			req.Header.Set("If-None-Match", old.ETag)
		}
		if old.Modified != "" {
			req.Header.Set("If-Modified-Since", old.Modified)
		}
		res, err := p.client.Do(req)
		if err != nil {
			return answer{}, err
		}
		body, err := read(res, most)
		switch {
		case err != nil && try == 0 && broken(err) && ctx.Err() == nil:
			continue
		case err != nil:
			return answer{}, err
		case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusNotModified && (old.ETag != "" || old.Modified != ""):
			return answer{res.StatusCode, res.Header, body, res.Request.URL}, nil
		}
		return answer{}, statusOf(res.StatusCode, body)
	}
}

func read(res *http.Response, most int64) ([]byte, error) {
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		most = min(most, 64<<10)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(body)) <= most:
		return body, nil
	case res.StatusCode != http.StatusOK:
		return body[:most], nil
	}
	return nil, &refused{fmt.Sprintf("its answer is longer than %d MiB", most>>20)}
}

func (p *repo) at(kind, name string) string { return "/v2/" + p.e.path + "/" + kind + "/" + name }

// resolve gives what the question's name stands for.
func (q *question) resolve() (images.Descriptor, error) {
	return once(&q.r.memo, "resolve "+q.host+"/"+q.shown, q.r.o.Fresh, func() (images.Descriptor, error) {
		return ask(q, q.shown, q.resolveAt)
	})
}

func (q *question) resolveAt(ctx context.Context, p *repo) (images.Descriptor, error) {
	area, old, ok := p.cached("tag", q.name)
	if ok && (q.byDigest || p.r.fresh(old)) {
		return descriptor(string(old.Body), old.Type), nil
	}
	a, err := p.get(ctx, http.MethodHead, p.at("manifests", q.name), accept, oci.MaxManifest, old)
	var s *status
	if errors.As(err, &s) && (s.code == http.StatusMethodNotAllowed || s.code == http.StatusNotImplemented || s.code == http.StatusBadRequest) {
		a, err = p.get(ctx, http.MethodGet, p.at("manifests", q.name), accept, oci.MaxManifest, old)
	} else if err == nil && a.code == http.StatusOK {
		digest, mediaType := a.header.Get("Docker-Content-Digest"), contentType(a.header)
		if t := types.MediaType(mediaType); oci.IsDigest(digest) && (t.IsIndex() || t.IsImage()) {
			return q.keep(p, digest, mediaType, a.header)
		} else if t.IsSchema1() {
			_, _, err := oci.Kind(mediaType, nil)
			return images.Descriptor{}, err
		}
		a, err = p.get(ctx, http.MethodGet, p.at("manifests", q.name), accept, oci.MaxManifest, entry{})
	}
	if err != nil {
		return images.Descriptor{}, err
	}
	if a.code == http.StatusNotModified {
		old.Time = time.Now()
		p.r.cache.put(area, p.key("tag", q.name), old)
		return descriptor(string(old.Body), old.Type), nil
	}
	mediaType, _, err := oci.Kind(contentType(a.header), a.body)
	if err != nil {
		return images.Descriptor{}, err
	}
	like := a.header.Get("Docker-Content-Digest")
	if q.byDigest {
		like = q.name
	}
	digest, err := oci.Digest(like, a.body)
	if err != nil {
		return images.Descriptor{}, err
	}
	if like != "" && digest != like {
		return images.Descriptor{}, oci.Verify(like, a.body)
	}
	p.keep("manifest", digest, entry{Type: mediaType, Body: a.body})
	return q.keep(p, digest, mediaType, a.header)
}

// keep makes the descriptor of an answer, and writes it down.
func (q *question) keep(p *repo, digest, mediaType string, h http.Header) (images.Descriptor, error) {
	if q.byDigest && digest != q.name {
		return images.Descriptor{}, &refused{"it answers with another digest, " + digest}
	}
	p.keep("tag", q.name, entry{Type: mediaType, Body: []byte(digest), ETag: h.Get("Etag"), Modified: h.Get("Last-Modified")})
	return descriptor(digest, mediaType), nil
}

func descriptor(digest, mediaType string) images.Descriptor {
	return images.Descriptor{Digest: digest, MediaType: mediaType, Index: types.MediaType(mediaType).IsIndex()}
}

func contentType(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Manifest implements oci.Blobs.
func (q *question) Manifest(digest string) ([]byte, string, error) {
	e, err := q.blob("manifest", digest, func(ctx context.Context, p *repo) (entry, error) {
		a, err := p.get(ctx, http.MethodGet, p.at("manifests", digest), accept, oci.MaxManifest, entry{})
		if err != nil {
			return entry{}, err
		}
		if err := oci.Verify(digest, a.body); err != nil {
			return entry{}, err
		}
		mediaType, _, err := oci.Kind(contentType(a.header), a.body)
		return entry{Type: mediaType, Body: a.body}, err
	})
	return e.Body, e.Type, err
}

// Config implements oci.Blobs.
func (q *question) Config(digest string, size int64) ([]byte, error) {
	e, err := q.blob("config", digest, func(ctx context.Context, p *repo) (entry, error) {
		a, err := p.get(ctx, http.MethodGet, p.at("blobs", digest), "", oci.MaxConfig, entry{})
		if err != nil {
			return entry{}, err
		}
		if int64(len(a.body)) != size {
			return entry{}, &refused{fmt.Sprintf("the configuration of the image has %d bytes, and should have %d", len(a.body), size)}
		}
		return entry{Type: string(types.OCIConfigJSON), Body: a.body}, oci.Verify(digest, a.body)
	})
	return e.Body, err
}

// blob gives what a digest names: from this run, from the cache, from the
// registry.
func (q *question) blob(kind, digest string, do func(context.Context, *repo) (entry, error)) (entry, error) {
	return once(&q.r.memo, kind+" "+q.host+"/"+q.path+"@"+digest, time.Hour, func() (entry, error) {
		return ask(q, q.shown, func(ctx context.Context, p *repo) (entry, error) {
			if _, e, ok := p.cached(kind, digest); ok {
				return e, nil
			}
			e, err := do(ctx, p)
			if err == nil {
				e.Body = bytes.Clone(e.Body)
				p.keep(kind, digest, e)
			}
			return e, err
		})
	})
}
