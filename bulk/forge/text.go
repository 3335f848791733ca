package forge

import (
	"strings"
	"unicode/utf8"
)

const cutNote = "*This was longer than the server takes; the rest is left out.*"

// fit makes text of at most most bytes. It is cut between two paragraphs, outside of
// code and folded parts where that is possible; the last paragraph stays, since it
// says where the text comes from. The same text gives the same result.
func fit(text string, most int) string {
	if len(text) <= most {
		return text
	}
	last := ""
	if i := strings.LastIndex(strings.TrimRight(text, "\n"), "\n\n"); i >= 0 && len(text)-i < most/4 {
		last = text[i:]
	}
	closing := "\n\n" + cutNote + last
	room := most - len(closing) - len("\n```\n</details>\n")*3
	if room < 0 {
		return cutRunes(text, most)
	}
	clean, line, at := 0, 0, 0 // ends of what can be kept: whole paragraphs, whole lines
	var open, openAtLine state
	for at < room {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 || at+end > room {
			break
		}
		l := text[at : at+end]
		if strings.TrimSpace(l) == "" && open.fence == "" && open.details == 0 {
			clean = at
		}
		open.read(l)
		at += end + 1
		line, openAtLine = at, open
	}
	switch {
	case clean > room/2:
		return strings.TrimRight(text[:clean], "\n") + closing
	case line > 0:
		return strings.TrimRight(text[:line], "\n") + openAtLine.close() + closing
	}
	return cutRunes(text, room) + closing
}

// state is what is open at the end of a line of Markdown.
type state struct {
	fence   string
	details int
}

func (s *state) read(line string) {
	line = strings.TrimLeft(line, " ")
	switch {
	case s.fence != "":
		if strings.HasPrefix(line, s.fence) && strings.Trim(line, s.fence[:1]+" \t\r") == "" {
			s.fence = ""
		}
	case strings.HasPrefix(line, "```"), strings.HasPrefix(line, "~~~"):
		s.fence = line[:len(line)-len(strings.TrimLeft(line, line[:1]))]
	default:
		s.details = max(s.details+strings.Count(line, "<details")-strings.Count(line, "</details"), 0)
	}
}

func (s state) close() string {
	out := ""
	if s.fence != "" {
		out = "\n" + s.fence
	}
	return out + strings.Repeat("\n\n</details>", min(s.details, 3))
}

// cutRunes is the first most bytes, whole characters.
func cutRunes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// title is one line of at most most bytes.
func title(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	return strings.TrimRight(cutRunes(s, most-len("…")), " ") + "…"
}

// same tells whether a text at a host is ours: web forms make CRLF of line ends, and
// hosts trim the end.
func same(a, b string) bool { return plainText(a) == plainText(b) }

func plainText(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// draftMark takes a host's mark of a draft from a title.
func draftMark(s string, marks ...string) (rest string, found bool) {
	for _, m := range marks {
		if len(s) >= len(m) && strings.EqualFold(s[:len(m)], m) {
			return strings.TrimSpace(s[len(m):]), true
		}
	}
	return s, false
}
