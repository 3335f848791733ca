package config

import (
	"fmt"
	"strings"

	"drydock/checks"
	"drydock/transforms"
)

// Template is a configuration file that says every default, each in a comment: with the #
// taken away a line means what it says. schema is where editors find the schema.
func Template(schema string) []byte {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	doc := func(name string) { put("\n# %s", top().key(name).doc) }

	put("# yaml-language-server: $schema=%s", schema)
	put("# Settings of drydock for the Dockerfiles in this folder and below. Take the # in front")
	put("# of a setting away to change it; what stands behind it is the default. drydock config")
	put("# show [PATH] tells what holds for a Dockerfile, and which line says so.")
	doc("root")
	put("#root: false")
	doc("safety")
	put("#safety: safe  # or unsafe: %s", "also what rests on an assumption")
	doc("base")
	put("#base: slim  # or %s", strings.Join(BaseKinds()[1:], ", "))
	doc("context")
	put("# Without it compose, bake and CI files tell, then what the Dockerfile copies.")
	put("#context: .")
	doc("with")
	put("#with: []")
	doc("exclude")
	put("#exclude: []")

	doc("transforms")
	put("# on, off, a policy, safe (never assume anything), unsafe (what it assumes holds here), or")
	put("# several of them: {policy: …, safety: …, severity: note}.")
	put("#transforms:")
	for _, t := range transforms.All() {
		value, more := on, ""
		if len(t.Policies) > 0 && !t.OptIn {
			value = t.Policies[0].Name
			var names []string
			for _, p := range t.Policies[1:] {
				names = append(names, p.Name)
			}
			more = "; or " + strings.Join(names, ", ")
		}
		if t.OptIn {
			value = off
		}
		put("#  %s: %s  # %s%s", t.Name, value, t.Summary, more)
	}

	doc("checks")
	put("# on, off, or how much a finding weighs: error, warning or note. One rule of %s: %s/RULE.", rulesOf, rulesOf)
	put("#checks:")
	for _, c := range checks.All() {
		value := on
		if c.OptIn {
			value = off
		}
		put("#  %s: %s  # %s", c.Name, value, c.Summary)
	}

	doc("ignores")
	put("#ignores:")
	put("#   - rule: merge-run")
	put("#     path: legacy/**                 # only there")
	put("#     instruction: RUN make           # only instructions with these words")
	put("#     reason: the layers are shared   # must be said")
	put("#     until: 2027-01-31               # the last day")

	doc("overrides")
	put("#overrides:")
	put("#   - paths: [services/**]")
	put("#     safety: unsafe")
	return []byte(b.String())
}
