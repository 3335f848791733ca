package review

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"drydock/said"
)

// The sixteen colours of every terminal, whose shades are the reader's own choice:
// so nobody has to ask a terminal whether it is dark.
const (
	red    = 1
	green  = 2
	yellow = 3
	blue   = 4
	cyan   = 6
)

// style is how a piece of text looks; the zero value is plain.
type style struct {
	colour             byte
	bold, dim, reverse bool
}

func (s style) codes() string {
	var codes []string
	if s.bold {
		codes = append(codes, "1")
	}
	if s.dim {
		codes = append(codes, "2")
	}
	if s.reverse {
		codes = append(codes, "7")
	}
	if s.colour != 0 {
		codes = append(codes, strconv.Itoa(30+int(s.colour)))
	}
	return strings.Join(codes, ";")
}

// span is a piece of a line. Its text is printable: it came through clean.
type span struct {
	text string
	style
}

// line is one line of the screen.
type line []span

func (l line) width() (n int) {
	for _, s := range l {
		n += width(s.text)
	}
	return n
}

// String is the line without its looks.
func (l line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return b.String()
}

func plain(text string) line { return line{{text: text}} }

func styled(text string, st style) line { return line{{text, st}} }

// with gives every span more of a look.
func (l line) with(change func(*style)) line {
	out := make(line, len(l))
	for i, s := range l {
		change(&s.style)
		out[i] = s
	}
	return out
}

// fit makes the line exactly so many cells wide; what is cut off ends in "…".
func (l line) fit(cells int) line {
	if cells <= 0 {
		return nil
	}
	w := l.width()
	if w <= cells {
		if w == cells {
			return l
		}
		return append(l[:len(l):len(l)], span{text: strings.Repeat(" ", cells-w)})
	}
	var out line
	left := cells - 1
	for _, s := range l {
		n := width(s.text)
		if n <= left {
			out, left = append(out, s), left-n
			continue
		}
		s.text = ansi.Truncate(s.text, left, "")
		left -= width(s.text)
		out = append(out, s, span{"…" + strings.Repeat(" ", left), s.style})
		break
	}
	return out
}

// wrap breaks the line into several of at most so many cells, between words where there
// are any; further lines begin with indent.
func (l line) wrap(cells int, indent line) []line {
	if l.width() <= cells {
		return []line{l}
	}
	cells = max(cells, indent.width()+8)
	var out []line
	var cur line
	left, room := cells, cells
	next := func() {
		out = append(out, cur)
		cur = append(line{}, indent...)
		room = cells - indent.width()
		left = room
	}
	for _, s := range l {
		for text := s.text; text != ""; {
			word := text
			if i := strings.IndexByte(text[1:], ' '); i >= 0 {
				word = text[:i+1] // a blank belongs to the word behind it
			}
			if len(out) > 0 && left == room && len(text) > 1 && text[0] == ' ' && text[1] != ' ' {
				text, word = text[1:], word[1:] // between two words the break is the blank
			}
			n := width(word)
			switch {
			case n <= left:
			case n <= cells-indent.width() && left < room:
				next()
				if trimmed := strings.TrimLeft(word, " "); trimmed != "" {
					text = text[len(word)-len(trimmed):]
					word = trimmed
					n = width(word)
				}
			default:
				word = ansi.Truncate(word, max(left, 1), "")
				if word == "" {
					if left < room {
						next()
						continue
					}
					_, size := utf8.DecodeRuneInString(text)
					word = text[:size]
				}
				n = width(word)
			}
			cur = append(cur, span{word, s.style})
			left -= n
			text = text[len(word):]
			if left <= 0 && text != "" {
				next()
			}
		}
	}
	return append(out, cur)
}

// draw writes lines for a terminal, one below the other.
func draw(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, s := range l {
			if codes := s.codes(); codes != "" && s.text != "" {
				b.WriteString("\x1b[" + codes + "m" + s.text + "\x1b[0m")
			} else {
				b.WriteString(s.text)
			}
		}
	}
	return b.String()
}

func width(text string) int {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// clean makes a text that somebody else wrote fit for a terminal, on one line:
// a blank for a tab, and what isn't printable as Go escapes it.
func clean(text string) string {
	return said.Printable(strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\t", " "))
}

// tabs is how many cells a tab stop has in a diff.
const tabs = 4

// words joins the lines of a text.
func words(text string) string { return clean(strings.Join(strings.Fields(text), " ")) }
