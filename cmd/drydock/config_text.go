package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"drydock/said"
	"drydock/transforms"
)

// text is the settings as a configuration would say them, each with its place in a comment.
func (s *shown) text() string {
	var b strings.Builder
	put := func(setting string, from ...shownValue) {
		fmt.Fprintf(&b, "%-40s # %s\n", setting, cameFrom(from))
	}
	fmt.Fprintf(&b, "# %s\n", said.Printable(s.Path))
	switch {
	case len(s.Files) == 0:
		b.WriteString("# no .drydock.yaml: these are the defaults\n")
	default:
		var names []string
		for _, f := range s.Files {
			names = append(names, said.Printable(f))
		}
		fmt.Fprintf(&b, "# from %s\n", strings.Join(names, ", "))
	}
	if x := s.Excluded; x != nil {
		fmt.Fprintf(&b, "# left alone: %s excludes it (%s)\n", cameFrom([]shownValue{*x}), said.Printable(x.Value))
	}
	put("safety: "+s.Safety.Value, s.Safety)
	put("base: "+s.Base.Value, s.Base)
	if s.Context != nil {
		put("context: "+strconv.Quote(s.Context.Value), *s.Context)
	}
	b.WriteString("transforms:\n")
	for _, t := range transforms.All() {
		put("  "+s.Transforms[t.Name].line(t.Name, false), s.Transforms[t.Name].all()...)
	}
	b.WriteString("checks:\n")
	for _, name := range slices.Sorted(maps.Keys(s.Checks)) {
		put("  "+s.Checks[name].line(name, true), s.Checks[name].all()...)
	}
	if len(s.Ignores) > 0 {
		b.WriteString("ignores:\n")
	}
	for _, i := range s.Ignores {
		ended := ""
		if i.Ended {
			ended = ", ended"
		}
		fmt.Fprintf(&b, "  - rule: %-30s # %s:%d%s\n", i.Rule, said.Printable(i.File), i.Line, ended)
		for _, l := range [][2]string{{"path", i.Path}, {"instruction", i.Instruction}, {"reason", i.Reason}} {
			if l[1] != "" {
				fmt.Fprintf(&b, "    %s: %s\n", l[0], strconv.Quote(l[1]))
			}
		}
		if i.Until != "" {
			fmt.Fprintf(&b, "    until: %s\n", i.Until)
		}
	}
	return b.String()
}

// line is a rule as the configuration says it: in a word where one says all, as a
// transform's severity alone doesn't.
func (r shownRule) line(name string, check bool) string {
	var parts []string
	if r.Policy != nil && (r.Policy.File != "" || r.Run.Value == "on") {
		parts = append(parts, "policy: "+r.Policy.Value)
	}
	if r.Safety != nil {
		parts = append(parts, "safety: "+r.Safety.Value)
	}
	if r.Severity.File != "" {
		parts = append(parts, "severity: "+r.Severity.Value)
	}
	switch {
	case r.Run.Value == "off":
		return name + ": off"
	case len(parts) == 0:
		return name + ": on"
	case len(parts) == 1 && (check || r.Severity.File == ""):
		_, word, _ := strings.Cut(parts[0], ": ")
		return name + ": " + word
	}
	return name + ": {" + strings.Join(parts, ", ") + "}"
}

// all are the values that somebody set, or the switch.
func (r shownRule) all() []shownValue {
	out := []shownValue{r.Run}
	if r.Run.Value == "off" {
		return out
	}
	for _, v := range []*shownValue{r.Policy, r.Safety, &r.Severity} {
		if v != nil && v.File != "" {
			out = append(out, *v)
		}
	}
	return out
}

// cameFrom names the places of values, each once; "default" for none.
func cameFrom(from []shownValue) string {
	var out []string
	for _, v := range from {
		if at := fmt.Sprintf("%s:%d", said.Printable(v.File), v.Line); v.File != "" && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	if out == nil {
		return "default"
	}
	return strings.Join(out, ", ")
}
