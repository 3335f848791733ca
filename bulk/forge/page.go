package forge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// pages reads a list page by page, one page in memory at a time. Of the address of
// the next page only the query is taken: a server may know itself by another name,
// and the token stays at the one that we were given.
func pages[T any](ctx context.Context, c *client, path string, query url.Values, what string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		for {
			var list []T
			h, err := c.get(ctx, path, query, what, &list)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
			}
			next := nextPage(h)
			if len(list) == 0 || next == nil || next.Encode() == query.Encode() {
				return
			}
			query = next
		}
	}
}

// nextPage is the query of the link with rel="next" (RFC 8288), nil when there is none.
func nextPage(h http.Header) url.Values {
	for _, link := range strings.Split(strings.Join(h.Values("Link"), ","), ",") {
		address, params, found := strings.Cut(strings.TrimSpace(link), ">")
		if !found || !strings.HasPrefix(address, "<") {
			continue
		}
		for _, p := range strings.Split(params, ";") {
			if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, "rel") && slices.Contains(strings.Fields(strings.Trim(v, `"`)), "next") {
				if u, err := url.Parse(address[1:]); err == nil && u.RawQuery != "" {
					return u.Query()
				}
			}
		}
	}
	return nil
}

// listing reads the repositories of an organisation or group, and where the host
// knows none of that name those of a user. It ends at the first error.
func listing[T any](owner string, f Filter, read func(T) (Repository, error), org iter.Seq2[T, error], user func() iter.Seq2[T, error]) iter.Seq2[Repository, error] {
	return func(yield func(Repository, error) bool) {
		if err := checkName(owner, "x"); err != nil {
			yield(Repository{}, fmt.Errorf("%q is no owner of repositories", clean(owner)))
			return
		}
		began := false
		first, again := "", 0
		walk := func(list iter.Seq2[T, error]) error {
			for v, err := range list {
				if err != nil {
					return err
				}
				began = true
				r, err := read(v)
				if err != nil {
					return err
				}
				// A list may shift while it is read; one that begins anew each time is no list: a proxy
				// drops the number of the page.
				if name := r.Owner + "/" + r.Name; first == "" {
					first = name
				} else if name == first {
					again++
				}
				if again > 3 {
					return fmt.Errorf("the repositories of %s: the same page comes again and again: check that no proxy stands before the API: %w", clean(owner), ErrInvalid)
				}
				if f.keeps(r) && !yield(r, nil) {
					return nil
				}
			}
			return nil
		}
		err := walk(org)
		if errors.Is(err, ErrNotFound) && !began {
			err = walk(user())
		}
		if err != nil {
			yield(Repository{}, err)
		}
	}
}

// keeps tells whether a repository passes the filter.
func (f Filter) keeps(r Repository) bool {
	return (f.Archived || !r.Archived) && (f.Forks || !r.Fork) &&
		(len(f.Topics) == 0 || shares(f.Topics, r.Topics)) && (len(f.Languages) == 0 || shares(f.Languages, []string{r.Language}))
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return has(b, x) })
}

// has tells whether a list has a word, in any case of letters.
func has(list []string, word string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, word) })
}
