package rewrite

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/images"
)

// silent warns nobody. BuildKit can't do without a linter where a comment above
// an instruction speaks to it (`# check=skip=…`): it panics.
var silent = linter.New(&linter.Config{})

// Parse reads a Dockerfile. path is used in messages only; src images answers
// questions about base images and may be nil.
//
// BuildKit's parser and typed instructions judge the text; every error comes
// back as *Error with line, column and what to do. A difference between
// BuildKit's reading and ours is an error too.
func Parse(path, text string, src images.Source) (*Document, error) {
	if err := readable(path, text); err != nil {
		return nil, err
	}
	res, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, parseError(path, text, err)
	}
	sc, err := scan(path, text, nil)
	if err != nil {
		return nil, err
	}
	if len(sc.instructions) != len(res.AST.Children) {
		return nil, &Error{Path: path, Msg: fmt.Sprintf("drydock sees %d instructions where BuildKit sees %d", len(sc.instructions), len(res.AST.Children)), Hint: "please report this file; it was left alone"}
	}
	for i, in := range sc.instructions {
		if err := agree(path, in, res.AST.Children[i]); err != nil {
			return nil, err
		}
		in.node = res.AST.Children[i]
	}
	return build(path, text, sc, src, nil)
}

// confirm has BuildKit judge a document that came out of Reparse: what stands
// above the first instruction, and each instruction that isn't in old byte for
// byte, with what follows up to the next one. The others are as BuildKit judged
// them on the way in, and nothing but the escape token reaches from one
// instruction into another.
func (d *Document) confirm(old *Document) error {
	if err := readable(d.Path, d.Src); err != nil {
		return err
	}
	if len(d.Instructions) == 0 {
		return &Error{Path: d.Path, Msg: "no instruction is left"}
	}
	known := make(map[string]bool, len(old.Instructions))
	if d.Escape == old.Escape {
		for _, in := range old.Instructions {
			known[in.Raw()] = true
		}
	}
	var text strings.Builder
	text.WriteString(d.Src[:d.Instructions[0].Span.Start])
	var fresh []*Instruction
	for i, in := range d.Instructions {
		if i > 0 && known[in.Raw()] {
			continue
		}
		end := len(d.Src)
		if i+1 < len(d.Instructions) {
			end = d.Instructions[i+1].Span.Start
		}
		fresh = append(fresh, in)
		text.WriteString(d.Src[in.Span.Start:end])
	}
	res, err := parser.Parse(strings.NewReader(text.String()))
	if err != nil {
		return parseError(d.Path, d.Src, err)
	}
	if byte(res.EscapeToken) != d.Escape || len(fresh) != len(res.AST.Children) {
		return &Error{Path: d.Path, Msg: "BuildKit sees other instructions"}
	}
	for i, in := range fresh {
		n := res.AST.Children[i]
		what := differ(in, n)
		if what == "" && n.EndLine-n.StartLine != in.EndLine-in.Line {
			what = "lines"
		}
		if what == "" && !sameNode(in.node, n) {
			what = "words"
		}
		if what != "" {
			return &Error{Path: d.Path, Line: in.Line, Col: 1, Msg: "BuildKit reads the " + what + " of this instruction differently"}
		}
	}
	return nil
}

// Reparse reads text that came out of edits on old. Our scanner finds the
// instructions; those whose bytes are unchanged keep their BuildKit node and
// typed form, the others are judged by BuildKit. The caller must confirm the
// last document, or Parse its text once more.
func Reparse(old *Document, text string) (*Document, error) {
	sc, err := scan(old.Path, text, old)
	if err != nil {
		return nil, err
	}
	known := sync.OnceValue(func() map[string]*Instruction { // elsewhere in old
		m := make(map[string]*Instruction, len(old.Instructions))
		for _, in := range old.Instructions {
			m[in.Raw()] = in
		}
		return m
	})
	// One parse for all: each costs BuildKit two compilations of a regexp.
	var fresh []*Instruction
	var lines strings.Builder
	if sc.escape != '\\' {
		lines.WriteString("# escape=" + string(sc.escape) + "\n")
	}
	for _, in := range sc.instructions {
		if in.node != nil {
			continue
		}
		raw := text[in.Span.Start:in.Span.End]
		if k := known()[raw]; k != nil && sc.escape == old.Escape {
			in.node, in.Cmd, in.JSON, in.parsed = k.node, k.Cmd, k.JSON, k.parsed
			continue
		}
		if in.node = plainNode(in, sc.escape); in.node != nil {
			continue
		}
		fresh = append(fresh, in)
		lines.WriteString(raw)
	}
	if len(fresh) > 0 {
		fail := func(line int, msg string) error { return &Error{Path: old.Path, Line: line, Col: 1, Msg: msg} }
		res, err := parser.Parse(strings.NewReader(lines.String()))
		if err != nil {
			return nil, fail(fresh[0].Line, cause(err))
		}
		if len(res.AST.Children) != len(fresh) {
			return nil, fail(fresh[0].Line, "an edit runs into its neighbour")
		}
		for i, in := range fresh {
			in.node = res.AST.Children[i]
			if what := differ(in, in.node); what != "" {
				return nil, fail(in.Line, "BuildKit reads the "+what+" of this instruction differently")
			}
		}
	}
	return build(old.Path, text, sc, old.images, old)
}

// build makes the document from scanned instructions that have their nodes. What
// is known of the stages of old, if there is one, is kept where it still holds.
func build(path, text string, sc *scanned, src images.Source, old *Document) (*Document, error) {
	d := &Document{Path: path, Src: text, Escape: sc.escape, EOL: "\n", Directives: sc.directives, Instructions: sc.instructions, images: src}
	if crlf(text) {
		d.EOL = "\r\n"
	}
	var stage *Stage
	state := 0
	for _, in := range d.Instructions {
		in.doc, in.state = d, state
		in.readsShell()
		if in.Cmd == nil {
			cmd, err := instructions.ParseInstructionWithLinter(in.node, silent)
			if err != nil {
				return nil, typedError(path, text, in, err)
			}
			in.Cmd = cmd
			in.JSON = in.node.Attributes["json"]
		}
		if in.Keyword == "onbuild" {
			in.trigger = triggerOf(in)
		}
		switch cmd := in.Cmd.(type) {
		case *instructions.Stage:
			stage = &Stage{Index: len(d.Stages), Name: strings.ToLower(cmd.Name), From: in, doc: d}
			d.Stages = append(d.Stages, stage)
			in.Stage, state = stage, 0
		default:
			if _, arg := cmd.(*instructions.ArgCommand); stage == nil && !arg {
				return nil, &Error{Path: path, Line: in.Line, Col: 1, Msg: strings.ToUpper(in.Keyword) + " before the first FROM", Hint: "only ARG may stand there"}
			}
			in.Stage = stage
			in.Inner().Stage = stage
			if stage != nil {
				stage.Instructions = append(stage.Instructions, in)
			}
			if setsState(in) {
				state++
			}
		}
	}
	if len(d.Stages) == 0 {
		return nil, &Error{Path: path, Line: 1, Col: 1, Msg: "no FROM instruction", Hint: "a Dockerfile needs at least one build stage"}
	}
	same := old != nil && sameConfigLines(old, d)
	for i, s := range d.Stages {
		if same {
			s.facts = old.Stages[i].facts
		} else {
			s.facts = &stageFacts{}
		}
	}
	return d, nil
}

// readsShell makes Shell work for the instructions that have one.
func (in *Instruction) readsShell() {
	switch in.Keyword {
	case "run", "cmd", "entrypoint", "healthcheck":
		in.shell = sync.OnceValues(in.parseShell)
		if in.parsed == nil {
			in.parsed = &parsedScript{}
		}
	}
}

// triggerOf reads the instruction behind ONBUILD; nil where BuildKit can't.
func triggerOf(in *Instruction) *Instruction {
	if in.node == nil || in.node.Next == nil || len(in.node.Next.Children) != 1 {
		return nil
	}
	n := in.node.Next.Children[0]
	cmd, err := instructions.ParseInstructionWithLinter(n, silent)
	if err != nil {
		return nil
	}
	t := &Instruction{
		Index: in.Index, Span: in.Span, Head: in.Head, Line: in.Line, EndLine: in.EndLine, Text: in.Text, Heredocs: in.Heredocs, Comments: in.Comments,
		Cmd: cmd, JSON: n.Attributes["json"], node: n, segs: in.segs, doc: in.doc, state: in.state, onbuild: true,
	}
	splitWords(t, in.doc.Escape, in.Args.Start)
	if t.Keyword != strings.ToLower(n.Value) || len(t.Flags) != len(n.Flags) {
		return nil // we read it differently
	}
	t.readsShell()
	return t
}

// agree checks our reading of one instruction against BuildKit's.
func agree(path string, in *Instruction, n *parser.Node) error {
	what := differ(in, n)
	if what == "" && (in.Line != n.StartLine || in.EndLine != n.EndLine) {
		what = "lines"
	}
	if what == "" {
		return nil
	}
	return &Error{Path: path, Line: in.Line, Col: 1, Msg: "drydock and BuildKit disagree on the " + what + " of this instruction", Hint: "please report this file; it was left alone"}
}

// differ names what we read differently from BuildKit, "" for nothing.
func differ(in *Instruction, n *parser.Node) string {
	switch {
	case in.Text != n.Original:
		return "text"
	case in.Keyword != strings.ToLower(n.Value):
		return "keyword"
	case len(in.Flags) != len(n.Flags):
		return "flags"
	case len(in.Heredocs) != len(n.Heredocs):
		return "heredocs"
	}
	return ""
}

// readable refuses what can't be a Dockerfile before anyone parses it.
func readable(path, text string) error {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return at(path, text, i, "binary data (a NUL byte)", "this is not a Dockerfile; name the Dockerfiles that you mean instead")
	}
	if !utf8.ValidString(text) {
		for i, r := range text {
			if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
				return at(path, text, i, "invalid UTF-8", "save the file as UTF-8")
			}
		}
	}
	for start := 0; start < len(text); {
		end := nextLine(text, start)
		if end-start >= bufio.MaxScanTokenSize {
			return at(path, text, start, fmt.Sprintf("a line of %d bytes; BuildKit takes at most %d", end-start, bufio.MaxScanTokenSize-1), "break the line with a continuation")
		}
		start = end
	}
	if strings.TrimFunc(strings.TrimPrefix(text, bom), func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }) == "" {
		return &Error{Path: path, Line: 1, Col: 1, Msg: "the file is empty", Hint: "write a FROM line, or delete the file"}
	}
	return nil
}

func at(path, text string, off int, msg, hint string) *Error {
	line := strings.Count(text[:off], "\n") + 1
	return &Error{Path: path, Line: line, Col: off - strings.LastIndexByte(text[:off], '\n'), Msg: msg, Hint: hint}
}

// cause is the innermost message of an error chain from BuildKit.
func cause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

func parseError(path, text string, err error) error {
	line := 1
	var loc *parser.LocationError
	if errors.As(err, &loc) && len(loc.Locations) > 0 && len(loc.Locations[0]) > 0 {
		line = max(loc.Locations[0][0].Start.Line, 1)
	}
	msg, hint := cause(err), "correct this instruction"
	switch {
	case strings.Contains(msg, "no instructions"):
		line, msg, hint = 1, "only comments, no instruction", "write a FROM line, or delete the file"
	case strings.Contains(msg, "unterminated heredoc"):
		msg, hint = "a heredoc has no end", "close it with a line that holds its delimiter alone"
	case strings.Contains(msg, "escape token"):
		hint = "use \\ or `"
	}
	if t := templateMark(text); t != "" {
		hint = "this looks like a template (" + t + "): render it first, then run drydock on the result"
	}
	return &Error{Path: path, Line: line, Col: 1, Msg: msg, Hint: hint}
}

func typedError(path, text string, in *Instruction, err error) error {
	msg, hint := cause(err), "correct this instruction"
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		msg = "unknown instruction " + unknown.Instruction
		hint = "see the Dockerfile reference for the instructions there are"
	}
	if t := templateMark(text); t != "" {
		hint = "this looks like a template (" + t + "): render it first, then run drydock on the result"
	}
	line, col := 1, 1
	if in.Head.Start <= len(text) {
		line = strings.Count(text[:in.Head.Start], "\n") + 1
		col = in.Head.Start - strings.LastIndexByte(text[:in.Head.Start], '\n')
	}
	return &Error{Path: path, Line: line, Col: col, Msg: msg, Hint: hint}
}

// templateMark names the template syntax that a text uses, "" for none.
func templateMark(text string) string {
	for _, m := range []string{"<%", "{%", "{{", "@@", "#{"} {
		if strings.Contains(text, m) {
			return m
		}
	}
	return ""
}
