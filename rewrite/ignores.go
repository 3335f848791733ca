package rewrite

import (
	"fmt"
	"strings"
)

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
				if strings.Contains(text, r) {
					line, _ := d.Pos(at)
					return fmt.Sprintf("the comment on line %d lets %s pass", line, r)
				}
			}
		}
	}
	return ""
}
