package report

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
