package rewrite

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// plainNode is the node that BuildKit's parser makes of an instruction, for the
// forms that can be told from our words alone: its line parsers
// (frontend/dockerfile/parser/line_parsers.go) without their regular
// expressions. nil where the form isn't plain. confirm holds it against the
// parser's own at the end of a run.
func plainNode(in *Instruction, escape byte) *parser.Node {
	args := in.Args.Text
	if len(in.Heredocs) > 0 || args == "" || strings.HasPrefix(args, "--") {
		return nil
	}
	n := &parser.Node{Original: in.Text, StartLine: in.Line, EndLine: in.EndLine}
	for _, f := range in.Flags {
		if strings.ContainsAny(f.Text, "\"'"+string(escape)) {
			return nil
		}
		n.Flags = append(n.Flags, f.Text)
	}
	switch in.Keyword {
	case "run", "cmd", "entrypoint":
		if args[0] != '[' {
			n.Next = &parser.Node{Value: args}
			break
		}
		var list []string
		if json.Unmarshal([]byte(args), &list) != nil || len(list) == 0 || strings.Contains(args, "null") {
			return nil
		}
		n.Next, n.Attributes = nodeList(list), map[string]bool{"json": true}
	case "copy", "add":
		if args[0] == '[' {
			return nil
		}
		var list []string
		for _, w := range in.Fields() {
			list = append(list, w.Text)
		}
		n.Next = nodeList(list)
	case "env", "label":
		if args[len(args)-1] == escape {
			return nil
		}
		var list []string
		for _, w := range assignments(in.Args, rune(escape)) {
			key, value, ok := strings.Cut(w.Text, "=")
			if !ok {
				return nil
			}
			list = append(list, key, value, "=")
		}
		n.Next = nodeList(list)
	case "workdir", "user", "maintainer", "stopsignal":
		n.Next = &parser.Node{Value: args}
	default:
		return nil
	}
	word := strings.TrimSpace(in.Text)
	n.Value = word[:len(in.Keyword)]
	return n
}

func nodeList(values []string) *parser.Node {
	var first *parser.Node
	for _, v := range slices.Backward(values) {
		first = &parser.Node{Value: v, Next: first}
	}
	return first
}

// sameNode reports whether two nodes say the same; lines and comments aside.
func sameNode(a, b *parser.Node) bool {
	for ; a != nil && b != nil; a, b = a.Next, b.Next {
		if a.Value != b.Value || !slices.Equal(a.Flags, b.Flags) || !maps.Equal(a.Attributes, b.Attributes) || !slices.EqualFunc(a.Children, b.Children, sameNode) {
			return false
		}
	}
	return a == b
}
