package repo

import (
	"slices"
	"strings"
)

// GitPatterns are patterns as the lines of a .gitignore file, which are relative to its
// folder (https://git-scm.com/docs/gitignore#_pattern_format).
type GitPatterns []gitPattern

// Add takes one more pattern; false when it can't be understood, as with an open
// bracket, or says nothing, as a comment does.
func (ps *GitPatterns) Add(pattern string) bool {
	g, ok := parseGitPattern(pattern)
	if ok {
		*ps = append(*ps, g)
	}
	return ok
}

// Match finds the pattern that decides about a file, by its slash path relative to the
// patterns' folder: its index and whether it takes the file; -1 when none speaks of it.
// The last pattern that matches the file or a folder around it decides. Unlike in git,
// which doesn't look into a folder that is taken, a part of it can so be given back.
func (ps GitPatterns) Match(file string) (at int, takes bool) {
	for i, g := range slices.Backward(ps) {
		for end := 0; end < len(file); end++ {
			if n := strings.IndexByte(file[end:], '/'); n >= 0 {
				end += n
			} else {
				end = len(file)
			}
			if (end < len(file) || !g.dirOnly) && g.re.MatchString(file[:end]) {
				return i, !g.negated
			}
		}
	}
	return -1, false
}
