package main

// One repository of the catalogue against a store.

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-version"

	"drydock/images"
)

// An audit is what came of one repository.
type audit struct {
	name      string
	asked     bool     // something was answered
	failed    error    // what couldn't be asked, nil when everything could
	tags      int      // listed tags
	compared  int      // images whose digests and configuration were compared
	wrong     []string // the catalogue says something that isn't so
	moved     []string // it was so, and isn't any more
	newLines  []string
	goneLines []string
}

// at once: a registry answers a few questions at a time anyway.
const atOnce = 4

func auditAll(store images.Store, names []string, sample int) []*audit {
	out := make([]*audit, len(names))
	work := make(chan int)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range work {
				out[i] = auditOne(store, names[i], sample)
			}
		})
	}
	for i := range names {
		work <- i
	}
	close(work)
	wg.Wait()
	return out
}

func auditOne(store images.Store, name string, sample int) *audit {
	a := &audit{name: name}
	repo, err := images.ParseRef(name)
	if err != nil {
		a.failed = err
		return a
	}
	have, err := store.Tags(repo)
	if err != nil {
		a.fail(err)
		return a
	}
	a.asked = true
	rows := images.Listed(name)
	for _, tags := range rows {
		a.tags += len(tags)
		for _, t := range tags {
			if !slices.Contains(have, t) {
				a.wrong = append(a.wrong, fmt.Sprintf("%s:%s is listed and doesn't exist", name, t))
			}
		}
	}
	a.lines(have)
	for _, tags := range spread(rows, sample) {
		tags = slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return !slices.Contains(have, t) })
		if len(tags) == 0 {
			continue
		}
		if err := a.image(store, repo, tags); err != nil {
			a.fail(err)
			break
		}
		a.compared++
	}
	return a
}

// fail notes an error that isn't the catalogue's; that there is no such
// repository is.
func (a *audit) fail(err error) {
	if errors.Is(err, images.ErrNotFound) {
		a.asked = true
		a.wrong = append(a.wrong, fmt.Sprintf("%s: %v", a.name, err))
		return
	}
	a.failed = err
}

// spread takes n rows from all over a list; all of them for 0.
func spread(rows [][]string, n int) [][]string {
	if n == 0 || n >= len(rows) {
		return rows
	}
	var out [][]string
	for i := range n {
		out = append(out, rows[i*len(rows)/n])
	}
	return out
}

// image compares the tags that are said to be one image, and what it holds.
func (a *audit) image(store images.Store, repo images.Ref, tags []string) error {
	digests := map[string]string{}
	for _, t := range tags {
		d, err := store.Resolve(repo.WithTag(t))
		if err != nil {
			return err
		}
		digests[t] = d.Digest
	}
	first := tags[0]
	for _, t := range tags[1:] {
		if digests[t] == digests[first] {
			continue
		}
		// python:3.14 goes on to the next patch; 3.14.7 and 3.14.7-trixie stay together.
		if images.VersionOf(a.name, t) == images.VersionOf(a.name, first) {
			a.wrong = append(a.wrong, fmt.Sprintf("%s: %s and %s are said to be one image: %s, %s", a.name, first, t, short(digests[first]), short(digests[t])))
		} else {
			a.moved = append(a.moved, fmt.Sprintf("%s: %s is no longer %s", a.name, t, first))
		}
	}
	ref := repo.WithTag(first)
	is, err := store.Describe(ref, "linux/amd64")
	if errors.Is(err, images.ErrPlatform) {
		a.wrong = append(a.wrong, fmt.Sprintf("%s isn't there for linux/amd64", ref))
		return nil
	}
	if err != nil {
		return err
	}
	said, ok := images.Catalogue().Image(ref)
	if !ok {
		a.wrong = append(a.wrong, fmt.Sprintf("%s is listed and the catalogue says nothing of it", ref))
		return nil
	}
	for _, d := range differences(said, is) {
		a.wrong = append(a.wrong, ref.String()+": "+d)
	}
	return nil
}

func short(digest string) string {
	if len(digest) > 19 {
		return digest[:19]
	}
	return digest
}

// lines finds release lines that are new, and supported ones that are gone.
func (a *audit) lines(have []string) {
	known := images.Lines(a.name)
	if len(known) == 0 {
		return
	}
	var newest *version.Version
	parts := 0
	for _, l := range known {
		if !slices.ContainsFunc(have, func(t string) bool { return t == l.Tag || strings.HasPrefix(t, l.Tag+"-") }) {
			a.goneLines = append(a.goneLines, l.Name)
			a.wrong = append(a.wrong, fmt.Sprintf("%s: line %s is said to be supported and has no tag", a.name, l.Name))
		}
		if v, err := version.NewVersion(l.Name); err == nil && (newest == nil || v.GreaterThan(newest)) {
			newest, parts = v, strings.Count(l.Name, ".")
		}
	}
	if newest == nil {
		return
	}
	form := regexp.MustCompile(`^v?\d+` + strings.Repeat(`\.\d+`, parts) + `$`)
	for _, t := range have {
		if !form.MatchString(t) {
			continue
		}
		if v, err := version.NewVersion(t); err == nil && v.GreaterThan(newest) && v.Segments()[0] <= newest.Segments()[0]+20 {
			a.newLines = append(a.newLines, t)
		}
	}
	slices.Sort(a.newLines)
}
