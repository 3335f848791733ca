package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/schema/report.json, and add new fields to testdata")

// schemaFile is the published schema of the JSON form.
var schemaFile = filepath.Join("..", "docs", "schema", "report.json")

// document is what JSON writes.
type document struct {
	// Version is the version of this form. It grows when a field changes its meaning or goes.
	Version int `json:"version"`
	// Error tells why the run failed as a whole; left out when it didn't.
	Error string `json:"error,omitempty"`
	// Files are the Dockerfiles, in the order in which they were found.
	Files []*File `json:"files"`
}

// enums are the closed sets of values, by type and field.
var enums = map[string][]string{
	"Outcome.status":   {"applied", "offered", "unproven", "dropped"},
	"Outcome.safety":   {"safe", "assumes"},
	"Outcome.severity": {SeverityError, SeverityWarning, SeverityNote},
	"Finding.severity": {SeverityError, SeverityWarning, SeverityNote},
}

// schemaOf makes a JSON schema (draft 2020-12) of the types, with the comments of
// their fields as descriptions. A field without omitempty is required. Further
// fields are allowed: newer versions may bring them.
type schemaOf struct {
	defs     map[string]any
	comments map[string]map[string]string // by package path, then "Type" or "Type.Field"
	missing  []string
	fields   []string // "Type.field", all of them
}

func (s *schemaOf) of(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{s.of(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Struct:
		name := defName(t)
		if _, known := s.defs[name]; !known {
			s.defs[name] = nil
			s.defs[name] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	panic("no schema of " + t.String())
}

// defName is the name of a type; those of other packages bear theirs before it.
func defName(t reflect.Type) string {
	if pkg := filepath.Base(t.PkgPath()); pkg != "report" {
		return pkg + t.Name()
	}
	return t.Name()
}

func (s *schemaOf) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		id := defName(t) + "." + name
		p := s.of(f.Type)
		p["description"] = s.comment(t, t.Name()+"."+f.Name)
		if p["description"] == "" {
			s.missing = append(s.missing, t.PkgPath()+"."+t.Name()+"."+f.Name)
		}
		if e := enums[id]; e != nil {
			p["enum"] = e
		}
		properties[name] = p
		s.fields = append(s.fields, id)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return map[string]any{"type": "object", "description": s.comment(t, t.Name()), "properties": properties, "required": required}
}

// comment is the documentation of a type or a field, in one line.
func (s *schemaOf) comment(t reflect.Type, name string) string {
	if s.comments[t.PkgPath()] == nil {
		s.comments[t.PkgPath()] = readComments(t.PkgPath())
	}
	return s.comments[t.PkgPath()][name]
}

func readComments(pkg string) map[string]string {
	out := map[string]string{}
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		panic(fmt.Sprintf("go list %s: %v", pkg, err))
	}
	names, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			panic(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				return true
			}
			for _, spec := range d.Specs {
				ts := spec.(*ast.TypeSpec)
				st, ok := ts.Type.(*ast.StructType)
				if !ok {
					continue
				}
				out[ts.Name.Name] = words(ts.Doc, d.Doc)
				for _, field := range st.Fields.List {
					for _, id := range field.Names {
						out[ts.Name.Name+"."+id.Name] = words(field.Doc, field.Comment)
					}
				}
			}
			return true
		})
	}
	return out
}

// words is the first of these comments that says something.
func words(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := oneLine(g.Text()); text != "" {
			return text
		}
	}
	return ""
}

// The published schema is that of the types, each field has a description, and no
// field goes or is renamed without another Version.
func TestSchema(t *testing.T) {
	s := &schemaOf{defs: map[string]any{}, comments: map[string]map[string]string{}}
	ref := s.of(reflect.TypeFor[document]())
	for _, m := range s.missing {
		t.Errorf("%s has no comment, which the schema's readers need", m)
	}
	top := s.defs["document"].(map[string]any)
	top["properties"].(map[string]any)["version"].(map[string]any)["const"] = Version
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "drydock --format json",
		"description": "What drydock fix, diff, check, verify, update, bases and replay write with --format json. Fields that a reader doesn't know are to be passed over.",
		"$ref":        ref["$ref"], "$defs": s.defs,
	}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s is not what the types say (%v): go test ./report -run Schema -update writes it", schemaFile, err)
	}
	holdFields(t, s.fields)
}

// holdFields holds the fields against those that this Version has had so far. -update
// adds to the list, and takes nothing from it.
func holdFields(t *testing.T, now []string) {
	name := filepath.Join("testdata", fmt.Sprintf("fields-v%d.txt", Version))
	text, err := os.ReadFile(name)
	if err != nil && !*update {
		t.Fatal(err)
	}
	had := strings.Fields(string(text))
	for _, f := range had {
		if !slices.Contains(now, f) {
			t.Errorf("%s is gone: put it back, or let report.Version grow", f)
		}
	}
	all := slices.Concat(had, now)
	slices.Sort(all)
	all = slices.Compact(all)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if len(all) > len(had) {
		t.Errorf("%s lacks new fields: go test ./report -run Schema -update adds them", name)
	}
}

// The page about forms has the table of forms.
func TestFormsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := ""
	for _, f := range Forms() {
		stream := "at the end"
		if f.Stream {
			stream = "yes"
		}
		rows += fmt.Sprintf("| `%s` | %s | %s |\n", f.Name, f.For, stream)
	}
	if !strings.Contains(string(page), "| --- | --- | --- |\n"+rows+"\n") {
		t.Errorf("docs/formats.md needs this table:\n%s", rows)
	}
}
