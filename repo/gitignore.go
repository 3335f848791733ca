package repo

import (
	"path"
	"regexp"
	"strings"
)

type gitPattern struct {
	re      *regexp.Regexp // on the path relative to the file's folder
	negated bool
	dirOnly bool
}

// GitIgnored reports whether git would leave p (a path as in Exists) out,
// judging by the .gitignore files from the context's root down to p. Files that
// were added in spite of them, .git/info/exclude and the user's own excludes
// are not known, nor are .gitignore files above the context. A pattern that is
// not understood matches nothing.
//
// Source: https://git-scm.com/docs/gitignore#_pattern_format
func (r *Repo) GitIgnored(p string) bool {
	name, ok := clean(p)
	if !ok || name == "." {
		return false
	}
	// A file cannot be taken back when a folder around it is excluded.
	return r.gitIgnoredFolder(path.Dir(name)) || r.gitDecides(name, r.IsDir(name))
}

// gitIgnoredFolder is GitIgnored for a folder, which is asked of it for each file in there.
func (r *Repo) gitIgnoredFolder(name string) bool {
	if name == "." {
		return false
	}
	return r.facts.gitignored.get(name, func() bool { return r.gitIgnoredFolder(path.Dir(name)) || r.gitDecides(name, true) })
}

func (r *Repo) gitDecides(name string, isDir bool) bool {
	for end := len(name); end > 0; { // the nearest .gitignore decides first
		end = strings.LastIndexByte(name[:end], '/')
		patterns := r.gitPatterns(name[:max(end, 0)])
		for i := len(patterns) - 1; i >= 0; i-- { // within one, the last
			if g := patterns[i]; (isDir || !g.dirOnly) && g.re.MatchString(name[end+1:]) {
				return !g.negated
			}
		}
	}
	return false
}

func (r *Repo) gitPatterns(dir string) []gitPattern {
	return r.facts.gitignore.get(dir, func() []gitPattern {
		file := path.Join(dir, ".gitignore")
		if !r.isFile(file) {
			return nil
		}
		src, err := r.ReadFile(file)
		if err != nil {
			return nil
		}
		var out []gitPattern
		for _, line := range lines(src) {
			if g, ok := parseGitPattern(line); ok {
				out = append(out, g)
			}
		}
		return out
	})
}

func parseGitPattern(line string) (gitPattern, bool) {
	var g gitPattern
	if strings.HasPrefix(line, "#") || len(line) > 4096 { // longer than any path
		return g, false
	}
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	line, g.negated = strings.CutPrefix(line, "!")
	line, g.dirOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return g, false
	}
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	expr, ok := gitRegexp(line)
	if !ok {
		return g, false
	}
	if !anchored {
		expr = "(?:.*/)?" + expr
	}
	re, err := regexp.Compile("(?s)^" + expr + "$")
	if err != nil {
		return g, false
	}
	g.re = re
	return g, true
}

func gitRegexp(p string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(p); {
		rest := p[i:]
		atStart := i == 0 || p[i-1] == '/'
		switch {
		case atStart && strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += 3
		case atStart && rest == "**":
			b.WriteString(".*")
			i += 2
		case rest[0] == '*':
			b.WriteString("[^/]*")
			i++
		case rest[0] == '?':
			b.WriteString("[^/]")
			i++
		case rest[0] == '[':
			// The bracket's end: a "]" right after "[" or "[!" is a member.
			j := 1
			if j < len(rest) && (rest[j] == '!' || rest[j] == '^') {
				j++
			}
			if j < len(rest) && rest[j] == ']' {
				j++
			}
			end := strings.IndexByte(rest[min(j, len(rest)):], ']')
			if end < 0 {
				return "", false
			}
			class := rest[1 : j+end]
			class = strings.Replace(class, "!", "^", btoi(strings.HasPrefix(class, "!")))
			if strings.ContainsAny(class, `/[\`) {
				return "", false
			}
			b.WriteString("[" + class + "]")
			i += j + end + 1
		case rest[0] == '\\':
			if len(rest) == 1 {
				return "", false
			}
			b.WriteString(regexp.QuoteMeta(rest[1:2]))
			i += 2
		default:
			j := strings.IndexAny(rest, `*?[\/`)
			if j == 0 { // "/"
				j = 1
			} else if j < 0 {
				j = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:j]))
			i += j
		}
	}
	return b.String(), true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
