package rewrite

import (
	"fmt"
	"sort"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
)

// gate holds a change against the promises that every edit must keep. That the
// result parses is checked before (Reparse, and Parse at the end of a run).
func gate(r *run, after *Document, rp *repo.Repo, files map[string]string, c Change) error {
	before := r.doc
	if after != before {
		for _, g := range []func(before, after *Document, c Change) error{gateConfig, gateCommands, gateStages, gateSyntax} {
			if err := g(before, after, c); err != nil {
				return err
			}
		}
	}
	return gateSources(r, after, rp, files)
}

// gateConfig: the image config of the final stage, and of every stage that
// keeps its name, differs in the declared fields at most.
func gateConfig(before, after *Document, c Change) error {
	if f := before.Final().Config().Diff(after.Final().Config()) &^ c.Config; f != 0 {
		return fmt.Errorf("the final image's %s would change", f)
	}
	for _, s := range before.Stages {
		if s.Name == "" || s == before.Final() {
			continue
		}
		if t := after.StageByRef(s.Name, -1); t != nil {
			if f := s.Config().Diff(t.Config()) &^ c.Config; f != 0 {
				return fmt.Errorf("stage %s's %s would change", s.Name, f)
			}
		}
	}
	return nil
}

// Commands are the simple commands that an instruction runs, as keys. An
// instruction that can't be read as a script counts as one command.
func (in *Instruction) commandKeys() []string {
	if in.Keyword != "run" {
		return nil
	}
	s, why := in.Shell()
	if why != "" {
		text := in.Args.Text
		for _, h := range in.Heredocs {
			text += "\n" + in.doc.Src[h.Body.Start:h.Body.End]
		}
		return []string{text}
	}
	out := make([]string, 0, 8)
	for _, cmd := range s.Commands() {
		out = append(out, cmd.Key)
	}
	return out
}

// gateCommands: the multiset of commands in RUN is the same, declared ones
// apart, and no package that was installed is lost.
func gateCommands(before, after *Document, c Change) error {
	count := map[string]int{}
	shared := map[string]int{} // unchanged instructions need no look
	for _, in := range after.Instructions {
		if in.Keyword == "run" {
			shared[in.Raw()]++
		}
	}
	for _, in := range before.Instructions {
		if in.Keyword != "run" {
			continue
		}
		if raw := in.Raw(); shared[raw] > 0 {
			shared[raw]--
			continue
		}
		for _, k := range in.commandKeys() {
			count[k]--
		}
	}
	for _, in := range after.Instructions {
		if in.Keyword != "run" {
			continue
		}
		if raw := in.Raw(); shared[raw] > 0 {
			shared[raw]--
			for _, k := range in.commandKeys() {
				count[k]++
			}
		}
	}
	for _, k := range c.Adds {
		count[k]--
	}
	for _, k := range c.Drops {
		count[k]++
	}
	var bad []string
	for k, n := range count {
		switch {
		case n < 0:
			bad = append(bad, fmt.Sprintf("command lost: %q", k))
		case n > 0:
			bad = append(bad, fmt.Sprintf("command added: %q", k))
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return fmt.Errorf("%s", strings.Join(bad, "; "))
	}
	lost := packageSet(c.Drops)
	for p := range packageSet(c.Adds) {
		delete(lost, p)
	}
	for p := range lost {
		return fmt.Errorf("package lost: %s", p)
	}
	return nil
}

// packageSet is what the install commands among keys install.
func packageSet(keys []string) map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		f := strings.Fields(k)
		for i, w := range f {
			if (w == "install" || w == "add" || w == "i") && i > 0 {
				for _, p := range f[i+1:] {
					if !strings.HasPrefix(p, "-") && !strings.ContainsAny(p, ">|&;") {
						out[p] = true
					}
				}
				break
			}
		}
	}
	return out
}

// gateStages: names of stages and build args that compose, bake or CI files may
// use stay, and references by number still mean the same stage.
func gateStages(before, after *Document, _ Change) error {
	for _, s := range before.Stages {
		if s.Name != "" && after.StageByRef(s.Name, -1) == nil {
			return fmt.Errorf("stage name %s would vanish", s.Name)
		}
	}
	have := map[string]bool{}
	for _, in := range after.Instructions {
		if a, ok := in.Cmd.(*instructions.ArgCommand); ok {
			for _, kv := range a.Args {
				have[kv.Key] = true
			}
		}
	}
	for _, in := range before.Instructions {
		if a, ok := in.Cmd.(*instructions.ArgCommand); ok {
			for _, kv := range a.Args {
				if !have[kv.Key] {
					return fmt.Errorf("build arg %s would vanish", kv.Key)
				}
			}
		}
	}
	refs := func(d *Document) []string {
		var out []string
		for _, in := range d.Instructions {
			cp, ok := in.Cmd.(*instructions.CopyCommand)
			if !ok {
				continue
			}
			if _, num := atoi(cp.From); num {
				to := "?"
				if s := d.StageByRef(cp.From, in.Stage.Index); s != nil {
					to = s.From.Args.Text
				}
				out = append(out, in.Args.Text+" from "+to)
			}
		}
		sort.Strings(out)
		return out
	}
	old := refs(before)
	if len(old) == 0 {
		return nil
	}
	now := strings.Join(refs(after), "\n")
	for _, o := range old {
		if !strings.Contains(now, o) {
			return fmt.Errorf("a reference to a stage by number would mean another stage: %s", o)
		}
	}
	return nil
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
	for _, dir := range d.Directives {
		if dir.Name != "syntax" {
			continue
		}
		ref, _, _ := strings.Cut(dir.Value, " ")
		ref, _, _ = strings.Cut(ref, "@")
		repository, tag, _ := strings.Cut(ref, ":")
		if !strings.HasSuffix(repository, "docker/dockerfile") && !strings.HasSuffix(repository, "docker/dockerfile-upstream") {
			return "", true
		}
		tag, _, _ = strings.Cut(tag, "-")
		return tag, true
	}
	return "", false
}

// atLeast compares "1", "1.4", "1.4.2", "latest" with a minimum "1.N". A major
// alone, latest and labs mean the newest.
func atLeast(have, min string) bool {
	h := strings.Split(have, ".")
	if len(h) < 2 {
		return have != ""
	}
	m := strings.Split(min, ".")
	a, ok1 := atoi(h[1])
	b, ok2 := atoi(m[1])
	return ok1 && ok2 && a >= b
}

// gateSources: no COPY source falls under .dockerignore that did not before,
// and no new COPY source is missing from the context.
func gateSources(r *run, after *Document, rp *repo.Repo, files map[string]string) error {
	if !rp.Known() || r.in.Name == "" && len(files) == 0 {
		return nil
	}
	docs := []*Document{after}
	if len(files) > 0 {
		docs = append(docs, r.in.Siblings...)
	}
	old := map[string]bool{}
	for _, src := range contextSources(r.doc) {
		old[src] = true
	}
	was, now := r.repo.Ignore(r.in.Name), rp.Ignore(r.in.Name)
	for i, d := range docs {
		for _, src := range contextSources(d) {
			if strings.ContainsAny(src, "$*?[") {
				continue
			}
			if now.Excluded(src) && (!was.Excluded(src) || i == 0 && !old[src]) {
				return fmt.Errorf("COPY source %s would fall under %s", src, now.Path)
			}
			if i == 0 && !old[src] && src != "." && !rp.Exists(src) {
				return fmt.Errorf("COPY source %s is not in the build context", src)
			}
		}
	}
	return nil
}

// contextSources lists what COPY and ADD take from the build context, cleaned.
func contextSources(d *Document) []string {
	var out []string
	for _, in := range d.Instructions {
		for _, s := range in.ContextSources() {
			out = append(out, s)
		}
	}
	return out
}
