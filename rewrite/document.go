// Package rewrite is the engine: a lossless, editable view of a Dockerfile,
// edits on its bytes, the gates that every edit passes, and the pipeline that
// runs transforms until nothing changes. It touches neither disk nor network.
package rewrite

import (
	"fmt"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/images"
)

// Span is a half-open range of byte offsets into a source text.
type Span struct{ Start, End int }

// Len is the number of bytes in the span.
func (s Span) Len() int { return s.End - s.Start }

// Contains reports whether o lies within s.
func (s Span) Contains(o Span) bool { return s.Start <= o.Start && o.End <= s.End }

// Document is a parsed Dockerfile: an immutable value over its source bytes.
// BuildKit's parser decides where instructions lie and its typed
// instructions what they mean; the document adds the byte positions that
// BuildKit does not keep.
type Document struct {
	Path         string // as given to Parse; only used in messages
	Src          string // the whole file, byte for byte
	Escape       byte   // '\\' or '`'
	EOL          string // "\r\n" when every line ends so, else "\n"
	Directives   []Directive
	Instructions []*Instruction
	Stages       []*Stage

	images images.Source
}

// Directive is a parser directive such as `# syntax=docker/dockerfile:1`.
type Directive struct {
	Name, Value string
	Span        Span // its line without the line break
}

// Instruction is one instruction with everything it was written with.
type Instruction struct {
	Index   int    // position in Document.Instructions
	Keyword string // lower case: "run", "copy", …
	// Span covers the instruction's lines from the first byte of the first line
	// to the line break of the last one (heredoc bodies included).
	Span Span
	// Head covers the instruction without leading blanks, the final line break
	// and heredoc bodies.
	Head     Span
	Line     int       // 1-based line of the first byte
	EndLine  int       // 1-based last line
	Text     string    // logical text: continuations joined, comments gone; equals BuildKit's Node.Original
	Flags    []Word    // --from=… and the like, as written
	Args     Word      // everything after keyword and flags, trimmed
	Heredocs []Heredoc // bodies in order
	Comments []Span    // comment lines inside continuations, without line break
	Stage    *Stage    // nil for ARG before the first FROM
	state    int       // its place in stageFacts.states
	Cmd      any       // BuildKit's typed instruction: *instructions.RunCommand, *instructions.Stage (FROM), …
	JSON     bool      // exec form / JSON list
	node     *parser.Node
	segs     []segment
	doc      *Document
	trigger  *Instruction             // of an ONBUILD: the instruction behind it
	onbuild  bool                     // it is such a trigger
	shell    func() (*Script, string) // Shell(), once
	parsed   *parsedScript            // shared with the same instruction of other documents
}

// Word is a piece of an instruction's logical text.
type Word struct {
	Text       string // as in the logical text, quotes and escapes kept
	Start, End int    // offsets into Instruction.Text
}

// Heredoc is one here-document of an instruction.
type Heredoc struct {
	Name  string
	Chomp bool // <<-
	Body  Span // content lines, without the terminator line
	End   Span // terminator line, without the line break
}

// segment maps a run of logical text to source bytes: text offset t lies at
// source offset src + (t - text), up to the next segment's text.
type segment struct{ text, src int }

// Stage is one build stage.
type Stage struct {
	Index        int
	Name         string // lower case alias of `AS name`, "" when unnamed
	From         *Instruction
	Instructions []*Instruction // without FROM
	doc          *Document
	facts        *stageFacts
}

// stageFacts is what follows from the lines of a Dockerfile that aren't RUN,
// COPY or ADD, worked out once when it is first asked for. Documents in which
// those lines are the same share it.
type stageFacts struct {
	baseOnce, imageOnce, statesOnce, configOnce sync.Once
	base                                        string // BaseName()
	parent                                      int    // index of Parent(), -1 for none
	windows                                     bool
	image                                       images.Image
	known                                       bool
	states                                      []*State // at the start, and behind each instruction that sets one
	config                                      Config
}

// Doc is the document the instruction belongs to.
func (in *Instruction) Doc() *Document { return in.doc }

// Doc is the document the stage belongs to.
func (s *Stage) Doc() *Document { return s.doc }

// Final is the stage that a plain `docker build` produces: the last one.
func (d *Document) Final() *Stage {
	if len(d.Stages) == 0 {
		return nil
	}
	return d.Stages[len(d.Stages)-1]
}

// StageByRef resolves a stage reference as `FROM x`, `COPY --from=x` and
// `--target x` do: by name (any case) or by index; nil when it names none
// before limit (exclusive stage index, -1 for no limit).
func (d *Document) StageByRef(ref string, limit int) *Stage {
	if limit < 0 || limit > len(d.Stages) {
		limit = len(d.Stages)
	}
	lower := strings.ToLower(ref)
	for i := limit - 1; i >= 0; i-- {
		if d.Stages[i].Name != "" && d.Stages[i].Name == lower {
			return d.Stages[i]
		}
	}
	n, ok := atoi(ref)
	if ok && n < limit {
		return d.Stages[n]
	}
	return nil
}

func atoi(s string) (int, bool) {
	if s == "" || len(s) > 6 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// Inner is the instruction that acts: the one behind ONBUILD, else in itself.
// Its words are positions of the same text, so it is edited like any other; a
// change of a trigger declares FieldOnBuild. It isn't among the stage's
// instructions and runs in another build, on top of the finished image.
func (in *Instruction) Inner() *Instruction {
	if in.trigger != nil {
		return in.trigger
	}
	return in
}

// Trigger reports whether in stands behind ONBUILD.
func (in *Instruction) Trigger() bool { return in.onbuild }

// State is what holds where the instruction runs: just before it, or for a
// trigger at the end of its stage.
func (in *Instruction) State() State {
	if in.onbuild {
		return in.Stage.At(nil)
	}
	return in.Stage.At(in)
}

// Raw is the instruction's source text, its lines with the final line break.
func (in *Instruction) Raw() string { return in.doc.Src[in.Span.Start:in.Span.End] }

// SrcPos maps an offset into Text to the source offset of that byte.
func (in *Instruction) SrcPos(off int) int {
	lo, hi := 0, len(in.segs)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if in.segs[mid].text <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	if len(in.segs) == 0 {
		return in.Head.Start
	}
	return in.segs[lo].src + off - in.segs[lo].text
}

// SrcSpan maps the range [start, end) of Text to source bytes. ok is false
// when the range crosses a continuation, so that replacing the span would
// swallow a line break or a comment.
func (in *Instruction) SrcSpan(start, end int) (sp Span, ok bool) {
	if start >= end {
		p := in.SrcPos(start)
		return Span{p, p}, true
	}
	sp = Span{in.SrcPos(start), in.SrcPos(end-1) + 1}
	return sp, sp.Len() == end-start
}

// WordSpan is the source range of a word; ok as for SrcSpan.
func (in *Instruction) WordSpan(w Word) (Span, bool) { return in.SrcSpan(w.Start, w.End) }

// Lead is the start of the comment block attached to the instruction: the
// comment lines directly above it with no blank line between, directives
// excluded. Without such a block it is Span.Start.
func (in *Instruction) Lead() int {
	floor := 0
	if in.Index > 0 {
		floor = in.doc.Instructions[in.Index-1].Span.End
	} else if n := len(in.doc.Directives); n > 0 {
		floor = nextLine(in.doc.Src, in.doc.Directives[n-1].Span.End)
	} else if strings.HasPrefix(in.doc.Src, bom) {
		floor = len(bom)
	}
	at := in.Span.Start
	for at > floor {
		start := strings.LastIndexByte(in.doc.Src[:at-1], '\n') + 1
		if start < floor {
			start = floor
		}
		if !strings.HasPrefix(strings.TrimSpace(in.doc.Src[start:at]), "#") {
			break
		}
		at = start
	}
	return at
}

// Attached is the instruction with its attached comments: the bytes that move
// when the instruction moves.
func (in *Instruction) Attached() Span { return Span{in.Lead(), in.Span.End} }

// Pos gives path:line:col of a source offset, columns in bytes from 1.
func (d *Document) Pos(off int) (line, col int) {
	if off > len(d.Src) {
		off = len(d.Src)
	}
	line = strings.Count(d.Src[:off], "\n") + 1
	return line, off - strings.LastIndexByte(d.Src[:off], '\n')
}

// Next is the instruction that follows in the same stage, nil at its end.
func (in *Instruction) Next() *Instruction {
	if in.Index+1 < len(in.doc.Instructions) {
		if n := in.doc.Instructions[in.Index+1]; n.Stage == in.Stage && n.Keyword != "from" {
			return n
		}
	}
	return nil
}

// Flag gives the value of --name=value as written; ok tells whether it is there.
func (in *Instruction) Flag(name string) (value string, ok bool) {
	for _, f := range in.Flags {
		k, v, _ := strings.Cut(strings.TrimPrefix(f.Text, "--"), "=")
		if strings.EqualFold(k, name) {
			return strings.Trim(v, `"'`), true
		}
	}
	return "", false
}

func (in *Instruction) String() string {
	return fmt.Sprintf("%s:%d: %s", in.doc.Path, in.Line, in.Text)
}

// Error says what is wrong with a file, where, and what to do about it.
type Error struct {
	Path      string
	Line, Col int // 1-based; 0 when the whole file is meant
	Msg       string
	Hint      string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, max(e.Col, 1))
	}
	b.WriteString(": " + e.Msg)
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	return b.String()
}
