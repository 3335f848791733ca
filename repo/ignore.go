package repo

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Ignore is what the .dockerignore file in force says.
type Ignore struct {
	Path     string   // context-relative; where it would be when Exists is false
	Exists   bool     // whether there is such a file
	Src      []byte   // its raw bytes
	Patterns []string // as Docker reads them: comments and blank lines gone, cleaned
	Err      error    // it cannot be read, a pattern is malformed (the build fails) or not text: nothing is known

	mu      sync.Mutex // the matcher compiles patterns as it goes
	matcher *patternmatcher.PatternMatcher
	folders map[string]folderMatch // of the folders around the paths asked for
	rules   []ignoreRule
}

// folderMatch is what the patterns said of a folder, for what lies in it.
type folderMatch struct {
	excluded bool
	info     patternmatcher.MatchInfo
}

type ignoreRule struct {
	pattern string
	negated bool
	matcher *patternmatcher.PatternMatcher // this pattern alone, not negated
}

// Ignore returns the ignore file in force for the Dockerfile at the context-
// relative path dockerfile ("" when it lies outside the context):
// NAME.dockerignore beside the Dockerfile NAME wins over .dockerignore.
// A file beside a Dockerfile outside the context cannot be seen here; use
// ParseIgnore for it. Never nil.
//
// Source: https://docs.docker.com/build/concepts/context/#filename-and-location
func (r *Repo) Ignore(dockerfile string) *Ignore {
	key := ".dockerignore"
	if name, ok := clean(dockerfile); ok && name != "." && r.isFile(name+".dockerignore") {
		key = name + ".dockerignore"
	}
	return r.tree.ignore.get(key, func() *Ignore {
		if !r.Exists(key) {
			return ParseIgnore(key, nil)
		}
		src, err := r.ReadFile(key)
		i := ParseIgnore(key, src)
		i.Exists = true
		if err != nil {
			i.Err = err
		}
		return i
	})
}

// ParseIgnore reads the bytes of an ignore file; path is only a label. Nil src
// stands for a file that does not exist. Never nil; look at Err.
func ParseIgnore(path string, src []byte) *Ignore {
	i := &Ignore{Path: path, Exists: src != nil, Src: src}
	i.Patterns, i.Err = ignorefile.ReadAll(bytes.NewReader(src))
	if i.Err != nil {
		return i
	}
	for _, p := range i.Patterns {
		// The matcher would print these on standard error.
		if !utf8.ValidString(p) || strings.ContainsRune(p, 0) {
			i.Err = fmt.Errorf("pattern %q is not text", p)
			return i
		}
	}
	i.Err = guard(func() (err error) {
		i.matcher, err = patternmatcher.New(i.Patterns)
		if err != nil {
			return err
		}
		for _, p := range i.Patterns {
			name, negated := strings.CutPrefix(p, "!")
			m, err := patternmatcher.New([]string{escapeBang(name)})
			if err != nil {
				return err
			}
			// Compile now: some malformed patterns are found only here.
			if _, err := m.MatchesOrParentMatches("x"); err != nil {
				return err
			}
			i.rules = append(i.rules, ignoreRule{pattern: name, negated: negated, matcher: m})
		}
		return nil
	})
	if i.Err != nil {
		i.matcher, i.rules = nil, nil
	}
	return i
}

// escapeBang keeps a second "!" from being read as a negation.
func escapeBang(p string) string {
	if strings.HasPrefix(p, "!") {
		return `\` + p
	}
	return p
}

// Excluded reports whether the path p (as in Repo.Exists) is left out of the
// build context: it or one of its folders matches, and no later "!" pattern
// takes that back. The context's root is never excluded. False when Err is
// set: look at it first.
//
// The patterns are asked from the top folder down, as the walk of
// github.com/tonistiigi/fsutil does it. That matters: "!docs" behind
// "docs/*.md" brings nothing back, since docs itself was never left out.
func (i *Ignore) Excluded(p string) bool {
	name, ok := clean(p)
	if !ok || name == "." || i == nil || i.matcher == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.judge(name).excluded
}

// SentEmpty reports whether BuildKit sends the file p, but none of its bytes: a
// pattern names a folder once more behind a "!" that brought a part of it back
// ("a", "!a/keep", "a"). The walk that lists the files passes such a file, and
// the reader that opens them, which asks the patterns another way, doesn't.
//
// Source: filterFS.Walk, filterFS.Open and sender.sendFile of fsutil.
func (i *Ignore) SentEmpty(p string) bool {
	name, ok := clean(p)
	if !ok || name == "." || i == nil || i.matcher == nil || !i.matcher.Exclusions() {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.judge(name).excluded && matches(i.matcher, name)
}

// judge asks the patterns about a clean path and the folders around it.
func (i *Ignore) judge(name string) (m folderMatch) {
	parent := path.Dir(name)
	var above patternmatcher.MatchInfo
	if parent != "." {
		above = i.folder(parent).info
	}
	err := guard(func() (err error) {
		m.excluded, m.info, err = i.matcher.MatchesUsingParentResults(name, above)
		return err
	})
	if err != nil {
		return folderMatch{}
	}
	return m
}

func (i *Ignore) folder(name string) folderMatch {
	m, ok := i.folders[name]
	if !ok {
		m = i.judge(name)
		if i.folders == nil {
			i.folders = map[string]folderMatch{}
		}
		i.folders[name] = m
	}
	return m
}

// ExcludesTree reports whether all that is, or could come to be, in the folder
// dir is excluded, with no "!" pattern that could take any part of it back. It
// is proven from the patterns alone: when in doubt it is false.
//
// A pattern that names dir again behind such a "!" doesn't help: BuildKit asks
// it about dir, which is left out by then, and not again about what is in it.
func (i *Ignore) ExcludesTree(dir string) bool {
	name, ok := clean(dir)
	if !ok || i == nil || i.matcher == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	excluded, touched := false, false
	for _, rule := range i.rules {
		switch {
		case rule.negated:
			touches := mayTouch(rule.pattern, name)
			touched = touched || touches
			excluded = excluded && !touches
		case !excluded:
			excluded = rule.coversAll(name) || !touched && rule.covers(name)
		}
	}
	return excluded
}

// covers: the pattern matches dir, a folder around it, or each of its entries.
func (rule ignoreRule) covers(dir string) bool {
	if dir == "." {
		return rule.pattern == "*"
	}
	if matches(rule.matcher, dir) {
		return true
	}
	around, ok := strings.CutSuffix(rule.pattern, "/*")
	return ok && around != "" && matchesAlone(around, dir)
}

// coversAll: the pattern itself matches everything below dir.
func (rule ignoreRule) coversAll(dir string) bool {
	if rule.pattern == "**" || rule.pattern == "**/*" {
		return true
	}
	for _, all := range []string{"/**", "/**/*"} {
		if around, ok := strings.CutSuffix(rule.pattern, all); ok && around != "" && dir != "." && matchesAlone(around, dir) {
			return true
		}
	}
	return false
}

// matchesAlone: the pattern by itself matches name or a folder around it.
func matchesAlone(pattern, name string) bool {
	m, err := patternmatcher.New([]string{escapeBang(pattern)})
	return err == nil && matches(m, name)
}

func matches(m *patternmatcher.PatternMatcher, name string) (out bool) {
	err := guard(func() (err error) {
		out, err = m.MatchesOrParentMatches(name)
		return err
	})
	return err == nil && out
}

// mayTouch reports whether pattern could match dir, something in it or a
// folder around it. False only when one path element proves the contrary.
func mayTouch(pattern, dir string) bool {
	if dir == "." {
		return true
	}
	want, have := strings.Split(pattern, "/"), strings.Split(dir, "/")
	for i := range min(len(want), len(have)) {
		if strings.Contains(want[i], "**") {
			return true
		}
		if ok, err := path.Match(want[i], have[i]); err == nil && !ok {
			return false
		}
	}
	return true
}
