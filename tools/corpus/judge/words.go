package judge

import (
	"bytes"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// printer gives canonical text for pieces of a shell tree. Words that are wholly
// literal lose their quotes and get them back in one fixed style, so "a" equals a.
type printer struct {
	p   *syntax.Printer
	buf bytes.Buffer
}

func newPrinter() *printer {
	return &printer{p: syntax.NewPrinter(syntax.SingleLine(true))}
}

func (p *printer) node(n syntax.Node) string {
	p.buf.Reset()
	if err := p.p.Print(&p.buf, n); err != nil {
		return "?" + err.Error()
	}
	return strings.TrimSpace(p.buf.String())
}

func (p *printer) word(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	if s, ok := literal(w); ok {
		return requote(s)
	}
	return p.node(w)
}

func requote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\r\n'\"\\$`;&|<>()#*?[]{}~!") {
		return s
	}
	if q, err := syntax.Quote(s, syntax.LangBash); err == nil {
		return q
	}
	return s
}

// literal is the value of a word without expansions, globs or braces.
func literal(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, part := range w.Parts {
		switch x := part.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(x.Value, "*?[]{}~!") {
				return "", false
			}
			b.WriteString(unescape(x.Value, false))
		case *syntax.SglQuoted:
			if x.Dollar {
				return "", false
			}
			b.WriteString(x.Value)
		case *syntax.DblQuoted:
			if x.Dollar {
				return "", false
			}
			for _, in := range x.Parts {
				lit, ok := in.(*syntax.Lit)
				if !ok {
					return "", false
				}
				b.WriteString(unescape(lit.Value, true))
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		next := s[i+1]
		switch {
		case next == '\n':
		case quoted && !strings.ContainsRune("$`\"\\", rune(next)):
			b.WriteByte('\\')
			b.WriteByte(next)
		default:
			b.WriteByte(next)
		}
		i++
	}
	return b.String()
}

func (p *printer) assign(a *syntax.Assign) string {
	if a.Index != nil || a.Array != nil {
		return p.node(&syntax.DeclClause{Variant: &syntax.Lit{Value: "declare"}, Args: []*syntax.Assign{a}})
	}
	var b strings.Builder
	if a.Name != nil {
		b.WriteString(a.Name.Value)
	}
	if a.Append {
		b.WriteString("+")
	}
	if !a.Naked {
		b.WriteString("=")
	}
	if a.Value != nil {
		b.WriteString(p.word(a.Value))
	}
	return b.String()
}

func (p *printer) redirects(rs []*syntax.Redirect) string {
	var out []string
	for _, r := range rs {
		s := r.Op.String()
		if r.N != nil {
			s = r.N.Value + s
		}
		s += p.word(r.Word)
		if r.Hdoc != nil {
			// Print would trim the body; the bytes of a here-document matter.
			s += "\n" + p.raw(r.Hdoc)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (p *printer) raw(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			b.WriteString(lit.Value)
			continue
		}
		b.WriteString(p.node(&syntax.Word{Parts: []syntax.WordPart{part}}))
	}
	return b.String()
}

// simple is the canonical text of a simple command.
func (p *printer) simple(s *syntax.Stmt) string {
	var out []string
	switch c := s.Cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		for _, a := range c.Assigns {
			out = append(out, p.assign(a))
		}
		for _, w := range c.Args {
			out = append(out, p.word(w))
		}
	case *syntax.DeclClause:
		out = append(out, c.Variant.Value)
		for _, a := range c.Args {
			out = append(out, p.assign(a))
		}
	default:
		out = append(out, p.node(c))
	}
	if r := p.redirects(s.Redirs); r != "" {
		out = append(out, r)
	}
	return strings.Join(out, " ")
}

func (p *printer) stmts(list []*syntax.Stmt) string {
	var out []string
	for _, s := range list {
		out = append(out, p.node(s))
	}
	return strings.Join(out, "; ")
}

// loose is a text without quotes, escapes and spacing, for comparing a declared
// command with ours when the other side joined unquoted words.
func loose(s string) string {
	s = strings.NewReplacer(`"`, "", `'`, "", `\`, "").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}
