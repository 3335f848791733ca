package report

import (
	"strings"

	"drydock/said"
)

// MarkdownPlain is a text in one line that Markdown shows as it is: no markup, no HTML.
// What a forge would make of @name, #1 and addresses is kept from it by a space
// without width: nobody shall be called by a Dockerfile.
func MarkdownPlain(s string) string {
	s = said.Printable(oneLine(s))
	var b strings.Builder
	if opens(s) {
		b.WriteString("\u200b")
	}
	for i, r := range s {
		if r < 0x80 && strings.ContainsRune("\\`*_[]<>|~&#!$", r) {
			b.WriteByte('\\')
		}
		if r == '/' && strings.HasSuffix(s[:i], ":") && strings.HasPrefix(s[i:], "//") {
			b.WriteString("\u200b")
		}
		if r == '.' && strings.HasSuffix(strings.ToLower(s[:i]), "www") {
			b.WriteString("\u200b")
		}
		b.WriteRune(r)
		if r == '@' || r == '#' || r == '!' {
			b.WriteString("\u200b")
		}
	}
	return b.String()
}

// opens tells that a line begins like a list, a rule or a heading.
func opens(s string) bool {
	rest := strings.TrimLeft(s, "0123456789")
	blank := func(t string) bool { return t == "" || t[0] == ' ' || t[0] == '\t' }
	switch {
	case s == "":
		return false
	case len(rest) < len(s):
		return rest != "" && (rest[0] == '.' || rest[0] == ')') && blank(rest[1:])
	case s[0] == '-' || s[0] == '+':
		return blank(s[1:]) || strings.Trim(s, s[:1]) == ""
	}
	return strings.Trim(s, "=") == ""
}

// MarkdownCode is a text in one line as a code span, whatever backquotes it has.
func MarkdownCode(s string) string {
	s = said.Printable(oneLine(s))
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if s == "" || strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// markdownFence is a fence longer than any run of backquotes in the text.
func markdownFence(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}

// markdownBlock is a block of code. Controls but tabs and line breaks are shown as
// said does it, and so is what turns the direction of writing.
func markdownBlock(language, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, _ = strings.CutSuffix(line, "\n")
		parts := strings.Split(line, "\t")
		for i := range parts {
			parts[i] = said.Printable(parts[i])
		}
		b.WriteString(strings.Join(parts, "\t") + "\n")
	}
	fence := markdownFence(b.String())
	return fence + language + "\n" + b.String() + fence + "\n"
}

// htmlText is a text in one line between HTML's tags.
func htmlText(s string) string { return xmlPath(oneLine(s)) }
