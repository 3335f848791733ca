package transforms

import (
	"context"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"drydock/rewrite"
)

// authorsLabel is the annotation that says who answers for an image.
const authorsLabel = "org.opencontainers.image.authors"

// label-not-maintainer writes the deprecated MAINTAINER as a label.
var _ = register(&rewrite.Transform{
	Name:    "label-not-maintainer",
	Summary: "Write the deprecated MAINTAINER as a LABEL",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL4000", "MaintainerDeprecated"},
	Doc: `MAINTAINER is deprecated; a label does the same and can be read with docker
inspect, searched and overridden
(https://docs.docker.com/reference/dockerfile/#maintainer-deprecated, BuildKit's
check MaintainerDeprecated, hadolint DL4000). The label is
` + authorsLabel + `, which the OCI image specification defines for this
(https://github.com/opencontainers/image-spec/blob/main/annotations.md).

The label's value is the text of MAINTAINER, byte for byte: a LABEL is a quoted
word in which variables are replaced, a MAINTAINER is neither, so quotes,
backslashes and dollar signs get what keeps them as they are. Quotes around the
whole text were meant as quotes and become the label's own. The image config's
field Author goes empty; nothing inside a container can see it.

A MAINTAINER that only says what a later one or a LABEL of the same stage says
is dropped.`,
	Declines: `Where a stage names two different people, of which Docker
keeps the last: the file has to say who is meant. Where a LABEL of the same
stage (maintainer or ` + authorsLabel + `) says something else, and where
the text is empty or a comment tells a linter to let it pass.`,
	Run: runLabelMaintainer,
})

func runLabelMaintainer(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, in := range p.Doc.Instructions {
		if in.Keyword != "maintainer" {
			continue
		}
		value, _ := maintainerOf(in)
		if value == "" {
			p.Decline(in, "it names nobody")
			continue
		}
		if by, again := namedBy(in, value); by != nil {
			if !again {
				p.Decline(in, "%s on line %d names somebody else: say in one LABEL who is meant", strings.ToUpper(by.Keyword), by.Line)
				continue
			}
			edit := p.Doc.Delete(in)
			if in.Lead() < in.Span.Start { // its comment may say more
				edit = rewrite.Edit{Span: in.Span}
			}
			out = append(out, rewrite.Change{
				Title:  "drop MAINTAINER, which " + strings.ToUpper(by.Keyword) + " says again",
				Why:    "MAINTAINER is deprecated (BuildKit's check MaintainerDeprecated, hadolint DL4000)",
				At:     in,
				Edits:  []rewrite.Edit{edit},
				Config: rewrite.FieldMaintainer,
			})
			continue
		}
		edits, ok := labelEdits(in)
		if !ok {
			p.Decline(in, "its text can't be written as a label without a change")
			continue
		}
		out = append(out, rewrite.Change{
			Title:  "name the authors in a LABEL",
			Why:    "MAINTAINER is deprecated in favour of the label " + authorsLabel + " (BuildKit's check MaintainerDeprecated, hadolint DL4000)",
			Gain:   "docker inspect and registries show it as a label",
			At:     in,
			Edits:  edits,
			Config: rewrite.FieldMaintainer | rewrite.FieldLabels,
		})
	}
	return out, nil
}

// maintainerOf is the text of a MAINTAINER, without quotes around the whole of
// it; quoted tells whether it had some.
func maintainerOf(in *rewrite.Instruction) (value string, quoted bool) {
	v := in.Cmd.(*instructions.MaintainerCommand).Maintainer
	if n := len(v); n > 1 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] && strings.IndexByte(v[1:n-1], v[0]) < 0 {
		return v[1 : n-1], true
	}
	return v, false
}

// namedBy is an instruction of the same stage that says who maintains the
// image besides in; again tells that it says the same. Of two MAINTAINERs that
// say the same the later one is the one that says it.
func namedBy(in *rewrite.Instruction, value string) (by *rewrite.Instruction, again bool) {
	for _, o := range in.Stage.Instructions {
		switch c := o.Cmd.(type) {
		case *instructions.MaintainerCommand:
			other, _ := maintainerOf(o)
			if other != value {
				return o, false
			}
			if o.Index > in.Index {
				by = o
			}
		case *instructions.LabelCommand:
			for _, kv := range c.Labels {
				key := strings.Trim(kv.Key, `"'`)
				if key != authorsLabel && !strings.EqualFold(key, "maintainer") {
					continue
				}
				if labelValue(o, kv.Value) != value {
					return o, false
				}
				by = o
			}
		}
	}
	return by, by != nil
}

func labelValue(in *rewrite.Instruction, word string) string {
	v, err := unquoted(word, in.Doc().Escape)
	if err != nil || strings.Contains(word, "$") {
		return ""
	}
	return v
}

// noEnv is a shell.EnvGetter without variables.
type noEnv struct{}

func (noEnv) Get(string) (string, bool) { return "", false }
func (noEnv) Keys() []string            { return nil }

// unquoted is what BuildKit makes of a word of LABEL.
func unquoted(word string, escape byte) (string, error) {
	v, _, err := shell.NewLex(rune(escape)).ProcessWord(word, noEnv{})
	return v, err
}

// labelEdits turns MAINTAINER text into LABEL key="text". Only keyword, quotes
// and escapes are written, so that a text over several lines stays as it is.
func labelEdits(in *rewrite.Instruction) ([]rewrite.Edit, bool) {
	value, quoted := maintainerOf(in)
	escape := in.Doc().Escape
	args := in.Args
	if args.Text != in.Cmd.(*instructions.MaintainerCommand).Maintainer {
		return nil, false
	}
	keyword := "LABEL "
	if in.Doc().Src[in.Head.Start] == 'm' {
		keyword = "label "
	}
	begin := in.SrcPos(args.Start)
	if quoted {
		if v, err := unquoted(args.Text, escape); err == nil && v == value && !strings.ContainsAny(value, "$\\`") {
			return []rewrite.Edit{{Span: rewrite.Span{Start: in.Head.Start, End: begin}, New: keyword + authorsLabel + "="}}, true
		}
	}
	from, to := args.Start, args.End
	if quoted {
		from, to = from+1, to-1
	}
	special := "\"$" + string(escape)
	quote := `"`
	if strings.ContainsAny(value, special) && !strings.Contains(value, "'") {
		quote, special = "'", ""
	}
	edits := []rewrite.Edit{{Span: rewrite.Span{Start: in.Head.Start, End: in.SrcPos(from)}, New: keyword + authorsLabel + "=" + quote}}
	var word strings.Builder
	for i := from; i < to; i++ {
		c := in.Text[i]
		if strings.IndexByte(special, c) >= 0 {
			at := in.SrcPos(i)
			edits = append(edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: string(escape)})
			word.WriteByte(escape)
		}
		word.WriteByte(c)
	}
	end := in.SrcPos(to-1) + 1
	edits = append(edits, rewrite.Edit{Span: rewrite.Span{Start: end, End: in.SrcPos(args.End-1) + 1}, New: quote})
	v, err := unquoted(quote+word.String()+quote, escape)
	return edits, err == nil && v == value
}
