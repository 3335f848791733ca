package rewrite

import "strings"

// together makes several changes of one Run in one step, of those that may be
// made and touch different instructions. The result is gated once, as a whole;
// the outcomes still lead from text to text. False when nothing came of it:
// then the changes are tried one by one.
func (r *run) together(t *Transform, p *Pass, changes []Change) bool {
	var cs []Change
	taken := map[int]bool{} // instructions, by index
	declined := len(p.declined)
	for _, c := range changes {
		touched, ok := r.touches(c)
		for _, i := range touched {
			ok = ok && !taken[i]
		}
		if !ok || !r.allowed(t, p, c) {
			continue
		}
		for _, i := range touched {
			taken[i] = true
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

// touches lists the instructions that a change edits; ok is false when it edits
// other files, or between instructions.
func (r *run) touches(c Change) (out []int, ok bool) {
	for _, e := range c.Edits {
		found := false
		for _, in := range r.doc.Instructions {
			if e.File == "" && (Span{in.Lead(), in.Span.End}).Contains(e.Span) && e.Span.Start < in.Span.End {
				out, found = append(out, in.Index), true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return out, true
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
