package config

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// TestSchemaIsPublished holds docs/schema/config.json to what `drydock config schema` prints.
func TestSchemaIsPublished(t *testing.T) {
	const file = "../docs/schema/config.json"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, Schema(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != string(Schema()) {
		t.Errorf("%s isn't the schema (%v): go run ./cmd/drydock config schema >docs/schema/config.json", file, err)
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: string(pattern), Validate: func(v any) error {
		if text, ok := v.(string); ok && !isPattern(text) {
			return fmt.Errorf("%q is no pattern", text)
		}
		return nil
	}})
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaAgrees makes documents, sound ones and such with something wrong in them: the
// reader finds a mistake exactly where the schema does.
func TestSchemaAgrees(t *testing.T) {
	schema := compiled(t)
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, wrong: rapid.IntRange(0, 3).Draw(t, "wrong")}
		doc := g.value(top())
		text, err := yaml.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		_, mistakes := Parse("c", "/d", text)
		verdict := schema.Validate(asJSON(doc))
		if (len(mistakes) == 0) != (verdict == nil) {
			t.Fatalf("%s\nthe reader: %v\nthe schema: %v", text, mistakes, verdict)
		}
		if verdict == nil {
			good++
		} else {
			bad++
		}
	})
	if good < 10 || bad < 10 {
		t.Errorf("%d good documents and %d bad ones prove little", good, bad)
	}
}

// generator makes documents by the shape of a file, in which so many places are wrong.
type generator struct {
	t     *rapid.T
	wrong int
}

func pick[T any](g *generator, from []T) T {
	return rapid.SampledFrom(from).Draw(g.t, "pick")
}

var odd = []any{"", " ", "none", "off", "on", true, false, 7, 1.5, nil, []any{}, []any{"x"}, map[string]any{}, map[string]any{"x": 1}, "2027-02-30", "2027-01-31", "[a", `a\`, "!", "buildkit/X", "buildkit/", "merge-run", "all", "note"}

func (g *generator) value(s *shape) any {
	if g.wrong > 0 && rapid.IntRange(0, 5).Draw(g.t, "spoil") == 0 {
		g.wrong--
		return pick(g, odd)
	}
	var kinds []func() any
	if s.keys != nil {
		kinds = append(kinds, func() any { return g.object(s) })
	}
	if s.items != nil {
		kinds = append(kinds, func() any {
			out := []any{}
			for range rapid.IntRange(0, 3).Draw(g.t, "items") {
				out = append(out, g.value(s.items))
			}
			return out
		})
	}
	if s.words != nil {
		kinds = append(kinds, func() any { return pick(g, s.words).text })
	}
	if s.yesno {
		kinds = append(kinds, func() any { return rapid.Bool().Draw(g.t, "switch") })
	}
	switch s.text {
	case line, folder:
		kinds = append(kinds, func() any { return pick(g, []string{"x", "a b", "..", "it's: #1"}) })
	case pattern:
		kinds = append(kinds, func() any { return pick(g, []string{"a/**", "!b", "*.x/", "[a-c]d"}) })
	case day:
		kinds = append(kinds, func() any { return pick(g, []string{"2027-01-31", "2028-02-29"}) })
	}
	return pick(g, kinds)()
}

func (g *generator) object(s *shape) any {
	out := map[string]any{}
	for _, k := range s.keys {
		needed := strings.Contains(strings.Join(s.needs, " "), k.name)
		if needed && (g.wrong == 0 || rapid.IntRange(0, 5).Draw(g.t, "keep") > 0) || rapid.IntRange(0, len(s.keys)).Draw(g.t, "take") < 3 {
			out[k.name] = g.value(k.shape)
		}
	}
	if s.rules != nil && rapid.Bool().Draw(g.t, "rule") {
		out["buildkit/JSONArgsRecommended"] = g.value(s.rules)
	}
	if g.wrong > 0 && rapid.IntRange(0, 3).Draw(g.t, "key") == 0 {
		g.wrong--
		out[pick(g, []string{"nope", "merge-run", "secrets", "buildkit/", "root", "run"})] = "x"
	}
	return out
}

// asJSON is a value as JSON has it.
func asJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = asJSON(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = asJSON(x)
		}
		return out
	case int:
		return float64(v)
	}
	return v
}

// FuzzConfig: whatever stands in a file, the reader comes to an end, its mistakes have
// places in the text and are one line each, and what it accepts the schema accepts.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", "# nothing", "root: true\n", "\ufeffroot: true\r\n", "a: &a [*a]\n", "a: &a b\nc: *a\n", "<<: {root: true}\n", "? [a]\n: b\n", "---\n---\n",
		string(Template("x")), tenMistakes, "transforms:\n\tmerge-run: off\n", "exclude: [\"[\"]\n", "!!map {root: !!bool true}\n", "root: true\nroot: true\n", "ignores: [{rule: merge-run, reason: x}]\n",
		strings.Repeat("[", 500), strings.Repeat("a: {", 300), "with: [cache-mounts,", "a: \"\\x1b[31m\"\n", "\x00", "root: yes\n", "\u2028: x\n", "until: 2027-01-31\n",
	} {
		f.Add([]byte(seed))
	}
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		begin := time.Now()
		file, mistakes := Parse("c.yaml", "/d", src)
		if d := time.Since(begin); d > time.Minute {
			t.Fatalf("%v", d)
		}
		if (file == nil) != (len(mistakes) > 0) {
			t.Fatalf("a file (%v) or mistakes (%v)", file, mistakes)
		}
		lines := strings.Count(string(src), "\n") + 1 + strings.Count(string(src), "\r") + strings.Count(string(src), "\u2028") + strings.Count(string(src), "\u2029") + strings.Count(string(src), "\u0085")
		for _, m := range mistakes {
			if text := m.Error(); m.What == "" || m.Do == "" || strings.ContainsAny(text, "\n\r\x1b") || m.Line > lines {
				t.Fatalf("%q (of %d lines)", text, lines)
			}
		}
		if file == nil {
			return
		}
		var doc any
		if err := yaml.Unmarshal(src, &doc); err != nil {
			return // what only decoding refuses
		}
		if err := schema.Validate(dated(doc)); err != nil {
			t.Fatalf("%q is read, and the schema says %v", src, err)
		}
		again, err := AddIgnore(src, Ignore{Rule: "merge-run", Reason: "x"})
		if err == nil {
			if _, mistakes := Parse("c.yaml", "/d", again); len(mistakes) > 0 {
				t.Fatalf("%q with an ignore: %v", src, mistakes)
			}
		}
	})
}

// dated is a document in which days are texts, as JSON has them.
func dated(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = dated(x)
		}
	case []any:
		for i, x := range v {
			v[i] = dated(x)
		}
	case time.Time:
		return v.Format(time.DateOnly)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "no number of JSON's"
		}
	}
	return v
}
