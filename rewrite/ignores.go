package rewrite

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ignore keeps a transform or a check away from a file, or from some of its
// instructions; it comes from a configuration. Those in comments are read from the text.
type Ignore struct {
	Rule   string // the name of a transform or a check, or CHECK/RULE
	Words  string // words that an instruction has in this order, as Instruction.Has reads them; "" for the whole file
	Where  string // which file and line says so, for messages
	Reason string
}

// ignores are what keeps transforms and checks away from a document: the entries of a
// configuration, the `# drydock:ignore=NAME[,NAME] [until=DATE]` comments above
// instructions and the `# drydock:ignore-file[=NAME]` comments anywhere.
type ignores struct {
	comments []ignoreComment
	given    []Ignore
	used     map[string]bool // comments that silenced something; shared by the documents of a run
	served   map[int]bool    // given that did; shared as well
}

// ignoreComment is one comment.
type ignoreComment struct {
	line  int
	id    string   // its text and how many like it stand above: its line moves
	index int      // of the instruction, -1 for the whole file
	names []string // anyName for every transform and check
	until string   // its last day, "" for none
	bad   string   // an until that is no day
	ended bool
}

const anyName = "*"

// readIgnores reads a document's comments; today is a day as time.DateOnly writes it,
// "" where no comment comes to an end.
func readIgnores(d *Document, today string) []ignoreComment {
	if !strings.Contains(d.Src, "drydock:ignore") {
		return nil
	}
	var out []ignoreComment
	for at := 0; at < len(d.Src); {
		end := nextLine(d.Src, at)
		text := strings.TrimSpace(d.Src[at:end])
		body, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimLeft(text, "#")), "drydock:ignore")
		if strings.HasPrefix(text, "#") && ok && strings.Trim(body[:min(1, len(body))], "=- \t") == "" {
			c := ignoreComment{index: -1}
			c.line, _ = d.Pos(at)
			rest, file := strings.CutPrefix(body, "-file")
			c.read(rest, today)
			for _, in := range d.Instructions {
				if !file && (Span{in.Lead(), in.Span.End}).Contains(Span{at, at}) && at < in.Span.End {
					c.index = in.Index
					break
				}
			}
			n := 0
			for _, o := range out {
				if strings.HasPrefix(o.id, text+"\x00") {
					n++
				}
			}
			c.id = fmt.Sprint(text, "\x00", n)
			if file || c.index >= 0 {
				out = append(out, c)
			}
		}
		at = end
	}
	return out
}

// read reads "=a,b until=DATE reason…"; without names it means every transform and check.
func (c *ignoreComment) read(s, today string) {
	words := strings.Fields(s)
	if names, ok := strings.CutPrefix(s, "="); ok {
		names, _, _ = strings.Cut(names, " ")
		for n := range strings.SplitSeq(names, ",") {
			if n = strings.TrimSpace(n); n != "" {
				c.names = append(c.names, n)
			}
		}
		if len(words) > 0 {
			words = words[1:]
		}
	} else {
		c.names = []string{anyName}
	}
	for _, w := range words {
		if day, ok := strings.CutPrefix(w, "until="); ok {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				c.bad = day
			} else {
				c.until, c.ended = day, today != "" && day < today
			}
			return
		}
	}
}

// covers tells which comment or entry forbids a change, in words; "" for none.
func (ig ignores) covers(name string, d *Document, c Change) string {
	entry := ig.entry(name, d, c)
	for _, file := range []bool{true, false} {
		for _, com := range ig.comments {
			if com.ended || file != (com.index < 0) || !file && !c.concerns(d.Instructions[com.index]) {
				continue
			}
			for _, n := range com.names {
				if n == name || n == anyName {
					ig.used[com.id+"\x00"+n] = true
					return fmt.Sprintf("ignored by the comment on line %d", com.line)
				}
			}
		}
	}
	return entry
}

// entry is covers for the entries of a configuration; all that forbid the change have
// served, also where a comment does it too.
func (ig ignores) entry(name string, d *Document, c Change) (why string) {
	for i, g := range ig.given {
		if g.Rule == name && (g.Words == "" || slices.ContainsFunc(d.Instructions, func(in *Instruction) bool { return c.concerns(in) && in.Has(g.Words) })) {
			ig.served[i] = true
			if why == "" {
				why = fmt.Sprintf("ignored by %s: %s", g.Where, g.Reason)
			}
		}
	}
	return why
}

// concerns tells whether a change is reported at an instruction, or edits it.
func (c Change) concerns(in *Instruction) bool { return c.At == in || c.edits(in) }

// edits tells whether a change edits an instruction; what is put above it is no edit of it.
func (c Change) edits(in *Instruction) bool {
	return slices.ContainsFunc(c.Edits, func(e Edit) bool {
		return e.Touches(in.Span) && (e.Span.Len() > 0 || e.Span.Start > in.Span.Start)
	})
}

// ignoreAt are the instructions at which an ignore keeps a change away for good, the best
// first: where it is reported, then the others that it edits. Where it is reported at one that
// it doesn't edit, as a FROM whose ARG it edits, it might be made on behalf of another one,
// so that is the last. None for the whole file.
func (c Change) ignoreAt(d *Document) (out []*Instruction) {
	if c.At == nil {
		return nil
	}
	if c.edits(c.At) {
		out = append(out, c.At)
	}
	for _, in := range d.Instructions {
		if in != c.At && c.edits(in) {
			out = append(out, in)
		}
	}
	if !c.edits(c.At) {
		out = append(out, c.At)
	}
	return out
}

// ignoreLines are the lines of ignoreAt.
func (c Change) ignoreLines(d *Document) (out []int) {
	for _, in := range c.ignoreAt(d) {
		out = append(out, in.Line)
	}
	return out
}

// spoken notes that a transform had something to say at an instruction: a comment or
// an entry that keeps it away from there isn't idle.
func (ig ignores) spoken(name string, d *Document, line int) {
	for i, g := range ig.given {
		if g.Rule == name && (g.Words == "" || line == 0 || d.InstructionAt(line).Has(g.Words)) {
			ig.served[i] = true
		}
	}
	for _, com := range ig.comments {
		if com.index >= 0 && d.Instructions[com.index].Line != line && line != 0 {
			continue
		}
		for _, n := range com.names {
			if n == name || n == anyName {
				ig.used[com.id+"\x00"+n] = true
			}
		}
	}
}

// Has tells whether the instruction holds these words in this order. Quotes, brackets,
// commas, semicolons and line continuations don't count, so that an instruction which a
// transform gave a flag, or joined with another, still has the words that it had.
func (in *Instruction) Has(words string) bool {
	want := ignoreWords(words)
	for _, w := range ignoreWords(in.Raw()) {
		if len(want) > 0 && w == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func ignoreWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'[],;\\`", r) })
}

// ignored are the ignores of a document in this run.
func (r *run) ignored(d *Document) ignores {
	return ignores{comments: readIgnores(d, r.opt.Today), given: r.opt.Ignores, used: r.used, served: r.served}
}

// judgesIdle tells that a check asks for ignores that do nothing.
func (r *run) judgesIdle() bool {
	return slices.ContainsFunc(r.opt.Checks, func(c *Check) bool { return c.Idle })
}

// wantsIdle tells that it does, and that there are ignores which the run hasn't tried yet
// with all that --unsafe allows.
func (r *run) wantsIdle() bool {
	return !r.opt.Unsafe && len(r.ignores.comments)+len(r.ignores.given) > 0 && r.judgesIdle()
}

// Use is what became of an ignore of a configuration.
type Use int

// What becomes of an ignore.
const (
	Unjudged Use = iota // its rule took no part in the run
	Idle                // it kept nothing away
	Served              // it kept something away
)

// uses judges Options.Ignores, in their order.
func (r *run) uses() []Use {
	ran := r.ran()
	out := make([]Use, len(r.opt.Ignores))
	for i, g := range r.opt.Ignores {
		switch of, _, _ := strings.Cut(g.Rule, "/"); {
		case r.served[i]:
			out[i] = Served
		case ran[of]:
			out[i] = Idle
		}
	}
	return out
}

// ran are the names of what took part in the run and can be kept away; all of it stands
// under anyName where nothing was left out.
func (r *run) ran() map[string]bool {
	ran := map[string]bool{anyName: r.opt.Whole}
	for name := range r.beside {
		ran[name] = true
	}
	for _, c := range r.opt.Checks {
		ran[c.Name] = !c.Idle
	}
	return ran
}

// IdleIgnore is a `# drydock:ignore` comment that does nothing, or something else than
// it says.
type IdleIgnore struct {
	Line    int // 1-based
	Name    string
	Unknown bool   // no transform or check has that name
	Ended   string // it ended on that day
	BadDay  string // what stands behind until= is no day
}

// IdleIgnores are the comments of the document that silence nothing. A name that didn't
// take part in the run isn't judged. Only what ran before the check that asks counts, so
// such a check comes last.
func (p *Pass) IdleIgnores() []IdleIgnore {
	if p.run == nil {
		return nil
	}
	return p.run.idle(p.Doc)
}

func (r *run) idle(d *Document) (out []IdleIgnore) {
	known, ran := map[string]bool{}, r.ran()
	for _, c := range r.opt.Checks {
		known[c.Name] = true
	}
	ruled := map[string]bool{} // whose rules have names
	for _, n := range r.opt.Names {
		known[n] = true
		if of, _, rule := strings.Cut(n, "/"); rule {
			ruled[of] = true
		}
	}
	for _, c := range readIgnores(d, r.opt.Today) {
		switch {
		case c.ended:
			out = append(out, IdleIgnore{Line: c.line, Name: strings.Join(c.names, ","), Ended: c.until})
			continue
		case c.bad != "":
			out = append(out, IdleIgnore{Line: c.line, Name: strings.Join(c.names, ","), BadDay: c.bad})
		}
		for _, n := range c.names {
			of, _, _ := strings.Cut(n, "/")
			unknown := n != anyName && !known[of] && !ran[of] || n != of && ruled[of] && !known[n]
			if unknown || ran[of] && !r.used[c.id+"\x00"+n] {
				out = append(out, IdleIgnore{Line: c.line, Name: n, Unknown: unknown})
			}
		}
	}
	return out
}

// endedNotes tells of comments that came to their end, in words.
func endedNotes(d *Document, today string) []string {
	var out []string
	for _, c := range readIgnores(d, today) {
		if c.ended {
			out = append(out, fmt.Sprintf("the comment on line %d ignores %s no longer: it ended on %s", c.line, strings.ReplaceAll(strings.Join(c.names, ", "), anyName, "everything"), c.until))
		}
	}
	return out
}

// Silenced tells which comment lets a rule of the transform's pass at the
// instruction, "" for none: `# hadolint ignore=RULE` and `# check=skip=RULE`
// above it, or `# hadolint global ignore=RULE` and `# check=skip=RULE` above the
// first instruction (https://github.com/hadolint/hadolint#ignoring-rules,
// https://docs.docker.com/build/checks/). The engine asks for the instruction
// that a change is reported at; a transform asks for others.
func (p *Pass) Silenced(in *Instruction) string { return silenced(in, p.rules) }

func silenced(in *Instruction, rules []string) string {
	d := in.doc
	if len(rules) == 0 || !strings.Contains(d.Src, "hadolint") && !strings.Contains(d.Src, "check=") {
		return ""
	}
	for i, part := range [2]Span{{in.Lead(), in.Span.Start}, {0, d.Instructions[0].Span.Start}} {
		for at := part.Start; at < part.End; at = nextLine(d.Src, at) {
			text := d.Src[at:nextLine(d.Src, at)]
			if !strings.Contains(text, "check=") && (!strings.Contains(text, "hadolint") || i > 0 && !strings.Contains(text, "global")) {
				continue
			}
			for _, r := range rules {
				if strings.Contains(text, r) || skipsAll(text, r) {
					line, _ := d.Pos(at)
					return fmt.Sprintf("the comment on line %d lets %s pass", line, r)
				}
			}
		}
	}
	return ""
}

// skipsAll tells a comment that lets every rule of BuildKit's pass: hadolint's have
// numbers, BuildKit's don't.
func skipsAll(comment, rule string) bool {
	_, skip, ok := strings.Cut(comment, "skip=")
	skip, _, _ = strings.Cut(strings.TrimSpace(skip), ";")
	return ok && strings.Contains(comment, "check=") && strings.EqualFold(skip, "all") && !strings.ContainsAny(rule, "0123456789")
}
