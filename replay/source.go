package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"path"
	"strings"

	"github.com/moby/patternmatcher"

	"drydock/history"
	"drydock/repo"
	"drydock/rewrite"
)

// sum is a hash of a multiset of files: files come and go in any order, each at
// the cost of one hash.
type sum [4]uint64

func (s *sum) add(rel string, f history.File) {
	s.mix(rel, f, func(a, b uint64) uint64 { return a + b })
}
func (s *sum) remove(rel string, f history.File) {
	s.mix(rel, f, func(a, b uint64) uint64 { return a - b })
}

func (s *sum) mix(rel string, f history.File, op func(a, b uint64) uint64) {
	text := make([]byte, 0, len(rel)+len(f.ID)+8)
	text = binary.BigEndian.AppendUint32(text, f.Mode)
	text = append(append(append(text, f.ID...), 0), rel...)
	h := sha256.Sum256(text)
	for i := range s {
		s[i] = op(s[i], binary.BigEndian.Uint64(h[8*i:]))
	}
}

// source is what one step takes from the build context: a path, or a pattern as
// COPY has them, with what --parents and --exclude make of it. It keeps the
// hash of the files that it matches.
//
// What counts is what BuildKit's cache/contenthash counts: paths relative to the
// source, modes, bytes and link targets; no time stamps. Folders count by
// themselves, since .dockerignore may leave out all that is in one.
type source struct {
	spec     string // clean; "." for the whole context
	wild     bool   // spec is a pattern: it may match nothing
	optional bool   // nothing needs to match
	include  *patternmatcher.PatternMatcher
	exclude  *patternmatcher.PatternMatcher

	root    string   // where spec leads once links are followed
	ways    []string // the paths from spec to root, one per link
	outside bool     // spec leads out of the context
	total   sum
	n       int // entries that match
}

// newSource reads a source as written, variables expanded.
func newSource(written string) *source {
	s := &source{spec: rewrite.ContextPath(written)}
	s.wild = repo.Wild(s.spec)
	s.optional = s.wild
	return s
}

// withParents makes the source of COPY --parents: the path behind the pivot
// "/./", or all of it, is a pattern of what to take.
func (s *source) withParents(written string) error {
	parent, pattern, pivot := strings.Cut(written, "/./")
	if !pivot {
		parent, pattern = "", written
	}
	s.optional = repo.Wild(parent) || repo.Wild(pattern)
	s.spec = rewrite.ContextPath(parent)
	s.wild = repo.Wild(s.spec)
	var err error
	s.include, err = patternmatcher.New([]string{rewrite.ContextPath(pattern)})
	return err
}

// key tells sources apart.
func (s *source) key() string {
	k := s.spec
	for _, m := range []*patternmatcher.PatternMatcher{s.include, s.exclude} {
		k += "\x00"
		if m != nil {
			for _, p := range m.Patterns() {
				if p.Exclusion() {
					k += "!"
				}
				k += p.String() + "\x01"
			}
		}
	}
	return k
}

// scope tells whether the source takes a path that .dockerignore leaves in, and
// as what.
func (s *source) scope(p string) (rel string, ok bool) {
	rel = p
	base := s.root
	switch {
	case s.outside:
		return "", false
	case s.wild:
		if base, ok = matched(s.spec, p); !ok {
			return "", false
		}
	case s.root == ".":
		base = ""
	case p == s.root:
		rel = "."
	case len(p) > len(s.root) && p[len(s.root)] == '/' && p[:len(s.root)] == s.root:
		rel = p[len(s.root)+1:]
	default:
		return "", false
	}
	if s.include == nil && s.exclude == nil {
		return rel, true
	}
	inner := strings.TrimPrefix(strings.TrimPrefix(p, base), "/")
	if inner == "" {
		return rel, s.include == nil
	}
	return rel, (s.include == nil || matches(s.include, inner)) && (s.exclude == nil || !matches(s.exclude, inner))
}

// matched finds the part of p that a pattern matches; what lies below it comes
// along.
func matched(pattern, p string) (base string, ok bool) {
	end := 0
	for range strings.Count(pattern, "/") + 1 {
		if end == len(p) {
			return "", false
		}
		if end > 0 {
			end++
		}
		if i := strings.IndexByte(p[end:], '/'); i >= 0 {
			end += i
		} else {
			end = len(p)
		}
	}
	ok, err := path.Match(pattern, p[:end])
	return p[:end], ok && err == nil
}

func matches(m *patternmatcher.PatternMatcher, p string) bool {
	ok, err := m.MatchesOrParentMatches(p)
	return ok && err == nil
}

// update takes one change that .dockerignore leaves in.
func (s *source) update(p string, old, now history.File) {
	rel, ok := s.scope(p)
	if !ok {
		return
	}
	if old.Mode != 0 {
		s.total.remove(rel, old)
		s.n--
	}
	if now.Mode != 0 {
		s.total.add(rel, now)
		s.n++
	}
}

// missing tells that a build fails because the source isn't there.
func (s *source) missing() bool {
	return !s.optional && (s.outside || s.n == 0 && (s.root != "." || s.include != nil))
}

// through tells that the path is a part of a path that leads to the source's
// root, so that a link there leads elsewhere.
func (s *source) through(p string) bool {
	for _, at := range s.ways {
		if at == p || len(at) > len(p) && at[len(p)] == '/' && at[:len(p)] == p {
			return true
		}
	}
	return false
}
