package repo

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// bakeTarget is what drydock needs of a bake target; nil means not said, so
// that "inherits" can fill it in.
type bakeTarget struct {
	Context    *string        `json:"context"`
	Dockerfile *string        `json:"dockerfile"`
	Inline     *string        `json:"dockerfile-inline"`
	Target     *string        `json:"target"`
	Args       map[string]any `json:"args"`
	Contexts   map[string]any `json:"contexts"`
	Inherits   []string       `json:"inherits"`
	line       int
}

func readBakeJSON(file string, src []byte) []Build {
	var doc struct {
		Target   map[string]json.RawMessage `json:"target"`
		Variable map[string]struct {
			Default any `json:"default"`
		} `json:"variable"`
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(src, &doc); err != nil {
		return []Build{{File: file, Err: "it is not valid JSON: " + short(err.Error())}}
	}
	vars := map[string]string{}
	for name, v := range doc.Variable {
		if s, ok := v.Default.(string); ok {
			vars[name] = s
		}
	}
	targets := map[string]*bakeTarget{}
	var bad []Build
	for name, raw := range doc.Target {
		t := &bakeTarget{}
		if err := json.Unmarshal(raw, t); err != nil {
			bad = append(bad, Build{File: file, Service: name, Err: "target " + name + " cannot be understood"})
		}
		t.line = jsonLine(src, "target", name)
		targets[name] = t
	}
	return append(bakeBuilds(file, targets, vars), bad...)
}

func bakeBuilds(file string, targets map[string]*bakeTarget, vars map[string]string) (out []Build) {
	done := map[string]*bakeTarget{}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		t := inherit(targets, name, done)
		b := Build{File: file, Line: t.line, Service: name}
		value := func(s *string) string {
			if s == nil {
				return ""
			}
			v := *s
			for range 10 {
				before := v
				for k, d := range vars {
					v = strings.ReplaceAll(v, "${"+k+"}", d)
				}
				if v == before || len(v) > 4096 {
					break
				}
			}
			return v
		}
		b.resolveBuild(value(t.Context), value(t.Dockerfile), t.Inline != nil)
		b.Target = value(t.Target)
		b.Args = slices.Sorted(maps.Keys(t.Args))
		b.Values = map[string]string{}
		for name, v := range t.Args {
			if text, ok := v.(string); ok {
				if text = value(&text); !strings.Contains(text, "${") {
					b.Values[name] = text
				}
			}
		}
		b.Contexts = slices.Sorted(maps.Keys(t.Contexts))
		out = append(out, b)
	}
	return out
}

// inherit merges the targets that name inherits, later ones over earlier ones
// and its own values over all (https://docs.docker.com/build/bake/inheritance/).
// done keeps what is merged; a target that inherits itself gets its own values.
func inherit(targets map[string]*bakeTarget, name string, done map[string]*bakeTarget) *bakeTarget {
	if t := done[name]; t != nil {
		return t
	}
	t := &bakeTarget{Args: map[string]any{}, Contexts: map[string]any{}}
	own := targets[name]
	if own == nil {
		return t
	}
	done[name] = t
	t.line = own.line
	over := func(o *bakeTarget) {
		for _, f := range []struct{ to, from **string }{
			{&t.Context, &o.Context}, {&t.Dockerfile, &o.Dockerfile}, {&t.Inline, &o.Inline}, {&t.Target, &o.Target},
		} {
			if *f.from != nil {
				*f.to = *f.from
			}
		}
		maps.Copy(t.Args, o.Args)
		maps.Copy(t.Contexts, o.Contexts)
	}
	for _, parent := range own.Inherits {
		over(inherit(targets, parent, done))
	}
	over(own)
	return t
}

// readBakeHCL scans HCL without evaluating it: blocks target "NAME" { ... }
// with string attributes, args, and the defaults of variables. Functions,
// conditions and matrix values stay as written.
func readBakeHCL(file string, src []byte) []Build {
	toks := hclTokens(text(src))
	targets := map[string]*bakeTarget{}
	vars := map[string]string{}
	for i := 0; i < len(toks); i++ {
		if (toks[i].s != "target" && toks[i].s != "variable") || toks[i].kind != hclWord || i+2 >= len(toks) ||
			toks[i+1].kind != hclString || toks[i+2].s != "{" {
			continue
		}
		end := hclEnd(toks, i+2)
		name, body := toks[i+1].s, hclBody(toks[i+3:end])
		if toks[i].s == "variable" {
			if v := body["default"]; len(v) == 1 && v[0].kind == hclString {
				vars[name] = v[0].s
			}
		} else {
			targets[name] = hclTarget(body, toks[i].line)
		}
		i = end
	}
	return bakeBuilds(file, targets, vars)
}

func hclTarget(body map[string][]hclToken, line int) *bakeTarget {
	t := &bakeTarget{line: line, Args: map[string]any{}, Contexts: map[string]any{}}
	for key, to := range map[string]**string{"context": &t.Context, "dockerfile": &t.Dockerfile, "dockerfile-inline": &t.Inline, "target": &t.Target} {
		v := body[key]
		switch {
		case len(v) == 0 || (len(v) == 1 && v[0].s == "null" && v[0].kind == hclWord):
		case len(v) == 1 && v[0].kind == hclString:
			*to = &v[0].s
		case len(v) == 1 && v[0].kind == hclWord: // a variable
			s := "${" + v[0].s + "}"
			*to = &s
		default:
			var parts []string
			for _, tok := range v {
				parts = append(parts, tok.s)
			}
			s := "${" + short(strings.Join(parts, " ")) + "}"
			*to = &s
		}
	}
	for key, to := range map[string]map[string]any{"args": t.Args, "contexts": t.Contexts} {
		if v := body[key]; len(v) > 1 && v[0].s == "{" {
			for name := range hclBody(v[1 : len(v)-1]) {
				to[name] = nil
			}
		}
	}
	for _, tok := range body["inherits"] {
		if tok.kind == hclString {
			t.Inherits = append(t.Inherits, tok.s)
		}
	}
	return t
}
