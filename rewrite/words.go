package rewrite

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isBlank is what parser.reWhitespace calls white space.
func isBlank(r rune) bool {
	return r == '\t' || r == '\v' || r == '\f' || r == '\r' || r == ' '
}

// splitWords finds keyword, flags and arguments in an instruction's logical
// text from an offset on, as parser.splitCommand and extractBuilderFlags do.
func splitWords(in *Instruction, escape byte, start int) {
	t := in.Text
	start += len(t[start:]) - len(strings.TrimLeftFunc(t[start:], unicode.IsSpace))
	stop := start + strings.IndexFunc(t[start:], isBlank)
	if stop < start {
		stop = len(strings.TrimRightFunc(t, unicode.IsSpace))
		stop = max(stop, start)
	}
	in.Keyword = strings.ToLower(t[start:stop])
	pos := stop
	for pos < len(t) {
		for pos < len(t) && unicode.IsSpace(rune(t[pos])) {
			pos++
		}
		if !strings.HasPrefix(t[pos:], "--") {
			break
		}
		end := flagEnd(t, pos, escape)
		if t[pos:end] == "--" || strings.Trim(t[pos+2:end], `"'`) == "" { // a word of "--" and empty quotes too
			pos = end
			break
		}
		in.Flags = append(in.Flags, Word{t[pos:end], pos, end})
		pos = end
	}
	rest := strings.TrimRightFunc(t[pos:], unicode.IsSpace)
	lead := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
	in.Args = Word{rest[lead:], pos + lead, pos + len(rest)}
}

// flagEnd is the end of the flag word that begins at pos.
func flagEnd(t string, pos int, escape byte) int {
	var quote byte
	for ; pos < len(t); pos++ {
		switch c := t[pos]; {
		case c == escape:
			pos++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case unicode.IsSpace(rune(c)):
			return pos
		}
	}
	return len(t)
}

// Fields splits the arguments at white space, as BuildKit does for FROM, COPY,
// ADD, EXPOSE and VOLUME in their plain form. For JSON lists it is nil.
func (in *Instruction) Fields() []Word {
	if in.JSON {
		return nil
	}
	var out []Word
	t, base := in.Args.Text, in.Args.Start
	for pos := 0; pos < len(t); {
		n := strings.IndexFunc(t[pos:], isBlank)
		if n < 0 {
			n = len(t) - pos
		}
		if n > 0 {
			out = append(out, Word{t[pos : pos+n], base + pos, base + pos + n})
		}
		pos += n
		for pos < len(t) && isBlank(rune(t[pos])) {
			pos++
		}
	}
	return out
}

// Assignments splits ENV, LABEL and ARG arguments into words that keep their
// quotes, as parser.parseWords does; `ENV key value` gives two words or more.
func (in *Instruction) Assignments() []Word {
	return assignments(in.Args, rune(in.doc.Escape))
}

func assignments(args Word, escape rune) []Word {
	var out []Word
	t, base := args.Text, args.Start
	start := -1
	var quote rune
	for pos := 0; pos < len(t); {
		ch, w := utf8.DecodeRuneInString(t[pos:])
		switch {
		case start < 0 && unicode.IsSpace(ch):
			pos += w
			continue
		case quote == 0 && unicode.IsSpace(ch):
			out = append(out, Word{t[start:pos], base + start, base + pos})
			start = -1
			pos += w
			continue
		}
		if start < 0 {
			start = pos
		}
		switch {
		case quote == 0 && (ch == '"' || ch == '\''):
			quote = ch
		case quote != 0 && ch == quote:
			quote = 0
		case ch == escape && quote != '\'' && pos+w < len(t):
			pos += w
			_, w = utf8.DecodeRuneInString(t[pos:])
		}
		pos += w
	}
	if start >= 0 {
		out = append(out, Word{t[start:], base + start, base + len(t)})
	}
	return out
}
