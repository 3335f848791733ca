package config

// How mistakes are worded.

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kind says what stands somewhere.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!binary":
		return "binary data"
	}
	return "a text"
}

// wants says what belongs somewhere.
func (s *shape) wants() string {
	switch {
	case s.items != nil:
		return "a list"
	case s.keys != nil && s.words != nil:
		return "a word or a map"
	case s.keys != nil:
		return "a map"
	case s.text == day:
		return "a day"
	case s.text == pattern:
		return "a pattern"
	case s.text == folder:
		return "a folder"
	case s.text != "":
		return "a text"
	case s.words == nil:
		return "true or false"
	}
	return "a word"
}

// sample says what to write.
func (s *shape) sample(of string) string {
	switch {
	case s.items != nil && s.items.keys != nil:
		return "write \"" + of + ":\" and below it \"- " + s.items.needs[0] + ": …\" for each"
	case s.items != nil && of == "exclude" || of == "paths":
		return "write " + of + ": [legacy/**]"
	case s.items != nil:
		return "write " + of + ": [NAME, NAME]"
	case of == "":
		return "write NAME: VALUE, line by line"
	case s.words != nil && len(s.words) < 12:
		words, _ := s.names()
		return "choose " + list(words, "or")
	case s.words != nil:
		return "drydock list has the names"
	case s.keys != nil:
		return "write \"" + of + ":\" and below it NAME: VALUE, indented"
	case s.text == day:
		return "write the last day as " + of + ": 2027-01-31"
	case s.text == pattern:
		return "write " + of + ": services/**"
	case s.text == folder:
		return "write " + of + ": FOLDER"
	case of == "reason":
		return "write reason: and why it is passed over"
	case s.text != "":
		return "write " + of + ": TEXT, in quotes where it looks like something else"
	}
	return "write " + of + ": true"
}

func orFile(of string) string {
	if of == "" {
		return "the file"
	}
	return of
}

// quoted is a stranger's text as messages show it.
func quoted(text string) string {
	const longest = 60
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return strconv.Quote(text)
}

// list is "a, b and c".
func list(names []string, and string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + and + " " + names[last]
}
