package rewrite

import (
	"path"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// Script is the shell form of a RUN, CMD, ENTRYPOINT or HEALTHCHECK as a
// syntax tree. Offsets in the tree are byte offsets into Text; Span maps them
// to source bytes. Scripts are edited in the source, never reprinted.
type Script struct {
	Text    string
	File    *syntax.File
	in      *Instruction
	base    int  // offset of Text in the instruction's logical text
	heredoc bool // Text is the body of the instruction's only heredoc
	parsed  *parsedScript
}

// parsedScript is what follows from a script's text alone.
type parsedScript struct {
	once         sync.Once
	file         *syntax.File
	err          error
	commandsOnce sync.Once
	commands     []Command
	memo         sync.Map
}

// Memo gives what work makes of the script, worked out once for a key; it must
// follow from the script's text alone, which stays the same over many passes.
func (s *Script) Memo(key any, work func() any) any { return s.parsed.remember(key, work) }

// Memo is Script.Memo for what follows from the instruction's bytes alone,
// whether there is a script in them or not.
func (in *Instruction) Memo(key any, work func() any) any {
	if in.parsed == nil {
		return work()
	}
	return in.parsed.remember(key, work)
}

func (p *parsedScript) remember(key any, work func() any) any {
	if v, ok := p.memo.Load(key); ok {
		return v
	}
	v := work()
	p.memo.Store(key, v)
	return v
}

// parsers are kept, since a new one costs more than a short script.
var parsers = map[syntax.LangVariant]*sync.Pool{syntax.LangBash: parserPool(syntax.LangBash), syntax.LangPOSIX: parserPool(syntax.LangPOSIX)}

func parserPool(lang syntax.LangVariant) *sync.Pool {
	return &sync.Pool{New: func() any { return syntax.NewParser(syntax.KeepComments(true), syntax.Variant(lang)) }}
}

func (p *parsedScript) parse(text string) (*syntax.File, error) {
	p.once.Do(func() {
		for _, lang := range []syntax.LangVariant{syntax.LangBash, syntax.LangPOSIX} {
			pool := parsers[lang]
			parser := pool.Get().(*syntax.Parser)
			p.file, p.err = parser.Parse(strings.NewReader(text), "")
			pool.Put(parser)
			if p.err == nil {
				return
			}
		}
	})
	return p.file, p.err
}

// ParseScript reads a script that is no instruction's own, such as what
// follows sh -c. It has a text and commands but no place: Span isn't for it.
func ParseScript(text string) (*Script, error) {
	s := &Script{Text: text, parsed: &parsedScript{}}
	var err error
	s.File, err = s.parsed.parse(text)
	return s, err
}

// Command is one simple command of a script.
type Command struct {
	Name  string   // the command word as literal, "" when it is computed
	Args  []string // all words, name included, literal value where there is one, else source text
	Words []Span   // offsets of each word into Script.Text
	Key   string   // normal form with assignments and redirections: equal keys are the same command
	Call  *syntax.CallExpr
	Stmt  *syntax.Stmt
}

// Shell gives the script of a shell-form instruction. why tells in words why
// there is none: exec form, a shell that isn't POSIX, a script that does not
// parse. Callers leave such an instruction alone.
func (in *Instruction) Shell() (script *Script, why string) {
	if in.shell == nil {
		return nil, strings.ToUpper(in.Keyword) + " holds no script"
	}
	return in.shell()
}

func (in *Instruction) parseShell() (*Script, string) {
	if in.JSON {
		return nil, "it is in exec form"
	}
	if why := in.opaqueShell(); why != "" {
		return nil, why
	}
	s := &Script{in: in, base: in.Args.Start, Text: in.Args.Text, parsed: in.parsed}
	if in.Keyword == "healthcheck" {
		kind, rest, _ := strings.Cut(in.Args.Text, " ")
		if !strings.EqualFold(kind, "cmd") {
			return nil, "it runs nothing"
		}
		trimmed := strings.TrimLeft(rest, " \t")
		s.base, s.Text = in.Args.End-len(trimmed), trimmed
	}
	if len(in.Heredocs) > 0 {
		if len(in.Heredocs) > 1 || !strings.HasPrefix(s.Text, "<<") || strings.ContainsAny(s.Text, " \t") {
			return nil, "it combines a command with heredocs"
		}
		h := in.Heredocs[0]
		s.heredoc, s.base, s.Text = true, h.Body.Start, in.doc.Src[h.Body.Start:h.Body.End]
		if h.Chomp || strings.Contains(s.Text, "\r") || strings.HasPrefix(s.Text, "#!") {
			return nil, "it is a heredoc with a shebang, <<- or CRLF"
		}
	}
	var err error
	if s.File, err = s.parsed.parse(s.Text); err == nil {
		return s, ""
	}
	return nil, "its script does not parse: " + strings.TrimPrefix(err.Error(), ":")
}

// PosixShell reports whether a program, by name or path, is a shell whose
// scripts drydock reads.
func PosixShell(program string) bool {
	switch path.Base(program) {
	case "sh", "bash", "ash", "dash", "ksh", "zsh":
		return true
	}
	return false
}

// opaqueShell says why the shell that would run the script is not one that we
// read: SHELL names another, or the image is a Windows one.
func (in *Instruction) opaqueShell() string {
	if in.Stage == nil {
		return "it belongs to no stage"
	}
	if in.doc.Escape == '`' {
		return "the file's escape token is `, as on Windows"
	}
	sh := in.State().Shell
	if len(sh) > 0 {
		if PosixShell(sh[0]) {
			for _, a := range sh[1:] {
				if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "c") {
					return ""
				}
			}
			return "SHELL has no -c, so its RUN takes the script for a file's name"
		}
		return "SHELL is " + sh[0]
	}
	if in.Stage.windows() {
		return "the base is a Windows image"
	}
	return ""
}

// WindowsImage reports whether a reference names an image that is made for
// Windows alone.
func WindowsImage(ref string) bool {
	ref = strings.ToLower(ref)
	return slices.ContainsFunc([]string{"windows", "nanoserver", "servercore", "dotnet/framework", "dotnet-framework", "microsoft/iis", "microsoft/aspnet:", "microsoft/wcf"},
		func(w string) bool { return strings.Contains(ref, w) })
}

// Span maps [start, end) of Text to source bytes; ok as for Instruction.SrcSpan.
func (s *Script) Span(start, end int) (Span, bool) {
	if s.heredoc {
		return Span{s.base + start, s.base + end}, true
	}
	return s.in.SrcSpan(s.base+start, s.base+end)
}

// Heredoc reports whether the script is a heredoc body.
func (s *Script) Heredoc() bool { return s.heredoc }

// NodeSpan gives the offsets of a node in Text.
func NodeSpan(n syntax.Node) Span { return Span{int(n.Pos().Offset()), int(n.End().Offset())} }

// Source is the text of a node.
func (s *Script) Source(n syntax.Node) string {
	sp := NodeSpan(n)
	if sp.End > len(s.Text) || sp.Start > sp.End {
		return ""
	}
	return s.Text[sp.Start:sp.End]
}

// Commands lists the simple commands in source order, nested ones included.
func (s *Script) Commands() []Command {
	s.parsed.commandsOnce.Do(func() { s.parsed.commands = s.collect() })
	return s.parsed.commands
}

func (s *Script) collect() []Command {
	out := []Command{}
	syntax.Walk(s.File, func(n syntax.Node) bool {
		st, ok := n.(*syntax.Stmt)
		if !ok {
			return true
		}
		call, _ := st.Cmd.(*syntax.CallExpr)
		decl, _ := st.Cmd.(*syntax.DeclClause)
		if call == nil && decl == nil && len(st.Redirs) == 0 {
			return true
		}
		c := Command{Call: call, Stmt: st}
		var key []string
		switch {
		case call != nil:
			n := len(call.Args)
			c.Args, c.Words, key = make([]string, 0, n), make([]Span, 0, n), make([]string, 0, n+len(call.Assigns)+len(st.Redirs))
			for _, a := range call.Assigns {
				key = append(key, s.Source(a))
			}
			for i, w := range call.Args {
				key = append(key, s.Source(w))
				v := literal(w)
				if v == "" {
					v = s.Source(w)
				} else if i == 0 {
					c.Name = path.Base(v)
				}
				c.Args = append(c.Args, v)
				c.Words = append(c.Words, NodeSpan(w))
			}
		case decl != nil:
			c.Name = decl.Variant.Value
			key = append(key, s.Source(decl))
		}
		for _, r := range st.Redirs {
			key = append(key, s.Source(r))
		}
		c.Key = strings.Join(key, " ")
		out = append(out, c)
		return true
	})
	return out
}

// literal is the value of a word without expansions, "" when it has any.
func literal(w *syntax.Word) string {
	if len(w.Parts) == 1 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok {
			return unescape(l.Value, "")
		}
	}
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value, ""))
		case *syntax.SglQuoted:
			if p.Dollar {
				return ""
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok {
					return ""
				}
				b.WriteString(unescape(l.Value, "$`\"\\"))
			}
		default:
			return ""
		}
	}
	return b.String()
}

// unescape drops the backslashes in front of the characters of only (all, if
// only is empty), as a shell does.
func unescape(s, only string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (only == "" || strings.IndexByte(only, s[i+1]) >= 0) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
