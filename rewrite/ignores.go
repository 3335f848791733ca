package rewrite

import "strings"

// ignores are the `# drydock:ignore=NAME[,NAME]` comments above instructions
// and the `# drydock:ignore-file[=NAME]` comments anywhere.
type ignores struct {
	file  map[string]int // transform (or "*") -> line
	above []ignoreAbove
}

type ignoreAbove struct {
	line  int
	index int // instruction
	names map[string]bool
}

func readIgnores(d *Document) ignores {
	ig := ignores{}
	if !strings.Contains(d.Src, "drydock:ignore") {
		return ig
	}
	for at := 0; at < len(d.Src); {
		end := nextLine(d.Src, at)
		text := strings.TrimSpace(d.Src[at:end])
		line, _ := d.Pos(at)
		body, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimLeft(text, "#")), "drydock:ignore")
		if !strings.HasPrefix(text, "#") || !ok || strings.Trim(body[:min(1, len(body))], "=- \t") != "" {
			at = end
			continue
		}
		if names, file := strings.CutPrefix(body, "-file"); file {
			if ig.file == nil {
				ig.file = map[string]int{}
			}
			for n := range splitNames(names) {
				ig.file[n] = line
			}
		} else {
			for _, in := range d.Instructions {
				if (Span{in.Lead(), in.Span.End}).Contains(Span{at, at}) && at < in.Span.End {
					ig.above = append(ig.above, ignoreAbove{line, in.Index, splitNames(body)})
					break
				}
			}
		}
		at = end
	}
	return ig
}

// splitNames reads "=a,b reason…"; without names it means every transform.
func splitNames(s string) map[string]bool {
	out := map[string]bool{}
	s, ok := strings.CutPrefix(s, "=")
	if !ok {
		out["*"] = true
		return out
	}
	s, _, _ = strings.Cut(s, " ")
	for _, n := range strings.Split(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out[n] = true
		}
	}
	return out
}

// covers tells whether a comment forbids the change, and its line.
func (ig ignores) covers(name string, d *Document, c Change) (int, bool) {
	for _, n := range []string{name, "*"} {
		if line, ok := ig.file[n]; ok {
			return line, true
		}
	}
	for _, a := range ig.above {
		if !a.names[name] && !a.names["*"] {
			continue
		}
		in := d.Instructions[a.index]
		if c.At == in {
			return a.line, true
		}
		for _, e := range c.Edits {
			if e.Touches(in.Span) {
				return a.line, true
			}
		}
	}
	return 0, false
}
