package rewrite

import (
	"fmt"
	"sort"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

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
	if sameConfigLines(before, after) {
		return nil
	}
	if f := before.Final().Config().Diff(after.Final().Config()) &^ c.Config; f != 0 {
		return fmt.Errorf("the final image's %s would change", f)
	}
	for i, s := range before.Stages {
		if s == before.Final() {
			continue
		}
		var t *Stage
		if s.Name != "" {
			t = after.StageByRef(s.Name, -1)
		} else if len(after.Stages) == len(before.Stages) {
			t = after.Stages[i]
		}
		if t != nil {
			if f := s.Config().Diff(t.Config()) &^ c.Config; f != 0 {
				return fmt.Errorf("stage %s's %s would change", first(s.Name, fmt.Sprint(i)), f)
			}
		}
	}
	return nil
}

// sameConfigLines reports whether all that makes the config stands there as
// before, in the same order: everything but RUN, COPY and ADD.
func sameConfigLines(before, after *Document) bool {
	next := func(d *Document, i int) int {
		for i < len(d.Instructions) {
			switch d.Instructions[i].Keyword {
			case "run", "copy", "add":
				i++
				continue
			}
			break
		}
		return i
	}
	i, j := next(before, 0), next(after, 0)
	for i < len(before.Instructions) && j < len(after.Instructions) {
		if before.Instructions[i].Text != after.Instructions[j].Text {
			return false
		}
		i, j = next(before, i+1), next(after, j+1)
	}
	return before.Escape == after.Escape && i == len(before.Instructions) && j == len(after.Instructions)
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
	return append(out, s.structure()...)
}

// structureMark begins the keys that stand for the shape of a script.
const structureMark = "\x00"

// structure lists what a script holds besides simple commands and && lists: a
// loss of these goes unseen when only commands are counted. They can't be
// declared, so gateCommands asks for them only where a change drops nothing.
func (s *Script) structure() []string {
	var out []string
	add := func(k string) { out = append(out, structureMark+k) }
	list := func(stmts []*syntax.Stmt) {
		for range stmts[min(1, len(stmts)):] {
			add(";")
		}
	}
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.File:
			list(n.Stmts)
		case *syntax.Subshell:
			list(n.Stmts)
		case *syntax.Block:
			list(n.Stmts)
		case *syntax.CmdSubst:
			list(n.Stmts)
		case *syntax.Stmt:
			if n.Negated {
				add("!")
			}
			if n.Background {
				add("&")
			}
		case *syntax.BinaryCmd:
			if n.Op != syntax.AndStmt {
				add(n.Op.String())
			}
		case *syntax.IfClause:
			add("if")
		case *syntax.WhileClause:
			add("while")
		case *syntax.ForClause:
			add("for " + s.Source(n.Loop))
		case *syntax.CaseClause:
			add("case " + s.Source(n.Word))
			for _, i := range n.Items {
				for _, p := range i.Patterns {
					add("case " + s.Source(p))
				}
			}
		case *syntax.FuncDecl:
			add("function " + n.Name.Value)
		case *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause:
			add(s.Source(n))
		case *syntax.Redirect:
			if n.Hdoc != nil {
				add("here-document " + s.Source(n.Hdoc))
			}
		}
		return true
	})
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
		what, shape := strings.CutPrefix(k, structureMark)
		switch {
		case shape:
			if n < 0 && len(c.Drops) == 0 || n > 0 && what == ";" && len(c.Adds) == 0 {
				bad = append(bad, fmt.Sprintf("a script would change its meaning: %q comes or goes", what))
			}
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
		if s.Name == "" {
			continue
		}
		t := after.StageByRef(s.Name, -1)
		if t == nil {
			return fmt.Errorf("stage name %s would vanish", s.Name)
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
		if tag == "" && !strings.Contains(dir.Value, "@") {
			tag = "latest"
		}
		return tag, true
	}
	return "", false
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
		if i == 1 { // a sibling without an ignore file of its own
			was, now = r.repo.Ignore(""), rp.Ignore("")
		}
		for _, src := range contextSources(d) {
			if strings.Contains(src, "$") {
				continue
			}
			if strings.ContainsAny(src, "*?[") {
				if all := rp.Glob(src); allExcluded(now, all) && !allExcluded(was, all) {
					return fmt.Errorf("all that COPY source %s matches would fall under %s", src, now.Path)
				}
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

func allExcluded(ig *repo.Ignore, files []string) bool {
	for _, f := range files {
		if !ig.Excluded(f) {
			return false
		}
	}
	return len(files) > 0
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
