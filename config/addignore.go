package config

// Writing an ignore into a configuration file that people look after by hand.

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// AddIgnore adds an ignore to the text of a configuration file ("" for a new one) behind
// those that stand there. Everything else stays as it is: comments, order, line ends.
// Only Rule, Path, Instruction, Reason and Until are written. The error says what is wrong
// with the ignore or the text (Mistakes), or that the entry has to be written by hand.
func AddIgnore(text []byte, ig Ignore) ([]byte, error) {
	ig.Instruction, ig.Reason = strings.Join(strings.Fields(ig.Instruction), " "), strings.Join(strings.Fields(ig.Reason), " ")
	fields := [][2]string{{"rule", ig.Rule}, {"path", ig.Path}, {"instruction", ig.Instruction}, {"reason", ig.Reason}, {"until", ig.Until}}
	fields = slices.DeleteFunc(fields, func(f [2]string) bool { return f[1] == "" && f[0] != "reason" && f[0] != "rule" })
	entry := make([]string, len(fields))
	for i, f := range fields {
		entry[i] = f[0] + ": " + scalar(f[0], f[1])
	}
	if _, mistakes := Parse("the ignore", "", []byte("ignores: [{"+strings.Join(entry, ", ")+"}]\n")); len(mistakes) > 0 {
		m := mistakes[0] // its places are those of a text that nobody sees
		m.Line, m.Col = 0, 0
		return nil, m
	}
	before, mistakes := Parse("the configuration", "", text)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	root, _ := document("", text)
	out, ok := insert(text, root, entry)
	byHand := errors.New("the ignore can't be put into this file: write it by hand below ignores: - {" + strings.Join(entry, ", ") + "}")
	if !ok {
		return nil, byHand
	}
	after, mistakes := Parse("the configuration", "", out)
	if len(mistakes) > 0 || !addedTo(before, after, ig) {
		return nil, byHand
	}
	return out, nil
}

// insert puts the entry where it belongs.
func insert(text []byte, root *yaml.Node, entry []string) ([]byte, bool) {
	eol := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		eol = "\r\n"
	}
	block := func(indent int) string {
		pad := strings.Repeat(" ", indent)
		return pad + "- " + strings.Join(entry, eol+pad+"  ") + eol
	}
	put := func(at int, what string) ([]byte, bool) {
		if at > 0 && text[at-1] != '\n' {
			what = eol + what
		}
		return slices.Concat(text[:at], []byte(what), text[at:]), true
	}
	if root == nil {
		return put(len(text), "ignores:"+eol+block(2))
	}
	if root.Style&yaml.FlowStyle != 0 {
		return nil, false
	}
	margin := root.Column - 1
	at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == "ignores" })
	if at < 0 || at%2 == 1 {
		return put(contentEnd(text, len(text), -1), strings.Repeat(" ", margin)+"ignores:"+eol+block(margin+2))
	}
	value := root.Content[at+1]
	end := len(text)
	if at+2 < len(root.Content) {
		end = offset(text, root.Content[at+2].Line, 1)
	}
	switch {
	case null(value) && value.Value == "": // "ignores:" and nothing else
		return put(offset(text, root.Content[at].Line+1, 1), block(margin+2))
	case value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle != 0:
		open := offset(text, value.Line, value.Column)
		if open >= len(text) || text[open] != '[' {
			return nil, false
		}
		one := "{" + strings.Join(entry, ", ") + "}"
		if len(value.Content) > 0 {
			one += ", "
		}
		return slices.Concat(text[:open+1], []byte(one), text[open+1:]), true
	case value.Kind == yaml.SequenceNode:
		return put(contentEnd(text, end, margin), block(value.Column-1))
	}
	return nil, false
}

// contentEnd goes back from end over blank lines, the end of the document, and comments
// that are indented by no more than margin (none for -1): they belong to what follows.
func contentEnd(text []byte, end, margin int) int {
	for end > 0 {
		start := bytes.LastIndexByte(text[:end-1], '\n') + 1
		l := string(text[start:end])
		body := strings.TrimSpace(l)
		comment := strings.HasPrefix(body, "#") && len(l)-len(strings.TrimLeft(l, " ")) <= margin
		if body != "" && body != "..." && !comment {
			break
		}
		end = start
	}
	return end
}

// offset is where a line and column (1-based, of characters) begin.
func offset(text []byte, line, col int) int {
	at := 0
	for ; line > 1; line-- {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			return len(text)
		}
		at += n + 1
	}
	l := text[at:]
	if at == 0 {
		l = bytes.TrimPrefix(l, []byte("\ufeff"))
		at = len(text) - len(l)
	}
	for i := range string(l) {
		if col--; col == 0 {
			return at + i
		}
	}
	return len(text)
}

// scalar writes a text so that it reads back as that text, in block and in flow.
func scalar(key, text string) string {
	if key == "until" {
		return text
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if plainWord := strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ./-_()") == "" && text == strings.TrimSpace(text) && text != "" && !strings.HasPrefix(text, "-"); !plainWord {
		n.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSpace(string(out))
}

// addedTo tells that after is before with one more ignore.
func addedTo(before, after *File, ig Ignore) bool {
	key := func(i Ignore) string {
		return strings.Join([]string{i.Rule, i.Path, i.Instruction, i.Reason, i.Until}, "\x00")
	}
	var was, is []string
	for _, i := range before.Ignores {
		was = append(was, key(i))
	}
	for _, i := range after.Ignores {
		is = append(is, key(i))
	}
	was = append(was, key(ig))
	slices.Sort(was)
	slices.Sort(is)
	return slices.Equal(was, is) && sameBut(before, after)
}

// sameBut compares what is not about ignores, places apart.
func sameBut(a, b *File) bool {
	return reflect.DeepEqual(outline(a), outline(b))
}

func outline(f *File) any {
	texts := func(s Settings) any {
		rules := map[string][4]string{}
		for name, r := range s.Rules {
			rules[name] = [4]string{r.Run.Text, r.Policy.Text, r.Safety.Text, r.Severity.Text}
		}
		return []any{s.Safety.Text, s.Base.Text, s.Context.Text, rules}
	}
	out := []any{f.Root, texts(f.Settings)}
	for _, e := range f.Exclude {
		out = append(out, e.Text)
	}
	for _, o := range f.Overrides {
		out = append(out, o.Paths, texts(o.Settings))
	}
	return out
}
