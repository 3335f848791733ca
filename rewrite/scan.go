package rewrite

// The line scanner. It cuts a Dockerfile into instructions the way BuildKit's
// parser does (frontend/dockerfile/parser/parser.go, Parse), keeping the byte
// positions that BuildKit drops. Parse checks the two against each other, so
// a difference is an error, never a guess.

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

const bom = "\xef\xbb\xbf"

// scanned is the outcome of scan: everything that needs no BuildKit node.
type scanned struct {
	escape       byte
	directives   []Directive
	instructions []*Instruction
}

// line is one physical line: [start, end) without its line break, next is the
// offset of the following line.
type line struct{ start, end, next int }

func readLine(src string, at int) line {
	i := strings.IndexByte(src[at:], '\n')
	if i < 0 {
		return line{at, trimCR(src, at, len(src)), len(src)}
	}
	return line{at, trimCR(src, at, at+i), at + i + 1}
}

// trimCR drops what parser.trimNewline drops: every \r at the end of a line.
func trimCR(src string, start, end int) int {
	for end > start && src[end-1] == '\r' {
		end--
	}
	return end
}

func nextLine(src string, at int) int {
	if i := strings.IndexByte(src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(src)
}

// continuation tells where the text of a line ends when it ends with the
// escape token, like parser.directives.lineContinuationRegex.
func continuation(s string, escape byte) (end int, more bool) {
	t := strings.TrimRight(s, " \t")
	n := len(t)
	if n == 0 || t[n-1] != escape || (n > 1 && t[n-2] == escape) {
		return len(s), false
	}
	return n - 1, true
}

func isCommentLine(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	return s != "" && s[0] == '#'
}

// scan cuts src into instructions. Those that old holds byte for byte, in the
// same order, are taken from it.
func scan(path, src string, old *Document) (*scanned, error) {
	out := &scanned{escape: '\\'}
	var directives parser.DirectiveParser
	directivesDone := false
	at, lineNo := 0, 0
	seen := 0 // the instructions of old that have gone by
	for at < len(src) {
		if directivesDone && old != nil && out.escape == old.Escape {
			if in := old.reuse(src, at, lineNo, &seen); in != nil {
				in.Index = len(out.instructions)
				out.instructions = append(out.instructions, in)
				at, lineNo = in.Span.End, in.EndLine
				continue
			}
		}
		ln := readLine(src, at)
		lineNo++
		start := ln.start
		if at == 0 && strings.HasPrefix(src, bom) {
			start += len(bom)
		}
		text := src[start:ln.end]
		trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
		start += len(text) - len(trimmed)
		if !directivesDone {
			d, err := directives.ParseLine([]byte(trimmed))
			if err != nil {
				return nil, &Error{Path: path, Line: lineNo, Col: 1, Msg: err.Error(), Hint: "keep one of them"}
			}
			if d == nil {
				directivesDone = true
			} else {
				if d.Name == "escape" {
					if d.Value != "`" && d.Value != `\` {
						return nil, &Error{Path: path, Line: lineNo, Col: 1, Msg: "invalid escape token " + d.Value, Hint: "use \\ or `"}
					}
					out.escape = d.Value[0]
				}
				out.directives = append(out.directives, Directive{d.Name, d.Value, Span{start, ln.end}})
			}
		}
		end, more := continuation(trimmed, out.escape)
		if isCommentLine(trimmed) || (!more && end == 0) {
			at = ln.next
			continue
		}
		in := &Instruction{Line: lineNo, Span: Span{ln.start, ln.next}, Head: Span{start, start + end}}
		if ln.start == 0 && strings.HasPrefix(src, bom) {
			in.Span.Start = len(bom)
		}
		in.Text = text[len(text)-len(trimmed):][:end]
		var joined strings.Builder // Text of more than one line
		add := func(s, e int) {
			if e > s {
				in.segs = append(in.segs, segment{joined.Len(), s})
				joined.WriteString(src[s:e])
			}
			in.Head.End = e
		}
		if more {
			joined.Grow(2 * end)
			add(start, start+end)
		} else if end > 0 {
			in.segs = []segment{{0, start}}
		}
		at = ln.next
		for more && at < len(src) {
			ln = readLine(src, at)
			lineNo++
			at = ln.next
			raw := src[ln.start:ln.end]
			switch {
			case isCommentLine(raw):
				in.Comments = append(in.Comments, Span{ln.start, ln.end})
			case strings.TrimLeftFunc(raw, unicode.IsSpace) == "":
			default:
				end, more = continuation(raw, out.escape)
				add(ln.start, ln.start+end)
			}
		}
		if joined.Len() > 0 {
			in.Text = joined.String()
		}
		in.Span.End = at
		splitWords(in, out.escape, 0)
		if mayHoldHeredoc(in, out.escape) {
			docs, err := heredocWords(in.Text)
			if err != nil {
				return nil, &Error{Path: path, Line: in.Line, Col: 1, Msg: err.Error()}
			}
			for _, h := range docs {
				doc := Heredoc{Name: h.Name, Chomp: h.Chomp, Body: Span{at, at}}
				done := false
				for at < len(src) {
					ln = readLine(src, at)
					lineNo++
					at = ln.next
					word := src[ln.start:ln.end]
					if h.Chomp {
						word = strings.TrimLeft(word, "\t")
					}
					if word == h.Name {
						doc.End, done = Span{ln.start, ln.end}, true
						break
					}
					doc.Body.End = ln.next
				}
				if !done {
					return nil, &Error{Path: path, Line: in.Line, Col: 1,
						Msg: "heredoc <<" + h.Name + " has no end", Hint: "end it with a line that holds " + h.Name + " alone"}
				}
				in.Heredocs = append(in.Heredocs, doc)
			}
			in.Span.End = at
		}
		in.EndLine = lineNo
		in.Index = len(out.instructions)
		out.instructions = append(out.instructions, in)
	}
	return out, nil
}

// reuse gives the instruction that begins at an offset behind lines lines, where
// it is the next of old's, as it would be scanned; nil else. An instruction that
// ends a file may go on in another one.
func (old *Document) reuse(src string, at, lines int, seen *int) *Instruction {
	for i := *seen; i < len(old.Instructions) && i < *seen+3; i++ {
		o := old.Instructions[i]
		if !strings.HasPrefix(src[at:], o.Raw()) || o.Span.End == len(old.Src) {
			continue
		}
		*seen = i + 1
		in := &Instruction{
			Keyword: o.Keyword, Span: o.Span, Head: o.Head, Line: lines + 1, EndLine: lines + 1 + o.EndLine - o.Line, Text: o.Text, Flags: o.Flags, Args: o.Args,
			Heredocs: o.Heredocs, Comments: o.Comments, Cmd: o.Cmd, JSON: o.JSON, node: o.node, segs: o.segs, parsed: o.parsed,
		}
		if by := at - o.Span.Start; by != 0 {
			in.move(by)
		}
		return in
	}
	return nil
}

// move shifts what is counted in bytes of the source.
func (in *Instruction) move(by int) {
	shift := func(s Span) Span { return Span{s.Start + by, s.End + by} }
	in.Span, in.Head = shift(in.Span), shift(in.Head)
	in.segs, in.Comments, in.Heredocs = slices.Clone(in.segs), slices.Clone(in.Comments), slices.Clone(in.Heredocs)
	for i := range in.segs {
		in.segs[i].src += by
	}
	for i := range in.Comments {
		in.Comments[i] = shift(in.Comments[i])
	}
	for i := range in.Heredocs {
		h := &in.Heredocs[i]
		h.Body, h.End = shift(h.Body), shift(h.End)
	}
}

// mayHoldHeredoc is parser.Node.canContainHeredoc on our words.
func mayHoldHeredoc(in *Instruction, escape byte) bool {
	if !strings.Contains(in.Text, "<<") {
		return false
	}
	key, args := in.Keyword, in.Args.Text
	if key == "onbuild" {
		sub := &Instruction{Text: args}
		splitWords(sub, escape, 0)
		key, args = sub.Keyword, sub.Args.Text
	}
	return (key == "run" || key == "copy" || key == "add") && !isJSONList(args)
}

func isJSONList(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if !strings.HasPrefix(s, "[") {
		return false
	}
	var list []string
	return json.Unmarshal([]byte(s), &list) == nil
}

// heredocWords is parser.heredocsFromLine, which BuildKit doesn't export.
func heredocWords(text string) ([]parser.Heredoc, error) {
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	words, _ := lex.ProcessWords(text, shell.EnvsFromSlice(nil))
	var docs []parser.Heredoc
	for _, w := range words {
		h, err := parser.ParseHeredoc(w)
		if err != nil {
			return nil, err
		}
		if h != nil {
			docs = append(docs, *h)
		}
	}
	return docs, nil
}
