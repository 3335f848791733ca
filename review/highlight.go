package review

import (
	"strings"
)

// What a piece of a Dockerfile is.
type token byte

const (
	tokText token = iota
	tokKeyword
	tokFlag
	tokString
	tokVariable
	tokComment
	tokOperator
)

// piece is a part of a line, as byte offsets, that is something other than text.
type piece struct {
	from, to int
	token    token
}

// highlighter reads a Dockerfile line by line. It needs no valid file: what is
// half edited gets its colours too.
type highlighter struct {
	escape     byte
	open       bool     // the line continues an instruction
	instr      string   // its keyword, upper case
	heredocs   []string // whose bodies are to come
	directives bool     // still in the lines that may hold directives
}

// highlight gives the pieces of every line of a text.
func highlight(text string) [][]piece {
	h := highlighter{escape: '\\', directives: true}
	var out [][]piece
	for l := range strings.Lines(text) {
		out = append(out, h.line(strings.TrimRight(l, "\r\n")))
	}
	return out
}

func (h *highlighter) line(l string) []piece {
	if len(h.heredocs) > 0 {
		if strings.TrimLeft(l, "\t") == h.heredocs[0] {
			h.heredocs = h.heredocs[1:]
			return []piece{{0, len(l), tokOperator}}
		}
		if trimmed := strings.TrimLeft(l, " \t"); strings.HasPrefix(trimmed, "#") && h.instr == "RUN" {
			return []piece{{len(l) - len(trimmed), len(l), tokComment}}
		}
		if h.instr != "RUN" {
			return []piece{{0, len(l), tokString}}
		}
		return h.rest(nil, l, 0)
	}
	trimmed := strings.TrimLeft(l, " \t")
	at := len(l) - len(trimmed)
	if strings.HasPrefix(trimmed, "#") {
		if name, value, ok := strings.Cut(strings.TrimLeft(trimmed, "# \t"), "="); ok && h.directives && strings.EqualFold(strings.TrimSpace(name), "escape") && strings.TrimSpace(value) == "`" {
			h.escape = '`'
		}
		return []piece{{at, len(l), tokComment}}
	}
	h.directives = false
	if trimmed == "" {
		return nil
	}
	var out []piece
	if !h.open {
		end := at + len(word(trimmed))
		h.instr = strings.ToUpper(l[at:end])
		out = append(out, piece{at, end, tokKeyword})
		at = end
		if h.instr == "ONBUILD" || h.instr == "HEALTHCHECK" {
			inner := strings.TrimLeft(l[at:], " \t")
			if w := word(inner); w != "" && strings.ToUpper(w) == w && strings.Trim(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
				from := len(l) - len(inner)
				out = append(out, piece{from, from + len(w), tokKeyword})
				at = from + len(w)
			}
		}
	}
	out = h.rest(out, l, at)
	trimmed = strings.TrimRight(l, " \t")
	h.open = len(trimmed) > 0 && trimmed[len(trimmed)-1] == h.escape
	return out
}

// rest reads what stands behind the keyword, or on a further line.
func (h *highlighter) rest(out []piece, l string, at int) []piece {
	for i := at; i < len(l); {
		begins := i == 0 || l[i-1] == ' ' || l[i-1] == '\t'
		switch c := l[i]; {
		case c == '"' || c == '\'':
			end := i + 1
			for end < len(l) && l[end] != c {
				if l[end] == '\\' && c == '"' {
					end++
				}
				end++
			}
			end = min(end+1, len(l))
			out = append(out, piece{i, end, tokString})
			i = end
		case c == '$' && i+1 < len(l):
			end := i + 1
			if l[end] == '{' {
				if k := strings.IndexByte(l[end:], '}'); k >= 0 {
					end += k + 1
				} else {
					end = len(l)
				}
			} else {
				for end < len(l) && (l[end] == '_' || l[end]|0x20 >= 'a' && l[end]|0x20 <= 'z' || l[end] >= '0' && l[end] <= '9') {
					end++
				}
			}
			if end > i+1 {
				out = append(out, piece{i, end, tokVariable})
			}
			i = end
		case c == '-' && begins && strings.HasPrefix(l[i:], "--"):
			end := i
			for end < len(l) && !strings.ContainsRune(" \t=$\"'", rune(l[end])) {
				end++
			}
			out = append(out, piece{i, end, tokFlag})
			i = end
		case begins && h.instr == "FROM" && strings.EqualFold(word(l[i:]), "AS"):
			out = append(out, piece{i, i + 2, tokKeyword})
			i += 2
		case begins && strings.HasPrefix(l[i:], "<<") && (h.instr == "RUN" || h.instr == "COPY" || h.instr == "ADD"):
			w := word(l[i:])
			if name := strings.Trim(strings.TrimPrefix(w[2:], "-"), `"'`); name != "" {
				h.heredocs = append(h.heredocs, name)
			}
			out = append(out, piece{i, i + len(w), tokOperator})
			i += len(w)
		case strings.IndexByte("&|;", c) >= 0, c == h.escape && strings.TrimRight(l[i+1:], " \t") == "":
			out = append(out, piece{i, i + 1, tokOperator})
			i++
		default:
			i++
		}
	}
	return out
}

// word is what stands before the first blank.
func word(s string) string {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i]
	}
	return s
}

// look is how a piece looks in a line of that colour (0: one that stays).
func (t token) look(base style) style {
	switch t {
	case tokKeyword:
		base.bold = true
		if base.colour == 0 {
			base.colour = blue
		}
	case tokFlag, tokVariable:
		base.colour = cyan
	case tokString:
		base.colour = yellow
	case tokComment, tokOperator:
		base.dim = true
	}
	return base
}
