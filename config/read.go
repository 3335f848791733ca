package config

// From text to a File, or to everything that is wrong with it.

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/util/suggest"
	"go.yaml.in/yaml/v3"

	"drydock/checks"
	"drydock/repo"
	"drydock/said"
	"drydock/transforms"
)

// MaxSize bounds a configuration file, in bytes.
const MaxSize = 256 << 10

// Parse reads a configuration file. name is what users call it and dir, absolute, the
// folder that its patterns and folders are relative to. The mistakes are all that can be
// seen in one reading; with one of them there is no File.
func Parse(name, dir string, src []byte) (*File, Mistakes) {
	root, mistakes := document(name, src)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	f := &File{Path: name, dir: dir}
	if root == nil {
		return f, nil
	}
	r := &reader{file: name}
	r.value(root, top(), "")
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Col - b.Col
		})
		return nil, r.mistakes
	}
	decode(f, root)
	return f, nil
}

// document is the one document of a file; nil for a file that says nothing.
func document(name string, src []byte) (*yaml.Node, Mistakes) {
	one := func(line, col int, what, do string) (*yaml.Node, Mistakes) {
		return nil, Mistakes{{name, line, col, what, do}}
	}
	if len(src) > MaxSize {
		return one(0, 0, fmt.Sprintf("more than %d KiB", MaxSize>>10), "this is no configuration of drydock; drydock config init writes one")
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if err.Error() == "EOF" {
			return nil, nil
		}
		return nil, syntax(name, src, err)
	}
	if err := dec.Decode(&second); err == nil {
		return one(second.Line, second.Column, "a second document begins here", "keep one, without ---")
	} else if err.Error() != "EOF" {
		return nil, syntax(name, src, err)
	}
	if len(doc.Content) == 0 || null(doc.Content[0]) && doc.Content[0].Anchor == "" && doc.Content[0].Style&yaml.TaggedStyle == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// syntax explains what the YAML library says. It stops at the first mistake, and its
// lines lack a column: for tabs, which are what people get wrong, all lines are told.
func syntax(name string, src []byte, err error) (out Mistakes) {
	lines := strings.Split(string(src), "\n")
	for i, l := range lines {
		if at := strings.IndexByte(l, '\t'); at >= 0 && strings.Trim(l[:at], " -") == "" && strings.TrimSpace(l) != "" {
			out = append(out, Mistake{name, i + 1, at + 1, "a tab in the indentation", "indent with spaces"})
		}
	}
	if len(out) > 0 {
		return out
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if anchor, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		anchor, _, _ = strings.Cut(anchor, "'")
		for i, l := range lines {
			if at := strings.Index(l, "*"+anchor); at >= 0 {
				return Mistakes{{name, i + 1, at + 1, "an alias (*" + said.Printable(anchor) + ")", "write out what it stands for; where * begins a text, quote it"}}
			}
		}
	}
	if strings.Contains(text, "expected alphabetic or numeric character") {
		for i, l := range lines {
			if at := strings.IndexAny(l, "*&"); at >= 0 && strings.Contains(":-[{,", lastOf(l[:at])) {
				out = append(out, Mistake{name, i + 1, at + 1, fmt.Sprintf("in YAML %c begins an alias or an anchor", l[at]), "quote the text: \"*.md\""})
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	line, col := 1, 1
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, why, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, text = n, why
		}
	}
	line = min(line, len(lines))
	if l := lines[line-1]; strings.TrimSpace(l) != "" {
		col = len(l) - len(strings.TrimLeft(l, " ")) + 1
	}
	return Mistakes{{name, line, col, "not YAML: " + said.Printable(text), "mend it here or just above; quote texts with *, &, !, #, {, [ or \": \" in them"}}
}

// lastOf is the last character of a text that isn't blank.
func lastOf(text string) string {
	text = strings.TrimRight(text, " ")
	return text[max(len(text)-1, 0):]
}

// reader holds a document against its shape.
type reader struct {
	file     string
	mistakes Mistakes
}

func (r *reader) add(n *yaml.Node, what, do string) {
	r.mistakes = append(r.mistakes, Mistake{r.file, max(n.Line, 1), max(n.Column, 1), what, do})
}

// value holds one value against its shape; of is the key that it belongs to.
func (r *reader) value(n *yaml.Node, s *shape, of string) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.add(n, "an alias (*"+said.Printable(n.Value)+")", "write out what it stands for")
		return
	case n.Anchor != "":
		r.add(n, "an anchor (&"+said.Printable(n.Anchor)+")", "leave it out: each place says what it means")
		return
	case n.Style&yaml.TaggedStyle != 0:
		r.add(n, "a tag ("+said.Printable(n.Tag)+")", "leave it out")
		return
	case n.Kind == yaml.MappingNode && s.keys != nil:
		r.object(n, s)
		return
	case n.Kind == yaml.SequenceNode && s.items != nil:
		if s.some && len(n.Content) == 0 {
			r.add(n, of+" is empty", s.sample(of))
		}
		for _, item := range n.Content {
			r.value(item, s.items, of)
		}
		return
	case null(n) && s.needs == nil && !s.some && (s.items != nil || s.keys != nil && s.words == nil):
		return // everything below is commented out
	case n.Kind == yaml.ScalarNode && (s.words != nil || s.rules != nil && s.keys == nil || s.yesno || s.text != ""):
		r.scalar(n, s, of)
		return
	}
	r.add(n, fmt.Sprintf("%s is %s, and %s stands here", orFile(of), s.wants(), kind(n)), s.sample(of))
}

func (r *reader) object(n *yaml.Node, s *shape) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch at, twice := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Anchor != "":
			r.add(k, "this is no name of a "+s.what, "write NAME: VALUE")
			continue
		case twice:
			r.add(k, fmt.Sprintf("%s stands here a second time; the first is on line %d", quoted(k.Value), at), "keep one of them")
		}
		if seen[k.Value] == 0 {
			seen[k.Value] = k.Line
		}
		if of := s.key(k.Value); of != nil {
			r.value(v, of, k.Value)
		} else {
			r.unknown(k, s)
		}
	}
	for _, name := range s.needs {
		if seen[name] == 0 {
			r.add(n, name+" is missing", s.key(name).sample(name))
		}
	}
}

// unknown explains a key that isn't there.
func (r *reader) unknown(k *yaml.Node, s *shape) {
	what, do := fmt.Sprintf("no %s is called %s", s.what, quoted(k.Value)), ""
	_, keys := s.names()
	for _, other := range top().keys {
		switch inner := other.key(k.Value); {
		case s.what == "transform" && other.name == "checks" && inner != nil:
			do = "it is a check: set it below checks"
		case s.what == "check" && other.name == "transforms" && inner != nil:
			do = "it is a transform: set it below transforms"
		case s == top() && inner != nil && other.what != "" && do == "":
			do = fmt.Sprintf("it is a %s: set it below %s", other.what, other.name)
		}
	}
	if near, ok := nearest(k.Value, keys); do == "" && ok {
		do = fmt.Sprintf("did you mean %s?", near)
	}
	switch {
	case do != "":
	case s.rules != nil && strings.HasPrefix(k.Value, rulesOf+"/"):
		do = "there are " + list(ruleNames(), "and")
	default:
		_, keys = (&shape{keys: s.keys}).names()
		do = "there are " + list(keys, "and")
	}
	r.add(k, what, do)
}

func (r *reader) scalar(n *yaml.Node, s *shape, of string) {
	text := plain(n, s.yesno)
	isText := n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp"
	words, _ := s.names()
	switch {
	case s.yesno && n.ShortTag() == "!!bool":
	case s.words == nil && s.yesno:
		r.add(n, fmt.Sprintf("%s is true or false, not %s", of, quoted(n.Value)), "write "+of+": true, or leave it out")
	case s.text != "" && !isText:
		r.add(n, fmt.Sprintf("%s is %s, and %s stands here", of, s.wants(), kind(n)), s.sample(of))
	case s.text != "":
		r.text(n, s, of)
	case s.has(text) && isText:
	default:
		do := ""
		if near, ok := nearest(text, words); ok {
			do = fmt.Sprintf("did you mean %s?", near)
		} else if owner := policyOwner(text); owner != "" && strings.HasPrefix(s.what, "setting of ") {
			do = fmt.Sprintf("it is a policy of %s; choose %s", owner, list(words, "or"))
		} else if same := speakOf(text); same != "" && s.what == "transform or check" {
			do = fmt.Sprintf("it is another linter's rule; here the name is %s", same)
		} else if strings.HasPrefix(text, rulesOf+"/") {
			do = "there are " + list(ruleNames(), "and")
		} else if len(words) > 20 {
			do = "drydock list has the names"
		} else {
			do = "choose " + list(words, "or")
		}
		what := fmt.Sprintf("%s can't be %s", of, quoted(n.Value))
		if s.what != "" && !strings.HasPrefix(s.what, "setting of ") {
			what = fmt.Sprintf("no %s is called %s", s.what, quoted(n.Value))
		}
		r.add(n, what, do)
	}
}

// nearest is the name that was meant, perhaps; of two letters every name is near.
func nearest(name string, names []string) (string, bool) {
	if len(name) < 3 {
		return "", false
	}
	return suggest.Search(name, names, true)
}

// text holds free text against its form.
func (r *reader) text(n *yaml.Node, s *shape, of string) {
	switch {
	case strings.TrimSpace(n.Value) == "":
		r.add(n, of+" says nothing", s.sample(of))
	case s.text == day:
		if _, err := time.Parse(time.DateOnly, n.Value); err != nil {
			r.add(n, quoted(n.Value)+" is no day", s.sample(of))
		}
	case s.text == pattern && !isPattern(n.Value):
		r.add(n, quoted(n.Value)+" is no pattern", "close every [, and put something behind a \\ and a !; a name that begins with # gets a \\ in front")
	case s.text == folder && strings.ContainsRune(n.Value, 0):
		r.add(n, quoted(n.Value)+" is no folder", s.sample(of))
	}
}

func isPattern(text string) bool {
	var ps repo.GitPatterns
	return ps.Add(text)
}

// speakOf are the transforms and checks that speak of the same as another linter's rule,
// "" for none.
func speakOf(rule string) string {
	var out []string
	for _, t := range transforms.All() {
		if slices.Contains(t.Rules, rule) {
			out = append(out, t.Name)
		}
	}
	for _, c := range checks.All() {
		if slices.Contains(c.Rules, rule) {
			out = append(out, c.Name)
		}
	}
	return list(out, "or")
}

// policyOwner is a transform that has such a policy, "" when none has.
func policyOwner(policy string) string {
	for _, t := range topTransforms() {
		for _, k := range t.keys {
			if k.name == "policy" && k.has(policy) {
				return t.name
			}
		}
	}
	return ""
}

func topTransforms() []key { return top().key("transforms").keys }

// plain is a scalar as settings have it: true and false of a switch are on and off.
func plain(n *yaml.Node, yesno bool) string {
	if yesno && n.ShortTag() == "!!bool" {
		if strings.EqualFold(n.Value, "true") {
			return on
		}
		return off
	}
	return n.Value
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
