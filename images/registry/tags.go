package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"drydock/images/internal/oci"
)

// Bounds of a tag list: bytes of all pages, and their number. library/python
// has some thousands of tags, 60 KB.
const (
	maxTags  = 32 << 20
	maxPages = 400
)

// page is a piece of a tag list, as the registry cut it.
type page struct {
	URL      string // below the host: /v2/library/python/tags/list?n=1000
	ETag     string `json:",omitempty"`
	Modified string `json:",omitempty"`
	Tags     []string
	Next     string `json:",omitempty"` // URL of the next one
}

// tags lists the tags of the question's repository.
func (q *question) tags() ([]string, error) {
	return once(&q.r.memo, "tags "+q.host+"/"+q.path, q.r.o.Fresh, func() ([]string, error) {
		return ask(q, q.path, q.tagsAt)
	})
}

func (q *question) tagsAt(ctx context.Context, p *repo) ([]string, error) {
	_, old, ok := p.cached("tags", "")
	var had []page
	if ok && json.Unmarshal(old.Body, &had) == nil && p.r.fresh(old) {
		return allTags(had), nil
	}
	known := map[string]page{}
	for _, h := range had {
		known[h.URL] = h
	}
	var pages []page
	seen, left := map[string]bool{}, int64(maxTags)
	for next := "/v2/" + p.e.path + "/tags/list?n=1000"; next != ""; {
		switch {
		case seen[next]:
			return nil, &refused{"its list of tags goes in a circle"}
		case len(pages) == maxPages:
			return nil, &refused{"its list of tags has too many pages"}
		}
		seen[next] = true
		h := known[next]
		a, err := p.get(ctx, http.MethodGet, next, "application/json", left, entry{ETag: h.ETag, Modified: h.Modified})
		if err != nil {
			return nil, err
		}
		if a.code == http.StatusNotModified {
			pages, next = append(pages, h), h.Next
			continue
		}
		left -= int64(len(a.body))
		n := page{URL: next, ETag: a.header.Get("Etag"), Modified: a.header.Get("Last-Modified")}
		if n.Tags, err = readTags(a); err != nil {
			return nil, err
		}
		if n.Next, err = p.link(a.from, a.header.Get("Link")); err != nil {
			return nil, err
		}
		pages, next = append(pages, n), n.Next
	}
	if body, err := json.Marshal(pages); err == nil {
		p.keep("tags", "", entry{Body: body, Time: time.Now()})
	}
	return allTags(pages), nil
}

// readTags reads one page; names that can't be tags are left out.
func readTags(a answer) ([]string, error) {
	var list struct {
		Tags json.RawMessage `json:"tags"`
	}
	var tags []string
	err := json.Unmarshal(a.body, &list)
	if err == nil && list.Tags == nil {
		err = errors.New("no tags")
	}
	if err == nil {
		err = json.Unmarshal(list.Tags, &tags)
	}
	if err != nil {
		if contentType(a.header) == "text/html" || strings.HasPrefix(strings.TrimSpace(string(a.body[:min(len(a.body), 64)])), "<") {
			return nil, &refused{"it answers with a web page in place of its tags"}
		}
		return nil, &refused{"its list of tags isn't one"}
	}
	return slices.DeleteFunc(tags, func(t string) bool { return !oci.IsTag(t) }), nil
}

func allTags(pages []page) []string {
	out := []string{}
	for _, p := range pages {
		out = append(out, p.Tags...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// link gives the next page, which must be at the same host: distribution-spec,
// "Listing Tags", and RFC 8288.
func (p *repo) link(at *url.URL, header string) (string, error) {
	if header == "" {
		return "", nil
	}
	target, params, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(header), "<"), ">")
	if !ok {
		return "", &refused{"its link to the next tags isn't one"}
	}
	if rel := strings.ToLower(params); strings.Contains(rel, "rel=") && !strings.Contains(rel, "next") || target == "" {
		return "", nil
	}
	to, err := at.Parse(target)
	switch {
	case err != nil:
		return "", &refused{"its link to the next tags isn't one"}
	case to.Scheme != p.scheme || !strings.EqualFold(to.Host, p.e.host) || to.User != nil:
		return "", &refused{"its link to the next tags leads to " + oci.Clean(to.Host)}
	}
	return to.RequestURI(), nil
}
