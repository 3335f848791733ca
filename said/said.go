// Package said handles what others said: the output of programs and the texts of strangers.
package said

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable is text that somebody else wrote as one line that is safe on a terminal:
// what isn't printable (line breaks, escapes, marks that turn the direction of
// writing) is written as Go escapes it.
func Printable(text string) string {
	text = strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	if strings.IndexFunc(text, odd) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if odd(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func odd(r rune) bool { return !unicode.IsPrint(r) }

// Ending keeps the last Max bytes written to it, such as what a program said before
// it failed.
type Ending struct {
	Max  int
	text []byte
}

// Write never fails.
func (e *Ending) Write(p []byte) (int, error) {
	e.text = append(e.text, p...)
	// Cut seldom, so that a flood of short writes isn't copied each time.
	if len(e.text) > 2*e.Max {
		e.text = append(e.text[:0], e.text[len(e.text)-e.Max:]...)
	}
	return len(p), nil
}

func (e *Ending) String() string { return string(e.text[max(0, len(e.text)-e.Max):]) }

// Size is how many bytes it holds in memory.
func (e *Ending) Size() int { return len(e.text) }

// Drop forgets what was written.
func (e *Ending) Drop() { e.text = nil }
