package rewrite

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The gates on what others refer to: stages, build args, and the syntax version
// that the file names.

// gateStages: names of stages and build args that compose, bake or CI files may
// use stay, and references by number still mean the same stage.
func gateStages(before, after *Document, c Change) error {
	for _, s := range before.Stages {
		if s.Name == "" {
			continue
		}
		t := after.StageByRef(s.Name, -1)
		if t == nil {
			return fmt.Errorf("stage name %s would vanish", s.Name)
		}
		if s.Name == c.Demoted {
			continue
		}
		if (s == before.Final()) != (t == after.Final()) && before.StageByRef(s.Name, -1) == s {
			return fmt.Errorf("stage name %s would mean another stage", s.Name)
		}
	}
	args := func(d *Document) map[string]int {
		n := map[string]int{}
		for _, in := range d.Instructions {
			if a, ok := in.Cmd.(*instructions.ArgCommand); ok {
				for _, kv := range a.Args {
					n[kv.Key]++
				}
			}
		}
		return n
	}
	have := args(after)
	for k, n := range args(before) {
		if have[k] < n { // each stage needs its own
			return fmt.Errorf("build arg %s would vanish", k)
		}
	}
	old := stageRefs(before)
	if len(old) == 0 {
		return nil
	}
	// A stage is known by its place as long as none comes or goes, else by what
	// is in it.
	id := func(s *Stage) string {
		switch {
		case s == nil:
			return "no stage"
		case len(before.Stages) == len(after.Stages):
			return fmt.Sprint(s.Index)
		}
		var b strings.Builder
		for _, in := range s.Instructions {
			b.WriteString(in.Text + "\n")
		}
		return b.String()
	}
	now := stageRefs(after)
	for _, o := range old {
		known, kept := false, false
		for _, n := range now {
			if n.args == o.args {
				known = known || n.from == o.from || o.number
				kept = kept || id(n.to) == id(o.to)
			}
		}
		if !kept && (known || o.number) {
			return fmt.Errorf("--from=%s would mean another stage, in %s", o.from, o.args)
		}
	}
	return nil
}

// stageRef is one COPY --from or RUN --mount=from that names a stage or an image.
type stageRef struct {
	args, from string
	number     bool
	to         *Stage // nil: an image
}

func stageRefs(d *Document) []stageRef {
	var out []stageRef
	add := func(args, from string) {
		if from != "" {
			_, number := atoi(from)
			out = append(out, stageRef{args, from, number, d.StageByRef(from, -1)})
		}
	}
	for _, in := range d.Instructions {
		if in.Keyword == "copy" {
			_, _, from, _ := in.Copy()
			add(in.Args.Text, from)
		}
		for _, m := range in.Mounts() {
			add(m["target"]+" "+m["source"], m["from"])
		}
	}
	return out
}

// gateSyntax: nothing newer than the file's `# syntax=` allows comes in.
// Versions: Docker's Dockerfile release notes.
func gateSyntax(before, after *Document, _ Change) error {
	allowed, named := before.Syntax()
	if !named {
		return nil // the builder's own frontend; what we add is at most 1.0 (--from, --chown)
	}
	old := features(before)
	for f, min := range features(after) {
		if !old[f].newer && min.newer && !atLeast(allowed, min.version) {
			return fmt.Errorf("%s needs Dockerfile syntax %s, the file says %s", f, min.version, allowed)
		}
	}
	return nil
}

type feature struct {
	version string
	newer   bool
}

func features(d *Document) map[string]feature {
	out := map[string]feature{}
	for _, in := range d.Instructions {
		if len(in.Heredocs) > 0 {
			out["heredoc"] = feature{"1.4", true}
		}
		for _, f := range in.Flags {
			name, _, _ := strings.Cut(f.Text, "=")
			switch name {
			case "--mount":
				out[name] = feature{"1.2", true}
			case "--chmod":
				out[name] = feature{"1.3", true}
			case "--link":
				out[name] = feature{"1.4", true}
			case "--keep-git-dir", "--checksum":
				out[name] = feature{"1.6", true}
			case "--exclude":
				out[name] = feature{"1.19", true}
			case "--parents":
				out[name] = feature{"1.20", true}
			}
		}
	}
	return out
}

// Syntax is the version in `# syntax=docker/dockerfile:VERSION`; named is false
// without such a directive. An image that isn't Docker's gives "".
func (d *Document) Syntax() (version string, named bool) {
	dir, ok := d.SyntaxDirective()
	if !ok {
		return "", false
	}
	ref, _, _ := strings.Cut(dir.Value, " ")
	ref, _, _ = strings.Cut(ref, "@")
	repository, tag, _ := strings.Cut(ref, ":")
	if !strings.HasSuffix(repository, "docker/dockerfile") && !strings.HasSuffix(repository, "docker/dockerfile-upstream") {
		return "", true
	}
	tag, _, _ = strings.Cut(tag, "-")
	if tag == "" && !strings.Contains(dir.Value, "@") {
		tag = "latest"
	}
	return tag, true
}

// SyntaxDirective is the directive that names the frontend; false without one.
// It is looked for behind a first line that begins with #! too, which the builder
// skips there, though the parser of the other directives stops at it
// (parser.DetectSyntax).
func (d *Document) SyntaxDirective() (Directive, bool) {
	for _, dir := range d.Directives {
		if dir.Name == "syntax" {
			return dir, true
		}
	}
	at := 0
	if strings.HasPrefix(d.Src, bom) {
		at = len(bom)
	}
	if !strings.HasPrefix(d.Src[at:], "#!") {
		return Directive{}, false
	}
	var directives parser.DirectiveParser
	for at = nextLine(d.Src, at); at < len(d.Src); {
		ln := readLine(d.Src, at)
		dir, err := directives.ParseLine([]byte(d.Src[ln.start:ln.end]))
		if err != nil || dir == nil {
			break
		}
		if dir.Name == "syntax" {
			return Directive{dir.Name, dir.Value, Span{ln.start, ln.end}}, true
		}
		at = ln.next
	}
	return Directive{}, false
}

// atLeast compares "1", "1.4", "1.4.2", "latest" with a minimum "1.N". A major
// alone, latest and labs mean the newest.
func atLeast(have, min string) bool {
	h := strings.Split(have, ".")
	if len(h) < 2 {
		n, ok := atoi(have)
		return ok && n > 0 || have == "latest" || have == "labs" || have == "master"
	}
	m := strings.Split(min, ".")
	a, ok1 := atoi(h[1])
	b, ok2 := atoi(m[1])
	return ok1 && ok2 && a >= b
}
