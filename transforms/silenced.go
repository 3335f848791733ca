package transforms

import (
	"strings"

	"drydock/rewrite"
)

// silenced reports whether a comment tells a linter to let the instruction
// pass: then it is written so on purpose. rules are hadolint's numbers and the
// names of BuildKit's checks: `# hadolint ignore=DL3004` stands right above,
// `# hadolint global ignore=` and `# check=skip=` anywhere at the top
// (https://github.com/hadolint/hadolint#ignoring-rules,
// https://docs.docker.com/build/checks/).
func silenced(in *rewrite.Instruction, rules ...string) bool {
	d := in.Doc()
	for _, part := range [2]string{d.Src[in.Lead():in.Span.Start], d.Src[:d.Instructions[0].Span.Start]} {
		for part != "" {
			line, rest, _ := strings.Cut(part, "\n")
			part = rest
			speaks := strings.Contains(line, "hadolint") && strings.Contains(line, "ignore") || strings.Contains(line, "check=")
			for _, r := range rules {
				if speaks && strings.Contains(line, r) {
					return true
				}
			}
		}
	}
	return false
}
