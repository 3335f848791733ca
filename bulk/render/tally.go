package render

import (
	"cmp"
	"slices"
	"strings"

	"drydock/bulk/result"
	"drydock/rewrite"
)

const (
	keepTop      = 10     // savings that a tally remembers
	keepDistinct = 20_000 // names that it counts; the rest counts as others
	others       = "(others)"
)

// count is a name with how often it occurs before and after; where there is only
// one number, that is After.
type count struct {
	Name          string
	Before, After int
}

// counter counts names, of which there may be any number.
type counter map[string]*count

func (c counter) at(name string) *count {
	k := c[name]
	if k == nil {
		if len(c) >= keepDistinct {
			name = others
			if k = c[name]; k != nil {
				return k
			}
		}
		// Names are parts of larger texts, which shall not stay in memory.
		name = strings.Clone(name)
		k = &count{Name: name}
		c[name] = k
	}
	return k
}

// most are the counts, the largest first, then by name.
func (c counter) most() []count {
	out := make([]count, 0, len(c))
	for _, k := range c {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b count) int {
		return cmp.Or(cmp.Compare(max(b.Before, b.After), max(a.Before, a.After)), cmp.Compare(b.Before+b.After, a.Before+a.After), strings.Compare(a.Name, b.Name))
	})
	return out
}

// in are the counts in a given order, without those that don't occur.
func (c counter) in(order []string) []count {
	var out []count
	for _, name := range order {
		if k := c[name]; k != nil {
			out = append(out, *k)
		}
	}
	return out
}

// item is a repository, or a Dockerfile of one, that is told by name.
type item struct {
	Name, File, Text string
	Bytes            int64
	Measured         bool
}

// tally is what a run adds up to.
type tally struct {
	Repositories              int
	Statuses                  counter // by result.Status
	Files, FilesChanged       int
	FilesFailed               int
	Offered, Unproven, Broken int     // changes, changes, proofs that fail
	Findings, Transforms      counter // Before: how often, After: in how many repositories
	Bases, Tags, Users        counter // of Dockerfiles, by final base
	Skips                     counter // reasons
	Pulls                     counter // what was done
	Sized, Measured           int     // Dockerfiles of which both sizes are known; of those measured
	SizeBefore, SizeAfter     int64
	Top                       []item // savings, the largest first
	Failures                  []*failure
	Failed                    int // how many failures there are, of keepFailures and beyond
}

// keepFailures is how many kinds of failures are kept apart.
const keepFailures = 1000

// failure is what happened to one repository, to Dockerfiles of one, or the same to many.
type failure struct {
	Kind   string   // reason without what differs from repository to repository; "" for Dockerfiles
	Text   string   // whole reason of the first
	File   string   // first Dockerfile, "" where the whole repository failed
	Files  int      // how many Dockerfiles of the repository
	Repos  int      // how many repositories
	Sample []string // names of the first repositories
}

// kindOf is a reason without its details in parentheses: "the repository is damaged (blob 1234)"
// is the same for a lead as that of blob 5678.
func kindOf(reason string) string {
	if at := strings.Index(reason, " ("); at > 0 && strings.HasSuffix(reason, ")") {
		return reason[:at]
	}
	return reason
}

// failures are those that touch most repositories first, else in the order of the results.
func (t *tally) failures() []*failure {
	slices.SortStableFunc(t.Failures, func(a, b *failure) int { return cmp.Compare(b.Repos, a.Repos) })
	return t.Failures
}

func newTally() *tally {
	return &tally{Statuses: counter{}, Findings: counter{}, Transforms: counter{}, Bases: counter{}, Tags: counter{}, Users: counter{}, Skips: counter{}, Pulls: counter{}}
}

func (t *tally) add(r *result.Result) {
	t.Repositories++
	t.Statuses.at(string(r.Status)).After++
	switch r.Status {
	case result.Skipped:
		t.Skips.at(reason(r)).After++
	case result.Failed:
		t.fail(r.Name, reason(r))
	}
	if r.Pull != nil {
		t.Pulls.at(r.Pull.Did).After++
	}
	found, applied := map[string]bool{}, map[string]bool{}
	var unread *failure // one for all Dockerfiles of the repository: templates come in dozens
	for i, f := range r.Files {
		t.Files++
		if f.Error != nil {
			t.FilesFailed++
			switch {
			case r.Status == result.Failed: // told by its reason
			case unread == nil:
				unread = &failure{Text: f.Error.Message, File: f.Path, Files: 1, Repos: 1, Sample: []string{r.Name}}
				t.keep(unread)
			default:
				unread.Files++
			}
			continue
		}
		if f.Changed {
			t.FilesChanged++
		}
		if f.Proof != nil && !f.Proof.Holds() {
			t.Broken++
		}
		for _, o := range f.Outcomes {
			switch o.Status {
			case string(rewrite.Offered):
				t.Offered++
			case string(rewrite.Unproven):
				t.Unproven++
			}
		}
		occurrences(t.Transforms, appliedIn(f), applied)
		occurrences(t.Findings, foundIn(f), found)
		t.shape(r, i)
	}
}

// occurrences adds up how often each name occurs, and in how many repositories:
// seen are those of this one.
func occurrences(c counter, names map[string]int, seen map[string]bool) {
	for name, n := range names {
		k := c.at(name)
		k.Before += n
		if !seen[name] {
			seen[name] = true
			k.After++
		}
	}
}

func (t *tally) fail(name, reason string) {
	kind := kindOf(reason)
	for _, f := range t.Failures {
		if f.File == "" && f.Kind == kind {
			if f.Repos++; len(f.Sample) < 3 {
				f.Sample = append(f.Sample, name)
			}
			return
		}
	}
	t.keep(&failure{Kind: kind, Text: reason, Repos: 1, Sample: []string{name}})
}

func (t *tally) keep(f *failure) {
	if t.Failed++; len(t.Failures) < keepFailures {
		t.Failures = append(t.Failures, f)
	}
}

// shape counts what Dockerfile i of a result makes.
func (t *tally) shape(r *result.Result, i int) {
	f := facts(r, i)
	if f.Before.Stages == 0 {
		return
	}
	t.Bases.at(baseName(f.Before.Final)).Before++
	t.Bases.at(baseName(f.After.Final)).After++
	t.Tags.at(tagKind(f.Before.Final)).Before++
	t.Tags.at(tagKind(f.After.Final)).After++
	t.Users.at(userKind(f.Before.User, f.Before.Final)).Before++
	t.Users.at(userKind(f.After.User, f.After.Final)).After++
	n, known := saving(f)
	if !known {
		return
	}
	t.Sized++
	if f.Before.Measured {
		t.Measured++
	}
	t.SizeBefore += f.Before.Size
	t.SizeAfter += f.After.Size
	if n <= 0 {
		return
	}
	x := item{Name: r.Name, File: r.Files[i].Path, Bytes: n, Measured: f.Before.Measured, Text: megabytes(f.Before.Size) + " -> " + megabytes(f.After.Size)}
	at, _ := slices.BinarySearchFunc(t.Top, x, func(a, b item) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name), strings.Compare(a.File, b.File))
	})
	if at < keepTop {
		t.Top = slices.Insert(t.Top, at, x)
		t.Top = t.Top[:min(len(t.Top), keepTop)]
	}
}
