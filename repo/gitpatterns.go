package repo

import "strings"

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
// As in git the last one decides, and what lies in a folder that is taken can't be
// given back.
func (ps GitPatterns) Match(file string) (at int, takes bool) {
	at = -1
	parts := strings.Split(file, "/")
	for n := 1; n <= len(parts); n++ {
		rel := strings.Join(parts[:n], "/")
		for i := len(ps) - 1; i >= 0; i-- {
			if g := ps[i]; (n < len(parts) || !g.dirOnly) && g.re.MatchString(rel) {
				if !g.negated {
					return i, true
				}
				at = i
				break
			}
		}
	}
	return at, false
}
