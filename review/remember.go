package review

import (
	"slices"
	"strings"

	"drydock/report"
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
// A finding has nothing to reject.
func (s *Session) Remember(file int, c Change, reason string, e *Entry) []Decision {
	out := []Decision{{Kind: Ignore, File: file, Transform: c.Transform, Line: c.Place, Change: c.ID, Reason: reason, Title: c.Title, Entry: e}}
	if c.ID.Name != "" {
		out = append(out, s.One(file, c, Rejected))
	}
	return out
}

// passing is a finding as a change that changes nothing, for Wanted and Remember.
func (s *Session) passing(file int, f *report.Finding) *Change {
	disk := s.Works[file].Disk
	c := &Change{Outcome: report.Outcome{Transform: f.Check, Title: f.Message, Line: f.Line}, Before: disk, After: disk}
	if in := instruction(disk, f.Line); in != nil {
		c.Place, c.at = in.Line, in.Line
	}
	return c
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
	if c.at == 0 {
		return e
	}
	in := instruction(c.Before, c.at)
	if in == nil {
		return e
	}
	all := allWords(in)
	// Where changes give the instruction other words: those that stay whether they are made or not.
	if !w.Edited {
		all = stay(all, in, instruction(w.Disk, c.Place))
	}
	e.Words, _ = fewWords(in, all, c.Before, w.Disk, w.After)
	if k, sure := placeThen(w.After, c.Before, c.at); sure {
		if words, ok := fewWords(in, stay(all, in, instruction(w.After, k)), c.Before, w.Disk, w.After); ok {
			e.Words = words
		}
	}
	return e
}

// stay are the words that an instruction has in another text, too; all of them where that
// leaves too few to know it by.
func stay(all []string, in, other *rewrite.Instruction) []string {
	if other == nil {
		return all
	}
	if both := common(all, other); len(both) > 1 || len(both) == 1 && in.Keyword == "from" {
		return both
	}
	return all
}

// common are the words that an instruction has too, in their order.
func common(all []string, in *rewrite.Instruction) (out []string) {
	for _, w := range all {
		if in.Has(strings.Join(append(out, w), " ")) {
			out = append(out, w)
		}
	}
	return out
}

// ignorePlace is the line of the instruction on disk at which an ignore keeps a change away,
// and its line in the text before the change; 0 for the whole file. A change may be about an
// instruction that others made, which isn't on disk, and about more: then it is one of those.
func ignorePlace(disk string, o rewrite.Outcome) (place, at int) {
	for _, n := range o.IgnoreAt {
		k, sure := placeThen(disk, o.Before, n)
		if sure {
			return k, n
		}
		if at == 0 {
			place, at = k, n
		}
	}
	return place, at
}

// placeThen is the line of disk of the instruction that the one on line n of now comes from.
// Lines alone don't find one that a change took into a new stage, with others. Without sure
// the two have little in common.
func placeThen(disk, now string, n int) (at int, sure bool) {
	at = report.OriginalLine(disk, now, n)
	in, was := instruction(now, n), instruction(disk, at)
	if in == nil || was == nil {
		return at, false
	}
	all := allWords(in)
	if 2*len(common(all, was)) > len(allWords(was)) {
		return at, true
	}
	doc, err := rewrite.Parse("", disk, nil)
	if err != nil {
		return at, false
	}
	most := len(all) / 2
	for _, other := range doc.Instructions {
		if k := len(common(all, other)); other.Keyword == in.Keyword && k > most {
			at, most, sure = other.Line, k, true
		}
	}
	return at, sure
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
	if in := instruction(text, line); in != nil {
		words, _ := fewWords(in, allWords(in), text)
		return words
	}
	return ""
}

func allWords(in *rewrite.Instruction) []string {
	return strings.FieldsFunc(in.Raw(), func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'[],;\\`", r) })
}

// fewWords are InstructionWords of an instruction that has all of these words; in none of the
// texts, which are the file with and without changes, do two instructions have them; without ok
// that can't be.
func fewWords(in *rewrite.Instruction, all []string, texts ...string) (words string, ok bool) {
	var docs []*rewrite.Document
	for _, t := range texts {
		if doc, err := rewrite.Parse("", t, nil); err == nil {
			docs = append(docs, doc)
		}
	}
	one := func(words string) bool {
		for _, doc := range docs {
			n := 0
			for _, other := range doc.Instructions {
				if other.Has(words) {
					n++
				}
			}
			if n > 1 {
				return false
			}
		}
		return in.Has(words)
	}
	tries := []string{}
	if in.Keyword == "from" {
		tries = append(tries, all[0])
		if n := len(all); n > 2 && strings.EqualFold(all[n-2], "as") {
			tries = append(tries, strings.Join([]string{all[0], all[n-2], all[n-1]}, " "))
		}
	}
	for n := 2; n < len(all); n++ {
		tries = append(tries, strings.Join(all[:n], " "))
	}
	for _, t := range tries {
		if one(t) {
			return t, true
		}
	}
	words = strings.Join(all, " ")
	return words, one(words)
}
