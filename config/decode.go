package config

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode fills a File in from a document that holds no mistake.
func decode(f *File, root *yaml.Node) {
	f.Settings = f.settings(root)
	if n := get(root, "root"); n != nil {
		f.Root = plain(n, true) == on
	}
	for _, n := range items(get(root, "exclude")) {
		f.Exclude = append(f.Exclude, f.at(n))
		f.exclude.Add(n.Value)
	}
	for _, n := range items(get(root, "ignores")) {
		text := func(key string) string {
			if v := get(n, key); v != nil {
				return v.Value
			}
			return ""
		}
		i := Ignore{Rule: text("rule"), Path: text("path"), Instruction: text("instruction"), Reason: strings.Join(strings.Fields(text("reason")), " "), Until: text("until"), From: f.at(get(n, "rule"))}
		i.match.Add(i.Path)
		f.Ignores = append(f.Ignores, i)
	}
	for _, n := range items(get(root, "overrides")) {
		o := Override{Settings: f.settings(n)}
		for _, p := range items(get(n, "paths")) {
			o.Paths = append(o.Paths, p.Value)
			o.match.Add(p.Value)
		}
		f.Overrides = append(f.Overrides, o)
	}
}

// settings reads what may stand at the top and in an override.
func (f *File) settings(n *yaml.Node) Settings {
	s := Settings{Rules: map[string]Rule{}}
	if v := get(n, "safety"); v != nil {
		s.Safety = f.at(v)
	}
	if v := get(n, "base"); v != nil {
		s.Base = f.at(v)
	}
	if v := get(n, "context"); v != nil {
		s.Context = f.at(v)
		if s.Context.Text = filepath.FromSlash(v.Value); !filepath.IsAbs(s.Context.Text) {
			s.Context.Text = filepath.Join(f.dir, s.Context.Text)
		}
	}
	for _, v := range items(get(n, "with")) {
		s.Rules[v.Value] = Rule{Run: Value{on, f.Path, v.Line}}
	}
	for _, section := range []string{"transforms", "checks"} {
		names := get(n, section)
		for i := 0; names != nil && i+1 < len(names.Content); i += 2 {
			name := names.Content[i].Value
			s.Rules[name] = s.Rules[name].over(f.rule(names.Content[i+1], section == "checks"))
		}
	}
	return s
}

// rule reads one transform's or check's setting.
func (f *File) rule(n *yaml.Node, check bool) (r Rule) {
	if n.Kind == yaml.MappingNode {
		for key, to := range map[string]*Value{"run": &r.Run, "safety": &r.Safety, "policy": &r.Policy, "severity": &r.Severity} {
			if v := get(n, key); v != nil {
				*to = f.at(v)
				to.Text = plain(v, key == "run")
			}
		}
		return r
	}
	v := f.at(n)
	v.Text = plain(n, true)
	switch {
	case v.Text == on || v.Text == off:
		r.Run = v
	case check:
		r.Severity, r.Run = v, Value{on, v.File, v.Line}
	case v.Text == Safe || v.Text == Unsafe:
		r.Safety = v
	default: // naming a policy asks for the transform too
		r.Policy, r.Run = v, Value{on, v.File, v.Line}
	}
	return r
}

// at is a value with its place.
func (f *File) at(n *yaml.Node) Value { return Value{n.Value, f.Path, n.Line} }

func get(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	return n.Content
}
