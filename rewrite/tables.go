package rewrite

import (
	"regexp"
	"strings"
	"sync"
)

// What the tables of this package and of the transforms are written with.

// Words is the set of the words in s, which whitespace parts.
func Words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// Lazily gives a regular expression that is compiled when it is first used:
// compiling all of them at start would cost every run milliseconds.
func Lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// KeywordLike writes a keyword in the case in which in has its own.
func KeywordLike(in *Instruction, word string) string {
	if strings.HasPrefix(in.Text, strings.ToLower(in.Keyword)) {
		return strings.ToLower(word)
	}
	return word
}

// AsKeyword writes AS as the other stages of the file do, else in the case of
// the stage's FROM.
func AsKeyword(s *Stage) string {
	for _, o := range s.doc.Stages {
		if f := o.From.Fields(); len(f) == 3 {
			return f[1].Text
		}
	}
	return KeywordLike(s.From, "AS")
}
