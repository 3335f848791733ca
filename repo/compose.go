package repo

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A tolerant reading of compose files: it takes the keys it knows and leaves
// the rest, where compose-go would validate, merge and refuse.

// maxYAMLDepth bounds anchors, merges and extends that refer to each other.
const maxYAMLDepth = 30

func readCompose(file string, src []byte) (out []Build) {
	dec := yaml.NewDecoder(bytes.NewReader([]byte(text(src))))
	err := guard(func() error {
		for range 100 {
			var doc yaml.Node
			if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if len(doc.Content) == 1 {
				out = append(out, composeServices(file, doc.Content[0])...)
			}
		}
		return nil
	})
	if err != nil {
		out = append(out, Build{File: file, Err: "it is not valid YAML: " + short(err.Error())})
	}
	return out
}

func composeServices(file string, doc *yaml.Node) (out []Build) {
	services := yamlMap(get(doc, "services"), 0)
	if services == nil && get(doc, "version") == nil { // compose file format 1
		services = yamlMap(doc, 0)
	}
	for _, s := range services {
		body := extended(s.value, services, 0)
		if body == nil {
			continue
		}
		b := composeService(file, body)
		b.Service, b.Line = s.key, s.line
		out = append(out, b)
	}
	return out
}

// extended is a service with what it takes over by "extends" from a service of
// the same file. Another file's service is listed with that file.
func extended(n *yaml.Node, services []yamlPair, depth int) []yamlPair {
	own := yamlMap(n, 0)
	e := pick(own, "extends")
	if e == nil || depth > maxYAMLDepth {
		return own
	}
	name := scalar(e)
	if e.Kind == yaml.MappingNode {
		if get(e, "file") != nil {
			return own
		}
		name = scalar(get(e, "service"))
	}
	for _, s := range services {
		if s.key == name {
			return append(own[:len(own):len(own)], extended(s.value, services, depth+1)...) // the first of a key wins
		}
	}
	return own
}

func composeService(file string, body []yamlPair) Build {
	b := Build{File: file}
	if build := pick(body, "build"); build != nil {
		switch build.Kind {
		case yaml.ScalarNode:
			b.resolveBuild(scalar(build), "", false)
		case yaml.MappingNode:
			m := yamlMap(build, 0)
			b.resolveBuild(scalar(pick(m, "context")), scalar(pick(m, "dockerfile")), pick(m, "dockerfile_inline") != nil)
			b.Target = scalar(pick(m, "target"))
			b.Args = names(pick(m, "args"))
			b.Values = values(pick(m, "args"))
			b.Contexts = names(pick(m, "additional_contexts"))
		}
	}
	b.image = scalar(pick(body, "image"))
	b.User = scalar(pick(body, "user"))
	b.WorkingDir = scalar(pick(body, "working_dir"))
	b.ReadOnly = truth(pick(body, "read_only"))
	b.Privileged = truth(pick(body, "privileged"))
	b.CapAdd = scalars(pick(body, "cap_add"))
	b.NetworkMode = scalar(pick(body, "network_mode"))
	b.Devices = scalars(pick(body, "devices"))
	b.Ports = shortSyntax(pick(body, "ports"), "published")
	b.Volumes = shortSyntax(pick(body, "volumes"), "source")
	b.Command = command(pick(body, "command"))
	b.Entrypoint = command(pick(body, "entrypoint"))
	for _, w := range sequence(pick(yamlMap(pick(body, "develop"), 0), "watch")) {
		if p := scalar(get(w, "path")); p != "" && !path.IsAbs(p) {
			b.Watch = append(b.Watch, join(path.Dir(file), p))
		}
	}
	if h := yamlMap(pick(body, "healthcheck"), 0); h != nil {
		test := pick(h, "test")
		switch {
		case truth(pick(h, "disable")):
			b.Healthcheck = []string{"NONE"}
		case test != nil && test.Kind == yaml.ScalarNode:
			b.Healthcheck = []string{"CMD-SHELL", scalar(test)}
		default:
			b.Healthcheck = scalars(test)
		}
	}
	return b
}

// command: compose splits a string into words and runs no shell.
func command(n *yaml.Node) []string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return scalars(n)
	}
	s := scalar(n)
	if words, ok := shellWords(s); ok {
		return words
	}
	return []string{s}
}

// shortSyntax turns the long form of ports and volumes into the short one.
func shortSyntax(n *yaml.Node, from string) (out []string) {
	for _, e := range sequence(n) {
		if e.Kind == yaml.ScalarNode {
			out = append(out, scalar(e))
			continue
		}
		m := yamlMap(e, 0)
		s, target := scalar(pick(m, from)), scalar(pick(m, "target"))
		if s != "" {
			target = s + ":" + target
		}
		if truth(pick(m, "read_only")) {
			target += ":ro"
		}
		if target != "" {
			out = append(out, target)
		}
	}
	return out
}

// names are the keys of args, given as a map or as a list of NAME=value.
func names(n *yaml.Node) (out []string) {
	if n != nil && n.Kind == yaml.SequenceNode {
		for _, s := range scalars(n) {
			name, _, _ := strings.Cut(s, "=")
			out = append(out, strings.TrimSpace(name))
		}
	} else {
		for _, p := range yamlMap(n, 0) {
			out = append(out, p.key)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// values are the pairs of a mapping or of a list of NAME=VALUE, those whose value
// is written in the file.
func values(n *yaml.Node) map[string]string {
	out := map[string]string{}
	keep := func(name, value string) {
		if name = strings.TrimSpace(name); name != "" && !strings.Contains(value, "${") {
			out[name] = value
		}
	}
	if n != nil && n.Kind == yaml.SequenceNode {
		for _, s := range scalars(n) {
			if name, value, ok := strings.Cut(s, "="); ok {
				keep(name, value)
			}
		}
		return out
	}
	for _, p := range yamlMap(n, 0) {
		if v := alias(p.value); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
			keep(p.key, scalar(v))
		}
	}
	return out
}

type yamlPair struct {
	key   string
	line  int
	value *yaml.Node
}

// yamlMap returns the pairs of a mapping, "<<" merges behind its own; nil for
// anything else. Aliases are followed without being copied.
func yamlMap(n *yaml.Node, depth int) (out []yamlPair) {
	n = alias(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > maxYAMLDepth {
		return nil
	}
	var merged []yamlPair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], alias(n.Content[i+1])
		if k.Tag != "!!merge" && k.Value != "<<" {
			out = append(out, yamlPair{k.Value, k.Line, v})
			continue
		}
		if v != nil && v.Kind == yaml.SequenceNode {
			for _, e := range v.Content {
				merged = appendNew(merged, yamlMap(e, depth+1))
			}
		} else {
			merged = appendNew(merged, yamlMap(v, depth+1))
		}
	}
	return appendNew(out, merged)
}

// appendNew keeps a mapping no larger than its keys: merges of merges, the
// "billion laughs" of YAML, add nothing.
func appendNew(to, more []yamlPair) []yamlPair {
	seen := make(map[string]bool, len(to))
	for _, p := range to {
		seen[p.key] = true
	}
	for _, p := range more {
		if !seen[p.key] {
			seen[p.key] = true
			to = append(to, p)
		}
	}
	return to
}

func alias(n *yaml.Node) *yaml.Node {
	for range maxYAMLDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

func pick(m []yamlPair, key string) *yaml.Node {
	for _, p := range m {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// get follows keys down from a mapping; nil where one is missing.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = pick(yamlMap(n, 0), key)
	}
	return n
}

// scalar is a node's text with variables at their defaults; "" for null and
// for anything that is not a scalar.
func scalar(n *yaml.Node) string {
	n = alias(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return defaults(n.Value)
}

func truth(n *yaml.Node) bool { return strings.EqualFold(scalar(n), "true") }

func sequence(n *yaml.Node) (out []*yaml.Node) {
	n = alias(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, e := range n.Content {
		if e = alias(e); e != nil {
			out = append(out, e)
		}
	}
	return out
}

func scalars(n *yaml.Node) (out []string) {
	for _, e := range sequence(n) {
		if e.Kind == yaml.ScalarNode {
			out = append(out, scalar(e))
		}
	}
	return out
}
