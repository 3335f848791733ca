package config

// What a configuration file may hold.

import (
	"slices"
	"strings"
	"sync"

	"drydock/checks"
	"drydock/rewrite"
	"drydock/transforms"
)

// shape is what may stand at one place of a file. A place may take several kinds: a
// word or a map, say.
type shape struct {
	doc   string
	def   string   // what the schema defines once and refers to by this name
	keys  []key    // of a map, as the documentation orders them
	what  string   // what the keys or words are names of, for messages
	needs []string // keys that must be there
	rules *shape   // of keys of the form CHECK/RULE
	items *shape   // of a list
	some  bool     // the list holds something
	words []word   // one of these words
	yesno bool     // true or false; with words in it they mean on and off
	text  form     // free text
}

type key struct {
	name string
	*shape
}

type word struct {
	text, doc string
	def       string // of several words that the schema defines once
}

// form is what free text must look like; schema.go says it to JSON Schema.
type form string

const (
	line    form = "text"
	day     form = "date"
	pattern form = "gitignore-pattern"
	folder  form = "folder"
)

// rulesOf is the check whose rules have names of their own.
const rulesOf = "buildkit"

// ruleNames are the names of the form CHECK/RULE.
var ruleNames = sync.OnceValue(func() []string {
	var out []string
	for _, rule := range checks.BuildKitRules() {
		out = append(out, rulesOf+"/"+rule)
	}
	return out
})

// top is the shape of a file.
var top = sync.OnceValue(func() *shape {
	paths := &shape{doc: "The Dockerfiles that it is for: patterns as in .gitignore, relative to this file's folder.", items: &shape{text: pattern}, some: true}
	override := &shape{
		what: "setting", needs: []string{"paths"},
		keys: append([]key{{"paths", paths}}, settings()...),
	}
	ignore := &shape{
		what: "setting of an ignore", needs: []string{"rule", "reason"},
		keys: []key{
			{"rule", &shape{doc: "The transform or check, or one rule of a check (" + rulesOf + "/RULE).", what: "transform or check", words: allNames()}},
			{"path", &shape{doc: "Only these Dockerfiles: a pattern as in .gitignore, relative to this file's folder.", text: pattern}},
			{"instruction", &shape{doc: "Only instructions with these words in this order.", text: line}},
			{"reason", &shape{doc: "Why. It is shown wherever something was passed over.", text: line}},
			{"until", &shape{doc: "The last day on which it holds: 2027-01-31.", text: day}},
		},
	}
	keys := []key{{"root", &shape{doc: "true: configuration files of the folders above don't count.", yesno: true}}}
	keys = append(keys, settings()...)
	keys = append(keys,
		key{"exclude", &shape{doc: "Dockerfiles to leave alone: patterns as in .gitignore, relative to this file's folder.", items: &shape{text: pattern}}},
		key{"ignores", &shape{doc: "What to pass over, and why.", items: ignore}},
		key{"overrides", &shape{doc: "Settings for some Dockerfiles, over those above. Of several the last one wins.", items: override}})
	return &shape{doc: "Settings of drydock for the Dockerfiles in this folder and below.", what: "setting", keys: keys}
})

// settings may stand at the top and in an override.
func settings() []key {
	return []key{
		{"safety", &shape{doc: "How far fix may go.", words: []word{
			{text: Safe, doc: "Only what the program inside can't notice."},
			{text: Unsafe, doc: "Also what rests on an assumption, as --unsafe."},
		}}},
		{"base", &shape{doc: "The kind of image that programs run on, as --base.", words: bases()}},
		{"context", &shape{doc: "The build context's folder, relative to this file's folder, as --context.", text: folder}},
		{"with", &shape{def: "with", doc: "Transforms and checks that run only when they are asked for.", items: &shape{what: "transform or check that runs only when asked for", words: optIns()}}},
		{"transforms", &shape{def: "transforms", doc: "What each transform may do.", what: "transform", keys: transformKeys()}},
		{"checks", &shape{def: "checks", doc: "Which checks run, and how much their findings weigh.", what: "check", keys: checkKeys(), rules: checkShape("One rule of " + rulesOf + ".")}},
	}
}

func bases() []word {
	var out []word
	for _, k := range BaseKinds() {
		out = append(out, word{text: k})
	}
	return out
}

func optIns() []word {
	var out []word
	for _, t := range transforms.All() {
		if t.OptIn {
			out = append(out, word{text: t.Name, doc: t.Summary + "."})
		}
	}
	for _, c := range checks.All() {
		if c.OptIn {
			out = append(out, word{text: c.Name, doc: c.Summary + "."})
		}
	}
	return out
}

func allNames() []word {
	var out []word
	for _, t := range transforms.All() {
		out = append(out, word{text: t.Name})
	}
	for _, c := range checks.All() {
		out = append(out, word{text: c.Name})
	}
	for _, rule := range ruleNames() {
		out = append(out, word{text: rule})
	}
	return out
}

func transformKeys() []key {
	var out []key
	for _, t := range transforms.All() {
		out = append(out, key{t.Name, transformShape(t)})
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(a.name, b.name) })
	return out
}

// transformShape: on, off, a level of safety or a policy, or a map of them.
func transformShape(t *rewrite.Transform) *shape {
	run := &shape{doc: "Whether it runs.", words: switches(), yesno: true}
	safety := &shape{doc: "Whether what it assumes holds here.", words: safeties()}
	out := &shape{doc: t.Summary + ".", what: "setting of " + t.Name, yesno: true, keys: []key{{"run", run}, {"safety", safety}, {"severity", &shape{doc: "How much what it tells weighs in reports.", words: severities}}}}
	out.words = append(switches(), safety.words...)
	if len(t.Policies) > 0 {
		policy := &shape{doc: "How it works.", what: "policy of " + t.Name}
		for _, p := range t.Policies {
			policy.words = append(policy.words, word{text: p.Name, doc: p.Summary + "."})
		}
		out.words = append(out.words, policy.words...)
		out.keys = append(out.keys, key{"policy", policy})
	}
	return out
}

func switches() []word { return []word{{on, "It runs.", "switch"}, {off, "It doesn't run.", "switch"}} }

func safeties() []word {
	return []word{
		{Safe, "Never a change that rests on an assumption, not with --unsafe either.", "assumptions"},
		{Unsafe, "What it assumes holds here: fix makes its changes without --unsafe.", "assumptions"},
	}
}

func checkKeys() []key {
	var out []key
	for _, c := range checks.All() {
		out = append(out, key{c.Name, checkShape(c.Summary + ".")})
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(a.name, b.name) })
	return out
}

func checkShape(doc string) *shape {
	return &shape{doc: doc, yesno: true, words: append(switches(), severities...)}
}

func (s *shape) key(name string) *shape {
	for _, k := range s.keys {
		if k.name == name {
			return k.shape
		}
	}
	if s.rules != nil && slices.Contains(ruleNames(), name) {
		return s.rules
	}
	return nil
}

func (s *shape) has(text string) bool {
	return slices.ContainsFunc(s.words, func(w word) bool { return w.text == text })
}

// names are the words and keys that may stand there.
func (s *shape) names() (words, keys []string) {
	for _, w := range s.words {
		words = append(words, w.text)
	}
	for _, k := range s.keys {
		keys = append(keys, k.name)
	}
	if s.rules != nil {
		keys = append(keys, ruleNames()...)
	}
	return words, keys
}
