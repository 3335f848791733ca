package transforms

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"drydock/rewrite"
)

// env-key-value writes `ENV key value` as `ENV key=value`, with the quotes that
// keep the value.
var _ = register(&rewrite.Transform{
	Name:    "env-key-value",
	Summary: "Write ENV and LABEL with =, not in the legacy form with a space",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"LegacyKeyValueFormat"},
	Apart:   true,
	Doc: `ENV key value and LABEL key value are deprecated: the value is all of the rest of the
line, so that a second pair, a comment or a stray = becomes part of it without a word.
BuildKit warns of it
(https://docs.docker.com/reference/build-checks/legacy-key-value-format/).

The value stays the same byte for byte, whatever the variables in it hold: the old and
the new spelling are both expanded with BuildKit's own lexer, with the variables unset,
empty and full of quotes, and only a spelling that agrees is written. Quotes are put in
where the value needs them. Values over several lines stay so, with their comments and
with the blanks at the beginning of each line, which are part of the value.`,
	Declines: `Where the value shows a mistake that the new form would only hide: it begins with =,
holds what looks like a comment, or holds a second pair on a line of its own. Where a
comment stands between key and value, and where a value over several lines has quotes or
escapes of its own.`,
	Run: runEnvKeyValue,
})

func runEnvKeyValue(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, in := range p.Doc.Instructions {
		kv, ok := legacyPair(in.Inner())
		if !ok {
			continue
		}
		c, why := keyValueChange(in.Inner(), kv)
		switch {
		case why != "":
			p.Decline(in, "%s", why)
		case c != nil:
			c.At = in
			out = append(out, *c)
		}
	}
	return out, nil
}

// legacyPair is the pair of an ENV or LABEL in the form with a space.
func legacyPair(in *rewrite.Instruction) (instructions.KeyValuePair, bool) {
	var kvs instructions.KeyValuePairs
	switch c := in.Cmd.(type) {
	case *instructions.EnvCommand:
		kvs = c.Env
	case *instructions.LabelCommand:
		kvs = c.Labels
	}
	if len(kvs) != 1 || !kvs[0].NoDelim || in.Trigger() && in.Doc().Escape != '\\' { // a trigger is read with \ in the other build
		return instructions.KeyValuePair{}, false
	}
	return kvs[0], true
}

// keyValueChange is nil without a reason where there is nothing to say.
func keyValueChange(in *rewrite.Instruction, kv instructions.KeyValuePair) (*rewrite.Change, string) {
	args, d := in.Args, in.Doc()
	if !strings.HasPrefix(args.Text, kv.Key) || !strings.HasSuffix(args.Text, kv.Value) || len(kv.Key)+len(kv.Value) >= len(args.Text) {
		return nil, ""
	}
	keyEnd, start := args.Start+len(kv.Key), args.End-len(kv.Value)
	whole, ok := in.SrcSpan(start, args.End)
	if why := mistaken(kv.Value, d.Src[whole.Start:in.SrcPos(args.End-1)+1], d.Escape); why != "" {
		return nil, why
	}
	value := keepValue(kv.Value, rune(d.Escape))
	if value == "" || !sameValue(kv.Value, value, rune(d.Escape)) || !isWord(kv.Key, rune(d.Escape)) {
		return nil, "no quoting keeps the value as it is"
	}
	gap := rewrite.Span{Start: in.SrcPos(keyEnd-1) + 1, End: in.SrcPos(start)}
	for _, c := range in.Comments {
		if gap.Contains(c) {
			return nil, "a comment stands between key and value"
		}
	}
	c := &rewrite.Change{
		Title: "write " + strings.ToUpper(in.Keyword) + " " + kv.Key + " with =",
		Why:   "the form with a space is deprecated (BuildKit LegacyKeyValueFormat)",
	}
	if in.Trigger() {
		c.Config = rewrite.FieldOnBuild
	}
	switch value {
	case kv.Value:
		c.Edits = []rewrite.Edit{{Span: gap, New: "="}}
	case `"` + kv.Value + `"`:
		end := in.SrcPos(args.End-1) + 1
		c.Edits = []rewrite.Edit{{Span: gap, New: `="`}, {Span: rewrite.Span{Start: end, End: end}, New: `"`}}
	default:
		if !ok {
			return nil, "the value goes over several lines and has quotes or escapes of its own"
		}
		if st := in.State(); st.Expand(kv.Value) != st.Expand(value) {
			return nil, "a variable in it needs braces, and nothing here sets it" // the gates compare what isn't set as it is written
		}
		c.Edits = []rewrite.Edit{{Span: gap, New: "="}, {Span: whole, New: value}}
	}
	return c, ""
}

// mistaken tells why the value is hardly what was meant.
func mistaken(value, source string, escape byte) string {
	if strings.HasPrefix(value, "=") {
		return "the value begins with =, which is part of it then: is key=value meant?"
	}
	if i := strings.Index(value, "#"); i > 0 && unicode.IsSpace(rune(value[i-1])) && !strings.ContainsAny(value[:i], `"'`) {
		return "the value holds what looks like a comment: # begins one only at the start of a line"
	}
	lines := strings.Split(source, "\n")
	for _, l := range lines[1:] {
		f := strings.Fields(strings.TrimRight(strings.TrimSpace(l), string(escape)))
		if len(f) < 1 || !name(f[0]) {
			continue
		}
		if len(f) > 1 && f[0] == strings.ToUpper(f[0]) || strings.Contains(f[0], "=") {
			return "the value holds what looks like a second pair: " + f[0] + " is part of it"
		}
	}
	return ""
}

// name reports whether a word begins with the name of a variable, alone or before =.
func name(w string) bool {
	n, _, _ := strings.Cut(w, "=")
	for i, c := range n {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return len(n) > 1
}

// keepValue spells a value of the legacy form as one word of the form with =,
// "" when it can't.
func keepValue(v string, escape rune) string {
	switch {
	case isWord(v, escape):
		return v
	case !strings.ContainsAny(v, `"'`+string(escape)):
		return `"` + v + `"`
	}
	return quoted(v, escape)
}

// isWord reports whether parser.parseWords takes s as one word, unchanged.
func isWord(s string, escape rune) bool {
	var quote rune
	for i, skip := 0, false; i < len(s); {
		c, w := utf8.DecodeRuneInString(s[i:])
		i += w
		switch {
		case skip:
			skip = false
		case c == escape && quote != '\'':
			if i == len(s) {
				return false // dropped at the end
			}
			skip = true
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case unicode.IsSpace(c):
			return false
		case c == '"' || c == '\'':
			quote = c
		}
	}
	return s != "" && quote == 0
}

// quoted puts a value with quotes and escapes of its own into one pair of
// double quotes, after shell.Lex: there the escape token works in front of
// itself, $ and ", and stands for itself elsewhere.
func quoted(v string, escape rune) string {
	var b strings.Builder
	literal := func(c rune) {
		if c == '"' || c == '$' || c == escape {
			b.WriteRune(escape)
		}
		b.WriteRune(c)
	}
	rs := []rune(v)
	b.WriteByte('"')
	double := false
	for i := 0; i < len(rs); i++ {
		c := rs[i]
		switch {
		case c == '"':
			double = !double
		case c == '\'' && !double:
			for i++; i < len(rs) && rs[i] != '\''; i++ {
				literal(rs[i])
			}
			if i == len(rs) {
				return ""
			}
		case c == escape && i+1 < len(rs) && (!double || rs[i+1] == '"' || rs[i+1] == '$' || rs[i+1] == escape):
			i++
			literal(rs[i])
		case c == '$':
			end := variableEnd(rs, i)
			ref := string(rs[i:end])
			switch {
			case strings.HasPrefix(ref, "${"):
				if strings.ContainsAny(ref, `"'`+string(escape)) {
					return ""
				}
			case ref == "$":
				ref = string(escape) + "$"
			case end < len(rs)-1 && (rs[end] == '"' || rs[end] == '\'' || rs[end] == escape):
				ref = "${" + ref[1:] + "}" // what follows would run into the name
			}
			b.WriteString(ref)
			i = end - 1
		default:
			literal(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// variableEnd is the end of the reference that begins at i, a $.
func variableEnd(rs []rune, i int) int {
	end := i + 1
	if end < len(rs) && rs[end] == '{' {
		for end < len(rs) && rs[end] != '}' {
			end++
		}
		return min(end+1, len(rs))
	}
	for end < len(rs) && (rs[end] == '_' || unicode.IsLetter(rs[end]) || unicode.IsDigit(rs[end])) {
		end++
	}
	return end
}

// sameValue reports whether both spellings expand to the same value in every
// environment of trials.
func sameValue(a, b string, escape rune) bool {
	if a == b {
		return true
	}
	if !isWord(b, escape) {
		return false
	}
	lex := shell.NewLex(escape)
	for _, t := range trials {
		x, _, errX := lex.ProcessWord(a, t)
		y, _, errY := lex.ProcessWord(b, t)
		if errX != nil || errY != nil || x != y {
			return false
		}
	}
	return true
}

// trials are environments in which every variable is set, empty or unset.
var trials = []trial{{`1 "b' \ `, "` $X ${Y} <<Z #", true}, {"x", "y", true}, {"", "", true}, {}}

// trial is a shell.EnvGetter: a variable's value is its name between two texts.
type trial struct {
	before, after string
	set           bool
}

func (t trial) Get(k string) (string, bool) {
	switch {
	case !t.set:
		return "", false
	case t.before == "":
		return "", true
	}
	return t.before + k + t.after, true
}

func (trial) Keys() []string { return nil }
