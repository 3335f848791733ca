package rewrite

import (
	"slices"
	"strings"
)

// together makes several changes of one Run in one step, of those that may be
// made and touch different instructions. What they all put above the first
// instruction is put there once. The result is gated once, as a whole; the
// outcomes still lead from text to text. False when nothing came of it: then
// the changes are tried one by one.
func (r *run) together(t *Transform, p *Pass, changes []Change) bool {
	var cs []Change
	var top []Edit          // above the first instruction
	taken := map[int]bool{} // instructions, by index
	declined := len(p.declined)
	for _, c := range changes {
		own, above, touched, ok := r.touches(c)
		for _, i := range touched {
			ok = ok && !taken[i]
		}
		if !ok || len(above) > 0 && len(top) > 0 && !slices.Equal(above, top) || !r.allowed(t, p, c) {
			continue
		}
		for _, i := range touched {
			taken[i] = true
		}
		if len(top) > 0 {
			c.Edits = own // the first one brings what stands above
		} else {
			top = above
		}
		cs = append(cs, c)
	}
	p.declined = p.declined[:declined] // told when they are tried
	if len(cs) < 2 {
		return false
	}
	var all Change
	for _, c := range cs {
		all.Edits = append(all.Edits, c.Edits...)
		all.Adds, all.Drops = append(all.Adds, c.Adds...), append(all.Drops, c.Drops...)
		all.Config |= c.Config
	}
	doc, rp, files, err := r.apply(all)
	if err != nil || gate(r, doc, rp, files, all) != nil {
		return false
	}
	before := r.doc
	text := before.Src
	outs := make([]Outcome, 0, len(cs))
	for i, c := range cs {
		out := outcome(t, c)
		if c.At != nil {
			out.Line += shift(cs[:i], c.At.Span.Start, before.Src)
		}
		for _, in := range c.ignoreAt(before) {
			out.IgnoreAt = append(out.IgnoreAt, in.Line+shift(cs[:i], in.Span.Start, before.Src))
		}
		out.Before = text
		if i == len(cs)-1 {
			text = doc.Src
		} else if text, err = before.apply(all.Edits[:count(cs[:i+1])]); err != nil {
			return false // can't be: they were made together
		}
		out.After = text
		outs = append(outs, out)
	}
	r.res.Outcomes = append(r.res.Outcomes, outs...)
	r.take(doc, rp, files)
	return true
}

func count(cs []Change) (n int) {
	for _, c := range cs {
		n += len(c.Edits)
	}
	return n
}

// touches lists the instructions that a change edits, the edits that do so and
// those above the first instruction; ok is false when it edits other files, or
// between instructions.
func (r *run) touches(c Change) (own, above []Edit, touched []int, ok bool) {
	for _, e := range c.Edits {
		if e.File != "" {
			return nil, nil, nil, false
		}
		if e.Span.End <= r.doc.Instructions[0].Lead() && e.Span.Len() == 0 && strings.HasSuffix(e.New, "\n") {
			above = append(above, e)
			continue
		}
		i := slices.IndexFunc(r.doc.Instructions, func(in *Instruction) bool {
			return Span{in.Lead(), in.Span.End}.Contains(e.Span) && e.Span.Start < in.Span.End
		})
		if i < 0 {
			return nil, nil, nil, false
		}
		own, touched = append(own, e), append(touched, i)
	}
	return own, above, touched, true
}

// shift is by how many lines changes move what stands at an offset.
func shift(cs []Change, at int, src string) (n int) {
	for _, c := range cs {
		for _, e := range c.Edits {
			if e.Span.End <= at {
				n += strings.Count(e.New, "\n") - strings.Count(src[e.Span.Start:e.Span.End], "\n")
			}
		}
	}
	return n
}
