package repo

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
)

// text decodes what editors write: a UTF-8 or UTF-16 byte order mark is
// honoured and removed, CRLF and CR become LF. Other bytes are kept as they are.
func text(src []byte) string {
	switch {
	case bytes.HasPrefix(src, []byte("\xef\xbb\xbf")):
		src = src[3:]
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		big := src[0] == 0xfe
		units := make([]uint16, 0, len(src)/2)
		for i := 2; i+1 < len(src); i += 2 {
			if big {
				units = append(units, uint16(src[i])<<8|uint16(src[i+1]))
			} else {
				units = append(units, uint16(src[i+1])<<8|uint16(src[i]))
			}
		}
		src = []byte(string(utf16.Decode(units)))
	}
	s := string(src)
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return s
}

// lines splits a decoded text; line i+1 of the file is element i.
func lines(src []byte) []string { return strings.Split(text(src), "\n") }

// place names a line for people: "file:line".
func place(file string, line int) string { return file + ":" + strconv.Itoa(line) }

// shellWords splits s as Python's shlex.split does (POSIX mode, no comments).
// ok is false for an unclosed quote.
func shellWords(s string) (words []string, ok bool) {
	var b strings.Builder
	started := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			if started {
				words, started = append(words, b.String()), false
				b.Reset()
			}
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, false
			}
			b.WriteString(s[i+1 : i+1+end])
			i, started = i+1+end, true
		case '"':
			started = true
			for i++; ; i++ {
				if i >= len(s) {
					return nil, false
				}
				if s[i] == '"' {
					break
				}
				if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
					i++
				}
				b.WriteByte(s[i])
			}
		case '\\':
			if i+1 >= len(s) {
				return nil, false
			}
			i, started = i+1, true
			b.WriteByte(s[i])
		default:
			started = true
			b.WriteByte(c)
		}
	}
	if started {
		words = append(words, b.String())
	}
	return words, true
}
