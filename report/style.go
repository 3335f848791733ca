package report

import "strings"

// Style colours text for a terminal; the zero value leaves it plain.
type Style struct{ On bool }

func (s Style) paint(code, t string) string {
	if !s.On || t == "" {
		return t
	}
	return "\x1b[" + code + "m" + t + "\x1b[0m"
}

// The colours and weights that drydock uses.
func (s Style) Bold(t string) string   { return s.paint("1", t) }
func (s Style) Dim(t string) string    { return s.paint("2", t) }
func (s Style) Red(t string) string    { return s.paint("31", t) }
func (s Style) Green(t string) string  { return s.paint("32", t) }
func (s Style) Yellow(t string) string { return s.paint("33", t) }
func (s Style) Cyan(t string) string   { return s.paint("36", t) }

// Patch colours a unified diff line by line, as git does.
func (s Style) Patch(diff string) string {
	if !s.On {
		return diff
	}
	var b strings.Builder
	inHunk := false
	for _, line := range strings.SplitAfter(diff, "\n") {
		text := strings.TrimRight(line, "\r\n")
		end := line[len(text):]
		switch {
		case text == "":
		case strings.HasPrefix(text, "@@"):
			inHunk = true
			text = s.Cyan(text)
		case strings.HasPrefix(text, "--- a/"), strings.HasPrefix(text, "--- /dev/null"), strings.HasPrefix(text, `--- "a/`):
			inHunk = false
			text = s.Bold(text)
		case !inHunk:
			text = s.Bold(text)
		case text[0] == '-':
			text = s.Red(text)
		case text[0] == '+':
			text = s.Green(text)
		}
		b.WriteString(text + end)
	}
	return b.String()
}
