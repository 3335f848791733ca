package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
)

// SchemaName is how the schema's file is called beside a configuration.
const SchemaName = ".drydock.schema.json"

// formats are the forms of free text in JSON Schema. gitignore-pattern and folder are no
// standard ones: who doesn't know a format passes over it.
var formats = map[form]map[string]any{
	line:    {"type": "string", "pattern": `\S`},
	day:     {"type": "string", "format": "date"},
	pattern: {"type": "string", "format": string(pattern), "pattern": `\S`},
	folder:  {"type": "string", "pattern": `^[^\x00]*\S[^\x00]*$`},
}

// Schema is the JSON Schema (draft 2020-12) of a configuration file, for editors.
func Schema() []byte {
	defs := definitions{}
	s := defs.of(top())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "drydock"
	s["type"] = []string{"object", "null"}
	s["$defs"] = defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	_ = e.Encode(s) // maps and texts: it can't fail
	return b.Bytes()
}

// definitions are what the schema says once, by name.
type definitions map[string]any

func reference(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

// of says a shape in JSON Schema.
func (d definitions) of(s *shape) map[string]any {
	if s.def == "" {
		return d.body(s)
	}
	if d[s.def] == nil {
		d[s.def] = d.body(s)
	}
	return reference(s.def)
}

func (d definitions) body(s *shape) map[string]any {
	var kinds []any
	if s.keys != nil {
		kinds = append(kinds, d.object(s))
	}
	if s.items != nil {
		list := map[string]any{"type": []string{"array", "null"}, "items": d.of(s.items)}
		if s.some {
			list["type"], list["minItems"] = "array", 1
		}
		kinds = append(kinds, list)
	}
	if s.text != "" {
		kinds = append(kinds, maps.Clone(formats[s.text]))
	}
	kinds = append(kinds, d.words(s.words)...)
	if s.yesno {
		kinds = append(kinds, map[string]any{"type": "boolean"})
	}
	out := map[string]any{"anyOf": kinds}
	if len(kinds) == 1 {
		out = kinds[0].(map[string]any)
	}
	if s.doc != "" {
		out["description"] = s.doc
	}
	return out
}

func (d definitions) words(words []word) (out []any) {
	var plain []string // words that say nothing of themselves
	defined := map[string][]any{}
	for _, w := range words {
		one := map[string]any{"const": w.text, "description": w.doc}
		switch {
		case w.doc == "":
			plain = append(plain, w.text)
		case w.def == "":
			out = append(out, one)
		default:
			if defined[w.def] == nil {
				out = append(out, reference(w.def))
			}
			defined[w.def] = append(defined[w.def], one)
		}
	}
	for name, ones := range defined {
		d[name] = map[string]any{"anyOf": ones}
	}
	if plain != nil {
		out = append(out, map[string]any{"enum": plain})
	}
	return out
}

func (d definitions) object(s *shape) map[string]any {
	properties := map[string]any{}
	for _, k := range s.keys {
		properties[k.name] = d.of(k.shape)
	}
	out := map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if s.words != nil || s.needs != nil {
		out["type"] = "object"
	}
	if s.needs != nil {
		out["required"] = s.needs
	}
	if s.rules != nil {
		out["patternProperties"] = map[string]any{"^(" + strings.Join(ruleNames(), "|") + ")$": d.of(s.rules)}
	}
	return out
}
