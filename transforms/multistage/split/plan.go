package split

import (
	"fmt"
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
)

// The plan in words, and how its lines are set.

// Explain adds a sentence to the plan.
func (s *Split) Explain(format string, args ...any) {
	s.Plan = append(s.Plan, fmt.Sprintf(format, args...))
}

// explainRest adds to the plan what the driver did by itself.
func (s *Split) explainRest(cut int) {
	if left := s.Apt.Left; len(left) > 0 {
		slices.Sort(left)
		s.Explain("only the build stage installs %s", strings.Join(slices.Compact(left), ", "))
	}
	var again, moved []string
	for _, in := range s.Stage.Instructions[:cut+1] {
		if in.Keyword != "copy" && in.Keyword != "add" && in.Keyword != "run" {
			continue
		}
		switch s.Roles[in] {
		case InBoth:
			again = append(again, cmdline.LineOf(in))
		case InRuntime:
			moved = append(moved, cmdline.LineOf(in))
		}
	}
	say := func(lines []string, what string) {
		word := "line "
		if len(lines) > 1 {
			word = "lines "
		}
		if len(lines) > 0 {
			s.Explain("%s%s %s", word, strings.Join(lines, ", "), what)
		}
	}
	say(again, "in both stages: the build and the program need it")
	say(moved, "in the runtime stage alone: the build doesn't need it")
}

// blocks joins lines, with blank lines between different keywords where the
// stage sets its instructions apart so.
func (s *Split) blocks(lines []string) string {
	pairs, apart := 0, 0
	for in := s.Stage.From; in.Next() != nil; in = in.Next() {
		pairs++
		if gap := s.Doc.Src[in.Span.End:in.Next().Lead()]; strings.Contains(gap, "\n") {
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
