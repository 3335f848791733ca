package review

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// Entry is an ignore for a configuration file, which is written with everything else.
type Entry struct {
	File      int    // number of the Dockerfile
	Transform string // that is kept away
	Words     string // that the instruction has; "" for the whole Dockerfile
	Reason    string
	Config    string   // the configuration file as the user names it
	New       bool     // it isn't there yet
	Lines     []string // that come into it
}

// same tells that two entries keep away the same.
func (e *Entry) same(o *Entry) bool {
	return e.File == o.File && e.Transform == o.Transform && e.Words == o.Words && e.Config == o.Config
}

// Ignore is the entry as the engine takes it.
func (e *Entry) Ignore() rewrite.Ignore {
	return rewrite.Ignore{Rule: e.Transform, Words: e.Words, Where: words(e.Config), Reason: words(e.Reason)}
}

// Remember lists the decisions that keep a change away for good: a comment in the
// file, or an entry of a configuration, and the rejection, should that not reach all of it.
func (s *Session) Remember(file int, c Change, reason string, e *Entry) []Decision {
	return []Decision{
		{Kind: Ignore, File: file, Transform: c.Transform, Line: c.Line, Change: c.ID, Reason: reason, Title: c.Title, Entry: e},
		s.One(file, c, Rejected),
	}
}

// holding leaves out the ignores whose change was accepted afterwards.
func holding(decisions []Decision) []Decision {
	out := make([]Decision, 0, len(decisions))
	for i, d := range decisions {
		again := false
		for _, later := range decisions[i+1:] {
			if d.Kind != Ignore || later.Transform != d.Transform {
				continue
			}
			if later.Kind == All || later.Kind == One && later.File == d.File && later.Change.is(d.Change.Name, func() int { return d.Change.Line }) {
				again = later.Verdict == Accepted
			}
		}
		if !again {
			out = append(out, d)
		}
	}
	return out
}

// Entries are what the decisions want written into configuration files, each once.
func (s *Session) Entries() []Entry {
	var out []Entry
	for _, d := range holding(s.Log.Decisions()) {
		if d.Kind == Ignore && d.Entry != nil && !slices.ContainsFunc(out, func(e Entry) bool { return e.same(d.Entry) }) {
			out = append(out, *d.Entry)
		}
	}
	return out
}

// configs are the configuration files of entries, each once.
func configs(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		if !slices.Contains(out, e.Config) {
			out = append(out, e.Config)
		}
	}
	return out
}

// Wanted is the entry that keeps a change away, as far as the review knows it.
func (s *Session) Wanted(file int, c *Change, reason string) Entry {
	w := s.Works[file]
	e := Entry{File: file, Transform: c.Transform, Reason: strings.Join(strings.Fields(reason), " ")}
	if c.at > 0 {
		e.Words = InstructionWords(c.Before, c.at)
	}
	// Where a change before this one gave the instruction other words: those that stay
	// whether it is made or not.
	if doc, err := rewrite.Parse("", w.Disk, nil); err == nil && e.Words != "" && !w.Edited {
		if !slices.ContainsFunc(doc.Instructions, func(in *rewrite.Instruction) bool { return in.Has(e.Words) }) {
			if words := common(e.Words, instruction(w.Disk, c.Line)); strings.Contains(words, " ") {
				e.Words = words
			}
		}
	}
	return e
}

// common are the words that an instruction has too, in their order.
func common(text string, in *rewrite.Instruction) string {
	var out []string
	for _, w := range strings.Fields(text) {
		if in.Has(strings.Join(append(out, w), " ")) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// instruction is the one that a line belongs to, nil without one.
func instruction(text string, line int) *rewrite.Instruction {
	doc, err := rewrite.Parse("", text, nil)
	if err != nil {
		return nil
	}
	var out *rewrite.Instruction
	for _, in := range doc.Instructions {
		if in.Line <= line || out == nil {
			out = in
		}
	}
	return out
}

// InstructionWords are words by which a configuration's ignore knows the instruction on a
// line (rewrite.Instruction.Has): as few from its beginning as no other instruction has, at
// least two; of a FROM rather its stage than an image whose tag will change. All of them
// where another instruction reads the same; "" for a text that doesn't parse.
func InstructionWords(text string, line int) string {
	in := instruction(text, line)
	if in == nil {
		return ""
	}
	doc, err := rewrite.Parse("", text, nil)
	if err != nil {
		return ""
	}
	one := func(words string) bool {
		n := 0
		for _, other := range doc.Instructions {
			if other.Has(words) {
				n++
			}
		}
		return n == 1 && in.Has(words)
	}
	all := strings.FieldsFunc(in.Raw(), func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'[],;\\`", r) })
	tries := []string{}
	if in.Keyword == "from" {
		tries = append(tries, all[0])
		if n := len(all); n > 3 && strings.EqualFold(all[n-2], "as") {
			tries = append(tries, strings.Join([]string{all[0], all[n-2], all[n-1]}, " "))
		}
	}
	for n := 2; n < len(all); n++ {
		tries = append(tries, strings.Join(all[:n], " "))
	}
	for _, t := range tries {
		if one(t) {
			return t
		}
	}
	return strings.Join(all, " ")
}
