package repo

import "strings"

// Just enough of HCL's lexical rules to find blocks and attributes.
// Source: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md

type hclKind int

const (
	hclWord hclKind = iota
	hclString
	hclMark // punctuation and line ends
)

type hclToken struct {
	kind hclKind
	s    string // a string's content, without quotes
	line int
}

func hclTokens(src string) (out []hclToken) {
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		rest := src[i:]
		switch {
		case c == '\n':
			out = append(out, hclToken{hclMark, "\n", line})
			line++
			i++
		case c == ' ' || c == '\t':
			i++
		case c == '#' || strings.HasPrefix(rest, "//"):
			i += lineEnd(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return out
			}
			line += strings.Count(rest[:end+2], "\n")
			i += end + 4
		case strings.HasPrefix(rest, "<<"):
			n, body := hclHeredoc(rest)
			out = append(out, hclToken{hclString, body, line})
			line += strings.Count(rest[:n], "\n")
			i += n
		case c == '"':
			n, s := hclQuoted(rest)
			out = append(out, hclToken{hclString, s, line})
			line += strings.Count(rest[:n], "\n")
			i += n
		case isHCLWord(c):
			j := i
			for j < len(src) && isHCLWord(src[j]) {
				j++
			}
			out = append(out, hclToken{hclWord, src[i:j], line})
			i = j
		default:
			out = append(out, hclToken{hclMark, string(c), line})
			i++
		}
	}
	return out
}

func isHCLWord(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// hclQuoted reads a quoted template; quotes inside ${...} do not end it.
func hclQuoted(s string) (n int, content string) {
	var b strings.Builder
	depth := 0
	for i := 1; i < len(s); i++ {
		switch {
		case depth == 0 && s[i] == '"':
			return i + 1, b.String()
		case depth == 0 && s[i] == '\\' && i+1 < len(s):
			i++
		case strings.HasPrefix(s[i:], "${") && !strings.HasPrefix(s[i-1:], "$${"):
			depth++
		case depth > 0 && s[i] == '}':
			depth--
		case s[i] == '\n' && depth == 0:
			return i, b.String() // not closed
		}
		b.WriteByte(s[i])
	}
	return len(s), b.String()
}

func hclHeredoc(s string) (n int, body string) {
	head := s[:lineEnd(s)]
	word := strings.TrimSpace(strings.TrimPrefix(head[2:], "-"))
	if word == "" || len(head) == len(s) {
		return 2, ""
	}
	at := len(head) + 1
	for at < len(s) {
		end := at + lineEnd(s[at:])
		if strings.TrimSpace(s[at:end]) == word {
			return end, s[len(head)+1 : at]
		}
		at = end + 1
	}
	return len(s), s[len(head)+1:]
}

// hclEnd returns the index of the token that closes the bracket at open.
func hclEnd(toks []hclToken, open int) int {
	depth := 0
	for i := open; i < len(toks); i++ {
		if toks[i].kind != hclMark {
			continue
		}
		switch toks[i].s {
		case "{", "[", "(":
			depth++
		case "}", "]", ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(toks)
}

// hclBody returns the attributes of a block or object by name; their values
// are the tokens up to the end of the line or the comma, brackets included.
func hclBody(toks []hclToken) map[string][]hclToken {
	out := map[string][]hclToken{}
	for i := 0; i < len(toks); i++ {
		if toks[i].kind == hclMark && (toks[i].s == "{" || toks[i].s == "[") {
			i = hclEnd(toks, i)
			continue
		}
		if toks[i].kind == hclMark || i+1 >= len(toks) || (toks[i+1].s != "=" && toks[i+1].s != ":") || toks[i+1].kind != hclMark {
			continue
		}
		key := toks[i].s
		var value []hclToken
		for i += 2; i < len(toks) && (toks[i].kind != hclMark || (toks[i].s != "\n" && toks[i].s != ",")); i++ {
			if toks[i].kind == hclMark && strings.Contains("{[(", toks[i].s) {
				end := min(hclEnd(toks, i), len(toks)-1)
				value = append(value, toks[i:end+1]...)
				i = end
				continue
			}
			value = append(value, toks[i])
		}
		out[key] = value
	}
	return out
}
