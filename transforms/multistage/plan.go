package multistage

import (
	"fmt"
	"slices"
	"strings"
)

// The plan in words, and how its lines are set.

// explain adds a sentence to the plan.
func (s *split) explain(format string, args ...any) {
	s.plan = append(s.plan, fmt.Sprintf(format, args...))
}

// explainRest adds to the plan what the driver did by itself.
func (s *split) explainRest(cut int) {
	if left := s.apt.left; len(left) > 0 {
		slices.Sort(left)
		s.explain("only the build stage installs %s", strings.Join(slices.Compact(left), ", "))
	}
	var again, moved []string
	for _, in := range s.stage.Instructions[:cut+1] {
		if in.Keyword != "copy" && in.Keyword != "add" && in.Keyword != "run" {
			continue
		}
		switch s.roles[in] {
		case inBoth:
			again = append(again, lineOf(in))
		case inRuntime:
			moved = append(moved, lineOf(in))
		}
	}
	say := func(lines []string, what string) {
		word := "line "
		if len(lines) > 1 {
			word = "lines "
		}
		if len(lines) > 0 {
			s.explain("%s%s %s", word, strings.Join(lines, ", "), what)
		}
	}
	say(again, "in both stages: the build and the program need it")
	say(moved, "in the runtime stage alone: the build doesn't need it")
}

// blocks joins lines, with blank lines between different keywords where the
// stage sets its instructions apart so.
func (s *split) blocks(lines []string) string {
	pairs, apart := 0, 0
	for in := s.stage.From; in.Next() != nil; in = in.Next() {
		pairs++
		if gap := s.doc.Src[in.Span.End:in.Next().Lead()]; strings.Contains(gap, "\n") {
			apart++
		}
	}
	var b strings.Builder
	last := ""
	for i, l := range lines {
		keyword, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		if i > 0 && 2*apart > pairs && keyword != last {
			b.WriteByte('\n')
		}
		b.WriteString(l)
		last = keyword
	}
	return b.String()
}
